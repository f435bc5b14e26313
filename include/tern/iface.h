/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/iface.h: frames, and the interfaces that carry them into and out of a stack.
 *
 * A frame never belongs to the stack. On the way in the stack reads it during tern_rx() and copies
 * out what it needs; on the way out tern_tx() fills buffers that the caller (the link) owns, so
 * payload is touched once between the send buffer and the link.
 */
#ifndef TERN_IFACE_H
#define TERN_IFACE_H

#include <tern/types.h>

struct tern_stack;

enum tern_csum {
    TERN_CSUM_NONE = 0,    /* rx: verify it; tx: complete and correct in the frame */
    TERN_CSUM_PARTIAL = 1, /* the transport checksum field holds only the pseudo-header sum; the
                              taker completes it over [csum_start, len) at csum_start+csum_offset.
                              On rx it means "never left this machine": accepted unverified */
    TERN_CSUM_OK = 2,      /* rx: the link has verified it */
};

enum tern_gso { TERN_GSO_NONE = 0, TERN_GSO_TCP4 = 1, TERN_GSO_TCP6 = 4 };

/* One frame, or one super-segment (gso != NONE): a single header followed by up to 64 KB of
 * payload that the taker may cut into gso_size pieces (virtio-net's meaning). */
struct tern_frame {
    uint8_t *data;        /* first octet: Ethernet header, or IP header on a TERN_LINK_IP */
    uint32_t len;         /* octets used */
    uint32_t cap;         /* tx: octets available at data; rx: ignored */
    uint16_t gso_size;    /* payload octets per segment; 0 when gso is NONE */
    uint8_t gso;          /* enum tern_gso */
    uint8_t csum;         /* enum tern_csum */
    uint16_t csum_start;  /* with TERN_CSUM_PARTIAL: offset of the transport header from data */
    uint16_t csum_offset; /* ... and of the checksum field from csum_start */
    uint16_t cause;       /* tx: why this frame is sent; rx: not read */
    uint16_t rsv;
    uint32_t conn;         /* tx: trace serial of the connection it belongs to, 0 = none */
    uint32_t id;           /* tx: non-zero number unique to this frame in its stack; an in-process
                              wire hands it on, so that traces of both ends can be joined */
    struct tern_time time; /* rx: when the link got it; tx: when the stack built it */
};

enum tern_link {
    TERN_LINK_ETHER = 1, /* Ethernet II frames; neighbours by ARP */
    TERN_LINK_IP = 2,    /* bare IP packets, as a TUN carries them; no neighbours */
};

#define TERN_IFACE_ADDRS 4

/* What an interface is. Plain values, copied by tern_iface_add(). */
struct tern_iface_config {
    uint8_t link;     /* enum tern_link */
    uint8_t mac[6];   /* own unicast address; ETHER only */
    bool tx_csum;     /* the link completes TCP/UDP checksums (TERN_CSUM_PARTIAL is allowed) */
    bool any_addr;    /* a gateway: accept packets for every unicast destination as local */
    uint16_t mtu;     /* IP octets per packet: 576..65535 */
    uint32_t gso_max; /* largest IP packet as a super-segment, 0 = the link takes none;
                         at most 65535 */
    struct {
        struct tern_addr addr;
        uint8_t prefix;       /* length of the network prefix in bits */
    } addr[TERN_IFACE_ADDRS]; /* used from 0 up to the first with fam NONE */
    struct tern_addr gateway; /* default route's next hop; fam NONE = none. On an interface with
                                 any_addr or link IP it may be none: then everything is on-link */
};

/* Adds an interface. Returns its index (>= 0), TERN_EINVAL or TERN_ENOBUFS. With an Ethernet
 * address conflict probe off; a gratuitous ARP is queued [RFC5227:2.3]. */
TERN_API int tern_iface_add(struct tern_stack *st, const struct tern_iface_config *cfg);

/* Takes n received frames of one interface, in order. The frames' data is only read, and only
 * during the call. `now` is the present. All effects (answers, events, state) are in the stack
 * afterwards: call tern_tx() next. */
TERN_API void tern_rx(struct tern_stack *st, int iface, const struct tern_frame *frames, size_t n,
                      struct tern_time now);

/* Builds up to n frames to send into the buffers frames[i].data/cap (cap must be at least
 * tern_frame_cap()). Returns how many were built; fewer than n means that nothing more may be sent
 * now. A frame that was built counts as sent: a link that cannot take it drops it, as any link
 * may. */
TERN_API size_t tern_tx(struct tern_stack *st, int iface, struct tern_frame *frames, size_t n,
                        struct tern_time now);

/* Octets that a frame buffer for this interface must hold: the larger of MTU and gso_max plus the
 * link header. */
TERN_API size_t tern_frame_cap(const struct tern_stack *st, int iface);

#endif
