/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/plan.c: what a connection would send next, and why. The one decision behind egress.
 *
 * In order: SYN, a retransmission that loss recovery asks for, what a timeout made due again, a probe,
 * new data and FIN, and at last a bare ACK. Pure: it reads the connection and changes nothing;
 * commit.c does that once the link has the segment.
 */
#include "tcp/conn.h"

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Octets from `seq` on that the peer's window has room for. */
static uint32_t window_room(const struct tcp_conn *c, struct seq seq)
{
    int32_t room = seq_diff(seq_add(c->snd.una, c->snd.wnd), seq);
    return room > 0 ? (uint32_t)room : 0;
}

static uint32_t cwnd_room(const struct tcp_conn *c)
{
    uint32_t cwnd = c->cc.cwnd;
    if (!c->recovery && c->dupacks > 0 && c->dupacks < 3)
        cwnd += c->dupacks * c->cc.mss; /* limited transmit [RFC3042:2] */
    uint32_t flight = snd_flight(c);
    return cwnd > flight ? cwnd - flight : 0;
}

/* FIN goes with the segment that ends where it stands. */
static bool takes_fin(const struct tcp_conn *c, struct seq end)
{
    return c->fin_wanted && seq_eq(end, snd_fin(c));
}

/* Data that was sent before, from seq on. */
static void plan_again(const struct tcp_conn *c, struct seq seq, uint32_t most, unsigned cause,
                       struct tcp_plan *p)
{
    struct seq top = seq_min(c->snd.nxt, snd_fin(c));
    int32_t left = seq_diff(top, seq);
    p->what = PLAN_DATA;
    p->seq = seq;
    p->len = left > 0 ? min_u32((uint32_t)left, most) : 0;
    p->rexmt = true;
    p->th = TERN_TH_ACK | (p->len != 0 ? TERN_TH_PSH : 0);
    if (takes_fin(c, seq_add(seq, p->len)))
        p->th |= TERN_TH_FIN;
    p->cause = (uint16_t)(p->len == 0 ? (unsigned)CAUSE_TX_FIN_REXMT : cause);
}

/* What a timeout made due again: in slow start from snd.una. The first goes whatever the window says:
 * a window that was shut after the sending does not excuse silence. */
static bool plan_go_back(const struct tcp_conn *c, uint32_t most, struct tcp_plan *p)
{
    if (!seq_lt(c->snd.rtx, c->snd.nxt))
        return false;
    bool first = seq_eq(c->snd.rtx, c->snd.una);
    uint32_t room = min_u32(cwnd_room(c), window_room(c, c->snd.rtx));
    if (first && room < c->cc.mss)
        room = c->cc.mss;
    if (room == 0) {
        p->cwnd_blocked = true;
        return true;
    }
    plan_again(c, c->snd.rtx, min_u32(most, room), c->rtx_cause, p);
    return true;
}

/* May a segment of n octets, of `avail` unsent ones, go now? RFC 9293 3.8.6.2.1 and 3.7.4 (Nagle). */
static bool worth_sending(const struct tcp_conn *c, uint32_t n, uint32_t avail, uint32_t eff)
{
    if (n >= eff)
        return true;
    if (n == 0)
        return false;
    bool all = n == avail;
    bool idle = seq_eq(c->snd.una, c->snd.nxt);
    if (all && c->fin_wanted)
        return true;
    if (all && !c->cork && (c->nodelay || idle)) /* [RFC9293:SHLD-7] */
        return true;
    if (n >= c->snd.max_wnd / 2 && !c->cork && (all || idle || n < avail))
        return true;
    return c->override;
}

static void new_flags(const struct tcp_conn *c, uint32_t avail, struct tcp_plan *p)
{
    bool last = p->len == avail;
    p->th = TERN_TH_ACK;
    p->cause = CAUSE_TX_DATA;
    if (p->len != 0 && last) {
        p->th |= TERN_TH_PSH; /* [RFC9293:MUST-60] */
        p->cause = CAUSE_TX_DATA_PUSH;
    }
    if (c->override)
        p->cause = CAUSE_TX_PROBE_OVERRIDE;
    else if (!c->recovery && c->dupacks > 0 && c->dupacks < 3 && p->len != 0)
        p->cause = CAUSE_TX_LIMITED;
    if (takes_fin(c, seq_add(p->seq, p->len)) &&
        (p->len != 0 || window_room(c, p->seq) > 0)) {
        p->th |= TERN_TH_FIN;
        if (p->len == 0)
            p->cause = CAUSE_TX_FIN;
    }
}

static bool sends_data(unsigned state)
{
    return state == TERN_TCP_ESTABLISHED || state == TERN_TCP_CLOSE_WAIT ||
           state == TERN_TCP_FIN_WAIT_1 || state == TERN_TCP_CLOSING ||
           state == TERN_TCP_LAST_ACK;
}

static bool plan_new(const struct tcp_conn *c, uint32_t eff, uint32_t most, struct tcp_plan *p)
{
    if (!sends_data(c->state) || fin_sent(c))
        return false;
    uint32_t avail = c->snd.buf.len - (uint32_t)seq_diff(c->snd.nxt, snd_base(c));
    uint32_t wnd = window_room(c, c->snd.nxt), cwnd = cwnd_room(c);
    if (avail == 0 && !c->fin_wanted)
        return false;
    uint32_t n = min_u32(min_u32(avail, most), min_u32(wnd, cwnd));
    if (n > eff && n < avail)
        n -= n % eff; /* whole segments */
    p->seq = c->snd.nxt;
    p->len = n;
    bool fin_alone = avail == 0 && wnd > 0;
    if (fin_alone || worth_sending(c, n, avail, eff)) {
        p->what = PLAN_DATA;
        new_flags(c, avail, p);
        return true;
    }
    p->cwnd_blocked = cwnd < eff && cwnd < avail && cwnd <= wnd;
    p->window_blocked = !p->cwnd_blocked && (wnd < eff && (wnd < avail || avail == 0));
    p->held_back = !p->cwnd_blocked && !p->window_blocked;
    return false;
}

/* A window probe carries the octet that waits (or the FIN) beyond the shut window; a keep-alive repeats
 * the sequence number before SND.NXT with nothing in it [RFC9293:3.8.4]. */
static bool plan_probe(const struct tcp_conn *c, struct tcp_plan *p)
{
    if (c->owe_probe == 0)
        return false;
    p->what = PLAN_PROBE;
    p->cause = c->owe_probe;
    p->th = TERN_TH_ACK;
    p->seq = seq_sub(c->snd.nxt, 1);
    if (c->owe_probe == CAUSE_TX_PROBE_WINDOW && sends_data(c->state)) {
        struct seq at = c->snd.una;
        p->seq = at;
        if (seq_lt(at, snd_fin(c)))
            p->len = 1;
        else if (takes_fin(c, at))
            p->th |= TERN_TH_FIN;
    }
    return true;
}

void tcp_plan(const struct tcp *t, const struct tcp_conn *c, uint32_t most, struct tern_time now,
              struct tcp_plan *p)
{
    (void)t;
    (void)now;
    memset(p, 0, sizeof *p);
    if (c->state == TERN_TCP_CLOSED || c->state == TERN_TCP_LISTEN || c->detached)
        return;
    bool syn_open = seq_eq(c->snd.una, c->snd.iss);
    if (c->owe_syn != 0 || (syn_open && seq_lt(c->snd.rtx, c->snd.nxt))) {
        p->what = PLAN_SYN;
        p->seq = c->snd.iss;
        p->th = c->state == TERN_TCP_SYN_SENT ? TERN_TH_SYN : TERN_TH_SYN | TERN_TH_ACK;
        p->cause = c->owe_syn != 0 ? c->owe_syn : (uint16_t)CAUSE_TX_SYN_ACK_REXMT;
        p->rexmt = seq_gt(c->snd.nxt, c->snd.iss);
        return;
    }
    if (c->state == TERN_TCP_SYN_SENT)
        return;
    uint32_t eff = c->mss - conn_opt_len(c);
    if (most < eff)
        most = eff;
    if (c->owe_rexmt != 0 && seq_lt(c->snd.una, c->snd.nxt)) {
        plan_again(c, c->snd.una, eff, c->owe_rexmt, p);
        return;
    }
    if (c->state != TERN_TCP_SYN_RECEIVED &&
        (plan_go_back(c, most, p) || plan_probe(c, p) || plan_new(c, eff, most, p)) &&
        p->what != PLAN_NOTHING)
        return;
    if (c->owe_ack != 0) {
        p->what = PLAN_ACK;
        p->seq = c->snd.nxt;
        p->len = 0;
        p->th = TERN_TH_ACK;
        p->cause = c->owe_ack;
    }
}
