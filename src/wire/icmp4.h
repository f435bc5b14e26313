/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire/icmp4.h: ICMP for IPv4, RFC 792: echo, and the error messages with the packet they quote
 * (RFC 1122 3.2.2, RFC 1191 for the next hop's MTU). Timestamp, address mask, router discovery and
 * RFC 4884 extensions are not read.
 */
#ifndef WIRE_ICMP4_H
#define WIRE_ICMP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP4_HDR_LEN  8u
#define ICMP4_QUOTE_L4 8u /* octets of the transport header that every error quotes */

enum icmp4_type {
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_SOURCE_QUENCH = 4,
    ICMP4_REDIRECT = 5,
    ICMP4_ECHO = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER = 12,
};

/* Codes of ICMP4_UNREACHABLE [RFC1122:3.2.2.1] [RFC1812:5.2.7.1]. */
enum icmp4_unreach {
    ICMP4_UNREACH_NET = 0,
    ICMP4_UNREACH_HOST = 1,
    ICMP4_UNREACH_PROTO = 2,
    ICMP4_UNREACH_PORT = 3,
    ICMP4_UNREACH_FRAG = 4, /* fragmentation needed and DF set; mtu is the next hop's */
    ICMP4_UNREACH_SRCROUTE = 5,
    ICMP4_UNREACH_NET_PROHIBITED = 9,
    ICMP4_UNREACH_HOST_PROHIBITED = 10,
    ICMP4_UNREACH_PROHIBITED = 13,
};

struct icmp4_msg {
    uint8_t type; /* enum icmp4_type, nothing else */
    uint8_t code;
    uint16_t id, seq;    /* echo and its reply */
    uint16_t mtu;        /* UNREACHABLE with code UNREACH_FRAG; 0 from old routers */
    uint8_t word[4];     /* other errors: second word as it is (redirect: the gateway) */
    const uint8_t *data; /* echo: payload. Errors: the quoted packet */
    uint32_t len;
};

/* An error's quoted packet, as far as it can be trusted to be ours: the caller must look it up. */
struct icmp4_quote {
    uint8_t src[4], dst[4]; /* src is the one that sent the packet: us */
    uint8_t proto;
    bool fragment; /* not the first one: the octets at l4 are no transport header */
    uint16_t id;
    uint16_t total;        /* total length as quoted */
    const uint8_t *l4;     /* first octets of the transport header */
    uint32_t l4len;        /* at least ICMP4_QUOTE_L4 */
    uint16_t sport, dport; /* TCP or UDP; else 0 */
    uint32_t seq;          /* TCP; else 0 */
};

/* True for the types that report an error about a packet: they are never answered by another error
 * [RFC1122:3.2.2]. */
static inline bool icmp4_is_error(unsigned type)
{
    return type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT ||
           type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAMETER;
}

/* Reads a message of exactly n octets (an IP payload) and verifies its checksum. 0,
 * CAUSE_DROP_ICMP_BAD (short or wrong checksum) or CAUSE_DROP_ICMP_TYPE (a type that is not in enum
 * icmp4_type). */
int icmp4_parse(const uint8_t *p, size_t n, struct icmp4_msg *out);

/* Reads the packet that an error message quotes. 0, or CAUSE_DROP_ICMP_BAD when it is no error, or
 * when the quote holds no IPv4 header with 8 octets behind it. The quoted header's checksum is not
 * verified: routers change TTL and leave it. */
int icmp4_quote_parse(const struct icmp4_msg *m, struct icmp4_quote *out);

/* Writes header, data and checksum to p (cap >= ICMP4_HDR_LEN + m->len; m->data may lie at p + 8
 * already, or overlap it) and returns their length. */
size_t icmp4_build(uint8_t *p, size_t cap, const struct icmp4_msg *m);

#endif
