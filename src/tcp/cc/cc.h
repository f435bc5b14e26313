/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/cc.h: the one interface of congestion-control plug-ins.
 *
 * A plug-in sees a small view (struct cc), never the connection. Loss recovery decides *what* to
 * retransmit and tells the plug-in *that* something was lost; the plug-in only owns cwnd and
 * ssthresh. All amounts are octets. Every hook is required.
 */
#ifndef TCP_CC_CC_H
#define TCP_CC_CC_H

#include <stdbool.h>
#include <stdint.h>
#include <tern/types.h>

struct cc {
    uint32_t cwnd;     /* congestion window */
    uint32_t ssthresh; /* slow-start threshold; UINT32_MAX before the first loss */
    uint32_t mss;      /* sender maximum segment size (SMSS) */
    uint32_t acc;      /* plug-in: octets acknowledged since cwnd last grew in avoidance */
    uint64_t priv[3];  /* plug-in: anything else */
};

struct cc_ops {
    const char *name;
    /* A connection is open: set the initial window. syn_lost: the SYN was retransmitted
     * [RFC5681:3.1]. */
    void (*init)(struct cc *cc, bool syn_lost);
    /* `acked` octets were newly acknowledged outside recovery; `flight` was outstanding before;
     * `limited` = cwnd, not the application or the peer's window, held the sender back. */
    void (*on_ack)(struct cc *cc, uint32_t acked, uint32_t flight, bool limited,
                   struct tern_time now, uint32_t srtt_us);
    /* Fast recovery begins: a loss was inferred with `flight` octets outstanding. */
    void (*on_loss)(struct cc *cc, uint32_t flight, struct tern_time now);
    /* Fast recovery ended; `flight` is outstanding. */
    void (*on_recovered)(struct cc *cc, uint32_t flight, struct tern_time now);
    /* The retransmission timer fired; `first` = for this data for the first time. */
    void (*on_rto)(struct cc *cc, uint32_t flight, bool first, struct tern_time now);
    /* The sender was idle for longer than the RTO. */
    void (*on_idle)(struct cc *cc);
};

/* The initial window: min(10 * MSS, max(2 * MSS, 14600)) [RFC6928:2]. */
static inline uint32_t cc_initial_window(uint32_t mss)
{
    uint32_t floor = 2 * mss > 14600 ? 2 * mss : 14600;
    return 10 * mss < floor ? 10 * mss : floor;
}

extern const struct cc_ops cc_reno;

/* By enum tern_cc; never NULL for a valid number. */
const struct cc_ops *cc_ops_of(unsigned which);

#endif
