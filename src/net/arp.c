/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/arp.h"

#include "base/assert.h"
#include "base/causes.h"
#include "wire/eth.h"

static bool arp_mac_ok(const uint8_t mac[6])
{
    static const uint8_t zero[6];
    return !eth_is_group(mac) && memcmp(mac, zero, 6) != 0;
}

/* May a host of this interface's link have the address? A gateway without networks of its own takes
 * any unicast address. */
static bool arp_neighbour_ok(const struct iface *f, const struct tern_addr *a)
{
    if (!addr_is_unicast(a) || iface_broadcast_ip(f, addr_ip(a)))
        return false;
    return f->any_addr || f->naddr == 0 || iface_onlink_ip(f, addr_ip(a)) ||
           addr_eq(a, &f->gateway);
}

/* Does a request for `target` concern us? On an any_addr interface everything does, except a
 * question about the asker's own address: there nobody but the asker may answer. */
static bool arp_ours(const struct iface *f, const struct tern_addr *target,
                     const struct tern_addr *sender)
{
    for (unsigned i = 0; i < f->naddr; i++)
        if (addr_eq(&f->a[i].addr, target))
            return true;
    if (!f->any_addr || addr_is_any(sender) || addr_eq(sender, target))
        return false;
    return addr_is_unicast(target) && !iface_broadcast_ip(f, addr_ip(target));
}

static void arp_answer(const struct iface *f, const struct arp_pkt *in, struct arp_pkt *out)
{
    out->op = ARP_OP_REPLY;
    memcpy(out->sha, f->mac, 6);
    memcpy(out->spa, in->tpa, 4);
    memcpy(out->tha, in->sha, 6);
    memcpy(out->tpa, in->spa, 4);
}

/* Packets that can teach nothing, whoever they are meant for: 0 if it is none of them. */
static unsigned arp_refuse(const struct ifaces *ifs, const struct iface *f,
                           const struct arp_pkt *in, const struct tern_addr *sender)
{
    if (in->op != ARP_OP_REQUEST && in->op != ARP_OP_REPLY)
        return CAUSE_DROP_ARP_UNASKED; /* RARP never gives us an address */
    if (!arp_mac_ok(in->sha))
        return CAUSE_DROP_ARP_BAD;
    if (iface_own(ifs, sender))
        return CAUSE_DROP_ARP_CONFLICT;
    if (!addr_is_any(sender) && !arp_neighbour_ok(f, sender))
        return CAUSE_DROP_ARP_BAD;
    return 0;
}

unsigned arp_rx(const struct ifaces *ifs, unsigned iface, struct neigh *n, const uint8_t *p,
                size_t len, struct tern_time now, bool *answer, struct arp_pkt *reply)
{
    const struct iface *f = &ifs->tab[iface];
    struct arp_pkt in;
    *answer = false;
    int bad = arp_parse(p, len, &in);
    if (bad)
        return (unsigned)bad;
    struct tern_addr sender = addr_of_octets(in.spa), target = addr_of_octets(in.tpa);
    unsigned no = arp_refuse(ifs, f, &in, &sender);
    if (no)
        return no;
    bool request = in.op == ARP_OP_REQUEST;
    bool ours = arp_ours(f, &target, &sender);
    bool learned = false;
    if (!addr_is_any(&sender)) { /* else a probe [RFC5227:1.1] */
        bool asked = !request && ours && memcmp(in.tha, f->mac, 6) == 0;
        learned = neigh_hear(n, iface, &sender, in.sha, asked, request && ours, now);
    }
    if (request && ours) {
        arp_answer(f, &in, reply);
        *answer = true;
        return CAUSE_DROP_ARP_TAKEN;
    }
    if (learned)
        return CAUSE_DROP_ARP_TAKEN;
    return request ? CAUSE_DROP_ARP_NOT_OURS : CAUSE_DROP_ARP_UNASKED;
}

void arp_request(const struct iface *f, const struct tern_addr *addr, const uint8_t mac[6],
                 struct arp_pkt *out)
{
    struct tern_addr src = iface_source(f, addr);
    memset(out, 0, sizeof *out);
    out->op = ARP_OP_REQUEST;
    memcpy(out->sha, f->mac, 6);
    memcpy(out->spa, src.b, 4);
    if (!eth_is_group(mac))
        memcpy(out->tha, mac, 6);
    memcpy(out->tpa, addr->b, 4);
}

void arp_announce(const struct iface *f, unsigned i, struct arp_pkt *out)
{
    tern_assert(i < f->naddr);
    memset(out, 0, sizeof *out);
    out->op = ARP_OP_REQUEST;
    memcpy(out->sha, f->mac, 6);
    memcpy(out->spa, f->a[i].addr.b, 4);
    memcpy(out->tpa, f->a[i].addr.b, 4);
}
