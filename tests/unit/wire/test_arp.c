/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include "unit/wire/random.h"
#include "wire/arp.h"

/* Who has 192.0.2.1? Tell 192.0.2.9. */
static const uint8_t request[ARP_PKT_LEN] = {0,   1, 8, 0, 6, 4, 0, 1, 2, 0, 0,   0, 0, 9,
                                             192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1};

static void test_known_request(void **state)
{
    (void)state;
    struct arp_pkt a;
    uint8_t padded[46] = {0};
    memcpy(padded, request, sizeof request);
    assert_int_equal(arp_parse(padded, sizeof padded, &a), 0);
    assert_int_equal(a.op, ARP_OP_REQUEST);
    assert_memory_equal(a.sha, request + 8, 6);
    assert_memory_equal(a.spa, request + 14, 4);
    assert_memory_equal(a.tha, request + 18, 6);
    assert_memory_equal(a.tpa, request + 24, 4);
    for (size_t n = 0; n < sizeof request; n++)
        assert_int_equal(arp_parse(request, n, &a), CAUSE_DROP_SHORT);
}

/* [RFC826] Each of the first eight octets must be right; opcodes 1 to 4 are known. */
static void test_wrong_fields(void **state)
{
    (void)state;
    struct arp_pkt a;
    uint8_t p[ARP_PKT_LEN];
    for (unsigned at = 0; at < 8; at++) {
        for (unsigned v = 0; v < 256; v++) {
            memcpy(p, request, sizeof p);
            p[at] = (uint8_t)v;
            int good = at == 7 ? v >= 1 && v <= 4 : v == request[at];
            assert_int_equal(arp_parse(p, sizeof p, &a), good ? 0 : CAUSE_DROP_ARP_BAD);
        }
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    struct prng r;
    uint8_t p[ARP_PKT_LEN];
    prng_init(&r, 1);
    for (int i = 0; i < 1000; i++) {
        struct arp_pkt a, b;
        memset(&b, 0, sizeof b);
        random_octets(&r, &a, sizeof a);
        a.op = (uint16_t)(ARP_OP_REQUEST + i % 4);
        assert_int_equal(arp_build(p, sizeof p, &a), ARP_PKT_LEN);
        assert_int_equal(arp_parse(p, sizeof p, &b), 0);
        assert_memory_equal(&a, &b, sizeof a);
    }
    struct arp_pkt a = {.op = 5};
    expect_assert_failure(arp_build(p, sizeof p, &a));
    a.op = ARP_OP_REPLY;
    expect_assert_failure(arp_build(p, ARP_PKT_LEN - 1, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_request),
        cmocka_unit_test(test_wrong_fields),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
