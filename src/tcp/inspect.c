/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/inspect.c: what `tern ss` shows of TCP. The cursor is a kind in its upper half and a pool
 * index in its lower one.
 */
#include "tcp/guard.h"

#define HALF_COOKIE_MS                                                                             \
    5000u /* how long a cookie is shown: about as long as an honest ACK may take */

static void ends(struct tern_info *o, const struct tcp_tuple *tu)
{
    o->local.addr.fam = o->remote.addr.fam = tu->fam;
    memcpy(o->local.addr.b, tu->laddr, 16);
    memcpy(o->remote.addr.b, tu->raddr, 16);
    o->local.port = tu->lport;
    o->remote.port = tu->rport;
}

static void conn_timers(const struct tcp *t, const struct tcp_conn *c, struct tern_info *o,
                        struct tern_time now)
{
    o->timer_us = -1;
    for (unsigned i = 0; i < TT_ALL; i++) {
        int64_t due = timer_due(t, c, i);
        if (due == 0)
            continue;
        int64_t us = (due - now.ns) / 1000;
        if (us < 0)
            us = 0;
        if (o->timer_us >= 0 && us >= o->timer_us)
            continue;
        o->timer_us = us;
        o->timer = (uint8_t)timer_public(i);
    }
}

/* What loss recovery and rate sampling know. */
static void info_recovery(const struct tcp *t, const struct tcp_conn *c, struct tern_info *o)
{
    const struct xmit *x = conn_xmit(t, c);
    o->dsack = c->dsacks;
    o->flight = snd_flight(c);
    o->recovery = c->recovery;
    o->rto_recovery = c->rto_recovery;
    o->pacing_bps = c->cc.pacing_bps;
    o->cc = conn_cc(t, c)->name;
    const struct tcp_extra *e = extra_of(t, c);
    o->ecn = e->ecn.mode;
    o->ecn_seen = e->ecn.seen;
    o->received_ce = e->ecn.received_ce;
    o->delivered_ce = e->ecn.delivered_ce;
    o->syn_data = (e->fo.is & FO_SYN_DATA) != 0;
    if (x == NULL)
        return;
    o->sacked = x->sacked;
    o->lost = x->lost;
    o->reordering = x->reordering;
    o->min_rtt_us = rack_min_rtt_us(x);
    o->delivered = x->delivered;
    o->delivery_bps = x->rate_bps;
    o->app_limited = x->app_limited != 0;
}

/* Octets of what is in flight that were sent more than once. */
static uint32_t info_again(const struct tcp *t, const struct tcp_conn *c)
{
    const struct xmit *x = conn_tracked(t, c);
    uint32_t n = 0;
    if (c->extra != 0 && c->snd.nxt.v != c->snd.una.v) {
        const struct fo_conn *f = &extra_of(t, c)->fo;
        if ((f->is & FO_AGAIN) && seq_gt(f->again, c->snd.una))
            n = (uint32_t)seq_diff(f->again, c->snd.una);
    }
    for (uint32_t i = x != NULL ? x->ahead : 0; i != 0; i = sent_at(t, i)->anext) {
        const struct sent *s = sent_at(t, i);
        n += s->rexmts != 0 ? (uint32_t)seq_diff(s->hi, s->lo) : 0;
    }
    return n;
}

/* Sizes, and what the sender and the receiver have done so far. */
static void info_tally(const struct tcp *t, const struct tcp_conn *c, struct tern_info *o,
                       struct tern_time now)
{
    const struct tally *a = tally_of(t, c);
    uint32_t ms = tcp_ms(t, now), sent = (uint32_t)seq_diff(c->snd.nxt, snd_base(c));
    o->path_mtu = c->mss + 40u;
    o->adv_mss =
        iface_mss(t, c->tuple.iface, c->tuple.fam, extra_of(t, c)->maxseg) - conn_fixed_opts(c);
    o->rcv_limit = c->rcv.limit;
    o->snd_limit = c->snd.limit;
    o->not_sent = c->snd.buf.len > sent ? c->snd.buf.len - sent : 0;
    o->again = info_again(t, c);
    o->ato_us = t->cfg->delack_us;
    o->backoff = c->rexmts;
    o->probes = c->keep_probes != 0 ? c->keep_probes : c->persist_shift;
    o->ack_rx_ms = ms - c->last_rx_ms;
    o->bytes_sent = c->bytes_acked + c->snd.buf.len - o->not_sent;
    if (a != NULL) {
        o->rcv_space = a->space;
        o->rcv_rtt_us = a->rtt_us;
    }
    struct tally_sum s;
    if (!tally_read(t, c, &s, now))
        return;
    o->data_out = s.data_out;
    o->data_in = s.data_in;
    o->delivered_segs = s.delivered;
    o->bytes_rexmt = s.bytes_rexmt;
    o->bytes_sent += s.bytes_rexmt;
    o->reordered = s.reordered;
    o->reorder_segs = s.reorder_segs;
    o->rwnd_us = s.spent_us[WHY_WINDOW - 1];
    o->sndbuf_us = s.spent_us[WHY_BUFFER - 1];
    o->busy_us = s.spent_us[WHY_BUSY - 1] + o->rwnd_us + o->sndbuf_us;
    o->rto_total = s.rtos;
    o->rto_recoveries = s.rto_recoveries;
    o->rto_ms = s.rto_ms;
    o->data_tx_ms = s.data_out != 0 ? ms - s.data_tx_ms : 0;
    o->data_rx_ms = s.data_in != 0 ? ms - s.data_rx_ms : 0;
}

/* [RFC4898:Perf] */
static void info_conn(const struct tcp *t, const struct tcp_conn *c, struct tern_info *o,
                      struct tern_time now)
{
    memset(o, 0, sizeof *o);
    o->kind = TERN_INFO_CONN;
    o->state = c->state;
    o->orphan = c->orphan;
    o->serial = c->serial;
    o->sock = conn_sock(t, c);
    o->user = c->user;
    ends(o, &c->tuple);
    o->rcvq = c->rcv.buf.len;
    o->sndq = c->snd.buf.len;
    conn_timers(t, c, o, now);
    o->retries = c->keep_probes != 0 ? c->keep_probes : c->rexmts;
    o->mss = c->mss - conn_fixed_opts(c);
    o->rcv_mss = c->rcv_mss;
    o->cwnd = c->cc.cwnd;
    o->ssthresh = c->cc.ssthresh;
    o->snd_wnd = c->snd.wnd;
    o->rcv_wnd = (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt);
    o->srtt_us = c->rtt.srtt_us;
    o->rttvar_us = c->rtt.rttvar_us;
    o->rto_us = c->rtt.rto_us;
    o->snd_una = c->snd.una.v;
    o->snd_nxt = c->snd.nxt.v;
    o->rcv_nxt = c->rcv.nxt.v;
    o->iss = c->snd.iss.v;
    o->irs = c->rcv.irs.v;
    o->snd_wscale = c->snd_ws;
    o->rcv_wscale = c->rcv_ws;
    o->ts_ok = c->ts_ok;
    o->sack_ok = c->sack_ok;
    o->wscale_ok = c->ws_ok;
    auth_inspect(t, c, o);
    o->nagle = !c->nodelay;
    o->bytes_acked = c->bytes_acked;
    o->bytes_received = c->bytes_rcvd;
    o->segs_out = c->segs_out;
    o->segs_in = c->segs_in;
    o->retrans = c->retrans;
    o->ooo = c->rcv.ooo.count;
    info_recovery(t, c, o);
    info_tally(t, c, o, now);
}

static void info_half(const struct tcp *t, const struct tcp_half *h, struct tern_info *o,
                      struct tern_time now)
{
    struct tcp_tuple tu;
    memset(o, 0, sizeof *o);
    half_tuple(h, &tu);
    ends(o, &tu);
    o->kind = TERN_INFO_HALF_OPEN;
    o->state = TERN_TCP_SYN_RECEIVED;
    o->held = h->where >= HALF_LEVELS;
    o->serial = h->serial;
    o->sock = sock_make(SOCK_HALF_OPEN, h->gen, pool_index(&t->halves, h));
    o->timer = TERN_TIMER_SYNACK;
    o->timer_us = ((ms_instant(t, h->due_ms).ns - now.ns) / 1000);
    if (o->timer_us < 0)
        o->timer_us = 0;
    o->retries = o->held ? 0 : h->where;
    o->age_ms = half_age_ms(t, h, now);
    o->iss = h->iss.v;
    o->irs = h->irs.v;
}

static void info_tw(const struct tcp *t, const struct tcp_tw *w, struct tern_info *o,
                    struct tern_time now)
{
    struct tcp_tuple tu;
    memset(o, 0, sizeof *o);
    tw_tuple(w, &tu);
    ends(o, &tu);
    o->kind = TERN_INFO_TIME_WAIT;
    o->state = TERN_TCP_TIME_WAIT;
    o->orphan = true;
    o->serial = w->serial;
    o->timer = TERN_TIMER_TIME_WAIT;
    o->timer_us = (ms_instant(t, w->due_ms).ns - now.ns) / 1000;
    if (o->timer_us < 0)
        o->timer_us = 0;
    o->snd_nxt = w->snd_nxt.v;
    o->rcv_nxt = w->rcv_nxt.v;
}

/* A handshake of which only the peer knows: one of the last cookies, while it may still come back.
 */
static bool info_cookie(const struct tcp *t, const struct detect_cookie *k, struct tern_info *o,
                        struct tern_time now)
{
    struct tcp_tuple tu = {.lport = k->lport, .rport = k->rport, .fam = TERN_AF_IP4};
    uint32_t age = tcp_ms(t, now) - k->ms;
    if (k->rport == 0 || age > HALF_COOKIE_MS)
        return false;
    memcpy(tu.laddr, k->laddr, 4);
    memcpy(tu.raddr, k->raddr, 4);
    uint32_t hash = tuple_hash(t, &tu);
    if (demux_conn(t, &tu, hash) != NULL || demux_tw(t, &tu, hash) != NULL)
        return false;
    memset(o, 0, sizeof *o);
    ends(o, &tu);
    o->kind = TERN_INFO_HALF_OPEN;
    o->state = TERN_TCP_SYN_RECEIVED;
    o->cookie = true;
    o->timer_us = -1;
    o->age_ms = age;
    return true;
}

static void info_listener(const struct tcp *t, const struct tcp_listener *l, struct tern_info *o)
{
    memset(o, 0, sizeof *o);
    o->kind = TERN_INFO_LISTENER;
    o->state = TERN_TCP_LISTEN;
    o->serial = l->serial;
    o->sock = sock_make(SOCK_LISTENER, l->gen, pool_index(&t->listeners, l));
    o->user = l->user;
    o->local.addr = l->addr;
    o->local.port = l->port;
    o->rcvq = l->accept.count;
    o->sndq = l->backlog;
    o->timer_us = -1;
}

/* The object of a kind at a pool index, if it is in use. */
static bool info_at(const struct tcp *t, unsigned kind, uint32_t idx, struct tern_info *o,
                    struct tern_time now)
{
    switch (kind) {
    case 0: {
        const struct tcp_listener *l = pool_at(&t->listeners, idx);
        if (l->used)
            info_listener(t, l, o);
        return l->used;
    }
    case 1: {
        const struct tcp_half *h = pool_at(&t->halves, idx);
        if (h->used && h->where != HALF_GONE)
            info_half(t, h, o, now);
        return h->used && h->where != HALF_GONE;
    }
    case 2: {
        const struct tcp_conn *c = conn_at(t, idx);
        bool show = c->used && !c->detached;
        if (show)
            info_conn(t, c, o, now);
        return show;
    }
    case 4:
        return info_cookie(t, &t->detect.recent[idx - 1], o, now);
    default: {
        const struct tcp_tw *w = &t->tws.ring[idx - 1];
        if (w->used)
            info_tw(t, w, o, now);
        return w->used;
    }
    }
}

#define CURSOR_KIND (UINT64_C(1) << 32) /* the kind stands above the index */

bool tcp_inspect_next(const struct tcp *t, uint64_t *cursor, struct tern_info *out,
                      struct tern_time now)
{
    const uint32_t fresh[5] = {t->listeners.fresh, t->halves.fresh, t->conns.fresh, t->tws.fresh,
                               DETECT_RECENT};
    unsigned kind = (unsigned)(*cursor >> 32);
    uint32_t idx = (uint32_t)*cursor;
    for (; kind < 5; kind++, idx = 0) {
        while (idx < fresh[kind]) {
            idx++;
            if (info_at(t, kind, idx, out, now)) {
                *cursor = kind * CURSOR_KIND + idx;
                return true;
            }
        }
    }
    *cursor = 5 * CURSOR_KIND;
    return false;
}

bool tcp_inspect(const struct tcp *t, struct tern_sock s, struct tern_info *out,
                 struct tern_time now)
{
    uint32_t idx = sock_index(s);
    if (idx == 0)
        return false;
    if (sock_kind(s) == SOCK_CONN && idx <= t->conns.fresh) {
        const struct tcp_conn *c = conn_at(t, idx);
        if (!c->used || c->gen != sock_gen(s))
            return false;
        info_conn(t, c, out, now);
        return true;
    }
    if (sock_kind(s) == SOCK_LISTENER && idx <= t->listeners.fresh) {
        const struct tcp_listener *l = pool_at(&t->listeners, idx);
        if (!l->used || l->gen != sock_gen(s))
            return false;
        info_listener(t, l, out);
        return true;
    }
    return false;
}

void tcp_usage(const struct tcp *t, struct tern_usage *out)
{
    out->conns = t->conns.used;
    out->half_open = t->halves.used;
    out->time_wait = t->tws.used;
    out->listeners = t->listeners.used;
    out->ooo = t->ooo.used;
    out->answers = t->anss.used;
}
