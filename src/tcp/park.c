/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/park.c: what a connection has counted, while it is at rest.
 *
 * The record of a connection that carries data (struct tally) is as large as half of the connection
 * itself, and most of it describes what is going on: the receiver's round trip, the pieces of the
 * send buffer. A connection with nothing in flight, queued or unread for a second needs only its
 * sums. They are written as numbers of as many octets as they have (seven bits in each, the last
 * without the eighth; zeros not at all) into a small record; the sums of a connection that was
 * lossy or long may not fit, and take one of full size without the rest. The next data, either way,
 * fetches them into a fresh record. So nothing that is counted is ever lost or rounded; the
 * estimates of the round trip and of what the application reads in one start anew.
 *
 * Records in use are in a list, in order of when they are to be looked at. That is once a second
 * for all of them together, so a segment does not touch the list. A stack that sleeps meanwhile is
 * woken for it, less and less often if nothing comes to rest.
 *
 * When no record is left for either side of the exchange, things stay as they are.
 */
#include "tcp/conn.h"

#define PARK_MS      1000u
#define PARK_MOST_MS 8000u /* a sleeping stack is woken so rarely when nothing comes to rest */
#define ORDER        offsetof(struct tally, order)
#define FIELDS       15u
#define HEAD         2u /* octets: a bit for each field, it is not zero */

/* ---- the coding ---- */

/* Small whether it is above or below zero. */
static uint32_t fold(uint32_t v)
{
    return v << 1 ^ (v >> 31 != 0 ? UINT32_MAX : 0);
}
static uint32_t unfold(uint64_t v)
{
    return (uint32_t)(v >> 1) ^ ((v & 1) != 0 ? UINT32_MAX : 0);
}

static void spread(const struct tally_sum *s, uint64_t v[FIELDS])
{
    const uint64_t all[FIELDS] = {
        s->data_out,    s->data_in,     fold(s->data_out - s->delivered),
        s->spent_us[0], s->spent_us[1], s->spent_us[2],
        s->bytes_rexmt, s->reordered,   s->reorder_segs,
        s->rto_ms,      s->rtos,        s->rto_recoveries,
        s->big_acked,   s->data_tx_ms,  s->data_in != 0 ? fold(s->data_rx_ms - s->data_tx_ms) : 0};
    memcpy(v, all, sizeof all);
}

static void gather(const uint64_t v[FIELDS], struct tally_sum *s)
{
    *s = (struct tally_sum){
        .data_out = (uint32_t)v[0],
        .data_in = (uint32_t)v[1],
        .delivered = (uint32_t)v[0] - unfold(v[2]),
        .spent_us = {v[3], v[4], v[5]},
        .bytes_rexmt = v[6],
        .reordered = (uint32_t)v[7],
        .reorder_segs = (uint16_t)v[8],
        .rto_ms = (uint32_t)v[9],
        .rtos = (uint16_t)v[10],
        .rto_recoveries = (uint16_t)v[11],
        .big_acked = (uint16_t)v[12],
        .data_tx_ms = (uint32_t)v[13],
        .data_rx_ms = v[1] != 0 ? (uint32_t)v[13] + unfold(v[14]) : 0,
    };
}

bool park_pack(const struct tally_sum *s, uint8_t p[PARK_SMALL])
{
    uint64_t v[FIELDS];
    uint32_t at = HEAD;
    spread(s, v);
    memset(p, 0, PARK_SMALL);
    for (unsigned i = 0; i < FIELDS; i++) {
        if (v[i] == 0)
            continue;
        p[i / 8] |= (uint8_t)(1u << i % 8);
        for (uint64_t left = v[i]; left != 0; left >>= 7, at++) {
            if (at == PARK_SMALL)
                return false;
            p[at] = (uint8_t)((left & 127) | (left >> 7 != 0 ? 128u : 0u));
        }
    }
    return true;
}

void park_unpack(const uint8_t p[PARK_SMALL], struct tally_sum *s)
{
    uint64_t v[FIELDS] = {0};
    uint32_t at = HEAD;
    for (unsigned i = 0; i < FIELDS; i++) {
        if ((p[i / 8] >> i % 8 & 1) == 0)
            continue;
        for (unsigned shift = 0;; shift += 7) {
            tern_assert(at < PARK_SMALL && shift < 64);
            v[i] |= (uint64_t)(p[at] & 127) << shift;
            if (p[at++] < 128)
                break;
        }
    }
    gather(v, s);
}

/* ---- the records ---- */

void park_begin(struct tcp *t, struct tcp_conn *c, struct tally *a)
{
    a->conn = conn_idx(t, c);
    a->look_ms = t->now_ms + PARK_MS;
    link_init(&a->order);
    if (t->tally_list.head == 0)
        t->park_ms = a->look_ms;
    if (t->tally_list.head == 0 || t->park_wait_ms > PARK_MS) {
        t->park_wait_ms = PARK_MS;
        t->park_wake_ms = a->look_ms;
    }
    list_push_tail(&t->tally_list, &t->tallies, ORDER, c->tally);
}

/* Gives back what is parked. */
static void forget(struct tcp *t, struct tcp_conn *c)
{
    if ((c->tally & TALLY_SMALL) != 0)
        pool_give(&t->smalls, c->tally & TALLY_INDEX);
    else if ((c->tally & TALLY_REST) != 0)
        pool_give(&t->rests, c->tally & TALLY_INDEX);
    c->tally = 0;
}

void park_end(struct tcp *t, struct tcp_conn *c)
{
    if (tally_of(t, c) == NULL) {
        forget(t, c);
        return;
    }
    list_remove(&t->tally_list, &t->tallies, ORDER, c->tally);
    pool_give(&t->tallies, c->tally);
    c->tally = 0;
}

bool park_read(const struct tcp *t, const struct tcp_conn *c, struct tally_rest *out)
{
    memset(out, 0, sizeof *out);
    if ((c->tally & TALLY_SMALL) != 0)
        park_unpack(pool_at(&t->smalls, c->tally & TALLY_INDEX), &out->sum);
    else if ((c->tally & TALLY_REST) != 0)
        *out = *(const struct tally_rest *)pool_at(&t->rests, c->tally & TALLY_INDEX);
    return c->tally != 0;
}

void park_fetch(struct tcp *t, struct tcp_conn *c, struct tally *a)
{
    struct tally_rest r;
    if (!park_read(t, c, &r))
        return;
    a->sum = r.sum;
    a->ack = r.ack;
    forget(t, c);
}

/* Nothing is going on: nothing in flight or to send, and no text lately. Or nothing ever will. */
static bool at_rest(const struct tcp_conn *c, const struct tally *a, uint32_t ms)
{
    if (a->why != WHY_IDLE || a->in_rto)
        return false;
    if (c->state == TERN_TCP_CLOSED || c->detached)
        return true;
    return c->xmit == 0 && seq_eq(c->snd.una, c->snd.nxt) && c->snd.buf.len == 0 &&
           (a->sum.data_out == 0 || ms_due(a->sum.data_tx_ms + PARK_MS, ms)) &&
           (a->sum.data_in == 0 || ms_due(a->sum.data_rx_ms + PARK_MS, ms));
}

/* Puts the sums away; 0 when there is no room, else what struct tcp_conn is to have instead. */
static uint32_t put_away(struct tcp *t, const struct tally *a)
{
    const struct tally_ack *k = &a->ack;
    bool plain = (k->rx_ms | k->ato_ms | k->quick) == 0 && !k->interactive && !k->pushed;
    uint8_t p[PARK_SMALL];
    uint32_t idx;
    if (plain && park_pack(&a->sum, p)) {
        idx = pool_take(&t->smalls);
        if (idx == 0)
            return 0;
        memcpy(pool_at(&t->smalls, idx), p, sizeof p);
        return idx | TALLY_SMALL;
    }
    idx = pool_take(&t->rests);
    if (idx == 0)
        return 0;
    *(struct tally_rest *)pool_at(&t->rests, idx) =
        (struct tally_rest){.sum = a->sum, .ack = a->ack};
    return idx | TALLY_REST;
}

void park_tick(struct tcp *t, struct tern_time now)
{
    uint32_t ms = tcp_ms(t, now), idx, had = t->tallies.used;
    if (t->tally_list.head == 0 || !ms_due(t->park_ms, ms))
        return;
    for (unsigned n = 0; n < TICK_BUDGET && (idx = t->tally_list.head) != 0; n++) {
        struct tally *a = pool_at(&t->tallies, idx);
        if (!ms_due(a->look_ms, ms))
            break;
        struct tcp_conn *c = conn_at(t, a->conn);
        uint32_t parked = at_rest(c, a, ms) ? put_away(t, a) : 0;
        list_remove(&t->tally_list, &t->tallies, ORDER, idx);
        if (parked != 0) {
            pool_give(&t->tallies, idx);
            c->tally = parked;
            continue;
        }
        a->look_ms = ms + PARK_MS;
        list_push_tail(&t->tally_list, &t->tallies, ORDER, idx);
    }
    t->park_ms = ms + PARK_MS;
    bool any = t->tallies.used != had;
    t->park_wait_ms = any ? PARK_MS : 2 * t->park_wait_ms;
    if (t->park_wait_ms > PARK_MOST_MS)
        t->park_wait_ms = PARK_MOST_MS;
    t->park_wake_ms = ms + t->park_wait_ms;
}

struct tern_time park_deadline(const struct tcp *t)
{
    return t->tally_list.head != 0 ? ms_instant(t, t->park_wake_ms) : TERN_NEVER;
}
