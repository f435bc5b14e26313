/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/udp.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/causes.h"
#include "wire/ip4.h"

int udp_parse(const uint8_t *p, size_t n, struct udp_hdr *out)
{
    if (n < UDP_HDR_LEN)
        return CAUSE_DROP_SHORT;
    uint16_t len = be16_load(p + 4);
    if (len < UDP_HDR_LEN || len > n)
        return CAUSE_DROP_UDP_BAD;
    out->sport = be16_load(p);
    out->dport = be16_load(p + 2);
    out->len = len;
    out->csum = be16_load(p + UDP_CSUM_OFF);
    return 0;
}

size_t udp_build(uint8_t *p, size_t cap, const struct udp_hdr *h)
{
    tern_assert(cap >= UDP_HDR_LEN && h->len >= UDP_HDR_LEN);
    be16_store(p, h->sport);
    be16_store(p + 2, h->dport);
    be16_store(p + 4, h->len);
    be16_store(p + UDP_CSUM_OFF, h->csum);
    return UDP_HDR_LEN;
}

static uint16_t udp_cksum4(const struct cksum_ops *ck, const uint8_t src[4], const uint8_t dst[4],
                           const uint8_t *p, uint16_t len)
{
    uint64_t sum = cksum_pseudo4(src, dst, IP4_PROTO_UDP, len);
    return cksum_fold(cksum_add(sum, ck->sum(p, len)));
}

bool udp_cksum4_ok(const struct cksum_ops *ck, const uint8_t src[4], const uint8_t dst[4],
                   const uint8_t *p, const struct udp_hdr *h)
{
    tern_assert(h->len >= UDP_HDR_LEN);
    return h->csum == 0 || udp_cksum4(ck, src, dst, p, h->len) == 0;
}

void udp_cksum4_set(const struct cksum_ops *ck, const uint8_t src[4], const uint8_t dst[4],
                    uint8_t *p, uint16_t len)
{
    tern_assert(len >= UDP_HDR_LEN);
    memset(p + UDP_CSUM_OFF, 0, 2);
    uint16_t sum = udp_cksum4(ck, src, dst, p, len);
    if (sum == 0)
        sum = 0xffff;
    memcpy(p + UDP_CSUM_OFF, &sum, 2);
}
