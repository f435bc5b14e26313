/* SPDX-License-Identifier: BSD-2-Clause */
/* matrix/rows_tw.c: TIME-WAIT, which lives in a compact record. */
#include "matrix.h"

static void reach(struct rig *r)
{
    rig_start(r);
    rig_reach(r, TERN_TCP_TIME_WAIT);
}

/* The handle that outlives the connection is dropped, and with it the record. */
ROW(TIME_WAIT_01, BOTH)
{
    assert_int_equal(tcp_abort(r->t, r->sock, r->now), TERN_OK);
    rig_silent(r);
    rig_empty(r);
}

ROW(TIME_WAIT_02, BOTH)
{
    assert_int_equal(rig_send(r, 10), TERN_EPIPE);
    rig_silent(r);
}

ROW(TIME_WAIT_03, BOTH)
{
    assert_int_equal(rig_connect(r), TERN_EADDRINUSE);
    rig_silent(r);
}

ROW(TIME_WAIT_04, BOTH) /* outside the window, and no SYN [RFC1337:2] */
{
    assert_int_equal(rig_in(r, ACK, 70000, 0, 10), CAUSE_DROP_OUT_OF_WINDOW);
    rig_ack(r, CAUSE_TX_ACK_OUT_OF_WINDOW);
    assert_int_equal(rig_in(r, ACK, -100, 0, 10), CAUSE_DROP_OUT_OF_WINDOW);
    rig_ack(r, CAUSE_TX_ACK_OUT_OF_WINDOW);
}

ROW(TIME_WAIT_05, BOTH)
{
    assert_int_equal(rig_in(r, RST, 70000, 0, 0), CAUSE_DROP_RST_OUT_OF_WINDOW);
    assert_int_equal(rig_in(r, RST, -1, 0, 0), CAUSE_DROP_RST_OUT_OF_WINDOW);
    rig_silent(r);
}

ROW(TIME_WAIT_06, BOTH | FRESH) /* with RFC 1337's rule off */
{
    r->cfg.rfc1337 = false;
    reach(r);
    assert_int_equal(rig_in(r, RST, 10, 0, 0), CAUSE_DROP_RST_CHALLENGED);
    rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
}

ROW(TIME_WAIT_07, BOTH | FRESH)
{
    r->cfg.rfc1337 = false;
    reach(r);
    rig_in(r, RST, 0, 0, 0);
    rig_silent(r);
}

ROW(TIME_WAIT_08, BOTH) /* [RFC1337:3] F1 [RFC1337:2] */
{
    assert_int_equal(rig_in(r, RST, 0, 0, 0), CAUSE_DROP_TIME_WAIT_RST);
    assert_int_equal(rig_in(r, RST, 10, 0, 0), CAUSE_DROP_TIME_WAIT_RST);
    rig_silent(r);
}

/* A SYN with newer numbers: a new incarnation beside the old record, which stays until it has
 * proved itself [RFC9293:MAY-2] [RFC6191:2]. */
ROW(TIME_WAIT_09, BOTH)
{
    struct rig_at old = rig_at(r);
    rig_listen(r, 4);
    rig_syn(r, SYN, seq_add(old.rcv_nxt, 1000), seq_of(0));
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_true(seq_gt(o->seg.seq, old.snd_nxt));
    assert_non_null(rig_tw(r));
    assert_non_null(rig_half(r));
}

ROW(TIME_WAIT_10, BOTH) /* not newer: silence [RFC6191:2#3] */
{
    struct rig_at old = rig_at(r);
    rig_listen(r, 4);
    struct tcp_seg s = {.seq = seq_sub(old.rcv_nxt, 1000), .th = SYN, .wnd = 1000};
    assert_int_equal(rig_seg(r, &s, 0), CAUSE_DROP_TIME_WAIT_SYN);
    rig_silent(r);
    if (old.ts) { /* an old timestamp, whatever the number */
        r->ts_skew = -100000;
        assert_int_equal(rig_syn(r, SYN, seq_add(old.rcv_nxt, 1000), seq_of(0)),
                         CAUSE_DROP_TIME_WAIT_SYN);
        rig_silent(r);
    }
    assert_null(rig_half(r));
}

ROW(TIME_WAIT_11, BOTH) /* no ACK flag */
{
    assert_int_equal(rig_in(r, 0, 0, 0, 0), CAUSE_DROP_TIME_WAIT);
    assert_int_equal(rig_in(r, PSH, 0, 0, 10), CAUSE_DROP_TIME_WAIT);
    rig_silent(r);
}

ROW(TIME_WAIT_12, BOTH) /* the FIN again: ACK, and 2 MSL from now */
{
    rig_sleep(r, 59000);
    rig_in(r, FIN | ACK, -1, 0, 0);
    rig_ack(r, CAUSE_TX_ACK_TIME_WAIT);
    rig_sleep(r, 59000);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
}

ROW(TIME_WAIT_13, BOTH) /* text */
{
    struct rig_at at = rig_at(r);
    rig_in(r, ACK, 0, 0, 100);
    rig_pull(r);
    assert_true(r->n <= 1 && (r->n == 0 || r->out[0].seg.th == ACK));
    assert_int_equal(rig_at(r).rcv_nxt.v, at.rcv_nxt.v);
    assert_int_equal(rig_recv(r, 100), 0);
}

ROW(TIME_WAIT_14, BOTH) /* [RFC9293:MUST-13] */
{
    rig_sleep(r, 59990);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    rig_sleep(r, 20);
    rig_silent(r);
    assert_int_equal(r->t->tws.used, 0);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK); /* the handle outlived it */
    rig_empty(r);
}

ROW(TIME_WAIT_15, BOTH)
{
    assert_int_equal(matrix_icmp(r, TERN_EHOSTUNREACH), CAUSE_DROP_ICMP_NO_MATCH);
    rig_silent(r);
}
