/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/plan.h: a segment's way out: what it is (plan.c, train.c), its octets (build.c), and what has
 * changed when it is gone (commit.c).
 */
#ifndef TCP_PLAN_H
#define TCP_PLAN_H

#include "tcp/block.h"

enum plan_what { PLAN_NOTHING, PLAN_SYN, PLAN_DATA, PLAN_ACK, PLAN_PROBE };
struct tcp_plan {
    enum plan_what what;
    struct seq seq;
    uint32_t len; /* payload octets; more than one segment's worth when the link cuts */
    uint8_t th;
    bool rexmt;
    uint16_t cause;
    bool window_blocked; /* PLAN_NOTHING: the peer's window is what holds data back */
    bool held_back;      /* PLAN_NOTHING: Nagle, cork or SWS avoidance holds data back */
    bool cwnd_blocked;   /* PLAN_NOTHING: the congestion window is what holds data back */
    bool pace_blocked;   /* PLAN_NOTHING: the pacing rate is */
};
void tcp_plan(const struct tcp *t, const struct tcp_conn *c, uint32_t most, struct tern_time now,
              struct tcp_plan *p);
/* train.c: the same for the common case; false = it is another one, and *p is not written. */
bool train_plan(const struct tcp *t, const struct tcp_conn *c, uint32_t most, struct tern_time now,
                struct tcp_plan *p);
/* Does the profile shape data in ways that only plan.c knows? */
bool train_habits(const struct profile *pol);
/* The segment of the plan into buf; fills *out and *seg. Returns the header's length. */
uint32_t conn_build(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p, uint8_t *buf,
                    struct tcp_out *out, struct tcp_seg *seg, struct tern_time now);
void tcp_commit(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p,
                const struct tcp_seg *seg, uint32_t pieces, struct tern_time now);
/* Something about c changed: it may have something to send. */
void tcp_ready(struct tcp *t, struct tcp_conn *c);

#endif
