/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/feed.c: merges two rings. The clock alone cannot tell the order: within one turn of the loop
 * both stacks work at one instant. But a frame keeps its number on an in-process wire, so an
 * arrival whose sending has not been told yet waits until the other ring has told it.
 */
#include "see/feed.h"

#include "base/assert.h"

void feed_init(struct feed *fd, struct tern_stack *a, struct tern_stack *b)
{
    *fd = (struct feed){.read = tern_trace_read};
    fd->source[0].st = a;
    fd->source[1].st = b;
}

void feed_add_sink(struct feed *fd, const struct feed_sink *sink)
{
    tern_assert(fd->nsink < FEED_SINKS && sink->record);
    fd->sink[fd->nsink++] = *sink;
}

static void feed_fill(struct feed *fd, unsigned s)
{
    struct feed_source *src = &fd->source[s];
    if (src->at < src->n || !src->st)
        return;
    uint64_t lost = 0;
    src->at = 0;
    src->n = fd->read(src->st, src->batch, FEED_BATCH, &lost);
    tern_assert(src->n <= FEED_BATCH);
    for (unsigned i = 0; lost && i < fd->nsink; i++) {
        if (fd->sink[i].missed)
            fd->sink[i].missed(fd->sink[i].ctx, s, lost);
    }
}

static const struct tern_trace *feed_head(const struct feed_source *src)
{
    return src->at < src->n ? &src->batch[src->at] : NULL;
}

/* An arrival that the other stack has not told sent yet. */
static bool feed_waits(const struct tern_trace *r, const struct feed_source *other)
{
    if (r->id == 0 ||
        (r->kind != TERN_TR_SEG_RX && r->kind != TERN_TR_OTHER_RX && r->kind != TERN_TR_DROP))
        return false;
    return !other->has_sent || (int32_t)(r->id - other->sent_id) > 0;
}

/* Which source's head comes first; -1 when both are empty. */
static int feed_choose(const struct feed *fd)
{
    const struct tern_trace *a = feed_head(&fd->source[0]);
    const struct tern_trace *b = feed_head(&fd->source[1]);
    if (!a || !b)
        return a ? 0 : b ? 1 : -1;
    bool wait_a = feed_waits(a, &fd->source[1]);
    bool wait_b = feed_waits(b, &fd->source[0]);
    if (wait_a != wait_b)
        return wait_a ? 1 : 0;
    return b->time.ns < a->time.ns ? 1 : 0;
}

static void feed_tell(struct feed *fd, unsigned s, const struct tern_trace *r)
{
    for (unsigned i = 0; i < fd->nsink; i++)
        fd->sink[i].record(fd->sink[i].ctx, s, r);
}

void feed_pull(struct feed *fd)
{
    for (;;) {
        feed_fill(fd, 0);
        feed_fill(fd, 1);
        int s = feed_choose(fd);
        if (s < 0)
            return;
        struct feed_source *src = &fd->source[s];
        const struct tern_trace *r = &src->batch[src->at++];
        if ((r->kind == TERN_TR_SEG_TX || r->kind == TERN_TR_OTHER_TX) && r->id != 0) {
            src->sent_id = r->id;
            src->has_sent = true;
        }
        feed_tell(fd, (unsigned)s, r);
    }
}

void feed_note(void *ctx, const struct tern_trace *r)
{
    struct feed *fd = ctx;
    feed_pull(fd);
    feed_tell(fd, 0, r);
}
