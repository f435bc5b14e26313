/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/bytes.h: octets in network byte order, and the one bounded reader through which all parsers
 * read. A reader that runs past its end turns bad, returns zeros and stays bad: a parser reads all
 * its fields and checks once.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t be16_load(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap16(v);
}
static inline uint32_t be32_load(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}
static inline void be16_store(void *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(p, &v, sizeof v);
}
static inline void be32_store(void *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
}

struct rd {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct rd rd_of(const void *p, size_t n)
{
    return (struct rd){(const uint8_t *)p, (const uint8_t *)p + n, false};
}
static inline size_t rd_left(const struct rd *r)
{
    return (size_t)(r->end - r->p);
}
/* A pointer to the next n octets, or NULL (and bad) if there are fewer. */
static inline const uint8_t *rd_take(struct rd *r, size_t n)
{
    if (rd_left(r) < n) {
        r->bad = true;
        r->p = r->end;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += n;
    return p;
}
static inline uint8_t rd_u8(struct rd *r)
{
    const uint8_t *p = rd_take(r, 1);
    return p ? *p : (uint8_t)0;
}
static inline uint16_t rd_be16(struct rd *r)
{
    const uint8_t *p = rd_take(r, 2);
    return p ? be16_load(p) : (uint16_t)0;
}
static inline uint32_t rd_be32(struct rd *r)
{
    const uint8_t *p = rd_take(r, 4);
    return p ? be32_load(p) : (uint32_t)0;
}

#endif
