/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/in_text.c: RFC 9293 3.10.7.4 steps 6 and 7: urgent data and the segment text.
 *
 * The segment is trimmed to the window; what is next in order joins the receive buffer, what lies
 * beyond a hole is written ahead at its place and remembered as an interval (RFC 2018's SACK
 * blocks are made from those). When to acknowledge: at once for anything out of order or that
 * fills a hole and for every second full-sized segment [RFC9293:SHLD-19], otherwise after the
 * delayed-ACK time [RFC9293:MUST-58].
 */
#include "tcp/conn.h"

void in_urgent(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in)
{
    const struct tcp_seg *s = &in->s;
    if (!(s->th & TERN_TH_URG) || s->urg == 0 || !state_receives(c->state))
        return;
    /* [RFC1122:4.2.2.4] */
    struct seq up = seq_add(s->seq, s->urg); /* the octet after the urgent one [RFC9293:MUST-62] */
    if (seq_le(up, c->rcv.nxt) || (c->oob && seq_le(up, c->rcv.up)))
        return;
    c->rcv.up = up;
    c->oob = true;
    c->oob_kept = false;
    event_raise(t, c, TERN_EV_OOB); /* [RFC9293:MUST-32] */
}

/* Cuts off what is before RCV.NXT and beyond the window or the end of the stream. */
static void trim(struct tcp_conn *c, struct tcp_in *in)
{
    struct tcp_seg *s = &in->s;
    int32_t before = seq_diff(c->rcv.nxt, s->seq);
    if (before > 0) {
        uint32_t cut = (uint32_t)before < s->len ? (uint32_t)before : s->len;
        dsack_note(c, s->seq, seq_add(s->seq, cut));
        s->data += cut;
        s->len -= cut;
        s->seq = seq_add(s->seq, cut);
        in->copied = false;
    }
    /* Nothing stands beyond the peer's own FIN. */
    struct seq edge = c->fin_known ? seq_min(c->rcv.adv, c->rcv.fin) : c->rcv.adv;
    int32_t room = seq_diff(edge, s->seq);
    if (room < 0)
        room = 0;
    if (s->len > (uint32_t)room) {
        s->len = (uint32_t)room;
        s->th &= (uint8_t)~TERN_TH_FIN; /* it lies beyond the window */
        in->copied = false;
    }
}

/* Beyond a hole: keep it, if there is room. */
static unsigned keep_ooo(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s)
{
    uint32_t off = c->rcv.buf.len + (uint32_t)seq_diff(s->seq, c->rcv.nxt);
    struct seq end = seq_add(s->seq, s->len);
    struct seq top = ranges_top(&c->rcv.ooo, &t->ooo, c->rcv.nxt);
    uint32_t extent = c->rcv.buf.len + (uint32_t)seq_diff(top, c->rcv.nxt);
    c->owe_ack = CAUSE_TX_ACK_DUP; /* [RFC5681:4.2] [RFC9293:MAY-13] */
    ack_quick(t, c);
    tcp_ready(t, c);
    if (ranges_covers(&c->rcv.ooo, &t->ooo, s->seq, end)) {
        dsack_note(c, s->seq, end);
        return CAUSE_DROP_DUPLICATE;
    }
    if (!ring_reserve(&c->rcv.buf, t->arena, off + s->len, UINT32_MAX, extent))
        return CAUSE_DROP_RCV_MEMORY;
    if (!ranges_add(&c->rcv.ooo, &t->ooo, s->seq, end)) {
        if (c->rcv.ooo.count == 0)
            ring_release_if_empty(&c->rcv.buf, t->arena);
        return CAUSE_DROP_OOO_LIMIT;
    }
    ring_write(&c->rcv.buf, off, s->data, s->len); /* [RFC9293:SHLD-31] */
    return IN_GO;
}

static void schedule_ack(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in,
                         struct tern_time now)
{
    uint32_t piece = in->pkt->gso_size != 0 ? in->pkt->gso_size : in->s.len;
    if (piece > c->rcv_mss)
        c->rcv_mss = (uint16_t)(piece < c->mss_top ? piece : c->mss_top);
    c->rcv.unacked += in->s.len;
    if (t->pol->quick_acks != 0) {
        ack_data(t, c, in, now);
        return;
    }
    if (c->owe_ack == 0 && c->quickack)
        c->owe_ack = CAUSE_TX_ACK_NOW;
    if (c->owe_ack == 0 && (in->pieces > 1 || c->rcv.unacked >= 2u * c->rcv_mss))
        c->owe_ack = CAUSE_TX_ACK_EVERY_SECOND; /* [RFC9293:SHLD-19] */
    if (c->owe_ack != 0)
        tcp_ready(t, c);
    else if (!timer_on(c, TT_DELACK)) /* [RFC9293:SHLD-18] */
        /* [RFC5681:4.2#1] */
        timer_arm(t, c, TT_DELACK, time_add_us(now, t->cfg->delack_us), CAUSE_TM_DELACK, now);
}

void in_taken(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in, uint32_t n,
              struct tern_time now)
{
    ring_commit(&c->rcv.buf, n);
    c->rcv.nxt = seq_add(c->rcv.nxt, n);
    c->bytes_rcvd += n;
    schedule_ack(t, c, in, now);
    user_readable(t, c);
}

/* Next in order: takes it, and what it joins. */
static unsigned take(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    struct tcp_seg *s = &in->s;
    if (!in->copied) {
        struct seq top = ranges_top(&c->rcv.ooo, &t->ooo, c->rcv.nxt);
        uint32_t extent = c->rcv.buf.len + (uint32_t)seq_diff(top, c->rcv.nxt);
        if (!ring_reserve(&c->rcv.buf, t->arena, c->rcv.buf.len + s->len, UINT32_MAX, extent))
            return CAUSE_DROP_RCV_MEMORY;
        ring_write(&c->rcv.buf, c->rcv.buf.len, s->data, s->len);
    }
    struct seq next = seq_add(s->seq, s->len);
    if (c->rcv.ooo.count != 0) {
        struct seq to = ranges_take_from(&c->rcv.ooo, &t->ooo, next);
        /* [RFC5681:4.2#2] */
        c->owe_ack = CAUSE_TX_ACK_NOW; /* a hole is filled, at least partly [RFC5681:4.2] */
        next = to;
    }
    in_taken(t, c, in, (uint32_t)seq_diff(next, c->rcv.nxt), now);
    return IN_GO;
}

unsigned in_text(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    struct tcp_seg *s = &in->s;
    uint32_t had = s->len;
    if (had == 0 && !(s->th & TERN_TH_FIN))
        return IN_GO;
    if (!state_receives(c->state) || c->fin_rcvd) {
        if (had != 0) { /* [RFC9293:3.10.7.4] seventh: text after FIN is ignored */
            in_challenge(t, c, CAUSE_TX_ACK_OUT_OF_WINDOW, now);
            return CAUSE_DROP_AFTER_FIN;
        }
        return IN_GO;
    }
    if (had != 0)
        tune_rx(t, c, in, now);
    trim(c, in);
    if (s->len == 0) {
        if (had != 0) { /* nothing new, or no room: the sender must learn where we stand */
            c->owe_ack = c->owe_ack != 0 ? c->owe_ack : (uint16_t)CAUSE_TX_ACK_NOW;
            tcp_ready(t, c);
        }
        return (s->th & TERN_TH_FIN) || had == 0 ? IN_GO : (unsigned)CAUSE_DROP_DUPLICATE;
    }
    if (c->orphan) { /* [RFC9293:SHLD-3] nobody will ever read it */
        if (t->pol->plain_rst)
            ans_rst(t, &c->tuple, in, c->serial, c->state, CAUSE_TX_RST_AFTER_CLOSE);
        else
            ans_conn_rst(t, c, CAUSE_TX_RST_AFTER_CLOSE);
        tcp_die(t, c, TERN_ECONNRESET, CAUSE_ST_DATA_AFTER_CLOSE, now);
        return CAUSE_RX_SEG;
    }
    if (seq_eq(s->seq, c->rcv.nxt))
        return take(t, c, in, now);
    return keep_ooo(t, c, s);
}
