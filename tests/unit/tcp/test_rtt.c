/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static struct tern_config cfg;

static int setup(void **state)
{
    (void)state;
    tern_config_init(&cfg);
    return 0;
}

static void test_first_and_next_sample(void **state) /* [RFC6298:2.2] [RFC6298:2.3] */
{
    (void)state;
    struct tcp_rtt r;
    rtt_init(&r, &cfg);
    assert_int_equal(r.rto_us, 1000000); /* [RFC6298:2.1] */
    rtt_sample(&r, 400000, &cfg);
    assert_int_equal(r.srtt_us, 400000);
    assert_int_equal(r.rttvar_us, 200000);
    assert_int_equal(r.rto_us, 1200000);
    rtt_sample(&r, 800000, &cfg); /* the variance first, from the old mean */
    assert_int_equal(r.rttvar_us, 250000);
    assert_int_equal(r.srtt_us, 450000);
    assert_int_equal(r.rto_us, 1450000);
    rtt_sample(&r, 50000, &cfg);
    assert_int_equal(r.rttvar_us, (250000u * 3 + 400000) / 4);
    assert_int_equal(r.srtt_us, 400000);
}

static void test_bounds(void **state) /* [RFC6298:2.4] [RFC6298:2.5] */
{
    (void)state;
    struct tcp_rtt r;
    rtt_init(&r, &cfg);
    for (int i = 0; i < 100; i++)
        rtt_sample(&r, 10, &cfg);
    assert_int_equal(r.rto_us, cfg.rto_min_us);
    rtt_sample(&r, UINT32_MAX, &cfg);
    assert_int_equal(r.rto_us, cfg.rto_max_us);
    rtt_init(&r, &cfg);
    rtt_sample(&r, 0, &cfg); /* faster than the clock: still a sample */
    assert_true(r.srtt_us > 0);
}

/* The granularity G: a steady path does not shrink the margin to nothing. */
static void test_granularity(void **state) /* [RFC6298:4] */
{
    (void)state;
    struct tcp_rtt r;
    rtt_init(&r, &cfg);
    for (int i = 0; i < 200; i++)
        rtt_sample(&r, 500000, &cfg);
    assert_in_range(r.rto_us, 501000, 501010);
}

static void test_backoff(void **state) /* [RFC6298:5.5] */
{
    (void)state;
    struct tcp_rtt r;
    rtt_init(&r, &cfg);
    for (uint32_t want = 2000000; want < 60000000; want *= 2) {
        rtt_backoff(&r, &cfg);
        assert_int_equal(r.rto_us, want);
    }
    rtt_backoff(&r, &cfg);
    assert_int_equal(r.rto_us, 60000000);
    rtt_backoff(&r, &cfg);
    assert_int_equal(r.rto_us, 60000000);
    rtt_sample(&r, 100000, &cfg); /* a sample ends the backoff */
    assert_int_equal(r.rto_us, 300000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_first_and_next_sample, setup),
        cmocka_unit_test_setup(test_bounds, setup),
        cmocka_unit_test_setup(test_granularity, setup),
        cmocka_unit_test_setup(test_backoff, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
