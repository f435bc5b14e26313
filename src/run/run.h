/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/run.h: runs one unmodified program (and all that it forks) on a stack.
 *
 * The program's TCP and UDP system calls are taken by seccomp user notification and turned into
 * calls on the stack; its descriptors are real kernel descriptors (AF_UNIX), so reading, writing
 * and polling them never comes here.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <tern/loop.h>
#include <tern/socket.h>

struct run;

struct run_config {
    struct tern_loop *loop;
    struct tern_stack *st; /* the guest's stack */
    struct tern_addr addr; /* the guest's own address, 10.0.2.15 */
    struct tern_addr host; /* the address that means the host's loopback, 10.0.2.2: where
                              127.0.0.0/8 goes when no listener of this run has the port;
                              fam NONE (a real link): refused instead */
    uint8_t cc;            /* enum tern_cc that st begins connections with */
    const struct tern_listener_policy *policy; /* of the program's listeners; NULL = the stack's */
    uint32_t backlog; /* of the program's listeners; 0 = what it asks for */
    char **argv;      /* NULL-terminated; argv[0] is looked up in PATH */
    void (*on_exit)(void *ctx, int wait_status); /* the program itself has ended (its daemons may
                                                    live on): status as waitpid gives it */
    void (*on_idle)(void *ctx); /* no process of the run is left, and no connection needs the
                                   stack any more, or the linger time is over */
    void *ctx;
};

/* Starts the program. 0, or -1 with why: missing program, kernel feature not there, ... In that
 * case nothing is left behind. */
int run_start(const struct run_config *cfg, struct run **out, char *why);
/* The loop's event callback for cfg->st; ctx is the struct run. */
void run_on_event(void *ctx, const struct tern_event *ev);
/* Passes a signal that tern itself got on to the program. */
void run_signal(struct run *r, int sig);
/* Name and pid of the process that made a socket, for `tern ss`; false if not ours. */
bool run_owner(const struct run *r, struct tern_sock s, char *name, size_t len, int *pid);
void run_free(struct run *r);

#endif
