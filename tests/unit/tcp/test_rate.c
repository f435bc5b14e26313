/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

/* Ten segments, acknowledged one a millisecond: the rate is that of the ACKs. */
static void test_rate_of_acks(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 150);
    later(r, 20);
    for (unsigned i = 1; i <= 40; i++) {
        flight_ack(r, i, NOTHING);
        rig_pull(r);
        later(r, 1);
    }
    uint64_t bps = board(r)->rate_bps;
    assert_in_range(bps, 900 * MSS, 1100 * MSS);
    assert_int_equal(board(r)->delivered, 40 * MSS);
    assert_true(board(r)->app_limited == 0);
}

static void test_app_limited(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 3); /* less than the window */
    struct tern_info i;
    assert_true(tcp_inspect(r->t, r->sock, &i, r->now));
    assert_true(i.app_limited);
    later(r, 20);
    flight_ack(r, 3, NOTHING);
    rig_send(r, 100 * MSS);
    rig_pull(r);
    later(r, 20);
    flight_ack(r, 10, NOTHING);
    assert_int_equal(board(r)->app_limited, 0);
}

/* One sample a round trip for the RTO, of a segment that was sent once [RFC6298:3] [RFC6298:4]. */
static void test_samples(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 40);

    later(r, 30);
    flight_ack(r, 1, NOTHING);
    uint32_t srtt = c->rtt.srtt_us;
    assert_true(srtt > 20000);
    later(r, 5);
    flight_ack(r, 2, NOTHING); /* of the same flight */
    assert_int_equal(c->rtt.srtt_us, srtt);
    assert_int_equal(rack_min_rtt_us(board(r)) / 1000, 30);
}

static void test_karn(void **state) /* [RFC6298:3] [RFC9293:MUST-18] */
{
    struct rig *r = *state;
    flight_begin(r, 1);
    c->ts_ok = false;
    uint32_t srtt = c->rtt.srtt_us;
    rig_run(r, 250);
    assert_true(c->retrans > 0);
    later(r, 7);
    flight_ack(r, 1, NOTHING);
    assert_int_equal(c->rtt.srtt_us, srtt);
    c->ts_ok = true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_rate_of_acks),
        RIG_TEST(test_app_limited),
        RIG_TEST(test_samples),
        RIG_TEST(test_karn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
