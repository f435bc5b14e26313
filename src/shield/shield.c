/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shield/shield.c: from a completed handshake to a joined pair of connections.
 *
 * The server's host hears of a client only when the client has proved its address: a forged SYN is
 * answered by the stack's listener (a record or a cookie, as its policy says) and costs the server
 * nothing. The price: a client whose server turns out to be down sees its connection open and then
 * reset. Sequence numbers, MSS and window scale of the two sides have nothing to do with each
 * other, so there is nothing to be matched by hand.
 *
 * When dials or connections are at their limit, clients stay in the accept queue, which fills, and
 * then the listener's policy for a full queue applies: back pressure, no reset.
 *
 * gate/flow.c carries the octets, the half-closes and the resets, both ways.
 */
#include "shield/shield.h"

#include "base/assert.h"
#include "gate/flow.h"
#include "gate/host.h"
#include "port/why.h"
#include "shield/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_BACKLOG 1024
#define DEFAULT_CONNS   4096
#define DEFAULT_PENDING 256

struct shield {
    struct shield_config cfg;
    struct tern_sock listener[SHIELD_SERVICES];
    struct flow_table flows;
    struct tern_loop_timer again; /* there is room: look into the accept queues */
    struct shield_counts counts;
};

/* ---- the server's side ---- */

/* Whom to name to the server; a short write of so little into an empty socket is its end. */
static bool shield_introduce(const struct shield *s, const struct flow *f)
{
    uint8_t head[PROXY_V2_MAX];
    if (!s->cfg.proxy)
        return true;
    size_t n = proxy_v2(head, &f->guest, &f->dest);
    return n > 0 && send(f->fd, head, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n;
}

static void shield_dialed(struct flow *f)
{
    struct shield *s = f->t->owner;
    if (host_dialed(f->fd) != 0 || !shield_introduce(s, f)) {
        s->counts.refused++;
        flow_reset_guest(f);
        return;
    }
    (void)flow_open(f, f->sock);
    if (s->flows.dialing + 1 == s->cfg.max_pending)
        tern_loop_timer_set(s->cfg.loop, &s->again, tern_loop_now(s->cfg.loop));
}

static void shield_dial(struct shield *s, unsigned service, struct tern_sock conn)
{
    struct tern_stack *st = s->cfg.st;
    struct sockaddr_in to = host_addr(&s->cfg.service[service].host);
    struct tern_endpoint client, local;
    s->counts.accepted++;
    int fd = -1;
    if (tern_peername(st, conn, &client) == 0 && tern_sockname(st, conn, &local) == 0)
        fd = host_dial(SOCK_STREAM, 0, &to);
    struct flow *f = fd >= 0 ? flow_new(&s->flows, FLOW_DIALING, fd) : NULL;
    if (!f) {
        s->counts.refused++;
        if (fd >= 0)
            (void)close(fd);
        (void)tern_tcp_abort(st, conn, tern_loop_now(s->cfg.loop));
        return;
    }
    f->sock = conn;
    f->guest = client;
    f->dest = local;
    (void)tern_setuser(st, conn, flow_user(f));
}

/* ---- the clients' side ---- */

static bool shield_room(const struct shield *s)
{
    return s->flows.free && s->flows.dialing < s->cfg.max_pending;
}

static void shield_accept(struct shield *s, unsigned service)
{
    struct tern_sock conn;
    while (shield_room(s) && tern_tcp_accept(s->cfg.st, s->listener[service], &conn) == 0)
        shield_dial(s, service, conn);
}

static void shield_accept_all(void *ctx)
{
    struct shield *s = ctx;
    for (unsigned i = 0; i < s->cfg.nservice; i++)
        shield_accept(s, i);
}

/* Called in the midst of a flow's end: the queues are looked at from the loop. */
static void shield_freed(struct flow_table *t)
{
    struct shield *s = t->owner;
    tern_loop_timer_set(s->cfg.loop, &s->again, tern_loop_now(s->cfg.loop));
}

void shield_on_event(void *ctx, const struct tern_event *ev)
{
    struct shield *s = ctx;
    for (unsigned i = 0; i < s->cfg.nservice; i++) {
        if (s->listener[i].id == ev->sock.id) {
            shield_accept(s, i);
            return;
        }
    }
    struct flow *f = flow_of_user(&s->flows, ev->user);
    if (!f || f->sock.id != ev->sock.id)
        return;
    if (f->state == FLOW_DIALING && (ev->bits & TERN_EV_CLOSED) && ev->err != 0)
        flow_reset_host(f); /* a client that resets does not wait for the server */
    else
        flow_on_event(f, ev);
}

/* ---- life ---- */

static int shield_listen(struct shield *s, unsigned i, char *why)
{
    const struct tern_endpoint at = {.addr = s->cfg.addr, .port = s->cfg.service[i].port};
    int r = tern_tcp_listen(s->cfg.st, &at, s->cfg.backlog, 0, &s->listener[i]);
    if (r == 0)
        r = tern_listener_policy(s->cfg.st, s->listener[i], &s->cfg.policy);
    if (r != 0)
        why_set(why, "port %u: the stack does not listen: %s", (unsigned)at.port,
                r == TERN_EADDRINUSE ? "given twice: leave one out" : tern_strerror(r));
    return r;
}

static void shield_defaults(struct shield_config *c)
{
    if (c->backlog == 0)
        c->backlog = DEFAULT_BACKLOG;
    if (c->max_conns == 0)
        c->max_conns = DEFAULT_CONNS;
    if (c->max_pending == 0)
        c->max_pending = DEFAULT_PENDING;
}

int shield_start(const struct shield_config *cfg, struct shield **out, char *why)
{
    tern_assert(cfg->loop && cfg->st && cfg->nservice > 0 && cfg->nservice <= SHIELD_SERVICES);
    struct shield *s = calloc(1, sizeof *s);
    if (s) {
        s->cfg = *cfg;
        shield_defaults(&s->cfg);
        s->again = (struct tern_loop_timer){.cb = shield_accept_all, .ctx = s};
        s->flows = (struct flow_table){.loop = cfg->loop,
                                       .st = cfg->st,
                                       .max = s->cfg.max_conns,
                                       .owner = s,
                                       .dialed = shield_dialed,
                                       .freed = shield_freed};
    }
    if (!s || flow_table_init(&s->flows) < 0) {
        why_set(why, "out of memory: lower --max-conns");
        free(s);
        return -1;
    }
    for (unsigned i = 0; i < cfg->nservice; i++) {
        if (shield_listen(s, i, why) != 0) {
            shield_free(s);
            return -1;
        }
    }
    *out = s;
    return 0;
}

void shield_free(struct shield *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->cfg.nservice; i++) {
        if (s->listener[i].id)
            (void)tern_close(s->cfg.st, s->listener[i], tern_loop_now(s->cfg.loop));
    }
    flow_table_free(&s->flows);
    if (s->again.armed)
        tern_loop_timer_stop(s->cfg.loop, &s->again);
    free(s);
}

/* ---- looking ---- */

static bool leg_end(int fd, int (*ask)(int, struct sockaddr *restrict, socklen_t *restrict),
                    char *text, size_t len)
{
    struct sockaddr_in sa = {0};
    socklen_t n = sizeof sa;
    char addr[INET_ADDRSTRLEN];
    if (ask(fd, (struct sockaddr *)&sa, &n) < 0 || sa.sin_family != AF_INET ||
        !inet_ntop(AF_INET, &sa.sin_addr, addr, sizeof addr))
        return false;
    return snprintf(text, len, "%s:%u", addr, (unsigned)ntohs(sa.sin_port)) < (int)len;
}

bool shield_leg(struct shield *s, struct tern_sock sock, char *text, size_t len)
{
    char from[32], to[32];
    for (const struct flow *f = s->flows.active; f; f = f->next) {
        if (f->sock.id == sock.id)
            return leg_end(f->fd, getsockname, from, sizeof from) &&
                   leg_end(f->fd, getpeername, to, sizeof to) &&
                   snprintf(text, len, "%s>%s", from, to) < (int)len;
    }
    return false;
}

void shield_counts(const struct shield *s, struct shield_counts *out)
{
    *out = s->counts;
    out->open = s->flows.held;
    out->pending = s->flows.dialing;
}
