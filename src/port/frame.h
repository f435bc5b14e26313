/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/frame.h: what a link needs to know of the frames that it carries: where the headers are, how
 * a checksum that was left to it is completed, and how a super-segment is cut into frames of the
 * MTU. A link is not a host: it never judges a frame, it only declines to look into one that makes
 * no sense.
 */
#ifndef PORT_FRAME_H
#define PORT_FRAME_H

#include <tern/iface.h>

#define FRAME_ETH_LEN 14u

/* An IPv4 packet in a frame; offsets from the frame's first octet. */
struct frame_view {
    uint32_t ip;     /* of the IPv4 header */
    uint32_t ip_len; /* total length, header included */
    uint32_t l4;     /* of the transport header */
    uint32_t data;   /* of the TCP payload; valid with tcp */
    uint32_t data_len;
    uint32_t seq, ack; /* these and the rest: valid with tcp */
    uint16_t sport, dport, wnd;
    uint8_t proto, th;
    uint8_t src[4], dst[4]; /* valid always */
    bool tcp;               /* the first or only fragment of a TCP segment with a whole header */
};

/* False when the frame holds no whole IPv4 packet. `link` is enum tern_link. */
bool frame_view(uint8_t link, const uint8_t *data, uint32_t len, struct frame_view *v);

/* Completes a checksum that was left to the link (TERN_CSUM_PARTIAL) in place, if it lies within
 * the frame; the frame is then TERN_CSUM_NONE. Others are left alone. */
void frame_finish_csum(struct tern_frame *f);

/* Cutting a super-segment: begin, then next until it returns 0. */
struct frame_cut {
    const struct tern_frame *f;
    struct frame_view v;
    uint32_t off; /* payload octets already given out */
    uint16_t n;   /* pieces given out */
};
/* False when f is no IPv4 TCP super-segment: carry it whole. */
bool frame_cut_begin(struct frame_cut *c, uint8_t link, const struct tern_frame *f);
/* Writes the next piece, complete and with correct checksums, into buf (cap octets: header and
 * gso_size must fit); returns its length. FIN and PSH stay with the last, CWR with the first. */
uint32_t frame_cut_next(struct frame_cut *c, uint8_t *buf, uint32_t cap);

#endif
