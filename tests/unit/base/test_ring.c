/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring against a plain byte array, with data written ahead of the queue's end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/ring.h"

#define BYTES (1u << 17)
#define LIMIT 20000 /* not a power of two: the block may be larger than the limit */

static uint8_t arena[BYTES];
static uint8_t meta[64 * sizeof(struct buddy_page)];

struct model {
    uint8_t byte[LIMIT];
    uint8_t set[LIMIT]; /* written, from the head */
    uint32_t len, extent;
};

static void fresh(struct buddy *b, struct pool_fault *f)
{
    memset(meta, 0, sizeof meta);
    buddy_init(b, arena, BYTES, meta, f);
}

static void compare(const struct ring *r, const struct model *m)
{
    static uint8_t got[LIMIT];
    assert_int_equal(r->len, m->len);
    ring_read(r, 0, got, m->extent);
    for (uint32_t i = 0; i < m->extent; i++)
        if (m->set[i])
            assert_int_equal(got[i], m->byte[i]);
}

static void write_at(struct ring *r, struct buddy *b, struct model *m, struct prng *rng)
{
    static uint8_t src[LIMIT];
    uint32_t off = prng_below(rng, 3) ? m->len : m->len + prng_below(rng, 4000);
    uint32_t n = prng_below(rng, 3000);
    int fits = off + n <= LIMIT;
    assert_int_equal(ring_reserve(r, b, off + n, LIMIT, m->extent), fits);
    if (!fits)
        return;
    for (uint32_t i = 0; i < n; i++)
        src[i] = (uint8_t)prng_next(rng);
    ring_write(r, off, src, n);
    memcpy(m->byte + off, src, n);
    memset(m->set + off, 1, n);
    if (off + n > m->extent)
        m->extent = off + n;
    uint32_t more = 0;
    while (m->len + more < m->extent && m->set[m->len + more])
        more++;
    ring_commit(r, more);
    m->len += more;
}

static void drop(struct ring *r, struct model *m, uint32_t n)
{
    ring_drop(r, n);
    memmove(m->byte, m->byte + n, LIMIT - n);
    memmove(m->set, m->set + n, LIMIT - n);
    memset(m->set + LIMIT - n, 0, n);
    m->len -= n;
    m->extent -= n;
}

static void test_against_an_array(void **state)
{
    (void)state;
    static struct model m;
    struct ring r = {0};
    struct buddy b;
    struct prng rng;
    prng_init(&rng, 1);
    fresh(&b, NULL);
    for (int step = 0; step < 6000; step++) {
        if (prng_chance(&rng, step / 200 % 2 ? 0.6 : 0.4))
            write_at(&r, &b, &m, &rng);
        else if (m.len > 0)
            drop(&r, &m, 1 + prng_below(&rng, m.len));
        if (m.extent == 0) {
            ring_release_if_empty(&r, &b);
            assert_int_equal(r.cap, 0);
        }
        if (step % 7 == 0)
            compare(&r, &m);
        assert_true(b.used == r.cap);
    }
    compare(&r, &m);
    ring_free(&r, &b);
    assert_true(b.used == 0);
    assert_null(r.buf);
}

static void test_spans_cover_the_queue(void **state)
{
    (void)state;
    struct ring r = {0};
    struct buddy b;
    uint8_t src[BUDDY_MIN];
    for (unsigned i = 0; i < sizeof src; i++)
        src[i] = (uint8_t)(i * 31);
    fresh(&b, NULL);
    assert_true(ring_reserve(&r, &b, BUDDY_MIN, BUDDY_MIN, 0));
    ring_commit(&r, 1500);
    ring_drop(&r, 1500);
    ring_write(&r, 0, src, sizeof src);
    ring_commit(&r, sizeof src);
    uint32_t n = BUDDY_MIN, rest;
    assert_memory_equal(ring_span(&r, 0, &n), src, BUDDY_MIN - 1500);
    assert_int_equal(n, BUDDY_MIN - 1500);
    rest = BUDDY_MIN - n;
    assert_memory_equal(ring_span(&r, n, &rest), src + n, 1500);
    assert_int_equal(rest, 1500);
    n = 10;
    assert_memory_equal(ring_span(&r, 2, &n), src + 2, 10);
    assert_int_equal(n, 10);
}

/* The block is the smallest power of two that holds what is wanted. */
static void test_block_sizes(void **state)
{
    (void)state;
    static const uint32_t want[][2] = {{1, 2048},    {2047, 2048}, {2048, 2048},  {2049, 4096},
                                       {4096, 4096}, {4097, 8192}, {65536, 65536}};
    struct buddy b;
    fresh(&b, NULL);
    for (unsigned i = 0; i < sizeof want / sizeof *want; i++) {
        struct ring r = {0};
        assert_true(ring_reserve(&r, &b, want[i][0], BYTES, 0));
        assert_int_equal(r.cap, want[i][1]);
        ring_free(&r, &b);
        assert_true(b.used == 0);
    }
}

static void test_a_failed_reserve_changes_nothing(void **state)
{
    (void)state;
    struct ring r = {0};
    struct buddy b;
    struct pool_fault f = {0};
    fresh(&b, &f);
    assert_true(ring_reserve(&r, &b, 0, 100, 0));
    assert_int_equal(r.cap, 0);
    assert_false(ring_reserve(&r, &b, 101, 100, 0));
    assert_true(ring_reserve(&r, &b, 100, 100, 0));
    assert_int_equal(r.cap, BUDDY_MIN);
    ring_write(&r, 0, "abc", 3);
    ring_commit(&r, 3);
    struct ring before = r;
    f.fail_at = 1;
    assert_false(ring_reserve(&r, &b, BUDDY_MIN + 1, BYTES, 3));
    assert_memory_equal(&r, &before, sizeof r);
    assert_false(ring_reserve(&r, &b, 2 * BYTES, 4 * BYTES, 3));
    assert_memory_equal(&r, &before, sizeof r);
    ring_release_if_empty(&r, &b);
    assert_int_equal(r.cap, BUDDY_MIN);
    assert_false(ring_reserve(&r, &b, UINT32_MAX, UINT32_MAX, 3));
}

/* Fills and empties as a bulk receiver does; the second time the first block is large enough. */
static void test_remembers_how_much_it_held(void **state)
{
    (void)state;
    struct ring r = {0};
    struct buddy b;
    fresh(&b, NULL);
    assert_true(ring_reserve(&r, &b, BUDDY_MIN, BYTES, 0));
    assert_true(ring_reserve(&r, &b, 4 * BUDDY_MIN, BYTES, 0));
    ring_release_if_empty(&r, &b);
    assert_true(b.used == 0 && r.cap == 0 && r.buf == NULL);
    assert_true(ring_reserve(&r, &b, 1, BYTES, 0));
    assert_int_equal(r.cap, 4 * BUDDY_MIN); /* 4 - 1/8 */
    for (unsigned i = 0; i < 64; i++) {     /* it fades */
        ring_release_if_empty(&r, &b);
        assert_true(ring_reserve(&r, &b, 1, BYTES, 0));
    }
    assert_int_equal(r.cap, BUDDY_MIN);
    assert_true(ring_reserve(&r, &b, 4 * BUDDY_MIN, BYTES, 0));
    ring_release_if_empty(&r, &b);
    assert_true(ring_reserve(&r, &b, 1, 2 * BUDDY_MIN, 0)); /* never beyond the limit */
    assert_int_equal(r.cap, 2 * BUDDY_MIN);
    assert_true(ring_reserve(&r, &b, 4 * BUDDY_MIN, BYTES, 0));
    ring_release_if_empty(&r, &b);
    void *others = buddy_take(&b, BYTES / 2);
    void *more = buddy_take(&b, BUDDY_MIN); /* more than half is taken: what is needed must do */
    assert_true(ring_reserve(&r, &b, 1, BYTES, 0));
    assert_int_equal(r.cap, BUDDY_MIN);
    buddy_give(&b, others, BYTES / 2);
    buddy_give(&b, more, BUDDY_MIN);
    ring_free(&r, &b);
    assert_int_equal(r.peak, 0);
}

static void test_misuse_is_caught(void **state)
{
    (void)state;
    struct ring r = {0};
    struct buddy b;
    uint8_t octet = 0;
    fresh(&b, NULL);
    expect_assert_failure(ring_write(&r, 0, &octet, 1));
    assert_true(ring_reserve(&r, &b, 10, 10, 0));
    expect_assert_failure(ring_write(&r, BUDDY_MIN, &octet, 1));
    expect_assert_failure(ring_read(&r, 1, &octet, UINT32_MAX));
    ring_commit(&r, 5);
    expect_assert_failure(ring_reserve(&r, &b, 10, 10, 4)); /* would lose queued bytes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_an_array),
        cmocka_unit_test(test_spans_cover_the_queue),
        cmocka_unit_test(test_block_sizes),
        cmocka_unit_test(test_a_failed_reserve_changes_nothing),
        cmocka_unit_test(test_remembers_how_much_it_held),
        cmocka_unit_test(test_misuse_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
