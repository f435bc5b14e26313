/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void reach(struct rig *r, bool ts)
{
    r->active = true;
    r->syn_ts = ts;
    rig_reach(r, TERN_TCP_TIME_WAIT);
    rig_listen(r, 4);
}

static void test_sizes(void **state)
{
    (void)state;
    assert_true(sizeof(struct tcp_tw) <= 40);
    assert_true(sizeof(struct tcp_half) <= 64);
    assert_true(sizeof(struct tcp_conn) <= 512);
}

/* RFC 6191's table: what the old connection had, what the SYN has, how its numbers compare. */
/* [RFC9293:SHLD-4] [RFC6191:2#1] [RFC6191:2#2] [RFC6191:2#3] [RFC6191:2#4] */
static void test_reuse_table(void **state) /* [RFC6191:2] [RFC9293:MAY-2] */
{
    static const struct {
        bool old_ts, new_ts;
        int ts, seq; /* against the old: -1 below, 0 equal (to the last number used), 1 above */
        bool take;
    } rows[] = {
        {true, true, 1, 1, true},    {true, true, 1, -1, true},    {true, true, 0, 1, true},
        {true, true, 0, 0, false},   {true, true, 0, -1, false},   {true, true, -1, 1, false},
        {true, false, 0, 1, true},   {true, false, 0, 0, false},   {true, false, 0, -1, false},
        {false, true, 0, -1, true},  {false, true, 0, 1, true},    {false, false, 0, 1, true},
        {false, false, 0, 0, false}, {false, false, 0, -1, false},
    };
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        reach(r, rows[i].old_ts);
        struct rig_at at = rig_at(r);
        struct tcp_seg s = {.th = SYN, .wnd = 1000};
        s.seq = seq_add(at.rcv_nxt, (uint32_t)(rows[i].seq - 1)); /* its FIN was at rcv_nxt - 1 */
        if (rows[i].seq > 0)
            s.seq = at.rcv_nxt;
        s.opt.has_ts = rows[i].new_ts;
        s.opt.tsval = at.ts_recent + (uint32_t)rows[i].ts;
        unsigned v = rig_seg(r, &s, 0);
        if (v != (rows[i].take ? (unsigned)CAUSE_RX_SEG : (unsigned)CAUSE_DROP_TIME_WAIT_SYN))
            fail_msg("row %zu: verdict %s", i, tern_cause_name(v));
        rig_pull(r);
        assert_int_equal(r->n, rows[i].take);
    }
}

/* The new incarnation proves itself by completing its handshake; only then the old record goes. */
static void test_new_incarnation(void **state) /* [RFC1122:4.2.2.13] */
{
    struct rig *r = *state;
    reach(r, true);
    struct rig_at old = rig_at(r);
    r->peer_iss = seq_add(old.rcv_nxt, 5000);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_true(seq_gt(o->seg.seq, seq_add(old.snd_nxt, 65535)));
    rig_in(r, ACK, 0, 0, 10);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(r->t->tws.used, 0);
    assert_int_equal(rig_count(r, CAUSE_ST_TIME_WAIT_REUSED), 1);
}

static void test_old_duplicate_syn_falls_back(void **state) /* [RFC9293:MAY-2] [RFC1122:4.2.2.13] */
{
    struct rig *r = *state;
    reach(r, true);
    struct rig_at old = rig_at(r);
    r->peer_iss = seq_add(old.rcv_nxt, 5000);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_pull(r);
    rig_in(r, RST, 0, 0, 0); /* the peer knows nothing of it */
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    assert_int_equal(rig_at(r).rcv_nxt.v, old.rcv_nxt.v);
}

static void test_eviction(void **state) /* a full table forgets its oldest */
{
    struct rig *r = *state;
    r->active = true;
    for (unsigned i = 0; i < 6; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
        rig_reach(r, TERN_TCP_TIME_WAIT);
        assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
        rig_sleep(r, 10);
    }
    assert_int_equal(r->t->tws.used, 4);
    assert_int_equal(rig_count(r, CAUSE_ST_TIME_WAIT_EVICTED), 2);
    r->tuple.rport = RIG_PEER + 1;
    assert_null(rig_tw(r));
    r->tuple.rport = RIG_PEER + 2;
    assert_non_null(rig_tw(r));
}

static void test_without_any_record(void **state) /* the FIN is acknowledged all the same */
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_FIN_WAIT_2);
    r->fault.fail_at = 1;
    rig_in(r, FIN | ACK, 0, 0, 0);
    r->fault.fail_at = 0;
    rig_pull(r);
    rig_in_state(r, TERN_TCP_CLOSED);
    assert_true(rig_events(r) & TERN_EV_CLOSED);
    assert_int_equal(rig_recv(r, 1), 0);
}

static void test_unread_text_outlives_the_connection(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_FIN_WAIT_2);
    rig_in(r, FIN | ACK, 0, 0, 100);
    rig_one(r, ACK);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    rig_sleep(r, 61000);
    rig_in_state(r, TERN_TCP_CLOSED);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(rig_recv(r, 1000), 0);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_empty(r);
}

static void test_answers_are_limited(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_TIME_WAIT);
    unsigned sent = 0;
    for (unsigned i = 0; i < 2000; i++) {
        rig_in(r, ACK, -100, 0, 10);
        sent += rig_pull(r);
    }
    assert_in_range(sent, 1, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_sizes),
        RIG_TEST(test_reuse_table),
        RIG_TEST(test_new_incarnation),
        RIG_TEST(test_old_duplicate_syn_falls_back),
        RIG_TEST(test_eviction),
        RIG_TEST(test_without_any_record),
        RIG_TEST(test_unread_text_outlives_the_connection),
        RIG_TEST(test_answers_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
