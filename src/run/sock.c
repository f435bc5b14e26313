/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/sock.c: the table of the program's sockets.
 *
 * A socket is known by its inode number, which all its descriptors share wherever they have gone.
 * The stack knows it by a number (slot and generation), so that an event for a socket that is gone
 * finds nothing.
 *
 * Closing is a call that does not come here. A connected socket shows it at our end; for the others
 * (never connected, listening, or finished while still open) the kernel's list of AF_UNIX sockets
 * is read now and then, when the table has doubled.
 */
#include "run/sup.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWEEP_MIN 512

uint64_t sk_inode(const struct run *r, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_dev != r->sock_dev)
        return 0;
    return st.st_ino;
}

static struct sk **sk_chain(struct run *r, uint64_t ino)
{
    return &r->by_ino[ino % RUN_HASH];
}

static struct sk *sk_by_ino(const struct run *r, uint64_t ino)
{
    struct sk *sk = ino ? r->by_ino[ino % RUN_HASH] : NULL;
    while (sk && sk->ino != ino)
        sk = sk->next;
    return sk;
}

struct sk *sk_by_fd(const struct run *r, int fd)
{
    return sk_by_ino(r, sk_inode(r, fd));
}

struct sk *sk_by_id(const struct run *r, uint64_t id)
{
    uint32_t slot = (uint32_t)id;
    if (slot == 0 || slot > r->slots)
        return NULL;
    struct sk *sk = r->slot[slot - 1];
    return sk && sk->id == id ? sk : NULL;
}

struct sk *sk_each(const struct run *r, uint32_t *cursor)
{
    while (*cursor < r->slots) {
        struct sk *sk = r->slot[(*cursor)++];
        if (sk)
            return sk;
    }
    return NULL;
}

static void sk_unhash(struct sk *sk)
{
    struct sk **at = sk_chain(sk->run, sk->ino);
    while (*at && *at != sk)
        at = &(*at)->next;
    if (*at)
        *at = sk->next;
    sk->next = NULL;
}

void sk_set_ino(struct sk *sk, uint64_t ino)
{
    if (sk->ino)
        sk_unhash(sk);
    struct sk *old = sk_by_ino(sk->run, ino);
    if (old) /* its number is used again: it was closed */
        sk_free(old);
    sk->ino = ino;
    if (!ino)
        return;
    struct sk **at = sk_chain(sk->run, ino);
    sk->next = *at;
    *at = sk;
}

static int64_t sk_find_slot(struct run *r)
{
    for (uint32_t i = 0; i < r->slots; i++) {
        uint32_t s = (r->slot_free_hint + i) % r->slots;
        if (!r->slot[s])
            return s;
        if (i > 64 && r->sks + r->sks / 8 >= r->slots)
            break; /* nearly full: growing is cheaper than looking */
    }
    uint32_t n = r->slots ? r->slots * 2 : 256;
    const size_t octets = sizeof(uintptr_t); /* a slot: one pointer */
    struct sk **t = realloc(r->slot, n * octets);
    if (!t)
        return -1;
    memset(t + r->slots, 0, (n - r->slots) * octets);
    uint32_t first = r->slots;
    r->slot = t;
    r->slots = n;
    return first;
}

struct sk *sk_new(struct run *r, uint8_t proto, uint64_t ino)
{
    if (r->sks >= r->sweep_at)
        sk_sweep(r);
    struct sk *sk = calloc(1, sizeof *sk);
    int64_t slot = sk ? sk_find_slot(r) : -1;
    if (slot < 0) {
        free(sk);
        return NULL;
    }
    r->names++;
    *sk = (struct sk){.run = r, .proto = proto, .end = -1, .app = -1, .fd = -1};
    sk->id = (r->names & UINT32_MAX) << 32 | (uint64_t)(slot + 1);
    r->slot[slot] = sk;
    r->slot_free_hint = (uint32_t)slot + 1;
    r->sks++;
    sk_set_ino(sk, ino);
    return sk;
}

void sk_free(struct sk *sk)
{
    struct run *r = sk->run;
    tern_assert(!sk->in_queue);
    data_close_end(sk);
    if (sk->lis)
        listen_free(sk);
    if (sk->udp)
        usock_free(sk);
    keys_free(sk);
    if (sk->h.id)
        (void)tern_close(r->cfg.st, sk->h, tern_loop_now(r->cfg.loop));
    if (sk->ino)
        sk_unhash(sk);
    uint32_t slot = (uint32_t)sk->id - 1;
    r->slot[slot] = NULL;
    r->slot_free_hint = slot;
    r->sks--;
    free(sk);
}

/* ---- which of them still exist ---- */

struct inodes {
    uint64_t *ino;
    size_t n, cap;
};

static int inode_cmp(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Num RefCount Protocol Flags Type St Inode Path: the seventh column, 0 = there is none. */
static uint64_t inode_of_line(const char *at)
{
    for (int column = 0; column < 6; column++) {
        at += strspn(at, " ");
        at += strcspn(at, " ");
    }
    return strtoull(at, NULL, 10);
}

/* The inode numbers of all AF_UNIX sockets, in order; false when the list cannot be read. */
static bool inodes_read(struct inodes *in)
{
    FILE *f = fopen("/proc/net/unix", "re");
    if (!f)
        return false;
    char line[512];
    bool ok = fgets(line, sizeof line, f) != NULL; /* the heading */
    while (ok && fgets(line, sizeof line, f)) {
        uint64_t ino = inode_of_line(line);
        if (!ino)
            continue;
        if (in->n == in->cap) {
            size_t cap = in->cap ? in->cap * 2 : 1024;
            uint64_t *t = realloc(in->ino, cap * sizeof *t);
            if (!t) {
                ok = false;
                break;
            }
            in->ino = t;
            in->cap = cap;
        }
        in->ino[in->n++] = ino;
    }
    (void)fclose(f);
    if (in->n)
        qsort(in->ino, in->n, sizeof *in->ino, inode_cmp);
    return ok;
}

static bool inodes_have(const struct inodes *in, uint64_t ino)
{
    return in->n && bsearch(&ino, in->ino, in->n, sizeof *in->ino, inode_cmp) != NULL;
}

/* Whether a socket's end is known only from the list. */
static bool sk_silent(const struct sk *sk)
{
    return sk->ino && !sk->in_queue && !sk->held && sk->end < 0 && sk->state != SK_CONNECTING &&
           !usock_leaving(sk);
}

void sk_sweep(struct run *r)
{
    struct inodes in = {0};
    if (inodes_read(&in)) {
        for (uint32_t i = 0; i < r->slots; i++) {
            struct sk *sk = r->slot[i];
            if (sk && sk_silent(sk) && !inodes_have(&in, sk->ino))
                sk_free(sk);
        }
    }
    free(in.ino);
    r->sweep_at = r->sks * 2 > SWEEP_MIN ? r->sks * 2 : SWEEP_MIN;
}

bool sk_alive(struct sk *sk)
{
    struct inodes in = {0};
    bool alive = !inodes_read(&in) || inodes_have(&in, sk->ino);
    free(in.ino);
    return alive;
}

/* ---- kernel sockets ---- */

void sk_big_buffer(int fd, int octets)
{
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof octets) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets); /* up to wmem_max */
}

/* An abstract name that nobody else guesses. */
int sk_name(struct run *r, struct sockaddr_un *un, socklen_t *len, char kind)
{
    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(un->sun_path + 1, sizeof un->sun_path - 1, "tern-%016llx%016llx-%c%llu",
                     (unsigned long long)r->key[0], (unsigned long long)r->key[1], kind,
                     (unsigned long long)++r->names);
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    return 0;
}
