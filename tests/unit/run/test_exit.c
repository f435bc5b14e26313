/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <sys/epoll.h>
#include <sys/wait.h>

static bool exited(void *ctx)
{
    (void)ctx;
    return rig.exits > 0;
}

static void test_status_of_the_program(void **state)
{
    (void)state;
    struct run *r = rig.run;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(7);
    r->pid = child;
    r->pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    assert_true(r->pidfd >= 0);
    assert_int_equal(tern_loop_watch(rig.loop, r->pidfd, EPOLLIN, exit_child, r), 0);
    assert_true(rig_until(exited, NULL));
    assert_int_equal(rig.exits, 1);
    assert_true(WIFEXITED(rig.status));
    assert_int_equal(WEXITSTATUS(rig.status), 7);
    assert_int_equal(r->pid, 0);
    assert_int_equal(r->pidfd, -1);
}

/* The other sockets' ends hang up by themselves. */
static void test_last_frees_what_has_no_end(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    int fd = (int)rig_call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
    uint64_t open = c.sk->id, idle = sk_by_fd(rig.run, fd)->id;
    exit_last(rig.run);
    assert_true(rig.run->gone);
    assert_null(sk_by_id(rig.run, idle));
    assert_ptr_equal(sk_by_id(rig.run, open), c.sk);
    assert_true(rig.run->idle.armed);
    (void)close(fd);
    (void)close(c.fd);
}

static bool idle_now(void *ctx)
{
    (void)ctx;
    return rig.idles > 0;
}

static void test_idle_at_once_without_connections(void **state)
{
    (void)state;
    exit_last(rig.run);
    assert_true(rig_until(idle_now, NULL));
    assert_int_equal(rig.idles, 1);
}

/* Not before the program itself was waited for. */
static void test_not_before_the_program(void **state)
{
    (void)state;
    exit_last(rig.run);
    rig.run->pid = getpid();
    exit_idle(rig.run);
    assert_int_equal(rig.idles, 0);
    assert_true(rig.run->idle.armed);
    rig.run->pid = 0;
    exit_idle(rig.run);
    assert_int_equal(rig.idles, 1);
}

/* The peer's FIN is waited for. */
static void test_waits_for_the_peer(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    char octet;
    assert_int_equal(send(c.fd, "x", 1, 0), 1);
    (void)close(c.fd);
    assert_int_equal(rig_peer_read(c.peer, &octet, 1), 1);
    assert_int_equal(rig_peer_end(c.peer), 0);
    exit_last(rig.run);
    exit_idle(rig.run);
    assert_int_equal(rig.idles, 0);
    assert_int_equal(tern_close(rig.peer, c.peer, tern_loop_now(rig.loop)), 0);
    assert_true(rig_until(idle_now, NULL)); /* TIME-WAIT does not count */
}

/* ... but not for ever: when nothing has moved for longer than its patience. */
static void test_gives_up(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    (void)close(c.fd);
    assert_int_equal(rig_peer_end(c.peer), 0);
    rig_turn();
    exit_last(rig.run);
    rig.run->idle_progress.ns -= (int64_t)1900 * 1000000;
    exit_idle(rig.run);
    assert_int_equal(rig.idles, 0);
    rig.run->idle_progress.ns -= (int64_t)200 * 1000000;
    exit_idle(rig.run);
    assert_int_equal(rig.idles, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_status_of_the_program),
        T(test_last_frees_what_has_no_end),
        T(test_idle_at_once_without_connections),
        T(test_not_before_the_program),
        T(test_waits_for_the_peer),
        T(test_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
