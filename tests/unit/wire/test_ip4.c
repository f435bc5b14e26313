/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include "base/cksum.h"
#include "unit/wire/random.h"
#include "wire/ip4.h"

/* 192.0.2.1 > 198.51.100.2, UDP, 4 octets of payload, DF; the checksum was worked out by hand:
 * 4500+0018+1234+4000+4011+c000+0201+c633+6402 = 2c393, folded c395, inverted 3c6a. */
static const uint8_t known[24] = {0x45, 0, 0, 24, 0x12, 0x34, 0x40, 0, 64, 17, 0x3c, 0x6a,
                                  192,  0, 2, 1,  198,  51,   100,  2, 1,  2,  3,    4};

static void seal(uint8_t *p)
{
    size_t hlen = (size_t)(p[0] & 15) * 4;
    memset(p + 10, 0, 2);
    uint16_t c = cksum_fold(cksum_ops(0)->sum(p, hlen));
    memcpy(p + 10, &c, 2);
}

static void test_known_packet(void **state)
{
    (void)state;
    struct ip4_hdr h;
    uint8_t padded[46] = {0};
    memcpy(padded, known, sizeof known);
    assert_int_equal(ip4_parse(padded, sizeof padded, &h), 0);
    assert_memory_equal(h.src, known + 12, 4);
    assert_memory_equal(h.dst, known + 16, 4);
    assert_int_equal(h.ttl, 64);
    assert_int_equal(h.proto, IP4_PROTO_UDP);
    assert_int_equal(h.id, 0x1234);
    assert_true(h.df && !h.mf && !ip4_is_fragment(&h));
    assert_int_equal(h.optlen, 0);
    assert_int_equal(h.len, 4); /* the padding is not payload */
    assert_ptr_equal(h.data, padded + 20);
}

static void test_truncated(void **state)
{
    (void)state;
    struct ip4_hdr h;
    uint8_t p[60];
    for (size_t n = 0; n < sizeof known; n++)
        assert_int_equal(ip4_parse(known, n, &h), n < 20 ? CAUSE_DROP_SHORT : CAUSE_DROP_IP_HEADER);
    memset(p, 1, sizeof p);
    memcpy(p, known, 20);
    p[0] = 0x4f; /* 60 octets of header */
    p[3] = 60;
    seal(p);
    for (size_t n = 0; n < 60; n++)
        assert_int_equal(ip4_parse(p, n, &h), CAUSE_DROP_SHORT);
    assert_int_equal(ip4_parse(p, 60, &h), 0);
    assert_int_equal(h.optlen, 40);
    assert_ptr_equal(h.opt, p + 20);
    assert_ptr_equal(h.data, p + 60);
    assert_int_equal(h.len, 0);
}

/* [RFC1122:3.2.1.1] [RFC1122:3.2.1.2] */
static void test_wrong_fields(void **state)
{
    (void)state;
    struct ip4_hdr h;
    uint8_t p[24];
    for (unsigned v = 0; v < 256; v++) {
        memcpy(p, known, sizeof p);
        p[0] = (uint8_t)v;
        if ((v & 15) <= 6)
            seal(p);
        int want = v >> 4 != 4    ? CAUSE_DROP_IP_VERSION
                   : (v & 15) < 5 ? CAUSE_DROP_IP_HEADER
                   : (v & 15) > 6 ? CAUSE_DROP_SHORT
                                  : 0;
        assert_int_equal(ip4_parse(p, sizeof p, &h), want);
    }
    for (unsigned total = 0; total < 40; total++) {
        memcpy(p, known, sizeof p);
        p[3] = (uint8_t)total;
        seal(p);
        int bad = total < 20 || total > 24;
        assert_int_equal(ip4_parse(p, sizeof p, &h), bad ? CAUSE_DROP_IP_HEADER : 0);
    }
    for (unsigned bit = 0; bit < 160; bit++) {
        memcpy(p, known, sizeof p);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(ip4_parse(p, sizeof p, &h), 0);
    }
}

/* No datagram is longer than 65535 octets, however its fragments claim to lie. */
static void test_fragments(void **state)
{
    (void)state;
    struct ip4_hdr h;
    uint8_t p[27] = {0};
    memcpy(p, known, sizeof known);
    p[3] = 27;
    p[6] = 0x20 | 0x1f;
    p[7] = 0xff;
    seal(p);
    assert_int_equal(ip4_parse(p, sizeof p, &h), 0); /* 65528 + 7 */
    assert_true(h.mf && !h.df && h.frag == 65528 && ip4_is_fragment(&h));
    uint8_t q[28];
    memset(q, 0, sizeof q);
    memcpy(q, p, 24);
    q[3] = 28;
    seal(q);
    assert_int_equal(ip4_parse(q, sizeof q, &h), CAUSE_DROP_IP_HEADER); /* 65528 + 8 */
    p[6] = 0;
    p[7] = 1;
    seal(p);
    assert_int_equal(ip4_parse(p, sizeof p, &h), 0);
    assert_true(h.frag == 8 && !h.mf && ip4_is_fragment(&h));
}

static void test_options(void **state) /* [RFC9293:MUST-50] */
{
    (void)state;
    static const struct {
        uint8_t o[8];
        int want;
    } row[] = {
        {{0}, 0},
        {{1, 1, 1, 1, 1, 1, 1, 1}, 0},
        {{148, 2, 131, 2, 0, 0, 0, 0}, CAUSE_DROP_IP_OPTION}, /* the shortest option */
        {{148, 4, 0, 0, 0, 131, 2, 0}, 0},                  /* what follows the end is no option */
        {{7, 8, 4, 0, 0, 0, 0, 0}, 0},                      /* record route */
        {{131, 7, 4, 1, 2, 3, 4, 0}, CAUSE_DROP_IP_OPTION}, /* loose source route */
        {{1, 137, 7, 4, 1, 2, 3, 4}, CAUSE_DROP_IP_OPTION}, /* strict */
        {{148, 0, 0, 0, 0, 0, 0, 0}, CAUSE_DROP_IP_HEADER},
        {{148, 1, 0, 0, 0, 0, 0, 0}, CAUSE_DROP_IP_HEADER},
        {{148, 9, 0, 0, 0, 0, 0, 0}, CAUSE_DROP_IP_HEADER},
        {{1, 1, 1, 1, 1, 1, 1, 148}, CAUSE_DROP_IP_HEADER},
    };
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        struct ip4_hdr h = {.opt = row[i].o, .optlen = 8};
        assert_int_equal(ip4_options_check(&h), row[i].want);
    }
    struct ip4_hdr none = {0};
    assert_int_equal(ip4_options_check(&none), 0);
}

static void test_round_trip(void **state)
{
    (void)state;
    static uint8_t p[65535];
    struct prng r;
    uint8_t q[20];
    prng_init(&r, 1);
    assert_int_equal(ip4_parse(known, sizeof known, &(struct ip4_hdr){0}), 0);
    for (int i = 0; i < 2000; i++) {
        struct ip4_hdr h = {0}, back;
        random_octets(&r, h.src, 8);
        h.tos = (uint8_t)prng_next(&r);
        h.ttl = (uint8_t)prng_next(&r);
        h.proto = (uint8_t)prng_next(&r);
        h.id = (uint16_t)prng_next(&r);
        h.df = prng_chance(&r, 0.5);
        h.mf = prng_chance(&r, 0.5);
        h.len = prng_below(&r, 65516);
        h.frag = (uint16_t)(prng_below(&r, (65535 - h.len) / 8 + 1) * 8);
        assert_int_equal(ip4_build(p, sizeof p, &h), 20);
        assert_int_equal(ip4_parse(p, 20 + h.len, &back), 0);
        assert_int_equal(ip4_parse(p, 19 + h.len, &back),
                         h.len ? CAUSE_DROP_IP_HEADER : CAUSE_DROP_SHORT);
        assert_int_equal(ip4_parse(p, sizeof p, &back), 0);
        assert_true(back.len == h.len && back.frag == h.frag && back.df == h.df && back.mf == h.mf);
        assert_true(back.id == h.id && back.ttl == h.ttl && back.proto == h.proto &&
                    back.tos == h.tos);
        assert_memory_equal(back.src, h.src, 8);
        assert_int_equal(ip4_build(q, sizeof q, &back), 20);
        assert_memory_equal(p, q, 20);
    }
    struct ip4_hdr h = {.len = 65516};
    expect_assert_failure(ip4_build(q, sizeof q, &h));
    h.len = 0;
    expect_assert_failure(ip4_build(q, 19, &h));
    h.frag = 4;
    expect_assert_failure(ip4_build(q, sizeof q, &h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_packet), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_wrong_fields), cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_options),      cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
