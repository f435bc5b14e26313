/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cookie.h: a SYN-ACK whose sequence number is the memory of the SYN [RFC4987:3.6].
 *
 * What a cookie holds, and how hard it is to guess, is said in cookie.c.
 */
#ifndef TCP_COOKIE_H
#define TCP_COOKIE_H

#include "base/assert.h"
#include "base/hash.h"
#include "base/seq.h"
#include "wire/cookie.h"
#include <stdbool.h>
#include <tern/types.h>

struct tcp;
struct tcp_tuple;

#define COOKIE_SLOT_S  64u /* a cookie lives for the rest of its slot and for the next one */
#define COOKIE_LIFE_NS ((int64_t)2 * COOKIE_SLOT_S * 1000000000)

/* The secrets: one for the present slot of time, one for that before; older ones are gone. */
struct cookie_jar {
    struct hash_key chain;  /* the next slot's secret is made from it, and then it is replaced */
    struct hash_key key[2]; /* by the slot's lowest bit */
    uint32_t slot[2];       /* the slot that key[i] belongs to, plus 1; 0 = none */
    int64_t epoch_ns;
};

/* What else the SYN offered; travels in the timestamp, if the peer sends one. */
struct cookie_opts {
    uint8_t ws; /* the peer's shift + 1; 0 = no option */
    bool sack, ecn;
};

void cookie_init(struct cookie_jar *j, const struct hash_key *chain, struct tern_time now);
/* The sequence number of a SYN-ACK to the SYN irs with this MSS (octets; rounded down to one of
 * eight). If ts_off is not NULL it gets ts_offset_of(), which costs less here. */
struct seq cookie_make(struct tcp *t, const struct tcp_tuple *tu, struct seq irs, uint16_t mss,
                       uint32_t *ts_off, struct tern_time now);
/* Is `iss` a cookie that was made for irs, not too long ago? *mss and *age (whole slots, 0 or 1)
 * are set if so. */
bool cookie_check(struct cookie_jar *j, const struct tcp_tuple *tu, struct seq irs, struct seq iss,
                  struct tern_time now, uint16_t *mss, unsigned *age);
/* The present slot's secret, for others who give cookies out, and which of two it is: never the
 * one of the slot before. */
const struct hash_key *cookie_secret(struct cookie_jar *j, struct tern_time now, unsigned *which);
/* The MSS that index 0..7 stands for. */
uint16_t cookie_mss(unsigned index);

/* The low bits of a TSval that hold the options (cookie_tsval() of wire/cookie.h makes it); and
 * what an echoed one says. */
static inline uint32_t cookie_ts_low(const struct cookie_opts *o)
{
    uint32_t low = o->ws != 0 ? o->ws - 1u : COOKIE_TS_WS;
    tern_assert(low <= COOKIE_TS_WS);
    return low | (o->sack ? COOKIE_TS_SACK : 0) | (o->ecn ? COOKIE_TS_ECN : 0);
}
struct cookie_opts cookie_ts_read(uint32_t tsecr);

#endif
