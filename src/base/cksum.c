/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/cksum.c: the Internet checksum in two forms, for any alignment and length.
 *
 * RFC 1071 allows any order and any word width, since 2^16 = 1 modulo 65535: the machine's 32-bit
 * halves are added into 64-bit accumulators that cannot overflow below 2^34 octets, so no carry is
 * ever looked at, and only cksum_fold() brings the result down to 16 bits. A tail of 1 to 7 octets
 * counts as if zeros followed it. The vector form does the same with four lanes; it exists because
 * a copy that sums on the way costs little more than the copy. (Eight lanes were tried: no faster,
 * the second-level cache sets the pace.)
 */
#include "base/cksum.h"
#include "base/assert.h"
#include <stdbool.h>
#include <tern/config.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* The sum of all 32-bit halves, from the sum of the 64-bit words modulo 2^64 and the sum of their
 * upper halves: the lower halves add up to less than 2^64, so what is left of the first is exact.
 * One addition and one shift for each word, where taking both halves apart costs a mask more. */
static inline uint64_t cksum_both(uint64_t words, uint64_t upper)
{
    return words - (upper << 32) + upper;
}

static inline __attribute__((always_inline)) uint64_t cksum_walk(uint8_t *d, const uint8_t *s,
                                                                 size_t n, const bool copy)
{
    uint64_t words = 0, upper = 0, v;

    for (; n >= sizeof v; n -= sizeof v, s += sizeof v) {
        memcpy(&v, s, sizeof v);
        if (copy) {
            memcpy(d, &v, sizeof v);
            d += sizeof v;
        }
        words += v;
        upper += v >> 32;
    }
    uint64_t sum = cksum_both(words, upper);
    if (n > 0) {
        v = 0;
        memcpy(&v, s, n);
        if (copy)
            memcpy(d, &v, n);
        sum += (v & 0xffffffff) + (v >> 32);
    }
    return sum;
}

static uint64_t cksum_sum_scalar(const void *p, size_t n)
{
    return cksum_walk(NULL, p, n, false);
}

static uint64_t cksum_copy_scalar(void *dst, const void *src, size_t n)
{
    return cksum_walk(dst, src, n, true);
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i cksum_load(const uint8_t *s)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)s);
}
AVX2 static inline void cksum_store(uint8_t *d, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)d, v);
}
AVX2 static inline uint64_t cksum_reduce(__m256i words, __m256i upper)
{
    __m256i sum = _mm256_add_epi64(_mm256_sub_epi64(words, _mm256_slli_epi64(upper, 32)), upper);
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    return (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
}

/* Sums n octets, and copies them if `copy`, which the compiler knows. */
AVX2 static inline __attribute__((always_inline)) uint64_t
cksum_walk_avx2(uint8_t *d, const uint8_t *s, size_t n, const bool copy)
{
    __m256i words = _mm256_setzero_si256(), upper = words;

    for (; n >= 128; n -= 128, s += 128) {
        __m256i a = cksum_load(s), b = cksum_load(s + 32);
        __m256i e = cksum_load(s + 64), f = cksum_load(s + 96);
        if (copy) {
            cksum_store(d, a);
            cksum_store(d + 32, b);
            cksum_store(d + 64, e);
            cksum_store(d + 96, f);
            d += 128;
        }
        words = _mm256_add_epi64(words,
                                 _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(e, f)));
        a = _mm256_add_epi64(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
        e = _mm256_add_epi64(_mm256_srli_epi64(e, 32), _mm256_srli_epi64(f, 32));
        upper = _mm256_add_epi64(upper, _mm256_add_epi64(a, e));
    }
    for (; n >= 32; n -= 32, s += 32) {
        __m256i v = cksum_load(s);
        if (copy) {
            cksum_store(d, v);
            d += 32;
        }
        words = _mm256_add_epi64(words, v);
        upper = _mm256_add_epi64(upper, _mm256_srli_epi64(v, 32));
    }
    return cksum_reduce(words, upper) + cksum_walk(d, s, n, copy);
}

AVX2 static uint64_t cksum_sum_avx2(const void *p, size_t n)
{
    return cksum_walk_avx2(NULL, p, n, false);
}

AVX2 static uint64_t cksum_copy_avx2(void *dst, const void *src, size_t n)
{
    return cksum_walk_avx2(dst, src, n, true);
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
