/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/timewait.c: TIME-WAIT as a record of 40 octets (RFC 9293 3.6.1, RFC 1337, RFC 6191).
 *
 * All records wait equally long, so they lie in a ring in the order of entry, which is the order of
 * time: no list, no timer, no free list. A record that goes early leaves a hole until it would have
 * been the oldest. The table has one chain for each record that may be: ten million records take
 * 400 MB and their table 67 MB. The ring is walked through from end to end, so its memory is used
 * once as many connections as it has places have come and gone without it ever being empty.
 *
 * A repeated FIN is acknowledged and starts the wait anew: the record moves to the ring's end. A
 * SYN with newer numbers may open a new incarnation; the record stays beside the half-open one
 * until the handshake completes, to fall back to [RFC9293:MAY-2]. A full table forgets its oldest
 * record.
 *
 * A sender of RST does not enter TIME-WAIT: RFC 9293 3.5.2 suggests it and 3.10.5 (ABORT enters
 * CLOSED) excludes it; this stack follows 3.10.5.
 */
#include "tcp/conn.h"

#define TW_ACKS_PER_S 500u /* answers to segments that are no repeated FIN */

void tw_tuple(const struct tcp_tw *w, struct tcp_tuple *tu)
{
    memset(tu, 0, sizeof *tu);
    memcpy(tu->laddr, w->laddr, 4);
    memcpy(tu->raddr, w->raddr, 4);
    tu->lport = w->lport;
    tu->rport = w->rport;
    tu->fam = TERN_AF_IP4;
    tu->iface = w->iface;
}

void tw_init(struct tw_tab *tab, void *ring, void *head, uint32_t max, struct pool_fault *fault)
{
    tern_assert(max > 0);
    *tab = (struct tw_tab){.ring = ring, .head = head, .max = max, .fault = fault};
    tab->mask = (uint32_t)(tw_head_size(max) / sizeof(uint32_t)) - 1;
}

/* One chain a record, on average: the power of two at or above max. */
size_t tw_head_size(uint32_t max)
{
    size_t n = 16;
    while (n < max)
        n *= 2;
    return n * sizeof(uint32_t);
}

/* Takes the record out of its chain; its place becomes a hole, which goes when it is the oldest. */
static void tw_unlink(struct tcp *t, struct tcp_tw *w, const struct tcp_tuple *tu)
{
    struct tw_tab *tab = &t->tws;
    uint32_t hash = tuple_hash(t, tu), idx = (uint32_t)(w - tab->ring) + 1;
    uint32_t *at = &tab->head[hash & tab->mask];
    tern_assert(w->used && tab->used > 0);
    while (*at != idx) {
        tern_assert(*at != 0);
        at = &tab->ring[*at - 1].next;
    }
    *at = w->next;
    w->used = false;
    tab->used--;
    offload_known(t, hash, -1);
    while (tab->span > 0 && !tab->ring[tab->first].used) {
        tab->first = tab->first + 1 < tab->max ? tab->first + 1 : 0;
        tab->span--;
    }
    if (tab->span == 0) /* memory that was never touched stays so */
        tab->first = 0;
}

void tw_drop(struct tcp *t, struct tcp_tw *w, unsigned cause, struct tern_time now)
{
    struct tcp_tuple tu;
    tw_tuple(w, &tu);
    tcp_note_state(t, &tu, w->serial, TERN_TCP_TIME_WAIT, TERN_TCP_CLOSED, cause, now);
    if (w->sign)
        auth_tw_drop(t, w);
    tw_unlink(t, w, &tu);
}

/* Puts a record behind all others: its wait begins now. There must be a place. */
static struct tcp_tw *tw_push(struct tcp *t, const struct tcp_tw *from, uint32_t hash,
                              struct tern_time now)
{
    struct tw_tab *tab = &t->tws;
    tern_assert(tab->span < tab->max);
    uint32_t left = tab->max - tab->first;
    uint32_t at = tab->span < left ? tab->first + tab->span : tab->span - left;
    struct tcp_tw *w = &tab->ring[at];
    *w = *from;
    w->used = true;
    w->due_ms = tcp_ms(t, now) + 2 * t->cfg->msl_ms; /* [RFC9293:MUST-13] */
    w->next = tab->head[hash & tab->mask];
    tab->head[hash & tab->mask] = at + 1;
    tab->span++;
    tab->used++;
    offload_known(t, hash, 1);
    if (at >= tab->fresh)
        tab->fresh = at + 1;
    trace_count(t->trace, CAUSE_TM_TIME_WAIT);
    return w;
}

/* The wait begins anew. Not for a few milliseconds' sake, and not when every place is taken by
 * others: a peer that repeats its FIN for ever would push them out. */
static struct tcp_tw *tw_restart(struct tcp *t, struct tcp_tw *w, struct tern_time now)
{
    struct tw_tab *tab = &t->tws;
    struct tcp_tw was = *w;
    struct tcp_tuple tu;
    uint32_t wait = 2 * t->cfg->msl_ms;
    bool oldest = w == &tab->ring[tab->first];
    if (tcp_ms(t, now) + wait - w->due_ms <= wait / 64 || (tab->span == tab->max && !oldest))
        return w;
    tw_tuple(w, &tu);
    tw_unlink(t, w, &tu);
    return tw_push(t, &was, tuple_hash(t, &tu), now);
}

static void tw_ack(struct tcp *t, struct tcp_tw *w, unsigned cause, struct tern_time now)
{
    struct tcp_ans a = {.serial = w->serial,
                        .seq = w->snd_nxt,
                        .ack = w->rcv_nxt,
                        .wnd = w->wnd,
                        .cause = (uint16_t)cause,
                        .th = TERN_TH_ACK,
                        .ts = w->ts,
                        .ws = (uint8_t)(w->ws + 1),
                        .state = TERN_TCP_TIME_WAIT};
    tw_tuple(w, &a.tuple);
    if (w->ts) {
        a.tsval = tsval_now(t, ts_offset_of(t, &a.tuple), now);
        a.tsecr = w->ts_recent;
    }
    ans_push(t, &a);
}

/* Makes a place; false if none is to be had. */
static bool tw_room(struct tcp *t, struct tern_time now)
{
    struct tw_tab *tab = &t->tws;
    if (pool_fault_hit(tab->fault))
        return false;
    if (tab->span == tab->max)
        tw_drop(t, &tab->ring[tab->first], CAUSE_ST_TIME_WAIT_EVICTED, now);
    return true;
}

static struct tcp_tw *tw_new(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct tcp_tw w = {.lport = c->tuple.lport,
                       .rport = c->tuple.rport,
                       .iface = c->tuple.iface,
                       .serial = c->serial,
                       .snd_nxt = c->snd.nxt,
                       .rcv_nxt = c->rcv.nxt,
                       .ts = c->ts_ok,
                       .ts_recent = c->ts_recent,
                       .wnd = (uint16_t)((uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt) >> c->rcv_ws),
                       .ws = c->rcv_ws & 15u};
    memcpy(w.laddr, c->tuple.laddr, 4);
    memcpy(w.raddr, c->tuple.raddr, 4);
    w.sign = auth_tw_take(t, c);
    return tw_push(t, &w, tuple_hash(t, &c->tuple), now);
}

/* The connection's network side goes on as a record; what its reader has not read stays with the
 * handle. The FIN that brought us here is acknowledged at once. */
void tw_enter(struct tcp *t, struct tcp_conn *c, unsigned cause, struct tern_time now)
{
    tern_assert(c->fin_rcvd);
    bool owe = c->owe_ack != 0;
    tcp_enter(t, c, TERN_TCP_TIME_WAIT, cause, now);
    for (unsigned i = 0; i < TT_COUNT; i++)
        c->timer_ns[i] = 0;
    xmit_give(t, c);
    bool room = tw_room(t, now);
    conn_unhash(t, c);
    if (room) {
        struct tcp_tw *w = tw_new(t, c, now);
        if (owe)
            tw_ack(t, w, CAUSE_TX_ACK_FIN, now);
        ring_free(&c->snd.buf, t->arena);
        c->owe_ack = c->owe_syn = c->owe_rexmt = c->owe_probe = 0;
        c->detached = true;
        if (c->orphan)
            conn_free(t, c);
        else
            event_raise(t, c, TERN_EV_CLOSED | TERN_EV_READABLE);
        return;
    }
    /* No memory even for a record: it ends here, but its FIN is acknowledged. */
    if (owe) {
        struct tcp_ans a = {.tuple = c->tuple,
                            .serial = c->serial,
                            .seq = c->snd.nxt,
                            .ack = c->rcv.nxt,
                            .wnd = 0,
                            .cause = CAUSE_TX_ACK_FIN,
                            .th = TERN_TH_ACK,
                            .ts = c->ts_ok,
                            .state = TERN_TCP_TIME_WAIT,
                            .tsval = tsval_now(t, c->ts_off, now),
                            .tsecr = c->ts_recent};
        ans_push(t, &a);
    }
    tcp_die(t, c, TERN_OK, CAUSE_ST_TIME_WAIT_EVICTED, now);
}

/* [RFC6191:2]: is this SYN newer than everything of the old connection? */
static bool newer(const struct tcp *t, const struct tcp_tw *w, const struct tcp_seg *s)
{
    bool seq_newer = seq_ge(s->seq, w->rcv_nxt); /* above the old FIN */
    if (!s->opt.has_ts || !t->cfg->timestamps)
        return seq_newer; /* [RFC6191:2#3] */
    /* [RFC6191:2#4] */
    if (!w->ts)
        return true;
    int32_t d = (int32_t)(s->opt.tsval - w->ts_recent); /* [RFC9293:SHLD-4] */
    /* [RFC6191:2#1] [RFC6191:2#2] */
    return d > 0 || (d == 0 && seq_newer);
}

static unsigned tw_syn(struct tcp *t, struct tcp_tw *w, const struct tcp_tuple *tu,
                       struct tcp_in *in, struct tern_time now)
{
    struct tcp_listener *l = demux_listener(t, &in->pkt->dst, tu->lport);
    if (l == NULL || !newer(t, w, &in->s))
        return CAUSE_DROP_TIME_WAIT_SYN;
    struct seq iss = isn_of(t, tu, now);
    if (!seq_gt(iss, seq_add(w->snd_nxt, 65535)))
        /* [RFC1122:4.2.2.13] */
        iss = seq_add(w->snd_nxt, 65535 + 2); /* above all old numbers [RFC9293:MAY-2] */
    struct tcp_half *h = half_new(t, l, tu, tuple_hash(t, tu), in, iss, now);
    if (h == NULL)
        return CAUSE_DROP_SYN_FULL;
    return CAUSE_RX_SEG;
}

static unsigned tw_rst(struct tcp *t, struct tcp_tw *w, const struct tcp_seg *s,
                       struct tern_time now)
{
    if (t->cfg->rfc1337) /* [RFC1337:3] F1 */
        return CAUSE_DROP_TIME_WAIT_RST;
    if (t->cfg->rfc5961 && !seq_eq(s->seq, w->rcv_nxt)) {
        tw_ack(t, w, CAUSE_TX_ACK_CHALLENGE, now);
        return CAUSE_DROP_RST_CHALLENGED;
    }
    tw_drop(t, w, CAUSE_ST_RST, now);
    return CAUSE_RX_SEG;
}

static unsigned tw_steps(struct tcp *t, struct tcp_tw *w, const struct tcp_tuple *tu,
                         struct tcp_in *in, struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    uint32_t seglen = s->len + !!(s->th & TERN_TH_SYN) + !!(s->th & TERN_TH_FIN);
    if ((s->th & (TERN_TH_SYN | TERN_TH_RST | TERN_TH_ACK)) == TERN_TH_SYN)
        return tw_syn(t, w, tu, in, now);
    /* The window need not be known exactly: nothing is taken any more. */
    bool in_window = in_acceptable(s->seq, seglen, w->rcv_nxt, 65535);
    if (s->th & TERN_TH_RST)
        return in_window ? tw_rst(t, w, s, now) : (unsigned)CAUSE_DROP_RST_OUT_OF_WINDOW;
    if ((s->th & TERN_TH_FIN) && seq_eq(seq_add(s->seq, s->len + 1), w->rcv_nxt)) {
        w = tw_restart(t, w, now); /* our last ACK was lost */
        tw_ack(t, w, CAUSE_TX_ACK_TIME_WAIT, now);
        return CAUSE_RX_SEG;
    }
    if (in_window && !(s->th & TERN_TH_SYN) && (s->len == 0 || !(s->th & TERN_TH_ACK)))
        return CAUSE_DROP_TIME_WAIT;
    uint32_t ms = tcp_ms(t, now);
    if (ms - t->tw_acks_ms >= 1000) {
        t->tw_acks_ms = ms;
        t->tw_acks = 0;
    }
    if (t->tw_acks < TW_ACKS_PER_S) {
        t->tw_acks++;
        tw_ack(t, w, CAUSE_TX_ACK_OUT_OF_WINDOW, now); /* [RFC1337:2] */
    } else {
        trace_count(t->trace, CAUSE_DROP_CHALLENGE_LIMIT);
    }
    return in_window ? CAUSE_DROP_TIME_WAIT : CAUSE_DROP_OUT_OF_WINDOW;
}

unsigned in_timewait(struct tcp *t, struct tcp_tw *w, const struct tcp_tuple *tu, struct tcp_in *in,
                     struct tern_time now)
{
    struct tern_trace *r = note_rx_begin(t, NULL, tu, w->serial, TERN_TCP_TIME_WAIT, in, now);
    unsigned v = tw_steps(t, w, tu, in, now);
    note_rx_end(t, r, in, v);
    return v;
}

void tw_tick(struct tcp *t, struct tern_time now)
{
    uint32_t ms = tcp_ms(t, now);
    for (unsigned i = 0; i < TICK_BUDGET && t->tws.used != 0; i++) {
        struct tcp_tw *w = &t->tws.ring[t->tws.first];
        if (!ms_due(w->due_ms, ms))
            break;
        tw_drop(t, w, CAUSE_ST_2MSL, now); /* [RFC9293:MUST-13] */
    }
}

struct tern_time tw_deadline(const struct tcp *t)
{
    if (t->tws.used == 0)
        return TERN_NEVER;
    return ms_instant(t, t->tws.ring[t->tws.first].due_ms);
}
