/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate/dial.c: from a guest's SYN to the answer it deserves.
 *
 * The stack holds the SYN unanswered while the host's connect(2) is under way, so the guest's
 * handshake ends when the real one has: refused is RST, unreachable and prohibited are their ICMP
 * errors, no answer is no answer, and the guest's connect() takes as long as the real one.
 */
#include "base/time.h"
#include "gate/inner.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define STALE_MS 120000 /* an answered SYN without its ACK: longer than any SYN-ACK is repeated */

static void dial_answer(struct gate *g, struct tern_sock half, enum tern_answer answer)
{
    /* The record may have gone meanwhile: then there is nobody to tell. */
    (void)tern_tcp_answer(g->cfg.st, half, answer, gate_now(g));
}

void dial_syn(struct gate *g, const struct tern_event *ev)
{
    if (g->flows.dialing >= g->cfg.max_pending || !g->flows.free) {
        g->counts.syn_over++;
        dial_answer(g, ev->sock, TERN_ANSWER_SILENCE);
        return;
    }
    struct sockaddr_in to = host_dest(g, &ev->local);
    g->counts.dials++;
    int fd = host_dial(SOCK_STREAM, 0, &to);
    if (fd < 0) {
        g->counts.dials_failed++;
        dial_answer(g, ev->sock, host_answer(errno));
        return;
    }
    struct flow *f = flow_new(&g->flows, FLOW_DIALING, fd);
    if (!f) {
        (void)close(fd);
        dial_answer(g, ev->sock, TERN_ANSWER_SILENCE);
        return;
    }
    f->sock = ev->sock;
    f->guest = ev->remote;
    f->dest = ev->local;
}

/* Whoever asked for a connection and let our SYN-ACKs time out does not get it any more. */
static void dial_stale(void *ctx)
{
    struct gate *g = ctx;
    struct tern_time next = TERN_NEVER;
    struct flow *f = g->flows.waiting;
    while (f) {
        struct flow *after = f->next;
        struct tern_time end = time_add_ms(f->since, STALE_MS);
        if (f->state == FLOW_ANSWERED && time_le(end, gate_now(g)))
            flow_reset_host(f);
        else if (f->state == FLOW_ANSWERED)
            next = time_min(next, end);
        f = after;
    }
    tern_loop_timer_set(g->cfg.loop, &g->stale, next);
}

void dial_done(struct flow *f)
{
    struct gate *g = flow_gate(f);
    int err = host_dialed(f->fd);
    if (err) {
        struct tern_sock half = f->sock;
        int fd = f->fd;
        g->counts.dials_failed++;
        flow_free(f);
        (void)close(fd);
        dial_answer(g, half, host_answer(err));
        return;
    }
    flow_move(f, FLOW_ANSWERED);
    f->since = gate_now(g);
    g->stale.cb = dial_stale;
    g->stale.ctx = g;
    if (!g->stale.armed)
        tern_loop_timer_set(g->cfg.loop, &g->stale, time_add_ms(f->since, STALE_MS));
    if (tern_tcp_answer(g->cfg.st, f->sock, TERN_ANSWER_ACCEPT, gate_now(g)) != 0) {
        f->sock = (struct tern_sock){0};
        flow_reset_host(f);
    }
}

void dial_gone(struct gate *g, const struct tern_event *ev)
{
    for (struct flow *f = g->flows.waiting; f; f = f->next) {
        if (f->sock.id == ev->sock.id) {
            f->sock = (struct tern_sock){0};
            flow_reset_host(f);
            return;
        }
    }
}

static struct flow *dial_find(struct gate *g, struct tern_sock conn)
{
    struct tern_endpoint local, remote;
    if (tern_sockname(g->cfg.st, conn, &local) != 0 || tern_peername(g->cfg.st, conn, &remote) != 0)
        return NULL;
    for (struct flow *f = g->flows.waiting; f; f = f->next) {
        if (f->state == FLOW_ANSWERED && gate_same_end(&f->guest, &remote) &&
            gate_same_end(&f->dest, &local))
            return f;
    }
    return NULL;
}

void dial_accept(struct gate *g)
{
    struct tern_sock conn;
    while (tern_tcp_accept(g->cfg.st, g->listener, &conn) == 0) {
        struct flow *f = dial_find(g, conn);
        if (f)
            (void)flow_open(f, conn);
        else
            (void)tern_tcp_abort(g->cfg.st, conn, gate_now(g));
    }
}
