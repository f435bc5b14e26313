/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/ip4_tx.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cksum.h"

/* The eight constant-or-cheap words are summed as they are stored: the checksum costs no second
 * walk over the header. */
void ip4_tx(uint8_t *p, const struct ip4_out *o, struct prng *ids)
{
    tern_assert(o->src.fam == TERN_AF_IP4 && o->dst.fam == TERN_AF_IP4);
    tern_assert(o->len <= IP4_MAX_LEN - IP4_HDR_LEN && o->ttl != 0); /* [RFC1122:3.2.1.7] */
    uint32_t total = IP4_HDR_LEN + o->len;
    uint32_t id = o->df ? 0 : (uint32_t)(prng_next(ids) >> 48); /* [RFC9293:MAY-4] [RFC6864:4.1] */
    uint32_t w0 = __builtin_bswap32(0x45000000u | (uint32_t)o->tos << 16 | total);
    uint32_t w1 = __builtin_bswap32(id << 16 | (o->df ? 0x4000u : 0u));
    uint32_t w2 = __builtin_bswap32((uint32_t)o->ttl << 24 | (uint32_t)o->proto << 16);
    uint32_t src = addr_ip(&o->src), dst = addr_ip(&o->dst);
    uint16_t sum = cksum_fold((uint64_t)w0 + w1 + w2 + src + dst);
    memcpy(p, &w0, 4);
    memcpy(p + 4, &w1, 4);
    memcpy(p + 8, &w2, 4);
    memcpy(p + 10, &sum, 2);
    memcpy(p + 12, &src, 4);
    memcpy(p + 16, &dst, 4);
}
