/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/clients.c: honest clients on a link: ordinary sockets of the kernel, in a namespace of their
 * own. Each connects when it is due, asks, and has succeeded when the first octet of an answer is
 * there; its time runs from the instant at which it was due. It goes with a reset. Those of the
 * first second are there before the flood: what they cost is what the flood does not cost. They
 * count for nothing else.
 */
#include "lab/veth.h"

#include "port/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <tern/loop.h>
#include <unistd.h>

#define GRACE_NS 2000000000
#define EVENTS   64

struct client {
    int fd; /* 0 = not begun, -1 = ended */
    int64_t due, took;
};

struct clients {
    int epoll;
    struct client *all;
    uint32_t n, begun, ended;
};

static void client_end(struct clients *cs, struct client *c, int64_t took)
{
    const struct linger at_once = {.l_onoff = 1};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(c->fd);
    c->fd = -1;
    c->took = took;
    cs->ended++;
}

static void client_begin(struct clients *cs, int64_t due)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(LAB_PORT), .sin_addr = {htonl(0x0a090002)}};
    struct client *c = &cs->all[cs->begun];
    struct epoll_event e = {.events = EPOLLOUT, .data.u32 = cs->begun++};
    c->due = due;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 ||
        (connect(c->fd, (const struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) ||
        epoll_ctl(cs->epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
        client_end(cs, c, 0);
}

static void client_event(struct clients *cs, const struct epoll_event *e)
{
    static const char ask[] = "GET / HTTP/1.0\r\n\r\n";
    struct client *c = &cs->all[e->data.u32];
    struct epoll_event in = {.events = EPOLLIN, .data.u32 = e->data.u32};
    char octets[512];
    int err = 0;
    socklen_t len = sizeof err;
    if (c->fd < 0)
        return;
    if (e->events & EPOLLIN) {
        bool got = recv(c->fd, octets, sizeof octets, MSG_DONTWAIT) > 0;
        client_end(cs, c, got ? tern_clock_now().ns - c->due : 0);
    } else if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err != 0 ||
               send(c->fd, ask, sizeof ask - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ||
               epoll_ctl(cs->epoll, EPOLL_CTL_MOD, c->fd, &in) < 0) {
        client_end(cs, c, 0);
    }
}

static int client_order(const void *a, const void *b)
{
    const struct client *x = a, *y = b;
    return (x->took > y->took) - (x->took < y->took);
}

static void clients_result(struct clients *cs, const struct lab_config *cfg, struct veth_shared *sh)
{
    struct client *all = cs->all + (size_t)cfg->honest * VETH_LEAD;
    uint32_t lost = 0, n = cfg->honest * cfg->seconds;
    qsort(all, n, sizeof *all, client_order);
    while (lost < n && all[lost].took == 0)
        lost++;
    sh->tried = n;
    n -= lost;
    sh->done = n;
    if (n == 0)
        return;
    const struct client *median = &all[lost + n / 2], *p99 = &all[lost + (n - 1) * 99 / 100];
    sh->median_ms = (double)median->took * 1e-6;
    sh->p99_ms = (double)p99->took * 1e-6;
}

static void clients_run(struct clients *cs, struct veth *v)
{
    const struct lab_config *c = v->cfg;
    struct epoll_event e[EVENTS];
    int64_t zero = tern_clock_now().ns, end = (int64_t)(c->seconds + VETH_LEAD) * 1000000000;
    for (;;) {
        int64_t at = tern_clock_now().ns - zero;
        if (at > end + GRACE_NS || (at > end && cs->ended == cs->n))
            break;
        while (cs->begun < cs->n && (int64_t)cs->begun * 1000000000 / c->honest <= at)
            client_begin(cs, zero + (int64_t)cs->begun * 1000000000 / c->honest);
        int64_t next = cs->begun < cs->n ? (int64_t)cs->begun * 1000000000 / c->honest - at
                                         : INT64_C(20000000);
        const struct timespec wait = {0, next < 0 ? 0 : next % 1000000000};
        int n = epoll_pwait2(cs->epoll, e, EVENTS, &wait, NULL);
        for (int i = 0; i < n; i++)
            client_event(cs, &e[i]);
    }
}

static int clients_place(const struct veth *v, char *why)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
    if (netns_run(why, "ip", "addr", "add", "10.8.0.2/24", "dev", v->client, NULL) < 0 ||
        netns_run(why, "ip", "link", "set", v->client, "up", NULL) < 0 ||
        netns_run(why, "ip", "route", "add", "default", "via", "10.8.0.1", NULL) < 0)
        return -1;
    if (netns_pin(0, VETH_OTHER_CPU, true) < 0) {
        why_set(why, "CPU 1 is not there or not allowed: two CPUs are needed");
        return -1;
    }
    return 0;
}

void veth_clients(struct veth *v, struct veth_side *side)
{
    struct clients cs = {.n = veth_link_only(v) ? 0
                                                : v->cfg->honest * (v->cfg->seconds + VETH_LEAD)};
    char why[TERN_WHY] = "";
    if (netns_own(why) < 0)
        veth_fail(v, why);
    if (netns_meet(side) < 0)
        return;
    cs.all = calloc(cs.n + 1, sizeof *cs.all);
    cs.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!cs.all || cs.epoll < 0)
        veth_fail(v, "the clients: out of memory: fewer honest connects, or less time");
    if (clients_place(v, why) < 0)
        veth_fail(v, why);
    bool go = netns_meet(side) == 0; /* ready */
    go = go && netns_meet(side) == 0;
    if (go) {
        clients_run(&cs, v);
        if (cs.n > 0)
            clients_result(&cs, v->cfg, v->sh);
        (void)netns_meet(side);
    }
    free(cs.all);
}
