/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/route.h: where a packet goes next: longest prefix first, then the default routes in the order
 * of their interfaces [RFC1122:3.3.1.1]. Looked up when a connection or a flow begins and when an
 * interface's next-hop cache misses, not for each packet.
 */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/iface.h"

/* Each interface has its networks, and one default. */
#define ROUTE_MAX (NET_IFACES * (TERN_IFACE_ADDRS + 1))

struct route {
    struct tern_addr dst; /* network */
    struct tern_addr via; /* gateway; fam NONE = on-link */
    uint8_t prefix;       /* 0 = default */
    uint8_t iface;
};

struct routes {
    struct route tab[ROUTE_MAX]; /* longest prefix first */
    uint32_t n;
};

struct route_hop {
    unsigned iface;
    struct tern_addr hop; /* the station to hand the packet to */
    struct tern_addr
        src; /* source to use if there is a choice; fam NONE = the interface has none */
};

/* Takes in the routes that an interface brings with it. */
void route_add_iface(struct routes *t, const struct iface *f);
/* The way to dst, which may be one of our own addresses (then by the loopback interface, from
 * itself). False: no route, or not an address to send to. A broadcast or multicast address of a
 * real interface is answered with hop = dst. */
bool route_find(const struct routes *t, const struct ifaces *ifs, const struct tern_addr *dst,
                struct route_hop *out);
/* The next hop to dst when the interface is already fixed. */
bool route_hop_on(const struct routes *t, const struct ifaces *ifs, unsigned iface,
                  const struct tern_addr *dst, struct tern_addr *hop);

#endif
