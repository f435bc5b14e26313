/* SPDX-License-Identifier: BSD-2-Clause */
/* api/cc.c: the names of the congestion controls. */
#include "tcp/cc/cc.h"
#include <tern/config.h>

static bool same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const char *tern_cc_name(unsigned cc)
{
    return cc < TERN_CC_COUNT ? cc_ops_of(cc)->name : NULL;
}

int tern_cc_find(const char *name)
{
    for (unsigned i = 0; name != NULL && i < TERN_CC_COUNT; i++) {
        if (same(name, cc_ops_of(i)->name))
            return (int)i;
    }
    return -1;
}
