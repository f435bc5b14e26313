/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/ip4_rx.h"

#include "base/assert.h"
#include "base/causes.h"

/* A source that no other host can have [RFC1122:3.2.1.3]. Our own addresses only come by the
 * loopback interface; from a link they are forged (the LAND attack). */
static bool ip4_martian(const struct ifaces *ifs, const struct iface *f,
                        const struct tern_addr *src)
{
    if (f->index == NET_LO)
        return !iface_own(ifs, src);
    if (!addr_is_unicast(src))
        return true;
    return iface_own_ip(ifs, addr_ip(src)) || iface_broadcast_ip(f, addr_ip(src));
}

/* The destination's verdict: 0 = ours; *group says that it is everybody's. Of the multicast groups
 * a host is in the one of all hosts [RFC1122:3.3.7]. */
static unsigned ip4_dst(const struct ifaces *ifs, const struct iface *f,
                        const struct tern_addr *dst, bool *group)
{
    static const uint8_t all_hosts[4] = {224, 0, 0, 1};
    uint32_t ip = addr_ip(dst);
    if (f->naddr > 0 && f->a[0].ip == ip) /* by far the most common */
        return 0;
    if (f->index == NET_LO)
        return iface_own(ifs, dst) ? 0 : CAUSE_DROP_IP_NOT_OURS;
    if (iface_own_ip(ifs, ip))
        return 0;
    if (iface_broadcast_ip(f, ip) || memcmp(dst->b, all_hosts, 4) == 0) {
        *group = true;
        return 0;
    }
    return f->any_addr && addr_is_unicast(dst) ? 0 : CAUSE_DROP_IP_NOT_OURS;
}

unsigned ip4_rx(struct ifaces *ifs, unsigned iface, const uint8_t *p, size_t n, bool l2_group,
                struct ip4_in *out)
{
    tern_assert(iface < NET_IFACES);
    const struct iface *f = &ifs->tab[iface];
    out->parsed = false;
    out->group = false;
    out->packet = p;
    int bad = ip4_parse(p, n, &out->h);
    if (bad)
        return (unsigned)bad;
    out->parsed = true;
    addr_set_octets(&out->src, out->h.src);
    addr_set_octets(&out->dst, out->h.dst);
    unsigned cause = ip4_dst(ifs, f, &out->dst, &out->group);
    if (cause)
        return cause;
    uint32_t src = addr_ip(&out->src);
    if (src == 0 || ifs->src_ok[iface] != src) {
        if (ip4_martian(ifs, f, &out->src))
            return CAUSE_DROP_IP_SOURCE;
        ifs->src_ok[iface] = src;
    }
    if (l2_group && !out->group) /* [RFC1122:3.3.6] */
        return CAUSE_DROP_BROADCAST;
    if (out->h.optlen != 0) {
        int opt = ip4_options_check(&out->h);
        if (opt)
            return (unsigned)opt;
    }
    if (ip4_is_fragment(&out->h))
        return CAUSE_DROP_IP_FRAGMENT; /* [RFC1858:3] */
    return 0;
}
