/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/feed.h: the traces of one or two stacks as one stream in causal order: a segment is told sent
 * before it is told arrived, although each stack has a ring of its own and both may stand at the
 * same instant of the clock.
 */
#ifndef SEE_FEED_H
#define SEE_FEED_H

#include <tern/event.h>

#define FEED_SINKS 4
#define FEED_BATCH 256

struct feed_sink {
    /* stack is 0 or 1; a note of a link (TERN_TR_LINK) comes as stack 0. */
    void (*record)(void *ctx, unsigned stack, const struct tern_trace *r);
    /* So many records of that stack were overwritten unread; may be NULL. */
    void (*missed)(void *ctx, unsigned stack, uint64_t n);
    void *ctx;
};

struct feed_source {
    struct tern_stack *st; /* NULL = none */
    struct tern_trace batch[FEED_BATCH];
    size_t at, n;
    uint32_t sent_id; /* newest frame that it has told sent */
    bool has_sent;
};

struct feed {
    size_t (*read)(struct tern_stack *st, struct tern_trace *out, size_t n, uint64_t *lost);
    struct feed_source source[2];
    struct feed_sink sink[FEED_SINKS];
    unsigned nsink;
};

/* b may be NULL. Reads with tern_trace_read() (tests replace fd->read). */
void feed_init(struct feed *fd, struct tern_stack *a, struct tern_stack *b);
void feed_add_sink(struct feed *fd, const struct feed_sink *sink);
/* Passes on all that is there now. */
void feed_pull(struct feed *fd);
/* A tern_port.note (ctx is the feed): passes on what is there, then the note. */
void feed_note(void *ctx, const struct tern_trace *r);

#endif
