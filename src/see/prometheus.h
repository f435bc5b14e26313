/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/prometheus.h: snapshots of runs as metrics in Prometheus's text format (version 0.0.4), for a
 * textfile collector or whatever calls `tern ss --prometheus`. docs/flood-defence.md lists them.
 */
#ifndef SEE_PROMETHEUS_H
#define SEE_PROMETHEUS_H

#include <stdio.h>

struct json_t;

/* 0, or -1 if it could not be written. */
int prometheus_print(FILE *f, struct json_t *const *runs, unsigned n);

#endif
