/* SPDX-License-Identifier: BSD-2-Clause */
#include "runtime/watch.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

int watches_init(struct watches *ws)
{
    *ws = (struct watches){.epfd = epoll_create1(EPOLL_CLOEXEC)};
    return ws->epfd < 0 ? -1 : 0;
}

void watches_free(struct watches *ws)
{
    if (ws->epfd >= 0)
        (void)close(ws->epfd);
    free(ws->by_fd);
    *ws = (struct watches){.epfd = -1};
}

static struct watch *watch_at(struct watches *ws, int fd)
{
    if (fd < 0 || (size_t)fd >= ws->n || !ws->by_fd[fd].cb)
        return NULL;
    return &ws->by_fd[fd];
}

static int watches_grow(struct watches *ws, int fd)
{
    if ((size_t)fd < ws->n)
        return 0;
    size_t n = ws->n ? ws->n : 64;
    while (n <= (size_t)fd)
        n *= 2;
    struct watch *t = realloc(ws->by_fd, n * sizeof *t);
    if (!t)
        return -ENOMEM;
    memset(t + ws->n, 0, (n - ws->n) * sizeof *t);
    ws->by_fd = t;
    ws->n = n;
    return 0;
}

static int watches_ctl(struct watches *ws, int op, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events,
                             .data.u64 = (uint64_t)ws->by_fd[fd].gen << 32 | (uint32_t)fd};
    return epoll_ctl(ws->epfd, op, fd, &ev) < 0 ? -errno : 0;
}

int watches_add(struct watches *ws, int fd, uint32_t events,
                void (*cb)(void *ctx, int fd, uint32_t events), void *ctx)
{
    if (fd < 0)
        return -EBADF;
    int err = watches_grow(ws, fd);
    if (err < 0)
        return err;
    struct watch *w = &ws->by_fd[fd];
    if (w->cb)
        return -EEXIST;
    w->gen++;
    err = watches_ctl(ws, EPOLL_CTL_ADD, fd, events);
    if (err < 0)
        return err;
    w->cb = cb;
    w->ctx = ctx;
    return 0;
}

int watches_change(struct watches *ws, int fd, uint32_t events)
{
    if (!watch_at(ws, fd))
        return -ENOENT;
    return watches_ctl(ws, EPOLL_CTL_MOD, fd, events);
}

void watches_remove(struct watches *ws, int fd)
{
    struct watch *w = watch_at(ws, fd);
    if (!w)
        return;
    (void)watches_ctl(ws, EPOLL_CTL_DEL, fd, 0); /* EBADF when it was closed before: as good */
    w->cb = NULL;
    w->gen++;
}

int watches_wait(struct watches *ws, struct epoll_event *ev, int max, struct tern_time wait)
{
    struct timespec ts = {.tv_sec = wait.ns / 1000000000, .tv_nsec = wait.ns % 1000000000};
    bool ever = wait.ns == INT64_MAX;
    int n = -1;
    if (wait.ns <= 0) {
        n = epoll_wait(ws->epfd, ev, max, 0);
    } else {
        if (!ws->no_pwait2) {
            n = epoll_pwait2(ws->epfd, ev, max, ever ? NULL : &ts, NULL);
            ws->no_pwait2 = n < 0 && errno == ENOSYS;
        }
        if (ws->no_pwait2) {
            int64_t ms = wait.ns / 1000000 + 1;
            n = epoll_wait(ws->epfd, ev, max, ever ? -1 : (int)(ms > 60000 ? 60000 : ms));
        }
    }
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    return n;
}

void watches_dispatch(struct watches *ws, const struct epoll_event *ev)
{
    int fd = (int)(uint32_t)ev->data.u64;
    struct watch *w = watch_at(ws, fd);
    if (w && w->gen == (uint32_t)(ev->data.u64 >> 32))
        w->cb(w->ctx, fd, ev->events);
}
