/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include "net/ip4_tx.h"
#include "unit/support/ip.h"

/* What is built parses back to what was asked for, for seeded random fields. */
static void test_round_trip(void **state)
{
    (void)state;
    struct prng r, ids;
    prng_init(&r, 7);
    prng_init(&ids, 8);
    for (int i = 0; i < 5000; i++) {
        uint8_t buf[IP4_HDR_LEN];
        struct ip4_out o = {.src = ip(10, prng_below(&r, 256), prng_below(&r, 256), 1),
                            .dst = ip(1 + prng_below(&r, 200), 2, prng_below(&r, 256), 4),
                            .len = prng_below(&r, 65516),
                            .proto = (uint8_t)prng_below(&r, 256),
                            .ttl = (uint8_t)(1 + prng_below(&r, 255)),
                            .tos = (uint8_t)prng_below(&r, 256),
                            .df = prng_chance(&r, 0.5)};
        ip4_tx(buf, &o, &ids);
        struct ip4_hdr h;
        static uint8_t whole[65535];
        memcpy(whole, buf, sizeof buf);
        assert_int_equal(ip4_parse(whole, sizeof whole, &h), 0); /* the checksum too */
        assert_memory_equal(h.src, o.src.b, 4);
        assert_memory_equal(h.dst, o.dst.b, 4);
        assert_int_equal(h.len, o.len);
        assert_int_equal(h.proto, o.proto);
        assert_int_equal(h.ttl, o.ttl);
        assert_int_equal(h.tos, o.tos);
        assert_int_equal(h.df, o.df);
        assert_int_equal(ip4_is_fragment(&h), 0);
        if (o.df)
            assert_int_equal(h.id, 0); /* [RFC6864:4.1] [RFC9293:MAY-4] */
    }
}

static void test_ids_are_no_counter(void **state)
{
    (void)state;
    struct prng ids;
    prng_init(&ids, 1);
    unsigned steps = 0;
    uint16_t last = 0;
    for (int i = 0; i < 100; i++) {
        uint8_t buf[IP4_HDR_LEN];
        struct ip4_out o = {
            .src = ip(10, 0, 0, 1), .dst = ip(10, 0, 0, 2), .len = 8, .proto = 17, .ttl = 64};
        ip4_tx(buf, &o, &ids);
        uint16_t id = (uint16_t)(buf[4] << 8 | buf[5]);
        steps += (uint16_t)(id - last) < 16;
        last = id;
    }
    assert_true(steps < 5);
}

/* [RFC1122:3.2.1.7] */
static void test_ttl_zero_is_never_sent(void **state)
{
    (void)state;
    uint8_t buf[IP4_HDR_LEN];
    struct prng ids;
    prng_init(&ids, 1);
    struct ip4_out o = {.src = ip(10, 0, 0, 1), .dst = ip(10, 0, 0, 2), .len = 8, .proto = 17};
    expect_assert_failure(ip4_tx(buf, &o, &ids));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_ids_are_no_counter),
        cmocka_unit_test(test_ttl_zero_is_never_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
