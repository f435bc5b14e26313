/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/in_ack.c: RFC 9293 3.10.7.4 step 5: the acknowledgment field.
 *
 * In order: is it acceptable, does it complete the handshake, does it acknowledge anything new
 * (round-trip sample, buffer, congestion control), is it a duplicate, does it move the window, does
 * it cover our FIN. The lower bound of acceptable ACKs is RFC 5961's, but never below our ISS: an
 * ACK for data that was never sent is not "old".
 */
#include "tcp/conn.h"

/* [RFC9293:3.10.7.4] fifth, SYN-RECEIVED STATE. */
static unsigned complete_handshake(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in,
                                   struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    if (!(seq_lt(c->snd.una, s->ack) && seq_le(s->ack, c->snd.nxt))) {
        ans_rst(t, &c->tuple, in, c->serial, c->state, CAUSE_TX_RST_SYN_RCVD_ACK);
        return CAUSE_DROP_SYN_RCVD_ACK;
    }
    c->snd.wnd = s->wnd << c->snd_ws;
    c->snd.wl1 = s->seq;
    c->snd.wl2 = s->ack;
    c->owe_syn = 0;
    bool child = fastopen_child(t, c);
    if (c->extra != 0)
        fastopen_acked(t, c, in, now);
    tcp_enter(t, c, TERN_TCP_ESTABLISHED, CAUSE_ST_HANDSHAKE_DONE, now);
    if (child)
        c->rexmts = 0; /* it was opened when it was made, and may have sent data since */
    else
        conn_opened(t, c, now);
    event_raise(t, c, TERN_EV_CONNECTED | TERN_EV_WRITABLE);
    if (c->fin_wanted) /* CLOSE was called with data queued; it takes effect now */
        tcp_enter(t, c, TERN_TCP_FIN_WAIT_1, CAUSE_ST_CLOSE, now);
    return IN_GO;
}

static unsigned acceptable(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s,
                           struct tern_time now)
{
    if (seq_gt(s->ack, c->snd.nxt)) {
        if (!t->pol->silent_unsent || c->state != TERN_TCP_ESTABLISHED)
            in_challenge(t, c, CAUSE_TX_ACK_BEYOND, now); /* [RFC5961:5.2#2] */
        return CAUSE_DROP_ACK_UNSENT;
    }
    if (t->cfg->rfc5961) { /* [RFC9293:MAY-12] [RFC5961:5.2] [RFC5961:5.2#1] */
        struct seq low = seq_sub(c->snd.una, c->snd.max_wnd);
        if ((uint32_t)seq_diff(c->snd.una, c->snd.iss) < c->snd.max_wnd &&
            seq_diff(c->snd.una, c->snd.iss) >= 0)
            low = c->snd.iss;
        if (seq_lt(s->ack, low)) {
            in_challenge(t, c, CAUSE_TX_ACK_CHALLENGE, now);
            return CAUSE_DROP_ACK_OLD;
        }
    }
    return IN_GO;
}

/* [RFC7323:4.3] (2): TS.Recent follows segments that are next to be acknowledged. */
static void take_timestamp(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s,
                           struct tern_time now)
{
    if (!c->ts_ok || !s->opt.has_ts || !seq_le(s->seq, c->rcv.acked))
        return;
    if ((int32_t)(s->opt.tsval - c->ts_recent) < 0)
        return;
    c->ts_recent = s->opt.tsval;
    c->ts_recent_ms = tcp_ms(t, now);
}

/* Without records: the one segment that is timed. */
static void sample_rtt(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s,
                       struct tern_time now)
{
    uint32_t us = 0;
    if (conn_tracked(t, c) != NULL)
        return; /* rate.c samples */
    if (c->rtt.timed_ns != 0) {
        if (seq_lt(s->ack, c->rtt.timed))
            return;
        us = (uint32_t)((now.ns - c->rtt.timed_ns) / 1000);
        c->rtt.timed_ns = 0;
    } else if (c->ts_ok && s->opt.has_ts && s->opt.tsecr != 0 && c->rexmts > 0) {
        /* An echo tells which transmission was meant: Karn's rule is not needed [RFC7323:4.1]. */
        uint32_t ms = tsval_now(t, c->ts_off, now) - s->opt.tsecr;
        if (ms > 3600000)
            return;
        us = ms * 1000;
    } else {
        return;
    }
    rtt_take(t, c, us, now);
}

/* The send buffer has room: may it grow, and does the application wait for that? */
static void made_room(struct tcp *t, struct tcp_conn *c, uint32_t data)
{
    /* of a profile with pieces: what waits will fill cwnd */
    bool fills = t->pol->buffers && seq_lt(c->snd.nxt, snd_fin(c));
    if (c->snd_tuned && c->cc.cwnd > c->snd.limit / 4 && !fills)
        tune_send(t, c);
    if (data != 0)
        user_writable(t, c);
}

/* SEG.ACK acknowledges something new. */
static void advance(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s,
                    struct tern_time now)
{
    struct news n;
    uint32_t acked = (uint32_t)seq_diff(s->ack, snd_base(c));
    bool fin = fin_sent(c) && seq_gt(s->ack, snd_fin(c));
    uint32_t data = acked - (fin ? 1 : 0);
    tern_assert(data <= c->snd.buf.len);

    c->more = c->more && !t->pol->more_once;
    recovery_begin(c, s, &n);
    sample_rtt(t, c, s, now);
    if (data != 0) {
        ring_drop(&c->snd.buf, data); /* [RFC2018:8] */
        ring_release_if_empty(&c->snd.buf, t->arena);
        tally_acked(t, c, data, now);
    }
    if (!c->syn_acked && c->extra != 0)
        fastopen_settled(t, c, now); /* acknowledged in FIN-WAIT-1: closed before that */
    c->syn_acked = true;
    c->fin_acked |= fin;
    c->snd.una = s->ack;
    c->bytes_acked += data;
    if (seq_lt(c->snd.rtx, c->snd.una))
        c->snd.rtx = c->snd.una;
    if (c->urg && seq_ge(c->snd.una, c->snd.up))
        c->urg = false;
    n.una_moved = true;
    sent_acked(t, c, &n);
    recovery_ack(t, c, s, &n, false, now);
    timer_rexmt_update(t, c, CAUSE_TM_REXMT_ACK, now);
    tlp_arm(t, c, now);
    made_room(t, c, data);
    if (seq_eq(c->snd.una, c->snd.nxt) && c->snd.buf.len == 0 && (c->fin_wanted ? fin : data != 0))
        event_raise(t, c, TERN_EV_SENT_ALL);
    tcp_ready(t, c);
}

/* Only what waits for the window to open ends here: the override timer of a window that is too
 * small goes on, or data held back would wait for ever [RFC9293:3.8.6.2.1]. */
static void window_opened(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    timer_stop(t, c, TT_PERSIST, CAUSE_TM_PERSIST_STOP, now);
    c->persist_shift = 0;
    if (c->owe_probe == CAUSE_TX_PROBE_WINDOW)
        c->owe_probe = 0;
    if (seq_lt(c->snd.una, c->snd.nxt) && !timer_on(c, TT_REXMT))
        recovery_go_back(t, c, CAUSE_TX_REXMT_GO_BACK); /* the probe's octet was not taken */
    if (c->no_memory)
        timer_memory(t, c, now);
}

/* [RFC9293:3.10.7.4] fifth: SND.WND follows the newest segment (WL1, WL2). A `fresh` acknowledgment
 * is the newest whatever its SEG.SEQ: the peer may have sent it with a retransmission. Its window
 * must be taken then, for the old one would be measured from a new SND.UNA and let us send beyond
 * the peer's right edge. */
static bool update_window(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s, bool fresh,
                          struct tern_time now)
{
    bool older =
        seq_lt(s->seq, c->snd.wl1) || (seq_eq(s->seq, c->snd.wl1) && seq_lt(s->ack, c->snd.wl2));
    if ((older && !fresh) || seq_lt(s->ack, c->snd.una)) /* SND.UNA =< SEG.ACK */
        return false;
    uint32_t wnd = s->wnd << c->snd_ws;
    bool changed = wnd != c->snd.wnd, was_shut = c->snd.wnd == 0;
    c->snd.wl1 = seq_max(c->snd.wl1, s->seq);
    c->snd.wl2 = s->ack;
    c->snd.wnd = wnd;
    if (wnd > c->snd.max_wnd)
        c->snd.max_wnd = wnd;
    if (wnd == 0 && !was_shut) {
        c->snd.persist_ms = tcp_ms(t, now);
        c->persist_shift = 0;
    }
    if (wnd != 0 && was_shut)
        window_opened(t, c, now);
    if (changed)
        tcp_ready(t, c);
    return changed;
}

/* Is the FIN of this segment going to be the next octet in order? */
static bool fin_in_order(const struct tcp_conn *c, const struct tcp_in *in)
{
    if (!(in->s.th & TERN_TH_FIN) || !seq_le(in->s.seq, c->rcv.nxt))
        return false;
    return seq_ge(seq_add(in->s.seq, in->s.len), c->rcv.nxt) && c->rcv.ooo.count == 0;
}

void in_fin_wait_2(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    tcp_enter(t, c, TERN_TCP_FIN_WAIT_2, CAUSE_ST_FIN_ACKED, now);
    if (c->orphan)
        timer_fin_wait_2(t, c, now);
}

/* Our FIN is acknowledged. */
static unsigned fin_acked(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in,
                          struct tern_time now)
{
    switch (c->state) {
    case TERN_TCP_FIN_WAIT_1:
        /* With the peer's FIN in the same segment the way is straight to TIME-WAIT: in_fin(). */
        if (!fin_in_order(c, in))
            in_fin_wait_2(t, c, now);
        return IN_GO;
    case TERN_TCP_CLOSING:
        tw_enter(t, c, CAUSE_ST_FIN_ACKED, now);
        return CAUSE_RX_SEG;
    case TERN_TCP_LAST_ACK:
        tcp_die(t, c, TERN_OK, CAUSE_ST_LAST_ACK, now);
        return CAUSE_RX_SEG;
    default:
        return IN_GO;
    }
}

/* [RFC5681:2] a duplicate acknowledgment: everything about it repeats the last one. */
static bool duplicate(const struct tcp_conn *c, const struct tcp_seg *s)
{
    return seq_eq(s->ack, c->snd.una) && seq_lt(c->snd.una, c->snd.nxt) && s->len == 0 &&
           !(s->th & TERN_TH_FIN) && s->wnd != 0 && s->wnd << c->snd_ws == c->snd.wnd;
}

/* SEG.ACK acknowledges nothing new, but may be a duplicate or carry SACK blocks. */
static void stand_still(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s,
                        struct tern_time now)
{
    bool dup = duplicate(c, s);
    if ((!dup && s->opt.nsack == 0) || !seq_eq(s->ack, c->snd.una))
        return;
    struct news n;
    recovery_begin(c, s, &n);
    recovery_ack(t, c, s, &n, dup, now);
    tlp_check(t, c, now);
}

unsigned in_ack(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    unsigned v = IN_GO;
    if (c->state == TERN_TCP_SYN_RECEIVED)
        v = complete_handshake(t, c, in, now);
    if (v == IN_GO)
        v = acceptable(t, c, s, now);
    if (v != IN_GO)
        return v;

    c->last_rx_ms = tcp_ms(t, now);
    if (c->keepalive)
        timer_keep_restart(t, c, now);
    take_timestamp(t, c, s, now);
    if (timer_on(c, TT_PERSIST))
        /* [RFC9293:MUST-37] */
        c->rexmts = 0; /* the peer answers its probes: not dead, only shut [RFC9293:3.8.6.1] */

    if (c->extra != 0) {
        ecn_rx(t, c, in, now); /* [RFC3168:6.1.5] */
        uto_rx(t, c, &s->opt, now);
        extra_own(t, c)->rcvd_tos = in->pkt->tos; /* [RFC9293:MAY-9] */
    }
    bool fresh = seq_gt(s->ack, c->snd.una);
    if (fresh)
        advance(t, c, s, now);
    else
        stand_still(t, c, s, now);
    update_window(t, c, s, fresh, now);
    if (fresh && c->fin_acked)
        return fin_acked(t, c, in, now);
    return IN_GO;
}
