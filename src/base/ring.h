/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/ring.h: a byte queue in one power-of-two block, grown by copying and returned when empty.
 *
 * Bytes are addressed by their offset from the head. Bytes beyond len may be written ahead
 * (out-of-order data) and become part of the queue by ring_commit(). `extent` is how far beyond the
 * head bytes may have been written: growing keeps them.
 *
 * A queue that fills and empties again and again, as a bulk receiver's does with each batch of
 * frames, would grow by copying each time. It remembers how much it held lately, and begins with a
 * block for that; the memory fades by an eighth with each block taken.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include "base/buddy.h"
#include <stdbool.h>

struct ring {
    uint8_t *buf;  /* NULL while cap == 0 */
    uint32_t cap;  /* a power of two, or 0 */
    uint32_t head; /* position of the first byte in buf, < cap */
    uint32_t len;  /* bytes queued */
    uint32_t peak; /* most bytes asked for, lately; a hint that outlives the block */
};

/* Makes the ring hold at least `want` bytes (from the head), at most `max` (the limit may be any
 * number; the block is its next power of two). Keeps the first `extent` bytes. False if the arena
 * is empty or want > max; the ring is then unchanged. */
bool ring_reserve(struct ring *r, struct buddy *b, uint32_t want, uint32_t max, uint32_t extent);
/* Returns the block if nothing is queued (the caller knows that nothing is written ahead). */
void ring_release_if_empty(struct ring *r, struct buddy *b);
/* Drops everything, the hint too, and returns the block. */
void ring_free(struct ring *r, struct buddy *b);

/* The contiguous piece at offset off: *n is reduced to what is contiguous within cap. */
static inline uint8_t *ring_span(const struct ring *r, uint32_t off, uint32_t *n)
{
    uint32_t at = (r->head + off) & (r->cap - 1);
    if (*n > r->cap - at)
        *n = r->cap - at;
    return r->buf + at;
}
static inline void ring_commit(struct ring *r, uint32_t n)
{
    r->len += n;
}
static inline void ring_drop(struct ring *r, uint32_t n)
{
    r->head = (r->head + n) & (r->cap - 1);
    r->len -= n;
}
/* Copies n bytes in at offset off (off + n <= cap); does not change len. */
void ring_write(struct ring *r, uint32_t off, const void *src, uint32_t n);
/* Copies n bytes out from offset off. */
void ring_read(const struct ring *r, uint32_t off, void *dst, uint32_t n);

#endif
