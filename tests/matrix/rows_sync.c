/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matrix/rows_sync.c: the synchronized states with a control block. Most rows repeat from state to
 * state: one function each, and at the end the table of who uses it.
 */
#include "matrix.h"

/* ---- calls ---- */

static void call_abort(struct rig *r, bool rst)
{
    struct seq nxt = rig_at(r).snd_nxt;
    rig_send(r, 100); /* queued text is flushed (not taken in states that cannot send) */
    assert_int_equal(tcp_abort(r->t, r->sock, r->now), TERN_OK);
    if (rst) { /* <SND.NXT, RST> [RFC9293:3.10.5] */
        rig_pull(r);
        assert_int_equal(r->n, 1);
        assert_true(r->out[0].seg.th & RST);
        assert_int_equal(r->out[0].seg.seq.v, nxt.v);
    } else {
        rig_silent(r);
    }
    rig_empty(r);
    assert_int_equal(tcp_abort(r->t, r->sock, r->now), TERN_EBADF);
}
static void abort_rst(struct rig *r)
{
    call_abort(r, true);
}
static void abort_silent(struct rig *r)
{
    call_abort(r, false);
}

static void call_open(struct rig *r)
{
    struct tern_sock mine = r->sock;
    assert_int_equal(rig_connect(r), TERN_EADDRINUSE);
    r->sock = mine;
    rig_silent(r);
}

static void call_send_closing(struct rig *r)
{
    assert_int_equal(rig_send(r, 10), TERN_EPIPE);
    rig_silent(r);
}

static void call_close_again(struct rig *r) /* no second FIN */
{
    assert_int_equal(tcp_shutdown(r->t, r->sock, r->now), TERN_OK);
    rig_silent(r);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_silent(r);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_EBADF);
}

/* CLOSE with data queued: the state changes at once, FIN follows the data. */
static void call_close(struct rig *r)
{
    unsigned next = rig_state(r) == TERN_TCP_ESTABLISHED ? TERN_TCP_FIN_WAIT_1 : TERN_TCP_LAST_ACK;
    assert_int_equal(rig_send(r, 2000), 2000);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_in_state(r, next);
    assert_int_equal(rig_pull(r), 2);
    assert_false(r->out[0].seg.th & FIN);
    assert_true(r->out[1].seg.th & FIN);
    assert_int_equal(r->out[0].seg.len + r->out[1].seg.len, 2000);
    rig_silent(r);
}

/* ---- segments that change nothing ---- */

static void seg_outside(struct rig *r)
{
    static const int32_t where[] = {0, 1000, -100, -1}; /* from the right edge, or from RCV.NXT */
    for (unsigned i = 0; i < 4; i++) {
        int32_t right = where[i] >= 0 ? (int32_t)rig_at(r).rcv_wnd : 0;
        assert_int_equal(rig_in(r, ACK, right + where[i], 0, 1), CAUSE_DROP_OUT_OF_WINDOW);
        rig_ack(r, CAUSE_NONE);
    }
    assert_int_equal(rig_in(r, 0, -50, 0, 10),
                     CAUSE_DROP_OUT_OF_WINDOW); /* the ACK bit is step 5 */
    rig_ack(r, CAUSE_TX_ACK_OUT_OF_WINDOW);
}

static void rst_outside(struct rig *r) /* [RFC5961:3.2#1] */
{
    int32_t right = (int32_t)rig_at(r).rcv_wnd;
    int32_t where[] = {right, right + 1000, -100, -1};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(rig_in(r, i & 1 ? RST : RST | ACK, where[i], 0, 0),
                         CAUSE_DROP_RST_OUT_OF_WINDOW);
        rig_silent(r);
    }
}

static void rst_inside(struct rig *r) /* [RFC5961:3.2#3] */
{
    assert_int_equal(rig_in(r, RST, 1, 0, 0), CAUSE_DROP_RST_CHALLENGED);
    rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
    assert_int_equal(rig_in(r, RST | ACK, (int32_t)rig_at(r).rcv_wnd - 1, 0, 0),
                     CAUSE_DROP_RST_CHALLENGED);
    rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
}

/* An exact RST; err is what the application reads. RST with payload counts as well
 * [RFC9293:SHLD-2]. */
static void exact_rst(struct rig *r, int err) /* [RFC5961:3.2#2] */
{
    rig_in(r, RST, 0, 0, 10);
    rig_silent(r);
    struct tern_event ev;
    assert_true(rig_event(r, &ev));
    assert_true(ev.bits & TERN_EV_CLOSED);
    assert_int_equal(ev.err, err);
    assert_int_equal(rig_recv(r, 1), err); /* [RFC9293:MUST-12] */
    assert_int_equal(rig_recv(r, 1), 0);
    assert_int_equal(rig_send(r, 1), TERN_EPIPE);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_empty(r);
}
static void rst_reset(struct rig *r)
{
    exact_rst(r, TERN_ECONNRESET);
}
static void rst_late(struct rig *r)
{
    exact_rst(r, TERN_OK);
}

static void syn_any(struct rig *r) /* any SEQ [RFC5961:4.2] [RFC5961:4.2#1] */
{
    int32_t right = (int32_t)rig_at(r).rcv_wnd;
    int32_t where[] = {0, 10, right, right + 1000, -1, -100000};
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(rig_in(r, i & 1 ? SYN : SYN | ACK, where[i], 0, 0),
                         CAUSE_DROP_SYN_CHALLENGED);
        rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
    }
    rig_syn(r, SYN, seq_add(rig_at(r).rcv_nxt, 777), seq_of(0)); /* with a SYN's options */
    rig_ack(r, CAUSE_NONE);
    struct tcp_seg bare = {.seq = seq_of(400), .th = SYN, .wnd = 1000}; /* Figure 9: rebooted */
    assert_int_equal(rig_seg(r, &bare, 0), CAUSE_DROP_SYN_CHALLENGED);
    rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
}

static void no_ack_bit(struct rig *r)
{
    assert_int_equal(rig_in(r, 0, 0, 0, 0), CAUSE_DROP_NO_ACK);
    assert_int_equal(rig_in(r, FIN | PSH, 0, 0, 10), CAUSE_DROP_NO_ACK);
    rig_silent(r);
}

/* ---- step 5 ---- */

static void ack_beyond(struct rig *r) /* [RFC5961:5.2#1] [RFC5961:5.2#2] */
{
    assert_int_equal(rig_in(r, ACK, 0, 1, 0), CAUSE_DROP_ACK_UNSENT);
    rig_ack(r, CAUSE_TX_ACK_BEYOND);
    assert_int_equal(rig_in(r, ACK, 0, 100000, 10), CAUSE_DROP_ACK_UNSENT);
    rig_ack(r, CAUSE_TX_ACK_BEYOND);
}

/* Below SND.UNA - MAX.SND.WND, and below the ISS however large the window is. */
static void ack_too_old(struct rig *r) /* [RFC9293:MAY-12] [RFC5961:5.2#1] [RFC5961:5.2#2] */
{
    struct tcp_conn *c = rig_conn(r);
    uint32_t since = (uint32_t)seq_diff(c->snd.nxt, c->snd.iss);
    assert_true(since < c->snd.max_wnd);
    assert_int_equal(rig_in(r, ACK, 0, -(int32_t)since - 1, 0), CAUSE_DROP_ACK_OLD);
    rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
    assert_int_equal(rig_in(r, ACK, 0, -(int32_t)c->snd.max_wnd - 10, 10), CAUSE_DROP_ACK_OLD);
    rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
    assert_int_equal(c->rcv.buf.len, 0);
}

/* Acceptable ACKs move SND.UNA and, by WL1 and WL2, the window. */
static void ack_moves(struct rig *r)
{
    struct tcp_conn *c = rig_conn(r);
    bool sends = c->state == TERN_TCP_ESTABLISHED || c->state == TERN_TCP_CLOSE_WAIT;
    uint32_t n = sends ? 1000 : 0;
    if (sends) {
        assert_int_equal(rig_send(r, n), n);
        assert_int_equal(rig_pull(r), 1);
        rig_in(r, ACK, 0, -400, 0);
        assert_int_equal(c->snd.una.v, c->snd.nxt.v - 400);
        rig_in(r, ACK, 0, 0, 0);
    }
    r->wnd = 1000;
    rig_in(r, ACK, 0, seq_diff(c->snd.una, c->snd.nxt), 0);
    assert_int_equal(c->snd.wnd, 1000 << c->snd_ws);
    r->wnd = 9; /* older by SEQ: does not count */
    rig_in(r, ACK, -1, seq_diff(c->snd.una, c->snd.nxt), 0);
    assert_int_equal(c->snd.wnd, 1000 << c->snd_ws);
    rig_pull(r);
}

/* FIN-WAIT-1: what is acknowledged is data, the FIN is not. */
static void ack_data_not_fin(struct rig *r)
{
    struct tcp_conn *c = rig_conn(r);
    rig_in(r, ACK, 0, -1, 0); /* una again */
    assert_int_equal(c->snd.una.v, c->snd.nxt.v - 1);
    rig_in_state(r, TERN_TCP_FIN_WAIT_1);
    r->wnd = 77;
    rig_in(r, ACK, 0, -1, 0);
    assert_int_equal(c->snd.wnd, 77 << c->snd_ws);
    rig_silent(r);
}

static void ack_old_ignored(struct rig *r) /* does not cover our FIN */
{
    struct tcp_conn *c = rig_conn(r);
    struct seq una = c->snd.una;
    rig_in(r, ACK, 0, seq_diff(una, c->snd.nxt), 0);
    assert_int_equal(c->snd.una.v, una.v);
    rig_silent(r);
}

static void ack_fin(struct rig *r)
{
    rig_in(r, ACK, 0, 0, 0);
    rig_silent(r);
}

static void ack_fin_closed(struct rig *r)
{
    ack_fin(r);
    struct tern_event ev;
    assert_true(rig_event(r, &ev));
    assert_true(ev.bits & TERN_EV_CLOSED);
    assert_int_equal(ev.err, TERN_OK);
    assert_int_equal(rig_recv(r, 1), 0);
}

/* ---- text and FIN ---- */

static void text(struct rig *r)
{
    int32_t ack = seq_diff(rig_at(r).snd_una, rig_at(r).snd_nxt);
    rig_in(r, ACK, 0, ack, 500);
    rig_silent(r);   /* delayed */
    rig_run(r, 100); /* [RFC9293:MUST-40] */
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_ACK_DELAYED);
    rig_in(r, ACK, 100, ack, 100); /* beyond a hole: kept [RFC9293:SHLD-31] */
    rig_ack(r, CAUSE_TX_ACK_DUP);
    assert_int_equal(rig_events(r), TERN_EV_READABLE);
    rig_in(r, ACK, 0, ack, 100);
    rig_ack(r, CAUSE_TX_ACK_NOW);
    assert_int_equal(rig_recv(r, 10000), 700);
}

static void text_orphan(struct rig *r) /* [RFC9293:SHLD-3] */
{
    int32_t ack = seq_diff(rig_at(r).snd_una, rig_at(r).snd_nxt);
    rig_in(r, ACK, 0, ack, 500);
    rig_pull(r);
    assert_int_equal(r->n, 1);
    assert_true(r->out[0].seg.th & RST);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_RST_AFTER_CLOSE);
    rig_empty(r);
}

static void text_after_fin(struct rig *r)
{
    struct rig_at at = rig_at(r);
    rig_in(r, ACK, 0, seq_diff(at.snd_una, at.snd_nxt), 100);
    assert_int_equal(r->verdict, CAUSE_DROP_AFTER_FIN);
    rig_pull(r); /* an ACK or silence, no more */
    assert_true(r->n <= 1 && (r->n == 0 || r->out[0].seg.th == ACK));
    assert_int_equal(rig_at(r).rcv_nxt.v, at.rcv_nxt.v);
    assert_int_equal(rig_recv(r, 100), 0);
}

static void fin_again(struct rig *r)
{
    struct rig_at at = rig_at(r);
    int32_t ack = seq_diff(at.snd_una, at.snd_nxt);
    assert_int_equal(rig_in(r, FIN | ACK, -1, ack, 0), CAUSE_DROP_OUT_OF_WINDOW);
    rig_ack(r, CAUSE_NONE);
    rig_in(r, FIN | ACK, 0, ack, 0); /* a second FIN, in the window: counts for nothing */
    rig_pull(r);
    assert_int_equal(rig_at(r).rcv_nxt.v, at.rcv_nxt.v);
}

static void fin_in_order(struct rig *r)
{
    int32_t ack = seq_diff(rig_at(r).snd_una, rig_at(r).snd_nxt);
    struct seq was = rig_at(r).rcv_nxt;
    rig_in(r, FIN | ACK, 10, ack, 5); /* above a hole: kept, nothing changes */
    assert_int_equal(rig_at(r).rcv_nxt.v, was.v);
    assert_false(rig_conn(r)->fin_rcvd);
    rig_ack(r, CAUSE_TX_ACK_DUP);
    rig_in(r, ACK, 0, ack, 10);
    struct rig_out *o = rig_one(r, ACK);
    assert_int_equal(o->seg.ack.v, was.v + 16);
    assert_true(rig_events(r) & TERN_EV_PEER_FIN);
    assert_int_equal(rig_recv(r, 100), 15);
    assert_int_equal(rig_recv(r, 100), 0);
}

static void fin_acks_fin(struct rig *r) /* Figure 5 note 2 */
{
    struct seq was = rig_at(r).rcv_nxt;
    rig_in(r, FIN | ACK, 0, 0, 7);
    assert_int_equal(rig_one(r, ACK)->seg.ack.v, was.v + 8);
    assert_int_equal(rig_recv(r, 100), 7);
    assert_int_equal(rig_recv(r, 100), 0);
}

/* ---- time ---- */

/* Something is in flight: in states that may send, data; otherwise the FIN. */
static void in_flight(struct rig *r)
{
    unsigned s = rig_state(r);
    if (s == TERN_TCP_ESTABLISHED || s == TERN_TCP_CLOSE_WAIT) {
        rig_send(r, 100);
        rig_pull(r);
    }
    assert_true(seq_lt(rig_at(r).snd_una, rig_at(r).snd_nxt));
}

static void rto(struct rig *r) /* [RFC6298:5.4] [RFC6298:5] */
{
    in_flight(r);
    struct tcp_conn *c = rig_conn(r);
    struct seq una = c->snd.una;
    int64_t tlp = timer_due(r->t, c, TT_TLP);
    if (tlp != 0) { /* a probe comes first, and the timeout waits for as long again [RFC8985:7.3] */
        rig_run(r, (tlp - r->now.ns) / 1000000 + 1);
        assert_int_equal(r->n, 1);
        assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_TLP);
    }
    for (unsigned i = 0; i < 4; i++) {
        int64_t wait = c->rtt.rto_us / 1000;
        int64_t left = (c->timer_ns[TT_REXMT] - r->now.ns) / 1000000;
        assert_in_range(left, wait - 2, wait);
        rig_run(r, left - 1);
        assert_int_equal(r->n, 0);
        rig_run(r, 2);
        assert_int_equal(r->n, 1); /* the first segment, and no other */
        assert_int_equal(r->out[0].seg.seq.v, una.v);
        assert_int_equal(c->rtt.rto_us / 1000, wait * 2);
        assert_int_equal(c->cc.cwnd, c->cc.mss); /* [RFC9293:MUST-19] */
    }
}

static void r2(struct rig *r) /* [RFC9293:MUST-20] [RFC9293:SHLD-11] */
{
    in_flight(r);
    rig_run(r, 100000);
    assert_true(rig_state(r) != TERN_TCP_CLOSED);
    rig_run(r, 2000000);
    assert_true(rig_events(r) & TERN_EV_CLOSED);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
    assert_int_equal(tcp_deadline(r->t).ns, TERN_NEVER.ns);
    tcp_close(r->t, r->sock, r->now);
    rig_empty(r);
}

/* The window is shut and something waits: probes, ever more slowly, for as long as they are
 * answered [RFC9293:MUST-36] [RFC9293:MUST-37] [RFC9293:SHLD-30]. */
static void probes(struct rig *r, int64_t minutes)
{
    uint32_t probes = 0;
    int64_t until = r->now.ns + minutes * 60 * 1000000000, last = r->now.ns, gap = 0;
    while (r->now.ns < until) {
        int64_t before = gap;
        rig_next(r, 120000);
        if (rig_pull(r) == 0)
            continue;
        assert_int_equal(r->n, 1);
        assert_int_equal(r->out[0].out.cause, CAUSE_TX_PROBE_WINDOW);
        assert_int_equal(r->out[0].seg.seq.v, rig_at(r).snd_una.v);
        gap = (r->now.ns - last) / 1000000;
        last = r->now.ns;
        if (probes++ > 0)
            assert_true(gap + 2 >= before);
        struct rig_at at = rig_at(r);
        rig_in(r, ACK, 0, seq_diff(at.snd_una, at.snd_nxt), 0);
    }
    assert_true(probes >= 10);
    assert_true(gap <= 61000);
}

static void persist(struct rig *r) /* [RFC9293:MUST-35] */
{
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 100);
    rig_silent(r);
    probes(r, 60);
    r->wnd = 1000; /* open: the octet of the last probe comes again, and the rest */
    struct rig_at at = rig_at(r);
    rig_in(r, ACK, 0, seq_diff(at.snd_una, at.snd_nxt), 0);
    assert_true(rig_pull(r) >= 1);
    assert_int_equal(r->out[0].seg.seq.v, at.snd_una.v);
    rig_in(r, ACK, 0, 0, 0);
    rig_pull(r);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_conn(r)->snd.buf.len, 0);
}

/* A FIN behind a shut window. The row begins in FIN-WAIT-1 with the FIN out, which is too late. */
static void persist_fin(struct rig *r)
{
    rig_start(r);
    rig_reach(r, TERN_TCP_ESTABLISHED);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(tcp_shutdown(r->t, r->sock, r->now), TERN_OK);
    rig_silent(r);
    rig_in_state(r, TERN_TCP_FIN_WAIT_1);
    probes(r, 60);
}

static void icmp_soft(struct rig *r)
{
    in_flight(r);
    assert_int_equal(matrix_icmp(r, TERN_EHOSTUNREACH), CAUSE_DROP_ICMP_TAKEN);
    rig_silent(r);
    assert_int_equal(rig_conn(r)->soft_err, TERN_EHOSTUNREACH);
    assert_int_equal(rig_conn(r)->err, 0);
}

static void
icmp_idle(struct rig *r) /* nothing in flight: no such message can be true [RFC5927:4.1] */
{
    assert_int_equal(matrix_icmp(r, TERN_EHOSTUNREACH), CAUSE_DROP_ICMP_NO_MATCH);
    rig_silent(r);
}

static void fin_wait_2_timer(struct rig *r)
{
    rig_sleep(r, 59000);
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
    rig_sleep(r, 2000);
    rig_silent(r);
    rig_empty(r);
}

static void send_half_closed(struct rig *r) /* the peer has closed, we go on */
{
    assert_int_equal(rig_send(r, 500), 500);
    struct rig_out *o = rig_one(r, ACK);
    assert_int_equal(o->seg.len, 500);
    assert_int_equal(o->seg.ack.v, rig_at(r).rcv_nxt.v);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_conn(r)->snd.buf.len, 0);
}

/* ---- who uses what ---- */

#define USE(id, ways, f) const struct row_handler row_##id = {f, ways, NULL}

/*  row             ways  function */
USE(ESTABLISHED_01, BOTH, call_close);
USE(ESTABLISHED_02, BOTH, abort_rst);
USE(ESTABLISHED_03, BOTH, call_open);
USE(ESTABLISHED_04, BOTH, seg_outside);
USE(ESTABLISHED_05, BOTH, rst_outside);
USE(ESTABLISHED_06, BOTH, rst_inside);
USE(ESTABLISHED_07, BOTH, rst_reset);
USE(ESTABLISHED_08, BOTH, syn_any);
USE(ESTABLISHED_09, BOTH, no_ack_bit);
USE(ESTABLISHED_10, BOTH, ack_beyond);
USE(ESTABLISHED_11, BOTH, ack_too_old);
USE(ESTABLISHED_12, BOTH, ack_moves);
USE(ESTABLISHED_13, BOTH, text);
USE(ESTABLISHED_14, BOTH, fin_in_order);
USE(ESTABLISHED_15, BOTH, rto);
USE(ESTABLISHED_16, BOTH, r2);
USE(ESTABLISHED_17, BOTH, persist);
USE(ESTABLISHED_18, BOTH, icmp_soft);

USE(FIN_WAIT_1_01, BOTH, call_close_again);
USE(FIN_WAIT_1_02, BOTH, abort_rst);
USE(FIN_WAIT_1_03, BOTH, call_send_closing);
USE(FIN_WAIT_1_04, BOTH, call_open);
USE(FIN_WAIT_1_05, BOTH, seg_outside);
USE(FIN_WAIT_1_06, BOTH, rst_outside);
USE(FIN_WAIT_1_07, BOTH, rst_inside);
USE(FIN_WAIT_1_08, BOTH, rst_reset);
USE(FIN_WAIT_1_09, BOTH, syn_any);
USE(FIN_WAIT_1_10, BOTH, no_ack_bit);
USE(FIN_WAIT_1_11, BOTH, ack_beyond);
USE(FIN_WAIT_1_12, BOTH, ack_too_old);
USE(FIN_WAIT_1_13, BOTH, ack_data_not_fin);
USE(FIN_WAIT_1_14, BOTH, ack_fin);
USE(FIN_WAIT_1_15, BOTH, fin_acks_fin);
USE(FIN_WAIT_1_16, BOTH, text);
USE(FIN_WAIT_1_17, BOTH | ORPHAN, text_orphan);
USE(FIN_WAIT_1_18, BOTH, fin_in_order);
USE(FIN_WAIT_1_19, BOTH, rto);
USE(FIN_WAIT_1_20, BOTH, r2);
USE(FIN_WAIT_1_21, BOTH | FRESH, persist_fin);
USE(FIN_WAIT_1_22, BOTH, icmp_soft);

USE(FIN_WAIT_2_01, BOTH, call_close_again);
USE(FIN_WAIT_2_02, BOTH, abort_rst);
USE(FIN_WAIT_2_03, BOTH, call_send_closing);
USE(FIN_WAIT_2_04, BOTH, call_open);
USE(FIN_WAIT_2_05, BOTH, seg_outside);
USE(FIN_WAIT_2_06, BOTH, rst_outside);
USE(FIN_WAIT_2_07, BOTH, rst_inside);
USE(FIN_WAIT_2_08, BOTH, rst_reset);
USE(FIN_WAIT_2_09, BOTH, syn_any);
USE(FIN_WAIT_2_10, BOTH, no_ack_bit);
USE(FIN_WAIT_2_11, BOTH, ack_beyond);
USE(FIN_WAIT_2_12, BOTH, ack_too_old);
USE(FIN_WAIT_2_13, BOTH, ack_moves);
USE(FIN_WAIT_2_14, BOTH, text);
USE(FIN_WAIT_2_15, BOTH | ORPHAN, text_orphan);
USE(FIN_WAIT_2_16, BOTH, fin_in_order);
USE(FIN_WAIT_2_17, BOTH | ORPHAN, fin_wait_2_timer);
USE(FIN_WAIT_2_18, BOTH, icmp_idle);

USE(CLOSE_WAIT_01, BOTH, call_close);
USE(CLOSE_WAIT_02, BOTH, abort_rst);
USE(CLOSE_WAIT_03, BOTH, send_half_closed);
USE(CLOSE_WAIT_04, BOTH, call_open);
USE(CLOSE_WAIT_05, BOTH, seg_outside);
USE(CLOSE_WAIT_06, BOTH, rst_outside);
USE(CLOSE_WAIT_07, BOTH, rst_inside);
USE(CLOSE_WAIT_08, BOTH, rst_reset);
USE(CLOSE_WAIT_09, BOTH, syn_any);
USE(CLOSE_WAIT_10, BOTH, no_ack_bit);
USE(CLOSE_WAIT_11, BOTH, ack_beyond);
USE(CLOSE_WAIT_12, BOTH, ack_too_old);
USE(CLOSE_WAIT_13, BOTH, ack_moves);
USE(CLOSE_WAIT_14, BOTH, text_after_fin);
USE(CLOSE_WAIT_15, BOTH, fin_again);
USE(CLOSE_WAIT_16, BOTH, rto);
USE(CLOSE_WAIT_17, BOTH, r2);
USE(CLOSE_WAIT_18, BOTH, persist);
USE(CLOSE_WAIT_19, BOTH, icmp_soft);

USE(CLOSING_01, BOTH, abort_silent);
USE(CLOSING_02, BOTH, call_send_closing);
USE(CLOSING_03, BOTH, call_open);
USE(CLOSING_04, BOTH, seg_outside);
USE(CLOSING_05, BOTH, rst_outside);
USE(CLOSING_06, BOTH, rst_inside);
USE(CLOSING_07, BOTH, rst_late);
USE(CLOSING_08, BOTH, syn_any);
USE(CLOSING_09, BOTH, no_ack_bit);
USE(CLOSING_10, BOTH, ack_fin);
USE(CLOSING_11, BOTH, ack_old_ignored);
USE(CLOSING_12, BOTH, text_after_fin);
USE(CLOSING_13, BOTH, fin_again);
USE(CLOSING_14, BOTH, rto);
USE(CLOSING_15, BOTH, r2);
USE(CLOSING_16, BOTH, icmp_soft);

USE(LAST_ACK_01, BOTH, abort_silent);
USE(LAST_ACK_02, BOTH, call_send_closing);
USE(LAST_ACK_03, BOTH, call_open);
USE(LAST_ACK_04, BOTH, seg_outside);
USE(LAST_ACK_05, BOTH, rst_outside);
USE(LAST_ACK_06, BOTH, rst_inside);
USE(LAST_ACK_07, BOTH, rst_late);
USE(LAST_ACK_08, BOTH, syn_any);
USE(LAST_ACK_09, BOTH, no_ack_bit);
USE(LAST_ACK_10, BOTH, ack_fin_closed);
USE(LAST_ACK_11, BOTH, text_after_fin);
USE(LAST_ACK_12, BOTH, fin_again);
USE(LAST_ACK_13, BOTH, rto);
USE(LAST_ACK_14, BOTH, r2);
USE(LAST_ACK_15, BOTH, icmp_soft);
