/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/tcp.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/causes.h"
#include <string.h>

enum tcp_opt_kind {
    OPT_END = 0, /* [RFC9293:MUST-4]: these two and MSS are the ones every TCP must know */
    OPT_NOP = 1,
    OPT_MSS = 2,
    OPT_WS = 3,
    OPT_SACK_OK = 4,
    OPT_SACK = 5,
    OPT_TS = 8,
    OPT_MD5 = 19,
    OPT_UTO = 28,
    OPT_AO = 29,
    OPT_ACCECN0 = 172, /* counters of ECT(0), CE, ECT(1) [RFC9768:3.2.3] */
    OPT_ACCECN1 = 174, /* ... of ECT(1), CE, ECT(0) */
};

enum {
    LEN_MSS = 4,
    LEN_WS = 3,
    LEN_SACK_OK = 2,
    LEN_TS = 10,
    LEN_MD5 = 18,
    LEN_AO = 16,
    LEN_UTO = 4
};

#define WS_MAX    14
#define TFO_MAGIC 0xF989u
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

/* A length that no cookie can have: as if the option were not there [RFC7413:4.1.1]. */
static void tcp_parse_tfo(uint8_t kind, const uint8_t *v, size_t n, struct tcp_opts *o)
{
    if (n != 0 && (n < 4 || n > 16 || n % 2 != 0))
        return;
    o->tfo = kind;
    o->tfo_len = (uint8_t)n;
    o->tfo_cookie = v;
}

static uint32_t be24_load(const uint8_t *v)
{
    return (uint32_t)v[0] << 16 | (uint32_t)v[1] << 8 | v[2];
}

/* Whole counters only; the last ones may be left out [RFC9768:3.2.3]. */
static void tcp_parse_accecn(uint8_t kind, const uint8_t *v, size_t n, struct tcp_opts *o)
{
    uint32_t *first = kind == OPT_ACCECN0 ? &o->e0b : &o->e1b;
    uint32_t *last = kind == OPT_ACCECN0 ? &o->e1b : &o->e0b;
    if (n % 3 != 0 || n > 9)
        return;
    *first = n >= 3 ? be24_load(v) : 0;
    o->ceb = n >= 6 ? be24_load(v + 3) : 0;
    *last = n >= 9 ? be24_load(v + 6) : 0;
    o->accecn = (uint8_t)(n / 3 + 1);
}

/* An AO option whose MAC has a length that this stack has no algorithm for is still one. */
static void tcp_parse_sign(uint8_t kind, const uint8_t *v, size_t n, struct tcp_opts *o)
{
    bool bad = kind == OPT_MD5 ? n != LEN_MD5 - 2 : n < 2;
    o->sign_at = v - 2;
    o->sign_len = (uint8_t)(n + 2);
    if (bad || o->sign != TCP_SIGN_NONE) { /* [RFC5925:2.2] */
        o->sign = TCP_SIGN_BAD;
        return;
    }
    o->sign = kind == OPT_MD5 ? TCP_SIGN_MD5 : TCP_SIGN_AO;
    if (kind == OPT_AO) {
        o->ao_key = v[0];
        o->ao_rnext = v[1];
    }
}

/* The options that few segments have. */
static void tcp_parse_rare(uint8_t kind, const uint8_t *v, size_t n, struct tcp_opts *o)
{
    if (kind == OPT_ACCECN0 || kind == OPT_ACCECN1)
        tcp_parse_accecn(kind, v, n, o);
    else if (kind == TCP_TFO)
        tcp_parse_tfo(kind, v, n, o);
    else if (kind == TCP_TFO_EXP && n >= 2 && be16_load(v) == TFO_MAGIC)
        tcp_parse_tfo(kind, v + 2, n - 2, o);
    else if (kind == OPT_MD5 || kind == OPT_AO)
        tcp_parse_sign(kind, v, n, o);
    else if (kind == OPT_UTO && n == LEN_UTO - 2 && (be16_load(v) & TCP_UTO_MOST) != 0)
        o->uto = be16_load(v); /* [RFC5482:3] */
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
        tcp_parse_rare(kind, v, n, o);
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
        uint8_t len = rd_u8(&r); /* [RFC9293:MUST-68] */
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
    /* Each field by itself: to clear all of it, with the blocks that nsack says are not there,
     * costs as much as the rest of the work on a SYN. */
    out->seq = seq_of(be32_load(p + 4));
    out->ack = seq_of(be32_load(p + 8));
    out->wnd = be16_load(p + 14); /* [RFC9293:MUST-1] */
    out->sport = be16_load(p);
    out->dport = be16_load(p + 2);
    out->urg = be16_load(p + 18);
    out->ae = (p[12] & 1) != 0;
    out->ecn = 0;
    out->th = p[13];
    out->hlen = (uint8_t)hlen;
    out->data = p + hlen;
    out->len = (uint32_t)(n - hlen);
    memset(&out->opt, 0, offsetof(struct tcp_opts, sack));
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

/* Octets of the options at the end, with their NOPs. */
static size_t tcp_opts_rare(const struct tcp_opts *o)
{
    size_t tfo = o->tfo == 0 ? 0 : (o->tfo == TCP_TFO ? 2u : 4u) + o->tfo_len;
    static const uint8_t sign[] = {
        [TCP_SIGN_NONE] = 0, [TCP_SIGN_MD5] = SIGN_MD5_ROOM, [TCP_SIGN_AO] = SIGN_AO_ROOM};
    tern_assert(o->sign < sizeof sign);
    return ((tfo + 3) & ~(size_t)3) + (o->accecn != 0 ? 12u : 0u) + (o->uto != 0 ? LEN_UTO : 0u) +
           sign[o->sign];
}

/* Ends of list fill that order up: nothing may follow them [RFC9293:MUST-69]. */
static bool tcp_scale_first(const struct tcp_opts *o)
{
    return o->layout == TCP_LAYOUT_SCALE_FIRST && o->has_mss && tcp_opts_rare(o) == 0 &&
           o->nsack == 0;
}

static size_t tcp_scale_first_len(const struct tcp_opts *o);

/* Octets of all options but the SACK blocks. Two NOPs or SACK permitted go before timestamps. */
static size_t tcp_opts_fixed(const struct tcp_opts *o)
{
    if (tcp_scale_first(o))
        return tcp_scale_first_len(o);
    return tcp_opts_rare(o) + (o->has_mss ? 4u : 0u) +
           (o->has_ts    ? 12u
            : o->sack_ok ? 4u
                         : 0u) +
           (o->has_ws ? 4u : 0u);
}

static unsigned tcp_opts_sacks(const struct tcp_opts *o)
{
    tern_assert(o->nsack <= TCP_SACK_BLOCKS);
    size_t fixed = tcp_opts_fixed(o);
    size_t room = fixed + 4 <= TCP_OPTS_MAX ? (TCP_OPTS_MAX - 4 - fixed) / 8 : 0;
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

static uint8_t *tcp_build_tfo(uint8_t *p, const struct tcp_opts *o)
{
    unsigned head = o->tfo == TCP_TFO ? 2 : 4;
    uint8_t *end = p + ((head + o->tfo_len + 3u) & ~3u);
    p[0] = o->tfo;
    p[1] = (uint8_t)(head + o->tfo_len);
    if (head == 4)
        be16_store(p + 2, TFO_MAGIC);
    if (o->tfo_len != 0)
        memcpy(p + head, o->tfo_cookie, o->tfo_len);
    for (p += head + o->tfo_len; p < end; p++)
        *p = OPT_NOP;
    return end;
}

static uint8_t *tcp_build_accecn(uint8_t *p, const struct tcp_opts *o)
{
    p = tcp_put(p, OPT_ACCECN0, 11, o->e0b >> 16 & 255u, o->e0b >> 8 & 255u);
    p = tcp_put(p, o->e0b & 255u, o->ceb >> 16 & 255u, o->ceb >> 8 & 255u, o->ceb & 255u);
    return tcp_put(p, o->e1b >> 16 & 255u, o->e1b >> 8 & 255u, o->e1b & 255u, OPT_NOP);
}

/* The last option; what it proves is filled in by whoever has the key. */
static uint8_t *tcp_build_sign(uint8_t *p, const struct tcp_opts *o)
{
    if (o->sign == TCP_SIGN_MD5)
        p = tcp_put(p, OPT_NOP, OPT_NOP, OPT_MD5, LEN_MD5);
    else
        p = tcp_put(p, OPT_AO, LEN_AO, o->ao_key, o->ao_rnext);
    size_t n = o->sign == TCP_SIGN_MD5 ? LEN_MD5 - 2u : LEN_AO - 4u;
    memset(p, 0, n);
    return p + n;
}

/* Octets of TCP_LAYOUT_SCALE_FIRST's options. */
static size_t tcp_scale_first_len(const struct tcp_opts *o)
{
    size_t n = 4u + (o->has_ws ? 4u : 0u) + (o->sack_ok ? 2u : 0u);
    if (o->has_ts) /* its numbers lie on four-octet boundaries */
        n = ((n + 1) & ~(size_t)3) + 2 + LEN_TS;
    return (n + 3) & ~(size_t)3;
}

static uint8_t *tcp_build_scale_first(uint8_t *p, const struct tcp_opts *o)
{
    uint8_t *first = p, *end = p + tcp_scale_first_len(o);
    p = tcp_put(p, OPT_MSS, LEN_MSS, o->mss >> 8, o->mss & 255u);
    if (o->has_ws)
        p = tcp_put(p, OPT_NOP, OPT_WS, LEN_WS, o->ws);
    if (o->sack_ok) {
        *p++ = OPT_SACK_OK;
        *p++ = LEN_SACK_OK;
    }
    if (o->has_ts) {
        while ((p - first) % 4 != 2)
            *p++ = OPT_NOP;
        *p++ = OPT_TS;
        *p++ = LEN_TS;
        be32_store(p, o->tsval);
        be32_store(p + 4, o->tsecr);
        p += 8;
    }
    while (p < end)
        *p++ = OPT_END;
    return p;
}

static uint8_t *tcp_build_usual(uint8_t *p, const struct tcp_opts *o)
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
    return p;
}

static uint8_t *tcp_build_options(uint8_t *p, const struct tcp_opts *o)
{
    p = tcp_scale_first(o) ? tcp_build_scale_first(p, o) : tcp_build_usual(p, o);
    unsigned sacks = tcp_opts_sacks(o);
    if (sacks > 0)
        p = tcp_put(p, OPT_NOP, OPT_NOP, OPT_SACK, 2 + 8 * sacks);
    for (unsigned i = 0; i < sacks; i++, p += 8) {
        be32_store(p, o->sack[i].lo.v);
        be32_store(p + 4, o->sack[i].hi.v);
    }
    if (o->tfo != 0)
        p = tcp_build_tfo(p, o);
    if (o->accecn != 0)
        p = tcp_build_accecn(p, o);
    if (o->uto != 0)
        p = tcp_put(p, OPT_UTO, LEN_UTO, o->uto >> 8, o->uto & 255u);
    if (o->sign != TCP_SIGN_NONE)
        p = tcp_build_sign(p, o);
    return p;
}

/* Padding is NOP: without an end of list nothing follows one [RFC9293:MUST-69]. */
size_t tcp_build(uint8_t *p, size_t cap, const struct tcp_seg *s)
{
    size_t hlen = TCP_HDR_LEN + tcp_opts_len(&s->opt);

    tern_assert(cap >= hlen && hlen <= TCP_HDR_MAX);
    tern_assert(s->wnd <= UINT16_MAX);
    be16_store(p, s->sport);
    be16_store(p + 2, s->dport);
    be32_store(p + 4, s->seq.v);
    be32_store(p + 8, s->ack.v);
    p[12] = (uint8_t)(hlen / 4 << 4 | s->ae);
    p[13] = s->th;
    be16_store(p + 14, (uint16_t)s->wnd);
    be16_store(p + TCP_CSUM_OFF, 0);
    be16_store(p + 18, s->urg);
    const uint8_t *end = tcp_build_options(p + TCP_HDR_LEN, &s->opt);
    tern_assert((size_t)(end - p) == hlen);
    return hlen;
}
