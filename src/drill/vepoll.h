/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/vepoll.h: epoll and pipes of a virtual host. */
#ifndef DRILL_VEPOLL_H
#define DRILL_VEPOLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct vhost;

#define VHOST_EPOLLS 8
#define VHOST_PIPES  8
#define VEPOLL_ITEMS 16
#define VPIPE_SIZE   65536u

struct vepoll {
    bool used;
    unsigned n;
    struct {
        int fd;
        bool off, told; /* EPOLLONESHOT has fired; was reported at all */
        struct epoll_event ev;
        uint32_t rx, tx, err; /* the socket's edges when it was last reported */
    } item[VEPOLL_ITEMS];
};

struct vpipe {
    bool reader, writer; /* that end is open */
    uint8_t *data;
    size_t len;
};

/* All: a value >= 0 or -errno. */
int vh_epoll_create(struct vhost *vh, int size);
int vh_epoll_ctl(struct vhost *vh, int ep, int op, int fd, const struct epoll_event *ev);
/* What is ready now, at most `most`; how many. */
int vh_epoll_ready(struct vhost *vh, int ep, struct epoll_event *ev, int most);
/* fd[0] is read from, fd[1] written to. */
int vh_pipe(struct vhost *vh, int fd[2]);
int64_t vh_pipe_read(struct vhost *vh, int fd, void *buf, size_t n);
int64_t vh_pipe_write(struct vhost *vh, int fd, const void *buf, size_t n);
/* What a pipe holds, by either end; NULL when fd is none. */
const uint8_t *vh_pipe_peek(const struct vhost *vh, int fd, size_t *n);
bool vh_is_pipe(const struct vhost *vh, int fd);
/* Moves octets between a pipe and a socket, or two pipes. */
int64_t vh_splice(struct vhost *vh, int in, int out, size_t n);
/* Closes an epoll descriptor or an end of a pipe; -EBADF: it is neither. */
int vepoll_close(struct vhost *vh, int fd);
void vepoll_free(struct vhost *vh);

#endif
