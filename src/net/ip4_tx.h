/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/ip4_tx.h: the IPv4 header of packets that this host sends.
 *
 * TCP sets DF and identification 0: an atomic datagram needs none, and a zero tells nobody anything
 * [RFC6864:4.1]. Others may be fragmented on the way, so they get a number from the generator
 * given: not to be guessed by a stranger, unlike a counter.
 */
#ifndef NET_IP4_TX_H
#define NET_IP4_TX_H

#include "base/addr.h"
#include "base/prng.h"
#include "wire/ip4.h"

struct ip4_out {
    struct tern_addr src, dst;
    uint32_t len;  /* octets of payload, <= 65515 */
    uint8_t proto; /* enum ip4_proto */
    uint8_t ttl, tos;
    bool df;
};

/* Writes the IP4_HDR_LEN octets in front of a payload. */
void ip4_tx(uint8_t *p, const struct ip4_out *o, struct prng *ids);

#endif
