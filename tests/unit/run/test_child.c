/* SPDX-License-Identifier: BSD-2-Clause */
#include "run/sup.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/tern-test-XXXXXX";
static char path[128];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof path, "%s/prog", dir);
    int fd = open(path, O_CREAT | O_WRONLY, 0755);
    (void)snprintf(path, sizeof path, "%s/plain", dir);
    int plain = open(path, O_CREAT | O_WRONLY, 0644);
    if (fd < 0 || plain < 0)
        return -1;
    (void)close(fd);
    (void)close(plain);
    (void)snprintf(path, sizeof path, "/nonexistent:%s:/bin", dir);
    return setenv("PATH", path, 1);
}

static int teardown(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "%s/prog", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/plain", dir);
    (void)unlink(path);
    return rmdir(dir);
}

static void test_found_in_path(void **state)
{
    char why[TERN_WHY] = "", want[128];
    (void)state;
    char *p = child_find("prog", why);
    (void)snprintf(want, sizeof want, "%s/prog", dir);
    assert_non_null(p);
    assert_string_equal(p, want);
    char *q = child_find(want, why); /* with a slash PATH does not matter */
    assert_string_equal(q, want);
    free(p);
    free(q);
}

static void test_missing(void **state)
{
    char why[TERN_WHY] = "";
    (void)state;
    assert_null(child_find("no-such-program", why));
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(why, "no-such-program: not found in PATH"));
    assert_null(child_find("./no-such-program", why));
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(why, "no such file"));
}

static void test_not_executable(void **state)
{
    char why[TERN_WHY] = "";
    (void)state;
    assert_null(child_find("plain", why));
    assert_int_equal(errno, EACCES);
    assert_non_null(strstr(why, "chmod +x"));
    assert_null(child_find(dir, why)); /* a directory */
    assert_int_equal(errno, EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_in_path),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_not_executable),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
