/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/answer.c: segments that belong to no control block: RSTs, SYN-ACKs of half-open records, ACKs
 * of TIME-WAIT. They wait in one bounded queue for each interface until the link asks for them.
 */
#include "tcp/guard.h"

#define LINK offsetof(struct tcp_ans, link)

struct tcp_ans *ans_take(struct tcp *t)
{
    uint32_t idx = pool_take(&t->anss);
    if (idx != 0)
        return pool_at(&t->anss, idx);
    trace_count(t->trace, CAUSE_DROP_ANSWERS_FULL);
    return NULL;
}

void ans_queue(struct tcp *t, struct tcp_ans *a)
{
    tern_assert(a->cause != 0 && a->tuple.iface < TCP_IFACES);
    tern_assert(a->raw_len <= ANS_RAW_MAX);
    link_init(&a->link);
    list_push_tail(&t->iface[a->tuple.iface].ans, &t->anss, LINK, pool_index(&t->anss, a));
}

static void seg_of(const struct tcp_ans *a, struct tcp_seg *s);

uint32_t ans_build(const struct tcp_ans *a, uint8_t *buf, uint32_t cap)
{
    struct tcp_seg s;
    seg_of(a, &s);
    return (uint32_t)tcp_build(buf, cap, &s);
}

/* Signed now: whoever has the key may be gone when the link asks for it. */
static void ans_sign(struct tcp *t, struct tcp_ans *a, const struct auth_end *e, unsigned kind)
{
    struct tcp_seg s;
    seg_of(a, &s);
    auth_end_opts(t, e, kind, &s.opt);
    uint32_t n = (uint32_t)tcp_build(a->raw, sizeof a->raw, &s);
    auth_end_sign(t, e, kind, a->raw, n, n);
    uint64_t sum = cksum_pseudo4(a->tuple.laddr, a->tuple.raddr, 6, n);
    uint16_t ck = cksum_fold(cksum_add(sum, t->cks->sum(a->raw, n)));
    memcpy(a->raw + TCP_CSUM_OFF, &ck, 2);
    a->raw_len = (uint8_t)n;
}

void ans_push(struct tcp *t, const struct tcp_ans *a)
{
    struct auth_end e;
    unsigned kind = t->auths.used != 0 ? auth_answer(t, a, &e) : TCP_SIGN_NONE;
    if (kind == SIGN_CANNOT) {
        trace_count(t->trace, CAUSE_DROP_SIGN_CANNOT);
        return;
    }
    struct tcp_ans *n = ans_take(t);
    if (n == NULL)
        return;
    *n = *a;
    if (kind != TCP_SIGN_NONE)
        ans_sign(t, n, &e, kind);
    ans_queue(t, n);
}

/* The RST that answers a segment [RFC9293:3.10.7.1] [RFC9293:3.5.2]. */
void ans_rst(struct tcp *t, const struct tcp_tuple *tu, const struct tcp_in *in, uint32_t serial,
             unsigned state, unsigned cause)
{
    const struct tcp_seg *s = &in->s;
    tern_assert(!(s->th & TERN_TH_RST));
    /* Without a connection the source may be forged: no reflector. (A bucket of their own: who
     * forges ACKs does not use up the SYN-ACKs of the same prefix.) */
    struct tern_time now = {t->now_ns};
    if (state <= TERN_TCP_LISTEN && !prefix_take(t, ~prefix_hash(t, tu->raddr, tu->fam), now)) {
        trace_count(t->trace, CAUSE_DROP_PREFIX_RATE);
        return;
    }
    struct tcp_ans a = {
        .tuple = *tu, .serial = serial, .cause = (uint16_t)cause, .state = (uint8_t)state};
    if (s->th & TERN_TH_ACK) {
        a.seq = s->ack;
        a.th = TERN_TH_RST;
    } else {
        a.ack = seq_add(s->seq, s->len + !!(s->th & TERN_TH_SYN) + !!(s->th & TERN_TH_FIN));
        a.th = TERN_TH_RST | TERN_TH_ACK;
    }
    if (s->opt.has_ts && !t->pol->bare_rst) { /* [RFC7323:5.2#2] */
        a.ts = true;
        a.tsecr = s->opt.tsval;
    }
    ans_push(t, &a);
}

void ans_conn_rst(struct tcp *t, const struct tcp_conn *c, unsigned cause)
{
    struct tcp_ans a = {.tuple = c->tuple,
                        .serial = c->serial,
                        .seq = c->snd.nxt,
                        .ack = c->rcv.nxt,
                        .th = TERN_TH_RST | TERN_TH_ACK,
                        .cause = (uint16_t)cause,
                        .state = c->state};
    if (t->pol->stamp_rst && c->ts_ok) {
        a.ts = true;
        a.tsval = tsval_now(t, c->ts_off, (struct tern_time){t->now_ns});
        a.tsecr = c->ts_recent;
    }
    ans_push(t, &a);
}

static void seg_of(const struct tcp_ans *a, struct tcp_seg *s)
{
    memset(s, 0, sizeof *s);
    s->seq = a->seq;
    s->ack = a->ack;
    s->wnd = a->wnd;
    s->sport = a->tuple.lport;
    s->dport = a->tuple.rport;
    s->th = a->th;
    s->ae = a->ae;
    s->opt.has_mss = a->mss != 0;
    s->opt.layout = a->layout;
    s->opt.mss = a->mss;
    s->opt.has_ws = a->ws != 0 && (a->th & TERN_TH_SYN);
    s->opt.ws = s->opt.has_ws ? (uint8_t)(a->ws - 1) : 0;
    s->opt.sack_ok = a->sack;
    s->opt.has_ts = a->ts;
    s->opt.tsval = a->tsval;
    s->opt.tsecr = a->tsecr;
    s->opt.uto = a->uto;
    s->opt.tfo = a->tfo;
    s->opt.tfo_len = a->tfo != 0 ? FO_COOKIE : 0;
    s->opt.tfo_cookie = a->tfo_cookie;
    if (a->accecn) { /* as the counters begin [RFC9768:3.2.1] */
        s->opt.accecn = 4;
        s->opt.e0b = s->opt.e1b = 1;
    }
}

/* One that was built when it was made. */
static void raw_tx(struct tcp *t, const struct tcp_ans *a, uint8_t *buf, uint32_t id,
                   struct tcp_out *out, struct tern_time now)
{
    struct tcp_seg s;
    memcpy(buf, a->raw, ANS_RAW);
    if (a->raw_len > ANS_RAW)
        memcpy(buf + ANS_RAW, a->raw + ANS_RAW, ANS_RAW_MAX - ANS_RAW);
    out->len = a->raw_len;
    if (t->trace->ring == NULL) {
        trace_count(t->trace, a->cause);
        return;
    }
    tcp_parse(buf, out->len, &s);
    if (a->ws != 0 && !(s.th & TERN_TH_SYN))
        s.wnd <<= a->ws - 1; /* the trace shows octets */
    note_tx(t, NULL, &a->tuple, a->serial, a->state, &s, id, 1, a->cause, now);
}

static void built_tx(struct tcp *t, const struct tcp_ans *a, uint8_t *buf, uint32_t cap,
                     uint32_t id, struct tcp_out *out, struct tern_time now)
{
    struct tcp_seg s;
    seg_of(a, &s);
    out->len = (uint32_t)tcp_build(buf, cap, &s);
    uint64_t sum = cksum_pseudo4(a->tuple.laddr, a->tuple.raddr, 6, out->len);
    sum = cksum_add(sum, t->cks->sum(buf, out->len));
    uint16_t ck = cksum_fold(sum);
    memcpy(buf + TCP_CSUM_OFF, &ck, 2);
    if (a->ws != 0 && !(a->th & TERN_TH_SYN))
        s.wnd <<= a->ws - 1; /* the trace shows octets */
    note_tx(t, NULL, &a->tuple, a->serial, a->state, &s, id, 1, a->cause, now);
}

bool ans_tx(struct tcp *t, unsigned iface, uint8_t *buf, uint32_t cap, uint32_t id,
            struct tcp_out *out, struct tern_time now)
{
    uint32_t idx = list_pop(&t->iface[iface].ans, &t->anss, LINK);
    if (idx == 0)
        return false;
    struct tcp_ans *a = pool_at(&t->anss, idx);
    memset(out, 0, sizeof *out);
    out->src.fam = out->dst.fam = a->tuple.fam;
    memcpy(out->src.b, a->tuple.laddr, 16);
    memcpy(out->dst.b, a->tuple.raddr, 16);
    out->ttl = t->cfg->ttl;
    out->cause = a->cause;
    out->serial = a->serial;
    if (a->raw_len != 0)
        raw_tx(t, a, buf, id, out, now);
    else
        built_tx(t, a, buf, cap, id, out, now);
    pool_give(&t->anss, idx);
    return true;
}
