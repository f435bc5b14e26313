/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be said about a TAP device without having one; tests/system opens real ones. */
#include "frames.h"

static void bad_names_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {"", "averyveryverylongname", "a/b", "a b", "tap%d", ".", "..", "a:1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tern_port *p = NULL;
        char why[TERN_WHY] = "";
        assert_int_equal(tern_tap_open(bad[i], false, &p, why), -1);
        assert_non_null(strstr(why, "want 1..15 characters"));
        assert_non_null(strstr(why, bad[i]));
        assert_null(p);
    }
}

static void the_loopback_is_no_tap(void **state)
{
    (void)state;
    struct tern_port *p = NULL;
    char why[TERN_WHY] = "";
    assert_int_equal(tern_tap_open("lo", false, &p, why), -1);
    /* whichever of the reasons this machine has, it is named */
    assert_true(strstr(why, "lo: ") == why || strstr(why, "/dev/net/tun: ") == why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(the_loopback_is_no_tap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
