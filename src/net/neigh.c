/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/neigh.h"

#include "base/assert.h"
#include "base/causes.h"
#include "base/time.h"

#define LRU offsetof(struct neigh_entry, lru)
#define ASK offsetof(struct neigh_entry, ask)

static size_t neigh_align(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

size_t neigh_size(uint32_t max)
{
    return neigh_align(sizeof(struct neigh_entry) * max) +
           neigh_align(sizeof(struct map_slot) * map_slots(max));
}

void neigh_init(struct neigh *n, void *mem, uint32_t max, struct buddy *arena,
                struct pool_fault *fault, const struct hash_key *key, struct tern_time now)
{
    memset(n, 0, sizeof *n);
    uint8_t *p = mem;
    pool_init(&n->pool, p, sizeof(struct neigh_entry), max, fault);
    p += neigh_align(sizeof(struct neigh_entry) * max);
    map_init(&n->map, (struct map_slot *)(void *)p, map_slots(max));
    wheel_init(&n->wheel, &n->pool, offsetof(struct neigh_entry, timer), now);
    n->arena = arena;
    n->key = *key;
}

static struct neigh_entry *neigh_at(const struct neigh *n, uint32_t idx)
{
    return pool_at(&n->pool, idx);
}

static uint32_t neigh_hash(const struct neigh *n, unsigned iface, const struct tern_addr *addr)
{
    uint64_t a, b;
    memcpy(&a, addr->b, 8);
    memcpy(&b, addr->b + 8, 8);
    return (uint32_t)hash_2(&n->key, a, b ^ ((uint64_t)iface << 56));
}

static uint32_t neigh_find(const struct neigh *n, uint32_t hash, unsigned iface,
                           const struct tern_addr *addr)
{
    uint32_t pos = hash, idx;
    while ((idx = map_next(&n->map, hash, &pos)) != 0) {
        const struct neigh_entry *e = neigh_at(n, idx);
        if (e->iface == iface && addr_eq(&e->addr, addr))
            return idx;
    }
    return 0;
}

static void neigh_push(struct neigh_queue *q, struct neigh_held *h)
{
    h->next = NULL;
    if (q->tail)
        q->tail->next = h;
    else
        q->head = h;
    q->tail = h;
}

static struct neigh_held *neigh_pop(struct neigh_queue *q)
{
    struct neigh_held *h = q->head;
    if (h == NULL)
        return NULL;
    q->head = h->next;
    if (q->head == NULL)
        q->tail = NULL;
    return h;
}

static void neigh_ask(struct neigh *n, uint32_t idx, struct tern_time now)
{
    struct neigh_entry *e = neigh_at(n, idx);
    e->tries++;
    if (!link_in(&e->ask))
        list_push_tail(&n->ask[e->iface], &n->pool, ASK, idx);
    wheel_set(&n->wheel, idx, time_add_ns(now, NEIGH_ASK_NS));
}

static void neigh_quiet(struct neigh *n, uint32_t idx)
{
    struct neigh_entry *e = neigh_at(n, idx);
    if (link_in(&e->ask))
        list_remove(&n->ask[e->iface], &n->pool, ASK, idx);
    wheel_set(&n->wheel, idx, TERN_NEVER);
}

/* Everything that waits for the entry is given up. */
static void neigh_bury(struct neigh *n, struct neigh_entry *e, unsigned why)
{
    struct neigh_held *h;
    while ((h = neigh_pop(&e->held)) != NULL) {
        h->why = (uint16_t)why;
        neigh_push(&n->dead, h);
    }
    e->nheld = 0;
}

static void neigh_evict(struct neigh *n, uint32_t idx)
{
    struct neigh_entry *e = neigh_at(n, idx);
    neigh_quiet(n, idx);
    neigh_bury(n, e, CAUSE_DROP_NEIGH_FULL);
    list_remove(&n->lru, &n->pool, LRU, idx);
    map_remove(&n->map, e->hash, idx);
    pool_give(&n->pool, idx);
    n->gen++;
}

/* The hand of a clock: an entry used since it last passed gets another round; one that we send to
 * is safe from one that was only heard of. */
static bool neigh_make_room(struct neigh *n, bool wanted)
{
    for (uint32_t left = 2 * n->lru.count; left > 0; left--) {
        uint32_t idx = n->lru.head;
        struct neigh_entry *e = neigh_at(n, idx);
        if (!e->used && (wanted || !e->wanted)) {
            neigh_evict(n, idx);
            return true;
        }
        if (wanted)
            e->used = false;
        list_remove(&n->lru, &n->pool, LRU, idx);
        list_push_tail(&n->lru, &n->pool, LRU, idx);
    }
    return false;
}

static uint32_t neigh_make(struct neigh *n, uint32_t hash, unsigned iface,
                           const struct tern_addr *addr, bool wanted)
{
    if (n->pool.used == n->pool.max && !neigh_make_room(n, wanted))
        return 0;
    uint32_t idx = pool_take(&n->pool);
    if (idx == 0)
        return 0;
    struct neigh_entry *e = neigh_at(n, idx);
    memset(e, 0, sizeof *e);
    wheel_node_init(&e->timer);
    link_init(&e->lru);
    link_init(&e->ask);
    e->addr = *addr;
    e->hash = hash;
    e->iface = (uint8_t)iface;
    e->wanted = wanted;
    map_put(&n->map, hash, idx);
    list_push_tail(&n->lru, &n->pool, LRU, idx);
    return idx;
}

static void neigh_start(struct neigh *n, uint32_t idx, struct tern_time now)
{
    struct neigh_entry *e = neigh_at(n, idx);
    e->state = NEIGH_INCOMPLETE;
    e->tries = 0;
    neigh_ask(n, idx, now);
}

enum neigh_verdict neigh_resolve(struct neigh *n, unsigned iface, const struct tern_addr *addr,
                                 struct tern_time now, uint8_t mac[6], int64_t *until,
                                 uint32_t *idx)
{
    tern_assert(iface < NET_LO);
    uint32_t hash = neigh_hash(n, iface, addr);
    uint32_t i = neigh_find(n, hash, iface, addr);
    if (i == 0) {
        i = neigh_make(n, hash, iface, addr, true);
        if (i == 0)
            return NEIGH_NONE;
        neigh_start(n, i, now);
    }
    struct neigh_entry *e = neigh_at(n, i);
    e->used = e->wanted = true;
    *idx = i;
    if (e->state == NEIGH_FAILED) {
        if (now.ns - e->fresh_ns < NEIGH_DEAD_NS)
            return NEIGH_DEAD;
        neigh_start(n, i, now);
    }
    if (e->state == NEIGH_INCOMPLETE)
        return NEIGH_WAIT;
    *until = now.ns;
    if (e->state == NEIGH_REACHABLE) {
        *until = e->fresh_ns + NEIGH_FRESH_NS;
        if (now.ns >= *until) { /* STALE, and in use [RFC1122:2.3.2.1] */
            e->state = NEIGH_PROBE;
            e->tries = 0;
            neigh_ask(n, i, now);
        }
    }
    memcpy(mac, e->mac, 6);
    return NEIGH_GO;
}

void neigh_suspect(struct neigh *n, unsigned iface, const struct tern_addr *addr,
                   struct tern_time now)
{
    uint32_t idx = neigh_find(n, neigh_hash(n, iface, addr), iface, addr);
    struct neigh_entry *e = idx != 0 ? neigh_at(n, idx) : NULL;
    if (e == NULL || e->state != NEIGH_REACHABLE || now.ns - e->fresh_ns < NEIGH_LOCK_NS)
        return;
    e->fresh_ns = now.ns - NEIGH_FRESH_NS;
    n->gen++; /* caches of the mapping must ask */
}

bool neigh_hold(struct neigh *n, uint32_t idx, const struct tern_addr *dst,
                const struct tern_frame *f, uint32_t hdr)
{
    struct neigh_entry *e = neigh_at(n, idx);
    tern_assert(e->state == NEIGH_INCOMPLETE && f->len >= hdr);
    uint32_t need = (uint32_t)sizeof(struct neigh_held) + f->len;
    struct neigh_held *h = buddy_take(n->arena, need);
    if (h == NULL)
        return false;
    h->dst = *dst;
    h->block = need;
    h->f = *f;
    h->f.data = (uint8_t *)(h + 1);
    memcpy(h->f.data + hdr, f->data + hdr, f->len - hdr);
    if (e->nheld == NEIGH_HOLD) {
        struct neigh_held *old = neigh_pop(&e->held);
        old->why = CAUSE_DROP_NEIGH_FULL;
        neigh_push(&n->dead, old);
        e->nheld--;
    }
    neigh_push(&e->held, h);
    e->nheld++;
    return true;
}

static void neigh_release(struct neigh *n, struct neigh_entry *e)
{
    struct neigh_held *h;
    while ((h = neigh_pop(&e->held)) != NULL) {
        memcpy(h->f.data, e->mac, 6);
        neigh_push(&n->ready[e->iface], h);
    }
    e->nheld = 0;
}

bool neigh_hear(struct neigh *n, unsigned iface, const struct tern_addr *addr, const uint8_t mac[6],
                bool asked, bool create, struct tern_time now)
{
    uint32_t hash = neigh_hash(n, iface, addr);
    uint32_t idx = neigh_find(n, hash, iface, addr);
    if (idx == 0) {
        idx = create ? neigh_make(n, hash, iface, addr, false) : 0;
        if (idx == 0)
            return false;
        neigh_at(n, idx)->state = NEIGH_FAILED; /* about to be overwritten */
    }
    struct neigh_entry *e = neigh_at(n, idx);
    bool known = e->state == NEIGH_REACHABLE || e->state == NEIGH_PROBE;
    bool same = known && memcmp(e->mac, mac, 6) == 0;
    /* Whoever answers first is believed for a moment: a second, different answer to one question is
     * not. While the known station is being asked (PROBE), only an answer may move the address. */
    if (known && !same) {
        if (now.ns - e->fresh_ns < NEIGH_LOCK_NS || (e->state == NEIGH_PROBE && !asked))
            return false;
    }
    if (!same)
        n->gen++;
    memcpy(e->mac, mac, 6);
    e->state = NEIGH_REACHABLE;
    e->fresh_ns = now.ns;
    e->tries = 0;
    neigh_quiet(n, idx);
    neigh_release(n, e);
    return true;
}

bool neigh_ask_next(struct neigh *n, unsigned iface, struct tern_addr *addr, uint8_t mac[6])
{
    uint32_t idx = list_pop(&n->ask[iface], &n->pool, ASK);
    if (idx == 0)
        return false;
    const struct neigh_entry *e = neigh_at(n, idx);
    *addr = e->addr;
    if (e->state == NEIGH_PROBE)
        memcpy(mac, e->mac, 6);
    else
        memset(mac, 0xff, 6);
    return true;
}

struct neigh_held *neigh_ready_pop(struct neigh *n, unsigned iface)
{
    return neigh_pop(&n->ready[iface]);
}

struct neigh_held *neigh_dead_pop(struct neigh *n)
{
    return neigh_pop(&n->dead);
}

void neigh_free(struct neigh *n, struct neigh_held *h)
{
    buddy_give(n->arena, h, h->block);
}

void neigh_tick(struct neigh *n, struct tern_time now)
{
    uint32_t idx;
    while ((idx = wheel_pop(&n->wheel, now)) != 0) {
        struct neigh_entry *e = neigh_at(n, idx);
        tern_assert(e->state == NEIGH_INCOMPLETE || e->state == NEIGH_PROBE);
        if (e->tries < NEIGH_TRIES) {
            neigh_ask(n, idx, now);
        } else if (e->state == NEIGH_PROBE) {
            n->gen++;
            neigh_start(n, idx, now);
        } else {
            neigh_quiet(n, idx);
            e->state = NEIGH_FAILED;
            e->fresh_ns = now.ns;
            neigh_bury(n, e, CAUSE_DROP_NEIGH_DEAD);
        }
    }
}

unsigned neigh_state_of(const struct neigh *n, unsigned iface, const struct tern_addr *addr,
                        struct tern_time now)
{
    uint32_t idx = neigh_find(n, neigh_hash(n, iface, addr), iface, addr);
    if (idx == 0)
        return 0;
    const struct neigh_entry *e = neigh_at(n, idx);
    if (e->state == NEIGH_REACHABLE && now.ns >= e->fresh_ns + NEIGH_FRESH_NS)
        return NEIGH_STALE;
    return e->state;
}
