/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <netinet/tcp.h>

static int64_t set(int fd, int level, int name, const void *value, size_t len)
{
    return rig_call(SYS_setsockopt, (uint64_t)fd, (uint64_t)level, (uint64_t)name, rig_at(value),
                    len, 0);
}

static int64_t set_int(int fd, int level, int name, int v)
{
    return set(fd, level, name, &v, sizeof v);
}

static int64_t get(int fd, int level, int name, void *value, int *len)
{
    return rig_call(SYS_getsockopt, (uint64_t)fd, (uint64_t)level, (uint64_t)name, rig_at(value),
                    rig_at(len), 0);
}

static int get_int(int fd, int level, int name)
{
    int v = -1, len = sizeof v;
    assert_int_equal(get(fd, level, name, &v, &len), 0);
    assert_int_equal(len, sizeof v);
    return v;
}

static int make(int type)
{
    int fd = (int)rig_call(SYS_socket, AF_INET, (uint64_t)type, 0, 0, 0, 0);
    assert_true(fd >= 0);
    return fd;
}

static void test_the_table(void **state)
{
    static const struct {
        int level, name, first, set, then, low, high; /* low, high: refused */
    } row[] = {
        {IPPROTO_TCP, TCP_KEEPIDLE, 7200, 30, 30, 0, 32768},
        {IPPROTO_TCP, TCP_KEEPINTVL, 75, 5, 5, 0, 32768},
        {IPPROTO_TCP, TCP_KEEPCNT, 9, 3, 3, 0, 128},
        {IPPROTO_TCP, TCP_MAXSEG, 536, 1000, 1000, 87, 32768},
        {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 3, 3, -1, 256},
        {IPPROTO_TCP, TCP_SYNCNT, 7, 2, 2, 0, 128},
        {IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, 9000, 9000, -1, -2},
        {IPPROTO_IP, IP_TTL, 64, 7, 7, 0, 256},
        {IPPROTO_IP, IP_TOS, 0, 0x10, 0x10, -1, 256},
    };
    (void)state;
    int fd = make(SOCK_STREAM);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(get_int(fd, row[i].level, row[i].name), row[i].first);
        assert_int_equal(set_int(fd, row[i].level, row[i].name, row[i].set), 0);
        assert_int_equal(set_int(fd, row[i].level, row[i].name, row[i].low), -EINVAL);
        assert_int_equal(set_int(fd, row[i].level, row[i].name, row[i].high), -EINVAL);
        assert_int_equal(get_int(fd, row[i].level, row[i].name), row[i].then);
    }
    assert_int_equal(set_int(fd, IPPROTO_TCP, TCP_NODELAY, 77), 0);
    assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_NODELAY), 1); /* a flag */
    assert_int_equal(set_int(fd, IPPROTO_IP, IP_TTL, -1), 0);
    assert_int_equal(get_int(fd, IPPROTO_IP, IP_TTL), 64); /* -1: as at first */
    uint8_t octet = 0x20;
    assert_int_equal(set(fd, IPPROTO_IP, IP_TOS, &octet, 1), 0); /* may be one octet */
    assert_int_equal(get_int(fd, IPPROTO_IP, IP_TOS), 0x20);
    assert_int_equal(set(fd, IPPROTO_TCP, TCP_KEEPCNT, &octet, 1), -EINVAL);
    assert_int_equal(set_int(fd, IPPROTO_TCP, TCP_LINGER2, 500), 0);
    assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_LINGER2), 120); /* bounded, not refused */
    assert_int_equal(set_int(fd, SOL_SOCKET, SO_RCVLOWAT, 0), 0);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_RCVLOWAT), 1);
    assert_int_equal(set_int(fd, SOL_SOCKET, SO_RCVLOWAT, 500), 0);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_RCVLOWAT), 500);
    assert_int_equal(set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, -1), 0); /* none */
    (void)close(fd);
}

/* None is taken and ignored. */
static void test_refused(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM), udp = make(SOCK_DGRAM), v = 1, len = sizeof v;
    assert_int_equal(set_int(fd, IPPROTO_TCP, 9999, 1), -ENOPROTOOPT);
    assert_int_equal(set_int(fd, SOL_SOCKET, SO_ERROR, 1), -ENOPROTOOPT);
    assert_int_equal(set_int(fd, IPPROTO_IP, IP_RECVERR, 1), -ENOPROTOOPT); /* UDP's */
    assert_int_equal(set_int(udp, IPPROTO_TCP, TCP_NODELAY, 1), -ENOPROTOOPT);
    assert_int_equal(set(fd, IPPROTO_TCP, 31, "tls", 3), -ENOENT); /* kTLS falls back */
    assert_int_equal(get(fd, IPPROTO_TCP, 9999, &v, &len), -ENOPROTOOPT);
    assert_int_equal(set(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth7", 4), -ENODEV);
    assert_int_equal(set(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 1), 0);
    (void)close(fd);
    (void)close(udp);
}

static int64_t core(struct sk *sk, enum tern_opt opt)
{
    int64_t v = -1;
    assert_int_equal(tern_getopt(rig.guest, sk->h, opt, &v), 0);
    return v;
}

/* All six of Linux's answers to "shall the path's MTU be found out?". */
static void test_mtu_discover(void **state)
{
    static const struct {
        int how, cut, ignore;
    } rows[] = {{IP_PMTUDISC_DONT, 1, 1},  {IP_PMTUDISC_WANT, 0, 0},      {IP_PMTUDISC_DO, 0, 0},
                {IP_PMTUDISC_PROBE, 0, 1}, {IP_PMTUDISC_INTERFACE, 1, 1}, {IP_PMTUDISC_OMIT, 1, 1}};
    (void)state;
    struct rig_conn c = rig_connect(7200);
    int udp = make(SOCK_DGRAM);
    assert_int_equal(get_int(c.fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_WANT);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(set_int(c.fd, IPPROTO_IP, IP_MTU_DISCOVER, rows[i].how), 0);
        assert_int_equal(get_int(c.fd, IPPROTO_IP, IP_MTU_DISCOVER), rows[i].how);
        assert_int_equal(core(c.sk, TERN_OPT_MAY_FRAGMENT), rows[i].cut);
        assert_int_equal(core(c.sk, TERN_OPT_IGNORE_PMTU), rows[i].ignore);
    }
    assert_int_equal(set_int(c.fd, IPPROTO_IP, IP_MTU_DISCOVER, 6), -EINVAL);
    assert_int_equal(set_int(udp, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT), -EINVAL);
    assert_int_equal(set_int(udp, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
    assert_int_equal(get_int(c.fd, IPPROTO_IP, IP_MTU), 1500);
    (void)close(c.fd);
    (void)close(udp);
}

static bool peer_sent(void *ctx)
{
    return core(ctx, TERN_OPT_RCVD_TOS) == 0x48;
}

/* IP_RECVTOS, and where Linux shows it of TCP: IP_PKTOPTIONS. */
static void test_received_tos(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(7201);
    uint8_t out[64];
    int len = sizeof out, tos = -1;
    assert_int_equal(get(c.fd, IPPROTO_IP, IP_PKTOPTIONS, out, &len), 0);
    assert_int_equal(len, 0); /* not asked for */
    assert_int_equal(set_int(c.fd, IPPROTO_IP, IP_RECVTOS, 1), 0);
    assert_int_equal(tern_setopt(rig.peer, c.peer, TERN_OPT_TOS, 0x48, tern_loop_now(rig.loop)), 0);
    assert_int_equal(tern_tcp_send(rig.peer, c.peer, "x", 1, 0, tern_loop_now(rig.loop)), 1);
    assert_true(rig_until(peer_sent, c.sk));
    len = sizeof out;
    assert_int_equal(get(c.fd, IPPROTO_IP, IP_PKTOPTIONS, out, &len), 0);
    struct cmsghdr h;
    memcpy(&h, out, sizeof h);
    memcpy(&tos, out + CMSG_LEN(0), sizeof tos);
    assert_true(h.cmsg_level == IPPROTO_IP && h.cmsg_type == IP_TOS && tos == 0x48);
    assert_int_equal(len, CMSG_SPACE(sizeof(int)));
    (void)close(c.fd);
}

static void test_fastopen_key(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM), len = 64;
    uint8_t key[33], out[64];
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i + 1);
    assert_int_equal(get(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, out, &len), 0);
    assert_int_equal(len, 0); /* none of its own */
    assert_int_equal(set(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key, 15), -EINVAL);
    assert_int_equal(set(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key, 33), -EINVAL);
    assert_int_equal(set(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key, 32), 0);
    len = 64;
    assert_int_equal(get(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, out, &len), 0);
    assert_int_equal(len, 32);
    assert_memory_equal(out, key, 32);
    assert_int_equal(set(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key + 1, 16), 0);
    len = 64;
    assert_int_equal(get(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, out, &len), 0);
    assert_int_equal(len, 16);
    assert_memory_equal(out, key + 1, 16);
    (void)close(fd);
}

static void test_meminfo_and_cc_info(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(7202);
    uint32_t mem[16];
    int len = sizeof mem;
    assert_int_equal(get(c.fd, SOL_SOCKET, SO_MEMINFO, mem, &len), 0);
    assert_int_equal(len, 36);
    assert_int_equal(mem[0], 0);
    assert_int_equal(mem[1], core(c.sk, TERN_OPT_RCVBUF));
    assert_int_equal(mem[3], core(c.sk, TERN_OPT_SNDBUF));
    len = sizeof mem;
    assert_int_equal(get(c.fd, IPPROTO_TCP, TCP_CC_INFO, mem, &len), 0);
    assert_int_equal(len, 0);
    (void)close(c.fd);
}

static void test_bad_memory(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM), v = 1, len = sizeof v;
    const void *nowhere = (const void *)(uintptr_t)8;
    assert_int_equal(set(fd, IPPROTO_TCP, TCP_NODELAY, nowhere, sizeof v), -EFAULT);
    assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(set(fd, IPPROTO_TCP, TCP_NODELAY, &v, (size_t)-1), -EINVAL);
    assert_int_equal(
        rig_call(SYS_getsockopt, (uint64_t)fd, IPPROTO_TCP, TCP_NODELAY, rig_at(&v), 8, 0),
        -EFAULT);
    assert_int_equal(
        rig_call(SYS_getsockopt, (uint64_t)fd, IPPROTO_TCP, TCP_NODELAY, 8, rig_at(&len), 0),
        -EFAULT);
    len = -1;
    assert_int_equal(get(fd, IPPROTO_TCP, TCP_NODELAY, &v, &len), -EINVAL);
    (void)close(fd);
}

/* A program that was killed while it waited: what was read may be another's memory. */
static void test_killed_changes_nothing(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM);
    rig.killed = true;
    assert_true(set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) == RIG_HELD);
    rig.killed = false;
    assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    (void)close(fd);
}

static void test_little_room(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM), len = 1;
    uint8_t v[4] = {9, 9, 9, 9};
    assert_int_equal(get(fd, IPPROTO_IP, IP_TTL, v, &len), 0);
    assert_int_equal(len, 1);
    assert_int_equal(v[0], 64);
    assert_int_equal(v[1], 9);
    (void)close(fd);
}

static void test_buffers_are_doubled_and_bounded(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_SNDBUF), 87040);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_RCVBUF), 131072);
    assert_int_equal(set_int(fd, SOL_SOCKET, SO_SNDBUF, 30000), 0);
    assert_int_equal(set_int(fd, SOL_SOCKET, SO_RCVBUF, 1), 0);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_SNDBUF), 60000);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_RCVBUF), 4096);
    assert_int_equal(set_int(fd, SOL_SOCKET, SO_RCVBUF, INT32_MAX), 0);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_RCVBUF), 8 << 20);
    (void)close(fd);
}

static void test_congestion_by_name(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM), len = 16;
    char name[16];
    assert_int_equal(get(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
    assert_string_equal(name, "cubic"); /* the run's */
    assert_int_equal(set(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
    assert_int_equal(set(fd, IPPROTO_TCP, TCP_CONGESTION, "vegas", 5), -ENOENT);
    len = 16;
    assert_int_equal(get(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
    assert_string_equal(name, "reno");
    assert_int_equal(len, 16);
    (void)close(fd);
}

static void test_what_a_socket_says_it_is(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM), udp = make(SOCK_DGRAM);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    assert_int_equal(get_int(udp, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    assert_int_equal(get_int(udp, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
    assert_int_equal(set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1), 0);
    assert_int_equal(get_int(fd, SOL_SOCKET, SO_REUSEPORT), 1);
    (void)close(fd);
    (void)close(udp);
}

static int64_t told(const struct rig_conn *c, enum tern_opt opt)
{
    int64_t v = -1;
    assert_int_equal(tern_getopt(rig.guest, c->sk->h, opt, &v), 0);
    return v;
}

/* On a connection: the stack hears it, in its own unit. */
static void test_the_stack_is_told(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    struct tern_info in;
    assert_int_equal(set_int(c.fd, IPPROTO_TCP, TCP_KEEPIDLE, 30), 0);
    assert_int_equal(told(&c, TERN_OPT_KEEPIDLE_MS), 30000);
    assert_int_equal(set_int(c.fd, IPPROTO_TCP, TCP_NODELAY, 1), 0);
    assert_int_equal(told(&c, TERN_OPT_NODELAY), 1);
    assert_int_equal(set_int(c.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4000), 0);
    assert_int_equal(told(&c, TERN_OPT_NOTSENT_LOWAT), 4000);
    assert_int_equal(set_int(c.fd, IPPROTO_TCP, TCP_LINGER2, -5), 0);
    assert_int_equal(told(&c, TERN_OPT_LINGER2_MS), -1);
    assert_int_equal(set_int(c.fd, SOL_SOCKET, SO_RCVLOWAT, 100), 0);
    assert_int_equal(told(&c, TERN_OPT_RCVLOWAT), 100);
    assert_int_equal(get_int(c.fd, IPPROTO_TCP, TCP_QUICKACK),
                     0); /* what is so, not what was asked */
    assert_int_equal(set_int(c.fd, IPPROTO_TCP, TCP_QUICKACK, 1), 0);
    assert_int_equal(get_int(c.fd, IPPROTO_TCP, TCP_QUICKACK), 1);
    assert_true(tern_inspect(rig.guest, c.sk->h, &in, tern_loop_now(rig.loop)));
    assert_int_equal(get_int(c.fd, IPPROTO_TCP, TCP_MAXSEG), (int)in.mss); /* the real one */
    (void)close(c.fd);
}

/* What was set before there was a handle is told when there is one; and passed on. */
static void test_apply_and_inherit(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    int early = make(SOCK_STREAM);
    struct linger l = {1, 0};
    assert_int_equal(set_int(early, IPPROTO_TCP, TCP_KEEPINTVL, 11), 0);
    assert_int_equal(set_int(early, SOL_SOCKET, SO_SNDBUF, 50000), 0);
    assert_int_equal(set(early, SOL_SOCKET, SO_LINGER, &l, sizeof l), 0);
    assert_int_equal(set(early, SOL_SOCKET, SO_LINGER, &l, 4), -EINVAL);
    sockopt_inherit(c.sk, sk_by_fd(rig.run, early));
    assert_int_equal(told(&c, TERN_OPT_KEEPINTVL_MS), 75000);
    sockopt_apply(c.sk);
    assert_int_equal(told(&c, TERN_OPT_KEEPINTVL_MS), 11000);
    assert_int_equal(told(&c, TERN_OPT_SNDBUF), 100000);
    assert_int_equal(get_int(c.fd, SOL_SOCKET, SO_SNDBUF), 100000);
    assert_true(c.sk->linger0);
    (void)close(c.fd);
    (void)close(early);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_the_table),          T(test_refused),
        T(test_mtu_discover),       T(test_received_tos),
        T(test_fastopen_key),       T(test_meminfo_and_cc_info),
        T(test_bad_memory),         T(test_killed_changes_nothing),
        T(test_little_room),        T(test_buffers_are_doubled_and_bounded),
        T(test_congestion_by_name), T(test_what_a_socket_says_it_is),
        T(test_the_stack_is_told),  T(test_apply_and_inherit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
