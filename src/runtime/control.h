/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime/control.h: the socket at which a run can be asked what it is doing.
 *
 * Each run has one in $XDG_RUNTIME_DIR/tern, else /tmp/tern-UID: a folder that only its user can
 * enter. Its name is NAME.PID.sock; beside it NAME.PID.ctl takes orders (runtime/order.h). Whoever
 * connects gets one document and the end of the stream; only the same user and root are answered.
 */
#ifndef RUNTIME_CONTROL_H
#define RUNTIME_CONTROL_H

#include "runtime/order.h"
#include <stddef.h>
#include <tern/loop.h>

#define CONTROL_PATH 108 /* as much as a socket's address holds */

struct control;

struct control_config {
    struct tern_loop *loop;
    const char *name; /* 1..32 of letters, digits, '_', '-', '.' */
    /* The document as text to be freed, or NULL; called from the loop. */
    char *(*answer)(void *ctx, size_t *len);
    order_fn *order; /* NULL = it takes none */
    void *ctx;
};

/* The folder, made if `make` and it is not there. 0, or -1 with why: it is somebody else's, or
 * others can enter it, or (without make) it does not exist: then why is empty. */
int control_folder(char path[CONTROL_PATH], bool make, char *why);
/* 0, or -1 with why: then nothing is left behind. */
int control_start(const struct control_config *cfg, struct control **out, char *why);
const char *control_path(const struct control *c);
/* Closes it and removes the socket. Call it before tern_loop_free(). */
void control_free(struct control *c);

#endif
