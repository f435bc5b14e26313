/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void established(struct rig *r)
{
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
}

static int64_t set(struct rig *r, enum tern_opt opt, int64_t v)
{
    return tcp_setopt(r->t, r->sock, opt, v, r->now);
}

/* Restarted by each ACK of new data, stopped by the last [RFC6298:5.1] [RFC6298:5.2] [RFC6298:5.3].
 */
static void test_rexmt_runs_while_something_is_out(void **state) /* [RFC6298:5] */
{
    struct rig *r = *state;
    established(r);
    struct tcp_conn *c = rig_conn(r);
    assert_false(timer_on(c, TT_REXMT));
    rig_send(r, 2000);
    rig_pull(r);
    int64_t due = c->timer_ns[TT_REXMT];
    assert_int_equal(due - r->now.ns, c->rtt.rto_us * 1000ll);
    rig_sleep(r, 50);
    rig_in(r, ACK, 0, -1000, 0);
    assert_true(c->timer_ns[TT_REXMT] > due);
    due = c->timer_ns[TT_REXMT];
    rig_sleep(r, 50);
    rig_in(r, ACK, 0, -1000, 0); /* a duplicate does not restart it */
    assert_int_equal(c->timer_ns[TT_REXMT], due);
    rig_in(r, ACK, 0, 0, 0);
    assert_false(timer_on(c, TT_REXMT));
}

/* [RFC9293:MUST-24] [RFC9293:MUST-25] [RFC9293:MUST-27..29] [RFC9293:MAY-5] */
static void test_keepalive(void **state)
{
    struct rig *r = *state;
    established(r);
    struct tcp_conn *c = rig_conn(r);
    assert_false(c->keepalive); /* off by default */
    assert_int_equal(r->cfg.keep_idle_ms, 7200000);
    rig_run(r, 8000000);
    assert_int_equal(r->n, 0);
    assert_int_equal(set(r, TERN_OPT_KEEPALIVE, 1), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_KEEPIDLE_MS, 10000), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_KEEPINTVL_MS, 1000), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_KEEPCNT, 3), TERN_OK);
    rig_in(r, ACK, 0, 0, 0);
    rig_run(r, 9990);
    assert_int_equal(r->n, 0);
    rig_run(r, 20);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.seq.v, c->snd.nxt.v - 1);
    assert_int_equal(r->out[0].seg.len, 0); /* [RFC9293:SHLD-12] */
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_PROBE_KEEPALIVE);
    rig_in(r, ACK, 0, 0, 0); /* answered: all begins anew */
    rig_run(r, 9900);
    assert_int_equal(r->n, 0);
    rig_run(r, 3150); /* three probes go unanswered, and the interval after the last */
    assert_int_equal(r->n, 4);
    assert_true(r->out[3].seg.th & RST);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
}

static void test_keepalive_waits_for_data(void **state) /* [RFC9293:MUST-26] */
{
    struct rig *r = *state;
    established(r);
    set(r, TERN_OPT_KEEPALIVE, 1);
    set(r, TERN_OPT_KEEPIDLE_MS, 1000);
    rig_send(r, 10);
    rig_run(r, 20000);
    for (unsigned i = 0; i < r->n; i++)
        assert_int_not_equal(r->out[i].out.cause, CAUSE_TX_PROBE_KEEPALIVE);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* [RFC5482:3] counts from the first sending, not from the last retransmission. */
static void test_user_timeout(void **state)
{
    struct rig *r = *state;
    established(r);
    assert_int_equal(set(r, TERN_OPT_USER_TIMEOUT_MS, 5000), TERN_OK);
    rig_send(r, 10);
    rig_run(r, 4900);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_true(r->n >= 4);
    rig_run(r, 200);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
}

static void test_user_timeout_is_put_off_by_progress(void **state)
{
    struct rig *r = *state;
    established(r);
    set(r, TERN_OPT_USER_TIMEOUT_MS, 5000);
    rig_send(r, 1000);
    rig_run(r, 4000);
    rig_in(r, ACK, 0, -500, 0);
    rig_run(r, 4000);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_run(r, 10000);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

static void test_user_timeout_of_a_syn(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_connect(r), TERN_OK);
    set(r, TERN_OPT_USER_TIMEOUT_MS, 4000);
    rig_run(r, 3900);
    rig_in_state(r, TERN_TCP_SYN_SENT);
    rig_run(r, 200);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
}

/* An orphan does not wait for R2 of a living application. */
static void test_orphan_gives_up_sooner(void **state)
{
    struct rig *r = *state;
    established(r);
    rig_send(r, 10);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_run(r, 120000);
    rig_empty(r);
}

/* [RFC6429:4] after close() a shut window is not endured for ever, though its probes are answered.
 */
static void test_orphan_behind_a_shut_window(void **state)
{
    struct rig *r = *state;
    established(r);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 100);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_silent(r);
    bool reset = false;
    for (unsigned i = 0; i < 100 && !reset; i++) {
        rig_next(r, 60000);
        rig_pull(r);
        for (unsigned k = 0; k < r->n; k++)
            reset |= r->out[k].seg.th & RST;
        if (!reset)
            rig_in(r, ACK, 0, seq_diff(rig_at(r).snd_una, rig_at(r).snd_nxt), 0);
        assert_true(r->now.ns < ms(5000 + 300000).ns);
    }
    assert_true(reset);
    assert_true(r->now.ns >= ms(5000 + 120000).ns);
    rig_empty(r);
}

/* Probes that nobody answers end the connection as R2 does. */
static void test_probes_unanswered(void **state)
{
    struct rig *r = *state;
    established(r);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 100);
    rig_run(r, 3000000);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
}

static void test_soft_error_is_the_reason(void **state) /* [RFC9293:MUST-56] */
{
    struct rig *r = *state;
    established(r);
    rig_send(r, 10);
    rig_pull(r);
    tcp_icmp(r->t, &r->local, &r->peer, rig_at(r).snd_una.v, TERN_EHOSTUNREACH, false, 0, r->now);
    rig_run(r, 3000000);
    assert_int_equal(rig_recv(r, 1), TERN_EHOSTUNREACH);
}

static void test_delack(void **state) /* [RFC9293:SHLD-18] [RFC9293:MUST-40] [RFC5681:4.2#1] */
{
    struct rig *r = *state;
    established(r);
    rig_in(r, ACK, 0, 0, 10);
    rig_silent(r);
    rig_run(r, 39);
    assert_int_equal(r->n, 0);
    rig_in(r, ACK, 0, 0, 10); /* does not put it off */
    rig_run(r, 2);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_ACK_DELAYED);
    rig_in(r, ACK, 0, 0, 10);
    rig_send(r, 10); /* company */
    assert_int_equal(rig_pull(r), 1);
    assert_int_equal(r->out[0].seg.len, 10);
    assert_false(timer_on(rig_conn(r), TT_DELACK));
}

/* The wheel's node follows the nearest timer, and dead connections leave none behind. */
static void test_deadline(void **state)
{
    struct rig *r = *state;
    established(r);
    rig_sleep(r, 2000);
    assert_int_equal(tcp_deadline(r->t).ns, TERN_NEVER.ns);
    rig_send(r, 10);
    rig_pull(r);
    assert_true(tcp_deadline(r->t).ns <= r->now.ns + 201000000);
    tcp_abort(r->t, r->sock, r->now);
    rig_pull(r);
    rig_empty(r);
}

/* TCP_USER_TIMEOUT as Linux has it: an open SYN, a shut window that is answered, a silent peer. */
static void test_user_timeout_in_syn_sent(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_SYN_SENT);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_USER_TIMEOUT_MS, 5000, r->now), TERN_OK);
    rig_run(r, 4900);
    rig_in_state(r, TERN_TCP_SYN_SENT);
    rig_run(r, 200);
    rig_in_state(r, TERN_TCP_CLOSED);
    assert_int_equal(rig_count(r, CAUSE_ST_USER_TIMEOUT), 1);
}

static void test_user_timeout_of_a_shut_window(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_USER_TIMEOUT_MS, 8000, r->now), TERN_OK);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_send(r, 100), 100);
    unsigned answered = 0;
    for (unsigned ms = 0; ms < 60000 && rig_find(r) != NULL; ms += 100) {
        rig_run(r, 100);
        if (r->n != 0 && rig_find(r) != NULL) { /* the probe's octet is refused */
            rig_in(r, ACK, 0, -1, 0);
            answered++;
        }
        if (ms < 7000)
            assert_non_null(rig_find(r));
    }
    assert_null(rig_find(r));
    assert_true(answered >= 3);
    assert_int_equal(rig_count(r, CAUSE_ST_USER_TIMEOUT), 1);
}

static void test_user_timeout_of_keepalive(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_KEEPIDLE_MS, 1000, r->now), TERN_OK);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_KEEPINTVL_MS, 1000, r->now), TERN_OK);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_USER_TIMEOUT_MS, 3500, r->now), TERN_OK);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_KEEPALIVE, 1, r->now), TERN_OK);
    rig_run(r, 3400);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    rig_run(r, 700); /* the fourth probe would have gone at 4 s; nine were allowed */
    assert_null(rig_find(r));
    assert_int_equal(rig_count(r, CAUSE_ST_KEEPALIVE_DEAD), 1);
}

/* [RFC9293:MUST-21] The application's own limit governs alone: R2 (15 retransmissions, some 15
 * minutes here) neither ends such a connection sooner ... */
static void test_user_timeout_longer_than_r2(void **state)
{
    struct rig *r = *state;
    established(r);
    assert_int_equal(set(r, TERN_OPT_USER_TIMEOUT_MS, 3600000), TERN_OK);
    rig_send(r, 10);
    rig_run(r, 3590000);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_true(rig_conn(r)->rexmts > r->cfg.r2_retries);
    rig_run(r, 20000);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
    assert_int_equal(rig_count(r, CAUSE_ST_USER_TIMEOUT), 1);
}

/* ... [RFC9293:MUST-21] nor later, and -1 takes the limit away: the user decides when to hang up.
 */
static void test_user_timeout_none(void **state)
{
    struct rig *r = *state;
    established(r);
    assert_int_equal(set(r, TERN_OPT_USER_TIMEOUT_MS, -1), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_USER_TIMEOUT_MS, -2), TERN_EINVAL);
    rig_send(r, 10);
    rig_run(r, 48 * 3600000ll); /* more than 255 retransmissions */
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_false(timer_on(rig_conn(r), TT_USER));
    assert_true(timer_on(rig_conn(r), TT_REXMT));
    /* R2 again: it has been reached long since */
    assert_int_equal(set(r, TERN_OPT_USER_TIMEOUT_MS, 0), TERN_OK);
    rig_run(r, 121000);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
    assert_int_equal(rig_count(r, CAUSE_ST_R2), 1);
}

/* Nobody is left to give up a connection that is closed: R2 does. */
static void test_user_timeout_of_an_orphan(void **state)
{
    struct rig *r = *state;
    established(r);
    assert_int_equal(set(r, TERN_OPT_USER_TIMEOUT_MS, -1), TERN_OK);
    rig_send(r, 10);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_run(r, 600000);
    assert_null(rig_find(r));
    assert_int_equal(rig_count(r, CAUSE_ST_R2), 1);
}

static void test_user_timeout_of_unanswered_probes(void **state)
{
    struct rig *r = *state;
    established(r);
    assert_int_equal(set(r, TERN_OPT_USER_TIMEOUT_MS, -1), TERN_OK);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 100);
    rig_run(r, 24 * 3600000ll);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(rig_conn(r)->rexmts, 255);
}

/* [RFC9293:MUST-21] R2 of a SYN is a number of its own, and may be infinite too. */
static void test_syn_count_none(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_connect(r), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_SYN_COUNT, 0), TERN_EINVAL);
    assert_int_equal(set(r, TERN_OPT_SYN_COUNT, 128), TERN_EINVAL);
    assert_int_equal(set(r, TERN_OPT_SYN_COUNT, -1), TERN_OK);
    int64_t v = 0;
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_SYN_COUNT, &v), TERN_OK);
    assert_int_equal(v, -1);
    rig_run(r, 24 * 3600000ll);
    rig_in_state(r, TERN_TCP_SYN_SENT);
    rig_syn(r, SYN | ACK, r->peer_iss, rig_conn(r)->snd.nxt);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_user_timeout_in_syn_sent),
        RIG_TEST(test_user_timeout_of_a_shut_window),
        RIG_TEST(test_user_timeout_of_keepalive),
        RIG_TEST(test_user_timeout_longer_than_r2),
        RIG_TEST(test_user_timeout_none),
        RIG_TEST(test_user_timeout_of_an_orphan),
        RIG_TEST(test_user_timeout_of_unanswered_probes),
        RIG_TEST(test_syn_count_none),
        RIG_TEST(test_rexmt_runs_while_something_is_out),
        RIG_TEST(test_keepalive),
        RIG_TEST(test_keepalive_waits_for_data),
        RIG_TEST(test_user_timeout),
        RIG_TEST(test_user_timeout_is_put_off_by_progress),
        RIG_TEST(test_user_timeout_of_a_syn),
        RIG_TEST(test_orphan_gives_up_sooner),
        RIG_TEST(test_orphan_behind_a_shut_window),
        RIG_TEST(test_probes_unanswered),
        RIG_TEST(test_soft_error_is_the_reason),
        RIG_TEST(test_delack),
        RIG_TEST(test_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
