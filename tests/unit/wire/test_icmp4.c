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
#include "wire/icmp4.h"
#include "wire/ip4.h"

static void test_known_echo(void **state)
{
    (void)state;
    /* 0800+1234+0001+6162+6300 = dc97 -> 2368 */
    static const uint8_t p[] = {8, 0, 0x21, 0x68, 0x12, 0x34, 0, 1, 'a', 'b', 'c'};
    struct icmp4_msg m = {.type = ICMP4_ECHO, .id = 0x1234, .seq = 1, .data = p + 8, .len = 3};
    uint8_t q[sizeof p];
    uint32_t sum = 0x0800 + 0x1234 + 0x0001 + 0x6162 + 0x6300;
    assert_int_equal(icmp4_build(q, sizeof q, &m), sizeof q);
    assert_int_equal(q[2] << 8 | q[3], 0xffff & ~sum);
    assert_memory_equal(q + 4, p + 4, sizeof p - 4);
    struct icmp4_msg back;
    assert_int_equal(icmp4_parse(q, sizeof q, &back), 0);
    assert_int_equal(back.type, ICMP4_ECHO);
    assert_int_equal(back.id, 0x1234);
    assert_int_equal(back.seq, 1);
    assert_int_equal(back.len, 3);
    assert_ptr_equal(back.data, q + 8);
    assert_false(icmp4_is_error(back.type));
    for (size_t n = 0; n < sizeof q; n++)
        assert_int_equal(icmp4_parse(q, n, &back), CAUSE_DROP_ICMP_BAD);
}

/* Octets whose sum is right are still no message. */
static void test_short_with_a_good_sum(void **state)
{
    (void)state;
    static const uint8_t p[] = {8, 0, 0xf7, 0xff, 0, 0, 0, 0};
    struct icmp4_msg m;
    for (size_t n = 4; n < 8; n++)
        assert_int_equal(icmp4_parse(p, n, &m), CAUSE_DROP_ICMP_BAD);
    assert_int_equal(icmp4_parse(p, 8, &m), 0);
}

/* Every type: known ones come back as they were built, others are named as such. */
static void test_types(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        uint8_t p[8] = {(uint8_t)type, 4, 0, 0, 1, 2, 3, 4}, q[8];
        uint16_t c = cksum_fold(cksum_ops(0)->sum(p, 8));
        memcpy(p + 2, &c, 2);
        int echo = type == ICMP4_ECHO || type == ICMP4_ECHO_REPLY;
        struct icmp4_msg m;
        int got = icmp4_parse(p, 8, &m);
        if (!echo && !icmp4_is_error(type)) {
            assert_int_equal(got, CAUSE_DROP_ICMP_TYPE);
            continue;
        }
        assert_int_equal(got, 0);
        assert_int_equal(m.id, echo ? 0x0102 : 0);
        assert_int_equal(m.seq, echo ? 0x0304 : 0);
        assert_int_equal(m.mtu, type == ICMP4_UNREACHABLE ? 0x0304 : 0);
        if (type == ICMP4_UNREACHABLE)
            continue; /* the unused half is not kept */
        assert_int_equal(icmp4_build(q, 8, &m), 8);
        assert_memory_equal(p, q, 8);
    }
}

static size_t quoted(uint8_t *p, uint8_t proto, size_t words)
{
    struct ip4_hdr h = {
        .src = {10, 0, 0, 1}, .dst = {10, 0, 0, 2}, .ttl = 3, .proto = proto, .len = 900};
    h.id = 0x7777;
    ip4_build(p, 20, &h);
    p[0] = (uint8_t)(0x40 | words);
    memset(p + 20, 1, words * 4 - 20);
    static const uint8_t l4[8] = {0xab, 0xcd, 0, 80, 0xde, 0xad, 0xbe, 0xef};
    memcpy(p + words * 4, l4, 8);
    return words * 4 + 8;
}

static void test_quote(void **state)
{
    (void)state;
    uint8_t q[100];
    struct icmp4_quote out;
    for (size_t words = 5; words <= 15; words++) {
        size_t n = quoted(q, IP4_PROTO_TCP, words);
        struct icmp4_msg m = {.type = ICMP4_UNREACHABLE, .code = 3, .data = q, .len = (uint32_t)n};
        assert_int_equal(icmp4_quote_parse(&m, &out), 0);
        assert_memory_equal(out.src, "\x0a\x00\x00\x01", 4);
        assert_memory_equal(out.dst, "\x0a\x00\x00\x02", 4);
        assert_int_equal(out.proto, IP4_PROTO_TCP);
        assert_int_equal(out.sport, 0xabcd);
        assert_int_equal(out.dport, 80);
        assert_true(out.seq == 0xdeadbeef);
        assert_int_equal(out.id, 0x7777);
        assert_int_equal(out.total, 920);
        assert_ptr_equal(out.l4, q + words * 4);
        assert_int_equal(out.l4len, 8);
        for (m.len = 0; m.len < n; m.len++)
            assert_int_equal(icmp4_quote_parse(&m, &out), CAUSE_DROP_ICMP_BAD);
        m.len = (uint32_t)n;
        m.type = ICMP4_ECHO;
        assert_int_equal(icmp4_quote_parse(&m, &out), CAUSE_DROP_ICMP_BAD);
    }
}

static void test_quote_of_other_packets(void **state)
{
    (void)state;
    uint8_t q[100];
    struct icmp4_quote out;
    size_t n = quoted(q, IP4_PROTO_UDP, 5);
    struct icmp4_msg m = {.type = ICMP4_TIME_EXCEEDED, .data = q, .len = (uint32_t)n};
    assert_int_equal(icmp4_quote_parse(&m, &out), 0);
    assert_true(out.sport == 0xabcd && out.dport == 80 && out.seq == 0);
    q[9] = 47;
    assert_int_equal(icmp4_quote_parse(&m, &out), 0);
    assert_true(out.sport == 0 && out.dport == 0);
    q[9] = IP4_PROTO_TCP;
    q[7] = 1; /* a later fragment has no ports */
    assert_int_equal(icmp4_quote_parse(&m, &out), 0);
    assert_true(out.fragment && out.sport == 0 && out.seq == 0);
    q[0] = 0x44;
    assert_int_equal(icmp4_quote_parse(&m, &out), CAUSE_DROP_ICMP_BAD);
    q[0] = 0x65;
    assert_int_equal(icmp4_quote_parse(&m, &out), CAUSE_DROP_ICMP_BAD);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const uint8_t type[] = {0, 3, 4, 5, 8, 11, 12};
    uint8_t p[700], data[600];
    struct prng r;
    prng_init(&r, 1);
    for (int i = 0; i < 2000; i++) {
        struct icmp4_msg m = {.type = type[prng_below(&r, sizeof type)], .data = data}, back;
        m.code = (uint8_t)prng_below(&r, 6);
        m.len = prng_below(&r, sizeof data);
        random_octets(&r, data, m.len);
        if (!icmp4_is_error(m.type)) {
            m.id = (uint16_t)prng_next(&r);
            m.seq = (uint16_t)prng_next(&r);
        } else if (m.type == ICMP4_UNREACHABLE && m.code == ICMP4_UNREACH_FRAG) {
            m.mtu = (uint16_t)prng_next(&r);
        } else {
            random_octets(&r, m.word, 4);
        }
        size_t n = icmp4_build(p, sizeof p, &m);
        assert_int_equal(n, 8 + m.len);
        assert_int_equal(icmp4_parse(p, n, &back), 0);
        assert_memory_equal(back.data, data, m.len);
        assert_true(back.type == m.type && back.code == m.code && back.len == m.len);
        assert_true(back.id == m.id && back.seq == m.seq && back.mtu == m.mtu);
        assert_memory_equal(back.word, m.word, 4);
        p[prng_below(&r, (uint32_t)n)] ^= 0x10;
        assert_int_equal(icmp4_parse(p, n, &back), CAUSE_DROP_ICMP_BAD);
    }
}

static void test_payload_in_place(void **state)
{
    (void)state;
    uint8_t p[40], want[40];
    for (unsigned i = 0; i < 40; i++)
        p[i] = (uint8_t)i;
    struct icmp4_msg m = {.type = ICMP4_ECHO_REPLY, .data = p + 8, .len = 20};
    memcpy(want, p + 8, 20);
    icmp4_build(p, sizeof p, &m);
    assert_memory_equal(p + 8, want, 20);
    m.data = p + 10;
    memcpy(want, p + 10, 20);
    icmp4_build(p, sizeof p, &m);
    assert_memory_equal(p + 8, want, 20);
    m.type = 13;
    expect_assert_failure(icmp4_build(p, sizeof p, &m));
    m.type = ICMP4_ECHO;
    expect_assert_failure(icmp4_build(p, 27, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_echo),
        cmocka_unit_test(test_short_with_a_good_sum),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_quote_of_other_packets),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_payload_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
