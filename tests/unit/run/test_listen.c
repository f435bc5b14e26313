/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <poll.h>

static int make(int type, const struct sockaddr_in *at)
{
    int fd = (int)rig_call(SYS_socket, AF_INET, (uint64_t)type, 0, 0, 0, 0);
    assert_true(fd >= 0);
    if (at)
        assert_int_equal(rig_call(SYS_bind, (uint64_t)fd, rig_at(at), sizeof *at, 0, 0, 0), 0);
    return fd;
}

static int server(int type, const struct sockaddr_in *at)
{
    int fd = make(type, at);
    assert_int_equal(rig_call(SYS_listen, (uint64_t)fd, 4, 0, 0, 0, 0), 0);
    return fd;
}

static int64_t take(int fd, struct sockaddr_in *from, int flags)
{
    static int len;
    len = sizeof *from;
    return rig_call(SYS_accept4, (uint64_t)fd, rig_at(from), rig_at(&len), (uint64_t)flags, 0, 0);
}

static struct tern_sock caller(uint16_t port)
{
    struct tern_endpoint to = rig_ep(1, port);
    struct tern_sock s;
    assert_int_equal(tern_tcp_connect(rig.peer, NULL, &to, &s, tern_loop_now(rig.loop)), 0);
    return s;
}

static bool waiting(void *ctx)
{
    struct pollfd p = {.fd = *(int *)ctx, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* poll() shows it, accept() names the peer, and data goes both ways. */
static void test_accept(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080), from = {0};
    struct tern_endpoint peer;
    char buf[8];
    int fd = server(SOCK_STREAM | SOCK_NONBLOCK, &at);
    assert_int_equal(take(fd, &from, 0), -EAGAIN);
    struct tern_sock s = caller(8080);
    assert_true(rig_until(waiting, &fd));
    int got = (int)take(fd, &from, SOCK_NONBLOCK);
    assert_true(got >= 0);
    assert_int_equal(tern_sockname(rig.peer, s, &peer), 0);
    struct sockaddr_in want = rig_sin(2, peer.port);
    assert_memory_equal(&from, &want, sizeof want);
    assert_int_equal(recv(got, buf, 1, 0), -1);
    assert_int_equal(errno, EAGAIN); /* non-blocking, as was asked */
    assert_int_equal(send(got, "hi", 2, 0), 2);
    assert_int_equal(rig_peer_read(s, buf, 2), 2);
    assert_memory_equal(buf, "hi", 2);
    (void)close(got);
    (void)close(fd);
}

static void test_blocking_accept_is_held(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080), from = {0};
    int fd = server(SOCK_STREAM, &at);
    assert_true(take(fd, &from, 0) == RIG_HELD);
    (void)caller(8080);
    assert_true(rig_until(rig_answered, NULL));
    assert_true(rig.answer >= 0);
    assert_int_equal(from.sin_addr.s_addr, rig_sin(2, 0).sin_addr.s_addr);
    (void)close((int)rig.answer);
    (void)close(fd);
}

/* The order of the queue is the order in which the connections completed. */
static void test_in_order(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080), from = {0};
    int fd = server(SOCK_STREAM | SOCK_NONBLOCK, &at), got[3];
    for (int i = 0; i < 3; i++) {
        struct tern_endpoint me;
        struct tern_sock s = caller(8080);
        assert_int_equal(tern_sockname(rig.peer, s, &me), 0);
        got[i] = me.port;
        rig_turn();
    }
    for (int i = 0; i < 3; i++) {
        int conn = (int)take(fd, &from, 0);
        assert_true(conn >= 0);
        assert_int_equal(ntohs(from.sin_port), got[i]);
        (void)close(conn);
    }
    assert_int_equal(take(fd, &from, 0), -EAGAIN);
    (void)close(fd);
}

/* Nobody tells us that a listener was closed; the next SYN finds out. */
static void test_closed_listener_refuses(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080);
    struct tern_usage use;
    int fd = server(SOCK_STREAM, &at);
    (void)close(fd);
    tern_stack_usage(rig.guest, &use);
    assert_int_equal(use.listeners, 1);
    assert_int_equal(rig_peer_end(caller(8080)), TERN_ECONNREFUSED);
    tern_stack_usage(rig.guest, &use);
    assert_int_equal(use.listeners, 0);
}

static void test_look_closes_it_too(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080);
    struct tern_endpoint ep = rig_ep(1, 8080);
    int fd = server(SOCK_STREAM, &at);
    struct sk *sk = sk_by_fd(rig.run, fd);
    listen_look(rig.run);
    assert_ptr_equal(listen_find(rig.run, &ep), sk);
    assert_true(listen_alive(sk));
    (void)close(fd);
    listen_look(rig.run);
    assert_int_equal(sk->state, SK_DONE);
    assert_int_equal(sk->h.id, 0);
    assert_null(listen_find(rig.run, &ep));
}

/* Connections that were never accepted are reset with their listener. */
static void test_unaccepted_are_reset(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080);
    int fd = server(SOCK_STREAM, &at);
    struct tern_sock s = caller(8080);
    assert_true(rig_until(waiting, &fd));
    (void)close(fd);
    assert_int_equal(rig_peer_end(s), TERN_ECONNRESET);
}

/* The program has no descriptor left: the connection is the next accept()'s. */
static void test_no_descriptor_left(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080), from = {0};
    int fd = server(SOCK_STREAM | SOCK_NONBLOCK, &at);
    struct tern_sock s = caller(8080);
    char buf[2];
    assert_true(rig_until(waiting, &fd));
    rig.give_error = EMFILE;
    assert_int_equal(take(fd, &from, 0), -EMFILE);
    rig.give_error = 0;
    int got = (int)take(fd, &from, 0);
    assert_true(got >= 0);
    assert_int_equal(send(got, "ok", 2, 0), 2);
    assert_int_equal(rig_peer_read(s, buf, 2), 2);
    (void)close(got);
    (void)close(fd);
}

/* Sharing a port: one handle, which outlives the listener that made it. */
static void test_reuseport_heir(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080), from = {0};
    int fd[2], on = 1;
    for (int i = 0; i < 2; i++) {
        fd[i] = make(SOCK_STREAM | SOCK_NONBLOCK, NULL);
        assert_int_equal(rig_call(SYS_setsockopt, (uint64_t)fd[i], SOL_SOCKET, SO_REUSEPORT,
                                  rig_at(&on), sizeof on, 0),
                         0);
        assert_int_equal(rig_call(SYS_bind, (uint64_t)fd[i], rig_at(&at), sizeof at, 0, 0, 0), 0);
        assert_int_equal(rig_call(SYS_listen, (uint64_t)fd[i], 4, 0, 0, 0, 0), 0);
    }
    struct sk *heir = sk_by_fd(rig.run, fd[1]);
    assert_int_equal(heir->h.id, 0);
    (void)close(fd[0]);
    (void)caller(8080);
    assert_true(rig_until(waiting, &fd[1]));
    assert_int_not_equal(heir->h.id, 0);
    int got = (int)take(fd[1], &from, 0);
    assert_true(got >= 0);
    (void)close(got);
    (void)close(fd[1]);
}

/* Both ends in this run, at 127.0.0.1: each is shown what the other said it is. */
static void test_loopback_names(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080), from = {0}, me = {0};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = server(SOCK_STREAM | SOCK_NONBLOCK, &at),
        out = make(SOCK_STREAM | SOCK_NONBLOCK, NULL);
    int len = sizeof me;
    assert_int_equal(rig_call(SYS_connect, (uint64_t)out, rig_at(&at), sizeof at, 0, 0, 0),
                     -EINPROGRESS);
    assert_true(rig_until(waiting, &fd));
    int got = (int)take(fd, &from, 0);
    assert_true(got >= 0);
    assert_int_equal(rig_call(SYS_getsockname, (uint64_t)out, rig_at(&me), rig_at(&len), 0, 0, 0),
                     0);
    assert_int_equal(me.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_memory_equal(&from, &me, sizeof me);
    (void)close(got);
    (void)close(out);
    (void)close(fd);
}

/* What listens at 127.0.0.1 is not there for others. */
static void test_loopback_is_not_for_others(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 8080);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = server(SOCK_STREAM, &at);
    assert_int_equal(rig_peer_end(caller(8080)), TERN_ECONNREFUSED);
    assert_true(listen_alive(sk_by_fd(rig.run, fd)));
    (void)close(fd);
}

static void test_wrong_calls(void **state)
{
    (void)state;
    struct sockaddr_in from;
    int fd = make(SOCK_STREAM, NULL), udp = make(SOCK_DGRAM, NULL);
    assert_int_equal(take(fd, &from, 0), -EINVAL); /* not listening */
    assert_int_equal(take(fd, &from, 1), -EINVAL); /* no such flag */
    assert_int_equal(take(udp, &from, 0), -EOPNOTSUPP);
    assert_int_equal(rig_call(SYS_listen, (uint64_t)udp, 4, 0, 0, 0, 0), -EOPNOTSUPP);
    assert_int_equal(rig_call(SYS_listen, (uint64_t)fd, 4, 0, 0, 0, 0), 0); /* a port of its own */
    assert_int_not_equal(sk_by_fd(rig.run, fd)->local.port, 0);
    assert_int_equal(rig_call(SYS_listen, (uint64_t)fd, 9, 0, 0, 0, 0), 0); /* a new backlog */
    (void)close(fd);
    (void)close(udp);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_accept),
        T(test_blocking_accept_is_held),
        T(test_in_order),
        T(test_closed_listener_refuses),
        T(test_look_closes_it_too),
        T(test_unaccepted_are_reset),
        T(test_no_descriptor_left),
        T(test_reuseport_heir),
        T(test_loopback_names),
        T(test_loopback_is_not_for_others),
        T(test_wrong_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
