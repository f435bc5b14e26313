/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/map.c: linear probing (Knuth, volume 3, 6.4). A pair lies at its hash's home slot or in the
 * run of full slots that follows it; removal closes the gap by moving back each later pair of the
 * run that the gap would otherwise cut off from its home.
 */
#include "base/map.h"
#include "base/assert.h"

uint32_t map_slots(uint32_t max)
{
    tern_assert(max <= UINT32_C(1) << 30);
    uint32_t n = 2;
    while (n < 2 * max)
        n *= 2;
    return n;
}

void map_init(struct map *m, struct map_slot *slot, uint32_t slots)
{
    tern_assert(slot != NULL);
    tern_assert(slots >= 2 && (slots & (slots - 1)) == 0);
    *m = (struct map){.slot = slot, .mask = slots - 1};
}

void map_put(struct map *m, uint32_t hash, uint32_t idx)
{
    tern_assert(idx != 0);
    tern_assert(m->used <= m->mask / 2); /* half full, never more */
    uint32_t i = hash & m->mask;
    while (m->slot[i].idx != 0)
        i = (i + 1) & m->mask;
    m->slot[i] = (struct map_slot){hash, idx};
    m->used++;
}

void map_remove(struct map *m, uint32_t hash, uint32_t idx)
{
    uint32_t gap = hash & m->mask;

    tern_assert(idx != 0 && m->used > 0);
    while (m->slot[gap].idx != idx || m->slot[gap].hash != hash) {
        tern_assert(m->slot[gap].idx != 0); /* the pair is in the map */
        gap = (gap + 1) & m->mask;
    }
    for (uint32_t i = (gap + 1) & m->mask; m->slot[i].idx != 0; i = (i + 1) & m->mask) {
        uint32_t from_home = (i - m->slot[i].hash) & m->mask;
        uint32_t from_gap = (i - gap) & m->mask;
        if (from_home >= from_gap) { /* its home is at or before the gap */
            m->slot[gap] = m->slot[i];
            gap = i;
        }
    }
    m->slot[gap] = (struct map_slot){0, 0};
    m->used--;
}
