/* SPDX-License-Identifier: BSD-2-Clause */
/* The conditions of a connection with records: open, fast recovery, after a timeout. */
#include "unit/tcp/flight.h"

/* [RFC5681:3.1#7] */
static void test_timeout(void **state) /* [RFC6298:5.4] [RFC5681:3.1] [RFC8985:6.3] */
{
    struct rig *r = *state;
    flight_begin(r, 100);
    later(r, 20);
    flight_ack(r, 0, {9, 10}); /* no tail probe, then */
    rig_pull(r);               /* limited transmit */
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_LIMITED);
    board(r)->timer_ns[TT_REO - TT_TLP] = 0;
    rig_run(r, 205);
    assert_int_equal(r->out[r->n - 1].seg.seq.v, segment(0).v);
    assert_int_equal(r->out[r->n - 1].out.cause, CAUSE_TX_REXMT_RTO);
    assert_int_equal(c->cc.cwnd, MSS);
    assert_int_equal(snd_flight(c), MSS); /* all else counts as lost, or is SACKed */
    assert_int_equal(board(r)->sacked, MSS);
    assert_true(c->rto_recovery);
    later(r, 20);
    flight_ack(r, 9, {9, 10}); /* what was SACKed is not sent again */
    flight_ack(r, 10, NOTHING);
    rig_pull(r);
    for (unsigned i = 0; i < r->n; i++)
        assert_true(seq_ge(r->out[i].seg.seq, segment(10)));
    flight_ack(r, 11, NOTHING);
    assert_false(c->rto_recovery);
}

/* A second loss in the same window is one congestion event; one beyond it is another [RFC6675:5].
 */
static void test_one_reduction_a_window(void **state) /* [RFC6675:5#3] */
{
    struct rig *r = *state;
    flight_begin(r, 100);
    later(r, 20);
    flight_ack(r, 0, {1, 4});
    rig_pull(r);
    later(r, 20);
    flight_ack(r, 4, {5, 10});
    rig_pull(r);
    assert_int_equal(rig_count(r, CAUSE_CC_PRR), 1);
    assert_int_equal(c->retrans, 2);
    later(r, 20);
    flight_ack(r, 10, NOTHING);
    assert_false(c->recovery);
    assert_int_equal(rig_count(r, CAUSE_CC_RECOVERED), 1);
    rig_pull(r);
    unsigned nxt = (unsigned)seq_diff(c->snd.nxt, segment(0)) / MSS;
    assert_true(nxt >= 15);
    later(r, 20);
    flight_ack(r, 10, {11, 15});
    assert_int_equal(rig_count(r, CAUSE_CC_PRR), 2);
}

/* A window that was never used does not count at a loss [RFC7661:4.4.1]. */
static void test_validation(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 6);
    c->cc.cwnd = 200 * MSS;
    later(r, 20);
    flight_ack(r, 0, {1, 5});
    c->cc_id = TERN_CC_RENO;
    assert_true(c->recovery);
    assert_true(c->cc.cwnd <= 10 * MSS);
    assert_true(c->cc.ssthresh <= 5 * MSS);
}

static void test_path_mtu_falls(void **state) /* [RFC1191:6.4] */
{
    struct rig *r = *state;
    flight_begin(r, 10);
    assert_int_equal(
        tcp_icmp(r->t, &r->local, &r->peer, c->snd.una.v, TERN_EMSGSIZE, false, 1000, r->now),
        CAUSE_DROP_ICMP_TAKEN);
    sent_laws(r->t, c);
    rig_pull(r);
    assert_true(r->n > 0);
    assert_int_equal(r->out[0].seg.seq.v, segment(0).v);
    for (unsigned i = 0; i < r->n; i++)
        assert_true(r->out[i].seg.len <= 1000 - 40 - 12);
    sent_laws(r->t, c);
}

static void test_restart_of_the_timer(void **state) /* [RFC7765:4] */
{
    struct rig *r = *state;
    flight_begin(r, 3);
    int64_t due = c->timer_ns[TT_REXMT];
    later(r, 20);
    flight_ack(r, 1, NOTHING); /* two are left, nothing more to send */
    assert_true(c->timer_ns[TT_REXMT] - r->now.ns <= (int64_t)c->rtt.rto_us * 1000 - 20000000);
    assert_true(due != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_timeout),
        RIG_TEST(test_one_reduction_a_window),
        RIG_TEST(test_validation),
        RIG_TEST(test_path_mtu_falls),
        RIG_TEST(test_restart_of_the_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
