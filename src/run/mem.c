/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/mem.c: reading and writing the program's memory.
 *
 * What is read here is read once and decided upon as a copy: the program's other threads may change
 * it meanwhile. The caller asks call_valid() afterwards, since the thread may have died and its
 * number may be another's by now.
 */
#include "run/sup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* process_vm_readv(2) may be missing from the kernel or forbidden where /proc is not. */
static int mem_by_proc(int tid, uint64_t addr, struct iovec local, bool write)
{
    char path[40];
    (void)snprintf(path, sizeof path, "/proc/%d/mem", tid);
    int fd = open(path, (write ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    if (fd < 0)
        return EFAULT;
    ssize_t n = write ? pwrite(fd, local.iov_base, local.iov_len, (off_t)addr)
                      : pread(fd, local.iov_base, local.iov_len, (off_t)addr);
    (void)close(fd);
    return n == (ssize_t)local.iov_len ? 0 : EFAULT;
}

static int mem_move(int tid, uint64_t addr, struct iovec local, bool write)
{
    if (local.iov_len == 0)
        return 0;
    struct iovec remote = {.iov_len = local.iov_len};
    memcpy(&remote.iov_base, &addr, sizeof remote.iov_base); /* a pointer there, a number here */
    ssize_t n = write ? process_vm_writev(tid, &local, 1, &remote, 1, 0)
                      : process_vm_readv(tid, &local, 1, &remote, 1, 0);
    if (n == (ssize_t)local.iov_len)
        return 0;
    if (n < 0 && (errno == ENOSYS || errno == EPERM))
        return mem_by_proc(tid, addr, local, write);
    return EFAULT;
}

int mem_read(int tid, uint64_t addr, void *buf, size_t n)
{
    return mem_move(tid, addr, (struct iovec){buf, n}, false);
}

int mem_write(int tid, uint64_t addr, const void *buf, size_t n)
{
    union {
        const void *in;
        void *out; /* an iovec has no const */
    } p = {.in = buf};
    return mem_move(tid, addr, (struct iovec){p.out, n}, true);
}
