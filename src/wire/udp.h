/* SPDX-License-Identifier: BSD-2-Clause */
/* wire/udp.h: the UDP header, RFC 768. */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include "base/cksum.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_HDR_LEN  8u
#define UDP_CSUM_OFF 6u /* of the checksum field */

struct udp_hdr {
    uint16_t sport, dport; /* sport 0 = no answer is expected */
    uint16_t len;          /* octets of header and payload, >= UDP_HDR_LEN */
    uint16_t csum;         /* as on the wire, host order; 0 = the sender made none */
};

/* Reads the header at p of an IP payload of n octets. 0; CAUSE_DROP_SHORT; or CAUSE_DROP_UDP_BAD
 * when the length is below 8 or beyond n. The payload is at p + UDP_HDR_LEN, len - UDP_HDR_LEN
 * octets. Does not verify the checksum: see udp_cksum4_ok(). */
int udp_parse(const uint8_t *p, size_t n, struct udp_hdr *out);

/* Writes the header as given to p (cap >= UDP_HDR_LEN) and returns its length. */
size_t udp_build(uint8_t *p, size_t cap, const struct udp_hdr *h);

/* Is the checksum of the datagram at p (header h parsed from it) correct, or absent
 * [RFC1122:4.1.3.4]? Addresses as in the IPv4 header. */
bool udp_cksum4_ok(const struct cksum_ops *ck, const uint8_t src[4], const uint8_t dst[4],
                   const uint8_t *p, const struct udp_hdr *h);

/* Fills in the checksum field of the datagram at p of len octets, header and payload in place. A
 * sum of zero is sent as its other form, all ones [RFC768]. */
void udp_cksum4_set(const struct cksum_ops *ck, const uint8_t src[4], const uint8_t dst[4],
                    uint8_t *p, uint16_t len);

#endif
