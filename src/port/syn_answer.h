/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/syn_answer.h: the answer to a SYN from nothing but the SYN and what the stack has left in
 * struct tern_syn_offload: a cookie. Compiled for the kernel's BPF (syn_answer.bpf.c) and for the
 * tests, which hold each answer against the stack's own.
 *
 * Whatever is not the plain case of a forged SYN is left to the stack: it knows what to do, and
 * when it says nothing about a frame, nobody here has. So only what the stack answers with a cookie
 * is answered, after the checks that it makes, in its order:
 *
 *     Ethernet to our MAC   IPv4 without options, whole, header checksum right
 *     a listener that is on, no text, TCP checksum right, options well-formed
 *     a 4-tuple that no connection can have   a token of the source's prefix
 *
 * Straight on, without a loop over anything that the sender chooses but the options (at most
 * SYN_STEPS of them), since the kernel's verifier walks each way through it. For BPF there is no
 * <string.h>: what base/bytes.h and base/cksum.h do with it is written out here.
 */
#ifndef PORT_SYN_ANSWER_H
#define PORT_SYN_ANSWER_H

#include "base/bucket.h"
#include "base/sip.h"
#include "wire/cookie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tern/syn_offload.h>

#define SYN_ETH   14u
#define SYN_HEAD  54u /* octets: Ethernet, IPv4, TCP, without options */
#define SYN_WORDS 31u
#define SYN_STEPS 16u

#define SYN_INLINE static inline __attribute__((always_inline))

enum syn_verdict {
    SYN_PASS,   /* the stack's */
    SYN_ANSWER, /* the frame is the answer now */
    SYN_DROP,   /* its source's prefix has had its share */
};

/* A frame, read and changed in place. w[0..4] is the IPv4 header, w[5..9] TCP's, then its options,
 * then zeros: more than they can be, so that no index is out of bounds. */
struct syn_frame {
    uint16_t pad;
    uint8_t eth[SYN_ETH];
    uint32_t w[SYN_WORDS];
};

/* What the SYN offers. In the kernel it lies in a map: what is read from there is any value to the
 * verifier, which else would walk the rest of the program once for each that it can be. */
struct syn_opts {
    uint32_t tsval, any;
    uint16_t mss;
    uint8_t ws;
    bool has_ts, has_ws, sack, fast_open, keyed;
};

/* x, of which the verifier is to forget what it knows. */
SYN_INLINE uint32_t syn_any(struct syn_opts *o, uint32_t x)
{
    *(volatile uint32_t *)&o->any = x;
    return *(volatile uint32_t *)&o->any;
}

SYN_INLINE uint32_t syn_be32(uint32_t v)
{
    return __builtin_bswap32(v);
}

SYN_INLINE uint16_t syn_fold(uint64_t s)
{
    s = (s & 0xffffffff) + (s >> 32);
    s = (s & 0xffffffff) + (s >> 32);
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

SYN_INLINE uint64_t syn_pseudo(const struct syn_frame *f, uint32_t tcp_len)
{
    return (uint64_t)f->w[3] + f->w[4] + 0x0600u + (syn_be32(tcp_len) >> 16);
}

/* Octets of the frame that must be in *f: all headers. 0 = not a SYN that can be answered. */
SYN_INLINE uint32_t syn_headers(const struct syn_frame *f, uint32_t len)
{
    uint32_t w0 = syn_be32(f->w[0]), th = syn_be32(f->w[8]);
    uint32_t hlen = (th >> 28) * 4, total = w0 & 0xffff;
    if (f->eth[12] != 8 || f->eth[13] != 0 || w0 >> 24 != 0x45 ||
        (syn_be32(f->w[1]) & 0x3fff) != 0 || (syn_be32(f->w[2]) >> 16 & 0xff) != 6)
        return 0;
    if ((th >> 16 & 0x16) != 0x02 || hlen < 20 || total != 20 + hlen || SYN_ETH + total > len)
        return 0;
    return SYN_ETH + total;
}

/* The options of a Linux SYN: MSS, SACK permitted, timestamps, NOP, window scale. */
SYN_INLINE bool syn_opts_usual(const struct syn_frame *f, struct syn_opts *o)
{
    uint32_t mss = syn_be32(f->w[10]), ws = syn_be32(f->w[14]);
    if (syn_be32(f->w[8]) >> 28 != 10 || mss >> 16 != 0x0204 || (mss & 0xffff) == 0 ||
        f->w[11] != syn_be32(0x0402080a) || ws >> 8 != 0x010303)
        return false;
    o->mss = (uint16_t)mss;
    o->tsval = f->w[12];
    o->ws = (uint8_t)(ws & 0xff);
    o->has_ts = o->has_ws = o->sack = true;
    return true;
}

SYN_INLINE void syn_opt(const uint8_t *p, uint32_t i, uint32_t len, struct syn_opts *o)
{
    uint8_t kind = p[i & 63];
    const uint8_t *v = p + (i & 63) + 2;
    if (kind == 2 && len == 4) {
        uint16_t mss = (uint16_t)(v[0] << 8 | v[1]);
        o->mss = mss != 0 ? mss : o->mss;
    } else if (kind == 3 && len == 3) {
        o->ws = v[0];
        o->has_ws = true;
    } else if (kind == 4 && len == 2) {
        o->sack = true;
    } else if (kind == 8 && len == 10) {
        o->tsval = v[0] | (uint32_t)v[1] << 8 | (uint32_t)v[2] << 16 | (uint32_t)v[3] << 24;
        o->has_ts = true;
    } else if (kind == 34 || kind == 254) {
        o->fast_open = true;
    } else if (kind == 19 || kind == 29) {
        o->keyed = true;
    }
}

/* False: there is something about them that the stack is to judge. */
SYN_INLINE bool syn_opts_any(const struct syn_frame *f, uint32_t n, struct syn_opts *o)
{
    const uint8_t *p = (const uint8_t *)&f->w[10];
    uint32_t i = 0;
    for (uint32_t step = 0; step < SYN_STEPS && i < n; step++) {
        uint32_t kind = p[i & 63], len = kind == 1 ? 1 : p[(i & 63) + 1];
        if (kind == 0)
            return true;
        if (len < (kind == 1 ? 1 : 2) || i + len > n)
            return false;
        if (kind != 1)
            syn_opt(p, i, len, o);
        i = syn_any(o, i + len);
    }
    return i >= n;
}

SYN_INLINE bool syn_for(const struct tern_offload_listener *l, const struct syn_frame *f)
{
    uint32_t addr = l->addr[0] | (uint32_t)l->addr[1] << 8 | (uint32_t)l->addr[2] << 16 |
                    (uint32_t)l->addr[3] << 24;
    return l->port == (syn_be32(f->w[5]) & 0xffff) && addr == f->w[4];
}

/* Index + 1 of the listener, 0 = none that is on. */
SYN_INLINE uint32_t syn_listener(const struct tern_syn_offload *g, const struct syn_frame *f)
{
    uint32_t next = g->first[syn_be32(f->w[5]) & 255];
    for (uint32_t step = 0; step < TERN_OFFLOAD_CHAIN; step++) {
        if (next == 0 || next > TERN_OFFLOAD_LISTENERS)
            return 0;
        const struct tern_offload_listener *l = &g->listener[next - 1];
        if (syn_for(l, f))
            return l->on ? next : 0;
        next = l->next;
    }
    return 0;
}

/* A source that somebody else can have [RFC1122:3.2.1.3]. */
SYN_INLINE bool syn_source(const struct tern_syn_offload *g, const struct syn_frame *f)
{
    uint32_t src = f->w[3], first = src & 0xff;
    if (first == 0 || first == 127 || first >= 224)
        return false;
    for (uint32_t i = 0; i < TERN_OFFLOAD_NETS && g->net[i].mask != 0; i++) {
        uint32_t mask = g->net[i].mask, host = src & ~mask;
        if (((src ^ g->net[i].addr) & mask) == 0 &&
            (host == 0 || host == ~mask || src == g->net[i].addr))
            return false;
    }
    return true;
}

/* The TCP checksum: 1 right, 2 begun only (the sum of the pseudo-header: a sender on this machine
 * leaves the rest to the device), 0 wrong. */
SYN_INLINE unsigned syn_cksum(const struct syn_frame *f, uint32_t tcp_len)
{
    uint64_t pseudo = syn_pseudo(f, tcp_len), sum = pseudo;
    for (uint32_t i = 5; i < 20; i++)
        sum += f->w[i];
    if (syn_fold(sum) == 0xffff)
        return 1;
    return (f->w[9] & 0xffff) == syn_fold(pseudo) ? 2 : 0;
}

/* Does the answer say that congestion may be marked (RFC 3168 6.1.1)? As ecn_listen(). */
SYN_INLINE bool syn_ecn(const struct syn_frame *f, unsigned mode)
{
    uint32_t th = syn_be32(f->w[8]), ace = th >> 22 & 7; /* AE, CWR, ECE */
    bool marked = (syn_be32(f->w[0]) >> 16 & 3) != 0;
    if (ace == 0 || mode == 0)
        return false;
    if (ace == 3)
        return !marked;
    return mode == 2 || (ace == 7 && !marked);
}

SYN_INLINE void syn_note(struct tern_offload_cpu *c, const struct syn_frame *f)
{
    c->answered++;
    if (++c->skipped < TERN_OFFLOAD_SAMPLE)
        return;
    c->skipped = 0;
    struct tern_offload_sample *s = &c->sample[c->nsample % TERN_OFFLOAD_SAMPLES];
    uint32_t ports = syn_be32(f->w[5]);
    __builtin_memcpy(s->laddr, &f->w[4], 4);
    __builtin_memcpy(s->raddr, &f->w[3], 4);
    s->lport = (uint16_t)(ports & 0xffff);
    s->rport = (uint16_t)(ports >> 16);
    c->nsample++;
}

/* Writes the answer over the SYN. `begun`: its checksum is left to the device, too. */
SYN_INLINE uint32_t syn_build(const struct tern_offload_answer *a, struct syn_frame *f,
                              uint32_t cookie, uint32_t tsval, uint32_t tsecr, bool ece, bool begun)
{
    uint32_t src = f->w[3], dst = f->w[4], ports = f->w[5], irs = syn_be32(f->w[6]);
    uint32_t at = a->ts / 4, len = a->len;
    uint64_t ip = 0, tcp = 0;
    for (uint32_t i = 0; i < TERN_OFFLOAD_HEAD / 4; i++) {
        uint32_t w;
        __builtin_memcpy(&w, a->octets + (size_t)4 * i, 4);
        if (at != 0)
            w = i == at ? syn_be32(tsval) : i == at + 1 ? tsecr : w;
        f->w[i] = w;
    }
    f->w[3] = dst;
    f->w[4] = src;
    f->w[5] = ports << 16 | ports >> 16;
    f->w[6] = syn_be32(cookie);
    f->w[7] = syn_be32(irs + 1);
    f->w[8] |= ece ? syn_be32(0x00400000) : 0;
    for (uint32_t i = 0; i < 5; i++)
        ip += f->w[i];
    f->w[2] |= (uint32_t)(uint16_t)~syn_fold(ip) << 16;
    uint64_t pseudo = syn_pseudo(f, len - 20);
    for (uint32_t i = 5; i < TERN_OFFLOAD_HEAD / 4; i++)
        tcp += f->w[i];
    f->w[9] |= begun ? syn_fold(pseudo) : (uint16_t)~syn_fold(tcp + pseudo);
    for (uint32_t i = 0; i < 6; i++) {
        uint8_t o = f->eth[i];
        f->eth[i] = f->eth[6 + i];
        f->eth[6 + i] = o;
    }
    return SYN_ETH + len;
}

SYN_INLINE bool syn_mac(const struct tern_syn_offload *g, const struct syn_frame *f)
{
    bool same = true;
    for (uint32_t i = 0; i < 6; i++)
        same &= f->eth[i] == g->mac[i];
    return same && !(f->eth[6] & 1);
}

/* What can be said of the frame before anybody asks for whom it is. */
SYN_INLINE bool syn_sound(const struct tern_syn_offload *g, const struct syn_frame *f)
{
    uint64_t ip = 0;
    for (uint32_t i = 0; i < 5; i++)
        ip += f->w[i];
    return syn_mac(g, f) && syn_source(g, f) && syn_fold(ip) == 0xffff;
}

/* The SYN's checksum and options; as syn_cksum(), 0 = left to the stack. */
SYN_INLINE uint32_t syn_read(const struct syn_frame *f, uint32_t tcp_len, bool fast_open,
                             struct syn_opts *o)
{
    uint32_t sum = syn_any(o, syn_cksum(f, tcp_len));
    *o = (struct syn_opts){.mss = 536};
    if (sum == 0 || (!syn_opts_usual(f, o) && !syn_opts_any(f, tcp_len - 20, o)))
        return 0;
    return o->keyed || (o->fast_open && fast_open) ? 0 : sum;
}

SYN_INLINE bool syn_known(const struct tern_syn_offload *g, uint64_t addrs, uint64_t pair)
{
    uint32_t h = (uint32_t)sip_2(g->known_key[0], g->known_key[1], addrs, pair);
    return g->known[h & (TERN_OFFLOAD_KNOWN - 1)] != 0 && g->known[h >> 16] != 0;
}

/* Counts the SYN's source, and takes a token of its prefix; false = it has none. */
SYN_INLINE bool syn_token(struct tern_syn_offload *g, struct tern_offload_cpu *c, uint32_t raddr,
                          struct syn_opts *o, uint32_t ms)
{
    uint64_t h = bucket_hash(g->prefix_key[0], g->prefix_key[1], raddr & 0x00ffffff);
    uint32_t rate = g->prefix_rate;
    c->bin[h >> 24 & (TERN_OFFLOAD_BINS - 1)]++;
    if (rate == 0)
        return true;
    struct tern_offload_bucket *set = g->bucket[bucket_set(h)];
    uint32_t way = syn_any(o, bucket_find(set, h, ms, rate)) % BUCKET_WAYS;
    if (bucket_take(&set[way], ms, rate))
        return true;
    c->limited++;
    return false;
}

/* The cookie, and the TSval, of the answer a; then all of it over the SYN. Its length. */
SYN_INLINE uint32_t syn_reply(const struct tern_syn_offload *g, const struct tern_offload_answer *a,
                              struct syn_frame *f, struct syn_opts *o, unsigned ecn, uint32_t ms,
                              bool begun)
{
    uint32_t ports = syn_be32(f->w[5]), lport = ports & 0xffff, rport = ports >> 16;
    uint64_t addrs = cookie_addrs(f->w[4], f->w[3]);
    const uint64_t *key = g->cookie_key[g->key_now & 1];
    uint64_t h = sip_2(key[0], key[1], addrs, cookie_ports(lport, rport, syn_be32(f->w[6])));
    uint32_t cookie = cookie_of(h, syn_any(o, cookie_mss_index(g->mss, o->mss)));
    uint32_t off = (uint32_t)sip_2(g->ts_key[0], g->ts_key[1], addrs, lport << 16 | rport);
    uint32_t ece = a->ts != 0 && syn_ecn(f, ecn) ? COOKIE_TS_ECN : 0;
    uint32_t low = a->low + (a->ws ? (o->ws < 14 ? o->ws : 14u) : 0u) + ece;
    uint32_t tsval = cookie_tsval(ms + off, syn_any(o, low) & 63);
    return syn_build(a, f, cookie, tsval, o->tsval, ece != 0, begun);
}

/* A SYN of which all headers are in *f (syn_headers() said how many octets) and zeros behind them.
 * At SYN_ANSWER *len is that of the answer. */
SYN_INLINE enum syn_verdict syn_answer(struct tern_syn_offload *g, struct syn_frame *f,
                                       struct syn_opts *o, uint32_t *len, uint32_t cpu,
                                       int64_t now_ns)
{
    if (now_ns >= g->alive_ns || cpu >= TERN_OFFLOAD_CPUS || !syn_sound(g, f))
        return SYN_PASS;
    uint32_t at = syn_any(o, syn_listener(g, f));
    if (at == 0)
        return SYN_PASS;
    struct tern_offload_listener *l = &g->listener[(at - 1) % TERN_OFFLOAD_LISTENERS];
    uint32_t seq = *(volatile uint32_t *)&l->seq, ports = syn_be32(f->w[5]);
    uint64_t pair = (uint64_t)(ports & 0xffff) << 16 | ports >> 16;
    uint32_t sum = syn_any(o, syn_read(f, *len - SYN_ETH - 20, l->fast_open, o));
    if (sum == 0 || !syn_for(l, f) || syn_known(g, cookie_addrs(f->w[4], f->w[3]), pair))
        return SYN_PASS;

    struct tern_offload_cpu *c = &g->cpu[cpu];
    uint32_t ms = (uint32_t)((uint64_t)(now_ns - g->boot_ns) / 1000000);
    if (!syn_token(g, c, f->w[3], o, ms))
        return SYN_DROP;
    uint32_t kind = syn_any(o, o->has_ts ? 1u + o->sack + 2u * o->has_ws : 0);
    const struct tern_offload_answer *a = &l->answer[kind < TERN_OFFLOAD_KINDS ? kind : 0];
    if (a->len < 40) /* not written yet */
        return SYN_PASS;
    syn_note(c, f);
    c->overflowed += l->overflow;
    *len = syn_reply(g, a, f, o, l->ecn, ms, sum == 2);
    /* Written meanwhile: half of it may be another listener's. The peer sends its SYN again. */
    return (seq & 1) || seq != *(volatile uint32_t *)&l->seq ? SYN_DROP : SYN_ANSWER;
}

#endif
