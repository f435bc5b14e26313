/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual host: calls with Linux's results, and a clock that only moves when it is told to. */
#include "drill/vhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <tern/port.h>

#include "port/aoopt.h"

static struct vhost vh;

static int setup(void **state)
{
    struct vhost_config cfg;
    char why[TERN_WHY];
    (void)state;
    vhost_config_init(&cfg);
    return vhost_open(&vh, &cfg, why);
}
static int teardown(void **state)
{
    (void)state;
    vhost_close(&vh);
    return 0;
}

static struct tern_endpoint peer(uint16_t port)
{
    return (struct tern_endpoint){{.fam = TERN_AF_IP4, .b = {192, 0, 2, 1}}, port};
}

static void clock_and_frames(void **state)
{
    (void)state;
    struct tern_time zero = vh.now;
    struct tern_endpoint to = peer(80);
    int fd = vh_socket(&vh, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(fd, 3);
    assert_null(vhost_frame(&vh));
    assert_int_equal(vh_connect(&vh, fd, &to), -EINPROGRESS);
    assert_int_equal(vh.now.ns, zero.ns); /* a call takes no time */
    const struct vframe *f = vhost_frame(&vh);
    assert_non_null(f);
    assert_int_equal(f->time.ns, zero.ns);
    assert_int_equal(f->data[0] >> 4, 4);
    vhost_drop(&vh);
    assert_null(vhost_frame(&vh));
    /* nobody answers: the SYN comes again after a second, and the clock stands where it was sent to
     */
    vhost_run_to(&vh, (struct tern_time){zero.ns + 1500000000});
    assert_int_equal(vh.now.ns, zero.ns + 1500000000);
    f = vhost_frame(&vh);
    assert_non_null(f);
    assert_in_range(f->time.ns - zero.ns, 999000000, 1010000000);
    assert_int_equal(vh_connect(&vh, fd, &to), -EALREADY);
    assert_int_equal(vh_connect_result(&vh, fd), -EINPROGRESS);
    assert_int_equal(vh_close(&vh, fd), 0);
    assert_int_equal(vh_close(&vh, fd), -EBADF);
}

static void descriptors(void **state)
{
    (void)state;
    int a = vh_socket(&vh, AF_INET, SOCK_STREAM, IPPROTO_TCP);
    int b = vh_socket(&vh, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(a, 3);
    assert_int_equal(b, 4);
    assert_int_equal(vh_close(&vh, a), 0);
    assert_int_equal(vh_socket(&vh, AF_INET, SOCK_STREAM, 0), 3); /* the lowest free one */
    assert_int_equal(vh_socket(&vh, AF_INET6, SOCK_STREAM, 0), -EAFNOSUPPORT);
    assert_int_equal(vh_socket(&vh, AF_INET, SOCK_STREAM, IPPROTO_UDP), -EPROTONOSUPPORT);
    for (int i = 2; i < VHOST_SOCKS; i++)
        assert_true(vh_socket(&vh, AF_INET, SOCK_STREAM, 0) > 0);
    assert_int_equal(vh_socket(&vh, AF_INET, SOCK_STREAM, 0), -EMFILE);
}

static void options(void **state)
{
    (void)state;
    int fd = vh_socket(&vh, AF_INET, SOCK_STREAM, 0), v = 1, got = 0;
    size_t len = sizeof got;
    assert_int_equal(vh_setsockopt(&vh, fd, IPPROTO_TCP, TCP_NODELAY, &v, sizeof v), 0);
    assert_int_equal(vh_getsockopt(&vh, fd, IPPROTO_TCP, TCP_NODELAY, &got, &len), 0);
    assert_int_equal(got, 1);
    assert_int_equal(vh_setsockopt(&vh, fd, IPPROTO_TCP, TCP_NODELAY, &v, 1), -EINVAL);
    assert_int_equal(vh_setsockopt(&vh, fd, IPPROTO_TCP, 9999, &v, sizeof v), -ENOPROTOOPT);
    v = 40000;
    assert_int_equal(vh_setsockopt(&vh, fd, IPPROTO_TCP, TCP_KEEPIDLE, &v, sizeof v), -EINVAL);
    assert_int_equal(vh_setsockopt(&vh, fd, SOL_SOCKET, SO_RCVBUF, &v, sizeof v), 0);
    assert_int_equal(vh_getsockopt(&vh, fd, SOL_SOCKET, SO_RCVBUF, &got, &len), 0);
    assert_int_equal(got, 80000);
}

static void waiting(void **state)
{
    (void)state;
    struct vcall c = {.op = VOP_ACCEPT};
    struct tern_endpoint at = {{.fam = TERN_AF_IP4, .b = {192, 168, 0, 1}}, 8080};
    int fd = vh_socket(&vh, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(vh_bind(&vh, fd, &at), 0);
    assert_int_equal(vh_listen(&vh, fd, 1), 0);
    c.fd = fd;
    assert_false(vhost_call(&vh, &c)); /* a blocking socket waits */
    assert_int_equal(vh_fcntl(&vh, fd, 4 /* F_SETFL */, 04000 /* O_NONBLOCK */), 0);
    assert_true(vhost_call(&vh, &c));
    assert_int_equal(c.ret, -EAGAIN);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct vcall w = {.op = VOP_POLL, .fds = &p, .nfds = 1, .until = {vh.now.ns + 1000000}};
    assert_false(vhost_call(&vh, &w));
    vhost_run_to(&vh, w.until);
    assert_true(vhost_call(&vh, &w));
    assert_int_equal(w.ret, 0);
    p.fd = 77;
    assert_int_equal(vh_poll(&vh, &p, 1), 1);
    assert_int_equal(p.revents, POLLNVAL);
}

/* Keys that are set before connect(): the SYN has the option, with the KeyIDs. */
static void keys(void **state)
{
    (void)state;
    struct ao_add a = {.alg_name = "hmac(sha1)",
                       .prefix = 32,
                       .sndid = 61,
                       .rcvid = 84,
                       .keylen = 3,
                       .key = "abc"};
    struct ao_info i;
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct tern_endpoint to = peer(80);
    size_t len = sizeof i;
    memcpy(&in.sin_addr, to.addr.b, 4);
    memcpy(&a.addr, &in, sizeof in);
    int fd = vh_socket(&vh, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int udp = vh_socket(&vh, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(vh_setsockopt(&vh, udp, IPPROTO_TCP, AO_OPT_ADD_KEY, &a, sizeof a),
                     -ENOPROTOOPT);
    assert_int_equal(vh_setsockopt(&vh, fd, IPPROTO_TCP, AO_OPT_ADD_KEY, &a, 4), -EINVAL);
    assert_int_equal(vh_getsockopt(&vh, fd, IPPROTO_TCP, AO_OPT_INFO, &i, &len), -ENOENT);
    assert_int_equal(vh_setsockopt(&vh, fd, IPPROTO_TCP, AO_OPT_ADD_KEY, &a, sizeof a), 0);
    assert_int_equal(vh_connect(&vh, fd, &to), -EINPROGRESS);
    const struct vframe *f = vhost_frame(&vh);
    assert_non_null(f);
    const uint8_t want[] = {29, 16, 61, 84}; /* the last option of the header */
    assert_memory_equal(f->data + f->len - 16, want, sizeof want);
    vhost_drop(&vh);
    assert_int_equal(vh_getsockopt(&vh, fd, IPPROTO_TCP, AO_OPT_INFO, &i, &len), 0);
    assert_true(i.current_key == 61 && i.rnext == 84);
    assert_int_equal(vh_close(&vh, fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(clock_and_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(options, setup, teardown),
        cmocka_unit_test_setup_teardown(waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(keys, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
