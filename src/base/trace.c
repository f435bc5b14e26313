/* SPDX-License-Identifier: BSD-2-Clause */
/* base/trace.c: reading the ring; writing is inline. */
#include "base/trace.h"

size_t trace_read(struct trace *t, struct tern_trace *out, size_t n, uint64_t *lost)
{
    uint64_t gone = 0;
    if (t->ring != NULL && t->head - t->tail > (uint64_t)t->mask + 1) {
        gone = t->head - t->tail - ((uint64_t)t->mask + 1);
        t->tail += gone;
    }
    if (lost != NULL)
        *lost = gone;
    size_t got = 0;
    if (t->ring == NULL)
        return 0;
    while (got < n && t->tail < t->head)
        out[got++] = t->ring[t->tail++ & t->mask];
    return got;
}
