/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire/cookie.h: how a SYN cookie is laid out in the numbers of a SYN-ACK [RFC4987:3.6]. What it is
 * good for is told in tcp/cookie.c. Nothing but arithmetic: a program in the kernel
 * (port/syn_answer.h) makes the same ones.
 */
#ifndef WIRE_COOKIE_H
#define WIRE_COOKIE_H

#include <stdint.h>

/* The low bits of TSval: the peer's window scale or TS_WS, SACK, ECN. */
#define COOKIE_TS_BITS 6u
#define COOKIE_TS_WS   15u /* no window scale */
#define COOKIE_TS_SACK 16u
#define COOKIE_TS_ECN  32u

/* IPv4: the two words of the message that is hashed. Addresses as in memory, all else as numbers.
 */
static inline uint64_t cookie_addrs(uint32_t laddr, uint32_t raddr)
{
    return (uint64_t)laddr << 32 | raddr;
}
static inline uint64_t cookie_ports(uint32_t lport, uint32_t rport, uint32_t irs)
{
    return (uint64_t)lport << 48 | (uint64_t)rport << 32 | irs;
}

/* The cookie for an MSS index. The upper word of h hides a line whose slope is the lower one: who
 * has seen the cookie of one index does not know that of another. */
static inline uint32_t cookie_of(uint64_t h, uint32_t index)
{
    uint32_t hi = (uint32_t)(h >> 32), lo = (uint32_t)h;
    return ((hi + lo * (2 * index + 1)) & ~7u) | ((lo >> 29 ^ index) & 7);
}

/* The only index that this cookie can have been made for. */
static inline uint32_t cookie_index(uint64_t h, uint32_t cookie)
{
    return ((uint32_t)h >> 29 ^ cookie) & 7;
}

/* The index of the largest of eight steps, in order, that is no larger than the MSS; 0 if none. */
static inline uint32_t cookie_mss_index(const uint16_t step[8], uint16_t mss)
{
    return 0u + (step[1] <= mss) + (step[2] <= mss) + (step[3] <= mss) + (step[4] <= mss) +
           (step[5] <= mss) + (step[6] <= mss) + (step[7] <= mss);
}

/* The TSval at or a little before `tsval` whose low bits are these. Never ahead of the clock: later
 * segments must not seem older [RFC7323:5.4]. */
static inline uint32_t cookie_tsval(uint32_t tsval, uint32_t low)
{
    uint32_t v = (tsval & ~((1u << COOKIE_TS_BITS) - 1)) | low;
    return (int32_t)(v - tsval) > 0 ? v - (1u << COOKIE_TS_BITS) : v;
}

#endif
