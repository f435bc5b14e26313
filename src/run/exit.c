/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/exit.c: the program's end.
 *
 * The program itself ending is on_exit(). Its children may live on: the last process that has the
 * filter ending makes the seccomp listener hang up. Then our ends of its sockets have hung up too,
 * the connections have been closed or reset in the stack, and what is left is the stack's: data to
 * deliver and FINs to exchange. on_idle() is called when the stack has no connection left
 * (TIME-WAIT does not count), or when nothing has moved for a while: GIVE_UP_DATA_MS if a peer
 * still owes acknowledgements, GIVE_UP_MS if only its FIN is missing.
 */
#include "run/sup.h"

#include "base/time.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDLE_LOOK_MS    5
#define GIVE_UP_MS      2000
#define GIVE_UP_DATA_MS 15000

void exit_child(void *ctx, int fd, uint32_t events)
{
    struct run *r = ctx;
    int status = 0;
    (void)events;
    if (waitpid(r->pid, &status, WNOHANG) != r->pid)
        return;
    tern_loop_unwatch(r->cfg.loop, fd);
    (void)close(fd);
    r->pidfd = -1;
    r->pid = 0;
    if (r->cfg.on_exit)
        r->cfg.on_exit(r->cfg.ctx, status);
}

static void exit_look_again(struct run *r)
{
    tern_loop_timer_set(r->cfg.loop, &r->idle,
                        time_add_ms(tern_loop_now(r->cfg.loop), IDLE_LOOK_MS));
}

void exit_last(struct run *r)
{
    tern_loop_unwatch(r->cfg.loop, r->notify);
    r->gone = true;
    for (uint32_t i = 0; i < r->slots; i++) {
        struct sk *sk = r->slot[i];
        if (sk && !sk->in_queue && sk->end < 0 && !usock_leaving(sk))
            sk_free(sk); /* the others' ends hang up on their own */
    }
    r->idle_progress = tern_loop_now(r->cfg.loop);
    r->idle_left = 0;
    exit_look_again(r);
}

/* Octets that peers have not acknowledged yet, of all connections. */
static uint64_t exit_left(struct run *r)
{
    struct tern_info in;
    uint64_t cursor = 0, left = 0;
    while (tern_inspect_next(r->cfg.st, &cursor, &in, tern_loop_now(r->cfg.loop))) {
        if (in.kind == TERN_INFO_CONN || in.kind == TERN_INFO_UDP)
            left += in.sndq;
    }
    return left;
}

static bool exit_datagrams(const struct run *r)
{
    uint32_t cursor = 0;
    const struct sk *sk;
    while ((sk = sk_each(r, &cursor)) != NULL && !usock_leaving(sk))
        ;
    return sk != NULL;
}

void exit_idle(void *ctx)
{
    struct run *r = ctx;
    struct tern_time now = tern_loop_now(r->cfg.loop);
    struct tern_usage use;
    tern_stack_usage(r->cfg.st, &use);
    uint64_t left = exit_left(r);
    if (left != r->idle_left)
        r->idle_progress = now;
    r->idle_left = left;
    int64_t patience = left ? GIVE_UP_DATA_MS : GIVE_UP_MS;
    bool over = time_lt(time_add_ms(r->idle_progress, patience), now);
    bool busy = use.conns + use.half_open > 0 || left > 0 || exit_datagrams(r);
    if (r->pid != 0 || (busy && !over))
        exit_look_again(r);
    else if (r->cfg.on_idle)
        r->cfg.on_idle(r->cfg.ctx);
}
