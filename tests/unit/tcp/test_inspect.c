/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void test_walk(void **state) /* everything once, of every kind */
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_TIME_WAIT);
    tcp_close(r->t, r->sock, r->now);
    r->peer.port = r->tuple.rport = RIG_PEER + 1;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_listen(r, 7);
    tcp_setuser(r->t, r->lis, 5);
    r->peer.port = r->tuple.rport = RIG_PEER + 2;
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    struct tern_info i;
    uint64_t cursor = 0;
    unsigned kinds = 0, n = 0;
    while (tcp_inspect_next(r->t, &cursor, &i, r->now)) {
        n++;
        kinds |= 1u << i.kind;
        switch (i.kind) {
        case TERN_INFO_LISTENER:
            assert_int_equal(i.sndq, 7);
            assert_int_equal(i.user, 5);
            assert_int_equal(i.timer_us, -1);
            break;
        case TERN_INFO_HALF_OPEN:
            assert_int_equal(i.remote.port, RIG_PEER + 2);
            assert_int_equal(i.timer, TERN_TIMER_SYNACK);
            assert_in_range(i.timer_us, 990000, 1000000);
            assert_false(i.held);
            break;
        case TERN_INFO_TIME_WAIT:
            assert_int_equal(i.timer, TERN_TIMER_TIME_WAIT);
            assert_in_range(i.timer_us, 59900000, 60000000);
            assert_true(i.orphan);
            break;
        default:
            assert_int_equal(i.kind, TERN_INFO_CONN);
            assert_int_equal(i.state, TERN_TCP_ESTABLISHED);
        }
    }
    assert_int_equal(n, 4);
    assert_int_equal(kinds, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4);
    assert_false(tcp_inspect_next(r->t, &cursor, &i, r->now));
}

static void test_fields(void **state) /* [RFC4898:Perf] */
{
    struct rig *r = *state;
    struct tern_info i;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 2000);
    rig_pull(r);
    rig_in(r, ACK, 0, -1000, 30);
    rig_in(r, ACK, 500, -1000, 30);
    assert_true(tcp_inspect(r->t, r->sock, &i, r->now));
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(i.sock.id, r->sock.id);
    assert_memory_equal(&i.local, &r->local, sizeof i.local);
    assert_memory_equal(&i.remote, &r->peer, sizeof i.remote);
    assert_int_equal(i.rcvq, 30);
    assert_int_equal(i.sndq, c->snd.buf.len);
    assert_int_equal(i.mss, 1448);
    assert_int_equal(i.cwnd, c->cc.cwnd);
    assert_int_equal(i.ssthresh, UINT32_MAX);
    assert_int_equal(i.snd_wnd, r->wnd << 2);
    assert_int_equal(i.snd_una, c->snd.una.v);
    assert_int_equal(i.snd_nxt, c->snd.nxt.v);
    assert_int_equal(i.rcv_nxt, c->rcv.nxt.v);
    assert_int_equal(i.irs, r->peer_iss.v);
    assert_true(i.ts_ok && i.sack_ok && i.wscale_ok && i.nagle);
    assert_int_equal(i.bytes_received, 30);
    assert_int_equal(i.bytes_acked, 448);
    assert_int_equal(i.segs_in, 4);
    assert_int_equal(i.segs_out, 3);
    assert_int_equal(i.ooo, 1);
    assert_int_equal(i.timer, TERN_TIMER_DELACK);
    assert_in_range(i.timer_us, 39000, 40000);
    assert_string_equal(i.cc, "reno");
    tcp_close(r->t, r->sock, r->now);
    assert_false(tcp_inspect(r->t, r->sock, &i, r->now));
}

static void test_usage(void **state)
{
    struct rig *r = *state;
    struct tern_usage u;
    memset(&u, 0, sizeof u);
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 500, 0, 30);
    tcp_usage(r->t, &u);
    assert_int_equal(u.conns, 1);
    assert_int_equal(u.ooo, 1);
    assert_int_equal(u.half_open + u.time_wait + u.listeners + u.answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_walk),
        RIG_TEST(test_fields),
        RIG_TEST(test_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
