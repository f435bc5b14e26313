/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matrix/matrix.h: how a row of tests/spec/tcp_transitions.tsv becomes a test.
 *
 * For each way that a handler names (opened actively or passively; each with and without
 * timestamps), the program brings a connection to the row's state, calls the handler, which brings
 * about the event and checks the action, and compares the state with the row's `next`.
 */
#ifndef MATRIX_MATRIX_H
#define MATRIX_MATRIX_H

#include "unit/tcp/rig.h"

enum {
    ACTIVE = 1,  /* after an active open (SYN-RECEIVED: simultaneous open) */
    PASSIVE = 2, /* after a passive open */
    BOTH = 3,
    ORPHAN = 4, /* not a way: the application has closed its handle before the event */
    FRESH = 8,  /* not a way: the handler opens by itself, it gets a rig before rig_start() */
};

struct row_handler {
    void (*run)(struct rig *r);
    unsigned ways;
    const char *skip; /* why it cannot be run */
};
struct row {
    const char *id;
    unsigned from, next;
    const struct row_handler *handler;
};

#define ROW(id, ways)                                                                              \
    static void run_##id(struct rig *r);                                                           \
    const struct row_handler row_##id = {run_##id, ways, NULL};                                    \
    static void run_##id(struct rig *r)
#define SKIP(id, why) const struct row_handler row_##id = {NULL, 0, why};

/* Where the ICMP error of these tests quotes: the oldest octet in flight. */
unsigned matrix_icmp(struct rig *r, int err);

#include "rows.h"

#endif
