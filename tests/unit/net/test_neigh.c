/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include "net/neigh.h"
#include "unit/net/lan.h"

#define MAX   4
#define ARENA (64u << 10)

static struct {
    _Alignas(64) uint8_t mem[16384];
    _Alignas(64) uint8_t arena_mem[ARENA];
    _Alignas(64) uint8_t meta[4096];
    struct buddy arena;
    struct neigh n;
    struct pool_fault fault;
} t;

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb};

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    struct hash_key key = {1, 2};
    assert_true(neigh_size(MAX) <= sizeof t.mem);
    buddy_init(&t.arena, t.arena_mem, ARENA, t.meta, &t.fault);
    neigh_init(&t.n, t.mem, MAX, &t.arena, &t.fault, &key, ms(0));
    return 0;
}

static enum neigh_verdict resolve(struct tern_addr a, int64_t at, uint8_t mac[6], uint32_t *idx)
{
    int64_t until = 0;
    return neigh_resolve(&t.n, 0, &a, ms(at), mac, &until, idx);
}

/* How many requests wait to be sent; they are taken. */
static unsigned asks(uint8_t mac[6])
{
    struct tern_addr a;
    unsigned n = 0;
    while (neigh_ask_next(&t.n, 0, &a, mac))
        n++;
    return n;
}

static bool hold(uint32_t idx, struct tern_addr dst, uint8_t fill)
{
    uint8_t data[100];
    memset(data, fill, sizeof data);
    struct tern_frame f = {.data = data, .len = sizeof data, .id = fill};
    return neigh_hold(&t.n, idx, &dst, &f, NET_ETH_HDR);
}

/* [RFC1122:2.3.2.1] one request a second, three of them, then dead; a second later it begins anew.
 */
static void test_asks_three_times_and_gives_up(void **state)
{
    (void)state;
    uint8_t mac[6];
    uint32_t idx;
    struct tern_addr a = ip(10, 0, 0, 9);
    assert_int_equal(resolve(a, 0, mac, &idx), NEIGH_WAIT);
    assert_int_equal(asks(mac), 1);
    assert_int_equal(mac[0], 0xff);
    for (int64_t at = 10; at < 1000; at += 110) { /* however much is sent meanwhile */
        assert_int_equal(resolve(a, at, mac, &idx), NEIGH_WAIT);
        neigh_tick(&t.n, ms(at));
        assert_int_equal(asks(mac), 0);
    }
    assert_true(hold(idx, a, 1));
    for (int64_t at = 1001; at < 3000; at += 1001) {
        assert_true(neigh_deadline(&t.n).ns <= ms(at).ns);
        neigh_tick(&t.n, ms(at));
        assert_int_equal(asks(mac), 1);
        assert_null(neigh_dead_pop(&t.n));
    }
    neigh_tick(&t.n, ms(3010));
    assert_int_equal(asks(mac), 0);
    assert_int_equal(neigh_state_of(&t.n, 0, &a, ms(3010)), NEIGH_FAILED);
    struct neigh_held *h = neigh_dead_pop(&t.n);
    assert_non_null(h);
    assert_int_equal(h->why, CAUSE_DROP_NEIGH_DEAD);
    assert_int_equal(h->f.id, 1);
    assert_addr(h->dst, a);
    neigh_free(&t.n, h);
    assert_int_equal(resolve(a, 3500, mac, &idx), NEIGH_DEAD);
    assert_int_equal(resolve(a, 4100, mac, &idx), NEIGH_WAIT);
    assert_int_equal(asks(mac), 1);
    assert_int_equal(t.arena.used, 0);
}

/* [RFC1122:2.3.2.2] the newest frames wait and go out in order; the oldest makes room. */
static void test_hold_keeps_the_newest(void **state)
{
    (void)state;
    uint8_t mac[6];
    uint32_t idx;
    struct tern_addr a = ip(10, 0, 0, 9);
    assert_int_equal(resolve(a, 0, mac, &idx), NEIGH_WAIT);
    for (uint8_t i = 1; i <= NEIGH_HOLD + 1; i++)
        assert_true(hold(idx, a, i));
    struct neigh_held *h = neigh_dead_pop(&t.n);
    assert_int_equal(h->f.id, 1);
    assert_int_equal(h->why, CAUSE_DROP_NEIGH_FULL);
    neigh_free(&t.n, h);
    assert_null(neigh_dead_pop(&t.n));
    assert_true(neigh_hear(&t.n, 0, &a, mac_a, true, false, ms(5)));
    for (uint8_t i = 2; i <= NEIGH_HOLD + 1; i++) {
        h = neigh_ready_pop(&t.n, 0);
        assert_non_null(h);
        assert_int_equal(h->f.id, i);
        assert_memory_equal(h->f.data, mac_a, 6);
        assert_int_equal(h->f.data[99], i);
        neigh_free(&t.n, h);
    }
    assert_null(neigh_ready_pop(&t.n, 0));
    assert_int_equal(resolve(a, 6, mac, &idx), NEIGH_GO);
    assert_memory_equal(mac, mac_a, 6);
    assert_true(neigh_deadline(&t.n).ns == INT64_MAX);
    assert_int_equal(t.arena.used, 0);
}

static void test_hold_without_memory(void **state)
{
    (void)state;
    uint8_t mac[6];
    uint32_t idx;
    struct tern_addr a = ip(10, 0, 0, 9);
    assert_int_equal(resolve(a, 0, mac, &idx), NEIGH_WAIT);
    t.fault.fail_at = 1;
    assert_false(hold(idx, a, 1));
    assert_true(hold(idx, a, 2));
    t.fault.fail_at = 1;
    struct tern_addr b = ip(10, 0, 0, 10);
    assert_int_equal(resolve(b, 0, mac, &idx), NEIGH_NONE);
    assert_int_equal(resolve(b, 0, mac, &idx), NEIGH_WAIT);
}

/* A stale entry stays usable while its station is asked by unicast. */
static void test_stale_is_probed_and_stays_usable(void **state)
{
    (void)state;
    uint8_t mac[6];
    uint32_t idx;
    struct tern_addr a = ip(10, 0, 0, 9);
    resolve(a, 0, mac, &idx);
    asks(mac);
    neigh_hear(&t.n, 0, &a, mac_a, true, false, ms(0));
    assert_int_equal(resolve(a, 29000, mac, &idx), NEIGH_GO);
    assert_int_equal(asks(mac), 0);
    assert_int_equal(neigh_state_of(&t.n, 0, &a, ms(29000)), NEIGH_REACHABLE);
    assert_int_equal(neigh_state_of(&t.n, 0, &a, ms(30000)), NEIGH_STALE);
    assert_int_equal(asks(mac), 0); /* unused, it is not asked */
    assert_int_equal(resolve(a, 31000, mac, &idx), NEIGH_GO);
    assert_int_equal(neigh_state_of(&t.n, 0, &a, ms(31000)), NEIGH_PROBE);
    assert_int_equal(asks(mac), 1);
    assert_memory_equal(mac, mac_a, 6);
    neigh_hear(&t.n, 0, &a, mac_a, true, false, ms(31001));
    assert_int_equal(neigh_state_of(&t.n, 0, &a, ms(31001)), NEIGH_REACHABLE);

    /* silent this time: three unicasts, then broadcasts again */
    assert_int_equal(resolve(a, 70000, mac, &idx), NEIGH_GO);
    assert_int_equal(asks(mac), 1);
    for (int64_t at = 71001; at < 73000; at += 1001) {
        neigh_tick(&t.n, ms(at));
        assert_int_equal(resolve(a, at, mac, &idx), NEIGH_GO);
        assert_int_equal(asks(mac), 1);
        assert_memory_equal(mac, mac_a, 6);
    }
    uint32_t gen = t.n.gen;
    neigh_tick(&t.n, ms(73100));
    assert_int_not_equal(t.n.gen, gen);
    assert_int_equal(resolve(a, 73100, mac, &idx), NEIGH_WAIT);
    assert_int_equal(asks(mac), 1);
    assert_int_equal(mac[0], 0xff);
}

/* [RFC9293:MUST-20] TCP has doubts: the entry is stale, unless it was confirmed a moment ago. */
static void test_suspect(void **state)
{
    (void)state;
    uint8_t mac[6];
    uint32_t idx;
    struct tern_addr a = ip(10, 0, 0, 9), other = ip(10, 0, 0, 8);
    neigh_suspect(&t.n, 0, &a, ms(0)); /* unknown: nothing happens */
    resolve(a, 0, mac, &idx);
    neigh_suspect(&t.n, 0, &a, ms(0)); /* it is being asked anyway */
    assert_int_equal(asks(mac), 1);
    neigh_hear(&t.n, 0, &a, mac_a, true, false, ms(0));
    uint32_t gen = t.n.gen;
    neigh_suspect(&t.n, 0, &a, ms(999));
    neigh_suspect(&t.n, 0, &other, ms(2000));
    assert_int_equal(t.n.gen, gen);
    assert_int_equal(neigh_state_of(&t.n, 0, &a, ms(2000)), NEIGH_REACHABLE);
    neigh_suspect(&t.n, 0, &a, ms(2000));
    assert_int_not_equal(t.n.gen, gen);
    assert_int_equal(neigh_state_of(&t.n, 0, &a, ms(2000)), NEIGH_STALE);
    assert_int_equal(resolve(a, 2000, mac, &idx), NEIGH_GO);
    assert_int_equal(asks(mac), 1);
    assert_memory_equal(mac, mac_a, 6);
    neigh_hear(&t.n, 0, &a, mac_a, true, false, ms(2001));
    assert_int_equal(neigh_state_of(&t.n, 0, &a, ms(2001)), NEIGH_REACHABLE);
}

/* [RFC826] an existing entry follows its station, but not at once and not while it is being asked.
 */
static void test_who_may_move_an_entry(void **state)
{
    (void)state;
    uint8_t mac[6];
    uint32_t idx;
    struct tern_addr a = ip(10, 0, 0, 9);
    assert_false(neigh_hear(&t.n, 0, &a, mac_a, false, false, ms(0))); /* nothing is made */
    assert_int_equal(neigh_state_of(&t.n, 0, &a, ms(0)), 0);
    resolve(a, 0, mac, &idx);
    assert_true(neigh_hear(&t.n, 0, &a, mac_a, true, false, ms(0)));
    assert_false(neigh_hear(&t.n, 0, &a, mac_b, true, false, ms(999)));
    resolve(a, 999, mac, &idx);
    assert_memory_equal(mac, mac_a, 6);
    uint32_t gen = t.n.gen;
    assert_true(neigh_hear(&t.n, 0, &a, mac_b, false, false, ms(1001)));
    assert_int_not_equal(t.n.gen, gen);
    resolve(a, 1001, mac, &idx);
    assert_memory_equal(mac, mac_b, 6);
    resolve(a, 40000, mac, &idx); /* PROBE */
    assert_false(neigh_hear(&t.n, 0, &a, mac_a, false, false, ms(40001)));
    assert_true(neigh_hear(&t.n, 0, &a, mac_a, true, false, ms(40001)));
    resolve(a, 40002, mac, &idx);
    assert_memory_equal(mac, mac_a, 6);
}

/* A full table: what was used last stays; hearsay never replaces an entry that is sent to. */
static void test_replacement(void **state)
{
    (void)state;
    uint8_t mac[6];
    uint32_t idx;
    for (unsigned i = 0; i < MAX; i++) {
        struct tern_addr a = ip(10, 0, 0, 10 + i);
        assert_int_equal(resolve(a, 0, mac, &idx), NEIGH_WAIT);
        assert_true(hold(idx, a, (uint8_t)(10 + i)));
        if (i == 1)
            neigh_hear(&t.n, 0, &a, mac_a, true, false, ms(0));
    }
    struct tern_addr crowd = ip(10, 0, 0, 99), second = ip(10, 0, 0, 11), fresh = ip(10, 0, 0, 50);
    assert_false(neigh_hear(&t.n, 0, &crowd, mac_b, false, true, ms(1)));
    assert_int_equal(resolve(fresh, 2, mac, &idx), NEIGH_WAIT); /* evicts 10.0.0.10 */
    /* now some have not been used for a round: still no place for hearsay */
    assert_false(neigh_hear(&t.n, 0, &crowd, mac_b, false, true, ms(2)));
    struct neigh_held *h = neigh_dead_pop(&t.n);
    assert_int_equal(h->f.id, 10);
    assert_int_equal(h->why, CAUSE_DROP_NEIGH_FULL);
    neigh_free(&t.n, h);
    resolve(second, 3, mac, &idx); /* used: survives the next round */
    struct tern_addr next = ip(10, 0, 0, 51);
    assert_int_equal(resolve(next, 4, mac, &idx), NEIGH_WAIT);
    assert_int_equal(neigh_state_of(&t.n, 0, &second, ms(4)), NEIGH_REACHABLE);
    struct tern_addr third = ip(10, 0, 0, 12);
    assert_int_equal(neigh_state_of(&t.n, 0, &third, ms(4)), 0);
    /* entries that were only heard of replace each other */
    setup(NULL);
    for (unsigned i = 0; i < 3 * MAX; i++) {
        struct tern_addr a = ip(10, 0, 1, i);
        assert_true(neigh_hear(&t.n, 0, &a, mac_b, false, true, ms(1)));
    }
    assert_int_equal(t.n.pool.used, MAX);
}

/* One address on two interfaces is two stations. */
static void test_interfaces_are_apart(void **state)
{
    (void)state;
    uint8_t mac[6];
    uint32_t idx;
    int64_t until;
    struct tern_addr a = ip(10, 0, 0, 9);
    resolve(a, 0, mac, &idx);
    neigh_hear(&t.n, 0, &a, mac_a, true, false, ms(0));
    assert_int_equal(neigh_resolve(&t.n, 1, &a, ms(0), mac, &until, &idx), NEIGH_WAIT);
    assert_true(neigh_pending(&t.n, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_asks_three_times_and_gives_up, setup),
        cmocka_unit_test_setup(test_hold_keeps_the_newest, setup),
        cmocka_unit_test_setup(test_hold_without_memory, setup),
        cmocka_unit_test_setup(test_stale_is_probed_and_stays_usable, setup),
        cmocka_unit_test_setup(test_suspect, setup),
        cmocka_unit_test_setup(test_who_may_move_an_entry, setup),
        cmocka_unit_test_setup(test_replacement, setup),
        cmocka_unit_test_setup(test_interfaces_are_apart, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
