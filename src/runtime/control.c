/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime/control.c: answers in the loop, never waits for a reader: a document that the socket does
 * not take at once is kept until it can be written; a reader that stalls keeps one of
 * CONTROL_READERS places, and the oldest one is dropped when all are taken.
 */
#include "runtime/control.h"

#include "base/assert.h"
#include "port/why.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_READERS 8

struct control_reader {
    int fd; /* -1 = free */
    char *text;
    size_t at, len;
    uint64_t since;
};

struct control {
    struct control_config cfg;
    int fd;
    char path[CONTROL_PATH];
    struct order *order; /* may be NULL */
    struct control_reader reader[CONTROL_READERS];
    uint64_t served;
};

/* ---- the folder ---- */

static int control_check_folder(const char *path, char *why)
{
    struct stat sb;
    if (lstat(path, &sb) < 0) {
        why_set(why, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (!S_ISDIR(sb.st_mode) || sb.st_uid != geteuid() || (sb.st_mode & 077) != 0) {
        why_set(why,
                "%s: not a folder of yours that is closed to others: remove it, or set "
                "XDG_RUNTIME_DIR to a folder of yours",
                path);
        return -1;
    }
    return 0;
}

int control_folder(char path[CONTROL_PATH], bool make, char *why)
{
    const char *run = getenv("XDG_RUNTIME_DIR");
    struct stat sb;
    bool own = run && run[0] == '/' && stat(run, &sb) == 0 && S_ISDIR(sb.st_mode) &&
               sb.st_uid == geteuid();
    int n = own ? snprintf(path, CONTROL_PATH, "%s/tern", run)
                : snprintf(path, CONTROL_PATH, "/tmp/tern-%u", (unsigned)geteuid());
    if (n >= CONTROL_PATH - 52) { /* "/" NAME "." PID ".sock" */
        why_set(why, "XDG_RUNTIME_DIR: too long for a socket's name: choose a shorter folder");
        return -1;
    }
    if (make && mkdir(path, 0700) < 0 && errno != EEXIST) {
        why_set(why, "%s: %s: set XDG_RUNTIME_DIR to a folder of yours", path, strerror(errno));
        return -1;
    }
    if (!make && lstat(path, &sb) < 0 && errno == ENOENT) {
        why_set(why, "%s", "");
        return -1;
    }
    return control_check_folder(path, why);
}

/* ---- readers ---- */

static void reader_close(struct control *c, struct control_reader *r)
{
    tern_loop_unwatch(c->cfg.loop, r->fd);
    (void)close(r->fd);
    free(r->text);
    *r = (struct control_reader){.fd = -1};
}

static void reader_write(void *ctx, int fd, uint32_t events)
{
    struct control *c = ctx;
    struct control_reader *r = NULL;
    for (unsigned i = 0; i < CONTROL_READERS; i++) {
        if (c->reader[i].fd == fd)
            r = &c->reader[i];
    }
    tern_assert(r != NULL);
    while (r->at < r->len && !(events & EPOLLERR)) {
        ssize_t n = send(fd, r->text + r->at, r->len - r->at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            break;
        r->at += (size_t)n;
    }
    reader_close(c, r);
}

static bool reader_allowed(int fd)
{
    struct ucred cred;
    socklen_t len = sizeof cred;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
           (cred.uid == geteuid() || cred.uid == 0);
}

static struct control_reader *reader_place(struct control *c)
{
    struct control_reader *oldest = &c->reader[0];
    for (unsigned i = 0; i < CONTROL_READERS; i++) {
        if (c->reader[i].fd < 0)
            return &c->reader[i];
        if (c->reader[i].since < oldest->since)
            oldest = &c->reader[i];
    }
    reader_close(c, oldest);
    return oldest;
}

static void control_accept(void *ctx, int listener, uint32_t events)
{
    struct control *c = ctx;
    (void)events;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    size_t len = 0;
    char *text = reader_allowed(fd) ? c->cfg.answer(c->cfg.ctx, &len) : NULL;
    struct control_reader *r = text ? reader_place(c) : NULL;
    if (!r || tern_loop_watch(c->cfg.loop, fd, EPOLLOUT, reader_write, c) < 0) {
        (void)close(fd);
        free(text);
        return;
    }
    *r = (struct control_reader){.fd = fd, .text = text, .len = len, .since = ++c->served};
}

/* ---- life ---- */

static int control_bind(struct control *c, char *why)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    tern_assert(strlen(c->path) < sizeof sa.sun_path);
    memcpy(sa.sun_path, c->path, strlen(c->path));
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0) {
        why_set(why, "control socket: %s", strerror(errno));
        return -1;
    }
    (void)unlink(c->path); /* an older process of the same number left it */
    if (bind(c->fd, (const struct sockaddr *)&sa, sizeof sa) == 0 && listen(c->fd, 16) == 0)
        return 0;
    why_set(why, "%s: %s", c->path, strerror(errno));
    (void)close(c->fd);
    c->fd = -1;
    return -1;
}

/* The same name with another ending. */
static int control_order(struct control *c, char *why)
{
    char path[CONTROL_PATH];
    size_t n = strlen(c->path);
    tern_assert(n > 5 && strcmp(c->path + n - 5, ".sock") == 0);
    memcpy(path, c->path, n + 1);
    memcpy(path + n - 5, ".ctl", 5);
    return order_start(c->cfg.loop, path, c->cfg.order, c->cfg.ctx, &c->order, why);
}

int control_start(const struct control_config *cfg, struct control **out, char *why)
{
    tern_assert(cfg->loop && cfg->answer && strlen(cfg->name) <= 32);
    char folder[CONTROL_PATH];
    if (control_folder(folder, true, why) < 0)
        return -1;
    struct control *c = calloc(1, sizeof *c);
    if (!c) {
        why_set(why, "control socket: out of memory");
        return -1;
    }
    c->cfg = *cfg;
    for (unsigned i = 0; i < CONTROL_READERS; i++)
        c->reader[i].fd = -1;
    (void)snprintf(c->path, sizeof c->path, "%.60s/%.32s.%d.sock", folder, cfg->name,
                   (int)getpid());
    if (control_bind(c, why) < 0) {
        free(c);
        return -1;
    }
    int err = tern_loop_watch(cfg->loop, c->fd, EPOLLIN, control_accept, c);
    if (err < 0) {
        why_set(why, "control socket: %s", strerror(-err));
        (void)close(c->fd);
        (void)unlink(c->path);
        free(c);
        return -1;
    }
    if (cfg->order && control_order(c, why) < 0) {
        control_free(c);
        return -1;
    }
    *out = c;
    return 0;
}

const char *control_path(const struct control *c)
{
    return c->path;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < CONTROL_READERS; i++) {
        if (c->reader[i].fd >= 0)
            reader_close(c, &c->reader[i]);
    }
    order_free(c->order);
    tern_loop_unwatch(c->cfg.loop, c->fd);
    (void)close(c->fd);
    (void)unlink(c->path);
    free(c);
}
