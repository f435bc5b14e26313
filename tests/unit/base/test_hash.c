/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 against its authors' vectors: key 00 01 .. 0f, message 00 01 .. n-1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

static struct hash_key key_of_vectors(void)
{
    return (struct hash_key){0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
}

static void test_reference_vectors(void **state)
{
    (void)state;
    static const uint8_t want[][8] = {
        {0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72},
        {0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74},
        {0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d},
        {0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85},
        {0xb7, 0x87, 0x71, 0x27, 0xe0, 0x94, 0x27, 0xcf},
        {0x8d, 0xa6, 0x99, 0xcd, 0x64, 0x55, 0x76, 0x18},
        {0xce, 0xe3, 0xfe, 0x58, 0x6e, 0x46, 0xc9, 0xcb},
        {0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab},
        {0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93},
        {0xb0, 0xe4, 0xa9, 0x0b, 0xdf, 0x82, 0x00, 0x9e},
    };
    const struct hash_key key = key_of_vectors();
    uint8_t msg[16];
    for (unsigned i = 0; i < sizeof msg; i++)
        msg[i] = (uint8_t)i;
    for (unsigned n = 0; n < sizeof want / sizeof *want; n++) {
        uint64_t h = hash_bytes(&key, msg, n);
        assert_memory_equal(&h, want[n], 8);
    }
    assert_true(hash_bytes(&key, msg, 15) == 0xa129ca6149be45e5u); /* the paper's appendix A */
}

static void test_hash_2_is_hash_bytes_of_16(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        const struct hash_key key = {i * 0x9e3779b97f4a7c15u, ~i};
        uint64_t w[2] = {i * i * 0xd1342543de82ef95u, i << 40 | i};
        assert_true(hash_2(&key, w[0], w[1]) == hash_bytes(&key, w, sizeof w));
    }
}

static void test_every_octet_counts(void **state)
{
    (void)state;
    const struct hash_key key = key_of_vectors(), other = {key.k0, key.k1 ^ 1};
    uint8_t msg[24] = {0};
    for (size_t n = 1; n <= sizeof msg; n++) {
        uint64_t h = hash_bytes(&key, msg, n);
        assert_true(h != hash_bytes(&other, msg, n));
        assert_true(h != hash_bytes(&key, msg, n - 1));
        for (size_t i = 0; i < n; i++) {
            msg[i] ^= 1;
            assert_true(h != hash_bytes(&key, msg, n));
            msg[i] ^= 1;
        }
    }
}

static void test_two_at_once(void **state)
{
    (void)state;
    uint64_t x = 1, out[2];
    for (int i = 0; i < 1000; i++) {
        struct hash_key k0 = {x, x * 3}, k1 = {~x, x * 5};
        uint64_t b[2] = {x * 7, x * 11};
        hash_2_two(&k0, &k1, x * 13, b, out);
        assert_true(out[0] == hash_2(&k0, x * 13, b[0]));
        assert_true(out[1] == hash_2(&k1, x * 13, b[1]));
        x = x * 6364136223846793005u + 1442695040888963407u;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_vectors),
        cmocka_unit_test(test_hash_2_is_hash_bytes_of_16),
        cmocka_unit_test(test_every_octet_counts),
        cmocka_unit_test(test_two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
