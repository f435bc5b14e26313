/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <fcntl.h>
#include <poll.h>

static int64_t make(int type, int proto)
{
    return rig_call(SYS_socket, AF_INET, (uint64_t)type, (uint64_t)proto, 0, 0, 0);
}

static int64_t at(int64_t fd, uint8_t host, uint16_t port)
{
    struct sockaddr_in sin = rig_sin(host, port);
    return rig_call(SYS_bind, (uint64_t)fd, rig_at(&sin), sizeof sin, 0, 0, 0);
}

static void test_kinds(void **state)
{
    (void)state;
    assert_int_equal(make(SOCK_STREAM, IPPROTO_SCTP), -EPROTONOSUPPORT);
    assert_int_equal(make(SOCK_DGRAM, IPPROTO_TCP), -EPROTONOSUPPORT);
    assert_int_equal(make(SOCK_DGRAM, IPPROTO_ICMP), -EACCES);
    assert_int_equal(make(SOCK_RAW, IPPROTO_ICMP), -EPERM);
    assert_int_equal(make(SOCK_SEQPACKET, 0), -ESOCKTNOSUPPORT);
    assert_int_equal(rig.run->sks, 0);
    int tcp = (int)make(SOCK_STREAM, IPPROTO_TCP), udp = (int)make(SOCK_DGRAM, IPPROTO_UDP);
    assert_int_equal(sk_by_fd(rig.run, tcp)->proto, IPPROTO_TCP);
    assert_int_equal(sk_by_fd(rig.run, udp)->proto, IPPROTO_UDP);
    (void)close(tcp);
    (void)close(udp);
}

static void test_flags(void **state)
{
    (void)state;
    int fd = (int)make(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        plain = (int)make(SOCK_STREAM, 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_false(fcntl(plain, F_GETFL) & O_NONBLOCK);
    assert_false(fcntl(plain, F_GETFD) & FD_CLOEXEC);
    struct pollfd p = {.fd = plain, .events = POLLIN | POLLOUT};
    assert_int_equal(poll(&p, 1, 0), 1); /* as an unconnected TCP socket */
    assert_int_equal(p.revents, POLLOUT | POLLHUP);
    (void)close(fd);
    (void)close(plain);
}

static void test_no_descriptor_left(void **state)
{
    (void)state;
    rig.give_error = EMFILE;
    assert_int_equal(make(SOCK_STREAM, 0), -EMFILE);
    assert_int_equal(make(SOCK_DGRAM, 0), -EMFILE);
    assert_int_equal(rig.run->sks, 0);
}

static void test_bind_and_names(void **state)
{
    (void)state;
    struct sockaddr_in name = {0}, want = rig_sin(1, 4000);
    int fd = (int)make(SOCK_STREAM, 0), len = sizeof name;
    assert_int_equal(at(fd, 9, 4000), -EADDRNOTAVAIL);
    assert_int_equal(at(fd, 1, 4000), 0);
    assert_int_equal(at(fd, 1, 4001), -EINVAL); /* once */
    assert_int_equal(rig_call(SYS_getsockname, (uint64_t)fd, rig_at(&name), rig_at(&len), 0, 0, 0),
                     0);
    assert_memory_equal(&name, &want, sizeof want);
    assert_int_equal(len, sizeof want);
    assert_int_equal(rig_call(SYS_getpeername, (uint64_t)fd, rig_at(&name), rig_at(&len), 0, 0, 0),
                     -ENOTCONN);
    (void)close(fd);
}

/* The address is cut to the room there is; its full length is told. */
static void test_name_in_little_room(void **state)
{
    (void)state;
    uint8_t name[8] = {0};
    int fd = (int)make(SOCK_STREAM, 0), len = 4;
    assert_int_equal(at(fd, 1, 4000), 0);
    assert_int_equal(rig_call(SYS_getsockname, (uint64_t)fd, rig_at(name), rig_at(&len), 0, 0, 0),
                     0);
    assert_int_equal(len, sizeof(struct sockaddr_in));
    assert_int_equal(name[2] << 8 | name[3], 4000);
    assert_int_equal(name[4], 0);
    len = -1;
    assert_int_equal(rig_call(SYS_getsockname, (uint64_t)fd, rig_at(name), rig_at(&len), 0, 0, 0),
                     -EINVAL);
    assert_int_equal(rig_call(SYS_getsockname, (uint64_t)fd, rig_at(name), 8, 0, 0, 0), -EFAULT);
    (void)close(fd);
}

static void test_bind_chooses_a_port(void **state)
{
    (void)state;
    int a = (int)make(SOCK_STREAM, 0), b = (int)make(SOCK_STREAM, 0);
    assert_int_equal(at(a, 1, 0), 0);
    assert_int_equal(at(b, 1, 0), 0);
    uint16_t pa = sk_by_fd(rig.run, a)->local.port, pb = sk_by_fd(rig.run, b)->local.port;
    assert_in_range(pa, 32768, 60999);
    assert_in_range(pb, 32768, 60999);
    assert_int_not_equal(pa, pb);
    (void)close(a);
    (void)close(b);
}

static void test_taken_and_left(void **state)
{
    (void)state;
    int a = (int)make(SOCK_STREAM, 0), b = (int)make(SOCK_STREAM, 0);
    assert_int_equal(at(a, 1, 4000), 0);
    assert_int_equal(at(b, 1, 4000), -EADDRINUSE);
    (void)close(a); /* nobody tells: bind() finds out */
    assert_int_equal(at(b, 1, 4000), 0);
    (void)close(b);
}

static void test_a_udp_port_is_not_a_tcp_port(void **state)
{
    (void)state;
    int a = (int)make(SOCK_STREAM, 0), b = (int)make(SOCK_DGRAM, 0), c = (int)make(SOCK_DGRAM, 0);
    assert_int_equal(at(a, 1, 4000), 0);
    assert_int_equal(at(b, 1, 4000), 0);
    assert_int_equal(at(c, 1, 4000), -EADDRINUSE);
    (void)close(a);
    (void)close(b);
    (void)close(c);
}

/* SO_REUSEADDR on both, neither listening: allowed; beside a listener: not. */
static void test_reuseaddr(void **state)
{
    (void)state;
    int a = (int)make(SOCK_STREAM, 0), b = (int)make(SOCK_STREAM, 0), c = (int)make(SOCK_STREAM, 0);
    int on = 1;
    assert_int_equal(setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(at(a, 1, 4000), 0);
    assert_int_equal(at(b, 1, 4000), -EADDRINUSE);
    assert_int_equal(setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(at(b, 1, 4000), 0);
    assert_int_equal(rig_call(SYS_listen, (uint64_t)a, 4, 0, 0, 0, 0), 0);
    assert_int_equal(at(c, 1, 4000), -EADDRINUSE);
    (void)close(a);
    (void)close(b);
    (void)close(c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_kinds),
        T(test_flags),
        T(test_no_descriptor_left),
        T(test_bind_and_names),
        T(test_name_in_little_room),
        T(test_bind_chooses_a_port),
        T(test_taken_and_left),
        T(test_a_udp_port_is_not_a_tcp_port),
        T(test_reuseaddr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
