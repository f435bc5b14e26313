/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

static void test_block_comes_and_goes(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 0);
    assert_int_equal(c->xmit, 0);
    rig_send(r, 100);
    rig_pull(r);
    assert_int_not_equal(c->xmit, 0);
    assert_int_equal(r->t->sents.used, 1);
    later(r, 20);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(r->t->sents.used, 0);
    assert_int_not_equal(c->xmit, 0);
    later(r, 1001); /* a second of idleness */
    tcp_tick(r->t, r->now);
    assert_int_equal(c->xmit, 0);
    assert_int_equal(r->t->xmits.used, 0);
}

/* No record is left: the last one grows, and a loss of it is still repaired. */
static void test_pool_is_empty(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 0);
    rig_send(r, 5 * MSS);
    r->fault.takes = 0;
    r->fault.fail_at = 3; /* the block, one record, no more */
    r->fault.persist = 1;
    rig_pull(r);
    assert_int_equal(board(r)->count, 1);
    assert_false(board(r)->blind);
    sent_laws(r->t, c);
    later(r, 20);
    flight_ack(r, 1, {3, 4}); /* cannot be marked without a record */
    assert_int_equal(board(r)->sacked, 0);
    rig_run(r, 1000);
    assert_true(rig_count(r, CAUSE_TX_REXMT_RTO) >= 1);
    flight_ack(r, 5, NOTHING);
    assert_int_equal(c->snd.buf.len, 0);
    r->fault.fail_at = 0;
}

/* Not even a block: the flight is NewReno's. */
static void test_blind(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 0);
    rig_send(r, 10 * MSS);
    r->fault.takes = 0;
    r->fault.fail_at = 1;
    r->fault.persist = 1;
    rig_pull(r);
    assert_int_equal(c->xmit, 0);
    for (unsigned i = 0; i < 3; i++)
        flight_ack(r, 0, {5, 6});
    rig_pull(r);
    assert_int_equal(r->out[0].seg.seq.v, segment(0).v);
    assert_int_equal(rig_count(r, CAUSE_CC_FAST_RECOVERY), 1);
    r->fault.fail_at = 0;
    flight_ack(r, 10, NOTHING);
    rig_send(r, MSS);
    rig_pull(r);
    assert_non_null(conn_tracked(r->t, c)); /* the next flight has records again */
}

static void test_forgotten_in_mid_flight(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 20);
    later(r, 20);
    flight_ack(r, 0, {2, 7});
    sent_forget(r->t, c);
    assert_int_equal(c->gone, 0);
    assert_int_equal(r->t->sents.used, 0);
    assert_int_equal(rig_count(r, CAUSE_CC_BLIND), 1);
    rig_pull(r);
    assert_int_equal(r->out[0].seg.seq.v, segment(0).v); /* what was lost is sent again */
    for (unsigned i = 0; i < 20 && c->snd.buf.len != 0; i++) {
        unsigned nxt = (unsigned)seq_diff(c->snd.nxt, segment(0)) / MSS;
        flight_ack_aged(r, nxt, (struct blocks){{NOTHING}}, 1);
        rig_run(r, 300);
    }
    assert_int_equal(c->snd.buf.len, 0);
    assert_false(board(r) != NULL && board(r)->blind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_block_comes_and_goes),
        RIG_TEST(test_pool_is_empty),
        RIG_TEST(test_blind),
        RIG_TEST(test_forgotten_in_mid_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
