/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/bbr_phase.c: BBR's phases (draft-ietf-ccwg-bbr 5.3) and what it learns by probing.
 *
 *   STARTUP -> DRAIN -> DOWN -> CRUISE -> REFILL -> UP -> DOWN ...    and from anywhere PROBE_RTT
 *
 * Startup doubles the rate a round until the delivery rate has not grown by a quarter for three
 * rounds. ProbeBW then holds the rate, and every two to three seconds (or as often as Reno would
 * need to notice, whichever is sooner) asks for a quarter more. ProbeRTT halves the window for 200
 * ms when the minimum round trip has not been seen again for five seconds.
 */
#include "base/assert.h"
#include "tcp/cc/bbr.h"

#define FULL_BW_COUNT   3u
#define FULL_LOSS_COUNT 6u
#define DRAIN_ROUNDS    3u
#define PROBE_RTT_NS    200000000
#define RENO_ROUNDS_MAX 63u
#define PROBE_WAIT_US   2000000u
#define UP_ROUNDS_MAX   30u

static uint32_t draw(struct bbr *b)
{
    b->seed = b->seed * 1664525u + 1013904223u;
    return b->seed >> 8;
}

/* ---- startup and drain ---- */

void bbr_reset_full_bw(struct bbr *b)
{
    b->full_bw = 0;
    b->full_bw_count = 0;
    b->full_bw_now = false;
}

static void check_full_bw(struct bbr *b, const struct cc_ack *a)
{
    if (b->full_bw_now || !b->round_start || a->app_limited || a->rate_bps == 0)
        return;
    if (a->rate_bps >= b->full_bw + b->full_bw / 4) {
        bbr_reset_full_bw(b);
        b->full_bw = a->rate_bps;
        return;
    }
    b->full_bw_now = ++b->full_bw_count >= FULL_BW_COUNT;
    b->full_bw_reached |= b->full_bw_now;
}

/* A queue too short to show a plateau of the rate shows itself by losses. */
static void check_high_loss(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    if (!a->recovery || !b->loss_round_start || b->loss_events < FULL_LOSS_COUNT ||
        !bbr_inflight_too_high(b, a))
        return;
    uint32_t n = bbr_inflight(cc, b, b->max_bw, 100);
    b->full_bw_reached = true;
    b->undo_state = BBR_STARTUP;
    b->inflight_longterm = n > b->inflight_latest ? n : b->inflight_latest;
}

void bbr_check_full_pipe(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    if (b->state != BBR_PROBE_RTT)
        check_full_bw(b, a);
    if (b->state != BBR_STARTUP)
        return;
    check_high_loss(cc, b, a);
    if (!b->full_bw_reached)
        return;
    b->state = BBR_DRAIN;
    b->drain_round = b->round_count;
}

static void start_down(struct bbr *b, const struct cc_ack *a)
{
    bbr_reset_congestion(b);
    b->probe_up_cnt = UINT32_MAX;
    b->rounds_since_probe = draw(b) % 2;
    b->probe_wait_us = PROBE_WAIT_US + draw(b) % 1000001;
    b->cycle_ns = a->now.ns;
    b->acks = BBR_ACKS_STOPPING;
    bbr_start_round(b, a->delivered);
    b->state = BBR_DOWN;
}

void bbr_check_drain(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    if (b->state != BBR_DRAIN)
        return;
    if (a->flight <= bbr_inflight(cc, b, b->max_bw, 100) ||
        b->round_count > b->drain_round + DRAIN_ROUNDS)
        start_down(b, a);
}

/* ---- the cycle ---- */

static void start_refill(struct bbr *b, const struct cc_ack *a)
{
    bbr_reset_shortterm(b);
    b->probe_up_rounds = 0;
    b->probe_up_acks = 0;
    b->precautionary = false;
    b->acks = BBR_ACKS_REFILLING;
    bbr_start_round(b, a->delivered);
    b->state = BBR_REFILL;
}

/* How many octets must be acknowledged before inflight_longterm may grow by a segment: it grows
 * slowly at first, then twice as fast each round. */
static void raise_slope(const struct cc *cc, struct bbr *b)
{
    uint32_t growth = UINT32_C(1) << b->probe_up_rounds;
    if (b->probe_up_rounds < UP_ROUNDS_MAX)
        b->probe_up_rounds++;
    b->probe_up_cnt = cc->cwnd / growth > cc->mss ? cc->cwnd / growth : cc->mss;
}

static void start_up(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    b->acks = BBR_ACKS_STARTING;
    bbr_start_round(b, a->delivered);
    bbr_reset_full_bw(b);
    b->full_bw = a->rate_bps;
    b->cycle_ns = a->now.ns;
    b->state = BBR_UP;
    raise_slope(cc, b);
}

static bool time_to_probe(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    uint32_t reno = bbr_target(cc, b) / cc->mss;
    if (reno > RENO_ROUNDS_MAX)
        reno = RENO_ROUNDS_MAX;
    if (a->now.ns <= b->cycle_ns + (int64_t)b->probe_wait_us * 1000 && b->rounds_since_probe < reno)
        return false;
    start_refill(b, a);
    return true;
}

static bool time_to_go_down(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    if (b->probe_too_high && a->flight >= b->inflight_longterm) {
        b->precautionary =
            true; /* here the last probe lost too much: first see how this one ended */
        return true;
    }
    if (!(bbr_cwnd_limited(cc, a) && cc->cwnd >= b->inflight_longterm))
        return b->full_bw_now;
    bbr_reset_full_bw(b); /* inflight_longterm is what holds us back, not the path */
    b->full_bw = a->rate_bps;
    return false;
}

static void probe_upward(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    if (!bbr_cwnd_limited(cc, a) || cc->cwnd < b->inflight_longterm)
        return;
    b->probe_up_acks += a->acked;
    if (b->probe_up_acks >= b->probe_up_cnt) {
        uint32_t n = b->probe_up_acks / b->probe_up_cnt;
        b->probe_up_acks -= n * b->probe_up_cnt;
        b->inflight_longterm += n * cc->mss;
    }
    if (b->round_start)
        raise_slope(cc, b);
}

/* This probe's flights lose too much: react once. */
static void too_high(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    b->probe_too_high = true;
    b->probe_samples = false;
    if (!a->app_limited) {
        uint32_t floor = (uint32_t)((uint64_t)bbr_target(cc, b) * 7 / 10);
        uint32_t n = bbr_tx_in_flight(a);
        b->inflight_longterm = n > floor ? n : floor;
    }
    if (b->state == BBR_UP) {
        b->undo_state = BBR_UP;
        start_down(b, a);
    }
}

/* The last samples of a probe are in. True if the next begins at once. */
static bool probe_over(struct bbr *b, const struct cc_ack *a)
{
    b->probe_samples = false;
    b->acks = BBR_ACKS_INIT;
    if (!bbr_probing_bw(b))
        return false;
    if (!a->app_limited && b->bw[1] != 0) {
        b->bw[0] = b->bw[1]; /* a cycle of the filter is over */
        b->bw[1] = 0;
    }
    if (!b->precautionary || b->probe_too_high)
        return false;
    start_refill(b, a);
    return true;
}

/* What the flights of this probe have shown. True if it has decided about the phase. */
static bool adapt_longterm(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    if (b->acks == BBR_ACKS_STARTING && b->round_start)
        b->acks = BBR_ACKS_FEEDBACK;
    if (b->acks == BBR_ACKS_STOPPING && b->round_start && probe_over(b, a))
        return true;
    if (bbr_inflight_too_high(b, a)) {
        bool up = b->state == BBR_UP;
        if (b->probe_samples)
            too_high(cc, b, a);
        return up && b->state != BBR_UP;
    }
    if (b->inflight_longterm == BBR_DATA_NONE)
        return false;
    if (a->tx_in_flight > b->inflight_longterm)
        b->inflight_longterm = a->tx_in_flight;
    if (b->state == BBR_UP)
        probe_upward(cc, b, a);
    return false;
}

void bbr_resume(struct bbr *b)
{
    if (b->undo_state == BBR_STARTUP && b->state != BBR_STARTUP) {
        b->full_bw_reached = false;
        if (b->state != BBR_PROBE_RTT)
            b->state = BBR_STARTUP;
    } else if (b->undo_state == BBR_UP && bbr_probing_bw(b) && b->state != BBR_UP) {
        b->rounds_since_probe = RENO_ROUNDS_MAX; /* the next ACK begins a probe */
    }
    b->undo_state = BBR_PROBE_RTT;
}

void bbr_cycle(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    if (!b->full_bw_reached)
        return;
    if (adapt_longterm(cc, b, a))
        return;
    switch (b->state) {
    case BBR_DOWN:
        if (!time_to_probe(cc, b, a) && a->flight <= bbr_headroom(cc, b) &&
            a->flight <= bbr_inflight(cc, b, b->max_bw, 100))
            b->state = BBR_CRUISE;
        break;
    case BBR_CRUISE:
        (void)time_to_probe(cc, b, a);
        break;
    case BBR_REFILL:
        if (b->round_start) {
            b->probe_samples = true;
            start_up(cc, b, a);
        }
        break;
    case BBR_UP:
        if (time_to_go_down(cc, b, a)) {
            b->probe_too_high = false; /* not that we know yet */
            start_down(b, a);
        }
        break;
    default:
        break;
    }
}

/* ---- the minimum round trip ---- */

static void leave_probe_rtt(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    b->probe_rtt_min_ns = a->now.ns;
    if (cc->cwnd < b->prior_cwnd)
        cc->cwnd = b->prior_cwnd;
    bbr_reset_shortterm(b);
    if (!b->full_bw_reached) {
        b->state = BBR_STARTUP;
        return;
    }
    start_down(b, a);
    b->state = BBR_CRUISE;
}

static void in_probe_rtt(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    if (b->probe_rtt_done_ns == 0) {
        if (a->flight > bbr_probe_rtt_cwnd(cc, b))
            return;
        b->probe_rtt_done_ns = a->now.ns + PROBE_RTT_NS;
        b->probe_rtt_round_done = false;
        bbr_start_round(b, a->delivered);
        return;
    }
    b->probe_rtt_round_done |= b->round_start;
    if (b->probe_rtt_round_done && a->now.ns > b->probe_rtt_done_ns)
        leave_probe_rtt(cc, b, a);
}

void bbr_check_probe_rtt(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    tern_assert(b->ready);
    if (b->state != BBR_PROBE_RTT && b->min_rtt_due && !b->idle_restart) {
        bbr_save_cwnd(cc, b, a->recovery || a->rto_recovery);
        b->state = BBR_PROBE_RTT;
        b->probe_rtt_done_ns = 0;
        b->acks = BBR_ACKS_STOPPING;
        bbr_start_round(b, a->delivered);
    }
    if (b->state == BBR_PROBE_RTT)
        in_probe_rtt(cc, b, a);
}
