/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/steps.c: what every connection of every run did, as steps: STATE, event, flags, next STATE.
 *
 * tests/model/walk compares them with the relation of the Promela model. An event is a segment that
 * came (rx) or went (tx), a call, or a timer. One that changed no state is a step too. Each
 * distinct step is kept once, with the first run that took it.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum event { EV_RX, EV_TX, EV_CALL, EV_TIMER, EVENTS };
enum { F_SYN = 1, F_ACK = 2, F_FIN = 4, F_RST = 8, F_DATA = 16, FLAGS = 32 };

struct step {
    uint64_t count, seed;
    enum sim_profile profile;
    int64_t us;
};
static struct step steps[TERN_TCP_STATES][EVENTS][FLAGS][TERN_TCP_STATES];

/* The segment that arrived last at each host, until it is known whether it changed a state. */
static struct {
    bool waiting;
    uint8_t state, flags;
    uint64_t run;
} last[2];

static void count(const struct sim_world *w, unsigned from, enum event ev, unsigned flags,
                  unsigned to)
{
    struct step *s = &steps[from][ev][flags][to];
    if (s->count++ != 0)
        return;
    s->seed = w->plan->seed;
    s->profile = w->plan->profile;
    s->us = sim_us(w);
}

static uint8_t flags_of(const struct tern_trace *r)
{
    return (uint8_t)((r->th & TERN_TH_SYN ? F_SYN : 0) | (r->th & TERN_TH_ACK ? F_ACK : 0) |
                     (r->th & TERN_TH_FIN ? F_FIN : 0) | (r->th & TERN_TH_RST ? F_RST : 0) |
                     (r->len != 0 ? F_DATA : 0));
}

/* Who changed the state. What is in neither list was a segment. */
static enum event changed_by(unsigned cause)
{
    static const char *const calls[] = {"passive-open",
                                        "listener-closed",
                                        "active-open",
                                        "close",
                                        "close-after-peer",
                                        "abort",
                                        "close-with-unread-data",
                                        "close-before-open",
                                        "listener-gone",
                                        "dial-refused",
                                        "dial-unreachable",
                                        "dial-silent",
                                        "orphan-limit"};
    static const char *const timers[] = {"2msl-over",
                                         "time-wait-evicted",
                                         "syn-evicted",
                                         "syn-unanswered",
                                         "syn-ack-unanswered",
                                         "user-timeout",
                                         "keepalive-unanswered",
                                         "gave-up-retransmitting",
                                         "fin-wait-2-timeout",
                                         "window-shut-too-long",
                                         "icmp-hard-error",
                                         "neighbour-silent",
                                         "time-wait-reused"};
    const char *name = tern_cause_name(cause);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(name, calls[i]) == 0)
            return EV_CALL;
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++)
        if (strcmp(name, timers[i]) == 0)
            return EV_TIMER;
    return EV_RX;
}

static void no_change(const struct sim_world *w, unsigned h)
{
    if (last[h].waiting)
        count(w, last[h].state, EV_RX, last[h].flags, last[h].state);
    last[h].waiting = false;
}

void steps_note(const struct sim_world *w, unsigned h, const struct tern_trace *r)
{
    if (r->state >= TERN_TCP_STATES || r->aux8 >= TERN_TCP_STATES)
        return;
    if (r->kind == TERN_TR_STATE) {
        enum event ev = changed_by(r->cause);
        count(w, r->state, ev, ev == EV_RX ? last[h].flags : 0, r->aux8);
        if (ev == EV_RX)
            last[h].waiting = false;
    } else if (r->kind == TERN_TR_SEG_TX) {
        no_change(w, h);
        count(w, r->state, EV_TX, flags_of(r), r->state);
    } else if (r->kind == TERN_TR_SEG_RX || (r->kind == TERN_TR_DROP && r->th != 0)) {
        no_change(w, h);
        last[h].waiting = strcmp(tern_cause_name(r->cause), "drop-tcp-checksum") != 0;
        last[h].state = r->state;
        last[h].flags = flags_of(r);
    }
}

void steps_end(const struct sim_world *w)
{
    no_change(w, 0);
    no_change(w, 1);
}

static void letters(char *out, unsigned flags)
{
    for (unsigned i = 0; i < 5; i++)
        if (flags >> i & 1)
            *out++ = "SAFRD"[i];
    *out = '\0';
}

bool steps_write(const char *path)
{
    static const char *const events[] = {"rx", "tx", "call", "timer"};
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return false;
    for (unsigned i = 0; i < sizeof steps / sizeof(struct step); i++) {
        unsigned to = i % TERN_TCP_STATES, flags = i / TERN_TCP_STATES % FLAGS,
                 ev = i / TERN_TCP_STATES / FLAGS % EVENTS,
                 from = i / TERN_TCP_STATES / FLAGS / EVENTS;
        const struct step *s = &steps[from][ev][flags][to];
        char text[8] = "-";
        if (s->count == 0)
            continue;
        if (ev == EV_RX || ev == EV_TX)
            letters(text, flags);
        (void)fprintf(
            f, "%s\t%s\t%s\t%s\t%" PRIu64 "\t--profile %s --seed %" PRIu64 ", %" PRId64 " us\n",
            tern_tcp_state_name(from), events[ev], text[0] ? text : "-", tern_tcp_state_name(to),
            s->count, sim_profile_name(s->profile), s->seed, s->us);
    }
    return fclose(f) == 0;
}
