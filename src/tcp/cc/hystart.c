/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/hystart.c: RFC 9406 4.2, variable by variable.
 *
 * Each round's least round-trip time is compared with the round's before. A clear rise means that a
 * queue is filling: slow start goes on at a quarter of its pace (CSS), and if the rise lasts for
 * five rounds it ends; if it was a passing cloud it takes up its pace again. Rounds are those that
 * loss recovery counts (cc_ack.round_start). The sender is not paced here, so L is 8.
 */
#include "tcp/cc/hystart.h"
#include "base/assert.h"

#define MIN_RTT_THRESH_US  4000u /* [RFC9406:4.3] */
#define MAX_RTT_THRESH_US  16000u
#define MIN_RTT_DIVISOR    8u
#define N_RTT_SAMPLE       8u
#define CSS_GROWTH_DIVISOR 4u
#define CSS_ROUNDS         5u
#define L_UNPACED          8u

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

/* Has the round-trip time risen since the last round? */
static bool risen(const struct hystart *h)
{
    if (h->samples < N_RTT_SAMPLE || h->cur_min_us == 0 || h->last_min_us == 0)
        return false;
    uint32_t thresh = h->last_min_us / MIN_RTT_DIVISOR;
    if (thresh > MAX_RTT_THRESH_US)
        thresh = MAX_RTT_THRESH_US;
    if (thresh < MIN_RTT_THRESH_US)
        thresh = MIN_RTT_THRESH_US;
    return h->cur_min_us >= h->last_min_us + thresh;
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
    return h->css ? grow / CSS_GROWTH_DIVISOR : grow;
}
