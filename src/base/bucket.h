/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/bucket.h: token buckets of source prefixes, in sets of which the one unused for longest
 * gives way. Nothing but arithmetic: the stack (tcp/prefix.c) and a program in the kernel
 * (port/syn_answer.h) take from the same buckets.
 */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <tern/syn_offload.h>

#define BUCKET_WAYS TERN_OFFLOAD_WAYS

/* A keyed hash of what names a prefix. Multiplication, not SipHash: nobody outside sees what it
 * decides soon enough to learn from it, and it is on the path of each forged SYN. */
static inline uint64_t bucket_hash(uint64_t k0, uint64_t k1, uint64_t id)
{
    uint64_t h = (id ^ k0) * (k1 | 1);
    h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

/* Which set a hash belongs to. */
static inline uint32_t bucket_set(uint64_t h)
{
    return (uint32_t)(h >> 52) & (TERN_OFFLOAD_SETS - 1);
}

/* Milliseconds since then. Whoever else takes from the bucket may have read the clock later than
 * we: no time has passed, and not nearly 2^32 ms. */
static inline uint32_t bucket_age(uint32_t ms, uint32_t used_ms)
{
    uint32_t age = ms - used_ms;
    return age < UINT32_MAX - 65535 ? age : 0;
}

/* Which of its set is the prefix's bucket: found, or made with a tenth of what it may hold. */
static inline uint32_t bucket_find(struct tern_offload_bucket *set, uint64_t h, uint32_t ms,
                                   uint32_t rate)
{
    uint32_t tag = (uint32_t)h | 1, old = 0, age = 0;
    bool unused = false;
    for (uint32_t i = 0; i < BUCKET_WAYS; i++) {
        if (set[i].tag == tag)
            return i;
        uint32_t a = bucket_age(ms, set[i].used_ms);
        if (set[i].tag == 0 || (!unused && a > age)) {
            unused = set[i].tag == 0;
            age = a;
            old = i;
        }
    }
    set[old].tag = tag;
    set[old].used_ms = ms;
    set[old].tokens = rate >= 10 ? rate / 10 : rate;
    return old;
}

/* Takes a token of this prefix's bucket, of which it gets `rate` (not 0) a second; false = it has
 * none. */
static inline bool bucket_take(struct tern_offload_bucket *b, uint32_t ms, uint32_t rate)
{
    uint64_t more = (uint64_t)bucket_age(ms, b->used_ms) * rate / 1000;
    if (more > 0) {
        b->tokens = more + b->tokens < rate ? (uint32_t)more + b->tokens : rate;
        b->used_ms = ms;
    }
    if (b->tokens == 0)
        return false;
    b->tokens--;
    return true;
}

#endif
