/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <arpa/inet.h>
#include <linux/tcp.h>

#include "port/aoopt.h"

static int64_t put(int fd, int name, const char *addr, int family, unsigned prefix, unsigned flags,
                   const char *key)
{
    struct tcp_md5sig m = {.tcpm_keylen = (uint16_t)strlen(key),
                           .tcpm_prefixlen = (uint8_t)prefix,
                           .tcpm_flags = (uint8_t)flags};
    struct sockaddr_in in = {.sin_family = (sa_family_t)family};
    (void)inet_pton(AF_INET, addr, &in.sin_addr);
    memcpy(&m.tcpm_addr, &in, sizeof in);
    memcpy(m.tcpm_key, key, strlen(key));
    return rig_call(SYS_setsockopt, (uint64_t)fd, IPPROTO_TCP, (uint64_t)name, rig_at(&m), sizeof m,
                    0);
}

static int make(int type)
{
    int fd = (int)rig_call(SYS_socket, AF_INET, (uint64_t)type, 0, 0, 0, 0);
    assert_true(fd >= 0);
    return fd;
}

static void test_md5sig(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM);
    assert_int_equal(put(fd, TCP_MD5SIG, "10.0.0.1", AF_INET, 0, 0, ""), -ENOENT); /* none yet */
    assert_int_equal(put(fd, TCP_MD5SIG, "10.0.0.1", AF_INET, 0, 0, "key"), 0);
    assert_int_equal(put(fd, TCP_MD5SIG, "10.0.0.1", AF_INET, 0, 0, "other"), 0);
    assert_int_equal(put(fd, TCP_MD5SIG, "10.0.0.1", AF_INET, 0, 0, ""), 0);
    assert_int_equal(put(fd, TCP_MD5SIG, "10.0.0.1", AF_INET, 0, 0, ""), -ENOENT);
    assert_int_equal(put(fd, TCP_MD5SIG, "10.0.0.1", AF_INET6, 0, 0, "key"), -EINVAL);
    int udp = make(SOCK_DGRAM);
    assert_int_equal(put(udp, TCP_MD5SIG, "10.0.0.1", AF_INET, 0, 0, "key"), -ENOPROTOOPT);
}

static void test_md5sig_ext(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM);
    const unsigned prefix = TCP_MD5SIG_FLAG_PREFIX;
    assert_int_equal(put(fd, TCP_MD5SIG_EXT, "10.0.0.0", AF_INET, 8, prefix, "key"), 0);
    assert_int_equal(put(fd, TCP_MD5SIG_EXT, "10.0.0.0", AF_INET, 33, prefix, "key"), -EINVAL);
    assert_int_equal(put(fd, TCP_MD5SIG_EXT, "10.0.0.0", AF_INET, 8, 2, "key"), -EINVAL);
    assert_int_equal(put(fd, TCP_MD5SIG_EXT, "10.0.0.0", AF_INET, 9, prefix, ""), -ENOENT);
    assert_int_equal(put(fd, TCP_MD5SIG_EXT, "10.0.0.0", AF_INET, 8, prefix, ""), 0);
}

/* ---- TCP-AO ---- */

static struct ao_add key(uint8_t host, uint8_t sndid, uint8_t rcvid)
{
    struct ao_add a = {.alg_name = "hmac(sha1)",
                       .prefix = 32,
                       .sndid = sndid,
                       .rcvid = rcvid,
                       .keylen = 6,
                       .key = "secret"};
    struct sockaddr_in in = rig_sin(host, 0);
    memcpy(&a.addr, &in, sizeof in);
    return a;
}

static int64_t set(int fd, int name, const void *value, size_t len)
{
    return rig_call(SYS_setsockopt, (uint64_t)fd, IPPROTO_TCP, (uint64_t)name, rig_at(value), len,
                    0);
}

static int64_t get(int fd, int name, void *value, socklen_t len)
{
    return rig_call(SYS_getsockopt, (uint64_t)fd, IPPROTO_TCP, (uint64_t)name, rig_at(value),
                    rig_at(&len), 0);
}

/* Before there is a connection: kept, shown, changed and taken away. */
static void test_ao_kept(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM), udp = make(SOCK_DGRAM);
    struct ao_add a = key(2, 1, 2), b = key(2, 3, 4);
    struct ao_info i = {0};
    struct ao_get g[2] = {{.nkeys = 2, .flags = AO_GET_ALL}};
    struct ao_del d = {.addr = a.addr, .prefix = 32, .sndid = 1, .rcvid = 2};
    assert_int_equal(set(udp, AO_OPT_ADD_KEY, &a, sizeof a), -ENOPROTOOPT);
    assert_int_equal(set(fd, AO_OPT_REPAIR, &a, sizeof a), -EPERM);
    assert_int_equal(set(fd, AO_OPT_GET_KEYS, &a, sizeof a), -ENOPROTOOPT);
    assert_int_equal(get(fd, AO_OPT_INFO, &i, sizeof i), -ENOENT);
    assert_int_equal(get(fd, AO_OPT_GET_KEYS, g, sizeof g[0]), -ENOENT);
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &a, sizeof a), 0);
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &a, sizeof a), -EEXIST);
    b.flags = AO_SET_CURRENT;
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &b, sizeof b), 0);
    assert_int_equal(get(fd, AO_OPT_INFO, &i, sizeof i), 0);
    assert_true(i.flags == AO_SET_CURRENT && i.current_key == 3);
    i.flags = AO_SET_RNEXT | AO_REQUIRED;
    i.rnext = 2;
    assert_int_equal(set(fd, AO_OPT_INFO, &i, sizeof i), 0);
    assert_int_equal(get(fd, AO_OPT_INFO, &i, sizeof i), 0);
    assert_int_equal(i.flags, AO_SET_CURRENT | AO_SET_RNEXT | AO_REQUIRED);
    assert_int_equal(get(fd, AO_OPT_GET_KEYS, g, sizeof g[0]), 0);
    assert_true(g[0].nkeys == 2 && g[0].sndid == 1 && g[0].flags == AO_GET_RNEXT);
    assert_true(g[1].sndid == 3 && g[1].flags == AO_GET_CURRENT && g[1].keylen == 6);
    g[0] = (struct ao_get){.nkeys = 1, .flags = AO_GET_ALL};
    g[1].sndid = 77; /* there is room for one, and two are counted */
    assert_int_equal(get(fd, AO_OPT_GET_KEYS, g, sizeof g[0]), 0);
    assert_true(g[0].nkeys == 2 && g[1].sndid == 77);
    assert_int_equal(set(fd, AO_OPT_DEL_KEY, &d, sizeof d), -EBUSY); /* RNext_key */
    d.flags = AO_SET_RNEXT;
    d.rnext = 4;
    assert_int_equal(set(fd, AO_OPT_DEL_KEY, &d, sizeof d), 0);
    assert_int_equal(set(fd, AO_OPT_DEL_KEY, &d, sizeof d), -ENOENT);
    assert_int_equal(put(fd, TCP_MD5SIG, "10.0.0.9", AF_INET, 0, 0, "key"), 0);
    struct ao_add c = key(9, 5, 6);
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &c, sizeof c), -EKEYREJECTED);
}

static bool peer_open(void *ctx)
{
    struct tern_sock *l = ctx, s;
    return tern_tcp_accept(rig.peer, *l, &s) == TERN_OK;
}

/* A connection is opened with the current key, and only with a peer that has one. */
static void test_ao_connect(void **state)
{
    (void)state;
    struct tern_sock l = rig_peer_listen(7000);
    struct tern_ao_key p = {.peer = rig_ep(1, 0).addr,
                            .prefix = 32,
                            .send_id = 4,
                            .recv_id = 3,
                            .key_len = 6,
                            .key = "secret"};
    assert_int_equal(tern_tcp_ao_add(rig.peer, l, &p), TERN_OK);
    int fd = make(SOCK_STREAM | SOCK_NONBLOCK);
    struct ao_add a = key(2, 1, 2), b = key(2, 3, 4);
    struct sockaddr_in to = rig_sin(2, 7000), other = rig_sin(9, 7000);
    b.flags = AO_SET_CURRENT | AO_SET_RNEXT;
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &a, sizeof a), 0);
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &b, sizeof b), 0);
    assert_int_equal(rig_call(SYS_connect, (uint64_t)fd, rig_at(&other), sizeof other, 0, 0, 0),
                     -EKEYREJECTED);
    assert_int_equal(rig_call(SYS_connect, (uint64_t)fd, rig_at(&to), sizeof to, 0, 0, 0),
                     -EINPROGRESS);
    assert_true(rig_until(peer_open, &l));
    struct ao_info i;
    assert_int_equal(get(fd, AO_OPT_INFO, &i, sizeof i), 0);
    assert_true(i.current_key == 3 && i.rnext == 4 && i.pkt_good > 0);
    struct ao_del d = {.addr = b.addr, .prefix = 32, .sndid = 3, .rcvid = 4};
    assert_int_equal(set(fd, AO_OPT_DEL_KEY, &d, sizeof d), -EBUSY);
    d.sndid = 1;
    d.rcvid = 2;
    assert_int_equal(set(fd, AO_OPT_DEL_KEY, &d, sizeof d), 0);
    assert_int_equal(set(fd, AO_OPT_DEL_KEY, &d, sizeof d), -ENOENT);
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &a, sizeof a), 0); /* once more, while it is open */
}

/* It is too late on a connection without AO. */
static void test_ao_too_late(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(7001);
    struct ao_add a = key(2, 1, 2);
    assert_int_equal(set(c.fd, AO_OPT_ADD_KEY, &a, sizeof a), -EISCONN);
}

/* A listener's keys: current ones are not its affair. */
static void test_ao_listener(void **state)
{
    (void)state;
    int fd = make(SOCK_STREAM);
    struct sockaddr_in at = rig_sin(1, 7002);
    struct ao_add a = key(2, 1, 2), b = key(2, 3, 4);
    struct ao_info i = {.flags = AO_REQUIRED};
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &a, sizeof a), 0);
    assert_int_equal(rig_call(SYS_bind, (uint64_t)fd, rig_at(&at), sizeof at, 0, 0, 0), 0);
    assert_int_equal(rig_call(SYS_listen, (uint64_t)fd, 5, 0, 0, 0, 0), 0);
    b.flags = AO_SET_CURRENT;
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &b, sizeof b), -EINVAL);
    b.flags = 0;
    assert_int_equal(set(fd, AO_OPT_ADD_KEY, &b, sizeof b), 0);
    assert_int_equal(set(fd, AO_OPT_INFO, &i, sizeof i), 0);
    assert_int_equal(get(fd, AO_OPT_INFO, &i, sizeof i), 0);
    assert_int_equal(i.flags, AO_REQUIRED);
    struct ao_get g[3] = {{.nkeys = 3, .flags = AO_GET_ALL}};
    assert_int_equal(get(fd, AO_OPT_GET_KEYS, g, sizeof g[0]), 0);
    assert_int_equal(g[0].nkeys, 2);
    struct ao_del d = {.addr = b.addr, .prefix = 32, .sndid = 3, .rcvid = 4, .flags = AO_DEL_ASYNC};
    assert_int_equal(set(fd, AO_OPT_DEL_KEY, &d, sizeof d), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(test_md5sig),      T(test_md5sig_ext),
                                       T(test_ao_kept),     T(test_ao_connect),
                                       T(test_ao_too_late), T(test_ao_listener)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
