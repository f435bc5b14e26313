/* SPDX-License-Identifier: BSD-2-Clause */
/* The interval list against a bitmap, in a window that wraps around 2^32. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/ranges.h"

#define SPAN  300
#define NODES 12
#define BASE  0xffffff80u

struct bench {
    struct range mem[NODES];
    struct pool pool;
    struct ranges list;
    uint8_t in[SPAN];
};

static struct seq at(uint32_t off)
{
    return seq_of(BASE + off);
}

static void bench_init(struct bench *b, uint16_t budget)
{
    memset(b, 0, sizeof *b);
    pool_init(&b->pool, b->mem, sizeof *b->mem, NODES, NULL);
    b->list.max = budget;
}

static unsigned runs(const uint8_t *in)
{
    unsigned n = 0;
    for (int i = 0; i < SPAN; i++)
        n += in[i] && (i == 0 || !in[i - 1]);
    return n;
}

/* The list is the bitmap's runs, in order, none touching the next. */
static void compare(const struct bench *b)
{
    uint32_t i = b->list.head;
    unsigned n = 0;
    for (int from = 0; from < SPAN; from++) {
        if (!b->in[from])
            continue;
        int to = from;
        while (to < SPAN && b->in[to])
            to++;
        assert_int_not_equal(i, 0);
        const struct range *r = &b->mem[i - 1];
        assert_int_equal(r->lo.v, at((uint32_t)from).v);
        assert_int_equal(r->hi.v, at((uint32_t)to).v);
        i = r->next;
        n++;
        from = to;
    }
    assert_int_equal(i, 0);
    assert_int_equal(b->list.count, n);
    assert_int_equal(b->pool.used, n);
}

static void add(struct bench *b, uint32_t lo, uint32_t hi)
{
    uint8_t after[SPAN];
    struct range top[1];
    memcpy(after, b->in, sizeof after);
    memset(after + lo, 1, hi - lo);
    int fits = runs(after) <= runs(b->in) || runs(b->in) < b->list.max;
    assert_int_equal(ranges_add(&b->list, &b->pool, at(lo), at(hi)), fits);
    if (!fits)
        return;
    memcpy(b->in, after, sizeof after);
    assert_int_equal(ranges_recent(&b->list, &b->pool, top, 1),
                     1); /* [RFC2018:4]: the newest first */
    assert_true(seq_le(top->lo, at(lo)) && seq_ge(top->hi, at(hi)));
}

static void ask(const struct bench *b, uint32_t lo, uint32_t hi)
{
    unsigned n = 0;
    for (uint32_t i = lo; i < hi; i++)
        n += b->in[i];
    assert_int_equal(ranges_covers(&b->list, &b->pool, at(lo), at(hi)), n == hi - lo);
    assert_int_equal(ranges_overlaps(&b->list, &b->pool, at(lo), at(hi)), n > 0);
}

static void take_from(struct bench *b, uint32_t from)
{
    uint32_t first = 0, end = from;
    for (;;) {
        while (first < SPAN && !b->in[first])
            first++;
        if (first == SPAN || first > end)
            break;
        while (first < SPAN && b->in[first])
            b->in[first++] = 0;
        if (first > end)
            end = first;
    }
    assert_int_equal(ranges_take_from(&b->list, &b->pool, at(from)).v, at(end).v);
}

static void against_a_bitmap(uint64_t seed, uint16_t budget)
{
    static struct bench b;
    struct prng r;
    prng_init(&r, seed);
    bench_init(&b, budget);
    for (int step = 0; step < 20000; step++) {
        uint32_t lo = prng_below(&r, SPAN - 1);
        uint32_t hi = lo + 1 + prng_below(&r, prng_below(&r, 20) ? 8 : SPAN - lo - 1 + 1);
        if (hi > SPAN)
            hi = SPAN;
        if (step % 10 != 9)
            add(&b, lo, hi);
        else
            take_from(&b, lo / 4);
        ask(&b, lo, hi);
        compare(&b);
        uint32_t top = SPAN;
        while (top > 0 && !b.in[top - 1])
            top--;
        struct seq want = top ? at(top) : at(7);
        assert_int_equal(ranges_top(&b.list, &b.pool, at(7)).v, want.v);
    }
    ranges_clear(&b.list, &b.pool);
    assert_int_equal(b.pool.used, 0);
}

static void test_budget_binds(void **state)
{
    (void)state;
    against_a_bitmap(1, 5);
}

static void test_pool_binds(void **state)
{
    (void)state;
    against_a_bitmap(2, NODES);
}

static void test_recent_order(void **state)
{
    (void)state;
    static struct bench b;
    struct range out[4];
    bench_init(&b, NODES);
    for (uint32_t i = 0; i < 6; i++)
        add(&b, 10 * i, 10 * i + 2);
    add(&b, 21, 23); /* grows the third: now the newest */
    add(&b, 0, 1);   /* a duplicate counts as well */
    static const uint32_t want[] = {0, 20, 50, 40};
    for (unsigned n = 0; n <= 4; n++) {
        assert_int_equal(ranges_recent(&b.list, &b.pool, out, n), n);
        for (unsigned i = 0; i < n; i++)
            assert_int_equal(out[i].lo.v, at(want[i]).v);
    }
    b.list.stamp = UINT32_MAX; /* stamps wrap */
    for (uint32_t i = 0; i < 6; i++)
        b.mem[i].stamp = UINT32_MAX - 10 + i;
    add(&b, 33, 34);
    assert_int_equal(ranges_recent(&b.list, &b.pool, out, 1), 1);
    assert_int_equal(out[0].lo.v, at(33).v);
}

static void test_a_failed_take_changes_nothing(void **state)
{
    (void)state;
    static struct bench b;
    struct pool_fault f = {.fail_at = 1};
    bench_init(&b, NODES);
    add(&b, 10, 20);
    b.pool.fault = &f;
    assert_false(ranges_add(&b.list, &b.pool, at(30), at(40)));
    compare(&b);
    f.fail_at = 1;
    add(&b, 20, 40); /* touches: needs no node */
    compare(&b);
    expect_assert_failure(ranges_add(&b.list, &b.pool, at(5), at(5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget_binds),
        cmocka_unit_test(test_pool_binds),
        cmocka_unit_test(test_recent_order),
        cmocka_unit_test(test_a_failed_take_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
