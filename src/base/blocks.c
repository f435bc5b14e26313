/* SPDX-License-Identifier: BSD-2-Clause */
/* base/blocks.c: octets to blocks. */
#include "base/blocks.h"
#include <string.h>

void blocks_add(struct blocks *b, uint32_t *state, block_fn *take, const void *data, size_t n)
{
    const uint8_t *p = data;
    size_t have = b->octets % BLOCK_LEN;
    b->octets += n;
    if (have != 0) {
        size_t room = BLOCK_LEN - have, part = n < room ? n : room;
        memcpy(b->part + have, p, part);
        if (part < room)
            return;
        take(state, b->part);
        p += part;
        n -= part;
    }
    for (; n >= BLOCK_LEN; n -= BLOCK_LEN, p += BLOCK_LEN)
        take(state, p);
    if (n != 0)
        memcpy(b->part, p, n);
}

void blocks_end(struct blocks *b, uint32_t *state, block_fn *take, const uint8_t len[8])
{
    static const uint8_t pad[BLOCK_LEN] = {0x80};
    size_t have = b->octets % BLOCK_LEN;
    blocks_add(b, state, take, pad,
               have < BLOCK_LEN - 8 ? BLOCK_LEN - 8 - have : 2 * BLOCK_LEN - 8 - have);
    blocks_add(b, state, take, len, 8);
}
