/* SPDX-License-Identifier: BSD-2-Clause */
#include "run/sup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct run *run;

static int setup(void **state)
{
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    run = calloc(1, sizeof *run);
    if (!run || fd < 0 || fstat(fd, &st) < 0)
        return -1;
    run->sock_dev = st.st_dev;
    run->sweep_at = 512;
    (void)close(fd);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < run->slots; i++) {
        if (run->slot[i])
            sk_free(run->slot[i]);
    }
    assert_int_equal(run->sks, 0);
    free(run->slot);
    free(run);
    return 0;
}

static void test_found_by_every_descriptor(void **state)
{
    (void)state;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), copy = dup(fd),
        other = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sk *sk = sk_new(run, IPPROTO_TCP, sk_inode(run, fd));
    assert_non_null(sk);
    assert_ptr_equal(sk_by_fd(run, fd), sk);
    assert_ptr_equal(sk_by_fd(run, copy), sk);
    assert_null(sk_by_fd(run, other));
    assert_null(sk_by_fd(run, 0)); /* not a socket, or not ours */
    assert_ptr_equal(sk_by_id(run, sk->id), sk);
    uint64_t id = sk->id;
    sk_free(sk);
    assert_null(sk_by_fd(run, fd));
    assert_null(sk_by_id(run, id));
    (void)close(fd);
    (void)close(copy);
    (void)close(other);
}

static void test_a_stale_number_finds_nothing(void **state)
{
    (void)state;
    struct sk *a = sk_new(run, IPPROTO_TCP, 1000001);
    uint64_t id = a->id;
    sk_free(a);
    struct sk *b = sk_new(run, IPPROTO_TCP, 1000002);
    assert_int_equal((uint32_t)b->id, (uint32_t)id); /* the slot is used again */
    assert_null(sk_by_id(run, id));
    assert_null(sk_by_id(run, 0));
    assert_null(sk_by_id(run, 0xffffffff));
    sk_free(b);
}

/* An inode number that is used again belongs to the new socket. */
static void test_reused_inode(void **state)
{
    (void)state;
    struct sk *a = sk_new(run, IPPROTO_TCP, 1000003);
    uint64_t id = a->id;
    struct sk *b = sk_new(run, IPPROTO_UDP, 1000003);
    assert_null(sk_by_id(run, id));
    assert_ptr_equal(sk_by_id(run, b->id), b);
    sk_free(b);
}

static void test_sweep_frees_what_was_closed(void **state)
{
    (void)state;
    int kept = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sk *k = sk_new(run, IPPROTO_TCP, sk_inode(run, kept));
    for (int i = 0; i < 2000; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_non_null(sk_new(run, IPPROTO_TCP, sk_inode(run, fd)));
        (void)close(fd);
    }
    assert_true(run->sks < 1100); /* the table swept itself on the way */
    sk_sweep(run);
    assert_int_equal(run->sks, 1);
    assert_ptr_equal(sk_by_fd(run, kept), k);
    assert_true(sk_alive(k));
    (void)close(kept);
    assert_false(sk_alive(k));
    sk_free(k);
}

static void test_each_sees_all(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 700; i++) {
        struct sk *sk = sk_new(run, IPPROTO_TCP, 0); /* delivered ones have no inode yet */
        assert_non_null(sk);
    }
    uint32_t cursor = 0, n = 0;
    while (sk_each(run, &cursor))
        n++;
    assert_int_equal(n, 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_every_descriptor),
        cmocka_unit_test(test_a_stale_number_finds_nothing),
        cmocka_unit_test(test_reused_inode),
        cmocka_unit_test(test_sweep_frees_what_was_closed),
        cmocka_unit_test(test_each_sees_all),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
