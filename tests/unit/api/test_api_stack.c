/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/api/two.h"

static void test_interfaces(void **state)
{
    (void)state;
    struct tern_iface_config ic = {.link = TERN_LINK_ETHER, .mtu = 100};
    assert_int_equal(tern_iface_add(guest, &ic), TERN_EINVAL);
    ic.mtu = 1500;
    for (int i = 1; i < 4; i++) { /* max_ifaces is 4 */
        ic.addr[0].addr = ip(10, 1, (unsigned)i, 1);
        ic.addr[0].prefix = 24;
        assert_int_equal(tern_iface_add(guest, &ic), i);
    }
    assert_int_equal(tern_iface_add(guest, &ic), TERN_ENOBUFS);
    assert_int_equal(tern_frame_cap(guest, 3), 1514);
    expect_assert_failure(tern_frame_cap(guest, 4));
}

/* Calls find the socket's kind by its handle; foreign handles are refused by all. */
static void test_dispatch(void **state)
{
    (void)state;
    struct tern_endpoint e = {.port = 53}, got;
    struct tern_sock u, l, none = {0}, wild = {UINT64_MAX};
    int64_t v;
    assert_int_equal(tern_udp_open(guest, &e, 0, &u), TERN_OK);
    assert_int_equal(tern_tcp_listen(guest, &e, 1, 0, &l), TERN_OK); /* the same number: apart */
    assert_int_equal(tern_sockname(guest, u, &got), TERN_OK);
    assert_int_equal(got.port, 53);
    assert_int_equal(tern_sockname(guest, l, &got), TERN_OK);
    assert_int_equal(got.port, 53);
    assert_int_equal(tern_setopt(guest, u, TERN_OPT_TTL, 9, ms(0)), TERN_OK);
    assert_int_equal(tern_getopt(guest, u, TERN_OPT_TTL, &v), TERN_OK);
    assert_int_equal(v, 9);
    assert_int_equal(tern_setopt(guest, u, TERN_OPT_NODELAY, 1, ms(0)), TERN_ENOPROTOOPT);
    struct tern_sock bad[] = {none, wild};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(tern_close(guest, bad[i], ms(0)), TERN_EBADF);
        assert_int_equal(tern_setuser(guest, bad[i], 1), TERN_EBADF);
        assert_int_equal(tern_sockname(guest, bad[i], &got), TERN_EBADF);
        assert_int_equal(tern_peername(guest, bad[i], &got), TERN_EBADF);
        assert_int_equal(tern_getopt(guest, bad[i], TERN_OPT_TTL, &v), TERN_EBADF);
        assert_int_equal(tern_setopt(guest, bad[i], TERN_OPT_TTL, 1, ms(0)), TERN_EBADF);
    }
    assert_int_equal(tern_close(guest, u, ms(0)), TERN_OK);
    assert_int_equal(tern_close(guest, u, ms(0)), TERN_EBADF);
    assert_int_equal(tern_close(guest, l, ms(0)), TERN_OK);
}

/* Every pool take fails once, and then for ever, around one exchange of datagrams: calls answer
 * with an error or the datagram is lost, nothing leaks, and afterwards all works. */
static void test_faults(void **state)
{
    (void)state;
    struct tern_usage zero = {0}, use;
    for (int persist = 0; persist < 2; persist++) {
        uint64_t n = 1;
        for (bool hit = true; hit; n++) {
            assert_true(n < 100);
            tern_stack_fail_take(guest, n, persist);
            tern_stack_fail_take(gate, n, persist);
            struct tern_endpoint any = {0}, at = {.port = 7}, to = ep(ip(10, 0, 2, 2), 7);
            struct tern_sock a, b;
            int ra = tern_udp_open(guest, &any, 0, &a), rb = tern_udp_open(gate, &at, 0, &b);
            assert_true(ra == TERN_OK || ra == TERN_ENOBUFS);
            int sent = ra ? ra : tern_udp_sendto(guest, a, NULL, &to, "x", 1, ms(two_now));
            assert_true(sent == TERN_OK || sent == TERN_EAGAIN || sent == ra);
            two_run();
            char c;
            if (rb == TERN_OK)
                tern_udp_recvfrom(gate, b, &c, 1, NULL, NULL);
            if (ra == TERN_OK)
                tern_close(guest, a, ms(two_now));
            if (rb == TERN_OK)
                tern_close(gate, b, ms(two_now));
            hit = n <= tern_stack_fail_take(guest, 0, false);
            hit = n <= tern_stack_fail_take(gate, 0, false) || hit;
            two_pass(two_now + 5000); /* unanswered questions end */
            tern_stack_usage(guest, &use);
            assert_memory_equal(&use, &zero, sizeof use);
            tern_stack_usage(gate, &use);
            assert_memory_equal(&use, &zero, sizeof use);
        }
        assert_true(n > 3);
    }
    struct tern_endpoint at = {.port = 7}, to = ep(ip(10, 0, 2, 2), 7);
    struct tern_sock a, b;
    assert_int_equal(tern_udp_open(guest, &at, 0, &a), TERN_OK);
    assert_int_equal(tern_udp_open(gate, &at, 0, &b), TERN_OK);
    assert_int_equal(tern_udp_sendto(guest, a, NULL, &to, "x", 1, ms(two_now)), TERN_OK);
    two_run();
    char c;
    assert_int_equal(tern_udp_recvfrom(gate, b, &c, 1, NULL, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_interfaces, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_dispatch, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_faults, two_setup, two_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
