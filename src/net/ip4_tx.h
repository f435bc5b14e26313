/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/ip4_tx.h: the IPv4 header of packets that this host sends.
 *
 * TCP sets DF and identification 0: an atomic datagram needs none, and a zero tells nobody anything
 * [RFC6864:4.1]. Others may be fragmented on the way, so they get a number from the generator
 * given: not to be guessed by a stranger, unlike a counter.
 */
#ifndef NET_IP4_TX_H
#define NET_IP4_TX_H

#include "base/addr.h"
#include "base/assert.h"
#include "base/cksum.h"
#include "base/prng.h"
#include "wire/ip4.h"

struct ip4_out {
    struct tern_addr src, dst;
    uint32_t len;  /* octets of payload, <= 65515 */
    uint8_t proto; /* enum ip4_proto */
    uint8_t ttl, tos;
    bool df;
};

/* The eight constant-or-cheap words are summed as they are stored: the checksum costs no second
 * walk over the header. Of *o, src and dst are not read: they are given as they lie in memory. */
static inline void ip4_tx_put(uint8_t *p, const struct ip4_out *o, uint32_t src, uint32_t dst,
                              struct prng *ids)
{
    tern_assert(o->len <= IP4_MAX_LEN - IP4_HDR_LEN && o->ttl != 0); /* [RFC1122:3.2.1.7] */
    uint32_t total = IP4_HDR_LEN + o->len;
    uint32_t id = o->df ? 0 : (uint32_t)(prng_next(ids) >> 48); /* [RFC9293:MAY-4] [RFC6864:4.1] */
    uint32_t w0 = __builtin_bswap32(0x45000000u | (uint32_t)o->tos << 16 | total);
    uint32_t w1 = __builtin_bswap32(id << 16 | (o->df ? 0x4000u : 0u));
    uint32_t w2 = __builtin_bswap32((uint32_t)o->ttl << 24 | (uint32_t)o->proto << 16);
    w2 |= (uint32_t)cksum_fold((uint64_t)w0 + w1 + w2 + src + dst) << 16;
    memcpy(p, &w0, 4);
    memcpy(p + 4, &w1, 4);
    memcpy(p + 8, &w2, 4);
    memcpy(p + 12, &src, 4);
    memcpy(p + 16, &dst, 4);
}

/* Writes the IP4_HDR_LEN octets in front of a payload. */
void ip4_tx(uint8_t *p, const struct ip4_out *o, struct prng *ids);

#endif
