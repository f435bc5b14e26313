/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static unsigned icmp(struct rig *r, int32_t off, int err, unsigned mtu)
{
    return tcp_icmp(r->t, &r->local, &r->peer, rig_at(r).snd_una.v + (uint32_t)off, err, true,
                    (uint16_t)mtu, r->now);
}

static void established(struct rig *r)
{
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 10000);
    rig_pull(r);
}

/* [RFC9293:MUST-54] [RFC5927:4] [RFC8899:4.6.1] */
static void test_only_what_is_in_flight(void **state) /* [RFC5927:4.1] */
{
    struct rig *r = *state;
    established(r);
    assert_int_equal(icmp(r, -1, TERN_ECONNREFUSED, 0), CAUSE_DROP_ICMP_NO_MATCH);
    assert_int_equal(icmp(r, seq_diff(rig_at(r).snd_nxt, rig_at(r).snd_una), TERN_ECONNREFUSED, 0),
                     CAUSE_DROP_ICMP_NO_MATCH);
    assert_int_equal(icmp(r, 0, TERN_ECONNREFUSED, 0), CAUSE_DROP_ICMP_TAKEN);
    r->peer.port++;
    assert_int_equal(icmp(r, 0, TERN_ECONNREFUSED, 0), CAUSE_DROP_ICMP_NO_MATCH);
}

/* [RFC5927:4] */
static void test_synchronized_survives_all(void **state) /* [RFC5927:5.2] [RFC9293:MUST-56] */
{
    struct rig *r = *state;
    established(r);
    icmp(r, 0, TERN_ECONNREFUSED, 0);
    icmp(r, 0, TERN_EHOSTUNREACH, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(rig_conn(r)->err, 0);
}

static void test_path_mtu(void **state) /* [RFC1191:3] [RFC1191:3#1] [RFC1191:3#2] */
{
    struct rig *r = *state;
    established(r);
    assert_int_equal(icmp(r, 0, TERN_EMSGSIZE, 1400), CAUSE_DROP_ICMP_TAKEN);
    assert_int_equal(rig_conn(r)->mss, 1360);
    assert_true(rig_pull(r) >= 1); /* what was too large is sent again, smaller */
    assert_int_equal(r->out[0].seg.seq.v, rig_at(r).snd_una.v);
    for (unsigned i = 0; i < r->n; i++)
        assert_true(r->out[i].seg.len <= 1360 - 12);
    icmp(r, 0, TERN_EMSGSIZE, 1450); /* never up */
    assert_int_equal(rig_conn(r)->mss, 1360);
    icmp(r, 0, TERN_EMSGSIZE, 1); /* nor down to nothing */
    assert_true(rig_conn(r)->mss >= 88);
}

static void test_silent_neighbour(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_SYN_SENT);
    struct tern_addr other = ip(10, 0, 0, 77);
    tcp_unreachable(r->t, &other, r->now);
    rig_in_state(r, TERN_TCP_SYN_SENT);
    tcp_unreachable(r->t, &r->peer.addr, r->now);
    rig_in_state(r, TERN_TCP_CLOSED);
    assert_int_equal(rig_recv(r, 1), TERN_EHOSTUNREACH);
    r->peer.port = r->tuple.rport = RIG_PEER + 1;
    established(r);
    tcp_unreachable(r->t, &r->peer.addr, r->now); /* soft when open */
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_only_what_is_in_flight),
        RIG_TEST(test_synchronized_survives_all),
        RIG_TEST(test_path_mtu),
        RIG_TEST(test_silent_neighbour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
