/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "see/filter.h"
#include <tern/port.h>

static char why[TERN_WHY];
static struct filter f;

#define PARSE(...)                                                                                 \
    filter_parse(&f, FILTER_DEFAULT, (char *[]){__VA_ARGS__},                                      \
                 (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), why)

static bool match(enum tern_tcp_state s, uint16_t sport, uint8_t last, uint16_t dport)
{
    struct tern_endpoint l = {.addr = {.fam = TERN_AF_IP4, .b = {10, 0, 2, 15}}, .port = sport};
    struct tern_endpoint r = {.addr = {.fam = TERN_AF_IP4, .b = {93, 184, 216, last}},
                              .port = dport};
    return filter_match(&f, s, &l, &r);
}

static void the_states_of_ss(void **state)
{
    (void)state;
    static const struct {
        char *word;
        uint32_t want;
    } words[] = {
        {"established", 0x10}, {"syn-sent", 4},         {"syn-recv", 8},    {"fin-wait-1", 0x20},
        {"fin-wait-2", 0x40},  {"close-wait", 0x80},    {"closing", 0x100}, {"last-ack", 0x200},
        {"time-wait", 0x400},  {"closed", 1},           {"listening", 2},   {"all", 0x7ff},
        {"connected", 0x7fc},  {"synchronized", 0x7f8}, {"bucket", 0x408},  {"big", 0x3f7}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_int_equal(PARSE("state", words[i].word), 0);
        assert_int_equal(f.states, words[i].want);
    }
    assert_int_equal(PARSE("state", "syn-recv", "state", "time-wait"), 0);
    assert_int_equal(f.states, 0x408);
    assert_int_equal(PARSE("exclude", "time-wait", "exclude", "listening"), 0);
    assert_int_equal(f.states, 0x7ff & ~0x402);
    assert_int_equal(PARSE("state", "all", "exclude", "big"), 0);
    assert_int_equal(f.states, 0x408);
    assert_int_equal(filter_parse(&f, 5, NULL, 0, why), 0);
    assert_int_equal(f.states, 5);
}

static void ports(void **state)
{
    (void)state;
    assert_int_equal(PARSE("dport", "=", ":443"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 40000, 34, 443));
    assert_false(match(TERN_TCP_ESTABLISHED, 443, 34, 80));
    assert_false(match(TERN_TCP_LISTEN, 40000, 34, 443));
    assert_int_equal(PARSE("( dport = :443 or dport = :80 ) and sport > :1023"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 40000, 34, 80));
    assert_false(match(TERN_TCP_ESTABLISHED, 1023, 34, 80));
    assert_false(match(TERN_TCP_ESTABLISHED, 40000, 34, 81));
    assert_int_equal(PARSE("sport=:22"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 22, 34, 1));
    assert_int_equal(PARSE("not", "dport", "eq", "443"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 1, 34, 442));
    assert_false(match(TERN_TCP_ESTABLISHED, 1, 34, 443));
    static char *const ops[] = {"!=", "<", "<=", ">", ">="};
    static const bool below[] = {true, true, true, false, false},
                      same[] = {false, false, true, false, true},
                      above[] = {true, false, false, true, true};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(PARSE("dport", ops[i], ":100"), 0);
        assert_int_equal(match(TERN_TCP_ESTABLISHED, 1, 1, 99), below[i]);
        assert_int_equal(match(TERN_TCP_ESTABLISHED, 1, 1, 100), same[i]);
        assert_int_equal(match(TERN_TCP_ESTABLISHED, 1, 1, 101), above[i]);
    }
}

static void hosts(void **state)
{
    (void)state;
    assert_int_equal(PARSE("dst", "93.184.216.34"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 1, 34, 1));
    assert_false(match(TERN_TCP_ESTABLISHED, 1, 35, 1));
    assert_int_equal(PARSE("dst", "93.184.216.32/27:80"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 1, 63, 80));
    assert_false(match(TERN_TCP_ESTABLISHED, 1, 64, 80));
    assert_false(match(TERN_TCP_ESTABLISHED, 1, 63, 81));
    assert_int_equal(PARSE("src", "=", ":80"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 80, 1, 1));
    assert_int_equal(PARSE("dst", "0.0.0.0/0"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 80, 1, 1));
    assert_int_equal(PARSE("src", "10.0.0.0/8", "dst", "*:443"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 80, 1, 443));
}

/* `and` binds more tightly than `or`. */
static void precedence(void **state)
{
    (void)state;
    assert_int_equal(PARSE("dport = :1 or dport = :2 and sport = :9"), 0);
    assert_true(match(TERN_TCP_ESTABLISHED, 5, 1, 1));
    assert_false(match(TERN_TCP_ESTABLISHED, 5, 1, 2));
    assert_true(match(TERN_TCP_ESTABLISHED, 9, 1, 2));
}

static void mistakes(void **state)
{
    (void)state;
    static char *const bad[] = {
        "state",          "state open",   "dport",         "dport = ", "dport = :x",
        "dport = :65536", "( dport = :1", "dport = :1 )",  "dst",      "dst 1.2.3",
        "dst 1.2.3.4/33", "foo = 1",      "dport = :1 or", "not",      "dport = :1 state all"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why[0] = '\0';
        if (PARSE(bad[i]) == 0)
            fail_msg("'%s' was taken", bad[i]);
        assert_true(why[0] != '\0');
    }
    char deep[200];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(PARSE(deep), -1);
    assert_non_null(strstr(why, "deep"));
    char longest[4000] = "dport = :1";
    for (unsigned i = 0; i < 80; i++)
        memcpy(longest + strlen(longest), " or dport = :1", 15);
    assert_int_equal(PARSE(longest), -1);
    assert_non_null(strstr(why, "too long"));
}

static void names_are_no_filters(void **state)
{
    (void)state;
    assert_true(filter_keyword("state"));
    assert_true(filter_keyword("sport=:80"));
    assert_true(filter_keyword("(dport"));
    assert_true(filter_keyword("( dport = :1 )"));
    assert_false(filter_keyword("curl"));
    assert_false(filter_keyword("state-server"));
    assert_false(filter_keyword("dst.1234"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_states_of_ss),
        cmocka_unit_test(ports),
        cmocka_unit_test(hosts),
        cmocka_unit_test(precedence),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(names_are_no_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
