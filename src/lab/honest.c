/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/honest.c: the clients: each connects, sends an octet, waits for one, and goes with a reset so
 * that no TIME-WAIT is left. What counts is the server's octet: a handshake that only the client
 * believes in (a cookie that was lost) is no success.
 */
#include "lab/inner.h"

#include "base/assert.h"
#include "port/why.h"

#include <stdlib.h>
#include <string.h>
#include <tern/event.h>
#include <tern/loop.h>

struct call {
    struct tern_sock sock;
    int64_t began, took; /* ns; took 0 = not done */
};

static const uint8_t self[4] = {10, 9, 0, 1};

bool honest_is(const uint8_t addr[4])
{
    return memcmp(addr, self, sizeof self) == 0;
}

int honest_open(struct honest *h, const struct lab_config *cfg, struct tern_time now, char *why)
{
    memset(h, 0, sizeof *h);
    h->zero = now.ns;
    h->rate = cfg->honest;
    h->ncall = cfg->honest * cfg->seconds;
    h->call = calloc(h->ncall, sizeof *h->call);
    if (!h->call) {
        why_set(why, "out of memory: fewer honest connects, or less time");
        return -1;
    }
    memset(h->call, 0xff, h->ncall * sizeof *h->call); /* touched now, not as the row goes on */
    memset(h->call, 0, h->ncall * sizeof *h->call);
    h->st = lab_stack(cfg->seed, 1, false, now, why);
    return h->st ? 0 : -1;
}

static void honest_start(struct honest *h, struct tern_time now)
{
    const struct tern_endpoint to = {.addr = {.fam = TERN_AF_IP4, .b = {10, 9, 0, 2}},
                                     .port = LAB_PORT};
    struct call *c = &h->call[h->started++];
    /* Due then; begun later, because the server had no time for it, it has waited already. */
    c->began = h->zero + (int64_t)(h->started - 1) * 1000000000 / h->rate;
    if (tern_tcp_connect(h->st, NULL, &to, &c->sock, now) != 0)
        return;
    (void)tern_setuser(h->st, c->sock, h->started);
    (void)tern_tcp_send(h->st, c->sock, "?", 1, 0, now);
}

static void honest_event(struct honest *h, const struct tern_event *ev, struct tern_time now)
{
    uint8_t octet;
    if (ev->user == 0 || ev->user > h->started)
        return;
    struct call *c = &h->call[ev->user - 1];
    if (c->sock.id != ev->sock.id)
        return;
    if ((ev->bits & TERN_EV_READABLE) && tern_tcp_recv(h->st, c->sock, &octet, 1, now) == 1)
        c->took = now.ns - c->began + 1;
    else if (!(ev->bits & TERN_EV_CLOSED))
        return;
    (void)tern_tcp_abort(h->st, c->sock, now);
    c->sock = (struct tern_sock){0};
}

void honest_turn(struct honest *h, uint32_t due, struct tern_time now)
{
    struct tern_event ev;
    if (tern_deadline(h->st).ns <= now.ns)
        tern_tick(h->st, now);
    while (tern_event_next(h->st, &ev))
        honest_event(h, &ev, now);
    while (h->started < due && h->started < h->ncall)
        honest_start(h, now);
}

size_t honest_tx(struct honest *h, struct tern_frame *f, struct tern_time now)
{
    if (!tern_tx_pending(h->st, 0))
        return 0;
    for (unsigned i = 0; i < LAB_BATCH; i++)
        f[i] = (struct tern_frame){.data = h->buf[i], .cap = sizeof h->buf[i]};
    return tern_tx(h->st, 0, f, LAB_BATCH, now);
}

static int honest_order(const void *a, const void *b)
{
    const struct call *x = a, *y = b;
    return (x->took > y->took) - (x->took < y->took);
}

void honest_result(struct honest *h, struct lab_row *row)
{
    qsort(h->call, h->started, sizeof *h->call, honest_order);
    uint32_t lost = 0;
    while (lost < h->started && h->call[lost].took == 0)
        lost++;
    uint32_t n = h->started - lost;
    row->tried = h->started;
    row->done = n;
    if (n > 0) {
        uint32_t median = lost + n / 2, p99 = lost + (n - 1) * 99 / 100;
        row->median_ms = (double)h->call[median].took * 1e-6;
        row->p99_ms = (double)h->call[p99].took * 1e-6;
    }
}
