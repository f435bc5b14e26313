/* SPDX-License-Identifier: BSD-2-Clause */
/* What the simulator and the fuzzer have found, each as small as it can be told. */
#include "unit/tcp/rig.h"

static void established(struct rig *r, bool active)
{
    r->active = active;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_events(r);
}

/* A read that ends at the last octet before a reset took the pending error along: the next one said
 * "end of stream". */
static void test_error_after_the_last_octet(void **state)
{
    struct rig *r = *state;
    established(r, true);
    rig_in(r, ACK, 0, 0, 100);
    rig_in(r, RST, 0, 0, 0);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(rig_recv(r, 1000), TERN_ECONNRESET);
    assert_int_equal(rig_recv(r, 1000), 0);
}

/* The FIN of both in flight, ours acknowledged together with the peer's: a second FIN was sent. */
static void test_fin_is_not_sent_again(void **state)
{
    struct rig *r = *state;
    established(r, true);
    tcp_shutdown(r->t, r->sock, r->now);
    rig_one(r, FIN | ACK);
    rig_in(r, FIN | ACK, 0, 0, 20);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    rig_one(r, ACK);
}

/* The newest acknowledgment came with a retransmission, so below SND.WL1: its window was not taken,
 * and the old one counted from the new SND.UNA. */
static void test_newest_ack_on_an_old_sequence_number(void **state)
{
    struct rig *r = *state;
    r->ws = 0;
    established(r, true);
    r->wnd = 4000;
    rig_in(r, ACK, 1000, 0, 10); /* WL1 is ahead */
    rig_send(r, 8000);
    rig_pull(r);
    uint32_t flight = (uint32_t)seq_diff(rig_at(r).snd_nxt, rig_at(r).snd_una);
    assert_true(flight <= 4000 && flight >= 2800);
    r->wnd = 500; /* all acknowledged, nothing read but 500 octets */
    rig_in(r, ACK, 0, 0, 10);
    rig_pull(r);
    assert_true((uint32_t)seq_diff(rig_at(r).snd_nxt, rig_at(r).snd_una) <= 500);
}

/* The opposite: an old acknowledgment on a newer sequence number tells an old window. */
static void test_old_ack_on_a_new_sequence_number(void **state) /* [RFC9293:3.10.7.4] fifth */
{
    struct rig *r = *state;
    r->ws = 0;
    established(r, true);
    r->wnd = 3000;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 2000);
    rig_pull(r);
    r->wnd = 1000;
    rig_in(r, ACK, 0, 0, 0);
    r->wnd = 3000;
    rig_in(r, ACK, 5, -1000, 0); /* sent before, overtaken */
    assert_int_equal(rig_conn(r)->snd.wnd, 1000);
}

/* Data held back by a window that is too small waits for the override timer; a segment that
 * repeated the window stopped that timer for good. */
static void test_override_timer_goes_on(void **state) /* [RFC9293:3.8.6.2.1] */
{
    struct rig *r = *state;
    r->ws = 0;
    established(r, true);
    r->wnd = 30000;
    rig_in(r, ACK, 0, 0, 0);
    r->wnd = 100; /* less than half of what it was: not worth a segment */
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 1000);
    rig_silent(r);
    rig_in(r, ACK, 0, 0, 0);
    rig_silent(r);
    rig_sleep(r, 1000);
    rig_pull(r);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.len, 100);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_PROBE_OVERRIDE);
}

/* No memory for what the application sends, and nothing in flight whose acknowledgment would wake
 * it. */
static void test_memory_comes_back(void **state)
{
    struct rig *r = *state;
    established(r, true);
    r->fault.fail_at = 1;
    r->fault.persist = 1;
    assert_int_equal(rig_send(r, 10), TERN_EAGAIN);
    r->fault.fail_at = 0;
    assert_int_equal(rig_events(r), 0);
    rig_sleep(r, 500);
    assert_int_equal(rig_events(r), TERN_EV_WRITABLE);
    assert_int_equal(rig_send(r, 10), 10);
    rig_one(r, ACK);
}

/* A challenge ACK of a half-open connection offered 64 KB, whatever the SYN-ACK had offered. */
static void test_half_open_offers_no_more_than_its_syn_ack(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    struct tcp_listener *l = listener_get(r->t, r->lis);
    l->opts[1] = 4096;
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_pull(r);
    assert_int_equal(r->out[0].seg.wnd, 4096);
    rig_in(r, RST, 10, 0, 0);
    rig_pull(r);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.th, ACK);
    assert_int_equal(r->out[0].seg.wnd, 4096);
}

/* ACK of our FIN together with a FIN that cannot be taken, for the peer has announced another one:
 * an orphan stayed in FIN-WAIT-2 without any timer. */
static void test_orphan_and_a_second_fin(void **state)
{
    struct rig *r = *state;
    established(r, true);
    rig_in(r, FIN | ACK, 100, 0, 0);
    tcp_close(r->t, r->sock, r->now);
    rig_pull(r);
    rig_in(r, FIN | ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
    assert_true(timer_on(rig_conn(r), TT_FIN_WAIT_2));
    rig_run(r, 3600000);
    rig_in_state(r, TERN_TCP_CLOSED);
    rig_empty(r);
}

/* The same with text that finds no memory: FIN-WAIT-1 was never left. */
static void test_text_with_the_fin_is_refused(void **state)
{
    struct rig *r = *state;
    established(r, true);
    tcp_shutdown(r->t, r->sock, r->now);
    rig_pull(r);
    r->fault.fail_at = 1;
    r->fault.persist = 1;
    rig_in(r, FIN | ACK, 0, 0, 10);
    r->fault.fail_at = 0;
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
}

/* A probe that was due when the window opened: its octet went out with no timer behind it. */
static void test_probe_after_the_window_has_opened(void **state)
{
    struct rig *r = *state;
    r->ws = 0;
    established(r, true);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 10);
    rig_silent(r);
    while (rig_conn(r)->owe_probe == 0)
        assert_true(rig_next(r, 10000) < 10000);
    r->wnd = 5000;
    rig_in(r, ACK, 0, 0, 0);
    struct rig_out *o = rig_one(r, ACK);
    assert_int_equal(o->seg.len, 10);
    rig_sleep(r, 5000);
    assert_int_equal(rig_pull(r), 1); /* again, since it was not acknowledged */
    assert_int_equal(r->out[0].seg.len, 10);
}

/* ABORT in LAST-ACK is silent, for everything has been sent by then [RFC9293:3.10.5]. Ours is
 * entered when the application closes: with data queued the peer must be told. */
static void test_abort_with_data_queued(void **state)
{
    struct rig *r = *state;
    r->ws = 0;
    r->wnd = 1000;
    established(r, true);
    rig_in(r, FIN | ACK, 0, 0, 0);
    rig_send(r, 5000);
    tcp_shutdown(r->t, r->sock, r->now);
    rig_pull(r);
    rig_in_state(r, TERN_TCP_LAST_ACK);
    tcp_abort(r->t, r->sock, r->now);
    rig_one(r, RST | ACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_error_after_the_last_octet),
        RIG_TEST(test_fin_is_not_sent_again),
        RIG_TEST(test_newest_ack_on_an_old_sequence_number),
        RIG_TEST(test_old_ack_on_a_new_sequence_number),
        RIG_TEST(test_override_timer_goes_on),
        RIG_TEST(test_memory_comes_back),
        RIG_TEST(test_half_open_offers_no_more_than_its_syn_ack),
        RIG_TEST(test_orphan_and_a_second_fin),
        RIG_TEST(test_text_with_the_fin_is_refused),
        RIG_TEST(test_probe_after_the_window_has_opened),
        RIG_TEST(test_abort_with_data_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
