/* SPDX-License-Identifier: BSD-2-Clause */
/* pdso/fds.c: real descriptors for the virtual host's, and the two calls of the C library that
 * packetdrill makes on them. */
#include "pdso/pdso.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static struct pd *current;

void pd_fds_of(struct pd *pd)
{
    current = pd;
}

int pd_fd_new(struct pd *pd, int live)
{
    if (live < 0)
        return live;
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0 || fd >= PD_FDS) {
        if (fd >= 0)
            (void)syscall(SYS_close, fd);
        (void)vh_close(&pd->vh, live);
        return -EMFILE;
    }
    pd->live[fd] = live;
    return fd;
}

int pd_fd(const struct pd *pd, int fd)
{
    return fd >= 0 && fd < PD_FDS && pd->live[fd] > 0 ? pd->live[fd] : -1;
}

void pd_fd_free(struct pd *pd, int fd)
{
    if (pd_fd(pd, fd) < 0)
        return;
    pd->live[fd] = 0;
    (void)syscall(SYS_close, fd);
}

/* The C library names its parameters with underscores.
 * NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
EXPORT int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
    struct pd *pd = current;
    if (pd && pd_fd(pd, fd) >= 0) {
        size_t n = *len;
        pthread_mutex_lock(&pd->lock);
        int rc = vh_getsockopt(&pd->vh, pd_fd(pd, fd), level, name, value, &n);
        pthread_mutex_unlock(&pd->lock);
        *len = (socklen_t)n;
        return (int)pd_result(rc);
    }
    return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}

/* packetdrill itself closes a script's sockets only when the script is over. */
EXPORT int close(int fd)
{
    struct pd *pd = current;
    if (pd && pd_fd(pd, fd) >= 0) {
        pthread_mutex_lock(&pd->lock);
        if (!pd->ended) {
            pd->ended = true;
            pd->leftover = pd->vh.count;
        }
        (void)vh_close(&pd->vh, pd_fd(pd, fd));
        pd_fd_free(pd, fd);
        pthread_mutex_unlock(&pd->lock);
        return 0;
    }
    return (int)syscall(SYS_close, fd);
}
