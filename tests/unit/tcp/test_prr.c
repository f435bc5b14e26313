/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

/* One segment of twenty is lost, ssthresh is half: one segment goes out for every second ACK, and
 * the window ends at ssthresh [RFC9937:6] [RFC6937:4]. */
static void test_proportional(void **state) /* [RFC9937:6.1] [RFC9937:6.2#1] */
{
    struct cc cc = {.mss = MSS, .ssthresh = 10 * MSS};
    struct tcp_conn conn = {.recovery = true, .cc = cc};
    struct xmit x = {.blind = false};
    struct news n = {.sacked = 3 * MSS, .lost = MSS};
    (void)state;
    conn.snd.nxt = conn.snd.rtx = seq_of(20 * MSS);
    x.sacked = 3 * MSS;
    conn.gone = 4 * MSS;
    prr_enter(&conn, &x, &n);
    assert_int_equal(x.prr_base, 20 * MSS);
    uint32_t sent = 0;
    for (unsigned i = 0; i < 17; i++) {
        prr_ack(&conn, &x, &n);
        uint32_t room = conn.cc.cwnd - snd_flight(&conn);
        while (room >= MSS) { /* the hole, then new data */
            if (sent++ == 0)
                conn.gone -= MSS;
            else
                conn.snd.nxt = conn.snd.rtx = seq_add(conn.snd.nxt, MSS);
            x.prr_out += MSS;
            room -= MSS;
        }
        assert_true(x.prr_out <= (x.prr_delivered * 10 + 19) / 20 + MSS);
        conn.gone += MSS;
        n.sacked = MSS;
        n.lost = 0;
    }
    assert_int_equal(sent, 9 + 1); /* half of what was delivered */
    assert_in_range(snd_flight(&conn), 9 * MSS, 11 * MSS);
}

/* Heavy loss: below ssthresh no more goes out than is delivered, and one more when all goes well.
 */
static void test_bounds(void **state) /* [RFC9937:6] [RFC9937:6.2#1] [RFC9937:6.2#2] */
{
    struct tcp_conn conn = {.recovery = true, .cc = {.mss = MSS, .ssthresh = 10 * MSS}};
    struct xmit x = {.prr_base = 20 * MSS, .prr_out = 5 * MSS, .prr_delivered = 5 * MSS};
    struct news n = {.sacked = MSS, .lost = MSS};
    (void)state;
    conn.snd.nxt = conn.snd.rtx = seq_of(4 * MSS);
    prr_ack(&conn, &x, &n); /* CRB */
    assert_int_equal(conn.cc.cwnd, 5 * MSS);
    n = (struct news){.cum = MSS, .una_moved = true};
    x.prr_out += MSS;
    prr_ack(&conn, &x, &n); /* SSRB */
    assert_int_equal(conn.cc.cwnd, 6 * MSS);
    conn.snd.nxt = conn.snd.rtx = seq_of(10 * MSS);
    prr_ack(&conn, &x, &n); /* never above ssthresh */
    assert_int_equal(conn.cc.cwnd, 10 * MSS);
    x = (struct xmit){.prr_base = 20 * MSS}; /* the first retransmission goes in any case */
    n = (struct news){.lost = MSS};
    conn.snd.nxt = conn.snd.rtx = seq_of(30 * MSS);
    prr_ack(&conn, &x, &n);
    assert_int_equal(conn.cc.cwnd, 31 * MSS);
}

static void test_ends_at_ssthresh(void **state) /* [RFC6675:5#3] */
{
    struct rig *r = *state;
    flight_begin(r, 60);
    later(r, 20);
    flight_ack(r, 0, {1, 4});
    rig_pull(r);
    assert_int_equal(c->cc.ssthresh, 5 * MSS);
    for (unsigned i = 5; i <= 10; i++) {
        later(r, 1);
        flight_ack(r, 0, {1, i});
        rig_pull(r);
    }
    later(r, 14);
    flight_ack(r, 10, NOTHING);
    assert_false(c->recovery);
    assert_int_equal(c->cc.cwnd, 5 * MSS);
    rig_pull(r);
    assert_true(snd_flight(c) <= c->cc.cwnd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proportional),
        cmocka_unit_test(test_bounds),
        RIG_TEST(test_ends_at_ssthresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
