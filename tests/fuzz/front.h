/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz/front.h: the answerer in front of a stack (port/syn_answer.h) for whoever holds it against
 * the stack: the unit test and the fuzz target.
 */
#ifndef FUZZ_FRONT_H
#define FUZZ_FRONT_H

#include "port/syn_answer.h"
#include <stdint.h>
#include <string.h>

#define FRONT_ARP 42u

/* A frame of n octets, at least SYN_HEAD, for the answerer, with just the octets of its headers, as
 * the kernel hands them over. *len: the answer's. */
static inline enum syn_verdict front_hears(struct tern_syn_offload *g, const uint8_t *frame,
                                           uint32_t n, struct syn_frame *f, uint32_t *len,
                                           int64_t now_ns)
{
    struct syn_opts o;
    memset(f, 0, sizeof *f);
    memcpy((uint8_t *)f + sizeof f->pad, frame, SYN_HEAD);
    *len = syn_headers(f, n);
    if (*len == 0 || *len > n)
        return SYN_PASS;
    memcpy((uint8_t *)f + sizeof f->pad, frame, *len);
    return syn_answer(g, f, &o, len, 1, now_ns);
}

/* The frame that an answer lies in. */
static inline const uint8_t *front_said(const struct syn_frame *f)
{
    return (const uint8_t *)f + sizeof f->pad;
}

/* Who asks for 10.9.0.2 by ARP: 10.9.0.1 with this MAC address, which the stack so learns. */
static inline void front_router(uint8_t arp[FRONT_ARP], const uint8_t mac[6])
{
    static const uint8_t kind[10] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    static const uint8_t ip[4] = {10, 9, 0, 1}, asked[4] = {10, 9, 0, 2};
    memset(arp, 0, FRONT_ARP);
    memset(arp, 0xff, 6);
    memcpy(arp + 6, mac, 6);
    memcpy(arp + 12, kind, sizeof kind);
    memcpy(arp + 22, mac, 6);
    memcpy(arp + 28, ip, 4);
    memcpy(arp + 38, asked, 4);
}

#endif
