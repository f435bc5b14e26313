/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cc/none.c: no congestion control: a window so large that only the peer's limits the sender.
 *
 * For laboratories, where the wire belongs to one connection and its own loss recovery is to be
 * seen alone. It ignores loss, timeouts and idleness: on a shared network it would be a menace
 * [RFC2914:3].
 */
#include "base/assert.h"
#include "tcp/cc/cc.h"

#define NONE_WINDOW (UINT32_C(1) << 30) /* the largest window a peer can offer [RFC7323:2.3] */

static void none_open_wide(struct cc *cc)
{
    tern_assert(cc->mss > 0);
    cc->cwnd = NONE_WINDOW;
    cc->ssthresh = UINT32_MAX;
    cc->acc = 0;
    cc->pacing_bps = 0;
}

static void none_init(struct cc *cc, bool syn_lost)
{
    (void)syn_lost;
    none_open_wide(cc);
}

static void none_on_ack(struct cc *cc, const struct cc_ack *a)
{
    (void)a;
    none_open_wide(cc);
}

static void none_on_loss(struct cc *cc, uint32_t flight, struct tern_time now)
{
    (void)flight;
    (void)now;
    none_open_wide(cc);
}

static void none_on_rto(struct cc *cc, uint32_t flight, bool first, struct tern_time now)
{
    (void)first;
    none_on_loss(cc, flight, now);
}

const struct cc_ops cc_none = {
    .name = "none",
    .own_recovery = true,
    .init = none_init,
    .on_ack = none_on_ack,
    .on_loss = none_on_loss,
    .on_recovered = none_on_loss,
    .on_rto = none_on_rto,
    .on_undo = none_open_wide,
    .on_idle = none_open_wide,
    .on_ecn = none_on_loss,
    .on_cut = none_open_wide,
};
