/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz/fuzz.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tern_assert_fail(const char *file, int line, const char *expr)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, expr);
    abort();
}

uint8_t *fuzz_copy(const uint8_t *data, size_t n)
{
    uint8_t *p = malloc(n > 0 ? n : 1);
    if (p == NULL)
        abort();
    if (n > 0)
        memcpy(p, data, n);
    return p;
}
