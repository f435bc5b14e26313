/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threats/host.h: a whole stack at 10.1.0.1 on a bare-IP link, and somebody who writes packets by
 * hand: for the attacks in which IP has a part.
 */
#ifndef THREATS_HOST_H
#define THREATS_HOST_H

#include "unit/tcp/rig.h"
#include <tern/stack.h>

struct host {
    struct tern_stack *st;
    struct tern_time now;
    uint8_t out[2048]; /* the last packet sent */
    uint32_t len;
};

void host_start(struct host *h);
void host_stop(struct host *h);
/* A TCP segment without options from src to dst. */
void host_tcp(struct host *h, struct tern_endpoint src, struct tern_endpoint dst, uint32_t seq,
              uint32_t ack, uint8_t th);
/* An ICMP message that quotes the last packet sent (its IP header and 8 octets). */
void host_icmp(struct host *h, struct tern_addr src, uint8_t type, uint8_t code);
/* Takes what is to be sent; returns how many packets, the last in h->out. */
unsigned host_pull(struct host *h);

#endif
