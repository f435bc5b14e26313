/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/vepoll.c: epoll and pipes of a virtual host.
 *
 * Level-triggered epoll is poll. Edge-triggered (EPOLLET), a socket is reported again only after
 * something has happened to it: octets came, room was made, it ended or its error queue got a
 * message. Each socket counts these edges, and an item remembers the counts of its last report;
 * the report then names all that is ready, as Linux's does.
 */
#include "drill/vepoll.h"

#include "drill/vhost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EPOLL_FIRST 200
#define PIPE_FIRST  300 /* even: the reader's end */

static struct vepoll *epoll_of(struct vhost *vh, int fd)
{
    int i = fd - EPOLL_FIRST;
    return i >= 0 && i < VHOST_EPOLLS && vh->epoll[i].used ? &vh->epoll[i] : NULL;
}

int vh_epoll_create(struct vhost *vh, int size)
{
    if (size <= 0)
        return -EINVAL;
    for (int i = 0; i < VHOST_EPOLLS; i++) {
        if (!vh->epoll[i].used) {
            memset(&vh->epoll[i], 0, sizeof vh->epoll[i]);
            vh->epoll[i].used = true;
            return EPOLL_FIRST + i;
        }
    }
    return -EMFILE;
}

static int item_of(const struct vepoll *e, int fd)
{
    for (unsigned i = 0; i < e->n; i++) {
        if (e->item[i].fd == fd)
            return (int)i;
    }
    return -1;
}

int vh_epoll_ctl(struct vhost *vh, int ep, int op, int fd, const struct epoll_event *ev)
{
    struct vepoll *e = epoll_of(vh, ep);
    if (!e || !vh_sock(vh, fd))
        return -EBADF;
    int i = item_of(e, fd);
    if (op == EPOLL_CTL_ADD) {
        if (i >= 0)
            return -EEXIST;
        if (e->n == VEPOLL_ITEMS)
            return -ENOSPC;
        i = (int)e->n++;
    } else if (i < 0) {
        return -ENOENT;
    } else if (op == EPOLL_CTL_DEL) {
        e->item[i] = e->item[--e->n];
        return 0;
    } else if (op != EPOLL_CTL_MOD || ((e->item[i].ev.events | ev->events) & EPOLLEXCLUSIVE) != 0) {
        return -EINVAL;
    }
    memset(&e->item[i], 0, sizeof e->item[i]);
    e->item[i].fd = fd;
    e->item[i].ev = *ev;
    return 0;
}

/* Whether an edge has passed since the last report of item i. */
static bool edge(const struct vepoll *e, unsigned i, const struct vsock *s)
{
    uint32_t want = e->item[i].ev.events;
    if (!e->item[i].told || e->item[i].err != s->err_edge)
        return true;
    return ((want & (EPOLLIN | EPOLLRDHUP | EPOLLPRI)) && e->item[i].rx != s->rx_edge) ||
           ((want & EPOLLOUT) && e->item[i].tx != s->tx_edge);
}

int vh_epoll_ready(struct vhost *vh, int ep, struct epoll_event *ev, int most)
{
    struct vepoll *e = epoll_of(vh, ep);
    int n = 0;
    if (!e)
        return -EBADF;
    if (most <= 0)
        return -EINVAL;
    for (unsigned i = 0; i < e->n && n < most; i++) {
        uint32_t want = e->item[i].ev.events;
        const struct vsock *s = vh_sock(vh, e->item[i].fd);
        struct pollfd p = {.fd = e->item[i].fd, .events = (short)(want & 0xffffu)};
        if (!s || e->item[i].off || vh_poll(vh, &p, 1) == 0)
            continue;
        if ((want & EPOLLET) && !edge(e, i, s))
            continue;
        e->item[i].told = true;
        e->item[i].off = (want & EPOLLONESHOT) != 0;
        e->item[i].rx = s->rx_edge;
        e->item[i].tx = s->tx_edge;
        e->item[i].err = s->err_edge;
        ev[n].events = (uint16_t)p.revents;
        ev[n++].data = e->item[i].ev.data;
    }
    return n;
}

/* ---- pipes ---- */

static struct vpipe *pipe_of(struct vhost *vh, int fd, bool writer)
{
    int i = (fd - PIPE_FIRST) / 2;
    if (fd < PIPE_FIRST || i >= VHOST_PIPES || (fd & 1) != writer)
        return NULL;
    struct vpipe *p = &vh->pipe[i];
    return (writer ? p->writer : p->reader) ? p : NULL;
}

bool vh_is_pipe(const struct vhost *vh, int fd)
{
    int i = (fd - PIPE_FIRST) / 2;
    return fd >= PIPE_FIRST && i < VHOST_PIPES &&
           (fd & 1 ? vh->pipe[i].writer : vh->pipe[i].reader);
}

const uint8_t *vh_pipe_peek(const struct vhost *vh, int fd, size_t *n)
{
    if (!vh_is_pipe(vh, fd))
        return NULL;
    const struct vpipe *p = &vh->pipe[(fd - PIPE_FIRST) / 2];
    *n = p->len;
    return p->data;
}

int vh_pipe(struct vhost *vh, int fd[2])
{
    for (int i = 0; i < VHOST_PIPES; i++) {
        struct vpipe *p = &vh->pipe[i];
        if (p->reader || p->writer)
            continue;
        p->data = malloc(VPIPE_SIZE);
        if (!p->data)
            return -ENOMEM;
        p->len = 0;
        p->reader = p->writer = true;
        fd[0] = PIPE_FIRST + 2 * i;
        fd[1] = fd[0] + 1;
        return 0;
    }
    return -EMFILE;
}

int64_t vh_pipe_read(struct vhost *vh, int fd, void *buf, size_t n)
{
    struct vpipe *p = pipe_of(vh, fd, false);
    if (!p)
        return -EBADF;
    if (p->len == 0)
        return p->writer ? -EAGAIN : 0;
    n = n < p->len ? n : p->len;
    memcpy(buf, p->data, n);
    p->len -= n;
    memmove(p->data, p->data + n, p->len);
    return (int64_t)n;
}

int64_t vh_pipe_write(struct vhost *vh, int fd, const void *buf, size_t n)
{
    struct vpipe *p = pipe_of(vh, fd, true);
    if (!p)
        return -EBADF;
    if (!p->reader)
        return -EPIPE;
    if (p->len == VPIPE_SIZE)
        return -EAGAIN;
    n = n < VPIPE_SIZE - p->len ? n : VPIPE_SIZE - p->len;
    memcpy(p->data + p->len, buf, n);
    p->len += n;
    return (int64_t)n;
}

/* From a socket, or from another pipe, as much as there is room for. */
static int64_t into_pipe(struct vhost *vh, int in, struct vpipe *to, size_t n)
{
    size_t room = VPIPE_SIZE - to->len;
    if (room == 0)
        return -EAGAIN;
    n = n < room ? n : room;
    int64_t got = vh_is_pipe(vh, in) ? vh_pipe_read(vh, in, to->data + to->len, n)
                                     : vh_recv(vh, in, to->data + to->len, n, 0, NULL);
    to->len += got > 0 ? (size_t)got : 0;
    const struct vsock *s = vh_sock(vh, in);
    if (got == -EAGAIN && s && s->oob)
        return 0; /* an urgent octet is next: it is not spliced, and not waited for */
    return got;
}

int64_t vh_splice(struct vhost *vh, int in, int out, size_t n)
{
    struct vpipe *to = pipe_of(vh, out, true), *from = pipe_of(vh, in, false);
    if (!to && !from)
        return -EINVAL; /* one of them must be a pipe */
    if (n == 0)
        return 0;
    if (to)
        return to->reader ? into_pipe(vh, in, to, n) : -EPIPE;
    if (from->len == 0)
        return from->writer ? -EAGAIN : 0;
    int64_t put = vh_send(vh, out, from->data, n < from->len ? n : from->len, 0, NULL);
    if (put > 0) {
        from->len -= (size_t)put;
        memmove(from->data, from->data + put, from->len);
    }
    return put;
}

/* ---- ends ---- */

int vepoll_close(struct vhost *vh, int fd)
{
    struct vepoll *e = epoll_of(vh, fd);
    if (e) {
        e->used = false;
        return 0;
    }
    if (!vh_is_pipe(vh, fd))
        return -EBADF;
    struct vpipe *p = &vh->pipe[(fd - PIPE_FIRST) / 2];
    if (fd & 1)
        p->writer = false;
    else
        p->reader = false;
    if (!p->reader && !p->writer) {
        free(p->data);
        p->data = NULL;
    }
    return 0;
}

void vepoll_free(struct vhost *vh)
{
    for (unsigned i = 0; i < VHOST_PIPES; i++)
        free(vh->pipe[i].data);
}
