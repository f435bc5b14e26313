/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/api/two.h"

static struct tern_sock udp(struct tern_stack *st, struct tern_addr a, unsigned port,
                            uint32_t flags)
{
    struct tern_sock s = {0};
    struct tern_endpoint e = ep(a, port);
    assert_int_equal(tern_udp_open(st, &e, flags, &s), TERN_OK);
    return s;
}

/* A guest's resolver and a gateway that serves every address. */
static void test_gateway_flow(void **state)
{
    (void)state;
    struct tern_addr none = {0};
    struct tern_sock c = udp(guest, none, 0, 0), g = udp(gate, none, 0, TERN_UDP_ANY);
    struct tern_endpoint dns = ep(ip(9, 9, 9, 9), 53), from, to;
    char buf[16];
    assert_int_equal(tern_udp_connect(guest, c, &dns), TERN_OK);
    assert_int_equal(tern_udp_sendto(guest, c, NULL, NULL, "query", 5, ms(0)), TERN_OK);
    two_run();
    assert_true(two_events(gate, g, NULL) & TERN_EV_READABLE);
    assert_int_equal(tern_udp_recvfrom(gate, g, buf, 16, &from, &to), 5);
    assert_addr(to.addr, dns.addr);
    assert_int_equal(to.port, 53);
    assert_int_equal(tern_udp_sendto(gate, g, &to, &from, "answer", 6, ms(0)), TERN_OK);
    two_run();
    assert_int_equal(tern_udp_recvfrom(guest, c, buf, 16, &from, NULL), 6);
    assert_addr(from.addr, dns.addr);
    /* the way on failed */
    assert_int_equal(tern_udp_sendto(guest, c, NULL, NULL, "query", 5, ms(0)), TERN_OK);
    two_run();
    assert_int_equal(tern_udp_recvfrom(gate, g, buf, 16, &from, &to), 5);
    assert_int_equal(tern_udp_unreach(gate, &from, &to, 16, ms(0)), TERN_EINVAL);
    assert_int_equal(tern_udp_unreach(gate, &from, &to, 3, ms(0)), TERN_OK);
    two_run();
    assert_int_equal(tern_udp_recvfrom(guest, c, buf, 16, NULL, NULL), TERN_ECONNREFUSED);
    assert_int_equal(tern_udp_unreach(gate, &from, &to, 13, ms(0)), TERN_OK);
    two_run();
    assert_int_equal(tern_udp_recvfrom(guest, c, buf, 16, NULL, NULL), TERN_EACCES);
    assert_int_equal(tern_close(guest, c, ms(0)), TERN_OK);
    assert_int_equal(tern_close(gate, g, ms(0)), TERN_OK);
}

static void test_refusals(void **state)
{
    (void)state;
    struct tern_addr none = {0}, six = {.fam = TERN_AF_IP6};
    struct tern_sock s, c = udp(guest, none, 0, 0), any = udp(gate, none, 0, TERN_UDP_ANY);
    struct tern_endpoint e = ep(ip(10, 9, 9, 9), 1), zero = ep(ip(10, 0, 2, 2), 0), v6 = {six, 1},
                         away = ep(none, 1), good = ep(ip(10, 0, 2, 15), 5);
    assert_int_equal(tern_udp_open(guest, &e, 0, &s), TERN_EADDRNOTAVAIL);
    assert_int_equal(tern_udp_open(guest, &v6, 0, &s), TERN_EAFNOSUPPORT);
    assert_int_equal(tern_udp_sendto(guest, c, NULL, NULL, "x", 1, ms(0)), TERN_ENOTCONN);
    assert_int_equal(tern_udp_sendto(guest, c, NULL, &zero, "x", 1, ms(0)), TERN_EINVAL);
    assert_int_equal(tern_udp_sendto(guest, c, NULL, &v6, "x", 1, ms(0)), TERN_EAFNOSUPPORT);
    assert_int_equal(tern_udp_sendto(guest, c, NULL, &away, "x", 1, ms(0)), TERN_ENOTCONN);
    assert_int_equal(tern_udp_sendto(guest, c, &e, &good, "x", 1, ms(0)), TERN_EINVAL);
    assert_int_equal(tern_udp_connect(guest, c, &zero), TERN_EINVAL);
    assert_int_equal(tern_udp_connect(guest, c, &v6), TERN_EAFNOSUPPORT);
    /* the gateway's port for all has no source of its own */
    assert_int_equal(tern_udp_sendto(gate, any, NULL, &good, "x", 1, ms(0)), TERN_EINVAL);
    struct tern_sock stale = {c.id ^ (UINT64_C(1) << 40)};
    assert_int_equal(tern_udp_sendto(guest, stale, NULL, &good, "x", 1, ms(0)), TERN_EBADF);
    assert_int_equal(tern_udp_connect(guest, stale, &good), TERN_EBADF);
}

/* [RFC1122:4.1.3.5] connecting fixes both ends, and can be dissolved. */
static void test_connect(void **state)
{
    (void)state;
    struct tern_addr none = {0};
    struct tern_sock c = udp(guest, none, 0, 0);
    struct tern_endpoint peer = ep(ip(10, 0, 2, 2), 7), me, got, gone = {0};
    assert_int_equal(tern_peername(guest, c, &got), TERN_ENOTCONN);
    assert_int_equal(tern_udp_connect(guest, c, &peer), TERN_OK);
    assert_int_equal(tern_sockname(guest, c, &me), TERN_OK);
    struct tern_addr want = ip(10, 0, 2, 15);
    assert_addr(me.addr, want);
    assert_int_equal(tern_peername(guest, c, &got), TERN_OK);
    assert_addr(got.addr, peer.addr);
    assert_int_equal(tern_udp_connect(guest, c, &gone), TERN_OK);
    assert_int_equal(tern_peername(guest, c, &got), TERN_ENOTCONN);
}

/* A ping beyond the gateway becomes an event there, is carried on, and answered [RFC1122:3.2.2.6].
 * The gateway's own address is answered by itself. */
static void test_echo_events(void **state)
{
    (void)state;
    char buf[16];
    struct tern_event ev;
    struct tern_addr far = ip(9, 9, 9, 9), me = ip(10, 0, 2, 15), near = ip(10, 0, 2, 2);
    tern_echo_events(gate, true);
    assert_int_equal(tern_echo_data(gate, buf, 16), TERN_EAGAIN);
    two_run();
    /* the guest has no ping of its own: a request is made as a reply is, and its type set
     * afterwards */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            tern_echo_reply(guest, &me, i == 2 ? &near : &far, 7, (uint16_t)i, "pay", 3, ms(0)),
            TERN_OK);
        struct tern_frame f = {.data = two_buf, .cap = sizeof two_buf};
        while (tern_tx(guest, 0, &f, 1, ms(0)) == 1 && f.cause != CAUSE_TX_ICMP_ECHO_REPLY) {
            tern_rx(gate, 0, &f, 1, ms(0));
            two_step(gate, guest);
            f.cap = sizeof two_buf;
        }
        assert_int_equal(f.cause, CAUSE_TX_ICMP_ECHO_REPLY);
        two_buf[34] = 8;
        two_buf[36] = (uint8_t)(two_buf[36] - 8); /* the checksum follows */
        tern_rx(gate, 0, &f, 1, ms(0));
    }
    assert_int_equal(tern_counter(gate, CAUSE_TX_ICMP_ECHO_REPLY), 0);
    assert_true(two_step(gate, guest)); /* i == 2 */
    assert_int_equal(tern_counter(gate, CAUSE_TX_ICMP_ECHO_REPLY), 1);
    for (int i = 0; i < 2; i++) {
        assert_true(tern_event_next(gate, &ev));
        assert_int_equal(ev.bits, TERN_EV_ECHO);
        assert_addr(ev.remote.addr, me);
        assert_addr(ev.local.addr, far);
        assert_int_equal(ev.remote.port, 7);
        assert_int_equal(ev.local.port, i);
        assert_int_equal(tern_echo_data(gate, buf, 16), 3);
        assert_memory_equal(buf, "pay", 3);
        assert_int_equal(tern_echo_reply(gate, &ev.local.addr, &ev.remote.addr, ev.remote.port,
                                         ev.local.port, buf, 3, ms(0)),
                         TERN_OK);
    }
    assert_false(tern_event_next(gate, &ev));
    assert_int_equal(tern_echo_data(gate, buf, 16), TERN_EAGAIN);
    assert_true(two_step(gate, guest));
    assert_true(two_step(gate, guest));
    assert_false(two_step(gate, guest));
    struct tern_usage u;
    tern_stack_usage(gate, &u);
    assert_int_equal(u.buf_bytes, 0);
    static char big[1500];
    assert_int_equal(tern_echo_reply(gate, &far, &me, 1, 1, big, 1473, ms(0)), TERN_EMSGSIZE);
    struct tern_addr six = {.fam = TERN_AF_IP6};
    assert_int_equal(tern_echo_reply(gate, &far, &six, 1, 1, big, 1, ms(0)), TERN_EAFNOSUPPORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gateway_flow, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_refusals, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_connect, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_echo_events, two_setup, two_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
