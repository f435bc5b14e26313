/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp/tally.c: the pool of tcp/tally.h, and the counting that is not done in place. */
#include "tcp/conn.h"

struct tally *tally_of(const struct tcp *t, const struct tcp_conn *c)
{
    return c->tally != 0 ? (struct tally *)pool_at(&t->tallies, c->tally) : NULL;
}

struct tally *tally_take(struct tcp *t, struct tcp_conn *c)
{
    tern_assert(c->used);
    if (c->tally == 0) {
        c->tally = pool_take(&t->tallies);
        if (c->tally == 0)
            return NULL;
        memset(pool_at(&t->tallies, c->tally), 0, sizeof(struct tally));
    }
    return tally_of(t, c);
}

void tally_give(struct tcp *t, struct tcp_conn *c)
{
    if (c->tally == 0)
        return;
    pool_give(&t->tallies, c->tally);
    c->tally = 0;
}

uint64_t tally_spent(const struct tally *a, enum tally_why why, struct tern_time now)
{
    uint64_t us = a->spent_us[why];
    if (why != WHY_IDLE && a->why == why && now.ns > a->why_ns)
        us += (uint64_t)(now.ns - a->why_ns) / 1000;
    return us;
}

void tally_why(struct tcp *t, struct tcp_conn *c, enum tally_why why, struct tern_time now)
{
    struct tally *a = tally_of(t, c);
    if (a == NULL || a->why == why)
        return;
    a->spent_us[a->why] = tally_spent(a, (enum tally_why)a->why, now);
    a->why = (uint8_t)why;
    a->why_ns = now.ns;
}

void tally_sent(struct tcp *t, struct tcp_conn *c, uint32_t len, uint32_t pieces, bool again,
                struct tern_time now)
{
    struct tally *a = tally_take(t, c);
    if (a == NULL)
        return;
    a->data_out += pieces;
    a->data_tx_ms = tcp_ms(t, now);
    if (again)
        a->bytes_rexmt += len;
    if (a->why != WHY_BUSY)
        tally_why(t, c, WHY_BUSY, now);
}

void tally_acked(struct tcp *t, struct tcp_conn *c, uint32_t data, struct tern_time now)
{
    struct tally *a = tally_of(t, c);
    if (a == NULL)
        return;
    /* Several small segments may hide in it: then a larger one is believed to have arrived than
     * has, which errs on the careful side [RFC5927:7.2]. */
    uint32_t big = data < c->cc.mss ? data : c->cc.mss;
    if (big > a->big_acked)
        a->big_acked = (uint16_t)big;
    if (c->snd.buf.len == 0)
        tally_why(t, c, WHY_IDLE, now);
}

void tally_news(struct tcp *t, struct tcp_conn *c, uint32_t pieces, struct tern_time now)
{
    struct tally *a = tally_of(t, c);
    if (a == NULL)
        return;
    a->delivered += pieces;
    if (a->in_rto && !c->rto_recovery) {
        a->in_rto = false;
        a->rto_ms += tcp_ms(t, now) - a->rto_from_ms;
    }
}

void tally_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct tally *a = tally_take(t, c);
    if (a == NULL)
        return;
    if (a->rtos < UINT16_MAX)
        a->rtos++;
    if (a->in_rto || !state_synchronized(c->state))
        return;
    a->in_rto = true;
    a->rto_recoveries++;
    a->rto_from_ms = tcp_ms(t, now);
}
