/* SPDX-License-Identifier: BSD-2-Clause */
/* The seccomp program, run by an interpreter of the few instructions that it uses. */
#include "run/filter.h"
#include "run/sup.h"

#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

static struct sock_filter prog[FILTER_MAX];
static size_t length;

static uint32_t interpret(const struct seccomp_data *d)
{
    uint32_t a = 0;
    for (size_t pc = 0; pc < length; pc++) {
        const struct sock_filter *f = &prog[pc];
        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(f->k <= sizeof *d - 4 && f->k % 4 == 0);
            memcpy(&a, (const char *)d + f->k, sizeof a);
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == f->k ? f->jt : f->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc += a >= f->k ? f->jt : f->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            pc += a > f->k ? f->jt : f->jf;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            pc += (a & f->k) != 0 ? f->jt : f->jf;
            break;
        case BPF_RET | BPF_K:
            return f->k;
        default:
            fail_msg("instruction %zu has code %#x", pc, f->code);
        }
    }
    fail_msg("ran off the end");
    return 0;
}

static uint32_t ask(int nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a4)
{
    struct seccomp_data d = {.nr = nr, .arch = ARCH, .args = {a0, a1, a2, 0, a4, 0}};
    return interpret(&d);
}

static int setup(void **state)
{
    (void)state;
    length = filter_build(prog);
    return length > 0 && length <= FILTER_MAX ? 0 : -1;
}

static uint32_t refuse(int err)
{
    return SECCOMP_RET_ERRNO | (uint32_t)err;
}

static void test_families(void **state)
{
    (void)state;
    assert_int_equal(ask(SYS_socket, AF_INET, SOCK_STREAM, 0, 0), SECCOMP_RET_USER_NOTIF);
    assert_int_equal(ask(SYS_socket, AF_INET6, SOCK_STREAM, 0, 0), refuse(EAFNOSUPPORT));
    assert_int_equal(ask(SYS_socket, AF_PACKET, SOCK_RAW, 0, 0), refuse(EPERM));
    assert_int_equal(ask(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask(SYS_socket, AF_NETLINK, SOCK_RAW, 0, 0), SECCOMP_RET_ALLOW);
}

static void test_other_instruction_sets(void **state)
{
    (void)state;
    struct seccomp_data d = {.nr = 102, .arch = AUDIT_ARCH_I386};
    assert_int_equal(interpret(&d), refuse(ENOSYS));
#if defined(__x86_64__)
    assert_int_equal(ask(0x40000000 | SYS_connect, 3, 0, 0, 0), refuse(ENOSYS));
#endif
}

static void test_moving_data_is_not_notified(void **state)
{
    static const int nr[] = {
        SYS_read,  SYS_write,      SYS_readv,       SYS_writev,  SYS_sendfile, SYS_close,
        SYS_dup,   SYS_fcntl,      SYS_splice,      SYS_ppoll,   SYS_pselect6, SYS_shutdown,
        SYS_futex, SYS_execve,     SYS_ioctl,       SYS_pread64, SYS_openat,   SYS_socketpair,
        SYS_clone, SYS_exit_group, SYS_epoll_pwait,
    };
    (void)state;
    for (size_t i = 0; i < sizeof nr / sizeof *nr; i++)
        assert_int_equal(ask(nr[i], 3, 1, 1, 1), SECCOMP_RET_ALLOW);
}

static void test_always_notified(void **state)
{
    static const int nr[] = {SYS_connect, SYS_bind,        SYS_listen,     SYS_accept,
                             SYS_accept4, SYS_getsockname, SYS_getpeername};
    (void)state;
    for (size_t i = 0; i < sizeof nr / sizeof *nr; i++)
        assert_int_equal(ask(nr[i], 3, 0, 0, 0), SECCOMP_RET_USER_NOTIF);
    assert_int_equal(ask(SYS_io_uring_setup, 1, 0, 0, 0), refuse(ENOSYS));
}

static void test_an_address_is_notified(void **state)
{
    (void)state;
    assert_int_equal(ask(SYS_sendto, 3, 1, 1, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask(SYS_sendto, 3, 1, 1, 0x1000), SECCOMP_RET_USER_NOTIF);
    assert_int_equal(ask(SYS_sendto, 3, 1, 1, 0x100000000ull), SECCOMP_RET_USER_NOTIF);
    assert_int_equal(ask(SYS_recvfrom, 3, 1, 1, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask(SYS_recvfrom, 3, 1, 1, 0x7fff00000000ull), SECCOMP_RET_USER_NOTIF);
}

static void test_messages_by_descriptor(void **state)
{
    static const int nr[] = {SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg};
    (void)state;
    for (size_t i = 0; i < sizeof nr / sizeof *nr; i++) {
        assert_int_equal(ask(nr[i], 3, 1, 0, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(ask(nr[i], RUN_UDP_FD_LO - 1, 1, 0, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(ask(nr[i], RUN_UDP_FD_LO, 1, 0, 0), SECCOMP_RET_USER_NOTIF);
        assert_int_equal(ask(nr[i], RUN_UDP_FD_HI - 1, 1, 0, 0), SECCOMP_RET_USER_NOTIF);
        assert_int_equal(ask(nr[i], RUN_UDP_FD_HI, 1, 0, 0), SECCOMP_RET_ALLOW);
    }
    assert_int_equal(ask(SYS_sendmsg, 3, 1, MSG_FASTOPEN, 0), SECCOMP_RET_USER_NOTIF);
    assert_int_equal(ask(SYS_sendmsg, 3, 1, MSG_MORE, 0), SECCOMP_RET_USER_NOTIF);
    assert_int_equal(ask(SYS_sendmsg, 3, 1, MSG_NOSIGNAL, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask(SYS_sendmsg, 3, 1, MSG_EOR, 0), SECCOMP_RET_USER_NOTIF);
    struct seccomp_data to = {.nr = SYS_sendto, .arch = ARCH, .args = {3, 1, 1, MSG_NOSIGNAL}};
    assert_int_equal(interpret(&to), SECCOMP_RET_ALLOW);
    to.args[3] = MSG_EOR;
    assert_int_equal(interpret(&to), SECCOMP_RET_USER_NOTIF);
}

static void test_options(void **state)
{
    static const int nr[] = {SYS_setsockopt, SYS_getsockopt};
    static const int own[] = {SO_ERROR,       SO_TYPE,      SO_DOMAIN,       SO_PROTOCOL,
                              SO_REUSEPORT,   SO_ZEROCOPY,  SO_LINGER,       SO_RCVBUF,
                              SO_SNDBUF,      SO_KEEPALIVE, SO_BINDTODEVICE, SO_SNDBUFFORCE,
                              SO_RCVBUFFORCE, SO_MEMINFO};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            assert_int_equal(ask(nr[i], 3, SOL_SOCKET, (uint64_t)own[k], 0),
                             SECCOMP_RET_USER_NOTIF);
        assert_int_equal(ask(nr[i], 3, SOL_SOCKET, SO_REUSEADDR, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(ask(nr[i], 3, SOL_SOCKET, SO_RCVTIMEO, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(ask(nr[i], 3, IPPROTO_TCP, 1, 0), SECCOMP_RET_USER_NOTIF);
        assert_int_equal(ask(nr[i], 3, IPPROTO_IP, SO_REUSEADDR, 0), SECCOMP_RET_USER_NOTIF);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_other_instruction_sets),
        cmocka_unit_test(test_moving_data_is_not_notified),
        cmocka_unit_test(test_always_notified),
        cmocka_unit_test(test_an_address_is_notified),
        cmocka_unit_test(test_messages_by_descriptor),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
