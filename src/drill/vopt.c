/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/vopt.c: socket options of a virtual host, in Linux's numbers and units. What is set before
 * there is a connection is kept and told to it when it is made; nothing is taken and ignored but
 * what holds here by itself (SO_REUSEADDR and its like: the "none" rows).
 */
#include "drill/vfast.h"
#include "drill/vkeys.h"

#include "port/aoopt.h"
#include "port/tcpinfo.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <tern/loop.h>
#include <tern/socket.h>

struct vopt {
    int level, name;
    int opt; /* enum tern_opt; 0 = none */
    int32_t scale, lo, hi, first;
    bool flag;
};

static const struct vopt vopts[] = {
    {IPPROTO_TCP, TCP_NODELAY, TERN_OPT_NODELAY, 1, 0, 1, 0, true},
    {IPPROTO_TCP, TCP_CORK, TERN_OPT_CORK, 1, 0, 1, 0, true},
    {IPPROTO_TCP, TCP_KEEPIDLE, TERN_OPT_KEEPIDLE_MS, 1000, 1, 32767, 7200, false},
    {IPPROTO_TCP, TCP_KEEPINTVL, TERN_OPT_KEEPINTVL_MS, 1000, 1, 32767, 75, false},
    {IPPROTO_TCP, TCP_KEEPCNT, TERN_OPT_KEEPCNT, 1, 1, 127, 9, false},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, TERN_OPT_USER_TIMEOUT_MS, 1, 0, INT32_MAX, 0, false},
    {IPPROTO_TCP, TCP_QUICKACK, TERN_OPT_QUICKACK, 1, 0, 1, 1, true},
    {IPPROTO_TCP, TCP_MAXSEG, TERN_OPT_MAXSEG, 1, 88, 32767, 536, false},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, TERN_OPT_NOTSENT_LOWAT, 1, INT32_MIN, INT32_MAX, 0, false},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, TERN_OPT_DEFER_ACCEPT_MS, 1000, 0, 255, 0, false},
    {IPPROTO_TCP, TCP_SYNCNT, TERN_OPT_SYN_COUNT, 1, 1, 127, 0, false},
    {IPPROTO_TCP, TCP_LINGER2, TERN_OPT_LINGER2_MS, 1000, INT32_MIN, 120, 60, false},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, TERN_OPT_WINDOW_CLAMP, 1, 0, INT32_MAX, 0, false},
    {SOL_SOCKET, SO_RCVLOWAT, TERN_OPT_RCVLOWAT, 1, 1, INT32_MAX, 1, false},
    {IPPROTO_TCP, TCP_FASTOPEN, TERN_OPT_FASTOPEN, 1, 0, INT32_MAX, 0, false},
    {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, TERN_OPT_FASTOPEN_NO_COOKIE, 1, 0, 1, 0, true},
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0, 1, 0, 1, 0, true}, /* vfast.c reads it */
    {SOL_SOCKET, SO_KEEPALIVE, TERN_OPT_KEEPALIVE, 1, 0, 1, 0, true},
    {SOL_SOCKET, SO_OOBINLINE, TERN_OPT_OOBINLINE, 1, 0, 1, 0, true},
    {SOL_SOCKET, SO_SNDBUF, TERN_OPT_SNDBUF, 2, 2304, 1 << 29, 16384, false},
    {SOL_SOCKET, SO_RCVBUF, TERN_OPT_RCVBUF, 2, 1152, 1 << 28, 131072, false},
    {SOL_SOCKET, SO_BROADCAST, TERN_OPT_BROADCAST, 1, 0, 1, 0, true},
    {IPPROTO_IP, 2 /* IP_TTL */, TERN_OPT_TTL, 1, 1, 255, 64, false},
    {IPPROTO_IP, 1 /* IP_TOS */, TERN_OPT_TOS, 1, 0, 255, 0, false},
    /* a listener may always be made where only old connections are */
    {SOL_SOCKET, SO_REUSEADDR, 0, 1, 0, 1, 0, true},
    /* what belongs to the host around a stack, and is given back as it was set */
    {SOL_SOCKET, SO_MARK, 0, 1, INT32_MIN, INT32_MAX, 0, false},
    {SOL_SOCKET, SO_PRIORITY, 0, 1, 0, INT32_MAX, 0, false},
    {IPPROTO_IP, 15 /* IP_FREEBIND */, 0, 1, 0, 1, 0, true},
    {IPPROTO_IP, 10 /* IP_MTU_DISCOVER */, TERN_OPT_MAY_FRAGMENT, 1, 0, 5, 1, false},
};
#define VOPTS (sizeof vopts / sizeof *vopts)

static const struct vopt *vopt_find(int level, int name)
{
    for (unsigned i = 0; i < VOPTS; i++) {
        if (vopts[i].level == level && vopts[i].name == name)
            return &vopts[i];
    }
    return NULL;
}

static int tell(struct vhost *vh, struct vsock *s, int opt, int64_t value)
{
    int rc = tern_setopt(vh->st, s->h, (enum tern_opt)opt, value, vh->now);
    return rc < 0 ? -tern_errno(rc) : 0;
}

void vsock_apply(struct vhost *vh, struct vsock *s)
{
    for (unsigned i = 0; i < s->nopt; i++)
        (void)tell(vh, s, s->opt[i].opt, s->opt[i].value);
}

static void remember(struct vsock *s, const struct vopt *o, int value)
{
    unsigned i = 0;
    while (i < s->nseen && (s->seen[i].level != o->level || s->seen[i].name != o->name))
        i++;
    if (i == VHOST_OPTS)
        return;
    s->seen[i].level = o->level;
    s->seen[i].name = o->name;
    s->seen[i].value = value;
    s->nseen = (uint8_t)(i == s->nseen ? i + 1 : s->nseen);
}

static void keep(struct vsock *s, int opt, int64_t value)
{
    unsigned i = 0;
    while (i < s->nopt && s->opt[i].opt != opt)
        i++;
    if (i == VHOST_OPTS)
        return;
    s->opt[i].opt = (uint8_t)opt;
    s->opt[i].value = value;
    s->nopt = (uint8_t)(i == s->nopt ? i + 1 : s->nopt);
}

static int set_linger(struct vsock *s, const void *value, size_t len)
{
    struct linger l;
    if (len < sizeof l)
        return -EINVAL;
    memcpy(&l, value, sizeof l);
    s->reset_on_close = l.l_onoff && l.l_linger == 0;
    s->linger_s = l.l_onoff && l.l_linger > 0 ? l.l_linger : 0;
    return 0;
}

/* The value as the option takes it. 0 or -EINVAL. */
static int value_of(const struct vopt *o, const void *value, size_t len, int32_t *v)
{
    if (len < sizeof *v && (o->level != IPPROTO_IP || len == 0))
        return -EINVAL;
    *v = *(const uint8_t *)value; /* IP takes an octet too */
    if (len >= sizeof *v)
        memcpy(v, value, sizeof *v);
    if (o->flag)
        *v = *v != 0;
    else if (o->level == SOL_SOCKET) /* buffer sizes are bounded, not refused */
        *v = *v < o->lo ? o->lo : *v > o->hi ? o->hi : *v;
    return *v < o->lo || *v > o->hi ? -EINVAL : 0;
}

/* In the stack's unit; below 0 is "none" where it is allowed. */
static int64_t core_value(const struct vopt *o, int32_t v)
{
    if (o->opt == TERN_OPT_MAY_FRAGMENT)
        return v == 0 || v >= 4; /* IP_PMTUDISC_DONT, _INTERFACE, _OMIT; the others set DF */
    return v < 0 ? -1 : (int64_t)v * o->scale;
}

/* Those that vmsg.c has. */
static int set_msg(struct vsock *s, int level, int name, const void *value, size_t len)
{
    int32_t v;
    int rc;
    if (len < sizeof v)
        return -EINVAL;
    memcpy(&v, value, sizeof v);
    return vmsg_setopt(s, level, name, v, &rc) ? rc : -ENOPROTOOPT;
}

/* Tells the handle, if there is one, and remembers it for one that will be. 0 or -errno. */
static int put(struct vhost *vh, struct vsock *s, int opt, int64_t value)
{
    int rc = s->h.id ? tell(vh, s, opt, value) : 0;
    if (rc == 0)
        keep(s, opt, value);
    return rc;
}

static int set_known(struct vhost *vh, struct vsock *s, const struct vopt *o, const void *value,
                     size_t len)
{
    int32_t v = 0;
    int rc = value_of(o, value, len, &v);
    if (rc == 0 && o->opt)
        rc = put(vh, s, o->opt, core_value(o, v));
    if (rc == 0 && o->opt == TERN_OPT_MAY_FRAGMENT) /* _WANT and _DO heed what is known */
        rc = put(vh, s, TERN_OPT_IGNORE_PMTU, v == 0 || v >= 3);
    if (rc)
        return rc;
    remember(s, o, v);
    vhost_pump(vh);
    return 0;
}

int vh_setsockopt(struct vhost *vh, int fd, int level, int name, const void *value, size_t len)
{
    struct vsock *s = vh_sock(vh, fd);
    if (!s)
        return -EBADF;
    if (level == SOL_SOCKET && name == SO_LINGER)
        return set_linger(s, value, len);
    if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY)
        return vfast_set_key(vh, s, value, len);
    const struct vopt *o = vopt_find(level, name);
    int rc =
        !o && level == IPPROTO_TCP && !s->udp ? vkeys_set(vh, s, name, value, len) : -ENOPROTOOPT;
    if (rc != -ENOPROTOOPT)
        return rc;
    if (!o)
        return set_msg(s, level, name, value, len);
    if (name == TCP_FASTOPEN_CONNECT && level == IPPROTO_TCP && !(vh->cfg.tern.fastopen & 1))
        return -EOPNOTSUPP;
    return set_known(vh, s, o, value, len);
}

/* ---- get ---- */

static int get_int(int v, void *value, size_t *len)
{
    size_t n = *len < sizeof v ? *len : sizeof v;
    memcpy(value, &v, n);
    *len = n;
    return 0;
}

static int get_error(struct vhost *vh, struct vsock *s)
{
    int64_t v = 0;
    int err = s->err;
    s->err = 0;
    if (s->h.id && tern_getopt(vh->st, s->h, TERN_OPT_ERROR, &v) == 0 && v)
        err = tern_errno((int)-v);
    return err;
}

static int get_socket(struct vhost *vh, struct vsock *s, int name, int *v)
{
    switch (name) {
    case SO_ERROR:
        *v = get_error(vh, s);
        return 0;
    case SO_TYPE:
        *v = s->udp ? SOCK_DGRAM : SOCK_STREAM;
        return 0;
    case SO_DOMAIN:
        *v = AF_INET;
        return 0;
    case SO_PROTOCOL:
        *v = s->udp ? IPPROTO_UDP : IPPROTO_TCP;
        return 0;
    case SO_ACCEPTCONN:
        *v = s->state == VS_LISTEN;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_info(struct vhost *vh, struct vsock *s, void *value, size_t *len)
{
    struct tcpinfo ti;
    struct tern_info in;
    bool there = s->h.id && tern_inspect(vh->st, s->h, &in, vh->now);
    tcpinfo_of(there ? &in : NULL, &ti);
    *len = *len < sizeof ti ? *len : sizeof ti;
    memcpy(value, &ti, *len);
    return 0;
}

static int get_meminfo(struct vhost *vh, const struct vsock *s, void *value, size_t *len)
{
    uint32_t mem[MEMINFO_VARS];
    meminfo_of(vh->st, s->h, mem);
    *len = *len < sizeof mem ? *len : sizeof mem;
    memcpy(value, mem, *len);
    return 0;
}

static int get_seen(struct vhost *vh, const struct vsock *s, const struct vopt *o)
{
    int v = o->first;
    int64_t now;
    if (o->opt == TERN_OPT_QUICKACK && s->h.id && s->state == VS_OPEN &&
        tern_getopt(vh->st, s->h, TERN_OPT_QUICKACK, &now) == 0)
        return (int)now; /* it comes and goes with the traffic */
    for (unsigned i = 0; i < s->nseen; i++) {
        if (s->seen[i].level == o->level && s->seen[i].name == o->name)
            v = s->seen[i].value;
    }
    return o->scale == 2 ? 2 * v : v; /* buffer sizes, as Linux gives them back */
}

/* TCP's that are no plain number; -ENOPROTOOPT: it is none of them. */
static int get_tcp(struct vhost *vh, struct vsock *s, int name, void *value, size_t *len)
{
    struct tern_info in;
    switch (name) {
    case TCP_FASTOPEN_KEY:
        return vfast_get_key(vh, s, value, len);
    case TCP_INFO:
        return get_info(vh, s, value, len);
    case AO_OPT_INFO:
        return vkeys_info(vh, s, value, len);
    case TCP_CC_INFO:
        *len = 0; /* no plug-in tells anything there */
        return 0;
    case TCP_MAXSEG:
        if (s->state == VS_OPEN && tern_inspect(vh->st, s->h, &in, vh->now))
            return get_int((int)in.mss, value, len);
        return -ENOPROTOOPT;
    default:
        return -ENOPROTOOPT;
    }
}

int vh_getsockopt(struct vhost *vh, int fd, int level, int name, void *value, size_t *len)
{
    struct vsock *s = vh_sock(vh, fd);
    int v = 0;
    if (!s)
        return -EBADF;
    int rc = level == IPPROTO_TCP ? get_tcp(vh, s, name, value, len) : -ENOPROTOOPT;
    if (rc != -ENOPROTOOPT)
        return rc;
    if (level == IPPROTO_IP && name == 14 /* IP_MTU */) {
        int64_t mtu;
        if (!s->h.id || tern_getopt(vh->st, s->h, TERN_OPT_MTU, &mtu) != 0)
            return -ENOTCONN;
        return get_int((int)mtu, value, len);
    }
    if (level == SOL_SOCKET && name == SO_MEMINFO)
        return get_meminfo(vh, s, value, len);
    if ((level == SOL_SOCKET && get_socket(vh, s, name, &v) == 0) ||
        vmsg_getopt(s, level, name, &v))
        return get_int(v, value, len);
    const struct vopt *o = vopt_find(level, name);
    return o ? get_int(get_seen(vh, s, o), value, len) : -ENOPROTOOPT;
}
