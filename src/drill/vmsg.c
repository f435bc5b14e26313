/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/vmsg.c: zerocopy completions, transmit timestamps, TCP_INQ. */
#include "drill/vmsg.h"

#include "drill/vhost.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <tern/socket.h>
#include <time.h>

#define MSG_ZEROCOPY_ 0x4000000
#define SO_ZEROCOPY_  60
#define TCP_INQ_      36 /* the control message has the same number */

#define STAMPS_TX                                                                                  \
    (SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK)

void vmsg_inherit(struct vmsg *to, const struct vmsg *from)
{
    memset(to, 0, sizeof *to);
    to->zerocopy = from->zerocopy;
    to->inq = from->inq;
    to->stamping = from->stamping;
}

void vmsg_free(struct vmsg *m)
{
    free(m->mark);
    free(m->err);
    memset(m, 0, sizeof *m);
}

/* Room for one more behind n of them. */
static void *grown(void *p, size_t n, size_t size)
{
    if (n & (n - 1))
        return p; /* between powers of two there is room */
    p = reallocarray(p, n ? 2 * n : 1, size);
    if (!p)
        abort();
    return p;
}

void vmsg_wrote(struct vsock *s, size_t n, int flags)
{
    struct vmsg *m = &s->msg;
    bool zerocopy = m->zerocopy && (flags & MSG_ZEROCOPY_);
    bool stamp = (m->stamping & STAMPS_TX) != 0;
    m->written += n;
    if (!zerocopy && !stamp)
        return;
    m->mark = grown(m->mark, m->nmark, sizeof *m->mark);
    struct vmark *k = &m->mark[m->nmark++];
    *k = (struct vmark){.end = m->written, .stamp = stamp, .zerocopy = zerocopy};
    if (zerocopy)
        k->id = m->next_id++;
}

static struct verrq *err_new(struct vsock *s)
{
    struct vmsg *m = &s->msg;
    m->err = grown(m->err, m->nerr, sizeof *m->err);
    s->err_edge++;
    return &m->err[m->nerr++];
}

static void tell_stamp(const struct vhost *vh, struct vsock *s, const struct vmark *k,
                       uint32_t which)
{
    static const uint32_t asked[] = {[SCM_TSTAMP_SND] = SOF_TIMESTAMPING_TX_SOFTWARE,
                                     [SCM_TSTAMP_SCHED] = SOF_TIMESTAMPING_TX_SCHED,
                                     [SCM_TSTAMP_ACK] = SOF_TIMESTAMPING_TX_ACK};
    if (!k->stamp || !(s->msg.stamping & asked[which]))
        return;
    *err_new(s) = (struct verrq){.origin = SO_EE_ORIGIN_TIMESTAMPING,
                                 .wall_ns = vh->now.ns + vh->wall_off_ns,
                                 .info = which,
                                 .data = (uint32_t)(k->end - 1 - s->msg.key_base)};
}

/* Completions in a row are one message as long as nobody reads it. */
static void tell_zerocopy(struct vsock *s, uint32_t id)
{
    struct vmsg *m = &s->msg;
    struct verrq *last = m->nerr ? &m->err[m->nerr - 1] : NULL;
    if (last && last->origin == SO_EE_ORIGIN_ZEROCOPY && last->data + 1 == id) {
        last->data = id;
        s->err_edge++;
        return;
    }
    *err_new(s) = (struct verrq){.origin = SO_EE_ORIGIN_ZEROCOPY,
                                 .code = SO_EE_CODE_ZEROCOPY_COPIED,
                                 .info = id,
                                 .data = id};
}

static void sock_pump(struct vhost *vh, struct vsock *s)
{
    struct vmsg *m = &s->msg;
    struct tern_info in = {.state = 0};
    int64_t queued = 0;
    size_t kept = 0;
    bool there = s->h.id && tern_getopt(vh->st, s->h, TERN_OPT_SNDQ, &queued) == 0 &&
                 tern_inspect(vh->st, s->h, &in, vh->now);
    uint64_t acked = there ? m->written - (uint64_t)queued : m->written;
    uint64_t sent = there ? acked + (in.snd_nxt - in.snd_una) : m->written;
    for (size_t i = 0; i < m->nmark; i++) {
        struct vmark *k = &m->mark[i];
        if (!k->sent && sent >= k->end) {
            k->sent = true;
            tell_stamp(vh, s, k, SCM_TSTAMP_SCHED);
            tell_stamp(vh, s, k, SCM_TSTAMP_SND);
        }
        if (acked >= k->end) {
            tell_stamp(vh, s, k, SCM_TSTAMP_ACK);
            if (k->zerocopy)
                tell_zerocopy(s, k->id);
        } else {
            m->mark[kept++] = *k;
        }
    }
    m->nmark = kept;
}

void vmsg_pump(struct vhost *vh)
{
    for (unsigned i = 0; i < VHOST_SOCKS; i++) {
        if (vh->sock[i].used && vh->sock[i].msg.nmark)
            sock_pump(vh, &vh->sock[i]);
    }
}

/* ---- options ---- */

bool vmsg_setopt(struct vsock *s, int level, int name, int value, int *rc)
{
    *rc = 0;
    if (level == SOL_SOCKET && name == SO_ZEROCOPY_) {
        if (value < 0 || value > 1)
            *rc = -EINVAL;
        else
            s->msg.zerocopy = value;
        return true;
    }
    if (level == SOL_SOCKET && name == SO_TIMESTAMPING) {
        if ((uint32_t)value & ~(uint32_t)SOF_TIMESTAMPING_MASK)
            *rc = -EINVAL;
        else if (!(s->msg.stamping & SOF_TIMESTAMPING_OPT_ID))
            s->msg.key_base = s->msg.written;
        if (*rc == 0)
            s->msg.stamping = (uint32_t)value;
        return true;
    }
    if (level == IPPROTO_TCP && name == TCP_INQ_) {
        if (value < 0 || value > 1)
            *rc = -EINVAL;
        else
            s->msg.inq = value;
        return true;
    }
    return false;
}

bool vmsg_getopt(const struct vsock *s, int level, int name, int *value)
{
    if (level == SOL_SOCKET && name == SO_ZEROCOPY_)
        *value = s->msg.zerocopy;
    else if (level == SOL_SOCKET && name == SO_TIMESTAMPING)
        *value = (int)s->msg.stamping;
    else if (level == IPPROTO_TCP && name == TCP_INQ_)
        *value = s->msg.inq;
    else
        return false;
    return true;
}

/* ---- receiving ---- */

/* Puts one control message behind those that are there. */
static void put(struct msghdr *m, size_t *used, int level, int type, const void *data, size_t n)
{
    if (!m->msg_control || m->msg_controllen < *used + CMSG_SPACE(n)) {
        m->msg_flags |= MSG_CTRUNC;
        return;
    }
    struct cmsghdr h = {.cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type};
    uint8_t *at = (uint8_t *)m->msg_control + *used;
    memset(at, 0, CMSG_SPACE(n));
    memcpy(at, &h, sizeof h);
    memcpy(at + CMSG_LEN(0), data, n);
    *used += CMSG_SPACE(n);
}

int64_t vh_recv_error(struct vhost *vh, int fd, struct msghdr *m)
{
    struct vsock *s = vh_sock(vh, fd);
    size_t used = 0;
    if (!s)
        return -EBADF;
    if (s->msg.nerr == 0)
        return -EAGAIN;
    struct verrq e = s->msg.err[0];
    memmove(s->msg.err, s->msg.err + 1, --s->msg.nerr * sizeof e);
    bool stamp = e.origin == SO_EE_ORIGIN_TIMESTAMPING;
    struct {
        struct sock_extended_err ee;
        struct sockaddr_in from;
    } err = {.ee = {.ee_errno = stamp ? ENOMSG : 0,
                    .ee_origin = e.origin,
                    .ee_code = e.code,
                    .ee_info = e.info,
                    .ee_data = e.data}};
    m->msg_flags = MSG_ERRQUEUE;
    if (stamp) {
        struct timespec ts[3] = {
            {.tv_sec = e.wall_ns / 1000000000, .tv_nsec = e.wall_ns % 1000000000}};
        put(m, &used, SOL_SOCKET, SO_TIMESTAMPING, ts, sizeof ts);
        if (!(s->msg.stamping & SOF_TIMESTAMPING_OPT_TSONLY))
            m->msg_flags |= MSG_TRUNC; /* the packet would come with it, and is not kept */
    }
    put(m, &used, IPPROTO_IP, IP_RECVERR, &err, sizeof err);
    m->msg_controllen = used;
    return 0;
}

void vh_recv_control(struct vhost *vh, int fd, struct msghdr *m)
{
    const struct vsock *s = vh_sock(vh, fd);
    size_t used = 0;
    m->msg_flags = 0;
    if (s && s->msg.inq) {
        int64_t queued = 0;
        struct pollfd p = {.fd = fd, .events = POLLRDHUP};
        (void)tern_getopt(vh->st, s->h, TERN_OPT_RCVQ, &queued);
        int n = (int)queued;
        if (n == 0 && vh_poll(vh, &p, 1) > 0)
            n = 1; /* the end of the stream counts as one: there is something to be read */
        put(m, &used, IPPROTO_TCP, TCP_INQ_, &n, sizeof n);
    }
    m->msg_controllen = used;
}
