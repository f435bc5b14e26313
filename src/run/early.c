/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/early.c: TCP_FASTOPEN_CONNECT: connect() returns at once, and the SYN goes with the first
 * octets that the program writes (RFC 7413).
 *
 * Only to a server whose cookie is known, or that is said to need none; otherwise connect() is as
 * ever, and its SYN asks for a cookie. The program's socket is hooked up before there is a
 * connection, so that it can be written to; what comes out at our end begins the handshake. What
 * fails from then on shows as it does on an open connection, and SO_ERROR has the reason.
 */
#include "run/sup.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* The program has closed the socket. */
static bool gone(const struct sk *sk)
{
    struct pollfd p = {.fd = sk->end};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

static void early_ready(void *ctx, int fd, uint32_t events)
{
    struct sk *sk = ctx;
    struct run *r = sk->run;
    const struct tern_endpoint to = sk->remote;
    (void)events;
    ssize_t n = recv(fd, r->buf, RUN_SCRATCH, MSG_DONTWAIT | MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 && gone(sk)) { /* without a word: nobody hears of it, as on Linux */
        data_close_end(sk);
        sk->state = SK_DONE;
        return;
    }
    tern_loop_unwatch(r->cfg.loop, fd);
    sk->watched = false;
    const struct early e = {r->buf, n > 0 ? (size_t)n : 0};
    int err = connect_open(sk, &to, &e);
    sk->told = true;
    if (err) {
        connect_failed(sk, err);
        return;
    }
    if (sk->fast != 0)
        (void)recv(fd, r->buf, sk->fast, MSG_DONTWAIT);
    sk->fast = 0;
}

/* May the SYN wait for data? */
static bool early_may(struct sk *sk, const struct tern_endpoint *shown)
{
    struct tern_endpoint real;
    bool loop;
    if (addr_out(sk->run, IPPROTO_TCP, shown, &real, &loop) != 0)
        return false;
    return sockopt_flag(sk, TCP_FASTOPEN_NO_COOKIE) ||
           tern_fastopen_known(sk->run->cfg.st, &real, tern_loop_now(sk->run->cfg.loop));
}

bool early_connect(struct call *c, const struct tern_endpoint *shown)
{
    struct sk *sk = c->sk;
    if (!early_may(sk, shown))
        return false;
    int err = connect_hook(c);
    if (!err) {
        sk->state = SK_DEFERRED;
        sk->early = sk->told = true;
        sk->remote = *shown;
        err = -tern_loop_watch(sk->run->cfg.loop, sk->end, EPOLLIN | EPOLLRDHUP | EPOLLET,
                               early_ready, sk);
        sk->watched = err == 0;
    }
    if (err)
        connect_failed(sk, err);
    sk->mute = !call_fail(c, err) && !err;
    return true;
}
