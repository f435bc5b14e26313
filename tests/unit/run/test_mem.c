/* SPDX-License-Identifier: BSD-2-Clause */
#include "run/sup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void test_round_trip(void **state)
{
    char there[32] = "", here[32] = "";
    (void)state;
    assert_int_equal(mem_write(getpid(), (uintptr_t)there, "some octets", 12), 0);
    assert_string_equal(there, "some octets");
    assert_int_equal(mem_read(getpid(), (uintptr_t)there, here, 12), 0);
    assert_string_equal(here, "some octets");
    assert_int_equal(mem_read(getpid(), 8, here, 0), 0); /* nothing is always there */
}

/* Across the end of a mapping: an error, not half. */
static void test_whole_or_nothing(void **state)
{
    (void)state;
    char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char buf[64];
    assert_ptr_not_equal(m, MAP_FAILED);
    assert_int_equal(munmap(m + 4096, 4096), 0);
    assert_int_equal(mem_read(getpid(), (uintptr_t)m + 4096 - 32, buf, 32), 0);
    assert_int_equal(mem_read(getpid(), (uintptr_t)m + 4096 - 32, buf, 64), EFAULT);
    assert_int_equal(mem_write(getpid(), (uintptr_t)m + 4096 - 32, buf, 64), EFAULT);
    assert_int_equal(mem_read(getpid(), 8, buf, 1), EFAULT);
    assert_int_equal(munmap(m, 4096), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_whole_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
