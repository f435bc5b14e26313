/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/icmp.h"

#include "base/causes.h"

/* Destination unreachable, by code. RFC 1122 4.2.3.9 calls 2, 3 and 4 hard; 9, 10 and 13 came later
 * (RFC 1812 5.2.7.1) and are an administrator's word: hard as well. 4 is path MTU discovery's. */
static const struct {
    int16_t err;
    bool hard;
} icmp_unreach[16] = {
    [0] = {TERN_ENETUNREACH, false},   [1] = {TERN_EHOSTUNREACH, false},
    [2] = {TERN_ENOPROTOOPT, true},    [3] = {TERN_ECONNREFUSED, true},
    [4] = {TERN_EMSGSIZE, false},      [5] = {TERN_EHOSTUNREACH, false},
    [6] = {TERN_ENETUNREACH, false},   [7] = {TERN_EHOSTUNREACH, false},
    [8] = {TERN_EHOSTUNREACH, false},  [9] = {TERN_EACCES, true},
    [10] = {TERN_EACCES, true},        [11] = {TERN_ENETUNREACH, false},
    [12] = {TERN_EHOSTUNREACH, false}, [13] = {TERN_EACCES, true},
    [14] = {TERN_EHOSTUNREACH, false}, [15] = {TERN_EHOSTUNREACH, false},
};

/* [RFC1191:3#4] [RFC1191:7.1] a router that is too old to say which MTU: the next one in use below
 * the packet that it dropped. */
static uint16_t icmp_plateau(uint16_t total)
{
    static const uint16_t mtus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++)
        if (mtus[i] < total)
            return mtus[i];
    return 68;
}

static enum icmp_verdict icmp_drop(struct icmp_in *out, unsigned cause)
{
    out->cause = cause;
    return ICMP_DROP;
}

static enum icmp_verdict icmp_rx_error(struct icmp_in *out)
{
    const struct icmp4_msg *m = &out->msg;
    struct icmp4_quote q;
    int bad = icmp4_quote_parse(m, &q);
    if (bad)
        return icmp_drop(out, (unsigned)bad);
    if (q.fragment || (q.proto != IP4_PROTO_TCP && q.proto != IP4_PROTO_UDP))
        return icmp_drop(out, CAUSE_DROP_ICMP_NO_MATCH);
    struct icmp_err *e = &out->err;
    memset(e, 0, sizeof *e);
    e->proto = q.proto;
    e->local.addr = addr_of_octets(q.src);
    e->local.port = q.sport;
    e->remote.addr = addr_of_octets(q.dst);
    e->remote.port = q.dport;
    e->seq = q.seq;
    e->err = TERN_EHOSTUNREACH; /* time exceeded, parameter problem: soft */
    if (m->type == ICMP4_UNREACHABLE && m->code < 16) {
        e->err = icmp_unreach[m->code].err;
        e->hard = icmp_unreach[m->code].hard;
        e->mtu = m->code == ICMP4_UNREACH_FRAG ? m->mtu : 0;
        if (m->code == ICMP4_UNREACH_FRAG && e->mtu == 0)
            e->mtu = icmp_plateau(q.total);
    }
    return ICMP_ERROR;
}

enum icmp_verdict icmp_rx(const struct ip4_in *ip, struct icmp_in *out)
{
    int bad = icmp4_parse(ip->h.data, ip->h.len, &out->msg);
    if (bad)
        return icmp_drop(out, (unsigned)bad);
    switch (out->msg.type) {
    case ICMP4_ECHO:
        /* To everybody: not answered, or one packet would call forth many [RFC1122:3.2.2.6]. */
        return ip->group ? icmp_drop(out, CAUSE_DROP_BROADCAST) : ICMP_ECHO;
    case ICMP4_UNREACHABLE:
    case ICMP4_TIME_EXCEEDED:
    case ICMP4_PARAMETER:
        return icmp_rx_error(out);
    default:
        return icmp_drop(out, CAUSE_DROP_ICMP_TYPE); /* [RFC9293:MUST-55] [RFC6633:3] */
    }
}

bool icmp_may_answer(const struct ip4_in *ip)
{
    if (!ip->parsed || ip->group || ip->h.frag != 0)
        return false;
    if (!addr_is_unicast(&ip->src) && !addr_is_loopback(&ip->src))
        return false;
    /* Only what is certainly no error may be answered: echo request and reply. */
    if (ip->h.proto == IP4_PROTO_ICMP)
        return ip->h.len > 0 && (ip->h.data[0] == ICMP4_ECHO || ip->h.data[0] == ICMP4_ECHO_REPLY);
    return true;
}

uint32_t icmp_quote_len(const struct ip4_in *ip)
{
    uint32_t n = IP4_HDR_LEN + ip->h.optlen + ip->h.len;
    return n < ICMP_QUOTE_MAX ? n : ICMP_QUOTE_MAX;
}

void icmp_limit_init(struct icmp_limit *l, struct tern_time now)
{
    l->last_ns = now.ns;
    l->tokens = ICMP_BURST;
}

bool icmp_limit_take(struct icmp_limit *l, struct prng *r, struct tern_time now)
{
    const int64_t each = 1000000000 / ICMP_PER_S;
    int64_t fresh = (now.ns - l->last_ns) / each;
    if (fresh > 0) {
        l->tokens =
            fresh >= ICMP_BURST - (int64_t)l->tokens ? ICMP_BURST : l->tokens + (uint32_t)fresh;
        l->last_ns = now.ns - (now.ns - l->last_ns) % each;
    }
    if (l->tokens == 0)
        return false;
    uint32_t blur = prng_below(r, 4); /* sometimes a spare token evaporates */
    l->tokens -= l->tokens > blur + 1 && blur == 3 ? 2 : 1;
    return true;
}
