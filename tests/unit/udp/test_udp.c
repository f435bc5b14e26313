/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/udp/bench.h"

static const struct tern_addr none;

static void test_one_port_one_owner(void **state)
{
    (void)state;
    struct tern_sock a = open_at(ip(10, 0, 0, 1), 53), s;
    assert_int_not_equal(a.id, 0);
    struct tern_endpoint same = ep(ip(10, 0, 0, 1), 53), any = ep(none, 53),
                         other = ep(ip(10, 0, 0, 2), 53);
    assert_int_equal(udp_open(&t.u, &same, 0, &s), TERN_EADDRINUSE);
    assert_int_equal(udp_open(&t.u, &any, 0, &s), TERN_EADDRINUSE);
    assert_int_equal(udp_open(&t.u, &other, 0, &s), TERN_OK);
    assert_int_equal(udp_close(&t.u, a), TERN_OK);
    assert_int_equal(udp_open(&t.u, &same, 0, &s), TERN_OK);
    assert_int_equal(udp_open(&t.u, &same, 0x80, &s), TERN_EINVAL);
}

static void test_stale_handles(void **state)
{
    (void)state;
    struct tern_sock a = open_at(none, 53);
    assert_int_equal(udp_close(&t.u, a), TERN_OK);
    assert_int_equal(udp_close(&t.u, a), TERN_EBADF);
    struct tern_sock b = open_at(none, 53); /* the same slot */
    assert_int_equal(sock_index(a), sock_index(b));
    assert_null(udp_find(&t.u, a));
    assert_non_null(udp_find(&t.u, b));
    uint8_t buf[4];
    struct tern_endpoint to = ep(ip(10, 0, 0, 2), 1);
    struct udp_send how = {.to = to, .max = 100};
    int64_t v;
    assert_int_equal(udp_recvfrom(&t.u, a, buf, 4, NULL, NULL), TERN_EBADF);
    assert_int_equal(udp_sendto(&t.u, a, &how, buf, 4), TERN_EBADF);
    assert_int_equal(udp_connect(&t.u, a, &none, &to), TERN_EBADF);
    assert_int_equal(udp_setopt(&t.u, a, TERN_OPT_TTL, 3), TERN_EBADF);
    assert_int_equal(udp_getopt(&t.u, a, TERN_OPT_TTL, &v), TERN_EBADF);
    struct tern_sock odd[] = {{0},
                              {UINT64_MAX},
                              sock_make(SOCK_CONN, 0, 1),
                              sock_make(SOCK_UDP, 0, 0),
                              sock_make(SOCK_UDP, 0, MAX + 1)};
    for (unsigned i = 0; i < 5; i++)
        assert_null(udp_find(&t.u, odd[i]));
}

/* [RFC6056] distinct numbers from the range, until there is none. */
static void test_ephemeral_ports(void **state)
{
    (void)state;
    unsigned seen = 0;
    struct tern_sock s = {0};
    for (unsigned i = 0; i < 4; i++) {
        s = open_at(none, 0);
        assert_int_not_equal(s.id, 0);
        uint16_t port = udp_find(&t.u, s)->local.port;
        assert_in_range(port, 40000, 40003);
        seen |= 1u << (port - 40000);
    }
    assert_int_equal(seen, 15);
    struct tern_endpoint any = {0};
    struct tern_sock x;
    assert_int_equal(udp_open(&t.u, &any, 0, &x), TERN_EADDRNOTAVAIL);
    udp_close(&t.u, s);
    assert_int_equal(udp_open(&t.u, &any, 0, &x), TERN_OK);
}

static void test_limit_and_faults(void **state)
{
    (void)state;
    struct tern_sock s[MAX], x;
    struct tern_endpoint e = ep(none, 99);
    t.fault.fail_at = 1;
    assert_int_equal(udp_open(&t.u, &e, 0, &x), TERN_ENOBUFS);
    for (unsigned i = 0; i < MAX; i++)
        assert_int_not_equal((s[i] = open_at(none, 100 + i)).id, 0);
    assert_int_equal(udp_open(&t.u, &e, 0, &x), TERN_ENOBUFS);
    for (unsigned i = 0; i < MAX; i++)
        assert_int_equal(udp_close(&t.u, s[i]), TERN_OK);
    assert_int_equal(t.u.pool.used, 0);
    assert_int_equal(t.u.map.used, 0);
    assert_int_equal(udp_open(&t.u, &e, 0, &x), TERN_OK);
}

static void test_the_one_for_all(void **state)
{
    (void)state;
    struct tern_endpoint e = {0}, at = ep(none, 5);
    struct tern_sock s, x;
    assert_int_equal(udp_open(&t.u, &at, TERN_UDP_ANY, &x), TERN_EINVAL);
    assert_int_equal(udp_open(&t.u, &e, TERN_UDP_ANY, &s), TERN_OK);
    assert_int_equal(udp_open(&t.u, &e, TERN_UDP_ANY, &x), TERN_EADDRINUSE);
    assert_int_equal(udp_connect(&t.u, s, &none, &at), TERN_EOPNOTSUPP);
    assert_int_equal(udp_close(&t.u, s), TERN_OK);
    assert_int_equal(udp_open(&t.u, &e, TERN_UDP_ANY, &x), TERN_OK);
}

static void test_closing_with_everything_pending(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct tern_endpoint peer = ep(ip(10, 0, 0, 9), 7), me = ep(ip(10, 0, 0, 1), 53);
    struct udp_send how = {.from = me, .to = peer, .iface = 2, .max = 1000};
    assert_int_equal(deliver(peer, me, "x", 1), CAUSE_RX_UDP);
    assert_int_equal(udp_sendto(&t.u, s, &how, "y", 1), TERN_OK);
    assert_true(udp_tx_pending(&t.u, 2));
    assert_int_not_equal(t.arena.used, 0);
    assert_int_equal(udp_close(&t.u, s), TERN_OK);
    assert_int_equal(t.arena.used, 0);
    assert_false(udp_tx_pending(&t.u, 2));
    struct tern_event ev;
    assert_false(udp_event_next(&t.u, &ev));
}

static void test_events_are_coalesced(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct tern_endpoint peer = ep(ip(10, 0, 0, 9), 7), me = ep(ip(10, 0, 0, 1), 53);
    udp_find(&t.u, s)->user = 77;
    deliver(peer, me, "x", 1);
    deliver(peer, me, "y", 1);
    struct tern_event ev;
    assert_true(udp_event_next(&t.u, &ev));
    assert_int_equal(ev.bits, TERN_EV_READABLE);
    assert_int_equal(ev.sock.id, s.id);
    assert_int_equal(ev.user, 77);
    assert_false(udp_event_next(&t.u, &ev));
    deliver(peer, me, "z", 1);
    assert_true(udp_event_next(&t.u, &ev));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_port_one_owner, setup),
        cmocka_unit_test_setup(test_stale_handles, setup),
        cmocka_unit_test_setup(test_ephemeral_ports, setup),
        cmocka_unit_test_setup(test_limit_and_faults, setup),
        cmocka_unit_test_setup(test_the_one_for_all, setup),
        cmocka_unit_test_setup(test_closing_with_everything_pending, setup),
        cmocka_unit_test_setup(test_events_are_coalesced, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
