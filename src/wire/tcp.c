/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/tcp.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/causes.h"

enum tcp_opt_kind {
    OPT_END = 0, /* [RFC9293:MUST-4]: these two and MSS are the ones every TCP must know */
    OPT_NOP = 1,
    OPT_MSS = 2,
    OPT_WS = 3,
    OPT_SACK_OK = 4,
    OPT_SACK = 5,
    OPT_TS = 8,
};

enum { LEN_MSS = 4, LEN_WS = 3, LEN_SACK_OK = 2, LEN_TS = 10 };

#define WS_MAX 14
#define TS_LAYOUT                                                                                  \
    ((uint32_t)OPT_NOP << 24 | (uint32_t)OPT_NOP << 16 | (uint32_t)OPT_TS << 8 | (uint32_t)LEN_TS)

static void tcp_parse_sack(const uint8_t *v, size_t n, struct tcp_opts *o)
{
    if (n == 0 || n % 8 != 0 || n / 8 > TCP_SACK_BLOCKS)
        return;
    o->nsack = 0;
    for (; n > 0; n -= 8, v += 8) {
        struct seq lo = seq_of(be32_load(v)), hi = seq_of(be32_load(v + 4));
        if (!seq_lt(lo, hi))
            continue;
        o->sack[o->nsack].lo = lo;
        o->sack[o->nsack].hi = hi;
        o->nsack++;
    }
}

/* The options of a Linux SYN: MSS, SACK permitted, timestamps, NOP, window scale. */
static bool tcp_parse_usual_syn(const uint8_t *p, struct tcp_opts *o)
{
    uint32_t mss = be32_load(p), ws = be32_load(p + 16);
    if (mss >> 16 != (OPT_MSS << 8 | LEN_MSS) || (mss & 0xffff) == 0 ||
        be32_load(p + 4) !=
            ((uint32_t)OPT_SACK_OK << 24 | LEN_SACK_OK << 16 | OPT_TS << 8 | LEN_TS) ||
        ws >> 8 != (OPT_NOP << 16 | OPT_WS << 8 | LEN_WS))
        return false;
    o->has_mss = o->sack_ok = o->has_ts = o->has_ws = true;
    o->mss = (uint16_t)mss;
    o->tsval = be32_load(p + 8);
    o->tsecr = be32_load(p + 12);
    o->ws = (ws & 0xff) < WS_MAX ? (uint8_t)ws : WS_MAX;
    return true;
}

/* One option: its kind and the n octets of its value. */
static void tcp_parse_option(uint8_t kind, const uint8_t *v, size_t n, struct tcp_opts *o)
{
    switch (kind) {
    case OPT_MSS:
        if (n == LEN_MSS - 2 && be16_load(v) != 0) {
            o->has_mss = true;
            o->mss = be16_load(v);
        }
        break;
    case OPT_WS:
        if (n == LEN_WS - 2) {
            o->has_ws = true;
            o->ws = v[0] < WS_MAX ? v[0] : WS_MAX; /* [RFC7323:2.3] */
        }
        break;
    case OPT_SACK_OK:
        if (n == LEN_SACK_OK - 2)
            o->sack_ok = true;
        break;
    case OPT_SACK:
        tcp_parse_sack(v, n, o);
        break;
    case OPT_TS:
        if (n == LEN_TS - 2) {
            o->has_ts = true;
            o->tsval = be32_load(v);
            o->tsecr = be32_load(v + 4);
        }
        break;
    default:
        break; /* [RFC9293:MUST-6] */
    }
}

static int tcp_parse_options(const uint8_t *p, size_t n, struct tcp_opts *o)
{
    struct rd r = rd_of(p, n);

    while (rd_left(&r) > 0) {
        uint8_t kind = rd_u8(&r);
        if (kind == OPT_END)
            break;
        if (kind == OPT_NOP)
            continue;
        uint8_t len = rd_u8(&r);
        const uint8_t *v = len >= 2 ? rd_take(&r, len - 2u) : NULL;
        if (v == NULL)
            return CAUSE_DROP_TCP_OPTION; /* [RFC9293:MUST-7] */
        tcp_parse_option(kind, v, len - 2u, o);
    }
    return 0;
}

int tcp_parse(const uint8_t *p, size_t n, struct tcp_seg *out)
{
    if (n < TCP_HDR_LEN)
        return CAUSE_DROP_SHORT;
    uint32_t hlen = (uint32_t)(p[12] >> 4) * 4;
    if (hlen < TCP_HDR_LEN || hlen > n)
        return CAUSE_DROP_TCP_HEADER;
    *out = (struct tcp_seg){
        .seq = seq_of(be32_load(p + 4)),
        .ack = seq_of(be32_load(p + 8)),
        .wnd = be16_load(p + 14),
        .sport = be16_load(p),
        .dport = be16_load(p + 2),
        .urg = be16_load(p + 18),
        .th = p[13],
        .hlen = (uint8_t)hlen,
        .data = p + hlen,
        .len = (uint32_t)(n - hlen),
    };
    if (hlen == TCP_HDR_LEN)
        return 0;
    if (hlen == TCP_HDR_LEN + 12 && be32_load(p + 20) == TS_LAYOUT) { /* nearly all segments */
        out->opt.has_ts = true;
        out->opt.tsval = be32_load(p + 24);
        out->opt.tsecr = be32_load(p + 28);
        return 0;
    }
    if (hlen == TCP_HDR_LEN + 20 && tcp_parse_usual_syn(p + TCP_HDR_LEN, &out->opt))
        return 0;
    return tcp_parse_options(p + TCP_HDR_LEN, hlen - TCP_HDR_LEN, &out->opt);
}

/* Octets of all options but the SACK blocks. Two NOPs or SACK permitted go before timestamps. */
static size_t tcp_opts_fixed(const struct tcp_opts *o)
{
    return (o->has_mss ? 4u : 0u) +
           (o->has_ts    ? 12u
            : o->sack_ok ? 4u
                         : 0u) +
           (o->has_ws ? 4u : 0u);
}

static unsigned tcp_opts_sacks(const struct tcp_opts *o)
{
    tern_assert(o->nsack <= TCP_SACK_BLOCKS);
    size_t room = (TCP_OPTS_MAX - 4 - tcp_opts_fixed(o)) / 8;
    return o->nsack < room ? o->nsack : (unsigned)room;
}

size_t tcp_opts_len(const struct tcp_opts *o)
{
    unsigned sacks = tcp_opts_sacks(o);
    return tcp_opts_fixed(o) + (sacks > 0 ? 4u + 8u * sacks : 0u);
}

/* A four-octet word of option octets. */
static uint8_t *tcp_put(uint8_t *p, unsigned a, unsigned b, unsigned c, unsigned d)
{
    p[0] = (uint8_t)a;
    p[1] = (uint8_t)b;
    p[2] = (uint8_t)c;
    p[3] = (uint8_t)d;
    return p + 4;
}

static uint8_t *tcp_build_options(uint8_t *p, const struct tcp_opts *o)
{
    if (o->has_mss)
        p = tcp_put(p, OPT_MSS, LEN_MSS, o->mss >> 8, o->mss & 255u);
    if (o->has_ts) {
        if (o->sack_ok)
            p = tcp_put(p, OPT_SACK_OK, LEN_SACK_OK, OPT_TS, LEN_TS);
        else
            p = tcp_put(p, OPT_NOP, OPT_NOP, OPT_TS, LEN_TS);
        be32_store(p, o->tsval);
        be32_store(p + 4, o->tsecr);
        p += 8;
    } else if (o->sack_ok) {
        p = tcp_put(p, OPT_NOP, OPT_NOP, OPT_SACK_OK, LEN_SACK_OK);
    }
    if (o->has_ws)
        p = tcp_put(p, OPT_NOP, OPT_WS, LEN_WS, o->ws);
    unsigned sacks = tcp_opts_sacks(o);
    if (sacks > 0)
        p = tcp_put(p, OPT_NOP, OPT_NOP, OPT_SACK, 2 + 8 * sacks);
    for (unsigned i = 0; i < sacks; i++, p += 8) {
        be32_store(p, o->sack[i].lo.v);
        be32_store(p + 4, o->sack[i].hi.v);
    }
    return p;
}

size_t tcp_build(uint8_t *p, size_t cap, const struct tcp_seg *s)
{
    size_t hlen = TCP_HDR_LEN + tcp_opts_len(&s->opt);

    tern_assert(cap >= hlen && hlen <= TCP_HDR_MAX);
    tern_assert(s->wnd <= UINT16_MAX);
    be16_store(p, s->sport);
    be16_store(p + 2, s->dport);
    be32_store(p + 4, s->seq.v);
    be32_store(p + 8, s->ack.v);
    p[12] = (uint8_t)(hlen / 4 << 4);
    p[13] = s->th;
    be16_store(p + 14, (uint16_t)s->wnd);
    be16_store(p + TCP_CSUM_OFF, 0);
    be16_store(p + 18, s->urg);
    const uint8_t *end = tcp_build_options(p + TCP_HDR_LEN, &s->opt);
    tern_assert((size_t)(end - p) == hlen);
    return hlen;
}
