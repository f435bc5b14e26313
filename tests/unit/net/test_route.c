/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/net/lan.h"

static struct ifaces ifs;
static struct routes routes;

static int setup(void **state)
{
    (void)state;
    lan_make(&ifs, &routes);
    return 0;
}

static void expect(struct tern_addr dst, unsigned iface, struct tern_addr hop, struct tern_addr src)
{
    struct route_hop h;
    assert_true(route_find(&routes, &ifs, &dst, &h));
    assert_int_equal(h.iface, iface);
    assert_addr(h.hop, hop);
    assert_addr(h.src, src);
}

/* [RFC1122:3.3.1.1] on-link directly, everything else by the gateway. */
static void test_local_or_remote(void **state)
{
    (void)state;
    expect(ip(10, 0, 0, 7), 0, ip(10, 0, 0, 7), ip(10, 0, 0, 1));
    expect(ip(192, 168, 7, 2), 1, ip(192, 168, 7, 2), ip(192, 168, 7, 1));
    expect(ip(192, 168, 7, 9), 0, ip(10, 0, 0, 254), ip(10, 0, 0, 1));
    expect(ip(8, 8, 8, 8), 0, ip(10, 0, 0, 254), ip(10, 0, 0, 1));
}

static void test_longest_prefix_wins(void **state)
{
    (void)state;
    struct tern_iface_config c = lan_config();
    c.mac[5] = 9;
    c.addr[0].addr = ip(10, 0, 0, 129);
    c.addr[0].prefix = 25;
    route_add_iface(&routes, &ifs.tab[iface_add(&ifs, &c)]);
    expect(ip(10, 0, 0, 200), 2, ip(10, 0, 0, 200), ip(10, 0, 0, 129));
    expect(ip(10, 0, 0, 100), 0, ip(10, 0, 0, 100), ip(10, 0, 0, 1));
    expect(ip(9, 9, 9, 9), 0, ip(10, 0, 0, 254), ip(10, 0, 0, 1)); /* the first default */
}

static void test_own_addresses_go_to_the_loopback(void **state)
{
    (void)state;
    expect(ip(10, 0, 0, 1), NET_LO, ip(10, 0, 0, 1), ip(10, 0, 0, 1));
    expect(ip(192, 168, 7, 1), NET_LO, ip(192, 168, 7, 1), ip(192, 168, 7, 1));
    expect(ip(127, 0, 0, 1), NET_LO, ip(127, 0, 0, 1), ip(127, 0, 0, 1));
    expect(ip(127, 3, 2, 1), NET_LO, ip(127, 3, 2, 1), ip(127, 0, 0, 1));
}

static void test_no_route(void **state)
{
    (void)state;
    struct ifaces lone;
    struct routes none = {0};
    struct route_hop h;
    iface_init(&lone, 8);
    struct tern_addr far = ip(8, 8, 8, 8), zero = ip(0, 0, 0, 0), six = {.fam = TERN_AF_IP6};
    struct tern_addr all = ip(255, 255, 255, 255);
    assert_false(route_find(&none, &lone, &far, &h));
    assert_false(route_find(&none, &lone, &all, &h));
    assert_false(route_find(&routes, &ifs, &zero, &h));
    assert_false(route_find(&routes, &ifs, &six, &h));
    /* the second interface leads nowhere but to its own network */
    struct tern_addr hop;
    assert_false(route_hop_on(&routes, &ifs, 1, &far, &hop));
    assert_true(route_hop_on(&routes, &ifs, 0, &far, &hop));
    struct tern_addr gw = ip(10, 0, 0, 254);
    assert_addr(hop, gw);
}

static void test_broadcast_needs_no_gateway(void **state)
{
    (void)state;
    expect(ip(255, 255, 255, 255), 0, ip(255, 255, 255, 255), ip(10, 0, 0, 1));
    expect(ip(10, 0, 0, 255), 0, ip(10, 0, 0, 255), ip(10, 0, 0, 1));
    expect(ip(224, 0, 0, 5), 0, ip(224, 0, 0, 5), ip(10, 0, 0, 1));
}

static void test_any_addr_link_is_all_on_link(void **state)
{
    (void)state;
    struct tern_iface_config c = {.link = TERN_LINK_ETHER, .mtu = 1500, .any_addr = true};
    struct routes r = {0};
    struct route_hop h;
    iface_init(&ifs, 1);
    route_add_iface(&r, &ifs.tab[iface_add(&ifs, &c)]);
    struct tern_addr far = ip(8, 8, 8, 8);
    assert_true(route_find(&r, &ifs, &far, &h));
    assert_addr(h.hop, far);
    assert_int_equal(h.src.fam, TERN_AF_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_local_or_remote, setup),
        cmocka_unit_test_setup(test_longest_prefix_wins, setup),
        cmocka_unit_test_setup(test_own_addresses_go_to_the_loopback, setup),
        cmocka_unit_test_setup(test_no_route, setup),
        cmocka_unit_test_setup(test_broadcast_needs_no_gateway, setup),
        cmocka_unit_test_setup(test_any_addr_link_is_all_on_link, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
