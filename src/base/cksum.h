/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/cksum.h: the Internet checksum, RFC 1071, alone and folded into a copy.
 *
 * A partial sum is a uint64_t in "native order": 16-bit words are added as the machine loads them,
 * and only cksum_fold() turns the result into the value to store (in memory order). Partial sums of
 * pieces add up if every piece but the last has an even length; cksum_odd() corrects one that
 * follows an odd piece.
 */
#ifndef BASE_CKSUM_H
#define BASE_CKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The two implementations of the machine's choice; cksum_ops() picks by TERN_CPU_* bits. */
struct cksum_ops {
    uint64_t (*sum)(const void *p, size_t n);               /* partial sum of n octets */
    uint64_t (*copy)(void *dst, const void *src, size_t n); /* memcpy and partial sum in one pass */
};
const struct cksum_ops *cksum_ops(uint32_t cpu);

/* Adds partial sums without losing carries (each at most 2^63). */
static inline uint64_t cksum_add(uint64_t a, uint64_t b)
{
    uint64_t s = a + b;
    return s + (s < a);
}
/* The partial sum of a piece that begins at an odd offset. */
static inline uint64_t cksum_odd(uint64_t a)
{
    return (a << 8) | (a >> 56);
}
static inline uint64_t cksum_word(const uint8_t *p)
{
    uint32_t w;
    memcpy(&w, p, 4);
    return w;
}
/* The partial sum of an IPv4 or TCP header: n is a multiple of 4, and at least 20. */
static inline uint64_t cksum_header(const uint8_t *p, uint32_t n)
{
    uint64_t sum = cksum_word(p) + cksum_word(p + 4) + cksum_word(p + 8) + cksum_word(p + 12) +
                   cksum_word(p + 16);
    if (n == 32) /* TCP with timestamps */
        return sum + cksum_word(p + 20) + cksum_word(p + 24) + cksum_word(p + 28);
    for (uint32_t i = 20; i < n; i += 4)
        sum += cksum_word(p + i);
    return sum;
}
/* The 16-bit ones' complement of the sum: store with memcpy; 0 over data that includes a correct
 * checksum. */
static inline uint16_t cksum_fold(uint64_t s)
{
    s = (s & 0xffffffff) + (s >> 32);
    s = (s & 0xffffffff) + (s >> 32);
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}
/* Partial sum of the IPv4 pseudo-header; addresses as in memory (4 octets each), len and proto in
 * host order. */
static inline uint64_t cksum_pseudo4(const uint8_t src[4], const uint8_t dst[4], uint8_t proto,
                                     uint32_t len)
{
    uint32_t a, b;
    memcpy(&a, src, 4);
    memcpy(&b, dst, 4);
    return (uint64_t)a + b + __builtin_bswap16(proto) + (uint64_t)__builtin_bswap32(len);
}
/* The same for IPv6 [RFC8200:8.1]. */
uint64_t cksum_pseudo6(const uint8_t src[16], const uint8_t dst[16], uint8_t proto, uint32_t len);

#endif
