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
static uint8_t frame[70000];

static struct udp_send way(unsigned sport, unsigned iface)
{
    return (struct udp_send){.from = ep(ip(10, 0, 0, 1), sport),
                             .to = ep(ip(10, 0, 0, 9), 7),
                             .iface = iface,
                             .max = 1472};
}

static void test_send(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct udp_send how = way(53, 1);
    struct udp_out out;
    assert_int_equal(udp_sendto(&t.u, s, &how, "hello", 5), TERN_OK);
    assert_false(udp_tx(&t.u, 0, false, frame, sizeof frame, &out));
    assert_true(udp_tx_pending(&t.u, 1));
    assert_true(udp_tx(&t.u, 1, false, frame, sizeof frame, &out));
    assert_int_equal(out.len, 13);
    assert_int_equal(out.csum, TERN_CSUM_NONE);
    assert_int_equal(out.ttl, 64);
    struct udp_hdr h;
    assert_int_equal(udp_parse(frame, out.len, &h), 0);
    assert_int_equal(h.sport, 53);
    assert_int_equal(h.dport, 7);
    assert_int_not_equal(h.csum, 0);
    assert_true(udp_cksum4_ok(t.u.ck, out.src.b, out.dst.b, frame, &h));
    assert_memory_equal(frame + 8, "hello", 5);
    assert_false(udp_tx(&t.u, 1, false, frame, sizeof frame, &out));
    assert_int_equal(t.arena.used, 0);
}

/* The link completes it: summing header and payload over the stored pseudo-header sum gives the
 * same. */
static void test_partial_checksum(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct udp_send how = way(53, 1);
    struct udp_out out;
    udp_sendto(&t.u, s, &how, "hello!", 6);
    assert_true(udp_tx(&t.u, 1, true, frame, sizeof frame, &out));
    assert_int_equal(out.csum, TERN_CSUM_PARTIAL);
    uint16_t done = cksum_fold(t.u.ck->sum(frame, out.len));
    memcpy(frame + UDP_CSUM_OFF, &done, 2);
    struct udp_hdr h;
    udp_parse(frame, out.len, &h);
    assert_true(udp_cksum4_ok(t.u.ck, out.src.b, out.dst.b, frame, &h));
}

static void test_refusals(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct udp_send how = way(53, 1);
    static uint8_t big[2000];
    assert_int_equal(udp_sendto(&t.u, s, &how, big, 1473), TERN_EMSGSIZE);
    assert_int_equal(udp_sendto(&t.u, s, &how, big, 1472), TERN_OK);
    how.group = true;
    assert_int_equal(udp_sendto(&t.u, s, &how, big, 1), TERN_EACCES);
    udp_setopt(&t.u, s, TERN_OPT_BROADCAST, 1);
    assert_int_equal(udp_sendto(&t.u, s, &how, big, 1), TERN_OK);
}

static void test_full_queue_and_writable(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct udp_send how = way(53, 0);
    struct udp_out out;
    struct tern_event ev;
    static uint8_t big[1000];
    udp_setopt(&t.u, s, TERN_OPT_SNDBUF, 8192);
    unsigned n = 0;
    while (udp_sendto(&t.u, s, &how, big, sizeof big) == TERN_OK)
        n++;
    assert_int_equal(n, 7);
    assert_int_equal(udp_sendto(&t.u, s, &how, big, sizeof big), TERN_EAGAIN);
    assert_false(udp_event_next(&t.u, &ev));
    unsigned sent = 0;
    while (!udp_event_next(&t.u, &ev)) {
        assert_true(udp_tx(&t.u, 0, false, frame, sizeof frame, &out));
        sent++;
    }
    assert_int_equal(ev.bits, TERN_EV_WRITABLE);
    assert_true(sent >= 3 && sent <= 5);
    /* a fault in the arena is a full queue as well */
    while (udp_tx(&t.u, 0, false, frame, sizeof frame, &out))
        ;
    t.fault.fail_at = 1;
    assert_int_equal(udp_sendto(&t.u, s, &how, big, 1), TERN_EAGAIN);
    assert_int_equal(udp_sendto(&t.u, s, &how, big, 1), TERN_OK);
}

/* One datagram always fits into an empty queue, however small its limit. */
static void test_one_always_fits(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct udp_send how = way(53, 0);
    static uint8_t big[65507];
    how.max = sizeof big;
    udp_setopt(&t.u, s, TERN_OPT_SNDBUF, 1);
    assert_int_equal(udp_sendto(&t.u, s, &how, big, sizeof big), TERN_OK);
    assert_int_equal(udp_sendto(&t.u, s, &how, big, 1), TERN_EAGAIN);
    struct udp_out out;
    assert_true(udp_tx(&t.u, 0, false, frame, sizeof frame, &out));
    assert_int_equal(out.len, 65515);
}

static void test_ports_take_turns(void **state)
{
    (void)state;
    struct tern_sock a = open_at(none, 53), b = open_at(none, 54);
    struct udp_send ha = way(53, 0), hb = way(54, 0);
    for (int i = 0; i < 3; i++) {
        udp_sendto(&t.u, a, &ha, "a", 1);
        udp_sendto(&t.u, b, &hb, "b", 1);
        udp_sendto(&t.u, a, &ha, "a", 1);
    }
    char order[10] = "";
    struct udp_out out;
    for (int i = 0; i < 9; i++) {
        assert_true(udp_tx(&t.u, 0, false, frame, sizeof frame, &out));
        order[i] = (char)frame[8];
    }
    assert_string_equal(order, "abababaaa");
}

/* A port's datagrams keep their order even when they go by different interfaces. */
static void test_two_interfaces(void **state)
{
    (void)state;
    struct tern_sock a = open_at(none, 53);
    struct udp_send h0 = way(53, 0), h1 = way(53, 1);
    struct udp_out out;
    udp_sendto(&t.u, a, &h0, "1", 1);
    udp_sendto(&t.u, a, &h1, "2", 1);
    udp_sendto(&t.u, a, &h0, "3", 1);
    assert_false(udp_tx_pending(&t.u, 1));
    assert_true(udp_tx(&t.u, 0, false, frame, sizeof frame, &out));
    assert_int_equal(frame[8], '1');
    assert_false(udp_tx_pending(&t.u, 0));
    assert_true(udp_tx(&t.u, 1, false, frame, sizeof frame, &out));
    assert_int_equal(frame[8], '2');
    assert_true(udp_tx(&t.u, 0, false, frame, sizeof frame, &out));
    assert_int_equal(frame[8], '3');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_send, setup),
        cmocka_unit_test_setup(test_partial_checksum, setup),
        cmocka_unit_test_setup(test_refusals, setup),
        cmocka_unit_test_setup(test_full_queue_and_writable, setup),
        cmocka_unit_test_setup(test_one_always_fits, setup),
        cmocka_unit_test_setup(test_ports_take_turns, setup),
        cmocka_unit_test_setup(test_two_interfaces, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
