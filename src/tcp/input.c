/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/input.c: the spine of TCP's input: RFC 9293 3.10.7.3 for SYN-SENT, and for all other states
 * the eight steps of 3.10.7.4 in their order, one file a step. (CLOSED and LISTEN: in_listen.c;
 * half-open: syncache.c; TIME-WAIT: timewait.c.)
 */
#include "tcp/conn.h"

static unsigned text_and_fin(struct tcp *t, struct tcp_conn *c, struct tcp_in *in,
                             struct tern_time now)
{
    uint32_t gen = c->gen;
    in_urgent(t, c, in);                 /* step 6 */
    unsigned v = in_text(t, c, in, now); /* step 7 */
    if (v == IN_GO) {
        in_fin(t, c, in, now); /* step 8 */
        v = CAUSE_RX_SEG;
    }
    /* in_ack() left FIN-WAIT-1 to step 8 because of this segment's FIN, but its text was not taken.
     */
    if (c->used && c->gen == gen && c->state == TERN_TCP_FIN_WAIT_1 && c->fin_acked)
        in_fin_wait_2(t, c, now);
    return v;
}

#define NOT_PLAIN (TERN_TH_FIN | TERN_TH_SYN | TERN_TH_RST | TERN_TH_URG)

/* Text that is next in order and nothing more, on a connection where nothing is out of the
 * ordinary: the receiver's side of a bulk transfer. rx.c has put its octets in place, so it stands
 * at RCV.NXT and within the window, and nothing waits beyond a hole. */
static bool is_plain(const struct tcp_conn *c, const struct tcp_in *in)
{
    const struct tcp_seg *s = &in->s;
    return in->copied && c->state == TERN_TCP_ESTABLISHED && c->extra == 0 &&
           (s->th & (NOT_PLAIN | TERN_TH_ACK)) == TERN_TH_ACK && seq_eq(s->ack, c->snd.una) &&
           s->wnd << c->snd_ws == c->snd.wnd && s->opt.nsack == 0 && !c->fin_known &&
           !c->keepalive && !timer_on(c, TT_PERSIST) && c->snd.wnd != 0 &&
           (!c->ts_ok || (s->opt.has_ts && (int32_t)(s->opt.tsval - c->ts_recent) >= 0));
}

/* What the eight steps do with such a segment; most of them find nothing to do. */
static unsigned plain(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in,
                      struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    c->last_rx_ms = tcp_ms(t, now);
    if (c->ts_ok && seq_le(s->seq, c->rcv.acked)) { /* [RFC7323:4.3] (2) */
        c->ts_recent = s->opt.tsval;
        c->ts_recent_ms = c->last_rx_ms;
    }
    if (seq_gt(s->seq, c->snd.wl1) || (seq_eq(s->seq, c->snd.wl1) && seq_ge(s->ack, c->snd.wl2))) {
        c->snd.wl1 = s->seq;
        c->snd.wl2 = s->ack;
        if (c->snd.wnd > c->snd.max_wnd)
            c->snd.max_wnd = c->snd.wnd;
    }
    tune_rx(t, c, in, now);
    in_taken(t, c, in, s->len, now);
    return CAUSE_RX_SEG;
}

/* RFC 9293 3.10.7.4, steps 1 to 8, for a connection that has a control block. */
static unsigned steps(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    unsigned v;
    if (is_plain(c, in))
        return plain(t, c, in, now);
    if (c->state == TERN_TCP_SYN_SENT) {
        if ((v = in_synsent(t, c, in, now)) != IN_GO) /* 3.10.7.3 */
            return v;
    } else {
        if ((v = in_check(t, c, in, now)) != IN_GO) /* steps 1 to 4, and PAWS */
            return v;
        if ((v = in_ack(t, c, in, now)) != IN_GO) /* step 5 */
            return v;
    }
    return text_and_fin(t, c, in, now);
}

unsigned tcp_input_from_ack(struct tcp *t, struct tcp_conn *c, struct tcp_in *in,
                            struct tern_time now)
{
    unsigned v = in_ack(t, c, in, now);
    return v != IN_GO ? v : text_and_fin(t, c, in, now);
}

unsigned tcp_input(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    c->segs_in += in->pieces;
    struct tern_trace *r = note_rx_begin(t, c, &c->tuple, c->serial, c->state, in, now);
    unsigned v = steps(t, c, in, now); /* c may be gone now */
    note_rx_end(t, r, in, v);
    return v;
}
