/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/tlp.c: the tail loss probe (RFC 8985 7): when the end of a flight goes unanswered for two
 * round trips, one more segment is sent, new or the last again, so that SACK can show what is
 * missing long before the retransmission timer would.
 *
 * The RFC has one timer that is either the probe's or the retransmission's. Here both run: the
 * probe's is never the later one, at the same instant it comes first, and when it fires the other
 * begins anew, whether a probe goes out or not. So no timeout comes before the flight's first
 * probe.
 */
#include "tcp/conn.h"

#define SLACK_US  2000    /* of profiles that have it */
#define LEAST_US  10000   /* hosts that are busy answer late: no probe before this */
#define DELACK_US 200000  /* TLP.max_ack_delay [RFC8985:7.2] */
#define FIRST_US  1000000 /* without a round-trip sample */

/* What else finds a loss needs no probe [RFC8985:7.2]. */
static bool may_wait(const struct tcp *t, const struct tcp_conn *c, const struct xmit *x)
{
    return c->sack_ok && c->syn_acked && !x->blind && !c->recovery && !c->rto_recovery &&
           x->sacked == 0 && x->lost == 0 && !x->tlp_owed && x->head != 0 &&
           timer_on(c, TT_REXMT) && !(c->extra != 0 && ecn_held(t, c));
}

/* [RFC8985:7.2] TLP_calc_PTO() */
static int64_t pto_us(const struct tcp *t, const struct tcp_conn *c)
{
    if (c->rtt.srtt_us == 0)
        return FIRST_US;
    int64_t us = 2 * (int64_t)c->rtt.srtt_us + (t->pol->tlp_slack ? SLACK_US : 0);
    if ((uint32_t)seq_diff(c->snd.nxt, c->snd.una) <= c->cc.mss)
        us += DELACK_US;
    return us < LEAST_US && !t->pol->tlp_short ? LEAST_US : us;
}

void tlp_arm(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    const struct xmit *x = conn_xmit(t, c);
    if (x == NULL)
        return;
    if (may_wait(t, c, x)) { /* [RFC8985:7.2] */
        struct tern_time due = time_add_us(now, pto_us(t, c));
        if (due.ns > c->timer_ns[TT_REXMT])
            due.ns = c->timer_ns[TT_REXMT];
        timer_arm(t, c, TT_TLP, due, CAUSE_TM_TLP, now);
    } else {
        tlp_check(t, c, now);
    }
}

void tlp_check(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    const struct xmit *x = conn_xmit(t, c);
    if (x != NULL && x->timer_ns[0] != 0 && !may_wait(t, c, x))
        timer_stop(t, c, TT_TLP, CAUSE_TM_TLP_STOP, now);
}

/* One probe at a time, and a round trip is measured between two of them, or they would keep SRTT
 * from following the path [RFC8985:7.3#1]. */
void tlp_fire(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    if (x == NULL || !may_wait(t, c, x) || !state_synchronized(c->state))
        return;
    timer_rexmt_update(t, c, CAUSE_TM_REXMT, now); /* in any case */
    if (x->tlp_out || x->tlp_stale)
        return;
    x->tlp_owed = true;
    tcp_ready(t, c);
}

void tlp_sent(struct tcp *t, struct tcp_conn *c, bool again, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    x->tlp_owed = false;
    x->tlp_out = x->tlp_stale = true;
    x->tlp_rexmt = again;
    x->tlp_end = c->snd.nxt;
    timer_stop(t, c, TT_TLP, CAUSE_TM_TLP_STOP, now);
    timer_rexmt_update(t, c, CAUSE_TM_REXMT, now); /* [RFC8985:7.3] */
}

/* [RFC8985:7.4.2] Did the probe repair a loss? Then that was congestion. */
void tlp_ack(struct tcp *t, struct tcp_conn *c, const struct news *n, bool dup,
             struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    x->tlp_owed = false;
    if (!x->tlp_out || seq_lt(c->snd.una, x->tlp_end))
        return;
    const struct cc_ops *cc = conn_cc(t, c);
    /* Nothing was lost: it was new data, a D-SACK came, or an ACK that repeats the last: both
     * copies arrived. */
    bool twice = seq_eq(c->snd.una, x->tlp_end) && dup && !n->sacked && !n->una_moved;
    if (!x->tlp_rexmt || (n->dsack && seq_eq(n->dsack_hi, x->tlp_end)) || twice) {
        x->tlp_out = false;
    } else if (seq_gt(c->snd.una, x->tlp_end)) {
        /* More than the probe is acknowledged, and no D-SACK came: the probe was needed. */
        x->tlp_out = false;
        if (!c->recovery && !c->rto_recovery) {
            undo_begin(t, c, false, now);
            uint32_t base = cwv_congested(t, c, n->flight_before, now);
            cc->on_loss(&c->cc, n->flight_before, now);
            cc->on_recovered(&c->cc, snd_flight(c), now);
            cwv_settle(t, c, base, c->cc.mss);
            x->cut_ns = now.ns;
            note_cc(t, c, CAUSE_CC_TLP, now);
        }
    }
}
