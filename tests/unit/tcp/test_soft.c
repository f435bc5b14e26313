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

static int64_t told(struct rig *r)
{
    int64_t v = -1;
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_SOFT_ERROR, &v), TERN_OK);
    return v;
}

static void reports(struct rig *r, int64_t on)
{
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_ERROR_REPORTS, on, r->now), TERN_OK);
}

static void icmp(struct rig *r, int err)
{
    tcp_icmp(r->t, &r->local, &r->peer, rig_at(r).snd_una.v, err, false, 0, r->now);
}

static void test_icmp_is_told(void **state) /* [RFC9293:MUST-47] [RFC9293:SHLD-25] */
{
    struct rig *r = *state;
    reports(r, 1);
    rig_send(r, 10);
    rig_pull(r);
    assert_int_equal(told(r), 0);
    icmp(r, TERN_EHOSTUNREACH);
    assert_int_equal(rig_events(r), TERN_EV_SOFT_ERROR);
    assert_int_equal(told(r), -TERN_EHOSTUNREACH);
    assert_int_equal(told(r), 0); /* once */
    tcp_unreachable(r->t, &r->peer.addr, r->now);
    assert_int_equal(rig_events(r), TERN_EV_SOFT_ERROR);
    assert_int_equal(told(r), -TERN_EHOSTUNREACH);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(rig_send(r, 10), 10); /* and no call fails for it */
}

static void test_nobody_is_disturbed(void **state) /* [RFC9293:SHLD-20] */
{
    struct rig *r = *state;
    int64_t v;
    rig_send(r, 10);
    rig_pull(r);
    icmp(r, TERN_EHOSTUNREACH); /* off by default */
    assert_int_equal(rig_events(r), 0);
    reports(r, 1);
    reports(r, 0);
    icmp(r, TERN_ENETUNREACH);
    assert_int_equal(rig_events(r), 0);
    assert_int_equal(told(r), -TERN_ENETUNREACH); /* who asks is answered */
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_ERROR_REPORTS, 2, r->now), TERN_EINVAL);
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_ERROR_REPORTS, &v), TERN_OK);
    assert_int_equal(v, 0);
}

/* [RFC9293:MUST-47] [RFC9293:SHLD-9] [RFC9293:MUST-20] At R1 the application hears of it, and what
 * is sent from then on says that the next hop may be dead. */
static void test_r1(void **state)
{
    struct rig *r = *state;
    reports(r, 1);
    rig_send(r, 10);
    rig_pull(r);
    assert_int_equal(r->cfg.r1_retries, 3);
    for (unsigned i = 1; i <= 5; i++) {
        while (rig_pull(r) == 0 || r->out[0].out.cause == CAUSE_TX_REXMT_TLP)
            rig_next(r, 10000);
        assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_RTO);
        assert_int_equal(r->out[0].out.suspect, i >= 3);
        assert_int_equal(rig_events(r), i == 3 ? TERN_EV_SOFT_ERROR : 0);
    }
    assert_int_equal(told(r), -TERN_ETIMEDOUT);
    rig_in(r, ACK, 0, 0, 0); /* the way works again */
    rig_send(r, 10);
    assert_false(rig_one(r, ACK)->out.suspect);
}

static void test_r1_of_a_syn(void **state) /* [RFC9293:MUST-22] [RFC9293:SHLD-9] */
{
    struct rig *r = *state;
    r->peer.port = r->tuple.rport = RIG_PEER + 1;
    assert_int_equal(rig_connect(r), TERN_OK);
    reports(r, 1);
    rig_run(r, 6000); /* SYNs at 0, 1 and 3 s */
    assert_int_equal(rig_events(r), 0);
    rig_run(r, 2000); /* and at 7 s */
    assert_int_equal(rig_events(r), TERN_EV_SOFT_ERROR);
    assert_true(r->out[r->n - 1].out.suspect);
    rig_in_state(r, TERN_TCP_SYN_SENT);
}

/* Should it end after all, the reason is the last thing that was heard. */
static void test_reason_of_the_end(void **state)
{
    struct rig *r = *state;
    rig_send(r, 10);
    rig_pull(r);
    rig_run(r, 10000); /* beyond R1 */
    icmp(r, TERN_EHOSTUNREACH);
    rig_run(r, 3000000);
    assert_int_equal(rig_recv(r, 1), TERN_EHOSTUNREACH);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_icmp_is_told), T(test_nobody_is_disturbed), T(test_r1),
        T(test_r1_of_a_syn),  T(test_reason_of_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
