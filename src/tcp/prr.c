/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/prr.c: proportional rate reduction (RFC 9937, formerly RFC 6937): during fast recovery the
 * window comes down to ssthresh in step with what is delivered, neither in a silence nor in a
 * burst.
 */
#include "tcp/conn.h"

void prr_enter(struct tcp_conn *c, struct xmit *x, const struct news *n)
{
    /* RecoverFS: what was in flight when the loss was noticed, with what this ACK has delivered.
     * [RFC9937:6.1] */
    uint32_t out = (uint32_t)seq_diff(c->snd.nxt, c->snd.una);
    uint32_t before = x->sacked > n->sacked ? x->sacked - n->sacked : 0;
    x->prr_base = (out > before ? out - before : 0) + n->cum;
    if (x->prr_base == 0)
        x->prr_base = c->cc.mss;
    x->prr_delivered = x->prr_out = 0;
}

void prr_again(struct tcp_conn *c, struct xmit *x, const struct news *n)
{
    x->prr_base = n->flight_before > c->cc.mss ? n->flight_before : c->cc.mss;
    x->prr_delivered = x->prr_out = 0;
}

/* Where the window is going: ssthresh, or half of what was in use [RFC7661:4.4.1]. */
static uint32_t prr_target(const struct tcp_conn *c, const struct xmit *x)
{
    uint32_t half = x->cwv_base / 2;
    if (x->cwv_base == 0)
        return c->cc.ssthresh;
    return half > c->cc.mss ? half : c->cc.mss;
}

void prr_ack(struct tcp_conn *c, struct xmit *x, const struct news *n)
{
    uint32_t pipe = snd_flight(c), ssthresh = prr_target(c, x);
    uint32_t delivered = n->cum + n->sacked;
    int64_t sndcnt;
    x->prr_delivered += delivered;
    if (pipe > ssthresh) {
        /* [RFC9937:6.2#1] */
        uint64_t share = ((uint64_t)x->prr_delivered * ssthresh + x->prr_base - 1) / x->prr_base;
        sndcnt = (int64_t)share - x->prr_out;
    } else {
        int64_t crb = (int64_t)x->prr_delivered - x->prr_out; /* conservative bound */
        sndcnt = crb > delivered ? crb : delivered;
        if (n->una_moved && n->lost == 0)
            sndcnt += c->cc.mss; /* slow-start bound: recovery makes good progress */
        if (sndcnt > (int64_t)ssthresh - pipe)
            sndcnt = (int64_t)ssthresh - pipe;
    }
    if (sndcnt < 0)
        sndcnt = 0;
    if (x->prr_out == 0 && sndcnt < c->cc.mss)
        sndcnt = c->cc.mss; /* the fast retransmit goes in any case [RFC9937:6.2#2] */
    c->cc.cwnd = pipe + (uint32_t)sndcnt;
    if (c->cc.cwnd < c->cc.mss)
        c->cc.cwnd = c->cc.mss;
}
