/* SPDX-License-Identifier: BSD-2-Clause */
/* base/wipe.h: forgetting secrets, and comparing them without telling where they differ. */
#ifndef BASE_WIPE_H
#define BASE_WIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroes memory that is not read again: the stores are volatile, so no compiler leaves them out. */
static inline void wipe(void *p, size_t n)
{
    volatile uint8_t *v = p;
    while (n-- > 0)
        *v++ = 0;
}

/* Equal? Takes equally long wherever the first difference is. */
static inline bool same_secret(const uint8_t *a, const uint8_t *b, size_t n)
{
    unsigned diff = 0;
    for (size_t i = 0; i < n; i++)
        diff |= (unsigned)(a[i] ^ b[i]);
    return diff == 0;
}

#endif
