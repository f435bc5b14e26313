/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP_FASTOPEN_CONNECT. */
#include "unit/run/rig.h"

#include <netinet/tcp.h>
#include <poll.h>

static int64_t dial(int fd, const struct sockaddr_in *to)
{
    return rig_call(SYS_connect, (uint64_t)fd, rig_at(to), sizeof *to, 0, 0, 0);
}

static int make(void)
{
    int on = 1;
    int fd = (int)rig_call(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0, 0, 0, 0);
    assert_true(fd >= 0);
    assert_int_equal(rig_call(SYS_setsockopt, (uint64_t)fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT,
                              rig_at(&on), sizeof on, 0),
                     0);
    return fd;
}

static bool writable(void *ctx)
{
    struct pollfd p = {.fd = *(int *)ctx, .events = POLLOUT};
    return poll(&p, 1, 0) == 1;
}

static bool open_now(void *ctx)
{
    return ((struct sk *)ctx)->state == SK_OPEN;
}

static bool over(void *ctx)
{
    return ((struct sk *)ctx)->state == SK_DONE;
}

static struct tern_sock listener(uint16_t port)
{
    struct tern_sock l = rig_peer_listen(port);
    assert_int_equal(tern_setopt(rig.peer, l, TERN_OPT_FASTOPEN, 8, tern_loop_now(rig.loop)), 0);
    return l;
}

/* Without a cookie connect() is as ever, and asks for one. */
static void learn(uint16_t port)
{
    struct sockaddr_in to = rig_sin(2, port);
    int fd = make();
    assert_int_equal(dial(fd, &to), -EINPROGRESS);
    assert_true(rig_until(writable, &fd));
    (void)close(fd);
    rig_turn();
}

/* With one it returns at once, the socket can be written to, and nothing has gone out. */
static int deferred(uint16_t port, struct sk **sk)
{
    struct sockaddr_in to = rig_sin(2, port);
    int fd = make();
    *sk = sk_by_fd(rig.run, fd);
    assert_int_equal(dial(fd, &to), 0);
    assert_int_equal((*sk)->state, SK_DEFERRED);
    assert_int_equal((*sk)->h.id, 0);
    assert_true(writable(&fd));
    assert_int_equal(dial(fd, &to), -EISCONN);
    return fd;
}

static bool accepted(void *ctx)
{
    struct tern_sock *ls = ctx;
    return tern_tcp_accept(rig.peer, ls[0], &ls[1]) == TERN_OK;
}

static void test_data_goes_with_the_syn(void **state)
{
    (void)state;
    struct tern_sock ls[2] = {listener(7100)};
    struct sk *sk;
    char buf[16];
    learn(7100);
    assert_true(rig_until(accepted, ls));
    int fd = deferred(7100, &sk);
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    assert_true(rig_until(open_now, sk));
    assert_true(rig_until(accepted, ls));
    struct tern_info in;
    assert_true(tern_inspect(rig.guest, sk->h, &in, tern_loop_now(rig.loop)));
    assert_true(in.syn_data); /* it was taken from the SYN */
    assert_int_equal(send(fd, " again", 6, 0), 6);
    assert_int_equal(rig_peer_read(ls[1], buf, 11), 11);
    assert_memory_equal(buf, "hello again", 11);
    assert_int_equal(rig_so_error(fd), 0);
    (void)close(fd);
}

/* A signal kept the program from hearing of it: the same call comes again. */
static void test_told_when_heard(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 7101);
    (void)listener(7101);
    learn(7101);
    int fd = make();
    rig.deaf = true;
    assert_true(dial(fd, &to) == RIG_HELD);
    rig.deaf = false;
    assert_int_equal(dial(fd, &to), 0);
    assert_int_equal(dial(fd, &to), -EISCONN);
    (void)close(fd);
}

/* Closed without a word: the server never hears of it. */
static void test_nothing_written(void **state)
{
    (void)state;
    struct tern_sock ls[2] = {listener(7102)};
    struct sk *sk;
    learn(7102);
    assert_true(rig_until(accepted, ls));
    int fd = deferred(7102, &sk);
    (void)close(fd);
    assert_true(rig_until(over, sk));
    rig_turn();
    assert_false(accepted(ls));
    assert_int_equal(sk->end, -1);
}

/* The server has gone meanwhile: as on an open connection, and SO_ERROR has the reason. */
static void test_refused(void **state)
{
    (void)state;
    struct tern_sock ls[2] = {listener(7103)};
    struct sk *sk;
    char octet;
    learn(7103);
    assert_true(rig_until(accepted, ls));
    int fd = deferred(7103, &sk);
    (void)tern_close(rig.peer, ls[0], tern_loop_now(rig.loop));
    assert_int_equal(send(fd, "x", 1, 0), 1);
    assert_true(rig_until(over, sk));
    assert_int_equal(rig_so_error(fd), ECONNREFUSED);
    assert_true(recv(fd, &octet, 1, 0) <= 0);
    (void)close(fd);
}

/* Only before connect(). */
static void test_too_late(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(7104);
    int on = 1;
    assert_int_equal(rig_call(SYS_setsockopt, (uint64_t)c.fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT,
                              rig_at(&on), sizeof on, 0),
                     -EINVAL);
    (void)close(c.fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_data_goes_with_the_syn),
        T(test_told_when_heard),
        T(test_nothing_written),
        T(test_refused),
        T(test_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
