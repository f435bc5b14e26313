/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/route.h"

#include "base/assert.h"

/* Keeps the order: longer prefixes first, equal ones in the order in which they came. */
static void route_insert(struct routes *t, const struct route *r)
{
    tern_assert(t->n < ROUTE_MAX);
    uint32_t at = t->n;
    while (at > 0 && t->tab[at - 1].prefix < r->prefix) {
        t->tab[at] = t->tab[at - 1];
        at--;
    }
    t->tab[at] = *r;
    t->n++;
}

void route_add_iface(struct routes *t, const struct iface *f)
{
    for (unsigned i = 0; i < f->naddr; i++) {
        struct route r = {.prefix = f->a[i].prefix, .iface = f->index};
        r.dst = addr_of_ip(f->a[i].ip & f->a[i].mask);
        route_insert(t, &r);
    }
    bool alone = f->any_addr || f->link == TERN_LINK_IP;
    if (f->gateway.fam != TERN_AF_NONE || alone) {
        struct route r = {.via = f->gateway, .prefix = 0, .iface = f->index};
        r.dst.fam = TERN_AF_IP4;
        route_insert(t, &r);
    }
}

static const struct route *route_match(const struct routes *t, const struct tern_addr *dst,
                                       int iface)
{
    uint32_t ip = addr_ip(dst);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct route *r = &t->tab[i];
        if (iface >= 0 && r->iface != iface)
            continue;
        if (((ip ^ addr_ip(&r->dst)) & addr_mask(r->prefix)) == 0)
            return r;
    }
    return NULL;
}

bool route_find(const struct routes *t, const struct ifaces *ifs, const struct tern_addr *dst,
                struct route_hop *out)
{
    if (dst->fam != TERN_AF_IP4 || dst->b[0] == 0)
        return false;
    if (iface_own(ifs, dst)) {
        out->iface = NET_LO;
        out->hop = *dst;
        out->src = addr_is_loopback(dst) ? ifs->tab[NET_LO].a[0].addr : *dst;
        return true;
    }
    const struct route *r = route_match(t, dst, -1);
    if (r == NULL) {
        /* Broadcast and multicast need no default route: the first interface carries them. */
        if (ifs->n == 0 || addr_is_unicast(dst))
            return false;
        out->iface = 0;
    } else {
        out->iface = r->iface;
    }
    const struct iface *f = &ifs->tab[out->iface];
    bool group = !addr_is_unicast(dst) || iface_broadcast_ip(f, addr_ip(dst));
    out->hop = r == NULL || r->via.fam == TERN_AF_NONE || group ? *dst : r->via;
    out->src = iface_source(f, &out->hop);
    return true;
}

bool route_hop_on(const struct routes *t, const struct ifaces *ifs, unsigned iface,
                  const struct tern_addr *dst, struct tern_addr *hop)
{
    tern_assert(iface < NET_IFACES);
    const struct iface *f = &ifs->tab[iface];
    const struct route *r = route_match(t, dst, (int)iface);
    if (!addr_is_unicast(dst) || iface_broadcast_ip(f, addr_ip(dst))) {
        *hop = *dst;
        return true;
    }
    if (r == NULL)
        return false;
    *hop = r->via.fam == TERN_AF_NONE ? *dst : r->via;
    return true;
}
