/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate/dgram.c: the guest's datagrams.
 *
 * Each pair (guest's end, destination) has a connected socket of the host, so that only the
 * destination's answers come back, and the host's ICMP errors with them. Flows end when they were
 * idle for a while (name service and ping: a short while) or, when there are too many, the longest
 * unused first.
 *
 * A forwarded port's clients share its one socket. To the guest a client is a port of the gateway:
 * its own number if that is free. One table serves both: an answer of the guest to that port finds
 * the client, anything else is a flow of the guest's own.
 */
#include "base/time.h"
#include "gate/inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DG_BURST     64 /* datagrams taken from one socket before the others' turn */
#define DG_SHORT_MS  10000
#define DG_NORMAL_MS 60000
#define PORT_DNS     53

void dg_init(struct gate *g)
{
    int64_t idle = g->cfg.udp_idle_ms ? g->cfg.udp_idle_ms : DG_NORMAL_MS;
    g->age[0].idle_ms = idle;
    g->age[1].idle_ms = idle < DG_SHORT_MS ? idle : DG_SHORT_MS;
}

/* ---- the table ---- */

static struct dg **dg_bucket(struct gate *g, const struct tern_endpoint *guest,
                             const struct tern_endpoint *dest)
{
    uint32_t a, b;
    memcpy(&a, guest->addr.b, 4);
    memcpy(&b, dest->addr.b, 4);
    uint32_t ports = (uint32_t)guest->port << 16 | dest->port;
    uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;
    h = (h ^ ports) * 0xbf58476d1ce4e5b9u;
    return &g->bucket[h >> 54]; /* the top ten bits: DG_BUCKETS */
}

struct dg *dg_find(struct gate *g, bool ping, const struct tern_endpoint *guest,
                   const struct tern_endpoint *dest)
{
    struct dg *d = *dg_bucket(g, guest, dest);
    while (d && !((d->kind == DG_PING) == ping && gate_same_end(&d->guest, guest) &&
                  gate_same_end(&d->dest, dest)))
        d = d->chain;
    return d;
}

static void dg_age_out(struct dg *d)
{
    struct gate *g = d->g;
    if (d->prev)
        d->prev->next = d->next;
    else
        g->age[d->age].head = d->next;
    if (d->next)
        d->next->prev = d->prev;
    else
        g->age[d->age].tail = d->prev;
}

static void dg_age_in(struct dg *d)
{
    struct gate *g = d->g;
    d->used = gate_now(g);
    d->next = NULL;
    d->prev = g->age[d->age].tail;
    if (d->prev)
        d->prev->next = d;
    else
        g->age[d->age].head = d;
    g->age[d->age].tail = d;
}

void dg_touch(struct dg *d)
{
    dg_age_out(d);
    dg_age_in(d);
}

static struct tern_time dg_expiry(const struct dg *d)
{
    return time_add_ms(d->used, d->g->age[d->age].idle_ms);
}

static void dg_arm(struct gate *g)
{
    struct tern_time at = TERN_NEVER;
    for (unsigned i = 0; i < DG_AGES; i++) {
        if (g->age[i].head)
            at = time_min(at, dg_expiry(g->age[i].head));
    }
    tern_loop_timer_set(g->cfg.loop, &g->idle, at);
}

static void dg_on_idle(void *ctx)
{
    struct gate *g = ctx;
    for (unsigned i = 0; i < DG_AGES; i++) {
        while (g->age[i].head && time_le(dg_expiry(g->age[i].head), gate_now(g)))
            dg_free(g->age[i].head);
    }
    dg_arm(g);
}

void dg_free(struct dg *d)
{
    struct gate *g = d->g;
    struct dg **at = dg_bucket(g, &d->guest, &d->dest);
    while (*at != d)
        at = &(*at)->chain;
    *at = d->chain;
    dg_age_out(d);
    if (d->kind != DG_FORWARD) {
        tern_loop_unwatch(g->cfg.loop, d->fd);
        (void)close(d->fd);
    }
    g->counts.udp--;
    free(d);
}

static void dg_evict(struct gate *g)
{
    struct dg *oldest = NULL;
    for (unsigned i = 0; i < DG_AGES; i++) {
        struct dg *d = g->age[i].head;
        if (d && (!oldest || time_lt(d->used, oldest->used)))
            oldest = d;
    }
    if (oldest) {
        g->counts.udp_evicted++;
        dg_free(oldest);
    }
}

static void dg_on_fd(void *ctx, int fd, uint32_t events);

struct dg *dg_new(struct gate *g, enum dg_kind kind, int fd, const struct tern_endpoint *guest,
                  const struct tern_endpoint *dest)
{
    struct dg *d = calloc(1, sizeof *d);
    bool own = kind != DG_FORWARD;
    if (g->counts.udp >= g->cfg.max_udp)
        dg_evict(g);
    if (!d || (own && tern_loop_watch(g->cfg.loop, fd, EPOLLIN, dg_on_fd, d) < 0)) {
        free(d);
        if (own)
            (void)close(fd);
        return NULL;
    }
    *d = (struct dg){.g = g, .guest = *guest, .dest = *dest, .fd = fd, .kind = (uint8_t)kind};
    d->age = kind == DG_PING || dest->port == PORT_DNS;
    struct dg **at = dg_bucket(g, guest, dest);
    d->chain = *at;
    *at = d;
    dg_age_in(d);
    g->counts.udp++;
    g->idle.cb = dg_on_idle;
    g->idle.ctx = g;
    if (!g->idle.armed || time_lt(dg_expiry(d), g->idle.at))
        dg_arm(g);
    return d;
}

void dg_stop(struct gate *g)
{
    for (unsigned i = 0; i < DG_AGES; i++) {
        while (g->age[i].head)
            dg_free(g->age[i].head);
    }
    tern_loop_timer_stop(g->cfg.loop, &g->idle);
}

/* ---- guest to host ---- */

static void dg_unreach(struct gate *g, const struct tern_endpoint *guest,
                       const struct tern_endpoint *dest, int err)
{
    int code = host_unreach_code(err);
    g->counts.datagrams_dropped++;
    if (code >= 0)
        (void)tern_udp_unreach(g->cfg.st, guest, dest, (uint8_t)code, gate_now(g));
}

static struct dg *dg_dial(struct gate *g, const struct tern_endpoint *guest,
                          const struct tern_endpoint *dest)
{
    struct sockaddr_in to = host_dest(g, dest);
    if (g->counts.udp >= g->cfg.max_udp) /* first, for its descriptor's sake */
        dg_evict(g);
    int fd = host_dial(SOCK_DGRAM, 0, &to);
    if (fd < 0) {
        dg_unreach(g, guest, dest, errno);
        return NULL;
    }
    struct dg *d = dg_new(g, DG_OUT, fd, guest, dest);
    if (!d)
        g->counts.datagrams_dropped++;
    return d;
}

static void dg_send(struct dg *d, size_t len)
{
    struct gate *g = d->g;
    const struct sockaddr *to = d->kind == DG_FORWARD ? (const struct sockaddr *)&d->client : NULL;
    socklen_t tolen = to ? sizeof d->client : 0;
    dg_touch(d);
    /* The first error may be the last datagram's: an ICMP that came since. Report it and try on. */
    for (int tries = 0; tries < 2; tries++) {
        if (sendto(d->fd, g->buf, len, MSG_DONTWAIT | MSG_NOSIGNAL, to, tolen) >= 0) {
            g->counts.datagrams_out++;
            return;
        }
        if (d->kind == DG_OUT)
            dg_unreach(g, &d->guest, &d->dest, errno);
    }
}

void dg_from_guest(struct gate *g)
{
    struct tern_endpoint from, to;
    int64_t n;
    while ((n = tern_udp_recvfrom(g->cfg.st, g->udp, g->buf, GATE_BUF, &from, &to)) >= 0) {
        struct dg *d = dg_find(g, false, &from, &to);
        if (!d)
            d = dg_dial(g, &from, &to);
        if (d)
            dg_send(d, (size_t)n);
    }
}

/* ---- host to guest ---- */

/* False when the stack takes no more now. */
static bool dg_to_guest(struct gate *g, const struct dg *d, size_t len)
{
    int r = tern_udp_sendto(g->cfg.st, g->udp, &d->dest, &d->guest, g->buf, len, gate_now(g));
    if (r >= 0)
        g->counts.datagrams_in++;
    else
        g->counts.datagrams_dropped++;
    return r != TERN_EAGAIN;
}

static void dg_on_fd(void *ctx, int fd, uint32_t events)
{
    (void)events;
    struct dg *d = ctx;
    struct gate *g = d->g;
    dg_touch(d);
    for (int i = 0; i < DG_BURST; i++) {
        ssize_t n = recv(fd, g->buf, GATE_BUF, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (d->kind == DG_PING) {
            if (n >= 0)
                ping_reply(d, g->buf, (size_t)n);
        } else if (n < 0) {
            dg_unreach(g, &d->guest, &d->dest, errno);
        } else if (!dg_to_guest(g, d, (size_t)n)) {
            return;
        }
    }
}

/* ---- a forwarded port's clients ---- */

static struct dg *dg_client(struct forward *fw, const struct sockaddr_in *client)
{
    struct gate *g = fw->g;
    const struct tern_endpoint guest = {.addr = g->cfg.guest, .port = fw->cfg.guest_port};
    struct tern_endpoint self = {.addr = g->cfg.self, .port = ntohs(client->sin_port)};
    /* Few clients share a number: two behind different addresses, or one that the guest talks to.
     */
    for (unsigned tries = 0; tries < 64; tries++, self.port++) {
        if (self.port == 0)
            self.port = 1024;
        struct dg *d = dg_find(g, false, &guest, &self);
        if (!d) {
            d = dg_new(g, DG_FORWARD, fw->fd, &guest, &self);
            if (d)
                d->client = *client;
            return d;
        }
        if (d->kind == DG_FORWARD && d->fd == fw->fd && d->client.sin_port == client->sin_port &&
            d->client.sin_addr.s_addr == client->sin_addr.s_addr)
            return d;
    }
    return NULL;
}

void dg_from_client(struct forward *fw, const struct sockaddr_in *client, size_t len)
{
    struct gate *g = fw->g;
    struct dg *d = dg_client(fw, client);
    if (!d) {
        g->counts.datagrams_dropped++;
        return;
    }
    dg_touch(d);
    (void)dg_to_guest(g, d, len);
}
