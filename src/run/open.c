/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/open.c: socket(), bind(), getsockname(), getpeername().
 *
 * A TCP socket is born as an unconnected AF_UNIX stream socket: poll() says of it what it says of
 * an unconnected TCP socket, and it can still become a client or a listener. Binding reserves the
 * port in our table only; the stack hears of it at listen() or connect().
 */
#include "run/sup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_LO 32768u
#define PORT_HI 60999u

static int open_tcp(struct call *c, int type)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (type & SOCK_NONBLOCK), 0);
    if (fd < 0)
        return errno;
    sk_big_buffer(fd, RUN_BUF);
    struct sk *sk = sk_new(c->run, IPPROTO_TCP, sk_inode(c->run, fd));
    int err = sk ? 0 : ENOMEM;
    if (sk) {
        sk->tid = c->tid;
        int got = call_give(c, fd, (type & SOCK_CLOEXEC) != 0);
        sk->fd = got;
        if (got < 0) {
            err = -got;
            sk_free(sk);
        }
    }
    (void)close(fd);
    return err;
}

void open_socket(struct call *c)
{
    int type = (int)c->arg[1], proto = (int)c->arg[2];
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    int err = ESOCKTNOSUPPORT;
    if (kind == SOCK_STREAM)
        err = proto == 0 || proto == IPPROTO_TCP ? open_tcp(c, type) : EPROTONOSUPPORT;
    else if (kind == SOCK_DGRAM && (proto == 0 || proto == IPPROTO_UDP))
        err = usock_new(c, type);
    else if (kind == SOCK_DGRAM)
        err = proto == IPPROTO_ICMP ? EACCES : EPROTONOSUPPORT;
    else if (kind == SOCK_RAW)
        err = EPERM;
    if (err)
        call_fail(c, err);
}

/* ---- ports ---- */

static bool port_option(const struct sk *sk, int fd, int option)
{
    int v = 0;
    socklen_t len = sizeof v;
    int own = -1;
    if (fd < 0)
        fd = own = proc_getfd(sk->run, sk->tid, sk->fd);
    bool on = fd >= 0 && sk_by_fd(sk->run, fd) == sk &&
              getsockopt(fd, SOL_SOCKET, option, &v, &len) == 0 && v;
    if (own >= 0)
        (void)close(own);
    return on;
}

static bool addrs_meet(const struct tern_addr *a, const struct tern_addr *b)
{
    return addr_is_any(a) || addr_is_any(b) || addr_is_loop(a) == addr_is_loop(b);
}

/* Whether sk (seen through fd) may not have the address beside `other`, as Linux decides it. */
static bool port_conflict(struct sk *sk, int fd, const struct tern_endpoint *at, struct sk *other)
{
    if (other == sk || other->proto != sk->proto || !other->bound || other->local.port != at->port)
        return false;
    if (!addrs_meet(&at->addr, &other->local.addr))
        return false;
    if (sk->reuseport && other->reuseport && sk->proto == IPPROTO_TCP)
        return false; /* UDP ports cannot be shared: EADDRINUSE */
    if (other->state == SK_LISTEN || !port_option(sk, fd, SO_REUSEADDR))
        return true;
    return (other->state == SK_NEW || other->state == SK_CONNECTING) &&
           !port_option(other, -1, SO_REUSEADDR);
}

/* Whether the program has closed it; its hanging up may be known to the kernel and not yet to us.
 */
static bool port_left(struct sk *other)
{
    struct pollfd p = {.fd = other->end};
    if (other->in_queue || usock_leaving(other))
        return false;
    if (other->end >= 0)
        return other->proto == IPPROTO_UDP && poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
    return other->state == SK_LISTEN ? !listen_alive(other) : !sk_alive(other);
}

static bool port_taken(struct sk *sk, int fd, const struct tern_endpoint *at)
{
    uint32_t cursor = 0;
    for (struct sk *other; (other = sk_each(sk->run, &cursor)) != NULL;) {
        if (!port_conflict(sk, fd, at, other))
            continue;
        if (!port_left(other))
            return true;
        sk_free(other);
    }
    return false;
}

uint16_t open_port(struct run *r, uint8_t proto)
{
    uint32_t x;
    const uint32_t n = PORT_HI - PORT_LO + 1;
    if (getrandom(&x, sizeof x, 0) != (ssize_t)sizeof x)
        x = (uint32_t)tern_loop_now(r->cfg.loop).ns;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t port = (uint16_t)(PORT_LO + (x + i) % n);
        uint32_t cursor = 0;
        const struct sk *sk;
        while ((sk = sk_each(r, &cursor)) != NULL) {
            if (sk->proto == proto && (sk->local.port == port || sk->port == port))
                break;
        }
        if (!sk)
            return port;
    }
    return 0;
}

static int bind_check(struct call *c, struct tern_endpoint *at)
{
    struct sockaddr_in sin;
    int err = call_read_addr(c, c->arg[1], c->arg[2], &sin);
    if (err)
        return err;
    *at = addr_from(&sin);
    if (sin.sin_family != AF_INET && !(sin.sin_family == AF_UNSPEC && addr_is_any(&at->addr)))
        return EAFNOSUPPORT;
    const struct tern_addr *own = &c->run->cfg.addr;
    bool mine = own->b[0] == at->addr.b[0] && own->b[1] == at->addr.b[1] &&
                own->b[2] == at->addr.b[2] && own->b[3] == at->addr.b[3];
    if (!mine && !addr_is_any(&at->addr) && !addr_is_loop(&at->addr))
        return EADDRNOTAVAIL;
    if (c->sk->bound || c->sk->state != SK_NEW)
        return EINVAL;
    return 0;
}

void open_bind(struct call *c)
{
    struct tern_endpoint at;
    struct sk *sk = c->sk;
    int err = bind_check(c, &at);
    if (!err && at.port == 0) {
        at.port = open_port(c->run, sk->proto);
        err = at.port ? 0 : EADDRINUSE;
    } else if (!err && port_taken(sk, c->fd, &at)) {
        err = EADDRINUSE;
    }
    if (!err) {
        struct tern_endpoint before = sk->local;
        sk->local = at;
        err = sk->proto == IPPROTO_UDP ? usock_bind(sk) : 0;
        sk->bound = err == 0;
        if (err)
            sk->local = before;
    }
    if (err)
        call_fail(c, err);
    else
        call_return(c, 0);
}

static void answer_addr(struct call *c, const struct tern_endpoint *ep)
{
    int err = call_write_addr(c, c->arg[1], c->arg[2], ep);
    if (err)
        call_fail(c, err);
    else
        call_return(c, 0);
}

void open_getsockname(struct call *c)
{
    answer_addr(c, &c->sk->local);
}

void open_getpeername(struct call *c)
{
    if (c->sk->state == SK_OPEN)
        answer_addr(c, &c->sk->remote);
    else
        call_fail(c, ENOTCONN);
}
