/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/icmp.h: ICMP for IPv4 as a host speaks it [RFC1122:3.2.2]: echo, the errors that are sent,
 * and what received errors mean to a transport. Redirect and source quench are ignored [RFC6633];
 * so are timestamp and address mask requests.
 */
#ifndef NET_ICMP_H
#define NET_ICMP_H

#include "base/prng.h"
#include "net/ip4_rx.h"
#include "wire/icmp4.h"

/* ---- arrivals ---- */

enum icmp_verdict {
    ICMP_DROP = 0, /* for the cause in .cause */
    ICMP_ECHO,     /* a request: .msg has id, seq and payload */
    ICMP_ERROR,    /* about a packet of ours: .err */
};

/* What an error says, for the transport `proto`. */
struct icmp_err {
    uint8_t proto;                      /* enum ip4_proto */
    struct tern_endpoint local, remote; /* of the packet quoted: we sent it */
    uint32_t seq;                       /* TCP */
    int err;                            /* enum tern_err */
    bool hard;                          /* [RFC1122:4.2.3.9]: no use in trying on */
    uint16_t mtu; /* != 0: fragmentation needed, the next hop takes this many octets [RFC1191] */
};

struct icmp_in {
    unsigned cause;
    struct icmp4_msg msg;
    struct icmp_err err;
};

/* Reads a message that ip4_rx() has let in. */
enum icmp_verdict icmp_rx(const struct ip4_in *ip, struct icmp_in *out);

/* ---- errors to send ---- */

/* Octets of the offending packet that an error quotes: header, options and the first 8 of the
 * payload at least; more, while the whole stays below 576 octets [RFC1812:4.3.2.3]. */
#define ICMP_QUOTE_MAX (576u - IP4_HDR_LEN - ICMP4_HDR_LEN)

/* May an error be sent about this packet? Not about another error, a broadcast or multicast, a
 * fragment but the first, or a source that is not one host's [RFC1122:3.2.2]. */
bool icmp_may_answer(const struct ip4_in *ip);
/* How many octets of the packet to quote. */
uint32_t icmp_quote_len(const struct ip4_in *ip);

/* A bucket of ICMP_BURST tokens that ICMP_PER_S refill. How much of the burst is left is blurred,
 * so that nobody can count the errors that were sent to others (CVE-2020-25705). */
#define ICMP_PER_S 1000
#define ICMP_BURST 50
struct icmp_limit {
    int64_t last_ns;
    uint32_t tokens;
};
void icmp_limit_init(struct icmp_limit *l, struct tern_time now);
/* True if one more error may be sent now. */
bool icmp_limit_take(struct icmp_limit *l, struct prng *r, struct tern_time now);

#endif
