/* SPDX-License-Identifier: BSD-2-Clause */
/* see/netstat.h: snapshots of runs as netstat(8) prints them, for those whose fingers know it. */
#ifndef SEE_NETSTAT_H
#define SEE_NETSTAT_H

#include <stdbool.h>
#include <stdio.h>

struct json_t;

struct netstat_style {
    bool tcp, udp;
    bool listening; /* -l: these alone */
    bool all;       /* -a: these too */
};

/* 0, or -1 if it could not be written. */
int netstat_print(FILE *f, struct json_t *const *runs, unsigned n,
                  const struct netstat_style *style);

#endif
