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
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READY_TRIES 200 /* of 50 ms */

struct veth_used {
    int64_t cpu, memory;
    uint64_t received, dropped;
};

_Noreturn void veth_fail(struct veth *v, const char *why)
{
    if (atomic_exchange(&v->sh->failed, 1) == 0)
        (void)snprintf(v->sh->why, sizeof v->sh->why, "%s", why);
    _exit(1);
}

static int veth_devices(struct veth *v, char *why)
{
    char pid[2][16];
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

/* The server answers, and the router knows its MAC address. */
static int veth_ready(struct veth *v, char *why)
{
    const struct timespec nap = {0, 50000000};
    struct arpreq a = {0};
    struct sockaddr_in *sa = (struct sockaddr_in *)(void *)&a.arp_pa;
    if (v->cfg->victim == LAB_SINK || v->cfg->victim == LAB_ECHO) {
        memcpy(v->mac, (const uint8_t[6]){2, 's', 'i', 'n', 'k', 0}, 6);
        return 0;
    }
    unsigned i = 0;
    while (i++ < READY_TRIES && !veth_connects() && !atomic_load(&v->sh->failed))
        (void)nanosleep(&nap, NULL);
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
    return rc;
}

static void veth_look(const struct veth *v, pid_t thread, struct veth_used *u)
{
    bool kernel = v->cfg->victim == LAB_KERNEL || v->cfg->victim == LAB_SYNPROXY;
    u->cpu = netns_cpu_ns(v->server.pid) + netns_cpu_ns(thread);
    u->memory = kernel ? netns_slab() : netns_resident(v->server.pid);
    netns_device(v->attacked, &u->received, &u->dropped);
}

static void veth_measure(struct veth *v, struct lab_row *row)
{
    struct veth_used a, warm, b;
    const struct timespec some = {0, 200000000};
    pid_t thread = netns_thread_pid(v->victim);
    veth_look(v, thread, &a);
    (void)netns_meet(&v->clients, false);
    (void)netns_meet(&v->forger, false);
    (void)nanosleep(&some, NULL);
    veth_look(v, thread, &warm);
    (void)netns_meet(&v->forger, false);
    veth_look(v, thread, &b);
    (void)netns_meet(&v->clients, false);
    row->forged = v->sh->forged;
    row->taken = row->forged - (b.dropped - a.dropped);
    row->offered = (double)row->forged / v->cfg->seconds;
    row->syn_acks = row->answers = b.received - a.received;
    row->tried = v->sh->tried;
    row->done = v->sh->done;
    row->median_ms = v->sh->median_ms;
    row->p99_ms = v->sh->p99_ms;
    row->cpu_ns = row->taken ? (double)(b.cpu - a.cpu) / (double)row->taken : 0;
    row->grown = b.memory - warm.memory;
}

static int veth_parts(struct veth *v, struct lab_row *row)
{
    char *why = row->why;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        why_set(why, "two CPUs are needed: one for the victim, one for the forger");
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
        netns_meet(&v->server, false) < 0 || netns_meet(&v->clients, false) < 0 ||
        veth_ready(v, why) < 0)
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
