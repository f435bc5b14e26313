/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/seq.h: TCP sequence numbers, RFC 9293 3.4: arithmetic modulo 2^32.
 *
 * A sequence number is a one-member struct: `<` on two of them does not compile, since it would be
 * wrong. Comparisons hold for numbers less than 2^31 apart.
 */
#ifndef BASE_SEQ_H
#define BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

struct seq {
    uint32_t v;
};

static inline struct seq seq_of(uint32_t v)
{
    return (struct seq){v};
}
static inline struct seq seq_add(struct seq a, uint32_t n)
{
    return (struct seq){a.v + n};
}
static inline struct seq seq_sub(struct seq a, uint32_t n)
{
    return (struct seq){a.v - n};
}
/* a - b, as a signed distance. */
static inline int32_t seq_diff(struct seq a, struct seq b)
{
    return (int32_t)(a.v - b.v);
}
static inline bool seq_eq(struct seq a, struct seq b)
{
    return a.v == b.v;
}
static inline bool seq_lt(struct seq a, struct seq b)
{
    return seq_diff(a, b) < 0;
}
static inline bool seq_le(struct seq a, struct seq b)
{
    return seq_diff(a, b) <= 0;
}
static inline bool seq_gt(struct seq a, struct seq b)
{
    return seq_diff(a, b) > 0;
}
static inline bool seq_ge(struct seq a, struct seq b)
{
    return seq_diff(a, b) >= 0;
}
static inline struct seq seq_max(struct seq a, struct seq b)
{
    return seq_gt(a, b) ? a : b;
}
static inline struct seq seq_min(struct seq a, struct seq b)
{
    return seq_lt(a, b) ? a : b;
}
/* lo <= x < lo + n */
static inline bool seq_in(struct seq x, struct seq lo, uint32_t n)
{
    return x.v - lo.v < n;
}

#endif
