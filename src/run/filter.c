/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/filter.c: which system calls come to the supervisor.
 *
 * A filter sees the call's number and its arguments as numbers, never what a pointer points to. So
 * what can be told from numbers is decided here, and the rest is notified:
 *
 *   allowed   everything that moves data: read, write, send, sendfile, poll, epoll, dup, close ...
 *   notified  what makes, names, connects and asks sockets; datagrams with an address
 *   refused   other families of internet sockets, other instruction sets (their system call numbers
 *             mean something else) and io_uring (its sockets would never pass here)
 *
 * sendmsg() and its like hide the address behind a pointer. They matter for UDP only, so UDP
 * sockets are given descriptor numbers in a range of their own, and only that range is notified.
 *
 * The program is a chain of blocks "is it this call? then these tests"; one load of the number,
 * then a jump over the whole chain for the numbers outside the socket calls, which is nearly all of
 * them.
 */
#include "run/filter.h"
#include "run/sup.h"

#include "base/assert.h"

#include <errno.h>
#include <linux/audit.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#define FILTER_X32  0x40000000u
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#error "run/filter.c: the launcher knows x86-64 and arm64 only"
#endif

#define ARG(n)     ((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)(n)))
#define RET_ERR(e) (SECCOMP_RET_ERRNO | (uint32_t)(e))

struct filter {
    struct sock_filter *prog;
    size_t n;
};

static void put(struct filter *f, uint16_t code, uint32_t k, size_t jt, size_t jf)
{
    tern_assert(f->n < FILTER_MAX && jt <= UINT8_MAX && jf <= UINT8_MAX);
    f->prog[f->n++] = (struct sock_filter){code, (uint8_t)jt, (uint8_t)jf, k};
}

static void ret(struct filter *f, uint32_t what)
{
    put(f, BPF_RET | BPF_K, what, 0, 0);
}

static void load(struct filter *f, uint32_t offset)
{
    put(f, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

/* If A == k, go on with the next instruction, else skip `skip` instructions. */
static void if_eq(struct filter *f, uint32_t k, size_t skip)
{
    put(f, BPF_JMP | BPF_JEQ | BPF_K, k, 0, skip);
}
static void if_ge(struct filter *f, uint32_t k, size_t skip)
{
    put(f, BPF_JMP | BPF_JGE | BPF_K, k, 0, skip);
}

static void always(struct filter *f, uint32_t nr, uint32_t what)
{
    if_eq(f, nr, 1);
    ret(f, what);
}

static void arch(struct filter *f)
{
    load(f, offsetof(struct seccomp_data, arch));
    put(f, BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0);
    ret(f, RET_ERR(ENOSYS));
    load(f, offsetof(struct seccomp_data, nr));
#if defined(FILTER_X32)
    if_ge(f, FILTER_X32, 1);
    ret(f, RET_ERR(ENOSYS));
#endif
}

/* socket(): by family. */
static void family(struct filter *f)
{
    static const struct {
        uint32_t family, what;
    } table[] = {
        {AF_INET, SECCOMP_RET_USER_NOTIF},
        {AF_INET6, RET_ERR(EAFNOSUPPORT)},
        {AF_PACKET, RET_ERR(EPERM)},
        {AF_SMC, RET_ERR(EAFNOSUPPORT)}, /* TCP under another name */
    };
    const size_t n = sizeof table / sizeof *table;
    if_eq(f, SYS_socket, 2 + 2 * n);
    load(f, ARG(0));
    for (size_t i = 0; i < n; i++)
        always(f, table[i].family, table[i].what);
    ret(f, SECCOMP_RET_ALLOW);
}

/* Only with a pointer in argument n. */
static void with_pointer(struct filter *f, uint32_t nr, unsigned n)
{
    if_eq(f, nr, 6);
    load(f, ARG(n));
    put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2); /* low half set: notify */
    load(f, ARG(n) + 4);
    put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    ret(f, SECCOMP_RET_USER_NOTIF);
    ret(f, SECCOMP_RET_ALLOW);
}

/* A call that sends: MSG_FASTOPEN connects, MSG_EOR ends a record and MSG_MORE lets a segment wait,
 * which an AF_UNIX stream does not know. */
static void sending(struct filter *f, uint32_t nr, unsigned flags)
{
    if_eq(f, nr, 4);
    load(f, ARG(flags));
    put(f, BPF_JMP | BPF_JSET | BPF_K, MSG_FASTOPEN | MSG_EOR | MSG_MORE, 0, 1);
    ret(f, SECCOMP_RET_USER_NOTIF);
    load(f, offsetof(struct seccomp_data, nr));
}

/* Only for descriptors that may be UDP sockets. */
static void udp_range(struct filter *f, uint32_t nr)
{
    if_eq(f, nr, 5);
    load(f, ARG(0));
    if_ge(f, RUN_UDP_FD_LO, 2);
    put(f, BPF_JMP | BPF_JGE | BPF_K, RUN_UDP_FD_HI, 1, 0);
    ret(f, SECCOMP_RET_USER_NOTIF);
    ret(f, SECCOMP_RET_ALLOW);
}

/* setsockopt and getsockopt: every level but SOL_SOCKET, and there what an AF_UNIX socket would not
 * answer as a TCP or UDP socket does. The others (SO_REUSEADDR, SO_RCVTIMEO, SO_BROADCAST,
 * SO_OOBINLINE ...) the kernel keeps, and the supervisor asks it when it must know. */
static void options(struct filter *f, uint32_t nr)
{
    static const uint32_t opt[] = {
        SO_ERROR,     SO_TYPE,        SO_DOMAIN,       SO_PROTOCOL, SO_REUSEPORT,
        SO_ZEROCOPY,  SO_LINGER,      SO_RCVBUF,       SO_SNDBUF,   SO_RCVBUFFORCE,
        SO_KEEPALIVE, SO_SNDBUFFORCE, SO_BINDTODEVICE, SO_MEMINFO,
    };
    const size_t n = sizeof opt / sizeof *opt;
    if_eq(f, nr, 5 + n);
    load(f, ARG(1));
    put(f, BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 0, n + 2);
    load(f, ARG(2));
    for (size_t i = 0; i < n; i++)
        put(f, BPF_JMP | BPF_JEQ | BPF_K, opt[i], n - i, 0);
    ret(f, SECCOMP_RET_ALLOW);
    ret(f, SECCOMP_RET_USER_NOTIF);
}

/* Most calls are settled by two comparisons: on x86-64 the socket calls are 41..55 and some from
 * 288 on; on arm64 they begin at 198. */
static void fast_exit(struct filter *f)
{
    put(f, BPF_JMP | BPF_JGE | BPF_K, SYS_socket, 1, 0);
    ret(f, SECCOMP_RET_ALLOW);
#if defined(__x86_64__)
    put(f, BPF_JMP | BPF_JGT | BPF_K, SYS_getsockopt, 0, 2);
    put(f, BPF_JMP | BPF_JGE | BPF_K, SYS_accept4, 1, 0);
    ret(f, SECCOMP_RET_ALLOW);
#endif
}

size_t filter_build(struct sock_filter *prog)
{
    static const uint32_t notified[] = {
        SYS_connect, SYS_accept4,     SYS_accept,      SYS_bind,
        SYS_listen,  SYS_getsockname, SYS_getpeername,
    };
    static const uint32_t datagram[] = {SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg};
    struct filter f = {prog, 0};
    arch(&f);
    fast_exit(&f);
    with_pointer(&f, SYS_recvfrom, 4);
    sending(&f, SYS_sendto, 3);
    with_pointer(&f, SYS_sendto, 4);
    sending(&f, SYS_sendmsg, 2);
    for (size_t i = 0; i < sizeof datagram / sizeof *datagram; i++)
        udp_range(&f, datagram[i]);
    family(&f);
    for (size_t i = 0; i < sizeof notified / sizeof *notified; i++)
        always(&f, notified[i], SECCOMP_RET_USER_NOTIF);
    options(&f, SYS_setsockopt);
    options(&f, SYS_getsockopt);
    always(&f, SYS_io_uring_setup, RET_ERR(ENOSYS));
    ret(&f, SECCOMP_RET_ALLOW);
    return f.n;
}
