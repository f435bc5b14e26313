/* SPDX-License-Identifier: BSD-2-Clause */
#include "run/sup.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct run *run;

static int setup(void **state)
{
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    run = calloc(1, sizeof *run);
    if (!run || fstat(fd, &st) < 0)
        return -1;
    run->sock_dev = st.st_dev;
    return close(fd);
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RUN_PIDFDS; i++) {
        if (run->pidfds[i].tid)
            (void)close(run->pidfds[i].fd);
    }
    free(run);
    return 0;
}

/* A child that owns one more socket than we do and sleeps; its number there is told through a pipe.
 */
static pid_t child_with_socket(int *number)
{
    int p[2];
    assert_int_equal(pipe(p), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = fcntl(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), F_DUPFD_CLOEXEC, 100);
        (void)!write(p[1], &fd, sizeof fd);
        (void)pause();
        _exit(0);
    }
    assert_int_equal(read(p[0], number, sizeof *number), sizeof *number);
    (void)close(p[0]);
    (void)close(p[1]);
    return pid;
}

static void child_end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_descriptors_of_another(void **state)
{
    int number;
    (void)state;
    pid_t pid = child_with_socket(&number);
    int fd = proc_getfd(run, pid, number);
    assert_true(fd >= 0);
    uint64_t ino = sk_inode(run, fd);
    assert_true(ino != 0);
    (void)close(fd);
    assert_int_equal(proc_getfd(run, pid, 700), -EBADF);
    assert_true(proc_cloexec(pid, number));
    assert_false(proc_cloexec(pid, 0));
    fd = proc_find(run, pid, 0, ino); /* the hint is wrong: it looks */
    assert_true(fd >= 0);
    assert_int_equal(sk_inode(run, fd), ino);
    (void)close(fd);
    fd = proc_find(run, getpid(), 0, ino); /* in our child */
    assert_true(fd >= 0);
    (void)close(fd);
    assert_true(proc_find(run, pid, 0, ino + 1000000) < 0);
    child_end(pid);
    assert_true(proc_getfd(run, pid, number) < 0);
    assert_true(proc_find(run, pid, number, ino) < 0);
}

static void test_signals_that_wait(void **state)
{
    sigset_t set, old;
    (void)state;
    assert_false(proc_signalled(getpid()));
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, &old);
    (void)raise(SIGUSR1);
    assert_false(proc_signalled(getpid())); /* blocked */
    (void)signal(SIGUSR1, SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    assert_false(proc_signalled(getpid()));
    (void)signal(SIGUSR1, SIG_DFL);
    int number;
    pid_t pid = child_with_socket(&number);
    child_end(pid);
    assert_true(proc_signalled(pid)); /* gone */
}

static void test_names(void **state)
{
    char name[32] = "";
    int pid = 0;
    (void)state;
    assert_true(proc_name(getpid(), name, sizeof name, &pid));
    assert_int_equal(pid, getpid());
    assert_memory_equal(name, "test-run-proc", 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_of_another),
        cmocka_unit_test(test_signals_that_wait),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
