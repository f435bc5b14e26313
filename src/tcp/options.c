/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/options.c: what the two ends agree on in their SYNs (MSS, window scale, timestamps, SACK),
 * and what follows from it when the connection opens.
 */
#include "tcp/conn.h"

#define MSS_DEFAULT 536 /* [RFC9293:MUST-15] */
#define MSS_LEAST   64  /* a peer that announces less is taken to mean this */

uint16_t iface_mss(const struct tcp *t, unsigned iface, unsigned fam, uint16_t user)
{
    uint32_t headers = fam == TERN_AF_IP6 ? 60 : 40; /* [RFC8200:8.3] */
    /* [RFC9293:MUST-67] */
    uint32_t mss = t->iface[iface].mtu - headers;
    if (t->cfg->mss_max != 0 && mss > t->cfg->mss_max)
        mss = t->cfg->mss_max;
    if (user != 0 && mss > user)
        mss = user;
    return (uint16_t)mss;
}

void conn_take_opts(struct tcp *t, struct tcp_conn *c, const struct tcp_opts *o)
{
    uint32_t peer = o->has_mss ? o->mss : MSS_DEFAULT;
    uint16_t ours = iface_mss(t, c->tuple.iface, c->tuple.fam, extra_of(t, c)->maxseg);
    if (peer < MSS_LEAST)
        peer = MSS_LEAST;
    /* [RFC9293:MUST-16] */
    c->mss = peer < ours ? (uint16_t)peer : ours;
    /* [RFC7323:3.2#1] */
    c->ts_ok = t->cfg->timestamps && o->has_ts && c->sig_len != SIGN_MD5_ROOM;
    c->rcv_mss = (uint16_t)(c->mss - conn_fixed_opts(c)); /* octets of a full segment's text */
    c->sack_ok = t->cfg->sack && o->sack_ok;
    c->ws_ok = t->cfg->wscale && o->has_ws; /* [RFC7323:2.2#1] */
    c->snd_ws = c->ws_ok ? o->ws : 0;
    c->rcv_ws = c->ws_ok ? c->rcv_ws : 0; /* as our SYN announced it: the limit may have changed */
    if (c->ts_ok)
        c->ts_recent = o->tsval;
    pmtu_open(t, c, (struct tern_time){t->now_ns});
}

void conn_opened(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    tern_assert(c->mss >= MSS_LEAST);
    c->cc.mss = c->mss - conn_fixed_opts(c);
    conn_cc(t, c)->init(&c->cc, c->syn_rexmt); /* [RFC5681:3.1#2] */
    if (c->syn_rexmt && c->rtt.srtt_us == 0 && c->rtt.rto_us < 3000000)
        c->rtt.rto_us = 3000000; /* [RFC6298:5.7] */
    c->rexmts = 0;
    c->snd.recover = c->snd.iss;
    c->ts_recent_ms = tcp_ms(t, now);
    timer_keep_restart(t, c, now);
}
