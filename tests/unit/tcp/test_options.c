/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void opened(struct rig *r, unsigned mss, bool ts)
{
    rig_stop(r);
    rig_init(r);
    rig_start(r);
    r->active = true;
    r->syn_mss = (uint16_t)mss;
    r->syn_ts = ts;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
}

static uint32_t first_segment(struct rig *r)
{
    rig_send(r, 10000);
    assert_true(rig_pull(r) > 0);
    return r->out[0].seg.len;
}

static void test_mss(void **state) /* [RFC9293:MUST-14..16] */
{
    struct rig *r = *state;
    opened(r, 1000, false);
    assert_int_equal(first_segment(r), 1000);
    opened(r, 1000, true); /* options count against it */
    assert_int_equal(first_segment(r), 988);
    opened(r, 9000, false);
    assert_int_equal(first_segment(r), 1460);
    opened(r, 0, false); /* none given */
    assert_int_equal(first_segment(r), 536);
    opened(r, 1, false); /* nonsense is not followed down to nothing */
    assert_int_equal(first_segment(r), 64);
}

static void test_our_mss(void **state) /* [RFC9293:MUST-67] [RFC9293:SHLD-5] [RFC8200:8.3] */
{
    struct rig *r = *state;
    assert_int_equal(iface_mss(r->t, 0, TERN_AF_IP4, 0), 1460);
    assert_int_equal(iface_mss(r->t, 0, TERN_AF_IP6, 0), 1440);
    assert_int_equal(iface_mss(r->t, 0, TERN_AF_IP4, 500), 500);
    r->cfg.mss_max = 1200;
    assert_int_equal(iface_mss(r->t, 0, TERN_AF_IP4, 0), 1200);
    tcp_iface_set(r->t, 1, 576, 0, false);
    assert_int_equal(iface_mss(r->t, 1, TERN_AF_IP4, 0), 536);
}

static void test_options_are_ours_to_offer(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.timestamps = r->cfg.sack = r->cfg.wscale = false;
    rig_start(r);
    rig_connect(r);
    rig_pull(r);
    assert_false(r->out[0].seg.opt.has_ts || r->out[0].seg.opt.sack_ok || r->out[0].seg.opt.has_ws);
    rig_syn(r, SYN | ACK, r->peer_iss, rig_at(r).snd_nxt); /* offers all the same */
    struct tcp_conn *c = rig_conn(r);
    assert_false(c->ts_ok || c->sack_ok || c->ws_ok);
    assert_int_equal(c->snd_ws, 0);
    assert_int_equal(c->rcv_ws, 0);
}

static void test_sack_blocks_leave_room(void **state) /* [RFC2018:4#3] */
{
    struct rig *r = *state;
    opened(r, 1460, true);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(conn_opt_len(c), 12);
    for (int i = 0; i < 5; i++)
        rig_in(r, ACK, 1000 + 100 * i, 0, 10);
    assert_int_equal(conn_sack_blocks(c), 3);
    assert_int_equal(conn_opt_len(c), 40);
    rig_pull(r);
    assert_int_equal(first_segment(r), 1460 - 40);
    c->ts_ok = false;
    assert_int_equal(conn_sack_blocks(c), 4);
    assert_int_equal(conn_opt_len(c), 36);
    c->sack_ok = false;
    assert_int_equal(conn_opt_len(c), 0);
}

static void test_timestamps(void **state) /* [RFC7323:3.2] [RFC7323:5.4] [RFC7323:3.2#1] */
{
    struct rig *r = *state;
    opened(r, 1460, true);
    struct tcp_conn *c = rig_conn(r);
    rig_send(r, 1);
    rig_pull(r);
    uint32_t first = r->out[0].seg.opt.tsval;
    assert_int_equal(r->out[0].seg.opt.tsecr, c->ts_recent);
    r->now = time_add_ms(r->now, 77);
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 1);
    rig_pull(r);
    assert_int_equal(r->out[0].seg.opt.tsval - first, 77);
    assert_int_equal(r->out[0].seg.opt.tsecr, c->ts_recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_mss),
        RIG_TEST(test_our_mss),
        RIG_TEST(test_options_are_ours_to_offer),
        RIG_TEST(test_sack_blocks_leave_room),
        RIG_TEST(test_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
