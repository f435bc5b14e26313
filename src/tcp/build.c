/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/build.c: from a plan to octets: header, options, payload and checksum. The payload is copied
 * from the send buffer with the checksum folded in, or without one if the link completes it.
 */
#include "tcp/conn.h"
#include "wire/tcp_plain.h"

static void fill_opts(struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
                      struct tcp_opts *o, struct tern_time now)
{
    memset(o, 0, sizeof *o);
    /* [RFC9293:MUST-65] [RFC2018:2] */
    if (p->what == PLAN_SYN) {
        bool reply = p->th & TERN_TH_ACK; /* offers only what the peer's SYN offered */
        o->has_mss = true;                /* [RFC9293:MUST-14] [RFC9293:SHLD-5] [RFC9293:MAY-3] */
        o->mss = iface_mss(t, c->tuple.iface, c->tuple.fam, extra_of(t, c)->maxseg);
        if (t->pol->path_mss)
            o->mss = pmtu_mss(t, c, o->mss, now);
        o->layout = t->pol->syn_layout;
        o->has_ws = reply ? c->ws_ok : t->cfg->wscale;
        o->ws = p->rexmt ? c->rcv_ws : window_shift(tune_ceiling(t, c));
        o->sack_ok = reply ? c->sack_ok : t->cfg->sack;
        o->has_ts = reply ? c->ts_ok : t->cfg->timestamps;
    } else {
        o->has_ts = c->ts_ok;
        if (conn_sack_blocks(c) != 0)
            conn_fill_sack(t, c, o);
    }
    if (p->what == PLAN_SYN && c->sig_len == SIGN_MD5_ROOM) /* see auth_no_timestamps() */
        o->has_ts = false;
    if (o->has_ts) {
        o->tsval = tsval_now(t, c->ts_off, now);
        o->tsecr = p->th & TERN_TH_ACK ? c->ts_recent : 0; /* [RFC7323:3.2] */
    }
    if (c->sig_len != 0)
        auth_conn_opts(t, c, o);
}

static uint32_t syn_window(const struct tcp_conn *c)
{
    uint32_t room = c->rcv.limit > c->rcv.buf.len ? c->rcv.limit - c->rcv.buf.len : 0;
    return room < 65535 ? room : 65535;
}

static void fill_seg(struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
                     struct tcp_seg *s, struct tern_time now)
{
    memset(s, 0, sizeof *s);
    s->sport = c->tuple.lport;
    s->dport = c->tuple.rport;
    s->seq = p->seq;
    s->ack = p->th & TERN_TH_ACK ? c->rcv.nxt : seq_of(0);
    s->th = p->th;
    s->len = p->len;
    /* [RFC7323:2.2#2] */
    s->wnd = p->what == PLAN_SYN ? syn_window(c) : window_offer(t, c) >> c->rcv_ws;
    if (c->urg && seq_gt(c->snd.up, p->seq)) { /* [RFC9293:MUST-62] */
        uint32_t up = (uint32_t)seq_diff(c->snd.up, p->seq);
        s->th |= TERN_TH_URG;
        s->urg = up < 65535 ? (uint16_t)up : 65535;
    }
    fill_opts(t, c, p, &s->opt, now);
    if (c->extra != 0 && p->what == PLAN_SYN)
        fastopen_syn_opts(t, c, p, &s->opt);
    if (c->extra != 0)
        uto_tx(t, c, p, &s->opt);
    if (c->extra != 0 || p->what == PLAN_SYN)
        ecn_tx(t, c, p, s);
}

/* Only timestamps, or nothing, stands behind the header, and none of its fields is for few. */
static bool is_plain(const struct tcp_conn *c, const struct tcp_plan *p)
{
    return p->what != PLAN_SYN && c->extra == 0 && c->sig_len == 0 && !c->urg &&
           (c->rcv.ooo.count == 0 || !c->sack_ok) && seq_eq(c->dsack_lo, c->dsack_hi);
}

#define HALF_SEG 56u

/* fill_seg() for those, field by field. */
static void fill_plain(struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
                       struct tcp_seg *s, struct tern_time now)
{
    /* In two pieces: a compiler clears more than 64 octets with a string instruction, whose
     * beginning takes as long as all of this. */
    memset(s, 0, HALF_SEG);
    memset((uint8_t *)s + HALF_SEG, 0, offsetof(struct tcp_seg, opt.sack) - HALF_SEG);
    s->sport = c->tuple.lport;
    s->dport = c->tuple.rport;
    s->seq = p->seq;
    s->ack = c->rcv.nxt;
    s->th = p->th;
    s->len = p->len;
    s->wnd = window_offer(t, c) >> c->rcv_ws; /* [RFC7323:2.2#2] */
    s->opt.has_ts = c->ts_ok;
    if (c->ts_ok) {
        s->opt.tsval = tsval_now(t, c->ts_off, now);
        s->opt.tsecr = c->ts_recent; /* [RFC7323:3.2] */
    }
}

/* Header and options into buf; *sum is their partial sum. Returns their octets. */
static uint32_t put_header(struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
                           uint8_t *buf, struct tcp_seg *s, uint64_t *sum, struct tern_time now)
{
    uint32_t hlen;
    if (is_plain(c, p)) {
        hlen = TCP_HDR_LEN + (c->ts_ok ? TCP_PLAIN_TS : 0);
        fill_plain(t, c, p, s, now);
        *sum = tcp_plain_build(buf, s, hlen);
    } else {
        fill_seg(t, c, p, s, now);
        hlen = (uint32_t)tcp_build(buf, TCP_HDR_MAX, s);
        *sum = t->cks->sum(buf, hlen);
    }
    return hlen;
}

/* What IP needs to know. */
static void fill_out(const struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
                     const struct tcp_seg *s, uint32_t hlen, struct tcp_out *out)
{
    uint32_t eff = c->mss - (hlen - TCP_HDR_LEN);
    memset(&out->src, 0, sizeof out->src + sizeof out->dst);
    out->src.fam = out->dst.fam = c->tuple.fam;
    memcpy(out->src.b, c->tuple.laddr, 16); /* [RFC9293:MUST-45] */
    memcpy(out->dst.b, c->tuple.raddr, 16);
    out->len = hlen + p->len;
    out->gso_size = p->len > eff && p->cause != CAUSE_TX_PMTU_PROBE ? (uint16_t)eff : (uint16_t)0;
    out->csum = t->iface[c->tuple.iface].tx_csum ? TERN_CSUM_PARTIAL : TERN_CSUM_NONE;
    out->ttl = c->ttl;
    out->tos = s->ecn != 0 ? (uint8_t)((c->tos & ~3u) | s->ecn) : c->tos; /* [RFC9293:SHLD-22] */
    out->may_fragment = c->extra != 0 && extra_of(t, c)->may_fragment != 0;
    out->cause = p->cause;
    out->serial = c->serial;
    out->suspect = c->rexmts >= t->cfg->r1_retries; /* [RFC9293:MUST-20] */
}

static uint64_t copy_sum(struct tcp *t, const struct ring *r, uint32_t off, uint8_t *dst,
                         uint32_t len)
{
    uint32_t n = len;
    const uint8_t *src = ring_span(r, off, &n);
    uint64_t sum = t->cks->copy(dst, src, n);
    if (n < len) { /* the ring wraps */
        uint32_t rest = len - n;
        src = ring_span(r, off + n, &rest);
        uint64_t tail = t->cks->copy(dst + n, src, len - n);
        sum = cksum_add(sum, n & 1 ? cksum_odd(tail) : tail);
    }
    return sum;
}

uint32_t conn_build(struct tcp *t, struct tcp_conn *c, const struct tcp_plan *p, uint8_t *buf,
                    struct tcp_out *out, struct tcp_seg *s, struct tern_time now)
{
    uint64_t head;
    uint32_t hlen = put_header(t, c, p, buf, s, &head, now), n = hlen + p->len;
    fill_out(t, c, p, s, hlen, out);

    uint32_t off = p->what == PLAN_SYN ? 0 : (uint32_t)seq_diff(p->seq, snd_base(c));
    uint64_t sum = cksum_pseudo4(c->tuple.laddr, c->tuple.raddr, 6, n); /* [RFC9293:MUST-2] */
    if (out->csum == TERN_CSUM_PARTIAL) {
        if (p->len != 0)
            ring_read(&c->snd.buf, off, buf + hlen, p->len);
        if (c->sig_len != 0)
            auth_conn_sign(t, c, buf, hlen, n);
        uint16_t part = (uint16_t)~cksum_fold(sum);
        memcpy(buf + TCP_CSUM_OFF, &part, 2);
        return hlen;
    }
    if (p->len != 0)
        sum = cksum_add(sum, copy_sum(t, &c->snd.buf, off, buf + hlen, p->len));
    if (c->sig_len != 0) { /* [RFC5925:7.4] */
        auth_conn_sign(t, c, buf, hlen, n);
        head = t->cks->sum(buf, hlen);
    }
    uint16_t ck = cksum_fold(cksum_add(sum, head));
    memcpy(buf + TCP_CSUM_OFF, &ck, 2);
    return hlen;
}
