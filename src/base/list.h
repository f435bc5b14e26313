/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/list.h: doubly linked lists of pool objects, linked by index so that a link costs 8 octets.
 * The link is a member of the object at a fixed offset; 0 ends a list; an object that is on no list
 * has next == LIST_OUT.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/assert.h"
#include "base/pool.h"

#define LIST_OUT UINT32_MAX

struct link {
    uint32_t prev, next;
};

struct list {
    uint32_t head, tail;
    uint32_t count;
};

static inline struct link *list_link(const struct pool *p, size_t off, uint32_t idx)
{
    return (struct link *)(void *)((uint8_t *)pool_at(p, idx) + off);
}
static inline void link_init(struct link *l)
{
    l->prev = l->next = LIST_OUT;
}
static inline int link_in(const struct link *l)
{
    return l->next != LIST_OUT;
}
static inline void list_push_tail(struct list *l, const struct pool *p, size_t off, uint32_t idx)
{
    struct link *k = list_link(p, off, idx);
    tern_assert(!link_in(k));
    k->prev = l->tail;
    k->next = 0;
    if (l->tail)
        list_link(p, off, l->tail)->next = idx;
    else
        l->head = idx;
    l->tail = idx;
    l->count++;
}
static inline void list_remove(struct list *l, const struct pool *p, size_t off, uint32_t idx)
{
    struct link *k = list_link(p, off, idx);
    tern_assert(link_in(k) && l->count > 0);
    if (k->prev)
        list_link(p, off, k->prev)->next = k->next;
    else
        l->head = k->next;
    if (k->next)
        list_link(p, off, k->next)->prev = k->prev;
    else
        l->tail = k->prev;
    link_init(k);
    l->count--;
}
/* Takes the head off; 0 when empty. */
static inline uint32_t list_pop(struct list *l, const struct pool *p, size_t off)
{
    uint32_t idx = l->head;
    if (idx)
        list_remove(l, p, off, idx);
    return idx;
}

#endif
