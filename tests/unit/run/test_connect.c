/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <poll.h>

static int make(int type)
{
    int fd = (int)rig_call(SYS_socket, AF_INET, (uint64_t)type, 0, 0, 0, 0);
    assert_true(fd >= 0);
    return fd;
}

static int64_t dial(int fd, const struct sockaddr_in *to)
{
    return rig_call(SYS_connect, (uint64_t)fd, rig_at(to), sizeof *to, 0, 0, 0);
}

static int events_of(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    assert_true(poll(&p, 1, 0) >= 0);
    return p.revents;
}

static bool out_ready(void *ctx)
{
    return (events_of(*(int *)ctx) & POLLOUT) != 0;
}

/* Not writable before the handshake is over; then once, and it is told once. */
static void test_nonblocking(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 80);
    (void)rig_peer_listen(80);
    int fd = make(SOCK_STREAM | SOCK_NONBLOCK);
    assert_int_equal(dial(fd, &to), -EINPROGRESS);
    assert_int_equal(events_of(fd), 0);
    assert_int_equal(dial(fd, &to), -EALREADY);
    assert_int_equal(rig_so_error(fd), 0);
    assert_true(rig_until(out_ready, &fd));
    assert_int_equal(events_of(fd), POLLOUT);
    assert_int_equal(rig_so_error(fd), 0);
    assert_int_equal(dial(fd, &to), 0);
    assert_int_equal(dial(fd, &to), -EISCONN);
    (void)close(fd);
}

/* The filler that made it unwritable is not data. */
static void test_filler_is_not_sent(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    char buf[8];
    assert_int_equal(c.sk->plug, 0);
    assert_int_equal(c.sk->app, -1);
    assert_int_equal(send(c.fd, "x", 1, 0), 1);
    (void)close(c.fd);
    assert_int_equal(rig_peer_read(c.peer, buf, sizeof buf), 1);
    assert_int_equal(buf[0], 'x');
}

static void test_nonblocking_refused(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 81);
    int fd = make(SOCK_STREAM | SOCK_NONBLOCK);
    struct sk *sk = sk_by_fd(rig.run, fd);
    assert_int_equal(dial(fd, &to), -EINPROGRESS);
    assert_true(rig_until(out_ready, &fd));
    assert_int_equal(events_of(fd), POLLIN | POLLOUT | POLLERR | POLLHUP);
    assert_int_equal(rig_so_error(fd), ECONNREFUSED);
    assert_int_equal(rig_so_error(fd), 0); /* told once */
    assert_int_equal(sk->h.id, 0);
    /* Another try needs a fresh socket; it gets one at the same number. */
    (void)rig_peer_listen(81);
    uint64_t before = sk->ino;
    (void)dial(fd, &to); /* tells the failure, or begins */
    if (sk->state == SK_NEW)
        assert_int_equal(dial(fd, &to), -EINPROGRESS);
    assert_int_not_equal(sk->ino, before);
    assert_ptr_equal(sk_by_fd(rig.run, fd), sk);
    assert_true(rig_until(out_ready, &fd));
    assert_int_equal(sk->state, SK_OPEN);
    assert_int_equal(events_of(fd), POLLOUT);
    (void)close(fd);
}

/* A signal came between the outcome and its telling: the same call comes again. */
static void test_told_when_heard(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 80), nobody = rig_sin(2, 81);
    (void)rig_peer_listen(80);
    int fd = make(SOCK_STREAM | SOCK_NONBLOCK);
    rig.deaf = true;
    assert_true(dial(fd, &to) == RIG_HELD);
    rig.deaf = false;
    assert_int_equal(dial(fd, &to), -EINPROGRESS);
    assert_int_equal(dial(fd, &to), -EALREADY);
    assert_true(rig_until(out_ready, &fd));
    rig.deaf = true;
    assert_true(dial(fd, &to) == RIG_HELD);
    rig.deaf = false;
    assert_int_equal(dial(fd, &to), 0);
    assert_int_equal(dial(fd, &to), -EISCONN);
    (void)close(fd);

    fd = make(SOCK_STREAM | SOCK_NONBLOCK);
    assert_int_equal(dial(fd, &nobody), -EINPROGRESS);
    assert_true(rig_until(out_ready, &fd));
    rig.deaf = true;
    assert_true(dial(fd, &nobody) == RIG_HELD);
    rig.deaf = false;
    assert_int_equal(dial(fd, &nobody), -ECONNREFUSED);
    (void)close(fd);
}

static void test_blocking(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 80), name = {0};
    int fd = make(SOCK_STREAM), len = sizeof name;
    (void)rig_peer_listen(80);
    assert_true(dial(fd, &to) == RIG_HELD);
    assert_int_equal(sk_by_fd(rig.run, fd)->held, 1);
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer, 0);
    assert_int_equal(rig.run->nholds, 0);
    assert_int_equal(rig_call(SYS_getpeername, (uint64_t)fd, rig_at(&name), rig_at(&len), 0, 0, 0),
                     0);
    assert_memory_equal(&name, &to, sizeof to);
    assert_int_equal(rig_call(SYS_getsockname, (uint64_t)fd, rig_at(&name), rig_at(&len), 0, 0, 0),
                     0);
    struct sockaddr_in mine = rig_sin(1, 0);
    assert_int_equal(name.sin_addr.s_addr, mine.sin_addr.s_addr);
    assert_int_not_equal(name.sin_port, 0);
    assert_int_equal(dial(fd, &to), -EISCONN);
    (void)close(fd);
}

/* A refused blocking socket is untouched, and may try again. */
static void test_blocking_refused_then_again(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 80);
    int fd = make(SOCK_STREAM);
    assert_true(dial(fd, &to) == RIG_HELD);
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer, -ECONNREFUSED);
    assert_false(sk_by_fd(rig.run, fd)->spent);
    (void)rig_peer_listen(80);
    assert_true(dial(fd, &to) == RIG_HELD);
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer, 0);
    (void)close(fd);
}

/* Interrupted: it goes on by itself, as a non-blocking one. */
static void test_detached_goes_on(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 80);
    (void)rig_peer_listen(80);
    int fd = make(SOCK_STREAM);
    struct sk *sk = sk_by_fd(rig.run, fd);
    assert_true(dial(fd, &to) == RIG_HELD);
    connect_detach(sk, fd);
    hold_free(rig.run);
    assert_int_equal(sk->state, SK_CONNECTING);
    assert_int_equal(events_of(fd), 0);
    assert_true(rig_until(out_ready, &fd));
    assert_int_equal(sk->state, SK_OPEN);
    assert_int_equal(rig.run->nholds, 0);
    (void)close(fd);
}

static void test_wrong_addresses(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 80);
    int fd = make(SOCK_STREAM | SOCK_NONBLOCK);
    to.sin_family = AF_INET6;
    assert_int_equal(dial(fd, &to), -EAFNOSUPPORT);
    to.sin_family = AF_INET;
    assert_int_equal(rig_call(SYS_connect, (uint64_t)fd, rig_at(&to), 8, 0, 0, 0), -EINVAL);
    assert_int_equal(rig_call(SYS_connect, (uint64_t)fd, 8, sizeof to, 0, 0, 0), -EFAULT);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK); /* nobody in this run, and no host */
    assert_int_equal(dial(fd, &to), -ECONNREFUSED);
    assert_int_equal(sk_by_fd(rig.run, fd)->state, SK_NEW);
    (void)close(fd);
}

static void test_dissolve(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    struct sockaddr_in none = {.sin_family = AF_UNSPEC};
    assert_int_equal(dial(c.fd, &none), 0);
    assert_int_equal(c.sk->state, SK_NEW);
    assert_int_equal(c.sk->h.id, 0);
    assert_int_equal(rig_peer_end(c.peer), TERN_ECONNRESET);
    (void)close(c.fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_nonblocking),         T(test_told_when_heard), T(test_filler_is_not_sent),
        T(test_nonblocking_refused), T(test_blocking),        T(test_blocking_refused_then_again),
        T(test_detached_goes_on),    T(test_wrong_addresses), T(test_dissolve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
