/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/cubic.c: CUBIC (RFC 9438): the window is a cubic function of the time since the last loss,
 * so that it does not depend on the round-trip time how fast a long fat pipe is filled again.
 *
 * W_cubic(t) = C (t - K)^3 + W_max with C = 0.4 segments/s^3 and a decrease to 0.7. All is integer
 * arithmetic in octets; times count in units of 2^-15 s, the fraction of the Reno-friendly estimate
 * in 2^-16 octets. The cube and its root are exact to less than a tenth of a segment for windows up
 * to ten thousand segments. Slow start is HyStart++'s (hystart.c) until the first loss. W_max is
 * kept across the recovery of a loss and given up by a timeout [RFC9438:4.8].
 *
 * Without its block of memory (struct cc's ext) it grows as Reno does and still decreases to 0.7.
 * It does not pace.
 */
#include "base/assert.h"
#include "tcp/cc/cc.h"
#include "tcp/cc/hystart.h"
#include <stddef.h>

#define WINDOW_MAX (UINT32_MAX / 2)
#define UNITS      15 /* time: 2^-15 s */
#define T_MAX      (UINT64_C(255) << UNITS)

/* What an avoidance stage is about. */
struct cubic_curve {
    int64_t epoch_ns; /* epoch_start */
    uint64_t w_est;   /* W_est, 2^-16 octets */
    uint32_t w_max;   /* W_max, octets; 0 = undefined */
    uint32_t w_prior; /* cwnd_prior, octets */
    uint32_t k;       /* K */
    uint32_t acc;     /* cc.acc as it stood (in `undo` only) */
    bool on;          /* the stage has begun: epoch_ns, w_est and k are valid */
};

struct cubic {
    struct hystart hy;
    struct cubic_curve c, undo;
    int64_t last_ns; /* the last ACK of this stage */
    bool undo_ok;
};
_Static_assert(sizeof(struct cubic) <= CC_EXT_MAX, "CUBIC's block grew");

/* ---- arithmetic ---- */

static uint64_t root3(uint64_t x)
{
    uint64_t y = 0;
    for (int s = 63; s >= 0; s -= 3) { /* one binary digit of the root a turn */
        y *= 2;
        uint64_t b = 3 * y * (y + 1) + 1;
        if (x >> s >= b) {
            x -= b << s;
            y++;
        }
    }
    return y;
}

/* K = cbrt((W_max - cwnd_epoch) / C) [RFC9438:4.2]; `octets` is the difference. */
static uint32_t cubic_k(uint32_t octets, uint32_t mss)
{
    uint64_t num = (uint64_t)octets * 5, den = (uint64_t)mss * 2; /* / mss / C */
    uint64_t whole = num / den, rest = num % den;
    unsigned shift = UNITS;
    while (shift > 0 && whole >> (63 - 3 * shift) != 0)
        shift--;
    uint64_t k = root3((whole << 3 * shift) + (rest << 3 * shift) / den) << (UNITS - shift);
    return k < T_MAX ? (uint32_t)k : (uint32_t)T_MAX;
}

/* W_cubic(t) in octets [RFC9438:4.2]. */
/* [RFC9438:4.2#1] */
static uint32_t cubic_at(const struct cubic_curve *c, uint32_t mss, uint64_t t)
{
    bool before = t < c->k;
    uint64_t d = before ? c->k - t : t - c->k;
    if (d > T_MAX)
        d = T_MAX;
    uint64_t d3 = ((d * d >> UNITS) * d) >> UNITS;
    uint64_t far = (d3 * mss * 2 / 5) >> UNITS;
    if (before)
        return far < c->w_max ? (uint32_t)(c->w_max - far) : 0;
    return far + c->w_max < WINDOW_MAX ? (uint32_t)(far + c->w_max) : WINDOW_MAX;
}

static uint64_t cubic_units(int64_t ns)
{
    if (ns < 0)
        return 0;
    uint64_t us = (uint64_t)ns / 1000;
    return us < 255000000 ? (us << UNITS) / 1000000 : T_MAX;
}

/* ssthresh = flight_size * beta, but of no more than the window: what SACK has reported is still in
 * flight_size [RFC9438:4.6#1] */
static uint32_t cubic_less(const struct cc *cc, uint32_t flight)
{
    uint32_t w = (uint32_t)((uint64_t)(flight < cc->cwnd ? flight : cc->cwnd) * 7 / 10);
    return w > 2 * cc->mss ? w : 2 * cc->mss;
}

/* ---- growth ---- */

static void cubic_begin(struct cc *cc, struct cubic *q, struct tern_time now)
{
    struct cubic_curve *c = &q->c;
    c->on = true;
    c->epoch_ns = q->last_ns = now.ns;
    c->w_est = (uint64_t)cc->cwnd << 16;
    if (c->w_max <=
        cc->cwnd) { /* after a timeout, or after HyStart++ [RFC9438:4.8] [RFC9438:4.10] */
        c->w_max = cc->cwnd;
        c->k = 0;
    } else {
        c->k = cubic_k(c->w_max - cc->cwnd, cc->mss);
    }
}

/* What Reno would have, more aggressive by as much as it is less cautious [RFC9438:4.3]. */
static uint32_t cubic_friendly(const struct cc *cc, struct cubic_curve *c, uint32_t acked)
{
    uint64_t n = acked < 1u << 26 ? acked : 1u << 26;
    uint64_t more = (n * cc->mss << 16) / cc->cwnd;
    c->w_est +=
        c->w_est >> 16 < c->w_prior ? more * 9 / 17 : more; /* alpha = 3 * 0.3 / 1.7, or 1 */
    return c->w_est >> 16 < WINDOW_MAX ? (uint32_t)(c->w_est >> 16) : WINDOW_MAX;
}

static void cubic_avoid(struct cc *cc, struct cubic *q, uint32_t acked, const struct cc_ack *a)
{
    struct cubic_curve *c = &q->c;
    if (!c->on)
        cubic_begin(cc, q, a->now);
    q->last_ns = a->now.ns;
    if (acked > cc->cwnd)
        acked = cc->cwnd;
    uint64_t t = cubic_units(a->now.ns - c->epoch_ns);
    uint32_t est = cubic_friendly(cc, c, acked);
    if (cubic_at(c, cc->mss, t) < est) { /* the Reno-friendly region */
        if (cc->cwnd < est)
            cc->cwnd = est;
        return;
    }
    uint32_t target = cubic_at(c, cc->mss, t + cubic_units((int64_t)a->srtt_us * 1000));
    if (target <= cc->cwnd)
        return;
    uint64_t gap = target - cc->cwnd;
    if (gap > cc->cwnd / 2) /* at most half as much again in a round trip [RFC9438:4.2#3] */
        gap = cc->cwnd / 2;
    uint64_t n = gap * acked + cc->acc; /* cc.acc: what is left of an octet, in parts of cwnd */
    cc->acc = (uint32_t)(n % cc->cwnd);
    cc->cwnd += (uint32_t)(n / cc->cwnd);
}

/* Slow start; returns what is left for avoidance of the octets acknowledged. */
static uint32_t cubic_slow_start(struct cc *cc, struct cubic *q, const struct cc_ack *a)
{
    if (cc->ssthresh != UINT32_MAX) { /* not the first: plain [RFC9406:4.3] */
        uint32_t room = cc->ssthresh - cc->cwnd;
        uint32_t grow = a->acked < room ? a->acked : room;
        cc->cwnd += grow;
        return a->acked - grow;
    }
    bool leave = false;
    uint32_t grow = a->classic ? hystart_classic(&q->hy, cc->mss, cc->cwnd, a, &leave)
                               : hystart_ack(&q->hy, cc->mss, a, &leave);
    if (cc->cwnd < WINDOW_MAX)
        cc->cwnd += grow;
    if (leave) { /* no loss, hence no W_max [RFC9438:4.10] */
        cc->ssthresh = cc->cwnd;
        q->c.w_prior = cc->cwnd;
        q->c.w_max = 0;
    }
    return 0;
}

static void cubic_on_ack(struct cc *cc, const struct cc_ack *a)
{
    struct cubic *q = cc->ext;
    tern_assert(cc->mss > 0 && cc->cwnd > 0);
    if (q == NULL) {
        cc_reno.on_ack(cc, a);
        return;
    }
    if (a->recovery)
        return;
    if (!a->limited) { /* time in which the application held back does not count [RFC9438:4.2#2] */
        q->c.epoch_ns += a->now.ns - q->last_ns;
        q->last_ns = a->now.ns;
        return;
    }
    uint32_t left = cc->cwnd < cc->ssthresh ? cubic_slow_start(cc, q, a) : a->acked;
    if (left != 0 && cc->cwnd >= cc->ssthresh)
        cubic_avoid(cc, q, left, a);
}

/* ---- decrease ---- */

static void cubic_remember(const struct cc *cc, struct cubic *q)
{
    q->undo = q->c;
    q->undo.acc = cc->acc;
    q->undo_ok = true;
}

static void cubic_on_loss(struct cc *cc, uint32_t flight, struct tern_time now)
{
    struct cubic *q = cc->ext;
    (void)now;
    if (q != NULL) {
        cubic_remember(cc, q);
        q->c.w_prior = cc->cwnd;
        /* Less than last time: another flow wants its share, so leave it some [RFC9438:4.7] */
        q->c.w_max = cc->cwnd < q->c.w_max ? (uint32_t)((uint64_t)cc->cwnd * 17 / 20) : cc->cwnd;
        q->c.on = false;
    }
    cc->ssthresh = cubic_less(cc, flight);
    cc->acc = 0;
}

static void cubic_on_recovered(struct cc *cc, uint32_t flight, struct tern_time now)
{
    (void)flight;
    (void)now;
    cc->cwnd = cc->ssthresh;
    cc->acc = 0;
}

static void cubic_on_rto(struct cc *cc, uint32_t flight, bool first, struct tern_time now)
{
    struct cubic *q = cc->ext;
    (void)now;
    if (first) {
        if (q != NULL) {
            cubic_remember(cc, q);
            q->c.w_prior = cc->cwnd;
            q->c.w_max = 0; /* K = 0 from where slow start ends [RFC9438:4.8] */
            q->c.on = false;
        }
        cc->ssthresh = cubic_less(cc, flight);
    }
    cc->cwnd = cc->mss;
    cc->acc = 0;
}

static void cubic_on_undo(struct cc *cc)
{
    struct cubic *q = cc->ext;
    if (q != NULL && q->undo_ok) { /* [RFC9438:4.9] */
        q->c = q->undo;
        cc->acc = q->undo.acc;
        q->undo_ok = false;
    }
    cc_restore_prior(cc);
}

static void cubic_on_idle(struct cc *cc)
{
    struct cubic *q = cc->ext;
    uint32_t rw = cc_initial_window(cc->mss);
    if (cc->cwnd > rw) {
        uint32_t most = cc->cwnd - cc->cwnd / 4; /* slow start may go back to there [RFC2861:3] */
        if (cc->ssthresh != UINT32_MAX && cc->ssthresh < most)
            cc->ssthresh = most;
        cc->cwnd = rw; /* [RFC5681:4.1] */
    }
    if (q != NULL)
        q->c.on = false;
    cc->acc = 0;
}

static void cubic_on_ecn(struct cc *cc, uint32_t flight, struct tern_time now)
{
    uint32_t used = flight < cc->cwnd ? flight : cc->cwnd;
    uint32_t less = (uint32_t)((uint64_t)used * 17 / 20); /* [RFC8511:3] marks come early */
    cubic_on_loss(cc, flight, now);                       /* [RFC9438:4.6] [RFC3168:6.1.2] */
    if (less > cc->ssthresh)
        cc->ssthresh = less;
    less = less > cc->mss ? less : cc->mss; /* [RFC9438:4.6#2] */
    if (cc->cwnd > less)
        cc->cwnd = less;
}

static void cubic_on_cut(struct cc *cc)
{
    struct cubic *q = cc->ext;
    if (q != NULL)
        q->c.on = false;
    cc->acc = 0;
}

static void cubic_init(struct cc *cc, bool syn_lost)
{
    cc_reno.init(cc, syn_lost);
}

const struct cc_ops cc_cubic = {
    .name = "cubic",
    .ext_size = sizeof(struct cubic),
    .init = cubic_init,
    .on_ack = cubic_on_ack,
    .on_loss = cubic_on_loss,
    .on_recovered = cubic_on_recovered,
    .on_rto = cubic_on_rto,
    .on_undo = cubic_on_undo,
    .on_idle = cubic_on_idle,
    .on_ecn = cubic_on_ecn,
    .on_cut = cubic_on_cut,
};
