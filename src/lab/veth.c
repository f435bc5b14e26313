/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/veth.c: one row over a link: makes the namespaces and the devices, starts the parts, and
 * reads what the victim's side has used while the forger sent.
 */
#include "lab/veth.h"

#include "port/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <tern/loop.h>
#include <time.h>
#include <unistd.h>

#define READY_TRIES 200 /* of 50 ms */
#define WARM        600 /* honest connects before anything is measured */

struct veth_used {
    struct tern_time at;
    int64_t idle; /* of the victim's CPU, ns */
    uint64_t received;
};

_Noreturn void veth_fail(struct veth *v, const char *why)
{
    if (atomic_exchange(&v->sh->failed, 1) == 0)
        (void)snprintf(v->sh->why, sizeof v->sh->why, "%s", why);
    _exit(1);
}

static int veth_devices(struct veth *v, char *why)
{
    char pid[2][16], rules[256];
    (void)snprintf(
        rules, sizeof rules,
        "table netdev lab { chain in { type filter hook ingress device %s priority 0; ip "
        "daddr != { 10.8.0.0/24, 10.9.0.0/24 } drop; }; }",
        v->attacked);
    (void)snprintf(pid[0], sizeof pid[0], "%d", (int)v->server.pid);
    (void)snprintf(pid[1], sizeof pid[1], "%d", (int)v->clients.pid);
    if (netns_run(why, "ip", "link", "add", v->attacked, "type", "veth", "peer", "name", v->victim,
                  "netns", pid[0], NULL) < 0 ||
        netns_run(why, "ip", "link", "add", v->near, "type", "veth", "peer", "name", v->client,
                  "netns", pid[1], NULL) < 0 ||
        netns_run(why, "ip", "addr", "add", "10.9.0.1/24", "dev", v->attacked, NULL) < 0 ||
        netns_run(why, "ip", "addr", "add", "10.8.0.1/24", "dev", v->near, NULL) < 0 ||
        netns_run(why, "ip", "link", "set", v->attacked, "up", NULL) < 0 ||
        netns_run(why, "ip", "link", "set", v->near, "up", NULL) < 0 ||
        netns_run(why, "ip", "route", "add", "blackhole", "default", NULL) < 0 ||
        netns_run(why, "nft", rules, NULL) < 0 ||
        netns_write("/proc/sys/net/ipv4/ip_forward", "1", why) < 0)
        return -1;
    return netns_thread(v->attacked, VETH_OTHER_CPU, why);
}

static bool veth_connects(void)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(LAB_PORT), .sin_addr = {htonl(0x0a090002)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int err = 1;
    socklen_t len = sizeof err;
    if (fd < 0)
        return false;
    if ((connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS) &&
        poll(&p, 1, 500) == 1)
        (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
    (void)close(fd);
    return err == 0;
}

/* A whole visit of an honest client, one after the other: what a server takes once and then uses
 * again (tables, records that are swept now and then) is there before its memory is looked at. */
static bool veth_visit(void)
{
    static const char ask[] = "GET / HTTP/1.0\r\n\r\n";
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(LAB_PORT), .sin_addr = {htonl(0x0a090002)}};
    const struct linger at_once = {.l_onoff = 1};
    const struct timeval patience = {.tv_sec = 1};
    char octet;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool got = setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0 &&
               setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
               setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
               connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
               send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) > 0 && recv(fd, &octet, 1, 0) > 0;
    (void)close(fd);
    return got;
}

/* The server answers, and the router knows its MAC address. */
static int veth_ready(struct veth *v, char *why)
{
    const struct timespec nap = {0, 50000000};
    struct arpreq a = {0};
    struct sockaddr_in *sa = (struct sockaddr_in *)(void *)&a.arp_pa;
    if (veth_link_only(v)) {
        memcpy(v->mac, (const uint8_t[6]){2, 's', 'i', 'n', 'k', 0}, 6);
        return 0;
    }
    unsigned i = 0;
    while (i++ < READY_TRIES && !veth_connects() && !atomic_load(&v->sh->failed))
        (void)nanosleep(&nap, NULL);
    if (atomic_load(&v->sh->failed))
        return -1; /* it has said why */
    sa->sin_family = AF_INET;
    sa->sin_addr.s_addr = htonl(0x0a090002);
    (void)snprintf(a.arp_dev, sizeof a.arp_dev, "%s", v->attacked);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc = fd < 0 || i > READY_TRIES ? -1 : ioctl(fd, SIOCGARP, &a);
    if (fd >= 0)
        (void)close(fd);
    memcpy(v->mac, a.arp_ha.sa_data, 6);
    if (rc < 0)
        why_set(why, "the server does not answer at 10.9.0.2:80 of the row's namespace");
    for (i = 0; rc == 0 && i < WARM && veth_visit(); i++)
        ;
    return rc;
}

static void veth_look(const struct veth *v, struct veth_used *u)
{
    u->at = tern_clock_now();
    u->idle = used_idle_ns(VETH_VICTIM_CPU);
    u->received = used_received(v->attacked);
}

/* The share of the time between two looks in which the victim's CPU had something to do. */
static double veth_busy(const struct veth_used *a, const struct veth_used *b)
{
    double all = (double)(b->at.ns - a->at.ns), idle = (double)(b->idle - a->idle);
    return all > idle ? (all - idle) / all : 0;
}

static int64_t veth_memory(const struct veth *v, bool kernel)
{
    return kernel ? used_slab() : used_resident(v->server.pid);
}

static void veth_nap(double s)
{
    struct timespec t = {.tv_sec = (time_t)s, .tv_nsec = (long)((s - (double)(time_t)s) * 1e9)};
    (void)nanosleep(&t, NULL);
}

/* The clients alone, then with the flood; when the CPU was busier before (with something else), its
 * time is not known. Memory is first looked at when a fifth of it is over:
 * what is touched once and then used again is no growth. */
static void veth_measure(struct veth *v, struct lab_row *row)
{
    struct veth_used before, a, b;
    double share = 0.2 * v->cfg->seconds;
    row->memory =
        v->cfg->victim == LAB_KERNEL || v->cfg->victim == LAB_SYNPROXY ? LAB_SLAB : LAB_OWN;
    bool kernel = row->memory == LAB_SLAB;
    (void)netns_meet(&v->clients);
    veth_look(v, &before);
    veth_nap(VETH_LEAD);
    veth_look(v, &a);
    (void)netns_meet(&v->forger);
    veth_nap(share);
    int64_t warm = veth_memory(v, kernel);
    (void)netns_meet(&v->forger);
    veth_look(v, &b);
    row->grown = veth_memory(v, kernel) - warm;
    (void)netns_meet(&v->clients);
    row->offloaded = told_offloaded(v, &row->offload); /* not before: an answer takes memory */
    row->forged = v->sh->forged;
    row->taken = v->sh->taken;
    row->offered = (double)row->forged / v->cfg->seconds;
    row->syn_acks = row->answers = b.received - a.received;
    row->tried = v->sh->tried;
    row->done = v->sh->done;
    row->median_ms = v->sh->median_ms;
    row->p99_ms = v->sh->p99_ms;
    double busy = (veth_busy(&a, &b) - veth_busy(&before, &a)) * (double)(b.at.ns - a.at.ns);
    row->cpu_ns = row->taken && busy > 0 ? busy / (double)row->taken : NAN;
}

static int veth_parts(struct veth *v, struct lab_row *row)
{
    char *why = row->why;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        why_set(why, "two CPUs are needed: one for the victim, one for the forger");
        return -1;
    }
    if (netns_pin(0, VETH_OTHER_CPU, false) < 0) {
        why_set(why, "CPU 1 is not allowed: two CPUs are needed");
        return -1;
    }
    if (netns_own(why) < 0 || netns_side(v, &v->server, veth_server, why) < 0 ||
        netns_side(v, &v->clients, veth_clients, why) < 0)
        return -1;
    /* Both have their namespaces; then their devices; then they are ready. */
    char c = 0;
    if (read(v->server.from, &c, 1) != 1 || read(v->clients.from, &c, 1) != 1 ||
        veth_devices(v, why) < 0)
        return -1;
    if (write(v->server.to, &c, 1) != 1 || write(v->clients.to, &c, 1) != 1 ||
        netns_meet(&v->server) < 0 || netns_meet(&v->clients) < 0 || veth_ready(v, why) < 0)
        return -1;
    return netns_side(v, &v->forger, veth_forger, why);
}

void veth_row(const struct lab_config *cfg, struct lab_row *row)
{
    struct veth v = {.cfg = cfg};
    v.sh = mmap(NULL, sizeof *v.sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (v.sh == MAP_FAILED) {
        why_set(row->why, "out of memory");
        row->failed = true;
        return;
    }
    unsigned id = (unsigned)getpid();
    (void)snprintf(v.attacked, sizeof v.attacked, "la%u", id);
    (void)snprintf(v.victim, sizeof v.victim, "lv%u", id);
    (void)snprintf(v.near, sizeof v.near, "ln%u", id);
    (void)snprintf(v.client, sizeof v.client, "lc%u", id);
    (void)snprintf(v.run, sizeof v.run, "lab%u", id);
    row->failed = veth_parts(&v, row) < 0;
    if (!row->failed)
        veth_measure(&v, row);
    if (atomic_load(&v.sh->failed)) {
        row->failed = true;
        (void)snprintf(row->why, sizeof row->why, "%s", v.sh->why);
    }
    netns_side_end(&v.forger);
    netns_side_end(&v.clients);
    netns_side_end(&v.server);
}
