/* SPDX-License-Identifier: BSD-2-Clause */
/* wire/tcp.h: TCP header and options, RFC 9293 3.1, RFC 7323 (timestamps, window scale), RFC 2018
 * (SACK). */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include "base/seq.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tern/event.h> /* TERN_TH_* */

#define TCP_HDR_LEN     20u /* without options */
#define TCP_HDR_MAX     60u
#define TCP_OPTS_MAX    40u
#define TCP_CSUM_OFF    16u /* of the checksum field */
#define TCP_SACK_BLOCKS 4

/* The options this stack knows. Zero is "none". */
struct tcp_opts {
    bool has_ts, sack_ok, has_ws, has_mss; /* sack_ok: SACK permitted */
    uint8_t ws;                            /* shift count; the parser caps it at 14 [RFC7323:2.3] */
    uint16_t mss;                          /* parsed: never 0 */
    uint32_t tsval, tsecr;
    uint8_t nsack; /* blocks in sack[] */
    struct {
        struct seq lo, hi; /* parsed: lo < hi */
    } sack[TCP_SACK_BLOCKS];
};

/* A segment, host order. */
struct tcp_seg {
    struct seq seq, ack; /* ack means something only with TERN_TH_ACK */
    uint32_t wnd;        /* as on the wire, unscaled */
    uint16_t sport, dport, urg;
    uint8_t th;   /* TERN_TH_*, all eight bits as received */
    uint8_t hlen; /* parsed: header with options, octets: 20 ... 60. Not read by tcp_build() */
    const uint8_t *data; /* payload, within the parsed octets */
    uint32_t len;        /* octets of payload */
    struct tcp_opts opt;
};

/*
 * Reads a segment of exactly n octets (an IP payload). Options may come in any segment and at any
 * alignment [RFC9293:MUST-5] [RFC9293:MUST-64]; whether one means something there (SACK permitted
 * only on a SYN ...) is for the caller. An option that is unknown, or known and not of its only
 * length, or has a value that means nothing (MSS 0, an empty SACK block), is skipped
 * [RFC9293:MUST-6]. Of an option that comes twice the last counts. The checksum is not verified;
 * reserved bits are ignored.
 *
 * 0, or CAUSE_DROP_SHORT (n < 20), CAUSE_DROP_TCP_HEADER (data offset below 20 octets or beyond n)
 * or CAUSE_DROP_TCP_OPTION (a length below 2 or beyond the header [RFC9293:MUST-7]).
 */
int tcp_parse(const uint8_t *p, size_t n, struct tcp_seg *out);

/*
 * Writes header and options; the caller puts the payload behind them and fills in the checksum,
 * which is left zero. Returns the header's length, 20 + tcp_opts_len(). cap must be at least that,
 * wnd at most 65535. Not read: s->hlen, s->data, s->len.
 *
 * Options lie on four-octet boundaries in the order that deployed stacks use:
 *   MSS, SACK permitted, timestamps, NOP, window scale    on a SYN
 *   NOP, NOP, timestamps, NOP, NOP, SACK                  otherwise
 */
size_t tcp_build(uint8_t *p, size_t cap, const struct tcp_seg *s);

/* Octets that tcp_build() writes for these options: 0, 4 ... 40. When not all SACK blocks fit, the
 * last ones are left out (three fit beside timestamps). */
size_t tcp_opts_len(const struct tcp_opts *o);

#endif
