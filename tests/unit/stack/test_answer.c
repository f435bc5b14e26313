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
    host_meet(a, 0);
    return 0;
}

static struct icmp4_msg echo(const uint8_t *data, uint32_t len)
{
    return (struct icmp4_msg){
        .type = ICMP4_ECHO_REPLY, .id = 1, .seq = 2, .data = data, .len = len};
}

static void test_bounded(void **state)
{
    (void)state;
    struct tern_addr src = ip(10, 0, 0, 1), dst = ip(10, 0, 0, 2);
    struct icmp4_msg m = echo(NULL, 0);
    for (unsigned i = 0; i < 16; i++) /* max_answers of host_config() */
        assert_true(answer_icmp(a, 0, CAUSE_TX_ICMP_ECHO_REPLY, &src, &dst, &m));
    assert_false(answer_icmp(a, 0, CAUSE_TX_ICMP_ECHO_REPLY, &src, &dst, &m));
    struct arp_pkt p = {.op = ARP_OP_REPLY};
    answer_arp(a, 0, CAUSE_TX_ARP_REPLY, &p);
    assert_int_equal(count(a, CAUSE_DROP_ANSWERS_FULL), 2);
    struct tern_usage u;
    tern_stack_usage(a, &u);
    assert_int_equal(u.answers, 16);
    struct tern_frame f;
    unsigned n = 0;
    while (host_tx(a, &f, 0))
        n++;
    assert_int_equal(n, 16);
    tern_stack_usage(a, &u);
    assert_int_equal(u.answers, 0);
}

/* A large reply takes a block of the arena; if there is none, or the packet exceeds the MTU, it is
 * dropped and nothing leaks. */
static void test_large(void **state)
{
    (void)state;
    static uint8_t data[1473];
    struct tern_addr src = ip(10, 0, 0, 1), dst = ip(10, 0, 0, 2);
    struct icmp4_msg m = echo(data, 1472);
    memset(data, 0x3c, sizeof data);
    assert_true(answer_icmp(a, 0, CAUSE_TX_ICMP_ECHO_REPLY, &src, &dst, &m));
    assert_true(a->arena.used > 0);
    struct tern_frame f;
    assert_true(host_tx(a, &f, 0));
    assert_int_equal(f.len, 1514);
    assert_int_equal(f.data[1513], 0x3c);
    assert_int_equal(a->arena.used, 0);
    m.len = 1473;
    assert_false(answer_icmp(a, 0, CAUSE_TX_ICMP_ECHO_REPLY, &src, &dst, &m));
    m.len = 1472;
    for (uint64_t n = 1; n <= 2; n++) { /* the answer, then its block */
        tern_stack_fail_take(a, n, false);
        assert_false(answer_icmp(a, 0, CAUSE_TX_ICMP_ECHO_REPLY, &src, &dst, &m));
        assert_int_equal(a->answers.used, 0);
        assert_int_equal(a->arena.used, 0);
    }
}

/* A gateway's error about a SYN that it holds: quotes addresses, ports and sequence number. */
static void test_unreachable_made(void **state)
{
    (void)state;
    struct tern_addr peer = ip(10, 0, 0, 2), far = ip(8, 8, 8, 8);
    const uint8_t l4[8] = {0x12, 0x34, 0, 80, 1, 2, 3, 4};
    assert_true(answer_unreach_made(a, &peer, &far, 6, l4, 20, ICMP4_UNREACH_HOST));
    struct tern_frame f;
    struct ip4_hdr h;
    struct icmp4_msg m;
    struct icmp4_quote q;
    assert_true(host_tx(a, &f, 0));
    assert_int_equal(f.cause, CAUSE_TX_ICMP_UNREACH);
    assert_int_equal(ip4_parse(f.data + 14, f.len - 14, &h), 0);
    assert_memory_equal(h.src, ip(10, 0, 0, 1).b, 4); /* the router's own word */
    assert_memory_equal(h.dst, peer.b, 4);
    assert_int_equal(icmp4_parse(h.data, h.len, &m), 0);
    assert_int_equal(m.code, 1);
    assert_int_equal(icmp4_quote_parse(&m, &q), 0);
    assert_memory_equal(q.src, peer.b, 4);
    assert_memory_equal(q.dst, far.b, 4);
    assert_int_equal(q.sport, 0x1234);
    assert_int_equal(q.dport, 80);
    assert_int_equal(q.seq, 0x01020304);
    /* a shut port is the destination's own word */
    assert_true(answer_unreach_made(a, &peer, &far, 17, l4, 8, ICMP4_UNREACH_PORT));
    assert_true(host_tx(a, &f, 0));
    assert_int_equal(ip4_parse(f.data + 14, f.len - 14, &h), 0);
    assert_memory_equal(h.src, far.b, 4);
    struct tern_addr group = ip(224, 0, 0, 1), six = {.fam = TERN_AF_IP6};
    assert_false(answer_unreach_made(a, &group, &far, 17, l4, 8, ICMP4_UNREACH_PORT));
    assert_false(answer_unreach_made(a, &six, &far, 17, l4, 8, ICMP4_UNREACH_PORT));
}

/* [RFC1812:4.3.2.8] */
static void test_rate(void **state)
{
    (void)state;
    struct tern_addr peer = ip(10, 0, 0, 2), far = ip(8, 8, 8, 8);
    const uint8_t l4[8] = {0};
    struct tern_frame f;
    unsigned sent = 0;
    for (int i = 0; i < 1000; i++) {
        sent += answer_unreach_made(a, &peer, &far, 17, l4, 8, ICMP4_UNREACH_HOST);
        while (host_tx(a, &f, 0))
            ;
    }
    assert_in_range(sent, 20, 50);
    assert_int_equal(count(a, CAUSE_DROP_ICMP_LIMIT), 1000 - sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bounded, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_large, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_unreachable_made, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_rate, setup, host_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
