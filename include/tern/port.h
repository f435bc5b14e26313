/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/port.h (libtern-io): links. A port moves frames between a stack's interface and something
 * outside: another stack in this process, a TAP or TUN device, a capture file. Wrappers are ports
 * around ports: impairments, recording.
 *
 * Ports are not part of the core: they may allocate, open files and use errno. A function that can
 * fail for an outside reason takes `char *why` of TERN_WHY octets and writes one line there: what
 * failed, where, and how to mend it.
 */
#ifndef TERN_PORT_H
#define TERN_PORT_H

#include <tern/event.h>
#include <tern/iface.h>
#include <tern/syn_offload.h>
#include <tern/types.h>

#define TERN_WHY        256
#define TERN_PORT_BATCH 64 /* most frames that one call moves */

struct tern_port;

/* What a kind of port implements. `self` is the port; every function is called by one thread. */
struct tern_port_ops {
    const char *name;
    /* Up to n received frames into frames[]; their data stays valid until the next call of rx on
     * this port. 0 = none now. */
    size_t (*rx)(struct tern_port *self, struct tern_frame *frames, size_t n, struct tern_time now);
    /* Offers up to n empty buffers (data, cap set) to be filled; fewer than n when the link has no
     * room: back pressure, never a drop. */
    size_t (*tx_get)(struct tern_port *self, struct tern_frame *frames, size_t n,
                     struct tern_time now);
    /* Sends n of the frames that the last tx_get offered, from its first on; the others are given
     * back. */
    void (*tx_put)(struct tern_port *self, struct tern_frame *frames, size_t n,
                   struct tern_time now);
    /* When rx may have something although no descriptor says so (delayed frames), or NEVER. */
    struct tern_time (*deadline)(const struct tern_port *self);
    /* A descriptor that is readable when rx has something, or -1. */
    int (*fd)(const struct tern_port *self);
    /* A second one, or -1; NULL = there is none: tern_port_fd2(). */
    int (*fd2)(const struct tern_port *self);
    /* What somebody at the other end of the link who answers SYNs shares with the stack: the loop
     * keeps it up to date. NULL, or returns NULL = nobody does. The port's. */
    struct tern_syn_offload *(*offload)(struct tern_port *self);
    void (*close)(struct tern_port *self); /* also frees it; a wrapper closes what it wraps */
};

struct tern_port {
    const struct tern_port_ops *ops;
    /* What the stack's interface should be told (link, mtu, gso_max, tx_csum). */
    uint8_t link; /* enum tern_link */
    bool tx_csum;
    uint16_t mtu;
    uint32_t gso_max;
    /* Where impairments tell what they did to a frame (kind TERN_TR_LINK); may be NULL. */
    void (*note)(void *note_ctx, const struct tern_trace *rec);
    void *note_ctx;
};

/* The second descriptor of a port that has one, else -1. */
static inline int tern_port_fd2(const struct tern_port *p)
{
    return p->ops->fd2 ? p->ops->fd2(p) : -1;
}

/* ---- wire: two stacks in one process ---- */

/* Makes both ends of a wire of `slots` frames each way (a power of two), each slot large enough for
 * mtu or gso_max plus the Ethernet header. gso_max 0 = only MTU-sized frames. Without impairments a
 * frame put at one end can be received at once at the other, in place. */
TERN_API int tern_wire_new(uint16_t mtu, uint32_t gso_max, uint32_t slots, struct tern_port **a,
                           struct tern_port **b, char *why);

/* ---- impairments ---- */

enum tern_lose_named {
    TERN_LOSE_NONE = 0,
    TERN_LOSE_SYN,      /* the first SYN */
    TERN_LOSE_SYN_ACK,  /* the first SYN-ACK */
    TERN_LOSE_3RD_ACK,  /* the ACK that completes the handshake */
    TERN_LOSE_FIN,      /* the first FIN */
    TERN_LOSE_LAST_ACK, /* the ACK of the last FIN */
    TERN_LOSE_DATA_N,   /* the n-th segment with data */
    TERN_LOSE_RST,      /* the first RST */
};

struct tern_impair_config {
    uint64_t seed;
    double lose, duplicate, reorder, corrupt; /* probabilities 0..1 per frame */
    double ce; /* ... that an ECN-capable packet is marked [RFC3168:5] */
    uint32_t
        ce_bytes; /* marks those that find more than this waiting for the bandwidth; 0 = none */
    uint64_t delay_us, jitter_us; /* one-way; jitter is uniform in [0, jitter_us] and keeps order */
    uint64_t reorder_us;          /* how much later a reordered frame comes; 0 = 3 ms + delay / 4 */
    uint64_t rate_bps;            /* bandwidth, 0 = unlimited */
    uint16_t mtu;                 /* IP packets longer than this vanish, without a word; 0 = none */
    uint32_t queue_bytes;         /* in front of the bandwidth limit; 0 = 256 KB; beyond: lost */
    struct {
        enum tern_lose_named what;
        uint32_t n; /* DATA_N: which, from 1 */
    } named[8];     /* each is used once, on the first connection that shows it */
    unsigned nnamed;
};
/* Parses what a user types: "1%", "0.01", "3rd-ack", "syn", "syn-ack", "fin", "last-ack", "rst",
 * "data:3" for loss; returns 0, or -1 with why. Adds to cfg. */
TERN_API int tern_impair_parse_lose(struct tern_impair_config *cfg, const char *text, char *why);
/* True when cfg would change nothing. */
TERN_API bool tern_impair_idle(const struct tern_impair_config *cfg);

/* Wraps a port: frames sent through it are impaired by *out, frames received by *in (either may be
 * NULL). Takes ownership of inner. Super-segments are cut into MTU frames before they are impaired,
 * so that a loss is the loss of one segment. */
TERN_API int tern_impair_new(struct tern_port *inner, const struct tern_impair_config *out,
                             const struct tern_impair_config *in, struct tern_port **port,
                             char *why);

/* ---- TAP and TUN ---- */

/* Opens (and makes, if needed) a TAP or TUN device by name with the virtio-net header, checksum and
 * TSO offload. Does not configure addresses or bring it up. */
TERN_API int tern_tap_open(const char *name, bool tun, struct tern_port **port, char *why);

/* Opens an existing Ethernet device through a packet socket, with a ring of received frames and
 * super-segments both ways. The stack on it is a station of its own beside the host's. Needs
 * CAP_NET_RAW. */
TERN_API int tern_packet_open(const char *name, struct tern_port **port, char *why);

/* The same, with a program in the kernel (BPF, at the device's ingress) that answers SYNs with the
 * stack's cookies while its listeners give them out: tern/syn_offload.h. What it answers the port
 * does not see, nor a wrapper around the port. Needs CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON, too.
 * -1 with why where that is not allowed, or this library was built without it. */
TERN_API int tern_packet_open_offload(const char *name, struct tern_port **port, char *why);

/* ---- captures ---- */

/* Wraps a port: every frame that passes either way is also written to a pcapng file, with its cause
 * as the packet's comment. Takes ownership of inner. `flush` = after each packet. */
TERN_API int tern_record_new(struct tern_port *inner, const char *path, struct tern_port **port,
                             char *why);
/* Replays a pcap or pcapng file as received frames, by its own timestamps relative to the first;
 * what is sent into it is discarded. */
TERN_API int tern_pcap_open(const char *path, struct tern_port **port, char *why);

#endif
