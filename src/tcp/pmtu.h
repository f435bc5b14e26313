/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/pmtu.h: how large a packet the path carries: what routers say (RFC 1191), as far as they are
 * believed (RFC 5927), and what probing finds out (RFC 4821, RFC 8899). pmtu.c has the mechanism,
 * pmtu_cache.c what is remembered of destinations. All sizes are octets of an IP packet.
 */
#ifndef TCP_PMTU_H
#define TCP_PMTU_H

#include "base/seq.h"
#include <stdbool.h>
#include <tern/types.h>

struct tcp;
struct tcp_conn;
struct tcp_plan;
struct news;
struct xmit;

/* Of a connection with data in flight, in struct xmit. */
struct pmtu {
    uint16_t pend_mtu;   /* what an ICMP message claims that waits for a witness; 0 = none */
    struct seq pend_seq; /* ... the segment that it quotes */
    bool on;             /* searching: between lo, which passes, and hi, which may */
    bool spared;   /* the probe was lost: [from, to) is sent again, and that was no congestion */
    bool unproven; /* lo is a guess: nothing was acknowledged since */
    uint8_t fails; /* probes of this size that were lost */
    uint16_t lo, hi;
    uint16_t size;       /* of the probe in flight, 0 = none */
    struct seq from, to; /* its text */
    uint32_t slow;       /* octets that may be in flight while what was too large is sent again;
                            0 = cwnd */
    int64_t due_ns;      /* when a larger packet is tried again; 0 = never */
};

/* A destination. */
struct pmtu_entry {
    uint8_t addr[16];
    int64_t at_ns; /* when it was learned */
    uint16_t lo, hi;
    uint8_t fam; /* 0 = unused */
};

#define PMTU_SETS 64u
#define PMTU_WAYS 4u

struct pmtu_cache {
    struct pmtu_entry e[PMTU_SETS][PMTU_WAYS];
    uint64_t rng;
    uint32_t used;
};

/* pmtu_cache.c */
/* What is known of c's destination and not too old; NULL = nothing. */
const struct pmtu_entry *pmtu_find(const struct tcp *t, const struct tcp_conn *c,
                                   struct tern_time now);
/* hi == lo: there is nothing to search for. When the set is full one of it is replaced at random.
 */
void pmtu_remember(struct tcp *t, const struct tcp_conn *c, uint16_t lo, uint16_t hi,
                   struct tern_time now);

/* pmtu.c */
/* c->mss as the two ends have agreed on it becomes what the path is known to carry. */
void pmtu_open(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* TERN_OPT_IGNORE_PMTU was set, or taken away. */
void pmtu_ignore(struct tcp *t, struct tcp_conn *c, bool on, struct tern_time now);
/* The same, and the search, when data begins to flow. */
void pmtu_begin(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct tern_time now);
/* "Fragmentation needed" about the segment at q. Returns the cause. */
unsigned pmtu_icmp(struct tcp *t, struct tcp_conn *c, struct seq q, uint16_t mtu,
                   struct tern_time now);
/* The MSS for a SYN: `mss`, or what the path is known to carry. */
uint16_t pmtu_mss(const struct tcp *t, const struct tcp_conn *c, uint16_t mss,
                  struct tern_time now);
/* The retransmission timer has run out. True when that is explained by an ICMP message and all that
 * is to be done is to send smaller segments. */
bool pmtu_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* Something was marked lost. */
void pmtu_lost(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct tern_time now);
/* snd.una has moved. */
void pmtu_acked(struct tcp *t, struct tcp_conn *c, struct xmit *x, const struct news *n,
                struct tern_time now);
/* Is everything that is lost a probe's text, lost for its size? */
bool pmtu_spares(const struct tcp *t, const struct xmit *x);

/* Octets of text of the probe that goes next, if `avail` are unsent and the windows have this much
 * room; 0 = no probe now. *wait: one would go if the congestion window had room for it. */
uint32_t pmtu_probe(const struct tcp_conn *c, const struct xmit *x, uint32_t avail, uint32_t wnd,
                    uint32_t cwnd_room, bool *wait);
/* The plan's segment, a probe, has gone out. */
void pmtu_probed(struct xmit *x, const struct tcp_plan *p);

#endif
