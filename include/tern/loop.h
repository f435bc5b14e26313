/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/loop.h (libtern-io): an event loop that drives stacks and ports on real time or on a virtual
 * clock, and the few things a hosted caller needs: memory, entropy, a clock, error numbers.
 *
 * One loop, one thread. The loop spins briefly before it sleeps, since on many machines waking a
 * sleeping thread on another CPU costs ten times what the work itself costs.
 */
#ifndef TERN_LOOP_H
#define TERN_LOOP_H

#include <tern/event.h>
#include <tern/port.h>
#include <tern/stack.h>

struct tern_loop;

/* ---- what a host provides ---- */

TERN_API struct tern_time tern_clock_now(void);             /* CLOCK_MONOTONIC */
TERN_API uint32_t tern_cpu_features(void);                  /* for tern_config.cpu */
TERN_API int tern_seed_random(uint8_t seed[32]);            /* getrandom(2); 0 or -1 */
TERN_API void tern_seed_from(uint8_t seed[32], uint64_t n); /* a repeatable seed */
TERN_API int tern_errno(int tern_err);                      /* enum tern_err -> errno number */
/* Maps memory (MAP_NORESERVE) and makes a stack in it; NULL with why. */
TERN_API struct tern_stack *tern_stack_new(const struct tern_config *cfg, struct tern_time now,
                                           char *why);
TERN_API void tern_stack_free(struct tern_stack *st); /* unmaps what tern_stack_new mapped */

/* ---- the loop ---- */

/* spin_us: how long to poll before sleeping; 0 = never spin, as for a thread that may run on one
 * CPU only when this is called. */
TERN_API struct tern_loop *tern_loop_new(uint32_t spin_us, char *why);
TERN_API void tern_loop_free(struct tern_loop *lp); /* does not free stacks, which must be there
                                                       still; closes attached ports */

/* Attaches a port to an interface of a stack (the loop owns the port from now on). on_event is
 * called for each event of that stack, from tern_loop_run(), never from inside another callback. A
 * stack may be attached several times (several interfaces); on_event is then the first's. */
TERN_API int tern_loop_attach(struct tern_loop *lp, struct tern_stack *st, int iface,
                              struct tern_port *port,
                              void (*on_event)(void *ctx, const struct tern_event *ev), void *ctx,
                              char *why);

/* Watches a descriptor: events are EPOLLIN... bits (level-triggered; EPOLLET may be added). The
 * watch is identified by fd. Returns 0 or -errno. A callback may add, change and remove any watch,
 * its own included. */
TERN_API int tern_loop_watch(struct tern_loop *lp, int fd, uint32_t events,
                             void (*cb)(void *ctx, int fd, uint32_t events), void *ctx);
TERN_API int tern_loop_rewatch(struct tern_loop *lp, int fd, uint32_t events);
TERN_API void tern_loop_unwatch(struct tern_loop *lp, int fd);

/* A timer of the shell's own (launcher, gateway): one shot at `at`; re-arming replaces. The struct
 * is the caller's and must stay until it fired or was stopped. */
struct tern_loop_timer {
    void (*cb)(void *ctx);
    void *ctx;
    struct tern_time at;          /* the loop's */
    struct tern_loop_timer *next; /* the loop's */
    bool armed;                   /* the loop's */
};
TERN_API void tern_loop_timer_set(struct tern_loop *lp, struct tern_loop_timer *t,
                                  struct tern_time at);
TERN_API void tern_loop_timer_stop(struct tern_loop *lp, struct tern_loop_timer *t);

/* The instant at which the current turn of the loop began: what calls into a stack take as `now`.
 */
TERN_API struct tern_time tern_loop_now(const struct tern_loop *lp);

/* Called once a turn, after events: for readers of the trace ring. */
TERN_API void tern_loop_on_turn(struct tern_loop *lp, void (*cb)(void *ctx), void *ctx);

/* Runs until tern_loop_stop(). 0, or -errno if waiting itself failed. */
TERN_API int tern_loop_run(struct tern_loop *lp);
TERN_API void tern_loop_stop(struct tern_loop *lp);

#endif
