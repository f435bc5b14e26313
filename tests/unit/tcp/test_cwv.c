/* SPDX-License-Identifier: BSD-2-Clause */
/* Congestion-window validation (RFC 7661). The path takes 20 ms; the window is 40 segments. */
#include "unit/tcp/flight.h"

static unsigned sent; /* segments so far */

/* The peer acknowledges everything, 20 ms after it went. */
static void answer(struct rig *r)
{
    later(r, 20);
    flight_ack(r, sent, NOTHING);
}

static void put(struct rig *r, unsigned n)
{
    assert_int_equal(rig_send(r, n * MSS), n * MSS);
    rig_pull(r);
    sent += n;
}

/* A round trip in which n segments are sent, and nothing holds them back. */
static void round_of(struct rig *r, unsigned n)
{
    put(r, n);
    assert_int_equal(snd_flight(c), n * MSS);
    answer(r);
}

static void begin(struct rig *r)
{
    flight_begin(r, 1);
    sent = 1;
    answer(r); /* the first round trip only marks where the next one begins */
    c->cc.cwnd = c->cc.ssthresh = 40 * MSS;
    assert_int_equal(board(r)->pipe_ns, 0);
}

/* Rounds of n segments until a sampling period and its quarter are over. */
static void trickle(struct rig *r, unsigned n)
{
    for (unsigned i = 0; i < 66; i++)
        round_of(r, n);
}

/* [RFC7661:4.2] pipeACK is the largest sample of a sampling period, here a second. [RFC7661:4.3]
 * Half of cwnd or more: validated. */
static void test_phases(void **state)
{
    struct rig *r = *state;
    begin(r);
    round_of(r, 20);
    assert_int_equal(board(r)->pipe[0], 20 * MSS);
    for (unsigned i = 0; i < 49; i++) { /* 980 ms */
        round_of(r, 3);
        assert_int_equal(c->cwv_s, 0);
    }
    for (unsigned i = 0; i < 17; i++)
        round_of(r, 3);
    assert_true(c->cwv_s != 0);
    assert_int_equal(rig_count(r, CAUSE_CC_UNVALIDATED), 1);
    assert_int_equal(c->cc.cwnd, 40 * MSS); /* kept [RFC7661:4.4] */
    assert_true(c->cc.pacing_bps != 0);

    /* [RFC7661:4.4.2] what comes now is spread: an initial window at once, the rest by and by */
    put(r, 22);
    assert_in_range(r->n, 10, 11);
    rig_run(r, 15);
    assert_int_equal(snd_flight(c), 22 * MSS);
    assert_false(c->cwnd_limited);
    answer(r);
    assert_int_equal(c->cwv_s, 0); /* it was used: trusted again */
    assert_int_equal(c->cc.pacing_bps, 0);
    assert_int_equal(c->cc.cwnd, 40 * MSS);
    put(r, 30);
    assert_int_equal(r->n, 30);
}

/* [RFC7661:4.3] Without a sample pipeACK is undefined, which is no reason to distrust the window;
 * a window that lacks less than a segment is full. */
static void test_slow_start_stays_validated(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 170);
    sent = 10;
    for (unsigned i = 0; i < 2; i++) {
        unsigned flight = snd_flight(c) / MSS;
        later(r, 20);
        for (unsigned k = 0; k < flight; k += 2) {
            flight_ack(r, sent - flight + k + 2, NOTHING);
            assert_int_equal(c->cwv_s, 0);
            rig_pull(r);
        }
        sent += snd_flight(c) / MSS;
    }
    assert_int_equal(c->cc.cwnd, 40 * MSS);
    assert_int_equal(rig_count(r, CAUSE_CC_UNVALIDATED), 0);
}

/* [RFC7661:4.4] A window that is not trusted grows only when it holds the sender back. */
static void test_growth(void **state)
{
    struct rig *r = *state;
    begin(r);
    trickle(r, 3);
    c->cc.ssthresh = UINT32_MAX;
    round_of(r, 9);
    assert_int_equal(c->cc.cwnd, 40 * MSS);
    assert_true(c->cwv_s != 0);
    rig_send(r, 45 * MSS);
    rig_run(r, 18);
    assert_int_equal(snd_flight(c), 40 * MSS);
    assert_true(c->cwnd_limited && c->cwv_s != 0);
    sent += 40;
    flight_ack(r, sent - 38, NOTHING);
    assert_int_equal(c->cc.cwnd, 42 * MSS);
}

/* [RFC7661:4.4.1] A loss: half of what was in use, in recovery; and what was lost is taken off
 * before that at its end. Then pipeACK is undefined. */
static void test_loss(void **state)
{
    static const struct {
        unsigned pipe, flight, half, end; /* the last two in half segments */
    } rows[] = {
        {3, 8, 8, 7}, /* LossFlightSize is more */
        {10, 4, 10, 9},
        {3, 5, 5, 4},
    };
    struct rig *r = *state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        begin(r);
        trickle(r, 3);
        round_of(r, rows[i].pipe);
        assert_true(c->cwv_s != 0);
        put(r, rows[i].flight);
        later(r, 20);
        flight_ack(r, sent - rows[i].flight, {sent - rows[i].flight + 1, sent});
        assert_true(c->recovery);
        assert_int_equal(c->cwv_s, 0);
        assert_int_equal(board(r)->cwv_base / 2, rows[i].half * MSS / 2);
        assert_int_equal(c->cc.pacing_bps, 0);
        uint32_t standard = rows[i].flight / 2.0 > 2 ? rows[i].flight * MSS / 2 : 2 * MSS;
        assert_int_equal(c->cc.ssthresh, standard); /* [RFC5681:3.1] */
        rig_pull(r);
        assert_true(snd_flight(c) <= rows[i].half * MSS / 2);
        answer(r);
        assert_false(c->recovery);
        assert_int_equal(c->cc.cwnd, rows[i].end * MSS / 2);
        assert_int_equal(board(r)->pipe_ns, 0);
        assert_int_equal(board(r)->cwv_base, 0);
        round_of(r, 1); /* marks */
        assert_int_equal(board(r)->pipe_ns, 0);
        round_of(r, 1);
        assert_int_equal(board(r)->pipe[0], MSS);
    }
}

/* ... but not below a segment. */
static void test_all_of_it_lost(void **state) /* [RFC7661:4.4.1] */
{
    struct rig *r = *state;
    begin(r);
    trickle(r, 3);
    put(r, 8);
    later(r, 20);
    flight_ack(r, sent - 8, {sent - 1, sent});
    rig_run(r, 10); /* the reordering window: seven are lost */
    assert_int_equal(board(r)->cwv_lost, 7 * MSS);
    for (unsigned i = 8; i > 1; i--) {
        rig_pull(r);
        later(r, 20);
        flight_ack(r, sent - i + 1, {sent - 1, sent});
    }
    flight_ack(r, sent, NOTHING);
    assert_false(c->recovery);
    assert_int_equal(c->cc.cwnd, MSS);
}

/* [RFC7661:4.4.1] Outside of the phase a loss is what it always was. */
static void test_loss_of_a_validated_window(void **state)
{
    struct rig *r = *state;
    begin(r);
    round_of(r, 20);
    put(r, 8);
    later(r, 20);
    flight_ack(r, sent - 8, {sent - 7, sent});
    rig_pull(r);
    assert_int_equal(board(r)->cwv_base, 0);
    answer(r);
    assert_int_equal(c->cc.cwnd, 4 * MSS);
}

/* [RFC7661:4.4] A timeout: the standard response. */
static void test_timeout(void **state)
{
    struct rig *r = *state;
    begin(r);
    trickle(r, 3);
    put(r, 8);
    rig_run(r, 500);
    assert_true(c->rto_recovery);
    assert_int_equal(c->cwv_s, 0);
    assert_int_equal(c->cc.cwnd, MSS);
    assert_int_equal(c->cc.ssthresh, 4 * MSS);
    assert_int_equal(board(r)->pipe_ns, 0);
}

/* A loss that was none: the window is back. */
static void test_undo(void **state)
{
    struct rig *r = *state;
    begin(r);
    trickle(r, 3);
    put(r, 8);
    later(r, 20);
    flight_ack(r, sent - 8, {sent - 7, sent});
    rig_pull(r);
    assert_true(c->recovery);
    later(r, 3);
    flight_ack_aged(r, sent, (struct blocks){{{0, 0}}}, 23); /* it was the first sending */
    assert_int_equal(rig_count(r, CAUSE_CC_UNDO_EIFEL), 1);
    assert_int_equal(c->cc.cwnd, 40 * MSS);
    assert_int_equal(board(r)->cwv_base, 0);
}

/* [RFC7661:4.4.3] Five minutes: cwnd is halved, down to the initial window, and ssthresh says what
 * was sustained. Idle for that long, with cwnd kept over a pause. */
static void test_too_long_idle(void **state)
{
    static const struct {
        int64_t s;
        unsigned cwnd, ssthresh;
    } rows[] = {{290, 40, 8}, {302, 20, 30}, {602, 10, 30}, {4000, 10, 30}, {65580, 10, 30}};
    struct rig *r = *state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_stop(r);
        rig_init(r);
        r->cfg.slow_start_after_idle = false;
        rig_start(r);
        begin(r);
        c->cc.ssthresh = 8 * MSS;
        trickle(r, 3);
        rig_sleep(r, rows[i].s * 1000);
        assert_int_equal(c->xmit, 0);
        assert_true(c->cwv_s != 0);
        put(r, 1);
        assert_int_equal(c->cc.cwnd, rows[i].cwnd * MSS);
        assert_int_equal(c->cc.ssthresh, rows[i].ssthresh * MSS);
        assert_true(c->cwv_s != 0);
        answer(r);
    }
}

/* ... or never idle, but far below the window. */
static void test_too_long_a_trickle(void **state) /* [RFC7661:4.4.3] */
{
    struct rig *r = *state;
    begin(r);
    trickle(r, 3);
    for (unsigned i = 0; i < 4400; i++) { /* 4 min 24 s: with what went before not five minutes */
        round_of(r, 2);
        later(r, 40);
    }
    assert_int_equal(c->cc.cwnd, 40 * MSS);
    for (unsigned i = 0; i < 700; i++) {
        round_of(r, 2);
        later(r, 40);
    }
    assert_int_equal(rig_count(r, CAUSE_CC_NVP_OVER), 1);
    assert_int_equal(c->cc.cwnd, 20 * MSS);
    assert_int_equal(c->cc.ssthresh, 40 * MSS);
}

/* Without cwnd being kept over a pause the restart is RFC 5681's, and nothing is in doubt then. */
static void test_restart(void **state) /* [RFC5681:4.1] */
{
    struct rig *r = *state;
    begin(r);
    trickle(r, 3);
    rig_sleep(r, 5000);
    put(r, 1);
    assert_int_equal(c->cc.cwnd, 10 * MSS);
    assert_int_equal(c->cwv_s, 0);
    assert_int_equal(c->cc.pacing_bps, 0);
}

/* A window that was trusted when a pause began is not when it ends. */
static void test_sleep(void **state) /* [RFC7661:4.3] */
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.slow_start_after_idle = false;
    rig_start(r);
    begin(r);
    round_of(r, 30);
    assert_int_equal(c->cwv_s, 0);
    rig_sleep(r, 5000);
    assert_true(c->cwv_s != 0);
    for (unsigned i = 0; i < 2; i++) { /* the first round trip only marks */
        assert_true(c->cwv_s != 0);
        put(r, 30);
        assert_in_range(r->n, 10, 11);
        rig_run(r, 18);
        answer(r);
    }
    assert_int_equal(c->cwv_s, 0);
}

/* A tail loss probe that repairs a loss is a sign of congestion too. */
static void test_probe(void **state) /* [RFC7661:4.4.1] [RFC8985:7.4.2] */
{
    struct rig *r = *state;
    begin(r);
    trickle(r, 3);
    put(r, 4);
    rig_run(r, 41);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_TLP);
    put(r, 2);
    answer(r);
    assert_int_equal(rig_count(r, CAUSE_CC_TLP), 1);
    assert_int_equal(c->cc.cwnd, 5 * MSS / 2); /* six were in flight, one lost */
    assert_int_equal(c->cwv_s, 0);
}

/* Without SACK it is the same. */
static void test_without_sack(void **state) /* [RFC7661:4.2] [RFC7661:4.4.1] */
{
    struct rig *r = *state;
    r->syn_sack = false;
    flight_begin(r, 1);
    sent = 1;
    answer(r);
    c->cc.cwnd = c->cc.ssthresh = 40 * MSS;
    trickle(r, 3);
    assert_true(c->cwv_s != 0);
    put(r, 8);
    later(r, 20);
    for (unsigned i = 0; i < 3; i++)
        flight_ack(r, sent - 8, NOTHING);
    assert_true(c->recovery);
    rig_pull(r);
    answer(r);
    assert_false(c->recovery);
    assert_int_equal(board(r)->cwv_base, 0);
    assert_true(c->cc.cwnd <= 7 * MSS / 2);
    assert_true(c->cc.cwnd >= 2 * MSS);
}

/* BBR has a model of its own, and in profile linux a loss halves cwnd. */
static void test_left_alone(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        rig_stop(r);
        rig_init(r);
        if (i == 1)
            r->cfg.profile = TERN_PROFILE_LINUX;
        rig_start(r);
        begin(r);
        if (i == 0)
            c->cc_id = TERN_CC_NONE;
        trickle(r, 3);
        assert_int_equal(c->cwv_s, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_phases),         RIG_TEST(test_slow_start_stays_validated),
        RIG_TEST(test_growth),         RIG_TEST(test_loss),
        RIG_TEST(test_all_of_it_lost), RIG_TEST(test_loss_of_a_validated_window),
        RIG_TEST(test_timeout),        RIG_TEST(test_undo),
        RIG_TEST(test_too_long_idle),  RIG_TEST(test_too_long_a_trickle),
        RIG_TEST(test_restart),        RIG_TEST(test_sleep),
        RIG_TEST(test_probe),          RIG_TEST(test_without_sack),
        RIG_TEST(test_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
