/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/buddy.h: power-of-two blocks from one arena (Knowlton's buddy system), for the rings that
 * hold bytes. The bookkeeping is beside the arena, not in it, so a free block is never touched.
 *
 * The smallest block is BUDDY_MIN octets; taking and returning walk at most one level a size.
 */
#ifndef BASE_BUDDY_H
#define BASE_BUDDY_H

#include "base/pool.h"
#include <stdbool.h>

#define BUDDY_MIN    2048u
#define BUDDY_ORDERS 24

struct buddy_page {
    uint32_t prev, next; /* free list of this order, by page number + 1 */
    uint8_t order;       /* of the block that begins here */
    uint8_t free;        /* 1 = begins a free block */
};

struct buddy {
    uint8_t *base;
    struct buddy_page *page;
    uint64_t total, used; /* octets */
    uint32_t free_head[BUDDY_ORDERS];
    uint32_t orders; /* the whole arena is one block of order orders-1 */
    struct pool_fault *fault;
};

/* Octets of bookkeeping for an arena of `bytes` (a power of two, BUDDY_MIN .. 2^34). */
size_t buddy_meta_size(uint64_t bytes);
/* meta: buddy_meta_size() octets, all zero. */
void buddy_init(struct buddy *b, void *arena, uint64_t bytes, void *meta, struct pool_fault *fault);
/* A block of at least n octets (rounded up to a power of two), or NULL. */
void *buddy_take(struct buddy *b, uint32_t n);
/* True when there is a block of that size and the arena is at most half full: a caller who wants
 * more than it needs, for speed, asks first. */
bool buddy_easy(const struct buddy *b, uint32_t n);
/* n as it was asked for (or its power of two). */
void buddy_give(struct buddy *b, void *p, uint32_t n);

#endif
