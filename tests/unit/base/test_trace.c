/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/trace.h"

static void test_nobody_listens(void **state)
{
    (void)state;
    struct trace t = {0};
    struct tern_trace out[1];
    uint64_t lost = 9;
    assert_null(trace_add(&t, (struct tern_time){5}, TERN_TR_SEG_TX, CAUSE_TX_SYN));
    trace_count(&t, CAUSE_TX_SYN);
    assert_true(t.counter[CAUSE_TX_SYN] == 1);
    assert_int_equal(trace_read(&t, out, 1, &lost), 0);
    assert_true(lost == 0);
}

static void test_reads_in_order_and_counts_the_lost(void **state)
{
    (void)state;
    struct tern_trace ring[8], out[8];
    struct trace t = {.ring = ring, .mask = 7};
    uint64_t lost, next = 0, written = 0;
    memset(ring, 0xff, sizeof ring);
    for (unsigned burst = 0; burst < 20; burst++) {
        for (unsigned i = 0; i < burst; i++) {
            struct tern_trace *r =
                trace_add(&t, (struct tern_time){(int64_t)written}, TERN_TR_DROP, CAUSE_DROP_SHORT);
            assert_int_equal(r->len, 0); /* a used record is cleared */
            r->len = UINT32_MAX;
            written++;
        }
        size_t got = trace_read(&t, out, 5, &lost);
        if (written - next > 8) {
            assert_true(lost == written - next - 8);
            next += lost;
        } else {
            assert_true(lost == 0);
        }
        assert_int_equal(got, written - next < 5 ? written - next : 5);
        for (size_t i = 0; i < got; i++) {
            assert_true(out[i].time.ns == (int64_t)next++);
            assert_int_equal(out[i].kind, TERN_TR_DROP);
            assert_int_equal(out[i].cause, CAUSE_DROP_SHORT);
        }
    }
    while (trace_read(&t, out, 8, NULL) > 0)
        continue;
    assert_true(t.tail == t.head);
}

static void test_around_the_size_of_the_ring(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 20; n++) {
        struct tern_trace ring[8], out[20];
        struct trace t = {.ring = ring, .mask = 7};
        uint64_t lost = 99;
        for (uint64_t i = 0; i < n; i++)
            trace_add(&t, (struct tern_time){(int64_t)i}, TERN_TR_CC, CAUSE_CC_RTO);
        assert_int_equal(trace_read(&t, out, 20, &lost), n < 8 ? n : 8);
        assert_true(lost == (n < 8 ? 0 : n - 8));
        for (uint64_t i = lost; i < n; i++)
            assert_true(out[i - lost].time.ns == (int64_t)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_around_the_size_of_the_ring),
        cmocka_unit_test(test_reads_in_order_and_counts_the_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
