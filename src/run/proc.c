/* SPDX-License-Identifier: BSD-2-Clause */
/* run/proc.c: what the supervisor asks the kernel about the program's threads. */
#include "run/sup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* Reads a whole /proc file of a thread into buf as a string; false when it is gone. */
static bool proc_read(int tid, const char *name, char *buf, size_t len)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, buf, len - 1);
    (void)close(fd);
    buf[n > 0 ? n : 0] = 0;
    return n > 0;
}

static uint64_t proc_field(const char *text, const char *key, int base)
{
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, base) : 0;
}

/* A thread's own table is asked where the kernel can (Linux 6.9), else its process's. */
static int proc_pidfd_open(int tid)
{
    int fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
    if (fd >= 0 || errno != EINVAL)
        return fd;
    char status[4096];
    if (!proc_read(tid, "status", status, sizeof status))
        return -1;
    return (int)syscall(SYS_pidfd_open, (int)proc_field(status, "Tgid:", 10), 0);
}

int proc_getfd(struct run *r, int tid, int fd)
{
    unsigned i = (unsigned)tid % RUN_PIDFDS;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (r->pidfds[i].tid != tid) {
            if (r->pidfds[i].tid)
                (void)close(r->pidfds[i].fd);
            r->pidfds[i].tid = 0;
            int pidfd = proc_pidfd_open(tid);
            if (pidfd < 0)
                return -errno;
            r->pidfds[i].tid = tid;
            r->pidfds[i].fd = pidfd;
        }
        int got = (int)syscall(SYS_pidfd_getfd, r->pidfds[i].fd, fd, 0);
        if (got >= 0 || errno == EBADF)
            return got >= 0 ? got : -EBADF;
        if (errno != ESRCH)
            return -errno;
        (void)close(r->pidfds[i].fd); /* an earlier thread of that number */
        r->pidfds[i].tid = 0;
    }
    return -ESRCH;
}

static int proc_get_if(struct run *r, int tid, int fd, uint64_t ino)
{
    int got = proc_getfd(r, tid, fd);
    if (got < 0 || sk_inode(r, got) == ino)
        return got;
    (void)close(got);
    return -ENOENT;
}

/* Looks through the descriptors of one process. */
static int proc_search(struct run *r, int tid, uint64_t ino)
{
    char path[64], want[40], link[40];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", tid);
    (void)snprintf(want, sizeof want, "socket:[%llu]", (unsigned long long)ino);
    DIR *dir = opendir(path);
    int got = -1;
    const struct dirent *e;
    while (dir && got < 0 && (e = readdir(dir)) != NULL) {
        ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof link - 1);
        link[n > 0 ? n : 0] = 0;
        if (strcmp(link, want) == 0)
            got = proc_get_if(r, tid, (int)strtol(e->d_name, NULL, 10), ino);
    }
    if (dir)
        (void)closedir(dir);
    return got;
}

int proc_find(struct run *r, int tid, int fd, uint64_t ino)
{
    int got = proc_get_if(r, tid, fd, ino);
    if (got < 0)
        got = proc_search(r, tid, ino);
    char name[48], children[1024];
    (void)snprintf(name, sizeof name, "task/%d/children", tid);
    if (got >= 0 || !proc_read(tid, name, children, sizeof children))
        return got;
    char *at = children; /* a server that forks for each connection */
    for (long pid; got < 0 && (pid = strtol(at, &at, 10)) > 0;)
        got = proc_search(r, (int)pid, ino);
    return got;
}

bool proc_signalled(int tid)
{
    char s[4096];
    if (!proc_read(tid, "status", s, sizeof s))
        return true;
    uint64_t pending = proc_field(s, "SigPnd:", 16) | proc_field(s, "ShdPnd:", 16);
    return (pending & ~proc_field(s, "SigBlk:", 16) & ~proc_field(s, "SigIgn:", 16)) != 0;
}

bool proc_cloexec(int tid, int fd)
{
    char name[32], s[512];
    (void)snprintf(name, sizeof name, "fdinfo/%d", fd);
    return proc_read(tid, name, s, sizeof s) && (proc_field(s, "flags:", 8) & O_CLOEXEC) != 0;
}

bool proc_name(int tid, char *name, size_t len, int *pid)
{
    char s[4096];
    if (!proc_read(tid, "status", s, sizeof s))
        return false;
    *pid = (int)proc_field(s, "Tgid:", 10);
    if (!proc_read(*pid, "comm", name, len))
        return false;
    name[strcspn(name, "\n")] = 0;
    return true;
}
