/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/snapshot.h: what a run's stacks hold at this moment, as one JSON document: what the control
 * socket answers and `tern ss --json` prints. docs/events.md has the fields.
 */
#ifndef SEE_SNAPSHOT_H
#define SEE_SNAPSHOT_H

#include <tern/inspect.h>

#define SNAPSHOT_VERSION 1

struct json_t;

/* Who owns a socket: false when nobody is known to. */
typedef bool snapshot_owner(void *ctx, struct tern_sock s, char *name, size_t len, int *pid);

struct snapshot_stack {
    const char *name; /* "guest", "gateway" */
    struct tern_stack *st;
    snapshot_owner *owner; /* may be NULL */
    void *ctx;
};

struct snapshot {
    const char *name; /* of the run */
    int pid;          /* tern's own */
    const char *program;
    const struct snapshot_stack *stack;
    unsigned nstack;
};

/* One socket; process may be NULL. NULL when there is no memory. */
struct json_t *snapshot_socket(const struct tern_info *info, const char *process, int pid);
/* The whole document as text to be freed, or NULL when there is no memory. */
char *snapshot_text(const struct snapshot *sn, struct tern_time now, size_t *len);

#endif
