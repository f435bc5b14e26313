/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/net/lan.h"

static void test_loopback_is_always_there(void **state)
{
    (void)state;
    struct ifaces t;
    iface_init(&t, 1);
    struct tern_addr home = ip(127, 0, 0, 1), other = ip(127, 9, 9, 9), far = ip(10, 0, 0, 1);
    assert_true(t.tab[NET_LO].up);
    assert_int_equal(t.n, 0);
    assert_true(iface_own(&t, &home));
    assert_true(iface_own(&t, &other));
    assert_false(iface_own(&t, &far));
}

static void test_add_refuses_what_cannot_be(void **state)
{
    (void)state;
    struct ifaces t;
    iface_init(&t, 2);
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct tern_iface_config c = lan_config();                                                 \
        change;                                                                                    \
        assert_int_equal(iface_add(&t, &c), TERN_EINVAL);                                          \
    } while (0)
    REFUSED(c.link = 0);
    REFUSED(c.link = 3);
    REFUSED(c.mtu = 575);
    REFUSED(c.gso_max = 65536);
    REFUSED(c.mac[0] |= 1);
    REFUSED(c.gateway = ip(224, 0, 0, 1));
    REFUSED(c.gateway.fam = TERN_AF_IP6);
    REFUSED(c.addr[0].prefix = 0);
    REFUSED(c.addr[0].prefix = 33);
    REFUSED(c.addr[0].addr = ip(10, 0, 0, 0));
    REFUSED(c.addr[0].addr = ip(10, 0, 0, 255));
    REFUSED(c.addr[0].addr = ip(127, 0, 0, 1));
    REFUSED(c.addr[0].addr = ip(240, 0, 0, 1));
#undef REFUSED
    assert_int_equal(t.n, 0);
    struct tern_iface_config c = lan_config();
    assert_int_equal(iface_add(&t, &c), 0);
    c.addr[0].addr = ip(10, 0, 0, 0); /* RFC 3021: a /31 has two hosts and no broadcast */
    c.addr[0].prefix = 31;
    assert_int_equal(iface_add(&t, &c), 1);
    assert_int_equal(iface_add(&t, &c), TERN_ENOBUFS);
}

static void test_whose_address(void **state)
{
    (void)state;
    struct ifaces t;
    struct routes r;
    lan_make(&t, &r);
    const struct iface *f = &t.tab[0];
    struct tern_addr mine = ip(10, 0, 0, 1), second = ip(192, 168, 7, 1), peer = ip(10, 0, 0, 2);
    assert_true(iface_own(&t, &mine));
    assert_true(iface_own(&t, &second)); /* of the stack, not of the interface */
    assert_false(iface_own(&t, &peer));
    /* every form of broadcast [RFC1122:3.3.6] */
    struct tern_addr all = ip(255, 255, 255, 255), net = ip(10, 0, 0, 255), old = ip(10, 0, 0, 0);
    assert_true(iface_broadcast_ip(f, addr_ip(&all)));
    assert_true(iface_broadcast_ip(f, addr_ip(&net)));
    assert_true(iface_broadcast_ip(f, addr_ip(&old)));
    assert_false(iface_broadcast_ip(f, addr_ip(&peer)));
    struct tern_addr other = ip(10, 0, 1, 255);
    assert_false(iface_broadcast_ip(f, addr_ip(&other)));
    assert_true(iface_onlink_ip(f, addr_ip(&peer)));
    assert_false(iface_onlink_ip(f, addr_ip(&other)));
}

static void test_source_lies_in_the_hops_network(void **state)
{
    (void)state;
    struct ifaces t;
    iface_init(&t, 1);
    struct tern_iface_config c = lan_config();
    c.addr[1].addr = ip(172, 16, 0, 9);
    c.addr[1].prefix = 16;
    const struct iface *f = &t.tab[iface_add(&t, &c)];
    struct tern_addr hop = ip(172, 16, 3, 3), far = ip(8, 8, 8, 8);
    struct tern_addr a = iface_source(f, &hop), b = iface_source(f, &far);
    assert_addr(a, c.addr[1].addr);
    assert_addr(b, c.addr[0].addr);
    assert_int_equal(f->announce, 3); /* both addresses are to be announced */
    struct iface none = {0};
    assert_int_equal(iface_source(&none, &hop).fam, TERN_AF_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_is_always_there),
        cmocka_unit_test(test_add_refuses_what_cannot_be),
        cmocka_unit_test(test_whose_address),
        cmocka_unit_test(test_source_lies_in_the_hops_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
