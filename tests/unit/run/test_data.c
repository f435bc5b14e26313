/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <poll.h>
#include <stdlib.h>

#define MUCH (3u << 20) /* more than any buffer on the way */

static bool readable(void *ctx)
{
    struct pollfd p = {.fd = *(int *)ctx, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

static bool is_done(void *ctx)
{
    return ((struct rig_conn *)ctx)->sk->state == SK_DONE;
}

/* Both ways, and both half-closes: the data before, then the end, then the socket is done. */
static void test_both_ways_and_half_close(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    char buf[64];
    assert_int_equal(send(c.fd, "question", 8, 0), 8);
    assert_int_equal(rig_peer_read(c.peer, buf, 8), 8);
    assert_memory_equal(buf, "question", 8);
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    assert_int_equal(rig_peer_end(c.peer), 0); /* the FIN */
    assert_int_equal(tern_tcp_send(rig.peer, c.peer, "answer", 6, 0, tern_loop_now(rig.loop)), 6);
    assert_true(rig_until(readable, &c.fd)); /* still open this way */
    assert_int_equal(recv(c.fd, buf, sizeof buf, 0), 6);
    assert_memory_equal(buf, "answer", 6);
    assert_int_equal(c.sk->state, SK_OPEN);
    assert_int_equal(tern_close(rig.peer, c.peer, tern_loop_now(rig.loop)), 0);
    assert_true(rig_until(is_done, &c));
    assert_int_equal(recv(c.fd, buf, sizeof buf, 0), 0);
    assert_int_equal(c.sk->end, -1);
    (void)close(c.fd);
}

/* The peer's FIN alone: end of file here, and this side may still send. */
static void test_peer_closes_first(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    char buf[8];
    assert_int_equal(tern_tcp_shutdown(rig.peer, c.peer, tern_loop_now(rig.loop)), 0);
    assert_true(rig_until(readable, &c.fd));
    assert_int_equal(recv(c.fd, buf, sizeof buf, 0), 0);
    assert_int_equal(send(c.fd, "late", 4, 0), 4);
    assert_int_equal(rig_peer_read(c.peer, buf, 4), 4);
    assert_memory_equal(buf, "late", 4);
    (void)close(c.fd);
    assert_int_equal(rig_peer_end(c.peer), 0);
}

/* The peer's RST: ECONNRESET at the program's socket, behind what came before it. */
static void test_reset_is_shown(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    char buf[8];
    assert_int_equal(tern_tcp_abort(rig.peer, c.peer, tern_loop_now(rig.loop)), 0);
    assert_true(rig_until(is_done, &c));
    assert_int_equal(c.sk->err, ECONNRESET);
    assert_true(c.sk->reset_shown);
    assert_int_equal(recv(c.fd, buf, sizeof buf, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    (void)close(c.fd);
}

static void test_close_sends_fin(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    char buf[8];
    assert_int_equal(send(c.fd, "last", 4, 0), 4);
    (void)close(c.fd);
    assert_int_equal(rig_peer_read(c.peer, buf, 4), 4);
    assert_memory_equal(buf, "last", 4);
    assert_int_equal(rig_peer_end(c.peer), 0);
    assert_true(rig_until(is_done, &c));
}

/* [RFC9293:SHLD-3] */
static void test_close_with_data_unread_resets(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    assert_int_equal(tern_tcp_send(rig.peer, c.peer, "unread", 6, 0, tern_loop_now(rig.loop)), 6);
    assert_true(rig_until(readable, &c.fd));
    (void)close(c.fd);
    assert_int_equal(rig_peer_end(c.peer), TERN_ECONNRESET);
    assert_true(rig_until(is_done, &c));
}

static void test_linger_zero_resets(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    struct linger l = {1, 0};
    assert_int_equal(
        rig_call(SYS_setsockopt, (uint64_t)c.fd, SOL_SOCKET, SO_LINGER, rig_at(&l), sizeof l, 0),
        0);
    assert_true(c.sk->linger0);
    (void)close(c.fd);
    assert_int_equal(rig_peer_end(c.peer), TERN_ECONNRESET);
    assert_true(rig_until(is_done, &c));
}

/* A program that reads no more does not stop its peer. */
static void test_shut_for_reading_discards(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    char buf[8];
    assert_int_equal(shutdown(c.fd, SHUT_RD), 0);
    assert_int_equal(tern_tcp_send(rig.peer, c.peer, "ignored", 7, 0, tern_loop_now(rig.loop)), 7);
    rig_turn();
    assert_true(c.sk->discard);
    assert_int_equal(send(c.fd, "more", 4, MSG_NOSIGNAL), 4);
    assert_int_equal(rig_peer_read(c.peer, buf, 4), 4);
    assert_memory_equal(buf, "more", 4);
    (void)close(c.fd);
}

struct flow {
    struct rig_conn *c;
    size_t sent, got;
    bool wrong;
};

static uint8_t octet_at(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 12));
}

static bool flow_up(void *ctx)
{
    struct flow *f = ctx;
    uint8_t buf[4096];
    for (ssize_t n = 1; n > 0 && f->sent<MUCH; f->sent += n> 0 ? (size_t)n : 0) {
        for (size_t i = 0; i < sizeof buf; i++)
            buf[i] = octet_at(f->sent + i);
        size_t left = MUCH - f->sent;
        n = send(f->c->fd, buf, left < sizeof buf ? left : sizeof buf, MSG_NOSIGNAL);
    }
    for (int64_t n = 1; n > 0; f->got += n > 0 ? (size_t)n : 0) {
        n = tern_tcp_recv(rig.peer, f->c->peer, buf, sizeof buf, tern_loop_now(rig.loop));
        for (int64_t i = 0; i < n; i++)
            f->wrong |= buf[i] != octet_at(f->got + (size_t)i);
    }
    return f->got == MUCH;
}

static bool flow_down(void *ctx)
{
    struct flow *f = ctx;
    uint8_t buf[4096];
    for (int64_t n = 1; n > 0 && f->sent<MUCH; f->sent += n> 0 ? (size_t)n : 0) {
        for (size_t i = 0; i < sizeof buf; i++)
            buf[i] = octet_at(f->sent + i);
        size_t left = MUCH - f->sent;
        n = tern_tcp_send(rig.peer, f->c->peer, buf, left < sizeof buf ? left : sizeof buf, 0,
                          tern_loop_now(rig.loop));
    }
    for (ssize_t n = 1; n > 0; f->got += n > 0 ? (size_t)n : 0) {
        n = recv(f->c->fd, buf, sizeof buf, 0);
        for (ssize_t i = 0; i < n; i++)
            f->wrong |= buf[i] != octet_at(f->got + (size_t)i);
    }
    return f->got == MUCH;
}

/* More than the buffers hold, so both sides meet back pressure; every octet in its place. */
static void test_much_each_way(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    struct flow up = {.c = &c}, down = {.c = &c};
    assert_true(rig_until(flow_up, &up));
    assert_false(up.wrong);
    assert_true(rig_until(flow_down, &down));
    assert_false(down.wrong);
    (void)close(c.fd);
}

/* What does not fit waits at its own side; nothing is lost when the reader wakes. */
static void test_back_pressure(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    uint8_t *some = calloc(1, MUCH);
    size_t sent = 0;
    for (unsigned i = 0; i < 3000 && c.sk->can_write; i++) {
        int64_t n = tern_tcp_send(rig.peer, c.peer, some, MUCH, 0, tern_loop_now(rig.loop));
        sent += n > 0 ? (size_t)n : 0;
        rig_turn();
    }
    assert_false(c.sk->can_write);
    size_t got = 0;
    for (unsigned i = 0; i < 3000 && got < sent; i++) {
        ssize_t n = recv(c.fd, some, MUCH, 0);
        got += n > 0 ? (size_t)n : 0;
        rig_turn();
    }
    assert_int_equal(got, sent);
    free(some);
    (void)close(c.fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_both_ways_and_half_close),
        T(test_peer_closes_first),
        T(test_reset_is_shown),
        T(test_close_sends_fin),
        T(test_close_with_data_unread_resets),
        T(test_linger_zero_resets),
        T(test_shut_for_reading_discards),
        T(test_much_each_way),
        T(test_back_pressure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
