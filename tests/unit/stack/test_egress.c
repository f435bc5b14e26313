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

static void segment(struct tern_stack *st, struct tern_addr dst, uint32_t len)
{
    struct fake_seg s = {.src = st->ifs.tab[0].a[0].addr, .dst = dst, .len = len};
    fake_send(st->tcp, &s);
}

/* An ARP packet from b to a. */
static void arp_from_b(uint16_t op, struct tern_addr spa, int64_t at)
{
    uint8_t buf[60] = {0};
    struct eth_hdr e = {.type = ETH_TYPE_ARP};
    memcpy(e.dst, mac_a, 6);
    memcpy(e.src, mac_b, 6);
    eth_build(buf, 14, &e);
    struct arp_pkt p = {.op = op, .tpa = {10, 0, 0, 1}};
    memcpy(p.sha, mac_b, 6);
    memcpy(p.spa, spa.b, 4);
    memcpy(p.tha, mac_a, 6);
    arp_build(buf + 14, 28, &p);
    host_rx(a, buf, sizeof buf, at);
}

/* [RFC5227:2.3] the first frame of all. */
static void test_announcement(void **state)
{
    (void)state;
    struct tern_config c = host_config();
    struct tern_iface_config ic = host_iface(true);
    struct tern_stack *st = host_make(&c);
    tern_iface_add(st, &ic);
    assert_true(tern_tx_pending(st, 0));
    struct tern_frame f;
    assert_true(host_tx(st, &f, 0));
    assert_int_equal(f.len, 42);
    assert_memory_equal(f.data, mac_all, 6);
    assert_memory_equal(f.data + 6, mac_b, 6);
    assert_int_equal(be16_load(f.data + 12), ETH_TYPE_ARP);
    struct arp_pkt p;
    assert_int_equal(arp_parse(f.data + 14, 28, &p), 0);
    assert_memory_equal(p.spa, p.tpa, 4);
    assert_false(tern_tx_pending(st, 0));
    assert_false(host_tx(st, &f, 0));
}

/* The header that is put in front of a TCP segment, and what the frame says about it. */
static void test_tcp_frame(void **state)
{
    (void)state;
    host_meet(a, 0);
    segment(a, ip(10, 0, 0, 2), 120);
    assert_true(tern_tx_pending(a, 0));
    struct tern_frame f;
    assert_true(host_tx(a, &f, 5));
    assert_int_equal(f.len, 14 + 20 + 120);
    assert_memory_equal(f.data, mac_b, 6);
    assert_memory_equal(f.data + 6, mac_a, 6);
    assert_int_equal(be16_load(f.data + 12), ETH_TYPE_IP4);
    struct ip4_hdr h;
    assert_int_equal(ip4_parse(f.data + 14, f.len - 14, &h), 0);
    assert_int_equal(h.len, 120);
    assert_int_equal(h.proto, 6);
    assert_int_equal(h.ttl, 61);
    assert_int_equal(h.tos, 0x10); /* [RFC9293:SHLD-22] */
    /* [RFC8900:6.1] */
    assert_true(h.df);
    assert_int_equal(h.id, 0);
    assert_int_equal(f.data[34 + 20], 0xa5);
    assert_int_equal(f.cause, CAUSE_TX_DATA);
    assert_int_equal(f.conn, 7);
    assert_int_equal(f.id, a->tcp->seen_id);
    assert_int_equal(f.gso, TERN_GSO_NONE);
    assert_int_equal(f.csum, TERN_CSUM_NONE);
    assert_int_equal(f.time.ns, ms(5).ns);
    assert_int_equal(a->tcp->seen_cap, 1480);
    assert_false(tern_tx_pending(a, 0));
}

static void test_super_segment(void **state)
{
    (void)state;
    struct tern_config c = host_config();
    struct tern_iface_config ic = host_iface(false);
    ic.gso_max = 65535;
    ic.tx_csum = true;
    struct tern_stack *st = host_make(&c);
    tern_iface_add(st, &ic);
    assert_int_equal(tern_frame_cap(st, 0), 65549);
    assert_int_equal(st->tcp->gso_max[0], 65535);
    assert_true(st->tcp->tx_csum[0]);
    struct tern_frame f;
    host_tx(st, &f, 0);
    host_meet(st, 0);
    struct fake_seg s = {.src = ip(10, 0, 0, 1),
                         .dst = ip(10, 0, 0, 2),
                         .len = 65515,
                         .gso_size = 1448,
                         .csum = TERN_CSUM_PARTIAL};
    fake_send(st->tcp, &s);
    assert_true(host_tx(st, &f, 0));
    assert_int_equal(f.gso, TERN_GSO_TCP4);
    assert_int_equal(f.gso_size, 1448);
    assert_int_equal(f.csum, TERN_CSUM_PARTIAL);
    assert_int_equal(f.csum_start, 34);
    assert_int_equal(f.csum_offset, 16);
    assert_int_equal(f.len, 65549);
}

/* A segment to an unknown station: the question goes out first, the segment after the answer, as it
 * was built [RFC1122:2.3.2.2]. */
static void test_resolution(void **state)
{
    (void)state;
    struct tern_frame f;
    struct arp_pkt p;
    segment(a, ip(10, 0, 0, 2), 40);
    segment(a, ip(10, 0, 0, 2), 41);
    assert_true(host_tx(a, &f, 0));
    assert_int_equal(f.cause, CAUSE_TX_ARP_REQUEST);
    assert_memory_equal(f.data, mac_all, 6);
    assert_int_equal(arp_parse(f.data + 14, 28, &p), 0);
    assert_memory_equal(p.tpa, ip(10, 0, 0, 2).b, 4);
    assert_memory_equal(p.spa, ip(10, 0, 0, 1).b, 4);
    while (host_tx(a, &f, 0))
        fail_msg("nothing may be sent before the answer");
    assert_true(a->arena.used > 0);
    arp_from_b(ARP_OP_REPLY, ip(10, 0, 0, 2), 3);
    assert_true(host_tx(a, &f, 3));
    assert_int_equal(f.len, 14 + 20 + 40);
    assert_memory_equal(f.data, mac_b, 6);
    assert_memory_equal(f.data + 6, mac_a, 6);
    assert_int_equal(f.cause, CAUSE_TX_DATA);
    assert_int_equal(f.conn, 7);
    uint32_t id = f.id;
    struct ip4_hdr h;
    assert_int_equal(ip4_parse(f.data + 14, f.len - 14, &h), 0);
    assert_int_equal(h.len, 40);
    assert_true(host_tx(a, &f, 3));
    assert_int_equal(f.len, 14 + 20 + 41);
    assert_true(f.id > id);
    assert_false(host_tx(a, &f, 3));
    assert_int_equal(a->arena.used, 0);
}

/* [RFC1122:3.3.1.1] an address outside the network goes to the gateway's station. */
static void test_gateway_is_the_next_hop(void **state)
{
    (void)state;
    struct tern_frame f;
    struct arp_pkt p;
    segment(a, ip(8, 8, 8, 8), 40);
    assert_true(host_tx(a, &f, 0));
    assert_int_equal(f.cause, CAUSE_TX_ARP_REQUEST);
    arp_parse(f.data + 14, 28, &p);
    assert_memory_equal(p.tpa, ip(10, 0, 0, 254).b, 4);
    arp_from_b(ARP_OP_REPLY, ip(10, 0, 0, 254), 1);
    assert_true(host_tx(a, &f, 1));
    assert_memory_equal(f.data, mac_b, 6);
    /* the cache of one destination must not serve another */
    segment(a, ip(8, 8, 8, 8), 40);
    segment(a, ip(10, 0, 0, 9), 40);
    assert_true(host_tx(a, &f, 1));
    assert_memory_equal(f.data, mac_b, 6);
    assert_true(host_tx(a, &f, 1));
    assert_int_equal(f.cause, CAUSE_TX_ARP_REQUEST);
    assert_false(host_tx(a, &f, 1));
}

/* The station of a neighbour in use changes: the very next frame goes to the new one. */
static void test_neighbour_moves(void **state)
{
    (void)state;
    struct tern_frame f;
    host_meet(a, 0);
    segment(a, ip(10, 0, 0, 2), 40);
    assert_true(host_tx(a, &f, 0));
    assert_memory_equal(f.data, mac_b, 6);
    const uint8_t moved[6] = {2, 0, 0, 0, 9, 9};
    struct tern_addr b = ip(10, 0, 0, 2);
    assert_true(neigh_hear(&a->neigh, 0, &b, moved, false, false, ms(2000)));
    segment(a, ip(10, 0, 0, 2), 40);
    assert_true(host_tx(a, &f, 2000));
    assert_memory_equal(f.data, moved, 6);
}

/* TCP hears nothing from its peer: the next hop is asked, once, and the segment goes all the same
 * [RFC9293:MUST-20]. */
static void test_suspected_neighbour(void **state)
{
    (void)state;
    struct tern_frame f;
    struct fake_seg s = {.src = ip(10, 0, 0, 1), .dst = ip(10, 0, 0, 2), .len = 40};
    host_meet(a, 0);
    for (unsigned i = 0; i < 4; i++) {
        s.suspect = i >= 2;
        fake_send(a->tcp, &s);
        int64_t at = 2000 + 10 * i;
        assert_true(host_tx(a, &f, at));
        assert_int_equal(f.cause, i == 3 ? CAUSE_TX_ARP_REQUEST : CAUSE_TX_DATA);
        if (i == 3) {
            assert_memory_equal(f.data, mac_b, 6);
            assert_true(host_tx(a, &f, at));
            assert_int_equal(f.cause, CAUSE_TX_DATA);
        }
        assert_memory_equal(f.data, mac_b, 6);
    }
}

/* Nobody answers: three questions a second apart, then the transports learn of it. */
static void test_silent_neighbour(void **state)
{
    (void)state;
    struct tern_frame f;
    struct tern_sock s;
    struct tern_endpoint any = {.port = 53}, peer = ep(ip(10, 0, 0, 2), 7);
    assert_int_equal(tern_udp_open(a, &any, 0, &s), TERN_OK);
    assert_int_equal(tern_udp_connect(a, s, &peer), TERN_OK);
    assert_int_equal(tern_udp_sendto(a, s, NULL, NULL, "x", 1, ms(0)), TERN_OK);
    segment(a, ip(10, 0, 0, 2), 40);
    unsigned asked = 0;
    for (int64_t at = 0; at <= 4000; at += 10) {
        if (tern_deadline(a).ns <= ms(at).ns)
            tern_tick(a, ms(at));
        while (host_tx(a, &f, at)) {
            assert_int_equal(f.cause, CAUSE_TX_ARP_REQUEST);
            asked++;
        }
    }
    assert_int_equal(asked, 3);
    assert_int_equal(count(a, CAUSE_DROP_NEIGH_DEAD), 2);
    assert_int_equal(a->tcp->unreachable, 1);
    assert_addr(a->tcp->unreachable_addr, peer.addr);
    char c;
    assert_int_equal(tern_udp_recvfrom(a, s, &c, 1, NULL, NULL), TERN_EHOSTUNREACH);
    assert_int_equal(a->arena.used, 0);
    assert_int_equal(tern_deadline(a).ns, INT64_MAX);
}

static void test_dead_neighbour_is_told_at_once(void **state)
{
    (void)state;
    struct tern_frame f;
    segment(a, ip(10, 0, 0, 2), 40);
    host_tx(a, &f, 0);
    for (int64_t at = 1001; at < 3100; at += 1001) {
        tern_tick(a, ms(at));
        while (host_tx(a, &f, at))
            ;
    }
    assert_int_equal(a->tcp->unreachable, 1);
    segment(a, ip(10, 0, 0, 2), 40);
    assert_false(host_tx(a, &f, 3100));
    assert_int_equal(a->tcp->unreachable, 2);
    assert_int_equal(count(a, CAUSE_DROP_NEIGH_DEAD), 2);
}

/* A super-segment does not wait, and neither does anything when the arena is empty. */
static void test_what_cannot_wait(void **state)
{
    (void)state;
    struct tern_frame f;
    struct fake_seg s = {
        .src = ip(10, 0, 0, 1), .dst = ip(10, 0, 0, 2), .len = 1400, .gso_size = 100};
    fake_send(a->tcp, &s);
    host_tx(a, &f, 0);
    assert_int_equal(count(a, CAUSE_DROP_NEIGH_FULL), 1);
    assert_int_equal(a->arena.used, 0);
    segment(a, ip(10, 0, 0, 2), 40);
    tern_stack_fail_take(a, 1, false);
    host_tx(a, &f, 0);
    assert_int_equal(count(a, CAUSE_DROP_NEIGH_FULL), 2);
    segment(a, ip(10, 0, 0, 2), 40); /* now there is */
    host_tx(a, &f, 0);
    assert_true(a->arena.used > 0);
    segment(a, ip(10, 0, 0, 3), 40);
    tern_stack_fail_take(a, 1, false); /* no entry */
    host_tx(a, &f, 0);
    assert_int_equal(count(a, CAUSE_DROP_NEIGH_FULL), 3);
}

static void test_no_route(void **state)
{
    (void)state;
    struct tern_config c = host_config();
    struct tern_iface_config ic = host_iface(false);
    ic.gateway = (struct tern_addr){0};
    struct tern_stack *st = host_make(&c);
    struct tern_frame f;
    tern_iface_add(st, &ic);
    host_tx(st, &f, 0);
    segment(st, ip(8, 8, 8, 8), 40);
    assert_false(host_tx(st, &f, 0));
    assert_int_equal(count(st, CAUSE_DROP_NO_ROUTE), 1);
}

static void test_groups_need_no_question(void **state)
{
    (void)state;
    static const uint8_t all_hosts[6] = {1, 0, 0x5e, 0, 0, 1};
    struct tern_endpoint any = {.port = 53}, all = ep(ip(255, 255, 255, 255), 7),
                         net = ep(ip(10, 0, 0, 255), 7), multi = ep(ip(224, 128, 0, 1), 7);
    struct tern_sock s;
    struct tern_frame f;
    tern_udp_open(a, &any, 0, &s);
    assert_int_equal(tern_udp_sendto(a, s, NULL, &all, "x", 1, ms(0)), TERN_EACCES);
    tern_setopt(a, s, TERN_OPT_BROADCAST, 1, ms(0));
    assert_int_equal(tern_udp_sendto(a, s, NULL, &all, "x", 1, ms(0)), TERN_OK);
    assert_true(host_tx(a, &f, 0));
    assert_memory_equal(f.data, mac_all, 6);
    assert_int_equal(tern_udp_sendto(a, s, NULL, &net, "x", 1, ms(0)), TERN_OK);
    assert_true(host_tx(a, &f, 0));
    assert_memory_equal(f.data, mac_all, 6);
    assert_int_equal(tern_udp_sendto(a, s, NULL, &multi, "x", 1, ms(0)), TERN_OK);
    assert_true(host_tx(a, &f, 0));
    assert_memory_equal(f.data, all_hosts, 6);
}

/* Answers first, then TCP and UDP in turn. */
static void test_order(void **state)
{
    (void)state;
    host_meet(a, 0);
    struct tern_endpoint any = {.port = 53}, peer = ep(ip(10, 0, 0, 2), 7);
    struct tern_sock s;
    struct tern_frame f;
    tern_udp_open(a, &any, 0, &s);
    for (int i = 0; i < 3; i++) {
        tern_udp_sendto(a, s, NULL, &peer, "x", 1, ms(0));
        segment(a, peer.addr, 40);
    }
    arp_from_b(ARP_OP_REQUEST, ip(10, 0, 0, 2), 1);
    assert_true(host_tx(a, &f, 1));
    assert_int_equal(f.cause, CAUSE_TX_ARP_REPLY);
    unsigned tcp = 0, udp = 0;
    uint32_t id = f.id;
    for (int i = 0; i < 6; i++) {
        assert_true(host_tx(a, &f, 1));
        assert_int_equal(f.id, ++id); /* every frame has its own number */
        tcp += f.cause == CAUSE_TX_DATA;
        udp += f.cause == CAUSE_TX_UDP;
        assert_true(tcp == udp || tcp == udp + 1);
    }
    assert_false(host_tx(a, &f, 1));
}

static void test_udp_frame(void **state)
{
    (void)state;
    host_meet(a, 0);
    struct tern_endpoint any = {.port = 53}, peer = ep(ip(10, 0, 0, 2), 7);
    struct tern_sock s;
    struct tern_frame f;
    tern_udp_open(a, &any, 0, &s);
    static uint8_t big[1473];
    assert_int_equal(tern_udp_sendto(a, s, NULL, &peer, big, 1473, ms(0)), TERN_EMSGSIZE);
    assert_int_equal(tern_udp_sendto(a, s, NULL, &peer, big, 1472, ms(0)), TERN_OK);
    assert_true(host_tx(a, &f, 0));
    assert_int_equal(f.len, 1514);
    struct ip4_hdr h;
    struct udp_hdr u;
    assert_int_equal(ip4_parse(f.data + 14, f.len - 14, &h), 0);
    assert_int_equal(udp_parse(h.data, h.len, &u), 0);
    assert_true(udp_cksum4_ok(a->ck, h.src, h.dst, h.data, &u));
    assert_memory_equal(h.src, ip(10, 0, 0, 1).b, 4);
    assert_int_equal(u.sport, 53);
    assert_int_equal(u.dport, 7);
}

/* Two stacks, frames carried between them: ARP both ways, then datagrams both ways. */
static void test_two_stacks(void **state)
{
    (void)state;
    struct tern_stack *b = host_up(true);
    struct tern_endpoint any = {.port = 53}, to_b = ep(ip(10, 0, 0, 2), 53), from, to;
    struct tern_sock sa, sb;
    tern_udp_open(a, &any, 0, &sa);
    tern_udp_open(b, &any, 0, &sb);
    char buf[8];
    tern_udp_sendto(a, sa, NULL, &to_b, "ping", 4, ms(0));
    host_exchange(a, b, 0);
    assert_int_equal(tern_udp_recvfrom(b, sb, buf, 8, &from, &to), 4);
    assert_int_equal(tern_udp_sendto(b, sb, NULL, &from, "pong!", 5, ms(0)), TERN_OK);
    assert_int_equal(host_exchange(a, b, 0), 1); /* no question needed: b learned from a's */
    assert_int_equal(tern_udp_recvfrom(a, sa, buf, 8, &from, NULL), 5);
    assert_addr(from.addr, to_b.addr);
    assert_int_equal(count(a, CAUSE_TX_ARP_REQUEST), 1);
    assert_int_equal(count(b, CAUSE_TX_ARP_REQUEST), 0);
    /* to a shut port: the connected sender learns of it [RFC1122:4.1.3.3] */
    struct tern_endpoint shut = ep(ip(10, 0, 0, 2), 54);
    tern_udp_connect(a, sa, &shut);
    tern_udp_sendto(a, sa, NULL, NULL, "x", 1, ms(1));
    host_exchange(a, b, 1);
    assert_int_equal(tern_udp_recvfrom(a, sa, buf, 8, NULL, NULL), TERN_ECONNREFUSED);
    assert_int_equal(count(b, CAUSE_TX_ICMP_PORT_UNREACH), 1);
}

static void test_link_without_neighbours(void **state)
{
    (void)state;
    struct tern_config c = host_config();
    struct tern_iface_config ic = host_iface(false);
    ic.link = TERN_LINK_IP;
    struct tern_stack *st = host_make(&c);
    struct tern_frame f;
    tern_iface_add(st, &ic);
    assert_false(tern_tx_pending(st, 0));
    assert_int_equal(tern_frame_cap(st, 0), 1500);
    segment(st, ip(8, 8, 8, 8), 40);
    assert_true(host_tx(st, &f, 0));
    assert_int_equal(f.len, 60);
    assert_int_equal(f.data[0], 0x45);
    uint8_t buf[64];
    host_ip(buf, mac_a, ip(8, 8, 8, 8), ip(10, 0, 0, 1), 6, 20);
    host_rx(st, buf + 14, 40, 0);
    assert_int_equal(st->tcp->rx, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, host_teardown)
    const struct CMUnitTest tests[] = {
        T(test_announcement),
        T(test_tcp_frame),
        T(test_super_segment),
        T(test_resolution),
        T(test_gateway_is_the_next_hop),
        T(test_neighbour_moves),
        T(test_suspected_neighbour),
        T(test_silent_neighbour),
        T(test_dead_neighbour_is_told_at_once),
        T(test_what_cannot_wait),
        T(test_no_route),
        T(test_groups_need_no_question),
        T(test_order),
        T(test_udp_frame),
        T(test_two_stacks),
        T(test_link_without_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
