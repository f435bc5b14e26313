/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/ranges.c: a list sorted by sequence number whose neighbours never touch. All intervals of a
 * list lie within one window, so comparisons modulo 2^32 order them. Walks are bounded by the
 * budget.
 */
#include "base/ranges.h"
#include "base/assert.h"

static struct range *ranges_at(const struct pool *p, uint32_t idx)
{
    return (struct range *)pool_at(p, idx);
}

/* Takes the node after `prev` (0: the first) off the list. */
static void ranges_unlink(struct ranges *r, struct pool *p, uint32_t prev, uint32_t idx)
{
    uint32_t next = ranges_at(p, idx)->next;

    tern_assert(r->count > 0);
    if (prev != 0)
        ranges_at(p, prev)->next = next;
    else
        r->head = next;
    pool_give(p, idx);
    r->count--;
}

static bool ranges_insert(struct ranges *r, struct pool *p, uint32_t prev, struct range node)
{
    uint32_t idx = r->count < r->max ? pool_take(p) : 0;

    if (idx == 0)
        return false;
    *ranges_at(p, idx) = node;
    if (prev != 0)
        ranges_at(p, prev)->next = idx;
    else
        r->head = idx;
    r->count++;
    return true;
}

bool ranges_add(struct ranges *r, struct pool *p, struct seq lo, struct seq hi)
{
    uint32_t prev = 0, cur = r->head;

    tern_assert(seq_lt(lo, hi));
    while (cur != 0 && seq_lt(ranges_at(p, cur)->hi, lo)) {
        prev = cur;
        cur = ranges_at(p, cur)->next;
    }
    if (cur == 0 || seq_gt(ranges_at(p, cur)->lo, hi)) {
        if (!ranges_insert(r, p, prev, (struct range){lo, hi, cur, r->stamp + 1}))
            return false;
        r->stamp++;
        return true;
    }
    struct range *c = ranges_at(p, cur);
    c->lo = seq_min(c->lo, lo);
    c->hi = seq_max(c->hi, hi);
    c->stamp = ++r->stamp;
    while (c->next != 0 && seq_le(ranges_at(p, c->next)->lo, c->hi)) {
        c->hi = seq_max(c->hi, ranges_at(p, c->next)->hi);
        ranges_unlink(r, p, cur, c->next);
    }
    return true;
}

bool ranges_covers(const struct ranges *r, const struct pool *p, struct seq lo, struct seq hi)
{
    tern_assert(seq_lt(lo, hi));
    for (uint32_t i = r->head; i != 0; i = ranges_at(p, i)->next)
        if (seq_le(ranges_at(p, i)->lo, lo) && seq_ge(ranges_at(p, i)->hi, hi))
            return true;
    return false;
}

bool ranges_overlaps(const struct ranges *r, const struct pool *p, struct seq lo, struct seq hi)
{
    tern_assert(seq_lt(lo, hi));
    for (uint32_t i = r->head; i != 0; i = ranges_at(p, i)->next)
        if (seq_lt(ranges_at(p, i)->lo, hi) && seq_gt(ranges_at(p, i)->hi, lo))
            return true;
    return false;
}

struct seq ranges_take_from(struct ranges *r, struct pool *p, struct seq from)
{
    while (r->head != 0 && seq_le(ranges_at(p, r->head)->lo, from)) {
        from = seq_max(from, ranges_at(p, r->head)->hi);
        ranges_unlink(r, p, 0, r->head);
    }
    return from;
}

unsigned ranges_recent(const struct ranges *r, const struct pool *p, struct range *out, unsigned n)
{
    unsigned got = 0;

    if (n == 0)
        return 0;
    for (uint32_t i = r->head; i != 0; i = ranges_at(p, i)->next) {
        const struct range *c = ranges_at(p, i);
        unsigned at = got;
        while (at > 0 && (int32_t)(c->stamp - out[at - 1].stamp) > 0)
            at--;
        if (at >= n)
            continue;
        if (got < n)
            got++;
        for (unsigned k = got - 1; k > at; k--)
            out[k] = out[k - 1];
        out[at] = *c;
    }
    tern_assert(got <= r->count);
    return got;
}

struct seq ranges_top(const struct ranges *r, const struct pool *p, struct seq none)
{
    struct seq top = none;
    for (uint32_t i = r->head; i != 0; i = ranges_at(p, i)->next)
        top = ranges_at(p, i)->hi;
    return top;
}

void ranges_clear(struct ranges *r, struct pool *p)
{
    while (r->head != 0)
        ranges_unlink(r, p, 0, r->head);
    tern_assert(r->count == 0);
}
