/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/listen.c: listen() and accept().
 *
 * The program's socket becomes a real AF_UNIX listener under a name that only we know, and for each
 * connection that the stack completes we connect an end of ours to it. So poll(), epoll, pre-forked
 * workers and the order of the queue are the kernel's own. accept() is always notified: we take the
 * connection through our duplicate, learn the new socket's inode, fill in the IPv4 address, and
 * hand it over.
 *
 * That the program has closed its listener shows nowhere. So the stack holds each SYN
 * (TERN_LISTEN_HOLD) until we have looked: binding a scratch socket to the listener's name fails as
 * long as it is alive. When it is gone the SYN is refused and the stack's listener closed, which is
 * what TCP would have done.
 *
 * Listeners that share a port (SO_REUSEPORT) share one listener of the stack: one of them holds its
 * handle, and hands it on when it is closed; each connection goes to one of them by the peer's
 * port.
 */
#include "run/sup.h"

#include "base/assert.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOK_MS                                                                                    \
    1000           /* how often listeners are looked for that were closed and that nobody calls    \
                    */
#define RETRY_MS 2 /* how often a full queue is tried again; accept() also does it */

struct lis {
    struct sockaddr_un name;
    socklen_t len;
    struct sk *first, *last; /* delivered, in the order in which accept() will find them */
    struct sk *stuck;        /* taken from the stack, but the program's queue is full */
    int stash;               /* accepted, but the program could not take it; -1 = none */
    struct sk *stash_sk;
};

static struct tern_time now_of(const struct sk *sk)
{
    return tern_loop_now(sk->run->cfg.loop);
}

/* ---- alive? ---- */

static bool name_taken(const struct lis *l)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    int rc = bind(fd, (const struct sockaddr *)&l->name, l->len);
    int err = errno;
    (void)close(fd);
    return rc < 0 && err == EADDRINUSE;
}

/* ---- sharing ---- */

static bool shares(const struct sk *a, const struct sk *b)
{
    return a->state == SK_LISTEN && b->state == SK_LISTEN && a->local.port == b->local.port &&
           a->reuseport && b->reuseport && a != b;
}

/* Another listener of the same port, if there is one. */
static struct sk *share_other(struct sk *sk)
{
    uint32_t cursor = 0;
    struct sk *other;
    while ((other = sk_each(sk->run, &cursor)) != NULL && !shares(sk, other))
        ;
    return other;
}

/* Which of the sharing listeners gets this connection: the alive ones are counted first. */
static struct sk *share_pick(struct sk *sk, const struct sk *conn)
{
    unsigned n = 1, k = 0;
    uint32_t cursor = 0;
    struct sk *other;
    if (!sk->reuseport)
        return sk;
    while ((other = sk_each(sk->run, &cursor)) != NULL)
        n += shares(sk, other) && listen_alive(other);
    unsigned pick = conn->remote.port * 2654435761u >> 16;
    pick %= n;
    for (cursor = 0; (other = sk_each(sk->run, &cursor)) != NULL;) {
        if ((other == sk || shares(sk, other)) && k++ == pick)
            return other;
    }
    return sk;
}

/* The program has closed the listener: its handle goes to one that shares the port, or is closed.
 */
static void listen_gone(struct sk *sk)
{
    struct sk *heir = share_other(sk);
    if (sk->h.id && heir) {
        heir->h = sk->h;
        (void)tern_setuser(sk->run->cfg.st, heir->h, heir->id);
    } else if (sk->h.id) {
        (void)tern_close(sk->run->cfg.st, sk->h, now_of(sk));
    }
    sk->h.id = 0;
    sk->state = SK_DONE;
    listen_free(sk);
}

bool listen_alive(struct sk *sk)
{
    if (sk->state != SK_LISTEN || !sk->lis)
        return false;
    if (name_taken(sk->lis))
        return true;
    listen_gone(sk);
    return false;
}

/* Looks at all listeners; how many are alive. */
static unsigned listen_check(struct run *r)
{
    unsigned n = 0;
    uint32_t cursor = 0;
    for (struct sk *sk; (sk = sk_each(r, &cursor)) != NULL;)
        n += sk->lis && listen_alive(sk);
    return n;
}

void listen_look(void *ctx)
{
    struct run *r = ctx;
    if (listen_check(r) > 0)
        tern_loop_timer_set(r->cfg.loop, &r->look,
                            time_add_ms(tern_loop_now(r->cfg.loop), LOOK_MS));
}

struct sk *listen_find(struct run *r, const struct tern_endpoint *at)
{
    uint32_t cursor = 0;
    for (struct sk *sk; (sk = sk_each(r, &cursor)) != NULL;) {
        if (sk->state == SK_LISTEN && sk->local.port == at->port && listen_alive(sk))
            return sk;
    }
    return NULL;
}

void listen_free(struct sk *sk)
{
    struct lis *l = sk->lis;
    if (!l)
        return;
    sk->lis = NULL;
    while (l->first) { /* completed, never accepted: TCP resets them */
        struct sk *conn = l->first;
        l->first = conn->queued;
        conn->in_queue = false;
        if (conn->h.id)
            (void)tern_tcp_abort(conn->run->cfg.st, conn->h, now_of(conn));
        conn->h.id = 0;
        sk_free(conn);
    }
    if (l->stuck)
        sk_free(l->stuck);
    if (l->stash >= 0)
        (void)close(l->stash);
    free(l);
}

/* ---- listen() ---- */

/* The stack's listener; dead ones of ours may be in its way. */
static int listen_open(struct sk *sk, uint32_t backlog)
{
    struct tern_endpoint at = {.port = sk->local.port};
    struct tern_stack *st = sk->run->cfg.st;
    /* Under a SYN flood nobody is asked; but what listens at a loopback address must see who comes.
     */
    bool loop = addr_is_loop(&sk->local.addr);
    uint32_t flags = TERN_LISTEN_HOLD | (loop ? 0u : (uint32_t)TERN_LISTEN_COOKIES);
    int rc = tern_tcp_listen(st, &at, backlog, flags, &sk->h);
    if (rc == TERN_ENOBUFS || rc == TERN_EADDRINUSE) {
        (void)listen_check(sk->run);
        rc = tern_tcp_listen(st, &at, backlog, flags, &sk->h);
    }
    int err = rc == TERN_OK ? keys_apply(sk, sk->h, NULL) : 0;
    if (err) { /* not without the keys */
        (void)tern_close(st, sk->h, tern_loop_now(sk->run->cfg.loop));
        sk->h.id = 0;
        return err;
    }
    if (rc == TERN_OK)
        sockopt_fastopen_key(sk);
    if (rc == TERN_OK)
        (void)tern_setuser(st, sk->h, sk->id);
    else
        sk->h.id = 0;
    /* A listener at a loopback address cannot give out cookies: it keeps the stack's policy then.
     */
    if (rc == TERN_OK && sk->run->cfg.policy)
        (void)tern_listener_policy(st, sk->h, sk->run->cfg.policy);
    return tern_errno(rc);
}

static int listen_start(struct call *c, uint32_t backlog)
{
    struct sk *sk = c->sk;
    struct lis *l = calloc(1, sizeof *l);
    if (!l)
        return ENOMEM;
    l->stash = -1;
    sk_name(c->run, &l->name, &l->len, 'l');
    if (!sk->bound && sk->local.port == 0)
        sk->local.port = open_port(c->run, IPPROTO_TCP);
    int err = 0;
    if (bind(c->fd, (const struct sockaddr *)&l->name, l->len) < 0 ||
        listen(c->fd, (int)backlog) < 0)
        err = errno;
    sk->state = SK_LISTEN;
    if (!err && !share_other(sk))
        err = listen_open(sk, backlog);
    if (err) {
        sk->state = SK_NEW;
        free(l);
        return err;
    }
    sockopt_apply(sk);
    sk->lis = l;
    if (!c->run->look.armed)
        listen_look(c->run);
    return 0;
}

#define BACKLOG_MOST 4096 /* as net.core.somaxconn */

void listen_call(struct call *c)
{
    struct sk *sk = c->sk;
    int err = EINVAL, backlog = (int)c->arg[1];
    if (c->run->cfg.backlog != 0)
        backlog = (int)c->run->cfg.backlog;
    if (backlog < 1)
        backlog = 1;
    if (backlog > BACKLOG_MOST)
        backlog = BACKLOG_MOST;
    if (sk->proto == IPPROTO_UDP)
        err = EOPNOTSUPP;
    else if (sk->state == SK_LISTEN) /* a new backlog */
        err = listen(c->fd, backlog) < 0 ? errno : 0;
    else if (sk->state == SK_NEW && !sk->spent)
        err = listen_start(c, (uint32_t)backlog);
    if (err)
        call_fail(c, err);
    else
        call_return(c, 0);
}

/* ---- from the stack to the program's queue ---- */

/* The client of this run that is at the other end of a looped connection. */
static const struct sk *loop_peer(struct run *r, const struct tern_endpoint *remote)
{
    uint32_t cursor = 0;
    if (memcmp(&remote->addr, &r->cfg.addr, sizeof remote->addr) != 0)
        return NULL;
    for (const struct sk *sk; (sk = sk_each(r, &cursor)) != NULL;) {
        if (sk->proto == IPPROTO_TCP && sk->port == remote->port && sk->loop &&
            (sk->state == SK_CONNECTING || sk->state == SK_OPEN))
            return sk;
    }
    return NULL;
}

static void conn_names(struct sk *conn, const struct sk *listener)
{
    struct run *r = conn->run;
    (void)tern_sockname(r->cfg.st, conn->h, &conn->local);
    (void)tern_peername(r->cfg.st, conn->h, &conn->remote);
    const struct sk *peer = loop_peer(r, &conn->remote);
    if (peer) {
        conn->local = peer->remote;
        conn->remote = peer->local;
        conn->loop = true;
    }
    sockopt_inherit(conn, listener);
    sockopt_apply(conn);
}

static struct sk *conn_take(struct sk *listener)
{
    struct run *r = listener->run;
    struct tern_sock h;
    if (tern_tcp_accept(r->cfg.st, listener->h, &h) != TERN_OK)
        return NULL;
    struct sk *conn = sk_new(r, IPPROTO_TCP, 0);
    int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!conn || end < 0) {
        (void)tern_tcp_abort(r->cfg.st, h, now_of(listener));
        if (end >= 0)
            (void)close(end);
        if (conn)
            sk_free(conn);
        return NULL;
    }
    conn->h = h;
    conn->end = end;
    conn->state = SK_OPEN;
    conn->told = conn->spent = true;
    (void)tern_setuser(r->cfg.st, h, conn->id);
    conn_names(conn, listener);
    sk_big_buffer(end, conn->rcvbuf ? conn->rcvbuf / 2 : RUN_BUF);
    return conn;
}

/* Puts a connection into the program's queue: 0, EAGAIN when that is full, ECONNREFUSED when the
 * program has closed the listener. */
static int conn_deliver(struct sk *listener, struct sk *conn)
{
    struct lis *l = listener->lis;
    if (connect(conn->end, (const struct sockaddr *)&l->name, l->len) < 0)
        return errno;
    conn->in_queue = true;
    conn->queued = NULL;
    if (l->first)
        l->last->queued = conn;
    else
        l->first = conn;
    l->last = conn;
    (void)data_start(conn);
    return 0;
}

/* Delivers one connection to one listener; false when it must wait. */
static bool deliver(struct sk *listener, struct sk *conn)
{
    struct run *r = listener->run;
    int err = conn_deliver(listener, conn);
    if (err == 0)
        return true;
    if (err == EAGAIN) {
        listener->lis->stuck = conn;
        tern_loop_timer_set(r->cfg.loop, &r->retry, time_add_ms(now_of(listener), RETRY_MS));
        return false;
    }
    (void)tern_tcp_abort(r->cfg.st, conn->h, now_of(conn));
    conn->h.id = 0;
    sk_free(conn);
    if (err == ECONNREFUSED) /* closed, or shut down: the port is free again */
        listen_gone(listener);
    return true;
}

/* Delivers what the stack has completed. */
static void deliver_all(struct sk *listener)
{
    struct lis *l = listener->lis;
    if (l->stuck) {
        struct sk *conn = l->stuck;
        l->stuck = NULL;
        if (!deliver(listener, conn))
            return;
    }
    while (listener->state == SK_LISTEN && listener->h.id) {
        struct sk *conn = conn_take(listener);
        struct sk *to = conn ? share_pick(listener, conn) : NULL;
        if (!conn)
            return;
        if (to->lis->stuck)
            to = listener; /* that one's queue is full */
        if (!deliver(to, conn) && to == listener)
            return;
        if (to != listener)
            hold_retry(to);
    }
}

void listen_retry(void *ctx)
{
    struct run *r = ctx;
    uint32_t cursor = 0;
    for (struct sk *sk; (sk = sk_each(r, &cursor)) != NULL;) {
        if (sk->state == SK_LISTEN && sk->lis->stuck) {
            deliver_all(sk);
            hold_retry(sk);
        }
    }
}

/* Whether a SYN may come in: not when the listener is gone, and at a loopback address only from the
 * same run. */
static bool syn_welcome(struct sk *sk, const struct tern_event *ev)
{
    if (!listen_alive(sk) && !listen_find(sk->run, &sk->local))
        return false;
    return !addr_is_loop(&sk->local.addr) ||
           memcmp(&ev->remote.addr, &sk->run->cfg.addr, sizeof ev->remote.addr) == 0;
}

void listen_event(struct sk *sk, const struct tern_event *ev)
{
    struct run *r = sk->run;
    if (ev->bits & TERN_EV_SYN) {
        enum tern_answer a = syn_welcome(sk, ev) ? TERN_ANSWER_ACCEPT : TERN_ANSWER_REFUSE;
        (void)tern_tcp_answer(r->cfg.st, ev->sock, a, tern_loop_now(r->cfg.loop));
    }
    if ((ev->bits & TERN_EV_ACCEPT) && sk->state == SK_LISTEN) {
        deliver_all(sk);
        hold_retry(sk);
    }
}

/* ---- accept() ---- */

/* The next connection of the program's queue, through our duplicate of its listener; -errno. */
static int queue_take(struct lis *l, int lfd, struct sk **conn)
{
    if (l->stash >= 0) {
        int fd = l->stash;
        *conn = l->stash_sk;
        l->stash = -1;
        return fd;
    }
    for (;;) {
        struct pollfd p = {.fd = lfd, .events = POLLIN};
        if (poll(&p, 1, 0) <= 0)
            return -EAGAIN;
        int fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return -errno;
        struct ucred peer = {0};
        socklen_t len = sizeof peer;
        if (l->first && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
            peer.pid == getpid()) {
            *conn = l->first;
            l->first = (*conn)->queued;
            (*conn)->in_queue = false;
            return fd;
        }
        (void)close(fd); /* a stranger, who found the name in the kernel's list */
    }
}

static void accept_give(struct call *c, struct sk *conn, int fd, int flags)
{
    struct lis *l = c->sk->lis;
    sk_set_ino(conn, sk_inode(c->run, fd));
    sk_big_buffer(fd, conn->sndbuf ? conn->sndbuf / 2 : RUN_BUF);
    if (flags & SOCK_NONBLOCK)
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    int err = c->arg[1] ? call_write_addr(c, c->arg[1], c->arg[2], &conn->remote) : 0;
    if (err && err != ESRCH) {
        call_fail(c, err);
        (void)close(fd);
        return;
    }
    int got = err ? -err : call_give(c, fd, (flags & SOCK_CLOEXEC) != 0);
    if (got < 0) { /* killed meanwhile, or too many descriptors: the next accept() gets it */
        (void)fcntl(fd, F_SETFL, 0);
        l->stash = fd;
        l->stash_sk = conn;
        call_fail(c, -got);
        return;
    }
    conn->tid = c->tid;
    conn->fd = got;
    (void)close(fd);
}

static bool accept_try(struct call *c)
{
    struct sk *sk = c->sk, *conn = NULL;
    if (sk->state != SK_LISTEN) {
        call_fail(c, EINVAL);
        return true;
    }
    if (!call_valid(c))
        return true;
    int fd = queue_take(sk->lis, c->fd, &conn);
    tern_assert(fd < 0 || conn);
    if (fd == -EAGAIN && !(fcntl(c->fd, F_GETFL) & O_NONBLOCK))
        return false;
    if (fd < 0)
        call_fail(c, -fd);
    else
        accept_give(c, conn, fd, c->nr == SYS_accept4 ? (int)c->arg[3] : 0);
    if (sk->lis->stuck)
        deliver_all(sk);
    return true;
}

void listen_accept_call(struct call *c)
{
    if (c->nr == SYS_accept4 && ((int)c->arg[3] & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)))
        call_fail(c, EINVAL);
    else if (c->sk->proto == IPPROTO_UDP)
        call_fail(c, EOPNOTSUPP);
    else if (!accept_try(c))
        hold_add(c, accept_try, SO_RCVTIMEO, EAGAIN);
}
