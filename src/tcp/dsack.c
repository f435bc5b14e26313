/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/dsack.c: the receiver's side of SACK: which blocks an ACK carries. What arrived twice goes
 * first, once (D-SACK, RFC 2883), then the intervals beyond the hole, the most recently changed
 * first (RFC 2018).
 */
#include "tcp/conn.h"

void dsack_note(struct tcp_conn *c, struct seq lo, struct seq hi)
{
    if (!c->sack_ok || !seq_lt(lo, hi))
        return;
    c->dsack_lo = lo;
    c->dsack_hi = hi;
}

static bool dsack_owed(const struct tcp_conn *c)
{
    return !seq_eq(c->dsack_lo, c->dsack_hi);
}

/* The interval that a duplicate above RCV.NXT lies in: it must be the second block, or the sender
 * could not tell the first one from news [RFC2883:4.1] (3). */
static bool around(const struct tcp *t, const struct tcp_conn *c, struct range *out)
{
    for (uint32_t i = c->rcv.ooo.head; i != 0;) {
        const struct range *r = pool_at(&t->ooo, i);
        if (seq_le(r->lo, c->dsack_lo) && seq_le(c->dsack_hi, r->hi)) {
            *out = *r;
            return true;
        }
        i = r->next;
    }
    return false;
}

void conn_fill_sack(const struct tcp *t, const struct tcp_conn *c, struct tcp_opts *o)
{
    unsigned most = conn_sack_blocks(c), n = 0;
    struct range r[TCP_SACK_BLOCKS];
    if (most == 0)
        return;
    if (dsack_owed(c)) {
        o->sack[n].lo = c->dsack_lo;
        o->sack[n++].hi = c->dsack_hi;
        if (n < most && seq_ge(c->dsack_lo, c->rcv.nxt) && around(t, c, &r[0])) {
            o->sack[n].lo = r[0].lo;
            o->sack[n++].hi = r[0].hi;
        }
    }
    /* [RFC2018:4#2] */
    unsigned second = n, k = ranges_recent(&c->rcv.ooo, &t->ooo, r, TCP_SACK_BLOCKS);
    for (unsigned i = 0; i < k && n < most; i++) { /* [RFC2018:4#3] */
        if (second == 2 && seq_eq(r[i].lo, o->sack[1].lo))
            continue;
        o->sack[n].lo = r[i].lo;
        o->sack[n++].hi = r[i].hi;
    }
    o->nsack = (uint8_t)n;
}
