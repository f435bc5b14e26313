/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void syn(struct rig *r, unsigned i)
{
    r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
}

static void test_handshake(void **state) /* [RFC5681:3.1#2] [RFC4987:3.5] */
{
    struct rig *r = *state;
    rig_listen(r, 4);
    syn(r, 0);
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->seg.opt.mss, 1460);
    assert_true(o->seg.opt.has_ts && o->seg.opt.sack_ok && o->seg.opt.has_ws);
    assert_int_equal(o->seg.wnd, 65535);
    assert_int_equal(r->t->conns.used, 0); /* nothing but a record so far */
    assert_int_equal(r->arena.used, 0);
    rig_sleep(r, 30);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(r->t->halves.used, 0);
    struct tcp_conn *c = rig_conn(r);
    assert_true(c->ts_ok && c->sack_ok && c->ws_ok);
    assert_int_equal(c->snd_ws, 2);
    assert_in_range(c->rtt.srtt_us, 29000, 31000); /* the handshake is a sample */
    assert_int_equal(c->cc.cwnd, 10 * 1448);
    rig_accept(r);
    assert_int_equal(rig_events(r) & TERN_EV_CONNECTED, TERN_EV_CONNECTED);
}

/* [RFC5681:3.1#3] */
static void test_lost_syn_ack_starts_slowly(void **state) /* [RFC5681:3.1] [RFC6298:5.7] */
{
    struct rig *r = *state;
    rig_listen(r, 4);
    syn(r, 0);
    rig_run(r, 1100);
    rig_in(r, ACK, 0, 0, 0);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(c->cc.cwnd, 1448);
    assert_int_equal(c->rtt.srtt_us, 0); /* Karn */
    assert_int_equal(c->rtt.rto_us, 3000000);
}

/* Which of two SYN-ACKs the ACK means is not known [RFC6298:3]. */
static void test_repeated_syn_ack_is_no_sample(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    syn(r, 0);
    rig_sleep(r, 500);
    syn(r, 0);
    rig_sleep(r, 20);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_conn(r)->rtt.srtt_us, 0);
}

static void test_backlog_of_half_open(void **state) /* [RFC4987:3.2] */
{
    struct rig *r = *state;
    rig_listen(r, 2);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_SYN_POLICY, TERN_SYN_DROP_NEW, r->now), 0);
    for (unsigned i = 0; i < 6; i++)
        syn(r, i);
    assert_int_equal(rig_pull(r), 3);
    assert_int_equal(rig_count(r, CAUSE_DROP_SYN_FULL), 3);
    syn(r, 0); /* a known one is not affected */
    rig_one(r, SYN | ACK);
    rig_in(r, RST, 0, 0, 0);
    syn(r, 5); /* there is room again */
    rig_one(r, SYN | ACK);
}

/* The final ACK beyond the accept queue is ignored; the SYN-ACK comes again, and with it a new
 * chance. */
static void test_accept_queue_full_and_recovery(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 1);
    for (unsigned i = 0; i < 2; i++) {
        syn(r, i);
        rig_in(r, ACK, 0, 0, 0);
    }
    assert_int_equal(r->t->conns.used, 2);
    syn(r, 2); /* the queue is full: not even a SYN */
    assert_int_equal(r->verdict, CAUSE_DROP_SYN_ACCEPT);
    rig_accept(r);
    syn(r, 2);
    syn(r, 3);
    rig_in(r, ACK, 0, 0, 0);
    r->peer.port = r->tuple.rport = RIG_PEER + 2;
    rig_pull(r);
    assert_int_equal(rig_in(r, ACK, 0, 0, 10), CAUSE_DROP_ACCEPT_FULL);
    rig_silent(r); /* no RST */
    rig_accept(r);
    rig_run(r, 1100);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.th, SYN | ACK);
    assert_int_equal(rig_in(r, ACK, 0, 0, 10), CAUSE_RX_SEG);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

static void test_no_control_block_left(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 100);
    for (unsigned i = 0; i < 9; i++) {
        syn(r, i);
        rig_in(r, ACK, 0, 0, 0);
    }
    assert_int_equal(r->verdict, CAUSE_DROP_NO_CONN);
    assert_int_equal(r->t->conns.used, 8);
    assert_non_null(rig_half(r)); /* kept: it will come again */
}

static void test_dies_silently(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    syn(r, 0);
    rig_run(r, 70000);
    assert_int_equal(r->n, 1 + r->cfg.synack_retries);
    assert_int_equal(r->t->halves.used, 0);
    assert_int_equal(rig_count(r, CAUSE_ST_SYN_ACK_TIMEOUT), 1);
    assert_int_equal(tcp_deadline(r->t).ns, TERN_NEVER.ns);
}

static void test_answers_do_not_amplify(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    syn(r, 0);
    rig_pull(r);
    unsigned sent = 0;
    for (unsigned i = 0; i < 100; i++) {
        rig_in(r, RST, 100, 0, 0);
        rig_in(r, ACK, 70000, 0, 5);
        sent += rig_pull(r);
    }
    assert_int_equal(sent, 1);
}

static void test_listener_goes(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    syn(r, 0);
    syn(r, 1);
    rig_in(r, ACK, 0, 0, 0); /* one waits to be accepted */
    rig_pull(r);
    assert_int_equal(tcp_close(r->t, r->lis, r->now), TERN_OK);
    rig_pull(r);
    assert_int_equal(r->n, 1); /* RST for the finished one */
    assert_true(r->out[0].seg.th & RST);
    rig_empty(r);
}

static void test_bare_syn(void **state) /* no options at all [RFC9293:MUST-15] [RFC7323:2.2#1] */
{
    struct rig *r = *state;
    r->syn_ts = r->syn_ws = r->syn_sack = false;
    r->syn_mss = 0;
    rig_listen(r, 4);
    syn(r, 0);
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_false(o->seg.opt.has_ts || o->seg.opt.sack_ok || o->seg.opt.has_ws);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_conn(r)->mss, 536);
    assert_int_equal(rig_conn(r)->snd_ws, 0);
    assert_int_equal(rig_conn(r)->rcv_ws, 0);
}

/* ---- TERN_LISTEN_HOLD ---- */

static struct tern_sock offered(struct rig *r)
{
    struct tern_event ev;
    r->hold = true;
    rig_listen(r, 4);
    tcp_setuser(r->t, r->lis, 4711);
    syn(r, 0);
    rig_silent(r);
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.bits, TERN_EV_SYN);
    assert_int_equal(ev.user, 4711);
    assert_int_equal(ev.listener.id, r->lis.id);
    assert_memory_equal(&ev.local, &r->local, sizeof r->local);
    assert_int_equal(ev.remote.port, RIG_PEER);
    struct tern_sock s = ev.sock;
    assert_false(rig_event(r, &ev));
    return s;
}

static int answer(struct rig *r, struct tern_sock s, enum tern_answer a)
{
    struct tern_endpoint l, p;
    uint32_t seq;
    int v = tcp_answer(r->t, s, a, r->now, &l, &p, &seq);
    if (v == TERN_OK)
        assert_int_equal(seq, r->peer_iss.v);
    return v;
}

static void test_hold_accept(void **state)
{
    struct rig *r = *state;
    struct tern_sock s = offered(r);
    syn(r, 0); /* again, while the application thinks */
    assert_int_equal(r->verdict, CAUSE_DROP_SYN_HELD);
    rig_silent(r);
    rig_run(r, 20000);
    assert_int_equal(r->n, 0);
    assert_int_equal(answer(r, s, TERN_ANSWER_ACCEPT), TERN_OK);
    rig_one(r, SYN | ACK);
    assert_int_equal(answer(r, s, TERN_ANSWER_ACCEPT), TERN_EBADF);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_in_range(rig_conn(r)->rtt.srtt_us, 0, 1000); /* the thinking is not round-trip time */
}

static void test_hold_refuse(void **state)
{
    struct rig *r = *state;
    struct tern_sock s = offered(r);
    assert_int_equal(answer(r, s, TERN_ANSWER_REFUSE), TERN_OK);
    struct rig_out *o = rig_one(r, RST | ACK);
    assert_int_equal(o->seg.ack.v, r->peer_iss.v + 1);
    assert_int_equal(o->seg.seq.v, 0);
    rig_in_state(r, TERN_TCP_LISTEN);
}

static void test_hold_silence_and_unreachable(void **state)
{
    struct rig *r = *state;
    struct tern_sock s = offered(r);
    assert_int_equal(answer(r, s, TERN_ANSWER_SILENCE), TERN_OK);
    rig_silent(r);
    rig_in_state(r, TERN_TCP_LISTEN);
    syn(r, 0); /* the repeated SYN is offered again */
    struct tern_event ev;
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.bits, TERN_EV_SYN);
    assert_int_equal(answer(r, ev.sock, TERN_ANSWER_HOST_UNREACH), TERN_OK);
    rig_silent(r); /* the ICMP message is the caller's */
    assert_int_equal(r->t->halves.used, 0);
}

static void test_hold_gone(void **state)
{
    struct rig *r = *state;
    struct tern_sock s = offered(r);
    struct tern_event ev;
    rig_in(r, RST, 0, 0, 0);
    assert_int_equal(answer(r, s, TERN_ANSWER_ACCEPT), TERN_EBADF);
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.bits, TERN_EV_SYN_GONE);
    assert_int_equal(ev.sock.id, s.id);
    assert_int_equal(r->t->halves.used, 0);
    syn(r, 1); /* gone before it was offered: nobody hears of it */
    rig_in(r, RST, 0, 0, 0);
    assert_false(rig_event(r, &ev));
}

static void test_hold_times_out(void **state)
{
    struct rig *r = *state;
    offered(r);
    rig_run(r, 200000);
    assert_int_equal(r->n, 0);
    struct tern_event ev;
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.bits, TERN_EV_SYN_GONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_handshake),
        RIG_TEST(test_lost_syn_ack_starts_slowly),
        RIG_TEST(test_repeated_syn_ack_is_no_sample),
        RIG_TEST(test_backlog_of_half_open),
        RIG_TEST(test_accept_queue_full_and_recovery),
        RIG_TEST(test_no_control_block_left),
        RIG_TEST(test_dies_silently),
        RIG_TEST(test_answers_do_not_amplify),
        RIG_TEST(test_listener_goes),
        RIG_TEST(test_bare_syn),
        RIG_TEST(test_hold_accept),
        RIG_TEST(test_hold_refuse),
        RIG_TEST(test_hold_silence_and_unreachable),
        RIG_TEST(test_hold_gone),
        RIG_TEST(test_hold_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
