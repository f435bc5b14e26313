/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/cookie.c: SYN cookies (RFC 4987 3.6, D. J. Bernstein 1996): under a flood the listener keeps
 * nothing, and the initial sequence number of its SYN-ACK is what the final ACK brings back.
 *
 *     31                             3 2   0
 *     +-------------------------------+-----+   h = SipHash-2-4(secret of the slot;
 *     | 29 bits of h and of the index | MSS |           both addresses, both ports, peer's ISN)
 *     +-------------------------------+-----+   index of the MSS (one of eight), masked with h
 *
 * All 32 bits look random to whoever does not know the secret. The secret changes every 64 seconds
 * by a one-way step, and the last two are accepted: a cookie is good for 64 to 128 seconds. A blind
 * ACK succeeds if its upper bits meet one of two 29-bit values (which two is said by its lower
 * three): once in 2^28 tries, whatever the attacker varies. At a million forged ACKs a second that
 * is one connection in four and a half minutes; and ACKs are only looked at while cookies are being
 * given out. A SYN flood earns no guess at all.
 *
 * Window scale, SACK and ECN travel in the low six bits of the TSval, which comes back as TSecr;
 * for a peer without timestamps they are not offered. As for every cookie: the SYN-ACK is not sent
 * again, and if the peer's ACK and all its data segments are lost it believes in a connection that
 * is not there until it sends again.
 */
#include "tcp/cookie.h"
#include "base/assert.h"
#include "tcp/conn.h"
#include "wire/cookie.h"

/* Steps of what peers announce: the tiny, PPPoE and tunnels, Ethernet, jumbo frames. */
static const uint16_t mss_table[8] = {64, 216, 536, 1200, 1360, 1440, 1460, 8960};

uint16_t cookie_mss(unsigned index)
{
    tern_assert(index < 8);
    return mss_table[index];
}

void cookie_init(struct cookie_jar *j, const struct hash_key *chain, struct tern_time now)
{
    *j = (struct cookie_jar){.chain = *chain, .epoch_ns = now.ns};
}

static uint32_t slot_of(const struct cookie_jar *j, struct tern_time now)
{
    int64_t ns = now.ns - j->epoch_ns;
    return ns > 0 ? (uint32_t)(ns / ((int64_t)COOKIE_SLOT_S * 1000000000)) : 0;
}

/* Makes the slot's secret; that of the slot before stays, all others are forgotten. */
static void jar_turn(struct cookie_jar *j, uint32_t slot)
{
    unsigned i = slot & 1;
    if (j->slot[i] == slot + 1)
        return;
    if (j->slot[!i] != slot) { /* nothing was made in the slot before */
        j->key[!i] = (struct hash_key){0, 0};
        j->slot[!i] = 0;
    }
    struct hash_key k = j->chain;
    j->key[i] = (struct hash_key){hash_2(&k, slot, 1), hash_2(&k, slot, 2)};
    j->slot[i] = slot + 1;
    j->chain = (struct hash_key){hash_2(&k, slot, 3), hash_2(&k, slot, 4)};
}

/* IPv4: the two words of the message. */
static inline uint64_t word_addrs(const struct tcp_tuple *tu)
{
    uint32_t l, r;
    memcpy(&l, tu->laddr, 4);
    memcpy(&r, tu->raddr, 4);
    return cookie_addrs(l, r);
}
static inline uint64_t word_ports(const struct tcp_tuple *tu, struct seq irs)
{
    return cookie_ports(tu->lport, tu->rport, irs.v);
}

static uint64_t cookie_hash(const struct hash_key *key, const struct tcp_tuple *tu, struct seq irs)
{
    if (tu->fam == TERN_AF_IP4)
        return hash_2(key, word_addrs(tu), word_ports(tu, irs));
    uint8_t all[40];
    memcpy(all, tu->laddr, 16);
    memcpy(all + 16, tu->raddr, 16);
    memcpy(all + 32, &tu->lport, 2);
    memcpy(all + 34, &tu->rport, 2);
    memcpy(all + 36, &irs.v, 4);
    return hash_bytes(key, all, sizeof all);
}

/* The present slot's secret; *which = 0 or 1, another one than in the slots before and after. */
const struct hash_key *cookie_secret(struct cookie_jar *j, struct tern_time now, unsigned *which)
{
    uint32_t slot = slot_of(j, now);
    jar_turn(j, slot);
    *which = slot & 1;
    return &j->key[slot & 1];
}

/* [RFC4987:3.6#1] */
struct seq cookie_make(struct tcp *t, const struct tcp_tuple *tu, struct seq irs, uint16_t mss,
                       uint32_t *ts_off, struct tern_time now)
{
    unsigned which;
    const struct hash_key *key = cookie_secret(&t->jar, now, &which);
    uint32_t index = cookie_mss_index(mss_table, mss);
    if (ts_off == NULL || tu->fam != TERN_AF_IP4) {
        if (ts_off != NULL)
            *ts_off = ts_offset_of(t, tu);
        return seq_of(cookie_of(cookie_hash(key, tu, irs), index));
    }
    uint64_t out[2], b[2] = {word_ports(tu, irs), isn_ports(tu)};
    hash_2_two(key, &t->key_ts, word_addrs(tu), b, out);
    *ts_off = (uint32_t)out[1];
    return seq_of(cookie_of(out[0], index));
}

bool cookie_check(struct cookie_jar *j, const struct tcp_tuple *tu, struct seq irs, struct seq iss,
                  struct tern_time now, uint16_t *mss, unsigned *age)
{
    uint32_t slot = slot_of(j, now);
    jar_turn(j, slot);
    for (unsigned back = 0; back < 2; back++) {
        unsigned i = (slot - back) & 1;
        if (j->slot[i] != slot - back + 1 || j->slot[i] == 0)
            continue;
        uint64_t h = cookie_hash(&j->key[i], tu, irs);
        unsigned index = cookie_index(h, iss.v);
        if (cookie_of(h, index) != iss.v)
            continue;
        *mss = mss_table[index];
        *age = back;
        return true;
    }
    return false;
}

struct cookie_opts cookie_ts_read(uint32_t tsecr)
{
    uint32_t ws = tsecr & COOKIE_TS_WS;
    return (struct cookie_opts){.ws = ws != COOKIE_TS_WS ? (uint8_t)(ws + 1) : 0,
                                .sack = (tsecr & COOKIE_TS_SACK) != 0,
                                .ecn = (tsecr & COOKIE_TS_ECN) != 0};
}
