/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/eth.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/causes.h"

int eth_parse(const uint8_t *p, size_t n, struct eth_hdr *out)
{
    if (n < ETH_HDR_LEN)
        return CAUSE_DROP_SHORT;
    memcpy(out->dst, p, 6);
    memcpy(out->src, p + 6, 6);
    out->type = be16_load(p + 12);
    return 0;
}

size_t eth_build(uint8_t *p, size_t cap, const struct eth_hdr *h)
{
    tern_assert(cap >= ETH_HDR_LEN);
    memcpy(p, h->dst, 6);
    memcpy(p + 6, h->src, 6);
    be16_store(p + 12, h->type);
    return ETH_HDR_LEN;
}
