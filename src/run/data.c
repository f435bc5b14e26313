/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/data.c: moves octets between our end of a program's socket and the stack, without a copy of
 * our own: recv() straight into the send buffer, send() straight out of the receive buffer.
 *
 * Our end is watched edge-triggered, once, for everything; can_read and can_write remember the last
 * edge, so back pressure costs no epoll_ctl. Upwards (program to stack) we ask how much there is
 * before we ask the stack for space, so that an idle connection holds no buffer. What arrives later
 * makes an edge of its own.
 *
 * How an end of the program's socket shows at ours, and what becomes of it:
 *     shutdown(SHUT_WR)            end of file             FIN
 *     close(), all was read        end of file and HUP     close: FIN, and RST for what comes later
 *     close(), something unread    ECONNRESET              RST, as TCP does [RFC9293:SHLD-3]
 *     close() with SO_LINGER 0     end of file and HUP     RST
 * and the other way:
 *     the peer's FIN               our end is shut down for sending, never closed
 *     a reset                      the program's socket must say ECONNRESET. A kernel's AF_UNIX
 * socket says so when the other end is closed with something unread in it: we send one octet
 * through a duplicate of the program's socket, and close.
 */
#include "run/sup.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATA_PIECE (256u << 10)
#define DATA_HUP   (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

static struct tern_time now_of(const struct sk *sk)
{
    return tern_loop_now(sk->run->cfg.loop);
}

void data_close_end(struct sk *sk)
{
    if (sk->end < 0)
        return;
    if (sk->watched)
        tern_loop_unwatch(sk->run->cfg.loop, sk->end);
    sk->watched = false;
    (void)close(sk->end);
    sk->end = -1;
}

/* Nothing more to carry for this socket; the stack finishes what it has. */
static void data_over(struct sk *sk, bool reset)
{
    struct tern_stack *st = sk->run->cfg.st;
    if (sk->h.id && reset)
        (void)tern_tcp_abort(st, sk->h, now_of(sk));
    else if (sk->h.id)
        (void)tern_close(st, sk->h, now_of(sk));
    sk->h.id = 0;
    sk->state = SK_DONE;
    data_close_end(sk);
}

void data_show_reset(struct sk *sk)
{
    int fd = sk->ino ? proc_find(sk->run, sk->tid, sk->fd, sk->ino) : -1;
    if (fd < 0)
        return;
    sk->reset_shown = send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 || errno == EAGAIN;
    (void)close(fd);
}

/* The stack's side has failed: reset, timed out, unreachable. */
static void data_fail(struct sk *sk, int tern_err)
{
    sk->err = tern_errno(tern_err);
    if (!sk->down_eof)
        data_show_reset(sk);
    data_over(sk, false);
}

/* ---- program -> stack ---- */

/* The program sends no more. */
static void data_up_end(struct sk *sk)
{
    struct pollfd p = {.fd = sk->end};
    sk->up_eof = true;
    bool hup = poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
    if (hup || sk->down_eof) /* closed, or both directions shut */
        data_over(sk, sk->linger0);
    else
        (void)tern_tcp_shutdown(sk->run->cfg.st, sk->h, now_of(sk));
}

/* An urgent octet of the program is in our end: true when it may be next, and then it was tried. */
static bool data_up_oob(struct sk *sk)
{
    int mark = 0;
    uint8_t octet;
    if (ioctl(sk->end, SIOCATMARK, &mark) < 0 || !mark)
        return false;
    if (recv(sk->end, &octet, 1, MSG_OOB | MSG_DONTWAIT | MSG_PEEK) != 1) {
        sk->oob = false;
        return false;
    }
    int64_t n = tern_tcp_send(sk->run->cfg.st, sk->h, &octet, 1, TERN_SEND_OOB, now_of(sk));
    if (n == 1) {
        (void)recv(sk->end, &octet, 1, MSG_OOB | MSG_DONTWAIT);
        sk->oob = false;
    }
    return true;
}

/* Up to `have` octets into the stack: how many, 0 at end of file, or -errno; -EBUSY: the stack has
 * no room, and will say when. */
static int64_t data_up_piece(struct sk *sk, size_t have)
{
    struct tern_stack *st = sk->run->cfg.st;
    uint8_t *at, peek;
    size_t room = 0;
    if (have == 0) {
        ssize_t n = recv(sk->end, &peek, 1, MSG_DONTWAIT | MSG_PEEK);
        return n < 0 ? -errno : n;
    }
    int rc = tern_tcp_send_space(st, sk->h, have < DATA_PIECE ? have : DATA_PIECE, &at, &room);
    if (rc < 0) {
        if (rc != TERN_EAGAIN)
            data_fail(sk, rc);
        return -EBUSY;
    }
    ssize_t n = recv(sk->end, at, room < DATA_PIECE ? room : DATA_PIECE, MSG_DONTWAIT);
    if (n < 0)
        return -errno;
    if (n > 0)
        (void)tern_tcp_send_commit(st, sk->h, (size_t)n, 0, now_of(sk));
    return n;
}

/* Up to `have` octets, 0 = only look whether the end has come. 1 when all went, 0 when some are
 * left before an urgent octet, -1 when nothing more can be done now. */
static int data_up_pieces(struct sk *sk, int64_t have)
{
    do {
        int64_t n = data_up_piece(sk, (size_t)have);
        if (n == 0)
            data_up_end(sk);
        if (n == 0 || n == -EBUSY)
            return -1;
        if (n < 0) {
            sk->can_read = false;
            if (n != -EAGAIN && n != -EINTR)
                data_over(sk, true); /* closed with data unread */
            return -1;
        }
        have -= n;
    } while (have > 0 && !sk->oob);
    return have <= 0;
}

static void data_up(struct sk *sk, bool look_for_end)
{
    while (sk->state == SK_OPEN && sk->can_read && !sk->up_eof) {
        int have = 0;
        if (ioctl(sk->end, SIOCINQ, &have) < 0 || have < 0)
            have = 0;
        if (sk->oob && data_up_oob(sk)) {
            if (sk->oob)
                return; /* the stack has no room for it */
            continue;
        }
        int all = data_up_pieces(sk, have);
        if (all < 0)
            return;
        if (all > 0 && have > 0 && !look_for_end)
            sk->can_read = false; /* what came after SIOCINQ has its own edge */
    }
}

int64_t data_direct(struct sk *sk, const void *buf, size_t n, uint32_t flags)
{
    int before = 0;
    sk->can_read = true;
    data_up(sk, false);
    if (sk->state != SK_OPEN || sk->up_eof)
        return -EPIPE;
    if (ioctl(sk->end, SIOCINQ, &before) < 0 || before != 0)
        return -EAGAIN; /* the stack has no room even for that */
    int64_t sent = tern_tcp_send(sk->run->cfg.st, sk->h, buf, n, flags, now_of(sk));
    return sent < 0 ? -tern_errno((int)sent) : sent;
}

/* ---- stack -> program ---- */

static void data_down_end(struct sk *sk)
{
    sk->down_eof = true;
    if (sk->up_eof)
        data_over(sk, false);
    else
        (void)shutdown(sk->end, SHUT_WR);
}

static void data_down(struct sk *sk)
{
    struct tern_stack *st = sk->run->cfg.st;
    while (sk->state == SK_OPEN && !sk->down_eof && (sk->can_write || sk->discard)) {
        const uint8_t *at;
        size_t len = 0;
        int rc = tern_tcp_recv_data(st, sk->h, &at, &len);
        if (rc == 0)
            data_down_end(sk);
        else if (rc < 0 && rc != TERN_EAGAIN)
            data_fail(sk, rc);
        if (rc <= 0)
            return;
        ssize_t n = (ssize_t)len;
        if (!sk->discard) {
            n = send(sk->end, at, len < DATA_PIECE ? len : DATA_PIECE, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0 && errno == EAGAIN) {
                sk->can_write = false;
                return;
            }
            if (n < 0) { /* the program has shut down its reading side: TCP takes and drops */
                sk->discard = true;
                continue;
            }
        }
        (void)tern_tcp_recv_consume(st, sk->h, (size_t)n, now_of(sk));
    }
}

static void data_down_oob(struct sk *sk)
{
    uint8_t octet;
    data_down(sk);
    if (sk->state == SK_OPEN && tern_tcp_recv_oob(sk->run->cfg.st, sk->h, &octet) == 1)
        (void)send(sk->end, &octet, 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- events ---- */

/* The program closed after it had shut down its sending side. */
static void data_closed_late(struct sk *sk)
{
    int err = 0;
    socklen_t len = sizeof err;
    (void)getsockopt(sk->end, SOL_SOCKET, SO_ERROR, &err, &len);
    data_over(sk, err != 0 || sk->linger0);
}

/* The plug (connect.c) has left the program a small send buffer. */
static void data_enlarge(struct sk *sk)
{
    int fd = proc_find(sk->run, sk->tid, sk->fd, sk->ino);
    sk->small = false;
    if (fd < 0)
        return;
    sk_big_buffer(fd, sk->sndbuf ? sk->sndbuf / 2 : RUN_BUF);
    (void)close(fd);
}

static void data_ready(void *ctx, int fd, uint32_t events)
{
    struct sk *sk = ctx;
    (void)fd;
    if (events & EPOLLPRI)
        sk->oob = true;
    if (events & (EPOLLIN | DATA_HUP))
        sk->can_read = true;
    if (events & (EPOLLOUT | EPOLLHUP))
        sk->can_write = true;
    if (sk->small && (events & EPOLLIN) && !(events & EPOLLHUP))
        data_enlarge(sk);
    if (sk->state == SK_OPEN && sk->up_eof && (events & EPOLLHUP))
        data_closed_late(sk);
    if (sk->state == SK_OPEN && (events & (EPOLLIN | EPOLLPRI | DATA_HUP)))
        data_up(sk, (events & DATA_HUP) != 0);
    if (sk->state == SK_OPEN && (events & EPOLLOUT))
        data_down(sk);
}

int data_start(struct sk *sk)
{
    sk->can_read = sk->can_write = true;
    int err = tern_loop_watch(sk->run->cfg.loop, sk->end,
                              EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET, data_ready, sk);
    if (err < 0)
        return err;
    sk->watched = true;
    data_down(sk); /* what came before we looked made no event for us */
    return 0;
}

void data_event(struct sk *sk, const struct tern_event *ev)
{
    const uint32_t down = TERN_EV_READABLE | TERN_EV_PEER_FIN | TERN_EV_CLOSED;
    if (ev->bits & TERN_EV_OOB)
        data_down_oob(sk);
    if (ev->bits & down)
        data_down(sk);
    if (sk->state == SK_OPEN && (ev->bits & TERN_EV_WRITABLE))
        data_up(sk, true);
    if (ev->bits & TERN_EV_WRITABLE)
        hold_retry(sk); /* data_direct() */
    if (sk->state == SK_OPEN && (ev->bits & TERN_EV_CLOSED) && ev->err) {
        if (sk->can_write || sk->down_eof)
            data_fail(sk, ev->err);
        /* else: data waits for the program to read; the error is found behind it */
    }
}
