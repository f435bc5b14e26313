/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/hold.c: calls that block: connect(), accept(), receiving with an address.
 *
 * The thread sleeps in the kernel until we answer. While calls are held a timer looks at them every
 * HOLD_TICK_MS, at HOLD_CHECKS of them in turn: has a signal come for that thread? Then the answer
 * is ERESTARTSYS, by which the kernel runs the handler and either repeats the call (SA_RESTART) or
 * returns EINTR, as it would have. It also ends calls whose SO_RCVTIMEO or SO_SNDTIMEO has passed.
 */
#include "run/sup.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define HOLD_TICK_MS 20
#define HOLD_CHECKS  64  /* threads looked at in one tick */
#define ERESTARTSYS  512 /* the kernel's own number; it never reaches the program */

static struct tern_time hold_in_ms(const struct run *r, int64_t ms)
{
    return (struct tern_time){tern_loop_now(r->cfg.loop).ns + ms * 1000000};
}

static void hold_arm(struct run *r)
{
    if (r->holds && !r->tick.armed)
        tern_loop_timer_set(r->cfg.loop, &r->tick, hold_in_ms(r, HOLD_TICK_MS));
}

void hold_add(struct call *c, bool (*retry)(struct call *), int option, int late)
{
    struct run *r = c->run;
    struct hold *h = calloc(1, sizeof *h);
    if (!h) {
        call_fail(c, ENOMEM);
        return;
    }
    struct timeval tv = {0};
    socklen_t len = sizeof tv;
    h->deadline = TERN_NEVER;
    if (option && getsockopt(c->fd, SOL_SOCKET, option, &tv, &len) == 0 &&
        (tv.tv_sec || tv.tv_usec))
        h->deadline = hold_in_ms(r, (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000);
    h->call = *c;
    h->call.fd = -1;
    h->call.sk = NULL;
    h->sk_id = c->sk->id;
    h->retry = retry;
    h->late = late;
    c->sk->held++;
    struct hold **at = &r->holds; /* in order: the first to wait is the first to be served */
    while (*at)
        at = &(*at)->next;
    *at = h;
    r->nholds++;
    hold_arm(r);
}

static void hold_unlink(struct run *r, struct hold *h)
{
    struct hold **at = &r->holds;
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    r->nholds--;
    struct sk *sk = sk_by_id(r, h->sk_id);
    if (sk)
        sk->held--;
    free(h);
}

/* Tries a held call again; true when it has been answered, and then h is gone. */
static bool hold_try(struct run *r, struct hold *h)
{
    struct call c = h->call;
    c.sk = sk_by_id(r, h->sk_id);
    if (!c.sk) {
        call_fail(&c, EBADF);
        hold_unlink(r, h);
        return true;
    }
    c.fd = proc_getfd(r, c.tid, (int)c.arg[0]);
    bool done = true;
    if (c.fd < 0 || sk_by_fd(r, c.fd) != c.sk)
        call_fail(&c, EBADF); /* closed by another thread meanwhile */
    else
        done = h->retry(&c);
    if (c.fd >= 0)
        (void)close(c.fd);
    if (done)
        hold_unlink(r, h);
    return done;
}

void hold_retry(struct sk *sk)
{
    struct run *r = sk->run;
    uint64_t id = sk->id;
    struct hold *next;
    for (struct hold *h = sk->held ? r->holds : NULL; h; h = next) {
        next = h->next;
        if (h->sk_id == id && !hold_try(r, h))
            return; /* the others would find nothing either */
    }
}

/* The wait is over without what it waited for. */
static void hold_end(struct run *r, struct hold *h, int err)
{
    struct sk *sk = sk_by_id(r, h->sk_id);
    if (sk && sk->state == SK_CONNECTING && sk->held == 1) { /* connect(), or MSG_FASTOPEN */
        int fd = proc_getfd(r, h->call.tid, (int)h->call.arg[0]);
        connect_detach(sk, fd);
        if (fd >= 0)
            (void)close(fd);
    }
    if (sk && sk->state == SK_OPEN && sk->fast != 0) { /* a part of what was to be sent has gone */
        if (call_return(&h->call, (int64_t)sk->fast))
            sk->fast = 0;
    } else {
        call_fail(&h->call, err);
    }
    hold_unlink(r, h);
}

/* What costs system calls: is the thread alive, has a signal come for it? */
static void hold_check(struct run *r, struct hold *h)
{
    if (!call_valid(&h->call))
        hold_unlink(r, h); /* killed */
    else if (proc_signalled(h->call.tid))
        hold_end(r, h, ERESTARTSYS);
    else
        (void)hold_try(r, h); /* a listener that was shut down tells nobody */
}

void hold_tick(void *ctx)
{
    struct run *r = ctx;
    struct tern_time now = tern_loop_now(r->cfg.loop);
    unsigned at = 0, first = r->hold_turn < r->nholds ? r->hold_turn : 0;
    struct hold *next;
    r->hold_turn = first + HOLD_CHECKS; /* the next tick goes on where this one ends */
    for (struct hold *h = r->holds; h; h = next, at++) {
        next = h->next;
        if (h->deadline.ns <= now.ns)
            hold_end(r, h, h->late);
        else if (at >= first && at < first + HOLD_CHECKS)
            hold_check(r, h);
    }
    hold_arm(r);
}

void hold_free(struct run *r)
{
    tern_loop_timer_stop(r->cfg.loop, &r->tick);
    while (r->holds)
        hold_unlink(r, r->holds);
}
