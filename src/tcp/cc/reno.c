/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/reno.c: the congestion control of RFC 5681 as NewReno uses it (RFC 6582): slow start,
 * congestion avoidance by counting acknowledged octets (RFC 3465), halving on loss.
 *
 * It does not detect losses and knows nothing of segments in flight beyond their number of octets.
 */
#include "base/assert.h"
#include "tcp/cc/cc.h"
#include <stddef.h>

static uint32_t half_flight(const struct cc *cc, uint32_t flight)
{
    uint32_t half = flight / 2;
    return half > 2 * cc->mss ? half : 2 * cc->mss; /* [RFC5681:3.1] equation 4 [RFC5681:3.1#6] */
}

static void reno_init(struct cc *cc, bool syn_lost)
{
    tern_assert(cc->mss > 0);
    cc->cwnd = syn_lost ? cc->mss : cc_initial_window(cc->mss); /* [RFC5681:3.1#3] */
    cc->ssthresh = UINT32_MAX;
    cc->acc = 0;
}

static void reno_on_ack(struct cc *cc, const struct cc_ack *a)
{
    uint32_t acked = a->acked;
    /* A window that was not used was not tested: it must not grow [RFC7661:4.3]. */
    if (a->recovery || !a->limited)
        return;
    if (cc->cwnd < cc->ssthresh) {
        uint32_t room = cc->ssthresh - cc->cwnd;
        uint32_t grow = acked < room ? acked : room;
        /* [RFC9293:MUST-19] [RFC5681:3.1#4] */
        cc->cwnd = cc->cwnd > UINT32_MAX / 2 ? cc->cwnd : cc->cwnd + grow;
        acked -= grow;
    }
    if (acked == 0)
        return;
    cc->acc += acked;
    if (cc->acc >= cc->cwnd) { /* [RFC5681:3.1#5] */
        cc->acc -= cc->cwnd;
        if (cc->cwnd < UINT32_MAX / 2)
            cc->cwnd += cc->mss;
    }
}

static void reno_on_loss(struct cc *cc, uint32_t flight, struct tern_time now)
{
    (void)now;
    cc->ssthresh = half_flight(cc, flight);
    cc->acc = 0;
}

static void reno_on_recovered(struct cc *cc, uint32_t flight, struct tern_time now)
{
    (void)flight;
    (void)now;
    cc->cwnd = cc->ssthresh;
    cc->acc = 0;
}

static void reno_on_rto(struct cc *cc, uint32_t flight, bool first, struct tern_time now)
{
    (void)now;
    if (first)
        cc->ssthresh = half_flight(cc, flight);
    cc->cwnd = cc->mss; /* the loss window [RFC5681:3.1] [RFC5681:3.1#7] */
    cc->acc = 0;
}

static void reno_on_idle(struct cc *cc)
{
    uint32_t rw = cc_initial_window(cc->mss);
    if (cc->cwnd > rw)
        cc->cwnd = rw; /* [RFC5681:4.1] */
    cc->acc = 0;
}

static void reno_on_ecn(struct cc *cc, uint32_t flight, struct tern_time now)
{
    (void)now;
    uint32_t less = (uint32_t)((uint64_t)flight * 4 / 5); /* [RFC8511:3] marks come early */
    cc->ssthresh = less > 2 * cc->mss ? less : 2 * cc->mss;
    less = less > cc->mss ? less : cc->mss; /* a mark may lead to one segment [RFC9438:4.6#2] */
    cc->cwnd = cc->cwnd < less ? cc->cwnd : less;
    cc->acc = 0;
}

static void reno_on_cut(struct cc *cc)
{
    cc->acc = 0;
}

const struct cc_ops cc_reno = {
    .name = "reno",
    .init = reno_init,
    .on_ack = reno_on_ack,
    .on_loss = reno_on_loss,
    .on_recovered = reno_on_recovered,
    .on_rto = reno_on_rto,
    .on_undo = cc_restore_prior,
    .on_idle = reno_on_idle,
    .on_ecn = reno_on_ecn,
    .on_cut = reno_on_cut,
};
