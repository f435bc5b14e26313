/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/wheel.c: where a deadline lies, and how the present moves over it.
 *
 * A deadline's tick and the present tick, both as numbers to base 64, first differ at some digit:
 * that is the level, and the deadline's digit there is the slot. So every deadline on a lower level
 * is earlier than every one on a higher level, slots of a level are in order, and the first busy
 * slot of the lowest busy level is the next thing to look at. When the present reaches a slot of a
 * higher level, its nodes are placed anew and all of them land lower (each node moves at most five
 * times in its life).
 *
 * The top level is a true ring instead: its slots count from the present one, 1 to 63 slots ahead,
 * so that no deadline is ever out of reach for having a differing higher digit. What is further
 * away than 63 slots is parked in the last one and placed anew when the present comes there.
 */
#include "base/wheel.h"
#include "base/assert.h"
#include <string.h>

#define TICK_SHIFT 16
#define DIGIT      6
#define TOP        (WHEEL_LEVELS - 1)
#define TOP_SHIFT  (DIGIT * TOP)

static struct wheel_node *wheel_node(const struct wheel *w, uint32_t idx)
{
    return (struct wheel_node *)(void *)((uint8_t *)pool_at(w->pool, idx) + w->off);
}

/* The first tick at or after an instant. */
static int64_t wheel_tick_of(int64_t ns)
{
    return (ns >> TICK_SHIFT) + ((ns & ((1 << TICK_SHIFT) - 1)) != 0);
}

/* The slot, counted over all levels. */
static size_t wheel_slot_of(const struct wheel *w, int64_t tick)
{
    uint64_t differ = (uint64_t)tick ^ (uint64_t)w->tick;
    size_t level = differ ? (63u - (unsigned)__builtin_clzll(differ)) / DIGIT : 0;

    if (level < TOP)
        return level * WHEEL_SLOTS + ((uint64_t)tick >> (DIGIT * level)) % WHEEL_SLOTS;
    int64_t ahead = (tick >> TOP_SHIFT) - (w->tick >> TOP_SHIFT);
    tern_assert(ahead >= 1);
    if (ahead > WHEEL_SLOTS - 1)
        ahead = WHEEL_SLOTS - 1;
    return (size_t)TOP * WHEEL_SLOTS + (uint64_t)((w->tick >> TOP_SHIFT) + ahead) % WHEEL_SLOTS;
}

static void wheel_place(struct wheel *w, uint32_t idx)
{
    struct wheel_node *n = wheel_node(w, idx);
    int64_t tick = wheel_tick_of(n->due_ns);
    size_t slot = wheel_slot_of(w, tick > w->tick ? tick : w->tick);

    n->slot = (uint16_t)slot;
    list_push_tail(&w->slot[slot], w->pool, w->off + offsetof(struct wheel_node, link), idx);
    w->busy[slot / WHEEL_SLOTS] |= UINT64_C(1) << slot % WHEEL_SLOTS;
}

static void wheel_take(struct wheel *w, uint32_t idx)
{
    struct wheel_node *n = wheel_node(w, idx);
    unsigned slot = n->slot;

    tern_assert(slot < WHEEL_LEVELS * WHEEL_SLOTS);
    list_remove(&w->slot[slot], w->pool, w->off + offsetof(struct wheel_node, link), idx);
    if (w->slot[slot].count == 0)
        w->busy[slot / WHEEL_SLOTS] &= ~(UINT64_C(1) << slot % WHEEL_SLOTS);
    n->slot = UINT16_MAX;
}

/* The next slot to look at, and the tick at which it begins; -1 when nothing is armed. */
static int wheel_next(const struct wheel *w, int64_t *begin)
{
    for (unsigned level = 0; level < TOP; level++) {
        if (w->busy[level] == 0)
            continue;
        unsigned s = (unsigned)__builtin_ctzll(w->busy[level]), shift = DIGIT * level;
        uint64_t above = (uint64_t)w->tick >> (shift + DIGIT) << (shift + DIGIT);
        *begin = (int64_t)(above | (uint64_t)s << shift);
        return (int)(level * WHEEL_SLOTS + s);
    }
    if (w->busy[TOP] == 0)
        return -1;
    unsigned here = (uint64_t)(w->tick >> TOP_SHIFT) % WHEEL_SLOTS;
    uint64_t ring = w->busy[TOP] >> here;
    if (here > 0)
        ring |= w->busy[TOP] << (WHEEL_SLOTS - here);
    unsigned ahead = (unsigned)__builtin_ctzll(ring);
    tern_assert(ahead >= 1);
    *begin = (int64_t)((uint64_t)((w->tick >> TOP_SHIFT) + ahead) << TOP_SHIFT);
    return (int)(TOP * WHEEL_SLOTS + (here + ahead) % WHEEL_SLOTS);
}

void wheel_init(struct wheel *w, const struct pool *pool, size_t off, struct tern_time now)
{
    tern_assert(pool != NULL && off + sizeof(struct wheel_node) <= pool->size);
    tern_assert(off % _Alignof(struct link) == 0);
    memset(w, 0, sizeof *w);
    w->pool = pool;
    w->off = off;
    w->tick = now.ns >> TICK_SHIFT;
}

void wheel_node_init(struct wheel_node *n)
{
    n->link = (struct link){LIST_OUT, LIST_OUT};
    n->due_ns = INT64_MAX;
    n->slot = UINT16_MAX;
}

void wheel_set(struct wheel *w, uint32_t idx, struct tern_time at)
{
    struct wheel_node *n = wheel_node(w, idx);

    if (wheel_armed(n)) {
        if (n->due_ns == at.ns)
            return;
        wheel_take(w, idx);
        w->armed--;
    }
    n->due_ns = at.ns;
    if (at.ns == INT64_MAX)
        return;
    wheel_place(w, idx);
    w->armed++;
}

uint32_t wheel_pop(struct wheel *w, struct tern_time now)
{
    int64_t present = now.ns >> TICK_SHIFT, begin = 0;

    if (present < w->tick)
        present = w->tick;
    for (;;) {
        int slot = wheel_next(w, &begin);
        if (slot < 0 || begin > present) {
            w->tick = present; /* skips only empty slots */
            return 0;
        }
        if (begin > w->tick)
            w->tick = begin;
        if (slot < WHEEL_SLOTS) {
            uint32_t idx = w->slot[slot].head;
            wheel_take(w, idx);
            w->armed--;
            return idx;
        }
        for (uint32_t left = w->slot[slot].count; left > 0; left--) {
            uint32_t idx = w->slot[slot].head;
            wheel_take(w, idx);
            wheel_place(w, idx);
        }
    }
}

struct tern_time wheel_deadline(const struct wheel *w)
{
    int64_t begin = 0;

    if (wheel_next(w, &begin) < 0)
        return TERN_NEVER;
    if (begin > INT64_MAX >> TICK_SHIFT)
        begin = INT64_MAX >> TICK_SHIFT;
    return (struct tern_time){begin * (1 << TICK_SHIFT)};
}
