/* SPDX-License-Identifier: BSD-2-Clause */
/* matrix/rows_open.c: the states before ESTABLISHED. */
#include "matrix.h"

/* ---- CLOSED ---- */

ROW(CLOSED_01, BOTH) /* passive OPEN */
{
    rig_listen(r, 4);
    rig_silent(r);
}

ROW(CLOSED_02, ACTIVE) /* active OPEN */
{
    assert_int_equal(rig_connect(r), TERN_OK);
    struct rig_out *o = rig_one(r, SYN);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(o->seg.seq.v, c->snd.iss.v);
    assert_int_equal(c->snd.una.v, c->snd.iss.v);
    assert_int_equal(c->snd.nxt.v, c->snd.iss.v + 1);
    assert_true(o->seg.opt.has_mss); /* [RFC9293:MUST-14] */
    assert_int_equal(o->seg.opt.mss, 1460);
    assert_int_equal(o->seg.opt.tsecr, 0); /* [RFC7323:3.2] */
}

/* [RFC9293:MUST-46] The interface judges the address; TCP itself refuses what has no port. */
ROW(CLOSED_03, ACTIVE)
{
    r->peer.port = 0;
    assert_int_equal(rig_connect(r), TERN_EINVAL);
    rig_silent(r);
}

ROW(CLOSED_04, BOTH) /* RST */
{
    rig_in(r, RST, 0, 0, 0);
    rig_silent(r);
    rig_in(r, RST | ACK, 0, 0, 0);
    rig_silent(r);
    rig_in(r, RST | SYN, 0, 0, 10);
    rig_silent(r);
}

ROW(CLOSED_05, BOTH) /* no ACK: <0, SEG.SEQ + SEG.LEN, RST+ACK> */
{
    rig_syn(r, SYN, seq_of(1000), seq_of(0));
    struct rig_out *o = rig_one(r, RST | ACK);
    assert_int_equal(o->seg.seq.v, 0);
    assert_int_equal(o->seg.ack.v, 1001);
    struct tcp_seg s = {.seq = seq_of(2000), .th = FIN, .wnd = 1000};
    rig_seg(r, &s, 30);
    o = rig_one(r, RST | ACK);
    assert_int_equal(o->seg.seq.v, 0);
    assert_int_equal(o->seg.ack.v, 2031);
}

ROW(CLOSED_06, BOTH) /* ACK: <SEG.ACK, RST> */
{
    struct tcp_seg s = {.seq = seq_of(2000), .ack = seq_of(77), .th = ACK, .wnd = 1000};
    rig_seg(r, &s, 30);
    struct rig_out *o = rig_one(r, RST);
    assert_int_equal(o->seg.seq.v, 77);
    s.th = SYN | ACK;
    rig_seg(r, &s, 0);
    assert_int_equal(rig_one(r, RST)->seg.seq.v, 77);
}

/* ---- LISTEN ---- */

/* A listener stays a listener [RFC9293:MUST-41] [RFC9293:MUST-42]: opening actively from its port
 * makes a connection of its own. */
ROW(LISTEN_01, PASSIVE)
{
    assert_int_equal(rig_connect(r), TERN_OK);
    rig_one(r, SYN);
    assert_int_equal(r->t->listeners.used, 1);
}

ROW(LISTEN_02, PASSIVE) /* CLOSE */
{
    assert_int_equal(tcp_close(r->t, r->lis, r->now), TERN_OK);
    rig_silent(r);
    rig_empty(r);
    assert_int_equal(tcp_close(r->t, r->lis, r->now), TERN_EBADF);
}

/* ABORT is a call on connections; a listener is closed, which sends nothing to nobody. */
ROW(LISTEN_03, PASSIVE)
{
    assert_int_equal(tcp_abort(r->t, r->lis, r->now), TERN_EBADF);
    assert_int_equal(tcp_close(r->t, r->lis, r->now), TERN_OK);
    rig_silent(r);
}

ROW(LISTEN_04, PASSIVE) /* RST first, whatever else is set */
{
    for (unsigned th = 0; th < 64; th++) {
        if (!(th & RST))
            continue;
        assert_int_equal(rig_in(r, th, 0, 0, th & 1 ? 10 : 0), CAUSE_DROP_LISTEN_RST);
        rig_silent(r);
    }
}

ROW(LISTEN_05, PASSIVE) /* ACK: <SEG.ACK, RST> */
{
    struct tcp_seg s = {.seq = seq_of(2000), .ack = seq_of(77), .th = ACK, .wnd = 1000};
    rig_seg(r, &s, 30);
    assert_int_equal(rig_one(r, RST)->seg.seq.v, 77);
    s.th = SYN | ACK; /* Figure 11 backwards */
    rig_seg(r, &s, 0);
    assert_int_equal(rig_one(r, RST)->seg.seq.v, 77);
}

static void syns_from(struct rig *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        r->peer.port++;
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
    }
}

ROW(LISTEN_06, PASSIVE) /* a valid cookie: the handshake's ACK of a SYN of which nothing was kept */
{
    syns_from(r, 5);
    r->peer.port = RIG_PEER;
    rig_pull(r);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->out.cause, CAUSE_TX_SYN_ACK_COOKIE);
    assert_null(rig_half(r));
    struct tcp_seg s = {
        .seq = seq_add(r->peer_iss, 1), .ack = seq_add(o->seg.seq, 1), .th = ACK, .wnd = 1000};
    s.opt.has_ts = o->seg.opt.has_ts;
    s.opt.tsval = o->seg.opt.tsecr;
    s.opt.tsecr = o->seg.opt.tsval;
    rig_seg(r, &s, 0);
    rig_accept(r);
}

ROW(LISTEN_07, PASSIVE) /* SYN: SYN-ACK; text and FIN of it are not kept */
{
    struct tcp_seg s = {.seq = seq_of(1000), .th = SYN | FIN, .wnd = 1000};
    rig_seg(r, &s, 5);
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->seg.ack.v, 1001);
    assert_int_equal(o->seg.seq.v, rig_half(r)->iss.v);
    assert_true(o->seg.opt.has_mss);
    assert_false(o->seg.opt.has_ts); /* only what the SYN offered */
    assert_false(o->seg.opt.has_ws);
    assert_false(o->seg.opt.sack_ok);
    assert_int_equal(r->t->conns.used, 0);
}

/* The half-open limit: the policies of RFC 4987 3.2 to 3.6. */
ROW(LISTEN_08, PASSIVE)
{
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_SYN_POLICY, TERN_SYN_DROP_NEW, r->now),
                     TERN_OK);
    syns_from(r, 5);
    assert_int_equal(rig_pull(r), 5);
    r->peer.port = RIG_PEER;
    assert_int_equal(rig_syn(r, SYN, r->peer_iss, seq_of(0)), CAUSE_DROP_SYN_FULL);
    rig_silent(r);
}

ROW(LISTEN_09, PASSIVE) /* accept queue full: neither SYN nor final ACK, and no RST */
{
    uint16_t first = RIG_PEER + 1;
    for (unsigned i = 0; i < 5; i++) {
        r->tuple.rport = r->peer.port = (uint16_t)(first + i);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        rig_in(r, ACK, 0, 0, 0);
    }
    rig_pull(r);
    r->tuple.rport = r->peer.port = RIG_PEER;
    assert_int_equal(rig_syn(r, SYN, r->peer_iss, seq_of(0)), CAUSE_DROP_SYN_ACCEPT);
    rig_silent(r);
}

ROW(LISTEN_10, PASSIVE) /* [RFC9293:MUST-57] [RFC9293:MUST-63] */
{
    static const struct tern_addr bad[] = {
        {.fam = TERN_AF_IP4, .b = {255, 255, 255, 255}},
        {.fam = TERN_AF_IP4, .b = {224, 0, 0, 1}},
        {.fam = TERN_AF_IP4, .b = {0, 0, 0, 0}},
    };
    struct tern_addr local = r->local.addr, peer = r->peer.addr;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        r->local.addr = bad[i];
        assert_int_equal(rig_syn(r, SYN, r->peer_iss, seq_of(0)), CAUSE_DROP_BROADCAST);
        r->local.addr = local;
        r->peer.addr = bad[i];
        assert_int_equal(rig_syn(r, SYN, r->peer_iss, seq_of(0)), CAUSE_DROP_BROADCAST);
        r->peer.addr = peer;
        rig_silent(r);
    }
}

ROW(LISTEN_11, PASSIVE) /* [RFC7413:4.2.2] */
{
    struct tcp_seg s = {.seq = r->peer_iss, .th = SYN, .wnd = r->wnd};
    struct tcp_listener *l = listener_get(r->t, r->lis);
    uint8_t cookie[FO_COOKIE];
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_FASTOPEN, 4, r->now), TERN_OK);
    fastopen_cookie(r->t, l, &r->tuple, cookie);
    s.opt.tfo = TCP_TFO;
    s.opt.tfo_len = sizeof cookie;
    s.opt.tfo_cookie = cookie;
    assert_int_equal(rig_seg(r, &s, 100), CAUSE_RX_SEG);
    rig_in_state(r, TERN_TCP_SYN_RECEIVED);
    const struct rig_out *o = rig_one(r, SYN | ACK);
    assert_true(seq_eq(o->seg.ack, seq_add(r->peer_iss, 101)));
    rig_accept(r);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(rig_send(r, 50), 50);
    assert_int_equal(rig_one(r, ACK)->seg.len, 50);
    rig_in_state(r, TERN_TCP_SYN_RECEIVED);
}

ROW(LISTEN_12, PASSIVE) /* neither RST, ACK nor SYN */
{
    struct tcp_seg s = {.seq = seq_of(1000), .th = FIN | URG | PSH, .wnd = 1000};
    assert_int_equal(rig_seg(r, &s, 10), CAUSE_DROP_LISTEN_FLAGS);
    s.th = 0;
    assert_int_equal(rig_seg(r, &s, 0), CAUSE_DROP_LISTEN_FLAGS);
    rig_silent(r);
}

/* ---- SYN-SENT ---- */

ROW(SYN_SENT_01, ACTIVE)
{
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_silent(r);
    rig_empty(r);
}

ROW(SYN_SENT_02, ACTIVE)
{
    assert_int_equal(tcp_abort(r->t, r->sock, r->now), TERN_OK);
    rig_silent(r);
    rig_empty(r);
}

ROW(SYN_SENT_03, ACTIVE) /* SEND queues */
{
    assert_int_equal(rig_send(r, 100), 100);
    rig_silent(r);
    assert_int_equal(rig_conn(r)->snd.buf.len, 100);
}

ROW(SYN_SENT_04, ACTIVE) /* OPEN: connection already exists */
{
    assert_int_equal(rig_connect(r), TERN_EADDRINUSE);
    rig_silent(r);
}

ROW(SYN_SENT_05, ACTIVE) /* unacceptable ACK: <SEG.ACK, RST> */
{
    struct seq iss = rig_conn(r)->snd.iss;
    static const int32_t bad[] = {0, 2, -1000, 1000};
    for (unsigned syn = 0; syn <= SYN; syn += SYN)
        for (unsigned i = 0; i < 4; i++) {
            rig_syn(r, ACK | syn, r->peer_iss, seq_add(iss, (uint32_t)bad[i]));
            assert_int_equal(rig_one(r, RST)->seg.seq.v, iss.v + (uint32_t)bad[i]);
        }
}

ROW(SYN_SENT_06, ACTIVE) /* unacceptable ACK with RST */
{
    struct seq iss = rig_conn(r)->snd.iss;
    rig_syn(r, ACK | RST, r->peer_iss, iss);
    rig_syn(r, ACK | RST | SYN, r->peer_iss, seq_add(iss, 2));
    rig_silent(r);
}

ROW(SYN_SENT_07, ACTIVE) /* RST with an acceptable ACK: refused */
{
    rig_syn(r, ACK | RST, seq_of(0), rig_at(r).snd_nxt);
    rig_silent(r);
    struct tern_event ev;
    assert_true(rig_event(r, &ev));
    assert_true(ev.bits & TERN_EV_CLOSED);
    assert_int_equal(ev.err, TERN_ECONNREFUSED);
    assert_int_equal(rig_recv(r, 10), TERN_ECONNREFUSED);
    assert_int_equal(rig_recv(r, 10), 0);
}

ROW(SYN_SENT_08, ACTIVE)
{
    rig_syn(r, RST, r->peer_iss, seq_of(0));
    rig_syn(r, RST | SYN, r->peer_iss, seq_of(0));
    rig_silent(r);
}

ROW(SYN_SENT_09, ACTIVE) /* SYN-ACK; queued data goes with the ACK [RFC9293:3.10.7.3] */
{
    rig_send(r, 100);
    rig_syn(r, SYN | ACK, r->peer_iss, rig_at(r).snd_nxt);
    struct rig_out *o = rig_one(r, ACK);
    assert_int_equal(o->seg.len, 100);
    assert_int_equal(o->seg.ack.v, r->peer_iss.v + 1);
    assert_int_equal(rig_events(r), TERN_EV_CONNECTED | TERN_EV_WRITABLE);
}

ROW(SYN_SENT_10, ACTIVE) /* simultaneous open [RFC9293:MUST-10] */
{
    struct seq iss = rig_conn(r)->snd.iss;
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->seg.seq.v, iss.v);
    assert_int_equal(o->seg.ack.v, r->peer_iss.v + 1);
    assert_int_equal(rig_events(r), 0);
}

/* No data goes with our SYN, so a SYN-ACK covers all of it; what was queued follows at once. */
ROW(SYN_SENT_11, ACTIVE)
{
    rig_send(r, 3000);
    rig_syn(r, SYN | ACK, r->peer_iss, rig_at(r).snd_nxt);
    assert_true(rig_pull(r) >= 2);
    assert_int_equal(r->out[0].seg.seq.v, rig_conn(r)->snd.iss.v + 1);
    assert_true(r->out[0].seg.len >= 1448);
}

ROW(SYN_SENT_12, ACTIVE) /* neither SYN nor RST */
{
    struct tcp_seg s = {.seq = r->peer_iss, .ack = rig_at(r).snd_nxt, .th = ACK, .wnd = 1000};
    assert_int_equal(rig_seg(r, &s, 10), CAUSE_DROP_SYN_SENT_FLAGS);
    s.th = FIN;
    assert_int_equal(rig_seg(r, &s, 10), CAUSE_DROP_SYN_SENT_FLAGS);
    s.th = 0;
    assert_int_equal(rig_seg(r, &s, 0), CAUSE_DROP_SYN_SENT_FLAGS);
    rig_silent(r);
}

ROW(SYN_SENT_13, ACTIVE) /* [RFC9293:SHLD-26], if the quoted number is in flight */
{
    assert_int_equal(tcp_icmp(r->t, &r->local, &r->peer, rig_at(r).snd_nxt.v, TERN_ECONNREFUSED,
                              true, 0, r->now),
                     CAUSE_DROP_ICMP_NO_MATCH);
    rig_in_state(r, TERN_TCP_SYN_SENT);
    assert_int_equal(matrix_icmp(r, TERN_ECONNREFUSED), CAUSE_DROP_ICMP_TAKEN);
    assert_int_equal(rig_recv(r, 1), TERN_ECONNREFUSED);
    rig_silent(r);
}

ROW(SYN_SENT_14, ACTIVE) /* retransmission, doubled each time */
{
    struct tcp_conn *c = rig_conn(r);
    for (unsigned i = 0; i < 5; i++) {
        int64_t wait = c->rtt.rto_us / 1000;
        assert_int_equal(wait, 1000 << i);
        rig_run(r, i == 0 ? wait - 1 : wait - 2);
        assert_int_equal(r->n, 0);
        rig_run(r, 2);
        assert_int_equal(r->n, 1);
        assert_int_equal(r->out[0].seg.th, SYN);
        assert_int_equal(r->out[0].seg.seq.v, c->snd.iss.v);
        assert_int_equal(r->out[0].out.cause, CAUSE_TX_SYN_REXMT);
    }
}

ROW(SYN_SENT_15, ACTIVE) /* R2 of a SYN [RFC9293:MUST-22] [RFC9293:MUST-23] */
{
    rig_run(r, 180000);
    rig_in_state(r, TERN_TCP_SYN_SENT);
    rig_run(r, 60000);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
    assert_int_equal(tcp_deadline(r->t).ns, TERN_NEVER.ns);
}

/* ---- SYN-RECEIVED ---- */

/* After a passive open the application has no handle yet: only the active side can call. */
ROW(SYN_RECEIVED_01, ACTIVE) /* CLOSE, nothing queued: FIN */
{
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    struct rig_out *o = rig_one(r, FIN | ACK);
    assert_int_equal(o->seg.seq.v, rig_conn(r)->snd.iss.v + 1);
}

ROW(SYN_RECEIVED_02, ACTIVE) /* CLOSE, data queued: takes effect in ESTABLISHED */
{
    rig_send(r, 10);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_silent(r);
}

ROW(SYN_RECEIVED_03, ACTIVE) /* ABORT: <SND.NXT, RST> */
{
    struct seq nxt = rig_at(r).snd_nxt;
    assert_int_equal(tcp_abort(r->t, r->sock, r->now), TERN_OK);
    rig_pull(r);
    assert_int_equal(r->n, 1);
    assert_true(r->out[0].seg.th & RST);
    assert_int_equal(r->out[0].seg.seq.v, nxt.v);
    rig_empty(r);
}

ROW(SYN_RECEIVED_04, BOTH)
{
    assert_int_equal(rig_connect(r), TERN_EADDRINUSE);
    rig_silent(r);
}

ROW(SYN_RECEIVED_05, BOTH) /* outside the window */
{
    assert_int_equal(rig_in(r, ACK, 70000, 0, 10), CAUSE_DROP_OUT_OF_WINDOW);
    rig_ack(r, CAUSE_TX_ACK_OUT_OF_WINDOW);
}

ROW(SYN_RECEIVED_06, BOTH) /* RST outside */
{
    assert_int_equal(rig_in(r, RST, 70000, 0, 0), CAUSE_DROP_RST_OUT_OF_WINDOW);
    assert_int_equal(rig_in(r, RST, -1, 0, 0), CAUSE_DROP_RST_OUT_OF_WINDOW);
    rig_silent(r);
}

ROW(SYN_RECEIVED_07, BOTH) /* RST inside, not exact: challenge */
{
    assert_int_equal(rig_in(r, RST, 10, 0, 0), CAUSE_DROP_RST_CHALLENGED);
    rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
}

/* [RFC9293:MUST-11] */
ROW(SYN_RECEIVED_08, PASSIVE) /* exact RST: back to LISTEN, the user is not told */
{
    rig_in(r, RST, 0, 0, 0);
    rig_silent(r);
    assert_int_equal(rig_events(r), 0);
    assert_int_equal(r->t->halves.used, 0);
}

ROW(SYN_RECEIVED_09, ACTIVE) /* exact RST: refused [RFC9293:MUST-11] */
{
    rig_in(r, RST, 0, 0, 0);
    rig_silent(r);
    assert_true(rig_events(r) & TERN_EV_CLOSED);
    assert_int_equal(rig_recv(r, 1), TERN_ECONNREFUSED);
}

ROW(SYN_RECEIVED_10, PASSIVE) /* another SYN in the window: forget the child */
{
    struct tcp_seg s = {.seq = seq_add(r->peer_iss, 100), .th = SYN, .wnd = 1000};
    rig_seg(r, &s, 0);
    rig_silent(r);
    assert_int_equal(r->t->halves.used, 0);
}

ROW(SYN_RECEIVED_11, ACTIVE) /* another SYN in the window: challenge */
{
    rig_in(r, SYN, 100, 0, 0);
    rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
}

ROW(SYN_RECEIVED_12, BOTH) /* the peer's SYN again: our SYN-ACK again */
{
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->out.cause, CAUSE_TX_SYN_ACK_DUP_SYN);
    assert_int_equal(o->seg.ack.v, r->peer_iss.v + 1);
}

ROW(SYN_RECEIVED_13, BOTH) /* no ACK flag */
{
    assert_int_equal(rig_in(r, 0, 0, 0, 10), CAUSE_DROP_NO_ACK);
    assert_int_equal(rig_in(r, FIN | URG, 0, 0, 0), CAUSE_DROP_NO_ACK);
    rig_silent(r);
}

ROW(SYN_RECEIVED_14, BOTH) /* the handshake's ACK, with data */
{
    rig_in(r, ACK, 0, 0, 10);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(c->snd.wnd, r->wnd << 2);
    assert_int_equal(c->rcv.buf.len, 10);
    if (!r->active) {
        assert_int_equal(rig_events(r), TERN_EV_ACCEPT);
        rig_accept(r);
    }
    assert_int_equal(rig_events(r), TERN_EV_CONNECTED | TERN_EV_WRITABLE | TERN_EV_READABLE);
    assert_int_equal(rig_recv(r, 100), 10);
}

ROW(SYN_RECEIVED_15, BOTH) /* a bad ACK: <SEG.ACK, RST>, and stay */
{
    struct seq nxt = rig_at(r).snd_nxt;
    rig_in(r, ACK, 0, 1, 0);
    assert_int_equal(rig_one(r, RST)->seg.seq.v, nxt.v + 1);
    rig_in(r, ACK, 0, -1, 10);
    assert_int_equal(rig_one(r, RST)->seg.seq.v, nxt.v - 1);
    rig_in(r, ACK, 0, -100000, 0);
    rig_one(r, RST);
}

ROW(SYN_RECEIVED_16, BOTH) /* handshake ACK and FIN in one */
{
    rig_in(r, FIN | ACK, 0, 0, 3);
    rig_ack(r, CAUSE_TX_ACK_FIN);
    if (!r->active)
        rig_accept(r);
    assert_int_equal(rig_recv(r, 100), 3);
    assert_int_equal(rig_recv(r, 100), 0);
}

ROW(SYN_RECEIVED_17, BOTH) /* SYN-ACK again, doubled */
{
    rig_run(r, 900);
    assert_int_equal(r->n, 0);
    rig_run(r, 200);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.th, SYN | ACK);
    rig_run(r, 1800);
    assert_int_equal(r->n, 0);
    rig_run(r, 300);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_SYN_ACK_REXMT);
}

ROW(SYN_RECEIVED_18, PASSIVE) /* limit: silently forgotten */
{
    rig_run(r, 240000);
    assert_int_equal(r->n, 5);
    for (unsigned i = 0; i < r->n; i++)
        assert_int_equal(r->out[i].seg.th, SYN | ACK);
    assert_int_equal(rig_events(r), 0);
    assert_int_equal(r->t->halves.used, 0);
}

ROW(SYN_RECEIVED_19, ACTIVE) /* limit: reported */
{
    rig_run(r, 600000);
    assert_true(rig_events(r) & TERN_EV_CLOSED);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
}

ROW(SYN_RECEIVED_20, BOTH) /* [RFC9293:MUST-56] */
{
    matrix_icmp(r, TERN_EHOSTUNREACH);
    rig_silent(r);
}
