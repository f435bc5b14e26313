/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/bbr.c: BBR version 3 (draft-ietf-ccwg-bbr): instead of filling the queue until it
 * overflows, it estimates the bottleneck's rate and the path's delay and paces at that rate.
 *
 * The model has two halves: what the path could carry (max_bw, the largest delivery rate of the
 * last two probing cycles; min_rtt, the least round trip of ten seconds; inflight_longterm, what it
 * bore without much loss) and what it bears at the moment (bw_shortterm and inflight_shortterm,
 * lowered at once on loss, forgotten at the next probe). Rate and window follow from the model and
 * a gain that belongs to the phase (bbr_phase.c).
 *
 * Where the interface knows less than the draft assumes: nothing is told per lost segment, so the
 * loss rate of a flight is counted over the round trip that begins with its first loss; nothing is
 * called on sending, so idleness is noticed on the first ACK after it; the first window leaves
 * unpaced, for there is no round-trip time yet; ECN marks count as losses of the round. When the
 * block of memory is not there (before the first data, or the pool is empty) it behaves as Reno.
 * All numbers are integers: gains in percent, rates in octets a second.
 */
#include "tcp/cc/bbr.h"
#include "base/assert.h"
#include <stddef.h>

#define BW_MAX             (UINT64_C(1) << 40) /* so that bw * min_rtt fits */
#define RTT_MAX_US         8000000u
#define WINDOW_MAX         (UINT32_MAX / 2)
#define STARTUP_GAIN       277u /* percent [draft-ietf-ccwg-bbr:5.6.1] */
#define DRAIN_GAIN         50u
#define DOWN_GAIN          90u
#define UP_GAIN            125u
#define CWND_GAIN          200u
#define UP_CWND_GAIN       225u
#define PROBE_RTT_CWND     50u
#define PACING_MARGIN      1u
#define MIN_PIPE_SEGS      4u
#define MIN_RTT_WINDOW_NS  10000000000
#define PROBE_RTT_EVERY_NS 5000000000
#define AGG_ROUNDS         5u /* two buckets of five rounds: ExtraAckedFilterLen is 10 */

static uint32_t pacing_gain(const struct bbr *b)
{
    switch (b->state) {
    case BBR_STARTUP:
        return STARTUP_GAIN;
    case BBR_DRAIN:
        return DRAIN_GAIN;
    case BBR_DOWN:
        return DOWN_GAIN;
    case BBR_UP:
        return UP_GAIN;
    default:
        return 100;
    }
}

static uint32_t cwnd_gain(const struct bbr *b)
{
    if (b->state == BBR_PROBE_RTT)
        return PROBE_RTT_CWND;
    return b->state == BBR_UP ? UP_CWND_GAIN : CWND_GAIN;
}

static uint32_t min_pipe(const struct cc *cc)
{
    return MIN_PIPE_SEGS * cc->mss;
}

/* ---- amounts ---- */

static uint32_t bdp(const struct cc *cc, const struct bbr *b, uint64_t bw, uint32_t percent)
{
    if (b->min_rtt_us == BBR_RTT_NONE || bw == 0)
        return cc_initial_window(cc->mss);
    uint64_t n = bw * b->min_rtt_us / 1000000;
    n = n < UINT64_MAX / 512 ? n * percent / 100 : WINDOW_MAX;
    return n < WINDOW_MAX ? (uint32_t)n : WINDOW_MAX;
}

/* Octets handed over in one go: a millisecond's worth. */
static uint32_t quantum(const struct cc *cc)
{
    uint64_t q = cc->pacing_bps / 1000;
    uint32_t least = 2 * cc->mss;
    if (q > 65536)
        q = 65536;
    return q > least ? (uint32_t)q : least;
}

/* Room for what is being handed over, acknowledged late or probed with besides. */
static uint32_t quantized(const struct cc *cc, const struct bbr *b, uint32_t n)
{
    uint32_t budget = 3 * quantum(cc);
    if (n < budget)
        n = budget;
    if (n < min_pipe(cc))
        n = min_pipe(cc);
    return b->state == BBR_UP ? n + 2 * cc->mss : n;
}

uint32_t bbr_inflight(const struct cc *cc, const struct bbr *b, uint64_t bw, uint32_t percent)
{
    return quantized(cc, b, bdp(cc, b, bw, percent));
}

uint32_t bbr_target(const struct cc *cc, const struct bbr *b)
{
    uint32_t n = bdp(cc, b, b->bw_now, 100);
    return n < cc->cwnd ? n : cc->cwnd;
}

uint32_t bbr_headroom(const struct cc *cc, const struct bbr *b)
{
    if (b->inflight_longterm == BBR_DATA_NONE)
        return BBR_DATA_NONE;
    uint32_t room = (uint32_t)((uint64_t)b->inflight_longterm * 15 / 100);
    if (room < cc->mss)
        room = cc->mss;
    uint32_t n = b->inflight_longterm > room ? b->inflight_longterm - room : 0;
    return n > min_pipe(cc) ? n : min_pipe(cc);
}

uint32_t bbr_probe_rtt_cwnd(const struct cc *cc, const struct bbr *b)
{
    uint32_t n = bdp(cc, b, b->bw_now, PROBE_RTT_CWND);
    return n > min_pipe(cc) ? n : min_pipe(cc);
}

bool bbr_cwnd_limited(const struct cc *cc, const struct cc_ack *a)
{
    return a->limited && (uint64_t)a->flight_before + quantum(cc) >= cc->cwnd;
}

/* More than 2 % lost of what was in flight? What was is the larger of two views: loss detection may
 * wait for reordering, and the newest segment acknowledged was sent when less was in flight. */
uint32_t bbr_tx_in_flight(const struct cc_ack *a)
{
    return a->tx_in_flight > a->flight_before ? a->tx_in_flight : a->flight_before;
}

bool bbr_inflight_too_high(const struct bbr *b, const struct cc_ack *a)
{
    return b->lost != 0 && (uint64_t)b->lost * 50 > bbr_tx_in_flight(a);
}

/* ---- the model ---- */

void bbr_start_round(struct bbr *b, uint64_t delivered)
{
    b->next_round_delivered = delivered;
}

void bbr_reset_congestion(struct bbr *b)
{
    b->loss_in_round = false;
    b->bw_latest = 0;
    b->inflight_latest = 0;
}

void bbr_reset_shortterm(struct bbr *b)
{
    b->bw_shortterm = BBR_BW_NONE;
    b->inflight_shortterm = BBR_DATA_NONE;
}

void bbr_save_cwnd(const struct cc *cc, struct bbr *b, bool in_recovery)
{
    if ((!in_recovery && b->state != BBR_PROBE_RTT) || cc->cwnd > b->prior_cwnd)
        b->prior_cwnd = cc->cwnd;
}

static void restore_cwnd(struct cc *cc, const struct bbr *b)
{
    if (cc->cwnd < b->prior_cwnd)
        cc->cwnd = b->prior_cwnd;
}

/* The first ACK that finds a block. */
static void begin(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    uint32_t srtt = a->srtt_us != 0 ? a->srtt_us : 1000;
    b->ready = true;
    b->state = BBR_STARTUP;
    b->min_rtt_us = b->probe_rtt_min_us = BBR_RTT_NONE;
    if (a->min_rtt_us != 0)
        b->min_rtt_us = b->probe_rtt_min_us = a->min_rtt_us;
    b->min_rtt_ns = b->probe_rtt_min_ns = b->agg_ns = b->cycle_ns = a->now.ns;
    b->inflight_longterm = BBR_DATA_NONE;
    b->undo_bw_shortterm = BBR_BW_NONE;
    b->undo_shortterm = b->undo_longterm = BBR_DATA_NONE;
    b->undo_state = BBR_PROBE_RTT;
    b->seed = (uint32_t)a->now.ns ^ (uint32_t)a->delivered;
    bbr_reset_shortterm(b);
    cc->pacing_bps = (uint64_t)cc->cwnd * 1000000 / srtt * STARTUP_GAIN / 100;
}

/* Rounds by delivered octets; by the caller's word where segments have no records. */
static void update_round(struct bbr *b, const struct cc_ack *a)
{
    bool known = a->rate_bps != 0 || a->prior_delivered != 0;
    b->round_start = known ? a->prior_delivered >= b->next_round_delivered : a->round_start;
    if (!b->round_start)
        return;
    bbr_start_round(b, a->delivered);
    b->round_count++;
    b->rounds_since_probe++;
}

static uint32_t sample_octets(const struct cc_ack *a)
{
    uint64_t n = a->delivered - a->prior_delivered;
    return a->rate_bps != 0 && n < WINDOW_MAX ? (uint32_t)n : a->acked;
}

static void update_latest(struct bbr *b, const struct cc_ack *a)
{
    b->loss_round_start = false;
    if (a->rate_bps > b->bw_latest)
        b->bw_latest = a->rate_bps;
    if (sample_octets(a) > b->inflight_latest)
        b->inflight_latest = sample_octets(a);
    if (a->prior_delivered >= b->loss_round_delivered) {
        b->loss_round_delivered = a->delivered;
        b->loss_round_start = true;
    }
}

static void update_max_bw(struct bbr *b, const struct cc_ack *a)
{
    uint64_t bw = a->rate_bps < BW_MAX ? a->rate_bps : BW_MAX;
    if (bw == 0 || (bw < b->max_bw && a->app_limited))
        return;
    if (bw > b->bw[1])
        b->bw[1] = bw;
    b->max_bw = b->bw[0] > b->bw[1] ? b->bw[0] : b->bw[1];
}

/* Loss while not probing: the path bears less than we thought, for now. */
static void lower_bounds(const struct cc *cc, struct bbr *b)
{
    if (b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP ||
        !b->loss_in_round)
        return;
    if (b->bw_shortterm == BBR_BW_NONE)
        b->bw_shortterm = b->max_bw;
    if (b->inflight_shortterm == BBR_DATA_NONE)
        b->inflight_shortterm = cc->cwnd;
    uint64_t bw = b->bw_shortterm * 7 / 10;
    uint32_t n = (uint32_t)((uint64_t)b->inflight_shortterm * 7 / 10);
    b->bw_shortterm = bw > b->bw_latest ? bw : b->bw_latest;
    b->inflight_shortterm = n > b->inflight_latest ? n : b->inflight_latest;
}

static void update_congestion(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    update_max_bw(b, a);
    if (b->loss_round_start)
        lower_bounds(cc, b);
}

static void remember(const struct cc *cc, struct bbr *b)
{
    bbr_save_cwnd(cc, b, b->in_loss || b->in_rto);
    b->undo_state = BBR_PROBE_RTT;
    b->undo_bw_shortterm = b->bw_shortterm;
    b->undo_shortterm = b->inflight_shortterm;
    b->undo_longterm = b->inflight_longterm;
}

/* The first loss of a round begins a round of its own, over which losses are counted. */
static void note_loss(struct bbr *b, const struct cc_ack *a)
{
    if (a->lost == 0 && !a->ece)
        return;
    if (!b->loss_in_round) {
        b->loss_round_delivered = a->delivered;
        b->lost = 0;
    }
    b->loss_in_round = true;
    b->lost = a->lost < UINT32_MAX - b->lost ? b->lost + a->lost : UINT32_MAX;
    if (b->loss_events < UINT16_MAX)
        b->loss_events++;
}

/* ACKs that come in bunches say little about the rate and much about how far the window must reach.
 */
static void update_aggregation(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
    int64_t ns = a->now.ns - b->agg_ns;
    uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
    uint64_t expected = us < RTT_MAX_US ? b->bw_now * us / 1000000 : UINT64_MAX;
    if (b->agg_delivered <= expected || b->idle_restart) {
        b->agg_delivered = 0;
        b->agg_ns = a->now.ns;
        expected = 0;
    }
    b->agg_delivered += a->acked;
    uint64_t extra = b->agg_delivered > expected ? b->agg_delivered - expected : 0;
    if (extra > cc->cwnd)
        extra = cc->cwnd;
    if (b->round_start && ++b->agg_rounds >= (b->full_bw_reached ? AGG_ROUNDS : 1)) {
        b->agg_rounds = 0;
        b->extra_acked[0] = b->full_bw_reached ? b->extra_acked[1] : 0;
        b->extra_acked[1] = 0;
    }
    if (extra > b->extra_acked[1])
        b->extra_acked[1] = (uint32_t)extra;
}

static void update_min_rtt(struct bbr *b, const struct cc_ack *a)
{
    uint32_t rtt = a->rtt_us < RTT_MAX_US ? a->rtt_us : RTT_MAX_US;
    b->min_rtt_due = a->now.ns > b->probe_rtt_min_ns + PROBE_RTT_EVERY_NS;
    if (rtt != 0 && (rtt < b->probe_rtt_min_us || b->min_rtt_due)) {
        b->probe_rtt_min_us = rtt;
        b->probe_rtt_min_ns = a->now.ns;
    }
    bool old = a->now.ns > b->min_rtt_ns + MIN_RTT_WINDOW_NS;
    if (b->probe_rtt_min_us < b->min_rtt_us || old) {
        b->min_rtt_us = b->probe_rtt_min_us;
        b->min_rtt_ns = b->probe_rtt_min_ns;
    }
}

/* At the end of a loss round the next one's signals begin with this ACK's. */
static void advance_latest(struct bbr *b, const struct cc_ack *a)
{
    if (!b->loss_round_start)
        return;
    b->bw_latest = a->rate_bps;
    b->inflight_latest = sample_octets(a);
    b->loss_in_round = false;
    b->loss_events = 0;
    b->lost = 0;
}

/* ---- what follows from it ---- */

static void set_pacing(struct cc *cc, const struct bbr *b)
{
    uint64_t rate = b->bw_now * pacing_gain(b) / 100 * (100 - PACING_MARGIN) / 100;
    if (rate != 0 && (b->full_bw_reached || rate > cc->pacing_bps))
        cc->pacing_bps = rate;
}

/* Never more than the model says the path bears. */
static uint32_t bound_by_model(const struct cc *cc, const struct bbr *b, uint32_t cwnd)
{
    uint32_t cap = BBR_DATA_NONE;
    if (bbr_probing_bw(b) && b->state != BBR_CRUISE)
        cap = b->inflight_longterm;
    else if (b->state == BBR_PROBE_RTT || b->state == BBR_CRUISE)
        cap = bbr_headroom(cc, b);
    if (b->inflight_shortterm < cap)
        cap = b->inflight_shortterm;
    if (cap < min_pipe(cc))
        cap = min_pipe(cc);
    return cwnd < cap ? cwnd : cap;
}

static void set_cwnd(struct cc *cc, const struct bbr *b, const struct cc_ack *a)
{
    uint32_t extra = b->extra_acked[0] > b->extra_acked[1] ? b->extra_acked[0] : b->extra_acked[1];
    uint32_t most = quantized(cc, b, bdp(cc, b, b->bw_now, cwnd_gain(b)) + extra);
    uint32_t w = cc->cwnd < WINDOW_MAX ? cc->cwnd : WINDOW_MAX;
    uint32_t grown = a->acked < WINDOW_MAX - w ? w + a->acked : WINDOW_MAX;
    if (b->full_bw_reached)
        w = grown < most ? grown : most;
    else if (w < most || a->delivered < cc_initial_window(cc->mss))
        w = grown;
    w = w > min_pipe(cc) ? w : min_pipe(cc);
    if (b->state == BBR_PROBE_RTT && w > bbr_probe_rtt_cwnd(cc, b))
        w = bbr_probe_rtt_cwnd(cc, b);
    cc->cwnd = bound_by_model(cc, b, w);
}

static void bbr_on_ack(struct cc *cc, const struct cc_ack *a)
{
    struct bbr *b = cc->ext;
    tern_assert(cc->mss > 0 && a->delivered >= a->prior_delivered);
    if (b == NULL) {
        cc_reno.on_ack(cc, a);
        return;
    }
    if (!b->ready)
        begin(cc, b, a);
    if (b->in_rto && !a->rto_recovery) {
        b->in_rto = false;
        restore_cwnd(cc, b);
    }
    update_latest(b, a);
    update_round(b, a);
    note_loss(b, a);
    update_congestion(cc, b, a);
    update_aggregation(cc, b, a);
    bbr_check_full_pipe(cc, b, a);
    bbr_check_drain(cc, b, a);
    bbr_cycle(cc, b, a);
    update_min_rtt(b, a);
    bbr_check_probe_rtt(cc, b, a);
    advance_latest(b, a);
    b->idle_restart = false;
    b->bw_now = b->max_bw < b->bw_shortterm ? b->max_bw : b->bw_shortterm;
    set_pacing(cc, b);
    set_cwnd(cc, b, a);
}

/* ---- loss, timeout, undo ---- */

static void bbr_init(struct cc *cc, bool syn_lost)
{
    cc_reno.init(cc, syn_lost);
    cc->pacing_bps = 0;
}

static void bbr_on_loss(struct cc *cc, uint32_t flight, struct tern_time now)
{
    struct bbr *b = cc->ext;
    if (b == NULL || !b->ready) {
        cc_reno.on_loss(cc, flight, now);
        cc->cwnd = cc->ssthresh;
        return;
    }
    remember(cc, b); /* the window stays: the model answers the loss */
    b->in_loss = true;
}

static void bbr_on_recovered(struct cc *cc, uint32_t flight, struct tern_time now)
{
    struct bbr *b = cc->ext;
    (void)flight;
    (void)now;
    if (b == NULL || !b->in_loss)
        return;
    b->in_loss = false;
    restore_cwnd(cc, b);
}

static void bbr_on_rto(struct cc *cc, uint32_t flight, bool first, struct tern_time now)
{
    struct bbr *b = cc->ext;
    if (b == NULL || !b->ready) {
        cc_reno.on_rto(cc, flight, first, now);
        return;
    }
    if (first)
        remember(cc, b);
    b->in_rto = true;
    b->in_loss = false;
    cc->cwnd = cc->mss;
}

static void bbr_on_undo(struct cc *cc)
{
    struct bbr *b = cc->ext;
    cc_restore_prior(cc);
    if (b == NULL || !b->ready)
        return;
    b->loss_in_round = b->in_loss = b->in_rto = false;
    bbr_reset_full_bw(b);
    if (b->undo_bw_shortterm > b->bw_shortterm)
        b->bw_shortterm = b->undo_bw_shortterm;
    if (b->undo_shortterm > b->inflight_shortterm)
        b->inflight_shortterm = b->undo_shortterm;
    if (b->undo_longterm > b->inflight_longterm)
        b->inflight_longterm = b->undo_longterm;
    bbr_resume(b);
    restore_cwnd(cc, b);
}

/* The model stays: only the rate must not be a probe's. */
static void bbr_on_idle(struct cc *cc)
{
    struct bbr *b = cc->ext;
    if (b == NULL || !b->ready) {
        cc_reno.on_idle(cc);
        return;
    }
    b->idle_restart = true;
    if (bbr_probing_bw(b) && b->bw_now != 0)
        cc->pacing_bps = b->bw_now;
}

static void bbr_on_ecn(struct cc *cc, uint32_t flight, struct tern_time now)
{
    struct bbr *b = cc->ext;
    if (b == NULL || !b->ready) {
        cc_reno.on_ecn(cc, flight, now);
        return;
    }
    b->loss_in_round = true;
}

/* The window is the model's, whether it is in use or not. */
static void bbr_on_cut(struct cc *cc)
{
    (void)cc;
}

const struct cc_ops cc_bbr = {
    .name = "bbr",
    .ext_size = sizeof(struct bbr),
    .own_recovery = true,
    .init = bbr_init,
    .on_ack = bbr_on_ack,
    .on_loss = bbr_on_loss,
    .on_recovered = bbr_on_recovered,
    .on_rto = bbr_on_rto,
    .on_undo = bbr_on_undo,
    .on_idle = bbr_on_idle,
    .on_ecn = bbr_on_ecn,
    .on_cut = bbr_on_cut,
};
