/* SPDX-License-Identifier: BSD-2-Clause */
/* wire/ip4.h: the IPv4 header, RFC 791. */
#ifndef WIRE_IP4_H
#define WIRE_IP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP4_HDR_LEN 20u /* without options */
#define IP4_MAX_LEN 65535u

enum ip4_proto { IP4_PROTO_ICMP = 1, IP4_PROTO_TCP = 6, IP4_PROTO_UDP = 17 };

struct ip4_hdr {
    uint8_t src[4], dst[4];
    uint8_t tos; /* DSCP and ECN */
    uint8_t ttl;
    uint8_t proto; /* enum ip4_proto, or any other value */
    bool df, mf;
    uint16_t id;
    uint16_t frag;       /* this fragment's offset in the datagram, octets: a multiple of 8 */
    uint8_t optlen;      /* octets at opt: 0, 4 ... 40 */
    const uint8_t *opt;  /* options; not looked at by ip4_parse() */
    const uint8_t *data; /* payload, within the parsed octets; NULL when building */
    uint32_t len;        /* octets of payload, by the header's total length */
};

/*
 * Reads the packet at p; octets of n beyond the total length are Ethernet padding and ignored. On
 * 0: header, payload and options lie within p..p+n, and frag + len <= 65535. Otherwise
 *   CAUSE_DROP_SHORT       n ends within the header
 *   CAUSE_DROP_IP_VERSION  not version 4 [RFC1122:3.2.1.1]
 *   CAUSE_DROP_IP_HEADER   header or total length impossible, or a fragment that ends beyond 65535
 *   CAUSE_DROP_IP_CHECKSUM [RFC1122:3.2.1.2]
 */
int ip4_parse(const uint8_t *p, size_t n, struct ip4_hdr *out);

/* 0 when the options can be walked and hold no source route, else CAUSE_DROP_IP_OPTION (loose or
 * strict source route [RFC7126:4.3]) or CAUSE_DROP_IP_HEADER (an option's length is impossible). */
int ip4_options_check(const struct ip4_hdr *h);

/* Writes a header without options (optlen must be 0) with its checksum, for a payload of h->len
 * octets that the caller puts behind it. cap >= IP4_HDR_LEN, h->len <= 65515. Returns IP4_HDR_LEN.
 */
size_t ip4_build(uint8_t *p, size_t cap, const struct ip4_hdr *h);

static inline bool ip4_is_fragment(const struct ip4_hdr *h)
{
    return h->mf || h->frag != 0;
}

#endif
