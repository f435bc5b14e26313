/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/world.c: the clock, the wire and the two hosts' loops.
 *
 * At each instant both hosts do whatever they can until neither can do more; then the clock jumps
 * to the nearest deadline of a stack, a link or an application. Nothing reads a real clock.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_MAX  2000000u             /* at one instant; more is a livelock */
#define FRAMES_MAX 4000000u             /* of one run */
#define LIMIT_US   INT64_C(43200000000) /* twelve hours of virtual time */

void sim_fail(struct sim_world *w, const char *fmt, ...)
{
    if (w->why[0])
        return;
    int n = snprintf(w->why, sizeof w->why, "at %.6f s: ", (double)sim_us(w) / 1e6);
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(w->why + n, sizeof w->why - (size_t)n, fmt, ap);
    va_end(ap);
}

struct tern_addr sim_addr(unsigned host)
{
    return (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 77, 0, (uint8_t)(1 + host)}};
}

int64_t sim_us(const struct sim_world *w)
{
    return (w->now.ns - w->epoch.ns) / 1000;
}

/* ---- making ---- */

static bool host_listen(struct sim_world *w, unsigned h)
{
    struct sim_host *host = &w->host[h];
    struct tern_endpoint local = {.port = SIM_PORT};
    uint32_t flags = w->plan->hold ? TERN_LISTEN_HOLD : 0;
    int r = tern_tcp_listen(host->st, &local, w->plan->backlog, flags, &host->listener);
    if (r == TERN_ENOBUFS && w->plan->fail_take) /* an error changes nothing: the same call again */
        r = tern_tcp_listen(host->st, &local, w->plan->backlog, flags, &host->listener);
    if (r == TERN_ENOBUFS && w->plan->fail_take && w->plan->fail_persist) {
        host->listener.id = 0;
        return true;
    }
    if (r == TERN_OK)
        r = tern_setuser(host->st, host->listener, SIM_LISTENERS | h);
    if (r != TERN_OK)
        sim_fail(w, "host %u: tern_tcp_listen: %s", h, tern_strerror(r));
    return r == TERN_OK;
}

static bool host_open(struct sim_world *w, unsigned h, uint64_t life)
{
    const struct sim_plan *p = w->plan;
    struct sim_host *host = &w->host[h];
    struct tern_config cfg = p->cfg;
    char why[TERN_WHY];
    tern_seed_from(cfg.seed, p->seed * 4 + h + life * UINT64_C(0x100000000));
    host->st = tern_stack_new(&cfg, w->now, why);
    if (!host->st) {
        sim_fail(w, "host %u: %s", h, why);
        return false;
    }
    struct tern_iface_config ic = {
        .link = host->port->link,
        .mac = {2, 0, 0, 0, 0, (uint8_t)(1 + h)},
        .tx_csum = host->port->tx_csum,
        .mtu = host->port->mtu,
        .gso_max = host->port->gso_max,
        .addr = {{.addr = sim_addr(h), .prefix = 24}},
    };
    if (p->fail_host == (int)h && p->fail_take)
        (void)tern_stack_fail_take(host->st, p->fail_take, p->fail_persist);
    host->iface = tern_iface_add(host->st, &ic);
    if (host->iface < 0) {
        sim_fail(w, "host %u: tern_iface_add: %s", h, tern_strerror(host->iface));
        return false;
    }
    if (!host_listen(w, h))
        return false;
    host->udp = (struct sim_udp){0};
    host->can_accept = false;
    host->up = true;
    if (p->udp_count)
        dgram_open(w, h);
    return !w->why[0];
}

static bool world_open(struct sim_world *w)
{
    const struct sim_plan *p = w->plan;
    char why[TERN_WHY];
    struct tern_port *end[2];
    if (tern_wire_new(p->mtu, p->gso_max, 256, &end[0], &end[1], why)) {
        sim_fail(w, "%s", why);
        return false;
    }
    for (unsigned h = 0; h < 2; h++) {
        w->host[h].port = end[h];
        if (p->impaired && tern_impair_new(end[h], &p->imp[h], NULL, &w->host[h].port, why))
            sim_fail(w, "%s", why);
        w->host[h].port->note = watch_note;
        w->host[h].port->note_ctx = w;
    }
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++)
            w->end[i][s] = (struct sim_end){.plan = &p->flow[i].side[s], .flow = i, .side = s};
    }
    return !w->why[0] && host_open(w, 0, 0) && host_open(w, 1, 0);
}

static void world_close(struct sim_world *w)
{
    for (unsigned h = 0; h < 2; h++) {
        if (w->host[h].port)
            w->host[h].port->ops->close(w->host[h].port);
        tern_stack_free(w->host[h].st);
        watch_free(&w->host[h].watch);
    }
}

/* ---- one host, one turn ---- */

/* What arrives at a host that is unplugged, or over a wire that is cut, is gone. */
static bool host_rx(struct sim_world *w, unsigned h)
{
    struct sim_host *host = &w->host[h];
    struct tern_frame fr[TERN_PORT_BATCH];
    size_t n = host->port->ops->rx(host->port, fr, w->plan->batch, w->now);
    if (n == 0)
        return false;
    w->frames += n;
    if (host->up && !w->cut) {
        tern_rx(host->st, host->iface, fr, n, w->now);
        watch_drain(w, h);
    }
    return true;
}

static bool host_tx(struct sim_world *w, unsigned h)
{
    struct sim_host *host = &w->host[h];
    struct tern_frame fr[TERN_PORT_BATCH];
    bool pending = tern_tx_pending(host->st, host->iface);
    size_t n = host->port->ops->tx_get(host->port, fr, w->plan->batch, w->now);
    size_t k = tern_tx(host->st, host->iface, fr, n, w->now);
    for (size_t i = 0; i < k; i++) {
        if (fr[i].len == 0 || fr[i].len > fr[i].cap || fr[i].id == 0)
            sim_fail(w, "host %u: frame %u of %u octets (room for %u)", h, fr[i].id, fr[i].len,
                     fr[i].cap);
    }
    host->port->ops->tx_put(host->port, fr, k, w->now);
    watch_drain(w, h);
    if (k > 0 && !pending)
        sim_fail(w, "host %u: tern_tx_pending said no, and tern_tx built %zu frames", h, k);
    return k > 0;
}

static bool host_events(struct sim_world *w, unsigned h)
{
    struct tern_event ev;
    bool any = false;
    while (!w->why[0] && tern_event_next(w->host[h].st, &ev)) {
        any = true;
        app_event(w, h, &ev);
    }
    return any;
}

static bool host_turn(struct sim_world *w, unsigned h)
{
    struct sim_host *host = &w->host[h];
    bool any = host_rx(w, h);
    if (!host->up || w->why[0])
        return any;
    if (tern_deadline(host->st).ns <= w->now.ns) {
        tern_tick(host->st, w->now);
        watch_drain(w, h);
    }
    /* Some programs look at their events before the link gets its frames, some after. */
    bool late = prng_below(&w->rng, 4) == 0;
    if (late)
        any |= host_tx(w, h);
    any |= host_events(w, h);
    any |= app_run(w, h);
    if (w->plan->udp_count)
        any |= dgram_run(w, h);
    if (w->plan->hold && !w->closing)
        any |= hold_run(w, h);
    if (!late && !w->why[0])
        any |= host_tx(w, h);
    return any;
}

/* ---- planned accidents ---- */

static void accident_host(struct sim_world *w, uint64_t us)
{
    const struct sim_plan *p = w->plan;
    struct sim_host *host = &w->host[p->die_host];
    if (host->up && us >= p->cut_us && (!p->reboot_us || us < p->reboot_us)) {
        host->up = false;
        app_lose_host(w, (unsigned)p->die_host);
    }
    if (host->up || !p->reboot_us || us < p->reboot_us)
        return;
    tern_stack_free(host->st);
    host->st = NULL;
    watch_free(&host->watch);
    (void)host_open(w, (unsigned)p->die_host, 1);
}

static void accidents(struct sim_world *w)
{
    const struct sim_plan *p = w->plan;
    uint64_t us = (uint64_t)sim_us(w);
    if (w->closing)
        return;
    if (p->die_host >= 0)
        accident_host(w, us);
    if (p->uncut_us)
        w->cut = us >= p->cut_us && us < p->uncut_us;
    if (p->fail_host < 0 || !p->fail_until_us || us < p->fail_until_us)
        return;
    if (p->fail_abort)
        app_abort_all(w);
    else
        w->takes += tern_stack_fail_take(w->host[p->fail_host].st, 0, false);
}

/* The next planned accident after now. */
static int64_t accident_ns(const struct sim_world *w)
{
    const struct sim_plan *p = w->plan;
    const uint64_t at[] = {p->die_host >= 0 || p->uncut_us ? p->cut_us : 0, p->reboot_us,
                           p->uncut_us, p->fail_until_us};
    int64_t t = INT64_MAX;
    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        int64_t ns = w->epoch.ns + (int64_t)at[i] * 1000;
        if (at[i] && ns > w->now.ns && ns < t)
            t = ns;
    }
    return t;
}

/* ---- the clock ---- */

static int64_t next_ns(struct sim_world *w)
{
    int64_t t = accident_ns(w);
    for (unsigned h = 0; h < 2; h++) {
        struct sim_host *host = &w->host[h];
        int64_t d[5] = {host->port->ops->deadline(host->port).ns, INT64_MAX, INT64_MAX, INT64_MAX,
                        INT64_MAX};
        if (host->up) {
            d[1] = tern_deadline(host->st).ns;
            d[2] = app_deadline(w, h).ns;
            d[3] = w->plan->udp_count ? dgram_deadline(w, h).ns : INT64_MAX;
            d[4] = w->plan->hold ? hold_deadline(w, h).ns : INT64_MAX;
        }
        for (unsigned i = 0; i < 5; i++)
            t = d[i] < t ? d[i] : t;
    }
    return t;
}

static bool instant(struct sim_world *w)
{
    uint32_t turns = 0;
    bool any;
    accidents(w);
    do {
        unsigned first = prng_below(&w->rng, 2);
        any = host_turn(w, first);
        if (!w->why[0])
            any |= host_turn(w, 1 - first);
        /* An impairment hands its frames on to the wire when it is looked at, and a stack's
         * deadline may be early: once more, then. */
        for (unsigned h = 0; h < 2; h++) {
            any |= w->host[h].port->ops->deadline(w->host[h].port).ns <= w->now.ns;
            any |= w->host[h].up && tern_deadline(w->host[h].st).ns <= w->now.ns;
        }
        if (++turns > TURNS_MAX || w->frames > FRAMES_MAX)
            sim_fail(w, "livelock: %u turns at one instant, %llu frames in all", turns,
                     (unsigned long long)w->frames);
    } while (any && !w->why[0]);
    return !w->why[0];
}

static bool usage_zero(const struct tern_stack *st, struct tern_usage *u)
{
    tern_stack_usage(st, u);
    return !u->conns && !u->half_open && !u->time_wait && !u->listeners && !u->udp && !u->ooo &&
           !u->answers && !u->buf_bytes;
}

static bool at_rest(const struct sim_world *w)
{
    struct tern_usage u;
    return (!w->host[0].up || usage_zero(w->host[0].st, &u)) &&
           (!w->host[1].up || usage_zero(w->host[1].st, &u));
}

static void close_listeners(struct sim_world *w)
{
    w->closing = true;
    for (unsigned h = 0; h < 2; h++) {
        struct sim_host *host = &w->host[h];
        if (!host->up)
            continue;
        int r = host->listener.id ? tern_close(host->st, host->listener, w->now) : TERN_OK;
        if (r == TERN_OK && host->udp.sock.id)
            r = tern_close(host->st, host->udp.sock, w->now);
        if (r != TERN_OK)
            sim_fail(w, "host %u: closing a listener or UDP port: %s", h, tern_strerror(r));
    }
}

static void stuck(struct sim_world *w, const char *how)
{
    for (uint32_t i = 0; i < w->plan->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            const struct sim_end *e = &w->end[i][s];
            bool waits = w->end[i][0].state == SE_DONE && sim_flow_strict(w->plan, i);
            if (e->state == SE_DONE || (e->state == SE_NONE && !waits))
                continue;
            struct tern_info in = {0};
            if (e->state != SE_NONE)
                (void)tern_inspect(w->host[e->plan->host].st, e->sock, &in, w->now);
            sim_fail(w,
                     "%s: flow %u end %u on host %u (state %u, %s, #%u): wrote %llu of %u, read "
                     "%llu, eof %d, shut %d, sndq %llu, rcvq %llu",
                     how, i, s, e->plan->host, e->state, tern_tcp_state_name(in.state), in.serial,
                     (unsigned long long)e->tx, e->plan->tx_total, (unsigned long long)e->rx,
                     e->eof, e->shut, (unsigned long long)in.sndq, (unsigned long long)in.rcvq);
        }
    }
    struct tern_usage u;
    for (unsigned h = 0; h < 2; h++) {
        if (w->host[h].up && !usage_zero(w->host[h].st, &u))
            sim_fail(w,
                     "%s: host %u still holds: conns %u, half-open %u, TIME-WAIT %u, listeners %u, "
                     "udp %u, ooo %u, answers %u, buffers %llu",
                     how, h, u.conns, u.half_open, u.time_wait, u.listeners, u.udp, u.ooo,
                     u.answers, (unsigned long long)u.buf_bytes);
    }
    sim_fail(w, "%s", how);
}

static bool all_done(const struct sim_world *w)
{
    return app_all_done(w) && (!w->plan->udp_count || (dgram_done(w, 0) && dgram_done(w, 1)));
}

/* Runs until nothing is in use. */
static void play(struct sim_world *w)
{
    uint32_t n = 0;
    while (instant(w)) {
        if (!w->closing && all_done(w)) {
            close_listeners(w);
            continue;
        }
        if (w->closing && at_rest(w))
            return;
        if ((n++ & 15) == 0) {
            for (unsigned h = 0; h < 2; h++) {
                if (w->host[h].up)
                    watch_inspect(w, h);
            }
        }
        int64_t t = next_ns(w);
        if (t == INT64_MAX) {
            stuck(w, "nothing is due any more");
            return;
        }
        if (t <= w->now.ns) {
            stuck(w, "a deadline has passed, and nothing happens");
            return;
        }
        w->now.ns = t + (int64_t)prng_below(&w->rng, w->plan->tardy_us + 1) * 1000;
        if (sim_us(w) > LIMIT_US) {
            stuck(w, "not finished after twelve hours");
            return;
        }
    }
}

bool sim_run(struct sim_world *w, const struct sim_plan *p, bool verbose)
{
    memset(w, 0, sizeof *w);
    w->plan = p;
    w->verbose = verbose;
    prng_init(&w->rng, p->seed ^ UINT64_C(0x51b0));
    w->now.ns = 1000000000 + (int64_t)prng_below(&w->rng, 1000000000);
    w->epoch = w->now;
    if (world_open(w)) {
        play(w);
        if (p->fail_host >= 0 && !w->why[0])
            w->takes += tern_stack_fail_take(w->host[p->fail_host].st, 0, false);
        if (!w->why[0])
            app_judge(w);
        for (unsigned h = 0; h < 2 && !w->why[0]; h++) {
            if (w->host[h].up)
                watch_rest(w, h);
        }
    }
    world_close(w);
    return !w->why[0];
}
