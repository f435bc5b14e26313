/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include "net/arp.h"
#include "unit/net/lan.h"

static struct {
    _Alignas(64) uint8_t mem[16384];
    _Alignas(64) uint8_t arena_mem[65536];
    _Alignas(64) uint8_t meta[4096];
    struct buddy arena;
    struct neigh n;
    struct ifaces ifs;
    struct routes routes;
} t;

static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 0x77};

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    struct hash_key key = {1, 2};
    buddy_init(&t.arena, t.arena_mem, sizeof t.arena_mem, t.meta, NULL);
    neigh_init(&t.n, t.mem, 16, &t.arena, NULL, &key, ms(0));
    lan_make(&t.ifs, &t.routes);
    return 0;
}

static struct arp_pkt packet(unsigned op, struct tern_addr spa, struct tern_addr tpa)
{
    struct arp_pkt p = {.op = (uint16_t)op};
    memcpy(p.sha, peer_mac, 6);
    memcpy(p.spa, spa.b, 4);
    memcpy(p.tpa, tpa.b, 4);
    if (op == ARP_OP_REPLY)
        memcpy(p.tha, lan_mac, 6);
    return p;
}

static unsigned rx(const struct arp_pkt *p, bool *answer, struct arp_pkt *reply)
{
    uint8_t buf[ARP_PKT_LEN];
    arp_build(buf, sizeof buf, p);
    return arp_rx(&t.ifs, 0, &t.n, buf, sizeof buf, ms(1), answer, reply);
}

static void expect_silent(struct arp_pkt p, unsigned cause)
{
    bool answer = true;
    struct arp_pkt reply;
    assert_int_equal(rx(&p, &answer, &reply), cause);
    assert_false(answer);
}

/* [RFC826] a request for us: its sender is learned, and gets a reply with the fields swapped. */
static void test_request_for_us(void **state)
{
    (void)state;
    bool answer;
    struct arp_pkt reply, p = packet(ARP_OP_REQUEST, ip(10, 0, 0, 7), ip(10, 0, 0, 1));
    struct tern_addr peer = ip(10, 0, 0, 7);
    assert_int_equal(rx(&p, &answer, &reply), CAUSE_DROP_ARP_TAKEN);
    assert_true(answer);
    assert_int_equal(reply.op, ARP_OP_REPLY);
    assert_memory_equal(reply.sha, lan_mac, 6);
    assert_memory_equal(reply.tha, peer_mac, 6);
    assert_memory_equal(reply.spa, p.tpa, 4);
    assert_memory_equal(reply.tpa, p.spa, 4);
    assert_int_equal(neigh_state_of(&t.n, 0, &peer, ms(1)), NEIGH_REACHABLE);
}

/* [RFC5227:1.1] a probe for our address is answered, and teaches nothing. */
static void test_probe_for_us(void **state)
{
    (void)state;
    bool answer;
    struct arp_pkt reply, p = packet(ARP_OP_REQUEST, ip(0, 0, 0, 0), ip(10, 0, 0, 1));
    assert_int_equal(rx(&p, &answer, &reply), CAUSE_DROP_ARP_TAKEN);
    assert_true(answer);
    assert_int_equal(t.n.pool.used, 0);
}

static void test_not_for_us(void **state)
{
    (void)state;
    expect_silent(packet(ARP_OP_REQUEST, ip(10, 0, 0, 7), ip(10, 0, 0, 8)),
                  CAUSE_DROP_ARP_NOT_OURS);
    expect_silent(packet(ARP_OP_REQUEST, ip(10, 0, 0, 7), ip(10, 0, 0, 7)),
                  CAUSE_DROP_ARP_NOT_OURS); /* an announcement */
    expect_silent(packet(ARP_OP_REPLY, ip(10, 0, 0, 7), ip(10, 0, 0, 1)), CAUSE_DROP_ARP_UNASKED);
    assert_int_equal(t.n.pool.used, 0);
}

/* The merge rule: an entry that exists follows any packet of its station. */
static void test_merge(void **state)
{
    (void)state;
    uint8_t mac[6];
    uint32_t idx;
    int64_t until;
    struct tern_addr peer = ip(10, 0, 0, 7);
    neigh_resolve(&t.n, 0, &peer, ms(0), mac, &until, &idx);
    expect_silent(packet(ARP_OP_REQUEST, peer, ip(10, 0, 0, 8)), CAUSE_DROP_ARP_TAKEN);
    assert_int_equal(neigh_resolve(&t.n, 0, &peer, ms(1), mac, &until, &idx), NEIGH_GO);
    assert_memory_equal(mac, peer_mac, 6);
}

static void test_lies_are_refused(void **state)
{
    (void)state;
    expect_silent(packet(ARP_OP_REQUEST, ip(10, 0, 0, 1), ip(10, 0, 0, 1)),
                  CAUSE_DROP_ARP_CONFLICT);
    expect_silent(packet(ARP_OP_REPLY, ip(192, 168, 7, 1), ip(10, 0, 0, 1)),
                  CAUSE_DROP_ARP_CONFLICT);
    expect_silent(packet(ARP_OP_REPLY, ip(127, 0, 0, 5), ip(10, 0, 0, 1)), CAUSE_DROP_ARP_CONFLICT);
    expect_silent(packet(ARP_OP_REQUEST, ip(10, 0, 0, 255), ip(10, 0, 0, 1)), CAUSE_DROP_ARP_BAD);
    expect_silent(packet(ARP_OP_REQUEST, ip(172, 16, 0, 1), ip(10, 0, 0, 1)), CAUSE_DROP_ARP_BAD);
    expect_silent(packet(ARP_OP_REQUEST, ip(224, 0, 0, 1), ip(10, 0, 0, 1)), CAUSE_DROP_ARP_BAD);
    struct arp_pkt p = packet(ARP_OP_REQUEST, ip(10, 0, 0, 7), ip(10, 0, 0, 1));
    memset(p.sha, 0xff, 6);
    expect_silent(p, CAUSE_DROP_ARP_BAD);
    memset(p.sha, 0, 6);
    expect_silent(p, CAUSE_DROP_ARP_BAD);
    expect_silent(packet(ARP_OP_RARP_REPLY, ip(10, 0, 0, 7), ip(10, 0, 0, 1)),
                  CAUSE_DROP_ARP_UNASKED);
    bool answer;
    struct arp_pkt reply;
    uint8_t buf[ARP_PKT_LEN] = {0};
    assert_int_equal(arp_rx(&t.ifs, 0, &t.n, buf, sizeof buf, ms(1), &answer, &reply),
                     CAUSE_DROP_ARP_BAD);
    assert_int_equal(arp_rx(&t.ifs, 0, &t.n, buf, 27, ms(1), &answer, &reply), CAUSE_DROP_SHORT);
    assert_int_equal(t.n.pool.used, 0);
}

/* A gateway answers for everybody but the asker: the guest must not think its own address taken. */
static void test_gateway_answers_for_all(void **state)
{
    (void)state;
    bool answer;
    struct arp_pkt reply, p = packet(ARP_OP_REQUEST, ip(10, 0, 0, 7), ip(10, 0, 0, 3));
    t.ifs.tab[0].any_addr = true;
    assert_int_equal(rx(&p, &answer, &reply), CAUSE_DROP_ARP_TAKEN);
    assert_true(answer);
    assert_memory_equal(reply.spa, p.tpa, 4);
    struct tern_addr peer = ip(10, 0, 0, 7);
    assert_int_equal(neigh_state_of(&t.n, 0, &peer, ms(1)), NEIGH_REACHABLE);
    setup(NULL);
    t.ifs.tab[0].any_addr = true;
    expect_silent(packet(ARP_OP_REQUEST, ip(0, 0, 0, 0), ip(10, 0, 0, 7)),
                  CAUSE_DROP_ARP_NOT_OURS); /* its probe */
    expect_silent(packet(ARP_OP_REQUEST, ip(10, 0, 0, 7), ip(10, 0, 0, 7)),
                  CAUSE_DROP_ARP_NOT_OURS); /* its announcement */
    expect_silent(packet(ARP_OP_REQUEST, ip(10, 0, 0, 7), ip(10, 0, 0, 255)),
                  CAUSE_DROP_ARP_NOT_OURS);
}

static void test_what_is_asked_and_announced(void **state)
{
    (void)state;
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, zero[6];
    struct tern_addr peer = ip(10, 0, 0, 7), mine = ip(10, 0, 0, 1);
    struct arp_pkt p;
    arp_request(&t.ifs.tab[0], &peer, all, &p);
    assert_int_equal(p.op, ARP_OP_REQUEST);
    assert_memory_equal(p.spa, mine.b, 4);
    assert_memory_equal(p.tpa, peer.b, 4);
    assert_memory_equal(p.sha, lan_mac, 6);
    assert_memory_equal(p.tha, zero, 6);
    arp_announce(&t.ifs.tab[0], 0, &p);
    assert_int_equal(p.op, ARP_OP_REQUEST);
    assert_memory_equal(p.spa, mine.b, 4);
    assert_memory_equal(p.tpa, mine.b, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_request_for_us, setup),
        cmocka_unit_test_setup(test_probe_for_us, setup),
        cmocka_unit_test_setup(test_not_for_us, setup),
        cmocka_unit_test_setup(test_merge, setup),
        cmocka_unit_test_setup(test_lies_are_refused, setup),
        cmocka_unit_test_setup(test_gateway_answers_for_all, setup),
        cmocka_unit_test_setup(test_what_is_asked_and_announced, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
