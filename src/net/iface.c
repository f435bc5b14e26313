/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/iface.h"

#include "base/assert.h"

void iface_init(struct ifaces *t, uint32_t max)
{
    tern_assert(max >= 1 && max <= NET_IFACES_REAL);
    memset(t, 0, sizeof *t);
    t->max = max;
    struct iface *lo = &t->tab[NET_LO];
    lo->up = true;
    lo->tx_csum = true; /* what never leaves the machine needs no checksum */
    lo->link = TERN_LINK_IP;
    lo->index = NET_LO;
    lo->mtu = NET_LO_MTU;
    lo->naddr = 1;
    lo->a[0].addr = (struct tern_addr){.fam = TERN_AF_IP4, .b = {127, 0, 0, 1}};
    lo->a[0].ip = addr_ip(&lo->a[0].addr);
    lo->a[0].prefix = 8;
    lo->a[0].mask = addr_mask(8);
}

/* A host's address in a network of that prefix: unicast, and neither all zeros nor all ones in the
 * host part (a /31 has neither form, RFC 3021). */
static bool iface_addr_ok(const struct tern_addr *a, uint8_t prefix)
{
    if (!addr_is_unicast(a) || prefix < 1 || prefix > 32)
        return false;
    uint32_t host = ~addr_mask(prefix);
    uint32_t ip = addr_ip(a);
    return prefix >= 31 || ((ip & host) != 0 && (ip & host) != host);
}

static bool iface_config_ok(const struct tern_iface_config *cfg)
{
    if (cfg->link != TERN_LINK_ETHER && cfg->link != TERN_LINK_IP)
        return false;
    if (cfg->mtu < 576 || cfg->gso_max > 65535)
        return false;
    if (cfg->link == TERN_LINK_ETHER && (cfg->mac[0] & 1))
        return false; /* a group address cannot be a station's */
    if (cfg->gateway.fam != TERN_AF_NONE && !addr_is_unicast(&cfg->gateway))
        return false;
    for (unsigned i = 0; i < TERN_IFACE_ADDRS && cfg->addr[i].addr.fam != TERN_AF_NONE; i++)
        if (!iface_addr_ok(&cfg->addr[i].addr, cfg->addr[i].prefix))
            return false;
    return true;
}

int iface_add(struct ifaces *t, const struct tern_iface_config *cfg)
{
    if (!iface_config_ok(cfg))
        return TERN_EINVAL;
    if (t->n >= t->max)
        return TERN_ENOBUFS;
    struct iface *f = &t->tab[t->n];
    memset(t->src_ok, 0, sizeof t->src_ok); /* what was a stranger's may be ours now */
    memset(f, 0, sizeof *f);
    f->up = true;
    f->any_addr = cfg->any_addr;
    f->tx_csum = cfg->tx_csum;
    f->link = cfg->link;
    f->index = (uint8_t)t->n;
    f->hdr = cfg->link == TERN_LINK_ETHER ? NET_ETH_HDR : 0;
    memcpy(f->mac, cfg->mac, 6);
    f->mtu = cfg->mtu;
    f->gso_max = cfg->gso_max;
    f->gateway = cfg->gateway;
    for (unsigned i = 0; i < TERN_IFACE_ADDRS && cfg->addr[i].addr.fam != TERN_AF_NONE; i++) {
        struct iface_addr *a = &f->a[f->naddr++];
        a->addr = cfg->addr[i].addr;
        a->prefix = cfg->addr[i].prefix;
        a->ip = addr_ip(&a->addr);
        a->mask = addr_mask(a->prefix);
        if (f->link == TERN_LINK_ETHER)
            f->announce |= (uint8_t)(1u << i);
    }
    return (int)t->n++;
}

bool iface_own_ip(const struct ifaces *t, uint32_t ip)
{
    for (unsigned i = 0; i < t->n; i++)
        for (unsigned k = 0; k < t->tab[i].naddr; k++)
            if (t->tab[i].a[k].ip == ip)
                return true;
    return false;
}

bool iface_own(const struct ifaces *t, const struct tern_addr *a)
{
    if (a->fam != TERN_AF_IP4)
        return false;
    return addr_is_loopback(a) || iface_own_ip(t, addr_ip(a));
}

bool iface_broadcast_ip(const struct iface *f, uint32_t ip)
{
    if (ip == UINT32_MAX)
        return true;
    for (unsigned i = 0; i < f->naddr; i++) {
        uint32_t mask = f->a[i].mask;
        if (f->a[i].prefix >= 31 || ((ip ^ f->a[i].ip) & mask) != 0)
            continue;
        if ((ip & ~mask) == ~mask || (ip & ~mask) == 0)
            return true;
    }
    return false;
}

bool iface_onlink_ip(const struct iface *f, uint32_t ip)
{
    for (unsigned i = 0; i < f->naddr; i++)
        if (((ip ^ f->a[i].ip) & f->a[i].mask) == 0)
            return true;
    return false;
}

struct tern_addr iface_source(const struct iface *f, const struct tern_addr *hop)
{
    if (f->naddr == 0)
        return (struct tern_addr){0};
    uint32_t ip = addr_ip(hop);
    for (unsigned i = 0; i < f->naddr; i++)
        if (((ip ^ f->a[i].ip) & f->a[i].mask) == 0)
            return f->a[i].addr;
    return f->a[0].addr;
}
