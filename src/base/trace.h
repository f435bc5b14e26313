/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/trace.h: the one event stream, and the counters: who did what, and why.
 *
 * A bounded ring of struct tern_trace that overwrites its oldest records. With no ring (config
 * trace_records 0) trace_add() answers NULL after one test, and only the counters are kept.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/causes.h"
#include <string.h>
#include <tern/event.h>

struct trace {
    struct tern_trace *ring; /* NULL = nobody listens */
    uint32_t mask;
    uint64_t head; /* records ever written */
    uint64_t tail; /* records ever read or lost */
    uint64_t counter[CAUSES];
};

static inline void trace_count(struct trace *t, unsigned cause)
{
    t->counter[cause]++;
}
/* A zeroed record to be filled in by the caller, or NULL when nobody listens. Does not count. */
static inline struct tern_trace *trace_add(struct trace *t, struct tern_time now, unsigned kind,
                                           unsigned cause)
{
    if (t->ring == NULL)
        return NULL;
    struct tern_trace *r = &t->ring[t->head++ & t->mask];
    memset(r, 0, sizeof *r);
    r->time = now;
    r->kind = (uint8_t)kind;
    r->cause = (uint16_t)cause;
    return r;
}
/* See tern_trace_read(). */
size_t trace_read(struct trace *t, struct tern_trace *out, size_t n, uint64_t *lost);

#endif
