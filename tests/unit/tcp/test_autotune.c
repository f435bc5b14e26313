/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

#define SEG 1448u

static void begin(struct rig *r, bool active)
{
    r->cfg.autotune = true;
    r->cfg.rcvbuf = r->cfg.sndbuf = 1u << 19;
    r->active = active;
    rig_reach(r, TERN_TCP_ESTABLISHED);
}

/* Segments arrive for one round trip of 50 ms, at most as many as the window takes; all is read. */
static uint32_t round_of(struct rig *r, unsigned segments)
{
    struct tcp_conn *c = rig_conn(r);
    uint64_t before = c->bytes_rcvd;
    uint32_t echo = tsval_now(r->t, c->ts_off, r->now);
    r->now = time_add_ms(r->now, 50);
    for (unsigned i = 0; i < segments; i++) {
        if ((uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt) < SEG)
            break;
        struct tcp_seg s = {.seq = c->rcv.nxt, .ack = c->snd.nxt, .th = ACK, .wnd = r->wnd};
        s.opt.has_ts = c->ts_ok;
        s.opt.tsval = c->ts_recent;
        s.opt.tsecr = echo;
        rig_seg(r, &s, SEG);
    }
    uint32_t got = (uint32_t)(c->bytes_rcvd - before);
    tcp_tick(r->t, r->now);
    if (got != 0)
        assert_int_equal(rig_recv(r, got), got);
    rig_pull(r);
    return got;
}

static void test_begins_small(void **state)
{
    struct rig *r = *state;
    begin(r, true);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(c->rcv.limit, r->cfg.rcvbuf_init);
    assert_int_equal(c->snd.limit, r->cfg.sndbuf_init);
    /* The scale that was announced is enough for the ceiling [RFC7323:2.3]. */
    assert_true(65535u << c->rcv_ws >= r->cfg.rcvbuf);
    assert_int_equal(c->tally, 0); /* no data yet: nothing is kept */
}

/* A sender that doubles with each round trip is never held back by the window, up to the ceiling.
 */
static void test_grows_ahead(void **state)
{
    struct rig *r = *state;
    for (unsigned ts = 0; ts < 2; ts++) {
        if (ts == 1) {
            rig_stop(r);
            rig_init(r);
            rig_start(r);
        }
        r->syn_ts = ts == 1;
        begin(r, ts == 1);
        struct tcp_conn *c = rig_conn(r);
        for (unsigned n = 10; n * SEG < r->cfg.rcvbuf / 4; n *= 2)
            assert_int_equal(round_of(r, n), n * SEG);
        assert_true(c->rcv.limit > 2 * r->cfg.rcvbuf_init);
        assert_true(rig_count(r, CAUSE_TUNE_RCVBUF) > 0);
        struct tally *a = tally_of(r->t, c);
        assert_true(a->rtt_us >= 40000 && a->rtt_us <= 100000);
        for (unsigned i = 0; i < 10; i++)
            round_of(r, 400);
        assert_int_equal(c->rcv.limit, r->cfg.rcvbuf); /* the ceiling */
    }
}

/* What waits behind a hole counts as read, and takes its part of the window besides. */
static void test_holes(void **state)
{
    struct rig *r = *state;
    begin(r, true);
    struct tcp_conn *c = rig_conn(r);
    round_of(r, 10);
    round_of(r, 10);
    r->now = time_add_ms(r->now, 60);
    tcp_tick(r->t, r->now);
    for (unsigned i = 1; i < 60; i++) /* the first and the third are lost */
        if (i != 2)
            rig_in(r, ACK, (int32_t)(i * SEG), 0, SEG);
    rig_in(r, ACK, 0, 0, SEG);
    assert_int_equal(c->rcv.buf.len, 2 * SEG);
    assert_int_equal(c->rcv.ooo.count, 1);
    rig_recv(r, 2 * SEG);
    assert_true(c->rcv.limit >= 4 * 60 * SEG + 58 * SEG);
    uint32_t limit = c->rcv.limit;
    r->now = time_add_ms(r->now, 60);
    tcp_tick(r->t, r->now);
    rig_in(r, ACK, 0, 0, SEG);
    rig_recv(r, 58 * SEG);
    assert_int_equal(c->rcv.limit, limit); /* it is not counted twice */
    assert_int_equal(tally_of(r->t, c)->space, 60 * SEG);
}

static void test_slow_reader_gets_no_more(void **state)
{
    struct rig *r = *state;
    begin(r, true);
    for (unsigned i = 0; i < 40; i++)
        round_of(r, 8); /* 12 KB in a round trip: 128 KB are plenty */
    assert_int_equal(rig_conn(r)->rcv.limit, r->cfg.rcvbuf_init);
}

/* What the application has set stays, on a connection and on what a listener makes. */
static void test_explicit(void **state)
{
    struct rig *r = *state;
    r->cfg.autotune = true;
    rig_listen(r, 4);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_RCVBUF, 100000, r->now), TERN_OK);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_pull(r);
    rig_in(r, ACK, 0, 0, 0);
    rig_accept(r);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(c->rcv.limit, 100000);
    assert_false(c->rcv_tuned);
    assert_true(c->snd_tuned); /* the other one was not set */
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_SNDBUF, 1000, r->now), TERN_EINVAL);
    assert_true(c->snd_tuned);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_SNDBUF, 50000, r->now), TERN_OK);
    assert_false(c->snd_tuned);
    for (unsigned n = 10; n < 80; n *= 2)
        round_of(r, n);
    assert_int_equal(c->rcv.limit, 100000);
}

static void test_switched_off(void **state)
{
    struct rig *r = *state;
    r->active = true; /* rig_init() says autotune = false */
    rig_reach(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(rig_conn(r)->rcv.limit, r->cfg.rcvbuf);
    assert_int_equal(rig_conn(r)->snd.limit, r->cfg.sndbuf);
}

/* No growth while the arena is half full; from three quarters on the limit falls back. */
static void test_pressure(void **state)
{
    struct rig *r = *state;
    begin(r, true);
    struct tcp_conn *c = rig_conn(r);
    round_of(r, 10);
    void *half = buddy_take(&r->arena, RIG_ARENA / 2);
    void *more = buddy_take(&r->arena, RIG_ARENA / 16);
    assert_true(half != NULL && more != NULL);
    for (unsigned i = 0; i < 4; i++)
        round_of(r, 80);
    assert_int_equal(c->rcv.limit, r->cfg.rcvbuf_init);
    buddy_give(&r->arena, more, RIG_ARENA / 16);
    buddy_give(&r->arena, half, RIG_ARENA / 2);
    for (unsigned i = 0; i < 4; i++)
        round_of(r, 88);
    uint32_t large = c->rcv.limit;
    assert_true(large > r->cfg.rcvbuf_init);
    half = buddy_take(&r->arena, RIG_ARENA / 2);
    void *quarter = buddy_take(&r->arena, RIG_ARENA / 4);
    more = buddy_take(&r->arena, RIG_ARENA / 16);
    assert_true(half != NULL && quarter != NULL && more != NULL);
    for (unsigned i = 0; i < 6; i++)
        round_of(r, 4);
    assert_int_equal(c->rcv.limit, r->cfg.rcvbuf_init);
}

/* Four times cwnd, up to the ceiling. */
static void test_send_follows_cwnd(void **state)
{
    struct rig *r = *state;
    begin(r, true);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(rig_send(r, 1 << 20), r->cfg.sndbuf_init);
    uint32_t was = c->snd.limit;
    for (unsigned i = 0; i < 12; i++) {
        rig_pull(r);
        r->now = time_add_ms(r->now, 20);
        rig_in(r, ACK, 0, 0, 0);
        assert_true(c->snd.limit >= was);
        was = c->snd.limit;
        rig_send(r, 1 << 20);
    }
    assert_true(c->snd.limit >= 4 * c->cc.cwnd || c->snd.limit == r->cfg.sndbuf ||
                r->arena.used > r->arena.total / 2);
    assert_true(c->snd.limit > r->cfg.sndbuf_init);
    assert_true(rig_count(r, CAUSE_TUNE_SNDBUF) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_begins_small), RIG_TEST(test_grows_ahead),
        RIG_TEST(test_holes),        RIG_TEST(test_slow_reader_gets_no_more),
        RIG_TEST(test_explicit),     RIG_TEST(test_switched_off),
        RIG_TEST(test_pressure),     RIG_TEST(test_send_follows_cwnd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
