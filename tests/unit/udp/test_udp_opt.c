/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/udp/bench.h"

static const struct tern_addr none;

static void test_options(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    static const struct {
        enum tern_opt opt;
        int64_t set;
        int result;
        int64_t get;
    } rows[] = {
        {TERN_OPT_TTL, 5, TERN_OK, 5},
        {TERN_OPT_TTL, 0, TERN_EINVAL, 5},
        {TERN_OPT_TTL, 256, TERN_EINVAL, 5},
        {TERN_OPT_TOS, 0x10, TERN_OK, 0x10},
        {TERN_OPT_TOS, -1, TERN_EINVAL, 0x10},
        {TERN_OPT_SNDBUF, 10000, TERN_OK, 10000},
        {TERN_OPT_SNDBUF, 1, TERN_OK, UDP_QUEUE_MIN},
        {TERN_OPT_RCVBUF, INT64_MAX, TERN_OK, UDP_QUEUE_MAX},
        {TERN_OPT_RCVBUF, -5, TERN_EINVAL, UDP_QUEUE_MAX},
        {TERN_OPT_BROADCAST, 1, TERN_OK, 1},
        {TERN_OPT_BROADCAST, 2, TERN_EINVAL, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t v = -99;
        assert_int_equal(udp_setopt(&t.u, s, rows[i].opt, rows[i].set), rows[i].result);
        assert_int_equal(udp_getopt(&t.u, s, rows[i].opt, &v), TERN_OK);
        assert_int_equal(v, rows[i].get);
    }
    int64_t v;
    assert_int_equal(udp_setopt(&t.u, s, TERN_OPT_NODELAY, 1), TERN_ENOPROTOOPT);
    assert_int_equal(udp_setopt(&t.u, s, TERN_OPT_ERROR, 1), TERN_ENOPROTOOPT);
    assert_int_equal(udp_getopt(&t.u, s, TERN_OPT_KEEPALIVE, &v), TERN_ENOPROTOOPT);
}

static void test_queues_seen(void **state)
{
    (void)state;
    struct tern_sock s = open_at(none, 53);
    struct tern_endpoint peer = ep(ip(10, 0, 0, 9), 7), me = ep(ip(10, 0, 0, 1), 53);
    int64_t v;
    udp_getopt(&t.u, s, TERN_OPT_RCVQ, &v);
    assert_int_equal(v, 0);
    deliver(peer, me, "hello", 5);
    deliver(peer, me, "x", 1);
    udp_getopt(&t.u, s, TERN_OPT_RCVQ, &v);
    assert_int_equal(v, 5); /* FIONREAD: the next datagram */
}

static void test_walk(void **state)
{
    (void)state;
    struct tern_sock a = open_at(none, 53), b = open_at(none, 54), c = open_at(none, 55);
    udp_find(&t.u, c)->user = 9;
    udp_close(&t.u, b);
    struct tern_info info;
    uint32_t at = 0;
    assert_true(udp_inspect_next(&t.u, &at, &info));
    assert_int_equal(info.kind, TERN_INFO_UDP);
    assert_int_equal(info.sock.id, a.id);
    assert_int_equal(info.local.port, 53);
    assert_true(udp_inspect_next(&t.u, &at, &info));
    assert_int_equal(info.sock.id, c.id);
    assert_int_equal(info.user, 9);
    assert_false(udp_inspect_next(&t.u, &at, &info));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_options, setup),
        cmocka_unit_test_setup(test_queues_seen, setup),
        cmocka_unit_test_setup(test_walk, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
