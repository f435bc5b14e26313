/* SPDX-License-Identifier: BSD-2-Clause */
#include "run/sup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct run *run;

static int setup(void **state)
{
    (void)state;
    run = calloc(1, sizeof *run);
    if (!run)
        return -1;
    run->sweep_at = 512;
    run->cfg.addr = addr_ip4(0x0a00020f);
    run->cfg.host = addr_ip4(0x0a000202);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(run->slot);
    free(run);
    return 0;
}

static void test_to_and_from(void **state)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(80)};
    (void)state;
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &sin.sin_addr), 1);
    struct tern_endpoint ep = addr_from(&sin);
    assert_int_equal(ep.port, 80);
    assert_int_equal(ep.addr.b[0], 192);
    assert_int_equal(ep.addr.b[3], 7);
    struct sockaddr_in back = addr_to(&ep);
    assert_memory_equal(&back, &sin, sizeof sin);
    struct sockaddr_in none = addr_to(&(struct tern_endpoint){0});
    assert_int_equal(none.sin_addr.s_addr, 0);
}

static struct tern_endpoint ends_at(uint32_t ip, uint16_t port)
{
    return (struct tern_endpoint){addr_ip4(ip), port};
}

static void test_other_hosts_are_as_they_are(void **state)
{
    struct tern_endpoint real, shown = ends_at(0xc0000207, 80);
    bool loop = true;
    (void)state;
    assert_int_equal(addr_out(run, IPPROTO_TCP, &shown, &real, &loop), 0);
    assert_memory_equal(&real, &shown, sizeof real);
    assert_false(loop);
}

static void test_loopback_is_the_hosts(void **state)
{
    static const uint32_t ip[] = {0x7f000001, 0x7f000035, 0};
    (void)state;
    for (size_t i = 0; i < sizeof ip / sizeof *ip; i++) {
        struct tern_endpoint real, shown = ends_at(ip[i], 8000);
        bool loop = false;
        assert_int_equal(addr_out(run, IPPROTO_TCP, &shown, &real, &loop), 0);
        assert_memory_equal(&real.addr, &run->cfg.host, sizeof real.addr);
        assert_int_equal(real.port, 8000);
        assert_true(loop);
    }
}

static void test_loopback_of_a_real_link_is_nowhere(void **state)
{
    struct tern_endpoint real, shown = ends_at(INADDR_LOOPBACK, 8000);
    struct tern_addr host = run->cfg.host;
    bool loop;
    (void)state;
    run->cfg.host = (struct tern_addr){0};
    assert_int_equal(addr_out(run, IPPROTO_TCP, &shown, &real, &loop), ECONNREFUSED);
    run->cfg.host = host;
}

static void test_a_udp_port_of_the_run_comes_first(void **state)
{
    struct tern_endpoint real, shown = ends_at(INADDR_LOOPBACK, 53);
    bool loop;
    (void)state;
    struct sk *sk = sk_new(run, IPPROTO_UDP, 77);
    sk->local.port = 53;
    sk->h.id = 1;
    assert_int_equal(addr_out(run, IPPROTO_UDP, &shown, &real, &loop), 0);
    assert_memory_equal(&real.addr, &run->cfg.addr, sizeof real.addr);
    assert_int_equal(addr_out(run, IPPROTO_TCP, &shown, &real, &loop), 0);
    assert_memory_equal(&real.addr, &run->cfg.host, sizeof real.addr);
    sk->h.id = 0;
    sk_free(sk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_and_from),
        cmocka_unit_test(test_other_hosts_are_as_they_are),
        cmocka_unit_test(test_loopback_is_the_hosts),
        cmocka_unit_test(test_loopback_of_a_real_link_is_nowhere),
        cmocka_unit_test(test_a_udp_port_of_the_run_comes_first),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
