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
#define SIGN_MD5_ROOM   20u /* octets that tcp_build() writes for a signature, NOPs included */
#define SIGN_AO_ROOM    16u

/* Which signature a segment carries [RFC2385:3.0] [RFC5925:2.2]. */
enum tcp_sign {
    TCP_SIGN_NONE = 0,
    TCP_SIGN_MD5,
    TCP_SIGN_AO,
    TCP_SIGN_BAD, /* parsed only: two of them, or an impossible length */
};
#define TCP_TFO     34u  /* Fast Open cookie [RFC7413:4.1.1] */
#define TCP_TFO_EXP 254u /* the same as an experiment: ExID 0xF989 [RFC6994] */

/* The user timeout option [RFC5482:3]: the granularity bit, and 15 bits of seconds or minutes. */
#define TCP_UTO_MINUTES 0x8000u
#define TCP_UTO_MOST    0x7fffu
static inline uint32_t tcp_uto_s(uint16_t v)
{
    return (v & TCP_UTO_MOST) * (v & TCP_UTO_MINUTES ? 60u : 1u);
}

/* The order of a SYN's options, built only: both are seen on the Internet. */
enum tcp_layout {
    TCP_LAYOUT_SACK_FIRST = 0, /* MSS, SACK permitted, timestamps, NOP, window scale */
    TCP_LAYOUT_SCALE_FIRST,    /* MSS, NOP, window scale, SACK permitted, timestamps, ends */
};

/* The options this stack knows. Zero is "none". */
struct tcp_opts {
    bool has_ts, sack_ok, has_ws, has_mss; /* sack_ok: SACK permitted */
    uint8_t ws;                            /* shift count; the parser caps it at 14 [RFC7323:2.3] */
    uint8_t layout;                        /* enum tcp_layout, if has_mss */
    uint16_t mss;                          /* parsed: never 0 */
    uint16_t uto; /* user timeout, as on the wire; 0 = no such option, or one of no time at all */
    uint32_t tsval, tsecr;
    uint8_t tfo;     /* Fast Open cookie: TCP_TFO or TCP_TFO_EXP; 0 = no such option */
    uint8_t tfo_len; /* its octets: 4, 6 ... 16; 0 = asks for one */
    uint8_t accecn;  /* AccECN counters that follow, plus 1; 0 = no such option. Built: 0 or 4 */
    const uint8_t *tfo_cookie; /* parsed: within the segment */
    uint32_t e0b, ceb, e1b;   /* the three counters, 24 bits each; parsed: what is not there is 0 */
    uint8_t sign;             /* enum tcp_sign */
    uint8_t sign_len;         /* parsed: octets of that option, kind and length included */
    uint8_t ao_key, ao_rnext; /* KeyID and RNextKeyID, if sign is AO */
    const uint8_t *sign_at;   /* parsed: where the option begins, within the segment */
    uint8_t nsack;            /* blocks in sack[] */
    struct {
        struct seq lo, hi; /* parsed: lo < hi; beyond nsack not written */
    } sack[TCP_SACK_BLOCKS];
};

/* A segment, host order. */
struct tcp_seg {
    struct seq seq, ack; /* ack means something only with TERN_TH_ACK */
    uint32_t wnd;        /* as on the wire, unscaled */
    uint16_t sport, dport, urg;
    bool ae;      /* the ninth control bit [RFC9768:3.1] */
    uint8_t ecn;  /* not of the header: the IP packet's ECN codepoint, for who builds and reads */
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
 * and as the last NOP, NOP and MD5, or AO: the digest's or MAC's octets are zero, and are the last
 * of the header;
 * and before that a Fast Open cookie, the AccECN counters (both filled up with NOPs) and the user
 * timeout.
 */
size_t tcp_build(uint8_t *p, size_t cap, const struct tcp_seg *s);

/* Octets that tcp_build() writes for these options: 0, 4 ... 40. When not all SACK blocks fit, the
 * last ones are left out (three fit beside timestamps). */
size_t tcp_opts_len(const struct tcp_opts *o);

#endif
