/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/neigh.h: which station has an address: the table that ARP fills, and the frames that wait for
 * it.
 *
 * An entry is made when something must be sent to an address, or when its owner asks for one of
 * ours. INCOMPLETE asks by broadcast, one request a second, three times [RFC1122:2.3.2.1]; up to
 * NEIGH_HOLD frames wait meanwhile, the newest [RFC1122:2.3.2.2]. REACHABLE becomes STALE after
 * NEIGH_FRESH_NS; the first use of a STALE entry asks its station by unicast (PROBE) while frames
 * go on to it; no answer leads back to INCOMPLETE. FAILED answers "dead" for a second, then asks
 * anew. When the table is full, the entry used least recently makes room; an address that was only
 * heard of never replaces one that we send to.
 *
 * The table sends nothing itself: neigh_ask_next() says what to ask, neigh_ready_pop() what may go.
 */
#ifndef NET_NEIGH_H
#define NET_NEIGH_H

#include "base/buddy.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/wheel.h"
#include "net/iface.h"

#define NEIGH_HOLD     3
#define NEIGH_TRIES    3
#define NEIGH_ASK_NS   1000000000ll
#define NEIGH_FRESH_NS 30000000000ll
#define NEIGH_DEAD_NS  1000000000ll
#define NEIGH_LOCK_NS  1000000000ll /* how long a mapping just confirmed cannot be changed */

enum neigh_state {
    NEIGH_INCOMPLETE = 1,
    NEIGH_REACHABLE,
    NEIGH_STALE, /* REACHABLE, and older than NEIGH_FRESH_NS */
    NEIGH_PROBE,
    NEIGH_FAILED,
};

/* A frame that waits: this header and the frame's octets in one block of the arena. */
struct neigh_held {
    struct neigh_held *next;
    struct tern_addr dst; /* IP destination */
    uint32_t block;       /* octets of the block */
    uint16_t why;         /* in the dead queue: the cause of the drop */
    struct tern_frame f;  /* data behind this header, with room for the link header in front */
};

struct neigh_queue {
    struct neigh_held *head, *tail;
};

struct neigh_entry {
    struct wheel_node timer;
    struct link lru, ask;
    struct tern_addr addr;
    int64_t fresh_ns; /* REACHABLE: when it was confirmed; FAILED: when it failed */
    uint32_t hash;
    struct neigh_queue held;
    uint8_t nheld;
    uint8_t state; /* enum neigh_state, never STALE */
    uint8_t iface;
    uint8_t tries; /* requests sent in this state */
    uint8_t mac[6];
    bool used;   /* since the replacement hand last passed */
    bool wanted; /* something was sent to it: not only heard of */
};

struct neigh {
    struct pool pool;
    struct map map;
    struct wheel wheel;
    struct list lru;
    struct list ask[NET_IFACES];
    struct neigh_queue ready[NET_IFACES];
    struct neigh_queue dead;
    struct buddy *arena;
    struct hash_key key;
    uint32_t gen; /* changes whenever a mapping changes: caches of mappings compare it */
};

size_t neigh_size(uint32_t max);
/* mem: neigh_size(max) zero octets, 64-octet aligned. */
void neigh_init(struct neigh *n, void *mem, uint32_t max, struct buddy *arena,
                struct pool_fault *fault, const struct hash_key *key, struct tern_time now);

enum neigh_verdict {
    NEIGH_GO,   /* mac is set; usable until *until */
    NEIGH_WAIT, /* hold the frame with neigh_hold(*idx) */
    NEIGH_DEAD, /* the station does not answer */
    NEIGH_NONE, /* no entry left */
};
/* Looks the station of `addr` up for sending, and begins to ask if it must. */
enum neigh_verdict neigh_resolve(struct neigh *n, unsigned iface, const struct tern_addr *addr,
                                 struct tern_time now, uint8_t mac[6], int64_t *until,
                                 uint32_t *idx);
/* What is sent to `addr` goes unanswered: its entry is to be confirmed before it is trusted for
 * much longer (it counts as STALE) [RFC9293:MUST-20]. */
void neigh_suspect(struct neigh *n, unsigned iface, const struct tern_addr *addr,
                   struct tern_time now);
/* Keeps a copy of a frame (its octets from the IP header on) for the entry; dst is its IP
 * destination. An older frame may go to the dead queue for it. False when the arena has no block.
 */
bool neigh_hold(struct neigh *n, uint32_t idx, const struct tern_addr *dst,
                const struct tern_frame *f, uint32_t hdr);

/* What was heard: `addr` is at `mac`. `asked`: an ARP reply to us. `create`: make an entry if there
 * is none [RFC826]. True when an entry holds the news. */
bool neigh_hear(struct neigh *n, unsigned iface, const struct tern_addr *addr, const uint8_t mac[6],
                bool asked, bool create, struct tern_time now);

/* The next request to send on this interface: whom to ask for, and where (broadcast or the
 * station). */
bool neigh_ask_next(struct neigh *n, unsigned iface, struct tern_addr *addr, uint8_t mac[6]);
/* The next frame whose station is known; its Ethernet header is complete but for the source. NULL
 * if none. Give it back with neigh_free(). */
struct neigh_held *neigh_ready_pop(struct neigh *n, unsigned iface);
/* The next frame that was given up, with why. */
struct neigh_held *neigh_dead_pop(struct neigh *n);
void neigh_free(struct neigh *n, struct neigh_held *h);
/* Is there something for this interface to send? */
static inline bool neigh_pending(const struct neigh *n, unsigned iface)
{
    return n->ask[iface].head != 0 || n->ready[iface].head != NULL;
}

void neigh_tick(struct neigh *n, struct tern_time now);
static inline struct tern_time neigh_deadline(const struct neigh *n)
{
    return wheel_deadline(&n->wheel);
}
/* For tests and tools: the state of an address's entry at an instant, 0 = no entry. */
unsigned neigh_state_of(const struct neigh *n, unsigned iface, const struct tern_addr *addr,
                        struct tern_time now);

#endif
