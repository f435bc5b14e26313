/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void established(struct rig *r)
{
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
}

static void test_shift(void **state) /* [RFC7323:2.3] */
{
    (void)state;
    assert_int_equal(window_shift(0), 0);
    assert_int_equal(window_shift(65535), 0);
    assert_int_equal(window_shift(65536), 1);
    assert_int_equal(window_shift(131071), 1);
    assert_int_equal(window_shift(4u << 20), 7);
    assert_int_equal(window_shift(65535u << 14), 14);
    assert_int_equal(window_shift(UINT32_MAX), 14);
}

/* The right edge never moves left, whatever the reader does, and every offer is a multiple of the
 * scale [RFC9293:SHLD-14]. */
static void test_edge_never_moves_left(void **state) /* [RFC7323:2.4] */
{
    struct rig *r = *state;
    established(r);
    struct tcp_conn *c = rig_conn(r);
    struct seq edge = c->rcv.adv;
    uint32_t x = 12345;
    for (unsigned i = 0; i < 3000; i++) {
        x = x * 1664525 + 1013904223;
        uint32_t wnd = (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt), n = x >> 16 & 1023;
        if (n > wnd)
            n = wnd;
        rig_in(r, ACK, 0, 0, n);
        if (x >> 27 == 0)
            rig_recv(r, x >> 8 & 0xfffff);
        if (x >> 28 == 5)
            r->now = time_add_ms(r->now, 50);
        tcp_tick(r->t, r->now);
        rig_pull(r);
        for (unsigned k = 0; k < r->n; k++) {
            struct tcp_seg *s = &r->out[k].seg;
            struct seq now = seq_add(s->ack, s->wnd << c->rcv_ws);
            assert_true(seq_ge(now, edge));
            edge = now;
        }
        assert_true(c->rcv.buf.len <= c->rcv.limit + (1u << c->rcv_ws));
    }
}

/* [RFC9293:MUST-39] a shut window opens by a segment or half the buffer at least. */
static void test_receiver_sws(void **state)
{
    struct rig *r = *state;
    r->cfg.rcvbuf = 16384;
    established(r);
    struct tcp_conn *c = rig_conn(r);
    while (c->rcv.buf.len < 16384) {
        uint32_t left = (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt);
        assert_true(left > 0);
        rig_in(r, ACK, 0, 0, left < 1448 ? left : 1448);
        rig_pull(r);
    }
    assert_int_equal(c->rcv.adv.v, c->rcv.nxt.v);
    rig_run(r, 100);
    rig_in(r, ACK, 0, 0, 1); /* a probe: refused, and answered with a window of zero */
    assert_int_equal(rig_one(r, ACK)->seg.wnd, 0);
    assert_int_equal(rig_recv(r, 1000), 1000);
    rig_silent(r);
    assert_int_equal(rig_recv(r, 460), 460);
    assert_true(rig_one(r, ACK)->seg.wnd << c->rcv_ws >= 1448);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_ACK_WINDOW);
}

/* The offer is bounded by what memory is left; nothing that was offered is refused for it. */
static void test_offer_is_bounded_by_memory(void **state)
{
    struct rig *r = *state;
    void *hog = buddy_take(&r->arena, RIG_ARENA / 2);
    void *more = buddy_take(&r->arena, RIG_ARENA / 4);
    void *last = buddy_take(&r->arena, RIG_ARENA / 8);
    assert_true(hog != NULL && more != NULL && last != NULL);
    established(r);
    struct tcp_conn *c = rig_conn(r);
    assert_true(window_offer(r->t, c) <= RIG_ARENA / 8);
    assert_true(window_offer(r->t, c) > 0);
}

static void test_reader_wakes_the_sender(void **state)
{
    struct rig *r = *state;
    established(r);
    for (unsigned i = 0; i < 60; i++)
        rig_in(r, ACK, 0, 0, 1448);
    rig_pull(r);
    uint64_t before = rig_count(r, CAUSE_TX_ACK_WINDOW);
    assert_int_equal(rig_recv(r, 1448), 1448); /* a little: no update of its own */
    rig_silent(r);
    assert_int_equal(rig_recv(r, 1 << 20), 59 * 1448); /* a quarter of the buffer */
    rig_one(r, ACK);
    assert_int_equal(rig_count(r, CAUSE_TX_ACK_WINDOW), before + 1);
}

/* A listener's SYN-ACK never scales its window, and the shift it announced is the one that is used.
 */
static void test_shift_of_the_syn_holds(void **state) /* [RFC7323:2.2#2] */
{
    struct rig *r = *state;
    for (unsigned way = 0; way < 2; way++) {
        if (way == 1) {
            rig_stop(r);
            rig_init(r);
            rig_start(r);
        }
        r->active = way == 0;
        rig_reach(r, r->active ? TERN_TCP_CLOSED : TERN_TCP_LISTEN);
        if (r->active)
            assert_int_equal(rig_connect(r), TERN_OK);
        else
            rig_syn(r, SYN, r->peer_iss, seq_of(0));
        assert_int_equal(rig_pull(r), 1);
        unsigned told = r->out[0].seg.opt.ws;
        assert_int_equal(r->out[0].seg.wnd, 65535);
        struct tern_sock s = r->active ? r->sock : r->lis;
        assert_int_equal(tcp_setopt(r->t, s, TERN_OPT_RCVBUF, 16 << 20, r->now), TERN_OK);
        if (r->active)
            rig_syn(r, SYN | ACK, r->peer_iss, rig_at(r).snd_nxt);
        else
            rig_in(r, ACK, 0, 0, 0);
        assert_int_equal(rig_conn(r)->rcv_ws, told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_shift),
        RIG_TEST(test_edge_never_moves_left),
        RIG_TEST(test_receiver_sws),
        RIG_TEST(test_offer_is_bounded_by_memory),
        RIG_TEST(test_reader_wakes_the_sender),
        RIG_TEST(test_shift_of_the_syn_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
