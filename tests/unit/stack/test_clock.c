/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/stack/host.h"

/* The deadline is the earliest of TCP's and the neighbours'. */
static void test_deadline(void **state)
{
    (void)state;
    struct tern_stack *a = host_up(false);
    assert_int_equal(tern_deadline(a).ns, INT64_MAX);
    a->tcp->deadline = ms(500);
    assert_int_equal(tern_deadline(a).ns, ms(500).ns);
    struct fake_seg s = {.src = ip(10, 0, 0, 1), .dst = ip(10, 0, 0, 2), .len = 40};
    fake_send(a->tcp, &s);
    struct tern_frame f;
    host_tx(a, &f, 0);
    a->tcp->deadline = TERN_NEVER;
    while (host_tx(a, &f, 0))
        ;
    /* Followed deadline by deadline (one may be early, none late), the second question comes after
     * a second and not before. */
    int64_t at = 0;
    for (unsigned i = 0; !tern_tx_pending(a, 0); i++) {
        assert_true(i < 10);
        assert_true(tern_deadline(a).ns > at);
        at = tern_deadline(a).ns;
        tern_tick(a, (struct tern_time){at});
        assert_int_equal(a->tcp->ticks, i + 1);
    }
    assert_in_range(at, ms(1000).ns, ms(1001).ns);
}

/* A clock that steps back is treated as standing still. */
static void test_time_never_runs_back(void **state)
{
    (void)state;
    struct tern_stack *a = host_up(false);
    tern_tick(a, ms(100));
    tern_tick(a, ms(50));
    assert_int_equal(a->now.ns, ms(100).ns);
    tern_rx(a, 0, NULL, 0, ms(20));
    assert_int_equal(a->now.ns, ms(100).ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_deadline, host_teardown),
        cmocka_unit_test_teardown(test_time_never_runs_back, host_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
