/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp/path.c: see path.h. */
#include "unit/tcp/path.h"
#include "base/prng.h"
#include <stdlib.h>
#include <string.h>

#define SEC 1000000000LL
#define RTO SEC

static struct path_seg *seg_at(const struct path_flow *f, uint32_t i)
{
    return &f->ring[i % PATH_RING];
}

void path_begin(struct path *p, const struct cc_ops *const *ops, unsigned n, int64_t apart)
{
    p->n = n;
    for (unsigned i = 0; i < n; i++) {
        struct path_flow *f = &p->flow[i];
        memset(f, 0, sizeof *f);
        f->ops = ops[i];
        f->cc.mss = p->mss;
        f->ops->init(&f->cc, false);
        f->cc.ext = f->ops->ext_size != 0 ? f->ext : NULL;
        f->ring = calloc(PATH_RING, sizeof *f->ring);
        f->start = f->paced_until = f->delivered_at = f->first_sent = p->now + i * apart;
    }
}

void path_end(struct path *p)
{
    for (unsigned i = 0; i < p->n; i++)
        free(p->flow[i].ring);
}

uint32_t path_share(const struct path *p, const struct path_flow *f, uint64_t from, int64_t t0)
{
    double most = (double)p->rate * (double)(p->now - t0) / 1e9;
    return (uint32_t)((double)(f->delivered - from) * 1000 / most);
}

static bool may_send(const struct path *p, const struct path_flow *f)
{
    return p->now >= f->start && f->flight + p->mss <= f->cc.cwnd && p->now >= f->paced_until &&
           f->tail - f->head < PATH_RING;
}

static bool waits_for_pace(const struct path *p, const struct path_flow *f)
{
    return f->flight + p->mss <= f->cc.cwnd && f->tail - f->head < PATH_RING;
}

static void send_one(struct path *p, struct path_flow *f)
{
    struct path_seg *s = seg_at(f, f->tail++);
    if (f->flight == 0)
        f->delivered_at = f->first_sent = p->now;
    s->sent = p->now;
    s->first_sent = f->first_sent;
    s->delivered_at = f->delivered_at;
    s->delivered = f->delivered;
    f->flight += p->mss;
    s->flight = f->flight;
    int64_t begin = p->busy_until > p->now ? p->busy_until : p->now;
    uint64_t queued = (uint64_t)(begin - p->now) * (p->rate / 1000) / 1000000;
    bool hit = prng_chance(&p->prng, p->lose);
    s->ack = -1;
    if (queued + p->mss <= p->queue + p->mss && !hit) {
        p->busy_until = begin + (int64_t)((uint64_t)p->mss * SEC / p->rate);
        s->ack = p->busy_until + p->rtt;
        if (begin - p->now > p->max_queue_ns)
            p->max_queue_ns = begin - p->now;
    }
    if (f->cc.pacing_bps != 0)
        f->paced_until = (f->paced_until > p->now - SEC / 1000 ? f->paced_until : p->now) +
                         (int64_t)((uint64_t)p->mss * SEC / f->cc.pacing_bps);
}

/* Takes what was lost before segment `upto` out of the flight. */
static uint32_t reap(struct path *p, struct path_flow *f, uint32_t upto)
{
    uint32_t lost = 0;
    while (f->head != upto) {
        f->head++;
        f->flight -= p->mss;
        lost += p->mss;
        f->losses++;
    }
    return lost;
}

static void enter_recovery(struct path *p, struct path_flow *f, uint32_t flight)
{
    if (f->first_loss_cwnd == 0)
        f->first_loss_cwnd = f->cc.cwnd;
    f->recovery = true;
    f->recover = f->tail;
    f->cc.prior_cwnd = f->cc.cwnd;
    f->cc.prior_ssthresh = f->cc.ssthresh;
    f->ops->on_loss(&f->cc, flight, (struct tern_time){p->now});
    if (!f->ops->own_recovery)
        f->cc.cwnd = f->cc.ssthresh; /* where PRR ends */
}

static uint64_t rate_of(const struct path *p, struct path_flow *f, const struct path_seg *s)
{
    int64_t snd = s->sent - s->first_sent, ack = p->now - s->delivered_at;
    int64_t ns = snd > ack ? snd : ack;
    f->first_sent = s->sent;
    return ns > 0 ? (f->delivered - s->delivered) * SEC / (uint64_t)ns : 0;
}

static void on_ack(struct path *p, struct path_flow *f, uint32_t i)
{
    struct path_seg *s = seg_at(f, i);
    uint32_t before = f->flight;
    uint32_t lost = reap(p, f, i);
    f->head = i + 1;
    f->flight -= p->mss;
    f->delivered += p->mss;
    f->acks++;
    uint32_t rtt = (uint32_t)((p->now - s->sent) / 1000);
    f->srtt = f->srtt == 0 ? rtt : f->srtt - f->srtt / 8 + rtt / 8;
    if (f->min_rtt == 0 || rtt < f->min_rtt)
        f->min_rtt = rtt;
    if (f->recovery && i >= f->recover) {
        f->recovery = false;
        f->ops->on_recovered(&f->cc, f->flight, (struct tern_time){p->now});
    }
    if (lost != 0 && !f->recovery && !f->rto)
        enter_recovery(p, f, before);
    f->rto = f->rto && i < f->recover;
    struct cc_ack a = {.now = {p->now},
                       .acked = p->mss,
                       .lost = lost,
                       .flight_before = before,
                       .flight = f->flight,
                       .rtt_us = rtt,
                       .min_rtt_us = f->min_rtt,
                       .srtt_us = f->srtt,
                       .delivered = f->delivered,
                       .prior_delivered = s->delivered,
                       .rate_bps = rate_of(p, f, s),
                       .tx_in_flight = s->flight,
                       .limited = true,
                       .round_start = s->delivered >= f->next_round,
                       .recovery = f->recovery,
                       .rto_recovery = f->rto};
    f->delivered_at = p->now;
    if (a.round_start)
        f->next_round = f->delivered;
    f->ops->on_ack(&f->cc, &a);
    if (f->exit_cwnd == 0 && f->first_loss_cwnd == 0 && f->cc.ssthresh != UINT32_MAX)
        f->exit_cwnd = f->cc.cwnd;
    if (p->watch != NULL)
        p->watch(p, f, p->watch_ctx);
}

static void on_rto(struct path *p, struct path_flow *f)
{
    uint32_t flight = f->flight;
    f->rtos++;
    reap(p, f, f->tail);
    f->recovery = false;
    f->rto = true;
    f->recover = f->tail;
    f->ops->on_rto(&f->cc, flight, true, (struct tern_time){p->now});
}

/* The flow's next ACK (its segment), or its timeout (segment = tail), or nothing. */
static int64_t next_ack(const struct path_flow *f, uint32_t *seg)
{
    for (uint32_t i = f->head; i != f->tail; i++) {
        *seg = i;
        if (seg_at(f, i)->ack >= 0)
            return seg_at(f, i)->ack;
    }
    *seg = f->tail;
    return f->head != f->tail ? seg_at(f, f->head)->sent + RTO : INT64_MAX;
}

void path_run(struct path *p, int64_t until)
{
    for (;;) {
        bool sent = false;
        for (unsigned i = 0; i < p->n; i++) {
            if (may_send(p, &p->flow[i])) {
                send_one(p, &p->flow[i]);
                sent = true;
            }
        }
        if (sent)
            continue;
        int64_t at = until;
        unsigned who = p->n;
        uint32_t seg = 0, s;
        for (unsigned i = 0; i < p->n; i++) {
            struct path_flow *f = &p->flow[i];
            int64_t t = next_ack(f, &s);
            if (t < at) {
                at = t;
                who = i;
                seg = s;
            }
            t = f->paced_until > f->start ? f->paced_until : f->start;
            if (t > p->now && t < at && waits_for_pace(p, f)) {
                at = t;
                who = p->n;
            }
        }
        p->now = at;
        if (at == until)
            return;
        if (who == p->n)
            continue;
        if (seg == p->flow[who].tail)
            on_rto(p, &p->flow[who]);
        else
            on_ack(p, &p->flow[who], seg);
    }
}
