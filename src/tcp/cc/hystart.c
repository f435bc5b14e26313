/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/hystart.c: RFC 9406 4.2, variable by variable.
 *
 * Each round's least round-trip time is compared with the round's before. A clear rise means that a
 * queue is filling: slow start goes on at a quarter of its pace (CSS), and if the rise lasts for
 * five rounds it ends; if it was a passing cloud it takes up its pace again. Rounds are those that
 * loss recovery counts (cc_ack.round_start). The sender is not paced here, so L is 8.
 *
 * The classic HyStart (S. Ha and I. Rhee, 2008) is here too, for the profile of a system that has
 * it still: slow start ends at once when ACKs have come in a row for half of the least round trip,
 * or when the least of a round's first eight round-trip times is an eighth above that.
 */
#include "tcp/cc/hystart.h"
#include "base/assert.h"

#define MIN_RTT_THRESH_US  4000u /* [RFC9406:4.3] */
#define MAX_RTT_THRESH_US  16000u
#define MIN_RTT_DIVISOR    8u
#define N_RTT_SAMPLE       8u
#define CSS_GROWTH_DIVISOR 4u /* [RFC9406:4.3#1] */
#define CSS_ROUNDS         5u
#define L_UNPACED          8u /* [RFC9406:4.3#2] */

static void round_begin(struct hystart *h)
{
    h->last_min_us = h->cur_min_us;
    h->cur_min_us = 0;
    h->samples = 0;
    if (h->css)
        h->css_rounds++;
}

static void sample(struct hystart *h, uint32_t us)
{
    if (us == 0)
        return;
    if (h->cur_min_us == 0 || us < h->cur_min_us)
        h->cur_min_us = us;
    if (h->samples < UINT16_MAX)
        h->samples++;
}

static uint32_t threshold(uint32_t least_us)
{
    uint32_t us = least_us / MIN_RTT_DIVISOR;
    if (us > MAX_RTT_THRESH_US)
        return MAX_RTT_THRESH_US;
    return us < MIN_RTT_THRESH_US ? MIN_RTT_THRESH_US : us;
}

/* Has the round-trip time risen since the last round? */
static bool risen(const struct hystart *h)
{
    if (h->samples < N_RTT_SAMPLE || h->cur_min_us == 0 || h->last_min_us == 0)
        return false;
    return h->cur_min_us >= h->last_min_us + threshold(h->last_min_us); /* [RFC9406:4.2#1] */
}

uint32_t hystart_ack(struct hystart *h, uint32_t mss, const struct cc_ack *a, bool *leave)
{
    tern_assert(mss > 0);
    uint32_t grow = a->acked < L_UNPACED * mss ? a->acked : L_UNPACED * mss;
    if (a->round_start)
        round_begin(h);
    sample(h, a->rtt_us);
    if (!h->css) {
        if (risen(h)) {
            h->base_us = h->cur_min_us;
            h->css = true;
            h->css_rounds = 0; /* this round counts, though it is not whole */
        }
    } else if (h->samples >= N_RTT_SAMPLE && h->cur_min_us < h->base_us) {
        h->base_us = 0;
        h->css = false; /* the rise was not the queue's */
    }
    *leave = h->css && h->css_rounds >= CSS_ROUNDS;
    return h->css ? grow / CSS_GROWTH_DIVISOR : grow; /* [RFC9406:4.2#2] */
}

/* ---- the classic one ---- */

#define CLASSIC_SEGMENTS 16u     /* of smaller windows nothing is concluded */
#define TRAIN_NS         2000000 /* ACKs no farther apart are in a row */
#define TRAIN_SLACK_US   1000u

uint32_t hystart_classic(struct hystart *h, uint32_t mss, uint32_t cwnd, const struct cc_ack *a,
                         bool *leave)
{
    tern_assert(mss > 0);
    if (a->rtt_us == 0 || a->min_rtt_us == 0)
        return a->acked;
    if (a->round_start || h->round_ns == 0) {
        h->round_ns = h->train_ns = a->now.ns;
        h->cur_min_us = 0;
        h->samples = 0;
    }
    if (cwnd < CLASSIC_SEGMENTS * mss)
        return a->acked;
    if (a->now.ns - h->train_ns <= TRAIN_NS) {
        h->train_ns = a->now.ns;
        *leave = (a->now.ns - h->round_ns) / 1000 > (int64_t)(a->min_rtt_us + TRAIN_SLACK_US) / 2;
    }
    bool enough = h->samples >= N_RTT_SAMPLE;
    sample(h, a->rtt_us);
    *leave = *leave || (enough && h->cur_min_us > a->min_rtt_us + threshold(a->min_rtt_us));
    return *leave ? 0 : a->acked;
}
