/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime/order.c: who connects and sends nothing keeps one of ORDER_PEERS places until another
 * needs it; nobody is waited for. The folder that the socket lies in is closed to other users, and
 * the credentials are looked at as well.
 */
#include "runtime/order.h"

#include "base/assert.h"
#include "port/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ORDER_PEERS 4u

struct order {
    struct tern_loop *loop;
    order_fn *fn;
    void *ctx;
    int fd;
    int peer[ORDER_PEERS]; /* -1 = free */
    unsigned next;         /* the place that is given up next */
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

static void peer_close(struct order *o, int *fd)
{
    tern_loop_unwatch(o->loop, *fd);
    (void)close(*fd);
    *fd = -1;
}

static void peer_ready(void *ctx, int fd, uint32_t events)
{
    struct order *o = ctx;
    char line[ORDER_LINE + 1];
    size_t len = 0;
    (void)events;
    ssize_t n = recv(fd, line, ORDER_LINE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        line[n] = '\0';
        char *text = o->fn(o->ctx, line, &len);
        if (text)
            (void)send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        free(text);
    }
    for (unsigned i = 0; i < ORDER_PEERS; i++) {
        if (o->peer[i] == fd)
            peer_close(o, &o->peer[i]);
    }
}

static bool peer_allowed(int fd)
{
    struct ucred cred;
    socklen_t len = sizeof cred;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
           (cred.uid == geteuid() || cred.uid == 0);
}

static void order_accept(void *ctx, int listener, uint32_t events)
{
    struct order *o = ctx;
    (void)events;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    int *place = &o->peer[o->next++ % ORDER_PEERS];
    if (*place >= 0)
        peer_close(o, place);
    if (!peer_allowed(fd) || tern_loop_watch(o->loop, fd, EPOLLIN, peer_ready, o) < 0) {
        (void)close(fd);
        return;
    }
    *place = fd;
}

int order_start(struct tern_loop *loop, const char *path, order_fn *fn, void *ctx,
                struct order **out, char *why)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    tern_assert(strlen(path) < sizeof sa.sun_path && fn != NULL);
    struct order *o = calloc(1, sizeof *o);
    if (!o) {
        why_set(why, "control socket: out of memory");
        return -1;
    }
    *o = (struct order){.loop = loop, .fn = fn, .ctx = ctx, .peer = {-1, -1, -1, -1}};
    memcpy(o->path, path, strlen(path));
    memcpy(sa.sun_path, path, strlen(path));
    (void)unlink(path); /* an older process of the same number left it */
    o->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (o->fd >= 0 && bind(o->fd, (const struct sockaddr *)&sa, sizeof sa) == 0 &&
        listen(o->fd, 8) == 0 && tern_loop_watch(loop, o->fd, EPOLLIN, order_accept, o) == 0) {
        *out = o;
        return 0;
    }
    why_set(why, "%s: %s", path, strerror(errno));
    if (o->fd >= 0)
        (void)close(o->fd);
    (void)unlink(path);
    free(o);
    return -1;
}

void order_free(struct order *o)
{
    if (!o)
        return;
    for (unsigned i = 0; i < ORDER_PEERS; i++) {
        if (o->peer[i] >= 0)
            peer_close(o, &o->peer[i]);
    }
    tern_loop_unwatch(o->loop, o->fd);
    (void)close(o->fd);
    (void)unlink(o->path);
    free(o);
}
