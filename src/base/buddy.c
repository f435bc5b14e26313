/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/buddy.c: a block of order k is BUDDY_MIN << k octets and begins at a multiple of its size;
 * its buddy is the block whose page number differs in bit k. Taking splits the smallest free block
 * that is large enough; returning joins a block with its buddy as long as that one is free and
 * whole.
 */
#include "base/buddy.h"
#include "base/assert.h"
#include <string.h>

static uint32_t buddy_order(uint32_t n)
{
    if (n <= BUDDY_MIN)
        return 0;
    return 32u - (uint32_t)__builtin_clz(n - 1) - (uint32_t)__builtin_ctz(BUDDY_MIN);
}

static void buddy_push(struct buddy *b, uint32_t i, uint32_t order)
{
    struct buddy_page *pg = &b->page[i];
    uint32_t head = b->free_head[order];

    *pg = (struct buddy_page){.next = head, .order = (uint8_t)order, .free = 1};
    if (head != 0)
        b->page[head - 1].prev = i + 1;
    b->free_head[order] = i + 1;
}

static void buddy_unlink(struct buddy *b, uint32_t i)
{
    struct buddy_page *pg = &b->page[i];

    tern_assert(pg->free && pg->order < b->orders);
    if (pg->prev != 0)
        b->page[pg->prev - 1].next = pg->next;
    else
        b->free_head[pg->order] = pg->next;
    if (pg->next != 0)
        b->page[pg->next - 1].prev = pg->prev;
    pg->free = 0;
}

size_t buddy_meta_size(uint64_t bytes)
{
    tern_assert(bytes >= BUDDY_MIN && (bytes & (bytes - 1)) == 0);
    return (size_t)(bytes / BUDDY_MIN) * sizeof(struct buddy_page);
}

void buddy_init(struct buddy *b, void *arena, uint64_t bytes, void *meta, struct pool_fault *fault)
{
    tern_assert(arena != NULL && meta != NULL);
    tern_assert(bytes >= BUDDY_MIN && (bytes & (bytes - 1)) == 0);
    memset(b, 0, sizeof *b);
    b->base = arena;
    b->page = meta;
    b->total = bytes;
    b->fault = fault;
    b->orders = (uint32_t)__builtin_ctzll(bytes / BUDDY_MIN) + 1;
    tern_assert(b->orders <= BUDDY_ORDERS);
    buddy_push(b, 0, b->orders - 1);
}

void *buddy_take(struct buddy *b, uint32_t n)
{
    uint32_t want = buddy_order(n), order = want;

    if (pool_fault_hit(b->fault))
        return NULL;
    while (order < b->orders && b->free_head[order] == 0)
        order++;
    if (order >= b->orders)
        return NULL;
    uint32_t i = b->free_head[order] - 1;
    buddy_unlink(b, i);
    while (order > want) {
        order--;
        buddy_push(b, i + (UINT32_C(1) << order), order);
    }
    b->page[i].order = (uint8_t)want;
    b->used += (uint64_t)BUDDY_MIN << want;
    tern_assert(b->used <= b->total);
    return b->base + (uint64_t)i * BUDDY_MIN;
}

bool buddy_easy(const struct buddy *b, uint32_t n)
{
    uint32_t order = buddy_order(n);

    if (b->used > b->total / 2)
        return false;
    while (order < b->orders && b->free_head[order] == 0)
        order++;
    return order < b->orders;
}

void buddy_give(struct buddy *b, void *p, uint32_t n)
{
    uint64_t off = (uint64_t)((uintptr_t)p - (uintptr_t)b->base);
    uint32_t order = buddy_order(n);

    tern_assert(off < b->total && off % BUDDY_MIN == 0);
    uint32_t i = (uint32_t)(off / BUDDY_MIN);
    tern_assert(!b->page[i].free && b->page[i].order == order);
    tern_assert(b->used >= (uint64_t)BUDDY_MIN << order);
    b->used -= (uint64_t)BUDDY_MIN << order;
    while (order + 1 < b->orders) {
        uint32_t other = i ^ UINT32_C(1) << order;
        if (!b->page[other].free || b->page[other].order != order)
            break;
        buddy_unlink(b, other);
        i &= ~(UINT32_C(1) << order);
        order++;
    }
    buddy_push(b, i, order);
}
