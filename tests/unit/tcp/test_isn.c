/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static struct tcp_tuple tuple(unsigned lport, unsigned rport, unsigned host)
{
    struct tcp_tuple tu = {.lport = (uint16_t)lport, .rport = (uint16_t)rport, .fam = TERN_AF_IP4};
    memcpy(tu.laddr, ip(10, 0, 0, 1).b, 4);
    memcpy(tu.raddr, ip(10, 0, 0, host).b, 4);
    return tu;
}

/* ISN = M + F(4-tuple, secret) [RFC6528:3] [RFC9293:MUST-8] [RFC9293:SHLD-1]. */
static void test_isn_follows_the_clock(void **state) /* [RFC6528:3#1] */
{
    struct rig *r = *state;
    struct tcp_tuple tu = tuple(80, 4000, 2);
    struct seq a = isn_of(r->t, &tu, r->now);
    assert_int_equal(isn_of(r->t, &tu, r->now).v, a.v);
    assert_int_equal(isn_of(r->t, &tu, time_add_us(r->now, 4)).v - a.v, 1);
    assert_int_equal(isn_of(r->t, &tu, time_add_ms(r->now, 1000)).v - a.v, 250000);
}

/* [RFC9293:SHLD-1] [RFC6528:3#2] [RFC7323:7.1] */
static void test_isn_differs_by_all_four_and_by_secret(void **state) /* [RFC9293:MUST-9] */
{
    struct rig *r = *state;
    struct tcp_tuple tu[] = {tuple(80, 4000, 2), tuple(81, 4000, 2), tuple(80, 4001, 2),
                             tuple(80, 4000, 3), tuple(4000, 80, 2)};
    for (unsigned i = 0; i < 5; i++)
        for (unsigned k = i + 1; k < 5; k++) {
            assert_int_not_equal(isn_of(r->t, &tu[i], r->now).v, isn_of(r->t, &tu[k], r->now).v);
            assert_int_not_equal(ts_offset_of(r->t, &tu[i]), ts_offset_of(r->t, &tu[k]));
        }
    struct seq a = isn_of(r->t, &tu[0], r->now);
    rig_stop(r);
    rig_init(r);
    r->cfg.seed[0]++;
    rig_start(r);
    assert_int_not_equal(isn_of(r->t, &tu[0], r->now).v, a.v);
}

static void test_isn_and_timestamps_are_apart(void **state) /* one does not tell the other */
{
    struct rig *r = *state;
    struct tcp_tuple tu = tuple(80, 4000, 2);
    assert_int_not_equal(isn_of(r->t, &tu, r->now).v, ts_offset_of(r->t, &tu));
}

/* [RFC6056:3.3.3]: to one destination all ports come round before one returns; to another the order
 * is another. */
static void test_ports(void **state) /* [RFC6056:3.3] */
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.port_lo = 50000;
    r->cfg.port_hi = 50099;
    rig_start(r);
    uint8_t seen[100] = {0};
    for (unsigned i = 0; i < 100; i++) {
        struct tcp_tuple tu = tuple(0, 80, 2);
        uint16_t p = port_choose(r->t, &tu);
        assert_int_equal(p, tu.lport);
        assert_in_range(p, 50000, 50099);
        assert_int_equal(seen[p - 50000]++, 0);
    }
    struct tcp_tuple a = tuple(0, 80, 2), b = tuple(0, 80, 3);
    uint16_t pa = port_choose(r->t, &a), pb = port_choose(r->t, &b);
    assert_int_not_equal(pb - pa, 1);
}

static void test_ports_run_out(void **state) /* [RFC6056:3.2] */
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.port_lo = 50000;
    r->cfg.port_hi = 50003;
    rig_start(r);
    r->local.port = 50001; /* a listener keeps its port */
    rig_listen(r, 1);
    r->local.port = 0;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_connect(r), TERN_OK);
    assert_int_equal(rig_connect(r), TERN_EADDRNOTAVAIL);
    r->peer.port++; /* but another destination has all of them */
    assert_int_equal(rig_connect(r), TERN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_isn_follows_the_clock),
        RIG_TEST(test_isn_differs_by_all_four_and_by_secret),
        RIG_TEST(test_isn_and_timestamps_are_apart),
        RIG_TEST(test_ports),
        RIG_TEST(test_ports_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
