/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/inner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define PORT_DNS    53

struct sockaddr_in host_addr(const struct tern_endpoint *ep)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(ep->port)};
    if (ep->addr.fam == TERN_AF_NONE)
        sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        memcpy(&sa.sin_addr, ep->addr.b, 4);
    return sa;
}

/* The line "nameserver ADDRESS". */
static bool host_nameserver(char *line, struct in_addr *out)
{
    char *rest = NULL;
    const char *word = strtok_r(line, " \t\n", &rest);
    if (!word || strcmp(word, "nameserver") != 0)
        return false;
    const char *addr = strtok_r(NULL, " \t\n", &rest);
    return addr && inet_pton(AF_INET, addr, out) == 1;
}

bool host_resolver(const char *path, struct in_addr *out)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    char line[256];
    bool found = false;
    while (!found && fgets(line, sizeof line, f))
        found = host_nameserver(line, out);
    (void)fclose(f);
    return found;
}

struct sockaddr_in host_dest(const struct gate *g, const struct tern_endpoint *dest)
{
    struct tern_endpoint to = *dest;
    bool self = gate_same(&dest->addr, &g->cfg.self);
    if (dest->port == PORT_DNS && g->cfg.dns.fam != TERN_AF_NONE) {
        to.addr = g->cfg.dns;
        self = gate_same(&to.addr, &g->cfg.self);
    }
    if (self)
        to.addr = (struct tern_addr){.fam = TERN_AF_NONE};
    struct sockaddr_in sa = host_addr(&to);
    /* A resolver on the host's loopback (systemd-resolved's 127.0.0.53) has an address of its own
     * there, which the guest can only call by the gateway's. */
    struct in_addr resolver;
    if (self && dest->port == PORT_DNS && host_resolver(RESOLV_CONF, &resolver) &&
        ntohl(resolver.s_addr) >> 24 == IN_LOOPBACKNET)
        sa.sin_addr = resolver;
    return sa;
}

int host_dial(int type, int proto, const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);
    if (fd < 0)
        return -1;
    const int one = 1;
    if (type == SOCK_STREAM) /* whether to wait for more was decided at the other side */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS) {
        int err = errno;
        (void)close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

int host_dialed(int fd)
{
    int err = 0;
    socklen_t n = sizeof err;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0 ? errno : err;
}

int host_listen(int type, const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    const int one = 1;
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)at, sizeof *at) < 0 ||
        (type == SOCK_STREAM && listen(fd, 1024) < 0)) {
        int err = errno;
        (void)close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

enum tern_answer host_answer(int err)
{
    switch (err) {
    case 0:
        return TERN_ANSWER_ACCEPT;
    case ECONNREFUSED:
    case ECONNRESET:
        return TERN_ANSWER_REFUSE;
    case ENETUNREACH:
    case ENETDOWN:
        return TERN_ANSWER_NET_UNREACH;
    case EACCES:
    case EPERM:
        return TERN_ANSWER_PROHIBITED;
    case ETIMEDOUT: /* the destination says nothing: neither do we */
    case EMFILE:    /* ours to mend: the guest's next SYN may find it mended */
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EAGAIN:
        return TERN_ANSWER_SILENCE;
    default:
        return TERN_ANSWER_HOST_UNREACH;
    }
}

int host_unreach_code(int err)
{
    switch (err) {
    case ENETUNREACH:
    case ENETDOWN:
        return 0;
    case EHOSTUNREACH:
    case EHOSTDOWN:
        return 1;
    case ECONNREFUSED:
        return 3;
    case EACCES:
    case EPERM:
        return 13;
    default:
        return -1;
    }
}

void host_reset(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(fd);
}
