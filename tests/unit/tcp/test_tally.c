/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

static void look(struct rig *r, struct tern_info *o)
{
    assert_true(tcp_inspect(r->t, r->sock, o, r->now));
}

static void test_nothing_before_data(void **state)
{
    struct rig *r = *state;
    struct tern_info o;
    flight_begin(r, 0);
    look(r, &o);
    assert_int_equal(c->tally, 0);
    assert_int_equal(o.data_out + o.data_in + o.delivered_segs, 0);
    assert_int_equal(o.bytes_sent, 0);
    assert_int_equal(o.path_mtu, 1500);
    assert_int_equal(o.adv_mss, MSS);
}

static void test_counts(void **state)
{
    struct rig *r = *state;
    struct tern_info o;
    flight_begin(r, 6);
    later(r, 20);
    flight_ack(r, 0, {1, 6}); /* the first is lost */
    rig_pull(r);
    later(r, 20);
    look(r, &o);
    assert_int_equal(o.data_out, 7);
    assert_int_equal(o.bytes_sent, 7 * MSS);
    assert_int_equal(o.bytes_rexmt, MSS);
    assert_int_equal(o.again, MSS);
    assert_int_equal(o.delivered_segs, 5);
    assert_int_equal(o.data_tx_ms, 20);
    flight_ack(r, 6, NOTHING);
    look(r, &o);
    assert_int_equal(o.delivered_segs, 6);
    assert_int_equal(o.bytes_acked, 6 * MSS);
    assert_int_equal(o.bytes_sent, o.bytes_acked + o.bytes_rexmt);
    rig_in(r, ACK, 0, 0, 100);
    later(r, 7);
    look(r, &o);
    assert_int_equal(o.data_in, 1);
    assert_int_equal(o.data_rx_ms, 7);
    assert_int_equal(o.ack_rx_ms, 7);
    /* A program that pauses does not find its numbers gone. */
    rig_run(r, 30000);
    look(r, &o);
    assert_int_equal(c->xmit, 0);
    assert_int_equal(o.data_out, 7);
    assert_int_equal(o.delivered_segs, 6);
    assert_int_equal(o.bytes_rexmt, MSS);
}

/* Busy while something is unacknowledged; idle in between. */
static void test_busy(void **state)
{
    struct rig *r = *state;
    struct tern_info o;
    flight_begin(r, 2);
    later(r, 20);
    flight_ack(r, 2, NOTHING);
    later(r, 500);
    look(r, &o);
    assert_int_equal(o.busy_us, 20000);
    rig_send(r, MSS);
    rig_pull(r);
    later(r, 30);
    look(r, &o);
    assert_int_equal(o.busy_us, 50000);
    assert_int_equal(o.rwnd_us + o.sndbuf_us, 0);
}

static void test_limited_by_window(void **state)
{
    struct rig *r = *state;
    struct tern_info o;
    flight_begin(r, 2);
    later(r, 20);
    r->wnd = 0;
    flight_ack(r, 2, NOTHING);
    rig_send(r, 4 * MSS);
    rig_pull(r); /* nothing goes */
    assert_int_equal(r->n, 0);
    look(r, &o);
    assert_int_equal(o.not_sent, 4 * MSS);
    r->wnd = 60000 >> 2;
    flight_ack(r, 2, NOTHING);
    rig_pull(r);
    r->wnd = 1; /* no more than is out */
    flight_ack(r, 6, NOTHING);
    rig_send(r, 20 * MSS);
    rig_pull(r);
    later(r, 50);
    look(r, &o);
    assert_true(o.busy_us >= o.rwnd_us);
}

static void test_limited_by_buffer(void **state)
{
    struct rig *r = *state;
    struct tern_info o;
    r->cfg.sndbuf = 4 * MSS;
    flight_begin(r, 4); /* cwnd would allow 10 */
    assert_int_equal(rig_send(r, MSS), TERN_EAGAIN);
    tcp_ready(r->t, c);
    rig_pull(r);
    later(r, 20);
    look(r, &o);
    assert_int_equal(o.sndbuf_us, 20000);
    assert_int_equal(o.busy_us, 20000);
}

static void test_timeouts(void **state)
{
    struct rig *r = *state;
    struct tern_info o;
    flight_begin(r, 1);
    rig_run(r, 2000);
    look(r, &o);
    assert_int_equal(o.rto_total, rig_count(r, CAUSE_CC_RTO));
    assert_true(o.rto_total >= 2);
    assert_int_equal(o.rto_recoveries, 1);
    assert_true(o.rto_ms > 1000);
    flight_ack(r, 1, NOTHING);
    look(r, &o);
    uint32_t ms = o.rto_ms;
    later(r, 1000);
    look(r, &o);
    assert_int_equal(o.rto_ms, ms);
}

/* Without any record everything goes on, and the numbers stay zero. */
static void test_without_record(void **state)
{
    struct rig *r = *state;
    struct tern_info o;
    flight_begin(r, 0);
    r->t->tallies.max = 0;
    rig_send(r, MSS);
    rig_pull(r);
    later(r, 20);
    flight_ack(r, 1, NOTHING);
    rig_in(r, ACK, 0, 0, 100);
    look(r, &o);
    assert_int_equal(o.data_out + o.data_in, 0);
    assert_int_equal(o.bytes_acked, MSS);
    assert_int_equal(rig_recv(r, 100), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_nothing_before_data),
        RIG_TEST(test_counts),
        RIG_TEST(test_busy),
        RIG_TEST(test_limited_by_window),
        RIG_TEST(test_limited_by_buffer),
        RIG_TEST(test_timeouts),
        RIG_TEST(test_without_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
