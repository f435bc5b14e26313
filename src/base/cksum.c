/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/cksum.c: the Internet checksum in two forms, for any alignment and length.
 *
 * RFC 1071 allows any order and any word width, since 2^16 = 1 modulo 65535: the machine's 32-bit
 * halves are added into 64-bit accumulators that cannot overflow below 2^34 octets, so no carry is
 * ever looked at, and only cksum_fold() brings the result down to 16 bits. A tail of 1 to 7 octets
 * counts as if zeros followed it. The vector form does the same with eight lanes; it exists because
 * a copy that sums on the way costs little more than the copy.
 */
#include "base/cksum.h"
#include "base/assert.h"
#include <tern/config.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static uint64_t cksum_halves(uint64_t v)
{
    return (v & 0xffffffff) + (v >> 32);
}

static uint64_t cksum_sum_scalar(const void *p, size_t n)
{
    const uint8_t *s = p;
    uint64_t a = 0, b = 0, v[2];

    for (; n >= sizeof v; n -= sizeof v, s += sizeof v) {
        memcpy(v, s, sizeof v);
        a += cksum_halves(v[0]);
        b += cksum_halves(v[1]);
    }
    if (n >= 8) {
        memcpy(v, s, 8);
        a += cksum_halves(v[0]);
        s += 8;
        n -= 8;
    }
    if (n > 0) {
        v[0] = 0;
        memcpy(v, s, n);
        b += cksum_halves(v[0]);
    }
    return a + b;
}

static uint64_t cksum_copy_scalar(void *dst, const void *src, size_t n)
{
    const uint8_t *s = src;
    uint8_t *d = dst;
    uint64_t a = 0, b = 0, v[2];

    for (; n >= sizeof v; n -= sizeof v, s += sizeof v, d += sizeof v) {
        memcpy(v, s, sizeof v);
        memcpy(d, v, sizeof v);
        a += cksum_halves(v[0]);
        b += cksum_halves(v[1]);
    }
    if (n >= 8) {
        memcpy(v, s, 8);
        memcpy(d, v, 8);
        a += cksum_halves(v[0]);
        s += 8;
        d += 8;
        n -= 8;
    }
    if (n > 0) {
        v[0] = 0;
        memcpy(v, s, n);
        memcpy(d, v, n);
        b += cksum_halves(v[0]);
    }
    return a + b;
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

/* Four 64-bit sums, each of the 32-bit halves of one lane. */
AVX2 static inline __m256i cksum_lanes(__m256i acc, __m256i v)
{
    const __m256i low = _mm256_set1_epi64x(0xffffffff);
    acc = _mm256_add_epi64(acc, _mm256_and_si256(v, low));
    return _mm256_add_epi64(acc, _mm256_srli_epi64(v, 32));
}

AVX2 static inline uint64_t cksum_reduce(__m256i a, __m256i b)
{
    uint64_t lane[4];
    _mm256_storeu_si256((__m256i *)(void *)lane, _mm256_add_epi64(a, b));
    return lane[0] + lane[1] + lane[2] + lane[3];
}

AVX2 static uint64_t cksum_sum_avx2(const void *p, size_t n)
{
    const uint8_t *s = p;
    __m256i a = _mm256_setzero_si256(), b = a;

    if (n < 64)
        return cksum_sum_scalar(p, n);
    for (; n >= 64; n -= 64, s += 64) {
        a = cksum_lanes(a, _mm256_loadu_si256((const __m256i *)(const void *)s));
        b = cksum_lanes(b, _mm256_loadu_si256((const __m256i *)(const void *)(s + 32)));
    }
    uint64_t sum = cksum_reduce(a, b);
    return n > 0 ? sum + cksum_sum_scalar(s, n) : sum;
}

AVX2 static uint64_t cksum_copy_avx2(void *dst, const void *src, size_t n)
{
    const uint8_t *s = src;
    uint8_t *d = dst;
    __m256i a = _mm256_setzero_si256(), b = a;

    if (n < 64)
        return cksum_copy_scalar(dst, src, n);
    for (; n >= 64; n -= 64, s += 64, d += 64) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)s);
        __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)(s + 32));
        _mm256_storeu_si256((__m256i *)(void *)d, v);
        _mm256_storeu_si256((__m256i *)(void *)(d + 32), w);
        a = cksum_lanes(a, v);
        b = cksum_lanes(b, w);
    }
    uint64_t sum = cksum_reduce(a, b);
    return n > 0 ? sum + cksum_copy_scalar(d, s, n) : sum;
}

#endif

const struct cksum_ops *cksum_ops(uint32_t cpu)
{
    static const struct cksum_ops scalar = {cksum_sum_scalar, cksum_copy_scalar};
#if defined(__x86_64__)
    static const struct cksum_ops avx2 = {cksum_sum_avx2, cksum_copy_avx2};
    if (cpu & TERN_CPU_AVX2)
        return &avx2;
#else
    (void)cpu;
#endif
    return &scalar;
}

uint64_t cksum_pseudo6(const uint8_t src[16], const uint8_t dst[16], uint8_t proto, uint32_t len)
{
    tern_assert(src != NULL && dst != NULL);
    return cksum_sum_scalar(src, 16) + cksum_sum_scalar(dst, 16) + __builtin_bswap32(len) +
           ((uint64_t)proto << 8);
}
