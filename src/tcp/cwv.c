/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cwv.c: congestion-window validation (RFC 7661): how far a window can be trusted that the
 * application does not fill.
 *
 * pipeACK is the most that was acknowledged in one round trip of the last three (or of the last
 * second, if that is longer). As long as it is half of cwnd or more the window is validated, and
 * everything is as usual. Below that it is kept, so that an application that pauses finds it again,
 * but not believed: it does not grow unless it holds the sender back, bursts are spread over the
 * round trip, a sign of congestion is answered by what was in use and not by cwnd, and after
 * five minutes it is halved, down to the initial window.
 *
 * Samples are taken once a round trip: what was delivered between the sending of a segment and its
 * acknowledgment, by cumulative or selective ACKs. None are taken in a recovery, and after one
 * pipeACK is undefined until a whole round trip has passed; undefined counts as validated.
 *
 * A window is as good as full when not a whole segment more fits: that much is let pass. A plug-in
 * with a model of its own (own_recovery: BBR, `none`) is left alone, and so is a profile in which a
 * loss reduces cwnd itself.
 */
#include "tcp/conn.h"

#define NVP_S 300u /* the longest non-validated phase [RFC7661:4.4.3] */

static bool applies(const struct tcp *t, const struct tcp_conn *c)
{
    return !t->pol->loss_of_cwnd && !conn_cc(t, c)->own_recovery;
}

static uint16_t stamp(uint32_t ms)
{
    uint16_t s = (uint16_t)(ms / 1000);
    return s != 0 ? s : UINT16_MAX; /* a second too early */
}

/* A quarter of the sampling period, max(3 RTT, 1 s) [RFC7661:4.5.1]. */
static int64_t part_ns(const struct tcp_conn *c)
{
    int64_t us = 3 * (int64_t)c->rtt.srtt_us;
    return (us > 1000000 ? us : 1000000) * 1000 / 4;
}

/* Lets parts of the sampling period go by that are over. */
static void roll(const struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    int64_t part = part_ns(c), n = (now.ns - x->pipe_ns) / part;
    if (n <= 0)
        return;
    for (unsigned i = CWV_PARTS; i-- > 0;)
        x->pipe[i] = i >= n ? x->pipe[i - (unsigned)n] : 0;
    x->pipe_ns += n * part;
}

/* pipeACK; 0 when nothing was sent for a sampling period. Defined only in the non-validated phase,
 * or after a sample. */
static uint32_t pipe_ack(const struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    uint32_t most = 0;
    if (x == NULL || x->pipe_ns == 0)
        return 0;
    roll(c, x, now);
    for (unsigned i = 0; i < CWV_PARTS; i++)
        most = x->pipe[i] > most ? x->pipe[i] : most;
    return most;
}

/* Is half of cwnd in use [RFC7661:4.3]? A segment more or less does not matter. */
static bool validated(const struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    return pipe_ack(c, x, now) + c->cc.mss >= c->cc.cwnd / 2;
}

/* Bursts are spread when cwnd would allow larger ones than any new connection may send
 * [RFC7661:4.4.2]. The plug-ins that this is about do not pace themselves. */
static void spread(struct tcp_conn *c)
{
    bool large = c->cwv_s != 0 && c->cc.cwnd > cc_initial_window(c->cc.mss);
    c->cc.pacing_bps =
        large && c->rtt.srtt_us != 0 ? (uint64_t)c->cc.cwnd * 1250000 / c->rtt.srtt_us : 0;
}

/* Has the phase lasted too long? Once for each five minutes, had there been data or not
 * [RFC7661:4.4.3]. */
static void grow_old(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    uint32_t ms = tcp_ms(t, now), iw = cc_initial_window(c->cc.mss);
    uint32_t age_s = (uint16_t)((uint16_t)(ms / 1000) - c->cwv_s),
             idle_s = (ms - c->last_tx_ms) / 1000;
    if (seq_eq(c->snd.una, c->snd.nxt) && idle_s > age_s)
        age_s = idle_s; /* cwv_s has wrapped */
    if (age_s < NVP_S)
        return;
    for (uint32_t n = age_s / NVP_S; n != 0 && c->cc.cwnd > iw; n--) {
        uint32_t proved = c->cc.cwnd - c->cc.cwnd / 4; /* the rate was sustained safely */
        if (c->cc.ssthresh < proved)
            c->cc.ssthresh = proved;
        c->cc.cwnd = c->cc.cwnd / 2 > iw ? c->cc.cwnd / 2 : iw;
    }
    c->cwv_s = stamp(ms);
    conn_cc(t, c)->on_cut(&c->cc);
    note_cc(t, c, CAUSE_CC_NVP_OVER, now);
}

void cwv_round(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t acked,
               struct tern_time now)
{
    if (!applies(t, c))
        return;
    bool sample = x->pipe_marked && !c->recovery && !c->rto_recovery; /* [RFC7661:4.2] */
    x->pipe_marked = !c->recovery && !c->rto_recovery;
    if (!sample)
        return;
    if (x->pipe_ns == 0)
        x->pipe_ns = now.ns;
    roll(c, x, now);
    if (acked > x->pipe[0])
        x->pipe[0] = acked;
    if (c->cwv_s != 0)
        grow_old(t, c, now);
    if (validated(c, x, now)) {
        c->cwv_s = 0;
    } else if (c->cwv_s == 0) {
        c->cwv_s = stamp(tcp_ms(t, now));
        trace_count(t->trace, CAUSE_CC_UNVALIDATED);
    }
    spread(c);
}

/* [RFC7661:4.4.1] */
uint32_t cwv_congested(struct tcp *t, struct tcp_conn *c, uint32_t flight, struct tern_time now)
{
    if (c->cwv_s == 0 || !applies(t, c))
        return 0;
    uint32_t base = pipe_ack(c, conn_xmit(t, c), now);
    base = flight > base ? flight : base;
    c->cwv_s = 0;
    spread(c);
    if (c->cc.cwnd > base)
        c->cc.cwnd = base > c->cc.mss ? base : c->cc.mss;
    return base;
}

void cwv_settle(const struct tcp *t, struct tcp_conn *c, uint32_t base, uint32_t lost)
{
    if (base != 0) { /* the path could not carry `lost` of it */
        uint32_t half = base > lost ? (base - lost) / 2 : 0;
        c->cc.cwnd = half > c->cc.mss ? half : c->cc.mss;
    }
    cwv_reset(t, c);
}

void cwv_reset(const struct tcp *t, struct tcp_conn *c)
{
    struct xmit *x = conn_xmit(t, c);
    c->cwv_s = 0;
    if (applies(t, c))
        spread(c);
    if (x == NULL)
        return;
    memset(x->pipe, 0, sizeof x->pipe);
    x->pipe_ns = 0;
    x->pipe_marked = false;
    x->cwv_base = 0;
}

/* Samples go with the block. They would be out of date by the time that it is taken again. */
void cwv_asleep(const struct tcp *t, struct tcp_conn *c, const struct xmit *x)
{
    if (c->cwv_s == 0 && x->pipe_ns != 0 && applies(t, c))
        c->cwv_s = stamp(x->idle_ms);
}

void cwv_resume(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    if (!applies(t, c))
        return;
    if (x != NULL && x->pipe_ns != 0 && !validated(c, x, now))
        cwv_asleep(t, c, x);
    if (c->cwv_s == 0)
        return;
    grow_old(t, c, now);
    spread(c);
}
