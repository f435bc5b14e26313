/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/dgram.c: datagrams beside the streams. Each host sends `udp_count` datagrams, one after the
 * other, and the other host sends each back. A datagram may be lost or doubled; it must never be
 * damaged, and on a gentle wire only the first, which waits for ARP, may be missed.
 *
 * Payload: kind, sender, number (4 octets, big end first), length (2), then the stream's pattern.
 */
#include "sim.h"

#include <string.h>

#define DGRAM_PORT  9000
#define DGRAM_HEAD  8
#define DGRAM_PING  'p'
#define DGRAM_ECHO  'e'
#define DGRAM_RETRY 500000000 /* ns */

void dgram_open(struct sim_world *w, unsigned h)
{
    struct sim_host *host = &w->host[h];
    struct tern_endpoint local = {.addr = sim_addr(h), .port = DGRAM_PORT};
    int r = tern_udp_open(host->st, &local, 0, &host->udp.sock);
    if (r == TERN_ENOBUFS && w->plan->fail_take) /* an error changes nothing: the same call again */
        r = tern_udp_open(host->st, &local, 0, &host->udp.sock);
    if (r == TERN_OK)
        r = tern_setuser(host->st, host->udp.sock, SIM_UDP);
    if (r == TERN_ENOBUFS && w->plan->fail_take && w->plan->fail_persist)
        host->udp = (struct sim_udp){.lost = w->plan->udp_count}; /* none, then */
    else if (r != TERN_OK)
        sim_fail(w, "host %u: tern_udp_open: %s", h, tern_strerror(r));
    host->udp.retry_ns = w->now.ns;
}

static uint32_t dgram_len(const struct sim_world *w, unsigned h, uint32_t number)
{
    uint32_t most = w->plan->mtu - 28u;
    return DGRAM_HEAD + (number * 977 + h * 131) % (most - DGRAM_HEAD + 1);
}

static void dgram_send(struct sim_world *w, unsigned h, uint8_t kind, unsigned sender,
                       uint32_t number)
{
    struct sim_host *host = &w->host[h];
    uint32_t len = dgram_len(w, sender, number);
    uint8_t *p = w->buf;
    p[0] = kind;
    p[1] = (uint8_t)sender;
    for (unsigned i = 0; i < 4; i++)
        p[2 + i] = (uint8_t)(number >> (24 - 8 * i));
    p[6] = (uint8_t)(len >> 8);
    p[7] = (uint8_t)len;
    for (uint32_t i = DGRAM_HEAD; i < len; i++)
        p[i] = sim_octet(1000 + sender, number * 7 + i);
    struct tern_endpoint to = {.addr = sim_addr(1 - h), .port = DGRAM_PORT};
    int r = tern_udp_sendto(host->st, host->udp.sock, NULL, &to, p, len, w->now);
    if (r != TERN_OK && r != TERN_EAGAIN && r != TERN_EHOSTUNREACH &&
        !(r == TERN_ENOBUFS && w->plan->fail_take))
        sim_fail(w, "host %u: tern_udp_sendto: %s", h, tern_strerror(r));
}

static void dgram_take(struct sim_world *w, unsigned h, const struct tern_endpoint *from,
                       int64_t len)
{
    const uint8_t *p = w->buf;
    struct sim_udp *u = &w->host[h].udp;
    struct tern_addr want = sim_addr(1 - h);
    uint32_t number = (uint32_t)p[2] << 24 | (uint32_t)p[3] << 16 | (uint32_t)p[4] << 8 | p[5];
    unsigned sender = p[1];
    bool sane = len >= DGRAM_HEAD && sender < 2 && (p[0] == DGRAM_PING || p[0] == DGRAM_ECHO) &&
                (p[0] == DGRAM_ECHO) == (sender == h) && len == (int64_t)p[6] * 256 + p[7] &&
                len == dgram_len(w, sender, number) && from->port == DGRAM_PORT &&
                memcmp(&from->addr, &want, sizeof want) == 0;
    for (int64_t i = DGRAM_HEAD; sane && i < len; i++)
        sane = p[i] == sim_octet(1000 + sender, number * 7 + (uint64_t)i);
    if (!sane) {
        sim_fail(w, "host %u: a datagram of %lld octets that nobody sent", h, (long long)len);
        return;
    }
    if (p[0] == DGRAM_PING) {
        dgram_send(w, h, DGRAM_ECHO, sender, number);
    } else if (number == u->sent - 1 && u->back + u->lost < u->sent) {
        u->back++;
        u->retry_ns = w->now.ns;
    }
}

bool dgram_done(const struct sim_world *w, unsigned h)
{
    const struct sim_udp *u = &w->host[h].udp;
    return !w->host[h].up || u->back + u->lost >= w->plan->udp_count;
}

bool dgram_run(struct sim_world *w, unsigned h)
{
    struct sim_host *host = &w->host[h];
    struct sim_udp *u = &host->udp;
    bool any = false;
    while (u->can_read && !w->why[0]) {
        struct tern_endpoint from;
        int64_t n = tern_udp_recvfrom(host->st, u->sock, w->buf, sizeof w->buf, &from, NULL);
        any |= n >= 0;
        if (n >= 0)
            dgram_take(w, h, &from, n);
        else if (n == TERN_EAGAIN)
            u->can_read = false;
    }
    if (w->now.ns < u->retry_ns || dgram_done(w, h) || w->closing)
        return any;
    if (u->back + u->lost < u->sent) {
        u->lost++;
        if (u->sent > 1 && sim_plan_gentle(w->plan) && !w->plan->impaired)
            sim_fail(w, "host %u: datagram %u was not answered on a clean wire", h, u->sent - 1);
        if (dgram_done(w, h))
            return true;
    }
    dgram_send(w, h, DGRAM_PING, h, u->sent++);
    u->retry_ns = w->now.ns + DGRAM_RETRY;
    return true;
}

struct tern_time dgram_deadline(const struct sim_world *w, unsigned h)
{
    if (w->closing || dgram_done(w, h))
        return TERN_NEVER;
    return (struct tern_time){w->host[h].udp.retry_ns};
}
