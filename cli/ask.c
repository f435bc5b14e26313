/* SPDX-License-Identifier: BSD-2-Clause */
#include "ask.h"

#include "port/why.h"
#include "runtime/control.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ASK_DOCUMENT (256u << 20)

static json_t *ask(int fd, const char *me, const char *name)
{
    size_t len = 0, cap = 1 << 16;
    char *text = malloc(cap);
    ssize_t got = -1;
    while (text && len < ASK_DOCUMENT && (got = read(fd, text + len, cap - len)) > 0) {
        len += (size_t)got;
        if (len == cap) {
            char *more = realloc(text, cap *= 2);
            if (!more)
                break;
            text = more;
        }
    }
    json_t *doc = text && got == 0 ? json_loadb(text, len, 0, NULL) : NULL;
    free(text);
    if (!json_is_object(doc))
        (void)fprintf(stderr, "%s: %s: %s\n", me, name,
                      got < 0 ? "does not answer: it may be stopped"
                              : "an answer that is no document");
    if (json_is_object(doc))
        return doc;
    json_decref(doc);
    return NULL;
}

/* Removes a socket at which nobody listens, and the one beside it that took orders. */
static void forget(const char *path)
{
    char other[CONTROL_PATH + 64];
    size_t n = strlen(path);
    (void)unlink(path);
    if (n <= 5 || n >= sizeof other || strcmp(path + n - 5, ".sock") != 0)
        return;
    memcpy(other, path, n - 5);
    memcpy(other + n - 5, ".ctl", 5);
    (void)unlink(other);
}

/* Connects to the socket of a run; one that nobody listens at any more is removed. */
static int reach(const char *path, int type)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = 2};
    struct stat sb;
    if (strlen(path) >= sizeof sa.sun_path || lstat(path, &sb) < 0 || !S_ISSOCK(sb.st_mode))
        return -1;
    memcpy(sa.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
    if (errno == ECONNREFUSED)
        forget(path);
    (void)close(fd);
    return -1;
}

/* Does a run that is called base ("NAME.PID") answer to `want`? NAME, PID and NAME.PID do. */
static bool is_called(const char *base, const char *want)
{
    if (!want || strcmp(base, want) == 0)
        return true;
    const char *dot = strrchr(base, '.');
    return dot && (strcmp(dot + 1, want) == 0 || (strlen(want) == (size_t)(dot - base) &&
                                                  strncmp(base, want, strlen(want)) == 0));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ask_run *)a)->name, ((const struct ask_run *)b)->name);
}

static void ask_one(struct ask_runs *runs, const char *folder, const char *file, const char *want,
                    const char *me)
{
    char path[CONTROL_PATH + 64 + 256], base[64];
    size_t n = strlen(file);
    if (n < 6 || n - 5 >= sizeof base || strcmp(file + n - 5, ".sock") != 0)
        return;
    memcpy(base, file, n - 5);
    base[n - 5] = '\0';
    if (!is_called(base, want))
        return;
    if (runs->n == ASK_RUNS) {
        runs->too_many = true;
        return;
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    int fd = reach(path, SOCK_STREAM);
    if (fd < 0)
        return;
    json_t *doc = ask(fd, me, base);
    (void)close(fd);
    if (!doc)
        return;
    struct ask_run *r = &runs->run[runs->n++];
    memcpy(r->name, base, sizeof base);
    r->doc = doc;
}

/* 0, or -1 with why. */
int ask_runs(struct ask_runs *runs, const char *want, const char *me, char *why)
{
    char folder[CONTROL_PATH];
    if (control_folder(folder, false, why) < 0)
        return why[0] ? -1 : 0; /* no folder: no run ever was */
    DIR *d = opendir(folder);
    if (!d) {
        why_set(why, "%s: %s", folder, strerror(errno));
        return -1;
    }
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        ask_one(runs, folder, e->d_name, want, me);
    (void)closedir(d);
    qsort(runs->run, runs->n, sizeof runs->run[0], by_name);
    return 0;
}

/* The one order socket of the run called want: path, or -1 with why. */
static int order_path(const char *want, char path[CONTROL_PATH + 64], char *why)
{
    char folder[CONTROL_PATH], base[64];
    unsigned found = 0;
    DIR *d = control_folder(folder, false, why) == 0 ? opendir(folder) : NULL;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        size_t n = strlen(e->d_name);
        if (n < 5 || n - 4 >= sizeof base || strcmp(e->d_name + n - 4, ".ctl") != 0)
            continue;
        memcpy(base, e->d_name, n - 4);
        base[n - 4] = '\0';
        if (is_called(base, want) && found++ == 0)
            (void)snprintf(path, CONTROL_PATH + 64, "%.100s/%.63s.ctl", folder, base);
    }
    if (d)
        (void)closedir(d);
    if (found == 1)
        return 0;
    why_set(why,
            found ? "'%.60s': several runs are called so: give its pid (`tern ss` shows them)"
                  : "'%.60s': no such run (`tern ss` shows what there is)",
            want);
    return -1;
}

int ask_order(const char *want, const char *line, char *answer, size_t cap, char *why)
{
    char path[CONTROL_PATH + 64];
    if (order_path(want, path, why) < 0)
        return -1;
    int fd = reach(path, SOCK_SEQPACKET);
    ssize_t n = -1;
    if (fd >= 0 && send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
        n = recv(fd, answer, cap - 1, 0);
    if (fd >= 0)
        (void)close(fd);
    if (n <= 0) {
        why_set(why, "'%.60s': does not answer: it may be stopped, or have just ended", want);
        return -1;
    }
    answer[n] = '\0';
    return 0;
}
