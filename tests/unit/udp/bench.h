/* SPDX-License-Identifier: BSD-2-Clause */
/* udp/bench.h: a struct udp of MAX ports in static memory, and datagrams made by hand. */
#ifndef UDP_BENCH_H
#define UDP_BENCH_H

#include "udp/udp.h"
#include "unit/support/ip.h"
#include "wire/udp.h"

#define MAX   8
#define ARENA (1u << 20)

static struct {
    _Alignas(64) uint8_t mem[8192];
    _Alignas(64) uint8_t arena_mem[ARENA];
    _Alignas(64) uint8_t meta[ARENA / BUDDY_MIN * 16];
    struct buddy arena;
    struct pool_fault fault;
    struct udp u;
} t;

static int setup(void **state)
{
    (void)state;
    memset(&t.mem, 0, sizeof t.mem);
    memset(&t.fault, 0, sizeof t.fault);
    buddy_init(&t.arena, t.arena_mem, ARENA, t.meta, &t.fault);
    struct udp_setup s = {.max = MAX,
                          .port_lo = 40000,
                          .port_hi = 40003,
                          .ttl = 64,
                          .arena = &t.arena,
                          .fault = &t.fault,
                          .ck = cksum_ops(0),
                          .key = {1, 2},
                          .seed = 3};
    udp_init(&t.u, t.mem, &s);
    return 0;
}

static inline struct tern_sock open_at(struct tern_addr a, unsigned port)
{
    struct tern_sock s = {0};
    struct tern_endpoint e = ep(a, port);
    if (udp_open(&t.u, &e, 0, &s) != TERN_OK)
        s.id = 0;
    return s;
}

/* Delivers a datagram with a correct checksum. */
static inline unsigned deliver(struct tern_endpoint from, struct tern_endpoint to, const void *data,
                               uint32_t len)
{
    static uint8_t buf[70000];
    struct udp_hdr h = {.sport = from.port, .dport = to.port, .len = (uint16_t)(8 + len)};
    udp_build(buf, sizeof buf, &h);
    if (len)
        memcpy(buf + 8, data, len);
    udp_cksum4_set(t.u.ck, from.addr.b, to.addr.b, buf, h.len);
    struct udp_pkt pkt = {.src = from.addr, .dst = to.addr, .p = buf, .n = h.len};
    uint16_t ports[2];
    return udp_rx(&t.u, &pkt, ports);
}

#endif
