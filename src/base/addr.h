/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/addr.h: questions about a struct tern_addr that need no protocol. An "ip" in a uint32_t is
 * an IPv4 address as it lies in memory (network order), so that loading and comparing it is free.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <tern/types.h>

static inline bool addr_eq(const struct tern_addr *a, const struct tern_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}
static inline uint32_t addr_ip(const struct tern_addr *a)
{
    uint32_t ip;
    memcpy(&ip, a->b, 4);
    return ip;
}
/* Written as one 16-octet store and one of 4, since the struct is copied by 16 octets soon after:
 * loading what smaller stores have just written would stall. */
static inline void addr_set_ip(struct tern_addr *a, uint32_t ip)
{
    typedef uint64_t pair __attribute__((vector_size(16)));
    _Static_assert(offsetof(struct tern_addr, b) == 4 && sizeof *a == 20, "as written below");
    pair head = {TERN_AF_IP4 | (uint64_t)ip << 32, 0};
    memcpy(a, &head, 16);
    memset(a->b + 12, 0, 4);
}
static inline void addr_set_octets(struct tern_addr *a, const uint8_t *p)
{
    uint32_t ip;
    memcpy(&ip, p, 4);
    addr_set_ip(a, ip);
}
static inline struct tern_addr addr_of_ip(uint32_t ip)
{
    struct tern_addr a;
    addr_set_ip(&a, ip);
    return a;
}
static inline struct tern_addr addr_of_octets(const uint8_t *p)
{
    struct tern_addr a;
    addr_set_octets(&a, p);
    return a;
}
/* Unspecified: no family, or 0.0.0.0. */
static inline bool addr_is_any(const struct tern_addr *a)
{
    static const uint8_t zero[16];
    return a->fam == TERN_AF_NONE || memcmp(a->b, zero, sizeof zero) == 0;
}
/* 127.0.0.0/8 [RFC1122:3.2.1.3]. */
static inline bool addr_is_loopback(const struct tern_addr *a)
{
    return a->fam == TERN_AF_IP4 && a->b[0] == 127;
}
static inline bool addr_is_multicast(const struct tern_addr *a)
{
    return a->fam == TERN_AF_IP4 && (a->b[0] & 0xf0) == 0xe0;
}
/* Could a host have this IPv4 address? Not 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4, 240.0.0.0/4. */
static inline bool addr_is_unicast(const struct tern_addr *a)
{
    return a->fam == TERN_AF_IP4 && a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224;
}
/* The network mask of a prefix, as it lies in memory. */
static inline uint32_t addr_mask(unsigned prefix)
{
    return prefix == 0 ? 0 : __builtin_bswap32(UINT32_MAX << (32 - prefix));
}

#endif
