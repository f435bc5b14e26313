/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/forge.c: the attacker's frames: bare IPv4 packets with right checksums, from a seeded stream
 * of numbers. A forger who connects needs no memory: the SYN-ACK says all that its ACK must say.
 */
#include "lab/inner.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define IP_HEAD 20u
#define TH_SYN  0x02
#define TH_RST  0x04
#define TH_ACK  0x10
#define TH_PSH  0x08

static const uint8_t server[4] = {10, 9, 0, 2};

static uint64_t forge_random(struct forger *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random;
}

void forge_init(struct forger *f, enum lab_attack attack, uint64_t seed)
{
    memset(f, 0, sizeof *f);
    f->attack = attack;
    f->random = seed * 0x9e3779b97f4a7c15u | 1;
    for (unsigned i = 0; i < 16; i++)
        (void)forge_random(f);
}

static uint32_t forge_sum(const uint8_t *p, uint32_t n)
{
    uint32_t sum = 0;
    for (; n > 1; n -= 2, p += 2)
        sum += be16_load(p);
    return n ? sum + ((uint32_t)*p << 8) : sum;
}

static uint16_t forge_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

struct forged {
    uint8_t src[4], flags;
    uint16_t sport, wnd;
    uint32_t seq, ack;
    uint8_t data; /* octets of data, 0 or 1 */
};

/* A SYN carries the options of an ordinary client: MSS, SACK, timestamps, window scale. */
static uint32_t forge_build(uint8_t *p, const struct forged *g)
{
    static const uint8_t options[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1,
                                        2, 3, 0, 0,    0, 0, 1, 3,  3, 7};
    bool opts = (g->flags & TH_SYN) != 0;
    uint32_t tcp = 20 + (opts ? (uint32_t)sizeof options : 0), len = IP_HEAD + tcp + g->data;
    tern_assert(len <= LAB_FRAME);
    memset(p, 0, LAB_FRAME);
    p[0] = 0x45;
    be16_store(p + 2, (uint16_t)len);
    p[6] = 0x40;
    p[8] = 64;
    p[9] = 6;
    memcpy(p + 12, g->src, 4);
    memcpy(p + 16, server, 4);
    be16_store(p + 10, forge_fold(forge_sum(p, IP_HEAD)));
    uint8_t *t = p + IP_HEAD;
    be16_store(t, g->sport);
    be16_store(t + 2, LAB_PORT);
    be32_store(t + 4, g->seq);
    be32_store(t + 8, g->ack);
    t[12] = (uint8_t)(tcp / 4 << 4);
    t[13] = g->flags;
    be16_store(t + 14, g->wnd);
    if (opts)
        memcpy(t + 20, options, sizeof options);
    if (g->data)
        t[tcp] = '?';
    be16_store(t + 16,
               forge_fold(forge_sum(t, tcp + g->data) + forge_sum(p + 12, 8) + 6 + tcp + g->data));
    return len;
}

static uint8_t forge_flags(enum lab_attack attack)
{
    switch (attack) {
    case LAB_ACK:
        return TH_ACK;
    case LAB_SYN_ACK:
        return TH_SYN | TH_ACK;
    case LAB_RST:
        return TH_RST;
    default:
        return TH_SYN;
    }
}

void forge(struct forger *f, struct tern_frame *out, unsigned n)
{
    tern_assert(n <= LAB_BATCH);
    for (unsigned i = 0; i < n; i++) {
        uint64_t r = forge_random(f), q = forge_random(f);
        /* 11.0.0.0 to 110.255.255.255: none of the laboratory's own */
        struct forged g = {.src = {(uint8_t)(11 + r % 100), (uint8_t)(r >> 8), (uint8_t)(r >> 16),
                                   (uint8_t)(r >> 24)},
                           .flags = forge_flags(f->attack),
                           .sport = (uint16_t)(1024 + (r >> 32) % 60000),
                           .wnd = 64240,
                           .seq = (uint32_t)q};
        if (f->attack == LAB_SYN_SAME)
            memcpy(g.src, (const uint8_t[4]){11, 1, 1, 1}, 4);
        if (g.flags & TH_ACK)
            g.ack = (uint32_t)(q >> 32);
        out[i] = (struct tern_frame){.data = f->frame[i], .cap = LAB_FRAME};
        out[i].len = forge_build(f->frame[i], &g);
    }
}

uint32_t forge_reply(const struct forger *f, const uint8_t *syn_ack, uint8_t buf[LAB_FRAME])
{
    bool ask = f->attack == LAB_ZERO_WINDOW;
    struct forged g = {.flags = ask ? TH_ACK | TH_PSH : TH_ACK,
                       .sport = be16_load(syn_ack + IP_HEAD + 2),
                       .wnd = ask ? 0 : 64240,
                       .seq = be32_load(syn_ack + IP_HEAD + 8),
                       .ack = be32_load(syn_ack + IP_HEAD + 4) + 1,
                       .data = ask};
    memcpy(g.src, syn_ack + 16, 4);
    return forge_build(buf, &g);
}
