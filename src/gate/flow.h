/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate/flow.h: a connection of a stack joined to a TCP socket of the host, and a table of them.
 *
 * Who owns a table decides how the two ends come to be (the gateway dials before it answers a SYN,
 * the shield after it has accepted); from flow_open() on the flow carries octets, both ends of
 * stream and resets by itself, until it frees itself.
 */
#ifndef GATE_FLOW_H
#define GATE_FLOW_H

#include <tern/loop.h>
#include <tern/socket.h>

enum flow_state {
    FLOW_FREE = 0,
    FLOW_DIALING,  /* the host's connect(2) is under way; `sock` is the half-open record (gateway)
                      or the connection (shield) */
    FLOW_ANSWERED, /* SYN-ACK sent; the guest's ACK is awaited */
    FLOW_CALLING,  /* a forward: our SYN to the guest is under way */
    FLOW_OPEN,
};

struct flow_table;

struct flow {
    struct flow_table *t;
    struct flow *prev, *next; /* on t->waiting (DIALING, ANSWERED), t->active, or the free list */
    struct tern_sock sock;
    struct tern_endpoint guest, dest; /* the stack's peer; the end that it believes to talk to */
    struct tern_time since;           /* ANSWERED: when */
    int fd;
    uint32_t gen; /* counts the uses of this struct: a stale event does not find it */
    uint8_t state;
    /* The descriptor is watched edge-triggered, once and for all; these remember the edges. */
    bool host_rd, host_wr; /* reading, writing may do something */
    bool host_hup;         /* the host's peer has sent its FIN */
    bool host_eof;         /* ... and we have read up to it and passed it on */
    bool guest_eof;        /* the guest's FIN was passed on */
};

struct flow_table {
    struct tern_loop *loop;
    struct tern_stack *st;
    uint32_t max;
    void *owner; /* whose table it is: for the callbacks */
    /* The host's connect(2) of a DIALING flow has finished, one way or the other. */
    void (*dialed)(struct flow *f);
    /* A CALLING flow's event; NULL when the owner makes none. */
    void (*called)(struct flow *f, const struct tern_event *ev);
    /* There is room again; called from inside this file's functions: only note it. May be NULL. */
    void (*freed)(struct flow_table *t);
    /* the table's own */
    struct flow *flows;
    struct flow *free, *waiting, *active;
    uint32_t held, dialing; /* flows; those DIALING among them */
};

/* The fields above "the table's own" are set. 0, or -1: no memory. */
int flow_table_init(struct flow_table *t);
/* Resets what is open (an unanswered SYN must have been answered before) and frees the table. */
void flow_table_free(struct flow_table *t);

struct flow *flow_new(struct flow_table *t, enum flow_state state,
                      int fd); /* NULL: t->max in use */
void flow_move(struct flow *f, enum flow_state state);
/* The joined sockets can be used: carries what is there. False when the flow is gone already. */
bool flow_open(struct flow *f, struct tern_sock sock);
void flow_free(struct flow *f);        /* takes the descriptor's watch away; closes nothing */
void flow_reset_guest(struct flow *f); /* RST to the guest, the host's socket closed, freed */
void flow_reset_host(struct flow *f); /* RST on the host's side, the guest's handle closed, freed */
void flow_on_event(struct flow *f, const struct tern_event *ev);
/* tern_setuser() numbers: which flow; NULL when it is none, or a past one. */
uint64_t flow_user(const struct flow *f);
struct flow *flow_of_user(struct flow_table *t, uint64_t user);

#endif
