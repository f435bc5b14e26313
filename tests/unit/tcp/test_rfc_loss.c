/* SPDX-License-Identifier: BSD-2-Clause */
/* Clauses about loss recovery that have no better place. */
#include "unit/tcp/flight.h"

/* [RFC6675:5.1] A timeout in recovery: until what was sent before it is acknowledged, SACKs that
 * show more holes are no new congestion. */
static void test_timeout_in_recovery(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 100);
    later(r, 20);
    flight_ack(r, 0, {1, 4});
    rig_pull(r);
    assert_true(c->recovery);
    struct seq high = c->snd.nxt;
    rig_run(r, 400);
    assert_true(c->rto_recovery);
    assert_int_equal(c->snd.recover.v, high.v);
    uint32_t ssthresh = c->cc.ssthresh;
    later(r, 20);
    flight_ack(r, 1, {1, 4}, {5, 9});
    rig_pull(r);
    flight_ack(r, 4, {5, 10});
    rig_pull(r);
    assert_true(c->rto_recovery);
    assert_int_equal(rig_count(r, CAUSE_CC_PRR), 1);
    assert_int_equal(c->cc.ssthresh, ssthresh);
}

/* [RFC8985:4] Without SACK neither RACK nor a tail loss probe: three duplicates, or the timeout. */
static void test_no_rack_without_sack(void **state)
{
    struct rig *r = *state;
    r->syn_sack = false;
    flight_begin(r, 10);
    assert_null(conn_tracked(r->t, c));
    later(r, 20);
    flight_ack(r, 0, {1, 4}); /* blocks that nobody agreed on */
    rig_silent(r);
    assert_int_equal(timer_due(r->t, c, TT_REO), 0);
    assert_int_equal(timer_due(r->t, c, TT_TLP), 0);
    assert_int_equal(c->gone, 0);
}

/* [RFC8985:6.2#1] The ACK of a segment that was sent twice echoes the first sending: it says
 * nothing about what was sent since. */
static void test_ack_of_the_first_sending(void **state)
{
    struct rig *r = *state;
    for (int32_t age = 25; age >= 3; age -= 22) { /* 25 ms: the original; 3 ms: the second */
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        flight_begin(r, 10);
        int64_t first = r->now.ns;
        later(r, 20);
        flight_ack(r, 0, {1, 4});
        rig_pull(r);
        assert_true(c->recovery);
        board(r)->undo_ok = false;    /* what Eifel would make of it does not matter here */
        later(r, age == 25 ? 5 : 22); /* what is faster than any round trip tells nothing either */
        flight_ack_aged(r, 1, (struct blocks){{{1, 4}}}, age);
        if (age == 25)
            assert_int_equal(board(r)->rack_ns, first);
        else
            assert_int_equal(board(r)->rack_ns, first + 20000000);
    }
}

/* [RFC8985:9.3] Seven segments are lost, and no more go out than PRR allows. */
static void test_lost_but_held_back(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    later(r, 20);
    flight_ack(r, 0, {7, 10});
    assert_int_equal(board(r)->lost, 7 * MSS);
    rig_pull(r);
    assert_in_range(r->n, 1, 3); /* what was delivered */
    assert_true(board(r)->lost >= 4 * MSS);
    assert_true(snd_flight(c) <= c->cc.cwnd);
}

/* [RFC9937:6.2#3] [RFC6675:4#2] What is in flight: all that was sent, less what is SACKed or lost,
 * and again what was sent again. */
static void test_in_flight(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    later(r, 20);
    flight_ack(r, 0, {1, 3}, {5, 7});
    assert_int_equal(board(r)->sacked, 4 * MSS);
    assert_int_equal(board(r)->lost, 3 * MSS); /* 0, 3 and 4 */
    assert_int_equal(snd_flight(c), 3 * MSS);
    assert_non_null(rig_pull1(r));
    assert_int_equal(snd_flight(c), 4 * MSS);
    assert_int_equal(board(r)->lost, 2 * MSS);
}

/* [RFC9937:6.4] Recovery ends with one ACK for everything: the window is ssthresh, wherever PRR
 * stood. */
static void test_window_after_recovery(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    later(r, 20);
    flight_ack(r, 0, {1, 4});
    rig_pull(r);
    assert_int_equal(c->cc.ssthresh, 5 * MSS);
    assert_int_not_equal(c->cc.cwnd, 5 * MSS);
    later(r, 20);
    flight_ack(r, 10, NOTHING);
    assert_false(c->recovery);
    assert_int_equal(c->cc.cwnd, 5 * MSS);
}

/* [RFC7323:3.2#3] Timestamps on a connection that has none agreed on: the segment counts, they do
 * not. */
static void test_unasked_timestamps(void **state)
{
    struct rig *r = *state;
    r->active = true;
    r->syn_ts = false;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    static const uint32_t ts[] = {1000, 500, 0x90000000u}; /* the last two look older */
    for (unsigned i = 0; i < 3; i++) {
        struct rig_at at = rig_at(r);
        struct tcp_seg s = {.seq = at.rcv_nxt, .ack = at.snd_nxt, .th = ACK, .wnd = 1000};
        s.opt.has_ts = true;
        s.opt.tsval = ts[i];
        assert_int_equal(rig_seg(r, &s, 100), CAUSE_RX_SEG);
        assert_int_equal(rig_recv(r, 1000), 100);
    }
    rig_send(r, 10);
    assert_true(rig_pull(r) >= 1);
    for (unsigned i = 0; i < r->n; i++)
        assert_false(r->out[i].seg.opt.has_ts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_timeout_in_recovery),
        RIG_TEST(test_no_rack_without_sack),
        RIG_TEST(test_ack_of_the_first_sending),
        RIG_TEST(test_lost_but_held_back),
        RIG_TEST(test_in_flight),
        RIG_TEST(test_window_after_recovery),
        RIG_TEST(test_unasked_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
