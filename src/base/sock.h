/* SPDX-License-Identifier: BSD-2-Clause */
/* base/sock.h: how a handle (struct tern_sock) is put together: kind in the top 4 bits, generation
 * in the next 28, pool index in the low 32. */
#ifndef BASE_SOCK_H
#define BASE_SOCK_H

#include <tern/types.h>

enum sock_kind {
    SOCK_CONN = 1,
    SOCK_LISTENER = 2,
    SOCK_HALF_OPEN = 3,
    SOCK_UDP = 4,
};

#define SOCK_GEN_MASK 0x0fffffffu

static inline struct tern_sock sock_make(enum sock_kind kind, uint32_t gen, uint32_t idx)
{
    return (struct tern_sock){(uint64_t)kind << 60 | (uint64_t)(gen & SOCK_GEN_MASK) << 32 | idx};
}
static inline unsigned sock_kind(struct tern_sock s)
{
    return (unsigned)(s.id >> 60);
}
static inline uint32_t sock_gen(struct tern_sock s)
{
    return (uint32_t)(s.id >> 32) & SOCK_GEN_MASK;
}
static inline uint32_t sock_index(struct tern_sock s)
{
    return (uint32_t)s.id;
}

#endif
