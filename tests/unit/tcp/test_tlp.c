/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

/* [RFC8985:7.3#1] [RFC8985:7.3#2] */
static void test_last_segment_again(void **state) /* [RFC8985:7.2] [RFC8985:7.3] */
{
    struct rig *r = *state;
    flight_begin(r, 5);
    rig_run(r, 41);
    assert_int_equal(r->n, 0);
    rig_run(r, 2); /* 2 SRTT and the clock's slack */
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(4).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_TLP);
    rig_run(r, 100); /* one probe a flight */
    assert_int_equal(r->n, 0);
    flight_ack(r, 0, {4, 5}); /* the probe arrived: everything before it is lost */
    rig_run(r, 10);
    assert_true(r->n >= 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(0).v);
    assert_true(c->recovery);
}

static void test_new_data_beyond_cwnd(void **state) /* [RFC8985:7.3] [RFC8985:7.3#2] */
{
    struct rig *r = *state;
    flight_begin(r, 12);
    assert_int_equal(board(r)->count, 10);
    rig_run(r, 43);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(10).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_TLP);
    flight_ack(r, 11, NOTHING); /* a new segment's ACK tells of no loss */
    assert_int_equal(rig_count(r, CAUSE_CC_TLP), 0);
}

static void test_no_probe(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 5);
    assert_true(timer_due(r->t, c, TT_TLP) != 0);
    later(r, 20);
    flight_ack(r, 0, {3, 4}); /* SACKed data: RACK's timer does better */
    assert_int_equal(timer_due(r->t, c, TT_TLP), 0);
    flight_ack(r, 5, NOTHING);
    assert_int_equal(timer_due(r->t, c, TT_TLP), 0);
    rig_run(r, 500);
    assert_int_equal(r->n, 0);
}

/* Both copies arrived: the D-SACK says so, and the window stays. */
static void test_needless_probe(void **state) /* [RFC8985:7.4.2] */
{
    struct rig *r = *state;
    flight_begin(r, 5);
    rig_run(r, 43);
    uint32_t ssthresh = c->cc.ssthresh;
    flight_ack(r, 5, NOTHING);
    flight_ack(r, 5, {4, 5});
    assert_int_equal(c->dsacks, 1);
    rig_send(r, 2 * MSS);
    rig_pull(r);
    flight_ack(r, 7, NOTHING);
    assert_int_equal(rig_count(r, CAUSE_CC_TLP), 0);
    assert_int_equal(c->cc.ssthresh, ssthresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_last_segment_again),
        RIG_TEST(test_new_data_beyond_cwnd),
        RIG_TEST(test_no_probe),
        RIG_TEST(test_needless_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
