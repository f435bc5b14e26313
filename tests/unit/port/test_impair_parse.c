/* SPDX-License-Identifier: BSD-2-Clause */
#include "frames.h"

static void rates(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double want;
    } good[] = {{"0", 0}, {"1", 1}, {"0.01", 0.01}, {"1%", 0.01}, {"100%", 1}, {".5", 0.5}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct tern_impair_config cfg = {0};
        char why[TERN_WHY] = "";
        assert_int_equal(tern_impair_parse_lose(&cfg, good[i].text, why), 0);
        assert_true(cfg.lose > good[i].want - 1e-12 && cfg.lose < good[i].want + 1e-12);
        assert_int_equal(tern_impair_idle(&cfg), good[i].want <= 0);
    }
}

static void names_add_up(void **state)
{
    (void)state;
    const char *text[] = {"syn",      "syn-ack", "3rd-ack", "fin",
                          "last-ack", "rst",     "data:3",  "data:1"};
    const enum tern_lose_named what[] = {TERN_LOSE_SYN,    TERN_LOSE_SYN_ACK,  TERN_LOSE_3RD_ACK,
                                         TERN_LOSE_FIN,    TERN_LOSE_LAST_ACK, TERN_LOSE_RST,
                                         TERN_LOSE_DATA_N, TERN_LOSE_DATA_N};
    struct tern_impair_config cfg = {0};
    char why[TERN_WHY] = "";
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(tern_impair_parse_lose(&cfg, text[i], why), 0);
        assert_int_equal(cfg.nnamed, i + 1);
        assert_int_equal(cfg.named[i].what, what[i]);
    }
    assert_int_equal(cfg.named[6].n, 3);
    assert_false(tern_impair_idle(&cfg));
    assert_int_equal(tern_impair_parse_lose(&cfg, "syn", why), -1);
    assert_non_null(strstr(why, "more than 8"));
}

static void nonsense_is_named(void **state)
{
    (void)state;
    const char *bad[] = {"",        "3rd", "2",     "-1",      "101%",   "1%%",
                         "nan",     "inf", "data:", "data:0",  "data:x", "data:-1",
                         "data:3x", "SYN", "0.1 ",  "data: 3", "1e9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tern_impair_config cfg = {0};
        char why[TERN_WHY] = "";
        assert_int_equal(tern_impair_parse_lose(&cfg, bad[i], why), -1);
        assert_non_null(strstr(why, bad[i]));
        assert_true(tern_impair_idle(&cfg));
    }
    struct tern_impair_config cfg = {0};
    char why[TERN_WHY] = "";
    assert_int_equal(tern_impair_parse_lose(&cfg, "3rd", why), -1);
    assert_string_equal(why,
                        "'3rd': not a rate (0..1 or N%) nor one of syn, syn-ack, 3rd-ack, fin, "
                        "last-ack, rst, data:N");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates),
        cmocka_unit_test(names_add_up),
        cmocka_unit_test(nonsense_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
