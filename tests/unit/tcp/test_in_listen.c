/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

/* Old duplicate SYN, Figure 8 backwards: SYN-ACK, RST, and nothing has happened. */
static void test_old_duplicate_syn(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    struct rig_out *o = rig_one(r, SYN | ACK);
    struct tcp_seg rst = {.seq = o->seg.ack, .th = RST};
    rig_seg(r, &rst, 0);
    rig_in_state(r, TERN_TCP_LISTEN);
    assert_int_equal(rig_events(r), 0);
    assert_int_equal(r->t->halves.used, 0);
}

static void test_nobody_listens_there(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    r->local.port++;
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_one(r, RST | ACK);
}

static void test_any_listener_takes_all_ports(void **state)
{
    struct rig *r = *state;
    struct tern_endpoint e = ep((struct tern_addr){0}, 0);
    assert_int_equal(tcp_listen(r->t, &e, 4, TERN_LISTEN_ANY, &r->lis, r->now), TERN_OK);
    for (unsigned i = 0; i < 3; i++) {
        r->local = ep(ip(93, 184, 216, 34 + i), 1000 + i);
        r->tuple.lport = r->local.port;
        memcpy(r->tuple.laddr, r->local.addr.b, 16);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        rig_one(r, SYN | ACK);
        rig_in(r, ACK, 0, 0, 0);
        rig_accept(r);
        struct tern_endpoint name;
        assert_int_equal(tcp_sockname(r->t, r->sock, &name), TERN_OK);
        assert_memory_equal(&name, &r->local, sizeof name);
    }
}

static void test_syn_with_text_and_fin(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    struct tcp_seg s = {.seq = r->peer_iss, .th = SYN | FIN, .wnd = 1000};
    rig_seg(r, &s, 100);
    assert_int_equal(rig_one(r, SYN | ACK)->seg.ack.v, r->peer_iss.v + 1); /* they come again */
    rig_in(r, ACK | FIN, 0, 0, 100);
    rig_accept(r);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(rig_recv(r, 1000), 0);
    rig_in_state(r, TERN_TCP_CLOSE_WAIT);
}

static void test_broadcast_to_closed(void **state) /* [RFC1122:3.2.2] no RST either */
{
    struct rig *r = *state;
    r->local.addr = ip(255, 255, 255, 255);
    assert_int_equal(rig_syn(r, SYN, r->peer_iss, seq_of(0)), CAUSE_DROP_BROADCAST);
    r->local.addr = ip(239, 1, 2, 3);
    assert_int_equal(rig_syn(r, SYN, r->peer_iss, seq_of(0)), CAUSE_DROP_BROADCAST);
    rig_silent(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_old_duplicate_syn),
        RIG_TEST(test_nobody_listens_there),
        RIG_TEST(test_any_listener_takes_all_ports),
        RIG_TEST(test_syn_with_text_and_fin),
        RIG_TEST(test_broadcast_to_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
