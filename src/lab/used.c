/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/used.c: what a row has used, as the kernel counts it.
 *
 * CPU time is that of a whole CPU, on which there is nothing but the victim: elapsed time less the
 * time that the kernel was idle there. Adding up processes would miss what is done on their behalf
 * in interrupts, and the ticks of /proc/PID/stat miss whatever is over before the next tick; idle
 * time is measured, not sampled.
 */
#include "lab/used.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USED_DEPTH 8 /* generations of processes */

/* The next number of a line, 0 at its end. */
static uint64_t used_number(const char **at)
{
    char *end = NULL;
    while (**at && (**at < '0' || **at > '9'))
        ++*at;
    uint64_t n = strtoull(*at, &end, 10);
    *at = end;
    return n;
}

/* The rest of the line of a file that begins with `name` (blanks before it skipped); "" = none. */
static void used_line(const char *path, const char *name, char *rest, size_t len)
{
    char line[512];
    FILE *f = fopen(path, "re");
    rest[0] = '\0';
    while (f && rest[0] == '\0' && fgets(line, sizeof line, f)) {
        const char *at = line + strspn(line, " ");
        if (strncmp(at, name, strlen(name)) == 0)
            (void)snprintf(rest, len, "%s", at + strlen(name));
    }
    if (f)
        (void)fclose(f);
}

int64_t used_idle_ns(unsigned cpu)
{
    char name[16], line[256];
    uint64_t col[8];
    (void)snprintf(name, sizeof name, "cpu%u ", cpu);
    used_line("/proc/stat", name, line, sizeof line);
    const char *at = line;
    for (unsigned i = 0; i < 8; i++)
        col[i] = used_number(&at);
    /* idle, waiting for a disk, and taken away by the machine below */
    return (int64_t)(col[3] + col[4] + col[7]) * (1000000000 / sysconf(_SC_CLK_TCK));
}

/* The parent of a process; 0 = gone. */
static pid_t used_parent(pid_t pid)
{
    char path[64], line[64];
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    used_line(path, "PPid:", line, sizeof line);
    const char *at = line;
    return (pid_t)used_number(&at);
}

static bool used_descends(pid_t pid, pid_t root)
{
    for (unsigned depth = 0; depth < USED_DEPTH && pid > 1; depth++) {
        if (pid == root)
            return true;
        pid = used_parent(pid);
    }
    return false;
}

static int64_t used_kb(const char *path, const char *name)
{
    char line[64];
    used_line(path, name, line, sizeof line);
    const char *at = line;
    return (int64_t)used_number(&at) * 1024;
}

int64_t used_resident(pid_t root)
{
    char path[64];
    int64_t sum = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid <= 0 || !used_descends(pid, root))
            continue;
        (void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
        sum += used_kb(path, "Anonymous:");
    }
    if (d)
        (void)closedir(d);
    return sum;
}

int64_t used_slab(void)
{
    return used_kb("/proc/meminfo", "Slab:");
}

uint64_t used_received(const char *dev)
{
    char name[32], line[256];
    (void)snprintf(name, sizeof name, "%s:", dev);
    used_line("/proc/net/dev", name, line, sizeof line);
    const char *at = line;
    (void)used_number(&at); /* octets */
    return used_number(&at);
}
