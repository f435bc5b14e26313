/* SPDX-License-Identifier: BSD-2-Clause */
/* run/filter.h: the seccomp program. */
#ifndef RUN_FILTER_H
#define RUN_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

#define FILTER_MAX 256

/* Writes the program into prog (FILTER_MAX instructions) and returns its length. */
size_t filter_build(struct sock_filter *prog);

#endif
