/* SPDX-License-Identifier: BSD-2-Clause */
/* Seeded values for round-trip laws. */
#ifndef UNIT_WIRE_RANDOM_H
#define UNIT_WIRE_RANDOM_H

#include "base/prng.h"
#include <stddef.h>

static inline void random_octets(struct prng *r, void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)prng_next(r);
}

#endif
