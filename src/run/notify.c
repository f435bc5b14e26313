/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/notify.c: takes notified system calls from the kernel, finds out which socket they are about,
 * has them handled, and answers them.
 *
 * SECCOMP_IOCTL_NOTIF_RECV sleeps when nothing is there, so it is called only after poll said that
 * something is. A thread that waits for our answer can be killed but not otherwise be interrupted
 * (WAIT_KILLABLE_RECV); hold.c makes up for that.
 *
 * Kernels before 5.19 do let a signal interrupt it. Then the answer reaches nobody (ENOENT), and
 * after the signal's handler the kernel makes the same call again, as a new one. So what a call has
 * done must not be done twice, nor be taken as told: call_return() and call_fail() say whether they
 * reached the program. Nearly: a signal in the very microseconds of the answer makes those kernels
 * drop it and still say that it arrived.
 */
#include "run/sup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOTIFY_BATCH 64

struct handler {
    int nr;
    bool about_socket; /* argument 0 is a descriptor */
    void (*run)(struct call *c);
};

static const struct handler handlers[] = {
    {SYS_connect, true, connect_call},
    {SYS_accept4, true, listen_accept_call},
    {SYS_accept, true, listen_accept_call},
    {SYS_socket, false, open_socket},
    {SYS_setsockopt, true, sockopt_set},
    {SYS_getsockopt, true, sockopt_get},
    {SYS_sendto, true, msg_sendto},
    {SYS_recvfrom, true, msg_recvfrom},
    {SYS_sendmsg, true, msg_sendmsg},
    {SYS_recvmsg, true, msg_recvmsg},
    {SYS_sendmmsg, true, msg_sendmmsg},
    {SYS_recvmmsg, true, msg_recvmmsg},
    {SYS_getpeername, true, open_getpeername},
    {SYS_getsockname, true, open_getsockname},
    {SYS_bind, true, open_bind},
    {SYS_listen, true, listen_call},
};

static bool notify_answer(const struct call *c, int64_t value, int err, uint32_t flags)
{
    struct seccomp_notif_resp resp = {
        .id = c->id, .val = value, .error = err ? -err : 0, .flags = flags};
    /* ENOENT: the thread was killed meanwhile, or interrupted. */
    return ioctl(c->run->notify, SECCOMP_IOCTL_NOTIF_SEND, &resp) == 0 || errno != ENOENT;
}

bool call_return(const struct call *c, int64_t value)
{
    return notify_answer(c, value, 0, 0);
}

bool call_fail(const struct call *c, int err)
{
    return notify_answer(c, 0, err, 0);
}

void call_continue(const struct call *c)
{
    (void)notify_answer(c, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

bool call_valid(const struct call *c)
{
    uint64_t id = c->id;
    return ioctl(c->run->notify, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int call_give_at(const struct call *c, int fd, int at, bool cloexec, bool answer)
{
    struct seccomp_notif_addfd add = {
        .id = c->id,
        .flags = (at >= 0 ? SECCOMP_ADDFD_FLAG_SETFD : 0) | (answer ? SECCOMP_ADDFD_FLAG_SEND : 0),
        .srcfd = (uint32_t)fd,
        .newfd = at >= 0 ? (uint32_t)at : 0,
        .newfd_flags = cloexec ? O_CLOEXEC : 0,
    };
    int got = ioctl(c->run->notify, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    return got < 0 ? -errno : got;
}

int call_give(const struct call *c, int fd, bool cloexec)
{
    return call_give_at(c, fd, -1, cloexec, true);
}

int call_read_addr(const struct call *c, uint64_t addr, uint64_t len, struct sockaddr_in *out)
{
    *out = (struct sockaddr_in){0};
    int n = (int)len;
    if (n < (int)sizeof out->sin_family || n > (int)sizeof(struct sockaddr_storage))
        return EINVAL;
    size_t want = (size_t)n < sizeof *out ? (size_t)n : sizeof *out;
    int err = mem_read(c->tid, addr, out, want);
    if (err)
        return err;
    if (!call_valid(c))
        return ESRCH;
    if (out->sin_family != AF_UNSPEC && want < sizeof *out)
        return EINVAL;
    return 0;
}

int call_write_addr(const struct call *c, uint64_t addr, uint64_t len_at,
                    const struct tern_endpoint *ep)
{
    int32_t room;
    int err = mem_read(c->tid, len_at, &room, sizeof room);
    if (err)
        return err;
    if (room < 0)
        return EINVAL;
    if (!call_valid(c))
        return ESRCH;
    struct sockaddr_in sin = addr_to(ep);
    int32_t full = (int32_t)sizeof sin;
    err = mem_write(c->tid, addr, &sin, (size_t)(room < full ? room : full));
    return err ? err : mem_write(c->tid, len_at, &full, sizeof full);
}

/* Finds the socket; true when the handler should run. */
static bool notify_find(struct call *c)
{
    c->fd = proc_getfd(c->run, c->tid, (int)c->arg[0]);
    if (c->fd == -EBADF) {
        call_fail(c, EBADF);
        return false;
    }
    if (c->fd >= 0)
        c->sk = sk_by_fd(c->run, c->fd);
    if (!c->sk) { /* another kind of descriptor, or a process that we may not look into */
        call_continue(c);
        return false;
    }
    c->sk->tid = c->tid;
    c->sk->fd = (int)c->arg[0];
    return true;
}

static void notify_dispatch(struct run *r, const struct seccomp_notif *q)
{
    struct call c = {.run = r, .id = q->id, .tid = (int)q->pid, .nr = q->data.nr, .fd = -1};
    memcpy(c.arg, q->data.args, sizeof c.arg);
    const struct handler *h = NULL;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers && !h; i++) {
        if (handlers[i].nr == c.nr)
            h = &handlers[i];
    }
    if (!h)
        call_continue(&c);
    else if (!h->about_socket || notify_find(&c))
        h->run(&c);
    if (c.fd >= 0)
        (void)close(c.fd);
}

void notify_ready(void *ctx, int fd, uint32_t events)
{
    struct run *r = ctx;
    for (int i = 0; i < NOTIFY_BATCH && (events & EPOLLIN); i++) {
        memset(r->req, 0, r->req_size);
        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, r->req) == 0)
            notify_dispatch(r, r->req);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 0) <= 0)
            return;
        events = (p.revents & POLLIN ? EPOLLIN : 0u) | (p.revents & POLLHUP ? EPOLLHUP : 0u);
    }
    if ((events & EPOLLHUP) && !(events & EPOLLIN))
        exit_last(r);
}
