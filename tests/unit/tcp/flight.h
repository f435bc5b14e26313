/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp/flight.h: a sender with segments in flight over a path of 20 ms, and a peer that does SACK;
 * for the tests of loss recovery. Segments are counted from 0, in the order of the stream. */
#ifndef TCP_FLIGHT_H
#define TCP_FLIGHT_H

#include "unit/tcp/rig.h"

#define MSS 1448u

static struct tcp_conn *c;

static inline struct seq segment(unsigned n)
{
    return seq_add(c->snd.iss, 1 + n * MSS);
}
static inline struct xmit *board(struct rig *r)
{
    return conn_xmit(r->t, c);
}

/* Segments [from, to) are SACKed; up to three pairs, ended by to = 0. */
struct blocks {
    unsigned b[3][2];
};

/* The peer acknowledges all before segment n; tsecr_ms = age of the timestamp that it echoes. */
static inline void flight_ack_aged(struct rig *r, unsigned n, struct blocks k, int32_t tsecr_ms)
{
    struct tcp_seg s = {.seq = c->rcv.nxt, .ack = segment(n), .th = ACK, .wnd = r->wnd};
    s.opt.has_ts = c->ts_ok;
    s.opt.tsval = c->ts_recent;
    s.opt.tsecr = tsval_now(r->t, c->ts_off, r->now) - (uint32_t)tsecr_ms;
    for (unsigned i = 0; i < 3 && k.b[i][1] != 0; i++, s.opt.nsack++) {
        s.opt.sack[i].lo = segment(k.b[i][0]);
        s.opt.sack[i].hi = segment(k.b[i][1]);
    }
    rig_seg(r, &s, 0);
    sent_laws(r->t, c);
}
#define flight_ack(r, n, ...) flight_ack_aged(r, n, (struct blocks){{__VA_ARGS__}}, 20)
#define NOTHING                                                                                    \
    {                                                                                              \
        0, 0                                                                                       \
    }

static inline void later(struct rig *r, int64_t ms)
{
    r->now = time_add_ms(r->now, ms);
}

/* Established, with SRTT 20 ms, n segments of data queued, and what the window allows of it sent.
 */
static inline void flight_begin(struct rig *r, unsigned n)
{
    r->active = true;
    r->wnd = 60000;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    c = rig_conn(r);
    c->cc_id = TERN_CC_RENO;
    memset(&c->rtt, 0, sizeof c->rtt);
    rtt_sample(&c->rtt, 20000, &r->cfg);
    assert_int_equal(rig_send(r, n * MSS), n * MSS);
    rig_pull(r);
}

#endif
