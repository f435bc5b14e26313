/* SPDX-License-Identifier: BSD-2-Clause */
/* Loss recovery without SACK, seen from outside: a sender with ten segments in flight, and a peer
 * that loses some. */
#include "unit/tcp/rig.h"

#define MSS 1448

static struct tcp_conn *c;

/* Ten full segments are out. */
static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    r->active = true;
    r->wnd = 60000;
    r->syn_sack = false; /* what follows is recovery without SACK */
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    c = rig_conn(r);
    assert_int_equal(rig_send(r, 100 * MSS), 100 * MSS);
    assert_int_equal(rig_pull(r), 10);
    return 0;
}

/* The peer acknowledges n segments from snd.una on. */
static void ack(struct rig *r, unsigned n)
{
    rig_in(r, ACK, 0, seq_diff(c->snd.una, c->snd.nxt) + (int32_t)(n * MSS), 0);
}
static struct seq segment(unsigned n)
{
    return seq_add(c->snd.iss, 1 + n * MSS);
}

static void test_limited_transmit(void **state) /* [RFC3042:2] [RFC5681:3.2#2] */
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        ack(r, 0);
        assert_int_equal(rig_pull(r), 1);
        assert_int_equal(r->out[0].seg.seq.v, segment(10 + i).v);
        assert_int_equal(r->out[0].out.cause, CAUSE_TX_LIMITED);
        assert_int_equal(c->cc.cwnd, 10 * MSS);
    }
}

static void three_dups(struct rig *r)
{
    for (unsigned i = 0; i < 3; i++) {
        ack(r, 0);
        rig_pull(r);
    }
}

/* [RFC5681:3.2#1] [RFC5681:3.1#6] */
static void test_fast_retransmit(void **state) /* [RFC5681:3.2] [RFC6582:3.2] */
{
    struct rig *r = *state;
    three_dups(r);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(0).v);
    assert_int_equal(r->out[0].seg.len, MSS);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_FAST);
    assert_int_equal(c->cc.ssthresh, 6 * MSS); /* half of twelve in flight */
    assert_int_equal(c->cc.cwnd, 9 * MSS);
    for (unsigned i = 0; i < 3; i++) { /* inflation up to the twelve that are out */
        ack(r, 0);
        assert_int_equal(rig_pull(r), 0);
    }
    ack(r, 0); /* the thirteenth */
    assert_int_equal(rig_pull(r), 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(12).v);
}

static void test_partial_and_full_ack(void **state) /* [RFC6582:3.2] steps 3 [RFC6582:3] */
{
    struct rig *r = *state;
    three_dups(r);
    ack(r, 4); /* the fourth is lost too */
    assert_true(rig_pull(r) >= 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(4).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_PARTIAL);
    assert_true(c->recovery);
    assert_int_equal(c->cc.cwnd, 6 * MSS); /* 9 - 4 + 1 */
    ack(r, 8);
    rig_pull(r);
    assert_false(c->recovery);
    assert_true(c->cc.cwnd <= c->cc.ssthresh);
    assert_int_equal(rig_count(r, CAUSE_CC_FAST_RECOVERY), 1);
    assert_int_equal(rig_count(r, CAUSE_CC_RECOVERED), 1);
}

static void test_what_is_no_duplicate(void **state) /* [RFC5681:2] */
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 5; i++) {
        r->wnd--; /* a window update */
        ack(r, 0);
    }
    for (unsigned i = 0; i < 5; i++) /* text */
        rig_in(r, ACK, 0, seq_diff(c->snd.una, c->snd.nxt), 10);
    assert_int_equal(c->dupacks, 0);
    assert_false(c->recovery);
}

static void test_timeout_goes_back(void **state) /* [RFC6298:5.4] [RFC5681:3.1] [RFC5681:3.1#7] */
{
    struct rig *r = *state;
    rig_run(r, 201);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.seq.v, segment(0).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_RTO);
    assert_int_equal(c->cc.ssthresh, 5 * MSS);
    ack(r, 1); /* slow start: two go out, from where the ACK stands */
    assert_int_equal(rig_pull(r), 2);
    assert_int_equal(r->out[0].seg.seq.v, segment(1).v);
    assert_int_equal(r->out[1].seg.seq.v, segment(2).v);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_GO_BACK);
    ack(r, 9); /* the rest had arrived: nothing more is sent again */
    rig_pull(r);
    for (unsigned i = 0; i < r->n; i++)
        assert_true(seq_ge(r->out[i].seg.seq, segment(10)));
    assert_false(c->rto_recovery);
}

/* Duplicates before the timeout say nothing about what is sent after it. */
static void test_timeout_forgets_duplicates(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        ack(r, 0);
        rig_pull(r);
    }
    rig_run(r, 201);
    assert_int_equal(r->n, 1);
}

/* [RFC6582:4]: duplicates that come of go-back retransmissions do not halve the window again. */
static void test_no_fast_retransmit_after_timeout(void **state)
{
    struct rig *r = *state;
    rig_run(r, 201);
    three_dups(r);
    assert_int_equal(rig_count(r, CAUSE_CC_FAST_RECOVERY), 0);
}

/* Fast retransmit still works when 2^31 octets have gone by since the last loss. */
static void test_recover_does_not_grow_stale(void **state)
{
    struct rig *r = *state;
    ack(r, 10);
    rig_pull(r);
    uint32_t left = 0x90000000u / MSS;
    struct seq base = c->snd.una;
    /* Moves the whole sequence space on, as that much traffic without loss would. */
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t jump = left / 8 * MSS;
        c->snd.una = seq_add(c->snd.una, jump);
        c->snd.nxt = seq_add(c->snd.nxt, jump);
        c->snd.rtx = seq_add(c->snd.rtx, jump);
        c->snd.wl2 = seq_add(c->snd.wl2, jump);
        c->rtt.timed_ns = 0;
        ack(r, 1);
        rig_pull(r);
        rig_send(r, MSS);
        rig_pull(r);
    }
    assert_true(seq_lt(c->snd.una, base));
    c->dupacks = 0;
    three_dups(r);
    assert_int_equal(rig_count(r, CAUSE_CC_FAST_RECOVERY), 1);
}

static void test_karn(void **state) /* [RFC6298:3] [RFC9293:MUST-18] */
{
    struct rig *r = *state;
    r->no_ts = false;
    uint32_t srtt = c->rtt.srtt_us;
    rig_run(r, 300); /* one retransmission */
    r->now = time_add_ms(r->now, 1);
    c->ts_ok = false; /* without timestamps nothing tells the two apart */
    ack(r, 1);
    assert_int_equal(c->rtt.srtt_us, srtt);
    assert_int_equal(c->rtt.rto_us, 400000); /* and the backed-off RTO stays */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_limited_transmit, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_fast_retransmit, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_partial_and_full_ack, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_duplicate, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_timeout_goes_back, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_timeout_forgets_duplicates, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_no_fast_retransmit_after_timeout, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_recover_does_not_grow_stale, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_karn, setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
