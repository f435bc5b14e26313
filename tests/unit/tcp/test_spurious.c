/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

/* The timer fired too early: the first ACK echoes the timestamp of the first transmission. */
static void test_eifel_after_timeout(void **state) /* [RFC3522:3.2] [RFC4015:3] */
{
    struct rig *r = *state;
    flight_begin(r, 10);
    rig_run(r, 300);
    assert_true(c->rto_recovery);
    assert_int_equal(c->cc.cwnd, MSS);
    uint32_t rexmts = c->retrans;
    flight_ack_aged(r, 1, (struct blocks){{NOTHING}}, 300);
    assert_int_equal(rig_count(r, CAUSE_CC_UNDO_EIFEL), 1);
    assert_false(c->rto_recovery);
    assert_true(c->cc.cwnd >= 10 * MSS);
    assert_int_equal(c->cc.ssthresh, UINT32_MAX);
    assert_int_equal(board(r)->lost, 0);
    rig_pull(r);
    assert_int_equal(c->retrans, rexmts); /* nothing more is sent again */
}

static void test_timeout_that_was_right(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    rig_run(r, 300);
    later(r, 20);
    flight_ack_aged(r, 1, (struct blocks){{NOTHING}}, 20);
    assert_int_equal(rig_count(r, CAUSE_CC_UNDO_EIFEL), 0);
    assert_int_equal(rig_count(r, CAUSE_CC_UNDO_FRTO), 0);
    assert_true(c->rto_recovery);
    assert_int_equal(rig_pull(r), 2); /* slow start over the rest */
    assert_int_equal(r->out[0].seg.seq.v, segment(1).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_GO_BACK);
}

static void test_frto(void **state) /* [RFC5682:3.1] */
{
    struct rig *r = *state;
    flight_begin(r, 10);
    c->ts_ok = false;
    rig_run(r, 300);
    assert_true(c->rto_recovery);
    flight_ack(r, 3, NOTHING); /* 1 and 2 were never sent again */
    assert_int_equal(rig_count(r, CAUSE_CC_UNDO_FRTO), 1);
    assert_false(c->rto_recovery);
    assert_true(c->cc.cwnd >= 10 * MSS);
    c->ts_ok = true;
}

/* Reordering was taken for loss; the D-SACK gives the window back. */
static void test_dsack(void **state) /* [RFC3708:2] */
{
    struct rig *r = *state;
    flight_begin(r, 10);
    c->ts_ok = false;
    later(r, 20);
    flight_ack(r, 0, {1, 5});
    rig_pull(r);
    assert_true(c->recovery);
    flight_ack(r, 10, NOTHING);
    assert_false(c->recovery);
    assert_int_equal(c->cc.cwnd, 5 * MSS);
    flight_ack(r, 10, {0, 1});
    assert_int_equal(rig_count(r, CAUSE_CC_UNDO_DSACK), 1);
    assert_int_equal(c->cc.cwnd, 10 * MSS);
    assert_int_equal(c->cc.ssthresh, UINT32_MAX);
    c->ts_ok = true;
}

static void test_not_all_were_needless(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    later(r, 20);
    flight_ack(r, 0, {2, 6}); /* two holes */
    rig_pull(r);
    flight_ack(r, 0, {2, 9});
    rig_pull(r);
    assert_int_equal(c->retrans, 2);
    later(r, 20);
    flight_ack(r, 10, NOTHING);
    flight_ack(r, 10, {0, 1});
    assert_int_equal(rig_count(r, CAUSE_CC_UNDO_DSACK), 0);
    assert_int_equal(c->cc.ssthresh, 5 * MSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_eifel_after_timeout),
        RIG_TEST(test_timeout_that_was_right),
        RIG_TEST(test_frto),
        RIG_TEST(test_dsack),
        RIG_TEST(test_not_all_were_needless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
