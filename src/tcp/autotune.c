/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/autotune.c: buffers that follow what the path and the application do.
 *
 * Receive: dynamic right-sizing (M. Fisk, W. Feng: "Dynamic Right-Sizing in TCP", 2001). The window
 * must hold twice what the application reads in a round trip, or it would be the window that
 * limits the sender, whose rate may double with each of them; and four times as much while that
 * rate is seen to grow, since the measurement is a round trip old when the sender learns of it.
 * What waits behind a hole counts as read, and has its place in the window besides: where much is
 * lost the sender would never be seen to become faster. The receiver's round trip is the age of the
 * timestamp that a data segment echoes, and without timestamps the time in which a whole window
 * arrives.
 *
 * Send: four times cwnd: the application is woken when half of that is free, and then as much as is
 * in flight must still be waiting to go, or the sender runs dry and goes on in bursts.
 *
 * Limits only grow, up to config.rcvbuf and config.sndbuf, and while the arena is not half full;
 * from three quarters on receive limits fall back towards the first. A limit that the application
 * has set is left alone [RFC9293:3.8.6].
 */
#include "tcp/conn.h"

#define SLACK_SEGMENTS 16u

static bool memory_is_plenty(const struct tcp *t)
{
    return t->arena->used <= t->arena->total / 2;
}

uint32_t tune_first(const struct tcp *t, bool rcv, uint32_t most)
{
    uint32_t first = rcv ? t->cfg->rcvbuf_init : t->cfg->sndbuf_init;
    return t->cfg->autotune && first < most ? first : most;
}

void tune_init(const struct tcp *t, struct tcp_conn *c)
{
    c->snd_tuned = c->rcv_tuned = t->cfg->autotune;
    c->snd.limit = tune_first(t, false, t->cfg->sndbuf);
    c->rcv.limit = tune_first(t, true, t->cfg->rcvbuf);
}

uint32_t tune_listener(const struct tcp *t, const struct tcp_listener *l, unsigned which)
{
    uint32_t most = (uint32_t)l->opts[which];
    return l->buf_set[which] ? most : tune_first(t, which == 1, most);
}

uint32_t tune_ceiling(const struct tcp *t, const struct tcp_conn *c)
{
    return c->rcv_tuned && t->cfg->rcvbuf > c->rcv.limit ? t->cfg->rcvbuf : c->rcv.limit;
}

/* ---- the receiver's round trip ---- */

static void rtt_by_echo(const struct tcp *t, const struct tcp_conn *c, struct tally *a,
                        const struct tcp_seg *s, struct tern_time now)
{
    a->tsecr = s->opt.tsecr;
    uint32_t ms = tsval_now(t, c->ts_off, now) - s->opt.tsecr;
    if (ms > 60000)
        return;
    if (ms <= 1) { /* all that a clock of a millisecond can tell */
        if (a->rtt_us == 0 || a->rtt_us > 1000)
            a->rtt_us = 1000;
    } else if (a->rtt_us == 0 || ms * 1000 < a->rtt_us) {
        a->rtt_us = ms * 1000;
    } else { /* the sender may have waited for its application */
        a->rtt_us += (ms * 1000 - a->rtt_us) / 8;
    }
}

/* A whole window has arrived: that took no less than a round trip. */
static void rtt_by_window(const struct tcp_conn *c, struct tally *a, struct tern_time now)
{
    if (a->rtt_ns != 0) {
        int64_t us = (now.ns - a->rtt_ns) / 1000;
        if (a->rtt_us == 0 || us < (int64_t)a->rtt_us)
            a->rtt_us = us > 0 ? (uint32_t)(us < 60000000 ? us : 60000000) : 1;
    }
    a->rtt_ns = now.ns;
    a->rtt_end = seq_max(c->rcv.adv, seq_add(c->rcv.nxt, 1));
}

void tune_rx(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in, struct tern_time now)
{
    struct tally *a = tally_take(t, c);
    const struct tcp_seg *s = &in->s;
    if (a == NULL)
        return;
    a->sum.data_in += in->pieces;
    a->sum.data_rx_ms = tcp_ms(t, now);
    if (a->mark_ns == 0) {
        a->mark_ns = now.ns;
        a->mark = (uint32_t)c->bytes_rcvd - c->rcv.buf.len;
    }
    if (c->ts_ok && s->opt.has_ts && s->opt.tsecr != a->tsecr && s->opt.tsecr != 0 &&
        s->len >= c->rcv_mss)
        rtt_by_echo(t, c, a, s, now);
    if (a->rtt_ns == 0 || seq_ge(c->rcv.nxt, a->rtt_end))
        rtt_by_window(c, a, now);
}

/* ---- limits ---- */

static void rcv_fall_back(const struct tcp *t, struct tcp_conn *c, struct tally *a)
{
    uint32_t least = tune_first(t, true, t->cfg->rcvbuf);
    if (c->rcv.limit / 2 > least)
        least = c->rcv.limit / 2;
    if (least < c->rcv.limit)
        c->rcv.limit = least;
    a->space = 0;
}

void tune_read(struct tcp *t, struct tcp_conn *c)
{
    struct tally *a = tally_of(t, c);
    if (a == NULL || !c->rcv_tuned || a->rtt_us == 0 ||
        t->now_ns - a->mark_ns < (int64_t)a->rtt_us * 1000)
        return;
    uint32_t held = (uint32_t)seq_diff(ranges_top(&c->rcv.ooo, &t->ooo, c->rcv.nxt), c->rcv.nxt);
    uint32_t read = (uint32_t)c->bytes_rcvd - c->rcv.buf.len + held;
    uint32_t got = read - a->mark;
    a->mark = read;
    a->mark_ns = t->now_ns;
    if (t->arena->used > t->arena->total / 4 * 3) {
        rcv_fall_back(t, c, a);
        return;
    }
    if ((int32_t)got <= (int32_t)a->space || !memory_is_plenty(t))
        return;
    uint64_t want = (got - a->space >= a->space / 2 ? 4 : 2) * (uint64_t)got;
    want += (uint64_t)SLACK_SEGMENTS * c->rcv_mss + held;
    a->space = got;
    if (want <= c->rcv.limit || c->rcv.limit >= t->cfg->rcvbuf)
        return;
    c->rcv.limit = want < t->cfg->rcvbuf ? (uint32_t)want : t->cfg->rcvbuf;
    trace_count(t->trace, CAUSE_TUNE_RCVBUF);
}

void tune_send(struct tcp *t, struct tcp_conn *c)
{
    uint32_t most = t->cfg->sndbuf;
    uint64_t want = 4 * (uint64_t)c->cc.cwnd;
    tern_assert(c->snd_tuned);
    if (c->snd.limit >= most || want <= c->snd.limit || !memory_is_plenty(t))
        return;
    c->snd.limit = want < most ? (uint32_t)want : most;
    trace_count(t->trace, CAUSE_TUNE_SNDBUF);
}
