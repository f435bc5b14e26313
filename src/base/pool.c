/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/pool.c: objects returned are taken again last-in first-out; objects never used yet follow. A
 * free object's first four octets hold the index of the next free one.
 */
#include "base/pool.h"
#include "base/assert.h"
#include <string.h>

int pool_fault_hit(struct pool_fault *f)
{
    if (f == NULL)
        return 0;
    f->takes++;
    if (f->fail_at == 0)
        return 0;
    if (f->fail_at > 1) {
        f->fail_at--;
        return 0;
    }
    if (!f->persist)
        f->fail_at = 0;
    return 1;
}

void pool_init(struct pool *p, void *base, uint32_t size, uint32_t max, struct pool_fault *fault)
{
    tern_assert(size >= sizeof(uint32_t));
    tern_assert(base != NULL || max == 0);
    *p = (struct pool){.base = base, .size = size, .max = max, .fault = fault};
}

uint32_t pool_take(struct pool *p)
{
    uint32_t idx = p->free_head;

    if (pool_fault_hit(p->fault))
        return 0;
    if (idx != 0) {
        tern_assert(idx <= p->fresh);
        memcpy(&p->free_head, pool_at(p, idx), sizeof p->free_head);
    } else if (p->fresh < p->max) {
        idx = ++p->fresh;
    } else {
        return 0;
    }
    p->used++;
    tern_assert(p->used <= p->fresh);
    return idx;
}

void pool_give(struct pool *p, uint32_t idx)
{
    tern_assert(idx >= 1 && idx <= p->fresh);
    tern_assert(p->used > 0 && idx != p->free_head);
    memcpy(pool_at(p, idx), &p->free_head, sizeof p->free_head);
    p->free_head = idx;
    p->used--;
}
