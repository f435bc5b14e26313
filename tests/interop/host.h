/* SPDX-License-Identifier: BSD-2-Clause */
/* interop/host.h: one tern host on a TAP or TUN, with a table of its sockets; shared by the files
 * of the `peer` program (peer.c has the essay). */
#ifndef INTEROP_HOST_H
#define INTEROP_HOST_H

#include "sha256.h"

#include <tern/inspect.h>
#include <tern/loop.h>
#include <tern/socket.h>

#define PEER_SLOTS 256

enum slot_kind { SLOT_FREE, SLOT_LISTEN, SLOT_CONN, SLOT_UDP };
enum service { SERVICE_NONE, SERVICE_ECHO, SERVICE_DISCARD, SERVICE_CHARGEN };

struct slot {
    enum slot_kind kind;
    enum service service;
    struct tern_sock s;
    bool connected, over; /* TERN_EV_CONNECTED, TERN_EV_CLOSED were seen */
    int err;              /* with over */
    bool shut;            /* a service has sent its FIN */
};

/* A transfer under way: what `send`, `recv` and `both` wait for. */
struct transfer {
    uint64_t left, done; /* octets; left of a receiver UINT64_MAX = to the end of the stream */
    uint64_t rng;        /* sender: state of the generator */
    struct sha256 sum;
    bool active, eof;
    int err;
};

enum waiting { WAIT_NONE, WAIT_ACCEPT, WAIT_CONNECT, WAIT_TRANSFER, WAIT_UDP };

struct host {
    struct tern_loop *loop;
    struct tern_stack *st;
    struct slot slot[PEER_SLOTS]; /* from 1 */
    enum waiting waiting;         /* the command that has no answer yet */
    unsigned which;               /* its slot */
    struct transfer tx, rx;
    struct tern_loop_timer again; /* brings the next turn at once */
};

/* Prints one answer line. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);
/* "ECONNREFUSED" for TERN_ECONNREFUSED. */
const char *err_name(int tern_err);

/* A command line; answers at once, or sets h->waiting. */
void command(struct host *h, char *line);
/* Goes on with the waiting command and the services, after anything has happened. */
void proceed(struct host *h);
void on_event(void *ctx, const struct tern_event *ev);

#endif
