/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/opts.h: what stands behind the header: SACK blocks that we send, and what the two ends have
 * agreed on.
 */
#ifndef TCP_OPTS_H
#define TCP_OPTS_H

#include "tcp/block.h"

/* dsack.c: SACK blocks that we send */
void dsack_note(struct tcp_conn *c, struct seq lo, struct seq hi); /* [lo, hi) came twice */
/* How many blocks the next segment carries. Asked several times a segment, and nearly always none.
 */
static inline unsigned conn_sack_blocks(const struct tcp_conn *c)
{
    unsigned n = c->rcv.ooo.count + !seq_eq(c->dsack_lo, c->dsack_hi), most = c->ts_ok ? 3 : 4;
    if (c->sig_len != 0) /* beside MD5 two without timestamps, beside AO one, or two */
        most = (TCP_OPTS_MAX - 4u - c->sig_len - (c->ts_ok ? 12u : 0u)) / 8u;
    return n == 0 || !c->sack_ok ? 0 : n < most ? n : most; /* [RFC2018:4#1] */
}
void conn_fill_sack(const struct tcp *t, const struct tcp_conn *c, struct tcp_opts *o);

/* options.c: negotiated at the handshake */
static inline uint32_t conn_opt_len(const struct tcp_conn *c) /* of a segment now, octets */
{
    unsigned n = conn_sack_blocks(c);
    return conn_fixed_opts(c) + (n ? 4u + 8u * n : 0u);
}
void conn_take_opts(struct tcp *t, struct tcp_conn *c, const struct tcp_opts *o);
uint16_t iface_mss(const struct tcp *t, unsigned iface, unsigned fam, uint16_t user);
static inline uint32_t tsval_now(const struct tcp *t, uint32_t off, struct tern_time now)
{
    return tcp_ms(t, now) + off; /* a 1 ms clock [RFC7323:5.4] */
}
/* After ESTABLISHED is reached: windows, congestion control. */
void conn_opened(struct tcp *t, struct tcp_conn *c, struct tern_time now);

#endif
