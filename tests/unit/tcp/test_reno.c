/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

#define M 1000u

static struct cc fresh(uint32_t mss)
{
    struct cc cc = {.mss = mss};
    cc_reno.init(&cc, false);
    return cc;
}
static void ack(struct cc *cc, uint32_t n)
{
    struct cc_ack a = {.now = ms(0), .acked = n, .flight_before = cc->cwnd, .limited = true};
    cc_reno.on_ack(cc, &a);
}

static void test_initial_window(void **state) /* [RFC6928:2] [RFC5681:3.1#1] [RFC5681:3.1#3] */
{
    (void)state;
    assert_int_equal(fresh(1460).cwnd, 14600);
    assert_int_equal(fresh(1448).cwnd, 14480);
    assert_int_equal(fresh(536).cwnd, 5360);
    assert_int_equal(fresh(8960).cwnd, 17920);
    assert_int_equal(fresh(2000).cwnd, 14600);
    struct cc cc = {.mss = M};
    cc_reno.init(&cc, true); /* the SYN was lost [RFC5681:3.1] */
    assert_int_equal(cc.cwnd, M);
    assert_int_equal(cc.ssthresh, UINT32_MAX);
}

/* [RFC5681:3.1#4] [RFC9293:MUST-19] */
static void test_slow_start_counts_octets(void **state) /* [RFC5681:3.1] */
{
    (void)state;
    struct cc cc = fresh(M);
    uint32_t w = cc.cwnd;
    ack(&cc, 1);
    assert_int_equal(cc.cwnd, w + 1); /* splitting ACKs gains nothing */
    ack(&cc, M);
    assert_int_equal(cc.cwnd, w + M + 1);
}

/* [RFC5681:3.1#5] [RFC9293:MUST-19] */
static void test_avoidance_grows_a_segment_a_window(void **state) /* [RFC5681:3.1] (3) */
{
    (void)state;
    struct cc cc = fresh(M);
    cc.ssthresh = cc.cwnd = 20 * M;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(cc.cwnd, 20 * M);
        ack(&cc, M);
    }
    assert_int_equal(cc.cwnd, 21 * M);
}

static void test_the_way_from_one_to_the_other(void **state)
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = 9500;
    cc.ssthresh = 10 * M;
    ack(&cc, 2 * M); /* 500 in slow start, the rest counts for avoidance */
    assert_int_equal(cc.cwnd, 10 * M);
    assert_int_equal(cc.acc, 1500);
}

static void test_unused_window_does_not_grow(void **state) /* [RFC7661:4.3] */
{
    (void)state;
    struct cc cc = fresh(M);
    uint32_t w = cc.cwnd;
    struct cc_ack a = {.now = ms(0), .acked = M, .flight_before = M};
    cc_reno.on_ack(&cc, &a);
    assert_int_equal(cc.cwnd, w);
}

static void test_loss(void **state) /* [RFC5681:3.1] (4) [RFC5681:3.1#6] */
{
    (void)state;
    struct cc cc = fresh(M);
    cc_reno.on_loss(&cc, 20 * M, ms(0));
    assert_int_equal(cc.ssthresh, 10 * M);
    cc_reno.on_recovered(&cc, 2 * M, ms(0));
    assert_int_equal(cc.cwnd, 10 * M);
    cc_reno.on_loss(&cc, M, ms(0)); /* never below two segments */
    assert_int_equal(cc.ssthresh, 2 * M);
}

static void test_timeout(void **state) /* [RFC5681:3.1] [RFC5681:3.1#7] */
{
    (void)state;
    struct cc cc = fresh(M);
    cc_reno.on_rto(&cc, 20 * M, true, ms(0));
    assert_int_equal(cc.ssthresh, 10 * M);
    assert_int_equal(cc.cwnd, M);
    cc_reno.on_rto(&cc, 4 * M, false, ms(0)); /* the same data again: ssthresh is held */
    assert_int_equal(cc.ssthresh, 10 * M);
    cc.cwnd = 40 * M;
    cc_reno.on_idle(&cc); /* [RFC5681:4.1] */
    assert_int_equal(cc.cwnd, 10 * M);
    cc.cwnd = 2 * M;
    cc_reno.on_idle(&cc);
    assert_int_equal(cc.cwnd, 2 * M);
}

/* [RFC9438:4.6#2] A mark may lead to one segment, a loss to two. */
static void test_marks(void **state)
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = 10 * M;
    cc_reno.on_ecn(&cc, 10 * M, ms(0));
    assert_int_equal(cc.cwnd, 8 * M); /* [RFC8511:3] */
    cc_reno.on_ecn(&cc, 2 * M, ms(0));
    assert_int_equal(cc.cwnd, 1600);
    assert_int_equal(cc.ssthresh, 2 * M);
    cc_reno.on_ecn(&cc, M, ms(0));
    assert_int_equal(cc.cwnd, M);
}

/* The stack has halved the window: what was counted for the next segment was of the old one. */
static void test_cut(void **state) /* [RFC7661:4.4.3] */
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = cc.ssthresh = 40 * M;
    ack(&cc, 30 * M);
    assert_int_equal(cc.acc, 30 * M);
    cc.cwnd = 20 * M;
    cc_reno.on_cut(&cc);
    assert_int_equal(cc.acc, 0);
}

static void test_no_overflow(void **state)
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = UINT32_MAX / 2 + 5;
    ack(&cc, UINT32_MAX / 2);
    assert_true(cc.cwnd >= UINT32_MAX / 2);
    assert_ptr_equal(cc_ops_of(TERN_CC_RENO), &cc_reno);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initial_window),
        cmocka_unit_test(test_slow_start_counts_octets),
        cmocka_unit_test(test_avoidance_grows_a_segment_a_window),
        cmocka_unit_test(test_the_way_from_one_to_the_other),
        cmocka_unit_test(test_unused_window_does_not_grow),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_no_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
