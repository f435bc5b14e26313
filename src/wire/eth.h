/* SPDX-License-Identifier: BSD-2-Clause */
/* wire/eth.h: the Ethernet II header, RFC 894. No VLAN tags, no 802.3 length framing. */
#ifndef WIRE_ETH_H
#define WIRE_ETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETH_HDR_LEN  14u
#define ETH_ADDR_LEN 6u

#define ETH_TYPE_IP4  0x0800
#define ETH_TYPE_ARP  0x0806
#define ETH_TYPE_RARP 0x8035
#define ETH_TYPE_IP6  0x86dd

struct eth_hdr {
    uint8_t dst[6], src[6];
    uint16_t type; /* ETH_TYPE_*, or any other value */
};

/* Reads the header at p; the payload is what follows its ETH_HDR_LEN octets. 0 or CAUSE_DROP_SHORT.
 */
int eth_parse(const uint8_t *p, size_t n, struct eth_hdr *out);

/* Writes the header to p (cap >= ETH_HDR_LEN) and returns its length. */
size_t eth_build(uint8_t *p, size_t cap, const struct eth_hdr *h);

/* A multicast or broadcast address: the first octet's lowest bit. */
static inline bool eth_is_group(const uint8_t addr[6])
{
    return addr[0] & 1;
}

#endif
