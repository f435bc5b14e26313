/* SPDX-License-Identifier: BSD-2-Clause */
/* pdso/calls.c: the socket calls of the table, on the virtual host. */
#include "pdso/iface.h"
#include "pdso/pdso.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MSG_FASTOPEN_ 0x20000000

static struct pd *enter(void *u)
{
    struct pd *pd = u;
    pthread_mutex_lock(&pd->lock);
    (void)pd_configure(pd);
    return pd;
}

/* The same for calls that begin something: a script may have set sysctls since the last one. */
static struct pd *enter_anew(void *u)
{
    struct pd *pd = enter(u);
    pd_configure_again(pd);
    return pd;
}

/* The end of a call: whatever it did may end another that waits. */
static int64_t leave(struct pd *pd, int64_t ret)
{
    pd_retry(pd);
    pthread_mutex_unlock(&pd->lock);
    return pd_result(ret);
}

/* ---- addresses ---- */

static int addr_in(const struct sockaddr *sa, socklen_t len, struct tern_endpoint *ep)
{
    struct sockaddr_in in;
    if (len < sizeof in)
        return -EINVAL;
    memcpy(&in, sa, sizeof in);
    if (in.sin_family != AF_INET)
        return -EAFNOSUPPORT;
    memset(ep, 0, sizeof *ep);
    if (in.sin_addr.s_addr) {
        ep->addr.fam = TERN_AF_IP4;
        memcpy(ep->addr.b, &in.sin_addr, 4);
    }
    ep->port = ntohs(in.sin_port);
    return 0;
}

static void addr_out(const struct tern_endpoint *ep, struct sockaddr *sa, socklen_t *len)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(ep->port)};
    if (!sa || !len)
        return;
    memcpy(&in.sin_addr, ep->addr.b, 4);
    memcpy(sa, &in, *len < sizeof in ? *len : sizeof in);
    *len = sizeof in;
}

static bool unspec(const struct sockaddr *sa, socklen_t len)
{
    return sa && len >= sizeof sa->sa_family && sa->sa_family == AF_UNSPEC;
}

/* ---- opening ---- */

static int c_socket(void *u, int domain, int type, int protocol)
{
    struct pd *pd = enter_anew(u);
    return (int)leave(pd, pd_fd_new(pd, vh_socket(&pd->vh, domain, type, protocol)));
}

static int c_bind(void *u, int fd, const struct sockaddr *at, socklen_t len)
{
    struct pd *pd = enter(u);
    struct tern_endpoint ep;
    int rc = addr_in(at, len, &ep);
    return (int)leave(pd, rc ? rc : vh_bind(&pd->vh, pd_fd(pd, fd), &ep));
}

static int c_listen(void *u, int fd, int backlog)
{
    struct pd *pd = enter_anew(u);
    return (int)leave(pd, vh_listen(&pd->vh, pd_fd(pd, fd), backlog));
}

static int c_accept(void *u, int fd, struct sockaddr *peer, socklen_t *len)
{
    struct pd *pd = enter(u);
    struct vcall vc = {.op = VOP_ACCEPT, .fd = pd_fd(pd, fd)};
    int64_t ret = pd_fd_new(pd, (int)pd_wait_call(pd, &vc));
    if (ret >= 0)
        addr_out(&vc.addr, peer, len);
    return (int)leave(pd, ret);
}

static int c_connect(void *u, int fd, const struct sockaddr *to, socklen_t len)
{
    struct pd *pd = enter_anew(u);
    struct vcall vc = {.op = VOP_CONNECT, .fd = pd_fd(pd, fd), .has_addr = true};
    if (unspec(to, len))
        return (int)leave(pd, vh_disconnect(&pd->vh, vc.fd));
    int64_t ret = addr_in(to, len, &vc.addr);
    return (int)leave(pd, ret ? ret : pd_wait_call(pd, &vc));
}

/* ---- data ---- */

/* Whether the n octets at p can be read, and written too; asked of the kernel, which does not
 * crash. */
static bool memory(const void *p, size_t n, bool writable)
{
    uint8_t octet;
    for (size_t i = 0; n && i < 2; i++) {
        const uint8_t *at = (const uint8_t *)p + (i ? n - 1 : 0);
        struct iovec here = {&octet, 1}, there;
        memcpy(&there.iov_base, &at, sizeof at);
        there.iov_len = 1;
        if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != 1 ||
            (writable && process_vm_writev(getpid(), &here, 1, &there, 1, 0) != 1))
            return false;
    }
    return true;
}

static ssize_t receive(struct pd *pd, int fd, void *buf, size_t n, int flags, struct sockaddr *from,
                       socklen_t *len)
{
    struct vcall vc = {.op = VOP_RECV, .fd = pd_fd(pd, fd), .in = buf, .len = n, .flags = flags};
    if (!memory(buf, n, true))
        return -EFAULT;
    int64_t ret = pd_wait_call(pd, &vc);
    const struct vsock *s = vh_sock(&pd->vh, vc.fd);
    if (ret >= 0 && s && s->udp)
        addr_out(&vc.addr, from, len);
    else if (len)
        *len = 0;
    return ret;
}

static ssize_t c_recvfrom(void *u, int fd, void *buf, size_t n, int flags, struct sockaddr *from,
                          socklen_t *len)
{
    struct pd *pd = enter(u);
    return leave(pd, receive(pd, fd, buf, n, flags, from, len));
}

static ssize_t c_recv(void *u, int fd, void *buf, size_t n, int flags)
{
    return c_recvfrom(u, fd, buf, n, flags, NULL, NULL);
}

static ssize_t c_read(void *u, int fd, void *buf, size_t n)
{
    return c_recvfrom(u, fd, buf, n, 0, NULL, NULL);
}

static ssize_t c_sendto(void *u, int fd, const void *buf, size_t n, int flags,
                        const struct sockaddr *to, socklen_t len)
{
    struct pd *pd = flags & MSG_FASTOPEN_ ? enter_anew(u) : enter(u);
    struct vcall vc = {.op = VOP_SEND, .fd = pd_fd(pd, fd), .out = buf, .len = n, .flags = flags};
    int64_t rc = 0;
    if (!memory(buf, n, false)) {
        rc = -EFAULT;
    } else if (unspec(to, len)) {
        rc = flags & MSG_FASTOPEN_ ? -EOPNOTSUPP : -EAFNOSUPPORT;
    } else if (to && len) {
        rc = addr_in(to, len, &vc.addr);
        vc.has_addr = true;
    }
    return leave(pd, rc ? rc : pd_wait_call(pd, &vc));
}

static ssize_t c_send(void *u, int fd, const void *buf, size_t n, int flags)
{
    return c_sendto(u, fd, buf, n, flags, NULL, 0);
}

static ssize_t c_write(void *u, int fd, const void *buf, size_t n)
{
    return c_sendto(u, fd, buf, n, 0, NULL, 0);
}

/* ---- many pieces ---- */

static size_t iov_len(const struct iovec *v, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i].iov_len;
    return sum;
}

static uint8_t *iov_room(size_t len)
{
    uint8_t *p = malloc(len + 1);
    if (!p)
        abort();
    return p;
}

static void iov_scatter(const struct iovec *v, size_t n, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < n && len; i++) {
        size_t k = v[i].iov_len < len ? v[i].iov_len : len;
        memcpy(v[i].iov_base, from, k);
        from += k;
        len -= k;
    }
}

static ssize_t c_readv(void *u, int fd, const struct iovec *v, int n)
{
    size_t len = iov_len(v, (size_t)n);
    uint8_t *buf = iov_room(len);
    ssize_t got = c_recvfrom(u, fd, buf, len, 0, NULL, NULL);
    if (got > 0)
        iov_scatter(v, (size_t)n, buf, (size_t)got);
    free(buf);
    return got;
}

static ssize_t c_recvmsg(void *u, int fd, struct msghdr *m, int flags)
{
    struct pd *pd = enter(u);
    if (flags & MSG_ERRQUEUE)
        return leave(pd, vh_recv_error(&pd->vh, pd_fd(pd, fd), m));
    size_t len = iov_len(m->msg_iov, m->msg_iovlen);
    uint8_t *buf = iov_room(len);
    ssize_t got = receive(pd, fd, buf, len, flags, m->msg_name, &m->msg_namelen);
    if (got >= 0) {
        iov_scatter(m->msg_iov, m->msg_iovlen, buf, (size_t)got < len ? (size_t)got : len);
        vh_recv_control(&pd->vh, pd_fd(pd, fd), m);
    }
    free(buf);
    return leave(pd, got);
}

static ssize_t gather(void *u, int fd, const struct iovec *v, size_t n, int flags,
                      const struct sockaddr *to, socklen_t tolen)
{
    size_t len = iov_len(v, n), at = 0;
    uint8_t *buf = iov_room(len);
    for (size_t i = 0; i < n; i++) {
        memcpy(buf + at, v[i].iov_base, v[i].iov_len);
        at += v[i].iov_len;
    }
    ssize_t put = c_sendto(u, fd, buf, len, flags, to, tolen);
    free(buf);
    return put;
}

static ssize_t c_writev(void *u, int fd, const struct iovec *v, int n)
{
    return gather(u, fd, v, (size_t)n, 0, NULL, 0);
}

static ssize_t c_sendmsg(void *u, int fd, const struct msghdr *m, int flags)
{
    return gather(u, fd, m->msg_iov, m->msg_iovlen, flags, m->msg_name, m->msg_namelen);
}

/* packetdrill's type has no const. NOLINTNEXTLINE(readability-non-const-parameter) */
static int c_splice(void *u, int in, loff_t *in_off, int out, loff_t *out_off, size_t n,
                    unsigned flags)
{
    struct pd *pd = enter(u);
    struct vcall vc = {.op = VOP_SPLICE, .fd = pd_fd(pd, in), .to = pd_fd(pd, out), .len = n};
    if (flags & 2 /* SPLICE_F_NONBLOCK */)
        vc.flags = MSG_DONTWAIT;
    /* packetdrill passes the address of the number that it would cast to a pointer */
    if ((in_off && *in_off) || (out_off && *out_off))
        return (int)leave(pd, -ESPIPE);
    return (int)leave(pd, pd_wait_call(pd, &vc));
}

static int c_pipe(void *u, int fd[2])
{
    struct pd *pd = enter(u);
    int live[2];
    int rc = vh_pipe(&pd->vh, live);
    if (rc == 0) {
        fd[0] = pd_fd_new(pd, live[0]);
        fd[1] = pd_fd_new(pd, live[1]);
        rc = fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : 0;
    }
    return (int)leave(pd, rc);
}

/* ---- ends and options ---- */

static int c_shutdown(void *u, int fd, int how)
{
    struct pd *pd = enter(u);
    return (int)leave(pd, vh_shutdown(&pd->vh, pd_fd(pd, fd), how));
}

static int c_close(void *u, int fd)
{
    struct pd *pd = enter(u);
    int rc = vh_close(&pd->vh, pd_fd(pd, fd));
    pd_fd_free(pd, fd);
    return (int)leave(pd, rc);
}

static int c_fcntl(void *u, int fd, int cmd, ...)
{
    struct pd *pd = enter(u);
    int arg = 0;
    va_list ap;
    va_start(ap, cmd);
    if (cmd == F_SETFL || cmd == F_SETFD)
        arg = va_arg(ap, int);
    va_end(ap);
    return (int)leave(pd, vh_fcntl(&pd->vh, pd_fd(pd, fd), cmd, arg));
}

static int c_ioctl(void *u, int fd, unsigned long cmd, ...)
{
    struct pd *pd = enter(u);
    va_list ap;
    va_start(ap, cmd);
    int *value = va_arg(ap, int *);
    va_end(ap);
    return (int)leave(pd, vh_ioctl(&pd->vh, pd_fd(pd, fd), cmd, value));
}

static int c_getsockopt(void *u, int fd, int level, int name, void *value, socklen_t *len)
{
    struct pd *pd = enter(u);
    size_t n = *len;
    int rc = vh_getsockopt(&pd->vh, pd_fd(pd, fd), level, name, value, &n);
    *len = (socklen_t)n;
    return (int)leave(pd, rc);
}

static int c_setsockopt(void *u, int fd, int level, int name, const void *value, socklen_t len)
{
    struct pd *pd = enter_anew(u);
    return (int)leave(pd, vh_setsockopt(&pd->vh, pd_fd(pd, fd), level, name, value, len));
}

/* ---- readiness ---- */

static struct tern_time deadline(const struct pd *pd, int timeout_ms)
{
    return timeout_ms < 0 ? TERN_NEVER
                          : (struct tern_time){pd->vh.now.ns + (int64_t)timeout_ms * 1000000};
}

static int c_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms)
{
    struct pd *pd = enter(u);
    struct pollfd own[64];
    struct vcall vc = {.op = VOP_POLL, .fds = own, .nfds = (unsigned)n};
    if (n > sizeof own / sizeof *own)
        return (int)leave(pd, -EINVAL);
    for (nfds_t i = 0; i < n; i++) {
        own[i] = fds[i];
        own[i].fd = pd_fd(pd, fds[i].fd);
    }
    vc.until = deadline(pd, timeout_ms);
    int64_t ret = pd_wait_call(pd, &vc);
    for (nfds_t i = 0; i < n; i++)
        fds[i].revents = own[i].revents;
    return (int)leave(pd, ret);
}

static int c_epoll_create(void *u, int size)
{
    struct pd *pd = enter(u);
    return (int)leave(pd, pd_fd_new(pd, vh_epoll_create(&pd->vh, size)));
}

static int c_epoll_ctl(void *u, int ep, int op, int fd, struct epoll_event *ev)
{
    struct pd *pd = enter(u);
    return (int)leave(pd, vh_epoll_ctl(&pd->vh, pd_fd(pd, ep), op, pd_fd(pd, fd), ev));
}

static int c_epoll_wait(void *u, int ep, struct epoll_event *ev, int most, int timeout_ms)
{
    struct pd *pd = enter(u);
    struct vcall vc = {.op = VOP_EPOLL, .fd = pd_fd(pd, ep), .events = ev, .nfds = (unsigned)most};
    vc.until = deadline(pd, timeout_ms);
    return (int)leave(pd, pd_wait_call(pd, &vc));
}

void pd_fill_calls(struct packetdrill_interface *ifc)
{
    *ifc = (struct packetdrill_interface){
        .socket = c_socket,
        .bind = c_bind,
        .listen = c_listen,
        .accept = c_accept,
        .connect = c_connect,
        .read = c_read,
        .readv = c_readv,
        .recv = c_recv,
        .recvfrom = c_recvfrom,
        .recvmsg = c_recvmsg,
        .write = c_write,
        .writev = c_writev,
        .send = c_send,
        .sendto = c_sendto,
        .sendmsg = c_sendmsg,
        .fcntl = c_fcntl,
        .ioctl = c_ioctl,
        .close = c_close,
        .shutdown = c_shutdown,
        .getsockopt = c_getsockopt,
        .setsockopt = c_setsockopt,
        .poll = c_poll,
        .epoll_create = c_epoll_create,
        .epoll_ctl = c_epoll_ctl,
        .epoll_wait = c_epoll_wait,
        .pipe = c_pipe,
        .splice = c_splice,
    };
}
