/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/hold.c: listeners as a gateway has them (TERN_LISTEN_HOLD): a SYN is not answered until the
 * application has found out whether the way behind is open. Here it finds out after a random while,
 * and where the plan says so not all are let in.
 */
#include "sim.h"

void hold_event(struct sim_world *w, unsigned h, const struct tern_event *ev)
{
    struct sim_held *room = NULL;
    for (unsigned i = 0; i < SIM_FLOWS; i++) {
        struct sim_held *s = &w->host[h].held[i];
        if (s->sock.id == ev->sock.id && (ev->bits & TERN_EV_SYN_GONE)) {
            s->sock.id = 0;
            return;
        }
        if (s->sock.id == 0 && !room)
            room = s;
    }
    if ((ev->bits & TERN_EV_SYN_GONE) || !room) {
        sim_fail(w, "host %u: %s", h,
                 room ? "a SYN is gone that was never offered" : "too many SYNs");
        return;
    }
    room->sock = ev->sock;
    room->due_ns = w->now.ns + (int64_t)prng_below(&w->rng, w->plan->hold_us + 1) * 1000;
}

bool hold_run(struct sim_world *w, unsigned h)
{
    bool any = false;
    for (unsigned i = 0; i < SIM_FLOWS; i++) {
        struct sim_held *s = &w->host[h].held[i];
        if (s->sock.id == 0 || w->now.ns < s->due_ns)
            continue;
        enum tern_answer a = TERN_ANSWER_ACCEPT;
        if (w->plan->hold_refuses)
            a = (enum tern_answer)prng_below(&w->rng, 6);
        /* Stale when it has gone and the event that says so is still to come. */
        int r = tern_tcp_answer(w->host[h].st, s->sock, a, w->now);
        if (r != TERN_OK && r != TERN_EBADF)
            sim_fail(w, "host %u: tern_tcp_answer: %s", h, tern_strerror(r));
        any = true;
        if (r == TERN_OK)
            s->sock.id = 0;
        else
            s->due_ns = INT64_MAX;
    }
    return any;
}

struct tern_time hold_deadline(const struct sim_world *w, unsigned h)
{
    int64_t t = INT64_MAX;
    for (unsigned i = 0; !w->closing && i < SIM_FLOWS; i++) {
        const struct sim_held *s = &w->host[h].held[i];
        if (s->sock.id != 0 && s->due_ns < t)
            t = s->due_ns;
    }
    return (struct tern_time){t};
}
