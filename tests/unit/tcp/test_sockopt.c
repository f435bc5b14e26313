/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static int set(struct rig *r, enum tern_opt o, int64_t v)
{
    return tcp_setopt(r->t, r->sock, o, v, r->now);
}
static int64_t get(struct rig *r, enum tern_opt o)
{
    int64_t v = -99;
    assert_int_equal(tcp_getopt(r->t, r->sock, o, &v), TERN_OK);
    return v;
}

static void test_ranges(void **state)
{
    static const struct {
        enum tern_opt o;
        int64_t lo, hi;
    } rows[] = {
        {TERN_OPT_NODELAY, 0, 1},
        {TERN_OPT_CORK, 0, 1},
        {TERN_OPT_KEEPALIVE, 0, 1},
        {TERN_OPT_OOBINLINE, 0, 1},
        {TERN_OPT_QUICKACK, 0, 1},
        {TERN_OPT_KEEPIDLE_MS, 1, INT32_MAX},
        {TERN_OPT_KEEPINTVL_MS, 1, INT32_MAX},
        {TERN_OPT_KEEPCNT, 1, 127},
        {TERN_OPT_USER_TIMEOUT_MS, -1, INT32_MAX},
        {TERN_OPT_SNDBUF, 2048, 1 << 30},
        {TERN_OPT_RCVBUF, 2048, 1 << 30},
        {TERN_OPT_TTL, 1, 255},
        {TERN_OPT_TOS, 0, 255},
        {TERN_OPT_CONGESTION, 0, TERN_CC_COUNT - 1},
    };
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(set(r, rows[i].o, rows[i].lo), TERN_OK);
        assert_int_equal(get(r, rows[i].o), rows[i].lo);
        assert_int_equal(set(r, rows[i].o, rows[i].hi), TERN_OK);
        assert_int_equal(get(r, rows[i].o), rows[i].hi);
        assert_int_equal(set(r, rows[i].o, rows[i].lo - 1), TERN_EINVAL);
        assert_int_equal(set(r, rows[i].o, rows[i].hi + 1), TERN_EINVAL);
        assert_int_equal(get(r, rows[i].o), rows[i].hi);
    }
    assert_int_equal(set(r, (enum tern_opt)999, 1), TERN_ENOPROTOOPT);
    assert_int_equal(set(r, TERN_OPT_ERROR, 1), TERN_ENOPROTOOPT);
}

static void test_queues(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_send(r, 70);
    rig_in(r, ACK, 0, 0, 30);
    assert_int_equal(get(r, TERN_OPT_SNDQ), 70);
    assert_int_equal(get(r, TERN_OPT_RCVQ), 30);
}

static void test_maxseg(void **state)
{
    struct rig *r = *state;
    rig_connect(r);
    assert_int_equal(set(r, TERN_OPT_MAXSEG, 87), TERN_EINVAL);
    assert_int_equal(set(r, TERN_OPT_MAXSEG, 600), TERN_OK);
    assert_int_equal(rig_one(r, SYN)->seg.opt.mss, 600);
    rig_syn(r, SYN | ACK, r->peer_iss, rig_at(r).snd_nxt);
    rig_pull(r);
    rig_send(r, 3000);
    rig_pull(r);
    assert_int_equal(r->out[0].seg.len, 588);
    assert_int_equal(get(r, TERN_OPT_MAXSEG), 600);
}

static void test_inherited_from_the_listener(void **state)
{
    struct rig *r = *state;
    int64_t v;
    rig_listen(r, 4);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_SNDBUF, 5000, r->now), TERN_OK);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_RCVBUF, 9000, r->now), TERN_OK);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_NODELAY, 1, r->now), TERN_OK);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_KEEPALIVE, 1, r->now), TERN_OK);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_TTL, 1, r->now), TERN_ENOPROTOOPT);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_NODELAY, 2, r->now), TERN_EINVAL);
    assert_int_equal(tcp_getopt(r->t, r->lis, TERN_OPT_RCVBUF, &v), TERN_OK);
    assert_int_equal(v, 9000);
    tcp_setuser(r->t, r->lis, 42);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    assert_int_equal(rig_one(r, SYN | ACK)->seg.wnd, 9000);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(tcp_getopt(r->t, r->lis, TERN_OPT_RCVQ, &v), TERN_OK);
    assert_int_equal(v, 1);
    rig_accept(r);
    assert_int_equal(get(r, TERN_OPT_SNDBUF), 5000);
    assert_int_equal(get(r, TERN_OPT_RCVBUF), 9000);
    assert_int_equal(get(r, TERN_OPT_NODELAY), 1);
    assert_int_equal(get(r, TERN_OPT_KEEPALIVE), 1);
    assert_int_equal(rig_conn(r)->user, 42);
    assert_true(timer_on(rig_conn(r), TT_KEEP));
}

/* Another congestion control in the middle of a transfer: its memory is fresh, its window sane. */
static void test_congestion_changes_hands(void **state)
{
    struct rig *r = *state;
    r->cfg.cc = TERN_CC_NONE;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(get(r, TERN_OPT_CONGESTION), TERN_CC_NONE);
    assert_int_equal(c->cc.cwnd, 1 << 30);
    rig_send(r, 5000);
    rig_pull(r);
    assert_null(c->cc.ext);
    assert_int_equal(set(r, TERN_OPT_CONGESTION, TERN_CC_BBR), TERN_OK);
    assert_int_equal(c->cc.cwnd, cc_initial_window(c->cc.mss));
    assert_non_null(c->cc.ext);
    ((uint8_t *)c->cc.ext)[0] = 1;
    assert_int_equal(set(r, TERN_OPT_CONGESTION, TERN_CC_BBR),
                     TERN_OK); /* no change, nothing forgotten */
    assert_int_equal(((uint8_t *)c->cc.ext)[0], 1);
    assert_int_equal(set(r, TERN_OPT_CONGESTION, TERN_CC_CUBIC), TERN_OK);
    assert_int_equal(((uint8_t *)c->cc.ext)[0], 0);
    assert_int_equal(set(r, TERN_OPT_CONGESTION, TERN_CC_RENO), TERN_OK);
    assert_null(c->cc.ext);
}

static void test_congestion_is_inherited(void **state)
{
    struct rig *r = *state;
    int64_t v = -1;
    rig_listen(r, 4);
    assert_int_equal(tcp_getopt(r->t, r->lis, TERN_OPT_CONGESTION, &v), TERN_OK);
    assert_int_equal(v, r->cfg.cc);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_CONGESTION, TERN_CC_COUNT, r->now),
                     TERN_EINVAL);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_CONGESTION, TERN_CC_BBR, r->now), TERN_OK);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_one(r, SYN | ACK);
    rig_in(r, ACK, 0, 0, 0);
    rig_accept(r);
    assert_int_equal(get(r, TERN_OPT_CONGESTION), TERN_CC_BBR);
    assert_int_equal(rig_conn(r)->cc_id, TERN_CC_BBR);
}

static void test_names(void **state)
{
    struct rig *r = *state;
    struct tern_endpoint e;
    rig_listen(r, 4);
    assert_int_equal(tcp_sockname(r->t, r->lis, &e), TERN_OK);
    assert_int_equal(e.port, RIG_PORT);
    assert_int_equal(tcp_peername(r->t, r->lis, &e), TERN_ENOTCONN);
}

/* Whatever state the connection is in, no option does harm. */
static void test_every_option_in_every_state(void **state)
{
    struct rig *r = *state;
    for (unsigned s = TERN_TCP_SYN_SENT; s < TERN_TCP_STATES; s++) {
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        r->active = true;
        rig_reach(r, s);
        for (int o = 0; o < 40; o++)
            for (int v = 0; v < 2; v++) {
                set(r, (enum tern_opt)o, v);
                int64_t out;
                tcp_getopt(r->t, r->sock, (enum tern_opt)o, &out);
            }
        rig_run(r, 10);
        tcp_abort(r->t, r->sock, r->now);
        rig_pull(r);
        rig_empty(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_ranges),
        RIG_TEST(test_queues),
        RIG_TEST(test_maxseg),
        RIG_TEST(test_inherited_from_the_listener),
        RIG_TEST(test_congestion_changes_hands),
        RIG_TEST(test_congestion_is_inherited),
        RIG_TEST(test_names),
        RIG_TEST(test_every_option_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
