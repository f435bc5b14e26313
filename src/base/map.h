/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/map.h: hash -> object index, open addressing with linear probing. The map keeps the hash's
 * low 32 bits beside the index (8 octets a slot); equality of keys is the caller's to check, by
 * walking the candidates. Load is at most one half, so walks are short; removal shifts back, so
 * there are no tombstones.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint32_t hash;
    uint32_t idx; /* 0 = empty */
};

struct map {
    struct map_slot *slot;
    uint32_t mask; /* slots - 1 */
    uint32_t used;
};

/* Slots needed for max objects: the power of two >= 2 * max. */
uint32_t map_slots(uint32_t max);
/* slot must be zero memory of map_slots(max) entries. */
void map_init(struct map *m, struct map_slot *slot, uint32_t slots);
/* Objects with this hash: start with *pos = hash; returns the next candidate's index, 0 at the
 * end. */
static inline uint32_t map_next(const struct map *m, uint32_t hash, uint32_t *pos)
{
    for (uint32_t i = *pos;; i++) {
        const struct map_slot *s = &m->slot[i & m->mask];
        if (s->idx == 0)
            return 0;
        if (s->hash == hash) {
            *pos = i + 1;
            return s->idx;
        }
    }
}
void map_put(struct map *m, uint32_t hash, uint32_t idx);
/* The pair must be in the map. */
void map_remove(struct map *m, uint32_t hash, uint32_t idx);

#endif
