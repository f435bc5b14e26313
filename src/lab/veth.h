/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/veth.h: a row over a real link: three network namespaces, and a process for each part.
 *
 *     clients ── veth ── router ══ veth, attacked ══ victim
 *     10.8.0.2           10.9.0.1                    10.9.0.2
 *                        forger
 *
 * The forger writes to the router's end of the attacked veth, the clients come through it from a
 * network of their own. The victim and its end of the veth are on CPU 0, everything else is on
 * CPU 1; the link's two receive threads (threaded NAPI) are pinned to the side that they serve, so
 * that a CPU pays for what it receives, as with a card, and as with a card's moderated interrupts
 * they look at most every VETH_MODERATION nanoseconds. Answers to forged addresses are dropped as
 * soon as they are received: they would reach nobody, and a forger somewhere in the Internet is not
 * slowed by them. All of it is in namespaces that end with the row.
 *
 *     netns.c    namespaces, devices, processes    veth.c     one row
 *     used.c     CPU time, memory, frames (used.h)
 *     sender.c   the forger, on the link           clients.c  the honest clients
 *     server.c   the victims                        told.c     what one of tern's says of itself
 */
#ifndef LAB_VETH_H
#define LAB_VETH_H

#include "lab/inner.h"
#include "lab/used.h"

#include <stdatomic.h>
#include <sys/types.h>

#define VETH_VICTIM_CPU 0
#define VETH_OTHER_CPU  1
#define VETH_NAME       16 /* octets of a device's name */
#define VETH_MODERATION "100000"
#define VETH_LEAD       1 /* seconds of honest clients alone, before the flood */

/* What the processes of a row share. Written by one, read by another after it has said so. */
struct veth_shared {
    _Atomic int go;   /* the clients and the forger may begin */
    _Atomic int over; /* the forger's time is over */
    _Atomic int failed;
    uint64_t forged; /* frames offered to the link */
    uint64_t taken;  /* ... for which it had room */
    uint64_t tried, done;
    double median_ms, p99_ms;
    char why[256];
};

/* A process of a row with a namespace of its own. */
struct veth_side {
    pid_t pid;
    int to, from; /* pipes: "the devices are there" and "I am ready" */
};

struct veth {
    const struct lab_config *cfg;
    struct veth_shared *sh;
    char attacked[VETH_NAME], victim[VETH_NAME], near[VETH_NAME], client[VETH_NAME];
    char run[VETH_NAME]; /* what `tern ss` calls a victim of tern's */
    struct veth_side server, clients, forger;
    uint8_t mac[6]; /* the victim's */
};

/* ---- netns.c ---- */

/* A network namespace of this process's own, with its /sys. 0 or -1 with why. */
int netns_own(char *why);
/* Runs a program of the system with its arguments, NULL at the end; -1 with why (its complaint). */
int netns_run(char *why, const char *program, ...) __attribute__((sentinel));
int netns_write(const char *path, const char *text, char *why);
/* Frames of the device are received by a thread of its own on this CPU (threaded NAPI), which looks
 * at most every VETH_MODERATION nanoseconds and goes before processes, as a softirq does. */
int netns_thread(const char *dev, int cpu, char *why);
/* Frames of the device are received by this CPU's network softirq, at once. */
int netns_softirq(const char *dev, int cpu, char *why);
int netns_pin(pid_t pid, int cpu, bool urgent);
/* Starts fn(v) in a child; it ends when this process does. */
int netns_side(struct veth *v, struct veth_side *s, void (*fn)(struct veth *v, struct veth_side *s),
               char *why);
void netns_side_end(struct veth_side *s);
/* Called by the child and by the parent: each waits for the other; -1 = the other is gone. */
int netns_meet(struct veth_side *s);

/* ---- sender.c, clients.c, server.c: what the children do ---- */

void veth_forger(struct veth *v, struct veth_side *s);
void veth_clients(struct veth *v, struct veth_side *s);
void veth_server(struct veth *v, struct veth_side *s);

/* ---- told.c ---- */

/* SYNs that were answered at the device, not by the stack, and whether any may be; -1 = it does not
 * say, or is not tern's. */
int64_t told_offloaded(const struct veth *v, bool *offload);

/* ---- veth.c ---- */

void veth_row(const struct lab_config *cfg, struct lab_row *row);
/* A victim that measures the link: there is nobody to be asked anything. */
static inline bool veth_link_only(const struct veth *v)
{
    return v->cfg->victim >= LAB_DROP && v->cfg->victim <= LAB_ECHO;
}
/* Says in the shared memory what went wrong, and ends the child. */
_Noreturn void veth_fail(struct veth *v, const char *why);

#endif
