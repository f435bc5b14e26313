/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime/order.h: beside a run's control socket, which only tells, one that takes orders: a packet
 * socket; each connection is one line in and one text out.
 */
#ifndef RUNTIME_ORDER_H
#define RUNTIME_ORDER_H

#include <stddef.h>
#include <tern/loop.h>

#define ORDER_LINE   1024u  /* octets of an order at most */
#define ORDER_ANSWER 65536u /* ... and of an answer */

struct order;

/* Carries out a line (without a newline at its end): the answer as text to be freed, or NULL.
 * Called from the loop. */
typedef char *order_fn(void *ctx, const char *line, size_t *len);

/* Listens at path, which must be free. 0, or -1 with why: then nothing is left behind. */
int order_start(struct tern_loop *loop, const char *path, order_fn *fn, void *ctx,
                struct order **out, char *why);
/* Closes it and removes the socket; NULL does nothing. */
void order_free(struct order *o);

#endif
