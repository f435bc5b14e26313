/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/named.h"

#include "base/assert.h"
#include "base/seq.h"
#include <string.h>

static void named_add(struct named *nm, enum tern_lose_named what, uint32_t n, unsigned dir)
{
    for (unsigned i = 0; i < nm->n; i++) {
        if (nm->entry[i].what == what && nm->entry[i].n == n && !nm->entry[i].dir[dir]) {
            nm->entry[i].dir[dir] = true;
            return;
        }
    }
    tern_assert(nm->n < 2 * NAMED_ENTRIES);
    nm->entry[nm->n].what = what;
    nm->entry[nm->n].n = n;
    nm->entry[nm->n].dir[dir] = true;
    nm->n++;
}

void named_init(struct named *nm, const struct tern_impair_config *out,
                const struct tern_impair_config *in)
{
    const struct tern_impair_config *cfg[2] = {out, in};
    memset(nm, 0, sizeof *nm);
    for (unsigned d = 0; d < 2; d++) {
        for (unsigned i = 0; cfg[d] && i < cfg[d]->nnamed; i++)
            named_add(nm, cfg[d]->named[i].what, cfg[d]->named[i].n, d);
    }
}

static struct named_conn *named_conn(struct named *nm, const struct frame_view *v, unsigned *side)
{
    int cmp = memcmp(v->src, v->dst, 4);
    unsigned s = cmp < 0 || (cmp == 0 && v->sport <= v->dport) ? 0 : 1;
    struct named_conn *oldest = &nm->conn[0];
    *side = s;
    nm->stamp++;
    for (unsigned i = 0; i < NAMED_CONNS; i++) {
        struct named_conn *c = &nm->conn[i];
        if (c->used && memcmp(c->addr[s], v->src, 4) == 0 &&
            memcmp(c->addr[1 - s], v->dst, 4) == 0 && c->port[s] == v->sport &&
            c->port[1 - s] == v->dport) {
            c->used = nm->stamp;
            return c;
        }
        if (c->used < oldest->used)
            oldest = c;
    }
    memset(oldest, 0, sizeof *oldest);
    memcpy(oldest->addr[s], v->src, 4);
    memcpy(oldest->addr[1 - s], v->dst, 4);
    oldest->port[s] = v->sport;
    oldest->port[1 - s] = v->dport;
    oldest->used = nm->stamp;
    return oldest;
}

/* The same ports once more: a new connection. */
static void named_restart(struct named_conn *c)
{
    struct named_conn fresh = {.port = {c->port[0], c->port[1]}, .used = c->used};
    memcpy(fresh.addr, c->addr, sizeof fresh.addr);
    *c = fresh;
}

static unsigned named_syn(struct named_conn *c, bool ack, unsigned s)
{
    if (ack)
        return 1u << TERN_LOSE_SYN_ACK;
    if (c->fin_seen[0] || c->fin_seen[1] || c->acked[s])
        named_restart(c);
    c->syn[s] = true;
    return 1u << TERN_LOSE_SYN;
}

/* FIN, and the ACK of the one that came second. */
static unsigned named_closing(struct named_conn *c, const struct frame_view *v, unsigned s)
{
    if (v->th & TERN_TH_FIN) {
        if (c->fin_seen[s])
            return 0;
        c->fin_seen[s] = true;
        c->fin_end[s] = v->seq + v->data_len + 1;
        c->last_fin = (uint8_t)s;
        return 1u << TERN_LOSE_FIN;
    }
    if (!c->fin_seen[0] || !c->fin_seen[1] || c->last_fin == s || c->last_acked ||
        seq_lt(seq_of(v->ack), seq_of(c->fin_end[1 - s])))
        return 0;
    c->last_acked = true;
    return 1u << TERN_LOSE_LAST_ACK;
}

/* What this segment is to its connection, as a set of 1 << enum tern_lose_named. */
static unsigned named_kinds(struct named_conn *c, const struct frame_view *v, unsigned s)
{
    bool ack = v->th & TERN_TH_ACK;
    if (v->th & TERN_TH_RST)
        return 1u << TERN_LOSE_RST;
    if (v->th & TERN_TH_SYN)
        return named_syn(c, ack, s);
    unsigned kinds = 0;
    if (ack && c->syn[s] && !c->acked[s]) {
        c->acked[s] = true;
        kinds |= 1u << TERN_LOSE_3RD_ACK;
    }
    if (v->data_len) {
        c->data[s]++;
        kinds |= 1u << TERN_LOSE_DATA_N;
    }
    return kinds | named_closing(c, v, s);
}

bool named_look(struct named *nm, const struct frame_view *v, unsigned dir)
{
    if (nm->n == 0 || !v->tcp)
        return false;
    unsigned side;
    struct named_conn *c = named_conn(nm, v, &side);
    unsigned kinds = named_kinds(c, v, side);
    for (unsigned i = 0; i < nm->n; i++) {
        if (nm->entry[i].done || !nm->entry[i].dir[dir] || !(kinds >> nm->entry[i].what & 1))
            continue;
        if (nm->entry[i].what == TERN_LOSE_DATA_N && c->data[side] != nm->entry[i].n)
            continue;
        nm->entry[i].done = true;
        return true;
    }
    return false;
}
