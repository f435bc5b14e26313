/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tern/types.h>

static void test_state_names(void **state)
{
    (void)state;
    assert_string_equal(tern_tcp_state_name(TERN_TCP_CLOSED), "CLOSED");
    assert_string_equal(tern_tcp_state_name(TERN_TCP_SYN_RECEIVED), "SYN-RECEIVED");
    assert_string_equal(tern_tcp_state_name(TERN_TCP_FIN_WAIT_1), "FIN-WAIT-1");
    assert_string_equal(tern_tcp_state_name(TERN_TCP_TIME_WAIT), "TIME-WAIT");
    for (int i = 0; i < TERN_TCP_STATES; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(tern_tcp_state_name((enum tern_tcp_state)i),
                                    tern_tcp_state_name((enum tern_tcp_state)k));
    assert_string_equal(tern_tcp_state_name((enum tern_tcp_state)TERN_TCP_STATES), "unknown state");
}

static void test_errors(void **state)
{
    (void)state;
    for (int i = TERN_OK; i >= TERN_EINPROGRESS; i--) {
        const char *text = tern_strerror(i);
        assert_true(strlen(text) > 5 && text[strlen(text) - 1] != '.');
        assert_string_not_equal(text, "Unknown error");
        for (int k = TERN_OK; k > i; k--)
            assert_string_not_equal(text, tern_strerror(k));
    }
    assert_string_equal(tern_strerror(TERN_ECONNREFUSED), "The connection was refused");
    static const int bad[] = {1, TERN_EINPROGRESS - 1, INT32_MIN, INT32_MAX};
    for (int i = 0; i < 4; i++)
        assert_string_equal(tern_strerror(bad[i]), "Unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_names),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
