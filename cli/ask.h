/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/ask.h: talking to the runs of this user through their control sockets (runtime/control.h). */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <stdbool.h>
#include <stddef.h>

struct json_t;

#define ASK_RUNS 256

struct ask_run {
    char name[64]; /* NAME.PID */
    struct json_t *doc;
};

struct ask_runs {
    struct ask_run run[ASK_RUNS];
    unsigned n;
    bool too_many;
};

/* The documents of all runs, or of those called `want` (NAME, PID or NAME.PID), by name. `me` is
 * how messages about a run that does not answer begin. 0, or -1 with why. No run is no error. */
int ask_runs(struct ask_runs *runs, const char *want, const char *me, char *why);
/* Gives the run called `want` an order (runtime/order.h): its answer, a text in answer[cap]. 0, or
 * -1 with why: no such run, several, or it does not answer. */
int ask_order(const char *want, const char *line, char *answer, size_t cap, char *why);

#endif
