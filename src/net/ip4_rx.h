/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/ip4_rx.h: is an arriving IPv4 packet well-formed, and is it for this host [RFC1122:3.2.1]?
 * Fragments are refused; the host never forwards.
 */
#ifndef NET_IP4_RX_H
#define NET_IP4_RX_H

#include "net/iface.h"
#include "wire/ip4.h"

struct ip4_in {
    struct ip4_hdr h;
    struct tern_addr src, dst;
    const uint8_t *packet; /* the IP header, for quoting it in an ICMP error */
    bool parsed;           /* h, src and dst are valid (also on a later drop) */
    bool group;            /* to a broadcast or multicast address, or in a link broadcast */
};

/* Judges a packet of n octets that came on an interface; l2_group: its frame was a link broadcast
 * or multicast. 0 = deliver it locally, else the cause of the drop. */
unsigned ip4_rx(struct ifaces *ifs, unsigned iface, const uint8_t *p, size_t n, bool l2_group,
                struct ip4_in *out);

#endif
