/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/named.h: finding the segment that a lesson wants lost: "the ACK that completes the
 * handshake".
 *
 * A link sees both directions of every connection, so a small table of the connections seen last is
 * enough to know what each segment is to its connection. Nothing here is needed when no loss is
 * named.
 */
#ifndef PORT_NAMED_H
#define PORT_NAMED_H

#include "port/frame.h"
#include <tern/port.h>

#define NAMED_CONNS   64
#define NAMED_ENTRIES 8

/* A connection, its ends in order of (address, port): side 0 is the lower. */
struct named_conn {
    uint8_t addr[2][4];
    uint16_t port[2];
    uint32_t used;         /* stamp of the last look, 0 = free */
    uint32_t fin_end[2];   /* sequence number after the side's FIN; valid with fin_seen */
    uint32_t data[2];      /* segments with data that the side has sent */
    bool syn[2], acked[2]; /* acked: has sent the ACK that completes the handshake */
    bool fin_seen[2];
    uint8_t last_fin; /* the side whose FIN came second; valid when both are seen */
    bool last_acked;
};

struct named {
    struct named_conn conn[NAMED_CONNS];
    uint32_t stamp;
    /* The entries of both directions; one that stands in both is one, and is used once. */
    struct {
        enum tern_lose_named what;
        uint32_t n;
        bool dir[2], done;
    } entry[2 * NAMED_ENTRIES];
    unsigned n;
};

void named_init(struct named *nm, const struct tern_impair_config *out,
                const struct tern_impair_config *in);
/* Looks at a segment going in direction dir (0 = out, 1 = in): true when it is one to be lost. */
bool named_look(struct named *nm, const struct frame_view *v, unsigned dir);

#endif
