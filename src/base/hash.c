/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/hash.c: SipHash-2-4: two rounds a word of message, four at the end. A peer that does not
 * know the key cannot aim at a bucket, an ISN or a port.
 */
#include "base/hash.h"
#include "base/assert.h"
#include "base/sip.h"
#include <string.h>

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

uint64_t hash_bytes(const struct hash_key *key, const void *p, size_t n)
{
    tern_assert(p != NULL || n == 0);
    const uint8_t *b = p;
    struct sip s = sip_begin(key->k0, key->k1);
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
    struct sip s = sip_begin(key0->k0, key0->k1), t = sip_begin(key1->k0, key1->k1);
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
    return sip_2(key->k0, key->k1, a, b);
}
