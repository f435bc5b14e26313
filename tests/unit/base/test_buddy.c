/* SPDX-License-Identifier: BSD-2-Clause */
/* The buddy allocator against a map of its pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buddy.h"
#include "base/prng.h"
#include <stdlib.h>

#define PAGES 64
#define BYTES ((uint64_t)PAGES * BUDDY_MIN)

struct block {
    uint8_t *p;
    uint32_t asked, pages;
};

static uint8_t *arena;
static uint8_t meta[PAGES * sizeof(struct buddy_page)];

static void fresh(struct buddy *b, struct pool_fault *f)
{
    memset(meta, 0, sizeof meta);
    assert_int_equal(buddy_meta_size(BYTES), sizeof meta);
    buddy_init(b, arena, BYTES, meta, f);
}

static uint32_t pages_for(uint32_t n)
{
    uint32_t pages = 1;
    while (pages * BUDDY_MIN < n)
        pages *= 2;
    return pages;
}

/* Is there a free aligned run of that many pages? */
static int could_fit(const uint8_t *taken, uint32_t pages)
{
    for (uint32_t at = 0; at + pages <= PAGES; at += pages) {
        uint32_t n = 0;
        while (n < pages && !taken[at + n])
            n++;
        if (n == pages)
            return 1;
    }
    return 0;
}

static void take_one(struct buddy *b, struct block *k, uint8_t *taken, uint32_t n, uint8_t stamp)
{
    uint32_t pages = pages_for(n);
    uint8_t *p = buddy_take(b, n);
    assert_int_equal(p != NULL, could_fit(taken, pages)); /* full coalescing, at every step */
    if (p == NULL)
        return;
    assert_true(p >= arena && p + (size_t)pages * BUDDY_MIN <= arena + BYTES);
    uint32_t at = (uint32_t)((size_t)(p - arena) / BUDDY_MIN);
    assert_int_equal((size_t)(p - arena) % ((size_t)pages * BUDDY_MIN), 0);
    for (uint32_t i = 0; i < pages; i++) {
        assert_int_equal(taken[at + i], 0);
        taken[at + i] = 1;
    }
    memset(p, stamp, (size_t)pages * BUDDY_MIN);
    *k = (struct block){p, n, pages};
}

static void give_one(struct buddy *b, struct block *k, uint8_t *taken, uint8_t stamp)
{
    for (size_t i = 0; i < (size_t)k->pages * BUDDY_MIN; i += 97)
        assert_int_equal(k->p[i], stamp);
    memset(taken + (size_t)(k->p - arena) / BUDDY_MIN, 0, k->pages);
    buddy_give(b, k->p, k->pages % 2 ? k->asked : k->pages * BUDDY_MIN);
    k->p = NULL;
}

static void test_against_a_page_map(void **state)
{
    (void)state;
    struct buddy b;
    struct block block[40] = {{0}};
    uint8_t taken[PAGES] = {0};
    struct prng r;
    prng_init(&r, 1);
    fresh(&b, NULL);
    for (int step = 0; step < 20000; step++) {
        uint32_t i = prng_below(&r, 40);
        uint32_t n = prng_below(&r, 2) ? prng_below(&r, 5000) : prng_below(&r, 40000);
        if (block[i].p != NULL)
            give_one(&b, &block[i], taken, (uint8_t)i);
        else
            take_one(&b, &block[i], taken, n, (uint8_t)i);
        uint64_t used = 0;
        for (uint32_t k = 0; k < PAGES; k++)
            used += taken[k] * (uint64_t)BUDDY_MIN;
        assert_true(b.used == used);
    }
    for (uint32_t i = 0; i < 40; i++)
        if (block[i].p != NULL)
            give_one(&b, &block[i], taken, (uint8_t)i);
    assert_true(b.used == 0);
    assert_ptr_equal(buddy_take(&b, (uint32_t)BYTES), arena); /* one block again */
    assert_null(buddy_take(&b, 1));
}

static void test_smallest_arena(void **state)
{
    (void)state;
    struct buddy b;
    memset(meta, 0, sizeof meta);
    buddy_init(&b, arena, BUDDY_MIN, meta, NULL);
    assert_null(buddy_take(&b, BUDDY_MIN + 1));
    assert_ptr_equal(buddy_take(&b, 0), arena);
    assert_null(buddy_take(&b, 1));
    buddy_give(&b, arena, 1);
    assert_ptr_equal(buddy_take(&b, BUDDY_MIN), arena);
    assert_null(buddy_take(&b, UINT32_MAX));
}

static void test_easy(void **state)
{
    (void)state;
    struct buddy b;
    fresh(&b, NULL);
    assert_true(buddy_easy(&b, BYTES));
    void *half = buddy_take(&b, BYTES / 2);
    assert_true(buddy_easy(&b, BYTES / 2));
    assert_false(buddy_easy(&b, BYTES)); /* there is no such block */
    void *more = buddy_take(&b, 1);
    assert_false(buddy_easy(&b, 1)); /* there is, but the arena is more than half full */
    buddy_give(&b, more, 1);
    buddy_give(&b, half, BYTES / 2);
    assert_true(buddy_easy(&b, BYTES));
}

static void test_faults(void **state)
{
    (void)state;
    struct buddy b;
    struct pool_fault f = {.fail_at = 2};
    fresh(&b, &f);
    assert_non_null(buddy_take(&b, 1));
    assert_null(buddy_take(&b, 1));
    assert_non_null(buddy_take(&b, 1));
    assert_int_equal(f.takes, 3);
}

static void test_misuse_is_caught(void **state)
{
    (void)state;
    struct buddy b;
    fresh(&b, NULL);
    uint8_t *p = buddy_take(&b, 3 * BUDDY_MIN);
    expect_assert_failure(buddy_give(&b, p, BUDDY_MIN));
    expect_assert_failure(buddy_give(&b, p + 1, 3 * BUDDY_MIN));
    expect_assert_failure(buddy_give(&b, p + BYTES, 3 * BUDDY_MIN));
    buddy_give(&b, p, 3 * BUDDY_MIN);
    expect_assert_failure(buddy_give(&b, p, 3 * BUDDY_MIN));
    expect_assert_failure(buddy_init(&b, arena, 6144, meta, NULL));
}

static int setup(void **state)
{
    (void)state;
    arena = malloc(BYTES);
    return arena == NULL;
}

static int teardown(void **state)
{
    (void)state;
    free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_page_map),
        cmocka_unit_test(test_smallest_arena),
        cmocka_unit_test(test_easy),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_misuse_is_caught),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
