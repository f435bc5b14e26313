/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/blocks.h: cuts octets into the blocks of 64 that MD5 and SHA-1 are made of, and ends the
 * last one as both do: a bit that is set, zeros, and the length in eight octets [RFC1321:3.1]
 * [RFC3174:4].
 *
 * What differs is the caller's: the function that takes a block into the state, and the order of
 * the length's octets.
 */
#ifndef BASE_BLOCKS_H
#define BASE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_LEN 64u

struct blocks {
    uint64_t octets;         /* taken so far */
    uint8_t part[BLOCK_LEN]; /* the first octets % 64 of them */
};

/* Takes a block of BLOCK_LEN octets into the state. */
typedef void block_fn(uint32_t *state, const uint8_t *block);

void blocks_add(struct blocks *b, uint32_t *state, block_fn *take, const void *data, size_t n);
/* len: b->octets * 8 as the hash writes it. */
void blocks_end(struct blocks *b, uint32_t *state, block_fn *take, const uint8_t len[8]);

/* Both hashes turn words. */
static inline uint32_t block_rol(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

#endif
