/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/sack.c: the scoreboard: what the receiver says it has beyond the cumulative acknowledgment
 * (RFC 2018), and what it says it got twice (RFC 2883).
 *
 * A block is looked for from where the last one was found: an ACK's first block extends the same
 * run again and again, and a run is one record. Blocks that the last ACK had too are skipped.
 * Blocks that cannot be (beyond SND.NXT, below SND.UNA) are ignored; the first one below SND.UNA,
 * or inside the second, reports a duplicate.
 */
#include "tcp/conn.h"

bool sack_enough(const struct tcp_conn *c, const struct xmit *x)
{
    /* [RFC6675:4#1] */
    return x->sacked > 2 * c->cc.mss; /* more than (DupThresh - 1) * SMSS [RFC6675:4] IsLost() */
}

/* The first record that ends above `seq`; 0 = none. */
static uint32_t find(const struct tcp *t, const struct xmit *x, struct seq seq)
{
    uint32_t idx = x->hint != 0 ? x->hint : x->head;
    if (idx == 0)
        return 0;
    while (idx != 0 && seq_le(sent_at(t, idx)->hi, seq))
        idx = sent_at(t, idx)->next;
    if (idx == 0)
        return 0;
    for (uint32_t prev; (prev = sent_at(t, idx)->prev) != 0; idx = prev)
        if (seq_le(sent_at(t, prev)->hi, seq))
            break;
    return idx;
}

/* What of a record a block covers in whole segments: a receiver has or has not what was one, and a
 * block that says otherwise must not cut records to pieces. False: nothing. */
static bool whole(const struct tcp_conn *c, const struct sent *s, struct seq *lo, struct seq *hi)
{
    uint32_t mss = c->cc.mss;
    if (seq_lt(s->lo, *lo)) {
        uint32_t off = (uint32_t)seq_diff(*lo, s->lo);
        *lo = seq_add(s->lo, (off + mss - 1) / mss * mss);
    }
    if (seq_lt(*hi, s->hi) && seq_lt(*lo, *hi)) {
        struct seq from = seq_max(*lo, s->lo);
        *hi = seq_add(from, (uint32_t)seq_diff(*hi, from) / mss * mss);
    }
    return seq_lt(*lo, s->hi) && seq_lt(*lo, *hi) && seq_lt(s->lo, *hi);
}

static void mark(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct seq lo, struct seq hi,
                 struct news *n)
{
    uint32_t idx = find(t, x, lo);
    while (idx != 0 && seq_lt(sent_at(t, idx)->lo, hi)) {
        struct sent *s = sent_at(t, idx);
        if (s->is == SENT_SACKED) {
            x->hint = idx;
            idx = s->next;
            continue;
        }
        struct seq from = lo, to = hi;
        if (t->pol->sack_whole && !whole(c, s, &from, &to)) {
            idx = s->next;
            continue;
        }
        if (seq_lt(s->lo, from)) {
            if ((idx = sent_split(t, x, idx, from)) == 0)
                return; /* no record for it: it stays unmarked, and is sent again at worst */
            s = sent_at(t, idx);
        }
        if (seq_gt(s->hi, to) && sent_split(t, x, idx, to) == 0)
            return;
        uint32_t len = (uint32_t)seq_diff(s->hi, s->lo);
        sent_delivered(c, s, s->hi, n);
        n->sacked += len;
        if (s->rexmts == 0 && seq_lt(s->hi, x->fack))
            news_late(n, s->lo, x->fack); /* [RFC8985:6.2] step 3 */
        x->hint = idx;
        sent_sacked(t, c, x, idx); /* may join it with a neighbour */
        idx = sent_at(t, x->hint)->next;
    }
}

/* [RFC2883:4] */
static bool duplicate_report(const struct tcp_seg *s)
{
    if (s->opt.nsack == 0)
        return false;
    if (seq_le(s->opt.sack[0].hi, s->ack))
        return true;
    return s->opt.nsack > 1 && seq_ge(s->opt.sack[0].lo, s->opt.sack[1].lo) &&
           seq_le(s->opt.sack[0].hi, s->opt.sack[1].hi);
}

static bool seen_before(const struct xmit *x, struct seq lo, struct seq hi)
{
    for (unsigned i = 0; i < 4; i++)
        if (seq_eq(x->seen[i].lo, lo) && seq_eq(x->seen[i].hi, hi))
            return true;
    return false;
}

void sack_take(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s, struct news *n)
{
    struct xmit *x = conn_xmit(t, c);
    if (x == NULL || !c->sack_ok || s->opt.nsack == 0)
        return;
    unsigned first = 0;
    if (duplicate_report(s)) {
        n->dsack = true;
        n->dsack_lo = s->opt.sack[0].lo;
        n->dsack_hi = s->opt.sack[0].hi;
        first = 1;
    }
    if (x->blind)
        return;
    for (unsigned i = first; i < s->opt.nsack; i++) {
        struct seq lo = seq_max(s->opt.sack[i].lo, c->snd.una), hi = s->opt.sack[i].hi;
        if (seq_gt(hi, c->snd.nxt) || !seq_lt(lo, hi) || seen_before(x, s->opt.sack[i].lo, hi))
            continue;
        mark(t, c, x, lo, hi, n);
    }
    memset(x->seen, 0, sizeof x->seen);
    for (unsigned i = first; i < s->opt.nsack && i < 4; i++) {
        x->seen[i].lo = s->opt.sack[i].lo;
        x->seen[i].hi = s->opt.sack[i].hi;
    }
    tern_assert(c->gone == x->sacked + x->lost);
}

void sack_renege(struct tcp *t, struct tcp_conn *c)
{
    struct xmit *x = conn_xmit(t, c);
    tern_assert(x != NULL);
    for (uint32_t i = x->head; i != 0; i = sent_at(t, i)->next)
        if (sent_at(t, i)->is == SENT_SACKED)
            sent_lost(t, c, x, i, CAUSE_TX_REXMT_GO_BACK);
    memset(x->seen, 0, sizeof x->seen);
}
