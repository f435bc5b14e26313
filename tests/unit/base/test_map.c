/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/prng.h"

#define MAX 40

/* Is the pair found by walking, exactly once? */
static unsigned found(const struct map *m, uint32_t hash, uint32_t idx)
{
    unsigned n = 0;
    uint32_t pos = hash, i;
    while ((i = map_next(m, hash, &pos)) != 0)
        n += i == idx;
    return n;
}

/* Seeded puts and removes against an array of pairs. `spread` makes hashes collide more or less: at
 * 1 all are equal, at 3 they crowd the end of the table so that runs wrap around. */
static void against_an_array(uint64_t seed, uint32_t spread, uint32_t base)
{
    struct map_slot slot[128];
    uint32_t hash[MAX + 1] = {0};
    uint8_t in[MAX + 1] = {0};
    struct map m;
    struct prng r;
    uint32_t used = 0;
    memset(slot, 0, sizeof slot);
    assert_int_equal(map_slots(MAX), 128);
    map_init(&m, slot, map_slots(MAX));
    prng_init(&r, seed);
    for (int step = 0; step < 3000; step++) {
        uint32_t i = 1 + prng_below(&r, MAX);
        if (in[i]) {
            map_remove(&m, hash[i], i);
            in[i] = 0;
            used--;
        } else {
            hash[i] = base + prng_below(&r, spread);
            map_put(&m, hash[i], i);
            in[i] = 1;
            used++;
        }
        assert_int_equal(m.used, used);
        for (uint32_t k = 1; k <= MAX; k++)
            assert_int_equal(found(&m, hash[k], k), in[k]);
    }
    for (uint32_t k = 1; k <= MAX; k++)
        if (in[k])
            map_remove(&m, hash[k], k);
    for (unsigned k = 0; k < 128; k++)
        assert_int_equal(slot[k].idx, 0);
}

static void test_spread(void **state)
{
    (void)state;
    against_an_array(1, UINT32_MAX, 0);
}

static void test_all_collide(void **state)
{
    (void)state;
    against_an_array(2, 1, 77);
}

static void test_runs_wrap_around(void **state)
{
    (void)state;
    against_an_array(3, 12, UINT32_MAX - 5);
}

static void test_one_home_many_hashes(void **state)
{
    (void)state;
    struct map_slot slot[8] = {{0, 0}};
    struct map m;
    map_init(&m, slot, 8);
    map_put(&m, 5, 1);
    map_put(&m, 13, 2); /* the same home slot, another hash */
    map_put(&m, 5, 3);
    uint32_t pos = 5;
    assert_int_equal(map_next(&m, 5, &pos), 1);
    assert_int_equal(map_next(&m, 5, &pos), 3);
    assert_int_equal(map_next(&m, 5, &pos), 0);
    map_remove(&m, 5, 1);
    assert_int_equal(found(&m, 13, 2), 1);
    assert_int_equal(found(&m, 5, 3), 1);
}

static void test_sizes_and_misuse(void **state)
{
    (void)state;
    static const uint32_t want[][2] = {{0, 2}, {1, 2}, {2, 4}, {3, 8}, {4, 8}, {5, 16}, {64, 128}};
    for (unsigned i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(map_slots(want[i][0]), want[i][1]);
    assert_int_equal(map_slots(1u << 30), 1u << 31);
    struct map_slot slot[4] = {{0, 0}};
    struct map m;
    expect_assert_failure(map_init(&m, slot, 3));
    map_init(&m, slot, 4);
    expect_assert_failure(map_put(&m, 1, 0));
    map_put(&m, 1, 1);
    map_put(&m, 2, 2);
    expect_assert_failure(map_put(&m, 3, 3));
    expect_assert_failure(map_remove(&m, 1, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread),           cmocka_unit_test(test_all_collide),
        cmocka_unit_test(test_runs_wrap_around), cmocka_unit_test(test_one_home_many_hashes),
        cmocka_unit_test(test_sizes_and_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
