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

/* RFC 9293 3.10.7.4, steps 1 to 8, for a connection that has a control block. */
static unsigned steps(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    unsigned v;
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
