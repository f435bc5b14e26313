/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/stack/host.h"

static void test_counted_and_traced(void **state)
{
    (void)state;
    struct tern_stack *a = host_up(false);
    struct tern_trace r[4];
    tern_trace_read(a, r, 4, NULL);
    struct note n = {.cause = CAUSE_DROP_SHORT,
                     .id = 3,
                     .len = 4,
                     .serial = 5,
                     .laddr = ip(1, 2, 3, 4),
                     .raddr = ip(5, 6, 7, 8),
                     .lport = 9,
                     .rport = 10};
    tern_tick(a, ms(44));
    note_frame(a, TERN_TR_DROP, &n);
    assert_int_equal(count(a, CAUSE_DROP_SHORT), 1);
    assert_int_equal(tern_trace_read(a, r, 4, NULL), 1);
    assert_int_equal(r[0].time.ns, ms(44).ns);
    assert_int_equal(r[0].kind, TERN_TR_DROP);
    assert_int_equal(r[0].cause, CAUSE_DROP_SHORT);
    assert_int_equal(r[0].id, 3);
    assert_int_equal(r[0].len, 4);
    assert_int_equal(r[0].serial, 5);
    assert_int_equal(r[0].lport, 9);
    assert_int_equal(r[0].rport, 10);
    assert_addr(r[0].laddr, n.laddr);
    assert_addr(r[0].raddr, n.raddr);
}

static void test_counted_without_a_ring(void **state)
{
    (void)state;
    struct tern_config c = host_config();
    c.trace_records = 0;
    struct tern_stack *a = host_make(&c);
    struct note n = {.cause = CAUSE_DROP_SHORT};
    note_frame(a, TERN_TR_DROP, &n);
    assert_int_equal(count(a, CAUSE_DROP_SHORT), 1);
    struct tern_trace r;
    assert_int_equal(tern_trace_read(a, &r, 1, NULL), 0);
    n.cause = CAUSES;
    expect_assert_failure(note_frame(a, TERN_TR_DROP, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_counted_and_traced, host_teardown),
        cmocka_unit_test_teardown(test_counted_without_a_ring, host_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
