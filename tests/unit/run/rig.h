/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/rig.h: the launcher's supervisor with a stack, a peer stack on a wire, and the test itself as
 * the program.
 *
 * rig_call() is a system call of the program: the rig stands in for the kernel's seccomp listener
 * (it answers the SECCOMP_IOCTL_NOTIF_* requests, rig.c), so the call takes the supervisor's whole
 * way: taken, looked up by inode, handled, answered. The program's memory and descriptors are this
 * process's own.
 */
#ifndef UNIT_RUN_RIG_H
#define UNIT_RUN_RIG_H

#include "run/sup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define RIG_HELD      INT64_MIN       /* not answered yet */
#define RIG_CONTINUED (INT64_MIN + 1) /* given back to the kernel */

struct rig {
    struct run *run;
    struct tern_loop *loop;
    struct tern_stack *guest, *peer; /* 10.0.0.1, 10.0.0.2 */
    /* the stand-in for the kernel */
    int pipe[2]; /* [0] is the listener */
    struct seccomp_notif ask;
    bool asked;         /* a call waits to be taken */
    int64_t answer;     /* of the last call: its value, -errno, RIG_* */
    uint64_t answer_id; /* the seccomp_notif.id that was answered */
    unsigned answers;
    int tid;               /* whose calls they are; 0 = this thread's */
    bool killed;           /* the thread is gone: its calls are no longer valid */
    bool deaf;             /* a signal interrupts each call just before its answer */
    int give_error;        /* what giving a descriptor fails with, 0 = it works */
    unsigned exits, idles; /* on_exit() and on_idle() calls */
    int status;            /* what on_exit() was told */
};
extern struct rig rig;

int rig_setup(void **state);
int rig_teardown(void **state);

/* A system call of the program: value, -errno, RIG_HELD or RIG_CONTINUED. */
int64_t rig_call(int nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                 uint64_t a5);
#define rig_at(p) ((uint64_t)(uintptr_t)(p))
int rig_so_error(int fd); /* SO_ERROR of the program's socket */

/* Turns the loop until done() or five seconds have passed; what done() said last. */
bool rig_until(bool (*done)(void *ctx), void *ctx);
bool rig_answered(void *ctx); /* for rig_until: the held call has been answered */
/* Turns the loop a few times: what can happen now has happened. */
void rig_turn(void);

struct sockaddr_in rig_sin(uint8_t host, uint16_t port);
struct tern_endpoint rig_ep(uint8_t host, uint16_t port);
struct tern_sock rig_peer_listen(uint16_t port);

/* A connection of the program to the peer's listener at `port`. */
struct rig_conn {
    int fd;                /* the program's */
    struct sk *sk;         /* the supervisor's */
    struct tern_sock peer; /* at the other stack */
    struct tern_sock listener;
};
struct rig_conn rig_connect(uint16_t port);
/* Reads n octets at the peer, or to the end when there are fewer; how many. */
size_t rig_peer_read(struct tern_sock s, void *buf, size_t n);
/* What reading at the peer says now that it has something to say, other than EAGAIN. */
int64_t rig_peer_end(struct tern_sock s);

#endif
