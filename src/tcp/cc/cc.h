/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/cc.h: the one interface of congestion-control plug-ins.
 *
 * A plug-in sees a small view (struct cc), never the connection. Loss recovery decides *what* to
 * retransmit and tells the plug-in *that* something was lost; the plug-in only owns cwnd, ssthresh
 * and the pacing rate. During fast recovery cwnd is loss recovery's (PRR, RFC 9937) unless the
 * plug-in says own_recovery. All amounts are octets. Every hook is required.
 *
 * A plug-in without own_recovery leaves it to the stack what becomes of a window that is not in use
 * (tcp/cwv.c, RFC 7661): the stack may lower cwnd, and while it does not trust cwnd it paces.
 */
#ifndef TCP_CC_CC_H
#define TCP_CC_CC_H

#include <stdbool.h>
#include <stdint.h>
#include <tern/types.h>

#define CC_EXT_MAX 320u /* largest ops->ext_size */

struct cc {
    uint32_t cwnd;       /* congestion window */
    uint32_t ssthresh;   /* slow-start threshold; UINT32_MAX before the first loss */
    uint32_t mss;        /* sender maximum segment size (SMSS) */
    uint32_t acc;        /* plug-in: octets acknowledged since cwnd last grew in avoidance */
    uint64_t pacing_bps; /* octets a second, 0 = unpaced */
    void *ext; /* plug-in's block of ops->ext_size octets, 8-octet aligned, zero when taken. NULL
                  before the first data and again after a second of idleness; and also when
                  the pool is empty: the plug-in must then get on with the fields above */
    uint32_t prior_cwnd, prior_ssthresh; /* as they stood before the last on_loss or first on_rto,
                                            saved by loss recovery for on_undo */
};

/* What one acknowledgment told. */
struct cc_ack {
    struct tern_time now;
    uint32_t acked;           /* octets newly delivered, cumulatively or selectively */
    uint32_t lost;            /* octets newly marked lost since the last on_ack */
    uint32_t flight_before;   /* octets believed in the network before this ACK (RFC 6675's pipe) */
    uint32_t flight;          /* and now */
    uint32_t rtt_us;          /* round-trip sample, 0 = none */
    uint32_t min_rtt_us;      /* least of the last 5 to 10 s; 0 = no sample yet */
    uint32_t srtt_us;         /* RFC 6298's; 0 = no sample yet */
    uint64_t delivered;       /* total octets delivered so far */
    uint64_t prior_delivered; /* ... when the newest segment acknowledged here was sent */
    uint64_t rate_bps;        /* delivery-rate sample, octets a second; 0 = none */
    uint32_t tx_in_flight;    /* octets in flight just after that segment was sent */
    bool classic;      /* slow start with the classic HyStart, and without a limit for one ACK */
    bool app_limited;  /* the sample was taken while the application had too little to send */
    bool limited;      /* cwnd (or pacing) held the sender back: it may grow [RFC7661:4.3] */
    bool round_start;  /* a round trip of data has gone by since the last such ACK */
    bool recovery;     /* in fast recovery: cwnd is PRR's unless own_recovery */
    bool rto_recovery; /* after a timeout: slow start from one segment */
    bool ece;          /* the ACK carries congestion news (ECN) */
};

struct cc_ops {
    const char *name;
    uint32_t ext_size; /* octets of struct cc's ext; 0 = none, at most CC_EXT_MAX */
    bool own_recovery; /* sets cwnd itself during fast recovery; PRR keeps out */
    /* A connection is open: set the initial window. syn_lost: the SYN was retransmitted
     * [RFC5681:3.1]. ext is NULL here. */
    void (*init)(struct cc *cc, bool syn_lost);
    /* Something was newly delivered; called in recovery too, where a plug-in without own_recovery
     * must leave cwnd alone. */
    void (*on_ack)(struct cc *cc, const struct cc_ack *a);
    /* Fast recovery begins (or a tail loss probe repaired a loss): a loss was inferred with
     * `flight` octets outstanding. Sets ssthresh; cwnd only with own_recovery. Without it, also
     * when a retransmission of this recovery was lost [RFC5681:4.3]: `flight` is then cwnd, and
     * that is what the first loss led to. */
    void (*on_loss)(struct cc *cc, uint32_t flight, struct tern_time now);
    /* Fast recovery ended; `flight` is outstanding. Sets cwnd, normally to ssthresh. */
    void (*on_recovered)(struct cc *cc, uint32_t flight, struct tern_time now);
    /* The retransmission timer fired; `first` = for this data for the first time. cwnd becomes one
     * segment. */
    void (*on_rto)(struct cc *cc, uint32_t flight, bool first, struct tern_time now);
    /* The last on_loss or on_rto was a mistake: back to prior_* [RFC4015:3]. */
    void (*on_undo)(struct cc *cc);
    /* The sender was idle for longer than the RTO [RFC5681:4.1]. */
    void (*on_idle)(struct cc *cc);
    /* Congestion was signalled without loss, at most once a round trip [RFC3168:6.1.2]. cwnd may go
     * down to one segment; at one segment the stack answers the mark, not the plug-in. */
    void (*on_ecn)(struct cc *cc, uint32_t flight, struct tern_time now);
    /* The stack has set cwnd, without a loss: growth begins anew from there. Never called with
     * own_recovery. */
    void (*on_cut)(struct cc *cc);
};

/* The initial window: min(10 * MSS, max(2 * MSS, 14600)) [RFC6928:2]. */
static inline uint32_t cc_initial_window(uint32_t mss)
{
    uint32_t floor = 2 * mss > 14600 ? 2 * mss : 14600; /* [RFC5681:3.1#1] */
    return 10 * mss < floor ? 10 * mss : floor;
}
/* on_undo as most plug-ins want it. */
static inline void cc_restore_prior(struct cc *cc)
{
    if (cc->cwnd < cc->prior_cwnd)
        cc->cwnd = cc->prior_cwnd;
    cc->ssthresh = cc->prior_ssthresh;
}

extern const struct cc_ops cc_reno, cc_cubic, cc_bbr, cc_none;

/* By enum tern_cc; never NULL for a valid number. */
const struct cc_ops *cc_ops_of(unsigned which);

#endif
