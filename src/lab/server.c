/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/server.c: the victims on a link, all of them on CPU 0.
 *
 * The server is an ordinary program of sockets; the same one runs on the kernel, behind the
 * kernel's SYNPROXY, under `tern run` and behind `tern shield`. Three more victims measure the link
 * itself: one drops each frame at the device's ingress, before anybody in the kernel has looked at
 * it; one is a process that takes each frame and forgets it; one sends each frame back with its
 * addresses exchanged.
 */
#include "lab/veth.h"

#include "base/time.h"
#include "port/why.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <tern/loop.h>
#include <unistd.h>

#define EVENTS 64

static void serve_event(int ep, int listener, int fd)
{
    char octets[512];
    if (fd == listener) {
        int c = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct epoll_event in = {.events = EPOLLIN, .data.fd = c};
        if (c >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, c, &in) < 0)
            (void)close(c);
        return;
    }
    ssize_t got = recv(fd, octets, sizeof octets, MSG_DONTWAIT);
    if (got > 0)
        (void)send(fd, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (got == 0 || errno != EAGAIN)
        (void)close(fd);
}

int lab_serve(uint32_t backlog)
{
    const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(LAB_PORT)};
    struct epoll_event e[EVENTS] = {{.events = EPOLLIN}};
    struct rlimit l;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* with the `tern run` that started it */
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int ep = epoll_create1(EPOLL_CLOEXEC);
    e[0].data.fd = fd;
    if (fd < 0 || ep < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 ||
        listen(fd, (int)backlog) < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e[0]) < 0)
        return 1;
    for (;;) {
        int n = epoll_wait(ep, e, EVENTS, -1);
        if (n < 0 && errno != EINTR)
            return 1;
        for (int i = 0; i < n; i++)
            serve_event(ep, fd, e[i].data.fd);
    }
}

/* ---- the link alone ---- */

/* Where `tern run`'s program at the device, too, is asked before anybody reads. */
static int sink_drop(const struct veth *v, char *why)
{
    char rules[128];
    (void)snprintf(rules, sizeof rules,
                   "table netdev lab { chain in { type filter hook ingress device %s priority 0; "
                   "policy drop; }; }",
                   v->victim);
    return netns_run(why, "nft", rules, NULL);
}

static void sink_answer(struct tern_port *p, const struct tern_frame *f, size_t n)
{
    struct tern_frame out[LAB_BATCH];
    size_t k = p->ops->tx_get(p, out, n, tern_clock_now());
    for (size_t i = 0; i < k; i++) {
        memcpy(out[i].data, f[i].data, f[i].len);
        memcpy(out[i].data, f[i].data + 6, 6);
        memcpy(out[i].data + 6, f[i].data, 6);
        out[i].len = f[i].len;
    }
    p->ops->tx_put(p, out, k, tern_clock_now());
}

static void sink_wait(struct tern_port *p)
{
    struct pollfd fd[2] = {{.fd = p->ops->fd(p), .events = POLLIN},
                           {.fd = tern_port_fd2(p), .events = POLLIN}};
    struct tern_time at = p->ops->deadline(p);
    int64_t left = at.ns - tern_clock_now().ns;
    const struct timespec t = {left / 1000000000, left > 0 ? left % 1000000000 : 0};
    if (left > 0)
        (void)ppoll(fd, 2, time_is_never(at) ? NULL : &t, NULL);
}

static void sink_run(struct tern_port *p, bool answer)
{
    struct tern_frame f[LAB_BATCH];
    for (;;) {
        size_t n = p->ops->rx(p, f, LAB_BATCH, tern_clock_now());
        if (n == 0)
            sink_wait(p);
        else if (answer)
            sink_answer(p, f, n);
    }
}

/* ---- the kernel's ---- */

static int server_synproxy(char *why)
{
    static const char rules[] =
        "table ip lab { chain pre { type filter hook prerouting priority -300; tcp dport 80 tcp "
        "flags syn notrack; }; chain in { type filter hook input priority "
        "0; tcp dport 80 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp "
        "sack-perm; ct state invalid drop; }; }\n";
    if (netns_run(why, "nft", rules, NULL) < 0)
        return -1;
    return netns_write("/proc/sys/net/netfilter/nf_conntrack_tcp_loose", "0", why);
}

static int server_address(struct veth *v, char *why)
{
    char cookies[16];
    (void)snprintf(cookies, sizeof cookies, "%d", v->cfg->syncookies < 0 ? 1 : v->cfg->syncookies);
    if (netns_run(why, "ip", "link", "set", "lo", "up", NULL) < 0 ||
        netns_run(why, "ip", "link", "set", v->victim, "up", NULL) < 0 ||
        (v->cfg->softirq ? netns_softirq(v->victim, VETH_VICTIM_CPU, why)
                         : netns_thread(v->victim, VETH_VICTIM_CPU, why)) < 0)
        return -1;
    if (v->cfg->victim == LAB_DROP)
        return sink_drop(v, why);
    if (v->cfg->victim != LAB_KERNEL && v->cfg->victim != LAB_SYNPROXY)
        return 0;
    if (netns_run(why, "ip", "addr", "add", "10.9.0.2/24", "dev", v->victim, NULL) < 0 ||
        netns_run(why, "ip", "route", "add", "default", "via", "10.9.0.1", NULL) < 0 ||
        netns_write("/proc/sys/net/ipv4/tcp_syncookies", cookies, why) < 0)
        return -1;
    return v->cfg->victim == LAB_SYNPROXY ? server_synproxy(why) : 0;
}

/* ---- programs ---- */

/* The first process of a process namespace: when it ends, by whatever cause, everything that the
 * server has started ends with it. 0 in it, its number in the caller, -1 with why. */
static pid_t server_first(char *why)
{
    pid_t pid = unshare(CLONE_NEWPID) < 0 ? -1 : fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (mount("proc", "/proc", "proc", 0, NULL) < 0)
            _exit(1);
    } else if (pid < 0) {
        why_set(why, "a process namespace: %s", strerror(errno));
    }
    return pid;
}

/* A process of this command line, which is continued by what is served: a shield's port, or a
 * server program. NULL: that program by itself. */
static pid_t server_start(struct veth *v, const char *const *front, int complaints)
{
    char backlog[16];
    const char *argv[32];
    bool shield = front && v->cfg->victim == LAB_SHIELD;
    char *args[32]; /* execvp() changes nothing, but does not say so */
    unsigned n = 0;
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(backlog, sizeof backlog, "%u", (unsigned)v->cfg->backlog);
    for (; front && front[n]; n++)
        argv[n] = front[n];
    if (front && !shield)
        argv[n++] = "--";
    if (shield) {
        argv[n++] = "80=80";
    } else if (v->cfg->server) {
        argv[n++] = "sh";
        argv[n++] = "-c";
        argv[n++] = v->cfg->server;
    } else {
        argv[n++] = "/proc/self/exe";
        argv[n++] = "flood-lab";
        argv[n++] = "--serve";
        argv[n++] = backlog;
    }
    argv[n] = NULL;
    (void)freopen("/dev/null", "w", stdout);
    (void)dup2(complaints, STDERR_FILENO);
    memcpy(args, argv, (n + 1) * sizeof argv[0]);
    (void)execvp(args[0], args);
    _exit(127);
}

static void server_programs(struct veth *v, int complaints)
{
    char link[32], policy[64], exe[256];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    (void)snprintf(link, sizeof link, "packet:%s", v->victim);
    (void)snprintf(policy, sizeof policy, "%s", v->cfg->policy_text);
    const char *front[] = {exe,
                           v->cfg->victim == LAB_RUN ? "run" : "shield",
                           "--link",
                           link,
                           "--addr",
                           "10.9.0.2/24",
                           "--gw",
                           "10.9.0.1",
                           "--name",
                           v->run,
                           "--policy",
                           policy,
                           v->cfg->no_offload ? "--syn-offload=off" : NULL,
                           NULL};
    if (v->cfg->victim != LAB_RUN)
        (void)server_start(v, NULL, complaints);
    if (v->cfg->victim == LAB_RUN || v->cfg->victim == LAB_SHIELD)
        (void)server_start(v, front, complaints);
}

/* The first process: starts the programs; when all have ended says what the last complained of. */
_Noreturn static void server_guard(struct veth *v)
{
    char said[160] = "", why[TERN_WHY];
    int fd = memfd_create("complaints", MFD_CLOEXEC);
    server_programs(v, fd);
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    off_t len = lseek(fd, 0, SEEK_END), want = (off_t)sizeof said - 1;
    ssize_t n = pread(fd, said, sizeof said - 1, len > want ? len - want : 0);
    while (n > 0 && said[n - 1] == '\n')
        said[--n] = '\0';
    const char *last = strrchr(said, '\n');
    why_set(why, "the server has ended: %s", last ? last + 1 : said);
    veth_fail(v, why);
}

void veth_server(struct veth *v, struct veth_side *side)
{
    char why[TERN_WHY] = "";
    struct tern_port *p = NULL;
    bool link = veth_link_only(v), reads = link && v->cfg->victim != LAB_DROP;
    if (netns_own(why) < 0)
        veth_fail(v, why);
    if (netns_meet(side) < 0)
        return;
    if (server_address(v, why) < 0 || (reads && tern_packet_open(v->victim, &p, why) < 0))
        veth_fail(v, why);
    if (netns_pin(0, VETH_VICTIM_CPU, false) < 0)
        veth_fail(v, "CPU 0 is not allowed");
    pid_t first = link ? 1 : server_first(why);
    if (first < 0)
        veth_fail(v, why);
    if (first == 0)
        server_guard(v);
    if (netns_meet(side) < 0)
        return;
    if (reads)
        sink_run(p, v->cfg->victim == LAB_ECHO);
    for (;;)
        (void)pause();
}
