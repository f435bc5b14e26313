/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/record.c: a capture of everything that passes a port, as the stack on this side sees it.
 *
 * Super-segments are written whole, as a capture on Linux shows them with offload on. A checksum
 * that was left to the link is completed in the written copy only, so a reader finds no false
 * error. Each sent packet carries its cause as a comment; an arrived one does if the link knows it.
 * Time stamps: the port's own clock, shifted once to the time of day.
 */
#include "base/assert.h"
#include "port/frame.h"
#include "port/pcapng.h"
#include "port/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct record {
    struct tern_port port;
    struct tern_port *inner;
    struct pcapng *file;
    int64_t to_wall_ns; /* added to a tern_time */
    uint8_t *copy;
    size_t cap;
};

static struct record *record_of(struct tern_port *p)
{
    return (struct record *)(void *)p;
}

static void record_frame(struct record *rc, const struct tern_frame *f, enum pcapng_dir dir,
                         struct tern_time now)
{
    const uint8_t *data = f->data;
    if (f->csum == TERN_CSUM_PARTIAL && f->len <= rc->cap) {
        struct tern_frame tmp = *f;
        memcpy(rc->copy, f->data, f->len);
        tmp.data = rc->copy;
        frame_finish_csum(&tmp);
        data = rc->copy;
    }
    char note[256];
    note[0] = '\0';
    if (f->cause)
        (void)snprintf(note, sizeof note, "%s: %s (%s)", tern_cause_name(f->cause),
                       tern_cause_text(f->cause), tern_cause_ref(f->cause));
    pcapng_packet(rc->file, (uint64_t)(now.ns + rc->to_wall_ns), dir, data, f->len, note);
}

static size_t record_rx(struct tern_port *self, struct tern_frame *frames, size_t n,
                        struct tern_time now)
{
    struct record *rc = record_of(self);
    n = rc->inner->ops->rx(rc->inner, frames, n, now);
    for (size_t i = 0; i < n; i++)
        record_frame(rc, &frames[i], PCAPNG_IN, now);
    if (n == 0) /* nothing to do: let those who watch the file see it */
        pcapng_flush(rc->file);
    return n;
}

static size_t record_tx_get(struct tern_port *self, struct tern_frame *frames, size_t n,
                            struct tern_time now)
{
    struct record *rc = record_of(self);
    return rc->inner->ops->tx_get(rc->inner, frames, n, now);
}

static void record_tx_put(struct tern_port *self, struct tern_frame *frames, size_t n,
                          struct tern_time now)
{
    struct record *rc = record_of(self);
    for (size_t i = 0; i < n; i++)
        record_frame(rc, &frames[i], PCAPNG_OUT, now);
    rc->inner->ops->tx_put(rc->inner, frames, n, now);
}

static struct tern_time record_deadline(const struct tern_port *self)
{
    const struct record *rc = (const struct record *)(const void *)self;
    return rc->inner->ops->deadline(rc->inner);
}

static int record_fd(const struct tern_port *self)
{
    const struct record *rc = (const struct record *)(const void *)self;
    return rc->inner->ops->fd(rc->inner);
}

static int record_fd2(const struct tern_port *self)
{
    const struct record *rc = (const struct record *)(const void *)self;
    return tern_port_fd2(rc->inner);
}

static void record_close(struct tern_port *self)
{
    struct record *rc = record_of(self);
    rc->inner->ops->close(rc->inner);
    pcapng_close(rc->file);
    free(rc->copy);
    free(rc);
}

static const struct tern_port_ops record_ops = {
    .name = "record",
    .rx = record_rx,
    .tx_get = record_tx_get,
    .tx_put = record_tx_put,
    .deadline = record_deadline,
    .fd = record_fd,
    .fd2 = record_fd2,
    .close = record_close,
};

static int64_t record_wall_offset(void)
{
    struct timespec wall, mono;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    return (wall.tv_sec - mono.tv_sec) * 1000000000 + (wall.tv_nsec - mono.tv_nsec);
}

int tern_record_new(struct tern_port *inner, const char *path, struct tern_port **port, char *why)
{
    tern_assert(inner && path && port);
    struct record *rc = calloc(1, sizeof *rc);
    uint32_t most = inner->gso_max > inner->mtu ? inner->gso_max : inner->mtu;
    size_t cap = (size_t)(most < 65535 ? 65535 : most) + FRAME_ETH_LEN;
    uint8_t *copy = malloc(cap);
    if (!rc || !copy) {
        why_set(why, "%.150s: out of memory", path);
        free(rc);
        free(copy);
        return -1;
    }
    enum pcapng_link link = inner->link == TERN_LINK_ETHER ? PCAPNG_ETHER : PCAPNG_RAW;
    rc->file = pcapng_open(path, link, inner->ops->name, why);
    if (!rc->file) {
        free(rc);
        free(copy);
        return -1;
    }
    rc->copy = copy;
    rc->cap = cap;
    rc->to_wall_ns = record_wall_offset();
    rc->inner = inner;
    rc->port = *inner;
    rc->port.ops = &record_ops;
    *port = &rc->port;
    return 0;
}
