/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/stack/host.h"

static struct tern_stack *a;

static int setup(void **state)
{
    (void)state;
    a = host_up(false);
    return 0;
}

static struct fake_seg to_self(uint32_t len)
{
    return (struct fake_seg){.src = ip(10, 0, 0, 1),
                             .dst = ip(10, 0, 0, 1),
                             .len = len,
                             .csum = TERN_CSUM_PARTIAL,
                             .iface = NET_LO};
}

/* A packet to ourselves never sees the link, and is large. */
static void test_segment_comes_back(void **state)
{
    (void)state;
    struct fake_seg s = to_self(65515);
    struct tern_frame f;
    assert_int_equal(a->tcp->mtu[NET_LO], 65535);
    assert_int_equal(a->tcp->gso_max[NET_LO], 0);
    fake_send(a->tcp, &s);
    assert_int_equal(tern_deadline(a).ns, a->now.ns); /* due at once */
    tern_tick(a, ms(1));
    assert_int_equal(a->tcp->rx, 1);
    assert_int_equal(a->tcp->last.n, 65515);
    assert_int_equal(a->tcp->last.iface, NET_LO);
    assert_int_equal(a->tcp->last.csum, TERN_CSUM_PARTIAL);
    assert_int_equal(tern_deadline(a).ns, INT64_MAX);
    assert_false(host_tx(a, &f, 1));
}

/* Each packet calls forth another: a call delivers a burst, not all; the rest is due at once. */
static void test_no_recursion_and_bounded(void **state)
{
    (void)state;
    struct fake_seg s = to_self(40);
    a->tcp->answer = &s;
    fake_send(a->tcp, &s);
    tern_tick(a, ms(1));
    assert_int_equal(a->tcp->rx, STACK_LO_BURST);
    assert_true(tern_deadline(a).ns <= ms(1).ns);
    tern_rx(a, 0, NULL, 0, ms(1));
    assert_int_equal(a->tcp->rx, 2 * STACK_LO_BURST);
    a->tcp->answer = NULL;
    tern_tick(a, ms(1));
    assert_int_equal(tern_deadline(a).ns, INT64_MAX);
}

/* UDP to ourselves by every one of our names, and ICMP back when nobody listens. */
static void test_udp_to_self(void **state)
{
    (void)state;
    struct tern_endpoint any = {.port = 53}, other = {.port = 54}, from;
    const struct tern_endpoint us[] = {ep(ip(10, 0, 0, 1), 53), ep(ip(127, 0, 0, 1), 53),
                                       ep(ip(127, 9, 9, 9), 53)};
    const struct tern_addr src[] = {ip(10, 0, 0, 1), ip(127, 0, 0, 1), ip(127, 0, 0, 1)};
    struct tern_sock s, c;
    tern_udp_open(a, &any, 0, &s);
    tern_udp_open(a, &other, 0, &c);
    for (unsigned i = 0; i < 3; i++) {
        char buf[4];
        assert_int_equal(tern_udp_sendto(a, c, NULL, &us[i], "hey", 3, ms(0)), TERN_OK);
        assert_int_equal(tern_udp_recvfrom(a, s, buf, 4, &from, NULL), 3);
        assert_addr(from.addr, src[i]);
        assert_int_equal(from.port, 54);
    }
    struct tern_endpoint shut = ep(ip(127, 0, 0, 1), 55);
    assert_int_equal(tern_udp_connect(a, c, &shut), TERN_OK);
    assert_int_equal(tern_udp_sendto(a, c, NULL, NULL, "x", 1, ms(0)), TERN_OK);
    assert_int_equal(tern_udp_recvfrom(a, c, NULL, 0, NULL, NULL), TERN_ECONNREFUSED);
    static uint8_t big[65507];
    assert_int_equal(tern_udp_connect(a, c, &us[1]), TERN_OK);
    assert_int_equal(tern_udp_sendto(a, c, NULL, NULL, big, sizeof big, ms(0)), TERN_OK);
    assert_int_equal(tern_udp_recvfrom(a, s, big, sizeof big, NULL, NULL), sizeof big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_segment_comes_back, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_no_recursion_and_bounded, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_udp_to_self, setup, host_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
