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
static uint8_t buf[2048];

static int setup(void **state)
{
    (void)state;
    a = host_up(false);
    return 0;
}

static struct tern_addr peer_ip(void)
{
    return ip(10, 0, 0, 2);
}
static struct tern_addr my_ip(void)
{
    return ip(10, 0, 0, 1);
}

/* ---- the table: one crafted frame for every cause of a drop ---- */

static uint32_t short_frame(void)
{
    return 13;
}
static uint32_t other_mac(void)
{
    host_ip(buf, mac_b, peer_ip(), my_ip(), 17, 8);
    return 42;
}
static uint32_t ethertype(void)
{
    host_ip(buf, mac_a, peer_ip(), my_ip(), 17, 8);
    be16_store(buf + 12, 0x86dd);
    return 60;
}
static uint32_t arp_of(uint16_t op, const uint8_t sha[6], struct tern_addr spa,
                       struct tern_addr tpa)
{
    struct eth_hdr e = {.type = ETH_TYPE_ARP};
    memcpy(e.dst, mac_all, 6);
    memcpy(e.src, mac_b, 6);
    eth_build(buf, 14, &e);
    struct arp_pkt p = {.op = op};
    memcpy(p.sha, sha, 6);
    memcpy(p.spa, spa.b, 4);
    memcpy(p.tpa, tpa.b, 4);
    arp_build(buf + 14, 28, &p);
    return 60;
}
static uint32_t arp_bad(void)
{
    return arp_of(ARP_OP_REQUEST, mac_all, peer_ip(), my_ip());
}
static uint32_t arp_short(void)
{
    arp_of(ARP_OP_REQUEST, mac_b, peer_ip(), my_ip());
    return 41;
}
static uint32_t arp_not_ours(void)
{
    return arp_of(ARP_OP_REQUEST, mac_b, ip(10, 0, 0, 66), ip(10, 0, 0, 77));
}
static uint32_t arp_unasked(void)
{
    return arp_of(ARP_OP_REPLY, mac_b, ip(10, 0, 0, 66), my_ip()); /* no entry for it */
}
static uint32_t arp_conflict(void)
{
    return arp_of(ARP_OP_REQUEST, mac_b, my_ip(), my_ip());
}
static uint32_t rarp(void)
{
    uint32_t n = arp_of(ARP_OP_RARP_REPLY, mac_b, peer_ip(), my_ip());
    be16_store(buf + 12, ETH_TYPE_RARP);
    return n;
}
static uint32_t ip_version(void)
{
    host_ip(buf, mac_a, peer_ip(), my_ip(), 17, 8);
    buf[14] = 0x55;
    return 60;
}
static uint32_t ip_header(void)
{
    host_ip(buf, mac_a, peer_ip(), my_ip(), 17, 8);
    buf[14] = 0x44;
    return 60;
}
static uint32_t ip_checksum(void)
{
    host_ip(buf, mac_a, peer_ip(), my_ip(), 17, 8);
    buf[24] ^= 1;
    return 60;
}
static uint32_t not_ours(void)
{
    host_ip(buf, mac_a, peer_ip(), ip(10, 0, 0, 3), 17, 8);
    return 60;
}
static uint32_t land(void)
{
    host_ip(buf, mac_a, my_ip(), my_ip(), 6, 20);
    return 60;
}
/* Writes the header's checksum anew after a change. */
static void resum(uint32_t hlen)
{
    buf[24] = buf[25] = 0;
    uint16_t sum = cksum_fold(cksum_ops(0)->sum(buf + 14, hlen));
    memcpy(buf + 24, &sum, 2);
}
static uint32_t fragment(void) /* [RFC1858:3] */
{
    host_ip(buf, mac_a, peer_ip(), my_ip(), 17, 8);
    buf[20] = 0x20; /* MF */
    resum(20);
    return 60;
}
static uint32_t source_route(void)
{
    host_ip(buf, mac_a, peer_ip(), my_ip(), 17, 12);
    const uint8_t lsrr[4] = {0x83, 3, 4, 0};
    buf[14] = 0x46;
    memcpy(buf + 34, lsrr, 4);
    resum(24);
    return 60;
}
static uint32_t proto(void)
{
    host_ip(buf, mac_a, peer_ip(), my_ip(), 253, 8);
    return 60;
}
static uint32_t link_broadcast(void)
{
    host_ip(buf, mac_all, peer_ip(), my_ip(), 17, 8);
    return 60;
}
static uint32_t tcp_broadcast(void) /* [RFC9293:MUST-57] */
{
    host_ip(buf, mac_all, peer_ip(), ip(10, 0, 0, 255), 6, 20);
    return 60;
}
static uint32_t icmp_of(uint8_t type, uint32_t data, struct tern_addr dst)
{
    uint8_t *p = host_ip(buf, mac_a, peer_ip(), dst, 1, 8 + data);
    struct icmp4_msg m = {.type = type, .data = p + 8, .len = data};
    icmp4_build(p, 8 + data, &m);
    return 34 + 8 + data;
}
static uint32_t icmp_bad(void)
{
    uint32_t n = icmp_of(ICMP4_ECHO, 4, my_ip());
    buf[36] ^= 1;
    return n;
}
static uint32_t icmp_type(void)
{
    return icmp_of(ICMP4_ECHO_REPLY, 4, my_ip());
}
static uint32_t icmp_redirect(void)
{
    return icmp_of(ICMP4_REDIRECT, 28, my_ip());
}
static uint32_t icmp_no_match(void) /* about a UDP datagram that nobody sent */
{
    struct prng r;
    prng_init(&r, 1);
    uint8_t *p = host_ip(buf, mac_a, peer_ip(), my_ip(), 1, 36);
    struct ip4_out o = {.src = my_ip(), .dst = ip(8, 8, 8, 8), .len = 8, .proto = 17, .ttl = 1};
    ip4_tx(p + 8, &o, &r);
    struct icmp4_msg m = {.type = ICMP4_UNREACHABLE, .code = 3, .data = p + 8, .len = 28};
    icmp4_build(p, 36, &m);
    return 70;
}
static uint32_t echo_broadcast(void) /* smurf */
{
    uint32_t n = icmp_of(ICMP4_ECHO, 4, ip(10, 0, 0, 255));
    memcpy(buf, mac_all, 6);
    return n;
}
static uint32_t udp_of(uint16_t port, uint16_t len)
{
    uint8_t *p = host_ip(buf, mac_a, peer_ip(), my_ip(), 17, 12);
    struct udp_hdr h = {.sport = 9, .dport = port, .len = len};
    udp_build(p, 8, &h);
    return 60;
}
static uint32_t udp_bad(void)
{
    return udp_of(53, 13);
}
static uint32_t udp_no_port(void)
{
    return udp_of(5353, 12);
}

static const struct {
    uint32_t (*make)(void);
    unsigned cause;
    unsigned answer; /* cause of the frame sent back, 0 = silence */
} rows[] = {
    {short_frame, CAUSE_DROP_SHORT, 0},
    {other_mac, CAUSE_DROP_NOT_OURS_LINK, 0},
    {ethertype, CAUSE_DROP_ETHERTYPE, 0},
    {arp_bad, CAUSE_DROP_ARP_BAD, 0},
    {arp_short, CAUSE_DROP_SHORT, 0},
    {arp_not_ours, CAUSE_DROP_ARP_NOT_OURS, 0},
    {arp_unasked, CAUSE_DROP_ARP_UNASKED, 0},
    {arp_conflict, CAUSE_DROP_ARP_CONFLICT, 0},
    {rarp, CAUSE_DROP_ARP_UNASKED, 0},
    {ip_version, CAUSE_DROP_IP_VERSION, 0},
    {ip_header, CAUSE_DROP_IP_HEADER, 0},
    {ip_checksum, CAUSE_DROP_IP_CHECKSUM, 0},
    {not_ours, CAUSE_DROP_IP_NOT_OURS, 0},
    {land, CAUSE_DROP_IP_SOURCE, 0},
    {fragment, CAUSE_DROP_IP_FRAGMENT, 0},
    {source_route, CAUSE_DROP_IP_OPTION, 0},
    {proto, CAUSE_DROP_IP_PROTO, CAUSE_TX_ICMP_PROTO_UNREACH},
    {link_broadcast, CAUSE_DROP_BROADCAST, 0},
    {tcp_broadcast, CAUSE_DROP_BROADCAST, 0},
    {icmp_bad, CAUSE_DROP_ICMP_BAD, 0},
    {icmp_type, CAUSE_DROP_ICMP_TYPE, 0},
    {icmp_redirect, CAUSE_DROP_ICMP_TYPE, 0},
    {icmp_no_match, CAUSE_DROP_ICMP_NO_MATCH, 0},
    {echo_broadcast, CAUSE_DROP_BROADCAST, 0},
    {udp_bad, CAUSE_DROP_UDP_BAD, 0},
    {udp_no_port, CAUSE_DROP_UDP_NO_PORT, CAUSE_TX_ICMP_PORT_UNREACH},
};

/* Each bad frame: exactly its cause is counted once and traced once as a drop, TCP sees nothing,
 * and nothing is sent but the answer that the row names. */
static void test_every_drop(void **state)
{
    (void)state;
    host_meet(a, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t before[CAUSES];
        memcpy(before, a->trace.counter, sizeof before);
        memset(buf, 0, sizeof buf);
        struct tern_trace rec[256];
        tern_trace_read(a, rec, 256, NULL);
        host_rx(a, buf, rows[i].make(), 1);
        size_t n = tern_trace_read(a, rec, 256, NULL);
        assert_int_equal(n, 1);
        assert_int_equal(rec[0].kind, TERN_TR_DROP);
        assert_int_equal(rec[0].cause, rows[i].cause);
        assert_int_equal(rec[0].id, 99);
        for (unsigned c = 0; c < CAUSES; c++)
            if (a->trace.counter[c] != before[c] + (c == rows[i].cause))
                fail_msg("row %zu: cause %s was counted %d times", i, tern_cause_name(c),
                         (int)(a->trace.counter[c] - before[c]));
        struct tern_frame f;
        bool sent = host_tx(a, &f, 1);
        assert_int_equal(sent, rows[i].answer != 0);
        if (sent)
            assert_int_equal(f.cause, rows[i].answer);
        assert_false(host_tx(a, &f, 1));
    }
    assert_int_equal(a->tcp->rx, 0);
    struct tern_usage u;
    tern_stack_usage(a, &u);
    assert_int_equal(u.answers, 0);
    assert_int_equal(u.buf_bytes, 0);
}

/* Cut anywhere, a frame is dropped for some cause; a whole one too, if a bit is flipped in its link
 * or IP header. (Under a sanitizer this is also the proof that nothing is read beyond the frame.)
 */
static void test_every_truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(buf, 0, sizeof buf);
        uint32_t n = rows[i].make();
        for (uint32_t k = 0; k < n; k++) {
            uint8_t *cut = malloc(k ? k : 1);
            memcpy(cut, buf, k);
            struct tern_frame f = {.data = cut, .len = k};
            tern_rx(a, 0, &f, 1, ms(1));
            free(cut);
            while (host_tx(a, &f, 1))
                ;
        }
    }
    assert_int_equal(a->tcp->rx, 0);
}

/* Seeded noise: each frame of the table with some octets changed, at all alignments. Whatever is
 * made of it, no answer is larger than what it answers plus headers, and at rest nothing is held.
 */
static void test_noise(void **state)
{
    (void)state;
    struct prng r;
    struct tern_endpoint any = {.port = 53};
    struct tern_sock s;
    prng_init(&r, 11);
    assert_int_equal(tern_udp_open(a, &any, 0, &s), TERN_OK);
    tern_echo_events(a, true);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t copy[2048 + 8], got[64];
        struct tern_frame f;
        struct tern_event ev;
        memset(buf, 0, sizeof buf);
        uint32_t n = rows[prng_below(&r, sizeof rows / sizeof rows[0])].make();
        for (uint32_t k = prng_below(&r, 4); k > 0; k--)
            buf[prng_below(&r, n)] = (uint8_t)prng_next(&r);
        uint32_t at = prng_below(&r, 8);
        memcpy(copy + at, buf, n);
        host_rx(a, copy + at, n, i);
        while (host_tx(a, &f, i))
            assert_true(f.len <= n + 42 + 28);
        while (tern_event_next(a, &ev))
            ;
        tern_udp_recvfrom(a, s, got, sizeof got, NULL, NULL);
    }
    tern_tick(a, ms(100000));
    struct tern_usage u;
    tern_stack_usage(a, &u);
    assert_int_equal(u.answers, 0);
}

/* What TCP is handed: addresses, exactly the packet's octets without Ethernet padding, offload
 * state. */
static void test_tcp_gets_its_segment(void **state)
{
    (void)state;
    uint8_t *p = host_ip(buf, mac_a, peer_ip(), my_ip(), 6, 21);
    memset(p, 0x11, 21);
    struct tern_frame f = {.data = buf, .len = 60, .id = 5, .csum = TERN_CSUM_PARTIAL};
    tern_rx(a, 0, &f, 1, ms(1));
    const struct tcp *t = a->tcp;
    assert_int_equal(t->rx, 1);
    assert_int_equal(t->last.n, 21);
    assert_int_equal(t->last.id, 5);
    assert_int_equal(t->last.csum, TERN_CSUM_PARTIAL);
    assert_int_equal(t->last.gso_size, 0);
    assert_int_equal(t->last.iface, 0);
    struct tern_addr s = peer_ip(), d = my_ip();
    assert_addr(t->last.src, s);
    assert_addr(t->last.dst, d);
    assert_int_equal(t->octets[20], 0x11);
    f.gso = TERN_GSO_TCP4;
    f.gso_size = 1448;
    tern_rx(a, 0, &f, 1, ms(1));
    assert_int_equal(t->last.gso_size, 1448);
}

/* [RFC1122:3.2.2.6] the whole payload, and from the address that was asked. */
static void test_echo_is_answered(void **state)
{
    (void)state;
    host_meet(a, 0);
    static const uint32_t sizes[] = {0, 1, 56, 92, 93, 500, 1472};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint32_t len = sizes[i];
        uint8_t *p = host_ip(buf, mac_a, peer_ip(), my_ip(), 1, 8 + len);
        for (uint32_t k = 0; k < len; k++)
            p[8 + k] = (uint8_t)(k * 7);
        struct icmp4_msg m = {.type = ICMP4_ECHO, .id = 3, .seq = 4, .data = p + 8, .len = len};
        icmp4_build(p, 8 + len, &m);
        host_rx(a, buf, 42 + len, 1);
        struct tern_frame f;
        assert_true(host_tx(a, &f, 1));
        assert_int_equal(f.cause, CAUSE_TX_ICMP_ECHO_REPLY);
        assert_int_equal(f.len, 42 + len);
        assert_memory_equal(f.data, mac_b, 6);
        struct ip4_hdr h;
        struct icmp4_msg r;
        assert_int_equal(ip4_parse(f.data + 14, f.len - 14, &h), 0);
        assert_memory_equal(h.src, my_ip().b, 4);
        assert_memory_equal(h.dst, peer_ip().b, 4);
        assert_int_equal(icmp4_parse(h.data, h.len, &r), 0);
        assert_int_equal(r.type, ICMP4_ECHO_REPLY);
        assert_int_equal(r.id, 3);
        assert_int_equal(r.seq, 4);
        assert_int_equal(r.len, len);
        assert_memory_equal(r.data, p + 8, len);
    }
    assert_int_equal(a->arena.used, 0);
}

/* Taken are both broadcast UDP and a datagram with a port open. */
static void test_udp_is_delivered(void **state)
{
    (void)state;
    struct tern_endpoint any = {.port = 53};
    struct tern_sock s;
    assert_int_equal(tern_udp_open(a, &any, 0, &s), TERN_OK);
    host_rx(a, buf, udp_of(53, 12), 1);
    uint8_t *p = host_ip(buf, mac_all, peer_ip(), ip(255, 255, 255, 255), 17, 9);
    struct udp_hdr h = {.sport = 9, .dport = 53, .len = 9};
    udp_build(p, 8, &h);
    host_rx(a, buf, 60, 1);
    uint8_t got[8];
    struct tern_endpoint from, to;
    assert_int_equal(tern_udp_recvfrom(a, s, got, 8, &from, &to), 4);
    assert_int_equal(tern_udp_recvfrom(a, s, got, 8, &from, &to), 1);
    struct tern_addr all = ip(255, 255, 255, 255);
    assert_addr(to.addr, all);
    assert_int_equal(count(a, CAUSE_RX_UDP), 2);
    /* a full queue is a drop without an answer */
    assert_int_equal(tern_setopt(a, s, TERN_OPT_RCVBUF, 0, ms(1)), TERN_OK);
    for (int i = 0; i < 100; i++)
        host_rx(a, buf, udp_of(53, 12), 1);
    assert_true(count(a, CAUSE_DROP_UDP_QUEUE) > 0);
    struct tern_frame f;
    assert_false(host_tx(a, &f, 1));
}

/* A quoted TCP segment reaches tcp_icmp() with its ports and sequence number. */
static void test_icmp_error_reaches_tcp(void **state)
{
    (void)state;
    struct prng r;
    prng_init(&r, 1);
    uint8_t *p = host_ip(buf, mac_a, ip(10, 0, 0, 254), my_ip(), 1, 36);
    struct ip4_out o = {.src = my_ip(), .dst = ip(8, 8, 8, 8), .len = 40, .proto = 6, .ttl = 1};
    ip4_tx(p + 8, &o, &r);
    be16_store(p + 28, 1234);
    be16_store(p + 30, 80);
    be32_store(p + 32, 0x01020304);
    struct icmp4_msg m = {.type = ICMP4_UNREACHABLE, .code = 1, .data = p + 8, .len = 28};
    icmp4_build(p, 36, &m);
    host_rx(a, buf, 70, 1);
    assert_int_equal(a->tcp->icmp, 1);
    assert_int_equal(a->tcp->icmp_local.port, 1234);
    assert_int_equal(a->tcp->icmp_remote.port, 80);
    assert_int_equal(a->tcp->icmp_seq, 0x01020304);
    assert_int_equal(a->tcp->icmp_err, TERN_EHOSTUNREACH);
    assert_int_equal(count(a, CAUSE_DROP_ICMP_TAKEN), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_drop, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_every_truncation, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_noise, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_tcp_gets_its_segment, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_echo_is_answered, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_udp_is_delivered, setup, host_teardown),
        cmocka_unit_test_setup_teardown(test_icmp_error_reaches_tcp, setup, host_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
