/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/rack.c: RACK (RFC 8985): a segment is lost when one that was sent later has been delivered,
 * and a reordering window has passed since.
 *
 * The window is zero until reordering has been seen and as long as enough was SACKed, so that
 * without reordering losses are found as early as with RFC 6675's three duplicates; then a quarter
 * of the minimum round trip, more after D-SACKs showed that this was too little, at most SRTT.
 * Unlike the RFC's sketch the walk in order of transmission stops at the first segment that is not
 * yet lost, and the timer is set to that one, so an ACK costs what it marks.
 */
#include "tcp/conn.h"

#define PERSIST   16         /* recoveries that a widened window lasts [RFC8985:6.2] step 4 */
#define PERIOD_NS 5000000000 /* of the minimum round trip */

static bool sent_after(int64_t a_ns, struct seq a_end, int64_t b_ns, struct seq b_end)
{
    return a_ns > b_ns || (a_ns == b_ns && seq_gt(a_end, b_end));
}

uint32_t rack_min_rtt_us(const struct xmit *x)
{
    uint32_t a = x->min_rtt_us[0], b = x->min_rtt_us[1];
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void min_rtt(struct xmit *x, uint32_t us, struct tern_time now)
{
    if (now.ns - x->min_rtt_ns >= PERIOD_NS) {
        x->min_rtt_us[1] = x->min_rtt_us[0];
        x->min_rtt_us[0] = 0;
        x->min_rtt_ns = now.ns;
    }
    if (x->min_rtt_us[0] == 0 || us < x->min_rtt_us[0])
        x->min_rtt_us[0] = us;
}

static void rack_advance(struct xmit *x, int64_t ns, struct seq end, struct tern_time now)
{
    if (x->rack_ns != 0 && !sent_after(ns, end, x->rack_ns, x->rack_end))
        return;
    x->rack_ns = ns;
    x->rack_end = end;
    x->rack_rtt_us = (uint32_t)((now.ns - ns) / 1000);
}

/* [RFC8985:6.2] steps 1 and 2: round trip, and the newest segment that was delivered. */
static void newest(struct tcp *t, struct tcp_conn *c, struct xmit *x, const struct news *n,
                   struct tern_time now)
{
    if (n->clean_ns != 0) {
        min_rtt(x, (uint32_t)((now.ns - n->clean_ns) / 1000) + 1, now);
        rack_advance(x, n->clean_ns, n->clean_end, now);
    }
    if (!n->newest_again)
        return;
    /* [RFC8985:6.2#1] Was the ACK for an earlier transmission? What arrives out of order is not
     * echoed [RFC7323:4.3], so the timestamp tells only when SND.UNA moves. */
    struct tern_time sent = {n->newest_ns};
    if (n->has_tsecr && n->una_moved && (int32_t)(n->tsecr - tsval_now(t, c->ts_off, sent)) < 0)
        return;
    if ((now.ns - n->newest_ns) / 1000 < (int64_t)rack_min_rtt_us(x) - 1)
        return;
    rack_advance(x, n->newest_ns, n->newest_end, now);
}

/* [RFC8985:6.2] step 4: D-SACK says that the window was too small: once a round trip. */
static void widen(struct tcp_conn *c, struct xmit *x, const struct news *n)
{
    if (x->in_dsack_round && seq_ge(c->snd.una, x->dsack_round))
        x->in_dsack_round = false;
    if (!n->dsack || x->in_dsack_round)
        return;
    x->in_dsack_round = true;
    x->dsack_round = c->snd.nxt;
    x->reordering = true; /* both copies arrived: the first was late, not lost */
    if (x->reo_mult < UINT8_MAX)
        x->reo_mult++;
    x->reo_persist = PERSIST;
}

void rack_recovered(struct xmit *x)
{
    if (x->reo_persist == 0)
        x->reo_mult = 1;
    else
        x->reo_persist--;
}

uint32_t rack_reo_wnd_us(const struct tcp_conn *c, const struct xmit *x)
{
    if (!x->reordering && (c->recovery || c->rto_recovery || sack_enough(c, x)))
        return 0;
    uint64_t us = (uint64_t)x->reo_mult * rack_min_rtt_us(x) / 4; /* [RFC8985:6.2#2] */
    return us < c->rtt.srtt_us ? (uint32_t)us : c->rtt.srtt_us;
}

void rack_take(struct tcp *t, struct tcp_conn *c, struct news *n, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    if (n->any)
        newest(t, c, x, n, now);
    struct tally *a = n->reordered ? tally_of(t, c) : NULL;
    if (a != NULL) {
        uint32_t by = (n->reordered_by + c->cc.mss - 1) / c->cc.mss;
        a->sum.reordered++;
        if (by > a->sum.reorder_segs)
            a->sum.reorder_segs = (uint16_t)(by < UINT16_MAX ? by : UINT16_MAX);
    }
    if (n->reordered && !x->reordering) {
        x->reordering = true;
        note_cc(t, c, CAUSE_CC_REORDER, now);
    }
    if (n->any && seq_gt(n->fack, x->fack))
        x->fack = n->fack;
    if (seq_lt(x->fack, c->snd.una))
        x->fack = c->snd.una;
    widen(c, x, n);
}

/* Why a loss counts as one, for the retransmission's cause. */
static unsigned lost_cause(const struct tcp_conn *c, const struct xmit *x, const struct sent *s)
{
    if (!c->recovery && !c->rto_recovery && seq_eq(s->lo, c->snd.una) && sack_enough(c, x))
        return CAUSE_TX_REXMT_FAST;
    return x->reordering || s->rexmts != 0 || !sack_enough(c, x) ? CAUSE_TX_REXMT_RACK
                                                                 : CAUSE_TX_REXMT_SACK;
}

void rack_detect(struct tcp *t, struct tcp_conn *c, struct news *n, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    int64_t wait_ns = ((int64_t)x->rack_rtt_us + rack_reo_wnd_us(c, x)) * 1000;
    uint32_t before = x->lost;
    int64_t due = 0;
    while (x->ahead != 0 && x->rack_ns != 0) {
        uint32_t idx = x->ahead;
        const struct sent *s = sent_at(t, idx);
        if (!sent_after(x->rack_ns, x->rack_end, s->at_ns, s->hi))
            break;
        if (s->at_ns + wait_ns > now.ns) {
            due = s->at_ns + wait_ns;
            break;
        }
        n->again |= s->rexmts != 0 && s->at_ns >= x->cut_ns;
        sent_lost(t, c, x, idx, lost_cause(c, x, s)); /* [RFC8985:6.2#3] */
    }
    n->lost += x->lost - before;
    if (due != 0)
        timer_arm(t, c, TT_REO, (struct tern_time){due}, CAUSE_TM_REO, now); /* [RFC8985:6.2#4] */
    else if (x->timer_ns[TT_REO - TT_TLP] != 0)
        timer_stop(t, c, TT_REO, CAUSE_TM_REO_STOP, now);
}

void rack_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    int64_t wait_ns = ((int64_t)x->rack_rtt_us + rack_reo_wnd_us(c, x)) * 1000;
    if (x->head != 0 && sent_at(t, x->head)->is == SENT_SACKED)
        sack_renege(t, c); /* [RFC2018:5.1] */
    for (uint32_t idx = x->head, next; idx != 0; idx = next) {
        const struct sent *s = sent_at(t, idx);
        next = s->next;
        /* [RFC8985:6.3] */
        if (s->is == SENT_IN_FLIGHT && (idx == x->head || s->at_ns + wait_ns <= now.ns))
            sent_lost(t, c, x, idx, CAUSE_TX_REXMT_GO_BACK);
    }
}
