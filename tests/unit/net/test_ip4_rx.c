/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include "net/ip4_rx.h"
#include "net/ip4_tx.h"
#include "unit/net/lan.h"

static struct ifaces ifs;
static struct routes routes;
static uint8_t buf[128];

static int setup(void **state)
{
    (void)state;
    lan_make(&ifs, &routes);
    return 0;
}

static unsigned judge(unsigned iface, struct tern_addr src, struct tern_addr dst, bool l2_group,
                      struct ip4_in *out)
{
    struct prng r;
    prng_init(&r, 1);
    struct ip4_out o = {.src = src, .dst = dst, .len = 8, .proto = 17, .ttl = 1};
    ip4_tx(buf, &o, &r);
    return ip4_rx(&ifs, iface, buf, 60, l2_group, out);
}

static void expect(unsigned cause, struct tern_addr src, struct tern_addr dst)
{
    struct ip4_in in;
    assert_int_equal(judge(0, src, dst, false, &in), cause);
    assert_true(in.parsed);
}

static void test_for_us(void **state)
{
    (void)state;
    struct ip4_in in;
    struct tern_addr peer = ip(10, 0, 0, 7), mine = ip(10, 0, 0, 1);
    assert_int_equal(judge(0, peer, mine, false, &in), 0);
    assert_addr(in.src, peer);
    assert_addr(in.dst, mine);
    assert_int_equal(in.h.len, 8);
    assert_false(in.group);
    expect(0, peer, ip(192, 168, 7, 1)); /* an address of the other interface */
    expect(0, ip(8, 8, 8, 8), mine);
}

/* [RFC1122:3.2.1.3] */
static void test_not_for_us(void **state)
{
    (void)state;
    struct tern_addr peer = ip(10, 0, 0, 7);
    expect(CAUSE_DROP_IP_NOT_OURS, peer, ip(10, 0, 0, 2));
    expect(CAUSE_DROP_IP_NOT_OURS, peer, ip(127, 0, 0, 1));
    expect(CAUSE_DROP_IP_NOT_OURS, peer, ip(0, 0, 0, 0));
    expect(CAUSE_DROP_IP_NOT_OURS, peer, ip(224, 0, 0, 5));
    expect(CAUSE_DROP_IP_NOT_OURS, peer, ip(240, 0, 0, 1));
}

static void test_martians(void **state)
{
    (void)state;
    struct tern_addr mine = ip(10, 0, 0, 1);
    expect(CAUSE_DROP_IP_SOURCE, ip(127, 0, 0, 1), mine);
    expect(CAUSE_DROP_IP_SOURCE, ip(0, 0, 0, 0), mine);
    expect(CAUSE_DROP_IP_SOURCE, ip(255, 255, 255, 255), mine);
    expect(CAUSE_DROP_IP_SOURCE, ip(10, 0, 0, 255), mine);
    expect(CAUSE_DROP_IP_SOURCE, ip(224, 0, 0, 1), mine);
    expect(CAUSE_DROP_IP_SOURCE, ip(240, 0, 0, 1), mine);
    expect(CAUSE_DROP_IP_SOURCE, mine, mine); /* LAND */
    expect(CAUSE_DROP_IP_SOURCE, ip(192, 168, 7, 1), mine);
}

/* A source that was judged once is not judged again, until it may have become ours. */
static void test_source_is_remembered(void **state)
{
    (void)state;
    struct tern_addr mine = ip(10, 0, 0, 1), peer = ip(172, 16, 0, 9);
    struct tern_iface_config cfg = {.link = TERN_LINK_IP, .mtu = 1500};
    expect(0, peer, mine);
    expect(0, peer, mine);
    expect(CAUSE_DROP_IP_SOURCE, ip(0, 0, 0, 0), mine);
    cfg.addr[0].addr = peer;
    cfg.addr[0].prefix = 24;
    assert_true(iface_add(&ifs, &cfg) > 0);
    expect(CAUSE_DROP_IP_SOURCE, peer, mine);
}

static void test_groups(void **state)
{
    (void)state;
    struct ip4_in in;
    struct tern_addr peer = ip(10, 0, 0, 7);
    const struct tern_addr groups[] = {ip(255, 255, 255, 255), ip(10, 0, 0, 255), ip(10, 0, 0, 0),
                                       ip(224, 0, 0, 1)};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(judge(0, peer, groups[i], true, &in), 0);
        assert_true(in.group);
    }
    /* unicast IP in a broadcast frame [RFC1122:3.3.6] */
    assert_int_equal(judge(0, peer, ip(10, 0, 0, 1), true, &in), CAUSE_DROP_BROADCAST);
}

static void test_gateway_takes_every_unicast(void **state)
{
    (void)state;
    ifs.tab[0].any_addr = true;
    struct tern_addr peer = ip(10, 0, 0, 7);
    expect(0, peer, ip(8, 8, 8, 8));
    expect(0, peer, ip(10, 0, 0, 3));
    expect(CAUSE_DROP_IP_NOT_OURS, peer, ip(127, 0, 0, 1));
    expect(CAUSE_DROP_IP_NOT_OURS, peer, ip(239, 1, 1, 1));
    expect(CAUSE_DROP_IP_NOT_OURS, peer, ip(0, 1, 1, 1));
}

static void test_loopback_is_for_us_alone(void **state)
{
    (void)state;
    struct ip4_in in;
    struct tern_addr mine = ip(10, 0, 0, 1), home = ip(127, 0, 0, 1), far = ip(8, 8, 8, 8);
    assert_int_equal(judge(NET_LO, mine, mine, false, &in), 0);
    assert_int_equal(judge(NET_LO, home, home, false, &in), 0);
    assert_int_equal(judge(NET_LO, mine, ip(192, 168, 7, 1), false, &in), 0);
    assert_int_equal(judge(NET_LO, far, mine, false, &in), CAUSE_DROP_IP_SOURCE);
    assert_int_equal(judge(NET_LO, mine, far, false, &in), CAUSE_DROP_IP_NOT_OURS);
}

static void test_malformed(void **state)
{
    (void)state;
    struct ip4_in in;
    struct tern_addr peer = ip(10, 0, 0, 7), mine = ip(10, 0, 0, 1);
    judge(0, peer, mine, false, &in);
    assert_int_equal(ip4_rx(&ifs, 0, buf, 19, false, &in), CAUSE_DROP_SHORT);
    assert_false(in.parsed);
    buf[8] ^= 1;
    assert_int_equal(ip4_rx(&ifs, 0, buf, 60, false, &in), CAUSE_DROP_IP_CHECKSUM);
    buf[0] = 0x55;
    assert_int_equal(ip4_rx(&ifs, 0, buf, 60, false, &in), CAUSE_DROP_IP_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_for_us, setup),
        cmocka_unit_test_setup(test_not_for_us, setup),
        cmocka_unit_test_setup(test_martians, setup),
        cmocka_unit_test_setup(test_source_is_remembered, setup),
        cmocka_unit_test_setup(test_groups, setup),
        cmocka_unit_test_setup(test_gateway_takes_every_unicast, setup),
        cmocka_unit_test_setup(test_loopback_is_for_us_alone, setup),
        cmocka_unit_test_setup(test_malformed, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
