/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include "unit/wire/random.h"
#include "wire/eth.h"

static void test_known_header(void **state)
{
    (void)state;
    static const uint8_t p[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6};
    struct eth_hdr h;
    assert_int_equal(eth_parse(p, sizeof p, &h), 0);
    assert_memory_equal(h.dst, p, 6);
    assert_memory_equal(h.src, p + 6, 6);
    assert_int_equal(h.type, ETH_TYPE_ARP);
    assert_true(eth_is_group(h.dst) && !eth_is_group(h.src));
    for (size_t n = 0; n < sizeof p; n++)
        assert_int_equal(eth_parse(p, n, &h), CAUSE_DROP_SHORT);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct prng r;
    uint8_t p[ETH_HDR_LEN], q[ETH_HDR_LEN];
    prng_init(&r, 1);
    for (int i = 0; i < 1000; i++) {
        struct eth_hdr h;
        random_octets(&r, p, sizeof p);
        assert_int_equal(eth_parse(p, sizeof p, &h), 0);
        assert_int_equal(eth_build(q, sizeof q, &h), ETH_HDR_LEN);
        assert_memory_equal(p, q, sizeof p);
    }
    struct eth_hdr h = {.type = ETH_TYPE_IP4};
    expect_assert_failure(eth_build(q, ETH_HDR_LEN - 1, &h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_header),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
