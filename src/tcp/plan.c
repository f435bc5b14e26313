/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/plan.c: what a connection would send next, and why. The one decision behind egress.
 *
 * In order: SYN, what loss recovery holds for lost, a tail loss probe, what a timeout made due
 * again, a window probe, new data and FIN, and at last a bare ACK. Pure: it reads the connection
 * and changes nothing; commit.c does that once the link has the segment. Before it train.c is
 * asked, which decides the same for the next full segment of an undisturbed bulk transfer: a new
 * reason not to send belongs there too.
 */
#include "tcp/conn.h"

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Octets from `seq` on that the peer's window has room for. */
static uint32_t window_room(const struct tcp_conn *c, struct seq seq)
{
    /* [RFC9293:MUST-34] [RFC9293:SHLD-15] */
    int32_t room = seq_diff(seq_add(snd_base(c), c->snd.wnd), seq); /* our SYN takes none of it */
    return room > 0 ? (uint32_t)room : 0;
}

static uint32_t cwnd_room(const struct tcp *t, const struct tcp_conn *c, const struct xmit *x)
{
    uint32_t cwnd = c->cc.cwnd;
    if (c->extra != 0 && ecn_held(t, c))
        return 0; /* [RFC3168:6.1.2#3] */
    if (x != NULL && x->pmtu.slow != 0)
        cwnd = min_u32(cwnd, x->pmtu.slow); /* what was too large goes anew [RFC1191:6.4] */
    if (!c->recovery && c->dupacks > 0 && c->dupacks < 3)
        cwnd += c->dupacks * c->cc.mss; /* limited transmit [RFC3042:2] [RFC5681:3.2#2] */
    uint32_t flight = snd_flight(c);
    if (!c->syn_acked && flight != 0)
        flight--; /* a Fast Open's SYN-ACK is no data */
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
    p->cwnd_blocked = false;
    p->th = TERN_TH_ACK | (p->len != 0 ? TERN_TH_PSH : 0);
    if (takes_fin(c, seq_add(seq, p->len)))
        p->th |= TERN_TH_FIN;
    p->cause = (uint16_t)(p->len == 0 ? (unsigned)CAUSE_TX_FIN_REXMT : cause);
}

/* What a timeout made due again: in slow start from snd.una. The first goes whatever the window
 * says: a window that was shut after the sending does not excuse silence. */
static bool plan_go_back(const struct tcp *t, const struct tcp_conn *c, const struct xmit *x,
                         uint32_t most, struct tcp_plan *p)
{
    if (!seq_lt(c->snd.rtx, c->snd.nxt))
        return false;
    bool first = seq_eq(c->snd.rtx, c->snd.una);
    uint32_t room = min_u32(cwnd_room(t, c, x), window_room(c, c->snd.rtx));
    if (first && room < c->cc.mss) /* [RFC9293:SHLD-16] [RFC9293:MAY-7] */
        room = c->cc.mss;
    if (room == 0) {
        p->cwnd_blocked = true;
        return true;
    }
    plan_again(c, c->snd.rtx, min_u32(most, room), c->rtx_cause, p);
    return true;
}

/* How much of a hole of `want` octets may go: cwnd and the window allow it, or it goes whatever
 * they say: after a timeout, and at snd.una when the window was shut after the sending. That does
 * not excuse silence: a probe's octet would wait here for ever, with no timer running. */
static uint32_t lost_room(const struct tcp *t, const struct tcp_conn *c, const struct xmit *x,
                          const struct sent *s, uint32_t want, uint32_t eff)
{
    uint32_t window = window_room(c, s->lo);
    bool shut = seq_eq(s->lo, c->snd.una) && window < min_u32(want, eff);
    return c->owe_rexmt != 0 || shut ? eff : min_u32(cwnd_room(t, c, x), window);
}

/* Where the run of lost segments that begins at s ends; no farther than `most` needs. */
static struct seq lost_end(const struct tcp *t, const struct sent *s, uint32_t most)
{
    const struct sent *f = s;
    struct seq end = s->hi;
    while (f->next != 0 && (uint32_t)seq_diff(end, s->lo) < most) {
        f = sent_at(t, f->next);
        if (f->is != SENT_LOST)
            break;
        end = f->hi;
    }
    return end;
}

/* The first hole, as far as it goes [RFC6675:4] NextSeg() rule 1. After a timeout it goes whatever
 * the windows say. True also when it must wait: nothing else goes before it. */
static bool plan_lost(const struct tcp *t, const struct tcp_conn *c, const struct xmit *x,
                      uint32_t eff, uint32_t most, struct tern_time now, struct tcp_plan *p)
{
    if (x->lhead == 0 || (c->owe_probe != 0 && c->snd.wnd == 0))
        return false; /* nothing is lost; or the window is shut, and the probe asks for all of it */
    const struct sent *s = sent_at(t, x->lhead);
    struct seq end = lost_end(t, s, most);
    bool forced = c->owe_rexmt != 0;
    uint32_t want = min_u32((uint32_t)seq_diff(end, s->lo), most);
    uint32_t room = lost_room(t, c, x, s, want, eff);
    if (room < min_u32(want, eff)) { /* [RFC8985:9.3] */
        p->cwnd_blocked = true;
        return true;
    }
    if (!forced && !pace_allows(c, x, now)) {
        p->pace_blocked = true;
        return true;
    }
    if (room < want)
        want = room > eff ? room - room % eff : room;
    plan_again(c, s->lo, want, forced ? c->owe_rexmt : s->why, p);
    if (fin_sent(c) && seq_eq(seq_add(s->lo, p->len), end))
        p->th &= (uint8_t)~TERN_TH_FIN; /* the FIN that follows is not lost */
    return true;
}

/* A segment below the MSS; all = it has all that is unsent. */
static bool nagle_allows(const struct tcp *t, const struct tcp_conn *c, uint32_t n, bool all)
{
    if (c->cork || c->more)
        return false;
    /* a SYN-ACK in flight is not data */
    bool idle = seq_eq(snd_base(c), c->snd.nxt) || profile_no_small(t, c);
    return (all && (c->nodelay || idle)) /* [RFC9293:SHLD-7] */
           || n >= c->snd.max_wnd / 2;
}

/* May a segment of n octets, of `avail` unsent ones, go now? RFC 9293 3.8.6.2.1 and 3.7.4 (Nagle).
 */
/* [RFC9293:MUST-38] [RFC1122:4.2.3.4] */
static bool worth_sending(const struct tcp *t, const struct tcp_conn *c, uint32_t n, uint32_t avail,
                          uint32_t eff)
{
    if (n >= eff)
        return true;
    if (n == 0)
        return false;
    if (n == avail && c->fin_wanted)
        return true;
    return nagle_allows(t, c, n, n == avail) || c->override || c->flush;
}

static unsigned new_cause(const struct tcp_conn *c, const struct tcp_plan *p, bool last)
{
    if (c->override)
        return CAUSE_TX_PROBE_OVERRIDE;
    if (p->len == 0)
        return CAUSE_TX_FIN;
    if (!c->recovery && c->dupacks > 0 && c->dupacks < 3)
        return CAUSE_TX_LIMITED;
    if (!c->recovery && !c->rto_recovery && c->gone != 0 &&
        (uint32_t)seq_diff(c->snd.nxt, c->snd.una) >= c->cc.cwnd)
        return CAUSE_TX_LIMITED; /* SACKed segments have made room [RFC6675:5] (3.1) */
    if (c->urg && seq_gt(c->snd.up, p->seq))
        return CAUSE_TX_URGENT;
    return last ? CAUSE_TX_DATA_PUSH : CAUSE_TX_DATA;
}

static void new_flags(const struct tcp_conn *c, uint32_t avail, struct tcp_plan *p)
{
    bool last = p->len == avail;
    p->th = TERN_TH_ACK;
    if (p->len != 0 && last)
        p->th |= TERN_TH_PSH; /* [RFC9293:MUST-60] [RFC9293:MUST-61] */
    p->cause = (uint16_t)new_cause(c, p, last);
    if (takes_fin(c, seq_add(p->seq, p->len)) && (p->len != 0 || window_room(c, p->seq) > 0))
        p->th |= TERN_TH_FIN;
}

static bool sends_data(unsigned state)
{
    return state == TERN_TCP_ESTABLISHED || state == TERN_TCP_CLOSE_WAIT ||
           state == TERN_TCP_FIN_WAIT_1 || state == TERN_TCP_CLOSING || state == TERN_TCP_LAST_ACK;
}

/* A tail loss probe: new data if there is any, whatever cwnd says; else the last segment again
 * [RFC8985:7.3]. */
/* [RFC8985:7.3#2] */
static bool plan_tlp(const struct tcp *t, const struct tcp_conn *c, const struct xmit *x,
                     uint32_t eff, struct tcp_plan *p)
{
    tern_assert(eff > 0);
    if (!x->tlp_owed || x->tail == 0 || !sends_data(c->state))
        return false;
    uint32_t unsent =
        fin_sent(c) ? 0 : c->snd.buf.len - (uint32_t)seq_diff(c->snd.nxt, snd_base(c));
    uint32_t n = min_u32(min_u32(unsent, eff), window_room(c, c->snd.nxt));
    if (n != 0 && (n == eff || n == unsent)) {
        p->what = PLAN_DATA;
        p->seq = c->snd.nxt;
        p->len = n;
        new_flags(c, unsent, p);
        p->cause = CAUSE_TX_TLP;
        return true;
    }
    const struct sent *s = sent_at(t, x->tail);
    if (s->is != SENT_IN_FLIGHT)
        return false;
    uint32_t len = (uint32_t)seq_diff(s->hi, s->lo);
    uint32_t last = len <= eff ? 0 : (len - 1) / eff * eff;
    if (window_room(c, seq_add(s->lo, last)) < len - last)
        return false; /* the window has shrunk: the peer would not take it */
    plan_again(c, seq_add(s->lo, last), eff, CAUSE_TX_REXMT_TLP, p);
    p->cause = CAUSE_TX_REXMT_TLP; /* a FIN alone, too */
    return true;
}

/* What holds `avail` octets back: the smaller of the two windows, or neither of them. */
static void why_not(struct tcp_plan *p, uint32_t eff, uint32_t avail, uint32_t wnd, uint32_t cwnd)
{
    p->cwnd_blocked = cwnd < eff && cwnd < avail && cwnd <= wnd;
    p->window_blocked = !p->cwnd_blocked && wnd < eff && (wnd < avail || avail == 0);
    p->held_back = !p->cwnd_blocked && !p->window_blocked;
}

/* A segment of new data larger than the others, to find out whether the path carries it. True also
 * when that waits for the congestion window, and everything else with it. */
static bool plan_larger(const struct tcp_conn *c, const struct xmit *x, uint32_t avail,
                        uint32_t wnd, uint32_t cwnd, struct tcp_plan *p)
{
    bool wait = false;
    uint32_t n = pmtu_probe(c, x, avail, wnd, cwnd, &wait);
    p->cwnd_blocked = wait;
    if (n == 0)
        return wait;
    p->what = PLAN_DATA;
    p->len = n;
    p->th = TERN_TH_ACK;
    p->cause = CAUSE_TX_PMTU_PROBE;
    return true;
}

/* It must wait for its turn: the pacing rate's, or for an ACK that makes it worth a burst. */
static bool new_waits(const struct tcp *t, const struct tcp_conn *c, uint32_t n, bool more,
                      uint32_t room, uint32_t seam, struct tern_time now, struct tcp_plan *p)
{
    if (n == 0)
        return false;
    p->cwnd_blocked = more && room < seam && profile_defers(t, c, room, now);
    p->pace_blocked = !p->cwnd_blocked && !pace_allows(c, conn_xmit(t, c), now);
    return p->cwnd_blocked || p->pace_blocked;
}

/* Of a super-segment's n octets: whole segments [RFC9293:SHLD-28] if more follows, and Nagle's rule
 * for the last one if not, unless a record ends there. */
static uint32_t whole_segments(const struct tcp *t, const struct tcp_conn *c, uint32_t n, bool more,
                               bool record, uint32_t eff)
{
    uint32_t part = n % eff;
    bool keep = !more && (record || worth_sending(t, c, part, part, eff));
    return n <= eff || keep ? n : n - part;
}

static bool plan_new(const struct tcp *t, const struct tcp_conn *c, uint32_t eff, uint32_t most,
                     struct tern_time now, struct tcp_plan *p)
{
    const struct xmit *x = conn_xmit(t, c);
    if (fin_sent(c))
        return false;
    uint32_t seam = profile_seam(t, c, eff);
    most = min_u32(min_u32(most, pace_quantum(c)), seam);
    uint32_t avail = c->snd.buf.len - (uint32_t)seq_diff(c->snd.nxt, snd_base(c));
    uint32_t wnd = window_room(c, c->snd.nxt), cwnd = cwnd_room(t, c, x);
    uint32_t whole = c->extra != 0 ? record_room(t, c, c->snd.nxt, avail) : avail;
    bool record = whole < avail; /* what ends there goes, and is all that can go */
    avail = whole;
    if (avail == 0 && !c->fin_wanted)
        return false;
    /* [RFC9293:SHLD-27] [RFC9293:MAY-16] [RFC5681:3] */
    uint32_t n = min_u32(min_u32(avail, most), min_u32(wnd, cwnd));
    n = whole_segments(t, c, n, n < avail, record, eff);
    p->seq = c->snd.nxt;
    p->len = n;
    bool fin_alone = avail == 0 && wnd > 0;
    if (new_waits(t, c, n, n < avail, min_u32(wnd, cwnd), seam, now, p))
        return false;
    if (x != NULL && x->pmtu.on && plan_larger(c, x, avail, wnd, cwnd, p))
        return p->what != PLAN_NOTHING;
    if (fin_alone || (record && n != 0 && n == avail) || worth_sending(t, c, n, avail, eff)) {
        p->what = PLAN_DATA;
        new_flags(c, avail, p);
        return true;
    }
    why_not(p, eff, avail, wnd, cwnd);
    return false;
}

/* A window probe carries the octet that waits (or the FIN) beyond the shut window; a keep-alive
 * repeats the sequence number before SND.NXT with nothing in it [RFC9293:3.8.4]. */
static bool plan_probe(const struct tcp *t, const struct tcp_conn *c, struct tcp_plan *p)
{
    if (c->owe_probe == 0)
        return false;
    p->what = PLAN_PROBE;
    p->cause = c->owe_probe;
    p->th = TERN_TH_ACK;
    p->seq = seq_sub(c->snd.nxt, 1); /* [RFC9293:SHLD-12] */
    if (c->owe_probe == CAUSE_TX_PROBE_WINDOW && t->pol->probe_empty) {
        p->seq = seq_sub(c->snd.una, 1);
    } else if (c->owe_probe == CAUSE_TX_PROBE_WINDOW && sends_data(c->state)) {
        struct seq at = c->snd.una;
        p->seq = at;
        if (seq_lt(at, snd_fin(c)))
            p->len = 1;
        else if (takes_fin(c, at))
            p->th |= TERN_TH_FIN;
    }
    return true;
}

/* What was sent before and must be sent again, or probed for. */
static bool plan_repair(const struct tcp *t, const struct tcp_conn *c, uint32_t eff, uint32_t most,
                        struct tern_time now, struct tcp_plan *p)
{
    const struct xmit *x = conn_tracked(t, c);
    if (x != NULL)
        /* [RFC6675:4#3] */
        return plan_lost(t, c, x, eff, most, now, p) || plan_tlp(t, c, x, eff, p);
    if (c->owe_rexmt != 0 && seq_lt(c->snd.una, c->snd.nxt)) {
        plan_again(c, c->snd.una, eff, c->owe_rexmt, p);
        return true;
    }
    return plan_go_back(t, c, conn_xmit(t, c), most, p);
}

static bool plan_syn(const struct tcp *t, const struct tcp_conn *c, struct tcp_plan *p)
{
    if (c->owe_syn == 0 && (c->syn_acked || !seq_lt(c->snd.rtx, c->snd.nxt)))
        return false;
    p->what = PLAN_SYN;
    p->seq = c->snd.iss;
    p->th = c->state == TERN_TCP_SYN_SENT ? TERN_TH_SYN : TERN_TH_SYN | TERN_TH_ACK;
    p->cause = c->owe_syn != 0 ? c->owe_syn : (uint16_t)CAUSE_TX_SYN_ACK_REXMT;
    p->rexmt = seq_gt(c->snd.nxt, c->snd.iss);
    if (c->extra != 0 && !p->rexmt && c->state == TERN_TCP_SYN_SENT)
        p->len = fastopen_syn_len(t, c); /* [RFC7413:4.2.1] */
    return true;
}

/* What is sent again stops at the end of a record too. */
static void keep_records(const struct tcp *t, const struct tcp_conn *c, struct tcp_plan *p)
{
    uint32_t n = record_room(t, c, p->seq, p->len);
    if (n < p->len)
        p->th &= (uint8_t)~TERN_TH_FIN;
    p->len = n;
}

/* Everything but a SYN and a bare ACK. */
static bool plan_data(const struct tcp *t, const struct tcp_conn *c, uint32_t eff, uint32_t most,
                      struct tern_time now, struct tcp_plan *p)
{
    bool early = c->state == TERN_TCP_SYN_RECEIVED;
    bool fresh = early ? fastopen_child(t, c) : sends_data(c->state);
    bool any = !early && (plan_repair(t, c, eff, most, now, p) || plan_probe(t, c, p));
    if (!any)
        any = fresh && plan_new(t, c, eff, most, now, p);
    if (!any || p->what == PLAN_NOTHING)
        return false;
    if (c->extra != 0 && p->rexmt)
        keep_records(t, c, p);
    if (t->pol->push_writes && p->what == PLAN_DATA)
        profile_push(t, c, eff, p);
    return true;
}

void tcp_plan(const struct tcp *t, const struct tcp_conn *c, uint32_t most, struct tern_time now,
              struct tcp_plan *p)
{
    memset(p, 0, sizeof *p);
    if (c->state == TERN_TCP_CLOSED || c->state == TERN_TCP_LISTEN || c->detached)
        return;
    if (plan_syn(t, c, p) || c->state == TERN_TCP_SYN_SENT)
        return;
    uint32_t eff = c->mss - conn_opt_len(c);
    if (most < eff)
        most = eff;
    if (ecn_single(t, c))
        most = eff;
    if (plan_data(t, c, eff, most, now, p)) {
        if (c->extra != 0)
            uto_plan(t, c, eff, p);
        return;
    }
    if (c->owe_ack != 0) {
        p->what = PLAN_ACK;
        p->seq = c->snd.nxt;
        p->len = 0;
        p->th = TERN_TH_ACK;
        p->cause = c->owe_ack;
    }
}
