/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/icmp4.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/causes.h"
#include "base/cksum.h"
#include "wire/ip4.h"

static bool icmp4_is_echo(unsigned type)
{
    return type == ICMP4_ECHO || type == ICMP4_ECHO_REPLY;
}

static bool icmp4_has_mtu(const struct icmp4_msg *m)
{
    return m->type == ICMP4_UNREACHABLE && m->code == ICMP4_UNREACH_FRAG;
}

int icmp4_parse(const uint8_t *p, size_t n, struct icmp4_msg *out)
{
    if (n < ICMP4_HDR_LEN || n > IP4_MAX_LEN)
        return CAUSE_DROP_ICMP_BAD;
    if (cksum_fold(cksum_ops(0)->sum(p, n)) != 0)
        return CAUSE_DROP_ICMP_BAD;
    if (!icmp4_is_echo(p[0]) && !icmp4_is_error(p[0]))
        return CAUSE_DROP_ICMP_TYPE;
    memset(out, 0, sizeof *out);
    out->type = p[0];
    out->code = p[1];
    out->data = p + ICMP4_HDR_LEN;
    out->len = (uint32_t)(n - ICMP4_HDR_LEN);
    if (icmp4_is_echo(p[0])) {
        out->id = be16_load(p + 4);
        out->seq = be16_load(p + 6);
    } else if (icmp4_has_mtu(out)) {
        out->mtu = be16_load(p + 6);
    } else {
        memcpy(out->word, p + 4, 4);
    }
    return 0;
}

int icmp4_quote_parse(const struct icmp4_msg *m, struct icmp4_quote *out)
{
    const uint8_t *q = m->data;

    if (!icmp4_is_error(m->type) || m->len < IP4_HDR_LEN || q[0] >> 4 != 4)
        return CAUSE_DROP_ICMP_BAD;
    uint32_t hlen = (q[0] & 15u) * 4;
    if (hlen < IP4_HDR_LEN || m->len < hlen + ICMP4_QUOTE_L4)
        return CAUSE_DROP_ICMP_BAD;
    memset(out, 0, sizeof *out);
    memcpy(out->src, q + 12, 4);
    memcpy(out->dst, q + 16, 4);
    out->proto = q[9];
    out->id = be16_load(q + 4);
    out->total = be16_load(q + 2);
    out->fragment = (be16_load(q + 6) & 0x1fff) != 0;
    out->l4 = q + hlen;
    out->l4len = m->len - hlen;
    if (out->fragment || (out->proto != IP4_PROTO_TCP && out->proto != IP4_PROTO_UDP))
        return 0;
    out->sport = be16_load(out->l4);
    out->dport = be16_load(out->l4 + 2);
    if (out->proto == IP4_PROTO_TCP)
        out->seq = be32_load(out->l4 + 4);
    return 0;
}

size_t icmp4_build(uint8_t *p, size_t cap, const struct icmp4_msg *m)
{
    tern_assert(cap >= ICMP4_HDR_LEN && m->len <= cap - ICMP4_HDR_LEN);
    tern_assert(icmp4_is_echo(m->type) || icmp4_is_error(m->type));
    if (m->len > 0)
        memmove(p + ICMP4_HDR_LEN, m->data, m->len);
    memset(p, 0, ICMP4_HDR_LEN);
    p[0] = m->type;
    p[1] = m->code;
    if (icmp4_is_echo(m->type)) {
        be16_store(p + 4, m->id);
        be16_store(p + 6, m->seq);
    } else if (icmp4_has_mtu(m)) {
        be16_store(p + 6, m->mtu);
    } else {
        memcpy(p + 4, m->word, 4);
    }
    uint16_t sum = cksum_fold(cksum_ops(0)->sum(p, ICMP4_HDR_LEN + m->len));
    memcpy(p + 2, &sum, 2);
    return ICMP4_HDR_LEN + m->len;
}
