/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void test_defaults_cost_nothing(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    int64_t v;
    assert_int_equal(r->t->extras.used, 0);
    assert_ptr_equal(extra_of(r->t, rig_conn(r)), &r->t->extra_default);
    assert_null(extra_own(r->t, rig_conn(r)));
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_KEEPCNT, &v), TERN_OK);
    assert_int_equal(v, r->cfg.keep_count);
    assert_int_equal(r->t->extras.used, 0);
}

static void test_a_record_lives_as_long_as_its_connection(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    int64_t v;
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_KEEPIDLE_MS, 5000, r->now), TERN_OK);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_KEEPINTVL_MS, 700, r->now), TERN_OK);
    assert_int_equal(r->t->extras.used, 1); /* one for both */
    tcp_getopt(r->t, r->sock, TERN_OPT_KEEPIDLE_MS, &v);
    assert_int_equal(v, 5000);
    tcp_getopt(r->t, r->sock, TERN_OPT_KEEPCNT, &v); /* the rest is the default still */
    assert_int_equal(v, r->cfg.keep_count);
    assert_int_equal(r->t->extra_default.keep_idle_ms, r->cfg.keep_idle_ms);
    assert_int_equal(tcp_abort(r->t, r->sock, r->now), TERN_OK);
    assert_int_equal(r->t->extras.used, 0);
}

static void test_ranges(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    int64_t v;
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_KEEPCNT, 127, r->now), TERN_OK);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_KEEPCNT, 128, r->now), TERN_EINVAL);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_KEEPCNT, 0, r->now), TERN_EINVAL);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_KEEPIDLE_MS, INT64_MAX, r->now),
                     TERN_EINVAL);
    tcp_getopt(r->t, r->sock, TERN_OPT_KEEPCNT, &v);
    assert_int_equal(v, 127);
}

static void test_listeners_are_inherited_from(void **state)
{
    struct rig *r = *state;
    int64_t v;
    rig_listen(r, 4);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_USER_TIMEOUT_MS, 900, r->now), TERN_OK);
    rig_syn(r, TERN_TH_SYN, r->peer_iss, seq_of(0));
    rig_pull(r);
    rig_in(r, TERN_TH_ACK, 0, 0, 0);
    rig_accept(r);
    assert_int_equal(r->t->extras.used, 2);
    tcp_getopt(r->t, r->sock, TERN_OPT_USER_TIMEOUT_MS, &v);
    assert_int_equal(v, 900);
    tcp_setopt(r->t, r->sock, TERN_OPT_USER_TIMEOUT_MS, 100, r->now); /* a copy, not the same */
    tcp_getopt(r->t, r->lis, TERN_OPT_USER_TIMEOUT_MS, &v);
    assert_int_equal(v, 900);
    tcp_abort(r->t, r->sock, r->now);
    tcp_close(r->t, r->lis, r->now);
    assert_int_equal(r->t->extras.used, 0);
}

static void test_none_left(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.max_extras = 1;
    rig_start(r);
    rig_listen(r, 4);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_KEEPCNT, 3, r->now), TERN_OK);
    rig_syn(r, TERN_TH_SYN, r->peer_iss, seq_of(0));
    rig_pull(r);
    struct seq iss = rig_half(r)->iss;
    struct tcp_seg s = {.seq = seq_add(r->peer_iss, 1), .ack = seq_add(iss, 1), .th = TERN_TH_ACK};
    s.wnd = 1000;
    assert_int_equal(rig_seg(r, &s, 0), CAUSE_DROP_NO_CONN); /* waits, and may be tried again */
    assert_int_equal(r->t->conns.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_defaults_cost_nothing),
        RIG_TEST(test_a_record_lives_as_long_as_its_connection),
        RIG_TEST(test_ranges),
        RIG_TEST(test_listeners_are_inherited_from),
        RIG_TEST(test_none_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
