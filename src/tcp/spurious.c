/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/spurious.c: was the last reduction of the window a mistake? Then it is undone (RFC 4015).
 *
 * Three witnesses, each enough: the timestamp echoed by the first new ACK is older than the first
 * retransmission (Eifel, RFC 3522); D-SACK has reported every octet that was sent again as a
 * duplicate (RFC 3708); after a timeout something was delivered that had been sent before it and
 * never again (F-RTO with SACK, RFC 5682 3). The timestamp clock ticks in milliseconds, so on short
 * paths the first one is silent.
 */
#include "tcp/conn.h"

void undo_begin(struct tcp *t, struct tcp_conn *c, bool rto, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    (void)now;
    c->cc.prior_cwnd = c->cc.cwnd;
    c->cc.prior_ssthresh = c->cc.ssthresh;
    if (x == NULL)
        return;
    x->undo_ok = !x->blind;
    x->undo_rto = rto;
    x->undo_lo = c->snd.una;
    x->undo_left = x->undo_sent = 0;
    x->stamped = false;
}

void undo_sent(struct tcp *t, struct tcp_conn *c, struct seq lo, uint32_t len, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    if (x == NULL || !x->undo_ok)
        return;
    /* Only an ACK of the first retransmission tells, and only if that is what SND.UNA waits for: an
     * older hole may be filled by what an earlier recovery sent, with an older timestamp. */
    if (x->undo_sent == 0 && seq_eq(lo, c->snd.una)) {
        x->stamped = true;
        x->undo_stamp = tsval_now(t, c->ts_off, now);
    }
    x->undo_left += len;
    x->undo_sent += len;
}

/* The D-SACK covers something that was sent again since. */
static void account(struct xmit *x, const struct news *n)
{
    if (!n->dsack || !seq_ge(n->dsack_lo, x->undo_lo))
        return;
    uint32_t len = (uint32_t)seq_diff(n->dsack_hi, n->dsack_lo);
    x->undo_left = x->undo_left > len ? x->undo_left - len : 0;
}

static unsigned witness(const struct tcp_conn *c, struct xmit *x, const struct news *n)
{
    bool in_it = c->recovery || c->rto_recovery;
    if (in_it && x->stamped && n->has_tsecr && n->una_moved &&
        (int32_t)(n->tsecr - x->undo_stamp) < 0)
        return CAUSE_CC_UNDO_EIFEL; /* [RFC3522:3.2] */
    if (c->rto_recovery && x->frto && n->orig)
        return CAUSE_CC_UNDO_FRTO; /* [RFC5682:3.1] */
    if (x->undo_sent != 0 && x->undo_left == 0)
        return CAUSE_CC_UNDO_DSACK; /* [RFC3708:2] */
    return 0;
}

bool undo_ack(struct tcp *t, struct tcp_conn *c, const struct news *n, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    if (!x->undo_ok)
        return false;
    account(x, n);
    unsigned cause = witness(c, x, n);
    if (x->frto && (n->una_moved || n->sacked != 0) && !n->orig && n->any && !n->newest_again)
        x->frto = false; /* new data got through before anything old: the loss was real */
    if (cause == 0)
        return false;
    for (uint32_t i = x->lhead, next; i != 0; i = next) {
        next = sent_at(t, i)->anext;
        sent_found(t, c, x, i);
    }
    if (!x->undo_rto)
        x->reordering = true; /* what came late was not lost */
    /* What was sent again was acknowledged for its first transmission: only what was sent once
     * tells RACK how far delivery has come. */
    x->rack_ns = n->clean_ns;
    x->rack_end = n->clean_end;
    c->recovery = c->rto_recovery = false;
    x->undo_ok = x->frto = false;
    x->cwv_base = 0;
    c->owe_rexmt = 0;
    conn_cc(t, c)->on_undo(&c->cc);
    note_cc(t, c, cause, now);
    return true;
}
