/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime/loop.c: one thread that moves frames between stacks and ports, runs timers, and watches
 * descriptors.
 *
 * A turn:
 *     timers that are due -> the pump -> on_turn callbacks -> wait -> watched descriptors
 *
 * The pump goes round all attached ports: frames in, the stack's events, frames out, one batch
 * each, and round again as long as anything moved. Two stacks on a wire thus talk to each other
 * from memory that is still in the cache, without a system call. After PUMP_ROUNDS the descriptors
 * are looked at without waiting, so that a busy wire does not starve them.
 *
 * A batch ends at 64 frames or BATCH_BYTES, whichever comes first: that much is still in the cache
 * of the core when the other side reads it (with 64 KB super-segments, half again as fast as four
 * times as much). Only frames that were built tell their size, so a batch starts with as many as
 * fit if they are like those of the one before, and goes on with more when they turn out small.
 *
 * Before it sleeps, the loop polls for spin_us after the last work: where waking costs more than
 * the work itself, an answer that comes at once is found awake. Not after a crowd of short frames
 * (many clients, a flood): there waking is paid once for many, and polling would take the CPU from
 * whoever fills the link. Nor where there is only one CPU to run on: the answer comes from somebody
 * who needs it.
 *
 * A pump that goes on for HUSH_FRAMES stops watching its links, and goes on until nothing moves:
 * while it is awake anyway, the kernel would go through everything that waking takes for each frame
 * that comes in, and that costs as much as to parse it.
 *
 * A link with somebody who answers SYNs for the stack (tern/syn_offload.h) has the stack look after
 * what they share every TERN_OFFLOAD_SYNC_MS.
 */
#include "runtime/watch.h"

#include "base/assert.h"
#include "base/time.h"
#include "port/why.h"
#include <tern/loop.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PUMP_ROUNDS 64
#define BATCH_BYTES (96u << 10)
#define CROWD       16u  /* frames of one pump ... */
#define CROWD_BYTES 256u /* ... that are shorter than this on average */
#define HUSH_FRAMES 256u /* of one pump; at fewer the two system calls cost more */
#define LOOP_PORTS  32
#define LOOP_TURNS  8
#define LOOP_EVENTS 64

struct loop_stack {
    struct tern_stack *st;
    void (*on_event)(void *ctx, const struct tern_event *ev);
    void *ctx;
};

struct loop_port {
    struct tern_port *port;
    unsigned stack; /* index in loop.stack */
    int iface;
    size_t first[2]; /* frames that a batch begins with: in, out */
    bool blocked;    /* the link had no room for what the stack would send */
};

struct tern_loop {
    struct watches watches;
    struct loop_stack stack[LOOP_PORTS];
    struct loop_port port[LOOP_PORTS];
    unsigned nstack, nport, nturn;
    struct {
        void (*cb)(void *ctx);
        void *ctx;
    } turn[LOOP_TURNS];
    struct tern_loop_timer *timers; /* by instant */
    struct tern_time now, busy_at;  /* busy_at: when something moved last */
    int64_t spin_ns;
    size_t frames, octets;        /* that this pump has moved */
    bool crowd;                   /* the last one that moved any: many, and short */
    bool hushed;                  /* the links' descriptors are not watched */
    struct tern_stack *offloaded; /* whose SYNs somebody else may answer; NULL = nobody's */
    struct tern_loop_timer sync;  /* ... it is told what was answered */
    bool stop;
};

static void loop_sync(void *ctx)
{
    struct tern_loop *lp = ctx;
    struct tern_time at = {lp->now.ns + TERN_OFFLOAD_SYNC_MS * 1000000LL};
    tern_syn_offload_sync(lp->offloaded, lp->now);
    tern_loop_timer_set(lp, &lp->sync, at);
}

/* Whoever answers SYNs at this link does so from now on. One for a loop: the next is left alone,
 * and nothing is answered there. */
static void loop_offload(struct tern_loop *lp, struct tern_stack *st, int iface,
                         struct tern_port *port)
{
    struct tern_syn_offload *o = port->ops->offload ? port->ops->offload(port) : NULL;
    if (!o || lp->offloaded || tern_syn_offload_begin(st, iface, o, lp->now) != 0)
        return;
    lp->offloaded = st;
    loop_sync(lp);
}

static bool loop_one_cpu(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1;
}

struct tern_loop *tern_loop_new(uint32_t spin_us, char *why)
{
    struct tern_loop *lp = calloc(1, sizeof *lp);
    if (!lp || watches_init(&lp->watches) < 0) {
        why_set(why, "event loop: %s", strerror(errno));
        free(lp);
        return NULL;
    }
    lp->spin_ns = loop_one_cpu() ? 0 : (int64_t)spin_us * 1000;
    lp->now = lp->busy_at = tern_clock_now();
    lp->sync = (struct tern_loop_timer){.cb = loop_sync, .ctx = lp};
    return lp;
}

void tern_loop_free(struct tern_loop *lp)
{
    if (!lp)
        return;
    if (lp->offloaded)
        tern_syn_offload_end(lp->offloaded, lp->now);
    for (unsigned i = 0; i < lp->nport; i++)
        lp->port[i].port->ops->close(lp->port[i].port);
    watches_free(&lp->watches);
    free(lp);
}

static void loop_wake(void *ctx, int fd, uint32_t events)
{
    int told = 0;
    socklen_t len = sizeof told;
    /* The pump looks at every port anyway. An error without input may be one of a socket, told once
     * (its device was down for a while): asking takes it away. Otherwise it is a device that was
     * removed: it would be told again and again for ever. The stack finds out as with a pulled
     * cable, by its timers. */
    if (!(events & (EPOLLERR | EPOLLHUP)) || (events & EPOLLIN))
        return;
    if ((events & EPOLLHUP) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &told, &len) < 0)
        tern_loop_unwatch(ctx, fd);
}

static unsigned loop_find_stack(const struct tern_loop *lp, const struct tern_stack *st)
{
    unsigned s = 0;
    while (s < lp->nstack && lp->stack[s].st != st)
        s++;
    return s;
}

/* Watches a link's descriptors, or no longer. 0 or -errno. */
static int loop_watch_port(struct tern_loop *lp, const struct tern_port *port, bool on)
{
    const int fd[2] = {port->ops->fd(port), tern_port_fd2(port)};
    int err = 0;
    for (unsigned i = 0; i < 2 && err == 0; i++) {
        if (fd[i] >= 0 && on)
            err = tern_loop_watch(lp, fd[i], EPOLLIN, loop_wake, lp);
        else if (fd[i] >= 0)
            tern_loop_unwatch(lp, fd[i]);
    }
    if (err < 0)
        (void)loop_watch_port(lp, port, false);
    return err;
}

int tern_loop_attach(struct tern_loop *lp, struct tern_stack *st, int iface, struct tern_port *port,
                     void (*on_event)(void *ctx, const struct tern_event *ev), void *ctx, char *why)
{
    tern_assert(st && port);
    if (lp->nport == LOOP_PORTS) {
        why_set(why, "event loop: more than %d links", LOOP_PORTS);
        return -1;
    }
    size_t cap = tern_frame_cap(st, iface);
    int err = loop_watch_port(lp, port, true);
    if (err < 0) {
        why_set(why, "event loop: cannot watch the link: %s", strerror(-err));
        return -1;
    }
    unsigned s = loop_find_stack(lp, st);
    if (s == lp->nstack)
        lp->stack[lp->nstack++] = (struct loop_stack){st, on_event, ctx};
    size_t first = BATCH_BYTES / (cap ? cap : 1);
    if (first < 1)
        first = 1;
    if (first > TERN_PORT_BATCH)
        first = TERN_PORT_BATCH;
    lp->port[lp->nport++] =
        (struct loop_port){.port = port, .stack = s, .iface = iface, .first = {first, first}};
    loop_offload(lp, st, iface, port);
    return 0;
}

int tern_loop_watch(struct tern_loop *lp, int fd, uint32_t events,
                    void (*cb)(void *ctx, int fd, uint32_t events), void *ctx)
{
    tern_assert(cb);
    return watches_add(&lp->watches, fd, events, cb, ctx);
}

int tern_loop_rewatch(struct tern_loop *lp, int fd, uint32_t events)
{
    return watches_change(&lp->watches, fd, events);
}

void tern_loop_unwatch(struct tern_loop *lp, int fd)
{
    watches_remove(&lp->watches, fd);
}

/* ---- timers ---- */

void tern_loop_timer_stop(struct tern_loop *lp, struct tern_loop_timer *t)
{
    if (!t->armed)
        return;
    struct tern_loop_timer **at = &lp->timers;
    while (*at && *at != t)
        at = &(*at)->next;
    tern_assert(*at == t);
    *at = t->next;
    t->next = NULL;
    t->armed = false;
}

void tern_loop_timer_set(struct tern_loop *lp, struct tern_loop_timer *t, struct tern_time when)
{
    tern_assert(t->cb);
    tern_loop_timer_stop(lp, t);
    if (time_is_never(when))
        return;
    struct tern_loop_timer **at = &lp->timers;
    while (*at && time_le((*at)->at, when))
        at = &(*at)->next;
    t->at = when;
    t->next = *at;
    t->armed = true;
    *at = t;
}

static void loop_timers(struct tern_loop *lp)
{
    for (unsigned i = 0; i < lp->nstack; i++) {
        if (time_le(tern_deadline(lp->stack[i].st), lp->now))
            tern_tick(lp->stack[i].st, lp->now);
    }
    /* A callback that re-arms at "now" waits for the next turn: what is due after now stays. */
    struct tern_time now = lp->now;
    for (unsigned n = 0; n < 4096 && lp->timers && time_le(lp->timers->at, now) && !lp->stop; n++) {
        struct tern_loop_timer *t = lp->timers;
        tern_loop_timer_stop(lp, t);
        t->cb(t->ctx);
    }
}

/* ---- the pump ---- */

static bool loop_events(struct tern_loop *lp, struct loop_stack *s)
{
    struct tern_event ev;
    bool any = false;
    /* Bounded: a callback may cause the next event at once. What is left comes next round. */
    for (unsigned n = 0; n < 1024 && !lp->stop && tern_event_next(s->st, &ev); n++) {
        any = true;
        if (s->on_event)
            s->on_event(s->ctx, &ev);
    }
    return any;
}

static size_t loop_octets(const struct tern_frame *fr, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += fr[i].len;
    return sum;
}

/* Frames of the link into the stack, or out of it: up to `ask`; how many octets in *sum. */
static size_t loop_rx_once(struct tern_loop *lp, struct loop_port *p, size_t ask, size_t *sum)
{
    struct tern_frame fr[TERN_PORT_BATCH];
    size_t n = p->port->ops->rx(p->port, fr, ask, lp->now);
    tern_assert(n <= ask);
    if (n > 0)
        tern_rx(lp->stack[p->stack].st, p->iface, fr, n, lp->now);
    *sum += loop_octets(fr, n);
    return n;
}

static size_t loop_tx_once(struct tern_loop *lp, struct loop_port *p, size_t ask, size_t *sum)
{
    struct tern_stack *st = lp->stack[p->stack].st;
    p->blocked = false;
    if (!tern_tx_pending(st, p->iface))
        return 0;
    struct tern_frame fr[TERN_PORT_BATCH];
    size_t room = p->port->ops->tx_get(p->port, fr, ask, lp->now);
    p->blocked = room == 0;
    size_t n = room ? tern_tx(st, p->iface, fr, room, lp->now) : 0;
    tern_assert(n <= room);
    *sum += loop_octets(fr, n);
    p->port->ops->tx_put(p->port, fr, n, lp->now);
    return n;
}

/* As many frames of this size as a batch may have. */
static size_t loop_fit(size_t octets, size_t frames)
{
    size_t fit = BATCH_BYTES * frames / (octets + 1);
    return fit < 1 ? 1 : fit > TERN_PORT_BATCH ? TERN_PORT_BATCH : fit;
}

/* One batch in one direction. True if anything moved. */
static bool loop_batch(struct tern_loop *lp, struct loop_port *p, size_t *first,
                       size_t (*once)(struct tern_loop *, struct loop_port *, size_t, size_t *))
{
    size_t total = 0, sum = 0, ask = *first, n;
    do {
        n = once(lp, p, ask, &sum);
        total += n;
        if (n < ask || sum >= BATCH_BYTES || total == TERN_PORT_BATCH)
            break;
        ask = loop_fit(sum, total) - total;      /* if they are as large as those before */
    } while (ask > 0 && ask <= TERN_PORT_BATCH); /* not when they are more than fit already */
    if (total > 0) { /* one that was small says little: twice as many next time */
        size_t fit = loop_fit(sum, total);
        *first = fit < 2 * *first ? fit : 2 * *first;
    }
    lp->frames += total;
    lp->octets += sum;
    return total > 0;
}

/* When a link cannot be watched again (no memory) the loop goes on looking at all of them. */
static void loop_hush(struct tern_loop *lp, bool hush)
{
    if (lp->hushed == hush)
        return;
    lp->hushed = hush;
    for (unsigned i = 0; i < lp->nport; i++) {
        (void)loop_watch_port(lp, lp->port[i].port, false);
        if (!hush && loop_watch_port(lp, lp->port[i].port, true) < 0)
            lp->hushed = true;
    }
}

/* Moves frames and events until nothing moves, or for so many rounds. True if anything moved. */
static bool loop_pump(struct tern_loop *lp)
{
    bool any = false, moved = true;
    lp->frames = lp->octets = 0;
    for (unsigned round = 0; round < PUMP_ROUNDS && !lp->stop; round++) {
        moved = false;
        for (unsigned i = 0; i < lp->nport; i++) {
            struct loop_port *p = &lp->port[i];
            moved |= loop_batch(lp, p, &p->first[0], loop_rx_once);
            moved |= loop_events(lp, &lp->stack[p->stack]);
            moved |= loop_batch(lp, p, &p->first[1], loop_tx_once);
        }
        if (!moved)
            break;
        any = true;
        lp->now = time_max(lp->now, tern_clock_now());
        if (lp->frames >= HUSH_FRAMES)
            loop_hush(lp, true);
    }
    if (!moved)
        loop_hush(lp, false);
    if (lp->frames > 0)
        lp->crowd = lp->frames >= CROWD && lp->octets < lp->frames * CROWD_BYTES;
    return any;
}

/* ---- waiting ---- */

/* When the loop must be awake again by itself: at once when something is left to send. */
static struct tern_time loop_deadline(const struct tern_loop *lp)
{
    struct tern_time t = lp->timers ? lp->timers->at : TERN_NEVER;
    if (lp->hushed)
        return lp->now;
    for (unsigned i = 0; i < lp->nstack; i++)
        t = time_min(t, tern_deadline(lp->stack[i].st));
    for (unsigned i = 0; i < lp->nport; i++) {
        const struct loop_port *p = &lp->port[i];
        t = time_min(t, p->port->ops->deadline(p->port));
        if (!p->blocked && tern_tx_pending(lp->stack[p->stack].st, p->iface))
            return lp->now;
    }
    return t;
}

static void loop_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause(); /* leaves the core to its other hardware thread */
#endif
}

/* Waits for descriptors until the deadline, polling first; the events' number or -errno. */
static int loop_wait(struct tern_loop *lp, struct epoll_event *ev)
{
    struct tern_time until = loop_deadline(lp);
    while (time_le(until, lp->now) ||
           !(lp->crowd || time_diff_ns(lp->now, lp->busy_at) >= lp->spin_ns)) {
        int n = watches_wait(&lp->watches, ev, LOOP_EVENTS, (struct tern_time){0});
        lp->now = time_max(lp->now, tern_clock_now());
        if (n != 0 || time_le(until, lp->now))
            return n;
        loop_relax();
    }
    int64_t ns = time_is_never(until) ? INT64_MAX : time_diff_ns(until, lp->now);
    int n = watches_wait(&lp->watches, ev, LOOP_EVENTS, (struct tern_time){ns});
    lp->now = time_max(lp->now, tern_clock_now());
    return n;
}

struct tern_time tern_loop_now(const struct tern_loop *lp)
{
    return lp->now;
}

void tern_loop_on_turn(struct tern_loop *lp, void (*cb)(void *ctx), void *ctx)
{
    tern_assert(cb && lp->nturn < LOOP_TURNS);
    lp->turn[lp->nturn].cb = cb;
    lp->turn[lp->nturn].ctx = ctx;
    lp->nturn++;
}

int tern_loop_run(struct tern_loop *lp)
{
    struct epoll_event ev[LOOP_EVENTS];
    lp->stop = false;
    lp->now = time_max(lp->now, tern_clock_now());
    while (!lp->stop) {
        loop_timers(lp);
        if (loop_pump(lp))
            lp->busy_at = lp->now;
        for (unsigned i = 0; i < lp->nturn; i++)
            lp->turn[i].cb(lp->turn[i].ctx);
        if (lp->stop)
            break;
        int n = loop_wait(lp, ev);
        if (n < 0)
            return n;
        if (n > 0)
            lp->busy_at = lp->now;
        for (int i = 0; i < n && !lp->stop; i++)
            watches_dispatch(&lp->watches, &ev[i]);
    }
    return 0;
}

void tern_loop_stop(struct tern_loop *lp)
{
    lp->stop = true;
}
