/* SPDX-License-Identifier: BSD-2-Clause */
/* base/time.h: arithmetic on struct tern_time. TERN_NEVER is absorbing. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <tern/types.h>

static inline bool time_lt(struct tern_time a, struct tern_time b)
{
    return a.ns < b.ns;
}
static inline bool time_le(struct tern_time a, struct tern_time b)
{
    return a.ns <= b.ns;
}
static inline bool time_is_never(struct tern_time a)
{
    return a.ns == INT64_MAX;
}
static inline struct tern_time time_add_ns(struct tern_time a, int64_t ns)
{
    if (time_is_never(a))
        return a;
    return (struct tern_time){a.ns + ns};
}
static inline struct tern_time time_add_us(struct tern_time a, int64_t us)
{
    return time_add_ns(a, us * 1000);
}
static inline struct tern_time time_add_ms(struct tern_time a, int64_t ms)
{
    return time_add_ns(a, ms * 1000000);
}
static inline int64_t time_diff_ns(struct tern_time a, struct tern_time b)
{
    return a.ns - b.ns;
}
static inline int64_t time_diff_us(struct tern_time a, struct tern_time b)
{
    return (a.ns - b.ns) / 1000;
}
static inline struct tern_time time_min(struct tern_time a, struct tern_time b)
{
    return a.ns < b.ns ? a : b;
}
static inline struct tern_time time_max(struct tern_time a, struct tern_time b)
{
    return a.ns > b.ns ? a : b;
}

#endif
