/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/rate.c: how fast data is being delivered (draft-ietf-ccwg-bbr, appendix on delivery-rate
 * samples), when a round trip is over, and the round-trip samples themselves.
 *
 * Each record remembers how much had been delivered when it was sent. When it is delivered the
 * difference, over the longer of the time that the sending and the acknowledging took, is a sample.
 * It is marked when the application had too little to send meanwhile: the path could do more.
 */
#include "tcp/conn.h"

void rate_sent(const struct tcp_conn *c, struct xmit *x, struct sent *s, struct tern_time now)
{
    uint32_t flight = snd_flight(c), len = (uint32_t)seq_diff(s->hi, s->lo);
    if (flight <= len) { /* nothing else is out: the clocks begin here */
        x->first_ns = x->delivered_ns = now.ns;
    }
    s->first_ns = x->first_ns;
    s->delivered_ns = x->delivered_ns;
    s->delivered = (uint32_t)x->delivered;
    s->tx_flight = flight;
    s->app_limited = x->app_limited != 0;
    if (flight > x->used[0])
        x->used[0] = flight;
}

void rate_ack(const struct tcp_conn *c, struct xmit *x, const struct news *n, struct cc_ack *a)
{
    (void)c;
    uint32_t got = n->cum + n->sacked;
    x->delivered += got;
    a->delivered = x->delivered;
    a->acked = got;
    if (got != 0)
        x->delivered_ns = a->now.ns;
    if (x->app_limited != 0 && x->delivered > x->app_limited)
        x->app_limited = 0;
    if (!n->any)
        return;
    uint32_t delta = (uint32_t)x->delivered - n->newest_delivered;
    a->prior_delivered = x->delivered - delta;
    a->tx_in_flight = n->newest_tx_flight;
    a->app_limited = n->newest_app;
    x->first_ns = n->newest_ns;
    if (a->prior_delivered >= x->round_end) {
        x->round_end = x->delivered;
        x->used[1] = x->used[0];
        x->used[0] = a->flight;
        a->round_start = true;
    }
    int64_t send_ns = n->newest_ns - n->newest_first_ns;
    int64_t ack_ns = a->now.ns - n->newest_delivered_ns;
    int64_t ns = send_ns > ack_ns ? send_ns : ack_ns;
    /* Shorter than the shortest round trip: ACKs were compressed, the sample is noise. */
    if (ns <= 0 || ns / 1000 < (int64_t)rack_min_rtt_us(x) - 1)
        return;
    a->rate_bps = x->rate_bps = (uint64_t)delta * 1000000000u / (uint64_t)ns;
}

void rate_rtt(struct tcp *t, struct tcp_conn *c, struct xmit *x, const struct news *n,
              struct cc_ack *a)
{
    if (n->clean_ns != 0)
        a->rtt_us = (uint32_t)((a->now.ns - n->clean_ns) / 1000);
    a->min_rtt_us = rack_min_rtt_us(x);
    if (n->clean_ns != 0 && a->rtt_us == 0)
        a->rtt_us = 1;
    bool again = n->clean_ns == 0 && n->una_moved && n->has_tsecr && c->rexmts > 0;
    if (again) { /* an echo tells which transmission was meant [RFC7323:4.1] */
        uint32_t ms = tsval_now(t, c->ts_off, a->now) - n->tsecr;
        if (ms < 3600000)
            rtt_take(t, c, ms * 1000, a->now);
    } else if (n->clean_ns != 0 &&
               (n->clean_ns >= x->rtt_from_ns || t->pol->rtt_each)) { /* one a round trip */
        x->rtt_from_ns = a->now.ns;
        rtt_take(t, c, a->rtt_us, a->now);
    }
    if (again || n->clean_ns != 0)
        x->tlp_stale = false; /* [RFC8985:7.3#1] */
    a->srtt_us = c->rtt.srtt_us;
}

void rate_app_limited(const struct tcp_conn *c, struct xmit *x)
{
    uint64_t until = x->delivered + snd_flight(c);
    x->app_limited = until != 0 ? until : 1;
}
