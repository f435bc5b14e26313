/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/sent.c: the list of what is in flight, and the life of the block that holds it (tcp/sent.h
 * says what is kept and why).
 *
 * All operations are O(1), or pay for records that they remove. What is sent joins the end of both
 * lists; what is acknowledged leaves from the head.
 */
#include "tcp/conn.h"

#define IDLE_MS   1000  /* before a block goes back */
#define CONN_MOST 16384 /* records of one connection; then the last one grows */
#define IDLE      offsetof(struct xmit, idle)

static struct sent *at(const struct tcp *t, uint32_t idx)
{
    return sent_at(t, idx);
}
static uint32_t len_of(const struct sent *s)
{
    return (uint32_t)seq_diff(s->hi, s->lo);
}

/* ---- the block ---- */

/* Takes an idle connection's block away. With it goes the pacing timer, if that is what it waited
 * for: without a block nothing is paced, so it may send now. */
static void reclaim(struct tcp *t, const struct xmit *x)
{
    struct tcp_conn *c = conn_at(t, x->conn);
    bool paced = x->timer_ns[TT_PACE - TT_TLP] != 0;
    cwv_asleep(t, c, x);
    xmit_give(t, c);
    if (paced)
        tcp_ready(t, c);
}

/* The block that has been idle for longest, whoever has it. */
static bool evict(struct tcp *t)
{
    uint32_t idx = t->xmit_idle.head;
    if (idx == 0)
        return false;
    reclaim(t, pool_at(&t->xmits, idx));
    return true;
}

struct xmit *xmit_take(struct tcp *t, struct tcp_conn *c)
{
    tern_assert(c->used);
    if (c->xmit != 0) {
        struct xmit *old = conn_xmit(t, c);
        if (link_in(&old->idle))
            list_remove(&t->xmit_idle, &t->xmits, IDLE, c->xmit);
        return old;
    }
    uint32_t idx = pool_take(&t->xmits);
    if (idx == 0 && evict(t))
        idx = pool_take(&t->xmits);
    if (idx == 0)
        return NULL;
    struct xmit *x = pool_at(&t->xmits, idx);
    uint32_t ext = conn_cc(t, c)->ext_size;
    tern_assert(ext <= CC_EXT_MAX);
    memset(x, 0, offsetof(struct xmit, cc_ext) + ext);
    link_init(&x->idle);
    x->conn = conn_idx(t, c);
    x->reo_mult = 1;
    x->fack = x->dsack_round = c->snd.una;
    c->xmit = idx;
    c->cc.ext = ext != 0 ? x->cc_ext : NULL;
    pmtu_begin(t, c, x, (struct tern_time){t->now_ns});
    return x;
}

static void free_records(struct tcp *t, struct tcp_conn *c, struct xmit *x)
{
    uint32_t idx = x->head;
    while (idx != 0) {
        uint32_t next = at(t, idx)->next;
        pool_give(&t->sents, idx);
        idx = next;
    }
    x->head = x->tail = x->count = x->hint = 0;
    x->ahead = x->atail = x->lhead = x->ltail = 0;
    x->sacked = x->lost = c->gone = 0;
}

void xmit_give(struct tcp *t, struct tcp_conn *c)
{
    struct xmit *x = conn_xmit(t, c);
    if (x == NULL)
        return;
    free_records(t, c, x);
    if (link_in(&x->idle))
        list_remove(&t->xmit_idle, &t->xmits, IDLE, c->xmit);
    pool_give(&t->xmits, c->xmit);
    c->xmit = 0;
    c->cc.ext = NULL;
}

void xmit_idle(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    if (x == NULL || link_in(&x->idle))
        return;
    tern_assert(x->head == 0);
    for (unsigned i = TT_TLP; i < TT_ALL; i++)
        if (i != TT_PACE)
            x->timer_ns[i - TT_TLP] = 0;
    x->tlp_owed = x->blind = false; /* a probe's outcome shows with the next flight */
    x->idle_ms = tcp_ms(t, now);
    list_push_tail(&t->xmit_idle, &t->xmits, IDLE, c->xmit);
}

void xmit_tick(struct tcp *t, struct tern_time now)
{
    uint32_t ms = tcp_ms(t, now);
    while (t->xmit_idle.head != 0) {
        const struct xmit *x = pool_at(&t->xmits, t->xmit_idle.head);
        if (!ms_due(x->idle_ms + IDLE_MS, ms))
            return;
        reclaim(t, x);
    }
}

/* ---- the second lists ---- */

static void aux_out(struct tcp *t, struct xmit *x, struct sent *s)
{
    if (s->is == SENT_SACKED)
        return;
    uint32_t *head = s->is == SENT_LOST ? &x->lhead : &x->ahead;
    uint32_t *tail = s->is == SENT_LOST ? &x->ltail : &x->atail;
    if (s->aprev != 0)
        at(t, s->aprev)->anext = s->anext;
    else
        *head = s->anext;
    if (s->anext != 0)
        at(t, s->anext)->aprev = s->aprev;
    else
        *tail = s->aprev;
}

/* Behind `after` (0 = first). */
static void aux_in(struct tcp *t, struct xmit *x, uint32_t idx, uint32_t after)
{
    struct sent *s = at(t, idx);
    uint32_t *head = s->is == SENT_LOST ? &x->lhead : &x->ahead;
    uint32_t *tail = s->is == SENT_LOST ? &x->ltail : &x->atail;
    s->aprev = after;
    s->anext = after != 0 ? at(t, after)->anext : *head;
    if (s->anext != 0)
        at(t, s->anext)->aprev = idx;
    else
        *tail = idx;
    if (after != 0)
        at(t, after)->anext = idx;
    else
        *head = idx;
}

static void count_out(struct tcp_conn *c, struct xmit *x, const struct sent *s, uint32_t len)
{
    if (s->is == SENT_SACKED)
        x->sacked -= len;
    else if (s->is == SENT_LOST)
        x->lost -= len;
    else
        return;
    c->gone -= len;
}

static void remove_record(struct tcp *t, struct xmit *x, uint32_t idx)
{
    struct sent *s = at(t, idx);
    if (s->prev != 0)
        at(t, s->prev)->next = s->next;
    else
        x->head = s->next;
    if (s->next != 0)
        at(t, s->next)->prev = s->prev;
    else
        x->tail = s->prev;
    if (x->hint == idx)
        x->hint = s->prev;
    x->count--;
    pool_give(&t->sents, idx);
}

/* The same for the head, which is mostly the oldest transmission, too. */
static void remove_head(struct tcp *t, struct xmit *x, struct sent *s)
{
    uint32_t idx = x->head;
    if (s->is == SENT_IN_FLIGHT && x->ahead == idx) {
        x->ahead = s->anext;
        *(s->anext != 0 ? &at(t, s->anext)->aprev : &x->atail) = 0;
    } else {
        aux_out(t, x, s);
    }
    x->head = s->next;
    *(s->next != 0 ? &at(t, s->next)->prev : &x->tail) = 0;
    if (x->hint == idx)
        x->hint = 0;
    x->count--;
    pool_give(&t->sents, idx);
}

/* ---- sending ---- */

void sent_forget(struct tcp *t, struct tcp_conn *c)
{
    struct xmit *x = conn_xmit(t, c);
    tern_assert(x != NULL);
    bool lost = x->lost != 0;
    free_records(t, c, x);
    x->blind = true;
    x->tlp_owed = x->tlp_out = x->frto = x->undo_ok = false;
    x->timer_ns[0] = 0; /* TT_TLP */
    x->timer_ns[TT_REO - TT_TLP] = 0;
    if (lost) { /* which segments were to be sent again is not known any more */
        c->snd.rtx = c->snd.una;
        c->rtx_cause = CAUSE_TX_REXMT_GO_BACK;
    }
    trace_count(t->trace, CAUSE_CC_BLIND);
}

/* No record is left: the last transmission grows by this one. */
static bool grow_tail(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct seq hi,
                      struct tern_time now)
{
    struct sent *s = x->tail != 0 ? at(t, x->tail) : NULL;
    if (s == NULL || s->is != SENT_IN_FLIGHT)
        return false;
    uint32_t idx = x->tail;
    aux_out(t, x, s);
    s->hi = hi;
    rate_sent(c, x, s, now);
    s->at_ns = now.ns;
    aux_in(t, x, idx, x->atail);
    return true;
}

void sent_new(struct tcp *t, struct tcp_conn *c, struct seq lo, struct seq hi, struct tern_time now)
{
    bool first = seq_eq(snd_base(c), lo); /* a SYN-ACK before it needs no record */
    struct xmit *x = c->xmit != 0 && !first ? conn_xmit(t, c) : xmit_take(t, c);
    if (x == NULL)
        return;
    if (first)
        x->blind = !c->sack_ok; /* [RFC8985:4] */
    else if (x->tail == 0 || !seq_eq(at(t, x->tail)->hi, lo))
        x->blind = true; /* something before it was sent without a record */
    if (x->blind) {
        if (x->head != 0)
            sent_forget(t, c);
        return;
    }
    uint32_t idx = x->count < CONN_MOST ? pool_take(&t->sents) : 0;
    if (idx == 0) {
        if (!grow_tail(t, c, x, hi, now))
            sent_forget(t, c);
        return;
    }
    struct sent *s = at(t, idx);
    s->lo = lo;
    s->hi = hi;
    s->prev = x->tail;
    s->next = 0;
    s->at_ns = now.ns;
    s->why = 0;
    s->is = SENT_IN_FLIGHT;
    s->rexmts = 0;
    s->push = false;
    if (x->tail != 0)
        at(t, x->tail)->next = idx;
    else
        x->head = idx;
    x->tail = idx;
    x->count++;
    rate_sent(c, x, s, now);
    aux_in(t, x, idx, x->atail);
}

uint32_t sent_split(struct tcp *t, struct xmit *x, uint32_t idx, struct seq cut)
{
    struct sent *s = at(t, idx);
    tern_assert(seq_lt(s->lo, cut) && seq_lt(cut, s->hi));
    uint32_t second = pool_take(&t->sents);
    if (second == 0)
        return 0;
    struct sent *n = at(t, second);
    *n = *s;
    n->lo = cut;
    n->prev = idx;
    s->hi = cut;
    s->push = false;
    s->next = second;
    if (n->next != 0)
        at(t, n->next)->prev = second;
    else
        x->tail = second;
    x->count++;
    if (n->is != SENT_SACKED)
        aux_in(t, x, second, idx);
    return second;
}

/* Joins a record with its follower, which is not SACKED unless both are. */
static void absorb_next(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t idx)
{
    struct sent *s = at(t, idx);
    uint32_t n = s->next;
    struct sent *f = at(t, n);
    if (f->is != s->is) {
        count_out(c, x, f, len_of(f));
        tern_assert(f->is != SENT_SACKED && s->is == SENT_IN_FLIGHT);
    }
    aux_out(t, x, f);
    s->hi = f->hi;
    s->push = f->push;
    if (f->rexmts > s->rexmts)
        s->rexmts = f->rexmts;
    if (x->hint == n)
        x->hint = idx;
    remove_record(t, x, n);
}

/* The record that begins at `lo`, cutting one if need be: what is sent again is either lost (then
 * it is the first such record) or a probe of the tail. */
static uint32_t begins_at(struct tcp *t, struct xmit *x, struct seq lo)
{
    uint32_t idx = x->lhead;
    if (idx == 0 || !seq_eq(at(t, idx)->lo, lo)) {
        for (idx = x->tail; idx != 0 && seq_gt(at(t, idx)->lo, lo);)
            idx = at(t, idx)->prev;
    }
    if (idx == 0 || seq_ge(lo, at(t, idx)->hi))
        return 0;
    if (seq_eq(at(t, idx)->lo, lo))
        return idx;
    return sent_split(t, x, idx, lo);
}

void sent_again(struct tcp *t, struct tcp_conn *c, struct seq lo, struct seq hi,
                struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    if (x == NULL || x->head == 0)
        return;
    uint32_t idx = begins_at(t, x, lo);
    if (idx == 0 || at(t, idx)->is == SENT_SACKED)
        return;
    struct sent *s = at(t, idx);
    if (seq_lt(hi, s->hi))
        (void)sent_split(t, x, idx,
                         hi); /* without a record all of it counts as sent: RACK finds out */
    count_out(c, x, s, len_of(s));
    aux_out(t, x, s);
    s->is = SENT_IN_FLIGHT;
    aux_in(t, x, idx, x->atail);
    while (seq_gt(hi, s->hi)) {
        uint32_t next = s->next;
        if (next == 0) {
            s->hi = hi; /* a FIN has joined */
            break;
        }
        struct sent *f = at(t, next);
        if (f->is == SENT_SACKED || (seq_lt(hi, f->hi) && sent_split(t, x, next, hi) == 0))
            break;
        absorb_next(t, c, x, idx);
    }
    if (s->rexmts < 127)
        s->rexmts++;
    rate_sent(c, x, s, now);
    s->at_ns = now.ns;
    tern_assert(c->gone == x->sacked + x->lost);
}

/* ---- what becomes of it ---- */

void sent_delivered(const struct tcp_conn *c, const struct sent *s, struct seq end, struct news *n)
{
    uint32_t len = (uint32_t)seq_diff(end, s->lo);
    n->pieces += len <= c->cc.mss ? 1 : (len + c->cc.mss - 1) / c->cc.mss;
    if (s->rexmts == 0) { /* [RFC9293:MUST-18] [RFC6298:3] */
        if (n->clean_ns == 0 || s->at_ns > n->clean_ns ||
            (s->at_ns == n->clean_ns && seq_gt(end, n->clean_end))) {
            n->clean_ns = s->at_ns;
            n->clean_end = end;
        }
        if (seq_le(end, c->snd.recover))
            n->orig = true;
    }
    if (!n->any || seq_gt(end, n->fack))
        n->fack = end;
    if (n->any &&
        (s->at_ns < n->newest_ns || (s->at_ns == n->newest_ns && seq_le(end, n->newest_end))))
        return;
    n->any = true;
    n->newest_ns = s->at_ns;
    n->newest_end = end;
    n->newest_again = s->rexmts != 0;
    n->newest_app = s->app_limited;
    n->newest_first_ns = s->first_ns;
    n->newest_delivered_ns = s->delivered_ns;
    n->newest_delivered = s->delivered;
    n->newest_tx_flight = s->tx_flight;
}

void sent_acked(struct tcp *t, struct tcp_conn *c, struct news *n)
{
    struct xmit *x = conn_xmit(t, c);
    struct seq una = c->snd.una;
    if (x == NULL)
        return;
    while (x->head != 0) {
        struct sent *s = at(t, x->head);
        struct seq to = seq_min(una, s->hi);
        if (!seq_lt(s->lo, to))
            break;
        uint32_t len = (uint32_t)seq_diff(to, s->lo);
        if (s->is != SENT_SACKED) {
            sent_delivered(c, s, to, n);
            n->cum += len;
            if (s->rexmts == 0 && seq_lt(to, x->fack))
                news_late(n, s->lo, x->fack); /* [RFC8985:6.2] step 3 */
        }
        count_out(c, x, s, len);
        if (seq_lt(to, s->hi)) {
            s->lo = to;
            break;
        }
        remove_head(t, x, s);
    }
}

void sent_sacked(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t idx)
{
    struct sent *s = at(t, idx);
    uint32_t len = len_of(s);
    tern_assert(s->is != SENT_SACKED);
    count_out(c, x, s, len);
    aux_out(t, x, s);
    s->is = SENT_SACKED;
    x->sacked += len;
    c->gone += len;
    if (s->next != 0 && at(t, s->next)->is == SENT_SACKED)
        absorb_next(t, c, x, idx);
    if (s->prev != 0 && at(t, s->prev)->is == SENT_SACKED)
        absorb_next(t, c, x, s->prev);
}

void sent_lost(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t idx, unsigned why)
{
    struct sent *s = at(t, idx);
    uint32_t len = len_of(s);
    if (s->is == SENT_LOST)
        return;
    aux_out(t, x, s);
    count_out(c, x, s, len);
    s->is = SENT_LOST;
    s->why = (uint16_t)why;
    x->lost += len;
    x->lost_unsaid += len;
    if (s->rexmts == 0)
        x->cwv_lost += len;
    c->gone += len;
    uint32_t after = x->ltail; /* losses are found in about the order in which data was sent */
    while (after != 0 && seq_gt(at(t, after)->lo, s->lo))
        after = at(t, after)->aprev;
    aux_in(t, x, idx, after);
}

void sent_found(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t idx)
{
    struct sent *s = at(t, idx);
    tern_assert(s->is == SENT_LOST);
    count_out(c, x, s, len_of(s));
    aux_out(t, x, s);
    s->is = SENT_IN_FLIGHT;
    uint32_t after = x->atail;
    while (after != 0 && at(t, after)->at_ns > s->at_ns)
        after = at(t, after)->aprev;
    aux_in(t, x, idx, after);
}

void sent_laws(const struct tcp *t, const struct tcp_conn *c)
{
    const struct xmit *x = conn_xmit(t, c);
    uint32_t n = 0, sacked = 0, lost = 0, flying = 0, prev = 0;
    if (x == NULL) {
        tern_assert(c->gone == 0);
        return;
    }
    struct seq next = c->snd.una;
    for (uint32_t i = x->head; i != 0; prev = i, i = at(t, i)->next, n++) {
        const struct sent *s = at(t, i);
        tern_assert(s->prev == prev && seq_eq(s->lo, next) && seq_lt(s->lo, s->hi));
        sacked += s->is == SENT_SACKED ? len_of(s) : 0;
        lost += s->is == SENT_LOST ? len_of(s) : 0;
        flying += s->is == SENT_IN_FLIGHT;
        next = s->hi;
    }
    tern_assert(n == x->count && prev == x->tail && sacked == x->sacked && lost == x->lost);
    tern_assert(c->gone == sacked + lost && (x->head == 0 || seq_eq(next, c->snd.nxt)));
    for (uint32_t i = x->ahead; i != 0; i = at(t, i)->anext, flying--) {
        const struct sent *s = at(t, i);
        tern_assert(s->is == SENT_IN_FLIGHT);
        tern_assert(s->anext == 0 || s->at_ns <= at(t, s->anext)->at_ns);
    }
    tern_assert(flying == 0);
    for (uint32_t i = x->lhead; i != 0; i = at(t, i)->anext) {
        tern_assert(at(t, i)->is == SENT_LOST);
        lost -= len_of(at(t, i));
    }
    tern_assert(lost == 0);
}
