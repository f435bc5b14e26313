/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/hash.c: SipHash-2-4: two rounds a word of message, four at the end. A peer that does not
 * know the key cannot aim at a bucket, an ISN or a port.
 */
#include "base/hash.h"
#include "base/assert.h"
#include <string.h>

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

static inline struct sip sip_begin(const struct hash_key *key)
{
    return (struct sip){
        key->k0 ^ 0x736f6d6570736575u,
        key->k1 ^ 0x646f72616e646f6du,
        key->k0 ^ 0x6c7967656e657261u,
        key->k1 ^ 0x7465646279746573u,
    };
}

static inline void sip_word(struct sip *s, uint64_t m)
{
    s->v3 ^= m;
    sip_round(s);
    sip_round(s);
    s->v0 ^= m;
}

/* One word each of two messages: the rounds of one fill the waits of the other. */
static inline void sip_words(struct sip *s, struct sip *t, uint64_t m, uint64_t n)
{
    s->v3 ^= m;
    t->v3 ^= n;
    sip_round(s);
    sip_round(t);
    sip_round(s);
    sip_round(t);
    s->v0 ^= m;
    t->v0 ^= n;
}

static inline uint64_t sip_end(struct sip *s)
{
    s->v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const struct hash_key *key, const void *p, size_t n)
{
    tern_assert(p != NULL || n == 0);
    const uint8_t *b = p;
    struct sip s = sip_begin(key);
    uint64_t m, last = (uint64_t)(n & 0xff) << 56;

    for (; n >= 8; n -= 8, b += 8) {
        memcpy(&m, b, 8);
        sip_word(&s, m);
    }
    for (size_t i = 0; i < n; i++)
        last |= (uint64_t)b[i] << (8 * i);
    sip_word(&s, last);
    return sip_end(&s);
}

void hash_2_two(const struct hash_key *key0, const struct hash_key *key1, uint64_t a,
                const uint64_t b[2], uint64_t out[2])
{
    struct sip s = sip_begin(key0), t = sip_begin(key1);
    sip_words(&s, &t, a, a);
    sip_words(&s, &t, b[0], b[1]);
    sip_words(&s, &t, (uint64_t)16 << 56, (uint64_t)16 << 56);
    s.v2 ^= 0xff;
    t.v2 ^= 0xff;
    for (int i = 0; i < 4; i++) {
        sip_round(&s);
        sip_round(&t);
    }
    out[0] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    out[1] = t.v0 ^ t.v1 ^ t.v2 ^ t.v3;
}

uint64_t hash_2(const struct hash_key *key, uint64_t a, uint64_t b)
{
    struct sip s = sip_begin(key);
    sip_word(&s, a);
    sip_word(&s, b);
    sip_word(&s, (uint64_t)16 << 56);
    return sip_end(&s);
}
