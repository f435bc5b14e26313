/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/recovery.c: loss recovery without SACK: fast retransmit and fast recovery (RFC 5681 3.2,
 * RFC 6582 "NewReno"), limited transmit (RFC 3042), and the return to slow start after a timeout.
 *
 * It decides what is retransmitted; how large the window is is the congestion control's affair
 * (cc/cc.h). After a timeout everything outstanding counts as lost: snd.rtx goes back to snd.una
 * and the segments from there are sent again as the window allows.
 */
#include "tcp/conn.h"

#define DUPTHRESH 3 /* [RFC5681:3.2] */

static void partial_ack(struct tcp *t, struct tcp_conn *c, uint32_t acked)
{
    /* [RFC6582:3.2] step 3: the next hole, and the window deflated by what left the network. */
    uint32_t cwnd = c->cc.cwnd > acked ? c->cc.cwnd - acked : 0;
    if (acked >= c->cc.mss)
        cwnd += c->cc.mss;
    c->cc.cwnd = cwnd > c->cc.mss ? cwnd : c->cc.mss;
    c->owe_rexmt = CAUSE_TX_REXMT_PARTIAL;
    tcp_ready(t, c);
}

void recovery_ack(struct tcp *t, struct tcp_conn *c, uint32_t acked, uint32_t flight,
                  struct tern_time now)
{
    c->dupacks = 0;
    c->rexmts = 0;
    c->owe_rexmt = 0;
    if (c->rto_recovery && seq_ge(c->snd.una, c->snd.recover))
        c->rto_recovery = false;
    if (!c->recovery) {
        if (acked > 0)
            t->cc->on_ack(&c->cc, acked, flight, c->cwnd_limited || c->rto_recovery, now,
                          c->rtt.srtt_us);
    } else if (seq_ge(c->snd.una, c->snd.recover)) {
        c->recovery = false;
        t->cc->on_recovered(&c->cc, (uint32_t)seq_diff(c->snd.nxt, c->snd.una), now);
        note_cc(t, c, CAUSE_CC_RECOVERED, now);
    } else {
        partial_ack(t, c, acked);
    }
    c->cwnd_limited = false;
}

void recovery_dupack(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    if (c->dupacks < UINT8_MAX)
        c->dupacks++;
    if (c->recovery) {
        if (c->cc.cwnd < UINT32_MAX / 2)
            c->cc.cwnd += c->cc.mss; /* [RFC6582:3.2] step 2: one segment has left the network */
    } else if (c->dupacks == DUPTHRESH && !c->rto_recovery &&
               seq_gt(c->snd.una, c->snd.recover)) {
        uint32_t flight = (uint32_t)seq_diff(c->snd.nxt, c->snd.una);
        c->snd.recover = c->snd.nxt;
        c->recovery = true;
        c->rtt.timed_ns = 0;
        t->cc->on_loss(&c->cc, flight, now);
        note_cc(t, c, CAUSE_CC_FAST_RECOVERY, now);
        c->owe_rexmt = CAUSE_TX_REXMT_FAST;
    }
    tcp_ready(t, c);
}

void recovery_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    uint32_t flight = (uint32_t)seq_diff(c->snd.nxt, c->snd.una);
    tern_assert(flight > 0);
    t->cc->on_rto(&c->cc, flight, c->rexmts == 0, now);
    note_cc(t, c, CAUSE_CC_RTO, now);
    c->rexmts++;
    c->recovery = false;
    c->rto_recovery = true;
    c->snd.recover = c->snd.nxt;
    c->dupacks = 0;
    c->snd.rtx = c->snd.una;
    c->rtx_cause = CAUSE_TX_REXMT_RTO;
    c->owe_rexmt = 0;
    c->rtt.timed_ns = 0; /* Karn [RFC6298:3] */
    rtt_backoff(&c->rtt, t->cfg);
    tcp_ready(t, c);
}
