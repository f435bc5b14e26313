/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate/gate.h: the gateway: a stack that accepts for every address and carries each connection,
 * datagram and ping on with an ordinary socket of the host.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include <tern/loop.h>

struct gate;

#define GATE_FORWARDS 64

struct gate_forward {
    bool udp;
    struct tern_endpoint host; /* where to listen on the host; addr NONE = 127.0.0.1 */
    uint16_t guest_port;
};

struct gate_config {
    struct tern_loop *loop;
    struct tern_stack *st;  /* a stack with one any_addr interface */
    struct tern_addr self;  /* 10.0.2.2: the gateway, which also means the host's loopback */
    struct tern_addr guest; /* 10.0.2.15: where forwarded ports lead */
    struct tern_addr dns; /* where port 53 goes instead of where it was sent; fam NONE = as sent */
    struct gate_forward forward[GATE_FORWARDS];
    unsigned nforward;
    uint32_t max_pending; /* dials under way; 0 = 256. More: SYN is left unanswered */
    uint32_t max_tcp;     /* host TCP sockets; 0 = 4096 */
    uint32_t max_udp;     /* host UDP sockets; 0 = 512; the least recently used is closed */
    uint32_t udp_idle_ms; /* 0 = 60 s, and 10 s for port 53 */
};

/* 0, or -1 with why (port taken, ...): then nothing is left behind. */
int gate_start(const struct gate_config *cfg, struct gate **out, char *why);
/* The loop's event callback for cfg->st; ctx is the struct gate. */
void gate_on_event(void *ctx, const struct tern_event *ev);
/* True while a host socket still has something to carry. */
bool gate_busy(const struct gate *g);
/* Resets what is open and releases everything; before tern_loop_free(). */
void gate_free(struct gate *g);

/* What the gateway did since it was started, and what it holds now. */
struct gate_counts {
    uint64_t dials, dials_failed; /* connections dialled on the host for the guest */
    uint64_t syn_over;            /* SYNs left unanswered: too many dials or host sockets */
    uint64_t forwarded;           /* connections of host clients taken for the guest */
    uint64_t datagrams_out, datagrams_in, datagrams_dropped;
    uint64_t udp_evicted;       /* flows closed early because there were too many */
    uint64_t echo_denied;       /* pings dropped: the host allows this user no ping sockets
                                   (net.ipv4.ping_group_range) */
    uint32_t tcp, pending, udp; /* held now: TCP flows, dials among them, datagram flows */
};
void gate_counts(const struct gate *g, struct gate_counts *out);

#endif
