/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/pmtu_cache.c: a small table of destinations whose path is narrower than our link, so that new
 * connections need not find out again. Four places for a hash; a keyed one, so that nobody can
 * choose whom he displaces. An entry is good for ten minutes [RFC1191:6.3].
 */
#include "tcp/conn.h"

#define AGE_NS INT64_C(600000000000)

static struct pmtu_entry *set_of(struct pmtu_cache *k, const struct tcp *t,
                                 const struct tcp_conn *c)
{
    uint64_t h = hash_bytes(&t->key_prefix, c->tuple.raddr, 16);
    return k->e[h % PMTU_SETS];
}

static bool is_of(const struct pmtu_entry *e, const struct tcp_conn *c)
{
    return e->fam == c->tuple.fam && memcmp(e->addr, c->tuple.raddr, 16) == 0;
}

const struct pmtu_entry *pmtu_find(const struct tcp *t, const struct tcp_conn *c,
                                   struct tern_time now)
{
    if (t->pmtu.used == 0)
        return NULL;
    uint64_t h = hash_bytes(&t->key_prefix, c->tuple.raddr, 16);
    const struct pmtu_entry *e = t->pmtu.e[h % PMTU_SETS];
    for (unsigned i = 0; i < PMTU_WAYS; i++)
        if (is_of(&e[i], c))
            return now.ns - e[i].at_ns < AGE_NS ? &e[i] : NULL;
    return NULL;
}

uint16_t pmtu_mss(const struct tcp *t, const struct tcp_conn *c, uint16_t mss, struct tern_time now)
{
    const struct pmtu_entry *e = pmtu_find(t, c, now);
    uint32_t headers = c->tuple.fam == TERN_AF_IP6 ? 60 : 40;
    return e != NULL && e->hi - headers < mss ? (uint16_t)(e->hi - headers) : mss;
}

void pmtu_remember(struct tcp *t, const struct tcp_conn *c, uint16_t lo, uint16_t hi,
                   struct tern_time now)
{
    struct pmtu_cache *k = &t->pmtu;
    struct pmtu_entry *set = set_of(k, t, c), *e = NULL;
    tern_assert(lo <= hi);
    for (unsigned i = 0; i < PMTU_WAYS && e == NULL; i++)
        if (is_of(&set[i], c))
            e = &set[i];
    for (unsigned i = 0; i < PMTU_WAYS && e == NULL; i++)
        if (set[i].fam == 0 || now.ns - set[i].at_ns >= AGE_NS)
            e = &set[i];
    if (e == NULL) {
        k->rng = k->rng * UINT64_C(6364136223846793005) + t->key_prefix.k1 + 1;
        e = &set[k->rng >> 62];
    }
    k->used += e->fam == 0;
    memcpy(e->addr, c->tuple.raddr, 16);
    e->fam = c->tuple.fam;
    e->at_ns = now.ns;
    e->lo = lo;
    e->hi = hi;
}
