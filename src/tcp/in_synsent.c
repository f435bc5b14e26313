/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/in_synsent.c: RFC 9293 3.10.7.3: SYN-SENT.
 *
 * The check of a RST's sequence number that the RFC's text mentions here is an erratum (8167):
 * before the peer's SYN there is no RCV.NXT to compare with. A RST counts only with an ACK of our
 * SYN.
 */
#include "tcp/conn.h"

static void take_syn(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    c->rcv.irs = s->seq;
    c->rcv.nxt = seq_add(s->seq, 1);
    c->rcv.acked = c->rcv.nxt;
    conn_take_opts(t, c, &s->opt);
    /* The window of our SYN, unscaled, is what was offered so far. */
    uint32_t offered = c->rcv.limit < 65535 ? c->rcv.limit : 65535;
    c->rcv.adv = seq_add(c->rcv.nxt, offered);
    c->snd.wnd = c->snd.max_wnd = s->wnd; /* never scaled on a SYN [RFC7323:2.2] */
    c->snd.wl1 = s->seq;
    c->snd.wl2 = s->ack;
    c->last_rx_ms = tcp_ms(t, now);
}

static unsigned syn_acked(struct tcp *t, struct tcp_conn *c, struct tcp_in *in,
                          struct tern_time now)
{
    take_syn(t, c, in, now);
    ecn_syn_acked(t, c, in);
    struct seq sent = c->snd.nxt;
    if (c->extra != 0) {
        fastopen_learn(t, c, in, now);
        fastopen_acked(t, c, in, now);
    }
    uint32_t data = (uint32_t)seq_diff(in->s.ack, seq_add(c->snd.iss, 1));
    if (data != 0) {
        ring_drop(&c->snd.buf, data);
        ring_release_if_empty(&c->snd.buf, t->arena);
        c->bytes_acked += data;
    }
    c->snd.una = in->s.ack;
    c->syn_acked = true;
    if (c->extra != 0)
        uto_rx(t, c, &in->s.opt, now);
    c->snd.rtx = c->snd.nxt;
    if (c->rtt.timed_ns != 0)
        rtt_sample(&c->rtt, (uint32_t)((now.ns - c->rtt.timed_ns) / 1000), t->cfg);
    c->rtt.timed_ns = 0;
    timer_stop(t, c, TT_REXMT, CAUSE_TM_REXMT_STOP, now);
    timer_stop(t, c, TT_USER, CAUSE_TM_REXMT_STOP, now);
    c->owe_syn = 0;
    tcp_enter(t, c, TERN_TCP_ESTABLISHED, CAUSE_ST_SYN_ACKED, now);
    conn_opened(t, c, now);
    if (seq_eq(sent, c->snd.nxt)) /* data of the SYN that was refused is no answer */
        ack_opened(t, c, now);
    c->owe_ack = CAUSE_TX_HANDSHAKE_ACK;
    event_raise(t, c, TERN_EV_CONNECTED | TERN_EV_WRITABLE);
    tcp_ready(t, c);
    return IN_GO;
}

#define ECHO_MOST_MS 300000u /* longer than any SYN is tried */

/* Does the SYN-ACK echo a timestamp of ours? */
static bool echo_good(const struct tcp *t, const struct tcp_conn *c, const struct tcp_opts *o,
                      struct tern_time now)
{
    if (!t->pol->check_echo || !o->has_ts || o->tsecr == 0)
        return true;
    return tsval_now(t, c->ts_off, now) - o->tsecr <= ECHO_MOST_MS;
}

unsigned in_synsent(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    bool acked = false;
    if (s->th & TERN_TH_ACK) { /* first */
        acked = seq_gt(s->ack, c->snd.iss) && seq_le(s->ack, c->snd.nxt);
        if (!acked && (s->th & TERN_TH_RST))
            return CAUSE_DROP_SYN_SENT_RST;
        if (!acked) {
            ans_rst(t, &c->tuple, in, c->serial, c->state, CAUSE_TX_RST_SYN_SENT_ACK);
            return CAUSE_DROP_SYN_SENT_ACK;
        }
    }
    if (s->th & TERN_TH_RST) { /* second [RFC5961:3.2#4] */
        if (!acked)
            return CAUSE_DROP_SYN_SENT_RST;
        tcp_die(t, c, TERN_ECONNREFUSED, CAUSE_ST_REFUSED, now);
        return CAUSE_RX_SEG;
    }
    if (!(s->th & TERN_TH_SYN)) /* fifth */
        return CAUSE_DROP_SYN_SENT_FLAGS;
    if (acked && !echo_good(t, c, &s->opt, now)) {
        ans_rst(t, &c->tuple, in, c->serial, c->state, CAUSE_TX_RST_SYN_SENT_ACK);
        return CAUSE_DROP_SYN_SENT_ACK;
    }
    in->copied = false;
    if (acked) { /* fourth */
        unsigned v = syn_acked(t, c, in, now);
        in->s.seq = seq_add(in->s.seq, 1); /* text and FIN begin behind the SYN */
        return v;
    }
    /* [RFC9293:MUST-10] simultaneous open. Text that came with the SYN comes again. */
    take_syn(t, c, in, now);
    tcp_enter(t, c, TERN_TCP_SYN_RECEIVED, CAUSE_ST_SIMULTANEOUS_OPEN, now);
    c->owe_syn = CAUSE_TX_SYN_ACK_SIMULTANEOUS;
    tcp_ready(t, c);
    return CAUSE_RX_SEG;
}
