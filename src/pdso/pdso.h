/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pdso/pdso.h: libtern-packetdrill.so: tern's stack under Google's packetdrill.
 *
 * packetdrill opens the object, asks packetdrill_interface_init() for a table of calls (iface.h),
 * and from then on everything, time included, goes through that table: the stack runs in virtual
 * time, on the virtual host that `tern drill` has (drill/vhost.h).
 *
 * The clock. packetdrill reads it and waits for it to come to an event's instant; a clock that does
 * not move by itself would keep it waiting for ever, so that each look takes a microsecond. Else
 * time moves in usleep(), and when packetdrill asks for a packet and there is none: then it moves
 * from timer to timer until there is one.
 *
 * Two threads. The one that calls packetdrill_interface_init() runs the script; a second one, made
 * before, makes the calls that a script lets block, and sleeps in them on `cond`. Whatever the
 * first thread does may end such a call; it is ended at once, in virtual time, and the instant is
 * what the second thread's next look at the clock will see.
 *
 * Descriptors. packetdrill closes what a script left open with the host's close(), and takes
 * TCP_INFO for
 * %{ }% with the host's getsockopt(). Each socket therefore has a real descriptor as its number,
 * an eventfd that nobody uses; and the object exports close() and getsockopt(), which, when it is
 * preloaded too (LD_PRELOAD), know those descriptors and leave all others to the kernel.
 */
#ifndef PDSO_PDSO_H
#define PDSO_PDSO_H

#include "drill/conf.h"
#include "drill/vhost.h"

#include <pthread.h>

#define PD_FDS    1024
#define PD_STAMPS 4096

/* A call that waits, or has just ended. */
struct pd_wait {
    struct vcall vc;
    struct pd_wait *next;
    bool own; /* of the script's own thread */
    bool done;
    int64_t done_us;
};

struct pd {
    pthread_mutex_t lock; /* of everything here */
    pthread_cond_t cond;
    pthread_t main;
    struct conf conf;
    char *flags;
    bool lenient; /* leftovers are told and forgiven */
    bool verbose;
    int64_t horizon_us; /* how long to wait for a packet */
    bool open;          /* the stack exists */
    struct vhost vh;
    int64_t base_us;        /* of the clock: what passed before the stack existed */
    struct tern_time epoch; /* the stack's first instant */
    int live[PD_FDS];       /* by real descriptor: the virtual host's, 0 = none */
    struct pd_wait *waits;
    unsigned untold; /* calls that are over, and whose thread has not asked for the time yet */
    bool ended;      /* the script is over: packetdrill is cleaning up */
    size_t leftover; /* frames that nobody asked for, when it ended */
    struct {
        uint16_t lport, rport;
        uint32_t val;
    } stamp[PD_STAMPS]; /* TS val of what came in */
    unsigned nstamp;    /* ever */
};

/* ---- pdso.c ---- */

/* Makes the stack, once, with what the flags and the sysctls of this network namespace say. */
int pd_configure(struct pd *pd);
void pd_configure_again(struct pd *pd);
int64_t pd_now_us(const struct pd *pd);
/* Moves to the next thing that happens, not beyond us; ends the calls that can be ended then. False
 * when the clock stands at us. */
bool pd_step(struct pd *pd, int64_t us);
/* Ends the waiting calls that can be ended now. */
void pd_retry(struct pd *pd);
/* Makes a call, waiting for its end as its socket does. */
int64_t pd_wait_call(struct pd *pd, struct vcall *vc);
/* The result of a call that is not in the table's own form. */
int64_t pd_result(int64_t ret);
__attribute__((format(printf, 1, 2), noreturn)) void pd_die(const char *fmt, ...);

/* ---- fds.c: under the lock ---- */

/* A real descriptor for one of the virtual host's; an error is passed on. */
int pd_fd_new(struct pd *pd, int live);
/* The virtual host's, or -1. */
int pd_fd(const struct pd *pd, int fd);
void pd_fd_free(struct pd *pd, int fd);
/* The pd that exported close() and getsockopt() mean; NULL = none. */
void pd_fds_of(struct pd *pd);

/* ---- check.c ---- */

/* Takes down what a packet that comes in says. */
void pd_note_in(struct pd *pd, const uint8_t *p, size_t n);
/* Looks at a packet that goes out; NULL, or what is wrong with it. */
const char *pd_check_out(struct pd *pd, const struct vframe *f);
/* One line about a packet. */
void pd_say_frame(const struct vframe *f, char *out, size_t cap);

/* ---- calls.c ---- */

struct packetdrill_interface;
void pd_fill_calls(struct packetdrill_interface *ifc);

#endif
