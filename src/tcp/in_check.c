/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/in_check.c: may this segment touch the connection at all? RFC 9293 3.10.7.4 steps 1, 2 and 4
 * (sequence number, RST, SYN; step 3, security, is for MLS systems only), with PAWS (RFC 7323 5.3)
 * before them and the defences of RFC 5961 in them.
 *
 * A SYN on a synchronized connection is challenged wherever it stands [RFC5961:4.2], so it is
 * looked at before the window test. Challenge and out-of-window ACKs are counted for each
 * connection: a counter shared by all would be a side channel (CVE-2016-5696).
 */
#include "tcp/conn.h"

#define PAWS_IDLE_MS (24u * 24 * 3600 * 1000) /* [RFC7323:5.5] */

bool in_acceptable(struct seq seq, uint32_t len, struct seq nxt, uint32_t wnd)
{
    if (len == 0)
        return wnd == 0 ? seq_eq(seq, nxt) : seq_in(seq, nxt, wnd);
    if (wnd == 0)
        return false;
    return seq_in(seq, nxt, wnd) || seq_in(seq_add(seq, len - 1), nxt, wnd);
}

void in_challenge(struct tcp *t, struct tcp_conn *c, unsigned cause, struct tern_time now)
{
    uint32_t ms = tcp_ms(t, now);
    if (c->chal_n == 0 || ms - c->rcv.chal_ms >= 1000) {
        c->rcv.chal_ms = ms;
        c->chal_n = 0;
    }
    if (c->chal_n >= t->cfg->challenge_per_s) { /* [RFC5961:7] [RFC5961:10] */
        trace_count(t->trace, CAUSE_DROP_CHALLENGE_LIMIT);
        return;
    }
    c->chal_n++;
    if (c->owe_ack == 0)
        c->owe_ack = (uint16_t)cause;
    tcp_ready(t, c);
}

/* PAWS: IN_GO or the drop. */
static unsigned paws(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s,
                     struct tern_time now)
{
    if (!c->ts_ok || (s->th & TERN_TH_RST)) /* [RFC7323:5.2#1] [RFC7323:3.2#3] */
        return IN_GO;
    if (!s->opt.has_ts) /* [RFC7323:3.2]; but a rebooted peer's SYN is challenged [RFC5961:4.2] */
        /* [RFC7323:3.2#2] */
        return (s->th & TERN_TH_SYN) || t->pol->lax_stamps ? IN_GO
                                                           : (unsigned)CAUSE_DROP_NO_TIMESTAMP;
    if ((int32_t)(s->opt.tsval - c->ts_recent) >= 0)
        return IN_GO;
    if (tcp_ms(t, now) - c->ts_recent_ms > PAWS_IDLE_MS)
        return IN_GO;
    in_challenge(t, c, CAUSE_TX_ACK_PAWS, now); /* [RFC7323:5.3] */
    return CAUSE_DROP_PAWS;
}

static unsigned rst(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s,
                    struct tern_time now)
{
    if (t->cfg->rfc5961 && !seq_eq(s->seq, c->rcv.nxt)) {
        in_challenge(t, c, CAUSE_TX_ACK_CHALLENGE, now);
        return CAUSE_DROP_RST_CHALLENGED; /* [RFC5961:3.2#3] */
    }
    /* [RFC5961:3.2#2] */
    switch (c->state) {
    case TERN_TCP_SYN_RECEIVED:
        if (fastopen_child(t, c)) {
            tcp_die(t, c, TERN_ECONNRESET, CAUSE_ST_RST, now);
            break;
        }
        /* from an active open: passive ones are half-open records [RFC9293:MUST-11] */
        tcp_die(t, c, TERN_ECONNREFUSED, CAUSE_ST_REFUSED, now);
        break;
    case TERN_TCP_CLOSING:
    case TERN_TCP_LAST_ACK:
        tcp_die(t, c, TERN_OK, CAUSE_ST_RST, now);
        break;
    default:
        tcp_die(t, c, TERN_ECONNRESET, CAUSE_ST_RST, now);
        break;
    }
    return CAUSE_RX_SEG;
}

/* The crossing SYN-ACK of a simultaneous open stands one below RCV.NXT, so that the letter of Table
 * 6 would refuse it although Figure 7 takes it. What counts is its ACK. */
static bool crossing_syn_ack(const struct tcp_conn *c, const struct tcp_seg *s)
{
    return c->state == TERN_TCP_SYN_RECEIVED && seq_eq(s->seq, c->rcv.irs) &&
           (s->th & (TERN_TH_SYN | TERN_TH_ACK | TERN_TH_RST)) == (TERN_TH_SYN | TERN_TH_ACK) &&
           seq_gt(s->ack, c->snd.una) && seq_le(s->ack, c->snd.nxt);
}

static unsigned out_of_window(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s,
                              struct tern_time now)
{
    if (s->th & TERN_TH_RST)
        return CAUSE_DROP_RST_OUT_OF_WINDOW; /* [RFC5961:3.2#1] */
    if (c->state == TERN_TCP_SYN_RECEIVED && (s->th & TERN_TH_SYN) && seq_eq(s->seq, c->rcv.irs)) {
        c->owe_syn = CAUSE_TX_SYN_ACK_DUP_SYN; /* it missed our SYN-ACK */
        tcp_ready(t, c);
        return CAUSE_DROP_OUT_OF_WINDOW;
    }
    bool probe = s->len <= 1 && seq_eq(s->seq, seq_sub(c->rcv.nxt, 1));
    if (s->len > 1 && seq_le(seq_add(s->seq, s->len), c->rcv.nxt)) { /* all of it came before */
        dsack_note(c, s->seq, seq_add(s->seq, s->len));
        if (!(s->th & TERN_TH_SYN)) { /* an ACK of data cannot be part of a loop: not rationed */
            c->owe_ack = CAUSE_TX_ACK_OUT_OF_WINDOW;
            tcp_ready(t, c);
            return CAUSE_DROP_OUT_OF_WINDOW;
        }
    }
    in_challenge(t, c, probe ? CAUSE_TX_ACK_KEEPALIVE : CAUSE_TX_ACK_OUT_OF_WINDOW, now);
    return CAUSE_DROP_OUT_OF_WINDOW;
}

unsigned in_check(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    struct tcp_seg *s = &in->s;
    unsigned v = paws(t, c, s, now);
    if (v != IN_GO)
        return v;
    if (crossing_syn_ack(c, s)) {
        s->th &= (uint8_t) ~(TERN_TH_SYN | TERN_TH_FIN);
        s->seq = c->rcv.nxt;
        s->len = 0;
        return IN_GO;
    }
    if ((s->th & (TERN_TH_SYN | TERN_TH_RST)) == TERN_TH_SYN && t->cfg->rfc5961 &&
        state_synchronized(c->state)) { /* step 4, early [RFC5961:4.2#1] */
        in_challenge(t, c, CAUSE_TX_ACK_CHALLENGE, now);
        return CAUSE_DROP_SYN_CHALLENGED;
    }
    uint32_t wnd = (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt);
    uint32_t seglen = s->len + !!(s->th & TERN_TH_SYN) + !!(s->th & TERN_TH_FIN);
    bool in_window = in_acceptable(s->seq, seglen, c->rcv.nxt, wnd); /* step 1 */
    /* With the window shut, ACK, URG and RST of what stands at RCV.NXT still count. */
    bool at_shut = wnd == 0 && seq_eq(s->seq, c->rcv.nxt); /* [RFC9293:MUST-66] */
    if (!in_window && !at_shut)
        return out_of_window(t, c, s, now);
    if (s->th & TERN_TH_RST) /* step 2 [RFC9293:SHLD-2] */
        return rst(t, c, s, now);
    if (s->th & TERN_TH_SYN) { /* step 4 */
        if (!t->cfg->rfc5961 && state_synchronized(c->state)) {
            ans_conn_rst(t, c, CAUSE_TX_RST_ABORT);
            tcp_die(t, c, TERN_ECONNRESET, CAUSE_ST_RST, now); /* [RFC5961:4.2#2] */
            return CAUSE_RX_SEG;
        }
        in_challenge(t, c, CAUSE_TX_ACK_CHALLENGE, now);
        return CAUSE_DROP_SYN_CHALLENGED;
    }
    if (!(s->th & TERN_TH_ACK)) /* step 5 begins */
        return CAUSE_DROP_NO_ACK;
    return IN_GO;
}
