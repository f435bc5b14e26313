/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/api/two.h"

/* TCP's sockets first, then UDP's, each once. */
static void test_walk(void **state)
{
    (void)state;
    struct tern_endpoint tcp = {.port = 80}, udp = {.port = 53};
    struct tern_sock l, u1, u2;
    struct tern_info info;
    uint64_t at = 0;
    assert_false(tern_inspect_next(guest, &at, &info, ms(0)));
    assert_int_equal(tern_tcp_listen(guest, &tcp, 1, 0, &l), TERN_OK);
    assert_int_equal(tern_udp_open(guest, &udp, 0, &u1), TERN_OK);
    udp.port = 54;
    assert_int_equal(tern_udp_open(guest, &udp, 0, &u2), TERN_OK);
    tern_setuser(guest, u2, 11);
    uint64_t seen[8];
    unsigned n = 0;
    at = 0;
    while (tern_inspect_next(guest, &at, &info, ms(0)) && n < 8)
        seen[n++] = info.sock.id;
    assert_int_equal(n, 3);
    assert_int_equal(seen[0], l.id);
    assert_int_equal(seen[1], u1.id);
    assert_int_equal(seen[2], u2.id);
    assert_true(tern_inspect(guest, u2, &info, ms(0)));
    assert_int_equal(info.kind, TERN_INFO_UDP);
    assert_int_equal(info.user, 11);
    assert_int_equal(info.local.port, 54);
    assert_true(tern_inspect(guest, l, &info, ms(0)));
    assert_int_equal(info.kind, TERN_INFO_LISTENER);
    tern_close(guest, u2, ms(0));
    assert_false(tern_inspect(guest, u2, &info, ms(0)));
}

static void test_counters(void **state)
{
    (void)state;
    two_run();
    assert_int_equal(tern_counter(guest, CAUSE_TX_ARP_ANNOUNCE), 1);
    assert_int_equal(tern_counter(guest, UINT32_MAX), 0);
}

/* Events of both kinds come out of one queue, each socket once. */
static void test_events(void **state)
{
    (void)state;
    struct tern_endpoint any = {.port = 53}, tcp = {.port = 80}, to = ep(ip(127, 0, 0, 1), 53),
                         to_tcp = ep(ip(127, 0, 0, 1), 80);
    struct tern_sock l, u, c, x;
    assert_int_equal(tern_tcp_listen(guest, &tcp, 1, 0, &l), TERN_OK);
    assert_int_equal(tern_udp_open(guest, &any, 0, &u), TERN_OK);
    any.port = 0;
    assert_int_equal(tern_udp_open(guest, &any, 0, &x), TERN_OK);
    assert_int_equal(tern_udp_sendto(guest, x, NULL, &to, "a", 1, ms(0)), TERN_OK);
    assert_int_equal(tern_udp_sendto(guest, x, NULL, &to, "b", 1, ms(0)), TERN_OK);
    assert_int_equal(tern_tcp_connect(guest, NULL, &to_tcp, &c, ms(0)), TERN_OK);
    struct tern_event ev;
    unsigned of_u = 0, of_l = 0, of_c = 0;
    while (tern_event_next(guest, &ev)) {
        of_u += ev.sock.id == u.id;
        of_l += ev.sock.id == l.id && ev.bits == TERN_EV_ACCEPT;
        of_c += ev.sock.id == c.id && (ev.bits & TERN_EV_CONNECTED);
    }
    assert_int_equal(of_u, 1);
    assert_int_equal(of_l, 1);
    assert_int_equal(of_c, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walk, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_counters, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_events, two_setup, two_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
