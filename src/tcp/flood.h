/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/flood.h: what a stack remembers of those who knock: counters for each source prefix, and the
 * picture of the last seconds from which the verdict is made. All of a fixed size; nothing here
 * grows with the number of SYNs.
 *
 * A source prefix is a /24 of IPv4, a /56 of IPv6.
 */
#ifndef TCP_FLOOD_H
#define TCP_FLOOD_H

#include "base/bucket.h"
#include "base/hash.h"
#include <tern/inspect.h>
#include <tern/types.h>

#define PREFIX_ROWS   2
#define PREFIX_CELLS  4096u
#define DETECT_BINS   256u
#define DETECT_RECENT 32u

/* How many records of a kind a prefix holds: a count-min sketch [Cormode and Muthukrishnan 2005],
 * whose answer is never too low, and too high only for a prefix that shares a cell in both rows. */
struct prefix_count {
    uint32_t cell[PREFIX_ROWS][PREFIX_CELLS];
};

_Static_assert(sizeof(struct tern_offload_bucket) * BUCKET_WAYS == 64, "a set is one cache line");

struct prefix_tab {
    struct prefix_count half, conns;
    struct tern_offload_bucket bucket[TERN_OFFLOAD_SETS][BUCKET_WAYS]; /* one answer, one token */
};

/* An entry of a space-saving sketch [Metwally and others 2005]. */
struct detect_top {
    struct tern_addr prefix;
    uint32_t key;         /* of the prefix; 0 = unused */
    uint32_t count, over; /* `count` may be too high by `over` */
};

/* One of the last cookies given out: for the operator's eyes, never for a decision. */
struct detect_cookie {
    uint8_t laddr[4], raddr[4];
    uint16_t lport, rport;
    uint32_t ms;
};

struct detect {
    int64_t begin_ns; /* of the present window; 0 = none is open */
    uint32_t syns, done, rexmts, full;
    uint32_t bin[DETECT_BINS]; /* SYNs by a hash of their source */
    struct detect_top top[TERN_SYN_TOP];
    uint32_t skipped;         /* SYNs since the sketch was fed last */
    uint8_t calm;             /* windows below the present verdict, in a row */
    bool event;               /* the verdict has changed and nobody was told */
    struct tern_syn_stats st; /* of the last whole window; totals of all time */
    struct detect_cookie recent[DETECT_RECENT];
    uint32_t recent_n;
};

#endif
