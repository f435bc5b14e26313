/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <tern/config.h>

static void names(void **state)
{
    (void)state;
    assert_string_equal(tern_cc_name(TERN_CC_RENO), "reno");
    assert_string_equal(tern_cc_name(TERN_CC_CUBIC), "cubic");
    assert_string_equal(tern_cc_name(TERN_CC_BBR), "bbr");
    assert_string_equal(tern_cc_name(TERN_CC_NONE), "none");
    assert_null(tern_cc_name(TERN_CC_COUNT));
    for (unsigned i = 0; i < TERN_CC_COUNT; i++)
        assert_int_equal(tern_cc_find(tern_cc_name(i)), i);
    assert_int_equal(tern_cc_find("cubi"), -1);
    assert_int_equal(tern_cc_find("cubics"), -1);
    assert_int_equal(tern_cc_find(""), -1);
    assert_int_equal(tern_cc_find(NULL), -1);
}

static void the_default_is_cubic(void **state)
{
    (void)state;
    struct tern_config cfg;
    tern_config_init(&cfg);
    assert_int_equal(cfg.cc, TERN_CC_CUBIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names),
                                       cmocka_unit_test(the_default_is_cubic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
