/* SPDX-License-Identifier: BSD-2-Clause */
/* stack/clock.c: time: timers that are due, and when to come back. */
#include "stack/stack.h"

void tern_tick(struct tern_stack *st, struct tern_time now)
{
    now = stack_now(st, now);
    neigh_tick(&st->neigh, now);
    egress_reap(st);
    tcp_tick(st->tcp, now);
    stack_after(st);
}

struct tern_time tern_deadline(const struct tern_stack *st)
{
    if (lo_pending(st))
        return st->now;
    return time_min(tcp_deadline(st->tcp), neigh_deadline(&st->neigh));
}
