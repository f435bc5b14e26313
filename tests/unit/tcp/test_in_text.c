/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    return 0;
}

/* [RFC9293:SHLD-19] every second full-sized segment, with timestamps and without. */
static void test_every_second_segment(void **state) /* [RFC5681:4.2#1] */
{
    struct rig *r = *state;
    for (unsigned ts = 0; ts < 2; ts++) {
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        r->active = true;
        r->syn_ts = ts;
        rig_reach(r, TERN_TCP_ESTABLISHED);
        uint32_t full = ts ? 1448 : 1460;
        for (unsigned i = 0; i < 6; i++) {
            rig_in(r, ACK, 0, 0, full);
            assert_int_equal(rig_pull(r), i % 2);
        }
        assert_int_equal(rig_count(r, CAUSE_TX_ACK_EVERY_SECOND), 3);
    }
}

static void test_super_segment_is_acknowledged_at_once(void **state)
{
    struct rig *r = *state;
    r->gso_size = 1448;
    rig_in(r, ACK, 0, 0, 1448 * 5);
    rig_ack(r, CAUSE_TX_ACK_EVERY_SECOND);
    assert_int_equal(rig_conn(r)->segs_in, 7); /* SYN-ACK, the setup's ACK, five */
}

static void test_quickack(void **state)
{
    struct rig *r = *state;
    rig_in(r, ACK, 0, 0, 10);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_QUICKACK, 1, r->now), TERN_OK);
    rig_ack(r, CAUSE_TX_ACK_NOW);
    rig_in(r, ACK, 0, 0, 10);
    rig_ack(r, CAUSE_TX_ACK_NOW);
}

/* [RFC9293:SHLD-31] pieces in any order, overlapping, with every ACK at once and SACK blocks,
 * newest first [RFC2018:4]. */
/* [RFC2018:4#2] [RFC2018:4#3] [RFC5681:4.2#2] [RFC9293:MAY-13] */
static void test_out_of_order(void **state)
{
    struct rig *r = *state;
    struct seq base = rig_at(r).rcv_nxt;
    rig_in(r, ACK, 1000, 0, 100);
    struct rig_out *o = rig_one(r, ACK);
    assert_int_equal(o->seg.opt.nsack, 1);
    assert_int_equal(o->seg.opt.sack[0].lo.v, base.v + 1000);
    assert_int_equal(o->seg.opt.sack[0].hi.v, base.v + 1100);
    rig_in(r, ACK, 3000, 0, 100);
    o = rig_one(r, ACK);
    assert_int_equal(o->seg.opt.nsack, 2);
    assert_int_equal(o->seg.opt.sack[0].lo.v, base.v + 3000);
    rig_in(r, ACK, 500, 0, 700); /* overlaps the first on both sides */
    o = rig_one(r, ACK);
    assert_int_equal(o->seg.opt.sack[0].lo.v, base.v + 500);
    assert_int_equal(o->seg.opt.sack[0].hi.v, base.v + 1200);
    assert_int_equal(rig_in(r, ACK, 600, 0, 100), CAUSE_DROP_DUPLICATE);
    rig_one(r, ACK);
    rig_in(r, ACK, 0, 0, 600); /* fills the first hole, with overlap */
    o = rig_one(r, ACK);
    assert_int_equal(o->seg.ack.v, base.v + 1200);
    assert_int_equal(o->seg.opt.nsack, 1);
    rig_in(r, ACK, 0, 0, 5000); /* over everything */
    assert_int_equal(rig_one(r, ACK)->seg.opt.nsack, 0);
    assert_int_equal(rig_recv(r, 1 << 16), 6200);
    assert_int_equal(r->t->ooo.used, 0);
}

static void test_random_order(void **state)
{
    struct rig *r = *state;
    struct seq base = rig_at(r).rcv_nxt;
    uint32_t x = 7, total = 40000;
    for (unsigned i = 0; i < 20000 && rig_at(r).rcv_nxt.v - base.v < total; i++) {
        x = x * 1664525 + 1013904223;
        uint32_t at = (x >> 12) % (total + 300), len = 1 + (x >> 4) % 900;
        at = at > 300 ? at - 300 : 0;
        if (at + len > total)
            len = total - at;
        rig_in(r, ACK, (int32_t)(base.v + at - rig_at(r).rcv_nxt.v), 0, len);
        rig_pull(r);
        if (i % 16 == 0)
            rig_recv(r, 4000);
        if (i % 50 == 0)
            r->now = time_add_ms(r->now, 1001); /* the challenge limit */
    }
    rig_recv(r, 1 << 16);
    assert_int_equal(rig_at(r).rcv_nxt.v, base.v + total);
    assert_int_equal(r->t->ooo.used, 0);
    assert_int_equal(rig_conn(r)->bytes_rcvd, total);
}

static void test_out_of_order_budget(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(rig_in(r, ACK, 100 + 20 * (int32_t)i, 0, 10), CAUSE_RX_SEG);
    assert_int_equal(rig_in(r, ACK, 5000, 0, 10), CAUSE_DROP_OOO_LIMIT);
    assert_int_equal(rig_in(r, ACK, 110, 0, 10), CAUSE_RX_SEG); /* joins two: frees one */
    assert_int_equal(rig_in(r, ACK, 5000, 0, 10), CAUSE_RX_SEG);
}

static void test_beyond_the_edge_is_cut(void **state)
{
    struct rig *r = *state;
    struct tcp_conn *c = rig_conn(r);
    rig_in(r, ACK, 0, 0, 100); /* makes us tell the whole window */
    rig_run(r, 50);
    uint32_t wnd = rig_at(r).rcv_wnd;
    struct seq edge = c->rcv.adv;
    for (uint32_t got = 0; got < wnd; got += 32768)
        rig_in(r, FIN | ACK, 0, 0, 32768 + 10); /* ten too many each time, and a FIN behind them */
    assert_true(seq_le(c->rcv.nxt, seq_add(edge, 1)));
    assert_true(c->rcv.buf.len <= 100 + wnd);
}

/* A FIN ends the stream: what claims to lie behind it is not text of the stream. */
static void test_text_beyond_a_known_fin(void **state)
{
    struct rig *r = *state;
    rig_in(r, FIN | ACK, 50, 0, 50); /* the stream ends at 100 */
    rig_in(r, ACK, 0, 0, 300);
    rig_in_state(r, TERN_TCP_CLOSE_WAIT);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(rig_recv(r, 1000), 0);
}

static void test_fin_below_text_is_a_lie(void **state)
{
    struct rig *r = *state;
    rig_in(r, ACK, 200, 0, 100);
    rig_in(r, FIN | ACK, 50, 0, 50); /* ends at 100, but text at 200 was seen */
    rig_in(r, ACK, 0, 0, 200);
    assert_int_equal(rig_recv(r, 1000), 300);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* ---- urgent data ---- */

/* [RFC9293:MUST-33] [RFC1122:4.2.2.4] */
static void test_urgent(void **state) /* [RFC9293:MUST-30] [RFC9293:MUST-32] [RFC9293:MUST-62] */
{
    struct rig *r = *state;
    uint8_t octet;
    struct seq base = rig_at(r).rcv_nxt;
    rig_events(r);
    assert_int_equal(tcp_recv_oob(r->t, r->sock, &octet), TERN_EINVAL);
    r->urg = 15; /* announced before it arrives */
    rig_in(r, ACK | URG, 0, 0, 10);
    assert_int_equal(rig_events(r), TERN_EV_OOB | TERN_EV_READABLE);
    assert_int_equal(tcp_recv_oob(r->t, r->sock, &octet), TERN_EAGAIN);
    r->urg = 5;
    rig_in(r, ACK | URG, 0, 0, 10);
    assert_int_equal(tcp_recv_oob(r->t, r->sock, &octet), 1);
    assert_int_equal(octet, rig_octet(r, seq_add(base, 14)));
    uint8_t buf[64];
    assert_int_equal(tcp_recv(r->t, r->sock, buf, 64, r->now), 14); /* reading stops at the mark */
    assert_int_equal(tcp_recv(r->t, r->sock, buf, 64, r->now), 5);  /* and passes over it */
    assert_int_equal(buf[0], rig_octet(r, seq_add(base, 15)));
}

/* The application that reads the stream first still finds the urgent octet. */
static void test_urgent_read_late(void **state)
{
    struct rig *r = *state;
    uint8_t octet, buf[64];
    struct seq base = rig_at(r).rcv_nxt;
    r->urg = 1;
    rig_in(r, ACK | URG, 0, 0, 1);
    assert_int_equal(tcp_recv(r->t, r->sock, buf, 64, r->now), TERN_EAGAIN);
    assert_int_equal(tcp_recv_oob(r->t, r->sock, &octet), 1);
    assert_int_equal(octet, rig_octet(r, base));
}

static void test_urgent_inline(void **state)
{
    struct rig *r = *state;
    uint8_t octet, buf[64];
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_OOBINLINE, 1, r->now), TERN_OK);
    r->urg = 5;
    rig_in(r, ACK | URG, 0, 0, 10);
    assert_int_equal(tcp_recv_oob(r->t, r->sock, &octet), TERN_EINVAL);
    assert_int_equal(tcp_recv(r->t, r->sock, buf, 64, r->now), 10);
}

static void test_urgent_with_window_shut(void **state) /* [RFC9293:MUST-66] */
{
    struct rig *r = *state;
    struct tcp_conn *c = rig_conn(r);
    rig_events(r);
    c->rcv.adv = c->rcv.nxt; /* as if everything were full */
    r->urg = 1;
    rig_in(r, ACK | URG, 0, 0, 1);
    assert_int_equal(rig_events(r), TERN_EV_OOB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_second_segment, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_super_segment_is_acknowledged_at_once, setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(test_quickack, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_out_of_order, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_random_order, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_out_of_order_budget, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_beyond_the_edge_is_cut, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_text_beyond_a_known_fin, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_fin_below_text_is_a_lie, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_urgent, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_urgent_read_late, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_urgent_inline, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_urgent_with_window_shut, setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
