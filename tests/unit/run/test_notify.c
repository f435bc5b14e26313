/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <fcntl.h>
#include <sys/epoll.h>

static int make(void)
{
    int fd = (int)rig_call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
    assert_true(fd >= 0);
    return fd;
}

/* Whatever is not about a socket of ours is the kernel's. */
static void test_not_ours_goes_on(void **state)
{
    (void)state;
    int other = socket(AF_UNIX, SOCK_STREAM, 0), fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_true(rig_call(SYS_listen, (uint64_t)other, 1, 0, 0, 0, 0) == RIG_CONTINUED);
    assert_true(rig_call(SYS_listen, (uint64_t)fds[0], 1, 0, 0, 0, 0) == RIG_CONTINUED);
    assert_true(rig_call(SYS_getpid, 0, 0, 0, 0, 0, 0) == RIG_CONTINUED); /* no handler */
    assert_int_equal(rig_call(SYS_listen, 99999, 1, 0, 0, 0, 0), -EBADF);
    (void)close(other);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* A socket is known by every descriptor, and where it was seen last is remembered. */
static void test_found_and_remembered(void **state)
{
    (void)state;
    int fd = make(), copy = dup(fd), on = 1;
    struct sk *sk = sk_by_fd(rig.run, fd);
    assert_int_equal(sk->fd, fd);
    assert_int_equal(rig_call(SYS_setsockopt, (uint64_t)copy, SOL_SOCKET, SO_REUSEPORT, rig_at(&on),
                              sizeof on, 0),
                     0);
    assert_true(sk->reuseport);
    assert_int_equal(sk->fd, copy);
    assert_int_equal(sk->tid, (int)syscall(SYS_gettid));
    (void)close(fd);
    (void)close(copy);
}

/* The supervisor's own duplicates do not pile up. */
static void test_no_descriptor_is_left_open(void **state)
{
    (void)state;
    int fd = make(), on = 1;
    assert_int_equal(
        rig_call(SYS_setsockopt, (uint64_t)fd, SOL_SOCKET, SO_REUSEPORT, rig_at(&on), sizeof on, 0),
        0);
    int before = dup(0);
    (void)close(before);
    for (int i = 0; i < 10; i++)
        assert_int_equal(rig_call(SYS_setsockopt, (uint64_t)fd, SOL_SOCKET, SO_REUSEPORT,
                                  rig_at(&on), sizeof on, 0),
                         0);
    int after = dup(0);
    (void)close(after);
    assert_int_equal(before, after);
    (void)close(fd);
}

static struct call call_of_this(void)
{
    return (struct call){.run = rig.run, .id = 77, .tid = (int)syscall(SYS_gettid), .fd = -1};
}

static void test_answers(void **state)
{
    (void)state;
    struct call c = call_of_this();
    call_return(&c, 41);
    assert_int_equal(rig.answer, 41);
    assert_int_equal(rig.answer_id, 77);
    call_fail(&c, EPIPE);
    assert_int_equal(rig.answer, -EPIPE);
    call_fail(&c, 0);
    assert_int_equal(rig.answer, 0);
    call_continue(&c);
    assert_true(rig.answer == RIG_CONTINUED);
    assert_true(call_valid(&c));
    rig.killed = true;
    assert_false(call_valid(&c));
}

static void test_giving_a_descriptor(void **state)
{
    (void)state;
    struct call c = call_of_this();
    int src = socket(AF_UNIX, SOCK_STREAM, 0);
    unsigned before = rig.answers;
    int got = call_give(&c, src, true);
    assert_true(got >= 0);
    assert_int_equal(rig.answer, got);
    assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(sk_inode(rig.run, got), sk_inode(rig.run, src));
    assert_int_equal(call_give_at(&c, src, 200, false, false), 200); /* without answering */
    assert_int_equal(rig.answers, before + 1);
    assert_false(fcntl(200, F_GETFD) & FD_CLOEXEC);
    rig.give_error = EMFILE;
    assert_int_equal(call_give(&c, src, false), -EMFILE);
    (void)close(src);
    (void)close(got);
    (void)close(200);
}

static void test_reading_an_address(void **state)
{
    (void)state;
    struct call c = call_of_this();
    struct sockaddr_in in = rig_sin(2, 80), out;
    assert_int_equal(call_read_addr(&c, rig_at(&in), sizeof in, &out), 0);
    assert_memory_equal(&in, &out, sizeof in);
    assert_int_equal(call_read_addr(&c, rig_at(&in), 1, &out), EINVAL);
    assert_int_equal(call_read_addr(&c, rig_at(&in), 8, &out), EINVAL); /* cut short */
    assert_int_equal(call_read_addr(&c, rig_at(&in), 4096, &out), EINVAL);
    assert_int_equal(call_read_addr(&c, rig_at(&in), (uint64_t)-1, &out), EINVAL);
    assert_int_equal(call_read_addr(&c, 8, sizeof in, &out), EFAULT);
    in.sin_family = AF_UNSPEC; /* needs no more than its family */
    assert_int_equal(call_read_addr(&c, rig_at(&in), 2, &out), 0);
    rig.killed = true;
    assert_int_equal(call_read_addr(&c, rig_at(&in), sizeof in, &out), ESRCH);
}

/* The last process of the run is gone. */
static void test_hang_up(void **state)
{
    (void)state;
    assert_false(rig.run->gone);
    notify_ready(rig.run, rig.pipe[0], EPOLLHUP);
    assert_true(rig.run->gone);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_not_ours_goes_on), T(test_found_and_remembered), T(test_no_descriptor_is_left_open),
        T(test_answers),          T(test_giving_a_descriptor),  T(test_reading_an_address),
        T(test_hang_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
