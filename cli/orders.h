/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/orders.h: what a run does when it is told to through its control socket:
 *
 *     policy :PORT [WORDS]               shows or changes the policy of the listeners at a port
 *     cookie LOCAL REMOTE SYNSEQ SEQ     decodes a SYN cookie
 *
 * The answer is a text; its first line is "ok" or "error: WHY".
 */
#ifndef CLI_ORDERS_H
#define CLI_ORDERS_H

#include <stddef.h>
#include <tern/stack.h>

/* Carries out a line on n stacks: the answer to be freed, or NULL without memory. */
char *orders_run(struct tern_stack *const *st, unsigned n, struct tern_time now, const char *line,
                 size_t *len);

#endif
