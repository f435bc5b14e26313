/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/arp.h: the Address Resolution Protocol, RFC 826, as a host speaks it: what an arriving packet
 * teaches the neighbour table, what it is answered with, and the requests and announcements to
 * send.
 *
 * A mapping is taken from packets that concern us (a request for one of our addresses, a reply to
 * us) and from any packet whose sender already has an entry [RFC826, Packet Reception]. Nothing is
 * learned from packets that claim one of our own addresses, a group address as a station's, or an
 * address outside the interface's networks. Probing for conflicts before use (RFC 5227 2.1) is not
 * done, and an address is never given up; RARP is only recognised.
 */
#ifndef NET_ARP_H
#define NET_ARP_H

#include "net/neigh.h"
#include "wire/arp.h"

/* One packet arrived on an interface, after its Ethernet header. Returns the cause that tells what
 * became of it; *answer = true when *reply must be sent back to reply->tha. */
unsigned arp_rx(const struct ifaces *ifs, unsigned iface, struct neigh *n, const uint8_t *p,
                size_t len, struct tern_time now, bool *answer, struct arp_pkt *reply);

/* The packet that asks for an address on an interface; mac = where it will be sent. */
void arp_request(const struct iface *f, const struct tern_addr *addr, const uint8_t mac[6],
                 struct arp_pkt *out);
/* The packet that announces our address number i [RFC5227:2.3]. */
void arp_announce(const struct iface *f, unsigned i, struct arp_pkt *out);

#endif
