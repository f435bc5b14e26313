/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"
#include "base/prng.h"

#define MAX 50

struct obj {
    uint64_t word[3];
};

/* Seeded takes and gives against a table of what is out: indices are distinct, contents are kept.
 */
static void test_against_a_table(void **state)
{
    (void)state;
    struct obj mem[MAX];
    uint64_t out[MAX + 1] = {0}; /* the stamp of a taken object */
    uint32_t used = 0, top = 0;
    struct pool p;
    struct prng r;
    prng_init(&r, 1);
    pool_init(&p, mem, sizeof *mem, MAX, NULL);
    for (uint64_t step = 1; step < 20000; step++) {
        if (prng_chance(&r, step / 500 % 2 ? 0.7 : 0.3)) {
            uint32_t i = pool_take(&p);
            assert_true((i == 0) == (used == MAX));
            if (i == 0)
                continue;
            assert_in_range(i, 1, MAX);
            assert_true(out[i] == 0);
            assert_ptr_equal(pool_at(&p, i), &mem[i - 1]);
            assert_int_equal(pool_index(&p, &mem[i - 1]), i);
            out[i] = step;
            for (int k = 0; k < 3; k++)
                mem[i - 1].word[k] = step;
            used++;
            top = i > top ? i : top;
            assert_true(p.fresh == top);
        } else {
            uint32_t i = 1 + prng_below(&r, MAX);
            if (out[i] == 0)
                continue;
            for (int k = 0; k < 3; k++)
                assert_true(mem[i - 1].word[k] == out[i]);
            pool_give(&p, i);
            out[i] = 0;
            used--;
        }
        assert_int_equal(p.used, used);
    }
}

static void test_untouched_is_not_written(void **state)
{
    (void)state;
    uint8_t mem[8 * 16], want[8 * 16];
    struct pool p;
    memset(mem, 0xee, sizeof mem);
    memcpy(want, mem, sizeof mem);
    pool_init(&p, mem, 16, 8, NULL);
    uint32_t a = pool_take(&p), b = pool_take(&p);
    pool_give(&p, a);
    pool_give(&p, b);
    assert_memory_equal(mem + 32, want + 32, sizeof mem - 32);
}

static void test_faults(void **state)
{
    (void)state;
    uint32_t mem[16];
    struct pool_fault f = {0};
    struct pool p;
    pool_init(&p, mem, sizeof *mem, 16, &f);
    f.fail_at = 3;
    assert_int_not_equal(pool_take(&p), 0);
    assert_int_not_equal(pool_take(&p), 0);
    assert_int_equal(pool_take(&p), 0);
    assert_int_not_equal(pool_take(&p), 0); /* one fault only */
    f.fail_at = 2;
    f.persist = 1;
    assert_int_not_equal(pool_take(&p), 0);
    assert_int_equal(pool_take(&p), 0);
    assert_int_equal(pool_take(&p), 0);
    f.fail_at = 0;
    assert_int_not_equal(pool_take(&p), 0);
    assert_int_equal(f.takes, 8);
    assert_int_equal(p.used, 5);
    assert_int_equal(pool_fault_hit(NULL), 0);
}

static void test_misuse_is_caught(void **state)
{
    (void)state;
    uint32_t mem[4];
    struct pool p;
    expect_assert_failure(pool_init(&p, mem, 2, 4, NULL));
    pool_init(&p, mem, sizeof *mem, 4, NULL);
    expect_assert_failure(pool_give(&p, 1));
    uint32_t i = pool_take(&p);
    pool_take(&p);
    expect_assert_failure(pool_give(&p, 0));
    expect_assert_failure(pool_give(&p, 3));
    pool_give(&p, i);
    expect_assert_failure(pool_give(&p, i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_table),
        cmocka_unit_test(test_untouched_is_not_written),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_misuse_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
