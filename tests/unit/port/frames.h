/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for the tests of links: an Ethernet frame with an IPv4 TCP segment, correct to the last
 * checksum, and the check that one is correct. Sums are made here the slow way, apart from the code
 * under test. */
#ifndef TEST_PORT_FRAMES_H
#define TEST_PORT_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include <tern/event.h>
#include <tern/port.h>

#define FR_HDR 54u

struct fr_seg {
    uint8_t src, dst; /* last octet of 10.0.0.x */
    uint16_t sport, dport;
    uint32_t seq, ack;
    uint8_t th;
    uint32_t len; /* payload octets: 0, 1, 2, ... from `seq` on */
};

static inline uint32_t fr_sum(const uint8_t *p, size_t n)
{
    uint32_t s = 0;
    for (size_t i = 0; i < n; i++)
        s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    return s;
}

static inline uint16_t fr_fold(uint32_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

static inline uint32_t fr_pseudo(const uint8_t *f, uint32_t l4_len)
{
    return fr_sum(f + 26, 8) + 6 + l4_len;
}

static inline uint32_t fr_build(uint8_t *f, const struct fr_seg *s)
{
    memset(f, 0, FR_HDR);
    memset(f, 0x02, 12);
    be16_store(f + 12, 0x0800);
    uint8_t *ip = f + 14;
    ip[0] = 0x45;
    be16_store(ip + 2, (uint16_t)(40 + s->len));
    be16_store(ip + 4, 100);
    ip[8] = 64;
    ip[9] = 6;
    ip[12] = ip[16] = 10;
    ip[15] = s->src;
    ip[19] = s->dst;
    be16_store(ip + 10, (uint16_t)~fr_fold(fr_sum(ip, 20)));
    uint8_t *t = ip + 20;
    be16_store(t, s->sport);
    be16_store(t + 2, s->dport);
    be32_store(t + 4, s->seq);
    be32_store(t + 8, s->ack);
    t[12] = 0x50;
    t[13] = s->th;
    be16_store(t + 14, 1000);
    for (uint32_t i = 0; i < s->len; i++)
        t[20 + i] = (uint8_t)(s->seq + i);
    be16_store(t + 16, (uint16_t)~fr_fold(fr_pseudo(f, 20 + s->len) + fr_sum(t, 20 + s->len)));
    return FR_HDR + s->len;
}

/* Both checksums right and lengths consistent? */
static inline bool fr_good(const uint8_t *f, uint32_t len)
{
    uint32_t ip_len = be16_load(f + 16);
    return ip_len + 14 == len && fr_fold(fr_sum(f + 14, 20)) == 0xffff &&
           fr_fold(fr_pseudo(f, ip_len - 20) + fr_sum(f + 34, ip_len - 20)) == 0xffff;
}

/* Turns the TCP checksum into the link's business. */
static inline void fr_partial(struct tern_frame *fr)
{
    be16_store(fr->data + 50, fr_fold(fr_pseudo(fr->data, fr->len - 34)));
    fr->csum = TERN_CSUM_PARTIAL;
    fr->csum_start = 34;
    fr->csum_offset = 16;
}

/* Sends one segment into a port; false when it had no room. */
static inline bool fr_send(struct tern_port *p, const struct fr_seg *s, uint32_t id,
                           struct tern_time now)
{
    struct tern_frame fr;
    if (p->ops->tx_get(p, &fr, 1, now) == 0)
        return false;
    fr.len = fr_build(fr.data, s);
    fr.id = id;
    p->ops->tx_put(p, &fr, 1, now);
    return true;
}

#endif
