/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack/stack.h: the spine: one struct with every rib of a stack, and the order in which they are
 * used.
 *
 *     ingress.c  frame -> link header -> ip4_rx -> tcp_rx | udp_rx | icmp_rx | arp_rx -> answers
 *     egress.c   ARP and ICMP, then released frames, then TCP and UDP in turn -> IP -> neighbour ->
 * frame clock.c    due timers; the one deadline lo.c       packets to our own addresses, fed
 * straight back answer.c   the bounded queue of ARP and ICMP packets that wait for the link size.c
 * how the memory of a stack is cut up note.c     what is counted and traced of frames that are not
 * TCP's
 *
 * Only this room and api/ know the struct; the API's functions are thin.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include "base/buddy.h"
#include "base/cksum.h"
#include "base/list.h"
#include "base/prng.h"
#include "base/ring.h"
#include "base/time.h"
#include "base/trace.h"
#include "net/arp.h"
#include "net/icmp.h"
#include "net/iface.h"
#include "net/neigh.h"
#include "net/route.h"
#include "tcp/tcp.h"
#include "udp/udp.h"
#include <tern/stack.h>

_Static_assert(NET_IFACES == TCP_IFACES, "one index for all ribs");
_Static_assert(NET_IFACES == UDP_IFACES, "one index for all ribs");

/* Packets to ourselves that one call may deliver; the rest waits for the next call or tick. */
#define STACK_LO_BURST 64
/* Octets of echo requests that may wait for the application (tern_echo_events()). */
#define STACK_ECHO_MAX 65536u

/* ---- an answer: an ARP packet, or a whole IP packet, that waits for its interface ---- */

#define ANSWER_INLINE 128u

struct answer {
    struct link link;
    uint16_t cause;
    uint16_t len; /* IP: octets of the packet; 0 = ARP */
    struct tern_addr src, dst;
    uint8_t *block; /* IP packets larger than ANSWER_INLINE: a block of the arena */
    union {
        struct arp_pkt arp;
        uint8_t octets[ANSWER_INLINE];
    } u;
};

/* The last station an interface sent to: all that a frame needs when the next one goes there too.
 */
struct hop_cache {
    uint32_t ip;      /* destination, as it lies in memory */
    uint32_t gen;     /* neigh.gen when it was looked up */
    int64_t until_ns; /* not valid from then on */
    uint8_t hdr[NET_ETH_HDR];
};

/* An echo request that waits for the application; its payload follows. */
struct echo_rec {
    struct tern_addr from, to;
    uint16_t id, seq;
    uint32_t len;
};

struct tern_stack {
    struct tern_time now; /* the latest instant seen */
    struct tcp *tcp;
    const struct cksum_ops *ck;
    uint32_t next_id; /* tern_frame.id of the next frame */
    bool in_lo;       /* lo.c is delivering */
    bool udp_turn[NET_IFACES];
    struct hop_cache hop[NET_IFACES];
    struct ifaces ifs;
    struct routes routes;
    struct neigh neigh;
    struct udp udp;
    struct icmp_limit limit;
    struct prng prng; /* IP identifications and the like; never a secret */
    struct pool answers;
    struct list answer_q[NET_IFACES];
    uint8_t *lo_frame; /* NET_LO_MTU octets */
    struct ring echo;
    uint32_t echo_given; /* octets at the head that the last event was about */
    bool echo_on;
    struct trace trace;
    struct buddy arena;
    struct pool_fault fault;
    struct tern_config cfg;
};

/* ---- clock.c ---- */

/* The caller's `now`, or the latest instant known if that is later; remembered. */
static inline struct tern_time stack_now(struct tern_stack *st, struct tern_time now)
{
    if (now.ns > st->now.ns)
        st->now = now;
    return st->now;
}

/* ---- ingress.c ---- */

/* Takes one frame of an interface. */
void ingress_frame(struct tern_stack *st, unsigned iface, const struct tern_frame *f);

/* ---- egress.c ---- */

/* Would egress_fill() do anything for this interface? */
bool egress_pending(const struct tern_stack *st, unsigned iface);
/* tern_tx(). */
size_t egress_fill(struct tern_stack *st, unsigned iface, struct tern_frame *frames, size_t n);
/* Buries what the neighbour table has given up: counts, traces, tells the transports. */
void egress_reap(struct tern_stack *st);

/* ---- lo.c ---- */

static inline bool lo_pending(const struct tern_stack *st)
{
    return egress_pending(st, NET_LO);
}
/* Delivers what waits on the loopback interface, at most STACK_LO_BURST packets. */
void lo_pump(struct tern_stack *st);
/* What ends every call that may have made a packet. */
static inline void stack_after(struct tern_stack *st)
{
    if (lo_pending(st))
        lo_pump(st);
}

/* ---- answer.c ---- */

/* Each queues one packet, or counts CAUSE_DROP_ANSWERS_FULL. */
void answer_arp(struct tern_stack *st, unsigned iface, unsigned cause, const struct arp_pkt *pkt);
/* An ICMP message from src to dst; false if it was dropped (queue full, too long for the MTU). */
bool answer_icmp(struct tern_stack *st, unsigned iface, unsigned cause, const struct tern_addr *src,
                 const struct tern_addr *dst, const struct icmp4_msg *m);
/* An ICMP unreachable error about an arrived packet, if one may be sent, and the rate allows it. */
void answer_unreach(struct tern_stack *st, unsigned iface, unsigned cause, const struct ip4_in *ip,
                    uint8_t code);
/* The same about a packet that is only known by its fields: l4 holds the first octets of its
 * transport header, src sent it to dst. True if it was queued. */
bool answer_unreach_made(struct tern_stack *st, const struct tern_addr *src,
                         const struct tern_addr *dst, uint8_t proto, const uint8_t l4[8],
                         uint32_t l4_len, uint8_t code);
void answer_free(struct tern_stack *st, uint32_t idx);
static inline struct answer *answer_at(const struct tern_stack *st, uint32_t idx)
{
    return pool_at(&st->answers, idx);
}

/* ---- note.c ---- */

/* What is known of a frame that is not TCP's affair. */
struct note {
    unsigned cause;
    uint32_t id, len, serial;
    struct tern_addr laddr, raddr;
    uint16_t lport, rport;
};
/* Counts the cause, and traces it if somebody listens. kind: TERN_TR_DROP, OTHER_RX, OTHER_TX. */
void note_frame(struct tern_stack *st, unsigned kind, const struct note *n);

#endif
