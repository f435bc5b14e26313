/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/ss.h: snapshots of runs as a table, in the shape of ss(8).
 */
#ifndef SEE_SS_H
#define SEE_SS_H

#include "see/filter.h"

#include <stdio.h>

struct json_t;

struct ss_style {
    bool tcp, udp;   /* protocols shown */
    bool all_stacks; /* the gateway's sockets too, each stack under a heading */
    bool process;    /* -p */
    bool timers;     /* -o */
    bool details;    /* -i */
    bool extended;   /* -e */
    bool numeric;    /* -n: ports stay numbers */
    bool no_header;  /* -H */
    bool summary;    /* -s: counts instead of sockets */
    bool colour;
    struct filter filter;
};

/* Draws the table of n runs (each a document of see/snapshot.h). 0, or -1 when there is no memory
 * or f has an error. */
int ss_print(FILE *f, struct json_t *const *runs, unsigned n, const struct ss_style *style);
/* The same sockets as {"version":1,"runs":[...]}. */
int ss_print_json(FILE *f, struct json_t *const *runs, unsigned n, const struct ss_style *style);

/* "9.2sec", "1min2sec", "340ms": the countdown of a timer. */
const char *ss_countdown(char buf[32], uint64_t us);

#endif
