/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_events(r);
    return 0;
}

static void test_text_then_fin_in_one(void **state)
{
    struct rig *r = *state;
    rig_in(r, FIN | ACK, 0, 0, 100);
    rig_ack(r, CAUSE_TX_ACK_FIN);
    rig_in_state(r, TERN_TCP_CLOSE_WAIT);
    assert_int_equal(rig_events(r), TERN_EV_READABLE | TERN_EV_PEER_FIN);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(rig_recv(r, 1000), 0);
}

static void test_fin_before_its_text(void **state)
{
    struct rig *r = *state;
    rig_in(r, FIN | ACK, 300, 0, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 200, 0, 100);
    rig_in(r, ACK, 0, 0, 100);
    assert_int_equal(rig_events(r), TERN_EV_READABLE);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 100);
    rig_in_state(r, TERN_TCP_CLOSE_WAIT);
    assert_int_equal(rig_recv(r, 1000), 300);
    assert_int_equal(rig_recv(r, 1000), 0);
}

static void test_fin_at_a_shut_window(void **state)
{
    struct rig *r = *state;
    struct tcp_conn *c = rig_conn(r);
    c->rcv.adv = c->rcv.nxt;
    rig_in(r, FIN | ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_CLOSE_WAIT);
    rig_ack(r, CAUSE_TX_ACK_FIN);
}

/* FIN and the ACK of ours in one, but the text before it finds no memory: FIN-WAIT-2, and the
 * orphan's timer or the repeated segment ends it. */
static void test_fin_whose_text_is_refused(void **state)
{
    struct rig *r = *state;
    tcp_shutdown(r->t, r->sock, r->now);
    rig_pull(r);
    r->fault.fail_at = 1;
    r->fault.persist = 1;
    rig_in(r, FIN | ACK, 0, 0, 10);
    r->fault.fail_at = 0;
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
    rig_in(r, FIN | ACK, 0, 0, 10);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    assert_int_equal(rig_recv(r, 100), 10);
}

static void test_refused_text_gives_its_room_back(void **state)
{
    struct rig *r = *state;
    r->bad_csum = true;
    rig_in(r, ACK, 0, 0, 100);
    assert_int_equal(r->arena.used, 0);
    r->bad_csum = false;
    rig_in(r, ACK, 0, 5000, 100); /* acknowledges what was never sent */
    assert_int_equal(r->arena.used, 0);
    rig_in(r, ACK, 0, 0, 100);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(r->arena.used, 0);
}

static void test_fin_is_taken_once(void **state)
{
    struct rig *r = *state;
    rig_in(r, FIN | ACK, 0, 0, 0);
    rig_pull(r);
    struct seq nxt = rig_at(r).rcv_nxt;
    rig_in(r, FIN | ACK, -1, 0, 0);
    rig_in(r, FIN | ACK, 0, 0, 0);
    assert_int_equal(rig_at(r).rcv_nxt.v, nxt.v);
    rig_in_state(r, TERN_TCP_CLOSE_WAIT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_text_then_fin_in_one),
        T(test_fin_before_its_text),
        T(test_fin_at_a_shut_window),
        T(test_fin_whose_text_is_refused),
        T(test_refused_text_gives_its_room_back),
        T(test_fin_is_taken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
