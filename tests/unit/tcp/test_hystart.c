/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp/cc/hystart.h"
#include "unit/tcp/rig.h"

#define M 1000u

static uint32_t ack(struct hystart *h, uint32_t n, uint32_t rtt_us, bool round, bool *leave)
{
    struct cc_ack a = {.acked = n, .rtt_us = rtt_us, .round_start = round};
    return hystart_ack(h, M, &a, leave);
}

/* A round of `n` ACKs of this round-trip time. True if slow start is over. */
static bool round_of(struct hystart *h, unsigned n, uint32_t rtt_us)
{
    bool leave = false, over = false;
    for (unsigned i = 0; i < n; i++) {
        (void)ack(h, M, rtt_us, i == 0, &leave);
        over |= leave;
    }
    return over;
}

/* [RFC9406:4.2#2] [RFC9406:4.3#1, 2] cwnd + min(N, L * SMSS), a quarter of it in CSS. */
static void test_growth(void **state)
{
    (void)state;
    struct hystart h = {0};
    bool leave;
    assert_int_equal(ack(&h, M, 10000, true, &leave), M);
    assert_int_equal(ack(&h, 8 * M, 10000, false, &leave), 8 * M);
    assert_int_equal(ack(&h, 9 * M, 10000, false, &leave), 8 * M); /* L = 8 */
    h.css = true;
    h.base_us = 1;
    assert_int_equal(ack(&h, 4 * M, 10000, false, &leave), M);
    assert_int_equal(ack(&h, 80 * M, 10000, false, &leave), 2 * M);
    assert_false(leave);
}

/* The threshold is an eighth of the round-trip time, but 4 ms at least and 16 ms at most. */
static void threshold(uint32_t rtt, uint32_t rise)
{
    struct hystart h = {0};
    round_of(&h, 8, rtt);
    round_of(&h, 8, rtt + rise - 1);
    assert_false(h.css);
    struct hystart g = {0};
    round_of(&g, 8, rtt);
    round_of(&g, 8, rtt + rise);
    assert_true(g.css);
    assert_int_equal(g.base_us, rtt + rise);
}

static void test_thresholds(void **state) /* [RFC9406:4.3] [RFC9406:4.2#1] */
{
    (void)state;
    threshold(8000, 4000);
    threshold(32000, 4000);
    threshold(80000, 10000);
    threshold(128000, 16000);
    threshold(400000, 16000);
}

static void test_needs_eight_samples(void **state) /* [RFC9406:4.2#1] */
{
    (void)state;
    struct hystart h = {0};
    round_of(&h, 8, 50000);
    round_of(&h, 7, 90000);
    assert_false(h.css);
    bool leave;
    ack(&h, M, 0, false, &leave); /* an ACK without a sample does not count */
    assert_false(h.css);
    ack(&h, M, 90000, false, &leave);
    assert_true(h.css);
    assert_false(leave);
}

/* [RFC9406:4.2#2] */
static void test_five_rounds_then_over(void **state) /* CSS_ROUNDS, the first of them not whole */
{
    (void)state;
    struct hystart h = {0};
    round_of(&h, 8, 50000);
    assert_false(round_of(&h, 20, 60000));
    assert_true(h.css);
    for (unsigned i = 0; i < 4; i++)
        assert_false(round_of(&h, 10, 60000 + i));
    bool leave;
    ack(&h, M, 61000, true, &leave);
    assert_true(leave);
}

static void test_back_to_slow_start(void **state) /* the rise was jitter [RFC9406:4.2#2] */
{
    (void)state;
    struct hystart h = {0};
    round_of(&h, 8, 50000);
    round_of(&h, 8, 60000);
    assert_true(h.css);
    round_of(&h, 7, 59999);
    assert_true(h.css); /* seven samples say nothing */
    round_of(&h, 8, 59999);
    assert_false(h.css);
    assert_int_equal(h.base_us, 0);
    assert_false(round_of(&h, 8, 60000)); /* no rise against the round before */
    assert_false(h.css);
}

static void test_without_samples_it_is_plain(void **state)
{
    (void)state;
    struct hystart h = {0};
    for (unsigned i = 0; i < 50; i++)
        assert_false(round_of(&h, 10, 0));
    assert_false(h.css);
}

/* The classic one: eight samples of a round, and the ninth says that it is over. */
static void test_classic(void **state)
{
    (void)state;
    struct hystart h = {0};
    struct cc_ack a = {
        .now.ns = 1000000000, .acked = 9 * M, .rtt_us = 100000, .min_rtt_us = 100000};
    bool leave = false;
    a.round_start = true;
    assert_int_equal(hystart_classic(&h, M, 15 * M, &a, &leave), 9 * M); /* no L */
    a.rtt_us = 120000;
    for (unsigned i = 0; i < 9; i++) {
        assert_false(leave);
        a.round_start = i == 0;
        a.now.ns += 10000000; /* no train */
        assert_int_equal(hystart_classic(&h, M, 20 * M, &a, &leave), i < 8 ? 9 * M : 0);
    }
    assert_true(leave);
}

/* ACKs in a row for half of the least round trip. */
static void test_classic_train(void **state)
{
    (void)state;
    struct hystart h = {0};
    struct cc_ack a = {.now.ns = 1000000000, .acked = M, .rtt_us = 20000, .min_rtt_us = 20000};
    bool leave = false;
    a.round_start = true;
    for (unsigned ms = 0; ms <= 11; ms++) { /* (20 + 1) / 2 */
        assert_int_equal(leave, false);
        (void)hystart_classic(&h, M, 20 * M, &a, &leave);
        a.round_start = false;
        a.now.ns += 1000000;
    }
    assert_true(leave);
    assert_int_equal(hystart_classic(&h, M, 10 * M, &a, &leave),
                     M); /* too small a window to tell */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_needs_eight_samples),
        cmocka_unit_test(test_five_rounds_then_over),
        cmocka_unit_test(test_back_to_slow_start),
        cmocka_unit_test(test_without_samples_it_is_plain),
        cmocka_unit_test(test_classic),
        cmocka_unit_test(test_classic_train),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
