/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cookie.h: a SYN-ACK whose sequence number is the memory of the SYN [RFC4987:3.6].
 *
 * What a cookie holds, and how hard it is to guess, is said in cookie.c.
 */
#ifndef TCP_COOKIE_H
#define TCP_COOKIE_H

#include "base/hash.h"
#include "base/seq.h"
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
/* The MSS that index 0..7 stands for. */
uint16_t cookie_mss(unsigned index);

/* A TSval at or a little before `tsval` that holds the options; and what an echoed one says. */
uint32_t cookie_ts_make(uint32_t tsval, const struct cookie_opts *o);
struct cookie_opts cookie_ts_read(uint32_t tsecr);

#endif
