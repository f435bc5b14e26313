/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp/guard.h"
#include "unit/tcp/rig.h"

static uint64_t of(struct rig *r, uint32_t net, uint8_t host)
{
    uint8_t a[4] = {(uint8_t)(net >> 16), (uint8_t)(net >> 8), (uint8_t)net, host};
    return prefix_hash(r->t, a, TERN_AF_IP4);
}

static void test_what_is_one_prefix(void **state)
{
    struct rig *r = *state;
    assert_true(of(r, 0x0a0000, 1) == of(r, 0x0a0000, 255));
    assert_true(of(r, 0x0a0000, 1) != of(r, 0x0a0001, 1));
    uint8_t a[16] = {0x20, 1, 0xd, 0xb8, 0, 1, 2, 3, 4},
            b[16] = {0x20, 1, 0xd, 0xb8, 0, 1, 2, 9, 9};
    assert_true(prefix_hash(r->t, a, TERN_AF_IP6) == prefix_hash(r->t, b, TERN_AF_IP6)); /* a /56 */
    b[6] = 3;
    assert_true(prefix_hash(r->t, a, TERN_AF_IP6) != prefix_hash(r->t, b, TERN_AF_IP6));
    struct tern_addr p;
    prefix_addr(a, TERN_AF_IP6, &p);
    assert_int_equal(p.b[6], 2);
    assert_int_equal(p.b[7], 0);
}

/* The sketch is never too low; and with a few thousand prefixes seldom too high. */
static void test_count(void **state)
{
    struct rig *r = *state;
    struct prefix_count *c = &r->t->prefix->half;
    unsigned wrong = 0;
    for (uint32_t i = 0; i < 1000; i++)
        prefix_add(c, of(r, i * 7919, 1), 1 + (int)(i % 3));
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t n = prefix_get(c, of(r, i * 7919, 1));
        assert_true(n >= 1 + i % 3);
        wrong += n != 1 + i % 3;
    }
    assert_in_range(wrong, 0, 150);
    for (uint32_t i = 0; i < 1000; i++)
        prefix_add(c, of(r, i * 7919, 1), -1 - (int)(i % 3));
    for (unsigned i = 0; i < PREFIX_CELLS; i++)
        assert_int_equal(c->cell[0][i] | c->cell[1][i], 0);
}

static void test_bucket(void **state)
{
    struct rig *r = *state;
    r->cfg.prefix_answers_per_s = 100;
    uint64_t h = of(r, 5, 1);
    unsigned n = 0;
    while (prefix_take(r->t, h, r->now))
        n++;
    assert_int_equal(n, 10);
    for (n = 0; n < 50; n++) { /* 5 ms: not even half a token, but they add up */
        rig_sleep(r, 5);
        prefix_take(r->t, h, r->now);
    }
    rig_sleep(r, 1000000);
    for (n = 0; prefix_take(r->t, h, r->now); n++)
        ;
    assert_int_equal(n, 100); /* never more than a second's worth */
    prefix_back(r->t, h, r->now);
    assert_true(prefix_take(r->t, h, r->now));
    assert_false(prefix_take(r->t, h, r->now));
    r->cfg.prefix_answers_per_s = 0;
    assert_true(prefix_take(r->t, h, r->now));
}

/* Whoever floods from everywhere does not take the tokens of one prefix. */
static void test_random_sources_starve_nobody(void **state)
{
    struct rig *r = *state;
    r->cfg.prefix_answers_per_s = 100;
    for (uint32_t i = 0; i < 200000; i++)
        prefix_take(r->t, of(r, i * 2654435761u >> 8, 1), r->now);
    assert_true(prefix_take(r->t, of(r, 77, 1), r->now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_what_is_one_prefix),
        RIG_TEST(test_count),
        RIG_TEST(test_bucket),
        RIG_TEST(test_random_sources_starve_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
