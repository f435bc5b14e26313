/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/stack/host.h"

static void test_size_is_enough_and_needed(void **state)
{
    (void)state;
    struct tern_config c = host_config();
    size_t size = tern_stack_size(&c);
    uint8_t *mem = aligned_alloc(64, (size + 63 + 128) & ~(size_t)63);
    memset(mem, 0, size);
    memset(mem + size, 0x77, 64);
    assert_null(tern_stack_init(mem, size - 1, &c, ms(0)));
    assert_null(tern_stack_init(mem + 1, size, &c, ms(0)));
    assert_null(tern_stack_init(NULL, size, &c, ms(0)));
    struct tern_stack *st = tern_stack_init(mem, size, &c, ms(0));
    assert_ptr_equal(st, mem);
    /* everything may be used, and nothing beyond it */
    assert_true(st->arena.base + c.buf_bytes <= mem + size);
    assert_true(st->lo_frame + NET_LO_MTU <= st->arena.base);
    assert_true((uint8_t *)(st->arena.page + c.buf_bytes / BUDDY_MIN) <= st->lo_frame);
    assert_true((uint8_t *)(st->trace.ring + c.trace_records) <= (uint8_t *)st->arena.page);
    assert_true((uint8_t *)(answer_at(st, c.max_answers) + 1) <= (uint8_t *)st->trace.ring);
    uint8_t *all = buddy_take(&st->arena, (uint32_t)c.buf_bytes);
    assert_non_null(all);
    memset(all, 1, c.buf_bytes);
    memset(st->lo_frame, 2, NET_LO_MTU);
    for (unsigned i = 0; i < c.max_answers; i++)
        memset(answer_at(st, i + 1), 3, sizeof(struct answer));
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(mem[size + i], 0x77);
    free(mem);
}

static void test_wrong_settings(void **state)
{
    (void)state;
    struct tern_config c = host_config();
    c.max_udp = 0;
    assert_int_equal(tern_stack_size(&c), 0);
    _Alignas(64) static uint8_t mem[64];
    assert_null(tern_stack_init(mem, sizeof mem, &c, ms(0)));
}

/* The same seed makes the same stack; another one, other ports. */
static void test_seed(void **state)
{
    (void)state;
    uint16_t port[3];
    for (int i = 0; i < 3; i++) {
        struct tern_config c = host_config();
        if (i == 2)
            c.seed[31] ^= 1;
        struct tern_stack *st = host_make(&c);
        struct tern_endpoint any = {0}, local;
        struct tern_sock s;
        assert_int_equal(tern_udp_open(st, &any, 0, &s), TERN_OK);
        assert_int_equal(tern_sockname(st, s, &local), TERN_OK);
        port[i] = local.port;
    }
    assert_int_equal(port[0], port[1]);
    assert_int_not_equal(port[0], port[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_is_enough_and_needed),
        cmocka_unit_test(test_wrong_settings),
        cmocka_unit_test_teardown(test_seed, host_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
