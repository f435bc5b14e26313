/* SPDX-License-Identifier: BSD-2-Clause */
/* Places where a segment must end (TERN_SEND_EOR). */
#include "unit/tcp/rig.h"

static void send_record(struct rig *r, uint32_t n, bool ends)
{
    static const uint8_t data[20000];
    assert_int_equal(tcp_send(r->t, r->sock, data, n, ends ? TERN_SEND_EOR : 0, r->now), n);
}

/* Takes out what is sent, and compares the payload lengths. */
static void lengths(struct rig *r, const uint32_t *len, unsigned n)
{
    rig_pull(r);
    assert_int_equal(r->n, n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(r->out[i].seg.len, len[i]);
}
#define LENGTHS(r, ...)                                                                            \
    lengths(r, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

/* One that fills the connection's quiet moment, so that the next ones wait in the buffer. */
static void busy(struct rig *r)
{
    rig_reach(r, TERN_TCP_ESTABLISHED);
    send_record(r, 10, false);
    (void)rig_one(r, ACK);
}

static void test_nothing_is_joined(void **state)
{
    struct rig *r = *state;
    busy(r);
    send_record(r, 100, true);
    send_record(r, 200, true);
    send_record(r, 300, false);
    send_record(r, 50, false);
    LENGTHS(r, 100, 200); /* they do not wait for more; the tail obeys Nagle */
    rig_in(r, ACK, 0, 0, 0);
    LENGTHS(r, 350);
}

/* A large record is cut as ever; only its end stands alone. */
static void test_large_ones(void **state)
{
    struct rig *r = *state;
    busy(r);
    uint32_t mss = rig_conn(r)->cc.mss;
    send_record(r, 2 * mss + 7, true);
    send_record(r, mss, false);
    LENGTHS(r, mss, mss, 7, mss);
}

/* What is sent again keeps to the same places. */
static void test_again(void **state)
{
    struct rig *r = *state;
    busy(r);
    rig_in(r, ACK, 0, 0, 0);
    send_record(r, 100, true);
    send_record(r, 200, true);
    send_record(r, 400, true);
    rig_pull(r);
    rig_run(r, 3000);
    assert_true(r->n > 0);
    for (unsigned i = 0; i < r->n; i++) {
        uint32_t len = r->out[i].seg.len;
        assert_true(len == 100 || len == 200 || len == 400);
    }
}

/* The FIN goes with the end of the last one. */
static void test_fin(void **state)
{
    struct rig *r = *state;
    busy(r);
    send_record(r, 100, true);
    send_record(r, 100, true);
    assert_int_equal(tcp_shutdown(r->t, r->sock, r->now), 0);
    rig_pull(r);
    assert_int_equal(r->n, 2);
    assert_false(r->out[0].seg.th & FIN);
    assert_true(r->out[1].seg.th & FIN);
}

/* More ends than are remembered: those octets may be joined, and none is lost. */
static void test_too_many(void **state)
{
    struct rig *r = *state;
    busy(r);
    uint32_t sum = 0;
    for (unsigned i = 0; i < EXTRA_RECORDS + 8; i++)
        send_record(r, 3, true);
    for (unsigned turn = 0; turn < 8; turn++) {
        rig_pull(r);
        for (unsigned i = 0; i < r->n; i++)
            sum += r->out[i].seg.len;
        rig_in(r, ACK, 0, 0, 0);
    }
    assert_int_equal(sum, (EXTRA_RECORDS + 8) * 3);
    send_record(r, 5, true); /* and there is room again */
    assert_true(record_ends(r->t, rig_conn(r), snd_fin(rig_conn(r))));
    assert_int_equal(rig_conn(r)->extra != 0, true);
    assert_int_equal(extra_own(r->t, rig_conn(r))->records, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_nothing_is_joined), T(test_large_ones), T(test_again), T(test_fin), T(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
