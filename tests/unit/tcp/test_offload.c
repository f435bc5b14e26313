/* SPDX-License-Identifier: BSD-2-Clause */
/* What the stack leaves to be answered outside, and when. [RFC4987:3.6] */
#include "unit/tcp/outside.h"

/* ---- begin and end ---- */

static void test_no_records_may_be_there(void **state)
{
    struct rig *r = *state;
    static const unsigned states[] = {TERN_TCP_SYN_SENT, TERN_TCP_SYN_RECEIVED,
                                      TERN_TCP_ESTABLISHED, TERN_TCP_TIME_WAIT};
    for (unsigned i = 0; i < 4; i++) {
        rig_stop(r);
        rig_init(r);
        again(r);
        rig_reach(r, states[i]);
        if (states[i] == TERN_TCP_TIME_WAIT) { /* the record alone */
            tcp_close(r->t, r->sock, r->now);
            assert_int_equal(r->t->conns.used, 0);
        }
        assert_int_equal(tcp_offload_begin(r->t, o, &at, r->now), TERN_EISCONN);
        assert_null(r->t->offload);
        assert_int_equal(o->alive_ns, 0);
    }
}

static void test_begin_and_end(void **state)
{
    struct rig *r = *state;
    struct tern_syn_stats st;
    always(r, 4);
    tcp_offload_sync(r->t, r->now); /* nobody there: nothing */
    tcp_offload_end(r->t, r->now);
    begin(r);
    assert_int_equal(tcp_offload_begin(r->t, o, &at, r->now), TERN_EALREADY);
    assert_int_equal(o->alive_ns, r->now.ns + TERN_OFFLOAD_ALIVE_MS * INT64_C(1000000));
    assert_int_equal(o->boot_ns, r->t->boot_ns);
    assert_memory_equal(o->mac, at.mac, 6);
    assert_int_equal(o->prefix_rate, r->cfg.prefix_answers_per_s);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(o->mss[i], cookie_mss(i));
    assert_int_equal(entry()->on, 1);
    tcp_syn_stats(r->t, &st, r->now);
    assert_true(st.offload);
    sync_after(r, 100);
    assert_int_equal(o->alive_ns, r->now.ns + TERN_OFFLOAD_ALIVE_MS * INT64_C(1000000));
    struct tern_offload_listener *e = entry();
    o->cpu[3].answered = 5;
    tcp_offload_end(r->t, r->now);
    assert_int_equal(o->alive_ns, 0);
    assert_int_equal(e->on, 0);
    tcp_syn_stats(r->t, &st, r->now);
    assert_false(st.offload);
    assert_int_equal(st.offloaded, 5); /* the last report */
    memset(o, 0, sizeof *o);
    begin(r);
    assert_int_equal(entry()->on, 1);
}

/* ---- the answers ---- */

static void masked(uint8_t *p, const struct tern_offload_answer *a)
{
    memset(p, 0, 12); /* ports, numbers */
    memset(p + TCP_CSUM_OFF, 0, 2);
    if (a->ts != 0)
        memset(p + a->ts - 20, 0, 8);
}

/* Each kind of SYN, answered by the stack, and what it left for others to answer with. */
static void answers_equal(struct rig *r)
{
    for (unsigned kind = 0; kind < TERN_OFFLOAD_KINDS; kind++) {
        const struct tern_offload_answer *a = &entry()->answer[kind];
        r->syn_ts = kind != 0;
        r->syn_sack = kind == 0 || ((kind - 1) & 1);
        r->syn_ws = kind == 0 || kind > 2;
        r->ws = (uint8_t)(3 * kind);
        syn(r, kind);
        struct rig_out *x = rig_one(r, SYN | ACK);
        assert_int_equal(x->out.cause, CAUSE_TX_SYN_ACK_COOKIE);
        assert_int_equal(a->len, 20 + x->out.len);
        assert_int_equal(a->ts != 0, x->seg.opt.has_ts);
        assert_int_equal(a->ts % 4, 0);
        assert_int_equal(a->ws, x->seg.opt.has_ws);
        if (a->ts != 0)
            assert_int_equal(x->seg.opt.tsval & 63, a->low + (a->ws ? r->ws : 0));
        masked(x->buf, a);
        assert_memory_equal(a->octets + 20, x->buf, x->out.len);
        assert_int_equal(a->octets[8], x->out.ttl);
        assert_int_equal(a->octets[1], x->out.tos);
        assert_false(x->out.may_fragment);
    }
}

static void test_answers_are_the_stacks(void **state)
{
    struct rig *r = *state;
    for (unsigned p = 0; p < TERN_PROFILE_COUNT; p++)
        for (unsigned off = 0; off < 4; off++) { /* of the options one is not offered at all */
            rig_stop(r);
            rig_init(r);
            r->cfg.profile = (uint8_t)p;
            r->cfg.timestamps = off != 1;
            r->cfg.sack = off != 2;
            r->cfg.wscale = off != 3;
            again(r);
            always(r, 4);
            begin(r);
            answers_equal(r);
        }
}

static void test_answers_follow_the_settings(void **state)
{
    struct rig *r = *state;
    always(r, 4);
    begin(r);
    uint32_t seq = entry()->seq;
    sync_after(r, 300);
    assert_int_equal(entry()->seq, seq); /* as it is: not touched */
    set(r, TERN_OPT_MAXSEG, 900);
    set(r, TERN_OPT_RCVBUF, 30000);
    r->cfg.ttl = 17;
    sync_after(r, 100);
    assert_int_equal(entry()->seq, seq + 2);
    answers_equal(r);
    assert_int_equal(entry()->answer[4].octets[8], 17);
    static const uint8_t most[] = {0, 1, 1, 2, 2};
    for (unsigned ecn = 0; ecn < 5; ecn++) {
        r->cfg.ecn = (uint8_t)ecn;
        sync_after(r, 100);
        assert_int_equal(entry()->ecn, most[ecn]);
    }
    assert_int_equal(entry()->fast_open, 0);
    set(r, TERN_OPT_FASTOPEN, 5);
    sync_after(r, 100);
    assert_int_equal(entry()->fast_open, 1);
    r->cfg.prefix_answers_per_s = 77;
    sync_after(r, 100);
    assert_int_equal(o->prefix_rate, 77);
}

/* ---- which listeners ---- */

static struct tern_sock listen_on(struct rig *r, struct tern_addr a, unsigned port, unsigned flags)
{
    struct tern_endpoint e = {.addr = a, .port = (uint16_t)port};
    struct tern_sock s;
    assert_int_equal(tcp_listen(r->t, &e, 4, flags, &s, r->now), TERN_OK);
    return s;
}

static void test_which_listeners(void **state)
{
    struct rig *r = *state;
    const uint8_t other[4] = {10, 9, 9, 9}, lo[4] = {127, 0, 0, 1};
    struct tern_addr every = {0};
    rig_stop(r);
    r->cfg.max_listeners = 64;
    again(r);
    listen_on(r, every, 1000, 0);
    begin(r);
    listen_on(r, ip(10, 9, 9, 9), 1001, 0); /* of another interface: the packet may come here */
    listen_on(r, ip(127, 0, 0, 1), 1002, 0);
    listen_on(r, every, 1003, TERN_LISTEN_HOLD);
    listen_on(r, every, 1004, TERN_LISTEN_HOLD | TERN_LISTEN_COOKIES);
    listen_on(r, every, 0, TERN_LISTEN_ANY);
    assert_non_null(find(at.addr[0], 1000));
    assert_non_null(find(at.addr[1], 1000));
    assert_null(find(other, 1000));
    assert_non_null(find(other, 1001));
    assert_null(find(at.addr[0], 1001));
    assert_null(find(lo, 1002));
    assert_null(find(at.addr[0], 1003)); /* must ask */
    assert_non_null(find(at.addr[0], 1004));
    assert_int_equal(o->first[0], 0);
}

static void test_no_more_than_there_is_room(void **state)
{
    struct rig *r = *state;
    struct tern_addr here = ip(10, 0, 0, 1);
    struct tern_sock s[12], more[40];
    rig_stop(r);
    r->cfg.max_listeners = 64;
    again(r);
    begin(r);
    for (unsigned i = 0; i < 12; i++)
        s[i] = listen_on(r, here, 256 * i + 80, 0);
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(find(here.b, (uint16_t)(256 * i + 80)) != NULL, i < TERN_OFFLOAD_CHAIN);
    assert_int_equal(tcp_close(r->t, s[3], r->now), TERN_OK); /* in the middle of the chain */
    assert_null(find(here.b, 256 * 3 + 80));
    assert_non_null(find(here.b, 80));
    sync_after(r, 100); /* one that waited */
    assert_non_null(find(here.b, 256 * 8 + 80));
    for (unsigned i = 0; i < 40; i++)
        more[i] = listen_on(r, here, 1000 + i, 0);
    unsigned n = 0;
    for (unsigned i = 0; i < 40; i++)
        n += find(here.b, (uint16_t)(1000 + i)) != NULL;
    assert_int_equal(n, TERN_OFFLOAD_LISTENERS - TERN_OFFLOAD_CHAIN);
    for (unsigned i = 0; i < 12; i++)
        tcp_close(r->t, s[i], r->now);
    for (unsigned i = 0; i < 40; i++)
        tcp_close(r->t, more[i], r->now);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(o->first[i], 0);
}

/* An entry that is late is as its listener is. */
static void test_room_for_one_more(void **state)
{
    struct rig *r = *state;
    struct tern_addr every = {0};
    struct tern_sock s = {0};
    rig_stop(r);
    r->cfg.max_listeners = 64;
    again(r);
    begin(r);
    for (unsigned i = 0; i < TERN_OFFLOAD_LISTENERS - 1; i++)
        s = listen_on(r, ip(10, 0, 0, 1), 1000 + i, 0);
    r->lis = listen_on(r, every, RIG_PORT, 0);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS);
    assert_int_equal(entry()->on, 1);
    assert_null(find(at.addr[1], RIG_PORT));
    assert_int_equal(tcp_close(r->t, s, r->now), TERN_OK);
    sync_after(r, 100);
    assert_non_null(find(at.addr[1], RIG_PORT));
    assert_int_equal(find(at.addr[1], RIG_PORT)->on, 1);
}

static void test_keys_keep_it_inside(void **state)
{
    struct rig *r = *state;
    always(r, 4);
    begin(r);
    struct tern_offload_listener *e = entry();
    assert_int_equal(e->on, 1);
    assert_int_equal(tcp_md5_key(r->t, r->lis, &r->peer.addr, 32, "secret", 6), TERN_OK);
    assert_int_equal(e->on, 0);
    sync_after(r, 200);
    assert_null(find(at.addr[0], RIG_PORT));
    assert_int_equal(tcp_md5_key(r->t, r->lis, &r->peer.addr, 32, NULL, 0), TERN_OK);
    sync_after(r, 100);
    assert_int_equal(entry()->on, 1);
    assert_int_equal(tcp_ao_require(r->t, r->lis, true), TERN_OK); /* and nobody has a key */
    sync_after(r, 100);
    assert_null(find(at.addr[0], RIG_PORT));
}

/* ---- on and off ---- */

static void test_on_by_overflow(void **state)
{
    struct rig *r = *state;
    begin(r);
    rig_listen(r, 3); /* four records */
    assert_int_equal(entry()->overflow, 1);
    for (unsigned i = 0; i < 4; i++)
        syn(r, i);
    assert_int_equal(entry()->on, 0);
    syn(r, 4);
    assert_int_equal(entry()->on, 1); /* at once */
    assert_int_equal(r->t->detect.st.outcome[TERN_SYN_COOKIE_SENT], 1);
    reset(r, 0);
    assert_int_equal(entry()->on, 1);
    sync_after(r, 100);
    assert_int_equal(entry()->on, 1);
    reset(r, 1);
    assert_int_equal(entry()->on, 0); /* half is free again */
    syn(r, 5);
    syn(r, 6);
    assert_int_equal(entry()->on, 0);
    syn(r, 7);
    assert_int_equal(entry()->on, 1);
}

static void test_on_by_a_full_table(void **state)
{
    struct rig *r = *state;
    struct tern_sock first, none = {0};
    begin(r);
    rig_listen(r, 100);
    first = r->lis;
    r->lis = none;
    r->local.port = r->tuple.lport = 81;
    rig_listen(r, 100);
    for (unsigned i = 0; i < 8; i++) /* all records, of the second listener */
        syn(r, i);
    r->local.port = r->tuple.lport = RIG_PORT;
    syn(r, 20);
    assert_int_equal(entry()->on, 1);
    assert_int_equal(find(at.addr[0], 81)->on, 0); /* it has met no limit yet */
    r->local.port = r->tuple.lport = 81;
    for (unsigned i = 0; i < 3; i++)
        reset(r, i);
    assert_int_equal(entry()->on, 1);
    reset(r, 3);
    assert_int_equal(entry()->on, 0); /* though none of them was its own */
    assert_int_equal(tcp_close(r->t, first, r->now), TERN_OK);
}

static void test_not_by_a_prefix(void **state) /* its neighbours' records are no overflow */
{
    struct rig *r = *state;
    begin(r);
    rig_listen(r, 3);
    set(r, TERN_OPT_SYN_PREFIX_HALF, 3); /* more than half of the queue */
    for (unsigned i = 0; i < 4; i++)
        syn(r, i);
    assert_int_equal(r->t->detect.st.outcome[TERN_SYN_COOKIE_SENT], 1);
    assert_int_equal(entry()->on, 0);
}

/* Of a listener that is asked: its record counts no longer, though it is still to be told. */
static void test_off_by_a_record_that_was_offered(void **state)
{
    struct rig *r = *state;
    begin(r);
    r->lis = listen_on(r, r->local.addr, RIG_PORT, TERN_LISTEN_HOLD | TERN_LISTEN_COOKIES);
    set(r, TERN_OPT_SYN_QUEUE, 4);
    for (unsigned i = 0; i < 4; i++) {
        syn(r, i);
        rig_events(r);
    }
    syn(r, 4);
    assert_int_equal(entry()->on, 1);
    reset(r, 0);
    reset(r, 1);
    assert_int_equal(r->t->halves.used, 4);
    assert_int_equal(entry()->on, 0);
}

static void test_policy_live(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint8_t policy, on;
    } steps[] = {{TERN_SYN_COOKIES_ALWAYS, 1}, {TERN_SYN_DROP_NEW, 0},
                 {TERN_SYN_COOKIES_ALWAYS, 1}, {TERN_SYN_DROP_OLDEST, 0},
                 {TERN_SYN_COOKIES_ALWAYS, 1}, {TERN_SYN_COOKIES_OVERFLOW, 0}};
    rig_listen(r, 4);
    begin(r);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        set(r, TERN_OPT_SYN_POLICY, steps[i].policy);
        assert_int_equal(entry()->on, steps[i].on);
    }
    set(r, TERN_OPT_SYN_QUEUE, 1);
    syn(r, 0);
    syn(r, 1);
    assert_int_equal(entry()->on, 1);
    set(r, TERN_OPT_SYN_QUEUE, 2); /* the one record is half of it */
    assert_int_equal(entry()->on, 0);
}

static void test_accept_queue(void **state)
{
    struct rig *r = *state;
    always(r, 0);
    begin(r);
    syn(r, 0);
    struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
    struct tcp_seg s = {.seq = sa.ack, .ack = seq_add(sa.seq, 1), .th = ACK, .wnd = 1000};
    s.opt.has_ts = true;
    s.opt.tsecr = sa.opt.tsval;
    assert_int_equal(entry()->on, 1);
    assert_int_equal(rig_seg(r, &s, 0), CAUSE_RX_SEG);
    assert_int_equal(entry()->on, 0);
    sync_after(r, 100);
    assert_int_equal(entry()->on, 0);
    rig_accept(r);
    assert_int_equal(entry()->on, 1);
}

static void test_accept_queue_by_fast_open(void **state)
{
    struct rig *r = *state;
    always(r, 0);
    set(r, TERN_OPT_FASTOPEN, 5);
    set(r, TERN_OPT_FASTOPEN_NO_COOKIE, 1);
    begin(r);
    assert_int_equal(entry()->on, 1);
    struct tcp_seg s = {.seq = r->peer_iss, .th = SYN, .wnd = 1000};
    assert_int_equal(rig_seg(r, &s, 10), CAUSE_RX_SEG);
    assert_int_equal(rig_conn(r)->state, TERN_TCP_SYN_RECEIVED);
    assert_int_equal(entry()->on, 0);
}

static void test_close_and_listen_again(void **state)
{
    struct rig *r = *state;
    always(r, 4);
    begin(r);
    struct tern_offload_listener *e = entry();
    assert_int_equal(tcp_close(r->t, r->lis, r->now), TERN_OK);
    assert_int_equal(e->on, 0);
    assert_null(find(at.addr[0], RIG_PORT));
    always(r, 4);
    assert_int_equal(entry()->on, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFLOAD_TEST(test_no_records_may_be_there),
        OFFLOAD_TEST(test_begin_and_end),
        OFFLOAD_TEST(test_answers_are_the_stacks),
        OFFLOAD_TEST(test_answers_follow_the_settings),
        OFFLOAD_TEST(test_which_listeners),
        OFFLOAD_TEST(test_no_more_than_there_is_room),
        OFFLOAD_TEST(test_room_for_one_more),
        OFFLOAD_TEST(test_keys_keep_it_inside),
        OFFLOAD_TEST(test_on_by_overflow),
        OFFLOAD_TEST(test_on_by_a_full_table),
        OFFLOAD_TEST(test_not_by_a_prefix),
        OFFLOAD_TEST(test_off_by_a_record_that_was_offered),
        OFFLOAD_TEST(test_policy_live),
        OFFLOAD_TEST(test_accept_queue),
        OFFLOAD_TEST(test_accept_queue_by_fast_open),
        OFFLOAD_TEST(test_close_and_listen_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
