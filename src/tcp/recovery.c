/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/recovery.c: loss recovery: the order in which an ACK's news is taken, and the three
 * conditions of a connection: open, fast recovery, recovery after a timeout.
 *
 * What was delivered and what is lost is found out by sent.c, sack.c, rack.c and tlp.c; that the
 * last reduction was a mistake by spurious.c; how much may be sent meanwhile is prr.c's, and the
 * congestion control's otherwise. Fast recovery begins with the first loss found outside of it, and
 * ends when everything sent before that (snd.recover) is acknowledged [RFC6675:5]. Connections
 * without records go to newreno.c.
 */
#include "tcp/conn.h"

void recovery_begin(const struct tcp_conn *c, const struct tcp_seg *s, struct news *n)
{
    memset(n, 0, sizeof *n);
    n->flight_before = snd_flight(c);
    n->una_before = snd_base(c);
    n->has_tsecr = c->ts_ok && s->opt.has_ts && s->opt.tsecr != 0;
    n->tsecr = s->opt.tsecr;
}

/* What a reduction is reckoned from: FlightSize, or cwnd if the profile has it so. */
static uint32_t loss_base(const struct tcp *t, const struct tcp_conn *c, uint32_t flight)
{
    return t->pol->loss_of_cwnd && c->cc.cwnd > flight ? c->cc.cwnd : flight;
}

static void enter(struct tcp *t, struct tcp_conn *c, struct xmit *x, const struct news *n,
                  struct tern_time now)
{
    const struct cc_ops *cc = conn_cc(t, c);
    uint32_t flight = (uint32_t)seq_diff(c->snd.nxt, c->snd.una) + n->cum; /* FlightSize */
    undo_begin(t, c, false, now);
    x->cwv_base = cwv_congested(t, c, flight, now);
    x->cwv_lost = x->lost;
    x->cut_ns = now.ns;
    x->tlp_out = x->tlp_owed = false; /* [RFC8985:7.1] */
    c->snd.recover = c->snd.nxt;
    c->recovery = true;
    prr_enter(c, x, n);
    cc->on_loss(&c->cc, loss_base(t, c, flight), now); /* [RFC6675:5#2] */
    note_cc(t, c, cc->own_recovery ? CAUSE_CC_FAST_RECOVERY : CAUSE_CC_PRR, now);
}

static void leave(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    c->recovery = false;
    rack_recovered(x);
    conn_cc(t, c)->on_recovered(&c->cc, snd_flight(c), now); /* [RFC9937:6.4] */
    cwv_settle(t, c, x->cwv_base, x->cwv_lost);
    note_cc(t, c, CAUSE_CC_RECOVERED, now);
}

/* A retransmission is lost that was sent after the last reduction: congestion, once more
 * [RFC5681:4.3]. */
static void cut_again(struct tcp *t, struct tcp_conn *c, struct xmit *x, const struct news *n,
                      struct tern_time now)
{
    const struct cc_ops *cc = conn_cc(t, c);
    uint32_t mss = c->cc.mss, old = c->cc.ssthresh, cwnd = c->cc.cwnd;
    x->cut_ns = now.ns;
    if (t->pol->cut_once || cc->own_recovery)
        return;
    x->undo_ok = false; /* whatever the first loss was, this one is real */
    if (c->recovery)
        c->cc.cwnd = old; /* where this recovery was going */
    cc->on_loss(&c->cc, c->cc.cwnd, now);
    if (c->recovery) {
        x->cwv_base /= 2;
        prr_again(c, x, n);
    } else { /* after a timeout: slow start goes on from half of it */
        c->cc.cwnd = cwnd / 2 > mss ? cwnd / 2 : mss;
        if (c->cc.ssthresh > old)
            c->cc.ssthresh = old;
    }
    note_cc(t, c, CAUSE_CC_LOST_AGAIN, now);
}

static bool recovering(const struct tcp_conn *c)
{
    return c->recovery || c->rto_recovery;
}

/* Is what was sent before the last loss acknowledged? */
static void turn_back(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    if (seq_lt(c->snd.una, c->snd.recover))
        return;
    if (c->rto_recovery) {
        c->rto_recovery = x->frto = false;
        rack_recovered(x);
    }
    if (c->recovery) /* [RFC6675:5#3] */
        leave(t, c, x, now);
}

/* Where the connection stands in the light of what is known now. */
static void turn(struct tcp *t, struct tcp_conn *c, struct xmit *x, const struct news *n,
                 struct tern_time now)
{
    turn_back(t, c, x, now);
    if (!recovering(c) && x->lost != 0 && !pmtu_spares(t, x))
        enter(t, c, x, n, now); /* [RFC6675:5#1] */
    else if (n->again && recovering(c))
        cut_again(t, c, x, n, now);
    /* Sequence numbers compare within 2^31: an old `recover` must follow, or it would seem ahead.
     */
    if (!recovering(c) && seq_gt(c->snd.una, c->snd.recover))
        c->snd.recover = seq_sub(c->snd.una, 1);
    if (c->recovery && !conn_cc(t, c)->own_recovery)
        prr_ack(c, x, n);
}

/* Half of the window has been in use: enough for slow start to go on, if the profile has it so. */
static bool half_used(const struct tcp *t, const struct tcp_conn *c, const struct xmit *x)
{
    uint32_t used = x->used[0] > x->used[1] ? x->used[0] : x->used[1];
    return t->pol->grow_half && !c->recovery && c->cc.cwnd < c->cc.ssthresh &&
           c->cc.cwnd < 2 * used;
}

static void tracked_ack(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct news *n, bool dup,
                        struct tern_time now)
{
    struct cc_ack a = {
        .now = now, .flight_before = n->flight_before, .ece = n->ece || ecn_news(t, c)};
    bool was = c->recovery;
    a.classic = t->pol->grow_half;
    rack_take(t, c, n, now);
    rate_rtt(t, c, x, n, &a);
    if (n->una_moved) {
        c->rexmts = 0;
        c->owe_rexmt = 0;
        c->dupacks = 0;
    }
    bool undone = undo_ack(t, c, n, now);
    rack_detect(t, c, n, now); /* [RFC8985:9.2] */
    if (n->lost != 0)
        pmtu_lost(t, c, x, now);
    tlp_ack(t, c, n, dup, now);
    /* The first duplicates must not change cwnd [RFC5681:3.2#2, 3], unless the path reorders
     * anyway; nor does an ACK with a mark let it grow [RFC3168:6.1.2]. */
    a.limited = (c->cwnd_limited || c->rto_recovery || half_used(t, c, x)) && !a.ece &&
                (n->una_moved || x->reordering || c->recovery);
    a.flight = snd_flight(c);
    rate_ack(c, x, n, &a);
    if (a.round_start)
        cwv_round(t, c, x, (uint32_t)(a.delivered - a.prior_delivered), now);
    turn(t, c, x, n, now);
    a.recovery = (was && !undone) || c->recovery;
    a.rto_recovery = c->rto_recovery;
    a.lost = x->lost_unsaid;
    if (a.acked != 0) {
        x->lost_unsaid = 0;
        conn_cc(t, c)->on_ack(&c->cc, &a);
        c->cwnd_limited &= !n->una_moved;
    }
    tcp_ready(t, c);
}

/* What the ACK says about the path's MTU, and for the account of the connection. */
static void delivered(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct news *n,
                      struct tern_time now)
{
    if (n->una_moved && x != NULL && (x->pmtu.lo | x->pmtu.pend_mtu) != 0)
        pmtu_acked(t, c, x, n, now);
    if (n->una_moved && (x == NULL || x->blind)) /* without records */
        n->pieces = ((uint32_t)seq_diff(c->snd.una, n->una_before) + c->cc.mss - 1) / c->cc.mss;
    if (n->pieces != 0)
        tally_news(t, c, n->pieces, now);
}

void recovery_ack(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s, struct news *n,
                  bool dup, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    sack_take(t, c, s, n);
    if (n->dsack) {
        c->dsacks++;
        trace_count(t->trace, CAUSE_CC_DSACK);
    }
    if (x != NULL && !x->blind && (x->head != 0 || n->any)) {
        tracked_ack(t, c, x, n, dup, now);
    } else if (n->una_moved) {
        c->rexmts = 0;
        newreno_ack(t, c, n, now);
    } else if (dup) {
        newreno_dupack(t, c, now);
    } else if (n->dsack && x != NULL) { /* after the flight: was a probe or all of it needless? */
        tlp_ack(t, c, n, false, now);
        if (undo_ack(t, c, n, now))
            tcp_ready(t, c);
    }
    delivered(t, c, x, n, now);
    if (seq_eq(c->snd.una, c->snd.nxt))
        xmit_idle(t, c, now);
}

void recovery_reo(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct xmit *x = conn_tracked(t, c);
    struct news n;
    if (x == NULL)
        return;
    memset(&n, 0, sizeof n);
    n.flight_before = snd_flight(c);
    rack_detect(t, c, &n, now);
    if (n.lost == 0)
        return;
    pmtu_lost(t, c, x, now);
    turn(t, c, x, &n, now);
    tcp_ready(t, c);
}

void recovery_go_back(struct tcp *t, struct tcp_conn *c, unsigned cause)
{
    struct xmit *x = conn_tracked(t, c);
    if (x == NULL) {
        c->snd.rtx = c->snd.una;
        c->rtx_cause = (uint16_t)cause;
        return;
    }
    for (uint32_t i = x->head; i != 0; i = sent_at(t, i)->next)
        if (sent_at(t, i)->is == SENT_IN_FLIGHT)
            sent_lost(t, c, x, i, cause);
}

static void rto_tracked(struct tcp *t, struct tcp_conn *c, struct xmit *x, bool first,
                        struct tern_time now)
{
    if (first) /* [RFC5682:3.1] step 1 */
        x->frto = !c->rto_recovery && !c->recovery && x->sacked == 0;
    x->tlp_out = x->tlp_owed = false; /* [RFC8985:7.1] */
    x->cut_ns = now.ns;
    timer_stop(t, c, TT_TLP, CAUSE_TM_TLP_STOP, now);
    timer_stop(t, c, TT_REO, CAUSE_TM_REO_STOP, now);
    rack_rto(t, c, now);
    /* What RACK does not hold for lost may still arrive: beside it one segment may be sent. */
    if (!conn_cc(t, c)->own_recovery)
        c->cc.cwnd += snd_flight(c);
    c->owe_rexmt = CAUSE_TX_REXMT_RTO; /* [RFC6298:5.4] */
}

/* What a timeout reckons from. In fast recovery it is the retransmission that is lost, or late: the
 * second sign of congestion in this window [RFC5681:4.3]. */
static uint32_t rto_base(const struct tcp *t, const struct tcp_conn *c, const struct xmit *x,
                         uint32_t flight)
{
    bool again = c->recovery && (x == NULL || sent_at(t, x->head)->rexmts != 0);
    uint32_t base = loss_base(t, c, flight);
    return again && !t->pol->cut_once && base > c->cc.ssthresh ? c->cc.ssthresh : base;
}

void recovery_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    uint32_t flight = (uint32_t)seq_diff(c->snd.nxt, c->snd.una);
    struct xmit *x = conn_tracked(t, c);
    tern_assert(flight > 0);
    if (pmtu_rto(t, c, now))
        return;
    bool first = c->rexmts == 0;
    if (first)
        undo_begin(t, c, true, now);
    cwv_reset(t, c); /* [RFC7661:4.4] the standard response, whatever the phase */
    conn_cc(t, c)->on_rto(&c->cc, rto_base(t, c, x, flight), first, now);
    if (c->rexmts < UINT8_MAX)
        c->rexmts++;
    soft_r1(t, c);
    c->owe_rexmt = 0;
    c->dupacks = 0;
    if (x != NULL) {
        rto_tracked(t, c, x, first, now);
    } else {
        c->snd.rtx = c->snd.una;
        c->rtx_cause = CAUSE_TX_REXMT_RTO; /* [RFC6298:5.4] */
    }
    note_cc(t, c, CAUSE_CC_RTO, now);
    c->recovery = false;
    c->rto_recovery = true; /* [RFC6675:5.1] */
    c->snd.recover = c->snd.nxt;
    c->rtt.timed_ns = 0;          /* Karn [RFC6298:3] [RFC9293:MUST-18] */
    rtt_backoff(&c->rtt, t->cfg); /* [RFC9293:MUST-19] */
    tcp_ready(t, c);
}
