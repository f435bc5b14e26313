/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/sockopt.c: setsockopt() and getsockopt(), by a table.
 *
 * An option works, or is refused with ENOPROTOOPT; none is taken and ignored. Options that the
 * stack has are kept with the socket in the program's own unit and told to the handle when there is
 * one; an accepted connection inherits its listener's. "none" rows are those whose meaning holds
 * here by itself.
 */
#include "run/sup.h"

#include "base/assert.h"
#include "port/aoopt.h"
#include "port/tcpinfo.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Newer than some C libraries' headers. */
#define OPT_TCP_ULP        31
#define OPT_TCP_MD5SIG     14
#define OPT_TCP_MD5SIG_EXT 32

#define CC_NAME_MAX 16 /* octets of TCP_CONGESTION's name, with its NUL */

#define LINGER2_MOST 120 /* s; more is that */

enum { FOR_TCP = 1, FOR_UDP = 2, FOR_BOTH = 3 };

struct option {
    int level, name;
    int opt;        /* enum tern_opt, 0 = none */
    int32_t scale;  /* the stack's unit in the program's */
    int32_t lo, hi; /* allowed; else EINVAL. lo INT32_MIN: what is below 0 is "none" */
    int32_t first;  /* before it is set */
    uint8_t proto;
    bool flag; /* any non-zero value is 1 */
};

static const struct option options[] = {
    {IPPROTO_TCP, TCP_NODELAY, TERN_OPT_NODELAY, 1, 0, 1, 0, FOR_TCP, true},
    {IPPROTO_TCP, TCP_CORK, TERN_OPT_CORK, 1, 0, 1, 0, FOR_TCP, true},
    {IPPROTO_TCP, TCP_KEEPIDLE, TERN_OPT_KEEPIDLE_MS, 1000, 1, 32767, 7200, FOR_TCP, false},
    {IPPROTO_TCP, TCP_KEEPINTVL, TERN_OPT_KEEPINTVL_MS, 1000, 1, 32767, 75, FOR_TCP, false},
    {IPPROTO_TCP, TCP_KEEPCNT, TERN_OPT_KEEPCNT, 1, 1, 127, 9, FOR_TCP, false},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, TERN_OPT_USER_TIMEOUT_MS, 1, 0, INT32_MAX, 0, FOR_TCP, false},
    {IPPROTO_TCP, TCP_QUICKACK, TERN_OPT_QUICKACK, 1, 0, 1, 0, FOR_TCP, true},
    {IPPROTO_TCP, TCP_MAXSEG, TERN_OPT_MAXSEG, 1, 88, 32767, 536, FOR_TCP, false},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, TERN_OPT_NOTSENT_LOWAT, 1, INT32_MIN, INT32_MAX, 0, FOR_TCP,
     false},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, TERN_OPT_DEFER_ACCEPT_MS, 1000, 0, 255, 0, FOR_TCP, false},
    {IPPROTO_TCP, TCP_SYNCNT, TERN_OPT_SYN_COUNT, 1, 1, 127, 7, FOR_TCP, false},
    {IPPROTO_TCP, TCP_LINGER2, TERN_OPT_LINGER2_MS, 1000, INT32_MIN, LINGER2_MOST, 60, FOR_TCP,
     false},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, TERN_OPT_WINDOW_CLAMP, 1, 0, INT32_MAX, 0, FOR_TCP, false},
    {IPPROTO_TCP, TCP_FASTOPEN, TERN_OPT_FASTOPEN, 1, 0, INT32_MAX, 0, FOR_TCP, false},
    {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, TERN_OPT_FASTOPEN_NO_COOKIE, 1, 0, 1, 0, FOR_TCP, true},
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0, 1, 0, 1, 0, FOR_TCP, true}, /* early.c reads it */
    {SOL_SOCKET, SO_RCVLOWAT, TERN_OPT_RCVLOWAT, 1, 1, INT32_MAX, 1, FOR_TCP, false},
    /* a name for the program, a number here */
    {IPPROTO_TCP, TCP_CONGESTION, TERN_OPT_CONGESTION, 1, 0, TERN_CC_COUNT - 1, 0, FOR_TCP, false},
    {SOL_SOCKET, SO_KEEPALIVE, TERN_OPT_KEEPALIVE, 1, 0, 1, 0, FOR_TCP, true},
    {IPPROTO_IP, IP_TTL, TERN_OPT_TTL, 1, 1, 255, 64, FOR_TCP, false},
    {IPPROTO_IP, IP_TOS, TERN_OPT_TOS, 1, 0, 255, 0, FOR_TCP, false},
    /* bind() with port 0 takes no port that another socket could want */
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0, 1, 0, 1, 0, FOR_BOTH, true},
    /* errors of a connected port are always reported, and always with their ICMP meaning */
    {IPPROTO_IP, IP_RECVERR, 0, 1, 0, 1, 0, FOR_UDP, true},
    {IPPROTO_IP, IP_RECVTOS, TERN_OPT_RECVTOS, 1, 0, 1, 0, FOR_TCP, true},
    {IPPROTO_IP, IP_MTU_DISCOVER, TERN_OPT_MAY_FRAGMENT, 1, IP_PMTUDISC_DONT, IP_PMTUDISC_OMIT,
     IP_PMTUDISC_WANT, FOR_TCP, false},
    /* datagrams go with DF set and are not fragmented */
    {IPPROTO_IP, IP_MTU_DISCOVER, 0, 1, IP_PMTUDISC_WANT, IP_PMTUDISC_PROBE, IP_PMTUDISC_WANT,
     FOR_UDP, false},
};
#define OPTIONS (sizeof options / sizeof *options)
_Static_assert(OPTIONS <= RUN_OPTS, "struct sk has room for every option");

static const struct option *option_find(const struct sk *sk, int level, int name)
{
    int proto = sk->proto == IPPROTO_TCP ? FOR_TCP : FOR_UDP;
    for (size_t i = 0; i < OPTIONS; i++) {
        if (options[i].level == level && options[i].name == name && (options[i].proto & proto))
            return &options[i];
    }
    return NULL;
}

static int opt_tell(struct sk *sk, int opt, int64_t v)
{
    return tern_errno(tern_setopt(sk->run->cfg.st, sk->h, (enum tern_opt)opt, v,
                                  tern_loop_now(sk->run->cfg.loop)));
}

/* IP_MTU_DISCOVER is two questions: may routers cut packets, and does what is known of the path
 * matter? */
static int discover_tell(struct sk *sk, int32_t how)
{
    bool cut = how == IP_PMTUDISC_DONT || how >= IP_PMTUDISC_INTERFACE;
    int err = opt_tell(sk, TERN_OPT_MAY_FRAGMENT, cut);
    return err ? err : opt_tell(sk, TERN_OPT_IGNORE_PMTU, cut || how == IP_PMTUDISC_PROBE);
}

static int option_tell(struct sk *sk, const struct option *o, int32_t value)
{
    if (!o->opt || !sk->h.id)
        return 0;
    if (o->opt == TERN_OPT_MAY_FRAGMENT)
        return discover_tell(sk, value);
    return opt_tell(sk, o->opt, value < 0 ? -1 : (int64_t)value * o->scale);
}

void sockopt_fastopen_key(const struct sk *sk)
{
    const uint8_t *backup = sk->fo_keys > 1 ? sk->fo_key + 16 : NULL;
    if (sk->fo_keys != 0)
        (void)tern_fastopen_key(sk->run->cfg.st, sk->h, sk->fo_key, backup);
}

/* One key, or two: the one in use and one whose cookies are still good. */
static int set_fastopen_key(struct sk *sk, const void *value, size_t len)
{
    if (len != 16 && len != 32)
        return EINVAL;
    memcpy(sk->fo_key, value, len);
    sk->fo_keys = (uint8_t)(len / 16);
    if (sk->state == SK_LISTEN)
        sockopt_fastopen_key(sk);
    return 0;
}

static void buffers_tell(struct sk *sk)
{
    struct tern_time now = tern_loop_now(sk->run->cfg.loop);
    if (sk->h.id && sk->proto == IPPROTO_TCP && sk->sndbuf)
        (void)tern_setopt(sk->run->cfg.st, sk->h, TERN_OPT_SNDBUF, sk->sndbuf, now);
    if (sk->h.id && sk->proto == IPPROTO_TCP && sk->rcvbuf)
        (void)tern_setopt(sk->run->cfg.st, sk->h, TERN_OPT_RCVBUF, sk->rcvbuf, now);
}

void sockopt_apply(struct sk *sk)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (sk->opt_set & 1u << i)
            (void)option_tell(sk, &options[i], sk->opt[i]);
    }
    buffers_tell(sk);
}

bool sockopt_flag(const struct sk *sk, int name)
{
    const struct option *o = option_find(sk, IPPROTO_TCP, name);
    return o && (sk->opt_set & 1u << (o - options)) && sk->opt[o - options] != 0;
}

void sockopt_inherit(struct sk *to, const struct sk *from)
{
    to->opt_set = from->opt_set;
    memcpy(to->opt, from->opt, sizeof to->opt);
    to->sndbuf = from->sndbuf;
    to->rcvbuf = from->rcvbuf;
    to->linger0 = from->linger0;
}

/* ---- set ---- */

#define BUF_LEAST 2048
#define BUF_MOST  (4 << 20)

/* SO_SNDBUF and SO_RCVBUF: doubled and bounded, as Linux does; both the stack's buffer and the
 * kernel's on the way to it. */
static int set_buffer(struct call *c, int name, int value)
{
    struct sk *sk = c->sk;
    int v = value < BUF_LEAST ? BUF_LEAST : value > BUF_MOST ? BUF_MOST : value;
    if (name == SO_SNDBUF || name == SO_SNDBUFFORCE) {
        sk->sndbuf = 2 * v;
        sk->small = false;
        if (!sk->plug)
            sk_big_buffer(c->fd, v);
    } else {
        sk->rcvbuf = 2 * v;
        if (sk->end >= 0)
            sk_big_buffer(sk->end, v);
    }
    buffers_tell(sk);
    return 0;
}

static int set_linger(struct call *c, const void *value, size_t len)
{
    struct linger l;
    if (len < sizeof l)
        return EINVAL;
    memcpy(&l, value, sizeof l);
    c->sk->linger0 = l.l_onoff && l.l_linger == 0;
    return setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l) < 0 ? errno : 0;
}

static int set_socket(struct call *c, int name, const void *value, size_t len)
{
    int v = 0;
    if (name == SO_LINGER)
        return set_linger(c, value, len);
    if (name == SO_BINDTODEVICE) /* the stack has one interface, without a name */
        return len == 0 || *(const char *)value == 0 ? 0 : ENODEV;
    if (len < sizeof v)
        return EINVAL;
    memcpy(&v, value, sizeof v);
    switch (name) {
    case SO_SNDBUF:
    case SO_RCVBUF:
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        return set_buffer(c, name, v);
    case SO_KEEPALIVE: /* UDP: Linux takes it and it means nothing */
        return setsockopt(c->fd, SOL_SOCKET, name, &v, sizeof v) < 0 ? errno : 0;
    case SO_REUSEPORT:
        c->sk->reuseport = v != 0;
        return 0;
    default: /* SO_ZEROCOPY; SO_ERROR, SO_TYPE ... cannot be set */
        return ENOPROTOOPT;
    }
}

static bool is_congestion(const struct option *o)
{
    return o->level == IPPROTO_TCP && o->name == TCP_CONGESTION;
}

/* The number of a congestion control, -1 if there is none of that name. */
static int32_t named_cc(const void *value, size_t len)
{
    char name[CC_NAME_MAX] = "";
    memcpy(name, value, len < sizeof name ? len : sizeof name - 1);
    return tern_cc_find(name);
}

/* What Linux bounds instead of refusing it. */
static int32_t bounded(const struct option *o, int32_t v)
{
    if (o->opt == TERN_OPT_LINGER2_MS && v > o->hi)
        return o->hi;
    if (o->opt == TERN_OPT_RCVLOWAT && v <= 0)
        return v == 0 ? 1 : INT32_MAX;
    return v;
}

static int set_table(struct sk *sk, const struct option *o, const void *value, size_t len)
{
    int32_t v;
    if (is_congestion(o) && len >= 1) {
        v = named_cc(value, len);
        if (v < 0)
            return ENOENT;
    } else if (o->level == IPPROTO_IP && len >= 1 && len < sizeof v) {
        v = *(const uint8_t *)value; /* IP options may be one octet */
    } else if (len < sizeof v) {
        return EINVAL;
    } else {
        memcpy(&v, value, sizeof v);
    }
    if (o->flag)
        v = v != 0;
    if (o->name == IP_TTL && o->level == IPPROTO_IP && v == -1)
        v = o->first;
    v = bounded(o, v);
    if (v < o->lo || v > o->hi)
        return EINVAL;
    int err = option_tell(sk, o, v);
    if (err)
        return err;
    size_t i = (size_t)(o - options);
    sk->opt[i] = v;
    sk->opt_set |= 1u << i;
    return 0;
}

static int set_known(struct call *c, const struct option *o, const void *value, size_t len)
{
    if (o->name == TCP_FASTOPEN_CONNECT && o->level == IPPROTO_TCP && c->sk->state != SK_NEW)
        return EINVAL;
    int err = set_table(c->sk, o, value, len);
    if (err || o->opt != TERN_OPT_RCVLOWAT)
        return err;
    /* the stack's is for poll(), the kernel's for a recv() that waits */
    return setsockopt(c->fd, o->level, o->name, value, (socklen_t)len) < 0 ? errno : 0;
}

/* TCP's that are no plain number. */
static int set_tcp(struct sk *sk, int name, const void *value, size_t len)
{
    switch (name) {
    case OPT_TCP_MD5SIG:
    case OPT_TCP_MD5SIG_EXT:
        return keys_set_md5(sk, value, len, name == OPT_TCP_MD5SIG_EXT);
    case AO_OPT_ADD_KEY:
    case AO_OPT_DEL_KEY:
    case AO_OPT_INFO:
    case AO_OPT_GET_KEYS:
    case AO_OPT_REPAIR:
        return keys_set_ao(sk, name, value, len);
    case TCP_FASTOPEN_KEY:
        return set_fastopen_key(sk, value, len);
    case OPT_TCP_ULP:
        return ENOENT; /* as a kernel without such a protocol: kTLS falls back */
    default:
        return ENOPROTOOPT;
    }
}

void sockopt_set(struct call *c)
{
    int level = (int)c->arg[1], name = (int)c->arg[2];
    int32_t len = (int32_t)c->arg[4];
    uint8_t value[512] = {0};
    size_t n = len < 0 ? 0 : len > (int)sizeof value ? sizeof value : (size_t)len;
    int err = len < 0 ? EINVAL : mem_read(c->tid, c->arg[3], value, n);
    if (!err && !call_valid(c))
        return;
    const struct option *o = option_find(c->sk, level, name);
    if (err)
        ; /* told below */
    else if (o)
        err = set_known(c, o, value, n);
    else if (level == SOL_SOCKET)
        err = set_socket(c, name, value, n);
    else if (level == IPPROTO_TCP && c->sk->proto == IPPROTO_TCP)
        err = set_tcp(c->sk, name, value, n);
    else
        err = ENOPROTOOPT;
    explicit_bzero(value, sizeof value); /* it may have been a key */
    call_fail(c, err);
}

/* ---- get ---- */

static int get_error(struct call *c)
{
    struct sk *sk = c->sk;
    int native = 0, err = sk->err;
    socklen_t len = sizeof native;
    (void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &native, &len);
    if (sk->state == SK_CONNECTING)
        return 0;
    if (sk->state == SK_OPEN || (err && sk->state == SK_FAILED))
        sk->told = sk->state == SK_OPEN ? sk->told : true;
    /* After a reset the kernel's error says whether the program has seen it already. */
    if (sk->state == SK_DONE && sk->reset_shown && !native)
        err = 0;
    sk->err = 0;
    return err ? err : native;
}

static int get_socket(struct call *c, int name, int *v)
{
    struct sk *sk = c->sk;
    bool tcp = sk->proto == IPPROTO_TCP;
    socklen_t len = sizeof *v;
    switch (name) {
    case SO_ERROR:
        *v = get_error(c);
        return 0;
    case SO_TYPE:
        *v = tcp ? SOCK_STREAM : SOCK_DGRAM;
        return 0;
    case SO_DOMAIN:
        *v = AF_INET;
        return 0;
    case SO_PROTOCOL:
        *v = sk->proto;
        return 0;
    case SO_SNDBUF:
        *v = sk->sndbuf ? sk->sndbuf : tcp ? 87040 : 212992;
        return 0;
    case SO_RCVBUF:
        *v = sk->rcvbuf ? sk->rcvbuf : tcp ? 131072 : 212992;
        return 0;
    case SO_REUSEPORT:
        *v = sk->reuseport;
        return 0;
    case SO_ZEROCOPY:
        *v = 0;
        return 0;
    case SO_KEEPALIVE:
        return getsockopt(c->fd, SOL_SOCKET, name, v, &len) < 0 ? errno : 0;
    default:
        return ENOPROTOOPT;
    }
}

/* What the table knows, or the connection's own figure where it has one. */
static int32_t get_table(const struct sk *sk, const struct option *o)
{
    size_t i = (size_t)(o - options);
    struct tern_info info;
    if (o->opt == TERN_OPT_MAXSEG && sk->state == SK_OPEN && sk->h.id &&
        tern_inspect(sk->run->cfg.st, sk->h, &info, tern_loop_now(sk->run->cfg.loop)))
        return (int32_t)info.mss;
    int64_t now;
    if (o->opt == TERN_OPT_QUICKACK && sk->h.id && sk->state == SK_OPEN &&
        tern_getopt(sk->run->cfg.st, sk->h, TERN_OPT_QUICKACK, &now) == 0)
        return (int32_t)now; /* it comes and goes with the traffic */
    if (is_congestion(o) && !(sk->opt_set & 1u << i))
        return sk->run->cfg.cc;
    return sk->opt_set & 1u << i ? sk->opt[i] : o->first;
}

static int get_meminfo(const struct sk *sk, uint8_t *out)
{
    uint32_t mem[MEMINFO_VARS];
    meminfo_of(sk->run->cfg.st, sk->h, mem);
    memcpy(out, mem, sizeof mem);
    return sizeof mem;
}

/* IP_PKTOPTIONS: with IP_RECVTOS the TOS octet of what came last, as a control message. */
static int get_pktoptions(const struct sk *sk, uint8_t *out)
{
    int64_t tos = 0, on = 0;
    uint8_t control[CMSG_SPACE(sizeof(int))] = {0};
    struct cmsghdr h = {
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TOS};
    if (!sk->h.id || tern_getopt(sk->run->cfg.st, sk->h, TERN_OPT_RECVTOS, &on) != 0 || on == 0 ||
        tern_getopt(sk->run->cfg.st, sk->h, TERN_OPT_RCVD_TOS, &tos) != 0)
        return 0;
    memcpy(control, &h, sizeof h);
    int v = (int)tos;
    memcpy(control + CMSG_LEN(0), &v, sizeof v);
    memcpy(out, control, sizeof control);
    return sizeof control;
}

/* IP_MTU: what the path is believed to carry. */
static int get_ip(const struct sk *sk, int name, uint8_t *out)
{
    int64_t mtu;
    if (name == IP_PKTOPTIONS && sk->proto == IPPROTO_TCP)
        return get_pktoptions(sk, out);
    if (name != IP_MTU)
        return -ENOPROTOOPT;
    if (!sk->h.id || tern_getopt(sk->run->cfg.st, sk->h, TERN_OPT_MTU, &mtu) != 0)
        return -ENOTCONN;
    int v = (int)mtu;
    memcpy(out, &v, sizeof v);
    return sizeof v;
}

static int get_tcp(const struct sk *sk, int name, uint8_t *out, size_t room)
{
    switch (name) {
    case TCP_INFO:
        return (int)tcpinfo_fill(sk, out, room);
    case AO_OPT_INFO:
        return keys_info(sk, out, room);
    case TCP_FASTOPEN_KEY: /* the stack's own is nobody's business */
        memcpy(out, sk->fo_key, sizeof sk->fo_key);
        return 16 * sk->fo_keys;
    case TCP_CC_INFO:
        return 0; /* no congestion control tells anything there */
    default:
        return -ENOPROTOOPT;
    }
}

static int get_other(struct call *c, int level, int name, uint8_t *out, size_t room)
{
    struct sk *sk = c->sk;
    int v = 0, err;
    if (level == SOL_SOCKET && name == SO_LINGER) {
        socklen_t len = (socklen_t)room;
        return getsockopt(c->fd, level, name, out, &len) < 0 ? -errno : (int)len;
    }
    if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
        return 0;
    if (level == SOL_SOCKET && name == SO_MEMINFO)
        return get_meminfo(sk, out);
    if (level == SOL_SOCKET) {
        err = get_socket(c, name, &v);
        memcpy(out, &v, sizeof v);
        return err ? -err : (int)sizeof v;
    }
    if (level == IPPROTO_TCP && sk->proto == IPPROTO_TCP)
        return get_tcp(sk, name, out, room);
    return level == IPPROTO_IP ? get_ip(sk, name, out) : -ENOPROTOOPT;
}

/* The value into out; its length, or -errno. */
static int get_value(struct call *c, int level, int name, uint8_t *out, size_t room)
{
    struct sk *sk = c->sk;
    const struct option *o = option_find(sk, level, name);
    if (!o)
        return get_other(c, level, name, out, room);
    if (is_congestion(o)) {
        memset(out, 0, CC_NAME_MAX);
        memcpy(out, tern_cc_name((unsigned)get_table(sk, o)),
               strlen(tern_cc_name((unsigned)get_table(sk, o))));
        return CC_NAME_MAX;
    }
    int v = get_table(sk, o);
    memcpy(out, &v, sizeof v);
    return sizeof v;
}

void sockopt_get(struct call *c)
{
    uint8_t value[512];
    int32_t room = 0;
    int err = mem_read(c->tid, c->arg[4], &room, sizeof room);
    if (!err && !call_valid(c))
        return;
    if (!err && room < 0)
        err = EINVAL;
    if (!err && c->arg[1] == IPPROTO_TCP && c->arg[2] == AO_OPT_GET_KEYS &&
        c->sk->proto == IPPROTO_TCP) {
        call_fail(c, keys_get(c, c->arg[3], (size_t)room));
        return;
    }
    int n = err ? -err : get_value(c, (int)c->arg[1], (int)c->arg[2], value, sizeof value);
    if (n < 0) {
        call_fail(c, -n);
        return;
    }
    int32_t give = room < n ? room : n;
    err = mem_write(c->tid, c->arg[3], value, (size_t)give);
    if (!err)
        err = mem_write(c->tid, c->arg[4], &give, sizeof give);
    call_fail(c, err);
}
