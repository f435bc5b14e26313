/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "see/text.h"

static void endpoints(void **state)
{
    (void)state;
    char buf[TEXT_ENDPOINT];
    struct tern_endpoint e = {.addr = {.fam = TERN_AF_IP4, .b = {10, 0, 2, 15}}, .port = 80};
    assert_string_equal(text_endpoint(buf, &e, true), "10.0.2.15:80");
    e.port = 0;
    assert_string_equal(text_endpoint(buf, &e, true), "10.0.2.15:*");
    assert_string_equal(text_endpoint(buf, &e, false), "10.0.2.15:0");
    struct tern_endpoint six = {.addr = {.fam = TERN_AF_IP6, .b = {[15] = 1}}, .port = 443};
    assert_string_equal(text_endpoint(buf, &six, true), "[::1]:443");
    struct tern_endpoint none = {.port = 8000};
    assert_string_equal(text_endpoint(buf, &none, true), "*:8000");
}

static void counts_and_octets(void **state)
{
    (void)state;
    char buf[32];
    assert_string_equal(text_count(buf, 0), "0");
    assert_string_equal(text_count(buf, 999), "999");
    assert_string_equal(text_count(buf, 1000), "1,000");
    assert_string_equal(text_count(buf, 1234567), "1,234,567");
    assert_string_equal(text_count(buf, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(text_octets(buf, 999), "999 B");
    assert_string_equal(text_octets(buf, 1000), "1.0 kB");
    assert_string_equal(text_octets(buf, 9949), "9.9 kB");
    assert_string_equal(text_octets(buf, 9951), "10 kB");
    assert_string_equal(text_octets(buf, 999499), "999 kB");
    assert_string_equal(text_octets(buf, 999500), "1.0 MB");
    assert_string_equal(text_octets(buf, UINT64_MAX), "18 EB");
}

static void spans(void **state)
{
    (void)state;
    char buf[32];
    assert_string_equal(text_span(buf, 0), "0 us");
    assert_string_equal(text_span(buf, 1200), "1.2 us");
    assert_string_equal(text_span(buf, 50100000), "50.1 ms");
    assert_string_equal(text_span(buf, 60000000000), "60 s");
    assert_string_equal(text_span(buf, -2000000), "-2 ms");
}

static void the_first_locale_that_is_set_decides(void **state)
{
    (void)state;
    (void)unsetenv("LC_ALL");
    (void)unsetenv("LC_CTYPE");
    (void)unsetenv("LANG");
    assert_false(text_utf8());
    (void)setenv("LANG", "de_DE.UTF-8", 1);
    assert_true(text_utf8());
    (void)setenv("LC_ALL", "C", 1);
    assert_false(text_utf8());
    (void)setenv("LC_ALL", "C.utf8", 1);
    assert_true(text_utf8());
}

static void a_file_has_no_colour(void **state)
{
    (void)state;
    FILE *f = tmpfile();
    assert_non_null(f);
    (void)setenv("TERM", "xterm", 1);
    (void)unsetenv("NO_COLOR");
    assert_false(text_colour(f));
    assert_int_equal(fclose(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints),
        cmocka_unit_test(counts_and_octets),
        cmocka_unit_test(spans),
        cmocka_unit_test(the_first_locale_that_is_set_decides),
        cmocka_unit_test(a_file_has_no_colour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
