/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/ladder.h: one picture for each connection: both ends' states and every segment between them,
 * with its cause, on one clock.
 *
 * Records of one or two stacks, and a link's notes about single frames, go in as they happen; text
 * of at most 100 columns comes out. Memory is bounded: a long transfer is folded as it goes, and
 * what could not be kept is counted and said.
 */
#ifndef SEE_LADDER_H
#define SEE_LADDER_H

#include <stdio.h>
#include <tern/event.h>

struct ladder;

struct ladder_config {
    bool one_sided;        /* only stack 0 is ours: the peer is a stranger on a real link */
    const char *left;      /* what stack 0 is called, "guest"; at most 12 characters, not copied */
    const char *right;     /* stack 1, or the stranger */
    uint32_t time_wait_us; /* how long TIME-WAIT lasts in these stacks, unless a timer record says
                              so; 0 = not known */
    unsigned max_conns;    /* pictures kept, 0 = 256; later connections are only counted */
    unsigned max_rows;     /* rows kept for each, 0 = 1024, at least 256 */
    unsigned max_drawn;    /* rows drawn for each, 0 = 160, at least 40 */
};

/* NULL when there is no memory. */
struct ladder *ladder_new(const struct ladder_config *cfg);
void ladder_free(struct ladder *ld);

/* One record of stack 0 or 1, in causal order (a segment is sent before it arrives; see/feed.h), or
 * a link's note (kind TERN_TR_LINK; the stack is then ignored). */
void ladder_add(struct ladder *ld, unsigned stack, const struct tern_trace *t);
/* So many records were overwritten before they could be read. */
void ladder_missed(struct ladder *ld, uint64_t n);

struct ladder_style {
    bool utf8, colour;
};
/* Draws all pictures, in the order in which the connections began. 0, or -1 when f has an error. */
int ladder_draw(struct ladder *ld, FILE *f, const struct ladder_style *style);

#endif
