/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/causes.h"
#include "net/icmp.h"
#include "net/ip4_tx.h"
#include "unit/net/lan.h"

static uint8_t quoted[64], msgbuf[256];

/* A packet of ours to 8.8.8.8:80, as an error would quote it. */
static void quote(uint8_t proto)
{
    struct prng r;
    prng_init(&r, 1);
    struct ip4_out o = {.src = ip(10, 0, 0, 1),
                        .dst = ip(8, 8, 8, 8),
                        .len = 20,
                        .proto = proto,
                        .ttl = 9,
                        .df = true};
    memset(quoted, 0, sizeof quoted);
    ip4_tx(quoted, &o, &r);
    be16_store(quoted + 20, 4321);
    be16_store(quoted + 22, 80);
    be32_store(quoted + 24, 0xdeadbeef);
}

static enum icmp_verdict rx(const struct icmp4_msg *m, bool group, struct icmp_in *out)
{
    struct ip4_in in = {.parsed = true, .group = group};
    in.src = ip(10, 0, 0, 254);
    in.dst = ip(10, 0, 0, 1);
    in.h.proto = IP4_PROTO_ICMP;
    in.h.data = msgbuf;
    in.h.len = (uint32_t)icmp4_build(msgbuf, sizeof msgbuf, m);
    return icmp_rx(&in, out);
}

static void test_echo(void **state)
{
    (void)state;
    struct icmp_in in;
    uint8_t data[5] = "ping";
    struct icmp4_msg m = {.type = ICMP4_ECHO, .id = 7, .seq = 9, .data = data, .len = 5};
    assert_int_equal(rx(&m, false, &in), ICMP_ECHO);
    assert_int_equal(in.msg.id, 7);
    assert_int_equal(in.msg.seq, 9);
    assert_int_equal(in.msg.len, 5);
    assert_memory_equal(in.msg.data, data, 5);
    assert_int_equal(rx(&m, true, &in), ICMP_DROP); /* smurf */
    assert_int_equal(in.cause, CAUSE_DROP_BROADCAST);
    m.type = ICMP4_ECHO_REPLY;
    assert_int_equal(rx(&m, false, &in), ICMP_DROP);
    assert_int_equal(in.cause, CAUSE_DROP_ICMP_TYPE);
}

static void test_unreachable_codes(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        int err;
        bool hard;
    } rows[] = {
        {0, TERN_ENETUNREACH, false},   {1, TERN_EHOSTUNREACH, false},
        {2, TERN_ENOPROTOOPT, true},    {3, TERN_ECONNREFUSED, true},
        {5, TERN_EHOSTUNREACH, false},  {9, TERN_EACCES, true},
        {10, TERN_EACCES, true},        {11, TERN_ENETUNREACH, false},
        {12, TERN_EHOSTUNREACH, false}, {13, TERN_EACCES, true},
        {99, TERN_EHOSTUNREACH, false}, {4, TERN_EMSGSIZE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct icmp_in in;
        quote(IP4_PROTO_TCP);
        struct icmp4_msg m = {.type = ICMP4_UNREACHABLE,
                              .code = rows[i].code,
                              .mtu = 1280,
                              .data = quoted,
                              .len = 28};
        assert_int_equal(rx(&m, false, &in), ICMP_ERROR);
        assert_int_equal(in.err.err, rows[i].err);
        assert_int_equal(in.err.hard, rows[i].hard);
        assert_int_equal(in.err.mtu, rows[i].code == 4 ? 1280 : 0);
        assert_int_equal(in.err.proto, IP4_PROTO_TCP);
        assert_int_equal(in.err.local.port, 4321);
        assert_int_equal(in.err.remote.port, 80);
        assert_int_equal(in.err.seq, 0xdeadbeef);
        struct tern_addr l = ip(10, 0, 0, 1), r = ip(8, 8, 8, 8);
        assert_addr(in.err.local.addr, l);
        assert_addr(in.err.remote.addr, r);
    }
}

/* [RFC1122:3.2.2.4] time exceeded is soft; redirect and source quench are ignored [RFC6633]. */
static void test_other_types(void **state) /* [RFC9293:MUST-55] [RFC6633:3] */
{
    (void)state;
    struct icmp_in in;
    quote(IP4_PROTO_UDP);
    struct icmp4_msg m = {.type = ICMP4_TIME_EXCEEDED, .data = quoted, .len = 28};
    assert_int_equal(rx(&m, false, &in), ICMP_ERROR);
    assert_false(in.err.hard);
    assert_int_equal(in.err.proto, IP4_PROTO_UDP);
    m.type = ICMP4_SOURCE_QUENCH;
    assert_int_equal(rx(&m, false, &in), ICMP_DROP);
    assert_int_equal(in.cause, CAUSE_DROP_ICMP_TYPE);
    m.type = ICMP4_REDIRECT;
    assert_int_equal(rx(&m, false, &in), ICMP_DROP);
    assert_int_equal(in.cause, CAUSE_DROP_ICMP_TYPE);
    m.type = ICMP4_UNREACHABLE;
    m.len = 27; /* not even 8 octets of the transport header */
    assert_int_equal(rx(&m, false, &in), ICMP_DROP);
    assert_int_equal(in.cause, CAUSE_DROP_ICMP_BAD);
    quote(IP4_PROTO_ICMP);
    m.len = 28;
    assert_int_equal(rx(&m, false, &in), ICMP_DROP);
    assert_int_equal(in.cause, CAUSE_DROP_ICMP_NO_MATCH);
}

static void test_bad_messages(void **state)
{
    (void)state;
    struct icmp_in in;
    struct icmp4_msg m = {.type = ICMP4_ECHO};
    rx(&m, false, &in);
    struct ip4_in ipin = {.parsed = true};
    ipin.h.data = msgbuf;
    ipin.h.len = 7;
    assert_int_equal(icmp_rx(&ipin, &in), ICMP_DROP);
    assert_int_equal(in.cause, CAUSE_DROP_ICMP_BAD);
    ipin.h.len = 8;
    msgbuf[7] ^= 1;
    assert_int_equal(icmp_rx(&ipin, &in), ICMP_DROP);
    assert_int_equal(in.cause, CAUSE_DROP_ICMP_BAD);
}

/* [RFC1122:3.2.2] about what no error may be sent. */
static void test_when_an_error_may_be_sent(void **state)
{
    (void)state;
    uint8_t octet = ICMP4_UNREACHABLE;
    struct ip4_in good = {.parsed = true, .src = ip(8, 8, 8, 8), .dst = ip(10, 0, 0, 1)};
    good.h.proto = IP4_PROTO_UDP;
    assert_true(icmp_may_answer(&good));
    struct ip4_in bad = good;
    bad.group = true;
    assert_false(icmp_may_answer(&bad));
    bad = good;
    bad.h.frag = 8;
    assert_false(icmp_may_answer(&bad));
    bad = good;
    bad.src = ip(224, 0, 0, 1);
    assert_false(icmp_may_answer(&bad));
    bad = good;
    bad.h.proto = IP4_PROTO_ICMP;
    bad.h.data = &octet;
    bad.h.len = 1;
    assert_false(icmp_may_answer(&bad));
    octet = ICMP4_ECHO;
    assert_true(icmp_may_answer(&bad));
    bad = good;
    bad.parsed = false;
    assert_false(icmp_may_answer(&bad));
}

static void test_quote_stays_below_576(void **state)
{
    (void)state;
    struct ip4_in in = {.parsed = true};
    in.h.len = 8;
    assert_int_equal(icmp_quote_len(&in), 28);
    in.h.len = 1400;
    assert_int_equal(icmp_quote_len(&in) + IP4_HDR_LEN + ICMP4_HDR_LEN, 576);
}

/* [RFC1812:4.3.2.8] the burst, then the rate; the burst's size varies a little. */
static void test_rate_limit(void **state)
{
    (void)state;
    struct icmp_limit l;
    struct prng r;
    prng_init(&r, 3);
    icmp_limit_init(&l, ms(0));
    unsigned burst = 0;
    while (icmp_limit_take(&l, &r, ms(0)))
        burst++;
    assert_in_range(burst, ICMP_BURST / 2, ICMP_BURST);
    unsigned n = 0;
    for (int64_t at = 1; at <= 1000000; at++) /* every microsecond of one second */
        n += icmp_limit_take(&l, &r, (struct tern_time){at * 1000});
    assert_in_range(n, ICMP_PER_S / 2, ICMP_PER_S);
    burst = 0;
    while (icmp_limit_take(&l, &r, ms(100000)))
        burst++;
    assert_in_range(burst, ICMP_BURST / 2, ICMP_BURST); /* idling saves up no more than that */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_unreachable_codes),
        cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_bad_messages),
        cmocka_unit_test(test_when_an_error_may_be_sent),
        cmocka_unit_test(test_quote_stays_below_576),
        cmocka_unit_test(test_rate_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
