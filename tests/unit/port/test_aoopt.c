/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "port/aoopt.h"

static void put_addr(struct sockaddr_storage *to, uint32_t host_order, int family, int port)
{
    struct sockaddr_in in = {.sin_family = (sa_family_t)family, .sin_port = htons((uint16_t)port)};
    in.sin_addr.s_addr = htonl(host_order);
    memcpy(to, &in, sizeof in);
}

static struct ao_add good_add(void)
{
    struct ao_add a = {.alg_name = "hmac(sha1)",
                       .prefix = 24,
                       .sndid = 1,
                       .rcvid = 2,
                       .maclen = 12,
                       .keylen = 3,
                       .key = "abc"};
    put_addr(&a.addr, 0x0a000200, AF_INET, 0);
    return a;
}

static void test_add(void **state)
{
    (void)state;
    struct ao_add a = good_add();
    struct tern_ao_key k;
    uint32_t flags = 99;
    a.flags = AO_SET_CURRENT;
    a.keyflags = AO_KEYF_EXCLUDE_OPT;
    assert_int_equal(aoopt_add(&a, sizeof a, &k, &flags), 0);
    assert_true(k.send_id == 1 && k.recv_id == 2 && k.prefix == 24 && k.skip_options);
    assert_true(k.key_len == 3 && memcmp(k.key, "abc", 3) == 0 && k.alg == TERN_AO_HMAC_SHA1);
    assert_memory_equal(k.peer.b, ((uint8_t[]){10, 0, 2, 0}), 4);
    assert_int_equal(flags, AO_SET_CURRENT);
    memcpy(a.alg_name, "cmac(aes128)", 13);
    a.maclen = 0; /* the usual one */
    assert_int_equal(aoopt_add(&a, sizeof a, &k, &flags), 0);
    assert_int_equal(k.alg, TERN_AO_AES_128_CMAC);
}

/* A longer struct, of a newer kernel's header, is taken if what is new there is 0. */
static void test_longer(void **state)
{
    (void)state;
    uint8_t buf[sizeof(struct ao_add) + 8] = {0};
    struct ao_add a = good_add();
    struct tern_ao_key k;
    uint32_t flags;
    memcpy(buf, &a, sizeof a);
    assert_int_equal(aoopt_add(buf, sizeof buf, &k, &flags), 0);
    buf[sizeof buf - 1] = 1;
    assert_int_equal(aoopt_add(buf, sizeof buf, &k, &flags), E2BIG);
    assert_int_equal(aoopt_add(buf, sizeof a - 1, &k, &flags), EINVAL);
}

static void test_bad_adds(void **state)
{
    (void)state;
    struct tern_ao_key k;
    uint32_t flags;
    for (unsigned i = 0;; i++) {
        struct ao_add a = good_add();
        int want = EINVAL;
        switch (i) {
        case 0:
            put_addr(&a.addr, 0x0a000200, AF_INET6, 0);
            break;
        case 1:
            put_addr(&a.addr, 0x0a000200, AF_INET, 7);
            break;
        case 2:
            put_addr(&a.addr, 0x0a000201, AF_INET, 0);
            break; /* beyond the prefix */
        case 3:
            a.prefix = 33;
            break;
        case 4:
            a.flags = 4;
            break;
        case 5:
            a.reserved2 = 1;
            break;
        case 6:
            a.ifindex = 1;
            break;
        case 7:
            a.keyflags = AO_KEYF_IFINDEX;
            break;
        case 8:
            a.keylen = 0;
            break;
        case 9:
            a.keylen = 81;
            break;
        case 10:
            a.maclen = 16;
            break;
        case 11:
            memcpy(a.alg_name, "hmac(sha256)", 13);
            want = ENOENT;
            break;
        default:
            return;
        }
        if (aoopt_add(&a, sizeof a, &k, &flags) != want)
            fail_msg("row %u", i);
    }
}

static void test_del(void **state)
{
    (void)state;
    struct ao_del d = {.prefix = 32, .sndid = 5, .rcvid = 6, .current_key = 7}, out;
    struct tern_ao_key k;
    put_addr(&d.addr, 0x0a000201, AF_INET, 0);
    d.flags = AO_SET_CURRENT | AO_DEL_ASYNC;
    assert_int_equal(aoopt_del(&d, sizeof d, &k, &out), 0);
    assert_true(k.send_id == 5 && k.recv_id == 6 && k.prefix == 32 && out.current_key == 7);
    d.flags = 8;
    assert_int_equal(aoopt_del(&d, sizeof d, &k, &out), EINVAL);
    d.flags = 0;
    d.reserved2 = 1;
    assert_int_equal(aoopt_del(&d, sizeof d, &k, &out), EINVAL);
}

static void test_info(void **state)
{
    (void)state;
    struct ao_info i = {.flags = AO_SET_RNEXT | AO_REQUIRED, .rnext = 3}, out;
    assert_int_equal(aoopt_info(&i, sizeof i, &out), 0);
    assert_int_equal(out.rnext, 3);
    i.flags = AO_SET_COUNTERS;
    assert_int_equal(aoopt_info(&i, sizeof i, &out), EOPNOTSUPP);
    i.flags = AO_ACCEPT_ICMPS;
    assert_int_equal(aoopt_info(&i, sizeof i, &out), EOPNOTSUPP);
    i.flags = 32;
    assert_int_equal(aoopt_info(&i, sizeof i, &out), EINVAL);
    struct tern_auth_info in = {.required = true,
                                .current = 8,
                                .rnext = -1,
                                .good = 1,
                                .bad = 2,
                                .unknown = 3,
                                .missing = 4};
    aoopt_info_tell(&in, &out);
    assert_int_equal(out.flags, AO_REQUIRED | AO_SET_CURRENT);
    assert_int_equal(out.current_key, 8);
    assert_true(out.pkt_good == 1 && out.pkt_bad == 2 && out.pkt_key_not_found == 3 &&
                out.pkt_ao_required == 4);
}

static void test_get(void **state)
{
    (void)state;
    struct ao_get g = {.flags = AO_GET_ALL}, ask, show;
    struct tern_ao_key k = {.peer = {.fam = TERN_AF_IP4, .b = {10, 0, 2, 1}},
                            .prefix = 32,
                            .send_id = 1,
                            .recv_id = 2,
                            .alg = TERN_AO_AES_128_CMAC,
                            .key_len = 16,
                            .current = true,
                            .good = 9};
    assert_int_equal(aoopt_get(&g, sizeof g, &ask), 0);
    assert_true(aoopt_asked(&ask, &k));
    g.flags = AO_GET_ALL | AO_GET_CURRENT;
    assert_int_equal(aoopt_get(&g, sizeof g, &ask), EINVAL);
    g.flags = AO_GET_RNEXT;
    assert_int_equal(aoopt_get(&g, sizeof g, &ask), 0);
    assert_false(aoopt_asked(&ask, &k));
    k.rnext = true;
    assert_true(aoopt_asked(&ask, &k));
    g = (struct ao_get){.prefix = 32, .sndid = 1, .rcvid = 2}; /* by name */
    assert_int_equal(aoopt_get(&g, sizeof g, &ask), EINVAL);   /* whose? */
    put_addr(&g.addr, 0x0a000201, AF_INET, 0);
    assert_int_equal(aoopt_get(&g, sizeof g, &ask), 0);
    assert_true(aoopt_asked(&ask, &k));
    ask.rcvid = 3;
    assert_false(aoopt_asked(&ask, &k));
    g.pkt_bad = 1;
    assert_int_equal(aoopt_get(&g, sizeof g, &ask), EINVAL);
    memset(k.key, 'x', sizeof k.key);
    aoopt_tell(&k, &show);
    assert_string_equal(show.alg_name, "cmac(aes128)");
    assert_true(show.maclen == 12 && show.keylen == 16 && show.pkt_good == 9);
    assert_int_equal(show.flags, AO_GET_CURRENT | AO_GET_RNEXT);
    for (size_t i = 0; i < sizeof show.key; i++)
        assert_int_equal(show.key[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add), cmocka_unit_test(test_longer), cmocka_unit_test(test_bad_adds),
        cmocka_unit_test(test_del), cmocka_unit_test(test_info),   cmocka_unit_test(test_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
