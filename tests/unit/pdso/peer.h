/* SPDX-License-Identifier: BSD-2-Clause */
/* The peer of these tests: makes IP packets with a TCP segment in them, and reads the stack's. */
#ifndef UNIT_PDSO_PEER_H
#define UNIT_PDSO_PEER_H

#include "base/cksum.h"
#include "wire/ip4.h"
#include "wire/tcp.h"

#include <string.h>

static const uint8_t here[4] = {192, 168, 0, 1}, there[4] = {192, 0, 2, 1};

/* A packet from `src` to `dst` with this segment; its length. */
static inline uint32_t peer_packet(uint8_t *p, const uint8_t *src, const uint8_t *dst,
                                   const struct tcp_seg *s)
{
    size_t n = tcp_build(p + IP4_HDR_LEN, TCP_HDR_MAX, s);
    memset(p + IP4_HDR_LEN + n, 0, s->len);
    n += s->len;
    struct ip4_hdr h = {.proto = IP4_PROTO_TCP, .ttl = 255, .len = (uint32_t)n};
    memcpy(h.src, src, 4);
    memcpy(h.dst, dst, 4);
    (void)ip4_build(p, IP4_HDR_LEN, &h);
    uint64_t sum = cksum_add(cksum_pseudo4(src, dst, IP4_PROTO_TCP, (uint32_t)n),
                             cksum_ops(0)->sum(p + IP4_HDR_LEN, n));
    uint16_t v = cksum_fold(sum);
    memcpy(p + IP4_HDR_LEN + TCP_CSUM_OFF, &v, 2);
    return (uint32_t)(IP4_HDR_LEN + n);
}

#endif
