/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void test_coalescing(void **state) /* one node a connection, whatever happens */
{
    struct rig *r = *state;
    struct tern_event ev;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    tcp_setuser(r->t, r->sock, 99);
    for (unsigned i = 0; i < 50; i++)
        rig_in(r, ACK, 0, 0, 10);
    rig_in(r, FIN | ACK, 0, 0, 0);
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.bits, TERN_EV_READABLE | TERN_EV_PEER_FIN);
    assert_int_equal(ev.user, 99);
    assert_int_equal(ev.sock.id, r->sock.id);
    assert_int_equal(ev.err, 0);
    assert_false(rig_event(r, &ev));
}

static void test_order_and_fairness(void **state) /* first raised, first told */
{
    struct rig *r = *state;
    struct tern_event ev;
    struct tern_sock s[3];
    r->active = true;
    for (unsigned i = 0; i < 3; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
        rig_reach(r, TERN_TCP_ESTABLISHED);
        s[i] = r->sock;
    }
    static const unsigned order[] = {2, 0, 1};
    for (unsigned i = 0; i < 3; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + order[i]);
        rig_in(r, ACK, 0, 0, 10);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_true(rig_event(r, &ev));
        assert_int_equal(ev.sock.id, s[order[i]].id);
    }
}

static void test_closed_handle_hears_nothing(void **state)
{
    struct rig *r = *state;
    struct tern_event ev;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_send(r, 10);
    rig_pull(r);
    tcp_close(r->t, r->sock, r->now);
    rig_pull(r);
    rig_in(r, ACK, 0, 0, 0);
    rig_in(r, RST, 0, 0, 0);
    assert_false(rig_event(r, &ev));
}

static void test_listener_is_told_again_while_more_wait(void **state)
{
    struct rig *r = *state;
    struct tern_event ev;
    rig_listen(r, 4);
    for (unsigned i = 0; i < 3; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        rig_in(r, ACK, 0, 0, 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_true(rig_event(r, &ev));
        assert_int_equal(ev.bits, TERN_EV_ACCEPT);
        assert_false(rig_event(r, &ev));
        rig_accept(r);
        tcp_abort(r->t, r->sock, r->now);
    }
    assert_false(rig_event(r, &ev));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_coalescing),
        RIG_TEST(test_order_and_fairness),
        RIG_TEST(test_closed_handle_hears_nothing),
        RIG_TEST(test_listener_is_told_again_while_more_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
