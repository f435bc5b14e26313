/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/window.c: what the receiver offers (RFC 9293 3.8.6.2.2).
 *
 * The right edge never moves left [RFC9293:SHLD-14], and moves right only by steps worth a segment
 * or half the buffer, so that the sender is never tempted into small segments [RFC9293:MUST-39].
 * The offer is bounded by the connection's limit and by what the stack's arena has left.
 */
#include "tcp/conn.h"

/* The smallest shift with which `limit` can be offered [RFC7323:2.3]. */
uint8_t window_shift(uint32_t limit)
{
    uint8_t s = 0;
    while (s < 14 && limit >> s > 65535)
        s++;
    return s;
}

#define SLOW_FIRST 65536u /* octets: the first window, where it grows slowly */

static uint32_t window_free(const struct tcp *t, const struct tcp_conn *c)
{
    uint32_t len = c->rcv.buf.len;
    uint32_t room = c->rcv.limit > len ? c->rcv.limit - len : 0;
    uint32_t clamp = c->extra != 0 ? extra_of(t, c)->window_clamp : 0;
    if (clamp != 0 && room > clamp)
        room = clamp;
    if (t->pol->slow_window && room > SLOW_FIRST) {
        uint64_t grown = c->bytes_rcvd > (uint64_t)2 * c->rcv_mss ? 2 * c->bytes_rcvd : 0;
        room = grown < room - SLOW_FIRST ? SLOW_FIRST + (uint32_t)grown : room;
    }
    uint64_t spare = c->rcv.buf.cap > len ? c->rcv.buf.cap - len : 0;
    uint64_t memory = t->arena->total - t->arena->used + spare;
    uint64_t most = (uint64_t)65535 << c->rcv_ws;
    if (room > memory)
        room = (uint32_t)memory;
    return room > most ? (uint32_t)most : room;
}

static uint32_t sws_step(const struct tcp_conn *c)
{
    uint32_t half = c->rcv.limit / 2;
    return half < c->rcv_mss ? half : c->rcv_mss;
}

uint32_t window_offer(const struct tcp *t, const struct tcp_conn *c)
{
    uint32_t now = (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt);
    uint32_t room = window_free(t, c);
    uint32_t unit = 1u << c->rcv_ws;
    uint32_t down = room & ~(unit - 1);
    tern_assert(seq_ge(c->rcv.adv, c->rcv.nxt));
    if (down > now && down - now >= sws_step(c)) /* [RFC9293:MUST-39] */
        return down;
    /* Keep the edge: rounding up, since rounding down would pull it back. */
    uint32_t keep = (now + unit - 1) & ~(unit - 1); /* [RFC9293:SHLD-14] [RFC9293:MAY-8] */
    return keep >> c->rcv_ws > 65535 ? 65535u << c->rcv_ws : keep;
}

void window_read(struct tcp *t, struct tcp_conn *c)
{
    if (!state_receives(c->state) || c->fin_rcvd)
        return;
    uint32_t now = (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt);
    uint32_t offer = window_offer(t, c);
    if (offer <= now)
        return;
    uint32_t gain = offer - now;
    bool starved = now < 2u * c->rcv_mss;
    if (c->owe_ack == 0 && (starved || gain >= c->rcv.limit / 4)) {
        c->owe_ack = CAUSE_TX_ACK_WINDOW;
        tcp_ready(t, c);
    }
}
