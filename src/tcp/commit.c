/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/commit.c: what changes once a segment has been handed to the link, and the egress loop around
 * plan, build and commit.
 *
 * Connections that may have something to send wait in one list for each interface. The head is
 * asked until it has nothing more or has sent its turn; so many connections share a link fairly.
 */
#include "tcp/conn.h"

#define TURN  16 /* segments (or super-segments) in a row */
#define READY offsetof(struct tcp_conn, ready_link)

void tcp_ready(struct tcp *t, struct tcp_conn *c)
{
    tern_assert(c->used);
    if (link_in(&c->ready_link))
        return;
    list_push_tail(&t->iface[c->tuple.iface].ready, &t->conns, READY, conn_idx(t, c));
}

/* An ACK has gone out with this segment. */
static void commit_ack(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s,
                       struct tern_time now)
{
    if (!(s->th & TERN_TH_ACK))
        return;
    if (t->pol->quick_acks != 0)
        ack_sent(t, c, s->len != 0, now);
    uint32_t wnd = s->th & TERN_TH_SYN ? s->wnd : s->wnd << c->rcv_ws;
    struct seq edge = seq_add(c->rcv.nxt, wnd);
    c->rcv.adv = seq_max(c->rcv.adv, edge); /* [RFC7323:2.4] */
    c->rcv.acked = c->rcv.nxt;
    c->rcv.unacked = 0;
    /* [RFC9293:MUST-58] */
    c->owe_ack = 0;
    c->dsack_lo = c->dsack_hi; /* reported once [RFC2883:4] */
    timer_stop(t, c, TT_DELACK, CAUSE_TM_DELACK_STOP, now);
}

static void commit_timed(struct tcp_conn *c, struct seq end, struct tern_time now)
{
    if (c->rtt.timed_ns == 0 && !c->recovery && !c->rto_recovery) {
        c->rtt.timed = end;
        c->rtt.timed_ns = now.ns != 0 ? now.ns : 1;
    }
}

/* What later segments are judged by: where a PSH was, and where a segment was not full. */
static void note_shape(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p)
{
    struct xmit *x = t->no_habits ? NULL : conn_xmit(t, c); /* nobody asks */
    if (x == NULL)
        return;
    if (!x->blind && x->tail != 0)
        sent_at(t, x->tail)->push = seq_eq(seq_add(p->seq, p->len), snd_fin(c)) && !c->tail_more;
    bool meant = c->extra != 0 && record_ends(t, c, seq_add(p->seq, p->len));
    if (p->len % c->cc.mss != 0 && !meant) {
        x->small = true;
        x->small_end = seq_add(p->seq, p->len);
    }
}

static void commit_new(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p, struct seq end,
                       struct tern_time now)
{
    c->snd.nxt = end;
    c->snd.rtx = end;
    sent_new(t, c, p->seq, end, now);
    note_shape(t, c, p);
    if (c->was_writable_no)
        user_writable(t, c);
    struct xmit *x = conn_tracked(t, c);
    if (x == NULL)
        commit_timed(c, end, now);
    else if (p->cause == CAUSE_TX_TLP)
        tlp_sent(t, c, false, now);
    else if (p->cause == CAUSE_TX_PMTU_PROBE)
        pmtu_probed(x, p);
}

/* Pacing and PRR count everything that carries data. */
static void commit_spent(struct tcp *t, struct tcp_conn *c, uint32_t len, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    if (x == NULL)
        return;
    if (c->cc.pacing_bps != 0)
        pace_sent(c, x, len, now);
    if (c->recovery)
        x->prr_out += len;
}

/* Loss recovery with records: a hole, or a probe of the tail. */
static void commit_hole(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p, struct seq end,
                        struct tern_time now)
{
    bool oldest = seq_eq(p->seq, c->snd.una);
    if (seq_gt(end, c->snd.nxt)) /* a FIN joined the retransmitted data */
        c->snd.nxt = c->snd.rtx = end;
    sent_again(t, c, p->seq, end, now);
    if (p->cause == CAUSE_TX_REXMT_TLP) {
        tlp_sent(t, c, true, now);
        return;
    }
    c->owe_rexmt = 0;
    undo_sent(t, c, p->seq, (uint32_t)seq_diff(end, p->seq), now);
    if (oldest)
        timer_rexmt_update(t, c, CAUSE_TM_REXMT, now);
}

static void commit_again(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p,
                         struct seq end, uint32_t pieces, struct tern_time now)
{
    c->retrans += pieces;
    c->rtt.timed_ns = 0; /* Karn [RFC6298:3] [RFC9293:MUST-18] */
    if (conn_tracked(t, c) != NULL) {
        commit_hole(t, c, p, end, now);
        return;
    }
    if (c->owe_rexmt != 0) { /* loss recovery's one segment */
        c->owe_rexmt = 0;
        if (c->recovery && c->xmit != 0)
            conn_xmit(t, c)->cwv_lost += (uint32_t)seq_diff(end, p->seq);
        timer_rexmt_update(t, c, CAUSE_TM_REXMT, now); /* [RFC6582:3.2] step 3 */
    } else {
        c->snd.rtx = end;
        if (c->rtx_cause != CAUSE_TX_REXMT_PMTU)
            c->rtx_cause = CAUSE_TX_REXMT_GO_BACK;
    }
    if (seq_gt(end, c->snd.nxt)) { /* a FIN joined the retransmitted data */
        c->snd.nxt = end;
        c->snd.rtx = seq_max(c->snd.rtx, end);
    }
}

static void commit_syn(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p,
                       const struct tcp_seg *s, struct tern_time now)
{
    c->owe_syn = 0;
    if (!p->rexmt) {
        c->rcv_ws = s->opt.ws;
        c->snd.nxt = c->snd.rtx = seq_add(c->snd.iss, 1 + p->len);
        commit_timed(c, c->snd.nxt, now);
    } else {
        c->rtt.timed_ns = 0; /* Karn [RFC6298:3] */
    }
    c->snd.rtx = c->snd.nxt;
    if (!timer_on(c, TT_REXMT))
        timer_rexmt_update(t, c, CAUSE_TM_REXMT, now);
}

static int64_t persist_us(const struct tcp *t, const struct tcp_conn *c)
{
    uint64_t us = (uint64_t)c->rtt.rto_us << (c->persist_shift < 16 ? c->persist_shift : 16);
    return (int64_t)(us < t->cfg->persist_max_us ? us : t->cfg->persist_max_us);
}

static void persist_arm(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    timer_arm(t, c, TT_PERSIST, time_add_us(now, persist_us(t, c)), CAUSE_TM_PERSIST, now);
    if (c->persist_shift < 16) /* [RFC9293:SHLD-30] the interval grows */
        c->persist_shift++;
}

static void commit_probe(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p,
                         struct tern_time now)
{
    c->owe_probe = 0;
    if (p->cause != CAUSE_TX_PROBE_WINDOW)
        return;
    /* The octet of a probe may be taken: it counts as sent, but its loss is the persist timer's
     * affair. */
    struct seq end = seq_add(p->seq, p->len + !!(p->th & TERN_TH_FIN));
    if (seq_gt(end, c->snd.nxt)) {
        c->snd.nxt = end;
        c->snd.rtx = end;
        sent_new(t, c, p->seq, end, now);
    }
    persist_arm(t, c, now);
}

void tcp_commit(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p,
                const struct tcp_seg *s, uint32_t pieces, struct tern_time now)
{
    struct seq end = seq_add(p->seq, p->len + !!(p->th & TERN_TH_FIN));
    c->segs_out += pieces;
    c->last_tx_ms = tcp_ms(t, now);
    commit_ack(t, c, s, now);
    if (c->extra != 0) {
        ecn_sent(t, c, s);
        uto_sent(t, c, s);
    }
    switch (p->what) {
    case PLAN_SYN:
        commit_syn(t, c, p, s, now);
        break;
    case PLAN_DATA:
        if (p->rexmt)
            commit_again(t, c, p, end, pieces, now);
        else
            commit_new(t, c, p, end, now);
        commit_spent(t, c, p->len, now);
        if (p->len != 0)
            tally_sent(t, c, p->len, pieces, p->rexmt, now);
        c->override = c->flush = false;
        if (!c->no_memory) /* what it held back has gone, or settle() sets it again */
            timer_stop(t, c, TT_PERSIST, CAUSE_TM_PERSIST_STOP, now);
        if (!timer_on(c, TT_REXMT))
            timer_rexmt_update(t, c, CAUSE_TM_REXMT, now); /* [RFC6298:5.1] */
        /* after a probe the timeout alone runs [RFC8985:7.3] */
        if (p->cause != CAUSE_TX_TLP && p->cause != CAUSE_TX_REXMT_TLP)
            tlp_arm(t, c, now);
        break;
    case PLAN_PROBE:
        commit_probe(t, c, p, now);
        break;
    default:
        tern_assert(p->what == PLAN_ACK);
        break;
    }
    tern_assert(seq_le(c->snd.una, c->snd.rtx) && seq_le(c->snd.rtx, c->snd.nxt));
}

/* What holds the sender back: the path, the peer, or the application. */
static void settle_limits(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p,
                          struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    /* what is spread because cwnd is not trusted is not held back by it */
    if (p->cwnd_blocked || (p->pace_blocked && c->cwv_s == 0))
        c->cwnd_limited = true;
    if (x == NULL)
        return;
    if (p->pace_blocked)
        timer_arm(t, c, TT_PACE, (struct tern_time){x->pace_ns}, CAUSE_TM_PACE, now);
    if (x->head != 0 && !c->cwnd_limited && !p->window_blocked)
        rate_app_limited(c, x);
}

/* Whose fault it is that nothing is sent, for the account that TCP_INFO gives. */
static void settle_why(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p,
                       struct tern_time now)
{
    struct tally *a = tally_of(t, c);
    if (a == NULL || a->why == WHY_IDLE)
        return;
    bool unsent = c->snd.buf.len > (uint32_t)seq_diff(c->snd.nxt, snd_base(c));
    enum tally_why why = WHY_BUSY;
    if (p->window_blocked)
        why = WHY_WINDOW;
    else if (!unsent && c->was_writable_no && !c->cwnd_limited)
        why = WHY_BUFFER; /* all of it is in flight, and the application would have more */
    tally_why(a, why, now);
}

/* The plan was to send nothing: see to it that something will wake the connection again. */
static void settle(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p,
                   struct tern_time now)
{
    settle_limits(t, c, p, now);
    settle_why(t, c, p, now);
    bool waiting = p->window_blocked || p->held_back;
    bool in_flight = seq_lt(c->snd.una, c->snd.nxt);
    bool shut = p->window_blocked && c->snd.wnd == 0;
    /* With something in flight the retransmission timer and its ACK wake us; a shut window that has
     * swallowed a probe octet is the persist timer's. */
    if (!waiting || timer_on(c, TT_PERSIST) || (in_flight && timer_on(c, TT_REXMT)))
        return;
    if (shut) {
        if (c->persist_shift == 0) /* [RFC9293:SHLD-29] */
            c->snd.persist_ms = tcp_ms(t, now);
        persist_arm(t, c, now);
        return;
    }
    int64_t us = c->rtt.rto_us < 200000 && !t->pol->nagle_small ? c->rtt.rto_us : 200000;
    /* the override time: 0.1 to 1 s [RFC9293:3.8.6.2.1] */
    timer_arm(t, c, TT_PERSIST, time_add_us(now, us), CAUSE_TM_PERSIST, now);
}

/* Idle for longer than an RTO: the old window says nothing about the path now [RFC5681:4.1]. */
static void idle_restart(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    if (c->snd.wnd == 0 || !state_synchronized(c->state))
        return;
    if (!t->cfg->slow_start_after_idle) {
        cwv_resume(t, c, now); /* kept, for five minutes [RFC7661:4.4] */
        return;
    }
    uint32_t idle_ms = tcp_ms(t, now) - c->last_tx_ms;
    if ((uint64_t)idle_ms * 1000 <= c->rtt.rto_us || c->cc.cwnd <= cc_initial_window(c->cc.mss))
        return;
    conn_cc(t, c)->on_idle(&c->cc);
    cwv_reset(t, c);
    note_cc(t, c, CAUSE_CC_IDLE, now);
}

static uint32_t most_payload(const struct tcp *t, const struct tcp_conn *c, uint32_t cap)
{
    /* A signature is of one segment: the link must not cut. */
    if (t->iface[c->tuple.iface].gso_max == 0 || c->sig_len != 0)
        return c->mss - conn_opt_len(c);
    uint32_t headers = TCP_HDR_LEN + conn_opt_len(c);
    return t->pol->bursts ? profile_burst(t, c, cap - headers) : cap - headers;
}

static bool conn_tx(struct tcp *t, struct tcp_conn *c, uint8_t *buf, uint32_t cap, uint32_t id,
                    struct tcp_out *out, struct tern_time now)
{
    struct tcp_plan p;
    struct tcp_seg s;
    if (c->snd.buf.len != 0 && seq_eq(c->snd.una, c->snd.nxt))
        idle_restart(t, c, now);
    uint32_t most = most_payload(t, c, cap);
    if (!train_plan(t, c, most, now, &p))
        tcp_plan(t, c, most, now, &p);
    if (p.what == PLAN_NOTHING) {
        settle(t, c, &p, now);
        return false;
    }
    uint32_t hlen = conn_build(t, c, &p, buf, out, &s, now);
    uint32_t pieces = out->gso_size != 0 ? (p.len + out->gso_size - 1) / out->gso_size : 1;
    tern_assert(hlen + p.len <= cap);
    tcp_commit(t, c, &p, &s, pieces, now);
    note_tx(t, c, &c->tuple, c->serial, c->state, &s, id, pieces, p.cause, now);
    return true;
}

bool tcp_tx_pending(const struct tcp *t, unsigned iface)
{
    return t->iface[iface].ans.head != 0 || t->iface[iface].ready.head != 0;
}

bool tcp_tx(struct tcp *t, unsigned iface, uint8_t *buf, uint32_t cap, uint32_t id,
            struct tcp_out *out, struct tern_time now)
{
    struct tcp_if *f = &t->iface[iface];
    tcp_at(t, now);
    if (f->ans.head != 0 && ans_tx(t, iface, buf, cap, id, out, now))
        return true;
    while (f->ready.head != 0) {
        uint32_t idx = f->ready.head;
        struct tcp_conn *c = conn_at(t, idx);
        bool sent = conn_tx(t, c, buf, cap, id, out, now);
        if (!sent || ++f->burst >= TURN) {
            f->burst = 0;
            list_remove(&f->ready, &t->conns, READY, idx);
            if (sent)
                tcp_ready(t, c);
        }
        if (sent)
            return true;
    }
    return false;
}
