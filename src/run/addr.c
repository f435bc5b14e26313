/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/addr.c: addresses as the program sees them, and as the stack is told.
 *
 * The stack has one address. The program believes in 127.0.0.0/8 too: a port there is first a
 * listener of the same run (reached at the stack's own address; the stack loops the packets back),
 * and otherwise the host's loopback, which the gateway knows as an address of its own.
 */
#include "run/sup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

bool addr_is_loop(const struct tern_addr *a)
{
    return a->fam == TERN_AF_IP4 && a->b[0] == 127;
}

bool addr_is_any(const struct tern_addr *a)
{
    return a->fam == TERN_AF_NONE ||
           (a->fam == TERN_AF_IP4 && !a->b[0] && !a->b[1] && !a->b[2] && !a->b[3]);
}

struct tern_addr addr_ip4(uint32_t host_order)
{
    struct tern_addr a = {.fam = TERN_AF_IP4};
    uint32_t n = htonl(host_order);
    memcpy(a.b, &n, sizeof n);
    return a;
}

struct tern_endpoint addr_from(const struct sockaddr_in *sin)
{
    return (struct tern_endpoint){addr_ip4(ntohl(sin->sin_addr.s_addr)), ntohs(sin->sin_port)};
}

struct sockaddr_in addr_to(const struct tern_endpoint *ep)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(ep->port)};
    if (ep->addr.fam == TERN_AF_IP4)
        memcpy(&sin.sin_addr, ep->addr.b, sizeof sin.sin_addr);
    return sin;
}

static bool addr_eq(const struct tern_addr *a, const struct tern_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* A UDP socket of this run that owns the port. */
static bool addr_udp_port(struct run *r, uint16_t port)
{
    uint32_t cursor = 0;
    for (const struct sk *sk; (sk = sk_each(r, &cursor)) != NULL;) {
        if (sk->proto == IPPROTO_UDP && sk->h.id && sk->local.port == port)
            return true;
    }
    return false;
}

int addr_out(struct run *r, uint8_t proto, const struct tern_endpoint *shown,
             struct tern_endpoint *real, bool *loop)
{
    *real = *shown;
    *loop = addr_is_loop(&shown->addr) || addr_is_any(&shown->addr);
    if (!*loop)
        return 0;
    bool here =
        proto == IPPROTO_TCP ? listen_find(r, shown) != NULL : addr_udp_port(r, shown->port);
    if (here)
        real->addr = r->cfg.addr;
    else if (r->cfg.host.fam == TERN_AF_NONE)
        return ECONNREFUSED;
    else
        real->addr = r->cfg.host;
    return addr_eq(&real->addr, &shown->addr) ? EINVAL : 0;
}
