/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#define ERESTARTSYS 512 /* the kernel's own number */

static int server(void)
{
    struct sockaddr_in at = rig_sin(1, 8080);
    int fd = (int)rig_call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
    assert_true(fd >= 0);
    assert_int_equal(rig_call(SYS_bind, (uint64_t)fd, rig_at(&at), sizeof at, 0, 0, 0), 0);
    assert_int_equal(rig_call(SYS_listen, (uint64_t)fd, 4, 0, 0, 0, 0), 0);
    return fd;
}

/* A blocking accept() of the program; the number of its call. */
static uint64_t wait_at(int fd)
{
    assert_true(rig_call(SYS_accept, (uint64_t)fd, 0, 0, 0, 0, 0) == RIG_HELD);
    return rig.ask.id;
}

static void caller(void)
{
    struct tern_endpoint to = rig_ep(1, 8080);
    struct tern_sock s;
    assert_int_equal(tern_tcp_connect(rig.peer, NULL, &to, &s, tern_loop_now(rig.loop)), 0);
}

static void test_first_come_first_served(void **state)
{
    (void)state;
    int fd = server();
    uint64_t a = wait_at(fd), b = wait_at(fd);
    assert_int_equal(rig.run->nholds, 2);
    caller();
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer_id, a);
    (void)close((int)rig.answer);
    assert_int_equal(rig.run->nholds, 1);
    rig.answer = RIG_HELD;
    caller();
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer_id, b);
    (void)close((int)rig.answer);
    assert_int_equal(sk_by_fd(rig.run, fd)->held, 0);
    (void)close(fd);
}

/* SO_RCVTIMEO, by the loop's own timer. */
static void test_deadline(void **state)
{
    (void)state;
    int fd = server();
    struct timeval tv = {.tv_usec = 1000};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
    uint64_t id = wait_at(fd);
    assert_true(rig.run->tick.armed);
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer, -EAGAIN);
    assert_int_equal(rig.answer_id, id);
    assert_int_equal(rig.run->nholds, 0);
    (void)close(fd);
}

/* The killed thread's call is forgotten, not answered. */
static void test_killed(void **state)
{
    (void)state;
    int fd = server();
    (void)wait_at(fd);
    unsigned before = rig.answers;
    rig.killed = true;
    hold_tick(rig.run);
    assert_int_equal(rig.answers, before);
    assert_int_equal(rig.run->nholds, 0);
    assert_int_equal(sk_by_fd(rig.run, fd)->held, 0);
    (void)close(fd);
}

static void test_closed_meanwhile(void **state)
{
    (void)state;
    int fd = server();
    (void)wait_at(fd);
    (void)close(fd);
    hold_tick(rig.run);
    assert_int_equal(rig.answer, -EBADF);
    assert_int_equal(rig.run->nholds, 0);
}

/* The number is another socket's by now. */
static void test_replaced_meanwhile(void **state)
{
    (void)state;
    int fd = server(), other = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)wait_at(fd);
    assert_int_equal(dup2(other, fd), fd);
    hold_tick(rig.run);
    assert_int_equal(rig.answer, -EBADF);
    (void)close(fd);
    (void)close(other);
}

static void test_socket_freed_meanwhile(void **state)
{
    (void)state;
    int fd = server();
    (void)wait_at(fd);
    sk_free(sk_by_fd(rig.run, fd));
    hold_tick(rig.run);
    assert_int_equal(rig.answer, -EBADF);
    assert_int_equal(rig.run->nholds, 0);
    (void)close(fd);
}

static _Noreturn void child_waits(void)
{
    for (;;)
        (void)pause();
}

/* The program's thread is a child's that does nothing, and is stopped once its call waits, so that
 * a signal stays with it. */
static pid_t thread_begin(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        child_waits();
    return child;
}

static void thread_stop(pid_t child)
{
    int status = 0;
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
}

static void thread_end(pid_t child)
{
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

/* A signal for the waiting thread ends the wait; without one it goes on. */
static void test_signal_interrupts(void **state)
{
    (void)state;
    int fd = server();
    pid_t child = thread_begin();
    rig.tid = child;
    (void)wait_at(fd);
    thread_stop(child);
    hold_tick(rig.run);
    assert_true(rig.answer == RIG_HELD);
    assert_int_equal(kill(child, SIGUSR1), 0);
    hold_tick(rig.run);
    assert_int_equal(rig.answer, -ERESTARTSYS);
    assert_int_equal(rig.run->nholds, 0);
    thread_end(child);
    (void)close(fd);
}

/* However many wait before it, a signalled thread is asked after within a few ticks. */
static void test_signal_in_a_crowd(void **state)
{
    (void)state;
    int fd = server();
    pid_t child = thread_begin();
    for (unsigned i = 0; i < 150; i++)
        (void)wait_at(fd);
    rig.tid = child;
    uint64_t id = wait_at(fd);
    rig.tid = 0;
    thread_stop(child);
    assert_int_equal(kill(child, SIGUSR1), 0);
    for (unsigned i = 0; i < 3; i++)
        hold_tick(rig.run);
    assert_int_equal(rig.answer, -ERESTARTSYS);
    assert_int_equal(rig.answer_id, id);
    assert_int_equal(rig.run->nholds, 150);
    thread_end(child);
    (void)close(fd);
}

/* A deadline is kept however many wait. */
static void test_deadline_in_a_crowd(void **state)
{
    (void)state;
    int fd = server();
    struct timeval tv = {.tv_usec = 1000};
    for (unsigned i = 0; i < 150; i++)
        (void)wait_at(fd);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
    uint64_t id = wait_at(fd);
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer, -EAGAIN);
    assert_int_equal(rig.answer_id, id);
    (void)close(fd);
}

/* A blocking connect() that is late goes on by itself: the socket is as a non-blocking one's. */
static void test_late_connect_is_detached(void **state)
{
    (void)state;
    struct sockaddr_in to = rig_sin(9, 80); /* nobody: no answer */
    struct timeval tv = {.tv_usec = 1000};
    int fd = (int)rig_call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
    struct sk *sk = sk_by_fd(rig.run, fd);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv), 0);
    assert_true(rig_call(SYS_connect, (uint64_t)fd, rig_at(&to), sizeof to, 0, 0, 0) == RIG_HELD);
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer, -EINPROGRESS);
    assert_int_equal(sk->state, SK_CONNECTING);
    assert_true(sk->end >= 0);
    (void)close(fd);
}

static void test_all_forgotten(void **state)
{
    (void)state;
    int fd = server();
    (void)wait_at(fd);
    (void)wait_at(fd);
    hold_free(rig.run);
    assert_int_equal(rig.run->nholds, 0);
    assert_null(rig.run->holds);
    assert_false(rig.run->tick.armed);
    (void)close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_first_come_first_served),
        T(test_deadline),
        T(test_killed),
        T(test_closed_meanwhile),
        T(test_replaced_meanwhile),
        T(test_socket_freed_meanwhile),
        T(test_signal_interrupts),
        T(test_signal_in_a_crowd),
        T(test_deadline_in_a_crowd),
        T(test_late_connect_is_detached),
        T(test_all_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
