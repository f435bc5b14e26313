/* SPDX-License-Identifier: BSD-2-Clause */
/* The headers without a file of their own: seq, time, bytes, list, sock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/prng.h"
#include "base/seq.h"
#include "base/sock.h"
#include "base/time.h"

/* [RFC9293:3.4] Order holds across the wrap, for all distances below 2^31. */
static void test_seq_order(void **state)
{
    (void)state;
    static const uint32_t start[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    static const uint32_t dist[] = {1, 2, 1000, 0x7ffffffe, 0x7fffffff};
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 5; k++) {
            struct seq a = seq_of(start[i]), b = seq_add(a, dist[k]);
            assert_true(seq_lt(a, b) && seq_le(a, b) && seq_gt(b, a) && seq_ge(b, a));
            assert_false(seq_lt(b, a) || seq_le(b, a) || seq_gt(a, b) || seq_ge(a, b));
            assert_true(seq_diff(b, a) == (int32_t)dist[k] && seq_diff(a, b) == -(int32_t)dist[k]);
            assert_true(seq_eq(seq_sub(b, dist[k]), a) && !seq_eq(a, b));
            assert_true(seq_eq(seq_max(a, b), b) && seq_eq(seq_min(a, b), a));
            assert_true(seq_in(a, a, 1) && !seq_in(b, a, dist[k]) && seq_in(b, a, dist[k] + 1));
            assert_false(seq_in(a, b, dist[k]) || seq_in(a, a, 0));
        }
        assert_true(seq_le(seq_of(start[i]), seq_of(start[i])));
        assert_false(seq_lt(seq_of(start[i]), seq_of(start[i])));
    }
}

static void test_time(void **state)
{
    (void)state;
    struct tern_time a = {1000}, b = time_add_us(a, 3);
    assert_true(b.ns == 4000 && time_add_ms(a, 2).ns == 2001000);
    assert_true(time_lt(a, b) && time_le(a, a) && !time_lt(a, a) && !time_le(b, a));
    assert_true(time_diff_ns(b, a) == 3000 && time_diff_us(b, a) == 3);
    assert_true(time_min(a, b).ns == a.ns && time_max(a, b).ns == b.ns);
    assert_true(time_is_never(time_add_ms(TERN_NEVER, 5)) && !time_is_never(a));
}

static void test_reader_stays_within_its_octets(void **state)
{
    (void)state;
    static const uint8_t p[7] = {1, 2, 3, 4, 5, 6, 7};
    struct rd r = rd_of(p, sizeof p);
    assert_int_equal(rd_u8(&r), 1);
    assert_int_equal(rd_be16(&r), 0x0203);
    assert_int_equal(rd_left(&r), 4);
    assert_int_equal(rd_be32(&r), 0x04050607);
    assert_false(r.bad);
    assert_non_null(rd_take(&r, 0));
    assert_int_equal(rd_u8(&r), 0);
    assert_true(r.bad);
    r = rd_of(p, 3);
    assert_int_equal(rd_be32(&r), 0); /* three octets are no word: none of them is given out */
    assert_true(r.bad);
    assert_int_equal(rd_u8(&r), 0);
    assert_null(rd_take(&r, SIZE_MAX));
    uint8_t q[6];
    be16_store(q, 0xa1b2);
    be32_store(q + 2, 0xc3d4e5f6);
    assert_memory_equal(q, "\xa1\xb2\xc3\xd4\xe5\xf6", 6);
    assert_int_equal(be16_load(q), 0xa1b2);
    assert_true(be32_load(q + 2) == 0xc3d4e5f6);
}

struct item {
    uint32_t pad;
    struct link link;
};
#define OFF   offsetof(struct item, link)
#define ITEMS 20

static void compare_lists(const struct list *l, const struct pool *p, const uint32_t *order,
                          uint32_t n)
{
    uint32_t i = l->head, prev = 0;
    for (uint32_t k = 0; k < n; k++) {
        assert_int_equal(i, order[k]);
        assert_int_equal(list_link(p, OFF, i)->prev, prev);
        prev = i;
        i = list_link(p, OFF, i)->next;
    }
    assert_int_equal(i, 0);
    assert_int_equal(l->tail, prev);
    assert_int_equal(l->count, n);
}

static void test_list_against_an_array(void **state)
{
    (void)state;
    struct item mem[ITEMS];
    uint32_t order[ITEMS], n = 0;
    struct list l = {0};
    struct pool p;
    struct prng r;
    prng_init(&r, 1);
    pool_init(&p, mem, sizeof *mem, ITEMS, NULL);
    for (int i = 0; i < ITEMS; i++)
        link_init(&mem[i].link);
    for (int step = 0; step < 5000; step++) {
        uint32_t i = 1 + prng_below(&r, ITEMS), at = 0;
        while (at < n && order[at] != i)
            at++;
        assert_int_equal(link_in(&mem[i - 1].link), at < n);
        if (at == n) {
            list_push_tail(&l, &p, OFF, i);
            order[n++] = i;
        } else {
            if (step % 3 == 0) {
                at = 0;
                assert_int_equal(list_pop(&l, &p, OFF), order[0]);
            } else {
                list_remove(&l, &p, OFF, i);
            }
            n--;
            memmove(order + at, order + at + 1, (n - at) * sizeof *order);
        }
        compare_lists(&l, &p, order, n);
    }
    while (n > 0)
        n -= list_pop(&l, &p, OFF) != 0;
    assert_int_equal(list_pop(&l, &p, OFF), 0);
    list_push_tail(&l, &p, OFF, 1);
    expect_assert_failure(list_push_tail(&l, &p, OFF, 1));
    expect_assert_failure(list_remove(&l, &p, OFF, 2));
}

static void test_handles(void **state)
{
    (void)state;
    struct tern_sock s = sock_make(SOCK_UDP, 0xffffffffu, 0xfffffffeu);
    assert_int_equal(sock_kind(s), SOCK_UDP);
    assert_int_equal(sock_gen(s), SOCK_GEN_MASK);
    assert_true(sock_index(s) == 0xfffffffeu);
    assert_true(sock_make(SOCK_CONN, 0, 1).id != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seq_order),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_reader_stays_within_its_octets),
        cmocka_unit_test(test_list_against_an_array),
        cmocka_unit_test(test_handles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
