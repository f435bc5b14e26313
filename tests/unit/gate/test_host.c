/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include "gate/inner.h"

static struct gate g; /* only its settings are read */

static int set_up(void **state)
{
    (void)state;
    memset(&g, 0, sizeof g);
    g.cfg.self = SELF;
    return 0;
}

static uint32_t dest_addr(struct tern_addr addr, uint16_t port)
{
    const struct tern_endpoint ep = {.addr = addr, .port = port};
    struct sockaddr_in sa = host_dest(&g, &ep);
    assert_int_equal(sa.sin_family, AF_INET);
    assert_int_equal(ntohs(sa.sin_port), port);
    return ntohl(sa.sin_addr.s_addr);
}

static void the_gateway_is_the_hosts_loopback(void **state)
{
    (void)state;
    assert_int_equal(dest_addr(SELF, 80), 0x7f000001);
    assert_int_equal(dest_addr(IP(192, 0, 2, 7), 80), 0xc0000207);
    assert_int_equal(dest_addr(IP(192, 0, 2, 7), 53), 0xc0000207);
}

static void names_go_to_the_resolver(void **state)
{
    (void)state;
    g.cfg.dns = IP(192, 0, 2, 53);
    assert_int_equal(dest_addr(IP(8, 8, 8, 8), 53), 0xc0000235);
    assert_int_equal(dest_addr(SELF, 53), 0xc0000235);
    assert_int_equal(dest_addr(IP(8, 8, 8, 8), 80), 0x08080808);
    assert_int_equal(dest_addr(SELF, 80), 0x7f000001);
    g.cfg.dns = SELF; /* on the host's loopback, wherever there */
    assert_int_equal(dest_addr(IP(8, 8, 8, 8), 53) >> 24, 127);
}

static void resolv_conf_is_read(void **state)
{
    (void)state;
    char path[] = "/tmp/tern-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    struct in_addr a;
    assert_true(put_file(path, "# nameserver 1.1.1.1\nsearch x\nnameserver fe80::1\n"
                               "  nameserver\t127.0.0.53 \nnameserver 9.9.9.9\n"));
    assert_true(host_resolver(path, &a));
    assert_int_equal(ntohl(a.s_addr), 0x7f000035);
    assert_int_equal(unlink(path), 0);
    assert_false(host_resolver(path, &a));
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    (void)close(fd);
    assert_false(host_resolver(path, &a));
    assert_int_equal(unlink(path), 0);
}

static void errors_have_their_answer(void **state)
{
    (void)state;
    const struct {
        int err;
        enum tern_answer answer;
        int code;
    } t[] = {
        {ECONNREFUSED, TERN_ANSWER_REFUSE, 3},       {ENETUNREACH, TERN_ANSWER_NET_UNREACH, 0},
        {EHOSTUNREACH, TERN_ANSWER_HOST_UNREACH, 1}, {EACCES, TERN_ANSWER_PROHIBITED, 13},
        {EPERM, TERN_ANSWER_PROHIBITED, 13},         {ETIMEDOUT, TERN_ANSWER_SILENCE, -1},
        {EMFILE, TERN_ANSWER_SILENCE, -1},           {EADDRNOTAVAIL, TERN_ANSWER_SILENCE, -1},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        assert_int_equal(host_answer(t[i].err), t[i].answer);
        assert_int_equal(host_unreach_code(t[i].err), t[i].code);
    }
    assert_int_equal(host_answer(0), TERN_ANSWER_ACCEPT);
    assert_int_equal(host_unreach_code(EMSGSIZE), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_gateway_is_the_hosts_loopback, set_up),
        cmocka_unit_test_setup(names_go_to_the_resolver, set_up),
        cmocka_unit_test_setup(resolv_conf_is_read, set_up),
        cmocka_unit_test_setup(errors_have_their_answer, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
