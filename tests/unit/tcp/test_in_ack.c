/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static struct tcp_conn *c;

static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_events(r);
    c = rig_conn(r);
    tcp_setopt(r->t, r->sock, TERN_OPT_NODELAY, 1, r->now);
    return 0;
}

/* SND.WND is measured from SND.UNA: a segment with an older ACK, however new its SEQ, must not set
 * it. */
static void test_window_of_an_older_ack(void **state)
{
    struct rig *r = *state;
    rig_send(r, 5000);
    rig_pull(r);
    rig_in(r, ACK, 0, 0, 0);
    r->wnd = 16000;
    rig_in(r, ACK, 0, -3000, 10);
    assert_int_equal(c->snd.wnd, 32768u << c->snd_ws);
    rig_recv(r, 100);
}

/* [RFC9293:SHLD-17] [RFC9293:MAY-7] */
static void test_window_shrinks(void **state) /* [RFC9293:MUST-34] [RFC9293:SHLD-15] */
{
    struct rig *r = *state;
    rig_send(r, 10000);
    rig_pull(r);
    r->wnd = 500;
    rig_in(r, ACK, 0, -10000, 0); /* 2000 octets: less than is in flight */
    rig_send(r, 5000);
    rig_silent(r);
    rig_run(r, 250); /* what is inside the new edge is sent again [RFC9293:SHLD-16] */
    assert_true(r->n >= 1);
    assert_int_equal(r->out[0].seg.seq.v, c->snd.una.v);
    rig_in(r, ACK, 0, -8000, 0);
    rig_run(r, 3000);
    for (unsigned i = 0; i < r->n; i++)
        assert_true(
            seq_le(seq_add(r->out[i].seg.seq, r->out[i].seg.len), seq_add(c->snd.una, 2000)));
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

static void test_sample_with_timestamps_after_retransmission(void **state) /* [RFC7323:4.1] */
{
    struct rig *r = *state;
    rig_send(r, 100);
    rig_run(r, 1000); /* a probe and two retransmissions; RTO 800 ms */
    assert_int_equal(c->rtt.rto_us, 800000);
    struct tcp_seg s = {.seq = c->rcv.nxt, .ack = c->snd.nxt, .th = ACK, .wnd = r->wnd};
    s.opt.has_ts = true;
    s.opt.tsval = c->ts_recent + 1;
    s.opt.tsecr = tsval_now(r->t, c->ts_off, r->now) - 20; /* it answers what left 20 ms ago */
    rig_seg(r, &s, 0);
    assert_int_equal(c->rtt.rto_us, r->cfg.rto_min_us);
}

static void test_ts_recent(void **state) /* [RFC7323:4.3] */
{
    struct rig *r = *state;
    uint32_t was = c->ts_recent;
    r->now = time_add_ms(r->now, 100);
    rig_in(r, ACK, 500, 0, 10); /* beyond a hole: not next to be acknowledged */
    assert_int_equal(c->ts_recent, was);
    rig_in(r, ACK, 0, 0, 10);
    assert_int_equal(c->ts_recent, was + 100);
}

static void test_events(void **state)
{
    struct rig *r = *state;
    rig_send(r, 100);
    rig_pull(r);
    rig_in(r, ACK, 0, -50, 0);
    assert_int_equal(rig_events(r), 0);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_events(r), TERN_EV_SENT_ALL);
    /* WRITABLE only after the application met a full buffer, and when half of it is free */
    int64_t n = rig_send(r, 1 << 20);
    assert_int_equal(n, 256 << 10);
    assert_int_equal(rig_send(r, 1), TERN_EAGAIN);
    unsigned bits = 0;
    while (c->snd.buf.len > 0) {
        bool half = c->snd.buf.len <= c->snd.limit / 2;
        assert_int_equal(!!(bits & TERN_EV_WRITABLE), half);
        rig_pull(r);
        rig_in(r, ACK, 0, 0, 0);
        bits |= rig_events(r);
    }
    assert_int_equal(bits, TERN_EV_WRITABLE | TERN_EV_SENT_ALL);
    assert_int_equal(r->arena.used, 0); /* an empty buffer is no buffer */
}

/* CLOSE while the ACK of the last data is under way: it acknowledges the data, not a FIN never
 * sent. */
static void test_ack_before_the_fin_is_sent(void **state)
{
    struct rig *r = *state;
    rig_send(r, 100);
    rig_pull(r);
    assert_int_equal(tcp_shutdown(r->t, r->sock, r->now), TERN_OK);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_FIN_WAIT_1);
    rig_one(r, FIN | ACK);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
    rig_silent(r);
}

/* SND.UNA comes by the ISS again after 4 GB: that is not a SYN unacknowledged. */
static void test_wrap_over_the_iss(void **state)
{
    struct rig *r = *state;
    struct seq iss = c->snd.iss;
    c->snd.una = c->snd.nxt = c->snd.rtx = c->snd.recover = c->snd.wl2 = seq_sub(iss, 1000);
    rig_send(r, 3000);
    rig_pull(r);
    rig_in(r, ACK, 0, -2000, 0);
    assert_int_equal(c->snd.una.v, iss.v);
    assert_int_equal(c->snd.buf.len, 2000);
    rig_pull(r);
    rig_run(r, 250); /* the tail loss probe, and the timeout */
    assert_int_equal(r->n, 2);
    assert_int_equal(r->out[1].seg.th & SYN, 0);
    assert_int_equal(r->out[1].seg.seq.v, iss.v);
    assert_int_equal(r->out[1].seg.data[0], (uint8_t)(1000 ^ 1000 >> 8));
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(c->snd.buf.len, 0);
}

/* [RFC9293:MAY-12] [RFC5961:5.2#1] */
static void test_ghost_ack_below_the_iss(void **state) /* never "old": it was never sent */
{
    struct rig *r = *state;
    int32_t since = seq_diff(c->snd.nxt, c->snd.iss);
    assert_int_equal(rig_in(r, ACK, 0, -since - 1, 10), CAUSE_DROP_ACK_OLD);
    assert_int_equal(rig_in(r, ACK, 0, -since, 10), CAUSE_RX_SEG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_window_of_an_older_ack, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_window_shrinks, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_sample_with_timestamps_after_retransmission, setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(test_ts_recent, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_events, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_ack_before_the_fin_is_sent, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_wrap_over_the_iss, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_ghost_ack_below_the_iss, setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
