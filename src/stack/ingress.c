/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack/ingress.c: a frame's way in, one direction: link header, IP, transport. Whatever happens to
 * a frame has one cause, counted once: by TCP for segments that reach it, here for all others.
 */
#include "base/bytes.h"
#include "stack/stack.h"
#include "wire/eth.h"
#include "wire/udp.h"

static void ingress_note(struct tern_stack *st, unsigned kind, unsigned cause,
                         const struct tern_frame *f, const struct ip4_in *ip)
{
    struct note n = {.cause = cause, .id = f->id, .len = f->len};
    if (ip != NULL && ip->parsed) {
        n.laddr = ip->dst;
        n.raddr = ip->src;
        bool ports = ip->h.proto == IP4_PROTO_TCP || ip->h.proto == IP4_PROTO_UDP;
        if (ports && ip->h.frag == 0 && ip->h.len >= 4) {
            n.rport = be16_load(ip->h.data);
            n.lport = be16_load(ip->h.data + 2);
        }
    }
    note_frame(st, kind, &n);
}

static void ingress_drop(struct tern_stack *st, unsigned cause, const struct tern_frame *f,
                         const struct ip4_in *ip)
{
    ingress_note(st, TERN_TR_DROP, cause, f, ip);
}

static void ingress_arp(struct tern_stack *st, unsigned iface, const struct tern_frame *f)
{
    struct arp_pkt reply;
    bool answer;
    unsigned cause = arp_rx(&st->ifs, iface, &st->neigh, f->data + NET_ETH_HDR,
                            f->len - NET_ETH_HDR, st->now, &answer, &reply);
    bool taken = cause == CAUSE_DROP_ARP_TAKEN;
    ingress_note(st, taken ? TERN_TR_OTHER_RX : TERN_TR_DROP, cause, f, NULL);
    if (answer)
        answer_arp(st, iface, CAUSE_TX_ARP_REPLY, &reply);
    egress_reap(st); /* learning may have evicted an entry with frames waiting */
}

/* Keeps an echo request for the application to answer; false when there is no room. */
static bool ingress_echo_event(struct tern_stack *st, const struct ip4_in *ip,
                               const struct icmp4_msg *m)
{
    struct echo_rec rec = {
        .from = ip->src, .to = ip->dst, .id = m->id, .seq = m->seq, .len = m->len};
    uint32_t have = st->echo.len, need = (uint32_t)sizeof rec + rec.len;
    if (!ring_reserve(&st->echo, &st->arena, have + need, STACK_ECHO_MAX, have))
        return false;
    ring_write(&st->echo, have, &rec, sizeof rec);
    ring_write(&st->echo, have + (uint32_t)sizeof rec, m->data, m->len);
    ring_commit(&st->echo, need);
    return true;
}

static void ingress_echo(struct tern_stack *st, unsigned iface, const struct tern_frame *f,
                         const struct ip4_in *ip, struct icmp4_msg *m)
{
    if (st->echo_on && !iface_own(&st->ifs, &ip->dst)) {
        if (!ingress_echo_event(st, ip, m)) {
            ingress_drop(st, CAUSE_DROP_ANSWERS_FULL, f, ip);
            return;
        }
        ingress_note(st, TERN_TR_OTHER_RX, CAUSE_DROP_ICMP_TAKEN, f, ip);
        return;
    }
    ingress_note(st, TERN_TR_OTHER_RX, CAUSE_DROP_ICMP_TAKEN, f, ip);
    m->type = ICMP4_ECHO_REPLY; /* from the address that was asked [RFC1122:3.2.2.6] */
    answer_icmp(st, iface, CAUSE_TX_ICMP_ECHO_REPLY, &ip->dst, &ip->src, m);
}

static void ingress_icmp(struct tern_stack *st, unsigned iface, const struct tern_frame *f,
                         const struct ip4_in *ip)
{
    struct icmp_in in;
    switch (icmp_rx(ip, &in)) {
    case ICMP_ECHO:
        ingress_echo(st, iface, f, ip, &in.msg);
        return;
    case ICMP_ERROR:
        if (in.err.proto == IP4_PROTO_TCP)
            in.cause = tcp_icmp(st->tcp, &in.err.local, &in.err.remote, in.err.seq, in.err.err,
                                in.err.hard, in.err.mtu, st->now);
        else
            in.cause = udp_icmp(&st->udp, &in.err.local, &in.err.remote, in.err.err);
        break;
    case ICMP_DROP:
        break;
    }
    bool taken = in.cause == CAUSE_DROP_ICMP_TAKEN;
    ingress_note(st, taken ? TERN_TR_OTHER_RX : TERN_TR_DROP, in.cause, f, ip);
}

static void ingress_udp(struct tern_stack *st, unsigned iface, const struct tern_frame *f,
                        const struct ip4_in *ip)
{
    struct udp_pkt pkt = {
        .src = ip->src, .dst = ip->dst, .p = ip->h.data, .n = ip->h.len, .csum = f->csum};
    uint16_t ports[2] = {0, 0};
    unsigned cause = udp_rx(&st->udp, &pkt, ports);
    ingress_note(st, cause == CAUSE_RX_UDP ? TERN_TR_OTHER_RX : TERN_TR_DROP, cause, f, ip);
    if (cause == CAUSE_DROP_UDP_NO_PORT) /* [RFC1122:4.1.3.1] */
        answer_unreach(st, iface, CAUSE_TX_ICMP_PORT_UNREACH, ip, ICMP4_UNREACH_PORT);
}

static void ingress_tcp(struct tern_stack *st, unsigned iface, const struct tern_frame *f,
                        const struct ip4_in *ip)
{
    if (ip->group) { /* [RFC9293:MUST-57] */
        ingress_drop(st, CAUSE_DROP_BROADCAST, f, ip);
        return;
    }
    struct tcp_pkt pkt = {.src = ip->src,
                          .dst = ip->dst,
                          .p = ip->h.data,
                          .n = ip->h.len,
                          .id = f->id,
                          .gso_size = f->gso == TERN_GSO_NONE ? (uint16_t)0 : f->gso_size,
                          .csum = f->csum,
                          .iface = (uint8_t)iface,
                          .tos = ip->h.tos};
    tcp_rx(st->tcp, &pkt, st->now);
}

static void ingress_ip(struct tern_stack *st, unsigned iface, const struct tern_frame *f,
                       uint32_t hdr, bool l2_group)
{
    struct ip4_in ip;
    unsigned cause = ip4_rx(&st->ifs, iface, f->data + hdr, f->len - hdr, l2_group, &ip);
    if (__builtin_expect(cause != 0, 0)) {
        ingress_drop(st, cause, f, &ip);
        return;
    }
    switch (ip.h.proto) {
    case IP4_PROTO_TCP:
        ingress_tcp(st, iface, f, &ip);
        return;
    case IP4_PROTO_UDP:
        ingress_udp(st, iface, f, &ip);
        return;
    case IP4_PROTO_ICMP:
        ingress_icmp(st, iface, f, &ip);
        return;
    default: /* [RFC1122:3.2.2.1] */
        ingress_drop(st, CAUSE_DROP_IP_PROTO, f, &ip);
        answer_unreach(st, iface, CAUSE_TX_ICMP_PROTO_UNREACH, &ip, ICMP4_UNREACH_PROTO);
    }
}

static void ingress_ether(struct tern_stack *st, const struct iface *ifc,
                          const struct tern_frame *f)
{
    const uint8_t *p = f->data;
    if (f->len < ETH_HDR_LEN) {
        ingress_drop(st, CAUSE_DROP_SHORT, f, NULL);
        return;
    }
    bool group = eth_is_group(p);
    if (!group && memcmp(p, ifc->mac, ETH_ADDR_LEN) != 0) {
        ingress_drop(st, CAUSE_DROP_NOT_OURS_LINK, f, NULL);
        return;
    }
    switch (be16_load(p + 12)) {
    case ETH_TYPE_IP4:
        ingress_ip(st, ifc->index, f, ETH_HDR_LEN, group);
        return;
    case ETH_TYPE_ARP:
        ingress_arp(st, ifc->index, f);
        return;
    case ETH_TYPE_RARP: /* nobody gives us an address this way */
        ingress_drop(st, CAUSE_DROP_ARP_UNASKED, f, NULL);
        return;
    default:
        ingress_drop(st, CAUSE_DROP_ETHERTYPE, f, NULL);
    }
}

void ingress_frame(struct tern_stack *st, unsigned iface, const struct tern_frame *f)
{
    const struct iface *ifc = &st->ifs.tab[iface];
    tern_assert(ifc->up && (f->data != NULL || f->len == 0));
    if (ifc->hdr != 0)
        ingress_ether(st, ifc, f);
    else
        ingress_ip(st, iface, f, 0, false);
}

/* [RFC9293:MUST-59] [RFC1122:4.2.2.20] */
void tern_rx(struct tern_stack *st, int iface, const struct tern_frame *frames, size_t n,
             struct tern_time now)
{
    tern_assert(iface >= 0 && (unsigned)iface < st->ifs.n);
    stack_now(st, now);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n)
            __builtin_prefetch(frames[i + 1].data);
        ingress_frame(st, (unsigned)iface, &frames[i]);
    }
    stack_after(st);
}
