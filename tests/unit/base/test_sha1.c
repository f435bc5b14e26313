/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sha1.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void same(const uint8_t *p, const char *want)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA1_LEN; i++) {
        assert_int_equal(digit[p[i] >> 4], want[2 * i]);
        assert_int_equal(digit[p[i] & 15], want[2 * i + 1]);
    }
}

static void test_hash(void **state) /* [RFC3174:7.3] */
{
    static const struct {
        const char *text;
        unsigned times;
        const char *want;
    } rows[] = {
        {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
        {"0123456701234567012345670123456701234567012345670123456701234567", 10,
         "dea356a2cddd90c7a7ecedc5ebb563934f460452"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sha1 s;
        uint8_t out[SHA1_LEN];
        sha1_init(&s);
        for (unsigned n = 0; n < rows[i].times; n++)
            sha1_add(&s, rows[i].text, strlen(rows[i].text));
        sha1_end(&s, out);
        same(out, rows[i].want);
    }
}

static void test_hmac(void **state) /* [RFC2202:3] */
{
    static uint8_t aa[80], b0[20], c0[20], dd[50], cd[50], k4[25];
    static const struct {
        const void *key;
        size_t klen;
        const void *data;
        size_t dlen;
        const char *want;
    } rows[] = {
        {b0, 20, "Hi There", 8, "b617318655057264e28bc0b6fb378c8ef146be00"},
        {"Jefe", 4, "what do ya want for nothing?", 28, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {aa, 20, dd, 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
        {k4, 25, cd, 50, "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
        {c0, 20, "Test With Truncation", 20, "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
        {aa, 80, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
         "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
        {aa, 80, "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data", 73,
         "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    };
    (void)state;
    memset(aa, 0xaa, sizeof aa);
    memset(b0, 0x0b, sizeof b0);
    memset(c0, 0x0c, sizeof c0);
    memset(dd, 0xdd, sizeof dd);
    memset(cd, 0xcd, sizeof cd);
    for (unsigned i = 0; i < sizeof k4; i++)
        k4[i] = (uint8_t)(i + 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hmac_sha1 m;
        uint8_t out[SHA1_LEN];
        hmac_sha1_init(&m, rows[i].key, rows[i].klen);
        hmac_sha1_add(&m, rows[i].data, rows[i].dlen);
        hmac_sha1_end(&m, out);
        same(out, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hash), cmocka_unit_test(test_hmac)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
