/* SPDX-License-Identifier: BSD-2-Clause */
/* Habits of profiles in what they refuse and offer: each as linux has it, and as it is without. */
#include "unit/tcp/rig.h"

static void use(struct rig *r, enum tern_profile profile)
{
    rig_stop(r);
    rig_init(r);
    tern_config_profile(&r->cfg, profile);
    r->cfg.sndbuf = r->cfg.rcvbuf = 1u << 18; /* the bench's arena is small */
    r->cfg.sndbuf_init = r->cfg.rcvbuf_init = 1u << 17;
    rig_start(r);
}

/* Data for which there is no reader any more: RST, with the segment's own numbers or with ours. */
static void test_reset_after_close(void **state)
{
    struct rig *r = *state;
    for (unsigned linux = 0; linux < 2; linux++) {
        use(r, linux ? TERN_PROFILE_LINUX : TERN_PROFILE_TERN);
        rig_reach(r, TERN_TCP_ESTABLISHED);
        struct seq nxt = rig_at(r).snd_nxt;
        assert_int_equal(tcp_close(r->t, r->sock, r->now), 0);
        (void)rig_one(r, FIN | ACK);
        rig_in(r, ACK, 0, -1, 10); /* the FIN is not acknowledged by it */
        const struct rig_out *o = rig_one(r, linux ? RST : RST | ACK);
        assert_int_equal(o->seg.seq.v, linux ? nxt.v : seq_add(nxt, 1).v);
        assert_int_equal(rig_state(r), TERN_TCP_CLOSED);
    }
}

static unsigned unreachable(struct rig *r, struct seq quoted)
{
    return tcp_icmp(r->t, &r->local, &r->peer, quoted.v, TERN_EHOSTUNREACH, false, 0, r->now);
}

/* A half-open connection outlives ICMP errors [RFC9293:MUST-56], but not in every system. */
static void test_icmp_for_a_half_open_one(void **state)
{
    struct rig *r = *state;
    for (unsigned linux = 0; linux < 2; linux++) {
        use(r, linux ? TERN_PROFILE_LINUX : TERN_PROFILE_TERN);
        rig_reach(r, TERN_TCP_SYN_RECEIVED);
        struct seq iss = rig_half(r)->iss;
        assert_int_equal(unreachable(r, seq_add(iss, 5)), CAUSE_DROP_ICMP_NO_MATCH);
        assert_int_equal(rig_state(r), TERN_TCP_SYN_RECEIVED);
        assert_int_equal(unreachable(r, iss),
                         linux ? CAUSE_DROP_ICMP_TAKEN : CAUSE_DROP_ICMP_NO_MATCH);
        assert_int_equal(rig_state(r), linux ? TERN_TCP_LISTEN : TERN_TCP_SYN_RECEIVED);
    }
}

/* A SYN-ACK that echoes a timestamp which our SYN did not have. */
static void test_a_false_echo(void **state)
{
    struct rig *r = *state;
    for (unsigned linux = 0; linux < 2; linux++) {
        use(r, linux ? TERN_PROFILE_LINUX : TERN_PROFILE_TERN);
        assert_int_equal(rig_connect(r), 0);
        const struct rig_out *o = rig_one(r, SYN);
        struct tcp_seg s = {.seq = r->peer_iss,
                            .ack = seq_add(o->seg.seq, 1),
                            .sport = o->seg.dport,
                            .dport = o->seg.sport,
                            .wnd = 1000,
                            .th = SYN | ACK,
                            .opt = {.has_ts = true, .tsval = 5, .tsecr = o->seg.opt.tsval + 9999}};
        rig_seg(r, &s, 0);
        o = rig_one(r, linux ? RST : ACK);
        assert_int_equal(o->seg.seq.v, s.ack.v);
        assert_int_equal(rig_state(r), linux ? TERN_TCP_SYN_SENT : TERN_TCP_ESTABLISHED);
    }
}

/* 64 KB at first, and twice what came in more. */
static void test_a_window_that_grows(void **state)
{
    struct rig *r = *state;
    uint32_t first[2];
    for (unsigned linux = 0; linux < 2; linux++) {
        use(r, linux ? TERN_PROFILE_LINUX : TERN_PROFILE_TERN);
        r->syn_ws = true;
        rig_reach(r, TERN_TCP_ESTABLISHED);
        rig_in(r, ACK, 0, 0, 100);
        rig_recv(r, 100);
        first[linux] = window_offer(r->t, rig_conn(r));
    }
    assert_true(first[0] > 100000);
    assert_true(first[1] <= 65536 && first[1] > 65000);
    for (unsigned i = 0; i < 20; i++) {
        rig_in(r, ACK | PSH, 0, 0, 1000);
        rig_recv(r, 1000);
        rig_pull(r);
    }
    assert_true(window_offer(r->t, rig_conn(r)) > 100000);
}

/* The path's MTU is known to be small: so says the next SYN. */
static void test_mss_of_the_path(void **state)
{
    struct rig *r = *state;
    for (unsigned linux = 0; linux < 2; linux++) {
        use(r, linux ? TERN_PROFILE_LINUX : TERN_PROFILE_TERN);
        assert_int_equal(rig_connect(r), 0);
        uint16_t mss = rig_one(r, SYN)->seg.opt.mss;
        pmtu_remember(r->t, rig_conn(r), 800, 800, r->now);
        assert_int_equal(tcp_abort(r->t, r->sock, r->now), 0);
        rig_pull(r);
        assert_int_equal(rig_connect(r), 0);
        assert_int_equal(rig_one(r, SYN)->seg.opt.mss, linux ? 760 : mss);
        tcp_forget_paths(r->t);
        assert_int_equal(tcp_abort(r->t, r->sock, r->now), 0);
        rig_pull(r);
        assert_int_equal(rig_connect(r), 0);
        assert_int_equal(rig_one(r, SYN)->seg.opt.mss, mss);
    }
}

/* What waited for the SYN-ACK is its answer: the connection is interactive from the start. */
static void test_an_answer_that_waited(void **state)
{
    struct rig *r = *state;
    for (unsigned waits = 0; waits < 2; waits++) {
        use(r, TERN_PROFILE_LINUX);
        assert_int_equal(rig_connect(r), 0);
        struct seq iss = rig_one(r, SYN)->seg.seq;
        if (waits)
            assert_int_equal(rig_send(r, 100), 100);
        rig_syn(r, SYN | ACK, r->peer_iss, seq_add(iss, 1));
        assert_int_equal(rig_one(r, ACK)->seg.len, waits ? 100 : 0);
        if (!waits) {
            assert_int_equal(rig_send(r, 100), 100);
            (void)rig_one(r, ACK);
        }
        rig_in(r, ACK | PSH, 0, 0, 100);
        rig_pull(r);
        assert_int_equal(r->n, waits ? 0 : 1); /* delayed, or acknowledged at once */
    }
}

/* Routers may cut what is sent if the application wants that. */
static void test_may_fragment(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_send(r, 10);
    assert_false(rig_one(r, ACK)->out.may_fragment);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_MAY_FRAGMENT, 1, r->now), 0);
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 10);
    assert_true(rig_one(r, ACK)->out.may_fragment);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_MAY_FRAGMENT, 2, r->now), TERN_EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_reset_after_close), T(test_icmp_for_a_half_open_one),
        T(test_a_false_echo),      T(test_a_window_that_grows),
        T(test_mss_of_the_path),   T(test_an_answer_that_waited),
        T(test_may_fragment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
