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
    return 0;
}

static void test_table_6(void **state) /* [RFC9293:3.10.7.4] */
{
    (void)state;
    struct seq n = seq_of(0xfffffff0);
    assert_true(in_acceptable(n, 0, n, 0));
    assert_false(in_acceptable(seq_add(n, 1), 0, n, 0));
    assert_false(in_acceptable(n, 1, n, 0));
    assert_true(in_acceptable(n, 0, n, 32));
    assert_true(in_acceptable(seq_add(n, 31), 0, n, 32));
    assert_false(in_acceptable(seq_add(n, 32), 0, n, 32));
    assert_false(in_acceptable(seq_sub(n, 1), 0, n, 32));
    assert_true(in_acceptable(seq_sub(n, 5), 6, n, 32)); /* the last octet is in */
    assert_false(in_acceptable(seq_sub(n, 5), 5, n, 32));
    assert_true(in_acceptable(seq_add(n, 31), 500, n, 32));
    assert_false(in_acceptable(seq_add(n, 32), 500, n, 32));
}

/* [RFC5961:7] ten a second, each connection by itself. */
static void test_challenge_limit(void **state)
{
    struct rig *r = *state;
    unsigned sent = 0;
    for (unsigned i = 0; i < 100; i++) {
        rig_in(r, RST, 10, 0, 0);
        sent += rig_pull(r);
    }
    assert_int_equal(sent, r->cfg.challenge_per_s);
    assert_int_equal(rig_count(r, CAUSE_DROP_CHALLENGE_LIMIT), 90);
    rig_sleep(r, 1000);
    rig_in(r, RST, 10, 0, 0);
    assert_int_equal(rig_pull(r), 1);
}

static void test_challenge_limit_is_not_shared(void **state) /* CVE-2016-5696 */
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 50; i++) {
        rig_in(r, SYN, 10, 0, 0);
        rig_pull(r);
    }
    r->peer.port = r->tuple.rport = RIG_PEER + 1;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, RST, 10, 0, 0);
    rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
}

static void test_paws(void **state) /* [RFC7323:5.3] [RFC7323:5.2#1] */
{
    struct rig *r = *state;
    r->now = time_add_ms(r->now, 100);
    rig_in(r, ACK, 0, 0, 10);
    rig_run(r, 100);
    r->ts_skew = -201;
    assert_int_equal(rig_in(r, ACK, 0, 0, 10), CAUSE_DROP_PAWS);
    rig_ack(r, CAUSE_TX_ACK_PAWS);
    r->ts_skew = -100; /* equal is not older */
    assert_int_equal(rig_in(r, ACK, 0, 0, 10), CAUSE_RX_SEG);
    r->ts_skew = -100000; /* not for RST */
    rig_in(r, RST, 0, 0, 0);
    rig_in_state(r, TERN_TCP_CLOSED);
}

static void test_paws_after_long_idleness(void **state) /* [RFC7323:5.5] */
{
    struct rig *r = *state;
    for (unsigned day = 0; day < 25; day++)
        rig_sleep(r, 24ll * 3600 * 1000);
    r->ts_skew = INT32_MIN; /* its clock has gone half round: looks old */
    assert_int_equal(rig_in(r, ACK, 0, 0, 10), CAUSE_RX_SEG);
}

static void test_missing_timestamp(void **state) /* [RFC7323:3.2] [RFC7323:3.2#2] */
{
    struct rig *r = *state;
    r->no_ts = true;
    assert_int_equal(rig_in(r, ACK, 0, 0, 10), CAUSE_DROP_NO_TIMESTAMP);
    rig_silent(r);
    rig_in(r, RST, 0, 0, 0); /* a RST has none */
    rig_in_state(r, TERN_TCP_CLOSED);
}

/* Figure 7, in SYN-RECEIVED after a simultaneous open, each of the four segments lost once. */
static void test_crossing_syn_ack(void **state)
{
    struct rig *r = *state;
    for (unsigned lost = 0; lost < 4; lost++) {
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        r->active = true;
        rig_reach(r, TERN_TCP_SYN_SENT);
        struct seq iss = rig_conn(r)->snd.iss;
        if (lost == 0) { /* our SYN: the peer is just opening */
            rig_run(r, 1100);
            assert_int_equal(r->n, 1);
        }
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        if (lost == 1) /* its SYN, which it repeats */
            rig_syn(r, SYN, r->peer_iss, seq_of(0));
        assert_true(rig_pull(r) >= 1);
        assert_int_equal(r->out[0].seg.th, SYN | ACK);
        if (lost == 2) { /* our SYN-ACK */
            rig_run(r, 1100);
            assert_int_equal(r->n, 1);
            assert_int_equal(r->out[0].seg.th, SYN | ACK);
        }
        if (lost == 3) { /* its SYN-ACK: its plain ACK serves as well */
            rig_in(r, ACK, 0, 0, 0);
        } else {
            rig_syn(r, SYN | ACK, r->peer_iss, seq_add(iss, 1));
        }
        rig_in_state(r, TERN_TCP_ESTABLISHED);
        rig_silent(r);
        assert_true(rig_events(r) & TERN_EV_CONNECTED);
        rig_in(r, ACK, 0, 0, 10);
        assert_int_equal(rig_recv(r, 100), 10);
        rig_send(r, 10);
        assert_true(rig_pull(r) >= 1);
    }
}

/* A SYN-ACK with text, FIN and all that stands one below RCV.NXT counts as an ACK only. */
static void test_crossing_syn_ack_is_an_ack(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    rig_start(r);
    r->active = true;
    rig_reach(r, TERN_TCP_SYN_RECEIVED);
    struct tcp_seg s = {
        .seq = r->peer_iss, .ack = rig_at(r).snd_nxt, .th = SYN | ACK | FIN, .wnd = 1000};
    s.opt.has_ts = true;
    s.opt.tsval = rig_at(r).ts_recent;
    rig_seg(r, &s, 20);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(rig_at(r).rcv_nxt.v, r->peer_iss.v + 1);
}

static void test_plain_rfc793_reactions(void **state) /* with rfc5961 off */
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.rfc5961 = false;
    rig_start(r);
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, RST, 100, 0, 0); /* anywhere in the window */
    rig_in_state(r, TERN_TCP_CLOSED);
}

static void test_keepalive_probe_is_answered(void **state)
{
    struct rig *r = *state;
    rig_in(r, ACK, -1, 0, 0);
    rig_ack(r, CAUSE_TX_ACK_KEEPALIVE);
    rig_in(r, ACK, -1, 0, 1); /* with one garbage octet */
    rig_ack(r, CAUSE_TX_ACK_KEEPALIVE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_table_6),
        T(test_challenge_limit),
        T(test_challenge_limit_is_not_shared),
        T(test_paws),
        T(test_paws_after_long_idleness),
        T(test_missing_timestamp),
        T(test_crossing_syn_ack),
        T(test_crossing_syn_ack_is_an_ack),
        T(test_plain_rfc793_reactions),
        T(test_keepalive_probe_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
