/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/newreno.c: loss recovery for connections whose flight has no records, since the peer does not
 * do SACK or a pool was empty: fast retransmit and fast recovery (RFC 5681 3.2, RFC 6582
 * "NewReno"), limited transmit (RFC 3042; plan.c), and go-back-N after a timeout.
 *
 * It decides what is retransmitted; how large the window is is the congestion control's affair
 * (cc/cc.h), but for its inflation by duplicate ACKs, which stands for what has left the network.
 */
#include "tcp/conn.h"

#define DUPTHRESH 3 /* [RFC5681:3.2] */

static void partial_ack(struct tcp *t, struct tcp_conn *c, uint32_t acked)
{
    /* [RFC6582:3.2] step 3: the next hole, and the window deflated by what left the network. */
    if (!conn_cc(t, c)->own_recovery) {
        uint32_t cwnd = c->cc.cwnd > acked ? c->cc.cwnd - acked : 0;
        if (acked >= c->cc.mss)
            cwnd += c->cc.mss;
        c->cc.cwnd = cwnd > c->cc.mss ? cwnd : c->cc.mss;
    }
    c->owe_rexmt = CAUSE_TX_REXMT_PARTIAL; /* [RFC6582:3] */
    tcp_ready(t, c);
}

static void full_ack(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    /* [RFC6582:3.2] step 3, full acknowledgment, option 1: no burst when little is in flight. */
    uint32_t left = (uint32_t)seq_diff(c->snd.nxt, c->snd.una);
    uint32_t most = (left > c->cc.mss ? left : c->cc.mss) + c->cc.mss;
    const struct cc_ops *cc = conn_cc(t, c);
    const struct xmit *x = conn_xmit(t, c);
    c->recovery = false;
    cc->on_recovered(&c->cc, left, now);
    cwv_settle(t, c, x != NULL ? x->cwv_base : 0, x != NULL ? x->cwv_lost : 0);
    if (c->cc.cwnd > most && !cc->own_recovery)
        c->cc.cwnd = most;
    note_cc(t, c, CAUSE_CC_RECOVERED, now);
}

void newreno_ack(struct tcp *t, struct tcp_conn *c, const struct news *n, struct tern_time now)
{
    uint32_t acked = (uint32_t)seq_diff(c->snd.una, n->una_before);
    bool was = c->recovery;
    c->dupacks = 0;
    c->owe_rexmt = 0;
    if (c->rto_recovery && seq_ge(c->snd.una, c->snd.recover))
        c->rto_recovery = false;
    if (c->recovery && seq_ge(c->snd.una, c->snd.recover))
        full_ack(t, c, now);
    else if (c->recovery)
        partial_ack(t, c, acked);
    /* Sequence numbers compare within 2^31: an old `recover` must follow, or it would seem ahead.
     */
    if (!was && seq_gt(c->snd.una, c->snd.recover))
        c->snd.recover = seq_sub(c->snd.una, 1);
    struct cc_ack a = {.now = now,
                       .acked = acked,
                       .flight_before = n->flight_before,
                       .flight = snd_flight(c),
                       .srtt_us = c->rtt.srtt_us,
                       .limited = (c->cwnd_limited || c->rto_recovery) && !ecn_news(t, c),
                       .classic = t->pol->grow_half,
                       .recovery = was,
                       .rto_recovery = c->rto_recovery,
                       .ece = n->ece || ecn_news(t, c)};
    struct xmit *x = conn_xmit(t, c);
    if (x != NULL) { /* rounds and rates: by the total alone */
        x->delivered += acked;
        a.delivered = a.prior_delivered = x->delivered;
        if (seq_ge(c->snd.una, x->dsack_round)) {
            a.round_start = true;
            x->dsack_round = c->snd.nxt;
            cwv_round(t, c, x, (uint32_t)(x->delivered - x->round_end), now);
            x->round_end = x->delivered;
        }
    }
    if (acked > 0)
        conn_cc(t, c)->on_ack(&c->cc, &a);
    c->cwnd_limited = false;
}

static void enter(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    const struct cc_ops *cc = conn_cc(t, c);
    struct xmit *x = conn_xmit(t, c);
    uint32_t flight = (uint32_t)seq_diff(c->snd.nxt, c->snd.una), base = 0;
    c->snd.recover = c->snd.nxt;
    c->recovery = true;
    c->rtt.timed_ns = 0;
    c->cc.prior_cwnd = c->cc.cwnd;
    c->cc.prior_ssthresh = c->cc.ssthresh;
    if (x != NULL) {
        x->cwv_base = base = cwv_congested(t, c, flight, now); /* [RFC7661:4.4.1] */
        x->cwv_lost = 0;
    }
    cc->on_loss(&c->cc, flight, now);
    if (!cc->own_recovery) /* [RFC6582:3.2] step 2 */
        c->cc.cwnd = (base != 0 ? base / 2 : c->cc.ssthresh) + DUPTHRESH * c->cc.mss;
    note_cc(t, c, CAUSE_CC_FAST_RECOVERY, now);
    c->owe_rexmt = CAUSE_TX_REXMT_FAST;
}

void newreno_dupack(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    const struct cc_ops *cc = conn_cc(t, c);
    if (c->dupacks < UINT8_MAX)
        c->dupacks++;
    if (c->recovery) {
        if (c->cc.cwnd < UINT32_MAX / 2 && !cc->own_recovery)
            c->cc.cwnd += c->cc.mss; /* [RFC6582:3.2] step 2: one segment has left the network */
        /* [RFC5681:3.2#1] */
    } else if (c->dupacks == DUPTHRESH && !c->rto_recovery && seq_gt(c->snd.una, c->snd.recover)) {
        enter(t, c, now);
    }
    tcp_ready(t, c);
}
