/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/events.h: the trace as lines of JSON, one object a record. docs/events.md has the fields;
 * they keep their names and meanings as long as the first line's "version" stays.
 */
#ifndef SEE_EVENTS_H
#define SEE_EVENTS_H

#include <stdio.h>
#include <tern/event.h>

#define EVENTS_VERSION 1

struct events {
    FILE *f;
    const char *stack[2]; /* what the stacks are called */
    int64_t zero_ns;      /* instants are told since then */
};

/* Writes the first line: version, the instance's name, the program and the time of day. */
void events_begin(struct events *ev, FILE *f, struct tern_time zero, const char *name,
                  char *const *argv, const char *stack0, const char *stack1);
/* Sinks of a feed; ctx is the struct events. */
void events_record(void *ctx, unsigned stack, const struct tern_trace *r);
void events_missed(void *ctx, unsigned stack, uint64_t n);

#endif
