/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

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

static struct tern_sock peer_port(uint16_t port)
{
    struct tern_endpoint at = {.port = port};
    struct tern_sock s;
    assert_int_equal(tern_udp_open(rig.peer, &at, 0, &s), 0);
    return s;
}

struct datagram {
    struct tern_sock s;
    struct tern_endpoint from;
    char data[64];
    int64_t n;
};

static bool came(void *ctx)
{
    struct datagram *d = ctx;
    d->n = tern_udp_recvfrom(rig.peer, d->s, d->data, sizeof d->data, &d->from, NULL);
    return d->n != TERN_EAGAIN;
}

static bool readable(void *ctx)
{
    struct pollfd p = {.fd = *(int *)ctx, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

static bool is_done(void *ctx)
{
    return ((struct sk *)ctx)->state == SK_DONE;
}

/* A number below select()'s limit, records, and the flags that were asked for. */
static void test_new(void **state)
{
    (void)state;
    int fd = make(SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC), plain = make(SOCK_DGRAM);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_false(fcntl(plain, F_GETFL) & O_NONBLOCK);
    assert_false(fcntl(plain, F_GETFD) & FD_CLOEXEC);
    assert_true(fd < RUN_UDP_FD_HI && plain < RUN_UDP_FD_HI && fd != plain);
    assert_int_equal(sk_by_fd(rig.run, fd)->state, SK_NEW);
    (void)close(fd);
    (void)close(plain);
}

/* Once connected, send() and recv() never come to the supervisor; bounds and order are kept. */
static void test_connected_both_ways(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 53);
    struct datagram d = {.s = peer_port(53)};
    int fd = make(SOCK_DGRAM | SOCK_NONBLOCK);
    char buf[16];
    assert_int_equal(dial(fd, &to), 0);
    unsigned before = rig.answers;
    assert_int_equal(send(fd, "one", 3, 0), 3);
    assert_int_equal(send(fd, "second", 6, 0), 6);
    assert_true(rig_until(came, &d));
    assert_int_equal(d.n, 3);
    assert_memory_equal(d.data, "one", 3);
    assert_int_equal(d.from.port, sk_by_fd(rig.run, fd)->local.port);
    assert_true(rig_until(came, &d));
    assert_int_equal(d.n, 6);
    assert_int_equal(
        tern_udp_sendto(rig.peer, d.s, NULL, &d.from, "reply", 5, tern_loop_now(rig.loop)), 0);
    assert_true(rig_until(readable, &fd));
    assert_int_equal(recv(fd, buf, sizeof buf, 0), 5);
    assert_memory_equal(buf, "reply", 5);
    assert_int_equal(rig.answers, before);
    (void)close(fd);
}

static void test_connect_names_and_dissolve(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 53), none = {.sin_family = AF_UNSPEC};
    int fd = make(SOCK_DGRAM);
    struct sk *sk = sk_by_fd(rig.run, fd);
    assert_int_equal(dial(fd, &to), 0);
    assert_int_equal(sk->state, SK_OPEN);
    struct tern_endpoint want = rig_ep(2, 53), own = rig_ep(1, 0);
    assert_memory_equal(&sk->remote.addr, &want.addr, sizeof want.addr);
    assert_int_equal(sk->remote.port, 53);
    assert_memory_equal(&sk->local.addr, &own.addr, sizeof own.addr);
    assert_int_not_equal(sk->local.port, 0);
    assert_int_equal(dial(fd, &none), 0);
    assert_int_equal(sk->state, SK_NEW);
    assert_int_equal(sk->h.id, 0);
    assert_int_equal(sk->local.port, 0);
    to.sin_family = AF_INET6;
    assert_int_equal(dial(fd, &to), -EAFNOSUPPORT);
    (void)close(fd);
}

/* A bound socket keeps its port when it is dissolved. */
static void test_bound_port_stays(void **state)
{
    (void)state;
    struct sockaddr_in at = rig_sin(1, 5353), to = rig_sin(2, 53), none = {.sin_family = AF_UNSPEC};
    int fd = make(SOCK_DGRAM);
    struct sk *sk = sk_by_fd(rig.run, fd);
    assert_int_equal(rig_call(SYS_bind, (uint64_t)fd, rig_at(&at), sizeof at, 0, 0, 0), 0);
    assert_int_equal(dial(fd, &to), 0);
    assert_int_equal(dial(fd, &none), 0);
    assert_int_equal(sk->local.port, 5353);
    assert_int_not_equal(sk->h.id, 0);
    (void)close(fd);
}

static void test_send_refused(void **state)
{
    (void)state;
    int fd = make(SOCK_DGRAM);
    struct sk *sk = sk_by_fd(rig.run, fd);
    struct sockaddr_in to = rig_sin(2, 0);
    assert_int_equal(usock_send(sk, NULL, "x", 1), -EDESTADDRREQ);
    assert_int_equal(usock_send(sk, &to, "x", 1), -EINVAL); /* no port */
    to.sin_family = AF_INET6;
    assert_int_equal(usock_send(sk, &to, "x", 1), -EAFNOSUPPORT);
    to = rig_sin(2, 53);
    assert_int_equal(usock_send(sk, &to, rig.run->buf, 2000), -EMSGSIZE);
    assert_int_equal(usock_send(sk, &to, "x", 1), 1);
    (void)close(fd);
}

/* What was written before the close is sent; then the port is free. */
static void test_close_sends_what_is_left(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 53);
    struct datagram d = {.s = peer_port(53)};
    struct tern_usage use;
    int fd = make(SOCK_DGRAM);
    struct sk *sk = sk_by_fd(rig.run, fd);
    assert_int_equal(dial(fd, &to), 0);
    assert_int_equal(send(fd, "bye", 3, 0), 3);
    (void)close(fd);
    assert_true(rig_until(came, &d));
    assert_int_equal(d.n, 3);
    assert_true(rig_until(is_done, sk));
    usock_drain(rig.run);
    assert_false(usock_leaving(sk));
    tern_stack_usage(rig.guest, &use);
    assert_int_equal(use.udp, 0);
}

/* The peer's "port unreachable" is the socket's error. */
static void test_icmp_error(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(2, 54);
    int fd = make(SOCK_DGRAM | SOCK_NONBLOCK), v = 0, len = sizeof v;
    assert_int_equal(dial(fd, &to), 0);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    rig_turn();
    assert_int_equal(
        rig_call(SYS_getsockopt, (uint64_t)fd, SOL_SOCKET, SO_ERROR, rig_at(&v), rig_at(&len), 0),
        0);
    assert_int_equal(v, ECONNREFUSED);
    (void)close(fd);
}

static void test_tags(void **state)
{
    (void)state;
    struct tern_endpoint ep = rig_ep(7, 77), got;
    int fd = memfd_create("test", MFD_CLOEXEC), empty = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(pwrite(fd, &ep, sizeof ep, 0), sizeof ep);
    assert_true(usock_tag_read(fd, &got));
    assert_memory_equal(&got, &ep, sizeof ep);
    assert_false(usock_tag_read(empty, &got));
    (void)close(fd);
    (void)close(empty);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_new),
        T(test_connected_both_ways),
        T(test_connect_names_and_dissolve),
        T(test_bound_port_stays),
        T(test_send_refused),
        T(test_close_sends_what_is_left),
        T(test_icmp_error),
        T(test_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
