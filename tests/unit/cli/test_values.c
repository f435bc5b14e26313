/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../cli/values.h"

static char why[TERN_WHY];

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t us;
    } good[] = {
        {"50ms", 50000}, {"200us", 200}, {"1s", 1000000}, {"1.5s", 1500000},     {"0", 0},
        {"0.0", 0},      {".5ms", 500},  {"0ms", 0},      {"3600s", 3600000000},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t us = 1;
        assert_int_equal(value_time_us(good[i].text, &us, why), 0);
        assert_int_equal(us, good[i].us);
    }
    static const char *const bad[] = {"",    "5",  "-1ms", "ms",    "1 ms", "1h",  "inf",
                                      "nan", "1e", "0x1s", "3601s", "1ms ", "1sm", "1mss"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t us = 77;
        why[0] = '\0';
        if (value_time_us(bad[i], &us, why) == 0)
            fail_msg("'%s' was taken as a time", bad[i]);
        assert_int_equal(us, 77);
        assert_non_null(strstr(why, bad[i]));
    }
}

static void rates(void **state)
{
    (void)state;
    uint64_t v = 0;
    assert_int_equal(value_rate_bps("10mbit", &v, why), 0);
    assert_int_equal(v, 10000000);
    assert_int_equal(value_rate_bps("1.5gbit", &v, why), 0);
    assert_int_equal(v, 1500000000);
    assert_int_equal(value_rate_bps("1kbit", &v, why), 0);
    assert_int_equal(v, 1000);
    static const char *const bad[] = {"",      "10",     "0",        "10mb",
                                      "0mbit", "999bit", "1001gbit", "-1mbit"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(value_rate_bps(bad[i], &v, why), -1);
    assert_int_equal(v, 1000);
}

static void probabilities(void **state)
{
    (void)state;
    double p = -1;
    assert_int_equal(value_probability("1%", &p, why), 0);
    assert_true(p > 0.00999 && p < 0.01001);
    assert_int_equal(value_probability("0.5", &p, why), 0);
    assert_true(p == 0.5);
    assert_int_equal(value_probability("100%", &p, why), 0);
    assert_true(p == 1);
    static const char *const bad[] = {"", "1.1", "101%", "-0.1", "%", "1%%", "half", "nan", "1 %"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(value_probability(bad[i], &p, why), -1);
    assert_true(p == 1);
}

static void numbers(void **state)
{
    (void)state;
    uint64_t n = 0;
    assert_int_equal(value_number("576", 576, 65535, &n, why), 0);
    assert_int_equal(n, 576);
    assert_int_equal(value_number("0xff", 0, 255, &n, why), 0);
    assert_int_equal(n, 255);
    assert_int_equal(value_number("18446744073709551615", 0, UINT64_MAX, &n, why), 0);
    assert_true(n == UINT64_MAX);
    static const char *const bad[] = {"",     "575",  "65536", "-1", "+600",
                                      " 600", "600 ", "6e2",   "0x", "18446744073709551616"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (value_number(bad[i], 576, 65535, &n, why) == 0)
            fail_msg("'%s' was taken as a number", bad[i]);
    }
    assert_non_null(strstr(why, "from 576 to 65535"));
}

static void addresses(void **state)
{
    (void)state;
    struct tern_addr a = {0};
    uint8_t prefix = 0;
    assert_int_equal(value_addr("10.0.2.3", &a, why), 0);
    assert_int_equal(a.fam, TERN_AF_IP4);
    assert_memory_equal(a.b, ((uint8_t[]){10, 0, 2, 3}), 4);
    assert_int_equal(value_addr("10.0.2", &a, why), -1);
    assert_int_equal(value_addr("example.org", &a, why), -1);
    assert_int_equal(value_addr("::1", &a, why), -1);
    assert_non_null(strstr(why, "IPv6"));
    assert_int_equal(value_addr_prefix("192.168.7.9/16", &a, &prefix, why), 0);
    assert_int_equal(prefix, 16);
    static const char *const bad[] = {"10.0.2.15",     "10.0.2.15/",    "10.0.2.15/7",
                                      "10.0.2.15/31",  "10.0.2.15/24 ", "10.0.2.0/24",
                                      "10.0.2.255/24", "127.0.0.5/8",   "224.0.0.1/24",
                                      "0.0.0.1/24",    "/24",           "10.0.2.15/-24"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (value_addr_prefix(bad[i], &a, &prefix, why) == 0)
            fail_msg("'%s' was taken as an address", bad[i]);
    }
    assert_int_equal(prefix, 16);
}

static void forwards(void **state)
{
    (void)state;
    struct value_forward fw;
    assert_int_equal(value_forward("8081:80", &fw, why), 0);
    assert_false(fw.udp);
    assert_int_equal(fw.host.port, 8081);
    assert_int_equal(fw.host.addr.fam, TERN_AF_NONE);
    assert_int_equal(fw.port, 80);
    assert_int_equal(value_forward("0.0.0.0:5353:53/udp", &fw, why), 0);
    assert_true(fw.udp);
    assert_int_equal(fw.host.addr.fam, TERN_AF_IP4);
    assert_int_equal(fw.host.port, 5353);
    assert_int_equal(fw.port, 53);
    assert_int_equal(value_forward("1:2/tcp", &fw, why), 0);
    assert_false(fw.udp);
    static const char *const bad[] = {
        "",         "80",   ":80",        "80:",    "0:80",      "80:0",  "65536:80",
        "80:65536", "a:80", "80:80/sctp", "80:80/", "::1:80:80", "1:2:3", "localhost:80:80",
        "80:80:"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (value_forward(bad[i], &fw, why) == 0)
            fail_msg("'%s' was taken as a forward", bad[i]);
    }
}

static void names(void **state)
{
    (void)state;
    char name[33];
    assert_int_equal(value_name("web-1.a_b", why), 0);
    assert_int_equal(value_name("", why), -1);
    assert_int_equal(value_name(".hidden", why), -1);
    assert_int_equal(value_name("-x", why), -1);
    assert_int_equal(value_name("a/b", why), -1);
    assert_int_equal(value_name("123456789012345678901234567890123", why), -1);
    value_name_from_path("/usr/bin/curl", name);
    assert_string_equal(name, "curl");
    value_name_from_path("./my prog+x", name);
    assert_string_equal(name, "my_prog_x");
    value_name_from_path("/", name);
    assert_string_equal(name, "_");
    value_name_from_path("..", name);
    assert_string_equal(name, "_.");
    value_name_from_path("12345678901234567890123456789012345", name);
    assert_int_equal(strlen(name), 32);
}

static void networks(void **state)
{
    (void)state;
    struct tern_addr a = {.fam = TERN_AF_IP4, .b = {10, 0, 2, 15}}, b = a;
    b.b[3] = 200;
    assert_true(value_same_net(&a, &b, 24));
    assert_false(value_same_net(&a, &b, 25));
    assert_false(value_same_net(&a, &b, 32));
    assert_true(value_same_net(&a, &a, 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),   cmocka_unit_test(rates),     cmocka_unit_test(probabilities),
        cmocka_unit_test(numbers), cmocka_unit_test(addresses), cmocka_unit_test(forwards),
        cmocka_unit_test(names),   cmocka_unit_test(networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
