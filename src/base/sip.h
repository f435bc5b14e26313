/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/sip.h: the rounds of SipHash-2-4 (Aumasson and Bernstein): two for a word of the message,
 * four at the end. Nothing but arithmetic, so that a program in the kernel (port/syn_answer.h)
 * computes the same as base/hash.c.
 */
#ifndef BASE_SIP_H
#define BASE_SIP_H

#include <stdint.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t sip_rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = sip_rotl(s->v1, 13) ^ s->v0;
    s->v0 = sip_rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = sip_rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = sip_rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = sip_rotl(s->v1, 17) ^ s->v2;
    s->v2 = sip_rotl(s->v2, 32);
}

static inline struct sip sip_begin(uint64_t k0, uint64_t k1)
{
    return (struct sip){
        k0 ^ 0x736f6d6570736575u,
        k1 ^ 0x646f72616e646f6du,
        k0 ^ 0x6c7967656e657261u,
        k1 ^ 0x7465646279746573u,
    };
}

static inline void sip_word(struct sip *s, uint64_t m)
{
    s->v3 ^= m;
    sip_round(s);
    sip_round(s);
    s->v0 ^= m;
}

static inline uint64_t sip_end(struct sip *s)
{
    s->v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Of two words, 16 octets. */
static inline uint64_t sip_2(uint64_t k0, uint64_t k1, uint64_t a, uint64_t b)
{
    struct sip s = sip_begin(k0, k1);
    sip_word(&s, a);
    sip_word(&s, b);
    sip_word(&s, (uint64_t)16 << 56);
    return sip_end(&s);
}

#endif
