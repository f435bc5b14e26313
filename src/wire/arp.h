/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire/arp.h: ARP and RARP packets for IPv4 over Ethernet, RFC 826 and RFC 903. Both have the same
 * layout; which one a packet is, its Ethernet type and its opcode say.
 */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H

#include <stddef.h>
#include <stdint.h>

#define ARP_PKT_LEN 28u

enum arp_op {
    ARP_OP_REQUEST = 1,
    ARP_OP_REPLY = 2,
    ARP_OP_RARP_REQUEST = 3,
    ARP_OP_RARP_REPLY = 4,
};

struct arp_pkt {
    uint16_t op;    /* enum arp_op, nothing else */
    uint8_t sha[6]; /* sender's Ethernet address, as it claims: may be anything */
    uint8_t spa[4]; /* sender's IPv4 address; 0.0.0.0 in a probe [RFC5227:1.1] */
    uint8_t tha[6]; /* target's Ethernet address; meaningless in a request */
    uint8_t tpa[4]; /* target's IPv4 address */
};

/* Reads the packet at p (after the Ethernet header); padding may follow. 0, CAUSE_DROP_SHORT, or
 * CAUSE_DROP_ARP_BAD when it is not of hardware Ethernet, protocol IPv4 and a known opcode. */
int arp_parse(const uint8_t *p, size_t n, struct arp_pkt *out);

/* Writes the packet to p (cap >= ARP_PKT_LEN) and returns its length. */
size_t arp_build(uint8_t *p, size_t cap, const struct arp_pkt *a);

#endif
