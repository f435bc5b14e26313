/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/usock.c: the program's UDP sockets.
 *
 * The program gets one end of a pair of AF_UNIX SEQPACKET sockets: records keep their bounds,
 * polling is the kernel's, and its closing shows at our end. (A pair of DGRAM sockets would not
 * show that.) Once the socket is connected, send() and recv() never come here.
 *
 * A datagram to or from an address is a notified call (usockmsg.c). So that recvfrom() can tell the
 * sender of exactly the datagram that it takes, each datagram for an unconnected socket carries a
 * tag: a descriptor, passed as SCM_RIGHTS, of a small memory file in which the sender's address is
 * written. Whoever takes the datagram without asking for the address loses the tag with it; nothing
 * can get out of step.
 *
 * What differs from Linux: send() without an address on an unconnected socket is lost instead of
 * EDESTADDRREQ; an error that ICMP brought shows as SO_ERROR and at the next call that comes here,
 * not at a plain recv().
 */
#include "run/sup.h"

#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define DRAIN_MS 1 /* how often the ports of closed sockets are looked at for unsent datagrams */

struct usock {
    void *pending; /* a datagram of the program for which the stack had no room */
    size_t pending_len;
    bool up_eof;  /* the program has shut down its sending side */
    bool closing; /* closed by the program; datagrams are still to be sent */
    struct {      /* a call that sent and whose answer reached nobody; tid 0 = none */
        int tid, nr;
        uint64_t at, n; /* its arguments */
        int64_t answer;
    } unheard;
};

static struct tern_time now_of(const struct sk *sk)
{
    return tern_loop_now(sk->run->cfg.loop);
}

/* ---- tags ---- */

static int tag_fd(struct run *r, const struct tern_endpoint *ep)
{
    for (unsigned i = 0; i < RUN_TAGS; i++) {
        if (r->tags[i].fd && memcmp(&r->tags[i].ep, ep, sizeof *ep) == 0)
            return r->tags[i].fd;
    }
    int fd = memfd_create("tern-sender", MFD_CLOEXEC);
    if (fd < 0 || pwrite(fd, ep, sizeof *ep, 0) != (ssize_t)sizeof *ep) {
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    struct tag *t = &r->tags[r->tag_next++ % RUN_TAGS];
    if (t->fd)
        (void)close(t->fd); /* those under way keep theirs */
    t->ep = *ep;
    t->fd = fd;
    return fd;
}

bool usock_tag_read(int fd, struct tern_endpoint *from)
{
    return pread(fd, from, sizeof *from, 0) == (ssize_t)sizeof *from;
}

/* ---- the stack's port ---- */

int usock_bind(struct sk *sk)
{
    struct tern_endpoint at = {.port = sk->local.port};
    int err = tern_errno(tern_udp_open(sk->run->cfg.st, &at, 0, &sk->h));
    if (err) {
        sk->h.id = 0;
        return err;
    }
    (void)tern_setuser(sk->run->cfg.st, sk->h, sk->id);
    (void)tern_sockname(sk->run->cfg.st, sk->h, &at);
    sk->local.port = at.port;
    sockopt_apply(sk);
    return 0;
}

/* connect() with AF_UNSPEC: a port of its own again, the same if it was bound. */
static int usock_dissolve(struct sk *sk)
{
    if (sk->state != SK_OPEN)
        return 0;
    (void)tern_close(sk->run->cfg.st, sk->h, now_of(sk));
    sk->h.id = 0;
    sk->state = SK_NEW;
    sk->remote = (struct tern_endpoint){0};
    if (!sk->bound) {
        sk->local = (struct tern_endpoint){0};
        return 0;
    }
    return usock_bind(sk);
}

static int usock_peer(struct sk *sk, const struct tern_endpoint *shown)
{
    struct run *r = sk->run;
    struct tern_endpoint real;
    int err = addr_out(r, IPPROTO_UDP, shown, &real, &sk->loop);
    if (!err && !sk->h.id)
        err = usock_bind(sk);
    if (!err && shown->port) /* getaddrinfo() connects to port 0 to learn its own address */
        err = tern_errno(tern_udp_connect(r->cfg.st, sk->h, &real));
    if (err)
        return err;
    sk->remote = *shown;
    if (!sk->bound || addr_is_any(&sk->local.addr))
        sk->local.addr = sk->loop ? addr_ip4(INADDR_LOOPBACK) : r->cfg.addr;
    sk->state = SK_OPEN;
    return 0;
}

void usock_connect(struct call *c, const struct sockaddr_in *sin)
{
    struct tern_endpoint shown = addr_from(sin);
    int err = EAFNOSUPPORT;
    if (c->sk->state == SK_DONE)
        err = EINVAL;
    else if (sin->sin_family == AF_UNSPEC)
        err = usock_dissolve(c->sk);
    else if (sin->sin_family == AF_INET)
        err = usock_peer(c->sk, &shown);
    call_fail(c, err);
}

/* ---- program -> stack ---- */

int64_t usock_send(struct sk *sk, const struct sockaddr_in *to, const void *buf, size_t len)
{
    struct run *r = sk->run;
    struct tern_endpoint real;
    if (sk->state == SK_DONE)
        return -EPIPE;
    if (!to && sk->state != SK_OPEN)
        return -EDESTADDRREQ;
    int err = 0;
    if (to && to->sin_family != AF_INET)
        err = EAFNOSUPPORT;
    else if (to && !to->sin_port)
        err = EINVAL;
    if (!err && to) {
        struct tern_endpoint shown = addr_from(to);
        err = addr_out(r, IPPROTO_UDP, &shown, &real, &sk->loop);
    }
    if (!err && !sk->h.id)
        err = usock_bind(sk);
    if (!err)
        err = tern_errno(
            tern_udp_sendto(r->cfg.st, sk->h, NULL, to ? &real : NULL, buf, len, now_of(sk)));
    return err ? -err : (int64_t)len;
}

/* Zero octets were read: an empty datagram, or the end? What hides behind the end is nothing,
 * except another empty datagram, which is lost then. */
static bool usock_at_end(struct sk *sk, bool *closed)
{
    struct pollfd p = {.fd = sk->end, .events = POLLRDHUP};
    int left = 0;
    if (poll(&p, 1, 0) <= 0 || ioctl(sk->end, SIOCINQ, &left) < 0)
        left = 1;
    *closed = (p.revents & POLLHUP) != 0;
    return (p.revents & (POLLRDHUP | POLLHUP)) && left == 0;
}

/* Closed by the program, but datagrams of it have not been sent yet. */
bool usock_leaving(const struct sk *sk)
{
    int64_t left = 0;
    if (sk->proto == IPPROTO_UDP && sk->end >= 0)
        return sk->udp->closing;
    return sk->proto == IPPROTO_UDP && sk->h.id &&
           tern_getopt(sk->run->cfg.st, sk->h, TERN_OPT_SNDQ, &left) == TERN_OK && left > 0;
}

static void usock_drain_in(struct run *r)
{
    tern_loop_timer_set(r->cfg.loop, &r->drain, time_add_ms(tern_loop_now(r->cfg.loop), DRAIN_MS));
}

static void usock_close_port(struct sk *sk)
{
    if (sk->h.id)
        (void)tern_close(sk->run->cfg.st, sk->h, now_of(sk));
    sk->h.id = 0;
}

void usock_drain(void *ctx)
{
    struct run *r = ctx;
    bool again = false;
    uint32_t cursor = 0;
    for (struct sk *sk; (sk = sk_each(r, &cursor)) != NULL;) {
        if (usock_leaving(sk))
            again = true;
        else if (sk->proto == IPPROTO_UDP && sk->end < 0)
            usock_close_port(sk);
    }
    if (again)
        usock_drain_in(r);
}

static void usock_over(struct sk *sk)
{
    sk->state = SK_DONE;
    data_close_end(sk);
    if (usock_leaving(sk))
        usock_drain_in(sk->run);
    else
        usock_close_port(sk);
}

/* True when there may be more to do. */
static bool usock_up_one(struct sk *sk)
{
    struct usock *u = sk->udp;
    uint8_t *buf = sk->run->buf;
    ssize_t n = recv(sk->end, buf, RUN_SCRATCH, MSG_DONTWAIT);
    bool closed = n < 0 && errno != EAGAIN && errno != EINTR;
    if (n < 0 || (n == 0 && usock_at_end(sk, &closed))) {
        sk->can_read = false;
        u->up_eof = n == 0;
        if (closed)
            usock_over(sk);
        return false;
    }
    if (usock_send(sk, NULL, buf, (size_t)n) == -EAGAIN && n > 0) {
        u->pending = malloc((size_t)n);
        if (u->pending) {
            memcpy(u->pending, buf, (size_t)n);
            u->pending_len = (size_t)n;
        }
        return false;
    }
    return true;
}

static void usock_up(struct sk *sk)
{
    struct usock *u = sk->udp;
    if (u->pending) {
        if (usock_send(sk, NULL, u->pending, u->pending_len) == -EAGAIN)
            return;
        free(u->pending);
        u->pending = NULL;
    }
    while (sk->end >= 0 && sk->can_read && !u->up_eof && usock_up_one(sk))
        ;
    if (sk->end >= 0 && u->closing && !u->pending)
        usock_over(sk);
}

void usock_unheard(const struct call *c, int64_t answer)
{
    struct usock *u = c->sk->udp;
    u->unheard.tid = c->tid;
    u->unheard.nr = c->nr;
    u->unheard.at = c->arg[1];
    u->unheard.n = c->arg[2];
    u->unheard.answer = answer;
}

bool usock_heard_now(const struct call *c, int64_t *answer)
{
    struct usock *u = c->sk->udp;
    if (u->unheard.tid != c->tid || u->unheard.nr != c->nr || u->unheard.at != c->arg[1] ||
        u->unheard.n != c->arg[2])
        return false;
    u->unheard.tid = 0;
    *answer = u->unheard.answer;
    return true;
}

/* ---- stack -> program ---- */

static void usock_give(struct sk *sk, void *buf, size_t len, const struct tern_endpoint *from)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {buf, len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    int tag = sk->state == SK_OPEN ? -1 : tag_fd(sk->run, from);
    if (tag >= 0) {
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &tag, sizeof tag);
    }
    if (sendmsg(sk->end, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN)
        sk->can_write = false; /* this one is lost, as when a receive buffer is full */
}

void usock_again(struct sk *sk, void *buf, size_t len, const struct tern_endpoint *from)
{
    if (sk->end >= 0)
        usock_give(sk, buf, len, from);
}

static void usock_down(struct sk *sk)
{
    struct run *r = sk->run;
    struct tern_endpoint from;
    while (sk->end >= 0 && sk->h.id && sk->can_write) {
        int64_t n = tern_udp_recvfrom(r->cfg.st, sk->h, r->buf, RUN_SCRATCH, &from, NULL);
        if (n < 0) {
            if (n != TERN_EAGAIN)
                sk->err = tern_errno((int)n);
            break;
        }
        bool from_here = memcmp(&from.addr, &r->cfg.addr, sizeof from.addr) == 0 ||
                         memcmp(&from.addr, &r->cfg.host, sizeof from.addr) == 0;
        if (from_here && (sk->loop || addr_is_loop(&sk->local.addr)))
            from.addr = addr_ip4(INADDR_LOOPBACK);
        usock_give(sk, r->buf, n < RUN_SCRATCH ? (size_t)n : RUN_SCRATCH, &from);
    }
    hold_retry(sk);
}

static void usock_ready(void *ctx, int fd, uint32_t events)
{
    struct sk *sk = ctx;
    (void)fd;
    if (events & EPOLLHUP)
        sk->udp->closing = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        sk->can_read = true;
        usock_up(sk);
    }
    if (sk->end >= 0 && (events & EPOLLOUT)) {
        sk->can_write = true;
        usock_down(sk);
    }
}

void usock_event(struct sk *sk, const struct tern_event *ev)
{
    if (ev->bits & (TERN_EV_READABLE | TERN_EV_CLOSED))
        usock_down(sk);
    if (sk->end >= 0 && (ev->bits & TERN_EV_WRITABLE)) {
        usock_up(sk);
        hold_retry(sk);
    }
}

/* ---- making one ---- */

void usock_free(struct sk *sk)
{
    free(sk->udp->pending);
    free(sk->udp);
    sk->udp = NULL;
}

/* A free descriptor number of the program in the range that the filter knows; -1 = none. */
static int usock_number(struct call *c)
{
    const uint32_t n = RUN_UDP_FD_HI - RUN_UDP_FD_LO;
    for (uint32_t i = 0; i < n; i++) {
        int at = (int)(RUN_UDP_FD_LO + c->run->udp_fd++ % n);
        int fd = proc_getfd(c->run, c->tid, at);
        if (fd == -EBADF)
            return at;
        if (fd >= 0)
            (void)close(fd);
    }
    return -1;
}

static int usock_hand_over(struct call *c, struct sk *sk, int fd, int type)
{
    int at = usock_number(c);
    if (at < 0)
        return EMFILE;
    bool cloexec = (type & SOCK_CLOEXEC) != 0;
    int got = call_give_at(c, fd, at, cloexec, true);
    if (got == -EBADF) /* the program's limit is lower: sendmsg() will not know addresses */
        got = call_give(c, fd, cloexec);
    sk->tid = c->tid;
    sk->fd = got;
    return got < 0 ? -got : 0;
}

int usock_new(struct call *c, int type)
{
    int fd[2];
    struct run *r = c->run;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
        return errno;
    if (!(type & SOCK_NONBLOCK))
        (void)fcntl(fd[0], F_SETFL, 0);
    sk_big_buffer(fd[0], 1 << 20);
    sk_big_buffer(fd[1], 1 << 20);
    struct sk *sk = sk_new(r, IPPROTO_UDP, sk_inode(r, fd[0]));
    struct usock *u = calloc(1, sizeof *u);
    int err = sk && u ? 0 : ENOMEM;
    if (!err) {
        sk->udp = u;
        sk->end = fd[1];
        sk->can_read = sk->can_write = true;
        err = -tern_loop_watch(r->cfg.loop, fd[1], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                               usock_ready, sk);
        sk->watched = err == 0;
    } else {
        free(u);
        (void)close(fd[1]);
    }
    if (!err)
        err = usock_hand_over(c, sk, fd[0], type);
    (void)close(fd[0]);
    if (err && sk)
        sk_free(sk);
    return err;
}
