/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/ip4.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/causes.h"
#include "base/cksum.h"

#define IP4_DF        0x4000
#define IP4_MF        0x2000
#define IP4_FRAG_MASK 0x1fff

enum { IP4_OPT_END = 0, IP4_OPT_NOP = 1, IP4_OPT_LSRR = 131, IP4_OPT_SSRR = 137 };

/* The checksum over a header of hlen octets, a multiple of 4. */
static inline uint16_t ip4_header_cksum(const uint8_t *p, size_t hlen)
{
    return cksum_fold(cksum_header(p, (uint32_t)hlen));
}

int ip4_parse(const uint8_t *p, size_t n, struct ip4_hdr *out)
{
    if (n < IP4_HDR_LEN)
        return CAUSE_DROP_SHORT;
    if (p[0] >> 4 != 4)
        return CAUSE_DROP_IP_VERSION;
    size_t hlen = (size_t)(p[0] & 15) * 4, total = be16_load(p + 2);
    if (hlen < IP4_HDR_LEN)
        return CAUSE_DROP_IP_HEADER;
    if (hlen > n)
        return CAUSE_DROP_SHORT;
    if (ip4_header_cksum(p, hlen) != 0)
        return CAUSE_DROP_IP_CHECKSUM;
    uint16_t frag = be16_load(p + 6);
    uint32_t at = (frag & (uint32_t)IP4_FRAG_MASK) * 8;
    if (total < hlen || total > n || (at != 0 && at + (total - hlen) > IP4_MAX_LEN))
        return CAUSE_DROP_IP_HEADER;
    memcpy(out->src, p + 12, 4);
    memcpy(out->dst, p + 16, 4);
    out->tos = p[1];
    out->ttl = p[8];
    out->proto = p[9];
    out->df = (frag & IP4_DF) != 0;
    out->mf = (frag & IP4_MF) != 0;
    out->id = be16_load(p + 4);
    out->frag = (uint16_t)at;
    out->optlen = (uint8_t)(hlen - IP4_HDR_LEN);
    out->opt = p + IP4_HDR_LEN;
    out->data = p + hlen;
    out->len = (uint32_t)(total - hlen);
    return 0;
}

int ip4_options_check(const struct ip4_hdr *h)
{
    tern_assert(h->optlen <= 40);
    if (h->optlen == 0)
        return 0;
    struct rd r = rd_of(h->opt, h->optlen);
    while (rd_left(&r) > 0) {
        uint8_t kind = rd_u8(&r);
        if (kind == IP4_OPT_END)
            return 0;
        if (kind == IP4_OPT_NOP)
            continue;
        uint8_t len = rd_u8(&r);
        if (len < 2 || rd_take(&r, len - 2u) == NULL) /* [RFC9293:MUST-50] */
            return CAUSE_DROP_IP_HEADER;
        if (kind == IP4_OPT_LSRR || kind == IP4_OPT_SSRR)
            return CAUSE_DROP_IP_OPTION;
    }
    return 0;
}

size_t ip4_build(uint8_t *p, size_t cap, const struct ip4_hdr *h)
{
    tern_assert(cap >= IP4_HDR_LEN && h->optlen == 0);
    tern_assert(h->len <= IP4_MAX_LEN - IP4_HDR_LEN && h->frag % 8 == 0);
    p[0] = 0x45;
    p[1] = h->tos;
    be16_store(p + 2, (uint16_t)(IP4_HDR_LEN + h->len));
    be16_store(p + 4, h->id);
    be16_store(p + 6, (uint16_t)(h->frag / 8 | (h->df ? IP4_DF : 0) | (h->mf ? IP4_MF : 0)));
    p[8] = h->ttl;
    p[9] = h->proto;
    memset(p + 10, 0, 2);
    memcpy(p + 12, h->src, 4);
    memcpy(p + 16, h->dst, 4);
    uint16_t sum = ip4_header_cksum(p, IP4_HDR_LEN);
    memcpy(p + 10, &sum, 2);
    return IP4_HDR_LEN;
}
