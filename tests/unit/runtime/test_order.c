/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/order.h"
#include <tern/port.h>

struct bench {
    struct tern_loop *loop;
    struct order *order;
    struct sockaddr_un at;
    unsigned taken;
};

static char *take(void *ctx, const char *line, size_t *len)
{
    struct bench *b = ctx;
    char *text = NULL;
    b->taken++;
    tern_loop_stop(b->loop);
    int n = asprintf(&text, "<%s>", line);
    *len = (size_t)n;
    return text;
}

static int setup(void **state)
{
    static struct bench b;
    char why[TERN_WHY];
    memset(&b, 0, sizeof b);
    b.at.sun_family = AF_UNIX;
    (void)snprintf(b.at.sun_path, sizeof b.at.sun_path, "/tmp/tern-order-%d.ctl", (int)getpid());
    b.loop = tern_loop_new(0, why);
    *state = &b;
    return b.loop != NULL ? order_start(b.loop, b.at.sun_path, take, &b, &b.order, why) : -1;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    order_free(b->order);
    tern_loop_free(b->loop);
    assert_int_equal(access(b->at.sun_path, F_OK), -1); /* nothing is left behind */
    return 0;
}

static int reach(struct bench *b)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&b->at, sizeof b->at), 0);
    return fd;
}

static void test_line_and_answer(void **state)
{
    struct bench *b = *state;
    char buf[64] = "";
    int fd = reach(b);
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    assert_int_equal(tern_loop_run(b->loop), 0);
    assert_int_equal(recv(fd, buf, sizeof buf - 1, 0), 7);
    assert_string_equal(buf, "<hello>");
    assert_int_equal(recv(fd, buf, sizeof buf, 0), 0); /* one line, one answer, the end */
    close(fd);
    assert_int_equal(b->taken, 1);
}

/* Whoever connects and says nothing does not keep others out. */
static void test_silent_peers(void **state)
{
    struct bench *b = *state;
    char buf[64];
    int silent[6];
    for (int i = 0; i < 6; i++)
        silent[i] = reach(b);
    int fd = reach(b);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    assert_int_equal(tern_loop_run(b->loop), 0);
    assert_int_equal(recv(fd, buf, sizeof buf, 0), 3);
    for (int i = 0; i < 6; i++)
        close(silent[i]);
    close(fd);
}

static void test_path_in_use(void **state)
{
    struct bench *b = *state;
    struct order *o = NULL;
    char why[TERN_WHY] = "";
    assert_int_equal(order_start(b->loop, "/tmp/no-such-folder-of-tern/x.ctl", take, b, &o, why),
                     -1);
    assert_non_null(strstr(why, "/tmp/no-such-folder-of-tern/x.ctl"));
    assert_null(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_line_and_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_peers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_path_in_use, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
