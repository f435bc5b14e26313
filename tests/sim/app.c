/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/app.c: the applications at both ends of each flow, and the verdict on what they saw.
 *
 * An end acts on what events told it: can_read and can_write are set by an event and cleared by
 * TERN_EAGAIN, as an edge-triggered program does it. Time only serves what the plan asks for:
 * pauses, gaps between writes, closing at a certain moment.
 */
#include "sim.h"

#include <string.h>

static uint32_t stream_of(const struct sim_end *e, bool sending)
{
    return e->flow * 2 + (sending ? e->side : 1 - e->side);
}

static struct sim_end *peer_of(struct sim_world *w, const struct sim_end *e)
{
    return &w->end[e->flow][1 - e->side];
}

static struct tern_stack *stack_of(struct sim_world *w, const struct sim_end *e)
{
    return w->host[e->plan->host].st;
}

/* ---- leaving ---- */

static void end_done(struct sim_world *w, struct sim_end *e, int err)
{
    e->state = SE_DONE;
    e->err = err;
    int64_t v;
    if (tern_getopt(stack_of(w, e), e->sock, TERN_OPT_RCVQ, &v) != TERN_EBADF)
        sim_fail(w, "flow %u end %u: the handle is still valid after close or abort", e->flow,
                 e->side);
}

static void end_close(struct sim_world *w, struct sim_end *e, int err)
{
    int r = tern_close(stack_of(w, e), e->sock, w->now);
    if (r != TERN_OK)
        sim_fail(w, "flow %u end %u: tern_close: %s", e->flow, e->side, tern_strerror(r));
    end_done(w, e, err);
}

static void end_abort(struct sim_world *w, struct sim_end *e)
{
    int r = tern_tcp_abort(stack_of(w, e), e->sock, w->now);
    if (r != TERN_OK)
        sim_fail(w, "flow %u end %u: tern_tcp_abort: %s", e->flow, e->side, tern_strerror(r));
    e->killed = true;
    end_done(w, e, 0);
}

/* Close or abort at the planned moment. */
static bool end_timed(struct sim_world *w, struct sim_end *e)
{
    if (e->plan->ending < END_CLOSE_AT || w->now.ns < e->end_ns)
        return false;
    if (e->plan->ending == END_ABORT_AT) {
        end_abort(w, e);
    } else {
        e->killed = true;
        e->shut = true;
        end_close(w, e, 0);
    }
    return true;
}

/* ---- opening ---- */

/* Where takes fail on purpose an option may be refused for want of a record; that changes nothing,
 * and the same call again works unless they go on failing: then the default stays. */
static void end_setopt(struct sim_world *w, struct sim_end *e, enum tern_opt opt, int64_t v)
{
    int r = tern_setopt(stack_of(w, e), e->sock, opt, v, w->now);
    if (r == TERN_ENOBUFS && w->plan->fail_take)
        r = tern_setopt(stack_of(w, e), e->sock, opt, v, w->now);
    if (r == TERN_ENOBUFS && w->plan->fail_take && w->plan->fail_persist)
        return;
    if (r != TERN_OK)
        sim_fail(w, "flow %u end %u: option %d to %lld: %s", e->flow, e->side, (int)opt,
                 (long long)v, tern_strerror(r));
}

static void end_options(struct sim_world *w, struct sim_end *e)
{
    const struct sim_side *s = e->plan;
    struct {
        enum tern_opt opt;
        int64_t v;
        bool want;
    } set[] = {
        {TERN_OPT_NODELAY, 1, s->nodelay},
        {TERN_OPT_KEEPIDLE_MS, 8000, s->keepalive},
        {TERN_OPT_KEEPINTVL_MS, 3000, s->keepalive},
        {TERN_OPT_KEEPCNT, 4, s->keepalive},
        {TERN_OPT_KEEPALIVE, 1, s->keepalive},
        {TERN_OPT_USER_TIMEOUT_MS, s->uto_ms, s->uto_ms != 0},
        {TERN_OPT_OOBINLINE, 1, s->urgent},
    };
    for (unsigned i = 0; i < sizeof set / sizeof set[0]; i++)
        if (set[i].want)
            end_setopt(w, e, set[i].opt, set[i].v);
}

static void end_begin(struct sim_world *w, struct sim_end *e)
{
    int r = tern_setuser(stack_of(w, e), e->sock, (uint64_t)e->flow * 2 + e->side + 1);
    if (r != TERN_OK)
        sim_fail(w, "flow %u end %u: tern_setuser: %s", e->flow, e->side, tern_strerror(r));
    e->opened_ns = w->now.ns;
    e->end_ns = w->now.ns + (int64_t)e->plan->end_us * 1000;
    end_options(w, e);
}

static void end_connect(struct sim_world *w, struct sim_end *e)
{
    const struct sim_flow_plan *f = &w->plan->flow[e->flow];
    struct tern_endpoint local = {.addr = sim_addr(e->plan->host)};
    struct tern_endpoint remote = {.addr = sim_addr(f->side[1 - e->side].host), .port = SIM_PORT};
    if (f->simopen) {
        local.port = (uint16_t)(20000 + e->flow * 2 + e->side);
        remote.port = (uint16_t)(20000 + e->flow * 2 + (1 - e->side));
    }
    if (w->plan->wrap) /* the same four numbers in each run, so that time alone moves the first
                          number */
        local.port = (uint16_t)(30000 + e->flow);
    bool named = f->simopen || w->plan->wrap || prng_below(&w->rng, 2);
    int r = tern_tcp_connect(stack_of(w, e), named ? &local : NULL, &remote, &e->sock, w->now);
    if (r < 0) { /* the verdict is app_judge()'s */
        e->state = SE_DONE;
        e->err = r;
        return;
    }
    e->state = SE_OPENING;
    struct tern_info info;
    struct tern_endpoint me;
    if (!tern_inspect(stack_of(w, e), e->sock, &info, w->now) ||
        tern_sockname(stack_of(w, e), e->sock, &me) != TERN_OK) {
        sim_fail(w, "flow %u end %u: a new connection cannot be inspected", e->flow, e->side);
        return;
    }
    e->lport = me.port;
    e->iss = info.iss;
    end_begin(w, e);
    e->can_write = prng_below(&w->rng, 2) != 0; /* what is written in SYN-SENT waits */
}

static struct sim_end *accepted_end(struct sim_world *w, unsigned h,
                                    const struct tern_endpoint *peer, const struct tern_info *info)
{
    for (uint32_t i = 0; i < w->plan->nflows; i++) {
        struct sim_end *c = &w->end[i][0];
        if (w->plan->flow[i].side[1].host == h && c->opened_ns && c->lport == peer->port &&
            (!info || c->iss == info->irs))
            return &w->end[i][1];
    }
    return NULL;
}

void app_accept(struct sim_world *w, unsigned h)
{
    struct sim_host *host = &w->host[h];
    while (host->can_accept && !w->closing && w->now.ns >= host->next_accept_ns && !w->why[0]) {
        struct tern_sock s;
        int r = tern_tcp_accept(host->st, host->listener, &s);
        if (r == TERN_EAGAIN) {
            host->can_accept = false;
            return;
        }
        struct tern_endpoint peer;
        struct tern_info info;
        if (r != TERN_OK || tern_peername(host->st, s, &peer) != TERN_OK) {
            sim_fail(w, "host %u: tern_tcp_accept: %s", h, tern_strerror(r));
            return;
        }
        bool seen = tern_inspect(host->st, s, &info, w->now) && info.state != TERN_TCP_CLOSED;
        struct sim_end *e = accepted_end(w, h, &peer, seen ? &info : NULL);
        if (!e || e->state != SE_NONE) {
            sim_fail(w, "host %u: accepted a connection from port %u that %s", h, peer.port,
                     e ? "was accepted before" : "nobody opened");
            return;
        }
        e->sock = s;
        e->state = SE_OPEN;
        e->can_read = e->can_write = true; /* what came before has no event of its own */
        end_begin(w, e);
        host->next_accept_ns = w->now.ns + (int64_t)w->plan->accept_gap_us * 1000;
    }
}

/* ---- writing ---- */

static void fill(uint8_t *p, uint32_t stream, uint64_t pos, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = sim_octet(stream, pos + i);
}

static int64_t send_no_copy(struct sim_world *w, struct sim_end *e, size_t n, uint32_t flags)
{
    uint8_t *p;
    size_t room;
    struct tern_stack *st = stack_of(w, e);
    int r = tern_tcp_send_space(st, e->sock, n, &p, &room);
    if (r < 0)
        return r;
    if (room == 0) {
        sim_fail(w, "flow %u end %u: tern_tcp_send_space: success, and no room", e->flow, e->side);
        return TERN_EINVAL;
    }
    n = n < room ? n : room;
    fill(p, stream_of(e, true), e->tx, n);
    r = tern_tcp_send_commit(st, e->sock, n, flags, w->now);
    return r < 0 ? r : (int64_t)n;
}

static int64_t send_some(struct sim_world *w, struct sim_end *e)
{
    uint32_t left = e->plan->tx_total - (uint32_t)e->tx;
    uint32_t n = 1 + prng_below(&w->rng, e->plan->wr_max);
    n = n < left ? n : left;
    uint32_t flags = 0;
    if (e->plan->urgent && prng_below(&w->rng, 8) == 0)
        flags |= TERN_SEND_OOB;
    if (e->plan->cork && n < left)
        flags |= TERN_SEND_MORE;
    if (e->plan->no_copy)
        return send_no_copy(w, e, n, flags);
    fill(w->buf, stream_of(e, true), e->tx, n);
    return tern_tcp_send(stack_of(w, e), e->sock, w->buf, n, flags, w->now);
}

static bool may_write(const struct sim_world *w, const struct sim_end *e)
{
    return e->can_write && e->tx < e->plan->tx_total && w->now.ns >= e->next_wr_ns &&
           (!e->plan->tx_after_eof || e->eof);
}

static bool end_write(struct sim_world *w, struct sim_end *e)
{
    bool any = false;
    for (unsigned i = 0; i < 4 && may_write(w, e); i++) {
        int64_t r = send_some(w, e);
        if (r == TERN_EAGAIN) {
            e->can_write = false;
            break;
        }
        any = true;
        if (r <= 0) {
            end_close(w, e, r < 0 ? (int)r : TERN_EINVAL);
            return true;
        }
        e->tx += (uint64_t)r;
        w->octets += (uint64_t)r;
        if (e->plan->wr_gap_us)
            e->next_wr_ns = w->now.ns + (int64_t)e->plan->wr_gap_us * 1000;
    }
    return any;
}

/* All is written: half-close, or leave. */
static bool end_shut(struct sim_world *w, struct sim_end *e)
{
    if (e->state != SE_OPEN || e->shut || e->tx < e->plan->tx_total ||
        (e->plan->tx_after_eof && !e->eof))
        return false;
    e->shut = true;
    if (e->plan->ending == END_CLOSE) {
        end_close(w, e, 0);
        return true;
    }
    int r = tern_tcp_shutdown(stack_of(w, e), e->sock, w->now);
    if (r < 0) {
        e->shut = false;
        end_close(w, e, r);
    }
    return true;
}

/* ---- reading ---- */

static void check_octets(struct sim_world *w, const struct sim_end *e, const uint8_t *p, size_t n)
{
    uint32_t stream = stream_of(e, false);
    for (size_t i = 0; i < n; i++) {
        if (p[i] == sim_octet(stream, e->rx + i))
            continue;
        sim_fail(w, "flow %u end %u: octet %llu of the stream is 0x%02x, and 0x%02x was sent",
                 e->flow, e->side, (unsigned long long)(e->rx + i), p[i],
                 sim_octet(stream, e->rx + i));
        return;
    }
    if (e->rx + n > peer_of(w, e)->tx)
        sim_fail(w, "flow %u end %u: read %llu octets, and %llu were written", e->flow, e->side,
                 (unsigned long long)(e->rx + n), (unsigned long long)peer_of(w, e)->tx);
}

static int64_t recv_some(struct sim_world *w, struct sim_end *e)
{
    uint32_t n = 1 + prng_below(&w->rng, e->plan->rd_max);
    struct tern_stack *st = stack_of(w, e);
    if (!e->plan->no_copy) {
        int64_t r = tern_tcp_recv(st, e->sock, w->buf, n, w->now);
        if (r > 0)
            check_octets(w, e, w->buf, (size_t)r);
        return r;
    }
    const uint8_t *p;
    size_t len;
    int r = tern_tcp_recv_data(st, e->sock, &p, &len);
    if (r <= 0)
        return r;
    n = n < len ? n : (uint32_t)len;
    check_octets(w, e, p, n);
    r = tern_tcp_recv_consume(st, e->sock, n, w->now);
    return r < 0 ? r : (int64_t)n;
}

static void end_eof(struct sim_world *w, struct sim_end *e)
{
    const struct sim_end *peer = peer_of(w, e);
    e->eof = true;
    if (e->rx != peer->tx || !peer->shut)
        sim_fail(w, "flow %u end %u: end of stream after %llu octets; the peer wrote %llu and %s",
                 e->flow, e->side, (unsigned long long)e->rx, (unsigned long long)peer->tx,
                 peer->shut ? "shut down" : "did not shut down");
}

static bool end_read(struct sim_world *w, struct sim_end *e)
{
    bool any = false;
    for (unsigned i = 0; i < 4 && e->can_read && !e->eof && w->now.ns >= e->next_rd_ns; i++) {
        int64_t r = recv_some(w, e);
        if (r == TERN_EAGAIN) {
            e->can_read = false;
            break;
        }
        any = true;
        if (r < 0) {
            end_close(w, e, (int)r);
            return true;
        }
        if (r == 0) {
            end_eof(w, e);
            break;
        }
        e->rx += (uint64_t)r;
        if (e->plan->pause_every && e->rx - e->rx_pause_at >= e->plan->pause_every) {
            e->rx_pause_at = e->rx;
            e->next_rd_ns = w->now.ns + (int64_t)e->plan->pause_us * 1000;
        }
    }
    return any;
}

/* ---- turns ---- */

/* Changes one option, to what may be awkward: a smaller buffer than what it holds, for one. */
static void end_fiddle(struct sim_world *w, struct sim_end *e)
{
    static const enum tern_opt opts[] = {
        TERN_OPT_RCVBUF,       TERN_OPT_SNDBUF,    TERN_OPT_NODELAY, TERN_OPT_CORK,
        TERN_OPT_QUICKACK,     TERN_OPT_MAXSEG,    TERN_OPT_TOS,     TERN_OPT_TTL,
        TERN_OPT_KEEPALIVE,    TERN_OPT_OOBINLINE, TERN_OPT_UTO_S,   TERN_OPT_IGNORE_PMTU,
        TERN_OPT_MAY_FRAGMENT, TERN_OPT_RECVTOS};
    enum tern_opt opt = opts[prng_below(&w->rng, sizeof opts / sizeof opts[0])];
    int64_t v = prng_below(&w->rng, 2);
    if (opt == TERN_OPT_RCVBUF || opt == TERN_OPT_SNDBUF)
        v = 2048 + prng_below(&w->rng, 1u << prng_below(&w->rng, 18));
    else if (opt == TERN_OPT_MAXSEG)
        v = 536 + prng_below(&w->rng, 1000);
    else if (opt == TERN_OPT_TTL)
        v = 1 + prng_below(&w->rng, 255);
    else if (opt == TERN_OPT_UTO_S)
        v = prng_below(&w->rng, 40000);
    if (opt == TERN_OPT_CORK && e->shut)
        v = 0;
    end_setopt(w, e, opt, v);
}

static bool end_begun(struct sim_world *w, struct sim_end *e)
{
    const struct sim_flow_plan *f = &w->plan->flow[e->flow];
    if (e->state != SE_NONE)
        return false;
    if ((e->side == 1 && !f->simopen) || sim_us(w) < (int64_t)f->start_us || w->closing)
        return false;
    end_connect(w, e);
    return true;
}

static bool end_run(struct sim_world *w, struct sim_end *e)
{
    if (e->state == SE_DONE || e->state == SE_NONE)
        return end_begun(w, e);
    if (end_timed(w, e))
        return true;
    if (e->plan->fiddle && prng_below(&w->rng, 8) == 0)
        end_fiddle(w, e);
    bool any = end_write(w, e);
    if (e->state == SE_OPEN)
        any |= end_shut(w, e);
    if (e->state == SE_OPEN)
        any |= end_read(w, e);
    bool over = e->state == SE_OPEN && e->shut && e->eof;
    if (over && (!e->plan->wait_closed || e->closed_seen)) {
        end_close(w, e, e->err);
        return true;
    }
    return any;
}

bool app_run(struct sim_world *w, unsigned h)
{
    bool any = false;
    app_accept(w, h);
    for (uint32_t i = 0; i < w->plan->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            if (w->end[i][s].plan->host == h && !w->why[0])
                any |= end_run(w, &w->end[i][s]);
        }
    }
    return any;
}

static void end_event(struct sim_world *w, struct sim_end *e, const struct tern_event *ev)
{
    if (ev->bits & TERN_EV_CONNECTED) {
        e->state = SE_OPEN;
        e->opened = e->can_write = true;
    }
    if (ev->bits & (TERN_EV_READABLE | TERN_EV_PEER_FIN))
        e->can_read = true;
    if (ev->bits & TERN_EV_WRITABLE)
        e->can_write = true;
    if (!(ev->bits & TERN_EV_CLOSED))
        return;
    e->closed_seen = e->can_read = e->can_write = true;
    if (e->state == SE_OPENING || (ev->err && e->shut && e->eof))
        end_close(w, e, ev->err ? ev->err : TERN_ECONNABORTED);
}

void app_event(struct sim_world *w, unsigned h, const struct tern_event *ev)
{
    struct sim_host *host = &w->host[h];
    if (ev->bits == TERN_EV_FLOOD) /* a listener's opinion about its SYNs */
        return;
    if (ev->user & SIM_LISTENERS) {
        host->can_accept |= (ev->bits & TERN_EV_ACCEPT) != 0;
        if (ev->bits & (TERN_EV_SYN | TERN_EV_SYN_GONE))
            hold_event(w, h, ev);
        return;
    }
    if (ev->user & SIM_UDP) {
        host->udp.can_read = true;
        return;
    }
    if (ev->user == 0 || ev->user > (uint64_t)w->plan->nflows * 2) {
        sim_fail(w, "host %u: an event with user number %llu", h, (unsigned long long)ev->user);
        return;
    }
    struct sim_end *e = &w->end[(ev->user - 1) / 2][(ev->user - 1) % 2];
    bool open = e->state == SE_OPEN || e->state == SE_OPENING;
    if (e->plan->host != h || e->sock.id != ev->sock.id || !open) {
        sim_fail(w, "host %u: event 0x%x for flow %u end %u, which is not open", h, ev->bits,
                 e->flow, e->side);
        return;
    }
    end_event(w, e, ev);
}

static int64_t end_next(const struct sim_world *w, const struct sim_end *e)
{
    const struct sim_flow_plan *f = &w->plan->flow[e->flow];
    int64_t t = INT64_MAX;
    if (e->state == SE_DONE)
        return t;
    if (e->state == SE_NONE)
        return e->side == 1 && !f->simopen ? t : w->epoch.ns + (int64_t)f->start_us * 1000;
    if (e->plan->ending >= END_CLOSE_AT)
        t = e->end_ns;
    if (e->can_write && e->tx < e->plan->tx_total && (!e->plan->tx_after_eof || e->eof) &&
        e->next_wr_ns < t)
        t = e->next_wr_ns;
    if (e->state == SE_OPEN && e->can_read && !e->eof && e->next_rd_ns < t)
        t = e->next_rd_ns;
    return t;
}

struct tern_time app_deadline(const struct sim_world *w, unsigned h)
{
    int64_t t = INT64_MAX;
    if (!w->closing && w->host[h].can_accept)
        t = w->host[h].next_accept_ns;
    for (uint32_t i = 0; i < w->plan->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            int64_t x = w->end[i][s].plan->host == h ? end_next(w, &w->end[i][s]) : INT64_MAX;
            t = x < t ? x : t;
        }
    }
    return (struct tern_time){t};
}

bool app_all_done(const struct sim_world *w)
{
    for (uint32_t i = 0; i < w->plan->nflows; i++) {
        const struct sim_end *a = &w->end[i][0], *b = &w->end[i][1];
        bool opener_b = w->plan->flow[i].simopen;
        if (a->state != SE_DONE || b->state == SE_OPEN || b->state == SE_OPENING)
            return false;
        /* Whoever has opened must be accepted, unless something may have stood in its way. */
        if (b->state == SE_NONE && (opener_b || (a->err == 0 && sim_flow_strict(w->plan, i))))
            return false;
    }
    return true;
}

/* Host h is unplugged: its ends will never say anything again. */
void app_lose_host(struct sim_world *w, unsigned h)
{
    for (uint32_t i = 0; i < w->plan->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            struct sim_end *e = &w->end[i][s];
            bool never = e->state == SE_NONE && w->plan->reboot_us == 0;
            if (e->plan->host != h || e->state == SE_DONE || (e->state == SE_NONE && !never))
                continue;
            e->lost = true;
            e->state = SE_DONE;
        }
    }
}

void app_abort_all(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->plan->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            struct sim_end *e = &w->end[i][s];
            if (e->state == SE_OPEN || e->state == SE_OPENING)
                end_abort(w, e);
            else if (e->state == SE_NONE)
                e->state = SE_DONE, e->killed = true;
        }
    }
}

/* ---- the verdict ---- */

/* An error that some limit, loss of a host, close or abort can explain. */
static bool err_known(int err)
{
    switch (err) {
    case 0:
    case TERN_ECONNRESET:
    case TERN_ECONNREFUSED:
    case TERN_ECONNABORTED:
    case TERN_ETIMEDOUT:
    case TERN_EHOSTUNREACH:
    case TERN_EPIPE:
    case TERN_ENOBUFS:
    case TERN_ENETUNREACH: /* a gateway's answer */
    case TERN_EACCES:
    case TERN_ENOTCONN: /* shut down after the peer's reset */
        return true;
    default:
        return false;
    }
}

static void judge_strict(struct sim_world *w, uint32_t f)
{
    for (unsigned s = 0; s < 2; s++) {
        const struct sim_end *e = &w->end[f][s], *peer = &w->end[f][1 - s];
        if (e->state != SE_DONE || e->err)
            sim_fail(w, "flow %u end %u: %s, and nothing stood in its way", f, s,
                     e->state != SE_DONE ? "never opened" : tern_strerror(e->err));
        else if (e->tx != e->plan->tx_total || (e->plan->ending == END_SHUT && e->rx != peer->tx))
            sim_fail(w, "flow %u end %u: wrote %llu of %u octets, read %llu of %llu", f, s,
                     (unsigned long long)e->tx, e->plan->tx_total, (unsigned long long)e->rx,
                     (unsigned long long)peer->tx);
    }
}

void app_judge(struct sim_world *w)
{
    for (uint32_t f = 0; f < w->plan->nflows && !w->why[0]; f++) {
        const struct sim_end *a = &w->end[f][0], *b = &w->end[f][1];
        /* A lost ARP exchange may end a connect. */
        bool no_neighbour = w->plan->impaired && a->err == TERN_EHOSTUNREACH && !a->opened;
        bool no_memory = w->plan->fail_take && (a->err == TERN_ENOBUFS || b->err == TERN_ENOBUFS);
        if (sim_flow_strict(w->plan, f) && !no_neighbour && !no_memory)
            judge_strict(w, f);
        for (unsigned s = 0; s < 2; s++) {
            const struct sim_end *e = s ? b : a;
            if (!err_known(e->err))
                sim_fail(w, "flow %u end %u: ended with \"%s\"", f, s, tern_strerror(e->err));
        }
    }
}
