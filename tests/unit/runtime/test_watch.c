/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct watches ws;
static unsigned calls;
static int last_fd;

static int set_up(void **state)
{
    (void)state;
    calls = 0;
    last_fd = -1;
    return watches_init(&ws);
}

static int tear_down(void **state)
{
    (void)state;
    watches_free(&ws);
    return 0;
}

static void count(void *ctx, int fd, uint32_t events)
{
    assert_true(events & (EPOLLIN | EPOLLOUT | EPOLLHUP));
    calls++;
    last_fd = fd;
    *(int *)ctx += 1;
}

static int fetch(struct epoll_event *ev)
{
    return watches_wait(&ws, ev, 8, (struct tern_time){0});
}

static void calls_what_is_ready(void **state)
{
    (void)state;
    int p[2], n = 0;
    struct epoll_event ev[8];
    assert_int_equal(pipe(p), 0);
    assert_int_equal(watches_add(&ws, p[0], EPOLLIN, count, &n), 0);
    assert_int_equal(fetch(ev), 0);
    assert_int_equal(write(p[1], "x", 1), 1);
    assert_int_equal(fetch(ev), 1);
    watches_dispatch(&ws, &ev[0]);
    assert_int_equal(n, 1);
    assert_int_equal(last_fd, p[0]);
    assert_int_equal(watches_change(&ws, p[0], 0), 0);
    assert_int_equal(fetch(ev), 0);
    watches_remove(&ws, p[0]);
    (void)close(p[0]);
    (void)close(p[1]);
}

/* The event was fetched, then its watch went: nobody is called, not even a new watch of that
 * number. */
static void a_stale_event_reaches_nobody(void **state)
{
    (void)state;
    int p[2], n = 0;
    struct epoll_event ev[8];
    assert_int_equal(pipe(p), 0);
    assert_int_equal(watches_add(&ws, p[1], EPOLLOUT, count, &n), 0);
    assert_int_equal(fetch(ev), 1);
    watches_remove(&ws, p[1]);
    watches_dispatch(&ws, &ev[0]);
    assert_int_equal(watches_add(&ws, p[1], EPOLLOUT, count, &n), 0);
    watches_dispatch(&ws, &ev[0]);
    assert_int_equal(n, 0);
    assert_int_equal(fetch(ev), 1);
    watches_dispatch(&ws, &ev[0]);
    assert_int_equal(n, 1);
    (void)close(p[1]); /* closed first: removing does no harm */
    watches_remove(&ws, p[1]);
    watches_remove(&ws, p[1]);
    (void)close(p[0]);
}

static void wrong_uses_are_answered(void **state)
{
    (void)state;
    int p[2], n = 0;
    assert_int_equal(pipe(p), 0);
    assert_int_equal(watches_add(&ws, -1, EPOLLIN, count, &n), -EBADF);
    assert_int_equal(watches_add(&ws, 700, EPOLLIN, count, &n), -EBADF); /* not open */
    assert_int_equal(watches_add(&ws, p[0], EPOLLIN, count, &n), 0);
    assert_int_equal(watches_add(&ws, p[0], EPOLLIN, count, &n), -EEXIST);
    assert_int_equal(watches_change(&ws, p[1], EPOLLIN), -ENOENT);
    int file = open("/proc/self/exe", O_RDONLY);
    assert_int_equal(watches_add(&ws, file, EPOLLIN, count, &n), -EPERM);
    (void)close(file);
    (void)close(p[0]);
    (void)close(p[1]);
}

static void waits_at_least_as_long_as_asked(void **state)
{
    (void)state;
    struct epoll_event ev[8];
    for (int old = 0; old < 2; old++) {
        ws.no_pwait2 = old; /* the way of older kernels, too */
        assert_int_equal(watches_wait(&ws, ev, 8, (struct tern_time){1000000}), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_what_is_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stale_event_reaches_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_uses_are_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_at_least_as_long_as_asked, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
