/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

static void test_spaced(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 0);
    c->cc.cwnd = 40 * MSS;
    c->cc.pacing_bps = 100 * MSS; /* a segment in 10 ms */
    rig_send(r, 30 * MSS);
    rig_pull(r);
    assert_int_equal(r->n, 3); /* the credit of two, and the one due now */
    assert_true(timer_due(r->t, c, TT_PACE) != 0);
    unsigned n = 0;
    for (unsigned i = 0; i < 10; i++) {
        rig_run(r, 10);
        n += r->n;
    }
    assert_in_range(n, 9, 12);
}

static void test_unpaced(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    assert_int_equal(r->n, 10);
    assert_int_equal(timer_due(r->t, c, TT_PACE), 0);
    assert_int_equal(pace_quantum(c), UINT32_MAX);
}

static void test_quantum(void **state)
{
    struct tcp_conn conn = {.cc = {.mss = MSS}};
    (void)state;
    conn.cc.pacing_bps = 10 * MSS;
    assert_int_equal(pace_quantum(&conn), 2 * MSS);
    conn.cc.pacing_bps = 10000 * MSS;
    assert_int_equal(pace_quantum(&conn), 10 * MSS);
    conn.cc.pacing_bps = UINT64_C(10000000000);
    assert_int_equal(pace_quantum(&conn), 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_spaced),
        RIG_TEST(test_unpaced),
        cmocka_unit_test(test_quantum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
