/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire/tcp_plain.h: the header that nearly all segments have: no options, or timestamps alone.
 *
 * The same octets as tcp_build() would write, as words that are summed while they are stored, so
 * that the checksum needs no second walk over what was just written in smaller pieces.
 */
#ifndef WIRE_TCP_PLAIN_H
#define WIRE_TCP_PLAIN_H

#include "base/assert.h"
#include "wire/tcp.h"
#include <string.h>

#define TCP_PLAIN_TS 12u /* NOP, NOP, timestamps */

static inline uint64_t tcp_plain_word(uint8_t *p, uint32_t host)
{
    uint32_t w = __builtin_bswap32(host);
    memcpy(p, &w, 4);
    return w;
}

/* Writes 20 or 32 octets, the checksum zero, and returns their partial sum (base/cksum.h). Only of
 * a segment that is neither SYN nor urgent, whose only option may be timestamps. */
static inline uint64_t tcp_plain_build(uint8_t *p, const struct tcp_seg *s, uint32_t hlen)
{
    tern_assert(s->wnd <= UINT16_MAX && hlen == TCP_HDR_LEN + (s->opt.has_ts ? TCP_PLAIN_TS : 0));
    uint64_t sum = tcp_plain_word(p, (uint32_t)s->sport << 16 | s->dport);
    sum += tcp_plain_word(p + 4, s->seq.v);
    sum += tcp_plain_word(p + 8, s->ack.v);
    sum += tcp_plain_word(p + 12, hlen << 26 | (uint32_t)s->th << 16 | s->wnd);
    memset(p + 16, 0, 4);
    if (hlen == TCP_HDR_LEN)
        return sum;
    sum += tcp_plain_word(p + 20, 0x0101080a);
    sum += tcp_plain_word(p + 24, s->opt.tsval);
    return sum + tcp_plain_word(p + 28, s->opt.tsecr);
}

#endif
