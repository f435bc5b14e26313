/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/syncache.c: half-open connections: SYN-RECEIVED after a passive open (RFC 4987 3.6).
 *
 * A SYN costs one record of at most 64 octets; the control block is made when the handshake's last
 * ACK arrives. Records whose SYN-ACK has been sent n times are on the n-th list: each list has one
 * timeout, so it is in order of time and its head is all that a clock has to look at. A gateway's
 * listener (TERN_LISTEN_HOLD) keeps its records unanswered until tcp_answer().
 *
 * What a listener does with a SYN for which there is no room is said in policy.c.
 */
#include "tcp/guard.h"

#define LINK     offsetof(struct tcp_half, link)
#define HOLD_MS  180000u /* how long the application may take to decide */
#define LATER_MS 10000u  /* ... and the peer to repeat its SYN, if that is waited for */

void half_tuple(const struct tcp_half *h, struct tcp_tuple *tu)
{
    memset(tu, 0, sizeof *tu);
    memcpy(tu->laddr, h->laddr, 4);
    memcpy(tu->raddr, h->raddr, 4);
    tu->lport = h->lport;
    tu->rport = h->rport;
    tu->fam = TERN_AF_IP4;
    tu->iface = h->iface;
}

static struct tcp_listener *listener_of(struct tcp *t, const struct tcp_half *h)
{
    struct tcp_listener *l = pool_at(&t->listeners, h->listener);
    tern_assert(l->used);
    return l;
}

static void half_move(struct tcp *t, struct tcp_half *h, unsigned where, uint32_t due_ms)
{
    uint32_t idx = pool_index(&t->halves, h);
    if (link_in(&h->link))
        list_remove(&t->half_list[h->where], &t->halves, LINK, idx);
    h->where = (uint8_t)where;
    h->due_ms = due_ms;
    list_push_tail(&t->half_list[where], &t->halves, LINK, idx);
}

static uint32_t level_ms(const struct tcp *t, unsigned level)
{
    uint64_t us = (uint64_t)t->cfg->rto_initial_us << level; /* [RFC6298:5.5] */
    return (uint32_t)((us < t->cfg->rto_max_us ? us : t->cfg->rto_max_us) / 1000);
}

/* What the SYN-ACK offers: no segment before the connection is made may offer more. */
static uint32_t half_window(struct tcp *t, const struct tcp_half *h)
{
    uint32_t limit = tune_listener(t, listener_of(t, h), 1);
    return limit < 65535 ? limit : 65535;
}

void half_send(struct tcp *t, struct tcp_half *h, unsigned cause, struct tern_time now)
{
    struct tcp_ans a = {
        .serial = h->serial,
        .seq = h->iss,
        .ack = seq_add(h->irs, 1),
        .wnd = (uint16_t)half_window(t, h),
        .cause = (uint16_t)cause,
        .th = TERN_TH_SYN | TERN_TH_ACK,
        .mss = iface_mss(t, h->iface, TERN_AF_IP4, extra_of_listener(t, listener_of(t, h))->maxseg),
        .layout = t->pol->syn_layout,
        .ws = h->ws != 0 ? (uint8_t)(h->own_ws + 1) : 0,
        .ts = h->ts,
        .sack = h->sack,
        .state = TERN_TCP_SYN_RECEIVED,
    };
    half_tuple(h, &a.tuple);
    a.tfo = cause == CAUSE_TX_SYN_ACK ? h->tfo : 0; /* once [RFC7413:4.2.2#1] */
    if (a.tfo != 0)
        fastopen_cookie(t, listener_of(t, h), &a.tuple, a.tfo_cookie);
    ecn_answer(h->ecn, &a);
    if (a.tfo == 0 && !a.accecn) /* there is room */
        a.uto = uto_of_listener(t, listener_of(t, h));
    if (h->ts) {
        a.tsval = tsval_now(t, ts_offset_of(t, &a.tuple), now);
        a.tsecr = h->ts_recent;
    }
    ans_push(t, &a);
}

struct tcp_half *half_new(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                          uint32_t hash, const struct tcp_in *in, struct seq iss,
                          struct tern_time now)
{
    uint64_t prefix = prefix_hash(t, tu->raddr, tu->fam);
    if (l->accept.count > l->backlog || policy_room(t, l, prefix) != 0) /* [RFC4987:3.2] */
        return NULL;
    uint32_t idx = pool_take(&t->halves);
    if (idx == 0)
        return NULL;
    struct tcp_half *h = pool_at(&t->halves, idx);
    const struct tcp_opts *o = &in->s.opt;
    memset(h, 0, sizeof *h);
    memcpy(h->laddr, tu->laddr, 4);
    memcpy(h->raddr, tu->raddr, 4);
    h->lport = tu->lport;
    h->rport = tu->rport;
    h->iface = tu->iface;
    h->own_ws = window_shift((uint32_t)l->opts[1]);
    h->hash = hash;
    h->used = true;
    h->gen = ++t->gen & SOCK_GEN_MASK;
    h->serial = ++t->serial;
    h->iss = iss;
    h->irs = in->s.seq;
    h->listener = (uint16_t)pool_index(&t->listeners, l);
    h->mss = o->has_mss ? o->mss : 0;
    h->wnd = (uint16_t)in->s.wnd;
    h->ws = t->cfg->wscale && o->has_ws ? (uint8_t)(o->ws + 1) : 0;
    h->ts = t->cfg->timestamps && o->has_ts && !auth_no_timestamps(t, l, tu);
    h->ao_id = auth_choose(t, l, tu, in);
    h->sack = t->cfg->sack && o->sack_ok;
    h->ts_recent = o->has_ts ? o->tsval : 0;
    h->tfo = fastopen_grant(t, l, tu, in, now);
    h->ecn = ecn_listen(t, in);
    link_init(&h->link);
    map_put(&t->half_map, hash, idx);
    offload_known(t, hash, 1);
    l->half++;
    prefix_add(&t->prefix->half, prefix, 1); /* [RFC4987:3.5] */
    policy_stage(l);
    t->detect.st.outcome[TERN_SYN_CACHED]++;
    note_open(t, tu, h->serial, CAUSE_ST_SYN, now);
    tcp_note_state(t, tu, h->serial, TERN_TCP_LISTEN, TERN_TCP_SYN_RECEIVED, CAUSE_ST_SYN, now);
    if (l->hold) {
        unsigned where = l->stage ? HALF_HELD_LATER : HALF_HELD_NEW;
        half_move(t, h, where, tcp_ms(t, now) + (l->stage ? LATER_MS : HOLD_MS));
    } else {
        half_move(t, h, 0, tcp_ms(t, now) + level_ms(t, 0));
        trace_count(t->trace, CAUSE_TM_SYN_ACK);
        half_send(t, h, CAUSE_TX_SYN_ACK, now);
    }
    return h;
}

/* It counts no longer, and no segment finds it. */
static void half_forget(struct tcp *t, struct tcp_half *h)
{
    struct tcp_listener *l = listener_of(t, h);
    map_remove(&t->half_map, h->hash, pool_index(&t->halves, h));
    offload_known(t, h->hash, -1);
    l->half--;
    l->retried -= h->where > 0 && h->where < HALF_LEVELS;
    prefix_add(&t->prefix->half, prefix_hash(t, h->raddr, TERN_AF_IP4), -1);
    policy_stage(l);
}

void half_free(struct tcp *t, struct tcp_half *h)
{
    uint32_t idx = pool_index(&t->halves, h);
    struct tcp_listener *l = listener_of(t, h);
    if (h->where != HALF_GONE) {
        half_forget(t, h);
    }
    list_remove(&t->half_list[h->where], &t->halves, LINK, idx);
    h->used = false;
    pool_give(&t->halves, idx);
    offload_room(t, l);
}

void half_drop(struct tcp *t, struct tcp_half *h, unsigned cause, struct tern_time now)
{
    struct tcp_tuple tu;
    half_tuple(h, &tu);
    tcp_note_state(t, &tu, h->serial, TERN_TCP_SYN_RECEIVED, TERN_TCP_LISTEN, cause, now);
    if (cause == CAUSE_ST_RST)
        t->detect.st.outcome[TERN_SYN_RESET]++;
    if (!h->offered) {
        half_free(t, h);
        return;
    }
    /* The application must hear that it is gone, whether it had decided or not. */
    half_forget(t, h);
    half_move(t, h, HALF_GONE, 0);
    offload_look(t, listener_of(t, h));
}

struct tcp_half *half_get(struct tcp *t, struct tern_sock s)
{
    uint32_t idx = sock_index(s);
    if (sock_kind(s) != SOCK_HALF_OPEN || idx == 0 || idx > t->halves.fresh)
        return NULL;
    struct tcp_half *h = pool_at(&t->halves, idx);
    return h->used && h->gen == sock_gen(s) && h->where == HALF_HELD ? h : NULL;
}

int tcp_answer(struct tcp *t, struct tern_sock s, enum tern_answer ans, struct tern_time now,
               struct tern_endpoint *local, struct tern_endpoint *remote, uint32_t *seq)
{
    struct tcp_half *h = half_get(t, s);
    if (h == NULL)
        return TERN_EBADF;
    struct tcp_tuple tu;
    half_tuple(h, &tu);
    *local = (struct tern_endpoint){.addr.fam = TERN_AF_IP4, .port = h->lport};
    *remote = (struct tern_endpoint){.addr.fam = TERN_AF_IP4, .port = h->rport};
    memcpy(local->addr.b, h->laddr, 4);
    memcpy(remote->addr.b, h->raddr, 4);
    *seq = h->irs.v;
    if (ans == TERN_ANSWER_ACCEPT) {
        half_move(t, h, 0, tcp_ms(t, now) + level_ms(t, 0));
        trace_count(t->trace, CAUSE_TM_SYN_ACK);
        half_send(t, h, CAUSE_TX_SYN_ACK, now);
        return TERN_OK;
    }
    unsigned cause = CAUSE_ST_ANSWER_UNREACH;
    if (ans == TERN_ANSWER_REFUSE) {
        cause = CAUSE_ST_ANSWER_REFUSED;
        ans_push(t, &(struct tcp_ans){.tuple = tu,
                                      .serial = h->serial,
                                      .ack = seq_add(h->irs, 1),
                                      .th = TERN_TH_RST | TERN_TH_ACK,
                                      .cause = CAUSE_TX_RST_REFUSED,
                                      .state = TERN_TCP_SYN_RECEIVED});
    } else if (ans == TERN_ANSWER_SILENCE) {
        cause = CAUSE_ST_ANSWER_SILENCE;
        trace_count(t->trace, CAUSE_DROP_SILENCE);
    }
    tcp_note_state(t, &tu, h->serial, TERN_TCP_SYN_RECEIVED, TERN_TCP_LISTEN, cause, now);
    half_free(t, h);
    return TERN_OK;
}

/* ---- segments for a half-open connection: RFC 9293 3.10.7.4 for SYN-RECEIVED ---- */

/* <SND.NXT, RCV.NXT, ACK>, once for each time the SYN-ACK was sent: no amplifier. */
static void half_ack(struct tcp *t, struct tcp_half *h, unsigned cause, struct tern_time now)
{
    if (h->resent || h->where >= HALF_LEVELS) {
        trace_count(t->trace, CAUSE_DROP_CHALLENGE_LIMIT);
        return;
    }
    h->resent = true;
    unsigned shift = h->ws != 0 ? h->own_ws : 0u;
    uint32_t wnd = half_window(t, h) + (1u << shift) - 1; /* up, or the right edge moves back */
    struct tcp_ans a = {.serial = h->serial,
                        .seq = seq_add(h->iss, 1),
                        .ack = seq_add(h->irs, 1),
                        .wnd = (uint16_t)(wnd >> shift),
                        .ws = h->ws != 0 ? (uint8_t)(shift + 1) : 0,
                        .cause = (uint16_t)cause,
                        .th = TERN_TH_ACK,
                        .ts = h->ts,
                        .state = TERN_TCP_SYN_RECEIVED};
    half_tuple(h, &a.tuple);
    if (h->ts) {
        a.tsval = tsval_now(t, ts_offset_of(t, &a.tuple), now);
        a.tsecr = h->ts_recent;
    }
    ans_push(t, &a);
}

void listener_gives(struct tcp *t, struct tcp_conn *c, const struct tcp_listener *l)
{
    c->user = l->user;
    c->snd.limit = tune_listener(t, l, 0);
    c->rcv.limit = tune_listener(t, l, 1);
    c->snd_tuned &= !l->buf_set[0];
    c->rcv_tuned &= !l->buf_set[1];
    c->nodelay = l->opts[2] != 0;
    c->keepalive = l->opts[3] != 0;
    c->cc_id = l->cc;
}

static void fill_conn(struct tcp *t, struct tcp_conn *c, const struct tcp_half *h,
                      struct tcp_listener *l, bool cookie, struct tern_time now)
{
    struct tcp_opts o = {.has_mss = h->mss != 0,
                         .mss = h->mss,
                         .has_ws = h->ws != 0,
                         .ws = h->ws != 0 ? (uint8_t)(h->ws - 1) : 0,
                         .has_ts = h->ts,
                         .tsval = h->ts_recent,
                         .sack_ok = h->sack};
    tcp_adopt(c, cookie ? TERN_TCP_LISTEN : TERN_TCP_SYN_RECEIVED); /* no record: as if unheard */
    c->serial = h->serial;
    listener_gives(t, c, l);
    c->rcv_ws = h->own_ws;
    auth_opened(t, c, h->ao_id);
    conn_take_opts(t, c, &o);
    c->ts_off = ts_offset_of(t, &c->tuple);
    c->snd.iss = h->iss;
    c->syn_acked = true;
    c->snd.una = c->snd.nxt = c->snd.rtx = seq_add(h->iss, 1);
    c->snd.wnd = c->snd.max_wnd = h->wnd;
    c->snd.wl1 = h->irs;
    c->snd.wl2 = c->snd.una;
    c->rcv.irs = h->irs;
    c->rcv.nxt = c->rcv.acked = seq_add(h->irs, 1);
    c->rcv.adv = seq_add(c->rcv.nxt, c->rcv.limit < 65535 ? c->rcv.limit : 65535);
    c->syn_rexmt = h->where > 0;
    if (h->where == 0 && !h->again) { /* sent once: the handshake is a sample [RFC6298:3] */
        uint32_t sent = h->due_ms - level_ms(t, 0);
        uint32_t ms = tcp_ms(t, now) - sent;
        rtt_sample(&c->rtt, ms < 3600000 ? ms * 1000 : 0, t->cfg);
    }
}

unsigned half_open_conn(struct tcp *t, struct tcp_half *h, struct tcp_listener *l,
                        const struct tcp_tuple *tu, struct tcp_in *in, bool cookie,
                        struct tern_time now)
{
    uint64_t prefix = prefix_hash(t, tu->raddr, tu->fam);
    if (l->accept.count > l->backlog)
        return CAUSE_DROP_ACCEPT_FULL;
    if (!prefix_conn_ok(t, prefix))
        return CAUSE_DROP_PREFIX_CONNS;
    struct tcp_conn *c = conn_new(t, tu, h->hash, now);
    if (c == NULL)
        return CAUSE_DROP_NO_CONN;
    if (!extra_inherit(t, c, l) || !ecn_accept(t, c, h->ecn)) {
        conn_free(t, c);
        return CAUSE_DROP_NO_CONN;
    }
    struct tcp_tw *old = demux_tw(t, tu, h->hash);
    if (old != NULL) /* [RFC6191:2] the new incarnation has proved itself */
        tw_drop(t, old, CAUSE_ST_TIME_WAIT_REUSED, now);
    fill_conn(t, c, h, l, cookie, now);
    c->prefix_counted = true;
    prefix_conn(t, c, 1);
    prefix_back(t, prefix, now);
    t->detect.done++;
    t->detect.st.outcome[cookie ? TERN_SYN_COOKIE_VALID : TERN_SYN_COMPLETED]++;
    c->listener = h->listener;
    list_push_tail(&l->accept, &t->conns, offsetof(struct tcp_conn, event_link), conn_idx(t, c));
    offload_look(t, l);
    if (cookie)
        note_open(t, tu, c->serial = ++t->serial, CAUSE_ST_COOKIE, now);
    else
        half_free(t, h);
    tcp_enter(t, c, TERN_TCP_ESTABLISHED, cookie ? CAUSE_ST_COOKIE : CAUSE_ST_HANDSHAKE_DONE, now);
    conn_opened(t, c, now);
    event_raise(t, c, TERN_EV_CONNECTED | TERN_EV_WRITABLE);
    event_listener(t, l);
    return tcp_input_from_ack(t, c, in, now);
}

/* The ACK of our SYN has come: the record becomes a connection. */
static unsigned promote(struct tcp *t, struct tcp_half *h, const struct tcp_tuple *tu,
                        struct tcp_in *in, struct tern_time now)
{
    struct tcp_listener *l = listener_of(t, h);
    uint32_t defer = extra_of_listener(t, l)->defer_ms;
    if (defer != 0 && in->s.len == 0 && !(in->s.th & TERN_TH_FIN) &&
        half_age_ms(t, h, now) < defer) {
        h->deferred = true;
        return CAUSE_DROP_DEFERRED;
    }
    unsigned v = half_open_conn(t, h, l, tu, in, false, now);
    if (v == CAUSE_DROP_ACCEPT_FULL && l->pol.abort_on_overflow) { /* as tcp_abort_on_overflow */
        ans_rst(t, tu, in, h->serial, TERN_TCP_SYN_RECEIVED, CAUSE_TX_RST_ACCEPT_FULL);
        half_drop(t, h, CAUSE_ST_ACCEPT_FULL, now);
    }
    return v;
}

/* A stray duplicate by its timestamp, or the SYN once more. */
static unsigned half_repeats(struct tcp *t, struct tcp_half *h, const struct tcp_tuple *tu,
                             const struct tcp_in *in, struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    if (h->ts && s->opt.has_ts && !(s->th & TERN_TH_RST) &&
        (int32_t)(s->opt.tsval - h->ts_recent) < 0) {
        half_ack(t, h, CAUSE_TX_ACK_PAWS, now);
        return CAUSE_DROP_PAWS;
    }
    if ((s->th & (TERN_TH_SYN | TERN_TH_RST | TERN_TH_ACK)) != TERN_TH_SYN ||
        !seq_eq(s->seq, h->irs))
        return IN_GO;
    if (ecn_mixes(t, h->ecn, s)) { /* one handshake must not offer both kinds [RFC9768:3.1.5#1] */
        ans_rst(t, tu, in, h->serial, TERN_TCP_SYN_RECEIVED, CAUSE_TX_RST_ECN_MIXED);
        half_drop(t, h, CAUSE_ST_ECN_MIXED, now);
        return CAUSE_RX_SEG;
    }
    if (h->where == HALF_HELD_LATER) /* no forger would */
        half_move(t, h, HALF_HELD_NEW, tcp_ms(t, now) + HOLD_MS);
    if (h->where >= HALF_LEVELS)
        return CAUSE_DROP_SYN_HELD;
    h->again = true;
    if (!prefix_take(t, prefix_hash(t, h->raddr, TERN_AF_IP4), now))
        return CAUSE_DROP_PREFIX_RATE;
    half_send(t, h, CAUSE_TX_SYN_ACK_DUP_SYN, now); /* it missed our SYN-ACK */
    return CAUSE_DROP_OUT_OF_WINDOW;
}

static unsigned half_steps(struct tcp *t, struct tcp_half *h, const struct tcp_tuple *tu,
                           struct tcp_in *in, struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    bool held = h->where >= HALF_LEVELS;
    struct seq nxt = seq_add(h->irs, 1);
    uint32_t seglen = s->len + !!(s->th & TERN_TH_SYN) + !!(s->th & TERN_TH_FIN);
    unsigned v = half_repeats(t, h, tu, in, now);
    if (v != IN_GO)
        return v;
    if (!in_acceptable(s->seq, seglen, nxt, half_window(t, h))) { /* step 1 */
        if (s->th & TERN_TH_RST)
            return CAUSE_DROP_RST_OUT_OF_WINDOW;
        half_ack(t, h, CAUSE_TX_ACK_OUT_OF_WINDOW, now);
        return CAUSE_DROP_OUT_OF_WINDOW;
    }
    if (s->th & TERN_TH_RST) { /* step 2 */
        if (t->cfg->rfc5961 && !seq_eq(s->seq, nxt)) {
            half_ack(t, h, CAUSE_TX_ACK_CHALLENGE, now);
            return CAUSE_DROP_RST_CHALLENGED;
        }
        half_drop(t, h, CAUSE_ST_RST, now);
        return CAUSE_RX_SEG;
    }
    if (s->th & TERN_TH_SYN) { /* step 4: passive open: back to LISTEN */
        half_drop(t, h, CAUSE_ST_SYN_RCVD_SYN, now);
        return CAUSE_RX_SEG;
    }
    if (!(s->th & TERN_TH_ACK)) /* step 5 */
        return CAUSE_DROP_NO_ACK;
    if (held)
        return CAUSE_DROP_SYN_HELD;
    if (!seq_eq(s->ack, seq_add(h->iss, 1))) {
        ans_rst(t, tu, in, h->serial, TERN_TCP_SYN_RECEIVED, CAUSE_TX_RST_SYN_RCVD_ACK);
        return CAUSE_DROP_SYN_RCVD_ACK;
    }
    return promote(t, h, tu, in, now);
}

unsigned in_half(struct tcp *t, struct tcp_half *h, const struct tcp_tuple *tu, struct tcp_in *in,
                 struct tern_time now)
{
    struct tern_trace *r = note_rx_begin(t, NULL, tu, h->serial, TERN_TCP_SYN_RECEIVED, in, now);
    if (r != NULL && h->ws != 0 && !(in->s.th & TERN_TH_SYN))
        r->wnd <<= h->ws - 1; /* the trace shows octets; only the record knows the scale */
    unsigned v = half_steps(t, h, tu, in, now);
    note_rx_end(t, r, in, v);
    return v;
}

/* ---- time ---- */

static void half_due(struct tcp *t, struct tcp_half *h, struct tern_time now)
{
    if (h->where >= HALF_LEVELS) {
        half_drop(t, h, CAUSE_ST_ANSWER_SILENCE, now);
        return;
    }
    struct tcp_listener *l = listener_of(t, h);
    unsigned next = h->where + 1u;
    bool old = l->pol.timeout_ms != 0 && half_age_ms(t, h, now) >= l->pol.timeout_ms;
    if (h->deferred && next < HALF_LEVELS &&
        half_age_ms(t, h, now) < extra_of_listener(t, l)->defer_ms) {
        half_move(t, h, next, tcp_ms(t, now) + level_ms(t, next)); /* it has our SYN-ACK */
        return;
    }
    if (old || (next > policy_retries(t, l) && !h->deferred) || next >= HALF_LEVELS) {
        t->detect.st.outcome[TERN_SYN_TIMED_OUT]++;
        half_drop(t, h, CAUSE_ST_SYN_ACK_TIMEOUT, now);
        return;
    }
    h->resent = false;
    l->retried += h->where == 0;
    policy_stage(l);
    t->detect.rexmts++;
    t->detect.st.outcome[TERN_SYN_REXMT]++;
    if (prefix_take(t, prefix_hash(t, h->raddr, TERN_AF_IP4), now))
        half_send(t, h, CAUSE_TX_SYN_ACK_REXMT, now);
    half_move(t, h, next, tcp_ms(t, now) + level_ms(t, next));
}

uint32_t half_age_ms(const struct tcp *t, const struct tcp_half *h, struct tern_time now)
{
    uint32_t ms = tcp_ms(t, now) - h->due_ms; /* below zero */
    if (h->where >= HALF_LEVELS)
        return ms + (h->where == HALF_HELD_LATER ? LATER_MS : HOLD_MS);
    for (unsigned i = 0; i <= h->where; i++)
        ms += level_ms(t, i);
    return ms;
}

void half_tick(struct tcp *t, struct tern_time now)
{
    uint32_t ms = tcp_ms(t, now), budget = TICK_BUDGET;
    for (unsigned i = 0; i < HALF_GONE; i++) {
        while (t->half_list[i].head != 0 && budget > 0) {
            struct tcp_half *h = pool_at(&t->halves, t->half_list[i].head);
            if (!ms_due(h->due_ms, ms))
                break;
            half_due(t, h, now);
            budget--;
        }
    }
}

struct tern_time half_deadline(const struct tcp *t)
{
    struct tern_time d = TERN_NEVER;
    for (unsigned i = 0; i < HALF_GONE; i++) {
        if (t->half_list[i].head == 0)
            continue;
        const struct tcp_half *h = pool_at(&t->halves, t->half_list[i].head);
        d = time_min(d, ms_instant(t, h->due_ms));
    }
    return d;
}
