/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/names.c: tables of names. */
#include "drill/names.h"
#include "port/aoopt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct name {
    const char *name;
    int64_t value;
};

/* Newer than some C libraries' headers; the numbers are Linux's. */
#ifndef TCP_CM_INQ
#define TCP_CM_INQ TCP_INQ
#endif

#define N(x)                                                                                       \
    {                                                                                              \
#x, x                                                                                      \
    }

static const struct name names[] = {
    N(AF_INET),
    N(AF_INET6),
    N(AF_UNSPEC),
    N(PF_INET),
    N(PF_INET6),
    N(SOCK_STREAM),
    N(SOCK_DGRAM),
    N(SOCK_NONBLOCK),
    N(SOCK_CLOEXEC),
    N(IPPROTO_IP),
    N(IPPROTO_TCP),
    N(IPPROTO_UDP),
    N(IPPROTO_ICMP),
    N(INADDR_ANY),
    N(SOL_SOCKET),
    {"SOL_TCP", IPPROTO_TCP},
    {"SOL_IP", IPPROTO_IP},
    {"SOL_UDP", IPPROTO_UDP},
    N(SO_REUSEADDR),
    N(SO_REUSEPORT),
    N(SO_KEEPALIVE),
    N(SO_SNDBUF),
    N(SO_RCVBUF),
    N(SO_LINGER),
    N(SO_ERROR),
    N(SO_TYPE),
    N(SO_ACCEPTCONN),
    N(SO_OOBINLINE),
    N(SO_RCVLOWAT),
    N(SO_SNDLOWAT),
    N(SO_RCVTIMEO),
    N(SO_SNDTIMEO),
    N(SO_BROADCAST),
    N(SO_PRIORITY),
    N(SO_MARK),
    N(SO_ZEROCOPY),
    N(SO_TIMESTAMP),
    N(SO_TIMESTAMPING),
    N(SO_MAX_PACING_RATE),
    N(SO_SNDBUFFORCE),
    N(SO_RCVBUFFORCE),
    N(SO_DOMAIN),
    N(SO_PROTOCOL),
    N(TCP_NODELAY),
    N(TCP_MAXSEG),
    N(TCP_CORK),
    N(TCP_KEEPIDLE),
    N(TCP_KEEPINTVL),
    N(TCP_KEEPCNT),
    N(TCP_SYNCNT),
    N(TCP_LINGER2),
    N(TCP_DEFER_ACCEPT),
    N(TCP_WINDOW_CLAMP),
    N(TCP_INFO),
    N(TCP_QUICKACK),
    N(TCP_CONGESTION),
    N(TCP_MD5SIG),
    {"TCP_AO_ADD_KEY", AO_OPT_ADD_KEY},
    {"TCP_AO_DEL_KEY", AO_OPT_DEL_KEY},
    {"TCP_AO_INFO", AO_OPT_INFO},
    N(TCP_USER_TIMEOUT),
    N(TCP_FASTOPEN),
    N(TCP_TIMESTAMP),
    N(TCP_NOTSENT_LOWAT),
    N(TCP_CC_INFO),
    N(TCP_FASTOPEN_CONNECT),
    N(TCP_FASTOPEN_KEY),
    N(TCP_FASTOPEN_NO_COOKIE),
    N(TCP_INQ),
    N(TCP_CM_INQ),
    N(TCP_TX_DELAY),
    N(TCP_SAVE_SYN),
    N(TCP_SAVED_SYN),
    N(TCP_THIN_LINEAR_TIMEOUTS),
    N(TCP_THIN_DUPACK),
    {"IP_TTL", 2},
    {"IP_TOS", 1},
    {"IP_MTU_DISCOVER", 10},
    {"IP_RECVERR", 11},
    {"IP_FREEBIND", 15},
    {"IP_PMTUDISC_DONT", 0},
    {"IP_PMTUDISC_WANT", 1},
    {"IP_PMTUDISC_DO", 2},
    {"IP_PMTUDISC_PROBE", 3},
    {"IP_PMTUDISC_INTERFACE", 4},
    {"IP_PMTUDISC_OMIT", 5},
    {"IP_MTU", 14},
    {"IP_BIND_ADDRESS_NO_PORT", 24},
    N(MSG_OOB),
    N(MSG_PEEK),
    N(MSG_DONTWAIT),
    N(MSG_MORE),
    N(MSG_NOSIGNAL),
    N(MSG_TRUNC),
    N(MSG_WAITALL),
    N(MSG_ERRQUEUE),
    N(MSG_FASTOPEN),
    N(MSG_ZEROCOPY),
    N(MSG_EOR),
    N(MSG_CTRUNC),
    N(F_GETFL),
    N(F_SETFL),
    N(F_GETFD),
    N(F_SETFD),
    N(O_RDONLY),
    N(O_WRONLY),
    N(O_RDWR),
    N(O_NONBLOCK),
    N(FD_CLOEXEC),
    N(SHUT_RD),
    N(SHUT_WR),
    N(SHUT_RDWR),
    N(POLLIN),
    N(POLLOUT),
    N(POLLERR),
    N(POLLHUP),
    N(POLLPRI),
    N(POLLNVAL),
    N(POLLRDHUP),
    N(EPOLL_CTL_ADD),
    N(EPOLL_CTL_MOD),
    N(EPOLL_CTL_DEL),
    N(EPOLLIN),
    N(EPOLLOUT),
    N(EPOLLERR),
    N(EPOLLHUP),
    N(EPOLLPRI),
    N(EPOLLRDHUP),
    N(EPOLLET),
    N(EPOLLONESHOT),
    N(EPOLLEXCLUSIVE),
    N(SO_EE_ORIGIN_ZEROCOPY),
    N(SO_EE_ORIGIN_TIMESTAMPING),
    N(SO_EE_CODE_ZEROCOPY_COPIED),
    N(SCM_TIMESTAMPING),
    N(SCM_TSTAMP_SND),
    N(SCM_TSTAMP_SCHED),
    N(SCM_TSTAMP_ACK),
    N(SOF_TIMESTAMPING_TX_SCHED),
    N(SOF_TIMESTAMPING_TX_SOFTWARE),
    N(SOF_TIMESTAMPING_TX_ACK),
    N(SOF_TIMESTAMPING_SOFTWARE),
    N(SOF_TIMESTAMPING_OPT_ID),
    N(SOF_TIMESTAMPING_OPT_TSONLY),
    /* names that packetdrill's runner gives values to */
    {"CMSG_LEVEL_IP", IPPROTO_IP},
    {"CMSG_TYPE_RECVERR", 11},
    N(SIOCINQ),
    N(SIOCOUTQ),
    N(SIOCATMARK),
    N(FIONREAD),
    N(FIONBIO),
    {"SIOCOUTQNSD", 0x894B},
    {"TCP_ESTABLISHED", 1},
    {"TCP_SYN_SENT", 2},
    {"TCP_SYN_RECV", 3},
    {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6},
    {"TCP_CLOSE", 7},
    {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9},
    {"TCP_LISTEN", 10},
    {"TCP_CLOSING", 11},
    {"TCP_NEW_SYN_RECV", 12},
};

static const struct name errnos[] = {
    N(EPERM),           N(EINTR),           N(EIO),
    N(EBADF),           N(EAGAIN),          N(EWOULDBLOCK),
    N(ENOMEM),          N(EACCES),          N(EFAULT),
    N(EBUSY),           N(EINVAL),          N(ENFILE),
    N(EMFILE),          N(ENOTTY),          N(EPIPE),
    N(ENOENT),          N(ENOTSOCK),        N(EDESTADDRREQ),
    N(EMSGSIZE),        N(EPROTOTYPE),      N(ENOPROTOOPT),
    N(EPROTONOSUPPORT), N(ESOCKTNOSUPPORT), N(EOPNOTSUPP),
    N(EPFNOSUPPORT),    N(EAFNOSUPPORT),    N(EADDRINUSE),
    N(EADDRNOTAVAIL),   N(ENETDOWN),        N(ENETUNREACH),
    N(ENETRESET),       N(ECONNABORTED),    N(ECONNRESET),
    N(ENOBUFS),         N(EISCONN),         N(ENOTCONN),
    N(ESHUTDOWN),       N(ETIMEDOUT),       N(ECONNREFUSED),
    N(EHOSTDOWN),       N(EHOSTUNREACH),    N(EALREADY),
    N(EINPROGRESS),     N(EPROTO),          N(ENOSYS),
    N(ENODEV),          N(EEXIST),          N(ENOMSG),
    N(ENOSPC),          N(ESPIPE),
};

static const struct icmp_name {
    const char *type, *code;
    uint8_t t, c;
} icmps[] = {
    {"unreachable", "net_unreachable", 3, 0},
    {"unreachable", "host_unreachable", 3, 1},
    {"unreachable", "protocol_unreachable", 3, 2},
    {"unreachable", "port_unreachable", 3, 3},
    {"unreachable", "frag_needed", 3, 4},
    {"unreachable", "source_route_failed", 3, 5},
    {"unreachable", "net_unknown", 3, 6},
    {"unreachable", "host_unknown", 3, 7},
    {"unreachable", "source_host_isolated", 3, 8},
    {"unreachable", "net_prohibited", 3, 9},
    {"unreachable", "host_prohibited", 3, 10},
    {"unreachable", "net_unreachable_for_tos", 3, 11},
    {"unreachable", "host_unreachable_for_tos", 3, 12},
    {"unreachable", "packet_filtered", 3, 13},
    {"unreachable", "precedence_violation", 3, 14},
    {"unreachable", "precedence_cutoff", 3, 15},
    {"source_quench", "source_quench", 4, 0},
    {"redirect", "net", 5, 0},
    {"redirect", "host", 5, 1},
    {"time_exceeded", "ttl_exceeded", 11, 0},
    {"time_exceeded", "reassembly_exceeded", 11, 1},
    {"parameter_problem", "pointer", 12, 0},
    {"echo_request", "echo", 8, 0},
    {"echo_reply", "echo", 0, 0},
};

#define COUNT(t) (sizeof(t) / sizeof *(t))

bool name_value(const char *name, int64_t *out)
{
    for (unsigned i = 0; i < COUNT(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            *out = names[i].value;
            return true;
        }
    }
    return false;
}

int name_errno(const char *name)
{
    for (unsigned i = 0; i < COUNT(errnos); i++) {
        if (strcmp(errnos[i].name, name) == 0)
            return (int)errnos[i].value;
    }
    return 0;
}

const char *name_of_errno(int err)
{
    for (unsigned i = 0; i < COUNT(errnos); i++) {
        if (errnos[i].value == err)
            return errnos[i].name;
    }
    return "an unnamed errno";
}

bool name_icmp(const char *type, const char *code, uint8_t *t, uint8_t *c)
{
    for (unsigned i = 0; i < COUNT(icmps); i++) {
        if (strcmp(icmps[i].type, type) == 0 && (!code || strcmp(icmps[i].code, code) == 0)) {
            *t = icmps[i].t;
            *c = icmps[i].c;
            return true;
        }
    }
    return false;
}

const char *name_of_icmp(uint8_t t, uint8_t c)
{
    for (unsigned i = 0; i < COUNT(icmps); i++) {
        if (icmps[i].t == t && icmps[i].c == c)
            return icmps[i].code;
    }
    return "of an unnamed kind";
}
