/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/arp.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/causes.h"

#define ARP_HW_ETHERNET 1
#define ARP_PROTO_IP4   0x0800

int arp_parse(const uint8_t *p, size_t n, struct arp_pkt *out)
{
    if (n < ARP_PKT_LEN)
        return CAUSE_DROP_SHORT;
    uint16_t op = be16_load(p + 6);
    if (be16_load(p) != ARP_HW_ETHERNET || be16_load(p + 2) != ARP_PROTO_IP4 || p[4] != 6 ||
        p[5] != 4 || op < ARP_OP_REQUEST || op > ARP_OP_RARP_REPLY)
        return CAUSE_DROP_ARP_BAD;
    out->op = op;
    memcpy(out->sha, p + 8, 6);
    memcpy(out->spa, p + 14, 4);
    memcpy(out->tha, p + 18, 6);
    memcpy(out->tpa, p + 24, 4);
    return 0;
}

size_t arp_build(uint8_t *p, size_t cap, const struct arp_pkt *a)
{
    tern_assert(cap >= ARP_PKT_LEN);
    tern_assert(a->op >= ARP_OP_REQUEST && a->op <= ARP_OP_RARP_REPLY);
    be16_store(p, ARP_HW_ETHERNET);
    be16_store(p + 2, ARP_PROTO_IP4);
    p[4] = 6;
    p[5] = 4;
    be16_store(p + 6, a->op);
    memcpy(p + 8, a->sha, 6);
    memcpy(p + 14, a->spa, 4);
    memcpy(p + 18, a->tha, 6);
    memcpy(p + 24, a->tpa, 4);
    return ARP_PKT_LEN;
}
