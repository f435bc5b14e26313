/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/timewait.c: TIME-WAIT as a record of 48 octets (RFC 9293 3.6.1, RFC 1337, RFC 6191).
 *
 * All records wait equally long, so the list in order of entry is in order of time. A repeated FIN is
 * acknowledged and starts the wait anew. A SYN with newer numbers may open a new incarnation; the
 * record stays beside the half-open one until the handshake completes, to fall back to
 * [RFC9293:MAY-2]. A full table forgets its oldest record.
 *
 * A sender of RST does not enter TIME-WAIT: RFC 9293 3.5.2 suggests it and 3.10.5 (ABORT enters
 * CLOSED) excludes it; this stack follows 3.10.5.
 */
#include "tcp/conn.h"

#define LINK offsetof(struct tcp_tw, link)
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

void tw_drop(struct tcp *t, struct tcp_tw *w, unsigned cause, struct tern_time now)
{
    struct tcp_tuple tu;
    uint32_t idx = pool_index(&t->tws, w);
    tw_tuple(w, &tu);
    tcp_note_state(t, &tu, w->serial, TERN_TCP_TIME_WAIT, TERN_TCP_CLOSED, cause, now);
    list_remove(&t->tw_list, &t->tws, LINK, idx);
    map_remove(&t->tw_map, w->hash, idx);
    w->used = false;
    pool_give(&t->tws, idx);
}

static void tw_restart(struct tcp *t, struct tcp_tw *w, struct tern_time now)
{
    uint32_t idx = pool_index(&t->tws, w);
    if (link_in(&w->link))
        list_remove(&t->tw_list, &t->tws, LINK, idx);
    w->due_ms = tcp_ms(t, now) + 2 * t->cfg->msl_ms; /* [RFC9293:MUST-13] */
    list_push_tail(&t->tw_list, &t->tws, LINK, idx);
    trace_count(t->trace, CAUSE_TM_TIME_WAIT);
}

static void tw_ack(struct tcp *t, struct tcp_tw *w, unsigned cause, struct tern_time now)
{
    struct tcp_ans a = {.serial = w->serial, .seq = w->snd_nxt, .ack = w->rcv_nxt, .wnd = w->wnd,
                        .cause = (uint16_t)cause, .th = TERN_TH_ACK, .ts = w->ts, .ws = (uint8_t)(w->ws + 1),
                        .state = TERN_TCP_TIME_WAIT};
    tw_tuple(w, &a.tuple);
    if (w->ts) {
        a.tsval = tsval_now(t, ts_offset_of(t, &a.tuple), now);
        a.tsecr = w->ts_recent;
    }
    ans_push(t, &a);
}

static uint32_t tw_take(struct tcp *t, struct tern_time now)
{
    uint32_t idx = pool_take(&t->tws);
    if (idx != 0 || t->tw_list.head == 0)
        return idx;
    tw_drop(t, pool_at(&t->tws, t->tw_list.head), CAUSE_ST_TIME_WAIT_EVICTED, now);
    return pool_take(&t->tws);
}

static struct tcp_tw *tw_new(struct tcp *t, const struct tcp_conn *c, uint32_t idx)
{
    struct tcp_tw *w = pool_at(&t->tws, idx);
    memset(w, 0, sizeof *w);
    memcpy(w->laddr, c->tuple.laddr, 4);
    memcpy(w->raddr, c->tuple.raddr, 4);
    w->lport = c->tuple.lport;
    w->rport = c->tuple.rport;
    w->iface = c->tuple.iface;
    w->hash = c->hash;
    w->serial = c->serial;
    w->snd_nxt = c->snd.nxt;
    w->rcv_nxt = c->rcv.nxt;
    w->ts = c->ts_ok;
    w->ts_recent = c->ts_recent;
    w->wnd = (uint16_t)((uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt) >> c->rcv_ws);
    w->ws = c->rcv_ws & 15u;
    w->used = true;
    link_init(&w->link);
    map_put(&t->tw_map, c->hash, idx);
    return w;
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
    uint32_t idx = tw_take(t, now);
    conn_unhash(t, c);
    if (idx != 0) {
        struct tcp_tw *w = tw_new(t, c, idx);
        tw_restart(t, w, now);
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
        struct tcp_ans a = {.tuple = c->tuple, .serial = c->serial, .seq = c->snd.nxt,
                            .ack = c->rcv.nxt, .wnd = 0, .cause = CAUSE_TX_ACK_FIN,
                            .th = TERN_TH_ACK, .ts = c->ts_ok, .state = TERN_TCP_TIME_WAIT,
                            .tsval = tsval_now(t, c->ts_off, now), .tsecr = c->ts_recent};
        ans_push(t, &a);
    }
    tcp_die(t, c, TERN_OK, CAUSE_ST_TIME_WAIT_EVICTED, now);
}

/* [RFC6191:2]: is this SYN newer than everything of the old connection? */
static bool newer(const struct tcp_tw *w, const struct tcp_seg *s)
{
    bool seq_newer = seq_gt(s->seq, w->rcv_nxt);
    if (!s->opt.has_ts)
        return seq_newer;
    if (!w->ts)
        return true;
    int32_t d = (int32_t)(s->opt.tsval - w->ts_recent);
    return d > 0 || (d == 0 && seq_newer);
}

static unsigned tw_syn(struct tcp *t, struct tcp_tw *w, const struct tcp_tuple *tu,
                       struct tcp_in *in, struct tern_time now)
{
    struct tcp_listener *l = demux_listener(t, &in->pkt->dst, tu->lport);
    if (l == NULL || !newer(w, &in->s))
        return CAUSE_DROP_TIME_WAIT_SYN;
    struct seq iss = isn_of(t, tu, now);
    if (!seq_gt(iss, seq_add(w->snd_nxt, 65535)))
        iss = seq_add(w->snd_nxt, 65535 + 2); /* above all old numbers [RFC9293:MAY-2] */
    struct tcp_half *h = half_new(t, l, tu, w->hash, in, iss, now);
    if (h == NULL)
        return CAUSE_DROP_SYN_FULL;
    h->reused_tw = true;
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
    if (s->th & TERN_TH_RST) {
        if (!in_window)
            return CAUSE_DROP_RST_OUT_OF_WINDOW;
        if (t->cfg->rfc1337) /* [RFC1337:3] F1 */
            return CAUSE_DROP_TIME_WAIT_RST;
        if (t->cfg->rfc5961 && !seq_eq(s->seq, w->rcv_nxt)) {
            tw_ack(t, w, CAUSE_TX_ACK_CHALLENGE, now);
            return CAUSE_DROP_RST_CHALLENGED;
        }
        tw_drop(t, w, CAUSE_ST_RST, now);
        return CAUSE_RX_SEG;
    }
    if ((s->th & TERN_TH_FIN) && seq_eq(seq_add(s->seq, s->len + 1), w->rcv_nxt)) {
        tw_restart(t, w, now); /* our last ACK was lost */
        tw_ack(t, w, CAUSE_TX_ACK_TIME_WAIT, now);
        return CAUSE_RX_SEG;
    }
    if (in_window && s->len == 0 && !(s->th & TERN_TH_SYN))
        return CAUSE_DROP_TIME_WAIT;
    uint32_t ms = tcp_ms(t, now);
    if (ms - t->tw_acks_ms >= 1000) {
        t->tw_acks_ms = ms;
        t->tw_acks = 0;
    }
    if (t->tw_acks < TW_ACKS_PER_S) {
        t->tw_acks++;
        tw_ack(t, w, CAUSE_TX_ACK_OUT_OF_WINDOW, now);
    } else {
        trace_count(t->trace, CAUSE_DROP_CHALLENGE_LIMIT);
    }
    return in_window ? CAUSE_DROP_TIME_WAIT : CAUSE_DROP_OUT_OF_WINDOW;
}

unsigned in_timewait(struct tcp *t, struct tcp_tw *w, const struct tcp_tuple *tu,
                     struct tcp_in *in, struct tern_time now)
{
    struct tern_trace *r = note_rx_begin(t, NULL, tu, w->serial, TERN_TCP_TIME_WAIT, in, now);
    unsigned v = tw_steps(t, w, tu, in, now);
    note_rx_end(t, r, in, v);
    return v;
}

void tw_tick(struct tcp *t, struct tern_time now)
{
    uint32_t ms = tcp_ms(t, now);
    while (t->tw_list.head != 0) {
        struct tcp_tw *w = pool_at(&t->tws, t->tw_list.head);
        if (!ms_due(w->due_ms, ms))
            break;
        tw_drop(t, w, CAUSE_ST_2MSL, now); /* [RFC9293:MUST-13] */
    }
}

struct tern_time tw_deadline(const struct tcp *t)
{
    if (t->tw_list.head == 0)
        return TERN_NEVER;
    const struct tcp_tw *w = pool_at(&t->tws, t->tw_list.head);
    return ms_instant(t, w->due_ms);
}
