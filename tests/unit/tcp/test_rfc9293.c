/* SPDX-License-Identifier: BSD-2-Clause */
/* Clauses of RFC 9293 that have no better place. */
#include "unit/tcp/rig.h"

static void established(struct rig *r)
{
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_events(r);
}

static void test_window_is_unsigned(void **state) /* [RFC9293:MUST-1] [RFC9293:REC-1] */
{
    struct rig *r = *state;
    r->wnd = 65535;
    r->syn_ws = false;
    established(r);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(c->snd.wnd, 65535);
    c->cc.cwnd = 100000;
    rig_send(r, 100000);
    rig_pull(r);
    uint32_t out = (uint32_t)seq_diff(c->snd.nxt, c->snd.una);
    assert_in_range(out, 65535 - 1448, 65535); /* all of it is used, and no more */
    rig_stop(r);
    rig_init(r);
    rig_start(r);
    r->wnd = 65535;
    r->ws = 14;
    established(r);
    assert_int_equal(rig_conn(r)->snd.wnd, 65535u << 14); /* needs 30 bits */
}

/* A passive OPEN beside a connection that is being opened from the same port. */
static void test_listen_beside_an_open(void **state) /* [RFC9293:MUST-41] [RFC9293:MUST-42] */
{
    struct rig *r = *state;
    r->local.port = RIG_PORT;
    assert_int_equal(rig_connect(r), TERN_OK);
    struct tern_endpoint name;
    assert_int_equal(tcp_sockname(r->t, r->sock, &name), TERN_OK);
    assert_int_equal(name.port, RIG_PORT);
    rig_pull(r);
    struct tcp_conn *c = rig_conn(r), before = *c;
    rig_listen(r, 4); /* in SYN-SENT */
    assert_memory_equal(c, &before, sizeof before);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_in_state(r, TERN_TCP_SYN_RECEIVED);
    rig_pull(r);
    before = *c;
    assert_int_equal(tcp_close(r->t, r->lis, r->now), TERN_OK);
    rig_listen(r, 4); /* in SYN-RECEIVED */
    assert_memory_equal(c, &before, sizeof before);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* The address of the SYN is that of every later segment: data, retransmission, FIN, RST. */
static void test_address_stays(void **state) /* [RFC9293:MUST-45] */
{
    struct rig *r = *state;
    r->local.addr = ip(10, 0, 0, 77); /* not what another call would choose */
    memcpy(r->tuple.laddr, r->local.addr.b, 16);
    established(r);
    rig_send(r, 3000);
    rig_run(r, 3000);
    rig_in(r, ACK, 0, 0, 100);
    tcp_shutdown(r->t, r->sock, r->now);
    unsigned n = r->n;
    assert_true(n >= 3);
    for (unsigned i = 0; i < n; i++)
        assert_memory_equal(&r->out[i].out.src, &r->local.addr, sizeof r->local.addr);
    assert_true(rig_pull(r) >= 1);
    assert_memory_equal(&r->out[0].out.src, &r->local.addr, sizeof r->local.addr);
    tcp_abort(r->t, r->sock, r->now);
    assert_int_equal(rig_pull(r), 1);
    assert_memory_equal(&r->out[0].out.src, &r->local.addr, sizeof r->local.addr);
}

/* What has arrived together is acknowledged together; what comes one by one at most one by one. */
/* [RFC9293:MUST-58] [RFC9293:MUST-59] [RFC1122:4.2.2.20] [RFC5681:4.2#3] */
static void test_one_ack_for_many(void **state)
{
    struct rig *r = *state;
    established(r);
    for (unsigned i = 0; i < 20; i++)
        rig_in(r, ACK, 0, 0, 1448);
    assert_int_equal(rig_pull(r), 1);
    assert_int_equal(r->out[0].seg.ack.v, rig_at(r).rcv_nxt.v);
    for (unsigned i = 0; i < 60; i++) { /* in order, beyond holes, again, and filling the holes */
        static const int32_t at[] = {0, 2000, -1000, 5000, 2000, 0};
        rig_in(r, ACK, at[i % 6], 0, 1000);
        assert_true(rig_pull(r) <= 1);
    }
}

/* No segment of ours has an end of the option list with something behind it: padding is NOP. */
static void no_end_of_list(const struct rig_out *o)
{
    const uint8_t *p = o->buf + 20, *end = o->buf + o->seg.hlen;
    while (p < end) {
        assert_int_not_equal(*p, 0);
        p += *p == 1 ? 1 : p[1];
    }
    assert_ptr_equal(p, end);
}

static void test_padding(void **state) /* [RFC9293:MUST-69] */
{
    struct rig *r = *state;
    for (unsigned bits = 0; bits < 16; bits++) {
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        r->active = bits & 1;
        r->syn_ts = bits & 2;
        r->syn_sack = bits & 4;
        r->syn_ws = bits & 8;
        if (r->active)
            rig_connect(r);
        else
            rig_reach(r, TERN_TCP_LISTEN);
        if (!r->active)
            rig_syn(r, SYN, r->peer_iss, seq_of(0));
        assert_int_equal(rig_pull(r), 1);
        no_end_of_list(&r->out[0]);
        if (r->active)
            rig_syn(r, SYN | ACK, r->peer_iss, rig_at(r).snd_nxt);
        else
            rig_in(r, ACK, 0, 0, 0);
        for (int32_t i = 0; i < 4; i++) {
            rig_in(r, ACK, 100 + 300 * i, 0, 100);
            assert_true(rig_pull(r) >= 1);
            no_end_of_list(&r->out[0]);
        }
    }
}

/* A reader that does not read for a week: the window stays shut, the peer's probes are answered. */
static void test_window_stays_shut(void **state) /* [RFC9293:MAY-8] */
{
    struct rig *r = *state;
    r->cfg.rcvbuf = 16384;
    established(r);
    struct tcp_conn *c = rig_conn(r);
    while (c->rcv.buf.len < 16384) {
        uint32_t left = (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt);
        rig_in(r, ACK, 0, 0, left < 1448 ? left : 1448);
        rig_pull(r);
    }
    for (unsigned hour = 0; hour < 7 * 24; hour++) {
        rig_run(r, 3600 * 1000);
        rig_in(r, ACK, 0, 0, 1);
        assert_int_equal(rig_one(r, ACK)->seg.wnd, 0);
        rig_in_state(r, TERN_TCP_ESTABLISHED);
    }
    assert_int_equal(rig_recv(r, 20000), 16384);
    assert_true(rig_one(r, ACK)->seg.wnd > 0);
}

/* The peer has rebooted: its SYN is challenged, it answers the challenge with RST, and its next SYN
 * is taken. */
static void test_rebooted_peer(void **state) /* [RFC5961:4.2#2] */
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_listen(r, 4);
    struct seq fresh = seq_add(r->peer_iss, 123456789);
    rig_syn(r, SYN, fresh, seq_of(0));
    struct rig_out *o = rig_one(r, ACK);
    struct tcp_seg rst = {.seq = o->seg.ack, .th = RST};
    rig_seg(r, &rst, 0);
    rig_in_state(r, TERN_TCP_LISTEN);
    rig_silent(r);
    r->peer_iss = fresh;
    rig_syn(r, SYN, fresh, seq_of(0));
    assert_int_equal(rig_one(r, SYN | ACK)->seg.ack.v, fresh.v + 1);
}

/* A peer that answers each of our challenge ACKs with what draws the next: it comes to rest. */
static void test_no_endless_exchange(void **state) /* [RFC5961:10] */
{
    struct rig *r = *state;
    unsigned sent = 0;
    established(r);
    rig_in(r, ACK, 0, 100000, 0); /* acknowledges what was never sent */
    while (rig_pull(r) == 1 && sent < 1000) {
        assert_int_equal(r->out[0].seg.th, ACK);
        sent++;
        r->now = time_add_us(r->now, 10);
        rig_in(r, ACK, 0, 100000, 0);
    }
    assert_int_equal(sent, r->cfg.challenge_per_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_window_is_unsigned),
        RIG_TEST(test_listen_beside_an_open),
        RIG_TEST(test_address_stays),
        RIG_TEST(test_one_ack_for_many),
        RIG_TEST(test_padding),
        RIG_TEST(test_window_stays_shut),
        RIG_TEST(test_rebooted_peer),
        RIG_TEST(test_no_endless_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
