/* SPDX-License-Identifier: BSD-2-Clause */
/* base/hash.h: SipHash-2-4 (Aumasson and Bernstein), the one keyed hash: demultiplexing, ISNs,
 * ports, cookies. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0, k1;
};

/* SipHash-2-4 of n octets. */
uint64_t hash_bytes(const struct hash_key *key, const void *p, size_t n);
/* SipHash-2-4 of exactly two words (16 octets, little-endian): the IPv4 4-tuple's fast way. Equal
 * to hash_bytes of the same 16 octets. */
uint64_t hash_2(const struct hash_key *key, uint64_t a, uint64_t b);
/* out[i] = hash_2(key i, a, b[i]), in little more time than one of them. */
void hash_2_two(const struct hash_key *key0, const struct hash_key *key1, uint64_t a,
                const uint64_t b[2], uint64_t out[2]);

#endif
