/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shield/shield.h: a stack in front of servers: it ends the clients' TCP, with a listener that
 * withstands a flood, and carries each completed connection on to a socket of the host.
 */
#ifndef SHIELD_SHIELD_H
#define SHIELD_SHIELD_H

#include <tern/loop.h>
#include <tern/socket.h>

struct shield;

#define SHIELD_SERVICES 64

struct shield_service {
    uint16_t port;             /* where clients connect: of the stack */
    struct tern_endpoint host; /* the server; addr NONE = 127.0.0.1 */
};

struct shield_config {
    struct tern_loop *loop;
    struct tern_stack *st;
    struct tern_addr addr; /* what the services listen at */
    struct shield_service service[SHIELD_SERVICES];
    unsigned nservice;
    struct tern_listener_policy policy; /* of each service */
    bool proxy;           /* tell the server who the client is: PROXY protocol, version 2 */
    uint32_t backlog;     /* of each service; 0 = 1024 */
    uint32_t max_conns;   /* joined connections; 0 = 4096. More wait in the accept queues */
    uint32_t max_pending; /* dials under way; 0 = 256. More wait in the accept queues */
};

/* 0, or -1 with why: then nothing is left behind. */
int shield_start(const struct shield_config *cfg, struct shield **out, char *why);
/* The loop's event callback for cfg->st; ctx is the struct shield. */
void shield_on_event(void *ctx, const struct tern_event *ev);
/* Resets what is open and releases everything; before tern_loop_free(). */
void shield_free(struct shield *s);

/* The host's side of a client's connection, as "127.0.0.1:40001>127.0.0.1:80": how the server's own
 * `ss` calls it. False when the socket is none of the shield's connections. */
bool shield_leg(struct shield *s, struct tern_sock sock, char *text, size_t len);

struct shield_counts {
    uint64_t accepted;      /* connections of clients taken */
    uint64_t refused;       /* ... and reset, because the server could not be reached */
    uint32_t open, pending; /* now: joined connections, dials under way among them */
};
void shield_counts(const struct shield *s, struct shield_counts *out);

#endif
