/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/pace.c: data at the rate that the congestion control asks for (struct cc, pacing_bps),
 * instead of a burst for each ACK. What a timer or a probe forces out is not held back.
 *
 * A credit of one quantum (what the rate allows in a millisecond, at least two segments) may be
 * used in a burst: the timing wheel is coarser than a segment's time on a fast link, and a
 * super-segment is a burst by nature. Where the stack paces because it does not trust the window
 * (cwv.c) the quantum is at least the initial window: so much may any connection send at once.
 */
#include "tcp/conn.h"

#define QUANTUM_US 1000
#define LEAST_NS   200000 /* a few ticks of the wheel */

uint32_t pace_quantum(const struct tcp_conn *c)
{
    if (c->cc.pacing_bps == 0)
        return UINT32_MAX;
    uint64_t n = c->cc.pacing_bps / (1000000 / QUANTUM_US);
    uint32_t least = c->cwv_s != 0 ? cc_initial_window(c->cc.mss) : 2 * c->cc.mss;
    return n < least ? least : n > 65536 ? 65536 : (uint32_t)n;
}

bool pace_allows(const struct tcp_conn *c, const struct xmit *x, struct tern_time now)
{
    return c->cc.pacing_bps == 0 || x == NULL || x->pace_ns <= now.ns;
}

void pace_sent(const struct tcp_conn *c, struct xmit *x, uint32_t len, struct tern_time now)
{
    if (c->cc.pacing_bps == 0)
        return;
    int64_t credit_ns = (int64_t)((uint64_t)pace_quantum(c) * 1000000000u / c->cc.pacing_bps);
    if (credit_ns < LEAST_NS)
        credit_ns = LEAST_NS;
    if (x->pace_ns < now.ns - credit_ns)
        x->pace_ns = now.ns - credit_ns;
    x->pace_ns += (int64_t)((uint64_t)len * 1000000000u / c->cc.pacing_bps);
}
