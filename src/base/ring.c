/* SPDX-License-Identifier: BSD-2-Clause */
/* base/ring.c: growing, returning, and copying in and out in at most two pieces. */
#include "base/ring.h"
#include "base/assert.h"
#include <string.h>

#define RING_HINT_MAX (UINT32_C(1) << 20) /* beyond it growing by copying is rare enough */

static uint32_t ring_block(uint32_t want)
{
    if (want <= BUDDY_MIN)
        return BUDDY_MIN;
    return UINT32_C(1) << (32 - __builtin_clz(want - 1));
}

/* How much a first block should hold: what was needed lately, if there is plenty. */
static uint32_t ring_hint(const struct ring *r, const struct buddy *b, uint32_t want, uint32_t max)
{
    uint32_t hint = r->peak - r->peak / 8;
    if (hint > RING_HINT_MAX)
        hint = RING_HINT_MAX;
    if (hint > max)
        hint = max;
    return hint > want && buddy_easy(b, ring_block(hint)) ? hint : want;
}

bool ring_reserve(struct ring *r, struct buddy *b, uint32_t want, uint32_t max, uint32_t extent)
{
    tern_assert(extent >= r->len && extent <= r->cap);
    if (want > max || want > UINT32_C(1) << 31)
        return false;
    if (want <= r->cap) {
        if (want > r->peak)
            r->peak = want;
        return true;
    }
    uint32_t hold = r->cap == 0 ? ring_hint(r, b, want, max) : want;
    uint32_t cap = ring_block(hold);
    uint8_t *buf = buddy_take(b, cap);
    if (buf == NULL)
        return false;
    if (r->cap != 0) {
        ring_read(r, 0, buf, extent);
        buddy_give(b, r->buf, r->cap);
    }
    r->buf = buf;
    r->cap = cap;
    r->head = 0;
    r->peak = hold;
    return true;
}

void ring_release_if_empty(struct ring *r, struct buddy *b)
{
    if (r->len != 0)
        return;
    uint32_t peak = r->peak;
    ring_free(r, b);
    r->peak = peak;
}

void ring_free(struct ring *r, struct buddy *b)
{
    tern_assert(r->len <= r->cap);
    tern_assert((r->cap == 0) == (r->buf == NULL));
    if (r->cap != 0)
        buddy_give(b, r->buf, r->cap);
    *r = (struct ring){0};
}

void ring_write(struct ring *r, uint32_t off, const void *src, uint32_t n)
{
    tern_assert(off <= r->cap && n <= r->cap - off);
    if (n == 0)
        return;
    uint32_t first = n;
    uint8_t *to = ring_span(r, off, &first);
    memcpy(to, src, first);
    if (first < n)
        memcpy(r->buf, (const uint8_t *)src + first, n - first);
}

void ring_read(const struct ring *r, uint32_t off, void *dst, uint32_t n)
{
    tern_assert(off <= r->cap && n <= r->cap - off);
    if (n == 0)
        return;
    uint32_t first = n;
    const uint8_t *from = ring_span(r, off, &first);
    memcpy(dst, from, first);
    if (first < n)
        memcpy((uint8_t *)dst + first, r->buf, n - first);
}
