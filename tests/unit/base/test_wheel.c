/* SPDX-License-Identifier: BSD-2-Clause */
/* The timing wheel against a table of deadlines that is searched from end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/wheel.h"

#define MAX  60
#define TICK INT64_C(65536)

struct obj {
    uint32_t pad;
    struct wheel_node node;
};

struct bench {
    struct obj mem[MAX];
    struct pool pool;
    struct wheel w;
    int64_t due[MAX + 1]; /* the model; INT64_MAX = not armed */
    int64_t now;
};

static void bench_init(struct bench *b, int64_t now)
{
    memset(b, 0xee, sizeof *b);
    pool_init(&b->pool, b->mem, sizeof *b->mem, MAX, NULL);
    wheel_init(&b->w, &b->pool, offsetof(struct obj, node), (struct tern_time){now});
    b->now = now;
    for (uint32_t i = 1; i <= MAX; i++) {
        assert_int_equal(pool_take(&b->pool), i);
        wheel_node_init(&b->mem[i - 1].node);
        b->due[i] = INT64_MAX;
    }
}

static int64_t floor_tick(int64_t ns)
{
    return ns >= 0 ? ns / TICK : -((-ns + TICK - 1) / TICK);
}

static int64_t ceil_tick(int64_t ns)
{
    return -floor_tick(-ns);
}

static void set(struct bench *b, uint32_t i, int64_t at)
{
    wheel_set(&b->w, i, (struct tern_time){at});
    b->due[i] = at;
    assert_int_equal(wheel_armed(&b->mem[i - 1].node), at != INT64_MAX);
}

static uint32_t earliest(const struct bench *b)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i <= MAX; i++)
        if (b->due[i] != INT64_MAX && (best == 0 || b->due[i] < b->due[best]))
            best = i;
    return best;
}

/* Moves to `now` and takes all that is due: in order of ticks, none early, none left behind. */
static unsigned advance(struct bench *b, int64_t now)
{
    unsigned n = 0;
    uint32_t i;
    int64_t last = INT64_MIN, passed = floor_tick(b->now);
    b->now = now;
    while ((i = wheel_pop(&b->w, (struct tern_time){now})) != 0) {
        assert_in_range(i, 1, MAX);
        assert_true(b->due[i] <= now);
        assert_false(wheel_armed(&b->mem[i - 1].node));
        int64_t tick = ceil_tick(b->due[i]);
        if (tick < passed)
            tick = passed; /* was set when already past */
        assert_true(tick >= last);
        last = tick;
        b->due[i] = INT64_MAX;
        n++;
    }
    i = earliest(b);
    int64_t deadline = wheel_deadline(&b->w).ns;
    if (i == 0) {
        assert_true(deadline == INT64_MAX);
        assert_int_equal(b->w.armed, 0);
    } else {
        assert_true(ceil_tick(b->due[i]) > floor_tick(now));
        assert_true(deadline > now);
        assert_true(deadline <= ceil_tick(b->due[i]) * TICK);
    }
    return n;
}

static int64_t some_delay(struct prng *r, unsigned bits)
{
    return (int64_t)(prng_next(r) >> (64 - 1 - prng_below(r, bits)));
}

static void against_a_table(uint64_t seed, int64_t start, unsigned bits)
{
    static struct bench b;
    struct prng r;
    prng_init(&r, seed);
    bench_init(&b, start);
    for (int step = 0; step < 8000; step++) {
        uint32_t i = 1 + prng_below(&r, MAX), what = prng_below(&r, 20);
        if (what < 10)
            set(&b, i, b.now + some_delay(&r, bits));
        else if (what < 12)
            set(&b, i, INT64_MAX);
        else if (what < 13)
            set(&b, i, b.now - some_delay(&r, 30));
        else if (what < 16)
            advance(&b, b.now + some_delay(&r, bits - 6));
        else if (wheel_deadline(&b.w).ns != INT64_MAX && wheel_deadline(&b.w).ns > b.now)
            advance(&b, wheel_deadline(&b.w).ns - (what == 19));
    }
}

static void test_milliseconds(void **state)
{
    (void)state;
    against_a_table(1, 0, 32);
}

static void test_hours(void **state)
{
    (void)state;
    against_a_table(2, 1234567890123456789, 45);
}

static void test_beyond_the_top_level(void **state)
{
    (void)state;
    against_a_table(3, 0, 57);
}

static void test_negative_clock(void **state)
{
    (void)state;
    against_a_table(4, -(INT64_C(1) << 50), 51);
}

/* Sleeping from deadline to deadline fires everything, with few wake-ups. */
static void test_deadlines_lead_to_the_end(void **state)
{
    (void)state;
    static struct bench b;
    struct prng r;
    prng_init(&r, 5);
    bench_init(&b, 999);
    for (uint32_t i = 1; i <= MAX; i++)
        set(&b, i, b.now + some_delay(&r, 58));
    unsigned fired = 0, wakes = 0;
    for (; wheel_deadline(&b.w).ns != INT64_MAX; wakes++)
        fired += advance(&b, wheel_deadline(&b.w).ns);
    assert_int_equal(fired, MAX);
    assert_true(wakes < MAX * 20);
}

static void test_rounds_up_to_a_tick(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, 0);
    set(&b, 1, 1);
    set(&b, 2, TICK);
    set(&b, 3, TICK + 1);
    assert_int_equal(advance(&b, TICK - 1), 0);
    assert_true(wheel_deadline(&b.w).ns == TICK);
    assert_int_equal(advance(&b, TICK), 2);
    assert_int_equal(advance(&b, 2 * TICK), 1);
}

static void test_past_is_due_at_once(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, 100 * TICK);
    set(&b, 1, 3);
    set(&b, 2, INT64_MIN + 1);
    assert_true(wheel_deadline(&b.w).ns <= b.now);
    assert_int_equal(wheel_pop(&b.w, (struct tern_time){b.now}), 1);
    assert_int_equal(wheel_pop(&b.w, (struct tern_time){b.now}), 2);
    set(&b, 3, 5);
    assert_int_equal(wheel_pop(&b.w, (struct tern_time){0}), 3); /* a clock that stepped back */
}

static void test_one_deadline_of_each_distance(void **state)
{
    (void)state;
    static struct bench b;
    for (unsigned bit = 0; bit < 62; bit++) {
        for (int64_t off = -1; off <= 1; off++) {
            bench_init(&b, 63 * TICK);
            int64_t at = b.now + (INT64_C(1) << bit) + off;
            set(&b, 1, at);
            unsigned wakes = 0;
            while (wheel_deadline(&b.w).ns != INT64_MAX) {
                assert_true(wheel_deadline(&b.w).ns <= ceil_tick(at) * TICK);
                advance(&b, wheel_deadline(&b.w).ns);
                assert_true(++wakes < 1200);
            }
            assert_true(b.now == ceil_tick(at) * TICK);
        }
    }
}

static void test_end_of_time(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, 0);
    wheel_set(&b.w, 1, (struct tern_time){INT64_MAX - 1});
    for (int64_t at = 0, next; wheel_pop(&b.w, (struct tern_time){at}) == 0; at = next) {
        next = wheel_deadline(&b.w).ns;
        assert_true(next >= at && next < INT64_MAX);
        if (next == at)
            return; /* the last whole tick: as far as a clock can go */
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_milliseconds),
        cmocka_unit_test(test_hours),
        cmocka_unit_test(test_beyond_the_top_level),
        cmocka_unit_test(test_negative_clock),
        cmocka_unit_test(test_deadlines_lead_to_the_end),
        cmocka_unit_test(test_rounds_up_to_a_tick),
        cmocka_unit_test(test_past_is_due_at_once),
        cmocka_unit_test(test_one_deadline_of_each_distance),
        cmocka_unit_test(test_end_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
