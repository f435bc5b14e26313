/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/ladder.c: collects records into connections and rows.
 *
 * The two stacks number their connections apart, so a connection is found by its 4-tuple, seen from
 * either end, and by the serial that each end gave it: the same ports used again are a new picture.
 * A segment is one row from its sending on; its arrival, or the link's note that it was lost, is
 * joined to it by the frame's number.
 *
 * A change of state belongs to a segment or to a call. Those that a segment caused (the table
 * below) are drawn with its arrival, those that the application or a timer caused with the segment
 * that the same end sends next, at once; any other stands alone.
 */
#include "see/ladder_rows.h"

#include "base/assert.h"
#include "base/causes.h"

#include <stdlib.h>
#include <string.h>

#define LADDER_CONNS 256
#define LADDER_ROWS  1024
#define LADDER_DRAWN 160
#define LADDER_TAIL  128 /* rows still open to arrivals: not folded while collecting */
#define LADDER_HEAD  64  /* rows that stay when everything else must be folded */
#define LADDER_APP_NS                                                                              \
    2000000 /* a call and the segment it leads to are one row within this time                     \
             */

struct ladder *ladder_new(const struct ladder_config *cfg)
{
    struct ladder *ld = calloc(1, sizeof *ld);
    if (!ld)
        return NULL;
    ld->cfg = *cfg;
    if (ld->cfg.max_conns == 0)
        ld->cfg.max_conns = LADDER_CONNS;
    if (ld->cfg.max_rows == 0)
        ld->cfg.max_rows = LADDER_ROWS;
    if (ld->cfg.max_drawn == 0)
        ld->cfg.max_drawn = LADDER_DRAWN;
    tern_assert(ld->cfg.max_rows >= 256 && ld->cfg.max_drawn >= 40);
    ld->conns = calloc(ld->cfg.max_conns, sizeof *ld->conns);
    if (!ld->conns) {
        free(ld);
        return NULL;
    }
    return ld;
}

void ladder_free(struct ladder *ld)
{
    if (!ld)
        return;
    for (unsigned i = 0; i < ld->n; i++)
        free(ld->conns[i].rows);
    free(ld->conns);
    free(ld);
}

void ladder_missed(struct ladder *ld, uint64_t n)
{
    ld->records_missed += n;
}

/* ---- finding a connection ---- */

static bool same_endpoint(const struct tern_endpoint *e, const struct tern_addr *a, uint16_t port)
{
    return e->port == port && memcmp(&e->addr, a, sizeof *a) == 0;
}

/* Which end of c the record's local address is; -1 if the record is of another connection. */
static int conn_side(const struct ladder_conn *c, const struct tern_trace *r)
{
    for (int s = 0; s < 2; s++) {
        if (same_endpoint(&c->end[s].ep, &r->laddr, r->lport) &&
            same_endpoint(&c->end[1 - s].ep, &r->raddr, r->rport))
            return s;
    }
    return -1;
}

static struct ladder_conn *conn_find(struct ladder *ld, int stack, const struct tern_trace *r,
                                     int *side)
{
    struct ladder_conn *open = NULL;
    int open_side = -1;
    for (unsigned i = ld->n; i-- > 0;) {
        struct ladder_conn *c = &ld->conns[i];
        int s = conn_side(c, r);
        if (s < 0)
            continue;
        struct ladder_end *e = &c->end[s];
        bool mine = stack < 0 || e->stack < 0 || e->stack == stack;
        if (mine && (r->serial == 0 || e->serial == r->serial)) {
            *side = s;
            return c;
        }
        if (mine && e->serial == 0 && !open) {
            open = c;
            open_side = s;
        }
    }
    *side = open_side;
    return open;
}

static void end_init(struct ladder_end *e, const struct tern_addr *a, uint16_t port)
{
    e->ep.addr = *a;
    e->ep.port = port;
    e->stack = -1;
    e->state = ROW_NO_STATE;
    e->last_rx = e->app_row = e->held_row = -1;
    e->time_wait_ns = INT64_MIN;
}

static struct ladder_conn *conn_new(struct ladder *ld, unsigned stack, const struct tern_trace *r,
                                    int *side)
{
    if (ld->n == ld->cfg.max_conns) {
        /* Each connection begins with one of these at its stack 0 end. */
        ld->conns_missed += r->kind == TERN_TR_OPEN && stack == 0;
        return NULL;
    }
    struct ladder_conn *c = &ld->conns[ld->n++];
    *side = stack == 0 ? 0 : 1;
    end_init(&c->end[*side], &r->laddr, r->lport);
    end_init(&c->end[1 - *side], &r->raddr, r->rport);
    c->first_ns = c->last_ns = r->time.ns;
    c->closed_first = c->reset_by = -1;
    return c;
}

/* ---- rows ---- */

static void conn_compact(struct ladder *ld, struct ladder_conn *c)
{
    uint32_t settled = c->n - LADDER_TAIL;
    for (uint32_t i = 0; i < settled; i++) {
        const struct row *r = &c->rows[i];
        if (r->kind != ROW_SEG)
            continue;
        c->end[r->side].folded_id = r->id;
        c->end[r->side].folded = true;
    }
    uint32_t before = c->n;
    c->n = fold_plain(c->rows, c->n, 0, settled);
    if (c->n > ld->cfg.max_rows / 2 && c->n > LADDER_HEAD + LADDER_TAIL)
        c->n = fold_hard(c->rows, c->n, LADDER_HEAD, c->n - LADDER_TAIL);
    c->base += before - c->n;
}

/* The row of that free-running number, or NULL if it has been folded. */
static struct row *conn_row(struct ladder_conn *c, int64_t number)
{
    int64_t i = number - c->base;
    /* Rows that moved by folding have other numbers now: only the tail can be named. */
    return number >= 0 && i >= 0 && i < c->n ? &c->rows[i] : NULL;
}

static struct row *conn_push(struct ladder *ld, struct ladder_conn *c, enum row_kind kind, int side,
                             const struct tern_trace *t)
{
    if (c->n == ld->cfg.max_rows)
        conn_compact(ld, c);
    if (c->n == ld->cfg.max_rows) {
        c->no_memory = true; /* nothing but states and resets: a thousand of them */
        return NULL;
    }
    if (c->n == c->cap) {
        uint32_t cap = c->cap ? 2 * c->cap : 32;
        struct row *rows = realloc(c->rows, cap * sizeof *rows);
        if (!rows) {
            c->no_memory = true;
            return NULL;
        }
        c->rows = rows;
        c->cap = cap;
    }
    struct row *r = &c->rows[c->n++];
    memset(r, 0, sizeof *r);
    r->kind = (uint8_t)kind;
    r->side = (uint8_t)side;
    r->ns = t->time.ns;
    r->id = t->id;
    r->cause = t->cause;
    r->th = t->th;
    r->state[0] = r->state[1] = ROW_NO_STATE;
    return r;
}

static int32_t row_number(const struct ladder_conn *c, const struct row *r)
{
    return (int32_t)(c->base + (uint32_t)(r - c->rows));
}

static void row_segment(struct row *r, const struct tern_trace *t)
{
    r->seg.seq = t->seq;
    r->seg.ack = t->ack;
    r->seg.len = t->len;
    r->seg.wnd = t->wnd;
    r->mss = t->mss;
    r->uto = t->uto;
    r->ecn = t->ecn;
    r->gso = t->gso ? t->gso : 1;
}

/* The segment with that number that `side` sent. Arrivals come mostly in order: begin where the
 * last one was found. */
static struct row *row_of_frame(struct ladder_conn *c, int side, uint32_t id)
{
    uint32_t from = c->end[side].hint - c->base;
    if (id == 0)
        return NULL;
    for (uint32_t k = 0; k < 2; k++) {
        for (uint32_t i = k == 0 && from < c->n ? from : 0; i < c->n; i++) {
            struct row *r = &c->rows[i];
            if (r->kind == ROW_SEG && r->side == side && r->sent && r->id == id) {
                c->end[side].hint = c->base + i + 1;
                return r;
            }
        }
    }
    return NULL;
}

/* ---- records ---- */

static void learn_isn(struct ladder_end *e, const struct tern_trace *t)
{
    if (e->isn_known && !(t->th & TERN_TH_SYN))
        return;
    if (t->th & TERN_TH_RST)
        return; /* its number is borrowed from what it answers */
    e->isn = (t->th & TERN_TH_SYN) ? t->seq : t->seq - 1;
    e->isn_known = true;
}

static void conn_reset(struct ladder_conn *c, int side, const struct tern_trace *t)
{
    if (!(t->th & TERN_TH_RST) || c->reset_by >= 0)
        return;
    c->reset_by = side;
    c->reset_ns = t->time.ns;
    c->reset_cause = t->cause;
}

static void conn_sum(struct ladder_conn *c, const struct row *r)
{
    row_add_to(&c->sum, r);
    int i = ladder_resent_index(r->cause);
    if (i >= 0)
        c->resent_by[i]++;
}

static void add_tx(struct ladder *ld, struct ladder_conn *c, int side, const struct tern_trace *t)
{
    struct ladder_end *e = &c->end[side];
    learn_isn(e, t);
    struct row *r = conn_push(ld, c, ROW_SEG, side, t);
    if (!r)
        return;
    row_segment(r, t);
    r->sent = e->has_sent = true;
    struct row *app = conn_row(c, e->app_row);
    if (app && app->kind == ROW_STATE && app->side == side &&
        t->time.ns - app->ns <= LADDER_APP_NS) {
        r->state[side] = app->state[side];
        app->kind = 0;
    }
    e->app_row = e->last_rx = -1;
    conn_sum(c, r);
    conn_reset(c, side, t);
}

/* A segment that nobody saw leave: a stranger's, or one whose sending was overwritten. */
static struct row *add_unseen(struct ladder *ld, struct ladder_conn *c, int from,
                              const struct tern_trace *t)
{
    struct row *r = conn_push(ld, c, ROW_SEG, from, t);
    if (!r)
        return NULL;
    row_segment(r, t);
    r->cause = CAUSE_NONE;
    r->fate = FATE_ARRIVED;
    conn_sum(c, r);
    struct tern_trace u = *t;
    u.cause = CAUSE_NONE;
    conn_reset(c, from, &u);
    return r;
}

static void take_held(struct ladder_conn *c, int side, struct row *r)
{
    struct ladder_end *e = &c->end[side];
    struct row *held = conn_row(c, e->held_row);
    if (held && held->kind == ROW_STATE && held->side == side && held->ns == e->last_ns) {
        r->state[side] = held->state[side];
        held->kind = 0;
    }
    e->held_row = -1;
}

/* The row in which the arrival of r is shown: r itself, or a new one when it comes late or again.
 */
static struct row *row_arrived(struct ladder *ld, struct ladder_conn *c, struct row *r,
                               const struct tern_trace *t)
{
    bool again = r->fate == FATE_ARRIVED;
    if (!again && t->time.ns - r->ns < ROW_LATE_NS) {
        if (r->fate == FATE_UNKNOWN)
            r->fate = FATE_ARRIVED;
        r->ecn = t->ecn; /* marked on the way, perhaps */
        return r;
    }
    struct row sent = *r;
    r->late |= !again;
    if (r->fate == FATE_UNKNOWN)
        r->fate = FATE_ARRIVED;
    r = conn_push(ld, c, ROW_ARRIVE, sent.side, t);
    if (r) {
        r->seg = sent.seg;
        r->ecn = t->ecn;
        r->cause = CAUSE_NONE;
        r->dup = again;
    }
    return r;
}

/* Its receiver dropped it: a row below says why. */
static struct row *row_dropped(struct ladder *ld, struct ladder_conn *c, struct row *r,
                               const struct tern_trace *t)
{
    int side = r->side;
    int32_t n = row_number(c, r);
    r->drop = t->cause;
    struct row *d = conn_push(ld, c, ROW_DROP, side, t);
    if (d)
        d->drop = t->cause;
    return conn_row(c, n); /* rows may have moved */
}

static void add_rx(struct ladder *ld, struct ladder_conn *c, int side, const struct tern_trace *t)
{
    struct ladder_end *e = &c->end[side], *peer = &c->end[1 - side];
    e->app_row = -1;
    learn_isn(peer, t);
    struct row *r = row_of_frame(c, 1 - side, t->id);
    if (!r && peer->folded && t->id != 0 && (int32_t)(t->id - peer->folded_id) <= 0)
        return;
    r = r ? row_arrived(ld, c, r, t) : add_unseen(ld, c, 1 - side, t);
    if (r && t->kind == TERN_TR_DROP)
        r = row_dropped(ld, c, r, t);
    if (!r)
        return;
    e->last_ns = t->time.ns;
    e->last_rx = row_number(c, r);
    take_held(c, side, r);
}

/* Did a segment that arrived cause it (and not the application, a timer or ICMP)? */
static bool state_by_segment(unsigned cause)
{
    switch (cause) {
    case CAUSE_ST_SYN:
    case CAUSE_ST_SIMULTANEOUS_OPEN:
    case CAUSE_ST_SYN_ACKED:
    case CAUSE_ST_HANDSHAKE_DONE:
    case CAUSE_ST_FIN_ACKED:
    case CAUSE_ST_PEER_FIN:
    case CAUSE_ST_SIMULTANEOUS_CLOSE:
    case CAUSE_ST_LAST_ACK:
    case CAUSE_ST_TIME_WAIT_REUSED:
    case CAUSE_ST_RST:
    case CAUSE_ST_REFUSED:
    case CAUSE_ST_DATA_AFTER_CLOSE:
    case CAUSE_ST_SYN_RCVD_SYN:
        return true;
    default:
        return false;
    }
}

static void note_close(struct ladder_conn *c, int side, const struct tern_trace *t,
                       uint32_t time_wait_us)
{
    struct ladder_end *e = &c->end[side];
    if (t->aux8 == TERN_TCP_FIN_WAIT_1 && c->closed_first < 0) {
        c->closed_first = side;
        c->closed_ns = t->time.ns;
    } else if (t->aux8 == TERN_TCP_CLOSE_WAIT && c->closed_first < 0) {
        c->closed_first = 1 - side;
        c->closed_ns = t->time.ns;
    } else if (t->aux8 == TERN_TCP_CLOSING) {
        c->closed_first = 2;
    }
    if (t->aux8 == TERN_TCP_TIME_WAIT) {
        e->time_wait_ns = t->time.ns;
        e->time_wait_us = time_wait_us;
        e->time_wait_over = false;
    }
    if (t->state == TERN_TCP_TIME_WAIT)
        e->time_wait_over = true;
    if (t->aux8 == TERN_TCP_CLOSED || t->aux8 == TERN_TCP_LISTEN)
        c->end_cause[side] = t->cause;
}

/* The row in which the segment that arrived last shows this end's new state. When the end has
 * changed its state after that segment was sent and before it arrived, that is a row of its own,
 * below. */
static struct row *arrival_row(struct ladder *ld, struct ladder_conn *c, int side,
                               const struct tern_trace *t)
{
    struct ladder_end *e = &c->end[side];
    const struct row *rx = e->last_ns == t->time.ns ? conn_row(c, e->last_rx) : NULL;
    if (!rx)
        return NULL;
    uint32_t at = (uint32_t)(rx - c->rows);
    bool later = false;
    for (uint32_t i = at + 1; i < c->n; i++)
        later |= c->rows[i].kind != 0 && c->rows[i].state[side] != ROW_NO_STATE;
    if (!later)
        return &c->rows[at];
    struct row sent = *rx;
    struct row *r = conn_push(ld, c, ROW_ARRIVE, 1 - side, t);
    if (!r)
        return NULL;
    r->seg = sent.seg;
    r->th = sent.th;
    r->id = sent.id;
    r->cause = CAUSE_NONE;
    e->last_rx = row_number(c, r);
    return r;
}

static void add_state(struct ladder *ld, struct ladder_conn *c, int side,
                      const struct tern_trace *t)
{
    struct ladder_end *e = &c->end[side];
    note_close(c, side, t, ld->cfg.time_wait_us);
    e->state = t->aux8;
    if (state_by_segment(t->cause)) {
        struct row *rx = arrival_row(ld, c, side, t);
        if (rx) {
            rx->state[side] = t->aux8;
            return;
        }
    }
    struct row *r = conn_push(ld, c, ROW_STATE, side, t);
    if (!r)
        return;
    r->state[side] = t->aux8;
    e->last_ns = t->time.ns;
    if (state_by_segment(t->cause))
        e->held_row = row_number(c, r);
    else
        e->app_row = row_number(c, r);
}

/* A link's note: laddr sent the frame. */
static void add_link(struct ladder *ld, const struct tern_trace *t)
{
    int side = -1;
    struct ladder_conn *c = t->rport ? conn_find(ld, -1, t, &side) : NULL;
    struct row *r = c ? row_of_frame(c, side, t->id) : NULL;
    if (!r)
        return;
    c->end[side].hint = (uint32_t)row_number(c, r); /* it may still arrive */
    switch (t->cause) {
    case CAUSE_LINK_LOST:
        r->fate = FATE_LOST;
        c->sum.lost++;
        break;
    case CAUSE_LINK_QUEUE_FULL:
        r->fate = FATE_QUEUE_FULL;
        c->sum.lost++;
        break;
    case CAUSE_LINK_CORRUPTED:
        r->fate = FATE_CORRUPTED;
        c->sum.lost++;
        break;
    case CAUSE_LINK_DUPLICATED:
        r->dup = true;
        c->sum.odd++;
        break;
    default:
        r->reordered = true;
        c->sum.odd++;
        break;
    }
}

static bool is_shown(const struct tern_trace *t)
{
    switch (t->kind) {
    case TERN_TR_SEG_TX:
    case TERN_TR_SEG_RX:
    case TERN_TR_DROP:
    case TERN_TR_STATE:
    case TERN_TR_OPEN:
        return t->lport != 0 && t->rport != 0; /* else a listener, or no TCP */
    default:
        return false;
    }
}

static void add_timer(struct ladder *ld, unsigned stack, const struct tern_trace *t)
{
    int side = -1;
    struct ladder_conn *c = t->rport ? conn_find(ld, (int)stack, t, &side) : NULL;
    if (c && t->aux8 == TERN_TIMER_TIME_WAIT) {
        c->end[side].time_wait_ns = t->time.ns;
        c->end[side].time_wait_us = t->a;
    }
}

void ladder_add(struct ladder *ld, unsigned stack, const struct tern_trace *t)
{
    tern_assert(stack < 2);
    if (!ld->started) {
        ld->started = true;
        ld->zero_ns = t->time.ns;
    }
    if (t->kind == TERN_TR_LINK) {
        add_link(ld, t);
        return;
    }
    if (t->kind == TERN_TR_TIMER_ARM)
        add_timer(ld, stack, t);
    if (!is_shown(t))
        return;
    int side = -1;
    struct ladder_conn *c = conn_find(ld, (int)stack, t, &side);
    if (!c)
        c = conn_new(ld, stack, t, &side);
    if (!c)
        return;
    struct ladder_end *e = &c->end[side];
    e->stack = (int)stack;
    if (t->serial != 0)
        e->serial = t->serial;
    c->last_ns = t->time.ns;
    if (t->kind == TERN_TR_SEG_TX)
        add_tx(ld, c, side, t);
    else if (t->kind == TERN_TR_STATE)
        add_state(ld, c, side, t);
    else if (t->kind != TERN_TR_OPEN)
        add_rx(ld, c, side, t);
}
