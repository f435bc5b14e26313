/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of struct tcp_extra by what they do. */
#include "unit/tcp/rig.h"

static void set(struct rig *r, struct tern_sock s, enum tern_opt opt, int64_t v)
{
    int64_t got = 0;
    assert_int_equal(tcp_setopt(r->t, s, opt, v, r->now), TERN_OK);
    assert_int_equal(tcp_getopt(r->t, s, opt, &got), TERN_OK);
    assert_int_equal(got, v);
}

static void begin(struct rig *r)
{
    rig_listen(r, 4);
}

static void handshake(struct rig *r)
{
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_pull(r);
}

static void test_defer_accept(void **state)
{
    struct rig *r = *state;
    struct tern_sock s;
    begin(r);
    set(r, r->lis, TERN_OPT_DEFER_ACCEPT_MS, 5000);
    handshake(r);
    assert_int_equal(rig_in(r, ACK, 0, 0, 0), CAUSE_DROP_DEFERRED);
    rig_in_state(r, TERN_TCP_SYN_RECEIVED);
    assert_int_equal(tcp_accept(r->t, r->lis, &s), TERN_EAGAIN);
    rig_sleep(r, 3000);
    rig_silent(r); /* the peer has our SYN-ACK: no repetition */
    assert_int_equal(rig_in(r, ACK | PSH, 0, 0, 10), CAUSE_RX_SEG);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    rig_accept(r);
    assert_int_equal(rig_recv(r, 10), 10);
}

/* Nothing comes: the SYN-ACK is sent again, and its ACK opens the connection. */
static void test_defer_accept_ends(void **state)
{
    struct rig *r = *state;
    begin(r);
    set(r, r->lis, TERN_OPT_DEFER_ACCEPT_MS, 2000);
    handshake(r);
    rig_in(r, ACK, 0, 0, 0);
    rig_sleep(r, 8000);
    assert_int_not_equal(rig_pull(r), 0);
    assert_int_equal(r->out[0].seg.th, SYN | ACK);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* [RFC9293:MAY-9] The TOS octet of what came last, for who has asked for it. */
static void test_received_tos(void **state)
{
    struct rig *r = *state;
    int64_t v = -1;
    begin(r);
    set(r, r->lis, TERN_OPT_RECVTOS, 1);
    handshake(r);
    r->tos = 0x28;
    rig_in(r, ACK, 0, 0, 0);
    rig_accept(r);
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_RCVD_TOS, &v), TERN_OK);
    assert_int_equal(v, 0x28);
    r->tos = 0xb8;
    rig_in(r, ACK, 0, 0, 10);
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_RCVD_TOS, &v), TERN_OK);
    assert_int_equal(v, 0xb8);
    r->tos = 0x50;
    rig_in(r, ACK, 100000, 0, 10); /* outside the window: not the peer's, perhaps */
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_RCVD_TOS, &v), TERN_OK);
    assert_int_equal(v, 0xb8);
    set(r, r->sock, TERN_OPT_RECVTOS, 0);
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_RCVD_TOS, &v), TERN_OK);
    assert_int_equal(v, 0);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_RCVD_TOS, 1, r->now), TERN_ENOPROTOOPT);
}

static void test_listener_maxseg(void **state)
{
    struct rig *r = *state;
    begin(r);
    set(r, r->lis, TERN_OPT_MAXSEG, 1000);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_MAXSEG, 87, r->now), TERN_EINVAL);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    assert_int_equal(rig_one(r, SYN | ACK)->seg.opt.mss, 1000); /* [RFC9293:MUST-14] */
    rig_in(r, ACK, 0, 0, 0);
    rig_accept(r);
    assert_int_equal(rig_conn(r)->mss, 1000);
}

static void test_maxseg_before_the_syn(void **state)
{
    struct rig *r = *state;
    rig_connect(r);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_MAXSEG, 700, r->now), TERN_OK);
    assert_int_equal(rig_one(r, SYN)->seg.opt.mss, 700);
}

static void test_notsent_lowat(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    set(r, r->sock, TERN_OPT_NOTSENT_LOWAT, 4000);
    rig_events(r);
    assert_int_equal(rig_send(r, 60000), 4000);
    assert_int_equal(rig_send(r, 1), TERN_EAGAIN);
    rig_pull(r); /* it goes out: less than half is left */
    assert_true(rig_events(r) & TERN_EV_WRITABLE);
    int64_t n = 0, more;
    while ((more = rig_send(r, 60000)) > 0) { /* up to cwnd, and then the mark again */
        n += more;
        rig_events(r);
        rig_pull(r);
    }
    assert_true(n > 4000);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(seq_diff(snd_fin(c), c->snd.nxt), 4000);
    assert_false(rig_events(r) & TERN_EV_WRITABLE);
    set(r, r->sock, TERN_OPT_NOTSENT_LOWAT, -1); /* the buffer alone counts */
    assert_true(rig_events(r) & TERN_EV_WRITABLE);
    assert_true(rig_send(r, 8000) > 4000);
}

static void test_rcvlowat(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    set(r, r->sock, TERN_OPT_RCVLOWAT, 1000);
    rig_events(r);
    rig_in(r, ACK, 0, 0, 999);
    assert_false(rig_events(r) & TERN_EV_READABLE);
    rig_in(r, ACK, 0, 0, 1);
    assert_true(rig_events(r) & TERN_EV_READABLE);
    rig_recv(r, 900);
    rig_in(r, ACK, 0, 0, 100);
    assert_false(rig_events(r) & TERN_EV_READABLE);
    set(r, r->sock, TERN_OPT_RCVLOWAT, 100); /* that much is there */
    assert_true(rig_events(r) & TERN_EV_READABLE);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_RCVLOWAT, 0, r->now), TERN_EINVAL);
}

static void test_fin_passes_rcvlowat(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    set(r, r->sock, TERN_OPT_RCVLOWAT, 1000);
    rig_events(r);
    rig_in(r, ACK | FIN, 0, 0, 10);
    assert_true(rig_events(r) & TERN_EV_READABLE);
}

static void test_linger2(void **state)
{
    static const struct {
        int64_t v;
        int64_t there_ms, gone_ms;
    } row[] = {{0, 59000, 61000}, {5000, 4900, 5200}, {-1, 0, 200}};
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        r->active = true;
        rig_reach(r, TERN_TCP_ESTABLISHED);
        rig_in(r, ACK, 0, 0, 0);
        set(r, r->sock, TERN_OPT_LINGER2_MS, row[i].v);
        tcp_close(r->t, r->sock, r->now);
        rig_pull(r);
        rig_in(r, ACK, 0, 0, 0); /* of the FIN */
        rig_in_state(r, TERN_TCP_FIN_WAIT_2);
        if (row[i].there_ms != 0) {
            rig_sleep(r, row[i].there_ms);
            rig_in_state(r, TERN_TCP_FIN_WAIT_2);
        }
        rig_sleep(r, row[i].gone_ms - row[i].there_ms);
        assert_int_equal(r->t->conns.used, 0);
    }
}

static void test_syn_count(void **state)
{
    struct rig *r = *state;
    rig_connect(r);
    set(r, r->sock, TERN_OPT_SYN_COUNT, 2);
    rig_run(r, 60000);
    unsigned syns = 0;
    for (unsigned i = 0; i < r->n; i++)
        syns += r->out[i].seg.th == SYN;
    assert_int_equal(syns, 3);
    rig_in_state(r, TERN_TCP_CLOSED);
}

static void test_window_clamp(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    set(r, r->sock, TERN_OPT_WINDOW_CLAMP, 3000);
    for (unsigned i = 0; i < 400; i++) { /* what was offered stays so [RFC9293:SHLD-14] */
        assert_int_equal(rig_in(r, ACK, 0, 0, 1000), CAUSE_RX_SEG);
        assert_int_equal(rig_recv(r, 1000), 1000);
        rig_pull(r);
    }
    uint32_t unit = 1u << rig_conn(r)->rcv_ws;
    assert_in_range(rig_at(r).rcv_wnd, 1, 3000 + unit);
}

static void test_nodelay_flushes_a_cork(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    set(r, r->sock, TERN_OPT_CORK, 1);
    rig_send(r, 40);
    rig_silent(r);
    set(r, r->sock, TERN_OPT_NODELAY, 1);
    assert_int_equal(rig_one(r, ACK)->seg.len, 40);
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 40); /* once: it is corked still */
    rig_silent(r);
    rig_run(r, 250); /* 200 ms is the ceiling */
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.len, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_defer_accept),
        RIG_TEST(test_defer_accept_ends),
        RIG_TEST(test_received_tos),
        RIG_TEST(test_listener_maxseg),
        RIG_TEST(test_maxseg_before_the_syn),
        RIG_TEST(test_notsent_lowat),
        RIG_TEST(test_rcvlowat),
        RIG_TEST(test_fin_passes_rcvlowat),
        RIG_TEST(test_linger2),
        RIG_TEST(test_syn_count),
        RIG_TEST(test_window_clamp),
        RIG_TEST(test_nodelay_flushes_a_cork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
