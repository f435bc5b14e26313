/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    return 0;
}

static void test_send_up_to_the_limit(void **state)
{
    struct rig *r = *state;
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_SNDBUF, 5000, r->now), TERN_OK);
    assert_int_equal(rig_send(r, 4000), 4000);
    assert_int_equal(rig_send(r, 4000), 1000);
    assert_int_equal(rig_send(r, 1), TERN_EAGAIN);
    assert_int_equal(rig_send(r, 0), 0);
}

static void test_send_without_copy(void **state)
{
    struct rig *r = *state;
    uint8_t *p;
    size_t n;
    assert_int_equal(tcp_send_space(r->t, r->sock, 3000, &p, &n), TERN_OK);
    assert_int_equal(n, 3000);
    memset(p, 'x', n);
    assert_int_equal(tcp_send_commit(r->t, r->sock, 100, 0, r->now), TERN_OK);
    assert_int_equal(rig_pull(r), 1);
    assert_int_equal(r->out[0].seg.len, 100);
    assert_int_equal(r->out[0].seg.data[99], 'x');
    assert_int_equal(tcp_send_commit(r->t, r->sock, 1 << 20, 0, r->now), TERN_EINVAL);
}

static void test_octets_survive_every_wrap(void **state) /* the ring, over and over, at odd sizes */
{
    struct rig *r = *state;
    struct tcp_conn *c = rig_conn(r);
    tcp_setopt(r->t, r->sock, TERN_OPT_NODELAY, 1, r->now);
    uint32_t sent = 0, got = 0, x = 3;
    while (got < 300000) {
        uint8_t data[3001];
        x = x * 1664525 + 1013904223;
        uint32_t n = 1 + (x >> 8) % 3001;
        for (uint32_t i = 0; i < n; i++)
            data[i] = (uint8_t)((sent + i) * 31 >> 3);
        int64_t took = tcp_send(r->t, r->sock, data, n, 0, r->now);
        if (took > 0)
            sent += (uint32_t)took;
        rig_pull(r);
        for (unsigned i = 0; i < r->n; i++) {
            for (uint32_t k = 0; k < r->out[i].seg.len; k++)
                assert_int_equal(r->out[i].seg.data[k], (uint8_t)((got + k) * 31 >> 3));
            got += r->out[i].seg.len;
        }
        if (x >> 30 != 0)
            rig_in(r, ACK, 0, 0, 0);
    }
    assert_int_equal(c->retrans, 0);
}

static void test_receive_without_copy(void **state)
{
    struct rig *r = *state;
    const uint8_t *p;
    size_t n;
    assert_int_equal(tcp_recv_data(r->t, r->sock, &p, &n), TERN_EAGAIN);
    struct seq first = rig_at(r).rcv_nxt;
    rig_in(r, ACK, 0, 0, 100);
    assert_int_equal(tcp_recv_data(r->t, r->sock, &p, &n), 1);
    assert_int_equal(n, 100);
    assert_int_equal(p[99], rig_octet(r, seq_add(first, 99)));
    assert_int_equal(tcp_recv_consume(r->t, r->sock, 101, r->now), TERN_EINVAL);
    assert_int_equal(tcp_recv_consume(r->t, r->sock, 60, r->now), TERN_OK);
    assert_int_equal(tcp_recv_data(r->t, r->sock, &p, &n), 1);
    assert_int_equal(n, 40);
    assert_int_equal(tcp_recv_consume(r->t, r->sock, 40, r->now), TERN_OK);
    assert_int_equal(r->arena.used, 0);
}

static void test_pending_error_is_given_once(void **state)
{
    struct rig *r = *state;
    int64_t v;
    rig_in(r, RST, 0, 0, 0);
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_ERROR, &v), TERN_OK);
    assert_int_equal(v, -TERN_ECONNRESET);
    assert_int_equal(rig_send(r, 1), TERN_EPIPE);
    assert_int_equal(rig_recv(r, 1), 0);
}

/* Out of memory is "no room now", not an error; and what there is is used. */
static void test_no_memory(void **state)
{
    struct rig *r = *state;
    void *all[16];
    unsigned n = 0;
    for (uint32_t size = RIG_ARENA; size >= BUDDY_MIN; size /= 2)
        while (n < 16 && (all[n] = buddy_take(&r->arena, size)) != NULL)
            n++;
    assert_int_equal(rig_send(r, 10), TERN_EAGAIN);
    assert_int_equal(rig_in(r, ACK, 0, 0, 10), CAUSE_DROP_RCV_MEMORY);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    buddy_give(&r->arena, all[0], RIG_ARENA);
    assert_int_equal(rig_send(r, 10), 10);
    unsigned bits = 0;
    for (unsigned i = 0; i < 20; i++) {
        rig_next(r, 1000);
        bits |= rig_events(r);
    }
    assert_true(bits & TERN_EV_WRITABLE); /* nobody's ACK would have told it */
    assert_int_equal(rig_in(r, ACK, 0, 0, 10), CAUSE_RX_SEG);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_send_up_to_the_limit),        T(test_send_without_copy),
        T(test_octets_survive_every_wrap),   T(test_receive_without_copy),
        T(test_pending_error_is_given_once), T(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
