/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes out, and when it does not: Nagle, silly-window avoidance, flags, windows, probes. */
#include "unit/tcp/rig.h"

#define MSS 1448

static struct tcp_conn *c;

static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    c = rig_conn(r);
    return 0;
}

static void opt(struct rig *r, enum tern_opt o, int64_t v)
{
    assert_int_equal(tcp_setopt(r->t, r->sock, o, v, r->now), TERN_OK);
}

/* [RFC9293:MAY-16] [RFC1122:4.2.3.4] */
static void test_nagle(void **state) /* [RFC9293:SHLD-7] [RFC9293:MUST-17] */
{
    struct rig *r = *state;
    rig_send(r, 10);
    assert_int_equal(rig_one(r, ACK)->seg.len, 10); /* nothing in flight: at once */
    rig_send(r, 10);
    rig_send(r, 10);
    rig_silent(r);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_one(r, ACK)->seg.len, 20); /* collected [RFC9293:SHLD-27] */
    rig_send(r, MSS + 5);
    assert_int_equal(rig_one(r, ACK)->seg.len, MSS); /* a full one does not wait; its tail does */
    opt(r, TERN_OPT_NODELAY, 1);
    assert_int_equal(rig_one(r, ACK)->seg.len, 5);
    rig_send(r, 1);
    assert_int_equal(rig_one(r, ACK)->seg.len, 1);
}

static void test_fin_does_not_wait_for_nagle(void **state)
{
    struct rig *r = *state;
    rig_send(r, 10);
    rig_pull(r);
    rig_send(r, 10);
    tcp_shutdown(r->t, r->sock, r->now);
    assert_int_equal(rig_one(r, FIN | ACK)->seg.len, 10);
}

static void test_cork(void **state)
{
    struct rig *r = *state;
    opt(r, TERN_OPT_CORK, 1);
    rig_send(r, 100);
    rig_silent(r);
    rig_send(r, MSS);
    assert_int_equal(rig_one(r, ACK)->seg.len, MSS);
    rig_in(r, ACK, 0, 0, 0);
    rig_silent(r);
    opt(r, TERN_OPT_CORK, 0);
    assert_int_equal(rig_one(r, ACK)->seg.len, 100);
    rig_in(r, ACK, 0, 0, 0);
    opt(r, TERN_OPT_CORK, 1); /* ... but not for ever [RFC9293:MUST-60] */
    rig_send(r, 7);
    rig_silent(r);
    rig_run(r, 1000);
    assert_int_equal(r->n > 0, 1);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_PROBE_OVERRIDE);
}

static void test_push_on_the_last(void **state) /* [RFC9293:MUST-61] [RFC9293:SHLD-28] */
{
    struct rig *r = *state;
    rig_send(r, 3 * MSS + 100);
    assert_int_equal(rig_pull(r), 3);
    assert_int_equal(r->out[0].seg.th, ACK);
    assert_int_equal(r->out[2].seg.th, ACK);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_pull(r), 1);
    assert_int_equal(r->out[0].seg.th, ACK | PSH);
}

/* [RFC9293:MUST-38] a window that opens by drips draws no drips. */
static void test_sender_sws(void **state) /* [RFC1122:4.2.3.4] */
{
    struct rig *r = *state;
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 20000);
    rig_silent(r);
    r->wnd = 100 >> 2;
    rig_in(r, ACK, 0, 0, 0);
    rig_silent(r);
    int64_t waited = 0;
    while (rig_pull(r) == 0 && waited < 1100)
        waited += rig_next(r, 1000);
    assert_in_range(waited, 100, 1000); /* the override */
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.len, 100);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_PROBE_OVERRIDE);
}

static void test_half_the_largest_window_is_worth_sending(void **state)
{
    struct rig *r = *state;
    c->snd.max_wnd = 1000; /* a small host */
    r->wnd = 600 >> 2;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 5000);
    assert_int_equal(rig_one(r, ACK)->seg.len, 600);
}

static void test_stays_inside_the_window(void **state) /* [RFC5681:3] */
{
    struct rig *r = *state;
    r->wnd = 3000 >> 2;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 20000);
    uint32_t sum = 0;
    rig_pull(r);
    for (unsigned i = 0; i < r->n; i++)
        sum += r->out[i].seg.len;
    assert_in_range(sum, 2 * MSS, 3000);
    rig_in(r, ACK, 0, 0, 0);
    rig_pull(r);
    for (unsigned i = 0; i < r->n; i++)
        assert_true(
            seq_le(seq_add(r->out[i].seg.seq, r->out[i].seg.len), seq_add(c->snd.una, 3000)));
}

static void test_fin_stuck_behind_a_shut_window(void **state)
{
    struct rig *r = *state;
    rig_send(r, 100);
    rig_pull(r);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    tcp_shutdown(r->t, r->sock, r->now);
    rig_silent(r);
    rig_run(r, 300); /* [RFC9293:SHLD-29] after one RTO */
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.th, FIN | ACK);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_PROBE_WINDOW);
    rig_in(r, ACK, 0, 0, 0); /* taken at the edge */
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
    rig_run(r, 50000);
    assert_int_equal(r->n, 0);
}

static void test_probe_octet_is_taken_or_not(void **state)
{
    struct rig *r = *state;
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 3);
    rig_run(r, 250);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.len, 1);
    rig_in(r, ACK, 0, 0, 0); /* taken */
    assert_int_equal(c->snd.buf.len, 2);
    rig_run(r, 1000);
    assert_true(r->n >= 1);
    assert_int_equal(r->out[0].seg.seq.v, c->snd.una.v);
    rig_in(r, ACK, 0, -1, 0); /* refused */
    assert_int_equal(c->snd.buf.len, 2);
    r->wnd = 5000;
    rig_in(r, ACK, 0, -1, 0);
    rig_run(r, 300);
    rig_in(r, ACK, 0, 0, 0);
    rig_pull(r);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(c->snd.buf.len, 0);
}

/* The window opens and shuts again before anything could go: a timer must still run. */
static void test_window_opens_for_a_moment(void **state)
{
    struct rig *r = *state;
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 3000);
    rig_run(r, 250);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_PROBE_WINDOW);
    r->wnd = 5000;
    rig_in(r, ACK, 0, -1, 0);
    r->wnd = 0;
    rig_in(r, ACK, 0, -1, 0);
    rig_pull(r);
    rig_run(r, 100000);
    assert_true(r->n >= 1);
    assert_int_equal(r->out[r->n - 1].seg.seq.v, c->snd.una.v);
}

static void test_urgent_pointer(void **state) /* [RFC9293:MUST-31] [RFC9293:MUST-62] */
{
    struct rig *r = *state;
    uint8_t data[2000] = {0};
    assert_int_equal(tcp_send(r->t, r->sock, data, sizeof data, TERN_SEND_OOB, r->now), 2000);
    assert_int_equal(rig_pull(r), 1);
    assert_true(r->out[0].seg.th & URG);
    assert_int_equal(r->out[0].seg.urg, 2000); /* the octet after */
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_pull(r), 1);
    assert_true(r->out[0].seg.th & URG);
    assert_int_equal(r->out[0].seg.urg, 2000 - MSS);
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 10);
    assert_int_equal(rig_pull(r), 1);
    assert_false(r->out[0].seg.th & URG);
}

/* Pure: asking what would be sent changes nothing. */
static void test_plan_is_pure(void **state)
{
    struct rig *r = *state;
    struct tcp_plan a, b;
    rig_send(r, 5000);
    struct tcp_conn before = *c;
    tcp_plan(r->t, c, MSS, r->now, &a);
    tcp_plan(r->t, c, MSS, r->now, &b);
    assert_memory_equal(c, &before, sizeof before);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(a.what, PLAN_DATA);
    tcp_plan(r->t, c, 3 * MSS, r->now, &a);
    assert_int_equal(a.len, 3 * MSS); /* a super-segment when the link cuts */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_nagle),
        T(test_fin_does_not_wait_for_nagle),
        T(test_cork),
        T(test_push_on_the_last),
        T(test_sender_sws),
        T(test_half_the_largest_window_is_worth_sending),
        T(test_stays_inside_the_window),
        T(test_fin_stuck_behind_a_shut_window),
        T(test_probe_octet_is_taken_or_not),
        T(test_window_opens_for_a_moment),
        T(test_urgent_pointer),
        T(test_plan_is_pure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
