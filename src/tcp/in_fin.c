/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/in_fin.c: RFC 9293 3.10.7.4 step 8: the FIN bit.
 *
 * A FIN counts when everything before it has arrived; one beyond a hole is remembered with its
 * sequence number until then.
 */
#include "tcp/conn.h"

static void transition(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    switch (c->state) {
    case TERN_TCP_ESTABLISHED:
        tcp_enter(t, c, TERN_TCP_CLOSE_WAIT, CAUSE_ST_PEER_FIN, now);
        break;
    case TERN_TCP_FIN_WAIT_1:
        if (c->fin_acked)
            tw_enter(t, c, CAUSE_ST_PEER_FIN, now);
        else
            tcp_enter(t, c, TERN_TCP_CLOSING, CAUSE_ST_SIMULTANEOUS_CLOSE, now);
        break;
    case TERN_TCP_FIN_WAIT_2:
        tw_enter(t, c, CAUSE_ST_PEER_FIN, now);
        break;
    default:
        tern_assert(false);
    }
}

void in_fin(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    if (!state_receives(c->state) || c->fin_rcvd)
        return;
    if (in->s.th & TERN_TH_FIN) {
        struct seq fin = seq_add(in->s.seq, in->s.len);
        /* One below text that has arrived is a lie. */
        if (seq_ge(fin, ranges_top(&c->rcv.ooo, &t->ooo, c->rcv.nxt)) && !c->fin_known) {
            c->rcv.fin = fin;
            c->fin_known = true;
            if (!seq_eq(fin, c->rcv.nxt) && c->owe_ack == 0) {
                c->owe_ack = CAUSE_TX_ACK_DUP; /* beyond a hole [RFC5681:4.2] */
                tcp_ready(t, c);
            }
        }
    }
    if (!c->fin_known || !seq_eq(c->rcv.fin, c->rcv.nxt))
        return;
    c->rcv.nxt = seq_add(c->rcv.nxt, 1);
    if (seq_lt(c->rcv.adv, c->rcv.nxt))
        c->rcv.adv = c->rcv.nxt; /* a FIN needs no buffer: it may stand at the very edge */
    c->fin_rcvd = true;
    c->owe_ack = CAUSE_TX_ACK_FIN;
    timer_stop(t, c, TT_DELACK, CAUSE_TM_DELACK_STOP, now);
    event_raise(t, c, TERN_EV_READABLE | TERN_EV_PEER_FIN); /* [RFC9293:MUST-12] */
    tcp_ready(t, c);
    transition(t, c, now);
}
