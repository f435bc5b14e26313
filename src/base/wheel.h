/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/wheel.h: a hierarchical timing wheel over the objects of one pool (Varghese and Lauck,
 * 1987).
 *
 * One node an object, embedded at a fixed offset. Ticks are 2^16 ns (65.5 us): a deadline is
 * rounded up to a tick, so nothing fires early. Setting, stopping and firing are O(1); finding the
 * next deadline looks at one bitmap a level. Six levels of 64 slots reach 52 days; later deadlines
 * are parked in the last slot and looked at again.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/list.h"
#include "base/pool.h"
#include <tern/types.h>

#define WHEEL_LEVELS 6
#define WHEEL_SLOTS  64

/* Packed to 18 octets instead of 24, for each connection has one; its owner sees to it that it lies
 * at a multiple of 4. */
struct __attribute__((packed, aligned(2))) wheel_node {
    struct link link;
    int64_t due_ns; /* exact deadline */
    uint16_t slot;  /* level * 64 + slot while armed; UINT16_MAX = not armed */
};

struct wheel {
    const struct pool *pool;
    size_t off;   /* of the node in the object */
    int64_t tick; /* the present, in ticks: everything due before it has fired */
    uint64_t busy[WHEEL_LEVELS];
    struct list slot[WHEEL_LEVELS * WHEEL_SLOTS];
    uint32_t armed;
};

void wheel_init(struct wheel *w, const struct pool *pool, size_t off, struct tern_time now);
void wheel_node_init(struct wheel_node *n);
static inline int wheel_armed(const struct wheel_node *n)
{
    return n->slot != UINT16_MAX;
}
/* (Re)arms object idx's node; at = TERN_NEVER stops it. A deadline in the past is due at once. */
void wheel_set(struct wheel *w, uint32_t idx, struct tern_time at);
/* Takes one object whose deadline is at or before now; 0 when there is none. Objects come in order
 * of their tick. */
uint32_t wheel_pop(struct wheel *w, struct tern_time now);
/* The earliest instant at which wheel_pop may return something (may be early by a slot of a higher
 * level, never late), or NEVER. */
struct tern_time wheel_deadline(const struct wheel *w);

#endif
