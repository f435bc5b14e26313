/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The assert hook of the unit tests: hands the failure to cmocka, so that expect_assert_failure()
 * can prove that a contract is checked; any other failed assertion fails the test that ran into it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"

void tern_assert_fail(const char *file, int line, const char *expr)
{
    mock_assert(0, expr, file, line);
    abort();
}
