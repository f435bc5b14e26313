/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be said about a packet link without a device; tests/system has one over a veth. */
#include "frames.h"

#include <unistd.h>

static void bad_names_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {"", "averyveryverylongname"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tern_port *p = NULL;
        char why[TERN_WHY] = "";
        assert_int_equal(tern_packet_open(bad[i], &p, why), -1);
        assert_non_null(strstr(why, "want 1..15 characters"));
        assert_null(p);
    }
}

/* Whoever may not is told what would help; root is told what is wrong with the device. */
static void each_reason_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {{"lo", "lo: not an Ethernet device"},
                 {"nosuchdev0", "nosuchdev0: no such device"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tern_port *p = NULL;
        char why[TERN_WHY] = "";
        assert_int_equal(tern_packet_open(cases[i].name, &p, why), -1);
        assert_true(strstr(why, cases[i].says) == why || strstr(why, "CAP_NET_RAW") != NULL);
        assert_null(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(each_reason_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
