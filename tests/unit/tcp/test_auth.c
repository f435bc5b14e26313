/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static const struct tern_addr any4 = {.fam = TERN_AF_IP4};

static int ao(struct rig *r, struct tern_sock s, unsigned send, unsigned recv)
{
    struct tern_ao_key k = {.peer = any4, .send_id = (uint8_t)send, .recv_id = (uint8_t)recv};
    return tcp_ao_add(r->t, s, &k);
}

static void test_keys_are_checked(void **state)
{
    struct rig *r = *state;
    struct tern_addr peer = {.fam = TERN_AF_IP4, .b = {10, 0, 0, 2}}, other = peer;
    struct tcp *t = r->t;
    rig_listen(r, 4);
    assert_int_equal(tcp_md5_key(t, r->lis, &peer, 33, "k", 1), TERN_EINVAL);
    assert_int_equal(tcp_md5_key(t, r->lis, &peer, 32, "k", 81), TERN_EINVAL);
    assert_int_equal(tcp_md5_key(t, r->lis, &peer, 32, "", 0), TERN_EINVAL); /* none to take */
    assert_int_equal(tcp_md5_key(t, r->lis, &peer, 32, "k", 1), TERN_OK);
    assert_int_equal(tcp_md5_key(t, r->lis, &peer, 32, "l", 1), TERN_OK); /* in its place */
    assert_int_equal(t->keys.used, 1);
    assert_int_equal(ao(r, r->lis, 1, 1), TERN_EINVAL); /* the same peer */
    assert_int_equal(tcp_md5_key(t, r->lis, &peer, 32, NULL, 0), TERN_OK);
    assert_int_equal(t->keys.used, 0);
    assert_int_equal(ao(r, r->lis, 1, 1), TERN_OK);
    assert_int_equal(ao(r, r->lis, 1, 2), TERN_EINVAL); /* SendID twice [RFC5925:3.1] */
    assert_int_equal(ao(r, r->lis, 2, 1), TERN_EINVAL);
    assert_int_equal(tcp_ao_del(t, r->lis, &any4, 0, 9, 9), TERN_EINVAL);
    assert_int_equal(tcp_ao_set(t, r->lis, 1, 1), TERN_EINVAL); /* connections only */
    other.fam = 0;
    assert_int_equal(tcp_md5_key(t, r->lis, &other, 0, "k", 1), TERN_EAFNOSUPPORT);
    assert_int_equal(tcp_close(t, r->lis, r->now), TERN_OK);
    assert_int_equal(tcp_md5_key(t, r->lis, &peer, 32, "k", 1), TERN_EBADF);
}

static void test_longest_prefix(void **state)
{
    struct rig *r = *state;
    static const uint8_t near[16] = {10, 0, 0, 2}, far[16] = {10, 9, 0, 2}, off[16] = {11};
    struct tern_addr net = {.fam = TERN_AF_IP4, .b = {10}};
    rig_listen(r, 4);
    assert_int_equal(tcp_md5_key(r->t, r->lis, &net, 8, "wide", 4), TERN_OK);
    assert_int_equal(tcp_md5_key(r->t, r->lis, &net, 13, "narrow", 6), TERN_OK);
    struct tcp_auth *a = auth_of_listener(r->t, listener_get(r->t, r->lis));
    assert_int_equal(auth_md5_key(r->t, a, near, TERN_AF_IP4)->len, 6);
    assert_int_equal(auth_md5_key(r->t, a, far, TERN_AF_IP4)->len, 4);
    assert_null(auth_md5_key(r->t, a, off, TERN_AF_IP4));
    assert_int_equal(auth_kind(r->t, a, off, TERN_AF_IP4), TCP_SIGN_NONE);
    assert_int_equal(auth_kind(r->t, a, near, TERN_AF_IP6), TCP_SIGN_NONE);
}

/* The octets of a key are nowhere once it has gone, and what waited for a connection can be
 * dropped. */
static void test_wiped(void **state)
{
    struct rig *r = *state;
    struct tern_sock next = {0};
    rig_listen(r, 4);
    assert_int_equal(tcp_md5_key(r->t, r->lis, &any4, 0, "a secret key", 12), TERN_OK);
    assert_int_equal(tcp_md5_key(r->t, next, &any4, 0, "a secret key", 12), TERN_OK);
    assert_int_equal(r->t->keys.used, 2);
    assert_int_equal(tcp_close(r->t, r->lis, r->now), TERN_OK);
    tcp_keys_forget(r->t);
    assert_int_equal(r->t->keys.used + r->t->auths.used, 0);
    const uint8_t *p = r->t->keys.base;
    for (size_t i = 0; i + 8 <= 2 * sizeof(struct tcp_key); i++)
        assert_memory_not_equal(p + i, "secret k", 8);
}

static void test_limit(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    r->cfg.max_keys = 1;
    rig_start(r);
    rig_listen(r, 4);
    assert_int_equal(ao(r, r->lis, 1, 1), TERN_OK);
    assert_int_equal(ao(r, r->lis, 2, 2), TERN_ENOBUFS);
    assert_int_equal(r->t->keys.used, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_keys_are_checked),
        RIG_TEST(test_longest_prefix),
        RIG_TEST(test_wiped),
        RIG_TEST(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
