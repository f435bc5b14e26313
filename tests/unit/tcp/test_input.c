/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of the eight steps: what an earlier one decides, a later one does not see. */
#include "unit/tcp/rig.h"

static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_events(r);
    return 0;
}

static void test_paws_before_the_window(void **state) /* [RFC7323:5.3] */
{
    struct rig *r = *state;
    r->ts_skew = -5000;
    assert_int_equal(rig_in(r, ACK, -100, 0, 10), CAUSE_DROP_PAWS);
}

static void test_window_before_rst(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_in(r, RST | ACK, -1, 0, 0), CAUSE_DROP_RST_OUT_OF_WINDOW);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

static void test_rst_before_ack(void **state) /* its ACK field means nothing here */
{
    struct rig *r = *state;
    rig_in(r, RST | ACK, 0, 100000, 0);
    rig_in_state(r, TERN_TCP_CLOSED);
}

static void test_rst_before_syn_and_fin(void **state)
{
    struct rig *r = *state;
    rig_in(r, RST | SYN | FIN | ACK | URG, 0, 0, 10);
    rig_in_state(r, TERN_TCP_CLOSED);
    rig_silent(r);
}

static void test_ack_before_text(void **state) /* a bad ACK takes the text with it */
{
    struct rig *r = *state;
    assert_int_equal(rig_in(r, ACK | FIN, 0, 5, 10), CAUSE_DROP_ACK_UNSENT);
    assert_int_equal(rig_at(r).rcv_nxt.v, r->peer_iss.v + 1);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(rig_events(r), 0);
}

static void test_everything_in_one(void **state) /* ACK, urgent, text, FIN */
{
    struct rig *r = *state;
    rig_send(r, 100);
    rig_pull(r);
    r->urg = 3;
    rig_in(r, ACK | URG | PSH | FIN, 0, 0, 10);
    assert_int_equal(rig_events(r),
                     TERN_EV_SENT_ALL | TERN_EV_OOB | TERN_EV_READABLE | TERN_EV_PEER_FIN);
    assert_int_equal(rig_conn(r)->snd.buf.len, 0);
    rig_in_state(r, TERN_TCP_CLOSE_WAIT);
    rig_ack(r, CAUSE_TX_ACK_FIN);
}

static void test_traces_and_counts(void **state)
{
    struct rig *r = *state;
    struct tern_trace rec;
    r->trace.ring = calloc(64, sizeof rec);
    r->trace.mask = 63;
    r->trace.head = r->trace.tail = 0;
    rig_in(r, ACK, 0, 0, 7);
    rig_in(r, ACK, -100, 0, 7);
    unsigned taken = 0, dropped = 0;
    while (trace_read(&r->trace, &rec, 1, NULL) == 1) {
        taken += rec.kind == TERN_TR_SEG_RX && rec.cause == CAUSE_RX_SEG && rec.len == 7;
        dropped += rec.kind == TERN_TR_DROP && rec.cause == CAUSE_DROP_OUT_OF_WINDOW;
    }
    assert_int_equal(taken, 1);
    assert_int_equal(dropped, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_paws_before_the_window), T(test_window_before_rst), T(test_rst_before_ack),
        T(test_rst_before_syn_and_fin), T(test_ack_before_text),   T(test_everything_in_one),
        T(test_traces_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
