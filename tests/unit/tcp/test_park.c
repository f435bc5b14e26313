/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted outlives a pause, in few octets, and nothing of it is lost or rounded. */
#include "base/prng.h"
#include "unit/tcp/flight.h"

/* without the padding at the end */
#define SUM_SIZE (offsetof(struct tally_sum, big_acked) + sizeof(uint16_t))

/* A number of a random length. */
static uint64_t some(struct prng *r, unsigned bits)
{
    unsigned n = prng_below(r, bits + 1);
    return n == 0 ? 0 : prng_next(r) >> (64 - n);
}

static void random_sum(struct prng *r, unsigned bits, struct tally_sum *s)
{
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < WHY_COUNT - 1; i++)
        s->spent_us[i] = some(r, bits * 2);
    s->bytes_rexmt = some(r, bits * 2);
    s->data_out = (uint32_t)some(r, bits);
    s->data_in = (uint32_t)some(r, bits);
    s->delivered = s->data_out + (prng_below(r, 2) ? 3u : 0u - (uint32_t)some(r, bits / 2));
    s->reordered = (uint32_t)some(r, bits);
    s->data_tx_ms = (uint32_t)some(r, bits);
    s->data_rx_ms = s->data_in != 0 ? (uint32_t)some(r, bits) : 0;
    s->rto_ms = (uint32_t)some(r, bits);
    s->rtos = (uint16_t)some(r, bits / 2);
    s->rto_recoveries = (uint16_t)some(r, bits / 2);
    s->reorder_segs = (uint16_t)some(r, bits / 2);
    s->big_acked = (uint16_t)some(r, bits / 2);
}

static void test_coding(void **state)
{
    (void)state;
    struct prng r;
    unsigned fits = 0, n = 0;
    prng_init(&r, 1);
    for (unsigned bits = 1; bits <= 32; bits++) {
        for (unsigned i = 0; i < 300; i++, n++) {
            struct tally_sum s, back;
            uint8_t p[PARK_SMALL + 1];
            random_sum(&r, bits, &s);
            p[PARK_SMALL] = 0x5a;
            if (park_pack(&s, p)) {
                park_unpack(p, &back);
                assert_memory_equal(&s, &back, SUM_SIZE);
                fits++;
            }
            assert_int_equal(p[PARK_SMALL], 0x5a);
        }
    }
    assert_in_range(fits, n / 20, n - n / 20);
}

/* An hour of requests without loss fits. */
static void test_what_is_usual_fits(void **state)
{
    (void)state;
    uint8_t p[PARK_SMALL];
    const struct tally_sum s = {.spent_us = {250000000, 0, 1900000},
                                .data_out = 12000,
                                .data_in = 16000,
                                .delivered = 12000,
                                .big_acked = 1448,
                                .data_tx_ms = 3600000,
                                .data_rx_ms = 3600012};
    assert_true(park_pack(&s, p));
}

static void look(struct rig *r, struct tern_info *o)
{
    assert_true(tcp_inspect(r->t, r->sock, o, r->now));
    o->data_tx_ms = o->data_rx_ms = o->ack_rx_ms = 0;
    o->rcv_space = o->rcv_rtt_us = 0; /* estimates */
    o->serial = 0;
}

/* What TCP_INFO says of the past is the same before, during and after the pause. */
static void pause(struct rig *r, uint32_t kind)
{
    struct tern_info before, now;
    struct tally_sum had, has;
    assert_non_null(tally_of(r->t, c));
    look(r, &before);
    assert_true(tally_read(r->t, c, &had, r->now));
    rig_run(r, 900);
    assert_non_null(tally_of(r->t, c)); /* not yet */
    rig_run(r, 2100);
    assert_null(tally_of(r->t, c));
    assert_int_equal(c->tally & ~TALLY_INDEX, kind);
    assert_int_equal(r->t->tallies.used, 0);
    assert_int_equal(c->xmit, 0);
    look(r, &now);
    assert_true(tally_read(r->t, c, &has, r->now));
    assert_memory_equal(&had, &has, SUM_SIZE);
    assert_int_equal(before.data_out, now.data_out);
    assert_int_equal(before.data_in, now.data_in);
    assert_int_equal(before.delivered_segs, now.delivered_segs);
    assert_int_equal(before.bytes_rexmt, now.bytes_rexmt);
    assert_int_equal(before.busy_us, now.busy_us);
    assert_int_equal(before.bytes_sent, now.bytes_sent);
    assert_int_equal(before.rto_total, now.rto_total);
    rig_in(r, ACK, 0, 0, 10); /* counts on */
    assert_non_null(tally_of(r->t, c));
    assert_int_equal(r->t->smalls.used + r->t->rests.used, 0);
    assert_true(tally_read(r->t, c, &has, r->now));
    assert_int_equal(has.data_in, had.data_in + 1);
    assert_int_equal(has.data_out, had.data_out);
    assert_int_equal(has.spent_us[0], had.spent_us[0]);
    rig_recv(r, 10);
    rig_run(r, 1000);
}

static void test_pauses(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 3);
    later(r, 20);
    flight_ack(r, 3, NOTHING);
    pause(r, TALLY_SMALL);
    rig_run(r, 2000);
    assert_int_equal(r->t->smalls.used, 1);
    rig_send(r, MSS); /* our data fetches it, too */
    rig_pull(r);
    later(r, 20);
    flight_ack(r, 4, NOTHING);
    struct tern_info o;
    assert_true(tcp_inspect(r->t, r->sock, &o, r->now));
    assert_int_equal(o.data_out, 4);
    assert_int_equal(o.delivered_segs, 4);
    pause(r, TALLY_SMALL);
}

/* Too much has happened for the small record. */
static void test_large_sums(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 3);
    later(r, 20);
    flight_ack(r, 3, NOTHING);
    struct tally *a = tally_of(r->t, c);
    a->sum.spent_us[0] += UINT64_C(1) << 40;
    a->sum.spent_us[1] = UINT64_C(1) << 41;
    a->sum.bytes_rexmt = UINT64_C(1) << 42;
    a->sum.reordered = 1000000;
    pause(r, TALLY_REST);
}

/* No record is free to park in: it stays, and goes later. */
static void test_no_room(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 3);
    later(r, 20);
    flight_ack(r, 3, NOTHING);
    uint32_t max = r->t->smalls.max;
    r->t->smalls.max = 0;
    rig_run(r, 5000);
    assert_non_null(tally_of(r->t, c));
    r->t->smalls.max = max;
    pause(r, TALLY_SMALL);
    /* and none to fetch into: nothing is counted, nothing is lost */
    rig_run(r, 2000);
    max = r->t->tallies.max;
    r->t->tallies.max = 0;
    r->t->tallies.free_head = 0;
    struct tally_sum had, has;
    assert_true(tally_read(r->t, c, &had, r->now));
    r->t->tallies.fresh = 0;
    rig_in(r, ACK, 0, 0, 10);
    assert_true(tally_read(r->t, c, &has, r->now));
    assert_memory_equal(&had, &has, SUM_SIZE);
    assert_int_equal(rig_recv(r, 10), 10);
    r->t->tallies.max = max;
}

/* What is in flight is not rest. A stack that sleeps is woken less and less often to look. */
static void test_when(void **state)
{
    struct rig *r = *state;
    unsigned wakes = 0;
    flight_begin(r, 1);
    for (int64_t until = r->now.ns + 60000000000; r->now.ns < until;) {
        struct tern_time due = park_deadline(r->t);
        assert_true(due.ns > r->now.ns && due.ns <= r->now.ns + 8000000000);
        r->now = due;
        park_tick(r->t, r->now);
        wakes++;
    }
    assert_in_range(wakes, 9, 12);
    assert_non_null(tally_of(r->t, c));
    flight_ack(r, 1, NOTHING);
    rig_in(r, ACK, 0, 0, 10); /* unread text is no reason to stay */
    rig_run(r, 12000);
    assert_null(tally_of(r->t, c));
    assert_int_equal(park_deadline(r->t).ns, INT64_MAX);
    assert_int_equal(rig_recv(r, 10), 10);
}

/* A connection that has died with something in flight rests, too: its handle may stay for long. */
static void test_dead(void **state)
{
    struct rig *r = *state;
    struct tern_info o;
    flight_begin(r, 2);
    later(r, 20);
    rig_in(r, RST | ACK, 0, 0, 0);
    assert_int_equal(c->state, TERN_TCP_CLOSED);
    rig_run(r, 2000);
    assert_int_equal(c->tally & ~TALLY_INDEX, TALLY_SMALL);
    assert_int_equal(tcp_deadline(r->t).ns, INT64_MAX);
    assert_true(tcp_inspect(r->t, r->sock, &o, r->now));
    assert_int_equal(o.data_out, 2);
    assert_int_equal(o.busy_us, 20000);
}

/* Ends while it is parked, and while it is not. */
static void test_end(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 1);
    flight_ack(r, 1, NOTHING);
    rig_run(r, 3000);
    assert_int_equal(r->t->smalls.used, 1);
    tcp_abort(r->t, r->sock, r->now);
    rig_pull(r);
    assert_int_equal(r->t->smalls.used + r->t->rests.used + r->t->tallies.used, 0);
    assert_int_equal(r->t->tally_list.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coding), cmocka_unit_test(test_what_is_usual_fits),
        RIG_TEST(test_pauses),         RIG_TEST(test_large_sums),
        RIG_TEST(test_no_room),        RIG_TEST(test_when),
        RIG_TEST(test_dead),           RIG_TEST(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
