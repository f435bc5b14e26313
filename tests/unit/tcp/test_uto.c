/* SPDX-License-Identifier: BSD-2-Clause */
/* The user timeout option, RFC 5482. (The application's own limit: test_timer.c.) */
#include "unit/tcp/rig.h"

#define MINUTES TCP_UTO_MINUTES

static int64_t get(struct rig *r, enum tern_opt opt)
{
    int64_t v = -7;
    assert_int_equal(tcp_getopt(r->t, r->sock, opt, &v), TERN_OK);
    return v;
}

static int set(struct rig *r, enum tern_opt opt, int64_t v)
{
    return tcp_setopt(r->t, r->sock, opt, v, r->now);
}

/* An active open that advertises adv_s; the peer's SYN-ACK says `said`. */
static void opened(struct rig *r, int64_t adv_s, uint16_t said)
{
    assert_int_equal(rig_connect(r), TERN_OK);
    if (adv_s >= 0)
        assert_int_equal(set(r, TERN_OPT_UTO_S, adv_s), TERN_OK);
    rig_pull(r);
    r->uto = said;
    rig_syn(r, SYN | ACK, r->peer_iss, rig_conn(r)->snd.nxt);
    r->uto = 0;
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* Without being asked for it is neither sent nor heeded. */
static void test_off(void **state)
{
    struct rig *r = *state;
    assert_int_equal(r->cfg.uto_s, 0);
    assert_int_equal(rig_connect(r), TERN_OK);
    assert_int_equal(rig_one(r, SYN)->seg.opt.uto, 0);
    r->uto = 600;
    rig_syn(r, SYN | ACK, r->peer_iss, rig_conn(r)->snd.nxt);
    assert_int_equal(rig_one(r, ACK)->seg.opt.uto, 0);
    assert_int_equal(set(r, TERN_OPT_KEEPIDLE_MS, 7200000), TERN_OK); /* it has a record */
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(get(r, TERN_OPT_UTO_ADOPTED_MS), 0);
    assert_int_equal(rig_conn(r)->timer_ns[TT_USER], 0);
}

/* On each SYN, and once on a segment that is none. */
static void test_sent(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_connect(r), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_UTO_S, 300), TERN_OK);
    struct rig_out *o = rig_one(r, SYN);
    assert_int_equal(o->seg.opt.uto, 300);
    assert_true(o->seg.opt.has_mss && o->seg.opt.has_ts && o->seg.opt.has_ws);
    rig_sleep(r, 1010);
    assert_int_equal(rig_one(r, SYN)->seg.opt.uto, 300);
    rig_syn(r, SYN | ACK, r->peer_iss, rig_conn(r)->snd.nxt);
    assert_int_equal(rig_one(r, ACK)->seg.opt.uto, 300);
    rig_send(r, 100);
    assert_int_equal(rig_one(r, ACK)->seg.opt.uto, 0);
}

/* Seconds as far as they go, then minutes [RFC5482:3]. */
static void test_granularity(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint32_t s;
        uint16_t wire;
    } as[] = {{1, 1},
              {32767, 32767},
              {32768, MINUTES | 547},
              {36000, MINUTES | 600},
              {1966020, MINUTES | 32767}};
    opened(r, 100, 0);
    rig_pull(r);
    for (unsigned i = 0; i < sizeof as / sizeof as[0]; i++) {
        assert_int_equal(set(r, TERN_OPT_UTO_S, as[i].s), TERN_OK);
        struct rig_out *o = rig_one(r, ACK); /* the peer hears of the change */
        assert_int_equal(o->seg.opt.uto, as[i].wire);
        assert_int_equal(o->out.cause, CAUSE_TX_ACK_UTO);
        assert_int_equal(get(r, TERN_OPT_UTO_S), as[i].s);
    }
    assert_int_equal(set(r, TERN_OPT_UTO_S, 1966021), TERN_EINVAL);
    assert_int_equal(set(r, TERN_OPT_UTO_S, -1), TERN_EINVAL);
}

/* [RFC5482:3] min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)). */
static void test_adopted(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint16_t adv, remote;
        uint32_t ms;
    } as[] = {
        {200, 0, 200000},                             /* nothing heard: what we promise */
        {200, 150, 200000},                           /* the longer of the two */
        {200, 500, 500000},         {20, 30, 100000}, /* L_LIMIT */
        {20, MINUTES | 10, 600000},                   /* in minutes */
        {20, 5000, 3600000},                          /* U_LIMIT */
        {5000, 20, 3600000},
    };
    opened(r, 100, 0);
    for (unsigned i = 0; i < sizeof as / sizeof as[0]; i++) {
        assert_int_equal(set(r, TERN_OPT_UTO_S, as[i].adv), TERN_OK);
        r->uto = as[i].remote;
        rig_in(r, ACK, 0, 0, 0);
        r->uto = 0;
        rig_in(r, ACK, 0, 0, 0); /* one without changes nothing */
        assert_int_equal(get(r, TERN_OPT_UTO_ADOPTED_MS), as[i].ms);
    }
}

/* The lower limit is above the retransmission timeout in any case [RFC5482:3]. */
static void test_above_the_rto(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.uto_lower_s = 1;
    rig_start(r);
    opened(r, 1, 0);
    assert_int_equal(get(r, TERN_OPT_UTO_ADOPTED_MS), 1000);
    rig_conn(r)->rtt.rto_us = 7000000;
    assert_int_equal(get(r, TERN_OPT_UTO_ADOPTED_MS), 7001);
}

/* [RFC5482:3.1] A limit that the application has set is not CHANGEABLE. */
static void test_changeable(void **state)
{
    struct rig *r = *state;
    opened(r, 300, 0);
    assert_int_equal(set(r, TERN_OPT_USER_TIMEOUT_MS, 5000), TERN_OK);
    r->uto = 900;
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(get(r, TERN_OPT_USER_TIMEOUT_MS), 5000);
    assert_int_equal(get(r, TERN_OPT_UTO_ADOPTED_MS), 0);
    rig_send(r, 10);
    rig_run(r, 4900);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(set(r, TERN_OPT_USER_TIMEOUT_MS, 0), TERN_OK); /* changeable again */
    assert_int_equal(get(r, TERN_OPT_UTO_ADOPTED_MS), 900000);      /* it was heard meanwhile */
    rig_run(r, 200);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* What was adopted counts, and R2 does not. */
static void test_it_ends_the_connection(void **state)
{
    struct rig *r = *state;
    opened(r, 100, 1800);
    rig_pull(r);
    rig_send(r, 10);
    rig_run(r, 1790000);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_true(rig_conn(r)->rexmts > r->cfg.r2_retries);
    rig_run(r, 20000);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
    assert_int_equal(rig_count(r, CAUSE_ST_USER_TIMEOUT), 1);
}

/* A peer that asks for a shorter one later: from then on. */
static void test_while_data_is_out(void **state)
{
    struct rig *r = *state;
    opened(r, 100, 1800);
    rig_pull(r);
    rig_send(r, 10);
    rig_run(r, 1000);
    r->uto = 300;
    rig_in(r, ACK, 0, -10, 0);
    rig_run(r, 299000);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    rig_run(r, 2000);
    assert_int_equal(rig_recv(r, 1), TERN_ETIMEDOUT);
}

/* The handshake keeps its own limits [RFC9293:MUST-23]. */
static void test_not_of_a_syn(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_connect(r), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_UTO_S, 100), TERN_OK);
    rig_run(r, 180000);
    rig_in_state(r, TERN_TCP_SYN_SENT);
}

/* A shut window whose probes are answered is no reason to hang up [RFC9293:MUST-37]; silence is. */
static void test_shut_window(void **state)
{
    struct rig *r = *state;
    opened(r, 100, 0);
    rig_pull(r);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 100);
    for (unsigned s = 0; s < 1000; s++) {
        rig_run(r, 1000);
        if (r->n != 0)
            rig_in(r, ACK, 0, -1, 0); /* the octet is refused */
    }
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    rig_run(r, 200000);
    assert_null(rig_find(r));
    assert_int_equal(rig_count(r, CAUSE_ST_USER_TIMEOUT), 1);
}

/* [RFC5482:4.2] Keep-alive begins later than the user timeout. */
static void test_keep_alive(void **state)
{
    struct rig *r = *state;
    opened(r, 300, 0);
    rig_pull(r);
    assert_int_equal(set(r, TERN_OPT_KEEPIDLE_MS, 10000), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_KEEPALIVE, 1), TERN_OK);
    rig_run(r, 299000);
    assert_int_equal(r->n, 0);
    rig_run(r, 1100);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_PROBE_KEEPALIVE);
    r->uto = 600; /* answered with a longer one */
    rig_in(r, ACK, 0, 0, 0);
    r->uto = 0;
    rig_run(r, 599000);
    assert_int_equal(r->n, 0);
    rig_run(r, 1100);
    assert_int_equal(r->n, 1);
}

/* A full-sized segment has no room: an ACK goes before it, and the data loses nothing. */
static void test_before_full_segments(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_connect(r), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_UTO_S, 300), TERN_OK);
    rig_send(r, 4000);
    rig_pull(r);
    rig_syn(r, SYN | ACK, r->peer_iss, rig_conn(r)->snd.nxt);
    rig_pull(r);
    assert_int_equal(r->n, 3); /* the rest waits for Nagle */
    assert_true(r->out[0].seg.len == 0 && r->out[0].seg.opt.uto == 300);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_ACK_UTO);
    for (unsigned i = 1; i < 3; i++)
        assert_int_equal(r->out[i].seg.opt.uto, 0);
    assert_int_equal(r->out[1].seg.len, 1448);
    assert_int_equal(r->out[2].seg.len, 1448);
}

/* It goes with text that leaves room. */
static void test_with_small_text(void **state)
{
    struct rig *r = *state;
    opened(r, -1, 0);
    rig_pull(r);
    assert_int_equal(set(r, TERN_OPT_UTO_S, 300), TERN_OK);
    rig_send(r, 1444);
    struct rig_out *o = rig_one(r, ACK);
    assert_true(o->seg.len == 1444 && o->seg.opt.uto == 300);
    assert_int_equal(o->out.len, 1480);
}

/* SACK blocks first: it waits for a segment with room, and stops nothing. */
static void test_beside_sack(void **state)
{
    struct rig *r = *state;
    opened(r, -1, 0);
    rig_pull(r);
    for (int i = 1; i <= 3; i++)
        rig_in(r, ACK, 2000 * i, 0, 100);
    rig_pull(r);
    assert_int_equal(set(r, TERN_OPT_UTO_S, 300), TERN_OK);
    rig_send(r, 4000);
    rig_pull(r);
    unsigned data = 0;
    for (unsigned i = 0; i < r->n; i++) {
        assert_int_equal(r->out[i].seg.opt.uto, 0);
        assert_int_equal(r->out[i].seg.opt.nsack, 3);
        data += r->out[i].seg.len != 0;
    }
    assert_true(data >= 2);
    rig_in(r, ACK, 0, 0, 2000); /* the first hole is filled */
    rig_pull(r);
    assert_true(r->n != 0 && r->out[0].seg.opt.uto == 300);
}

/* A listener's: in the SYN-ACK, and once more on the connection. What the SYN said is forgotten
 * with the small record of a half-open connection; the peer repeats it. */
static void test_passive(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_UTO_S, 400, r->now), TERN_OK);
    r->uto = 700;
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    assert_int_equal(rig_one(r, SYN | ACK)->seg.opt.uto, 400);
    rig_in(r, ACK, 0, 0, 0);
    rig_accept(r);
    assert_int_equal(get(r, TERN_OPT_UTO_ADOPTED_MS), 700000);
    rig_in(r, ACK, 0, 0, 1448);
    rig_in(r, ACK, 0, 0, 1448);
    assert_int_equal(rig_one(r, ACK)->seg.opt.uto, 400);
}

/* config.uto_s: every connection, both ways of opening. */
static void test_by_config(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.uto_s = 250;
    rig_start(r);
    rig_listen(r, 4);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    assert_int_equal(rig_one(r, SYN | ACK)->seg.opt.uto, 250);
    rig_in(r, ACK, 0, 0, 0);
    rig_accept(r);
    rig_send(r, 10);
    assert_int_equal(rig_one(r, ACK)->seg.opt.uto, 250);
    assert_int_equal(get(r, TERN_OPT_UTO_ADOPTED_MS), 250000);
    rig_stop(r);
    rig_init(r);
    r->cfg.uto_s = 250;
    rig_start(r);
    assert_int_equal(rig_connect(r), TERN_OK);
    assert_int_equal(rig_one(r, SYN)->seg.opt.uto, 250);
}

/* When all records are in use an active open goes without; a passive one is not made. */
static void test_no_record(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.uto_s = 250;
    r->cfg.max_extras = 1;
    rig_start(r);
    rig_listen(r, 4);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_KEEPIDLE_MS, 5000, r->now), TERN_OK);
    assert_int_equal(rig_connect(r), TERN_OK);
    assert_int_equal(rig_one(r, SYN)->seg.opt.uto, 0);
    rig_syn(r, SYN | ACK, r->peer_iss, rig_conn(r)->snd.nxt);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(get(r, TERN_OPT_UTO_ADOPTED_MS), 0);
}

/* Beside signatures there is room for it on everything but an ACK with SACK blocks. */
static void test_signed(void **state)
{
    struct rig *r = *state;
    struct tern_ao_key k = {
        .peer = r->peer.addr, .prefix = 32, .send_id = 1, .recv_id = 2, .key_len = 3, .key = "abc"};
    assert_int_equal(rig_connect(r), TERN_OK);
    assert_int_equal(tcp_ao_add(r->t, r->sock, &k), TERN_OK);
    assert_int_equal(set(r, TERN_OPT_UTO_S, 300), TERN_OK);
    struct rig_out *o = rig_one(r, SYN);
    assert_true(o->seg.opt.uto == 300 && o->seg.opt.sign == TCP_SIGN_AO && o->seg.hlen == 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_off),
        RIG_TEST(test_sent),
        RIG_TEST(test_granularity),
        RIG_TEST(test_adopted),
        RIG_TEST(test_above_the_rto),
        RIG_TEST(test_changeable),
        RIG_TEST(test_it_ends_the_connection),
        RIG_TEST(test_while_data_is_out),
        RIG_TEST(test_not_of_a_syn),
        RIG_TEST(test_shut_window),
        RIG_TEST(test_keep_alive),
        RIG_TEST(test_before_full_segments),
        RIG_TEST(test_with_small_text),
        RIG_TEST(test_beside_sack),
        RIG_TEST(test_passive),
        RIG_TEST(test_by_config),
        RIG_TEST(test_no_record),
        RIG_TEST(test_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
