/* SPDX-License-Identifier: BSD-2-Clause */
/* Explicit congestion notification, classic and accurate. */
#include "unit/tcp/rig.h"

#define ECE TERN_TH_ECE
#define CWR TERN_TH_CWR

/* AE, CWR and ECE of a segment as a number. */
static unsigned ace(const struct tcp_seg *s)
{
    return s->ae * 4u + (s->th & CWR ? 2u : 0u) + (s->th & ECE ? 1u : 0u);
}

static void put_ace(struct tcp_seg *s, unsigned v)
{
    s->ae = (v & 4) != 0;
    s->th = (uint8_t)((s->th & ~(ECE | CWR)) | (v & 2 ? CWR : 0) | (v & 1 ? ECE : 0));
}

static unsigned ecn_syn(struct rig *r, unsigned v, unsigned ip)
{
    struct tcp_seg s = {.seq = r->peer_iss, .th = SYN, .wnd = r->wnd};
    s.opt.has_mss = s.opt.sack_ok = true;
    s.opt.mss = 1460;
    s.opt.has_ts = r->syn_ts;
    s.opt.tsval = 100;
    put_ace(&s, v);
    r->tos = (uint8_t)ip;
    unsigned verdict = rig_seg(r, &s, 0);
    r->tos = 0;
    return verdict;
}

static struct ecn_conn *ecn(struct rig *r)
{
    return &extra_own(r->t, rig_conn(r))->ecn;
}

/* From the peer, with these ECN bits; seq and ack as in rig_in(). */
static unsigned from_peer(struct rig *r, unsigned v, unsigned ip, int32_t ack, uint32_t len)
{
    struct rig_at at = rig_at(r);
    struct tcp_seg s = {
        .seq = at.rcv_nxt, .ack = seq_add(at.snd_nxt, (uint32_t)ack), .th = ACK, .wnd = r->wnd};
    s.opt.has_ts = at.ts;
    s.opt.tsval = at.ts_recent;
    put_ace(&s, v);
    r->tos = (uint8_t)ip;
    unsigned verdict = rig_seg(r, &s, len);
    r->tos = 0;
    return verdict;
}

static void serve(struct rig *r, unsigned mode, unsigned syn, unsigned third)
{
    r->cfg.ecn = (uint8_t)mode;
    r->cfg.nagle = false;
    r->syn_ts = false;
    rig_listen(r, 8);
    ecn_syn(r, syn, IP_NOT_ECT);
    rig_pull(r);
    from_peer(r, third, IP_NOT_ECT, 0, 0);
    rig_accept(r);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* ---- the handshake ---- */

/* What a listener answers, by config.ecn, the SYN's bits and its codepoint [RFC3168:6.1.1]
 * [RFC9768:3.1.2]. */
/* [RFC3168:6.1.1#1] [RFC3168:6.1.1#2] [RFC3168:6.1.1#3] */
static void test_listener_answers(void **state)
{
    static const struct {
        uint8_t mode, syn, ip, answer;
    } rows[] = {
        {0, 3, IP_NOT_ECT, 0}, {2, 0, IP_NOT_ECT, 0}, {2, 3, IP_NOT_ECT, 1}, {1, 3, IP_NOT_ECT, 1},
        {2, 1, IP_NOT_ECT, 0}, {2, 2, IP_NOT_ECT, 0}, {2, 3, IP_ECT0, 0},    {2, 3, IP_CE, 0},
        {2, 7, IP_NOT_ECT, 1}, {0, 7, IP_NOT_ECT, 0}, {3, 3, IP_NOT_ECT, 1}, {3, 7, IP_NOT_ECT, 2},
        {3, 7, IP_ECT1, 3},    {3, 7, IP_ECT0, 4},    {4, 7, IP_CE, 6},      {5, 7, IP_NOT_ECT, 2},
        {5, 4, IP_NOT_ECT, 2}, {5, 1, IP_NOT_ECT, 2}, {3, 0, IP_NOT_ECT, 0},
    };
    struct rig *r = *state;
    rig_listen(r, 100);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(5000 + i);
        r->cfg.ecn = rows[i].mode;
        ecn_syn(r, rows[i].syn, rows[i].ip);
        const struct rig_out *o =
            rig_one(r, SYN | ACK | (rows[i].answer & 2 ? CWR : 0) | (rows[i].answer & 1 ? ECE : 0));
        assert_int_equal(ace(&o->seg), rows[i].answer);
        assert_int_equal(o->seg.ecn, IP_NOT_ECT); /* [RFC3168:6.1.1] */
        assert_int_equal(o->seg.opt.accecn, rows[i].mode >= 3 && rows[i].answer > 1 ? 4 : 0);
        if (o->seg.opt.accecn != 0)
            assert_true(o->seg.opt.e0b == 1 && o->seg.opt.ceb == 0 && o->seg.opt.e1b == 1);
        half_drop(r->t, rig_half(r), CAUSE_ST_RST, r->now);
    }
}

/* What a client makes of the SYN-ACK. */
static void test_client_takes(void **state) /* [RFC3168:6.1.1#1] [RFC3168:6.1.1#2] [RFC9768:3.1] */
{
    static const struct {
        uint8_t mode, offer, answer, agreed;
        bool mute;
    } rows[] = {
        {0, 0, 1, ECN_NONE, false},    {2, 0, 1, ECN_NONE, false},    {5, 0, 2, ECN_NONE, false},
        {1, 3, 1, ECN_CLASSIC, false}, {1, 3, 0, ECN_NONE, false},    {1, 3, 3, ECN_NONE, false},
        {4, 3, 1, ECN_CLASSIC, false}, {3, 7, 0, ECN_NONE, false},    {3, 7, 7, ECN_NONE, false},
        {3, 7, 1, ECN_CLASSIC, false}, {3, 7, 5, ECN_CLASSIC, false}, {3, 7, 2, ECN_ACC, false},
        {3, 7, 3, ECN_ACC, true},      {3, 7, 4, ECN_ACC, true},      {3, 7, 6, ECN_ACC, true},
    };
    struct rig *r = *state;
    r->syn_ts = false;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        r->local.port = r->tuple.lport = (uint16_t)(5000 + i);
        r->cfg.ecn = rows[i].mode;
        assert_int_equal(rig_connect(r), TERN_OK);
        struct rig_out *o = rig_pull1(r);
        assert_int_equal(ace(&o->seg), rows[i].offer);
        assert_int_equal(o->seg.ecn, IP_NOT_ECT);
        struct tcp_seg s = {
            .seq = r->peer_iss, .ack = rig_at(r).snd_nxt, .th = SYN | ACK, .wnd = r->wnd};
        put_ace(&s, rows[i].answer);
        rig_seg(r, &s, 0);
        const struct ecn_conn *e = &extra_of(r->t, rig_conn(r))->ecn;
        assert_int_equal(e->mode, rows[i].agreed);
        assert_int_equal(e->mute, rows[i].mute);
        o = rig_pull1(r); /* the third segment says that the SYN-ACK came as Not-ECT */
        assert_int_equal(ace(&o->seg), rows[i].agreed == ECN_ACC ? 2 : 0);
        rig_send(r, 100);
        o = rig_pull1(r);
        bool ect = rows[i].agreed != ECN_NONE && !rows[i].mute;
        assert_int_equal(o->seg.ecn, ect ? IP_ECT0 : IP_NOT_ECT);
        assert_int_equal(ace(&o->seg), rows[i].agreed == ECN_ACC ? 5 : 0);
        tcp_abort(r->t, r->sock, r->now);
        rig_pull(r);
    }
}

/* [RFC3168:6.1.1.1] A classic SYN that goes unanswered is sent again without; [RFC9768:3.1.4.1] an
 * accurate one once more with it. */
static void test_syn_fallback(void **state)
{
    static const uint8_t modes[] = {1, 3}, with[] = {1, 2};
    struct rig *r = *state;
    for (unsigned m = 0; m < 2; m++) {
        r->cfg.ecn = modes[m];
        r->local.port = r->tuple.lport = (uint16_t)(5000 + m);
        rig_connect(r);
        for (unsigned i = 0; i < 4; i++) {
            const struct rig_out *o;
            while ((o = rig_pull1(r)) == NULL)
                rig_next(r, 60000);
            assert_int_equal(o->seg.th & SYN, SYN);
            assert_int_equal(ace(&o->seg) != 0, i < with[m]);
        }
        struct tcp_seg s = {
            .seq = r->peer_iss, .ack = rig_at(r).snd_nxt, .th = SYN | ACK | ECE, .wnd = r->wnd};
        rig_seg(r, &s, 0);
        assert_int_equal(extra_of(r->t, rig_conn(r))->ecn.mode, ECN_NONE);
        tcp_abort(r->t, r->sock, r->now);
        rig_pull(r);
    }
}

/* The SYN cookie remembers, if there are timestamps. */
static void test_syn_cookie(void **state)
{
    struct rig *r = *state;
    struct tern_listener_policy p = {.policy = TERN_SYN_COOKIES_ALWAYS};
    rig_listen(r, 8);
    tcp_listener_policy(r->t, r->lis, &p);
    for (unsigned i = 0; i < 3; i++) {
        r->cfg.ecn = i == 2 ? 3 : 2;
        r->syn_ts = i != 1;
        r->peer.port = r->tuple.rport = (uint16_t)(5000 + i);
        ecn_syn(r, i == 2 ? 7 : 3, IP_NOT_ECT);
        struct rig_out *o = rig_pull1(r);
        assert_int_equal(ace(&o->seg), r->syn_ts); /* accurate feedback falls back on classic */
        struct tcp_seg s = {.seq = seq_add(r->peer_iss, 1),
                            .ack = seq_add(o->seg.seq, 1),
                            .th = ACK,
                            .wnd = r->wnd};
        s.opt.has_ts = r->syn_ts;
        s.opt.tsval = 101;
        s.opt.tsecr = o->seg.opt.tsval;
        assert_int_equal(rig_seg(r, &s, 0), CAUSE_RX_SEG);
        assert_int_equal(extra_of(r->t, rig_conn(r))->ecn.mode, r->syn_ts ? ECN_CLASSIC : ECN_NONE);
    }
}

/* ---- classic feedback ---- */

/* [RFC3168:6.1.2] One reduction a round trip, CWR on the next new data, ECT on that alone. */
/* [RFC3168:6.1.2#1] [RFC3168:6.1.2#2] [RFC8311:4.2] [RFC9293:SHLD-8] */
static void test_classic_sender(void **state)
{
    struct rig *r = *state;
    serve(r, 2, 3, 0);
    rig_send(r, 14600);
    rig_pull(r);
    assert_int_equal(r->n, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(r->out[i].seg.ecn, IP_ECT0);
    struct tcp_conn *c = rig_conn(r);
    uint32_t cwnd = c->cc.cwnd;
    from_peer(r, 1, 0, -13140, 0);
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 1);
    assert_int_equal(c->cc.cwnd, 14600 * 4 / 5); /* [RFC8511:3] of what was in flight */
    assert_true(c->cc.cwnd < cwnd);
    cwnd = c->cc.cwnd;
    for (unsigned i = 2; i <= 10; i++)
        from_peer(r, 1, 0, -14600 + 1460 * (int32_t)i, 0);
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 1);
    assert_int_equal(c->cc.cwnd, cwnd); /* nor does a marked ACK let it grow [RFC3168:6.1.2] */
    rig_send(r, 5 * 1460);
    rig_pull(r);
    assert_int_equal(r->n, 5);
    assert_int_equal(r->out[0].seg.th & CWR, CWR);
    for (unsigned i = 1; i < 5; i++)
        assert_int_equal(r->out[i].seg.th & CWR, 0);
    from_peer(r, 1, 0, -1460 * 4, 0); /* beyond what was in flight then: news */
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 2);
    from_peer(r, 0, 0, 0, 0);
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 2);
}

/* [RFC9438:4.6#2] Marks lead to one segment, not to two. [RFC3168:6.1.2#3] There another one stops
 * what is new until the retransmission timer runs out, which runs though nothing is in flight. */
static void test_one_segment(void **state)
{
    static const uint8_t modes[] = {2, 3}, ccs[] = {TERN_CC_RENO, TERN_CC_CUBIC};
    struct rig *r = *state;
    for (unsigned i = 0; i < 4; i++) {
        bool accurate = i & 1;
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        serve(r, modes[accurate], accurate ? 7 : 3, accurate ? 2 : 0);
        struct tcp_conn *c = rig_conn(r);
        tcp_setopt(r->t, r->sock, TERN_OPT_CONGESTION, ccs[i / 2], r->now);
        rig_send(r, 80 * 1460);
        unsigned marks = 0;
        while (c->cc.cwnd >= 2 * 1460) {
            rig_pull(r);
            assert_true(r->n != 0 && marks < 30);
            r->now = time_add_ms(r->now, 10);
            from_peer(r, accurate ? (5 + ++marks) & 7 : 1, 0, 0, 0);
        }
        assert_true(rig_count(r, CAUSE_CC_ECN) >= 4);
        assert_int_equal(c->cc.ssthresh, 2 * 1460);
        assert_int_equal(rig_count(r, CAUSE_CC_ECN_HOLD), 0);
        for (unsigned k = 1; k < 4; k++) { /* one segment a timeout */
            assert_non_null(rig_pull1(r));
            assert_null(rig_pull1(r));
            r->now = time_add_ms(r->now, 10);
            from_peer(r, accurate ? (5 + ++marks) & 7 : 1, 0, 0, 0);
            assert_int_equal(rig_count(r, CAUSE_CC_ECN_HOLD), k);
            assert_true(seq_eq(c->snd.una, c->snd.nxt) && timer_on(c, TT_REXMT));
            assert_int_equal((c->timer_ns[TT_REXMT] - r->now.ns) / 1000, c->rtt.rto_us);
            rig_run(r, c->rtt.rto_us / 1000 - 2);
            assert_int_equal(r->n, 0);
            rig_sleep(r, 4);
            rig_laws(r);
        }
        assert_int_equal(rig_count(r, CAUSE_TX_REXMT_RTO), 0);
        assert_int_equal(c->rexmts, 0);
        assert_int_equal(c->cc.cwnd, 1460);
        assert_non_null(rig_pull1(r));
        r->now = time_add_ms(r->now, 10);
        from_peer(r, accurate ? (5 + marks) & 7 : 0, 0, 0, 0); /* not marked */
        assert_false(ecn(r)->hold);
        assert_int_equal(c->cc.cwnd, 2 * 1460);
        rig_pull(r);
        assert_int_equal(r->n, 2);
    }
}

/* What is in flight when nothing new may go is still repaired. */
static void test_hold_with_data_in_flight(void **state) /* [RFC3168:6.1.2#3] */
{
    struct rig *r = *state;
    serve(r, 2, 3, 0);
    struct tcp_conn *c = rig_conn(r);
    rig_send(r, 10 * 1460);
    rig_pull(r);
    c->cc.cwnd = 1460;
    r->now = time_add_ms(r->now, 10);
    from_peer(r, 1, 0, -9 * 1460, 0);
    assert_true(ecn(r)->hold);
    rig_send(r, 1460);
    rig_silent(r);
    rig_run(r, 600); /* no probe with new data; a timeout */
    assert_true(r->n >= 1);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_RTO);
    assert_false(ecn(r)->hold);
}

/* Linux stays at two. */
static void test_two_segments_linux(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.profile = TERN_PROFILE_LINUX;
    rig_start(r);
    serve(r, 2, 3, 0);
    struct tcp_conn *c = rig_conn(r);
    rig_send(r, 20 * 1460);
    for (unsigned i = 0; i < 8; i++) {
        rig_pull(r);
        r->now = time_add_ms(r->now, 10);
        from_peer(r, 1, 0, 0, 0);
        assert_true(c->cc.cwnd >= 2 * 1460);
    }
    assert_int_equal(rig_count(r, CAUSE_CC_ECN_HOLD), 0);
}

/* [RFC7661:4.4.1] A mark while the window is not trusted: half of what was in use. */
static void test_mark_of_an_unvalidated_window(void **state)
{
    struct rig *r = *state;
    serve(r, 2, 3, 0);
    struct tcp_conn *c = rig_conn(r);
    c->cc.cwnd = c->cc.ssthresh = 100 * 1460;
    rig_send(r, 8 * 1460);
    rig_pull(r);
    c->cwv_s = 1;
    r->now = time_add_ms(r->now, 10);
    from_peer(r, 1, 0, -4 * 1460, 0);
    assert_int_equal(c->cc.cwnd, 4 * 1460);
    assert_int_equal(c->cwv_s, 0);
}

/* [RFC3168:6.1.4] [RFC3168:6.1.5] Nothing but new data is ECN-capable. */
static void test_not_capable(void **state) /* [RFC3168:6.1.1#3] */
{
    struct rig *r = *state;
    serve(r, 2, 3, 0);
    from_peer(r, 0, IP_ECT0, 0, 3000); /* is acknowledged at once */
    assert_int_equal(rig_one(r, ACK)->seg.ecn, IP_NOT_ECT);
    rig_recv(r, 3000);
    rig_pull(r);
    rig_send(r, 100);
    assert_int_equal(rig_one(r, ACK)->seg.ecn, IP_ECT0);
    rig_run(r, 1000);
    assert_true(r->n >= 1);
    for (unsigned i = 0; i < r->n; i++)
        assert_int_equal(r->out[i].seg.ecn, IP_NOT_ECT); /* sent again */
    tcp_shutdown(r->t, r->sock, r->now);
    from_peer(r, 0, 0, 0, 0);
    rig_pull(r);
    assert_true(r->n >= 1 && (r->out[0].seg.th & FIN) != 0);
    assert_int_equal(r->out[0].seg.ecn, IP_NOT_ECT);
}

/* [RFC3168:6.1.3] ECE on everything from the mark to CWR; a mark on the packet with CWR counts. */
static void test_classic_receiver(void **state) /* [RFC3168:6.1.5] */
{
    struct rig *r = *state;
    serve(r, 2, 3, 0);
    from_peer(r, 0, IP_ECT0, 0, 100);
    rig_run(r, 100);
    assert_int_equal(r->out[0].seg.th, ACK);
    from_peer(r, 0, IP_CE, 0, 100);
    assert_int_equal(rig_one(r, ACK | ECE)->out.cause, CAUSE_TX_ACK_ECN);
    from_peer(r, 0, IP_ECT0, 0, 100);
    rig_send(r, 50);
    rig_one(r, ACK | ECE);
    from_peer(r, 2, IP_CE, 0, 100);
    rig_run(r, 100);
    assert_int_equal(r->out[0].seg.th & ECE, ECE);
    from_peer(r, 2, IP_ECT0, 0, 100);
    rig_run(r, 100);
    assert_int_equal(r->out[0].seg.th & ECE, 0);
    assert_int_equal(ecn(r)->received_ce, 2);
    assert_true(ecn(r)->seen);
    /* outside the window: nobody can mark what is not taken */
    rig_in(r, ACK, -5000, 0, 100);
    r->tos = IP_CE;
    rig_in(r, ACK, -5000, 0, 100);
    r->tos = 0;
    rig_pull(r);
    assert_int_equal(ecn(r)->received_ce, 2);
}

/* ECE where nothing was agreed on means nothing. */
static void test_not_agreed(void **state)
{
    struct rig *r = *state;
    serve(r, 2, 0, 0);
    rig_send(r, 14600);
    rig_pull(r);
    assert_int_equal(r->out[0].seg.ecn, IP_NOT_ECT);
    from_peer(r, 1, IP_CE, -13140, 0);
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 0);
    from_peer(r, 0, IP_CE, 0, 100);
    rig_run(r, 100);
    for (unsigned i = 0; i < r->n; i++)
        assert_int_equal(ace(&r->out[i].seg), 0);
}

/* A loss and a mark in the same flight: one reduction, and CWR all the same. */
static void test_beside_a_loss(void **state)
{
    struct rig *r = *state;
    serve(r, 2, 3, 0);
    rig_send(r, 14600);
    rig_pull(r);
    struct tcp_conn *c = rig_conn(r);
    struct tcp_seg s = {.seq = c->rcv.nxt, .ack = c->snd.una, .th = ACK | ECE, .wnd = r->wnd};
    s.opt.nsack = 1;
    s.opt.sack[0].lo = seq_add(c->snd.una, 1460);
    s.opt.sack[0].hi = seq_add(c->snd.una, 1460 * 6);
    s.th = ACK;
    rig_seg(r, &s, 0);
    assert_true(c->recovery);
    uint32_t ssthresh = c->cc.ssthresh;
    s.opt.sack[0].hi = seq_add(c->snd.una, 1460 * 7);
    s.th = ACK | ECE;
    rig_seg(r, &s, 0);
    assert_int_equal(c->cc.ssthresh, ssthresh);
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 0);
    assert_true(ecn(r)->cwr_due);
}

/* ---- accurate feedback ---- */

/* [RFC9768:3.2.1] The counter of marked packets, from 5, and of octets, in every ACK. */
static void test_accurate_receiver(void **state)
{
    struct rig *r = *state;
    serve(r, 3, 7, 2);
    assert_false(ecn(r)->mute);
    for (unsigned i = 1; i <= 20; i++) {
        from_peer(r, 5, IP_CE, 0, 100);
        rig_run(r, 100);
        assert_true(r->n >= 1);
        const struct tcp_seg *s = &r->out[r->n - 1].seg;
        assert_int_equal(ace(s), (5 + i) & 7);
        assert_int_equal(s->opt.accecn, 4);
        assert_int_equal(s->opt.ceb, 100 * i);
        assert_int_equal(s->opt.e0b, 1);
    }
    from_peer(r, 5, IP_ECT0, 0, 70);
    const struct rig_out *o = rig_pull1(r); /* the first that is not marked: at once */
    assert_int_equal(o->out.cause, CAUSE_TX_ACK_ECN);
    assert_int_equal(o->seg.opt.e0b, 71);
    from_peer(r, 5, IP_ECT1, 0, 30);
    rig_send(r, 10);
    o = rig_pull1(r);
    assert_int_equal(o->seg.opt.accecn, 0); /* not on data */
    assert_int_equal(ace(&o->seg), 25 & 7);
    assert_int_equal(ecn(r)->r_e1b, 31);
}

static void send_flight(struct rig *r, unsigned segs)
{
    rig_conn(r)->cc.cwnd = 1000000;
    rig_send(r, segs * 1460);
    rig_pull(r);
    assert_int_equal(r->n, segs);
}

/* [RFC9768:A.2.1] What the three bits can mean when an ACK covers many packets. */
static void test_accurate_sender(void **state)
{
    struct rig *r = *state;
    r->wnd = 65535;
    serve(r, 3, 7, 2);
    send_flight(r, 5);
    from_peer(r, (5 + 3) & 7, 0, 0, 0);
    assert_int_equal(ecn(r)->delivered_ce, 3);
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 1);
    send_flight(r, 5);
    from_peer(r, (5 + 3) & 7, 0, 0, 0); /* none since */
    assert_int_equal(ecn(r)->delivered_ce, 3);
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 1);
    send_flight(r, 20); /* one, nine or seventeen: the worst is assumed */
    from_peer(r, (5 + 4) & 7, 0, 0, 0);
    assert_int_equal(ecn(r)->delivered_ce, 3 + 17);
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 2);
}

static void option_ack(struct rig *r, unsigned v, uint32_t e0b, uint32_t ceb, uint32_t e1b)
{
    struct rig_at at = rig_at(r);
    struct tcp_seg s = {.seq = at.rcv_nxt, .ack = at.snd_nxt, .th = ACK, .wnd = r->wnd};
    s.opt.accecn = 4;
    s.opt.e0b = e0b;
    s.opt.ceb = ceb;
    s.opt.e1b = e1b;
    put_ace(&s, v);
    rig_seg(r, &s, 0);
}

/* The option tells how often the counter has wrapped. */
static void test_option_unwraps(void **state)
{
    struct rig *r = *state;
    r->wnd = 65535;
    serve(r, 3, 7, 2);
    send_flight(r, 20);
    option_ack(r, 6, 1 + 19 * 1460, 1460, 1);
    assert_int_equal(ecn(r)->delivered_ce, 1);
    send_flight(r, 20);
    option_ack(r, 7, 1 + 30 * 1460, 10 * 1460, 1);
    assert_int_equal(ecn(r)->delivered_ce, 1 + 9);
    send_flight(r, 20);
    option_ack(r, 7, 1 + 50 * 1460, 10 * 1460, 1);
    assert_int_equal(ecn(r)->delivered_ce, 10);
    assert_int_equal(rig_count(r, CAUSE_CC_ECN), 2);
}

/* [RFC9768:3.2.3.2] An option that was zeroed under way is not believed. */
static void test_option_zeroed(void **state)
{
    struct rig *r = *state;
    r->wnd = 65535;
    serve(r, 3, 7, 2);
    send_flight(r, 20);
    option_ack(r, 6, 0, 0, 0);
    assert_true(ecn(r)->opt_bad);
    assert_int_equal(ecn(r)->delivered_ce, 17);
}

/* An ACK that tells nothing new may be old: its counter is not looked at. */
static void test_old_ack(void **state)
{
    struct rig *r = *state;
    serve(r, 3, 7, 2);
    send_flight(r, 5);
    from_peer(r, 5, 0, 0, 0);
    send_flight(r, 5);
    from_peer(r, 3, 0, -1460 * 5, 0);
    assert_int_equal(ecn(r)->delivered_ce, 0);
}

/* [RFC9768:3.2.2.4] The third segment shows what the path does to the bits. */
static void test_third_segment(void **state) /* [RFC9768:3.1.5#2] */
{
    static const struct {
        uint8_t ace;
        bool mute;
        uint8_t cep;
    } rows[] = {{2, false, 5}, {3, true, 5},  {4, true, 5},  {6, true, 6},
                {0, true, 5},  {1, false, 5}, {5, false, 5}, {7, false, 5}};
    struct rig *r = *state;
    r->cfg.ecn = 3;
    r->syn_ts = false;
    rig_listen(r, 50);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(5000 + i);
        ecn_syn(r, 7, IP_NOT_ECT);
        rig_pull(r);
        from_peer(r, rows[i].ace, IP_NOT_ECT, 0, 0);
        assert_int_equal(ecn(r)->mute, rows[i].mute);
        assert_int_equal(ecn(r)->s_cep, rows[i].cep);
        rig_accept(r);
        rig_send(r, 10);
        assert_int_equal(rig_pull1(r)->seg.ecn, rows[i].mute ? IP_NOT_ECT : IP_ECT0);
        tcp_abort(r->t, r->sock, r->now);
        rig_pull(r);
    }
}

/* A SYN that arrived marked counts, and is told of. */
static void test_marked_syn(void **state)
{
    struct rig *r = *state;
    r->cfg.ecn = 3;
    r->syn_ts = false;
    rig_listen(r, 8);
    ecn_syn(r, 7, IP_CE);
    assert_int_equal(ace(&rig_pull1(r)->seg), 6);
    from_peer(r, 2, 0, 0, 0);
    assert_int_equal(ecn(r)->r_cep, 6);
}

/* [RFC9768:3.1.5#1] A SYN that comes again for the other kind of feedback resets the handshake; for
 * the same, or for none, it does not. */
static void test_mixed(void **state)
{
    static const struct {
        uint8_t mode, first, again;
        bool reset;
    } rows[] = {{3, 7, 3, true},  {3, 3, 7, true},  {3, 7, 7, false}, {3, 3, 3, false},
                {3, 7, 0, false}, {3, 3, 0, false}, {2, 7, 3, false}, {2, 3, 7, false}};
    struct rig *r = *state;
    rig_listen(r, 100);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(5000 + i);
        r->cfg.ecn = rows[i].mode;
        ecn_syn(r, rows[i].first, IP_NOT_ECT);
        rig_pull(r);
        ecn_syn(r, rows[i].again, IP_NOT_ECT);
        if (rows[i].reset) {
            const struct rig_out *o = rig_one(r, RST | ACK);
            assert_int_equal(o->out.cause, CAUSE_TX_RST_ECN_MIXED);
            assert_int_equal(o->seg.ack.v, seq_add(r->peer_iss, 1).v);
            rig_in_state(r, TERN_TCP_LISTEN);
        } else {
            rig_in_state(r, TERN_TCP_SYN_RECEIVED);
            half_drop(r->t, rig_half(r), CAUSE_ST_RST, r->now);
            rig_pull(r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_listener_answers),
        RIG_TEST(test_client_takes),
        RIG_TEST(test_syn_fallback),
        RIG_TEST(test_syn_cookie),
        RIG_TEST(test_classic_sender),
        RIG_TEST(test_not_capable),
        RIG_TEST(test_classic_receiver),
        RIG_TEST(test_not_agreed),
        RIG_TEST(test_beside_a_loss),
        RIG_TEST(test_accurate_receiver),
        RIG_TEST(test_accurate_sender),
        RIG_TEST(test_option_unwraps),
        RIG_TEST(test_option_zeroed),
        RIG_TEST(test_old_ack),
        RIG_TEST(test_third_segment),
        RIG_TEST(test_marked_syn),
        RIG_TEST(test_mixed),
        RIG_TEST(test_one_segment),
        RIG_TEST(test_hold_with_data_in_flight),
        RIG_TEST(test_two_segments_linux),
        RIG_TEST(test_mark_of_an_unvalidated_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
