/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime/watch.h: callbacks for descriptors over epoll.
 *
 * A table by descriptor number. Each watch has a generation that travels with the kernel's event,
 * so an event that was fetched before its watch was removed (or before the number was used anew) is
 * recognised and dropped.
 */
#ifndef RUNTIME_WATCH_H
#define RUNTIME_WATCH_H

#include <tern/types.h>

struct epoll_event;

struct watch {
    void (*cb)(void *ctx, int fd, uint32_t events); /* NULL = none */
    void *ctx;
    uint32_t gen;
};

struct watches {
    int epfd;
    struct watch *by_fd;
    size_t n;
    bool no_pwait2; /* the kernel is older than epoll_pwait2(2), Linux 5.11 */
};

int watches_init(struct watches *ws); /* 0 or -1 with errno */
void watches_free(struct watches *ws);
/* 0 or -errno: EEXIST when fd is watched, EPERM when it cannot be (a plain file). */
int watches_add(struct watches *ws, int fd, uint32_t events,
                void (*cb)(void *ctx, int fd, uint32_t events), void *ctx);
int watches_change(struct watches *ws, int fd, uint32_t events); /* 0 or -errno */
void watches_remove(struct watches *ws, int fd);                 /* no harm when not watched */
/* Waits up to `wait` nanoseconds (INT64_MAX = for ever); how many events, or -errno. A signal
 * counts as none. */
int watches_wait(struct watches *ws, struct epoll_event *ev, int max, struct tern_time wait);
/* Calls the callback of an event, if its watch still exists. */
void watches_dispatch(struct watches *ws, const struct epoll_event *ev);

#endif
