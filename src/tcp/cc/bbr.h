/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/bbr.h: BBR's model of the path, shared by bbr.c (model, window, rate) and bbr_phase.c (the
 * phases, and what is learnt from probing). Names are the draft's without their prefix.
 */
#ifndef TCP_CC_BBR_H
#define TCP_CC_BBR_H

#include "tcp/cc/cc.h"

enum bbr_state {
    BBR_STARTUP,
    BBR_DRAIN,
    BBR_DOWN,   /* ProbeBW: let the queue run dry */
    BBR_CRUISE, /* ProbeBW: leave room for others */
    BBR_REFILL, /* ProbeBW: fill the pipe, no queue yet */
    BBR_UP,     /* ProbeBW: is there more? */
    BBR_PROBE_RTT,
};

/* What the ACKs of now say about probing. */
enum bbr_acks {
    BBR_ACKS_INIT,
    BBR_ACKS_REFILLING,
    BBR_ACKS_STARTING,
    BBR_ACKS_FEEDBACK,
    BBR_ACKS_STOPPING
};

#define BBR_RTT_NONE  UINT32_MAX
#define BBR_BW_NONE   UINT64_MAX /* "infinity" of bw_shortterm */
#define BBR_DATA_NONE UINT32_MAX /* ... of inflight_* */

/* Rates in octets a second, amounts in octets, instants in ns, times in us. */
struct bbr {
    uint64_t bw[2];          /* filter of max_bw: the cycle before, and this one */
    uint64_t max_bw, bw_now; /* bw_now: max_bw bounded by bw_shortterm ("bw") */
    uint64_t bw_shortterm, bw_latest, undo_bw_shortterm;
    uint64_t full_bw;
    uint64_t next_round_delivered, loss_round_delivered;
    uint64_t agg_delivered;               /* extra_acked_delivered */
    int64_t agg_ns;                       /* extra_acked_interval_start */
    int64_t min_rtt_ns, probe_rtt_min_ns; /* when these minima were seen */
    int64_t probe_rtt_done_ns;            /* 0 = ProbeRTT's time has not begun */
    int64_t cycle_ns;                     /* when this phase of ProbeBW began */
    uint32_t inflight_longterm, inflight_shortterm, inflight_latest;
    uint32_t undo_longterm, undo_shortterm;
    uint32_t lost; /* octets, since the first loss of this loss round */
    uint32_t min_rtt_us, probe_rtt_min_us;
    uint32_t extra_acked[2];
    uint32_t prior_cwnd, probe_up_cnt, probe_up_acks, probe_wait_us;
    uint32_t round_count, drain_round, agg_rounds, rounds_since_probe, seed;
    uint16_t loss_events, probe_up_rounds, full_bw_count;
    uint8_t state, acks;
    uint8_t undo_state; /* the phase that a loss ended: STARTUP or UP; any other = none */
    bool ready;         /* the block has been filled in */
    bool round_start, loss_round_start, loss_in_round;
    bool full_bw_reached, full_bw_now, probe_samples, probe_rtt_round_done;
    bool min_rtt_due;                   /* probe_rtt_expired */
    bool probe_too_high, precautionary; /* how the last probe ended */
    bool idle_restart, in_rto, in_loss;
};
_Static_assert(sizeof(struct bbr) <= CC_EXT_MAX, "BBR's block grew");

/* bbr.c */
void bbr_start_round(struct bbr *b, uint64_t delivered);
uint32_t bbr_inflight(const struct cc *cc, const struct bbr *b, uint64_t bw, uint32_t percent);
uint32_t bbr_target(const struct cc *cc, const struct bbr *b);   /* BBRTargetInflight */
uint32_t bbr_headroom(const struct cc *cc, const struct bbr *b); /* BBRInflightWithHeadroom */
uint32_t bbr_probe_rtt_cwnd(const struct cc *cc, const struct bbr *b);
void bbr_reset_congestion(struct bbr *b);
void bbr_reset_shortterm(struct bbr *b);
uint32_t bbr_tx_in_flight(const struct cc_ack *a);
bool bbr_inflight_too_high(const struct bbr *b, const struct cc_ack *a);
bool bbr_cwnd_limited(const struct cc *cc, const struct cc_ack *a);
void bbr_save_cwnd(const struct cc *cc, struct bbr *b, bool in_recovery);
static inline bool bbr_probing_bw(const struct bbr *b)
{
    return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

/* bbr_phase.c */
void bbr_reset_full_bw(struct bbr *b);
void bbr_check_full_pipe(struct cc *cc, struct bbr *b, const struct cc_ack *a);
void bbr_check_drain(struct cc *cc, struct bbr *b, const struct cc_ack *a);
void bbr_cycle(struct cc *cc, struct bbr *b, const struct cc_ack *a);
/* A loss was a mistake: what it ended goes on. */
void bbr_resume(struct bbr *b);
void bbr_check_probe_rtt(struct cc *cc, struct bbr *b, const struct cc_ack *a);

#endif
