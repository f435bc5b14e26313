/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/gate.h"

#include "base/assert.h"
#include "gate/inner.h"
#include "port/why.h"

#include <stdlib.h>

#define DEFAULT_PENDING 256
#define DEFAULT_TCP     4096
#define DEFAULT_UDP     512

static void gate_defaults(struct gate_config *c)
{
    if (c->max_pending == 0)
        c->max_pending = DEFAULT_PENDING;
    if (c->max_tcp == 0)
        c->max_tcp = DEFAULT_TCP;
    if (c->max_udp == 0)
        c->max_udp = DEFAULT_UDP;
}

/* The stack's side: a listener and a UDP port for everything. */
static int gate_open(struct gate *g, char *why)
{
    struct tern_stack *st = g->cfg.st;
    const struct tern_endpoint any = {.port = 0};
    int r = tern_tcp_listen(st, &any, g->cfg.max_pending, TERN_LISTEN_HOLD | TERN_LISTEN_ANY,
                            &g->listener);
    if (r == 0)
        r = tern_udp_open(st, &any, TERN_UDP_ANY, &g->udp);
    if (r != 0) {
        why_set(why, "gateway: its stack does not listen: %s", tern_strerror(r));
        return -1;
    }
    tern_echo_events(st, true);
    return 0;
}

int gate_start(const struct gate_config *cfg, struct gate **out, char *why)
{
    tern_assert(cfg->loop && cfg->st && cfg->nforward <= GATE_FORWARDS);
    struct gate *g = calloc(1, sizeof *g);
    if (g) {
        g->cfg = *cfg;
        gate_defaults(&g->cfg);
        g->flows = (struct flow_table){.loop = cfg->loop,
                                       .st = cfg->st,
                                       .max = g->cfg.max_tcp,
                                       .owner = g,
                                       .dialed = dial_done,
                                       .called = forward_called};
    }
    if (!g || flow_table_init(&g->flows) < 0) {
        why_set(why, "gateway: out of memory");
        free(g);
        return -1;
    }
    dg_init(g);
    int r = gate_open(g, why);
    for (unsigned i = 0; r == 0 && i < cfg->nforward; i++)
        r = forward_start(g, &cfg->forward[i], why);
    if (r != 0) {
        gate_free(g);
        return -1;
    }
    *out = g;
    return 0;
}

void gate_on_event(void *ctx, const struct tern_event *ev)
{
    struct gate *g = ctx;
    if (ev->bits & TERN_EV_ECHO) {
        ping_request(g, ev);
        return;
    }
    if (ev->bits & TERN_EV_SYN_GONE) {
        dial_gone(g, ev);
        return;
    }
    if (ev->bits & TERN_EV_SYN) {
        dial_syn(g, ev);
        return;
    }
    if (ev->sock.id == g->udp.id) {
        dg_from_guest(g);
        return;
    }
    if (ev->sock.id == g->listener.id) {
        dial_accept(g);
        return;
    }
    struct flow *f = flow_of_user(&g->flows, ev->user);
    if (f && f->sock.id == ev->sock.id)
        flow_on_event(f, ev);
}

bool gate_busy(const struct gate *g)
{
    return g->flows.held > 0;
}

void gate_counts(const struct gate *g, struct gate_counts *out)
{
    *out = g->counts;
    out->tcp = g->flows.held;
    out->pending = g->flows.dialing;
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
    for (struct flow *f = g->flows.waiting; f; f = f->next) {
        (void)tern_tcp_answer(g->cfg.st, f->sock, TERN_ANSWER_SILENCE, gate_now(g));
        f->sock = (struct tern_sock){0};
    }
    flow_table_free(&g->flows);
    tern_loop_timer_stop(g->cfg.loop, &g->stale);
    dg_stop(g);
    for (unsigned i = 0; i < g->nforward; i++)
        forward_stop(&g->forward[i]);
    if (g->listener.id)
        (void)tern_close(g->cfg.st, g->listener, gate_now(g));
    if (g->udp.id)
        (void)tern_close(g->cfg.st, g->udp, gate_now(g));
    tern_echo_events(g->cfg.st, false);
    free(g);
}
