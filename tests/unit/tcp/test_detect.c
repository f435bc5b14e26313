/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp/guard.h"
#include "unit/tcp/rig.h"

struct crowd {
    struct rig *r;
    uint32_t x;
};

static void send_syn(struct crowd *c, struct tern_addr a, unsigned port)
{
    struct rig *r = c->r;
    r->peer.addr = a;
    r->peer.port = (uint16_t)port;
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    while (rig_pull1(r) != NULL)
        ;
}

/* n SYNs from random sources within a second of virtual time. */
static void forge(struct crowd *c, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        c->x = c->x * 1664525u + 1013904223u;
        send_syn(
            c,
            ip((uint8_t)(11 + (c->x >> 9) % 90), (uint8_t)(c->x >> 16), (uint8_t)(c->x >> 24), 5),
            1024 + i);
        if (i % 100 == 99)
            rig_sleep(c->r, 1);
    }
}

static void second(struct rig *r)
{
    rig_sleep(r, 1000);
}

static void start(struct rig *r)
{
    rig_listen(r, 4);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS, r->now),
                     0);
}

static struct tern_syn_stats stats(struct rig *r)
{
    struct tern_syn_stats st;
    tcp_syn_stats(r->t, &st, r->now);
    return st;
}

static void test_flood_and_back(void **state)
{
    struct rig *r = *state;
    struct crowd c = {r, 1};
    struct tern_event ev;
    start(r);
    assert_int_equal(stats(r).verdict, TERN_SYN_NORMAL);
    forge(&c, 3000);
    second(r);
    struct tern_syn_stats st = stats(r);
    assert_int_equal(st.verdict, TERN_SYN_FLOOD);
    assert_int_equal(st.reasons & (TERN_SYN_RATE | TERN_SYN_UNFINISHED | TERN_SYN_SPREAD),
                     TERN_SYN_RATE | TERN_SYN_UNFINISHED | TERN_SYN_SPREAD);
    assert_true(st.entropy_mbit > 7000);
    assert_in_range(st.syns, 2500, 3000);
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.bits, TERN_EV_FLOOD);
    assert_int_equal(ev.err, TERN_SYN_FLOOD);
    assert_false(rig_event(r, &ev));
    assert_int_equal(rig_count(r, CAUSE_FLOOD_FLOOD), 1);
    for (unsigned i = 0; i < 4; i++) { /* calm, but not for long enough */
        second(r);
        assert_int_equal(stats(r).verdict, TERN_SYN_FLOOD);
    }
    second(r);
    second(r);
    assert_int_equal(stats(r).verdict, TERN_SYN_NORMAL);
    assert_int_equal(stats(r).reasons, 0);
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.err, TERN_SYN_NORMAL);
    second(r);
    assert_int_equal(tcp_deadline(r->t).ns, TERN_NEVER.ns); /* and at rest nothing ticks */
}

static void test_breathing_does_not_flap(void **state)
{
    struct rig *r = *state;
    struct crowd c = {r, 1};
    start(r);
    for (unsigned i = 0; i < 6; i++) {
        forge(&c, 2500);
        second(r);
        second(r);
        second(r);
        assert_int_equal(stats(r).verdict, TERN_SYN_FLOOD);
    }
    assert_int_equal(rig_count(r, CAUSE_FLOOD_FLOOD), 1);
    assert_int_equal(rig_count(r, CAUSE_FLOOD_NORMAL), 0);
}

static void test_suspicious(void **state)
{
    struct rig *r = *state;
    struct crowd c = {r, 1};
    start(r);
    forge(&c, 300);
    second(r);
    assert_int_equal(stats(r).verdict, TERN_SYN_SUSPICIOUS);
    assert_int_equal(stats(r).reasons & TERN_SYN_RATE, 0);
}

/* Many SYNs that become connections are business. */
static void test_honest_crowd(void **state)
{
    struct rig *r = *state;
    start(r);
    for (unsigned i = 0; i < 3000; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(1024 + i);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
        struct tcp_seg s = {.seq = sa.ack, .ack = seq_add(sa.seq, 1), .th = ACK, .wnd = 1000};
        s.opt.has_ts = true;
        s.opt.tsval = 0xfffff000;
        s.opt.tsecr = sa.opt.tsval;
        assert_int_equal(rig_seg(r, &s, 0), CAUSE_RX_SEG);
        rig_accept(r);
        tcp_abort(r->t, r->sock, r->now);
        rig_pull(r);
    }
    second(r);
    struct tern_syn_stats st = stats(r);
    assert_int_equal(st.verdict, TERN_SYN_NORMAL);
    assert_int_equal(st.syns, 3000);
    assert_int_equal(st.completed, 3000);
    assert_int_equal(st.outcome[TERN_SYN_COOKIE_VALID], 3000);
}

static void test_top_prefixes(void **state)
{
    struct rig *r = *state;
    struct crowd c = {r, 1};
    start(r);
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned k = 0; k < 60; k++)
            send_syn(&c, ip(192, 168, 7, (uint8_t)k), 2000 + i);
        forge(&c, 40);
    }
    second(r);
    struct tern_syn_stats st = stats(r);
    struct tern_addr want = ip(192, 168, 7, 0);
    assert_memory_equal(&st.top[0].prefix, &want, sizeof want);
    assert_in_range(st.top[0].syns, 1000, 1400);
    assert_true(st.reasons & TERN_SYN_CONCENTRATED);
    for (unsigned i = 1; i < st.ntop; i++)
        assert_true(st.top[i].syns <= st.top[i - 1].syns);
}

static void test_slow_flood_fills_the_table(void **state)
{
    struct rig *r = *state;
    struct crowd c = {r, 1};
    r->cfg.flood_syns_per_s = 10;
    rig_listen(r, 100);
    for (unsigned i = 0; i < 3; i++) { /* no faster than two a second */
        forge(&c, 2);
        second(r);
    }
    assert_int_equal(r->t->halves.used, 6);
    assert_true(stats(r).verdict >= TERN_SYN_SUSPICIOUS);
    assert_true(stats(r).reasons & TERN_SYN_TABLE);
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TERN_SYN_OUTCOMES; i++) {
        assert_string_not_equal(tern_syn_outcome_name(i), "unknown");
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(tern_syn_outcome_name(i), tern_syn_outcome_name(k));
    }
    for (unsigned b = 1; b <= TERN_SYN_CONCENTRATED; b <<= 1)
        assert_string_not_equal(tern_syn_reason_name(b), "unknown");
    assert_string_equal(tern_syn_verdict_name(TERN_SYN_FLOOD), "flood");
    assert_string_equal(tern_syn_verdict_name(3), "unknown");
    assert_string_equal(tern_syn_outcome_name(99), "unknown");
    assert_string_equal(tern_syn_reason_name(3), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_flood_and_back), RIG_TEST(test_breathing_does_not_flap),
        RIG_TEST(test_suspicious),     RIG_TEST(test_honest_crowd),
        RIG_TEST(test_top_prefixes),   RIG_TEST(test_slow_flood_fills_the_table),
        RIG_TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
