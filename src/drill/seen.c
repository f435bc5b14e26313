/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/seen.c: takes the stack's packets apart (every checksum verified), compares them with the
 * script's, and writes them in the script's language. */
#include "drill/flow.h"
#include "drill/names.h"

#include "base/bytes.h"
#include "base/cksum.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

static bool opt_read(struct popt *o, const uint8_t *p, unsigned len)
{
    o->kind = p[0];
    o->len = (uint8_t)(len - 2);
    memcpy(o->raw, p + 2, o->len);
    switch (o->kind) {
    case OPT_MSS:
        o->a = be16_load(p + 2);
        return len == 4;
    case OPT_WS:
        o->a = p[2];
        return len == 3;
    case OPT_SACKOK:
        return len == 2;
    case OPT_TS:
        o->a = be32_load(p + 2);
        o->b = be32_load(p + 6);
        return len == 10;
    case OPT_SACK:
        o->nblk = (uint8_t)((len - 2) / 8);
        for (unsigned i = 0; i < o->nblk && i < PKT_BLOCKS; i++) {
            o->blk[i].lo = be32_load(p + 2 + (size_t)8 * i);
            o->blk[i].hi = be32_load(p + 6 + (size_t)8 * i);
        }
        return len >= 10 && len <= 34 && (len - 2) % 8 == 0;
    default:
        return true;
    }
}

static bool opts_read(struct pkt *k, const uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n;) {
        struct popt *o = &k->opt[k->nopts++];
        if (p[i] == OPT_EOL || p[i] == OPT_NOP) {
            o->kind = p[i++];
            continue;
        }
        if (i + 1 >= n || p[i + 1] < 2 || i + p[i + 1] > n || !opt_read(o, p + i, p[i + 1]))
            return false;
        i += p[i + 1];
    }
    return true;
}

static void read_tcp(struct seen *s, const uint8_t *t, uint32_t n)
{
    struct pkt *k = &s->k;
    uint32_t h = n >= 20 ? (uint32_t)(t[12] >> 4) * 4 : 0;
    if (h < 20 || h > n) {
        s->why = "its TCP header is impossible";
        return;
    }
    k->proto = PKT_TCP;
    k->sport = be16_load(t);
    k->dport = be16_load(t + 2);
    k->seq = be32_load(t + 4);
    k->ack = be32_load(t + 8);
    k->th = (uint16_t)(t[13] | ((t[12] & 1) ? TH_AE : 0));
    k->has_ack = (k->th & TERN_TH_ACK) != 0;
    k->win = be16_load(t + 14);
    k->has_win = true;
    k->urg = be16_load(t + 18);
    k->has_urg = (k->th & TERN_TH_URG) != 0;
    k->len = n - h;
    s->data = t + h;
    if (!opts_read(k, t + 20, h - 20))
        s->why = "its TCP options cannot be read";
    if (t[12] & 0xe)
        s->why = "reserved bits of its TCP header are set [RFC9293:3.1]";
}

static void read_icmp(struct seen *s, const uint8_t *t, uint32_t n)
{
    struct icmp4_msg m;
    s->k.proto = PKT_ICMP;
    if (icmp4_parse(t, n, &m) != 0) {
        s->why = "its ICMP message cannot be read, or has a wrong checksum";
        return;
    }
    s->k.type = m.type;
    s->k.code = m.code;
    s->k.mtu = m.mtu;
    s->k.has_ports = false;
}

void seen_read(struct seen *s, const struct conf *c, const uint8_t *p, uint32_t len)
{
    struct ip4_hdr h;
    memset(s, 0, sizeof *s);
    s->k.out = true;
    s->k.has_ports = true;
    s->k.tos = s->k.ttl = -1;
    if (ip4_parse(p, len, &h) != 0 || h.len + IP4_HDR_LEN + h.optlen != len) {
        s->why = "its IP header cannot be read, or has a wrong checksum";
    } else if (memcmp(h.src, c->host.local.b, 4) != 0 || memcmp(h.dst, c->remote.b, 4) != 0) {
        s->why = "its addresses are not those of this script";
    } else {
        s->k.tos = h.tos;
        s->k.ttl = h.ttl;
        uint64_t sum = cksum_add(cksum_pseudo4(h.src, h.dst, h.proto, h.len),
                                 cksum_ops(0)->sum(h.data, h.len));
        if (h.proto != IP4_PROTO_ICMP && cksum_fold(sum) != 0)
            s->why = "its checksum is wrong";
        if (h.proto == IP4_PROTO_TCP) {
            read_tcp(s, h.data, h.len);
        } else if (h.proto == IP4_PROTO_ICMP) {
            read_icmp(s, h.data, h.len);
        } else if (h.proto == IP4_PROTO_UDP && h.len >= 8) {
            s->k.proto = PKT_UDP;
            s->k.sport = be16_load(h.data);
            s->k.dport = be16_load(h.data + 2);
            s->k.len = h.len - 8;
            s->data = h.data + 8;
        }
    }
    s->broken = s->why != NULL;
}

/* ---- writing ---- */

struct text {
    char *out;
    size_t cap, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->out + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        t->len += (size_t)n < t->cap - t->len ? (size_t)n : t->cap - t->len - 1;
}

static void put_opt(struct text *t, const struct popt *o)
{
    static const struct {
        uint8_t kind;
        const char *name;
    } plain[] = {{OPT_EOL, "eol"}, {OPT_NOP, "nop"}, {OPT_SACKOK, "sackOK"},
                 {OPT_FO, "FO"},   {OPT_MD5, "md5"}, {OPT_AO, "ao"}};
    switch (o->kind) {
    case OPT_MSS:
        put(t, "mss %u", o->a);
        return;
    case OPT_WS:
        put(t, "wscale %u", o->a);
        return;
    case OPT_TS:
        put(t, "TS val %u ecr %u", o->a, o->b);
        return;
    case OPT_SACK:
        put(t, "sack");
        for (unsigned i = 0; i < o->nblk; i++)
            put(t, " %u:%u", o->blk[i].lo, o->blk[i].hi);
        return;
    case OPT_UTO:
        if (o->len == 2) {
            put(t, "uto %u", be16_load(o->raw));
            return;
        }
        break;
    default:
        break;
    }
    const char *name = NULL;
    for (unsigned i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (plain[i].kind == o->kind)
            name = plain[i].name;
    }
    if (name)
        put(t, "%s", name);
    else
        put(t, "kind %u", o->kind);
    for (unsigned i = 0; i < o->len; i++)
        put(t, i ? "%02x" : " %02x", o->raw[i]);
}

static void put_flags(struct text *t, uint16_t th)
{
    static const char letters[] = "FSRPUEWA.";
    static const uint16_t bits[] = {TERN_TH_FIN, TERN_TH_SYN, TERN_TH_RST, TERN_TH_PSH, TERN_TH_URG,
                                    TERN_TH_ECE, TERN_TH_CWR, TH_AE,       TERN_TH_ACK};
    if (th == 0)
        put(t, "-");
    for (unsigned i = 0; letters[i]; i++) {
        if (th & bits[i])
            put(t, "%c", letters[i]);
    }
}

static void put_ip(struct text *t, const struct pkt *k)
{
    static const char *const ecn[] = {"", "[noecn] ", "[ect0] ", "[ect1] ", "[ect01] ", "[ce] "};
    put(t, "%s", ecn[k->ecn]);
}

void pkt_print(const struct pkt *k, char *out, size_t cap)
{
    struct text t = {.out = out, .cap = cap};
    out[0] = 0;
    put(&t, "%c ", k->out ? '>' : '<');
    put_ip(&t, k);
    if (k->proto == PKT_ICMP) {
        put(&t, "icmp %s", name_of_icmp(k->type, k->code));
        return;
    }
    if (k->proto == PKT_UDP) {
        put(&t, "udp (%u)", k->len);
        return;
    }
    if (k->has_ports)
        put(&t, "%u > %u ", k->sport, k->dport);
    put_flags(&t, k->th);
    put(&t, " %u:%u(%u)", k->seq, k->seq + k->len, k->len);
    if (k->has_ack)
        put(&t, " ack %u", k->ack);
    if (k->has_win)
        put(&t, " win %u", k->win);
    if (k->has_urg)
        put(&t, " urg %u", k->urg);
    if (k->any_opts)
        put(&t, " <...>");
    for (unsigned i = 0; i < k->nopts; i++) {
        put(&t, "%s", i ? "," : " <");
        put_opt(&t, &k->opt[i]);
    }
    if (k->nopts)
        put(&t, ">");
}

/* ---- comparing ---- */

static bool ecn_fits(const struct pkt *want, const struct pkt *got)
{
    unsigned bits = (unsigned)got->tos & 3u;
    switch (want->ecn) {
    case ECN_NONE:
        return bits == 0;
    case ECN_ECT0:
        return bits == 2;
    case ECN_ECT1:
        return bits == 1;
    case ECN_ECT01:
        return bits == 1 || bits == 2;
    case ECN_CE:
        return bits == 3;
    default:
        return true;
    }
}

/* Timestamps: the echo must be the script's; our own value is looked at only with a tick to reckon
 * by, and may be one tick or an eighth off. */
static bool ts_fits(const struct conf *c, const struct flow *f, const struct popt *want,
                    const struct popt *got)
{
    if (want->b != got->b)
        return false;
    if (!c->ts_tick_us || f->nstamp == 0)
        return true;
    uint32_t d = want->a > got->a ? want->a - got->a : got->a - want->a;
    uint32_t slack = (uint32_t)(c->tolerance_us / c->ts_tick_us) + 1;
    return d <= slack;
}

static bool opt_fits(const struct conf *c, const struct flow *f, const struct popt *want,
                     const struct popt *got)
{
    if (want->kind != got->kind)
        return false;
    switch (want->kind) {
    case OPT_EOL:
    case OPT_NOP:
    case OPT_SACKOK:
        return true;
    case OPT_MSS:
    case OPT_WS:
        return want->a == got->a;
    case OPT_TS:
        return ts_fits(c, f, want, got);
    case OPT_SACK:
        return want->nblk == got->nblk && memcmp(want->blk, got->blk, (size_t)want->nblk * 8) == 0;
    default:
        return want->len == got->len && memcmp(want->raw, got->raw, want->len) == 0;
    }
}

static void diff_opts(const struct conf *c, const struct flow *f, const struct pkt *want,
                      const struct pkt *got, struct text *t)
{
    if (want->any_opts)
        return;
    unsigned n = want->nopts > got->nopts ? want->nopts : got->nopts;
    for (unsigned i = 0; i < n; i++) {
        if (i < want->nopts && i < got->nopts && opt_fits(c, f, &want->opt[i], &got->opt[i]))
            continue;
        put(t, "option %u: ", i + 1);
        if (i < got->nopts)
            put_opt(t, &got->opt[i]);
        else
            put(t, "none");
        put(t, " instead of ");
        if (i < want->nopts)
            put_opt(t, &want->opt[i]);
        else
            put(t, "none");
        return;
    }
}

static void diff_tcp(const struct conf *c, const struct pkt *want, const struct pkt *got,
                     struct text *t)
{
    uint16_t look = c->any_push ? (uint16_t)~TERN_TH_PSH : UINT16_MAX;
    if ((want->th & look) != (got->th & look)) {
        put(t, "flags: ");
        put_flags(t, got->th);
        put(t, " instead of ");
        put_flags(t, want->th);
    } else if (want->seq != got->seq) {
        put(t, "sequence number: %u instead of %u", got->seq, want->seq);
    } else if (want->len != got->len) {
        put(t, "length: %u instead of %u", got->len, want->len);
    } else if (want->has_ack && want->ack != got->ack) {
        put(t, "ack: %u instead of %u", got->ack, want->ack);
    } else if (want->has_win && want->win != got->win) {
        put(t, "window: %u instead of %u", got->win, want->win);
    } else if (got->has_urg && want->urg != got->urg) {
        put(t, "urgent pointer: %u instead of %u", got->urg, want->urg);
    }
}

void pkt_diff(const struct conf *c, const struct flow *f, const struct pkt *want,
              const struct pkt *got, char *what, size_t cap)
{
    struct text t = {.out = what, .cap = cap};
    what[0] = 0;
    if (want->proto != got->proto)
        put(&t, "another protocol");
    else if (want->proto == PKT_UDP && want->len != got->len)
        put(&t, "length: %u instead of %u", got->len, want->len);
    else if (want->proto == PKT_ICMP && (want->type != got->type || want->code != got->code))
        put(&t, "ICMP: %s instead of %s", name_of_icmp(got->type, got->code),
            name_of_icmp(want->type, want->code));
    else if (!ecn_fits(want, got))
        put(&t, "ECN bits of the IP header: %u", (unsigned)got->tos & 3u);
    else if (want->tos >= 0 && want->tos != got->tos)
        put(&t, "tos: %d instead of %d", got->tos, want->tos);
    else if (want->ttl >= 0 && want->ttl != got->ttl)
        put(&t, "ttl: %d instead of %d", got->ttl, want->ttl);
    else if (want->proto == PKT_TCP)
        diff_tcp(c, want, got, &t);
    if (t.len == 0 && want->proto == PKT_TCP)
        diff_opts(c, f, want, got, &t);
}
