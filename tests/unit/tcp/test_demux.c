/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void test_tuples(void **state)
{
    struct rig *r = *state;
    struct tcp_tuple a = r->tuple, b = a;
    assert_true(tuple_eq(&a, &b));
    b.iface = 3; /* no part of the name */
    assert_true(tuple_eq(&a, &b));
    assert_int_equal(tuple_hash(r->t, &a), tuple_hash(r->t, &b));
    b = a;
    b.lport++;
    assert_false(tuple_eq(&a, &b));
    assert_int_not_equal(tuple_hash(r->t, &a), tuple_hash(r->t, &b));
    b = a;
    b.raddr[3]++;
    assert_false(tuple_eq(&a, &b));
    assert_int_not_equal(tuple_hash(r->t, &a), tuple_hash(r->t, &b));
    b = a;
    b.fam = TERN_AF_IP6;
    assert_false(tuple_eq(&a, &b));
}

static void test_hash_is_keyed(void **state) /* nobody outside can aim at one chain */
{
    struct rig *r = *state;
    uint32_t was = tuple_hash(r->t, &r->tuple);
    rig_stop(r);
    rig_init(r);
    r->cfg.seed[3] ^= 1;
    rig_start(r);
    assert_int_not_equal(tuple_hash(r->t, &r->tuple), was);
}

static void test_all_connections_are_found(void **state)
{
    struct rig *r = *state;
    r->active = true;
    for (unsigned i = 0; i < 8; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
        rig_reach(r, TERN_TCP_ESTABLISHED);
    }
    for (unsigned i = 0; i < 8; i++) {
        r->tuple.rport = (uint16_t)(RIG_PEER + i);
        assert_int_equal(rig_conn(r)->tuple.rport, RIG_PEER + i);
        assert_ptr_equal(conn_get(r->t, conn_sock(r->t, rig_conn(r))), rig_conn(r));
    }
    r->tuple.rport = RIG_PEER + 8;
    assert_null(rig_find(r));
}

static void test_defaults(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_SYN_SENT);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(c->ttl, r->cfg.ttl);
    assert_false(c->nodelay || c->keepalive || c->cork || c->oobinline);
    assert_int_equal(c->snd.limit, r->cfg.sndbuf);
    assert_int_equal(c->rcv.limit, r->cfg.rcvbuf);
    assert_int_equal(extra_of(r->t, c)->keep_idle_ms, 7200000); /* [RFC9293:MUST-28] */
    assert_int_equal(c->rtt.rto_us, r->cfg.rto_initial_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_tuples),
        RIG_TEST(test_hash_is_keyed),
        RIG_TEST(test_all_connections_are_found),
        RIG_TEST(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
