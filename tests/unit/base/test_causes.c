/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of causes as its readers see it, and the names of states and errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include <ctype.h>
#include <tern/types.h>

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(tern_cause_count(), CAUSES);
    assert_int_equal(CAUSE_NONE, 0);
    for (unsigned i = 0; i < CAUSES; i++) {
        const char *name = tern_cause_name(i);
        assert_true(*name != '\0');
        for (const char *c = name; *c != '\0'; c++)
            assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-');
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(name, tern_cause_name(k));
    }
    assert_string_equal(tern_cause_name(CAUSE_TX_REXMT_RTO), "rto");
}

static void test_references_and_texts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CAUSES; i++) {
        const char *ref = tern_cause_ref(i), *text = tern_cause_text(i);
        assert_true(strcmp(ref, "tern") == 0 || strncmp(ref, "RFC", 3) == 0);
        assert_true(isupper((unsigned char)text[0]) || isdigit((unsigned char)text[0]));
        assert_true(text[strlen(text) - 1] != '.');
    }
}

static void test_numbers_out_of_range(void **state)
{
    (void)state;
    static const unsigned bad[] = {CAUSES, CAUSES + 1, UINT32_MAX};
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(tern_cause_name(bad[i]), "unknown");
        assert_string_equal(tern_cause_ref(bad[i]), "tern");
        assert_non_null(tern_cause_text(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_references_and_texts),
        cmocka_unit_test(test_numbers_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
