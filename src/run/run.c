/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/run.c: the supervisor as a whole: making it, its events, its end.
 *
 * Everything runs in the stack's event loop and nothing here waits: the seccomp listener, the
 * program's process and our ends of its sockets are watched descriptors, and a call that cannot be
 * answered at once is held (hold.c).
 */
#include "run/sup.h"

#include "port/why.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A descriptor for each of the program's connections: as many as we may have. */
static void run_raise_files(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
}

static int run_hub(struct run *r)
{
    struct stat st;
    if (getrandom(r->key, sizeof r->key, 0) != (ssize_t)sizeof r->key)
        return -1;
    r->hub = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->hub < 0 || fstat(r->hub, &st) < 0)
        return -1;
    r->sock_dev = st.st_dev;
    sk_name(r, &r->hub_addr, &r->hub_len, 'h');
    if (bind(r->hub, (const struct sockaddr *)&r->hub_addr, r->hub_len) < 0)
        return -1;
    return listen(r->hub, 64);
}

static int run_request(struct run *r)
{
    struct seccomp_notif_sizes sizes;
    r->req_size = sizeof *r->req;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 &&
        sizes.seccomp_notif > r->req_size)
        r->req_size = sizes.seccomp_notif;
    r->req = calloc(1, r->req_size);
    r->buf = malloc(RUN_SCRATCH);
    return r->req && r->buf ? 0 : -1;
}

static void run_timers(struct run *r)
{
    r->tick.cb = hold_tick;
    r->retry.cb = listen_retry;
    r->look.cb = listen_look;
    r->drain.cb = usock_drain;
    r->idle.cb = exit_idle;
    r->tick.ctx = r->look.ctx = r->drain.ctx = r->retry.ctx = r->idle.ctx = r;
}

static int run_watch(struct run *r, char *why)
{
    int err = tern_loop_watch(r->cfg.loop, r->notify, EPOLLIN, notify_ready, r);
    if (err == 0)
        err = tern_loop_watch(r->cfg.loop, r->pidfd, EPOLLIN, exit_child, r);
    if (err == 0)
        return 0;
    why_set(why, "cannot watch the program: %s", strerror(-err));
    errno = -err;
    return -1;
}

int run_start(const struct run_config *cfg, struct run **out, char *why)
{
    if (!cfg->argv || !cfg->argv[0] || !cfg->argv[0][0]) {
        why_set(why, "no program given: tern run [options] -- PROGRAM ARGS...");
        errno = EINVAL;
        return -1;
    }
    struct run *r = calloc(1, sizeof *r);
    if (!r) {
        why_set(why, "out of memory");
        return -1;
    }
    r->cfg = *cfg;
    r->hub = r->notify = r->pidfd = -1;
    r->sweep_at = 512;
    run_timers(r);
    run_raise_files();
    if (run_hub(r) < 0 || run_request(r) < 0) {
        why_set(why, "cannot make an AF_UNIX socket: %s", strerror(errno));
        run_free(r);
        return -1;
    }
    if (child_start(r, why) < 0 || run_watch(r, why) < 0) {
        int err = errno;
        if (r->pid > 0)
            (void)kill(r->pid, SIGKILL);
        run_free(r);
        errno = err;
        return -1;
    }
    *out = r;
    return 0;
}

void run_on_event(void *ctx, const struct tern_event *ev)
{
    struct run *r = ctx;
    struct sk *sk = sk_by_id(r, ev->user);
    if (!sk && (ev->bits & TERN_EV_SYN)) {
        (void)tern_tcp_answer(r->cfg.st, ev->sock, TERN_ANSWER_REFUSE, tern_loop_now(r->cfg.loop));
        return;
    }
    if (!sk || (!(ev->bits & TERN_EV_SYN) && ev->sock.id != sk->h.id))
        return; /* for a handle that was closed, or a connection not accepted yet */
    if (sk->state == SK_LISTEN)
        listen_event(sk, ev);
    else if (sk->proto == IPPROTO_UDP)
        usock_event(sk, ev);
    else if (sk->state == SK_CONNECTING)
        connect_event(sk, ev);
    else if (sk->state == SK_OPEN)
        data_event(sk, ev);
}

void run_signal(struct run *r, int sig)
{
    if (r->pid > 0)
        (void)kill(r->pid, sig);
}

bool run_owner(const struct run *r, struct tern_sock s, char *name, size_t len, int *pid)
{
    struct tern_info in;
    if (!tern_inspect(r->cfg.st, s, &in, tern_loop_now(r->cfg.loop)))
        return false;
    const struct sk *sk = sk_by_id(r, in.user);
    return sk && proc_name(sk->tid, name, len, pid);
}

static void run_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void run_free(struct run *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->slots; i++) { /* listeners first: they own what is queued */
        if (r->slot[i] && r->slot[i]->lis)
            sk_free(r->slot[i]);
    }
    for (uint32_t i = 0; i < r->slots; i++) {
        if (r->slot[i])
            sk_free(r->slot[i]);
    }
    hold_free(r);
    tern_loop_timer_stop(r->cfg.loop, &r->retry);
    tern_loop_timer_stop(r->cfg.loop, &r->look);
    tern_loop_timer_stop(r->cfg.loop, &r->drain);
    tern_loop_timer_stop(r->cfg.loop, &r->idle);
    if (r->notify >= 0)
        tern_loop_unwatch(r->cfg.loop, r->notify);
    if (r->pidfd >= 0)
        tern_loop_unwatch(r->cfg.loop, r->pidfd);
    for (unsigned i = 0; i < RUN_PIDFDS; i++) {
        if (r->pidfds[i].tid)
            run_close(r->pidfds[i].fd);
    }
    for (unsigned i = 0; i < RUN_TAGS; i++) {
        if (r->tags[i].fd)
            run_close(r->tags[i].fd);
    }
    run_close(r->notify);
    run_close(r->pidfd);
    run_close(r->hub);
    free(r->slot);
    free(r->req);
    free(r->buf);
    free(r);
}
