/* SPDX-License-Identifier: BSD-2-Clause */
/* support/ip.h: short ways to write addresses and instants in tests. */
#ifndef SUPPORT_IP_H
#define SUPPORT_IP_H

#include <tern/types.h>

static inline struct tern_addr ip(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return (struct tern_addr){.fam = TERN_AF_IP4,
                              .b = {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d}};
}
static inline struct tern_endpoint ep(struct tern_addr addr, unsigned port)
{
    return (struct tern_endpoint){addr, (uint16_t)port};
}
static inline struct tern_time ms(int64_t n)
{
    return (struct tern_time){n * 1000000};
}

#define assert_addr(a, b) assert_memory_equal(&(a), &(b), sizeof(struct tern_addr))

#endif
