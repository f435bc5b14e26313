/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"

/* The authors' first outputs from the state 1, 2, 3, 4. */
static void test_reference_outputs(void **state)
{
    (void)state;
    struct prng r = {{1, 2, 3, 4}};
    static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};
    for (unsigned i = 0; i < sizeof want / sizeof *want; i++)
        assert_true(prng_next(&r) == want[i]);
}

/* splitmix64 of seed 0 begins with this word. */
static void test_seed(void **state)
{
    (void)state;
    struct prng a, b;
    prng_init(&a, 0);
    assert_true(a.s[0] == 0xe220a8397b1dcdafu);
    prng_init(&b, 0);
    for (int i = 0; i < 100; i++)
        assert_true(prng_next(&a) == prng_next(&b));
    prng_init(&b, 1);
    assert_true(prng_next(&a) != prng_next(&b));
}

static void test_below(void **state)
{
    (void)state;
    struct prng r;
    unsigned seen[7] = {0};
    prng_init(&r, 7);
    for (int i = 0; i < 7000; i++)
        seen[prng_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 850, 1150); /* 1000 +- 5 sigma; the seed is fixed */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(prng_below(&r, 1), 0);
        assert_true(prng_below(&r, UINT32_MAX) < UINT32_MAX);
    }
    expect_assert_failure(prng_below(&r, 0));
}

/* For 3 * 2^30 plain multiplication would favour each third value two to one. */
static void test_below_without_bias(void **state)
{
    (void)state;
    struct prng r;
    unsigned third[3] = {0};
    prng_init(&r, 8);
    for (int i = 0; i < 30000; i++)
        third[prng_below(&r, 3u << 30) % 3]++;
    for (int i = 0; i < 3; i++)
        assert_in_range(third[i], 9500, 10500);
}

static void test_chance(void **state)
{
    (void)state;
    struct prng r;
    int hits = 0;
    prng_init(&r, 9);
    for (int i = 0; i < 10000; i++) {
        assert_false(prng_chance(&r, 0));
        assert_true(prng_chance(&r, 1));
        hits += prng_chance(&r, 0.25);
    }
    assert_in_range(hits, 2250, 2750);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_outputs),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_below_without_bias),
        cmocka_unit_test(test_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
