/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

/* [RFC8985:7.3#1] [RFC8985:7.3#2] */
static void test_last_segment_again(void **state) /* [RFC8985:7.2] [RFC8985:7.3] */
{
    struct rig *r = *state;
    flight_begin(r, 5);
    rig_run(r, 39);
    assert_int_equal(r->n, 0);
    rig_run(r, 2); /* 2 SRTT, and the timing wheel's step */
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(4).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_TLP);
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
    rig_run(r, 41);
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

/* How long the probe waits, in microseconds, with n segments in flight and this SRTT. */
static int64_t waits(struct rig *r, unsigned n, uint32_t srtt_us, uint8_t profile)
{
    rig_stop(r);
    rig_init(r);
    r->cfg.profile = profile;
    rig_start(r);
    flight_begin(r, 0);
    memset(&c->rtt, 0, sizeof c->rtt);
    rtt_init(&c->rtt, &r->cfg);
    if (srtt_us != 0)
        rtt_sample(&c->rtt, srtt_us, &r->cfg);
    rig_send(r, n * MSS);
    rig_pull(r);
    return (timer_due(r->t, c, TT_TLP) - r->now.ns) / 1000;
}

/* [RFC8985:7.2] TLP_calc_PTO(): 2 SRTT, more when a delayed ACK may be all that there is to wait
 * for, a second without a sample, and never later than the timeout. */
static void test_how_long(void **state)
{
    static const struct {
        unsigned n;
        uint32_t srtt;
        int64_t tern, rfc, linux_;
    } rows[] = {
        {4, 20000, 40000, 40000, 42000},     {2, 50000, 100000, 100000, 102000},
        {1, 100000, 300000, 300000, 300000}, /* RTO: SRTT + 4 RTTVAR */
        {1, 20000, 200000, 200000, 220000},  /* ... at least 200 ms; Linux adds these to SRTT */
        {4, 1000, 10000, 2000, 4000},        {4, 150000, 300000, 300000, 302000},
        {4, 0, 1000000, 1000000, 1000000},
    };
    struct rig *r = *state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(waits(r, rows[i].n, rows[i].srtt, TERN_PROFILE_TERN), rows[i].tern);
        assert_int_equal(waits(r, rows[i].n, rows[i].srtt, TERN_PROFILE_LINUX), rows[i].linux_);
        r->cfg.rto_min_us = 200000; /* but for the second that profile rfc gives it */
        assert_int_equal(waits(r, rows[i].n, rows[i].srtt, TERN_PROFILE_RFC), rows[i].rfc);
    }
}

/* [RFC8985:7.2] When the timeout would come first the probe takes its place, and the timeout waits
 * for as long again. */
static void test_in_place_of_the_timeout(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 1);
    rig_run(r, 199);
    assert_int_equal(r->n, 0);
    rig_run(r, 2);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_TLP);
    assert_int_equal(c->rexmts, 0);
    rig_run(r, 198);
    assert_int_equal(r->n, 0);
    rig_run(r, 3);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_RTO); /* [RFC8985:7.3] the last resort */
    assert_int_equal(timer_due(r->t, c, TT_TLP), 0);
    rig_run(r, 390);
    assert_int_equal(r->n, 0); /* no probe in the recovery of a timeout */
}

/* [RFC8985:7.3#1] With one in flight there is no other: the timeout is put off instead. */
static void test_one_at_a_time(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 4);
    rig_run(r, 41);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_TLP);
    assert_true(board(r)->tlp_out);
    assert_int_equal(timer_due(r->t, c, TT_TLP), 0); /* [RFC8985:7.3#2] */
    rig_send(r, MSS);                                /* new data, so there is a wait again */
    rig_pull(r);
    assert_true(timer_due(r->t, c, TT_TLP) != 0);
    rig_run(r, 41);
    assert_int_equal(r->n, 0);
    assert_int_equal(rig_count(r, CAUSE_TX_REXMT_TLP), 1);
    assert_int_equal((c->timer_ns[TT_REXMT] - r->now.ns) / 1000000, 199); /* fired a ms ago */
    rig_run(r, 200);
    assert_int_equal(rig_count(r, CAUSE_TX_REXMT_RTO), 1);
    assert_false(board(r)->tlp_out); /* [RFC8985:7.1] */
}

/* [RFC8985:7.3#1] Nor before a round trip has been measured: an ACK of what was sent twice measures
 * none. */
static void test_not_without_a_sample(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 1);
    rig_run(r, 202);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_TLP);
    later(r, 20);
    flight_ack(r, 1, NOTHING);
    flight_ack(r, 1, {0, 1}); /* both came */
    assert_false(board(r)->tlp_out);
    assert_true(board(r)->tlp_stale);
    rig_send(r, 4 * MSS);
    rig_pull(r);
    rig_run(r, 100);
    assert_int_equal(r->n, 0);
    rig_run(r, 200);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_RTO);
    later(r, 20);
    flight_ack_aged(r, 5, (struct blocks){{{0, 0}}}, 20);
    rig_send(r, 4 * MSS);
    rig_pull(r);
    later(r, 20);
    flight_ack(r, 9, NOTHING);
    assert_false(board(r)->tlp_stale);
    rig_send(r, 4 * MSS);
    rig_pull(r);
    rig_run(r, 2 * c->rtt.srtt_us / 1000 + 2);
    assert_int_equal(rig_count(r, CAUSE_TX_REXMT_TLP), 2);
}

/* [RFC8985:7.4.2] An ACK beyond the probe without a word of a second copy: it repaired a loss. An
 * ACK of exactly it says nothing yet; repeated without SACK it says that both came. */
static void test_what_became_of_it(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 4; i++) {
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        flight_begin(r, 8);
        rig_run(r, 41);
        assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_TLP);
        if (i != 2)
            rig_send(r, 2 * MSS);
        rig_pull(r);
        later(r, 20);
        flight_ack(r, 8, NOTHING);
        assert_true(board(r)->tlp_out);
        if (i == 0)
            flight_ack(r, 10, NOTHING); /* needed */
        else if (i == 1)
            flight_ack(r, 8, NOTHING); /* a duplicate: both came */
        else if (i == 2)
            flight_ack(r, 8, {7, 8}); /* D-SACK */
        else
            flight_ack(r, 10, {7, 8}); /* ... with the next ACK */
        assert_false(board(r)->tlp_out);
        assert_int_equal(rig_count(r, CAUSE_CC_TLP), i == 0);
        /* [RFC9438:4.6] or here Reno's: as if fast recovery had been, of one ACK */
        assert_int_equal(c->cc.cwnd, i == 0 ? c->cc.ssthresh : 10 * MSS);
        assert_int_equal(c->cc.ssthresh == UINT32_MAX, i != 0);
    }
}

/* [RFC8985:7.1] What a recovery finds is not the probe's doing any more. */
static void test_recovery_begins(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 2);
    later(r, 20);
    flight_ack(r, 2, NOTHING);
    rig_send(r, 8 * MSS);
    rig_pull(r);
    rig_run(r, 41);
    assert_true(board(r)->tlp_out);
    later(r, 20);
    flight_ack(r, 4, {9, 10});
    assert_true(c->recovery);
    assert_false(board(r)->tlp_out);
    later(r, 20);
    rig_send(r, MSS);
    rig_pull(r);
    later(r, 20);
    flight_ack(r, 11, NOTHING);
    assert_int_equal(rig_count(r, CAUSE_CC_PRR), 1);
    assert_int_equal(rig_count(r, CAUSE_CC_TLP), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_last_segment_again), RIG_TEST(test_new_data_beyond_cwnd),
        RIG_TEST(test_no_probe),           RIG_TEST(test_needless_probe),
        RIG_TEST(test_how_long),           RIG_TEST(test_in_place_of_the_timeout),
        RIG_TEST(test_one_at_a_time),      RIG_TEST(test_not_without_a_sample),
        RIG_TEST(test_what_became_of_it),  RIG_TEST(test_recovery_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
