/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/netns.c: namespaces and devices through ip(8) and /sys, and the processes in them.
 */
#include "lab/veth.h"

#include "port/why.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS 24

int netns_own(char *why)
{
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) {
        why_set(why, "a network namespace of its own: %s: run as root", strerror(errno));
        return -1;
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("sysfs", "/sys", "sysfs", 0, NULL) < 0) {
        why_set(why, "/sys of the row's namespace: %s", strerror(errno));
        return -1;
    }
    return 0;
}

int netns_run(char *why, const char *program, ...)
{
    char *argv[ARGS] = {NULL}, said[128] = "";
    int fd[2], status = -1;
    va_list ap;
    memcpy(&argv[0], &program, sizeof program); /* execvp() changes nothing, but does not say so */
    va_start(ap, program);
    for (unsigned i = 1; i + 1 < ARGS && (argv[i] = va_arg(ap, char *)) != NULL; i++)
        ;
    va_end(ap);
    if (pipe(fd) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(fd[1], 1);
        (void)dup2(fd[1], 2);
        (void)close(fd[0]);
        (void)close(fd[1]);
        (void)execvp(program, argv);
        (void)printf("%s", strerror(errno));
        (void)fflush(stdout);
        _exit(127);
    }
    (void)close(fd[1]);
    ssize_t n = read(fd[0], said, sizeof said - 1);
    said[n > 0 ? n : 0] = '\0';
    said[strcspn(said, "\n")] = '\0';
    (void)close(fd[0]);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
        return 0;
    why_set(why, "%s %s %s: %s", program, argv[1] ? argv[1] : "", argv[1] && argv[2] ? argv[2] : "",
            said);
    return -1;
}

int netns_write(const char *path, const char *text, char *why)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = (ssize_t)strlen(text);
    bool ok = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (!ok)
        why_set(why, "%s: cannot write %.40s: %s", path, text, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return ok ? 0 : -1;
}

/* ---- the receive thread of a device ---- */

/* A line of a small file; "" when it cannot be read. */
static void netns_line(const char *path, char *line, size_t len)
{
    line[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, line, len - 1);
    line[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

/* The process id of that thread; 0 = not found. */
static pid_t netns_thread_pid(const char *dev)
{
    char want[40], path[64], name[64];
    (void)snprintf(want, sizeof want, "napi/%s-", dev);
    DIR *d = opendir("/proc");
    pid_t pid = 0;
    for (struct dirent *e; d && pid == 0 && (e = readdir(d)) != NULL;) {
        long n = strtol(e->d_name, NULL, 10);
        if (n <= 0)
            continue;
        (void)snprintf(path, sizeof path, "/proc/%ld/comm", n);
        netns_line(path, name, sizeof name);
        if (strncmp(name, want, strlen(want)) == 0)
            pid = (pid_t)n;
    }
    if (d)
        (void)closedir(d);
    return pid;
}

int netns_pin(pid_t pid, int cpu, bool urgent)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    const struct sched_param prio = {.sched_priority = 1};
    if (urgent && sched_setscheduler(pid, SCHED_FIFO, &prio) < 0)
        return -1;
    return sched_setaffinity(pid, sizeof set, &set);
}

/* A veth hands frames to a thread only while the receiver joins segments (GRO) and the sender does
 * not leave segmentation to it (TSO). */
static int netns_offload(const char *dev, uint32_t what, uint32_t value)
{
    struct ethtool_value v = {.cmd = what, .data = value};
    struct ifreq ifr = {.ifr_data = (void *)&v};
    (void)snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", dev);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? -1 : ioctl(fd, SIOCETHTOOL, &ifr);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

int netns_thread(const char *dev, int cpu, char *why)
{
    static const struct {
        const char *file, *text;
    } set[] = {
        {"gro_flush_timeout", VETH_MODERATION}, {"napi_defer_hard_irqs", "1"}, {"threaded", "1"}};
    char path[64];
    if (netns_offload(dev, ETHTOOL_STSO, 0) < 0 || netns_offload(dev, ETHTOOL_SGRO, 1) < 0) {
        why_set(why, "%s: TSO cannot be switched off, or GRO on: %s", dev, strerror(errno));
        return -1;
    }
    for (unsigned i = 0; i < sizeof set / sizeof set[0]; i++) {
        (void)snprintf(path, sizeof path, "/sys/class/net/%s/%s", dev, set[i].file);
        if (netns_write(path, set[i].text, why) < 0)
            return -1;
    }
    pid_t pid = netns_thread_pid(dev);
    if (pid > 0 && netns_pin(pid, cpu, true) == 0)
        return 0;
    why_set(why, "%s: its receive thread cannot be put on CPU %d: two CPUs are needed", dev, cpu);
    return -1;
}

int netns_softirq(const char *dev, int cpu, char *why)
{
    char path[64], mask[16];
    if (netns_offload(dev, ETHTOOL_STSO, 0) < 0) {
        why_set(why, "%s: TSO cannot be switched off: %s", dev, strerror(errno));
        return -1;
    }
    (void)snprintf(path, sizeof path, "/sys/class/net/%s/queues/rx-0/rps_cpus", dev);
    (void)snprintf(mask, sizeof mask, "%x", 1u << cpu);
    return netns_write(path, mask, why);
}

/* ---- children ---- */

int netns_meet(struct veth_side *s)
{
    char c = 'x';
    return write(s->to, &c, 1) == 1 && read(s->from, &c, 1) == 1 ? 0 : -1;
}

int netns_side(struct veth *v, struct veth_side *s, void (*fn)(struct veth *v, struct veth_side *s),
               char *why)
{
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0) {
        why_set(why, "pipe: %s", strerror(errno));
        return -1;
    }
    s->pid = fork();
    if (s->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        s->to = up[1];
        s->from = down[0];
        (void)close(up[0]);
        (void)close(down[1]);
        fn(v, s);
        _exit(0);
    }
    (void)close(up[1]);
    (void)close(down[0]);
    s->to = down[1];
    s->from = up[0];
    if (s->pid > 0)
        return 0;
    why_set(why, "fork: %s", strerror(errno));
    return -1;
}

void netns_side_end(struct veth_side *s)
{
    if (s->pid <= 0)
        return;
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
    (void)close(s->to);
    (void)close(s->from);
    s->pid = 0;
}
