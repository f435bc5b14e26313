/* SPDX-License-Identifier: BSD-2-Clause */
/* base/prng.c: xoshiro256** (Blackman and Vigna), its state spread from one word by splitmix64. */
#include "base/prng.h"
#include "base/assert.h"

static uint64_t prng_rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

void prng_init(struct prng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->s[i] = z ^ (z >> 31);
    }
}

uint64_t prng_next(struct prng *r)
{
    uint64_t out = prng_rotl(r->s[1] * 5, 7) * 9;
    uint64_t t = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = prng_rotl(r->s[3], 45);
    return out;
}

/* The high half of a 32 x 32 bit product; the few low halves that would favour some results are
 * drawn again (Lemire, 2019). */
uint32_t prng_below(struct prng *r, uint32_t n)
{
    tern_assert(n >= 1);
    uint32_t reject = (uint32_t)-n % n;
    for (;;) {
        uint64_t m = (prng_next(r) >> 32) * n;
        if ((uint32_t)m >= reject)
            return (uint32_t)(m >> 32);
    }
}

int prng_chance(struct prng *r, double p)
{
    double x = (double)(prng_next(r) >> 11) * 0x1p-53;
    return x < p;
}
