/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp/note.c: how TCP fills in trace records. Nothing is done when nobody listens. */
#include "tcp/conn.h"

static void fill_tuple(struct tern_trace *r, const struct tcp_tuple *tu)
{
    r->lport = tu->lport;
    r->rport = tu->rport;
    r->laddr.fam = r->raddr.fam = tu->fam;
    memcpy(r->laddr.b, tu->laddr, 16);
    memcpy(r->raddr.b, tu->raddr, 16);
}

static void fill_seg(struct tern_trace *r, const struct tcp_seg *s, unsigned shift)
{
    r->th = s->th;
    r->ecn = (uint8_t)(s->ecn | (s->ae ? TERN_TR_AE : 0));
    r->seq = s->seq.v;
    r->ack = s->ack.v;
    r->len = s->len;
    r->wnd = s->wnd << ((s->th & TERN_TH_SYN) ? 0 : shift);
    if (s->opt.has_ts) {
        r->tsval = s->opt.tsval;
        r->tsecr = s->opt.tsecr;
    }
    r->uto = s->opt.uto;
    r->nsack = s->opt.nsack;
    if (s->th & TERN_TH_SYN) {
        r->mss = s->opt.has_mss ? s->opt.mss : 0;
        r->wscale = s->opt.has_ws ? (uint8_t)(s->opt.ws + 1) : 0;
        r->nsack = (uint8_t)(s->opt.nsack | (s->opt.sack_ok ? 0x80 : 0));
    }
}

struct tern_trace *note_rx_traced(struct tcp *t, const struct tcp_conn *c,
                                  const struct tcp_tuple *tu, uint32_t serial, unsigned state,
                                  const struct tcp_in *in, struct tern_time now)
{
    struct tern_trace *r = trace_add(t->trace, now, TERN_TR_SEG_RX, CAUSE_RX_SEG);
    if (r == NULL)
        return NULL;
    fill_tuple(r, tu);
    fill_seg(r, &in->s, c != NULL && c->ws_ok ? c->snd_ws : 0);
    r->serial = serial;
    r->id = in->pkt->id;
    r->state = (uint8_t)state;
    r->gso = in->pieces;
    return r;
}

void note_tx_traced(struct tcp *t, const struct tcp_conn *c, const struct tcp_tuple *tu,
                    uint32_t serial, unsigned state, const struct tcp_seg *s, uint32_t id,
                    uint32_t pieces, unsigned cause, struct tern_time now)
{
    struct tern_trace *r = trace_add(t->trace, now, TERN_TR_SEG_TX, cause);
    if (r == NULL)
        return;
    fill_tuple(r, tu);
    fill_seg(r, s, c != NULL && c->ws_ok ? c->rcv_ws : 0);
    r->serial = serial;
    r->id = id;
    r->state = (uint8_t)state;
    r->gso = (uint16_t)pieces;
    if (c != NULL) {
        r->a = c->cc.cwnd;
        r->b = snd_flight(c);
    }
}

void note_call(struct tcp *t, const struct tcp_conn *c, unsigned call, uint32_t len,
               struct tern_time now)
{
    struct tern_trace *r = trace_add(t->trace, now, TERN_TR_CALL, CAUSE_NONE);
    if (r == NULL)
        return;
    fill_tuple(r, &c->tuple);
    r->serial = c->serial;
    r->state = c->state;
    r->aux8 = (uint8_t)call;
    r->len = len;
}

void note_open(struct tcp *t, const struct tcp_tuple *tu, uint32_t serial, unsigned cause,
               struct tern_time now)
{
    struct tern_trace *r = trace_add(t->trace, now, TERN_TR_OPEN, cause);
    if (r == NULL)
        return;
    fill_tuple(r, tu);
    r->serial = serial;
}

void note_cc(struct tcp *t, const struct tcp_conn *c, unsigned cause, struct tern_time now)
{
    trace_count(t->trace, cause);
    struct tern_trace *r = trace_add(t->trace, now, TERN_TR_CC, cause);
    if (r == NULL)
        return;
    fill_tuple(r, &c->tuple);
    r->serial = c->serial;
    r->state = c->state;
    r->a = c->cc.cwnd;
    r->b = c->cc.ssthresh;
}
