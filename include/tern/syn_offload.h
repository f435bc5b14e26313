/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/syn_offload.h: SYN cookies that somebody in front of the stack gives out: a program in the
 * kernel, at the device (libtern-io has one for packet links), or a card.
 *
 * A cookie needs no memory of the SYN, so whoever has the secret can give it out, and the stack
 * knows it again in the final ACK. Both sides share one struct tern_syn_offload, in memory of the
 * caller's. The stack writes into it which SYNs may be answered, how the answer begins (it builds
 * its own SYN-ACK for each kind of SYN, and leaves open what differs), the secrets, and which
 * 4-tuples it knows already. The answerer writes what it did. The two may run at the same time on
 * different CPUs, and neither waits for the other.
 *
 * What is not answered outside comes to the stack as ever: SYNs with text, IP options or fragments,
 * SYNs of a 4-tuple that may be known, for a listener that keeps records (enum tern_syn_policy),
 * that has keys (TCP-AO, TCP-MD5), whose accept queue is full.
 *
 * [RFC4987:3.6]
 */
#ifndef TERN_SYN_OFFLOAD_H
#define TERN_SYN_OFFLOAD_H

#include <stdint.h>

#define TERN_OFFLOAD_LISTENERS 32u    /* listening addresses and ports; more stay with the stack */
#define TERN_OFFLOAD_CHAIN     8u     /* ... of the same low octet of the port */
#define TERN_OFFLOAD_KNOWN     65536u /* counters of 4-tuples */
#define TERN_OFFLOAD_CPUS      128u   /* on CPUs beyond, the answerer leaves all to the stack */
#define TERN_OFFLOAD_SAMPLES   256u   /* a power of two */
#define TERN_OFFLOAD_SAMPLE    16u    /* one of so many SYNs answered is noted */
#define TERN_OFFLOAD_BINS      256u   /* as struct tern_syn_stats counts sources */
#define TERN_OFFLOAD_SETS      4096u  /* token buckets of source prefixes: sets, ... */
#define TERN_OFFLOAD_WAYS      4u     /* ... and buckets of each */
#define TERN_OFFLOAD_HEAD      60u    /* most octets of an answer: IPv4 and TCP header */
#define TERN_OFFLOAD_NETS      8u     /* addresses of the stack's */
#define TERN_OFFLOAD_SYNC_MS   100    /* how often tern_syn_offload_sync() is to be called */
#define TERN_OFFLOAD_ALIVE_MS  2000   /* after so long without it nothing is answered any more */

/* What a SYN offers, of what the answer depends on: kind = 0 without timestamps, else
 * 1 + (SACK permitted) + 2 * (window scale). Without timestamps nothing else is kept. */
#define TERN_OFFLOAD_KINDS 5u

/* How the answer to a kind of SYN begins: IPv4 header, then TCP header with its options. Left 0:
 * both checksums, the addresses, ports, sequence and acknowledgment number, TSval, TSecr. */
struct tern_offload_answer {
    uint8_t len; /* octets, a multiple of 4; at most TERN_OFFLOAD_HEAD */
    uint8_t ts;  /* offset of TSval in it, 0 = no timestamps; TSecr follows */
    uint8_t low; /* the low 6 bits of TSval, to which the peer's window scale (0..14) is added
                    where `ws` is set, and 32 for ECN (tcp/cookie.c) */
    uint8_t ws;  /* the peer's window scale is kept */
    uint8_t octets[TERN_OFFLOAD_HEAD];
};

struct tern_offload_listener {
    uint32_t seq;      /* odd while the stack writes; read before and after */
    uint8_t on;        /* 1: answer. Written by itself, at any time */
    uint8_t next;      /* index + 1 of the next one of the chain; 0 = the last */
    uint8_t overflow;  /* its policy is cookies=overflow: counted apart */
    uint8_t fast_open; /* a SYN with the option of RFC 7413 is the stack's */
    uint8_t ecn;       /* of the answer: 0 none, 1 classic, 2 also to a SYN of AccECN's */
    uint8_t rsv;
    uint16_t port;   /* host order */
    uint8_t addr[4]; /* IPv4 */
    struct tern_offload_answer answer[TERN_OFFLOAD_KINDS];
};

/* An address of the stack's: nobody else's source. With the network's mask, when it is of this
 * interface and the network has a broadcast address, which is nobody's either; else all ones. Both
 * as in memory. */
struct tern_offload_net {
    uint32_t addr, mask; /* mask 0 = unused, and so are those behind it */
};

/* A token bucket of a source prefix: tcp/prefix.c, which works on the same ones. */
struct tern_offload_bucket {
    uint32_t tag;     /* which prefix; 0 = unused */
    uint32_t used_ms; /* when tokens was brought up to date: milliseconds since boot_ns */
    uint32_t tokens;
    uint32_t rsv;
};

/* The ends of a SYN that was answered. */
struct tern_offload_sample {
    uint8_t laddr[4], raddr[4];
    uint16_t lport, rport; /* host order */
};

/* What the answerer did on one CPU; all of it only grows (and wraps). */
struct tern_offload_cpu {
    uint64_t answered;   /* SYNs, each with a SYN-ACK */
    uint64_t overflowed; /* ... of them, of listeners with `overflow` */
    uint64_t limited;    /* SYNs dropped because their prefix has no token */
    uint32_t nsample;    /* the next is sample[nsample % TERN_OFFLOAD_SAMPLES] */
    uint32_t skipped;    /* the answerer's own: SYNs since the last sample */
    uint32_t bin[TERN_OFFLOAD_BINS];
    struct tern_offload_sample sample[TERN_OFFLOAD_SAMPLES];
} __attribute__((aligned(64)));

struct tern_syn_offload {
    /* The stack's: */
    int64_t alive_ns;          /* CLOCK_MONOTONIC until which SYNs are answered */
    int64_t boot_ns;           /* the beginning of TSval's milliseconds */
    uint64_t cookie_key[2][2]; /* SipHash-2-4: the secret of a cookie (tcp/cookie.c) ... */
    uint64_t ts_key[2];        /* of TSval's offset (tcp/isn.c) */
    uint64_t known_key[2];     /* of `known` (tuple_hash of tcp/demux.c) */
    uint64_t prefix_key[2];    /* of buckets and bins (prefix_hash of tcp/guard.h) */
    uint32_t prefix_rate;      /* tokens a second, and at most; 0 = no limit */
    uint16_t mss[8];           /* what a cookie can say (RFC 9293: octets) */
    uint8_t key_now;           /* ... which of the two keys; the other one may be being written */
    uint8_t mac[6];            /* of the interface: frames to other stations are not the stack's */
    struct tern_offload_net net[TERN_OFFLOAD_NETS];
    uint8_t first[256]; /* by the low octet of the port: index + 1 in listener, 0 = none */
    struct tern_offload_listener listener[TERN_OFFLOAD_LISTENERS];
    /* How many connections, half-open and TIME-WAIT records have this value as the low or the high
     * 16 bits of their tuple's hash; stays at 255 once it was there. When both of a SYN's are not 0
     * it is the stack's: a counting Bloom filter, which a thousand records lead astray for one
     * forged SYN in a thousand. */
    uint8_t known[TERN_OFFLOAD_KNOWN];
    /* Both sides': a lost update (they do not lock) costs or gives a token. */
    struct tern_offload_bucket bucket[TERN_OFFLOAD_SETS][TERN_OFFLOAD_WAYS];
    /* The answerer's: */
    struct tern_offload_cpu cpu[TERN_OFFLOAD_CPUS];
};

#ifndef __bpf__ /* what follows is the stack's, and not there for a program of the kernel's */
#include <tern/types.h>

struct tern_stack;

/* From now on the stack keeps *o, which is the caller's and all zero, up to date, for SYNs that
 * come in at this interface (Ethernet). It must stay until tern_syn_offload_end(). TERN_EALREADY:
 * the stack has one. TERN_EISCONN: it knows connections already (begin before the first one).
 * TERN_EINVAL: no such interface, or not an Ethernet one. TERN_ENOBUFS: the stack has more than
 * TERN_OFFLOAD_NETS addresses. */
TERN_API int tern_syn_offload_begin(struct tern_stack *st, int iface, struct tern_syn_offload *o,
                                    struct tern_time now);

/* Reads what was done since the last call, as if the stack had done it (counters, verdict, `tern ss
 * -s`), and brings secrets, answers and alive_ns up to date. Listeners are switched on and off
 * between calls, too. To be called each TERN_OFFLOAD_SYNC_MS; nothing happens without begin. */
TERN_API void tern_syn_offload_sync(struct tern_stack *st, struct tern_time now);

/* Nothing is answered outside any more, and *o is the caller's again. */
TERN_API void tern_syn_offload_end(struct tern_stack *st, struct tern_time now);

#endif
#endif
