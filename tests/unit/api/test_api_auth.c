/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys by the public calls: whose they are, what a connection shows of them. The rules themselves
 * are tests/unit/tcp/test_auth.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/api/two.h"

static const struct tern_sock next = {0};

static struct tern_ao_key ao(uint8_t host, uint8_t send_id, uint8_t recv_id)
{
    return (struct tern_ao_key){.peer = ip(10, 0, 2, host),
                                .prefix = 32,
                                .send_id = send_id,
                                .recv_id = recv_id,
                                .key_len = 6,
                                .key = "secret"};
}

static struct tern_sock listener(void)
{
    struct tern_sock s = {0};
    struct tern_endpoint e = ep(ip(10, 0, 2, 2), 179);
    assert_int_equal(tern_tcp_listen(gate, &e, 8, 0, &s), TERN_OK);
    return s;
}

static struct tern_sock call(void)
{
    struct tern_sock s = {0};
    struct tern_endpoint e = ep(ip(10, 0, 2, 2), 179);
    assert_int_equal(tern_tcp_connect(guest, NULL, &e, &s, ms(two_now)), TERN_OK);
    two_run();
    return s;
}

static struct tern_auth_info about(struct tern_stack *st, struct tern_sock s)
{
    struct tern_auth_info in;
    assert_int_equal(tern_tcp_auth_info(st, s, &in), TERN_OK);
    return in;
}

static bool open(struct tern_sock s)
{
    return (two_events(guest, s, NULL) & TERN_EV_CONNECTED) != 0;
}

static void test_md5(void **state)
{
    (void)state;
    struct tern_addr to = ip(10, 0, 2, 2), from = ip(10, 0, 2, 0);
    struct tern_sock l = listener(), s, a;
    assert_int_equal(tern_tcp_md5_key(gate, l, &from, 24, "k", 1), TERN_OK);
    assert_int_equal(tern_tcp_md5_key(guest, next, &to, 32, "k", 1), TERN_OK);
    s = call();
    assert_true(open(s));
    assert_int_equal(tern_tcp_accept(gate, l, &a), TERN_OK);
    assert_int_equal(about(guest, s).kind, 1);
    assert_int_equal(about(gate, a).kind, 1); /* taken over from the listener */
    assert_int_equal(about(gate, l).kind, 0);
    assert_true(about(guest, s).good > 0 && about(guest, s).bad == 0);
    assert_int_equal(tern_tcp_md5_key(gate, l, &from, 24, NULL, 0), TERN_OK);
    assert_int_equal(tern_tcp_md5_key(gate, l, &from, 24, NULL, 0), TERN_EINVAL);
    assert_int_equal(tern_tcp_md5_key(gate, l, &from, 33, "k", 1), TERN_EINVAL);
    assert_int_equal(tern_tcp_md5_key(gate, s, &from, 24, "k", 1), TERN_EBADF);
}

/* What waits for the next connection can be dropped again: then its SYN is not signed. */
static void test_forget(void **state)
{
    (void)state;
    struct tern_addr to = ip(10, 0, 2, 2);
    struct tern_sock l = listener(), s;
    assert_int_equal(tern_tcp_md5_key(guest, next, &to, 32, "k", 1), TERN_OK);
    tern_tcp_keys_forget(guest);
    tern_tcp_keys_forget(guest);
    s = call();
    assert_true(open(s));
    assert_int_equal(about(guest, s).kind, 0);
    (void)l;
}

static void test_ao(void **state)
{
    (void)state;
    struct tern_sock l = listener(), s, a;
    struct tern_ao_key k = ao(2, 1, 2), p = ao(15, 2, 1), k2 = ao(2, 3, 4), p2 = ao(15, 4, 3), got;
    assert_int_equal(tern_tcp_ao_add(gate, l, &p), TERN_OK);
    assert_int_equal(tern_tcp_ao_add(gate, l, &p2), TERN_OK);
    assert_int_equal(tern_tcp_ao_add(guest, next, &k), TERN_OK);
    assert_int_equal(tern_tcp_ao_add(guest, next, &k), TERN_EINVAL);
    s = call();
    assert_true(open(s));
    assert_int_equal(tern_tcp_accept(gate, l, &a), TERN_OK);
    assert_int_equal(about(guest, s).kind, 2);
    assert_int_equal(about(guest, s).current, 1);
    assert_int_equal(about(gate, a).rnext, 1);
    assert_int_equal(tern_tcp_ao_add(guest, s, &k2), TERN_OK);
    /* the calls that show: no octet of a key */
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(tern_tcp_ao_get(guest, s, i, &got), 1);
        assert_int_equal(got.send_id, i == 0 ? 1 : 3);
        assert_int_equal(got.key_len, 6);
        assert_true(got.current == (i == 0) && got.rnext == (i == 0));
        assert_true((got.good > 0) == (i == 0) && got.bad == 0);
        for (unsigned n = 0; n < sizeof got.key; n++)
            assert_int_equal(got.key[n], 0);
    }
    assert_int_equal(tern_tcp_ao_get(guest, s, 2, &got), 0);
    /* the other key from now on, both ways: each end follows what the other asks for */
    assert_int_equal(tern_tcp_ao_set(gate, a, -1, 3), TERN_OK);
    assert_int_equal(tern_tcp_ao_set(guest, s, 3, 4), TERN_OK);
    assert_int_equal(tern_tcp_ao_set(guest, s, 9, -1), TERN_EINVAL);
    assert_int_equal(tern_tcp_send(guest, s, "x", 1, 0, ms(two_now)), 1);
    two_run();
    two_pass(100);
    assert_int_equal(about(gate, a).current, 4);
    assert_int_equal(tern_tcp_ao_get(guest, s, 1, &got), 1);
    assert_true(got.good > 0);
    /* in use; then not */
    assert_int_equal(tern_tcp_ao_del(guest, s, &k2.peer, 32, 3, 4), TERN_EINVAL);
    assert_int_equal(tern_tcp_ao_del(guest, s, &k.peer, 32, 1, 2), TERN_OK);
    assert_int_equal(tern_tcp_ao_del(guest, s, &k.peer, 32, 1, 2), TERN_EINVAL);
    assert_int_equal(tern_tcp_ao_get(guest, s, 1, &got), 0);
}

/* A wrong key is counted where it was tried, and nobody answers. */
static void test_wrong_key(void **state)
{
    (void)state;
    struct tern_sock l = listener(), s;
    struct tern_ao_key k = ao(2, 1, 2), p = ao(15, 2, 1), got;
    p.key[0] = 'X';
    assert_int_equal(tern_tcp_ao_add(gate, l, &p), TERN_OK);
    assert_int_equal(tern_tcp_ao_add(guest, next, &k), TERN_OK);
    s = call();
    assert_false(open(s));
    assert_int_equal(about(gate, l).bad, 1);
    assert_int_equal(tern_tcp_ao_get(gate, l, 0, &got), 1);
    assert_true(got.good == 0 && got.bad == 1);
}

static void test_require(void **state)
{
    (void)state;
    struct tern_sock l = listener(), s;
    assert_int_equal(tern_tcp_ao_require(gate, l, true), TERN_OK);
    assert_true(about(gate, l).required);
    s = call();
    assert_false(open(s));
    assert_int_equal(tern_tcp_ao_require(gate, l, false), TERN_OK);
    two_pass(1500); /* the SYN comes again */
    assert_true(open(s));
    assert_int_equal(tern_tcp_ao_set(guest, s, 1, -1), TERN_EINVAL); /* it has no keys */
    struct tern_ao_key k = ao(2, 1, 2);
    assert_int_equal(tern_tcp_ao_add(guest, s, &k), TERN_EISCONN);
}

#define T(name) cmocka_unit_test_setup_teardown(name, two_setup, two_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_md5), T(test_forget), T(test_ao), T(test_wrong_key), T(test_require),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
