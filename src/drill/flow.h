/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/flow.h: between a script's numbers and those on the wire.
 *
 * A script counts from 0; the stack chooses its own initial sequence number and timestamps. A flow
 * is one pair of ports, and remembers: what to add to a script's number of ours to get the live
 * one, which live timestamp stands behind each one that the script has named, and the octets that
 * were written and read, so that payload is compared octet by octet and not only by length.
 *
 * The peer's numbers are the script's own: its sequence numbers and timestamps go onto the wire as
 * said.
 */
#ifndef DRILL_FLOW_H
#define DRILL_FLOW_H

#include "drill/conf.h"
#include "drill/script.h"

#define FLOW_STAMPS 256
#define FLOW_URGENT 32

struct flow {
    uint16_t lport, rport;
    bool closed;  /* the script has closed its socket: a SYN without ports is a new connection */
    bool known;   /* our initial sequence number is */
    bool fresh;   /* the next SYN of ours may have another one */
    uint32_t isn; /* live */
    uint32_t off; /* live = script + off, numbers of ours */
    bool peer_known;
    uint32_t peer_isn, new_isn; /* new_isn: of the newest SYN, which may have been refused */
    uint32_t last_seq;          /* live: of the newest segment of ours */
    uint16_t last_win;          /* the window that the script's peer last announced */
    uint8_t *sent;
    size_t nsent, sent_cap;
    uint32_t nread; /* octets of the peer's stream that were read */
    struct {
        uint32_t script, live;
    } stamp[FLOW_STAMPS];
    unsigned nstamp; /* ever */
    bool any_stamp;
    uint32_t newest_stamp;        /* live */
    uint32_t urgent[FLOW_URGENT]; /* the peer's sequence numbers of urgent octets */
    unsigned nurgent;
};

void dflow_free(struct flow *f);

/* The octet at a sequence number of the peer, and at an offset of what we write. */
uint8_t dflow_peer_octet(uint32_t seq);
uint8_t dflow_own_octet(size_t offset);

/* Records octets that a call has written. */
void dflow_wrote(struct flow *f, const uint8_t *p, size_t n);
/* Checks octets that a call has read; -1 or the offset of the first wrong one in p.
 * `inline_urgent`: urgent octets are part of the stream. */
int64_t dflow_read(struct flow *f, const uint8_t *p, size_t n, bool inline_urgent);

/* A script's packet as an IP packet of the peer's; returns its length, 0 when cap is too small. */
uint32_t dflow_build(struct flow *f, const struct conf *c, const struct pkt *k, uint8_t *p,
                     uint32_t cap);

/* A frame of the stack, taken apart; numbers as on the wire. */
struct seen {
    struct pkt k;        /* k.tos: the whole octet */
    const uint8_t *data; /* payload, within the frame */
    bool broken;         /* a checksum is wrong, or the packet cannot be read */
    const char *why;     /* what is broken */
};
void seen_read(struct seen *s, const struct conf *c, const uint8_t *p, uint32_t len);

/* The packet in the script's numbers. */
void dflow_to_script(const struct flow *f, const struct pkt *live, struct pkt *out);
/* The script says that our SYN, or anything else first, has this number. */
void dflow_learn(struct flow *f, const struct pkt *want, const struct seen *s);

/* How the packet differs from the script's line: "" if it does not. Both in the script's numbers.
 */
void pkt_diff(const struct conf *c, const struct flow *f, const struct pkt *want,
              const struct pkt *got, char *what, size_t cap);
/* A packet in the script's language. */
void pkt_print(const struct pkt *k, char *out, size_t cap);

#endif
