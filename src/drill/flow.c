/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/flow.c: script numbers into live ones and back; the packets of the script's peer. */
#include "drill/flow.h"

#include "base/bytes.h"
#include "base/cksum.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"

#include <stdlib.h>
#include <string.h>

void dflow_free(struct flow *f)
{
    free(f->sent);
    memset(f, 0, sizeof *f);
}

/* Any function does whose neighbours differ and which does not repeat after a power of two. */
uint8_t dflow_peer_octet(uint32_t seq)
{
    return (uint8_t)((seq * 2654435761u) >> 23);
}
uint8_t dflow_own_octet(size_t offset)
{
    return (uint8_t)((((uint32_t)offset + 17u) * 2246822519u) >> 21);
}

void dflow_wrote(struct flow *f, const uint8_t *p, size_t n)
{
    if (f->nsent + n > f->sent_cap) {
        size_t cap = f->sent_cap ? f->sent_cap : 65536;
        while (cap < f->nsent + n)
            cap *= 2;
        uint8_t *more = realloc(f->sent, cap);
        if (!more)
            abort();
        f->sent = more;
        f->sent_cap = cap;
    }
    memcpy(f->sent + f->nsent, p, n);
    f->nsent += n;
}

static bool is_urgent(const struct flow *f, uint32_t seq)
{
    for (unsigned i = 0; i < f->nurgent; i++) {
        if (f->urgent[i] == seq)
            return true;
    }
    return false;
}

int64_t dflow_read(struct flow *f, const uint8_t *p, size_t n, bool inline_urgent)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t seq = f->peer_isn + 1 + f->nread;
        while (!inline_urgent && is_urgent(f, seq)) {
            f->nread++;
            seq++;
        }
        if (p[i] != dflow_peer_octet(seq))
            return (int64_t)i;
        f->nread++;
    }
    return -1;
}

/* ---- timestamps ---- */

/* The live value behind a script's `ecr`: what the stack really sent when the script said that
 * value; one that was never said is reckoned from the last that was. */
static uint32_t stamp_live(const struct flow *f, const struct conf *c, uint32_t script)
{
    unsigned n = f->nstamp < FLOW_STAMPS ? f->nstamp : FLOW_STAMPS;
    uint32_t tick = c->ts_tick_us ? c->ts_tick_us : 1000;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = (f->nstamp - 1 - i) % FLOW_STAMPS;
        if (f->stamp[at].script == script)
            return f->stamp[at].live;
    }
    if (n) {
        unsigned at = (f->nstamp - 1) % FLOW_STAMPS;
        return f->stamp[at].live + (script - f->stamp[at].script) * tick / 1000;
    }
    return f->any_stamp && script ? f->newest_stamp : script;
}

/* ---- the peer's packets ---- */

static unsigned opt_write(const struct flow *f, const struct conf *c, const struct popt *o,
                          uint8_t *p)
{
    p[0] = o->kind;
    switch (o->kind) {
    case OPT_EOL:
    case OPT_NOP:
        return 1;
    case OPT_MSS:
        p[1] = 4;
        be16_store(p + 2, (uint16_t)o->a);
        return 4;
    case OPT_WS:
        p[1] = 3;
        p[2] = (uint8_t)o->a;
        return 3;
    case OPT_SACKOK:
        p[1] = 2;
        return 2;
    case OPT_TS:
        p[1] = 10;
        be32_store(p + 2, o->a);
        be32_store(p + 6, stamp_live(f, c, o->b));
        return 10;
    case OPT_SACK:
        p[1] = (uint8_t)(2 + 8 * o->nblk);
        for (unsigned i = 0; i < o->nblk; i++) {
            be32_store(p + 2 + (size_t)8 * i, o->blk[i].lo + f->off);
            be32_store(p + 6 + (size_t)8 * i, o->blk[i].hi + f->off);
        }
        return p[1];
    default:
        p[1] = (uint8_t)(2 + o->len);
        memcpy(p + 2, o->raw, o->len);
        return p[1];
    }
}

static uint8_t ecn_bits(const struct pkt *k)
{
    static const uint8_t bits[] = {[ECN_UNSAID] = 0, [ECN_NONE] = 0,  [ECN_ECT0] = 2,
                                   [ECN_ECT1] = 1,   [ECN_ECT01] = 2, [ECN_CE] = 3};
    return k->tos >= 0 ? (uint8_t)k->tos : bits[k->ecn];
}

static uint32_t ip_finish(const struct conf *c, const struct pkt *k, uint8_t proto, uint32_t len,
                          uint8_t *p)
{
    struct ip4_hdr h = {
        .tos = ecn_bits(k), .ttl = k->ttl >= 0 ? (uint8_t)k->ttl : 255, .proto = proto, .len = len};
    memcpy(h.src, c->remote.b, 4);
    memcpy(h.dst, c->host.local.b, 4);
    return (uint32_t)ip4_build(p, IP4_HDR_LEN, &h) + len;
}

/* TCP or UDP checksum at csum over the len octets behind the IP header. */
static void sum_into(const struct conf *c, uint8_t proto, uint8_t *l4, uint32_t len, uint8_t *csum)
{
    uint64_t sum = cksum_pseudo4(c->remote.b, c->host.local.b, proto, len);
    memset(csum, 0, 2);
    uint16_t v = cksum_fold(cksum_add(sum, cksum_ops(0)->sum(l4, len)));
    memcpy(csum, &v, 2);
}

static void note_inbound(struct flow *f, const struct pkt *k)
{
    if (k->th & TERN_TH_SYN) {
        if (!f->peer_known)
            f->peer_isn = k->seq;
        f->peer_known = true;
        f->new_isn = k->seq; /* of a new connection on the same ports, if the stack agrees */
    }
    if ((k->th & TERN_TH_URG) && k->has_urg && k->urg > 0 && f->nurgent < FLOW_URGENT &&
        !is_urgent(f, k->seq + k->urg - 1))
        f->urgent[f->nurgent++] = k->seq + k->urg - 1;
    if (k->has_win)
        f->last_win = (uint16_t)k->win;
}

static uint32_t build_tcp(struct flow *f, const struct conf *c, const struct pkt *k, uint8_t *p)
{
    uint8_t *t = p + IP4_HDR_LEN;
    uint32_t n = 20;
    note_inbound(f, k);
    memset(t, 0, 20);
    for (unsigned i = 0; i < k->nopts && n <= 60; i++)
        n += opt_write(f, c, &k->opt[i], t + n);
    if (n > 60)
        return 0;
    while (n % 4)
        t[n++] = OPT_EOL;
    be16_store(t, f->rport);
    be16_store(t + 2, f->lport);
    be32_store(t + 4, k->seq);
    be32_store(t + 8, k->has_ack ? k->ack + f->off : k->th & TERN_TH_ACK ? f->off : 0);
    t[12] = (uint8_t)(n / 4 << 4 | ((k->th & TH_AE) ? 1 : 0));
    t[13] = (uint8_t)k->th;
    be16_store(t + 14, k->has_win ? (uint16_t)k->win : f->last_win);
    be16_store(t + 18, (uint16_t)k->urg);
    uint32_t first = k->seq + ((k->th & TERN_TH_SYN) ? 1 : 0);
    for (uint32_t i = 0; i < k->len; i++)
        t[n + i] = dflow_peer_octet(first + i);
    sum_into(c, IP4_PROTO_TCP, t, n + k->len, t + 16);
    return ip_finish(c, k, IP4_PROTO_TCP, n + k->len, p);
}

static uint32_t build_udp(const struct flow *f, const struct conf *c, const struct pkt *k,
                          uint8_t *p)
{
    uint8_t *u = p + IP4_HDR_LEN;
    be16_store(u, f->rport);
    be16_store(u + 2, f->lport);
    be16_store(u + 4, (uint16_t)(8 + k->len));
    for (uint32_t i = 0; i < k->len; i++)
        u[8 + i] = dflow_peer_octet(i);
    sum_into(c, IP4_PROTO_UDP, u, 8 + k->len, u + 6);
    return ip_finish(c, k, IP4_PROTO_UDP, 8 + k->len, p);
}

/* An error about a segment of ours: the one that the script names, or the newest. */
static uint32_t build_icmp(const struct flow *f, const struct conf *c, const struct pkt *k,
                           uint8_t *p)
{
    uint8_t quote[IP4_HDR_LEN + 20] = {0};
    struct ip4_hdr h = {.ttl = 63, .proto = IP4_PROTO_TCP, .df = true, .id = 1, .len = 20 + k->len};
    memcpy(h.src, c->host.local.b, 4);
    memcpy(h.dst, c->remote.b, 4);
    (void)ip4_build(quote, sizeof quote, &h);
    be16_store(quote + 20, f->lport);
    be16_store(quote + 22, f->rport);
    be32_store(quote + 24, k->has_quote ? k->seq + f->off : f->last_seq);
    quote[32] = 5 << 4;
    quote[33] = TERN_TH_ACK;
    struct icmp4_msg m = {
        .type = k->type, .code = k->code, .mtu = k->mtu, .data = quote, .len = sizeof quote};
    uint32_t n = (uint32_t)icmp4_build(p + IP4_HDR_LEN, ICMP4_HDR_LEN + sizeof quote, &m);
    return ip_finish(c, k, IP4_PROTO_ICMP, n, p);
}

uint32_t dflow_build(struct flow *f, const struct conf *c, const struct pkt *k, uint8_t *p,
                     uint32_t cap)
{
    if (k->len + 20 + 20 + 100 > cap || k->len + 80 > 65535)
        return 0;
    if (k->proto == PKT_UDP)
        return build_udp(f, c, k, p);
    if (k->proto == PKT_ICMP)
        return build_icmp(f, c, k, p);
    return build_tcp(f, c, k, p);
}

/* ---- the stack's numbers ---- */

void dflow_to_script(const struct flow *f, const struct pkt *live, struct pkt *out)
{
    *out = *live;
    if (live->proto != PKT_TCP)
        return;
    out->seq -= f->off;
    if ((live->th & TERN_TH_RST) && live->seq == 0)
        out->seq = 0; /* [RFC9293:3.10.7.1]: a reset without a connection counts from zero */
    unsigned n = f->nstamp < FLOW_STAMPS ? f->nstamp : FLOW_STAMPS;
    for (unsigned i = 0; i < out->nopts; i++) {
        struct popt *o = &out->opt[i];
        if (o->kind != OPT_TS || n == 0)
            continue;
        /* shown relative to the first one that the script has named */
        unsigned first = f->nstamp > FLOW_STAMPS ? f->nstamp % FLOW_STAMPS : 0;
        o->a = o->a - f->stamp[first].live + f->stamp[first].script;
    }
}

static void learn_isn(struct flow *f, uint32_t script, const struct pkt *live)
{
    /* A SYN-ACK for another SYN than the first: the ports carry a new connection. */
    if (live->has_ack && f->known && f->new_isn != f->peer_isn &&
        live->ack - f->new_isn - 1 <= 65535 && live->seq != f->isn) {
        f->fresh = true;
        f->peer_isn = f->new_isn;
    }
    if (f->known && !f->fresh)
        return;
    f->nread = 0;
    if (!(live->th & TERN_TH_SYN) || live->len == 0)
        f->nsent = 0; /* else the call that wrote it has made the SYN [RFC7413] */
    f->nurgent = 0;
    f->known = true;
    f->fresh = false;
    f->isn = live->seq;
    f->off = live->seq - script;
    f->nstamp = 0;
}

static const struct popt *opt_of(const struct pkt *k, uint8_t kind)
{
    for (unsigned i = 0; i < k->nopts; i++) {
        if (k->opt[i].kind == kind)
            return &k->opt[i];
    }
    return NULL;
}

void dflow_learn(struct flow *f, const struct pkt *want, const struct seen *s)
{
    if (s->k.proto != PKT_TCP)
        return;
    f->last_seq = s->k.seq;
    if (s->k.th & TERN_TH_SYN)
        learn_isn(f, want->seq, &s->k);
    const struct popt *live = opt_of(&s->k, OPT_TS), *script = opt_of(want, OPT_TS);
    if (!live)
        return;
    f->any_stamp = true;
    f->newest_stamp = live->a;
    if (script) {
        unsigned at = f->nstamp++ % FLOW_STAMPS;
        f->stamp[at].script = script->a;
        f->stamp[at].live = live->a;
    }
}
