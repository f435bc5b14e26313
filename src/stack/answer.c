/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack/answer.c: packets that the stack itself owes somebody: ARP replies, echo replies, ICMP
 * errors.
 *
 * They are built at once, since what they answer is gone after the call, and wait in a queue for
 * each interface. The queue is bounded by config.max_answers for all interfaces together, and large
 * echo replies by the arena: a flood of requests costs answers, not memory.
 */
#include "base/bytes.h"
#include "net/ip4_tx.h"
#include "stack/stack.h"

#define LINK offsetof(struct answer, link)

static struct answer *answer_take(struct tern_stack *st, uint32_t *idx)
{
    *idx = pool_take(&st->answers);
    if (*idx == 0)
        return NULL;
    struct answer *a = answer_at(st, *idx);
    link_init(&a->link);
    a->block = NULL;
    return a;
}

void answer_free(struct tern_stack *st, uint32_t idx)
{
    struct answer *a = answer_at(st, idx);
    if (a->block)
        buddy_give(&st->arena, a->block, a->len);
    pool_give(&st->answers, idx);
}

static void answer_full(struct tern_stack *st, const struct tern_addr *src,
                        const struct tern_addr *dst)
{
    struct note n = {.cause = CAUSE_DROP_ANSWERS_FULL, .laddr = *src, .raddr = *dst};
    note_frame(st, TERN_TR_DROP, &n);
}

void answer_arp(struct tern_stack *st, unsigned iface, unsigned cause, const struct arp_pkt *pkt)
{
    uint32_t idx;
    struct tern_addr src = addr_of_octets(pkt->spa), dst = addr_of_octets(pkt->tpa);
    struct answer *a = answer_take(st, &idx);
    if (a == NULL) {
        answer_full(st, &src, &dst);
        return;
    }
    a->cause = (uint16_t)cause;
    a->len = 0;
    a->src = src;
    a->dst = dst;
    a->u.arp = *pkt;
    list_push_tail(&st->answer_q[iface], &st->answers, LINK, idx);
}

bool answer_icmp(struct tern_stack *st, unsigned iface, unsigned cause, const struct tern_addr *src,
                 const struct tern_addr *dst, const struct icmp4_msg *m)
{
    uint32_t icmp_len = ICMP4_HDR_LEN + m->len;
    uint32_t len = IP4_HDR_LEN + icmp_len;
    uint32_t idx;
    struct answer *a = len <= st->ifs.tab[iface].mtu ? answer_take(st, &idx) : NULL;
    if (a == NULL) {
        answer_full(st, src, dst);
        return false;
    }
    uint8_t *p = a->u.octets;
    if (len > ANSWER_INLINE) {
        p = a->block = buddy_take(&st->arena, len);
        if (p == NULL) {
            pool_give(&st->answers, idx);
            answer_full(st, src, dst);
            return false;
        }
    }
    a->cause = (uint16_t)cause;
    a->len = (uint16_t)len;
    a->src = *src;
    a->dst = *dst;
    struct ip4_out ip = {
        .src = *src, .dst = *dst, .len = icmp_len, .proto = IP4_PROTO_ICMP, .ttl = st->cfg.ttl};
    ip4_tx(p, &ip, &st->prng);
    icmp4_build(p + IP4_HDR_LEN, icmp_len, m);
    list_push_tail(&st->answer_q[iface], &st->answers, LINK, idx);
    return true;
}

static bool answer_allowed(struct tern_stack *st, const struct tern_addr *src,
                           const struct tern_addr *dst)
{
    if (icmp_limit_take(&st->limit, &st->prng, st->now))
        return true;
    struct note n = {.cause = CAUSE_DROP_ICMP_LIMIT, .laddr = *src, .raddr = *dst};
    note_frame(st, TERN_TR_DROP, &n);
    return false;
}

void answer_unreach(struct tern_stack *st, unsigned iface, unsigned cause, const struct ip4_in *ip,
                    uint8_t code)
{
    if (!icmp_may_answer(ip) || !answer_allowed(st, &ip->dst, &ip->src))
        return;
    struct icmp4_msg m = {
        .type = ICMP4_UNREACHABLE, .code = code, .data = ip->packet, .len = icmp_quote_len(ip)};
    answer_icmp(st, iface, cause, &ip->dst, &ip->src, &m);
}

bool answer_unreach_made(struct tern_stack *st, const struct tern_addr *src,
                         const struct tern_addr *dst, uint8_t proto, const uint8_t l4[8],
                         uint32_t l4_len, uint8_t code)
{
    struct route_hop hop;
    if (src->fam != TERN_AF_IP4 || dst->fam != TERN_AF_IP4 ||
        !route_find(&st->routes, &st->ifs, src, &hop))
        return false;
    if (!addr_is_unicast(src) || !answer_allowed(st, dst, src))
        return false;
    uint8_t quote[IP4_HDR_LEN + ICMP4_QUOTE_L4];
    struct ip4_out was = {
        .src = *src, .dst = *dst, .len = l4_len, .proto = proto, .ttl = st->cfg.ttl, .df = true};
    ip4_tx(quote, &was, &st->prng);
    memcpy(quote + IP4_HDR_LEN, l4, ICMP4_QUOTE_L4);
    struct icmp4_msg m = {
        .type = ICMP4_UNREACHABLE, .code = code, .data = quote, .len = sizeof quote};
    /* Only the destination itself can know that a port is shut; the rest is the gateway's own word.
     */
    bool from_dst = code == ICMP4_UNREACH_PORT || hop.src.fam == TERN_AF_NONE;
    unsigned cause =
        code == ICMP4_UNREACH_PORT ? CAUSE_TX_ICMP_PORT_UNREACH : CAUSE_TX_ICMP_UNREACH;
    return answer_icmp(st, hop.iface, cause, from_dst ? dst : &hop.src, src, &m);
}
