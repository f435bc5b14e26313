/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "unit/udp/bench.h"

static const struct tern_addr none;

/* [RFC1122:4.1.3.5] the application sees both ends; the full length of a datagram cut short too. */
static void test_receive(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct tern_endpoint peer = ep(ip(10, 0, 0, 9), 7), me = ep(ip(10, 0, 0, 1), 53), from, to;
    char buf[16] = "";
    assert_int_equal(udp_recvfrom(&t.u, s, buf, 16, NULL, NULL), TERN_EAGAIN);
    assert_int_equal(deliver(peer, me, "hello", 5), CAUSE_RX_UDP);
    assert_int_equal(deliver(peer, me, "", 0), CAUSE_RX_UDP);
    assert_int_equal(deliver(peer, me, "longer", 6), CAUSE_RX_UDP);
    assert_int_equal(udp_recvfrom(&t.u, s, buf, 16, &from, &to), 5);
    assert_memory_equal(buf, "hello", 5);
    assert_addr(from.addr, peer.addr);
    assert_int_equal(from.port, 7);
    assert_addr(to.addr, me.addr);
    assert_int_equal(to.port, 53);
    assert_int_equal(udp_recvfrom(&t.u, s, buf, 16, NULL, NULL), 0);
    assert_int_equal(udp_recvfrom(&t.u, s, buf, 2, NULL, NULL), 6);
    assert_memory_equal(buf, "lollo", 5);
    assert_int_equal(udp_recvfrom(&t.u, s, buf, 16, NULL, NULL), TERN_EAGAIN);
    assert_int_equal(t.arena.used, 0);
}

static void test_best_port_wins(void **state)
{
    (void)state;
    struct tern_endpoint all = {0}, peer = ep(ip(10, 0, 0, 9), 7), other = ep(ip(10, 0, 0, 9), 8);
    struct tern_addr one = ip(10, 0, 0, 1), two = ip(10, 0, 0, 2), three = ip(10, 0, 0, 3);
    struct tern_sock any, bound = open_at(one, 53), conn = open_at(two, 53);
    assert_int_equal(udp_open(&t.u, &all, TERN_UDP_ANY, &any), TERN_OK);
    assert_int_equal(udp_connect(&t.u, conn, &two, &peer), TERN_OK);
    char c;
    deliver(peer, ep(one, 53), "b", 1);
    deliver(peer, ep(two, 53), "c", 1);
    deliver(other, ep(two, 53), "a", 1); /* not its peer: it falls to the port for all */
    deliver(peer, ep(three, 53), "a", 1);
    deliver(peer, ep(one, 54), "a", 1);
    assert_int_equal(udp_recvfrom(&t.u, bound, &c, 1, NULL, NULL), 1);
    assert_int_equal(c, 'b');
    assert_int_equal(udp_recvfrom(&t.u, conn, &c, 1, NULL, NULL), 1);
    assert_int_equal(c, 'c');
    for (int i = 0; i < 3; i++) {
        assert_int_equal(udp_recvfrom(&t.u, any, &c, 1, NULL, NULL), 1);
        assert_int_equal(c, 'a');
    }
    assert_int_equal(udp_recvfrom(&t.u, any, &c, 1, NULL, NULL), TERN_EAGAIN);
    udp_close(&t.u, any);
    assert_int_equal(deliver(other, ep(two, 53), "a", 1), CAUSE_DROP_UDP_NO_PORT);
}

/* Ports that overlap cannot be opened today; made by hand, the one that says most about the
 * datagram wins, whichever came first. */
static void test_most_exact_port_wins(void **state)
{
    (void)state;
    struct tern_endpoint peer = ep(ip(10, 0, 0, 9), 7);
    struct tern_addr one = ip(10, 0, 0, 1);
    struct tern_sock s[3];
    for (unsigned order = 0; order < 3; order++) {
        setup(NULL);
        for (unsigned i = 0; i < 3; i++)
            s[i] = open_at(ip(10, 0, 1, i), 53);
        struct udp_port *all = udp_find(&t.u, s[order]),
                        *bound = udp_find(&t.u, s[(order + 1) % 3]),
                        *conn = udp_find(&t.u, s[(order + 2) % 3]);
        all->local.addr = none;
        bound->local.addr = conn->local.addr = one;
        conn->remote = peer;
        deliver(peer, ep(one, 53), "c", 1);
        assert_true(conn->rx.len > 0 && bound->rx.len == 0 && all->rx.len == 0);
        deliver(ep(ip(10, 0, 0, 8), 7), ep(one, 53), "b", 1);
        assert_true(bound->rx.len > 0 && all->rx.len == 0);
        deliver(peer, ep(ip(10, 0, 0, 3), 53), "a", 1);
        assert_true(all->rx.len > 0);
    }
}

/* [RFC1122:4.1.3.4] */
static void test_checksums(void **state)
{
    (void)state;
    open_at(none, 53);
    struct tern_addr src = ip(10, 0, 0, 9), dst = ip(10, 0, 0, 1);
    uint8_t buf[12] = {0, 7, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4};
    struct udp_pkt pkt = {.src = src, .dst = dst, .p = buf, .n = 12};
    uint16_t ports[2] = {0};
    assert_int_equal(udp_rx(&t.u, &pkt, ports), CAUSE_RX_UDP); /* zero: the sender made none */
    assert_int_equal(ports[0], 7);
    assert_int_equal(ports[1], 53);
    udp_cksum4_set(t.u.ck, src.b, dst.b, buf, 12);
    assert_int_equal(udp_rx(&t.u, &pkt, ports), CAUSE_RX_UDP);
    buf[9] ^= 4;
    assert_int_equal(udp_rx(&t.u, &pkt, ports), CAUSE_DROP_UDP_BAD);
    pkt.csum = TERN_CSUM_OK;
    assert_int_equal(udp_rx(&t.u, &pkt, ports), CAUSE_RX_UDP);
    pkt.csum = TERN_CSUM_PARTIAL;
    assert_int_equal(udp_rx(&t.u, &pkt, ports), CAUSE_RX_UDP);
}

static void test_malformed(void **state)
{
    (void)state;
    open_at(none, 53);
    uint8_t buf[12] = {0, 7, 0, 53, 0, 12};
    struct udp_pkt pkt = {.src = ip(10, 0, 0, 9), .dst = ip(10, 0, 0, 1), .p = buf, .n = 7};
    uint16_t ports[2];
    assert_int_equal(udp_rx(&t.u, &pkt, ports), CAUSE_DROP_SHORT);
    pkt.n = 11; /* length field beyond the packet */
    assert_int_equal(udp_rx(&t.u, &pkt, ports), CAUSE_DROP_UDP_BAD);
    pkt.n = 12;
    buf[5] = 7;
    assert_int_equal(udp_rx(&t.u, &pkt, ports), CAUSE_DROP_UDP_BAD);
    buf[5] = 8;
    buf[3] = 0; /* port 0 */
    assert_int_equal(udp_rx(&t.u, &pkt, ports), CAUSE_DROP_UDP_BAD);
}

static void test_queue_limit(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct tern_endpoint peer = ep(ip(10, 0, 0, 9), 7), me = ep(ip(10, 0, 0, 1), 53);
    static uint8_t big[4000];
    udp_setopt(&t.u, s, TERN_OPT_RCVBUF, 16384);
    unsigned n = 0;
    while (deliver(peer, me, big, sizeof big) == CAUSE_RX_UDP)
        n++;
    assert_int_equal(n, 16384 / (sizeof big + sizeof(struct udp_rec)));
    assert_int_equal(deliver(peer, me, big, sizeof big), CAUSE_DROP_UDP_QUEUE);
    assert_int_equal(udp_recvfrom(&t.u, s, big, sizeof big, NULL, NULL), sizeof big);
    assert_int_equal(deliver(peer, me, big, sizeof big), CAUSE_RX_UDP);
    while (udp_recvfrom(&t.u, s, big, sizeof big, NULL, NULL) > 0)
        ;
    t.fault.fail_at = 1;
    assert_int_equal(deliver(peer, me, big, 1), CAUSE_DROP_UDP_QUEUE);
    assert_int_equal(deliver(peer, me, big, 1), CAUSE_RX_UDP);
}

/* Seeded sizes in and out keep order, length and content. */
static void test_order_and_content(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct tern_endpoint peer = ep(ip(10, 0, 0, 9), 7), me = ep(ip(10, 0, 0, 1), 53);
    static uint8_t data[9000], got[9000];
    struct prng r;
    prng_init(&r, 5);
    uint32_t put = 0, taken = 0, len[64];
    for (int i = 0; i < 3000; i++) {
        if (prng_chance(&r, 0.5) && put - taken < 64) {
            uint32_t n = prng_below(&r, sizeof data);
            memset(data, (int)(put & 0xff), n);
            if (deliver(peer, me, data, n) == CAUSE_RX_UDP)
                len[put++ % 64] = n;
        } else if (put != taken) {
            assert_int_equal(udp_recvfrom(&t.u, s, got, sizeof got, NULL, NULL), len[taken % 64]);
            for (uint32_t k = 0; k < len[taken % 64]; k += 7)
                assert_int_equal(got[k], taken & 0xff);
            taken++;
        }
    }
    assert_true(put > 1000);
}

/* [RFC1122:4.1.3.3] told to the connected port, once, by whichever call comes first. */
static void test_icmp_errors(void **state)
{
    (void)state;
    struct tern_addr one = ip(10, 0, 0, 1);
    struct tern_endpoint peer = ep(ip(10, 0, 0, 9), 7), me = ep(one, 53), me2 = ep(one, 54),
                         other = ep(ip(10, 0, 0, 9), 8);
    struct tern_sock conn = open_at(one, 53), plain = open_at(one, 54);
    udp_connect(&t.u, conn, &one, &peer);
    char c;
    assert_int_equal(udp_icmp(&t.u, &me2, &peer, TERN_ECONNREFUSED), CAUSE_DROP_ICMP_NO_MATCH);
    assert_int_equal(udp_icmp(&t.u, &me, &other, TERN_ECONNREFUSED), CAUSE_DROP_ICMP_NO_MATCH);
    assert_int_equal(udp_recvfrom(&t.u, plain, &c, 1, NULL, NULL), TERN_EAGAIN);
    assert_int_equal(udp_icmp(&t.u, &me, &peer, TERN_ECONNREFUSED), CAUSE_DROP_ICMP_TAKEN);
    struct tern_event ev;
    assert_true(udp_event_next(&t.u, &ev));
    assert_int_equal(ev.sock.id, conn.id);
    assert_int_equal(udp_recvfrom(&t.u, conn, &c, 1, NULL, NULL), TERN_ECONNREFUSED);
    assert_int_equal(udp_recvfrom(&t.u, conn, &c, 1, NULL, NULL), TERN_EAGAIN);
    udp_icmp(&t.u, &me, &peer, TERN_EHOSTUNREACH);
    struct udp_send how = {.from = me, .to = peer, .max = 100};
    assert_int_equal(udp_sendto(&t.u, conn, &how, "x", 1), TERN_EHOSTUNREACH);
    assert_int_equal(udp_sendto(&t.u, conn, &how, "x", 1), TERN_OK);
    int64_t v;
    udp_icmp(&t.u, &me, &peer, TERN_EACCES);
    assert_int_equal(udp_getopt(&t.u, conn, TERN_OPT_ERROR, &v), TERN_OK);
    assert_int_equal(v, -TERN_EACCES);
    assert_int_equal(udp_getopt(&t.u, conn, TERN_OPT_ERROR, &v), TERN_OK);
    assert_int_equal(v, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_receive, setup),
        cmocka_unit_test_setup(test_best_port_wins, setup),
        cmocka_unit_test_setup(test_most_exact_port_wins, setup),
        cmocka_unit_test_setup(test_checksums, setup),
        cmocka_unit_test_setup(test_malformed, setup),
        cmocka_unit_test_setup(test_queue_limit, setup),
        cmocka_unit_test_setup(test_order_and_content, setup),
        cmocka_unit_test_setup(test_icmp_errors, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
