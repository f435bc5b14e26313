/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/iface.h: the interfaces of a stack, and whose an address is: ours, everybody's or nobody's.
 *
 * The last interface is the stack's own loopback: it always exists, has 127.0.0.1/8, and carries
 * packets to every address of the stack. Addresses belong to the stack, not to the interface that
 * they were given with (the weak host model, [RFC1122:3.3.4.2]).
 */
#ifndef NET_IFACE_H
#define NET_IFACE_H

#include "base/addr.h"
#include <tern/iface.h>

#define NET_IFACES      9
#define NET_LO          (NET_IFACES - 1)
#define NET_LO_MTU      65535u
#define NET_ETH_HDR     14u
#define NET_IFACES_REAL (NET_IFACES - 1)

struct iface_addr {
    struct tern_addr addr;
    uint32_t ip, mask; /* the same as they lie in memory */
    uint8_t prefix;
};

struct iface {
    bool up;       /* added */
    bool any_addr; /* every unicast destination is local */
    bool tx_csum;
    uint8_t link; /* enum tern_link */
    uint8_t index;
    uint8_t hdr; /* octets of the link header: 14 or 0 */
    uint8_t mac[6];
    uint8_t naddr;
    uint8_t announce; /* a bit for each address that is still to be announced by ARP */
    uint16_t mtu;
    uint32_t gso_max;
    struct tern_addr gateway;
    struct iface_addr a[TERN_IFACE_ADDRS];
};

struct ifaces {
    struct iface tab[NET_IFACES];
    uint32_t n;                  /* real ones in use: 0..n-1 */
    uint32_t max;                /* how many there may be */
    uint32_t src_ok[NET_IFACES]; /* the last source found to be no martian there; 0 = none */
};

/* Makes the table with nothing in it but the loopback interface. */
void iface_init(struct ifaces *t, uint32_t max);
/* Adds one: its index, TERN_EINVAL (a field is out of range) or TERN_ENOBUFS (max reached). */
int iface_add(struct ifaces *t, const struct tern_iface_config *cfg);

/* Is it an address of this stack, 127.0.0.0/8 included? */
bool iface_own(const struct ifaces *t, const struct tern_addr *a);
/* The same for an IPv4 address as it lies in memory, without 127.0.0.0/8. */
bool iface_own_ip(const struct ifaces *t, uint32_t ip);
/* Limited broadcast, or the directed broadcast (all ones, or the old all zeros form) of a network
 * of this interface [RFC1122:3.3.6]. */
bool iface_broadcast_ip(const struct iface *f, uint32_t ip);
/* Is the address within one of the networks of this interface? */
bool iface_onlink_ip(const struct iface *f, uint32_t ip);
/* The address of ours that a packet to next hop `hop` on this interface should come from: one in
 * the hop's network if there is one, else the first. fam NONE if the interface has none. */
struct tern_addr iface_source(const struct iface *f, const struct tern_addr *hop);

#endif
