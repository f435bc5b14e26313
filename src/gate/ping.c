/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate/ping.c: the guest's pings, through the host's ping sockets (SOCK_DGRAM, IPPROTO_ICMP), which
 * need no privilege but the host's leave: net.ipv4.ping_group_range. Without it an echo request for
 * an address beyond the gateway is dropped and counted (gate_counts.echo_denied); the gateway's own
 * address is answered by its stack in any case.
 *
 * The host puts an identifier of its own into each request, so each (guest, identifier,
 * destination) has a socket, in the same table and with the same limits as the datagrams.
 */
#include "base/bytes.h"
#include "gate/inner.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define ICMP_ECHO_REPLY   0
#define ICMP_ECHO_REQUEST 8
#define ICMP_HDR          8u

static struct dg *ping_flow(struct gate *g, const struct tern_endpoint *guest,
                            const struct tern_endpoint *dest)
{
    struct dg *d = dg_find(g, true, guest, dest);
    if (d)
        return d;
    struct sockaddr_in to = host_addr(dest);
    int fd = host_dial(SOCK_DGRAM, IPPROTO_ICMP, &to);
    if (fd < 0) {
        if (errno == EACCES || errno == EPERM)
            g->counts.echo_denied++;
        else
            g->counts.datagrams_dropped++;
        return NULL;
    }
    return dg_new(g, DG_PING, fd, guest, dest);
}

void ping_request(struct gate *g, const struct tern_event *ev)
{
    const struct tern_endpoint guest = {.addr = ev->remote.addr, .port = ev->remote.port};
    const struct tern_endpoint dest = {.addr = ev->local.addr};
    int64_t n = tern_echo_data(g->cfg.st, g->buf + ICMP_HDR, GATE_BUF - ICMP_HDR);
    if (n < 0)
        return;
    struct dg *d = ping_flow(g, &guest, &dest);
    if (!d)
        return;
    dg_touch(d);
    memset(g->buf, 0, ICMP_HDR); /* identifier and checksum are the host's to fill in */
    g->buf[0] = ICMP_ECHO_REQUEST;
    be16_store(g->buf + 6, ev->local.port);
    size_t len = ICMP_HDR + ((size_t)n < GATE_BUF - ICMP_HDR ? (size_t)n : GATE_BUF - ICMP_HDR);
    if (send(d->fd, g->buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        g->counts.datagrams_out++;
    else
        g->counts.datagrams_dropped++;
}

void ping_reply(struct dg *d, const uint8_t *icmp, size_t len)
{
    struct gate *g = d->g;
    if (len < ICMP_HDR || icmp[0] != ICMP_ECHO_REPLY)
        return;
    g->counts.datagrams_in++;
    (void)tern_echo_reply(g->cfg.st, &d->dest.addr, &d->guest.addr, d->guest.port,
                          be16_load(icmp + 6), icmp + ICMP_HDR, len - ICMP_HDR, gate_now(g));
}
