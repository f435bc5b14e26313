/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/connect.c: connect() of TCP sockets.
 *
 * Blocking: the call is held, nothing is done to the program's socket before the outcome is known,
 * so that a refused socket can try again. When the stack says ESTABLISHED the socket is hooked: we
 * hold a duplicate of it, connect it through our hub (an AF_UNIX listener of our own), accept the
 * other end, and let the call return.
 *
 * Non-blocking: the socket is hooked at once and plugged: its send buffer is made as small as the
 * kernel allows and filled with octets of ours, so that poll() and epoll do not report it writable.
 * When the handshake is over the filler is read away at our end: the program gets its one EPOLLOUT.
 * When it has failed our end is closed with the filler unread: EPOLLIN|EPOLLOUT|EPOLLERR|EPOLLHUP,
 * as TCP says it, and SO_ERROR (which is ours) tells the reason.
 *
 * A socket whose connection failed after it was hooked cannot be hooked again; another connect()
 * puts a fresh socket in its place at the same descriptor number. Duplicates of the old one stay
 * failed.
 */
#include "run/sup.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PLUG_MOST 8192 /* more than the smallest send buffer holds */

static struct tern_time now_of(const struct sk *sk)
{
    return tern_loop_now(sk->run->cfg.loop);
}

/* ---- hooking the program's socket up ---- */

/* Takes from the hub the end that our own connect() made; strangers on the machine are sent away.
 */
static int hub_accept(struct run *r)
{
    for (;;) {
        int fd = accept4(r->hub, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return -errno;
        struct ucred peer = {0};
        socklen_t len = sizeof peer;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == getpid())
            return fd;
        (void)close(fd);
    }
}

static int hook(struct sk *sk, int fd)
{
    struct run *r = sk->run;
    if (connect(fd, (const struct sockaddr *)&r->hub_addr, r->hub_len) < 0)
        return errno;
    int end = hub_accept(r);
    if (end < 0)
        return -end;
    sk_big_buffer(end, sk->rcvbuf ? sk->rcvbuf / 2 : RUN_BUF);
    sk->end = end;
    sk->spent = true;
    return 0;
}

/* Makes the hooked socket unwritable. Keeps a duplicate to undo it. */
static int plug(struct sk *sk, int fd)
{
    static const char filler[PLUG_MOST];
    int least = 1;
    sk->app = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (sk->app < 0)
        return errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    for (;;) {
        ssize_t n = send(fd, filler, sizeof filler - sk->plug, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0)
            return 0;
        sk->plug += (size_t)n;
    }
}

/* The send buffer stays small for now: making it large is a wake-up of its own, and the program
 * would see a second edge. data.c does it when the first data comes. */
static void unplug(struct sk *sk)
{
    char filler[PLUG_MOST];
    if (sk->plug > 0) /* less: the program has closed it; data_start() will see that */
        (void)recv(sk->end, filler, sk->plug, MSG_DONTWAIT);
    sk->plug = 0;
    sk->small = true;
    (void)close(sk->app);
    sk->app = -1;
}

/* A fresh socket in the place of a used one. */
static int renew(struct call *c)
{
    struct sk *sk = c->sk;
    int flags = fcntl(c->fd, F_GETFL);
    int fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (flags & O_NONBLOCK ? SOCK_NONBLOCK : 0), 0);
    if (fd < 0)
        return errno;
    sk_big_buffer(fd, sk->sndbuf ? sk->sndbuf / 2 : RUN_BUF);
    int got = call_give_at(c, fd, (int)c->arg[0], proc_cloexec(c->tid, (int)c->arg[0]), false);
    if (got < 0) {
        (void)close(fd);
        return -got;
    }
    (void)close(c->fd);
    c->fd = fd;
    sk_set_ino(sk, sk_inode(sk->run, fd));
    sk->spent = false;
    return 0;
}

/* ---- the outcome ---- */

/* Gives the names that the program will see. */
static void connect_names(struct sk *sk, const struct tern_endpoint *shown)
{
    struct tern_endpoint at = {0};
    (void)tern_sockname(sk->run->cfg.st, sk->h, &at);
    sk->port = at.port;
    sk->remote = *shown;
    if (addr_is_any(&sk->remote.addr))
        sk->remote.addr = addr_ip4(INADDR_LOOPBACK);
    if (sk->loop)
        at.addr = addr_ip4(INADDR_LOOPBACK);
    if (sk->bound && !addr_is_any(&sk->local.addr))
        at.addr = sk->local.addr;
    sk->local = at;
}

static void drop_handle(struct sk *sk)
{
    if (sk->h.id)
        (void)tern_tcp_abort(sk->run->cfg.st, sk->h, now_of(sk));
    sk->h.id = 0;
}

void connect_failed(struct sk *sk, int err)
{
    drop_handle(sk);
    if (sk->early && sk->end >= 0)
        data_show_reset(sk);
    sk->state = sk->early ? SK_DONE : SK_FAILED;
    sk->err = err;
    if (sk->app >= 0)
        (void)close(sk->app);
    sk->app = -1;
    sk->plug = 0;
    data_close_end(sk); /* with the filler unread */
    hold_retry(sk);
}

static void connect_done(struct sk *sk)
{
    int err = 0;
    if (sk->end < 0) { /* a blocking call: it is held, and its descriptor is the one to hook */
        int fd = proc_getfd(sk->run, sk->tid, sk->fd);
        err = fd >= 0 && sk_by_fd(sk->run, fd) == sk ? hook(sk, fd) : ECONNABORTED;
        if (fd >= 0)
            (void)close(fd);
    } else if (sk->app >= 0) {
        unplug(sk);
    }
    if (!err) {
        sk->state = SK_OPEN;
        sk->told = sk->early;
        err = -data_start(sk);
    }
    if (err)
        connect_failed(sk, err);
    else
        hold_retry(sk);
}

/* Answers a held connect(), or one that asks again, when the outcome is known. */
static bool connect_answer(struct call *c)
{
    struct sk *sk = c->sk;
    switch (sk->state) {
    case SK_CONNECTING:
        return false;
    case SK_OPEN:
    case SK_DONE:
        if (sk->told)
            call_fail(c, EISCONN);
        else
            sk->told = call_return(c, 0);
        return true;
    default: /* failed: told once, then the socket is as new */
        if (call_fail(c, sk->err ? sk->err : ECONNABORTED)) {
            sk->err = 0;
            sk->state = SK_NEW;
        }
        return true;
    }
}

void connect_event(struct sk *sk, const struct tern_event *ev)
{
    if (ev->bits & TERN_EV_CONNECTED)
        connect_done(sk);
    else if (ev->bits & TERN_EV_CLOSED)
        connect_failed(sk, tern_errno(ev->err ? ev->err : TERN_ECONNREFUSED));
    if (sk->state == SK_OPEN)
        data_event(sk, ev);
}

void connect_detach(struct sk *sk, int fd)
{
    if (sk->state != SK_CONNECTING || sk->end >= 0)
        return;
    if (fd < 0 || sk_by_fd(sk->run, fd) != sk || hook(sk, fd) != 0 || plug(sk, fd) != 0)
        connect_failed(sk, ECONNABORTED);
}

/* ---- the call ---- */

/* What went of it, or a negative enum tern_err. */
static int64_t stack_connect(struct sk *sk, const struct tern_endpoint *from,
                             const struct tern_endpoint *to, const struct early *e)
{
    struct tern_stack *st = sk->run->cfg.st;
    uint32_t flags = sockopt_flag(sk, TCP_FASTOPEN_NO_COOKIE) ? TERN_FASTOPEN_NO_COOKIE : 0;
    return e ? tern_tcp_fastopen(st, from, to, e->buf, e->n, flags, &sk->h, now_of(sk))
             : tern_tcp_connect(st, from, to, &sk->h, now_of(sk));
}

int connect_open(struct sk *sk, const struct tern_endpoint *shown, const struct early *e)
{
    struct run *r = sk->run;
    struct tern_endpoint real, from = {.port = sk->bound ? sk->local.port : 0};
    int err = addr_out(r, IPPROTO_TCP, shown, &real, &sk->loop);
    if (err)
        return err;
    err = keys_apply(sk, (struct tern_sock){0}, &real.addr);
    if (err) {
        tern_tcp_keys_forget(r->cfg.st);
        return err;
    }
    int64_t n = stack_connect(sk, &from, &real, e);
    if (n < 0) {
        err = tern_errno((int)n);
        tern_tcp_keys_forget(r->cfg.st);
        sk->h.id = 0;
        return err;
    }
    (void)tern_setuser(r->cfg.st, sk->h, sk->id);
    keys_opened(sk);
    sockopt_apply(sk);
    sk->state = SK_CONNECTING;
    sk->told = false;
    sk->err = 0;
    sk->fast = (size_t)n;
    connect_names(sk, shown);
    return 0;
}

int connect_hook(struct call *c)
{
    int err = c->sk->spent ? renew(c) : 0;
    return err ? err : hook(c->sk, c->fd);
}

static int connect_begin(struct call *c, const struct tern_endpoint *shown, const struct early *e)
{
    struct sk *sk = c->sk;
    struct tern_endpoint real;
    int err = addr_out(c->run, IPPROTO_TCP, shown, &real, &sk->loop);
    if (!err && sk->spent)
        err = renew(c);
    sk->early = false;
    return err ? err : connect_open(sk, shown, e);
}

/* connect() to AF_UNSPEC: dissolves the association. */
static int connect_dissolve(struct sk *sk)
{
    if (sk->state == SK_NEW || sk->state == SK_FAILED)
        return 0;
    drop_handle(sk);
    data_close_end(sk);
    sk->state = SK_NEW;
    return 0;
}

/* The call does not wait: the program's socket is not writable until the outcome is known. */
static int connect_begun(struct call *c)
{
    struct sk *sk = c->sk;
    int err = hook(sk, c->fd);
    if (!err)
        err = plug(sk, c->fd);
    if (err)
        connect_failed(sk, err);
    return err;
}

static void connect_new(struct call *c, const struct tern_endpoint *shown, bool nonblock)
{
    struct sk *sk = c->sk;
    const struct early ask = {0}; /* for a cookie, the next time */
    bool fast = sockopt_flag(sk, TCP_FASTOPEN_CONNECT);
    if (fast && early_connect(c, shown))
        return;
    int err = connect_begin(c, shown, fast ? &ask : NULL);
    if (err) {
        call_fail(c, err);
    } else if (!nonblock) {
        hold_add(c, connect_answer, SO_SNDTIMEO, EINPROGRESS);
    } else {
        err = connect_begun(c);
        sk->mute = !call_fail(c, err ? err : EINPROGRESS);
    }
}

int connect_fast(struct call *c, const struct sockaddr_in *to, const void *buf, size_t n,
                 bool nonblock)
{
    struct sk *sk = c->sk;
    struct tern_endpoint shown = addr_from(to);
    const struct early e = {buf, n};
    if (to->sin_family != AF_INET)
        return to->sin_family == AF_UNSPEC ? EOPNOTSUPP : EAFNOSUPPORT;
    int err = connect_begin(c, &shown, &e);
    if (err || !nonblock)
        return err;
    err = connect_begun(c);
    return err ? err : sk->fast ? 0 : EINPROGRESS;
}

void connect_call(struct call *c)
{
    struct sk *sk = c->sk;
    struct sockaddr_in sin;
    int err = call_read_addr(c, c->arg[1], c->arg[2], &sin);
    if (err) {
        call_fail(c, err);
        return;
    }
    if (sk->proto == IPPROTO_UDP) {
        usock_connect(c, &sin);
        return;
    }
    bool nonblock = (fcntl(c->fd, F_GETFL) & O_NONBLOCK) != 0;
    struct tern_endpoint shown = addr_from(&sin);
    if (sin.sin_family == AF_UNSPEC) {
        call_fail(c, connect_dissolve(sk));
    } else if (sin.sin_family != AF_INET) {
        call_fail(c, EAFNOSUPPORT);
    } else if (sk->state == SK_LISTEN) {
        call_fail(c, EISCONN);
    } else if (sk->state == SK_DEFERRED) {
        sk->mute = !call_fail(c, sk->mute ? 0 : EISCONN) && sk->mute;
    } else if (sk->state == SK_CONNECTING && nonblock) {
        sk->mute = !call_fail(c, sk->mute ? EINPROGRESS : EALREADY) && sk->mute;
    } else if (sk->state == SK_CONNECTING) {
        hold_add(c, connect_answer, SO_SNDTIMEO, EALREADY);
    } else if (sk->state == SK_NEW) {
        connect_new(c, &shown, nonblock);
    } else {
        (void)connect_answer(c);
    }
}
