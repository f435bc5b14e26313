/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static struct tern_trace rec;

static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    r->trace.ring = calloc(256, sizeof rec);
    r->trace.mask = 255;
    r->active = true;
    return 0;
}

/* The next record of a kind. */
static bool next(struct rig *r, unsigned kind)
{
    while (trace_read(&r->trace, &rec, 1, NULL) == 1)
        if (rec.kind == kind)
            return true;
    return false;
}

static void test_open_and_syn(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_SYN_SENT);
    assert_true(next(r, TERN_TR_OPEN));
    assert_int_equal(rec.serial, 1);
    assert_int_equal(rec.lport, r->local.port);
    assert_int_equal(rec.rport, r->peer.port);
    assert_memory_equal(&rec.laddr, &r->local.addr, sizeof rec.laddr);
    assert_memory_equal(&rec.raddr, &r->peer.addr, sizeof rec.raddr);
    assert_true(next(r, TERN_TR_SEG_TX));
    assert_int_equal(rec.th, SYN);
    assert_int_equal(rec.cause, CAUSE_TX_SYN);
    assert_int_equal(rec.mss, 1460);
    assert_int_equal(rec.wscale, rig_conn(r)->rcv_ws + 1);
    assert_int_equal(rec.nsack, 0x80);
    assert_int_equal(rec.seq, rig_conn(r)->snd.iss.v);
    assert_int_equal(rec.wnd, 65535);
}

static void test_segments_scaled(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    while (next(r, TERN_TR_SEG_RX))
        ;
    rig_in(r, ACK, 0, 0, 77);
    assert_true(next(r, TERN_TR_SEG_RX));
    assert_int_equal(rec.len, 77);
    assert_int_equal(rec.wnd, r->wnd << 2);
    assert_int_equal(rec.state, TERN_TCP_ESTABLISHED);
    assert_int_equal(rec.gso, 1);
    assert_int_equal(rec.mss, 0);
    rig_send(r, 5);
    rig_pull(r);
    assert_true(next(r, TERN_TR_SEG_TX));
    assert_int_equal(rec.len, 5);
    assert_int_equal(rec.cause, CAUSE_TX_DATA_PUSH);
    assert_int_equal(rec.a, rig_conn(r)->cc.cwnd);
    assert_int_equal(rec.b, 5);
}

static void test_calls(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    assert_true(next(r, TERN_TR_CALL));
    assert_int_equal(rec.aux8, TERN_CALL_CONNECT);
    rig_send(r, 9);
    assert_true(next(r, TERN_TR_CALL));
    assert_int_equal(rec.aux8, TERN_CALL_SEND);
    assert_int_equal(rec.len, 9);
    rig_in(r, ACK, 0, 0, 4);
    rig_recv(r, 10);
    assert_true(next(r, TERN_TR_CALL));
    assert_int_equal(rec.aux8, TERN_CALL_RECV);
    assert_int_equal(rec.len, 4);
    tcp_close(r->t, r->sock, r->now);
    assert_true(next(r, TERN_TR_CALL));
    assert_int_equal(rec.aux8, TERN_CALL_CLOSE);
}

/* A drop is a record of its own kind even when a small ring has wrapped meanwhile. */
static void test_small_ring(void **state)
{
    struct rig *r = *state;
    r->trace.mask = 0;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    for (unsigned i = 0; i < 50; i++) {
        rig_in(r, ACK, -100, 0, 7);
        rig_pull(r);
    }
    uint64_t lost;
    assert_int_equal(trace_read(&r->trace, &rec, 1, &lost), 1);
    assert_true(lost > 50);
}

static void test_nobody_listens(void **state)
{
    struct rig *r = *state;
    free(r->trace.ring);
    r->trace.ring = NULL;
    rig_reach(r, TERN_TCP_TIME_WAIT);
    assert_int_equal(r->trace.head, 0);
    assert_int_equal(rig_count(r, CAUSE_TX_SYN), 1); /* counters are kept all the same */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_open_and_syn), T(test_segments_scaled), T(test_calls),
        T(test_small_ring),   T(test_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
