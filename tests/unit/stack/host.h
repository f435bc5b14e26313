/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack/host.h: stacks for tests: "a" is 10.0.0.1/24 with gateway 10.0.0.254, "b" is 10.0.0.2/24;
 * frames are carried between them by hand, and made by hand where a test wants a bad one.
 */
#ifndef STACK_HOST_H
#define STACK_HOST_H

#include "base/bytes.h"
#include "net/ip4_tx.h"
#include "stack/stack.h"
#include "unit/stack/fake_tcp.h"
#include "unit/support/ip.h"
#include "wire/eth.h"
#include "wire/udp.h"

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 1}, mac_b[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t mac_all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

#define HOST_MAX  4
#define FRAME_CAP 65600

struct host {
    void *mem;
    struct tern_stack *st;
};
static struct host host_all[HOST_MAX];
static unsigned host_n;

static inline struct tern_config host_config(void)
{
    struct tern_config c;
    tern_config_init(&c);
    memset(c.seed, 0x5e, sizeof c.seed);
    c.max_udp = 8;
    c.max_neigh = 8;
    c.max_answers = 16;
    c.buf_bytes = 1u << 20;
    c.trace_records = 256;
    c.max_conns = 16;
    c.max_half_open = 16;
    c.max_time_wait = 16;
    c.max_ooo = 64;
    c.max_sent = 1024;
    return c;
}

static inline struct tern_stack *host_make(const struct tern_config *c)
{
    struct host *h = &host_all[host_n++];
    size_t size = tern_stack_size(c);
    assert_int_not_equal(size, 0);
    h->mem = aligned_alloc(4096, (size + 4095) & ~(size_t)4095);
    memset(h->mem, 0, size);
    h->st = tern_stack_init(h->mem, size, c, ms(0));
    assert_non_null(h->st);
    return h->st;
}

static inline struct tern_iface_config host_iface(bool b)
{
    struct tern_iface_config c = {.link = TERN_LINK_ETHER, .mtu = 1500};
    memcpy(c.mac, b ? mac_b : mac_a, 6);
    c.addr[0].addr = ip(10, 0, 0, b ? 2 : 1);
    c.addr[0].prefix = 24;
    c.gateway = ip(10, 0, 0, 254);
    return c;
}

/* A stack with its announcement already sent. */
static inline struct tern_stack *host_up(bool b)
{
    struct tern_config c = host_config();
    struct tern_iface_config ic = host_iface(b);
    struct tern_stack *st = host_make(&c);
    assert_int_equal(tern_iface_add(st, &ic), 0);
    static uint8_t buf[FRAME_CAP];
    struct tern_frame f = {.data = buf, .cap = sizeof buf};
    assert_int_equal(tern_tx(st, 0, &f, 1, ms(0)), 1);
    assert_int_equal(f.cause, CAUSE_TX_ARP_ANNOUNCE);
    return st;
}

static int host_teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < host_n; i++)
        free(host_all[i].mem);
    host_n = 0;
    return 0;
}

/* The next frame that a stack sends, or false. */
static uint8_t host_buf[FRAME_CAP];
static inline bool host_tx(struct tern_stack *st, struct tern_frame *f, int64_t at)
{
    *f = (struct tern_frame){.data = host_buf, .cap = sizeof host_buf};
    return tern_tx(st, 0, f, 1, ms(at)) == 1;
}

/* Carries frames until both are silent; returns how many. */
static inline unsigned host_exchange(struct tern_stack *a, struct tern_stack *b, int64_t at)
{
    unsigned n = 0, before;
    struct tern_frame f;
    do {
        before = n;
        for (; host_tx(a, &f, at); n++)
            tern_rx(b, 0, &f, 1, ms(at));
        for (; host_tx(b, &f, at); n++)
            tern_rx(a, 0, &f, 1, ms(at));
        assert_true(n < 10000);
    } while (n != before);
    return n;
}

static inline void host_rx(struct tern_stack *st, const uint8_t *p, uint32_t len, int64_t at)
{
    struct tern_frame f = {.data = (uint8_t *)(uintptr_t)p, .len = len, .id = 99};
    tern_rx(st, 0, &f, 1, ms(at));
}

/* An Ethernet frame with an IPv4 packet: payload of len octets is put at the returned place. */
static inline uint8_t *host_ip(uint8_t *buf, const uint8_t dst_mac[6], struct tern_addr src,
                               struct tern_addr dst, uint8_t proto, uint32_t len)
{
    struct prng r;
    prng_init(&r, 1);
    struct eth_hdr e = {.type = ETH_TYPE_IP4};
    memcpy(e.dst, dst_mac, 6);
    memcpy(e.src, mac_b, 6);
    eth_build(buf, 14, &e);
    struct ip4_out o = {.src = src, .dst = dst, .len = len, .proto = proto, .ttl = 64};
    ip4_tx(buf + 14, &o, &r);
    memset(buf + 34, 0, len);
    return buf + 34;
}

/* Makes b's MAC known to a without a question. */
static inline void host_meet(struct tern_stack *a, int64_t at)
{
    uint8_t buf[60] = {0};
    struct eth_hdr e = {.type = ETH_TYPE_ARP};
    memcpy(e.dst, mac_a, 6);
    memcpy(e.src, mac_b, 6);
    eth_build(buf, 14, &e);
    struct arp_pkt p = {.op = ARP_OP_REQUEST, .spa = {10, 0, 0, 2}, .tpa = {10, 0, 0, 1}};
    memcpy(p.sha, mac_b, 6);
    arp_build(buf + 14, 28, &p);
    host_rx(a, buf, sizeof buf, at);
    struct tern_frame f;
    assert_true(host_tx(a, &f, at));
    assert_int_equal(f.cause, CAUSE_TX_ARP_REPLY);
}

static inline uint64_t count(const struct tern_stack *st, unsigned cause)
{
    return tern_counter(st, cause);
}

#endif
