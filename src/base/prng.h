/* SPDX-License-Identifier: BSD-2-Clause */
/* base/prng.h: a small repeatable generator (xoshiro256**). Not a secret: secrets go through
 * base/hash.h with a key. */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t s[4];
};

void prng_init(struct prng *r, uint64_t seed); /* any seed, 0 too (expanded by splitmix64) */
uint64_t prng_next(struct prng *r);
/* Uniform in [0, n); n >= 1. Without modulo bias. */
uint32_t prng_below(struct prng *r, uint32_t n);
/* True with probability p (0..1). */
int prng_chance(struct prng *r, double p);

#endif
