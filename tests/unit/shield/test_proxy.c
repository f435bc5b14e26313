/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shield/proxy.h"

/* "The PROXY protocol", versions 1 & 2, section 2.2: the fixed part. */
static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static void four(void **state)
{
    (void)state;
    const struct tern_endpoint src = {.addr = {.fam = TERN_AF_IP4, .b = {10, 1, 2, 3}},
                                      .port = 0x1234};
    const struct tern_endpoint dst = {.addr = {.fam = TERN_AF_IP4, .b = {10, 4, 5, 6}}, .port = 80};
    static const uint8_t rest[] = {0x21, 0x11, 0, 12, 10, 1, 2, 3, 10, 4, 5, 6, 0x12, 0x34, 0, 80};
    uint8_t out[PROXY_V2_MAX];
    assert_int_equal(proxy_v2(out, &src, &dst), 28);
    assert_memory_equal(out, signature, 12);
    assert_memory_equal(out + 12, rest, sizeof rest);
}

static void six(void **state)
{
    (void)state;
    struct tern_endpoint src = {.addr = {.fam = TERN_AF_IP6}, .port = 1};
    struct tern_endpoint dst = {.addr = {.fam = TERN_AF_IP6}, .port = 2};
    memset(src.addr.b, 0xa1, 16);
    memset(dst.addr.b, 0xb2, 16);
    uint8_t out[PROXY_V2_MAX], want[36];
    memset(want, 0xa1, 16);
    memset(want + 16, 0xb2, 16);
    memcpy(want + 32, "\0\1\0\2", 4);
    assert_int_equal(proxy_v2(out, &src, &dst), 52);
    assert_memory_equal(out, signature, 12);
    assert_memory_equal(out + 12, "\x21\x21\x00\x24", 4);
    assert_memory_equal(out + 16, want, sizeof want);
}

static void families_must_agree(void **state)
{
    (void)state;
    const struct tern_endpoint a = {.addr = {.fam = TERN_AF_IP4}};
    const struct tern_endpoint b = {.addr = {.fam = TERN_AF_IP6}};
    const struct tern_endpoint none = {.port = 1};
    uint8_t out[PROXY_V2_MAX];
    assert_int_equal(proxy_v2(out, &a, &b), 0);
    assert_int_equal(proxy_v2(out, &none, &none), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four),
        cmocka_unit_test(six),
        cmocka_unit_test(families_must_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
