/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/prng.h"
#include "unit/tcp/flight.h"

static void test_marks_and_merges(void **state) /* [RFC2018:5] */
{
    struct rig *r = *state;
    flight_begin(r, 10);
    later(r, 20);
    flight_ack(r, 0, {4, 5});
    assert_int_equal(board(r)->sacked, MSS);
    assert_int_equal(board(r)->count, 10);
    flight_ack(r, 0, {6, 7}, {4, 5});
    flight_ack(r, 0, {4, 7});
    assert_int_equal(board(r)->sacked, 3 * MSS);
    assert_int_equal(board(r)->count, 8); /* one run */
    assert_int_equal(c->gone, board(r)->sacked + board(r)->lost);
    flight_ack(r, 7, NOTHING);
    assert_int_equal(board(r)->sacked, 0);
    assert_true(seq_eq(sent_at(r->t, board(r)->head)->lo, segment(7)));
}

static void test_part_of_a_record(void **state) /* a super-segment that was partly received */
{
    struct rig *r = *state;
    tcp_iface_set(r->t, 0, 1500, 65535, false);
    flight_begin(r, 0);
    rig_send(r, 10 * MSS);
    struct tcp_out out;
    static uint8_t buf[65535];
    assert_true(tcp_tx(r->t, 0, buf, sizeof buf, 1, &out, r->now));
    assert_int_equal(out.gso_size, MSS);
    assert_int_equal(board(r)->count, 1);
    later(r, 20);
    flight_ack(r, 2, {5, 6});
    assert_int_equal(board(r)->count, 3);
    assert_int_equal(board(r)->sacked, MSS);
    flight_ack(r, 2, {5, 8});
    /* The hole of three segments goes out as one super-segment again; what was sent with it, beyond
     * the highest SACK, is not taken for lost. */
    assert_int_equal(board(r)->lost, 3 * MSS);
    assert_true(tcp_tx(r->t, 0, buf, sizeof buf, 2, &out, r->now));
    assert_int_equal(out.cause, CAUSE_TX_REXMT_FAST);
    assert_true(out.len > MSS + 32);
    sent_laws(r->t, c);
}

static void test_blocks_that_cannot_be(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    later(r, 20);
    flight_ack(r, 0, {8, 12}); /* beyond SND.NXT */
    assert_int_equal(board(r)->sacked, 0);
    flight_ack(r, 5, {1, 3}, {7, 8}); /* a duplicate's report below SND.UNA [RFC2883:4] */
    assert_int_equal(board(r)->sacked, MSS);
    assert_int_equal(c->dsacks, 1);
    flight_ack(r, 5, {7, 8}, {7, 9}); /* ... and one inside the second block */
    assert_int_equal(c->dsacks, 2);
    assert_int_equal(board(r)->sacked, 2 * MSS);
}

/* [RFC2018:8]: the receiver may drop what it SACKed; after a timeout nothing SACKed counts. */
static void test_reneging(void **state) /* [RFC2018:5.1] */
{
    struct rig *r = *state;
    flight_begin(r, 10);
    later(r, 20);
    flight_ack(r, 0, {1, 2}, {3, 4});
    flight_ack(r, 1, {3, 4}); /* cumulatively it does not know 1 any more */
    assert_int_equal(board(r)->sacked, 2 * MSS);
    rig_run(r, 600);
    assert_int_equal(board(r)->sacked, 0);
    assert_true(rig_count(r, CAUSE_TX_REXMT_RTO) >= 1);
    flight_ack(r, 10, NOTHING);
    assert_int_equal(c->snd.buf.len, 0);
}

/* Up to three of the runs that the peer has. */
static struct blocks some_blocks(struct prng *g, const bool *has, unsigned una, unsigned nxt)
{
    struct blocks k = {{{0, 0}}};
    unsigned n = 0;
    for (unsigned i = una; i < nxt && n < 3; i++) {
        unsigned lo = i;
        while (i < nxt && has[i])
            i++;
        if (i > lo && prng_below(g, 4) != 0) {
            k.b[n][0] = lo;
            k.b[n++][1] = i;
        }
    }
    return k;
}

/* Any order of cumulative and selective ACKs, timeouts and pulls keeps the lists in order, and at
 * the end all has been delivered. The peer's knowledge is a bitmap. */
static void test_random(void **state) /* [RFC6675:4#2] */
{
    struct rig *r = *state;
    struct prng g;
    prng_init(&g, 4711);
    rig_stop(r);
    rig_init(r);
    r->cfg.mtu_probing = 0; /* so much loss looks like a black hole, and it counts whole segments */
    rig_start(r);
    flight_begin(r, 0);
    bool has[400] = {false};
    unsigned una = 0;
    for (unsigned step = 0; step < 4000 && una < 100; step++) {
        if (c->snd.buf.len < 30 * MSS && step < 100)
            rig_send(r, MSS);
        rig_run(r, prng_below(&g, 30));
        unsigned nxt = (unsigned)seq_diff(c->snd.nxt, segment(0)) / MSS;
        for (unsigned i = 0; i < r->n; i++) /* a third is lost */
            if (r->out[i].seg.len == MSS && prng_below(&g, 3) != 0)
                has[(unsigned)seq_diff(r->out[i].seg.seq, segment(0)) / MSS] = true;
        while (una < nxt && has[una])
            una++;
        flight_ack_aged(r, una, some_blocks(&g, has, una, nxt), 1);
    }
    assert_int_equal(c->snd.buf.len, 0);
    assert_true(seq_eq(c->snd.una, c->snd.nxt));
    assert_int_equal(r->t->sents.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_marks_and_merges),
        RIG_TEST(test_part_of_a_record),
        RIG_TEST(test_blocks_that_cannot_be),
        RIG_TEST(test_reneging),
        RIG_TEST(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
