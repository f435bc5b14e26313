/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/prefix.c: what one source prefix may have: half-open records, connections, answers.
 *
 * Records are counted in a sketch of fixed size, so that a million prefixes cost as much as one.
 * Answers (SYN-ACKs, RSTs) take a token each from the prefix's bucket; a handshake that completes
 * gives its token back, because its source is no forgery. So a busy honest network is never
 * limited, and a victim whose address is forged gets at most a second's worth at once and then that
 * much a second. The buckets are a cache: under a flood from random sources each new prefix finds
 * a tenth of a bucket, and an attacker who drowns a victim's bucket out to get it a fresh one
 * spends sixteen times as many SYNs on that as the victim gets answers.
 *
 * The buckets themselves are in base/bucket.h: whoever answers SYNs for the stack (offload.c) takes
 * from the same ones.
 */
#include "tcp/guard.h"

void prefix_addr(const uint8_t *addr, unsigned fam, struct tern_addr *out)
{
    memset(out, 0, sizeof *out);
    out->fam = (uint8_t)fam;
    memcpy(out->b, addr, fam == TERN_AF_IP4 ? 3 : 7);
}

static uint32_t cell_of(uint64_t h, unsigned row)
{
    return (uint32_t)(h >> (row ? 44 : 32)) & (PREFIX_CELLS - 1);
}

void prefix_add(struct prefix_count *c, uint64_t h, int n)
{
    for (unsigned row = 0; row < PREFIX_ROWS; row++) {
        uint32_t *cell = &c->cell[row][cell_of(h, row)];
        tern_assert(n > 0 || *cell > 0);
        *cell += (uint32_t)n;
    }
}

uint32_t prefix_get(const struct prefix_count *c, uint64_t h)
{
    uint32_t a = c->cell[0][cell_of(h, 0)], b = c->cell[1][cell_of(h, 1)];
    return a < b ? a : b;
}

static struct tern_offload_bucket *bucket_of(const struct tcp *t, uint64_t h, uint32_t ms)
{
    struct tern_offload_bucket *set = t->bucket[bucket_set(h)];
    return &set[bucket_find(set, h, ms, t->cfg->prefix_answers_per_s)];
}

bool prefix_take(struct tcp *t, uint64_t h, struct tern_time now)
{
    uint32_t rate = t->cfg->prefix_answers_per_s, ms = tcp_ms(t, now);
    if (rate == 0)
        return true;
    if (bucket_take(bucket_of(t, h, ms), ms, rate))
        return true;
    t->detect.st.outcome[TERN_SYN_DROP_RATE]++;
    return false;
}

void prefix_back(struct tcp *t, uint64_t h, struct tern_time now)
{
    uint32_t rate = t->cfg->prefix_answers_per_s;
    if (rate == 0)
        return;
    struct tern_offload_bucket *b = bucket_of(t, h, tcp_ms(t, now));
    if (b->tokens < rate)
        b->tokens++;
}

bool prefix_conn_ok(const struct tcp *t, uint64_t h)
{
    uint32_t most = t->cfg->max_prefix_conns;
    return most == 0 || prefix_get(&t->prefix->conns, h) < most;
}

void prefix_conn(struct tcp *t, const struct tcp_conn *c, int n)
{
    if (t->cfg->max_prefix_conns != 0)
        prefix_add(&t->prefix->conns, prefix_hash(t, c->tuple.raddr, c->tuple.fam), n);
}
