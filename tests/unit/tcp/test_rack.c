/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

/* Without reordering more than two segments SACKed are enough, at once [RFC6675:4] [RFC8985:6.2].
 */
/* [RFC6675:4#1] [RFC6675:5#1] [RFC6675:5#2] [RFC8985:6.2#2] */
static void test_three_sacked(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    later(r, 20);
    flight_ack(r, 0, {1, 3});
    rig_silent(r);
    assert_true(timer_due(r->t, c, TT_REO) != 0);
    flight_ack(r, 0, {1, 4});
    assert_true(rig_pull(r) >= 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(0).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_FAST);
    assert_true(c->recovery);
    assert_true(seq_eq(c->snd.recover, segment(10)));
    assert_int_equal(c->cc.ssthresh, 5 * MSS);
    assert_int_equal(rig_count(r, CAUSE_CC_PRR), 1);
    flight_ack(r, 10, NOTHING);
    assert_false(c->recovery);
}

/* Two SACKed segments are not enough, but a quarter of a round trip later they are. */
/* [RFC8985:6.2#3] [RFC8985:6.2#4] */
static void test_reordering_window(void **state) /* [RFC8985:6.2] step 5 */
{
    struct rig *r = *state;
    flight_begin(r, 10);
    later(r, 20);
    flight_ack(r, 0, {1, 2});
    int64_t due = timer_due(r->t, c, TT_REO);
    assert_in_range(due - r->now.ns, 4900000, 5200000); /* sent 20 ms ago, RACK.rtt 20 ms, + 5 ms */
    rig_run(r, 4);
    assert_int_equal(r->n, 0);
    rig_run(r, 2);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(0).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_RACK);
}

/* A retransmission that is lost too is found by what was sent after it. */
static void test_lost_retransmission(void **state) /* [RFC8985:6.2#3] */
{
    struct rig *r = *state;
    flight_begin(r, 40);
    later(r, 20);
    flight_ack(r, 0, {1, 5});
    rig_pull(r);
    assert_int_equal(rig_count(r, CAUSE_TX_REXMT_FAST), 1);
    unsigned to = 10;
    for (unsigned i = 5; i < 10; i++) { /* new data follows the retransmission */
        later(r, 1);
        flight_ack(r, 0, {1, i + 1});
        to += rig_pull(r);
    }
    assert_true(to > 10);
    later(r, 25);
    flight_ack(r, 0, {1, to});
    rig_run(r, 10);
    assert_int_equal(r->out[0].seg.seq.v, segment(0).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_RACK);
    assert_int_equal(rig_count(r, CAUSE_TX_REXMT_RTO), 0);
}

/* An original that comes after later ones shows reordering; three SACKed do not suffice any more.
 */
/* [RFC8985:9.2] */
static void test_adapts(void **state) /* [RFC8985:6.2] steps 3 and 4 [RFC8985:6.2#2] */
{
    struct rig *r = *state;
    flight_begin(r, 30);
    later(r, 20);
    flight_ack(r, 0, {1, 2});
    flight_ack(r, 2, NOTHING);
    assert_true(board(r)->reordering);
    assert_int_equal(rig_count(r, CAUSE_CC_REORDER), 1);
    rig_pull(r);
    flight_ack(r, 2, {3, 8});
    rig_pull(r);
    for (unsigned i = 0; i < r->n; i++)
        assert_true(seq_ge(r->out[i].seg.seq, segment(10)));
    assert_false(c->recovery);
    assert_int_equal(rack_reo_wnd_us(c, board(r)) / 1000, 5);
    /* D-SACK: the window was too small; wider by a quarter of a round trip, once a round. */
    flight_ack(r, 8, {2, 3});
    assert_int_equal(rack_reo_wnd_us(c, board(r)) / 1000, 10);
    flight_ack(r, 8, {3, 4});
    assert_int_equal(board(r)->reo_mult, 2);
    board(r)->reo_mult = 200;
    assert_int_equal(rack_reo_wnd_us(c, board(r)), c->rtt.srtt_us); /* never above SRTT */
}

static void test_widened_window_fades(void **state) /* [RFC8985:6.2#2] */
{
    struct xmit x = {.reo_mult = 5, .reo_persist = 16};
    (void)state;
    for (unsigned i = 0; i < 16; i++)
        rack_recovered(&x);
    assert_int_equal(x.reo_mult, 5);
    rack_recovered(&x);
    assert_int_equal(x.reo_mult, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_three_sacked),
        RIG_TEST(test_reordering_window),
        RIG_TEST(test_lost_retransmission),
        RIG_TEST(test_adapts),
        cmocka_unit_test(test_widened_window_fades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
