/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void established(struct rig *r)
{
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_events(r);
}

static void test_listen(void **state)
{
    struct rig *r = *state;
    struct tern_sock s;
    struct tern_endpoint any = ep((struct tern_addr){0}, RIG_PORT), zero = ep(r->local.addr, 0);
    rig_listen(r, 4);
    assert_int_equal(tcp_listen(r->t, &r->local, 1, 0, &s, r->now), TERN_EADDRINUSE);
    assert_int_equal(tcp_listen(r->t, &any, 1, 0, &s, r->now), TERN_EADDRINUSE);
    assert_int_equal(tcp_listen(r->t, &zero, 1, 0, &s, r->now), TERN_EINVAL);
    assert_int_equal(tcp_listen(r->t, &any, 1, 8, &s, r->now), TERN_EINVAL);
    assert_int_equal(tcp_listen(r->t, &any, 1, TERN_LISTEN_ANY, &s, r->now), TERN_OK);
    assert_int_equal(tcp_listen(r->t, &any, 1, TERN_LISTEN_ANY, &s, r->now), TERN_EADDRINUSE);
    for (unsigned i = 0; i < 2; i++) {
        any.port++;
        assert_int_equal(tcp_listen(r->t, &any, 1, 0, &s, r->now), TERN_OK);
    }
    any.port++;
    assert_int_equal(tcp_listen(r->t, &any, 1, 0, &s, r->now), TERN_ENOBUFS);
    assert_int_equal(tcp_close(r->t, s, r->now), TERN_OK);
    assert_int_equal(tcp_listen(r->t, &any, 1, 0, &s, r->now), TERN_OK);
}

/* The most exact listener gets the SYN. */
static void test_which_listener(void **state) /* [RFC9293:MUST-43] */
{
    struct rig *r = *state;
    struct tern_sock any, all;
    struct tern_endpoint e = ep((struct tern_addr){0}, RIG_PORT);
    tcp_listen(r->t, &e, 1, TERN_LISTEN_ANY, &any, r->now);
    assert_ptr_equal(demux_listener(r->t, &r->local.addr, RIG_PORT), listener_get(r->t, any));
    tcp_listen(r->t, &e, 1, 0, &all, r->now);
    assert_ptr_equal(demux_listener(r->t, &r->local.addr, RIG_PORT), listener_get(r->t, all));
    assert_ptr_equal(demux_listener(r->t, &r->local.addr, 99), listener_get(r->t, any));
    tcp_close(r->t, all, r->now);
    rig_listen(r, 1);
    assert_ptr_equal(demux_listener(r->t, &r->local.addr, RIG_PORT), listener_get(r->t, r->lis));
    assert_ptr_equal(demux_listener(r->t, &r->peer.addr, RIG_PORT), listener_get(r->t, any));
}

static void test_connect(void **state)
{
    struct rig *r = *state;
    struct tern_endpoint from = r->local, name;
    from.port = 0;
    assert_int_equal(tcp_connect(r->t, &from, &r->peer, 0, &r->sock, r->now), TERN_OK);
    assert_int_equal(tcp_sockname(r->t, r->sock, &name), TERN_OK);
    assert_in_range(name.port, r->cfg.port_lo, r->cfg.port_hi);
    assert_int_equal(tcp_peername(r->t, r->sock, &name), TERN_OK);
    assert_memory_equal(&name, &r->peer, sizeof name);
    struct tern_sock s;
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(tcp_connect(r->t, &from, &r->peer, 0, &s, r->now), TERN_OK);
    assert_int_equal(tcp_connect(r->t, &from, &r->peer, 0, &s, r->now), TERN_ENOBUFS);
}

static void test_accept(void **state)
{
    struct rig *r = *state;
    struct tern_sock s;
    rig_listen(r, 4);
    assert_int_equal(tcp_accept(r->t, r->lis, &s), TERN_EAGAIN);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_in(r, ACK, 0, 0, 5);
    struct tern_event ev;
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.bits, TERN_EV_ACCEPT);
    assert_false(rig_event(r, &ev)); /* nothing of the connection before it is accepted */
    rig_accept(r);
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.sock.id, r->sock.id);
    assert_int_equal(ev.bits, TERN_EV_CONNECTED | TERN_EV_WRITABLE | TERN_EV_READABLE);
    assert_int_equal(tcp_accept(r->t, r->sock, &s), TERN_EBADF);
}

/* A connection that dies in the accept queue is still handed out, with its error. */
static void test_accept_a_dead_one(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_in(r, ACK, 0, 0, 0);
    rig_in(r, RST, 0, 0, 0);
    rig_accept(r);
    assert_int_equal(rig_recv(r, 1), TERN_ECONNRESET);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    tcp_close(r->t, r->lis, r->now);
    rig_pull(r);
    rig_empty(r);
}

static void test_half_close(void **state) /* [RFC9293:MUST-12] */
{
    struct rig *r = *state;
    established(r);
    assert_int_equal(tcp_shutdown(r->t, r->sock, r->now), TERN_OK);
    assert_int_equal(tcp_shutdown(r->t, r->sock, r->now), TERN_OK);
    rig_one(r, FIN | ACK);
    assert_int_equal(rig_send(r, 1), TERN_EPIPE);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_events(r), TERN_EV_SENT_ALL);
    for (unsigned i = 0; i < 5; i++) { /* receiving goes on */
        rig_in(r, ACK, 0, 0, 1000);
        assert_int_equal(rig_recv(r, 5000), 1000);
    }
    rig_in(r, FIN | ACK, 0, 0, 1);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    assert_int_equal(rig_recv(r, 10), 1);
    assert_int_equal(rig_recv(r, 10), 0);
}

/* [RFC9293:MAY-1] */
static void test_close_with_unread_text(void **state) /* [RFC9293:SHLD-3] [RFC2525:2.17] */
{
    struct rig *r = *state;
    established(r);
    rig_in(r, ACK, 0, 0, 10);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_pull(r);
    assert_int_equal(r->n, 1);
    assert_true(r->out[0].seg.th & RST);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_RST_UNREAD);
    rig_empty(r);
}

static void test_orderly_close(void **state)
{
    struct rig *r = *state;
    established(r);
    rig_send(r, 10);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    assert_int_equal(rig_one(r, FIN | ACK)->seg.len, 10);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
    rig_in(r, FIN | ACK, 0, 0, 0);
    rig_ack(r, CAUSE_TX_ACK_FIN);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    assert_int_equal(r->t->conns.used, 0);
    rig_sleep(r, 61000);
    rig_empty(r);
    assert_int_equal(rig_events(r), 0);
}

static void test_simultaneous_close(void **state) /* Figure 13 */
{
    struct rig *r = *state;
    established(r);
    tcp_close(r->t, r->sock, r->now);
    rig_one(r, FIN | ACK);
    rig_in(r, FIN | ACK, 0, -1, 0);
    rig_in_state(r, TERN_TCP_CLOSING);
    rig_ack(r, CAUSE_TX_ACK_FIN);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    rig_silent(r);
}

/* CLOSE in SYN-RECEIVED with text queued waits for ESTABLISHED, then text and FIN go. */
static void test_close_in_syn_received(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_SYN_RECEIVED);
    rig_send(r, 10);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_in_state(r, TERN_TCP_SYN_RECEIVED);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_FIN_WAIT_1);
    assert_int_equal(rig_one(r, FIN | ACK)->seg.len, 10);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
}

/* CLOSE in SYN-RECEIVED at once: FIN; its loss, and that of the SYN-ACK before it, are repaired. */
static void test_fin_of_syn_received_is_lost(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_SYN_RECEIVED);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_one(r, FIN | ACK);
    rig_run(r, 1100); /* nothing came through: it begins with SYN-ACK again */
    assert_true(r->n >= 1);
    assert_int_equal(r->out[0].seg.th, SYN | ACK);
    rig_in(r, ACK, 0, -1, 0); /* the SYN is acknowledged, the FIN is not */
    rig_in_state(r, TERN_TCP_FIN_WAIT_1);
    rig_run(r, 5000);
    assert_true(r->n >= 1);
    assert_true(r->out[0].seg.th & FIN);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
}

static void test_stale_handles(void **state)
{
    struct rig *r = *state;
    established(r);
    struct tern_sock s = r->sock, forged = {s.id ^ 1ull << 40};
    uint8_t b;
    int64_t v;
    size_t n;
    const uint8_t *p;
    assert_int_equal(tcp_send(r->t, forged, &b, 1, 0, r->now), TERN_EBADF);
    assert_int_equal(tcp_abort(r->t, s, r->now), TERN_OK);
    established(r); /* the same block, another generation */
    assert_int_equal(sock_index(r->sock), sock_index(s));
    assert_int_not_equal(r->sock.id, s.id);
    assert_int_equal(tcp_send(r->t, s, &b, 1, 0, r->now), TERN_EBADF);
    assert_int_equal(tcp_recv(r->t, s, &b, 1, r->now), TERN_EBADF);
    assert_int_equal(tcp_recv_data(r->t, s, &p, &n), TERN_EBADF);
    assert_int_equal(tcp_recv_consume(r->t, s, 0, r->now), TERN_EBADF);
    assert_int_equal(tcp_recv_oob(r->t, s, &b), TERN_EBADF);
    assert_int_equal(tcp_send_commit(r->t, s, 0, 0, r->now), TERN_EBADF);
    assert_int_equal(tcp_shutdown(r->t, s, r->now), TERN_EBADF);
    assert_int_equal(tcp_close(r->t, s, r->now), TERN_EBADF);
    assert_int_equal(tcp_abort(r->t, s, r->now), TERN_EBADF);
    assert_int_equal(tcp_setopt(r->t, s, TERN_OPT_NODELAY, 1, r->now), TERN_EBADF);
    assert_int_equal(tcp_getopt(r->t, s, TERN_OPT_NODELAY, &v), TERN_EBADF);
    assert_int_equal(tcp_setuser(r->t, s, 1), TERN_EBADF);
    struct tern_endpoint e;
    assert_int_equal(tcp_sockname(r->t, s, &e), TERN_EBADF);
    assert_int_equal(tcp_peername(r->t, s, &e), TERN_EBADF);
    assert_int_equal(tcp_close(r->t, (struct tern_sock){0}, r->now), TERN_EBADF);
    assert_int_equal(tcp_close(r->t, (struct tern_sock){UINT64_MAX}, r->now), TERN_EBADF);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_listen),
        RIG_TEST(test_which_listener),
        RIG_TEST(test_connect),
        RIG_TEST(test_accept),
        RIG_TEST(test_accept_a_dead_one),
        RIG_TEST(test_half_close),
        RIG_TEST(test_close_with_unread_text),
        RIG_TEST(test_orderly_close),
        RIG_TEST(test_simultaneous_close),
        RIG_TEST(test_close_in_syn_received),
        RIG_TEST(test_fin_of_syn_received_is_lost),
        RIG_TEST(test_stale_handles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
