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
 * that a CPU pays for what it receives, as with a card. All of it is in namespaces that end with
 * the row.
 *
 *     netns.c    namespaces, devices, CPU time     veth.c     one row
 *     sender.c   the forger, on the link           clients.c  the honest clients
 *     server.c   the victims
 */
#ifndef LAB_VETH_H
#define LAB_VETH_H

#include "lab/inner.h"

#include <stdatomic.h>
#include <sys/types.h>

#define VETH_VICTIM_CPU 0
#define VETH_OTHER_CPU  1
#define VETH_NAME       16 /* octets of a device's name */

/* What the processes of a row share. Written by one, read by another after it has said so. */
struct veth_shared {
    _Atomic int go;   /* the clients and the forger may begin */
    _Atomic int over; /* the forger's time is over */
    _Atomic int failed;
    uint64_t forged; /* frames given to the link */
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
    struct veth_side server, clients, forger;
    uint8_t mac[6]; /* the victim's */
};

/* ---- netns.c ---- */

/* A network namespace of this process's own, with its /sys. 0 or -1 with why. */
int netns_own(char *why);
/* Runs a program of the system with its arguments, NULL at the end; -1 with why (its complaint). */
int netns_run(char *why, const char *program, ...) __attribute__((sentinel));
int netns_write(const char *path, const char *text, char *why);
/* Frames of the device are received by a thread of its own, on this CPU, at once. */
int netns_thread(const char *dev, int cpu, char *why);
/* The process id of that thread; 0 = not found. */
pid_t netns_thread_pid(const char *dev);
int netns_pin(pid_t pid, int cpu, bool urgent);
/* CPU time of a process and of all that it started, nanoseconds. */
int64_t netns_cpu_ns(pid_t pid);
/* Memory of its own of a process and of all that it started; octets. */
int64_t netns_resident(pid_t pid);
/* The kernel's memory for its objects; octets. */
int64_t netns_slab(void);
/* Frames that a device has received, and has dropped when it sent them. */
void netns_device(const char *dev, uint64_t *received, uint64_t *dropped);
/* Starts fn(v) in a child; it ends when this process does. */
int netns_side(struct veth *v, struct veth_side *s, void (*fn)(struct veth *v, struct veth_side *s),
               char *why);
void netns_side_end(struct veth_side *s);
/* The child: says that it has come so far and waits for the parent; the parent: waits for the
 * child; -1 = the other is gone. */
int netns_meet(struct veth_side *s, bool child);

/* ---- sender.c, clients.c, server.c: what the children do ---- */

void veth_forger(struct veth *v, struct veth_side *s);
void veth_clients(struct veth *v, struct veth_side *s);
void veth_server(struct veth *v, struct veth_side *s);

/* ---- veth.c ---- */

void veth_row(const struct lab_config *cfg, struct lab_row *row);
/* Says in the shared memory what went wrong, and ends the child. */
_Noreturn void veth_fail(struct veth *v, const char *why);

#endif
