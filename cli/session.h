/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/session.h: everything that one `tern run` is made of: stacks, link, gateway, launcher,
 * control socket, and those who watch.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "gate/gate.h"
#include "run/run.h"
#include "run_opts.h"
#include "runtime/control.h"
#include "see/events.h"
#include "see/feed.h"
#include "see/ladder.h"
#include "see/snapshot.h"

struct session {
    const struct run_opts *o;
    char name[33];
    struct tern_loop *loop;
    struct tern_stack *guest, *gateway; /* gateway NULL on a real link */
    struct run *run;
    struct gate *gate;
    struct control *control;
    struct snapshot_stack seen[2];

    struct tern_time zero; /* events are told since then */
    struct feed feed;
    struct ladder *ladder;
    struct events events;
    FILE *ladder_file, *events_file; /* NULL = none */

    struct tern_loop_timer settle; /* after the program: how long the rest may take */
    uint32_t settled_ms;
    bool exited, idle;
    int wait_status;
};

/* Builds everything and starts the program. 0, or -1 with why: then nothing is left behind. */
int session_open(struct session *s, const struct run_opts *o, char *why);
/* Runs until the program and its connections have ended. 0, or -1 with why. */
int session_run(struct session *s, char *why);
/* Tells the rest of the trace, draws the ladder, and takes everything down. 0, or -1 with why if
 * something could not be written. */
int session_close(struct session *s, char *why);
/* A signal that tern got for the program; `terminal`: the program got it too. */
void session_signal(struct session *s, int sig, bool terminal);

#endif
