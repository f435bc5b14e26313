/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <arpa/inet.h>
#include <linux/tcp.h>

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

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(test_md5sig), T(test_md5sig_ext)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
