/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack/fake_tcp.h: a TCP that has no connections: it records what the spine hands it, and sends
 * the segments that a test has queued. One for each stack, in the stack's own memory.
 */
#ifndef STACK_FAKE_TCP_H
#define STACK_FAKE_TCP_H

#include "tcp/tcp.h"

#define FAKE_QUEUE 256

struct fake_seg {
    struct tern_addr src, dst;
    uint32_t len; /* octets of header and payload: 20 zeros, then a pattern */
    uint16_t gso_size;
    uint8_t csum;
    unsigned iface;
    bool suspect;
};

struct tcp {
    struct fake_seg queue[FAKE_QUEUE];
    unsigned head, tail;
    uint32_t seen_cap, seen_id; /* of the last tcp_tx() */
    unsigned rx;                /* segments taken */
    struct tcp_pkt last;        /* the last one; p points at octets */
    uint8_t octets[65536];
    unsigned icmp, unreachable, ticks;
    struct tern_endpoint icmp_local, icmp_remote;
    uint32_t icmp_seq;
    int icmp_err;
    struct tern_addr unreachable_addr;
    struct tern_time deadline;
    uint32_t mtu[TCP_IFACES], gso_max[TCP_IFACES];
    bool tx_csum[TCP_IFACES];
    struct fake_seg *answer; /* if set: each segment taken queues this one */
    struct trace *trace;
};

void fake_send(struct tcp *t, const struct fake_seg *s);

#endif
