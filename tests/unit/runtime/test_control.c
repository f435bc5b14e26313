/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/control.h"
#include <tern/port.h>

#define LONG (4u << 20) /* more than a socket holds */

struct bench {
    struct tern_loop *loop;
    struct control *control;
    char folder[40]; /* XDG_RUNTIME_DIR */
    size_t len;      /* of the document; SIZE_MAX = there is none */
    unsigned asked;
    struct tern_loop_timer limit;
    bool late;
};

static char *answer(void *ctx, size_t *len)
{
    struct bench *b = ctx;
    b->asked++;
    if (b->len == SIZE_MAX)
        return NULL;
    char *text = malloc(b->len + 1);
    assert_non_null(text);
    for (size_t i = 0; i < b->len; i++)
        text[i] = (char)('a' + i % 23);
    *len = b->len;
    return text;
}

static char *order(void *ctx, const char *line, size_t *len)
{
    (void)ctx;
    *len = strlen(line);
    return strdup(line);
}

static int start(struct bench *b, order_fn *orders, char *why)
{
    const struct control_config cfg = {
        .loop = b->loop, .name = "x", .answer = answer, .order = orders, .ctx = b};
    return control_start(&cfg, &b->control, why);
}

static int setup(void **state)
{
    static struct bench b;
    char why[TERN_WHY];
    memset(&b, 0, sizeof b);
    memcpy(b.folder, "/tmp/tern-control-XXXXXX", 25);
    b.len = LONG;
    *state = &b;
    b.loop = tern_loop_new(0, why);
    return b.loop && mkdtemp(b.folder) && setenv("XDG_RUNTIME_DIR", b.folder, 1) == 0 ? 0 : -1;
}

/* Nothing is left behind: the folders are empty. */
static int teardown(void **state)
{
    struct bench *b = *state;
    char path[CONTROL_PATH];
    control_free(b->control);
    tern_loop_free(b->loop);
    (void)snprintf(path, sizeof path, "%s/tern", b->folder);
    assert_true(rmdir(path) == 0 || errno == ENOENT);
    assert_int_equal(rmdir(b->folder), 0);
    return 0;
}

static int reach(struct bench *b)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    memcpy(at.sun_path, control_path(b->control), strlen(control_path(b->control)) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

struct reading {
    struct bench *b;
    size_t got;
    bool wrong;
};

/* A little at a time: the writer has to come back often. */
static void read_some(void *ctx, int fd, uint32_t events)
{
    struct reading *r = ctx;
    char buf[50000];
    ssize_t n = read(fd, buf, sizeof buf);
    (void)events;
    if (n < 0 && errno == EAGAIN)
        return;
    for (ssize_t i = 0; i < n; i++, r->got++)
        r->wrong |= buf[i] != (char)('a' + r->got % 23);
    if (n <= 0)
        tern_loop_stop(r->b->loop);
}

static void give_up(void *ctx)
{
    struct bench *b = ctx;
    b->late = true;
    tern_loop_stop(b->loop);
}

/* Reads to the end of the stream; how much it was. */
static size_t read_all(struct bench *b, int fd)
{
    struct reading r = {.b = b};
    b->limit = (struct tern_loop_timer){.cb = give_up, .ctx = b};
    tern_loop_timer_set(b->loop, &b->limit, (struct tern_time){tern_clock_now().ns + 10000000000});
    assert_int_equal(tern_loop_watch(b->loop, fd, EPOLLIN, read_some, &r), 0);
    assert_int_equal(tern_loop_run(b->loop), 0);
    tern_loop_timer_stop(b->loop, &b->limit);
    tern_loop_unwatch(b->loop, fd);
    (void)close(fd);
    assert_false(b->late);
    assert_false(r.wrong);
    return r.got;
}

static void test_whole_document(void **state)
{
    struct bench *b = *state;
    char why[TERN_WHY];
    assert_int_equal(start(b, NULL, why), 0);
    assert_int_equal(read_all(b, reach(b)), LONG);
    b->len = 0;
    assert_int_equal(read_all(b, reach(b)), 0);
    assert_int_equal(b->asked, 2);
    b->len = SIZE_MAX; /* out of memory: the end at once */
    assert_int_equal(read_all(b, reach(b)), 0);
}

/* Whoever asks and does not read cannot keep others from asking: the oldest gives way. */
static void test_readers_that_do_not_read(void **state)
{
    struct bench *b = *state;
    char why[TERN_WHY];
    int idle[8];
    assert_int_equal(start(b, NULL, why), 0);
    for (int i = 0; i < 8; i++)
        idle[i] = reach(b);
    assert_int_equal(read_all(b, reach(b)), LONG);
    assert_true(read_all(b, idle[0]) < LONG);
    for (int i = 1; i < 8; i++)
        assert_int_equal(read_all(b, idle[i]), LONG);
}

/* One that goes away in the middle is forgotten. */
static void test_reader_leaves(void **state)
{
    struct bench *b = *state;
    char why[TERN_WHY];
    assert_int_equal(start(b, NULL, why), 0);
    (void)close(reach(b));
    assert_int_equal(read_all(b, reach(b)), LONG);
}

static void test_names(void **state)
{
    struct bench *b = *state;
    char why[TERN_WHY], want[CONTROL_PATH];
    struct stat sb;
    (void)snprintf(want, sizeof want, "%s/tern/x.%d.sock", b->folder, (int)getpid());
    assert_int_equal(start(b, order, why), 0);
    assert_string_equal(control_path(b->control), want);
    memcpy(want + strlen(want) - 4, "ctl", 4);
    assert_int_equal(access(want, F_OK), 0);
    (void)snprintf(want, sizeof want, "%s/tern", b->folder);
    assert_int_equal(stat(want, &sb), 0);
    assert_int_equal(sb.st_mode & 0777, 0700);
}

/* What an older process of the same number left is no obstacle. */
static void test_stale_socket(void **state)
{
    struct bench *b = *state;
    char why[TERN_WHY], path[CONTROL_PATH];
    (void)snprintf(path, sizeof path, "%s/tern", b->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/tern/x.%d.sock", b->folder, (int)getpid());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fclose(f);
    assert_int_equal(start(b, NULL, why), 0);
    assert_int_equal(read_all(b, reach(b)), LONG);
}

static void test_folder(void **state)
{
    struct bench *b = *state;
    char why[TERN_WHY] = "x", path[CONTROL_PATH], other[CONTROL_PATH];
    assert_int_equal(control_folder(path, false, why), -1); /* nothing runs */
    assert_string_equal(why, "");
    (void)snprintf(path, sizeof path, "%s/tern", b->folder);
    assert_int_equal(mkdir(path, 0755), 0); /* others could look in */
    assert_int_equal(start(b, NULL, why), -1);
    assert_non_null(strstr(why, path));
    assert_null(b->control);
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(other, sizeof other, "%s/other", b->folder);
    assert_int_equal(mkdir(other, 0700), 0); /* somebody's link to somewhere */
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(control_folder(path, false, why), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(other), 0);
}

static void test_folder_too_long(void **state)
{
    struct bench *b = *state;
    char why[TERN_WHY], path[CONTROL_PATH], longer[120];
    (void)snprintf(longer, sizeof longer, "%s/%060d", b->folder, 0);
    assert_int_equal(mkdir(longer, 0700), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", longer, 1), 0);
    assert_int_equal(control_folder(path, true, why), -1);
    assert_non_null(strstr(why, "too long"));
    assert_int_equal(rmdir(longer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_document, setup, teardown),
        cmocka_unit_test_setup_teardown(test_readers_that_do_not_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_too_long, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
