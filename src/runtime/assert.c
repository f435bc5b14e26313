/* SPDX-License-Identifier: BSD-2-Clause */
/* runtime/assert.c: the assert hook of a hosted process, alone in its file so that a program may
 * bring its own. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void tern_assert_fail(const char *file, int line, const char *expr)
{
    (void)fprintf(stderr, "tern: %s:%d: assertion failed: %s\n", file, line, expr);
    abort();
}
