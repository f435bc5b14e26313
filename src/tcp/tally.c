/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp/tally.c: the pool of tcp/tally.h, and the counting that is not done in place. */
#include "tcp/conn.h"

struct tally *tally_make(struct tcp *t, struct tcp_conn *c)
{
    tern_assert(c->used && tally_of(t, c) == NULL);
    uint32_t idx = pool_take(&t->tallies);
    if (idx == 0)
        return NULL;
    struct tally *a = pool_at(&t->tallies, idx);
    memset(a, 0, sizeof *a);
    park_fetch(t, c, a);
    c->tally = idx;
    park_begin(t, c, a);
    return a;
}

/* Adds what has gone by since why_ns. */
static void spend(const struct tally *a, struct tally_sum *s, struct tern_time now)
{
    if (a->why != WHY_IDLE && now.ns > a->why_ns)
        s->spent_us[a->why - 1] += (uint64_t)(now.ns - a->why_ns) / 1000;
}

bool tally_read(const struct tcp *t, const struct tcp_conn *c, struct tally_sum *out,
                struct tern_time now)
{
    const struct tally *a = tally_of(t, c);
    struct tally_rest r;
    if (a == NULL) {
        bool parked = park_read(t, c, &r);
        *out = r.sum;
        return parked;
    }
    *out = a->sum;
    spend(a, out, now);
    if (a->in_rto)
        out->rto_ms += tcp_ms(t, now) - a->rto_from_ms;
    return true;
}

void tally_why(struct tally *a, enum tally_why why, struct tern_time now)
{
    if (a->why == why)
        return;
    spend(a, &a->sum, now);
    a->why = (uint8_t)why;
    a->why_ns = now.ns;
}

void tally_acked(struct tcp *t, struct tcp_conn *c, uint32_t data, struct tern_time now)
{
    struct tally *a = tally_of(t, c);
    if (a == NULL)
        return;
    /* Several small segments may hide in it: then a larger one is believed to have arrived than
     * has, which errs on the careful side [RFC5927:7.2]. */
    uint32_t big = data < c->cc.mss ? data : c->cc.mss;
    if (big > a->sum.big_acked)
        a->sum.big_acked = (uint16_t)big;
    if (c->snd.buf.len == 0)
        tally_why(a, WHY_IDLE, now);
}

/* A recovery that a timeout began, if there was one, is over. */
static void rto_over(const struct tcp *t, struct tally *a, struct tern_time now)
{
    if (!a->in_rto)
        return;
    a->in_rto = false;
    a->sum.rto_ms += tcp_ms(t, now) - a->rto_from_ms;
}

void tally_news(struct tcp *t, struct tcp_conn *c, uint32_t pieces, struct tern_time now)
{
    struct tally *a = tally_of(t, c);
    if (a == NULL)
        return;
    a->sum.delivered += pieces;
    if (!c->rto_recovery)
        rto_over(t, a, now);
}

void tally_over(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct tally *a = tally_of(t, c);
    if (a == NULL)
        return;
    tally_why(a, WHY_IDLE, now);
    rto_over(t, a, now);
}

void tally_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct tally *a = tally_take(t, c);
    if (a == NULL)
        return;
    if (a->sum.rtos < UINT16_MAX)
        a->sum.rtos++;
    if (a->in_rto || !state_synchronized(c->state))
        return;
    a->in_rto = true;
    a->sum.rto_recoveries++;
    a->rto_from_ms = tcp_ms(t, now);
}
