/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

/* RFC 9293 3.3.2 with RFC 4987's and RFC 6191's: thirty edges, and no state without a way out. */
static void test_edges(void **state)
{
    (void)state;
    unsigned n = 0;
    for (unsigned from = 0; from < TERN_TCP_STATES; from++) {
        unsigned out = 0;
        for (unsigned to = 0; to < TERN_TCP_STATES; to++)
            out += tcp_edge_legal(from, to);
        assert_true(out > 0);
        assert_false(tcp_edge_legal(from, from));
        n += out;
    }
    assert_int_equal(n, 30);
    assert_false(tcp_edge_legal(TERN_TCP_FIN_WAIT_2, TERN_TCP_CLOSING));
    assert_false(tcp_edge_legal(TERN_TCP_CLOSE_WAIT, TERN_TCP_TIME_WAIT));
    assert_true(tcp_edge_legal(TERN_TCP_FIN_WAIT_1, TERN_TCP_TIME_WAIT));
}

static void test_an_illegal_edge_is_an_assertion(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    struct tcp_conn *c = rig_conn(r);
    expect_assert_failure(tcp_enter(r->t, c, TERN_TCP_LAST_ACK, CAUSE_ST_CLOSE, r->now));
    assert_int_equal(c->state, TERN_TCP_ESTABLISHED);
}

static void test_each_change_is_traced(void **state)
{
    struct rig *r = *state;
    r->trace.ring = calloc(256, sizeof(struct tern_trace));
    r->trace.mask = 255;
    r->active = true;
    rig_reach(r, TERN_TCP_TIME_WAIT);
    static const uint8_t want[] = {TERN_TCP_SYN_SENT, TERN_TCP_ESTABLISHED, TERN_TCP_FIN_WAIT_1,
                                   TERN_TCP_FIN_WAIT_2, TERN_TCP_TIME_WAIT};
    struct tern_trace rec;
    unsigned n = 0, from = TERN_TCP_CLOSED;
    while (trace_read(&r->trace, &rec, 1, NULL) == 1) {
        if (rec.kind != TERN_TR_STATE)
            continue;
        assert_int_equal(rec.state, from);
        assert_int_equal(rec.aux8, want[n++]);
        assert_int_equal(rec.serial, 1);
        assert_int_not_equal(rec.cause, CAUSE_NONE);
        from = rec.aux8;
    }
    assert_int_equal(n, 5);
}

/* What a dead connection keeps is what its reader has not read; the rest is given back at once. */
static void test_death_releases(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_send(r, 10000);
    rig_in(r, ACK, 0, 0, 100);
    rig_in(r, ACK, 1000, 0, 100);
    rig_in(r, RST, 0, 0, 0);
    assert_int_equal(r->t->ooo.used, 0);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(r->arena.used, 0);
    assert_int_equal(rig_recv(r, 1000), TERN_ECONNRESET); /* the error after the data, once */
    assert_int_equal(rig_recv(r, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_edges),
        RIG_TEST(test_an_illegal_edge_is_an_assertion),
        RIG_TEST(test_each_change_is_traced),
        RIG_TEST(test_death_releases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
