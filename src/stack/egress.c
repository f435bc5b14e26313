/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack/egress.c: a frame's way out. The link asks; what the stack owes others goes first (ARP,
 * ICMP), then frames whose station has just become known, then TCP and UDP in turn.
 *
 * TCP and UDP write into the link's buffer behind room for the headers, which are then put in
 * front: no copy. A packet whose station is not known yet is the exception: it is kept by the
 * neighbour table (net/neigh.h), and the buffer is used for the next one.
 */
#include "base/bytes.h"
#include "net/ip4_tx.h"
#include "stack/stack.h"
#include "wire/eth.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum egress {
    EGRESS_NONE,  /* nothing more to send */
    EGRESS_BUILT, /* the frame is ready */
    EGRESS_GONE,  /* something was held or dropped: the buffer is free again */
};

bool egress_pending(const struct tern_stack *st, unsigned iface)
{
    return tcp_tx_pending(st->tcp, iface) || udp_tx_pending(&st->udp, iface) ||
           st->answer_q[iface].head != 0 || neigh_pending(&st->neigh, iface) ||
           st->ifs.tab[iface].announce != 0;
}

/* ---- frames given up ---- */

/* Tells the transport of a packet of ours (at p, n octets) that its next hop is silent. */
static void egress_tell_dead(struct tern_stack *st, const uint8_t *p, uint32_t n)
{
    struct ip4_hdr h;
    if (ip4_parse(p, n, &h) != 0)
        return;
    struct tern_addr dst = addr_of_octets(h.dst);
    struct udp_hdr u;
    if (h.proto == IP4_PROTO_TCP) {
        tcp_unreachable(st->tcp, &dst, st->now);
    } else if (h.proto == IP4_PROTO_UDP && udp_parse(h.data, h.len, &u) == 0) {
        struct tern_endpoint local = {addr_of_octets(h.src), u.sport}, remote = {dst, u.dport};
        udp_icmp(&st->udp, &local, &remote, TERN_EHOSTUNREACH);
    }
}

static void egress_drop(struct tern_stack *st, unsigned cause, const struct tern_frame *f,
                        const struct tern_addr *dst)
{
    struct note n = {.cause = cause, .id = f->id, .len = f->len, .serial = f->conn, .raddr = *dst};
    note_frame(st, TERN_TR_DROP, &n);
}

void egress_reap(struct tern_stack *st)
{
    struct neigh_held *h;
    while ((h = neigh_dead_pop(&st->neigh)) != NULL) {
        egress_drop(st, h->why, &h->f, &h->dst);
        if (h->why == CAUSE_DROP_NEIGH_DEAD)
            egress_tell_dead(st, h->f.data + NET_ETH_HDR, h->f.len - NET_ETH_HDR);
        neigh_free(&st->neigh, h);
    }
}

/* ---- the link header ---- */

static void egress_group_mac(const struct tern_addr *dst, uint8_t mac[6])
{
    if (addr_is_multicast(dst)) { /* [RFC1112:6.4] */
        const uint8_t m[6] = {1, 0, 0x5e, dst->b[1] & 0x7f, dst->b[2], dst->b[3]};
        memcpy(mac, m, 6);
    } else {
        memset(mac, 0xff, 6);
    }
}

static enum egress egress_hold(struct tern_stack *st, uint32_t idx, const struct tern_addr *dst,
                               const struct tern_frame *f)
{
    /* Only packets as the link carries them wait: a super-segment would pin 64 KB. */
    if (f->gso != TERN_GSO_NONE || !neigh_hold(&st->neigh, idx, dst, f, NET_ETH_HDR))
        egress_drop(st, CAUSE_DROP_NEIGH_FULL, f, dst);
    egress_reap(st);
    return EGRESS_GONE;
}

/* Finds the station for dst and fills the interface's cache with it. */
static enum egress egress_resolve(struct tern_stack *st, const struct iface *ifc,
                                  const struct tern_addr *dst, const struct tern_frame *f)
{
    struct hop_cache *c = &st->hop[ifc->index];
    struct tern_addr hop;
    uint32_t idx = 0;
    c->until_ns = INT64_MIN;
    if (!route_hop_on(&st->routes, &st->ifs, ifc->index, dst, &hop)) {
        egress_drop(st, CAUSE_DROP_NO_ROUTE, f, dst);
        return EGRESS_GONE;
    }
    memcpy(c->hdr + 6, ifc->mac, 6);
    be16_store(c->hdr + 12, ETH_TYPE_IP4);
    if (!addr_is_unicast(&hop) || iface_broadcast_ip(ifc, addr_ip(&hop))) {
        egress_group_mac(&hop, c->hdr);
        return EGRESS_BUILT;
    }
    int64_t until = 0;
    switch (neigh_resolve(&st->neigh, ifc->index, &hop, st->now, c->hdr, &until, &idx)) {
    case NEIGH_GO:
        c->ip = addr_ip(dst);
        c->gen = st->neigh.gen;
        c->until_ns = until;
        return EGRESS_BUILT;
    case NEIGH_WAIT:
        return egress_hold(st, idx, dst, f);
    case NEIGH_DEAD:
        egress_drop(st, CAUSE_DROP_NEIGH_DEAD, f, dst);
        egress_tell_dead(st, f->data + NET_ETH_HDR, f->len - NET_ETH_HDR);
        return EGRESS_GONE;
    case NEIGH_NONE:
        break;
    }
    egress_drop(st, CAUSE_DROP_NEIGH_FULL, f, dst);
    egress_reap(st);
    return EGRESS_GONE;
}

/* Puts the link header in front of a packet that is complete from the IP header on. */
static inline enum egress egress_link(struct tern_stack *st, const struct iface *ifc,
                                      const struct tern_addr *dst, struct tern_frame *f)
{
    if (ifc->hdr == 0)
        return EGRESS_BUILT;
    struct hop_cache *c = &st->hop[ifc->index];
    if (c->ip != addr_ip(dst) || c->gen != st->neigh.gen || st->now.ns >= c->until_ns) {
        enum egress e = egress_resolve(st, ifc, dst, f);
        if (e != EGRESS_BUILT)
            return e;
    }
    memcpy(f->data, c->hdr, NET_ETH_HDR);
    return EGRESS_BUILT;
}

/* ---- the kinds of frames ---- */

static uint32_t egress_id(struct tern_stack *st)
{
    uint32_t id = st->next_id++;
    if (st->next_id == 0)
        st->next_id = 1;
    return id;
}

static void egress_plain(struct tern_stack *st, struct tern_frame *f, uint32_t len, unsigned cause)
{
    f->len = len;
    f->gso = TERN_GSO_NONE;
    f->gso_size = 0;
    f->csum = TERN_CSUM_NONE;
    f->csum_start = f->csum_offset = 0;
    f->cause = (uint16_t)cause;
    f->conn = 0;
    f->id = egress_id(st);
    f->time = st->now;
}

static void egress_note(struct tern_stack *st, const struct tern_frame *f,
                        const struct tern_addr *src, const struct tern_addr *dst, uint16_t sport,
                        uint16_t dport)
{
    struct note n = {.cause = f->cause,
                     .id = f->id,
                     .len = f->len,
                     .laddr = *src,
                     .raddr = *dst,
                     .lport = sport,
                     .rport = dport};
    note_frame(st, TERN_TR_OTHER_TX, &n);
}

static void egress_arp(struct tern_stack *st, const struct iface *ifc, struct tern_frame *f,
                       const uint8_t mac[6], const struct arp_pkt *pkt, unsigned cause)
{
    struct eth_hdr h = {.type = ETH_TYPE_ARP};
    memcpy(h.dst, mac, 6);
    memcpy(h.src, ifc->mac, 6);
    eth_build(f->data, f->cap, &h);
    arp_build(f->data + ETH_HDR_LEN, ARP_PKT_LEN, pkt);
    egress_plain(st, f, ETH_HDR_LEN + ARP_PKT_LEN, cause);
    struct tern_addr src = addr_of_octets(pkt->spa), dst = addr_of_octets(pkt->tpa);
    egress_note(st, f, &src, &dst, 0, 0);
}

static void egress_announce(struct tern_stack *st, struct iface *ifc, struct tern_frame *f)
{
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    unsigned i = (unsigned)__builtin_ctz(ifc->announce);
    struct arp_pkt pkt;
    ifc->announce &= (uint8_t)(ifc->announce - 1);
    arp_announce(ifc, i, &pkt);
    egress_arp(st, ifc, f, everybody, &pkt, CAUSE_TX_ARP_ANNOUNCE);
}

static enum egress egress_answer(struct tern_stack *st, const struct iface *ifc,
                                 struct tern_frame *f)
{
    uint32_t idx = list_pop(&st->answer_q[ifc->index], &st->answers, offsetof(struct answer, link));
    if (idx == 0)
        return EGRESS_NONE;
    struct answer *a = answer_at(st, idx);
    enum egress e = EGRESS_BUILT;
    if (a->len == 0) {
        egress_arp(st, ifc, f, a->u.arp.tha, &a->u.arp, a->cause);
    } else {
        memcpy(f->data + ifc->hdr, a->block ? a->block : a->u.octets, a->len);
        egress_plain(st, f, ifc->hdr + a->len, a->cause);
        egress_note(st, f, &a->src, &a->dst, 0, 0);
        e = egress_link(st, ifc, &a->dst, f);
    }
    answer_free(st, idx);
    return e;
}

static bool egress_ask(struct tern_stack *st, const struct iface *ifc, struct tern_frame *f)
{
    struct tern_addr addr;
    uint8_t mac[6];
    struct arp_pkt pkt;
    if (!neigh_ask_next(&st->neigh, ifc->index, &addr, mac))
        return false;
    arp_request(ifc, &addr, mac, &pkt);
    egress_arp(st, ifc, f, mac, &pkt, CAUSE_TX_ARP_REQUEST);
    return true;
}

static bool egress_released(struct tern_stack *st, const struct iface *ifc, struct tern_frame *f)
{
    struct neigh_held *h = neigh_ready_pop(&st->neigh, ifc->index);
    if (h == NULL)
        return false;
    uint8_t *data = f->data;
    uint32_t cap = f->cap;
    tern_assert(h->f.len <= cap);
    *f = h->f;
    f->data = data;
    f->cap = cap;
    f->time = st->now;
    memcpy(data, h->f.data, h->f.len);
    memcpy(data + 6, ifc->mac, 6);
    be16_store(data + 12, ETH_TYPE_IP4);
    neigh_free(&st->neigh, h);
    return true;
}

/* TCP gets no answer: whoever stands first on the way may be dead [RFC9293:MUST-20]. */
static void egress_suspect(struct tern_stack *st, const struct iface *ifc,
                           const struct tern_addr *dst)
{
    struct tern_addr hop;
    if (ifc->hdr != 0 && route_hop_on(&st->routes, &st->ifs, ifc->index, dst, &hop))
        neigh_suspect(&st->neigh, ifc->index, &hop, st->now);
}

static enum egress egress_tcp(struct tern_stack *st, const struct iface *ifc, struct tern_frame *f)
{
    struct tcp_out out;
    uint32_t room = ifc->gso_max > ifc->mtu ? ifc->gso_max : ifc->mtu;
    uint32_t at = ifc->hdr + IP4_HDR_LEN;
    uint8_t *p = f->data + ifc->hdr;
    if (!tcp_tx(st->tcp, ifc->index, f->data + at, room - IP4_HDR_LEN, st->next_id, &out, st->now))
        return EGRESS_NONE;
    struct ip4_out ip = {.len = out.len,
                         .proto = IP4_PROTO_TCP,
                         .ttl = out.ttl,
                         .tos = out.tos,
                         .df = !out.may_fragment}; /* [RFC8900:6.1] */
    ip4_tx_put(p, &ip, addr_ip(&out.src), addr_ip(&out.dst), &st->prng);
    f->len = at + out.len;
    f->gso_size = out.gso_size;
    f->gso = out.gso_size ? TERN_GSO_TCP4 : TERN_GSO_NONE;
    f->csum = out.csum;
    f->csum_start = out.csum == TERN_CSUM_PARTIAL ? (uint16_t)at : (uint16_t)0;
    f->csum_offset = out.csum == TERN_CSUM_PARTIAL ? (uint16_t)TCP_CSUM_OFF : (uint16_t)0;
    f->cause = out.cause;
    f->conn = out.serial;
    if (__builtin_expect(out.suspect, 0))
        egress_suspect(st, ifc, &out.dst);
    f->id = egress_id(st);
    f->time = st->now;
    return egress_link(st, ifc, &out.dst, f);
}

static enum egress egress_udp(struct tern_stack *st, const struct iface *ifc, struct tern_frame *f)
{
    struct udp_out out;
    uint32_t at = ifc->hdr + IP4_HDR_LEN;
    if (!udp_tx(&st->udp, ifc->index, ifc->tx_csum, f->data + at, ifc->mtu - IP4_HDR_LEN, &out))
        return EGRESS_NONE;
    struct ip4_out ip = {.src = out.src,
                         .dst = out.dst,
                         .len = out.len,
                         .proto = IP4_PROTO_UDP,
                         .ttl = out.ttl,
                         .tos = out.tos};
    ip4_tx(f->data + ifc->hdr, &ip, &st->prng);
    egress_plain(st, f, at + out.len, CAUSE_TX_UDP);
    f->csum = out.csum;
    if (out.csum == TERN_CSUM_PARTIAL) {
        f->csum_start = (uint16_t)at;
        f->csum_offset = UDP_CSUM_OFF;
    }
    egress_note(st, f, &out.src, &out.dst, out.sport, out.dport);
    return egress_link(st, ifc, &out.dst, f);
}

/* ---- the order ---- */

/* ARP, ICMP and released frames. */
static enum egress egress_first(struct tern_stack *st, struct iface *ifc, struct tern_frame *f)
{
    if (ifc->announce != 0) {
        egress_announce(st, ifc, f);
        return EGRESS_BUILT;
    }
    if (egress_ask(st, ifc, f))
        return EGRESS_BUILT;
    enum egress e = egress_answer(st, ifc, f);
    if (e != EGRESS_NONE)
        return e;
    return egress_released(st, ifc, f) ? EGRESS_BUILT : EGRESS_NONE;
}

static enum egress egress_one(struct tern_stack *st, struct iface *ifc, struct tern_frame *f)
{
    unsigned i = ifc->index;
    if (__builtin_expect(
            st->answer_q[i].head != 0 || neigh_pending(&st->neigh, i) || ifc->announce != 0, 0)) {
        enum egress e = egress_first(st, ifc, f);
        if (e != EGRESS_NONE)
            return e;
    }
    bool udp = udp_tx_pending(&st->udp, i);
    if (udp && st->udp_turn[i]) {
        st->udp_turn[i] = false;
        return egress_udp(st, ifc, f);
    }
    enum egress e = egress_tcp(st, ifc, f);
    st->udp_turn[i] = udp;
    if (e == EGRESS_NONE && udp)
        e = egress_udp(st, ifc, f);
    return e;
}

size_t egress_fill(struct tern_stack *st, unsigned iface, struct tern_frame *frames, size_t n)
{
    struct iface *ifc = &st->ifs.tab[iface];
    uint32_t cap = ifc->hdr + (ifc->gso_max > ifc->mtu ? ifc->gso_max : ifc->mtu);
    size_t done = 0;
    while (done < n) {
        tern_assert(frames[done].cap >= cap);
        enum egress e = egress_one(st, ifc, &frames[done]);
        if (e == EGRESS_NONE)
            break;
        if (e == EGRESS_BUILT)
            done++;
    }
    return done;
}

size_t tern_tx(struct tern_stack *st, int iface, struct tern_frame *frames, size_t n,
               struct tern_time now)
{
    tern_assert(iface >= 0 && (unsigned)iface < st->ifs.n);
    stack_now(st, now);
    return egress_fill(st, (unsigned)iface, frames, n);
}

bool tern_tx_pending(const struct tern_stack *st, int iface)
{
    tern_assert(iface >= 0 && (unsigned)iface < st->ifs.n);
    return egress_pending(st, (unsigned)iface);
}

size_t tern_frame_cap(const struct tern_stack *st, int iface)
{
    tern_assert(iface >= 0 && (unsigned)iface < st->ifs.n);
    const struct iface *f = &st->ifs.tab[iface];
    return f->hdr + (f->gso_max > f->mtu ? f->gso_max : f->mtu);
}
