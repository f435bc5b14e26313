/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/vcall.c: the socket calls of a virtual host, with Linux's results. */
#include "drill/vfast.h"
#include "drill/vkeys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <tern/loop.h>
#include <tern/socket.h>

#define FD_FIRST 3 /* as a program that has its standard files open */

struct vsock *vh_sock(struct vhost *vh, int fd)
{
    if (fd < FD_FIRST || fd >= FD_FIRST + VHOST_SOCKS || !vh->sock[fd - FD_FIRST].used)
        return NULL;
    return &vh->sock[fd - FD_FIRST];
}

static int fd_new(struct vhost *vh)
{
    for (int i = 0; i < VHOST_SOCKS; i++) {
        if (!vh->sock[i].used) {
            memset(&vh->sock[i], 0, sizeof vh->sock[i]);
            vh->sock[i].used = true;
            return FD_FIRST + i;
        }
    }
    return -EMFILE;
}

static int err_of(int64_t tern)
{
    return tern < 0 ? -tern_errno((int)tern) : (int)tern;
}

int vh_socket(struct vhost *vh, int domain, int type, int protocol)
{
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (domain != AF_INET)
        return -EAFNOSUPPORT;
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    bool udp = kind == SOCK_DGRAM;
    if (protocol != 0 && protocol != (udp ? IPPROTO_UDP : IPPROTO_TCP))
        return -EPROTONOSUPPORT;
    int fd = fd_new(vh);
    struct vsock *s = vh_sock(vh, fd);
    if (s) {
        s->udp = udp;
        s->nonblock = (type & SOCK_NONBLOCK) != 0;
    }
    return fd;
}

static int udp_open(struct vhost *vh, struct vsock *s)
{
    if (s->h.id)
        return 0;
    return err_of(tern_udp_open(vh->st, &s->local, 0, &s->h));
}

int vh_bind(struct vhost *vh, int fd, const struct tern_endpoint *at)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    if (s->bound || s->h.id)
        return -EINVAL;
    s->local = *at;
    int rc = s->udp ? udp_open(vh, s) : 0;
    s->bound = rc == 0;
    return rc;
}

int vh_listen(struct vhost *vh, int fd, int backlog)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    if (s->udp)
        return -EOPNOTSUPP;
    if (s->state == VS_LISTEN)
        return 0;
    if (s->state != VS_NEW)
        return -EINVAL;
    uint32_t n = backlog < 0 || backlog > 4096 ? 4096 : (uint32_t)backlog;
    int rc = tern_tcp_listen(vh->st, &s->local, n, 0, &s->h);
    if (rc < 0)
        return err_of(rc);
    rc = vkeys_apply(vh, s, s->h);
    if (rc < 0) {
        (void)tern_close(vh->st, s->h, vh->now);
        s->h.id = 0;
        return rc;
    }
    s->state = VS_LISTEN;
    vsock_apply(vh, s);
    vfast_keys(vh, s);
    vhost_pump(vh);
    return 0;
}

int vh_accept(struct vhost *vh, int fd, struct tern_endpoint *peer)
{
    struct vsock *s = vh_sock(vh, fd);
    struct tern_sock h;
    if (!s)
        return -EBADF;
    if (s->udp)
        return -EOPNOTSUPP;
    if (s->state != VS_LISTEN)
        return -EINVAL;
    int rc = tern_tcp_accept(vh->st, s->h, &h);
    if (rc < 0)
        return err_of(rc);
    int got = fd_new(vh);
    struct vsock *c = vh_sock(vh, got);
    if (!c) {
        (void)tern_tcp_abort(vh->st, h, vh->now);
        return got;
    }
    c->h = h;
    c->state = VS_OPEN;
    c->bound = true;
    c->reset_on_close = s->reset_on_close;
    c->linger_s = s->linger_s;
    memcpy(c->seen, s->seen, sizeof c->seen);
    c->nseen = s->nseen;
    vmsg_inherit(&c->msg, &s->msg);
    memset(peer, 0, sizeof *peer);
    (void)tern_peername(vh->st, h, peer);
    vhost_pump(vh);
    return got;
}

int vh_connect(struct vhost *vh, int fd, const struct tern_endpoint *to)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    if (s->udp) {
        int rc = udp_open(vh, s);
        return rc ? rc : err_of(tern_udp_connect(vh->st, s->h, to));
    }
    if (s->state == VS_OPEN || s->state == VS_LISTEN)
        return -EISCONN;
    if (s->state == VS_CONNECTING)
        return -EALREADY;
    if (s->state == VS_FAILED) {
        int rc = vh_connect_result(vh, fd);
        (void)tern_close(vh->st, s->h, vh->now);
        s->h.id = 0;
        s->state = VS_NEW;
        if (rc)
            return rc;
    }
    int fast = vfast_connect(vh, s, to);
    if (fast != -ENOPROTOOPT)
        return fast;
    int keys = vkeys_apply(vh, s, (struct tern_sock){0});
    if (keys < 0)
        return keys;
    int rc = tern_tcp_connect(vh->st, s->bound ? &s->local : NULL, to, &s->h, vh->now);
    if (rc < 0 && rc != TERN_EINPROGRESS)
        return err_of(rc);
    s->state = VS_CONNECTING;
    vsock_apply(vh, s);
    vhost_pump(vh);
    return s->state == VS_OPEN ? 0 : -EINPROGRESS;
}

int vh_connect_result(struct vhost *vh, int fd)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    if (s->state == VS_CONNECTING)
        return -EINPROGRESS;
    if (s->state == VS_FAILED) {
        int err = s->err;
        s->err = 0;
        return -err;
    }
    return 0;
}

int vh_disconnect(struct vhost *vh, int fd)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    if (s->h.id && (s->state == VS_LISTEN || s->udp))
        (void)tern_close(vh->st, s->h, vh->now);
    else if (s->h.id)
        (void)tern_tcp_abort(vh->st, s->h, vh->now);
    s->h.id = 0;
    s->state = VS_NEW;
    s->rd_shut = s->wr_shut = s->full = s->oob = s->deferred = false;
    s->err = 0;
    s->err_edge++;
    vhost_pump(vh);
    return 0;
}

/* ---- data ---- */

static int64_t udp_send(struct vhost *vh, struct vsock *s, const void *buf, size_t len,
                        const struct tern_endpoint *to)
{
    int rc = udp_open(vh, s);
    if (rc == 0)
        rc = err_of(tern_udp_sendto(vh->st, s->h, NULL, to, buf, len, vh->now));
    vhost_pump(vh);
    return rc < 0 ? rc : (int64_t)len;
}

/* What send and recv answer when there is no connection. */
static int not_open(struct vsock *s, bool sending)
{
    if (s->state == VS_CONNECTING || s->deferred)
        return -EAGAIN;
    if (s->state == VS_FAILED && s->err) {
        int err = s->err;
        s->err = 0;
        return -err;
    }
    return sending ? -EPIPE : -ENOTCONN;
}

/* What goes out meanwhile makes room. */
static int64_t send_all(struct vhost *vh, const struct vsock *s, const void *buf, size_t len,
                        uint32_t how)
{
    int64_t n = tern_tcp_send(vh->st, s->h, buf, len, how, vh->now);
    size_t done = n > 0 ? (size_t)n : 0;
    for (int64_t more = n; more > 0 && done < len;) {
        vhost_pump(vh);
        more = tern_tcp_send(vh->st, s->h, (const uint8_t *)buf + done, len - done, how, vh->now);
        done += more > 0 ? (size_t)more : 0;
    }
    return n > 0 ? (int64_t)done : n;
}

size_t vh_send_early(struct vhost *vh, int fd, const void *buf, size_t len)
{
    struct vsock *s = vh_sock(vh, fd);
    int64_t n = len ? tern_tcp_send(vh->st, s->h, buf, len, 0, vh->now) : 0;
    if (n <= 0)
        return 0;
    vmsg_wrote(s, (size_t)n, 0);
    return (size_t)n;
}

static int64_t fast_send(struct vhost *vh, struct vsock *s, const void *buf, size_t len, int flags,
                         const struct tern_endpoint *to)
{
    int64_t n = vfast_send(vh, s, buf, len, to);
    if (n > 0)
        vmsg_wrote(s, (size_t)n, flags);
    return n;
}

/* The same flags, the stack's. */
static uint32_t send_flags(int flags)
{
    return (flags & MSG_MORE ? TERN_SEND_MORE : 0u) | (flags & MSG_OOB ? TERN_SEND_OOB : 0u) |
           (flags & MSG_EOR ? TERN_SEND_EOR : 0u);
}

static int64_t conn_send(struct vhost *vh, struct vsock *s, const void *buf, size_t len, int flags)
{
    int64_t n = send_all(vh, s, buf, len, send_flags(flags));
    s->full = n == TERN_EAGAIN || (n >= 0 && (size_t)n < len);
    if (n < 0 && n != TERN_EAGAIN)
        s->err = 0;
    if (n > 0)
        vmsg_wrote(s, (size_t)n, flags);
    vhost_pump(vh);
    return n < 0 ? err_of(n) : n;
}

int64_t vh_send(struct vhost *vh, int fd, const void *buf, size_t len, int flags,
                const struct tern_endpoint *to)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    if (s->udp)
        return udp_send(vh, s, buf, len, to);
    if (((flags & MSG_FASTOPEN) && s->state != VS_OPEN && s->state != VS_FAILED) || s->deferred)
        return fast_send(vh, s, buf, len, flags, to);
    if (s->state != VS_OPEN)
        return not_open(s, true);
    if (s->wr_shut)
        return -EPIPE;
    return len ? conn_send(vh, s, buf, len, flags) : 0;
}

static int64_t recv_oob(struct vhost *vh, struct vsock *s, void *buf, size_t len)
{
    uint8_t octet;
    int rc = tern_tcp_recv_oob(vh->st, s->h, &octet);
    if (rc < 0)
        return err_of(rc);
    s->oob = false;
    if (len)
        memcpy(buf, &octet, 1);
    vhost_pump(vh);
    return len ? 1 : 0;
}

static int64_t recv_peek(struct vhost *vh, struct vsock *s, void *buf, size_t len)
{
    const uint8_t *p;
    size_t n = 0;
    int rc = tern_tcp_recv_data(vh->st, s->h, &p, &n);
    if (rc <= 0)
        return err_of(rc);
    n = n < len ? n : len;
    memcpy(buf, p, n);
    return (int64_t)n;
}

int64_t vh_recv(struct vhost *vh, int fd, void *buf, size_t len, int flags,
                struct tern_endpoint *from)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    if (s->udp) {
        int rc = udp_open(vh, s);
        int64_t n = rc ? rc : tern_udp_recvfrom(vh->st, s->h, buf, len, from, NULL);
        return n < 0 ? err_of(n) : (flags & MSG_TRUNC) || (size_t)n < len ? n : (int64_t)len;
    }
    if (s->state != VS_OPEN)
        return not_open(s, false);
    if (flags & MSG_OOB)
        return recv_oob(vh, s, buf, len);
    if (s->rd_shut) { /* what comes nevertheless can be read */
        int64_t left = 0;
        (void)tern_getopt(vh->st, s->h, TERN_OPT_RCVQ, &left);
        if (left == 0)
            return 0;
    }
    if (flags & MSG_PEEK)
        return recv_peek(vh, s, buf, len);
    int64_t n = tern_tcp_recv(vh->st, s->h, buf, len, vh->now);
    if (n < 0 && n != TERN_EAGAIN) {
        s->err = 0;
        s->rd_shut = s->wr_shut = true;
    }
    vhost_pump(vh);
    return n < 0 ? err_of(n) : n;
}

/* ---- ends ---- */

int vh_shutdown(struct vhost *vh, int fd, int how)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (s->udp || s->state != VS_OPEN)
        return -ENOTCONN;
    int rc = 0;
    if (how != SHUT_RD && !s->wr_shut) {
        rc = err_of(tern_tcp_shutdown(vh->st, s->h, vh->now));
        s->wr_shut = rc == 0;
    }
    if (how != SHUT_WR)
        s->rd_shut = true;
    vhost_pump(vh);
    return rc;
}

bool vh_lingers(const struct vhost *vh, const struct vsock *s, struct tern_time *until)
{
    int64_t unread = 0;
    if (!s || s->linger_s == 0 || s->state != VS_OPEN || !s->h.id)
        return false;
    (void)tern_getopt(vh->st, s->h, TERN_OPT_RCVQ, &unread);
    *until = (struct tern_time){vh->now.ns + s->linger_s * INT64_C(1000000000)};
    return unread == 0; /* else it is a RST, at once */
}

int vh_close(struct vhost *vh, int fd)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return vepoll_close(vh, fd);
    if (s->h.id && s->reset_on_close && s->state == VS_OPEN)
        (void)tern_tcp_abort(vh->st, s->h, vh->now);
    else if (s->h.id)
        (void)tern_close(vh->st, s->h, vh->now);
    vmsg_free(&s->msg);
    memset(s, 0, sizeof *s);
    vhost_pump(vh);
    return 0;
}

int vh_fcntl(struct vhost *vh, int fd, int cmd, int arg)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    switch (cmd) {
    case F_GETFL:
        return O_RDWR | (s->nonblock ? O_NONBLOCK : 0);
    case F_SETFL:
        s->nonblock = (arg & O_NONBLOCK) != 0;
        return 0;
    case F_GETFD:
    case F_SETFD:
        return 0;
    default:
        return -EINVAL;
    }
}

int vh_ioctl(struct vhost *vh, int fd, unsigned long req, int *value)
{
    struct vsock *s = vh_sock(vh, fd);
    int64_t v = 0;
    if (!s)
        return -EBADF;
    if (req == FIONBIO) {
        s->nonblock = *value != 0;
        return 0;
    }
    if (s->state == VS_LISTEN)
        return -EINVAL;
    if (req == SIOCINQ || req == SIOCOUTQ) {
        if (s->h.id)
            (void)tern_getopt(vh->st, s->h, req == SIOCINQ ? TERN_OPT_RCVQ : TERN_OPT_SNDQ, &v);
    } else {
        return -ENOTTY;
    }
    *value = (int)v;
    return 0;
}

/* ---- readiness ---- */

/* The peer will send no more. */
static bool has_fin(unsigned state)
{
    return state == TERN_TCP_CLOSE_WAIT || state == TERN_TCP_LAST_ACK ||
           state == TERN_TCP_CLOSING || state == TERN_TCP_TIME_WAIT || state == TERN_TCP_CLOSED;
}

static short poll_conn(struct vhost *vh, struct vsock *s)
{
    struct tern_info in = {.state = TERN_TCP_CLOSED};
    int64_t rcvq = 0;
    short r = 0;
    (void)tern_inspect(vh->st, s->h, &in, vh->now);
    (void)tern_getopt(vh->st, s->h, TERN_OPT_RCVQ, &rcvq);
    bool end = has_fin(in.state) || s->rd_shut;
    if (rcvq > 0 || end)
        r |= POLLIN;
    if (end)
        r |= POLLRDHUP;
    if (!s->full)
        r |= POLLOUT;
    if (s->oob)
        r |= POLLPRI;
    if (s->msg.nerr)
        r |= POLLERR;
    if (in.state == TERN_TCP_CLOSED || (s->wr_shut && end))
        r |= POLLHUP;
    return r;
}

static short poll_one(struct vhost *vh, struct vsock *s)
{
    int64_t rcvq = 0;
    short r = 0;
    if (s->udp) {
        if (s->h.id && tern_getopt(vh->st, s->h, TERN_OPT_RCVQ, &rcvq) == 0 && rcvq > 0)
            r |= POLLIN;
        return (short)(r | POLLOUT);
    }
    if (s->deferred)
        return POLLOUT;
    if (s->state == VS_LISTEN) {
        struct tern_info in;
        return tern_inspect(vh->st, s->h, &in, vh->now) && in.rcvq > 0 ? POLLIN : 0;
    }
    if (s->state == VS_OPEN)
        r = poll_conn(vh, s);
    else if (s->state != VS_CONNECTING)
        r = POLLOUT | POLLHUP;
    if (s->err)
        r |= POLLERR | POLLHUP | POLLIN | POLLOUT | POLLRDHUP;
    return r;
}

int vh_poll(struct vhost *vh, struct pollfd *fds, unsigned n)
{
    int ready = 0;
    for (unsigned i = 0; i < n; i++) {
        struct vsock *s = vh_sock(vh, fds[i].fd);
        short want = (short)(fds[i].events | POLLERR | POLLHUP | POLLNVAL);
        fds[i].revents = (short)(s ? poll_one(vh, s) & want : POLLNVAL);
        ready += fds[i].revents != 0;
    }
    return ready;
}
