/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/hystart.h: HyStart++ (RFC 9406): leaves slow start when the round-trip time grows, before
 * the bottleneck's queue overflows.
 */
#ifndef TCP_CC_HYSTART_H
#define TCP_CC_HYSTART_H

#include "tcp/cc/cc.h"

/* All zero is the beginning. Times in microseconds, 0 = none (the RFC's infinity). */
struct hystart {
    uint32_t last_min_us; /* lastRoundMinRTT */
    uint32_t cur_min_us;  /* currentRoundMinRTT */
    uint32_t base_us;     /* cssBaselineMinRtt */
    uint16_t samples;     /* rttSampleCount */
    uint8_t css_rounds;   /* rounds in conservative slow start that are over */
    bool css;             /* in conservative slow start */
    int64_t round_ns,
        train_ns; /* the classic one: when the round began, and its last ACK in a row */
};

/* One ACK in the first slow start. Returns by how many octets the window grows; *leave = slow start
 * is over. Not for windows that the application does not fill: the caller filters those ACKs. */
uint32_t hystart_ack(struct hystart *h, uint32_t mss, const struct cc_ack *a, bool *leave);

/* The same by the classic HyStart: octets by which the window of cwnd octets grows. */
uint32_t hystart_classic(struct hystart *h, uint32_t mss, uint32_t cwnd, const struct cc_ack *a,
                         bool *leave);

#endif
