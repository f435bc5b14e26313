/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static struct tern_sock open_to(struct rig *r, unsigned i)
{
    r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    return r->sock;
}

/* A link is shared: nobody sends more than a turn while others wait. */
static void test_turns(void **state)
{
    struct rig *r = *state;
    struct tern_sock s[3];
    unsigned run = 0, longest = 0, got[3] = {0};
    uint32_t last = 0;
    r->active = true;
    for (unsigned i = 0; i < 3; i++) {
        s[i] = open_to(r, i);
        rig_conn(r)->cc.cwnd = 1 << 20;
    }
    for (unsigned i = 0; i < 3; i++) {
        r->sock = s[i];
        rig_send(r, 1448 * 60);
    }
    rig_pull(r);
    for (unsigned i = 0; i < r->n; i++) {
        run = r->out[i].out.serial == last ? run + 1 : 1;
        longest = run > longest ? run : longest;
        last = r->out[i].out.serial;
        got[last - 1]++;
    }
    assert_int_equal(longest, 16);
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(got[i], 16, 32);
}

static void test_answers_go_first(void **state)
{
    struct rig *r = *state;
    r->active = true;
    r->sock = open_to(r, 0);
    rig_send(r, 5000);
    uint16_t port = r->local.port;
    r->local.port = 999;
    rig_syn(r, SYN, seq_of(1), seq_of(0));
    r->local.port = port;
    rig_pull(r);
    assert_true(r->out[0].seg.th & RST);
}

static void test_pending(void **state)
{
    struct rig *r = *state;
    r->active = true;
    r->sock = open_to(r, 0);
    rig_pull(r);
    assert_false(tcp_tx_pending(r->t, 0));
    rig_send(r, 1);
    assert_true(tcp_tx_pending(r->t, 0));
    assert_false(tcp_tx_pending(r->t, 1));
    rig_pull(r);
    assert_false(tcp_tx_pending(r->t, 0));
}

/* Data carries the ACK that was owed [RFC9293:MUST-58]. */
static void test_ack_rides_on_data(void **state)
{
    struct rig *r = *state;
    r->active = true;
    r->sock = open_to(r, 0);
    rig_in(r, ACK, 0, 0, 100);
    assert_true(timer_on(rig_conn(r), TT_DELACK));
    rig_send(r, 10);
    struct rig_out *o = rig_one(r, ACK);
    assert_int_equal(o->seg.len, 10);
    assert_int_equal(o->seg.ack.v, rig_at(r).rcv_nxt.v);
    assert_false(timer_on(rig_conn(r), TT_DELACK));
}

static void test_idle_restart(void **state) /* [RFC5681:4.1] */
{
    struct rig *r = *state;
    r->active = true;
    r->sock = open_to(r, 0);
    struct tcp_conn *c = rig_conn(r);
    c->cc.cwnd = 50 * 1448;
    rig_send(r, 10);
    rig_pull(r);
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 10); /* not idle */
    rig_pull(r);
    rig_in(r, ACK, 0, 0, 0);
    assert_true(c->cc.cwnd >= 50 * 1448);
    rig_sleep(r, 1000);
    rig_send(r, 10);
    rig_pull(r);
    assert_int_equal(c->cc.cwnd, 10 * 1448);
    assert_int_equal(rig_count(r, CAUSE_CC_IDLE), 1);
}

/* Growth only while the window is what holds the sender back. */
static void test_cwnd_grows_when_it_is_used(void **state)
{
    struct rig *r = *state;
    r->active = true;
    r->sock = open_to(r, 0);
    struct tcp_conn *c = rig_conn(r);
    for (unsigned i = 0; i < 5; i++) { /* an application that sends a little */
        rig_send(r, 1448);
        rig_pull(r);
        rig_in(r, ACK, 0, 0, 0);
    }
    assert_int_equal(c->cc.cwnd, 10 * 1448);
    rig_send(r, 100000);
    rig_pull(r);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(c->cc.cwnd, 20 * 1448);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_turns),        RIG_TEST(test_answers_go_first),
        RIG_TEST(test_pending),      RIG_TEST(test_ack_rides_on_data),
        RIG_TEST(test_idle_restart), RIG_TEST(test_cwnd_grows_when_it_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
