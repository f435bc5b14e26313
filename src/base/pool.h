/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/pool.h: a fixed number of objects of one size, named by index 1..max (0 = none), taken and
 * returned in constant time. Untouched objects are never written, so a hosted caller pays only for
 * what was used at the same time.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

/* Failing takes on purpose, shared by all the pools of a stack (tern_stack_fail_take). */
struct pool_fault {
    uint64_t takes;   /* since the counter was last read */
    uint64_t fail_at; /* the take that fails, counted from now; 0 = none */
    uint8_t persist;
};
/* Counts a take; nonzero if this one must fail. */
int pool_fault_hit(struct pool_fault *f);

struct pool {
    uint8_t *base;
    uint32_t size; /* octets of one object, at least 4 */
    uint32_t max;
    uint32_t used;
    uint32_t fresh; /* objects 1..fresh have been taken at least once */
    uint32_t free_head;
    struct pool_fault *fault; /* may be NULL */
};

void pool_init(struct pool *p, void *base, uint32_t size, uint32_t max, struct pool_fault *fault);
/* Takes an object: its index, or 0 when all are in use. Its octets are undefined. */
uint32_t pool_take(struct pool *p);
void pool_give(struct pool *p, uint32_t idx);
static inline void *pool_at(const struct pool *p, uint32_t idx)
{
    return p->base + (size_t)(idx - 1) * p->size;
}
/* The same for a pool of `type`, whose size the compiler then knows: no multiplication. */
#define POOL_AT(type, p, idx) ((type *)(void *)(p)->base + ((idx)-1))
static inline uint32_t pool_index(const struct pool *p, const void *obj)
{
    return (uint32_t)((size_t)((const uint8_t *)obj - p->base) / p->size) + 1;
}

#endif
