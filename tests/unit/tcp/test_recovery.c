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

/* A flight of ten whose first segment is lost, and lost again: what SACK shows of what was sent
 * after the retransmission tells. */
static void lose_twice(struct rig *r, unsigned profile, unsigned cc)
{
    rig_stop(r);
    rig_init(r);
    r->cfg.profile = (uint8_t)profile;
    rig_start(r);
    flight_begin(r, 40);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_CONGESTION, cc, r->now), TERN_OK);
    later(r, 20);
    flight_ack(r, 0, {1, 10});
    rig_pull(r);
    assert_int_equal(c->retrans, 1);
    assert_true(seq_gt(c->snd.nxt, segment(12)));
    later(r, 21);
    flight_ack(r, 0, {1, 12}); /* two segments sent after it */
}

/* [RFC5681:4.3] The loss of a retransmission is a second sign of congestion: cwnd and ssthresh go
 * down twice, and once more for each retransmission of a retransmission. */
static void test_lost_again(void **state)
{
    static const struct {
        uint8_t cc;
        uint32_t once, twice; /* ssthresh in hundredths of a segment */
    } rows[] = {{TERN_CC_RENO, 500, 250}, {TERN_CC_CUBIC, 700, 490}};
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        lose_twice(r, TERN_PROFILE_TERN, rows[i].cc);
        assert_int_equal(rig_count(r, CAUSE_CC_LOST_AGAIN), 1);
        assert_int_equal(rig_count(r, CAUSE_CC_PRR), 1);
        assert_in_range(c->cc.ssthresh, rows[i].twice * MSS / 100 - 1, rows[i].twice * MSS / 100);
        rig_pull(r);
        assert_int_equal(c->retrans, 2);
        assert_int_equal(r->out[0].seg.seq.v, segment(0).v);
        uint32_t ssthresh = c->cc.ssthresh;
        unsigned nxt = (unsigned)seq_diff(c->snd.nxt, segment(0)) / MSS;
        later(r, 1);
        flight_ack(r, 0, {1, 13}); /* sent before the second one: nothing new */
        assert_int_equal(rig_count(r, CAUSE_CC_LOST_AGAIN), 1);
        rig_pull(r);
        later(r, 20);
        flight_ack(r, nxt, NOTHING);
        assert_false(c->recovery);
        assert_int_equal(c->cc.cwnd, ssthresh);
    }
}

/* The window comes down from where it was, not from where it began. */
static void test_lost_again_and_again(void **state) /* [RFC5681:4.3] [RFC9937:6.1] */
{
    struct rig *r = *state;
    lose_twice(r, TERN_PROFILE_TERN, TERN_CC_RENO);
    rig_pull(r);
    assert_int_equal(c->retrans, 2);
    assert_true(snd_flight(c) <= 5 * MSS);
    unsigned nxt = (unsigned)seq_diff(c->snd.nxt, segment(0)) / MSS;
    later(r, 1);
    flight_ack(r, 0, {1, nxt}); /* what was sent before it: makes room for one after it */
    rig_pull(r);
    later(r, 20);
    nxt = (unsigned)seq_diff(c->snd.nxt, segment(0)) / MSS;
    flight_ack(r, 0, {1, nxt});
    assert_int_equal(rig_count(r, CAUSE_CC_LOST_AGAIN), 2);
    rig_pull(r);
    assert_int_equal(c->retrans, 3);
    assert_true(snd_flight(c) <= c->cc.ssthresh);
    assert_int_equal(c->cc.ssthresh, 2 * MSS); /* [RFC5681:3.1#6] */
    assert_false(board(r)->undo_ok);
}

/* Linux does it once a recovery. */
static void test_lost_again_linux(void **state)
{
    struct rig *r = *state;
    lose_twice(r, TERN_PROFILE_LINUX, TERN_CC_RENO);
    assert_int_equal(rig_count(r, CAUSE_CC_LOST_AGAIN), 0);
    assert_int_equal(c->cc.ssthresh, 5 * MSS);
    rig_pull(r);
    assert_int_equal(c->retrans, 2);
}

/* [RFC5681:4.3] The timeout of a retransmission: the same. */
static void test_retransmission_times_out(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        rig_stop(r);
        rig_init(r);
        r->syn_sack = i == 0; /* without SACK it is the only way to find out */
        rig_start(r);
        flight_begin(r, 10);
        later(r, 20);
        for (unsigned k = 1; k < 4; k++)
            flight_ack(r, 0, {1, k + 1});
        rig_pull(r);
        assert_int_equal(c->retrans, 1);
        assert_int_equal(c->cc.ssthresh, 5 * MSS);
        rig_run(r, 230);
        assert_true(c->rto_recovery);
        assert_int_equal(c->cc.ssthresh, 5 * MSS / 2);
    }
}

/* [RFC5681:4.3] After a timeout, found by RACK: slow start goes on from half the window. */
static void test_lost_again_after_timeout(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 16);
    rig_run(r, 500); /* all ten lost, and the probe */
    assert_true(c->rto_recovery);
    unsigned una = 0;
    while (c->cc.cwnd < 4 * MSS) {
        later(r, 20);
        flight_ack_aged(r, ++una, (struct blocks){{{0, 0}}}, 0);
        rig_pull(r);
    }
    assert_true(c->rto_recovery);
    assert_int_equal(rig_count(r, CAUSE_CC_LOST_AGAIN), 0);
    uint32_t cwnd = c->cc.cwnd, ssthresh = c->cc.ssthresh;
    later(r, 21);
    flight_ack_aged(r, una, (struct blocks){{{una + 1, una + 4}}}, 0);
    assert_int_equal(rig_count(r, CAUSE_CC_LOST_AGAIN), 1);
    assert_in_range(c->cc.cwnd, cwnd / 2, cwnd / 2 + 3 * MSS);
    assert_true(c->cc.ssthresh <= ssthresh);
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
        RIG_TEST(test_lost_again),
        RIG_TEST(test_lost_again_and_again),
        RIG_TEST(test_lost_again_linux),
        RIG_TEST(test_retransmission_times_out),
        RIG_TEST(test_lost_again_after_timeout),
        RIG_TEST(test_path_mtu_falls),
        RIG_TEST(test_restart_of_the_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
