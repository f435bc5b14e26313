/* SPDX-License-Identifier: BSD-2-Clause */
/* What the laboratory says was used, of things whose size is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab/used.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <tern/loop.h>
#include <unistd.h>

#define MANY (8u << 20)
#define TICK 10000000 /* ns: what /proc/stat counts in */

static void a_cpu_is_idle_no_longer_than_time_goes_on(void **state)
{
    (void)state;
    int64_t at = tern_clock_now().ns, idle = used_idle_ns(0);
    assert_true(idle > 0); /* since the machine began */
    (void)usleep(50000);
    int64_t more = used_idle_ns(0) - idle;
    assert_in_range(more, 0, tern_clock_now().ns - at + 2 * TICK);
    assert_int_equal(used_idle_ns(99999), 0);
}

/* A child's memory is its parent's; that of others is not. */
static void memory_of_a_process_and_its_children(void **state)
{
    int up[2], down[2];
    char c = 0;
    (void)state;
    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    int64_t before = used_resident(getpid());
    pid_t pid = fork();
    if (pid == 0) {
        char *p = mmap(NULL, MANY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, MANY);
        _exit(write(up[1], &c, 1) == 1 && read(down[0], &c, 1) == 1 ? 0 : 1);
    }
    assert_int_equal(read(up[0], &c, 1), 1);
    int64_t both = used_resident(getpid()), child = used_resident(pid);
    assert_int_equal(write(down[1], &c, 1), 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(before > 0 && child >= MANY && both >= before / 2 + MANY);
    assert_true(both >= child);
    assert_int_equal(used_resident(pid), 0); /* it is gone */
}

static void the_kernels_objects_and_a_device(void **state)
{
    (void)state;
    assert_true(used_slab() > 1 << 20);
    assert_int_equal(used_received("nosuchdev0"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cpu_is_idle_no_longer_than_time_goes_on),
        cmocka_unit_test(memory_of_a_process_and_its_children),
        cmocka_unit_test(the_kernels_objects_and_a_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
