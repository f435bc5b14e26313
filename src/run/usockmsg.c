/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/usockmsg.c: sending and receiving with an address, for UDP.
 *
 * The vector of a message is read once; then the pieces; then the decision is made. A TCP socket
 * that comes here (sendto() with an address, or a high descriptor number) is given back to the
 * kernel where that does the right thing.
 */
#include "run/sup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MSG_PIECES  64 /* pieces of one message; more: EMSGSIZE */
#define MSG_LONGEST 65507

struct message {
    uint64_t at;       /* of its msghdr in the program, 0 = a sendto() or recvfrom() */
    uint64_t name;     /* where the address is, or goes */
    uint64_t name_len; /* its length; recvfrom(): where its length is */
    struct iovec iov[MSG_PIECES];
    size_t pieces, total;
    struct tern_endpoint from; /* whose it is, when it has been received, */
    size_t full;               /* and how long it was */
};

static bool never_block(const struct call *c, int flags)
{
    return (flags & MSG_DONTWAIT) || (fcntl(c->fd, F_GETFL) & O_NONBLOCK);
}

static int message_read(const struct call *c, uint64_t at, struct message *m)
{
    struct msghdr h;
    *m = (struct message){.at = at};
    int err = mem_read(c->tid, at, &h, sizeof h);
    if (err)
        return err;
    if (h.msg_iovlen > MSG_PIECES)
        return EMSGSIZE;
    m->name = (uintptr_t)h.msg_name;
    m->name_len = m->name ? h.msg_namelen : 0;
    m->pieces = h.msg_iovlen;
    err = mem_read(c->tid, (uintptr_t)h.msg_iov, m->iov, m->pieces * sizeof m->iov[0]);
    for (size_t i = 0; !err && i < m->pieces; i++) {
        if (m->iov[i].iov_len > SIZE_MAX / 2 - m->total)
            return EINVAL;
        m->total += m->iov[i].iov_len;
    }
    return err;
}

static struct message message_plain(const struct call *c)
{
    struct message m = {.name = c->arg[4], .name_len = c->arg[5], .pieces = 1, .total = c->arg[2]};
    memcpy(&m.iov[0].iov_base, &c->arg[1], sizeof m.iov[0].iov_base);
    m.iov[0].iov_len = c->arg[2];
    return m;
}

/* ---- sending ---- */

/* Sends one message: its length or -errno. */
static int64_t send_one(struct call *c, struct message *m, int flags)
{
    (void)flags; /* none changes how a datagram is sent */
    uint8_t *buf = c->run->buf;
    struct sockaddr_in to;
    if (m->total > MSG_LONGEST)
        return -EMSGSIZE;
    size_t n = 0;
    for (size_t i = 0; i < m->pieces; i++) {
        int err = mem_read(c->tid, (uintptr_t)m->iov[i].iov_base, buf + n, m->iov[i].iov_len);
        if (err)
            return -err;
        n += m->iov[i].iov_len;
    }
    int err = m->name ? call_read_addr(c, m->name, m->name_len, &to) : 0;
    if (err)
        return -err;
    if (!call_valid(c))
        return -ESRCH;
    if (c->sk->err) {
        err = c->sk->err;
        c->sk->err = 0;
        return -err;
    }
    return usock_send(c->sk, m->name ? &to : NULL, buf, n);
}

/* Answers with n or -errno; false when a blocking call must wait. */
static bool finish(struct call *c, int64_t n, int flags)
{
    if (n == -EAGAIN && !never_block(c, flags))
        return false;
    if (n < 0)
        call_fail(c, (int)-n);
    else
        call_return(c, n);
    return true;
}

/* The same, for datagrams that have been sent: not once more if nobody heard so. */
static bool finish_sent(struct call *c, int64_t n, int flags)
{
    if (n < 0)
        return finish(c, n, flags);
    if (!call_return(c, n))
        usock_unheard(c, n);
    return true;
}

/* ... and for one that was received: it comes again if nobody heard of it. */
static bool finish_received(struct call *c, const struct message *m, int64_t n, int flags)
{
    if (n < 0)
        return finish(c, n, flags);
    if (!call_return(c, n) && !(flags & MSG_PEEK))
        usock_again(c->sk, c->run->buf, m->full, &m->from);
    return true;
}

/* Octets that went with the SYN. */
static void fast_tell(struct call *c)
{
    if (call_return(c, (int64_t)c->sk->fast))
        c->sk->fast = 0;
}

/* Octets of a message from `off` on into the scratch memory, as many as fit there. 0 or an
 * errno. */
static int gather(const struct call *c, const struct message *m, size_t off, size_t *len)
{
    int err = 0;
    *len = 0;
    for (size_t i = 0; !err && i < m->pieces && *len < RUN_SCRATCH; i++) {
        size_t n = m->iov[i].iov_len, skip = off < n ? off : n, room = RUN_SCRATCH - *len;
        off -= skip;
        n = n - skip < room ? n - skip : room;
        err = mem_read(c->tid, (uintptr_t)m->iov[i].iov_base + skip, c->run->buf + *len, n);
        *len += n;
    }
    return !err && !call_valid(c) ? ESRCH : err;
}

/* MSG_FASTOPEN on a new socket; false: a blocking call waits for the handshake. */
static bool fast_begin(struct call *c, const struct message *m, int flags)
{
    struct sockaddr_in to;
    size_t n = 0;
    int err = m->name ? call_read_addr(c, m->name, m->name_len, &to) : EINVAL;
    if (!err)
        err = gather(c, m, 0, &n);
    bool nonblock = never_block(c, flags);
    if (!err)
        err = connect_fast(c, &to, c->run->buf, n, nonblock);
    if (!err && !nonblock)
        return false;
    if (err)
        call_fail(c, err);
    else
        fast_tell(c);
    return true;
}

/* What becomes of a call with MSG_FASTOPEN. True: it is over, or (*wait) is held; false: it is a
 * call like any other. */
static bool fast_call(struct call *c, const struct message *m, int flags, bool *wait)
{
    struct sk *sk = c->sk;
    *wait = false;
    switch (sk->state) {
    case SK_NEW:
        *wait = !fast_begin(c, m, flags);
        return true;
    case SK_CONNECTING:
        *wait = !never_block(c, flags);
        if (!*wait && sk->fast != 0)
            fast_tell(c);
        else if (!*wait)
            call_fail(c, EALREADY);
        return true;
    case SK_FAILED:
        if (call_fail(c, sk->err ? sk->err : ECONNABORTED)) {
            sk->err = 0;
            sk->fast = 0;
            sk->state = SK_NEW;
        }
        return true;
    default:
        sk->told = true;
        if (sk->fast == 0)
            return false;
        fast_tell(c);
        return true;
    }
}

/* MSG_EOR and MSG_MORE: what an AF_UNIX stream does not know. Such octets go straight into the
 * stack, behind what the program's socket holds. sk->fast says how many have gone: of a call that
 * waits for room, or of one whose answer a signal has kept from the program. */
static bool direct_go(struct call *c, const struct message *m, int flags)
{
    struct sk *sk = c->sk;
    int64_t sent = 0;
    while (sk->fast < m->total && sent >= 0) {
        size_t n = 0;
        int err = gather(c, m, sk->fast, &n);
        bool last = sk->fast + n >= m->total;
        uint32_t how = !last || (flags & MSG_MORE) ? TERN_SEND_MORE : 0;
        if (last && (flags & MSG_EOR))
            how = TERN_SEND_EOR;
        sent = err ? -err : data_direct(sk, c->run->buf, n, how);
        sk->fast += sent > 0 ? (size_t)sent : 0;
    }
    if (sk->fast == 0 && sent == -EPIPE) { /* the kernel has the right error, and the signal */
        call_continue(c);
        return true;
    }
    if (sent == -EAGAIN && !never_block(c, flags))
        return false;
    if (sk->fast == 0 && sent < 0)
        call_fail(c, (int)-sent);
    else
        fast_tell(c);
    return true;
}

static bool direct_sendto_try(struct call *c)
{
    struct message m = message_plain(c);
    return direct_go(c, &m, (int)c->arg[3]);
}

static bool direct_sendmsg_try(struct call *c)
{
    struct message m;
    int err = message_read(c, c->arg[1], &m);
    return err ? finish(c, -err, 0) : direct_go(c, &m, (int)c->arg[2]);
}

static void direct_call(struct call *c, bool (*again)(struct call *))
{
    if (c->sk->state != SK_OPEN || c->sk->held != 0) /* another thread is at it: as ever then */
        call_continue(c);
    else if (c->sk->fast != 0)
        fast_tell(c); /* of a call whose answer was not heard */
    else if (!again(c))
        hold_add(c, again, SO_SNDTIMEO, EAGAIN);
}

/* TCP takes the address of sendto() and looks the other way. */
static bool tcp_sendto(struct call *c)
{
    size_t n = c->arg[2] < RUN_SCRATCH ? c->arg[2] : RUN_SCRATCH;
    int flags = (int)c->arg[3];
    struct message m = message_plain(c);
    bool wait;
    if ((flags & MSG_FASTOPEN) && fast_call(c, &m, flags, &wait))
        return !wait;
    flags &= ~MSG_FASTOPEN;
    if (c->sk->state != SK_OPEN && !(c->sk->early && c->sk->end >= 0)) {
        call_fail(c, EPIPE);
        return true;
    }
    int err = mem_read(c->tid, c->arg[1], c->run->buf, n);
    if (err || !call_valid(c)) {
        call_fail(c, err ? err : ESRCH);
        return true;
    }
    ssize_t sent = send(c->fd, c->run->buf, n, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    return finish(c, sent < 0 ? -errno : sent, flags);
}

static bool sendto_try(struct call *c)
{
    if (c->sk->proto == IPPROTO_TCP)
        return tcp_sendto(c);
    struct message m = message_plain(c);
    int64_t n;
    if (!usock_heard_now(c, &n))
        n = send_one(c, &m, (int)c->arg[3]);
    return finish_sent(c, n, (int)c->arg[3]);
}

void msg_sendto(struct call *c)
{
    int flags = (int)c->arg[3];
    if (c->sk->proto == IPPROTO_TCP && (flags & (MSG_EOR | MSG_MORE)) && !(flags & MSG_FASTOPEN))
        direct_call(c, direct_sendto_try);
    else if (!sendto_try(c))
        hold_add(c, sendto_try, SO_SNDTIMEO, EAGAIN);
}

/* TCP's messages are the kernel's own: our ends have no names, so it says "no address", as TCP
 * does. A datagram's call is tried, and held if it must wait. */
static void message_call(struct call *c, bool (*again)(struct call *), int timeout)
{
    if (c->sk->proto == IPPROTO_TCP)
        call_continue(c);
    else if (!again(c))
        hold_add(c, again, timeout, EAGAIN);
}

static bool sendmsg_try(struct call *c)
{
    struct message m;
    int64_t n;
    if (!usock_heard_now(c, &n)) {
        int err = message_read(c, c->arg[1], &m);
        n = err ? -err : send_one(c, &m, (int)c->arg[2]);
    }
    return finish_sent(c, n, (int)c->arg[2]);
}

/* sendmsg(MSG_FASTOPEN) of TCP: what went with the SYN, or all by way of the program's own socket.
 */
static bool fast_sendmsg_try(struct call *c)
{
    struct message m;
    size_t n;
    bool wait;
    int flags = (int)c->arg[2], err = message_read(c, c->arg[1], &m);
    if (!err && fast_call(c, &m, flags, &wait))
        return !wait;
    if (!err)
        err = gather(c, &m, 0, &n);
    if (err)
        return finish(c, -err, flags);
    ssize_t sent = send(c->fd, c->run->buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return finish(c, sent < 0 ? -errno : sent, flags);
}

void msg_sendmsg(struct call *c)
{
    bool fast = c->sk->proto == IPPROTO_TCP && ((int)c->arg[2] & MSG_FASTOPEN) &&
                c->sk->state <= SK_CONNECTING;
    if (!fast && c->sk->proto == IPPROTO_TCP && ((int)c->arg[2] & (MSG_EOR | MSG_MORE)))
        direct_call(c, direct_sendmsg_try);
    else if (!fast)
        message_call(c, sendmsg_try, SO_SNDTIMEO);
    else if (!fast_sendmsg_try(c))
        hold_add(c, fast_sendmsg_try, SO_SNDTIMEO, EAGAIN);
}

/* A message of sendmmsg() or recvmmsg(); returns like the call for one. */
typedef int64_t one_message(struct call *c, struct message *m, int flags);

/* As many as go now, or the first one's error. */
static int64_t many(struct call *c, one_message *one)
{
    uint32_t n = (uint32_t)c->arg[2] < 1024 ? (uint32_t)c->arg[2] : 1024, done = 0;
    int flags = (int)c->arg[3];
    int64_t rc = 0;
    for (; done < n && rc >= 0; done++) {
        uint64_t at = c->arg[1] + done * sizeof(struct mmsghdr);
        struct message m;
        int err = message_read(c, at, &m);
        rc = err ? -err : one(c, &m, flags);
        uint32_t len = (uint32_t)rc;
        if (rc < 0)
            break;
        err = mem_write(c->tid, at + offsetof(struct mmsghdr, msg_len), &len, sizeof len);
        rc = err ? -err : rc;
    }
    return done ? done : rc;
}

static bool sendmmsg_try(struct call *c)
{
    int64_t n;
    if (!usock_heard_now(c, &n))
        n = many(c, send_one);
    return finish_sent(c, n, (int)c->arg[3]);
}

void msg_sendmmsg(struct call *c)
{
    message_call(c, sendmmsg_try, SO_SNDTIMEO);
}

/* ---- receiving ---- */

/* Takes the tag out of the control data. */
static bool take_tag(struct msghdr *h, struct tern_endpoint *from)
{
    bool ok = false;
    for (struct cmsghdr *cm = CMSG_FIRSTHDR(h); cm; cm = CMSG_NXTHDR(h, cm)) {
        if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
            continue;
        int fd;
        memcpy(&fd, CMSG_DATA(cm), sizeof fd);
        ok = usock_tag_read(fd, from);
        (void)close(fd);
    }
    return ok;
}

/* The next datagram of the program's queue into buf: its full length or -errno. */
static int64_t take_one(struct call *c, int flags, struct tern_endpoint *from)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {c->run->buf, RUN_SCRATCH};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    if (c->sk->err) {
        int err = c->sk->err;
        c->sk->err = 0;
        return -err;
    }
    ssize_t n = recvmsg(c->fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (flags & MSG_PEEK));
    if (n < 0)
        return -errno;
    if (!take_tag(&h, from))
        *from = c->sk->remote;
    return n;
}

/* Copies a datagram into the program's pieces; how many octets fit, or -errno. */
static int64_t spread(const struct call *c, const struct message *m, size_t len)
{
    size_t done = 0;
    for (size_t i = 0; i < m->pieces && done < len; i++) {
        size_t n = m->iov[i].iov_len < len - done ? m->iov[i].iov_len : len - done;
        int err = mem_write(c->tid, (uintptr_t)m->iov[i].iov_base, c->run->buf + done, n);
        if (err)
            return -err;
        done += n;
    }
    return (int64_t)done;
}

/* What recvmsg() says in its msghdr. */
static int message_answer(const struct call *c, const struct message *m, bool cut,
                          const struct tern_endpoint *from)
{
    struct msghdr h;
    int err = mem_read(c->tid, m->at, &h, sizeof h);
    if (err)
        return err;
    if (m->name) {
        struct sockaddr_in sin = addr_to(from);
        size_t n = m->name_len < sizeof sin ? m->name_len : sizeof sin;
        err = mem_write(c->tid, m->name, &sin, n);
        h.msg_namelen = sizeof sin;
    }
    h.msg_controllen = 0;
    h.msg_flags = cut ? MSG_TRUNC : 0;
    return err ? err : mem_write(c->tid, m->at, &h, sizeof h);
}

/* Receives one message: what the call returns, or -errno. */
static int64_t recv_one(struct call *c, struct message *m, int flags)
{
    if (!call_valid(c))
        return -ESRCH;
    int64_t full = take_one(c, flags, &m->from);
    if (full < 0)
        return full;
    m->full = (size_t)full;
    int64_t n = spread(c, m, (size_t)full);
    int err = n < 0 ? (int)-n : 0;
    if (!err && m->at)
        err = message_answer(c, m, n < full, &m->from);
    else if (!err)
        err = call_write_addr(c, m->name, m->name_len, &m->from);
    if (err)
        return -err;
    return flags & MSG_TRUNC ? full : n;
}

static bool recvfrom_try(struct call *c)
{
    struct message m = message_plain(c);
    int64_t n = recv_one(c, &m, (int)c->arg[3]);
    return finish_received(c, &m, n, (int)c->arg[3]);
}

void msg_recvfrom(struct call *c)
{
    message_call(c, recvfrom_try, SO_RCVTIMEO);
}

static bool recvmsg_try(struct call *c)
{
    struct message m;
    int err = message_read(c, c->arg[1], &m);
    int64_t n = err ? -err : recv_one(c, &m, (int)c->arg[2]);
    return finish_received(c, &m, n, (int)c->arg[2]);
}

void msg_recvmsg(struct call *c)
{
    message_call(c, recvmsg_try, SO_RCVTIMEO);
}

/* Waits for the first message only, as with MSG_WAITFORONE. What nobody heard of is lost here. */
static bool recvmmsg_try(struct call *c)
{
    return finish(c, many(c, recv_one), (int)c->arg[3]);
}

void msg_recvmmsg(struct call *c)
{
    message_call(c, recvmmsg_try, SO_RCVTIMEO);
}
