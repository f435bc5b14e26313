/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/ranges.h: an ordered list of disjoint sequence intervals, from a shared pool with a budget
 * for each list: the receiver's out-of-order map (and its SACK blocks, RFC 2018).
 */
#ifndef BASE_RANGES_H
#define BASE_RANGES_H

#include "base/pool.h"
#include "base/seq.h"
#include <stdbool.h>

struct range {
    struct seq lo, hi; /* [lo, hi) */
    uint32_t next;     /* index of the next higher one, 0 = last */
    uint32_t stamp;    /* higher = changed more recently */
};

struct ranges {
    uint32_t head; /* index in the pool; 0 = empty */
    uint16_t count;
    uint16_t max; /* budget */
    uint32_t stamp;
};

/* Adds [lo, hi), lo < hi, merging with what it touches. False when that would need one more node
 * than the pool or the budget has; the list is then unchanged. */
bool ranges_add(struct ranges *r, struct pool *p, struct seq lo, struct seq hi);
/* Is [lo, hi) wholly covered? / does any octet of it lie in the list? */
bool ranges_covers(const struct ranges *r, const struct pool *p, struct seq lo, struct seq hi);
bool ranges_overlaps(const struct ranges *r, const struct pool *p, struct seq lo, struct seq hi);
/* If the first interval begins at or before `from`, takes it off and returns its end; otherwise
 * returns `from`. Repeats over intervals that this reaches. */
struct seq ranges_take_from(struct ranges *r, struct pool *p, struct seq from);
/* The n most recently changed intervals, newest first (SACK order [RFC2018:4]); returns how many.
 */
unsigned ranges_recent(const struct ranges *r, const struct pool *p, struct range *out, unsigned n);
/* The end of the highest interval, or `none`. */
struct seq ranges_top(const struct ranges *r, const struct pool *p, struct seq none);
void ranges_clear(struct ranges *r, struct pool *p);

#endif
