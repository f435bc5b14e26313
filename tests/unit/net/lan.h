/* SPDX-License-Identifier: BSD-2-Clause */
/* net/lan.h: the network that the tests of this room stand in: 10.0.0.1/24 behind
 * gateway 10.0.0.254, and a second interface 192.168.7.1/30 without a gateway. */
#ifndef NET_LAN_H
#define NET_LAN_H

#include "net/route.h"
#include "unit/support/ip.h"

static const uint8_t lan_mac[6] = {2, 0, 0, 0, 0, 1};

static inline struct tern_iface_config lan_config(void)
{
    struct tern_iface_config c = {.link = TERN_LINK_ETHER, .mtu = 1500};
    memcpy(c.mac, lan_mac, 6);
    c.addr[0].addr = ip(10, 0, 0, 1);
    c.addr[0].prefix = 24;
    c.gateway = ip(10, 0, 0, 254);
    return c;
}
static inline struct tern_iface_config lan_second(void)
{
    struct tern_iface_config c = {.link = TERN_LINK_ETHER, .mtu = 1400, .mac = {2, 0, 0, 0, 0, 2}};
    c.addr[0].addr = ip(192, 168, 7, 1);
    c.addr[0].prefix = 30;
    return c;
}
static inline void lan_make(struct ifaces *ifs, struct routes *routes)
{
    struct tern_iface_config a = lan_config(), b = lan_second();
    iface_init(ifs, 8);
    memset(routes, 0, sizeof *routes);
    route_add_iface(routes, &ifs->tab[iface_add(ifs, &a)]);
    route_add_iface(routes, &ifs->tab[iface_add(ifs, &b)]);
}

#endif
