/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../cli/suggest.h"

static void distances(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance("run", 3, "run"), 0);
    assert_int_equal(suggest_distance("rnu", 3, "run"), 1);
    assert_int_equal(suggest_distance("rum", 3, "run"), 1);
    assert_int_equal(suggest_distance("rn", 2, "run"), 1);
    assert_int_equal(suggest_distance("rrun", 4, "run"), 1);
    assert_int_equal(suggest_distance("", 0, "run"), 3);
    assert_int_equal(suggest_distance("abc", 3, "xyz"), 3);
    assert_int_equal(suggest_distance("runx", 3, "run"), 0);
    assert_true(suggest_distance("0123456789012345678901234567890123", 34, "run") > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(distances)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
