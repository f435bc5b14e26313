/* SPDX-License-Identifier: BSD-2-Clause */
/* The checksum's forms against the definition of RFC 1071, word by word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cksum.h"
#include "base/prng.h"
#include <tern/config.h>

/* RFC 1071's definition: 16-bit words in network order, end-around carry at each step. */
static uint16_t naive(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static uint16_t wire(uint64_t sum)
{
    return __builtin_bswap16(cksum_fold(sum));
}

static void fill(uint8_t *p, size_t n, uint64_t seed)
{
    struct prng r;
    prng_init(&r, seed);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)prng_next(&r);
}

static void every_length_and_offset(const struct cksum_ops *ops)
{
    uint8_t src[512], dst[512], want[512];
    fill(src, sizeof src, 1);
    for (size_t n = 0; n <= 300; n++) {
        for (size_t off = 0; off < 33; off++) {
            size_t to = (off * 7 + n) % 37;
            assert_int_equal(wire(ops->sum(src + off, n)), naive(src + off, n));
            memset(dst, 0xa5, sizeof dst);
            memcpy(want, dst, sizeof dst);
            memcpy(want + to, src + off, n);
            assert_int_equal(wire(ops->copy(dst + to, src + off, n)), naive(src + off, n));
            assert_memory_equal(dst, want, sizeof dst);
        }
    }
}

static void test_scalar_is_the_definition(void **state)
{
    (void)state;
    every_length_and_offset(cksum_ops(0));
}

static void test_avx2_is_the_definition(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx2"))
        skip();
    assert_ptr_not_equal(cksum_ops(0), cksum_ops(TERN_CPU_AVX2));
    every_length_and_offset(cksum_ops(TERN_CPU_AVX2));
}

static void test_rfc1071_example(void **state)
{
    (void)state;
    static const uint8_t p[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(wire(cksum_ops(0)->sum(p, sizeof p)), 0xffff & ~0xddf2);
}

/* Carries at their worst: all ones, and the largest packet there is. */
static void test_largest(void **state)
{
    (void)state;
    static uint8_t p[65536], q[65536];
    memset(p, 0xff, sizeof p);
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        if (cpu && !__builtin_cpu_supports("avx2"))
            continue;
        const struct cksum_ops *ops = cksum_ops(cpu ? TERN_CPU_AVX2 : 0);
        for (size_t n = 65530; n <= 65536; n++) {
            assert_int_equal(wire(ops->sum(p, n)), naive(p, n));
            memset(q, 0, sizeof q);
            assert_int_equal(wire(ops->copy(q, p, n)), naive(p, n));
            assert_memory_equal(p, q, n);
        }
    }
}

/* Pieces add up, wherever the cut. */
static void test_pieces(void **state)
{
    (void)state;
    uint8_t p[200];
    fill(p, sizeof p, 2);
    const struct cksum_ops *ops = cksum_ops(0);
    for (size_t cut = 0; cut <= sizeof p; cut++) {
        uint64_t a = ops->sum(p, cut), b = ops->sum(p + cut, sizeof p - cut);
        if (cut % 2)
            b = cksum_odd(b);
        assert_int_equal(wire(cksum_add(a, b)), naive(p, sizeof p));
    }
    assert_true(cksum_add(UINT64_MAX, 1) == 1);
    assert_true(cksum_add(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
}

/* A packet with its checksum in place sums to zero, and one flipped bit is seen. */
static void test_verify(void **state)
{
    (void)state;
    uint8_t p[64];
    fill(p, sizeof p, 3);
    memset(p + 10, 0, 2);
    uint16_t c = cksum_fold(cksum_ops(0)->sum(p, sizeof p));
    memcpy(p + 10, &c, 2);
    assert_int_equal(cksum_fold(cksum_ops(0)->sum(p, sizeof p)), 0);
    for (unsigned bit = 0; bit < 8 * sizeof p; bit++) {
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(cksum_fold(cksum_ops(0)->sum(p, sizeof p)), 0);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_pseudo_headers(void **state)
{
    (void)state;
    uint8_t v4[12] = {192, 0, 2, 1, 198, 51, 100, 77, 0, 17, 0xab, 0xcd};
    assert_int_equal(wire(cksum_pseudo4(v4, v4 + 4, 17, 0xabcd)), naive(v4, sizeof v4));
    uint8_t v6[40];
    fill(v6, 32, 4);
    static const uint8_t tail[8] = {0, 1, 0xfe, 0xdc, 0, 0, 0, 58};
    memcpy(v6 + 32, tail, 8);
    assert_int_equal(wire(cksum_pseudo6(v6, v6 + 16, 58, 0x1fedc)), naive(v6, sizeof v6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalar_is_the_definition),
        cmocka_unit_test(test_avx2_is_the_definition),
        cmocka_unit_test(test_rfc1071_example),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_pseudo_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
