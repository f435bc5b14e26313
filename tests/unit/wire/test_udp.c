/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include "unit/wire/random.h"
#include "wire/udp.h"

static const uint8_t src[4] = {192, 0, 2, 1}, dst[4] = {192, 0, 2, 2};

static void test_lengths(void **state)
{
    (void)state;
    uint8_t p[20] = {0x12, 0x34, 0, 53, 0, 0, 0xab, 0xcd};
    struct udp_hdr h;
    for (size_t n = 0; n < 8; n++)
        assert_int_equal(udp_parse(p, n, &h), CAUSE_DROP_SHORT);
    p[5] = 8;
    assert_int_equal(udp_parse(p, 8, &h), 0); /* no payload */
    for (unsigned len = 0; len < 256; len++) {
        p[5] = (uint8_t)len;
        int bad = len < 8 || len > sizeof p;
        assert_int_equal(udp_parse(p, sizeof p, &h), bad ? CAUSE_DROP_UDP_BAD : 0);
        if (!bad)
            assert_true(h.sport == 0x1234 && h.dport == 53 && h.len == len && h.csum == 0xabcd);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    struct prng r;
    uint8_t p[400], q[8];
    prng_init(&r, 1);
    for (int i = 0; i < 2000; i++) {
        struct udp_hdr h = {.len = (uint16_t)(8 + prng_below(&r, 390))}, back;
        h.sport = (uint16_t)prng_next(&r);
        h.dport = (uint16_t)prng_next(&r);
        random_octets(&r, p, sizeof p);
        assert_int_equal(udp_build(p, 8, &h), 8);
        random_octets(&r, p + UDP_CSUM_OFF, 2); /* whatever was in the field does not count */
        udp_cksum4_set(cksum_ops(0), src, dst, p, h.len);
        assert_int_equal(udp_parse(p, sizeof p, &back), 0);
        assert_int_not_equal(back.csum, 0);
        assert_true(udp_cksum4_ok(cksum_ops(0), src, dst, p, &back));
        assert_true(back.sport == h.sport && back.dport == h.dport && back.len == h.len);
        udp_build(q, 8, &back);
        assert_memory_equal(p, q, 8);
        p[prng_below(&r, h.len)] ^= 4;
        assert_int_equal(udp_parse(p, h.len, &back) == 0 && back.len == h.len &&
                             udp_cksum4_ok(cksum_ops(0), src, dst, p, &back),
                         0);
    }
}

/* [RFC768] A computed sum of zero goes out as all ones; a received zero means that there is none
 * [RFC1122:4.1.3.4]. */
static void test_zero_checksum(void **state)
{
    (void)state;
    uint8_t p[10] = {0, 1, 0, 2, 0, 10, 0, 0, 0, 0};
    struct udp_hdr h;
    uint16_t c = cksum_fold(cksum_add(cksum_pseudo4(src, dst, 17, 10), cksum_ops(0)->sum(p, 10)));
    memcpy(p + 8, &c, 2); /* now everything sums to zero */
    udp_cksum4_set(cksum_ops(0), src, dst, p, 10);
    assert_int_equal(p[6], 0xff);
    assert_int_equal(p[7], 0xff);
    assert_int_equal(udp_parse(p, 10, &h), 0);
    assert_true(udp_cksum4_ok(cksum_ops(0), src, dst, p, &h));
    p[8] ^= 1;
    assert_false(udp_cksum4_ok(cksum_ops(0), src, dst, p, &h));
    p[6] = p[7] = 0;
    assert_int_equal(udp_parse(p, 10, &h), 0);
    assert_true(udp_cksum4_ok(cksum_ops(0), src, dst, p, &h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_zero_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
