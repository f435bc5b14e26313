/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/why.h"

#include <stdarg.h>
#include <stdio.h>

void why_set(char *why, const char *fmt, ...)
{
    if (!why)
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, TERN_WHY, fmt, ap);
    va_end(ap);
}
