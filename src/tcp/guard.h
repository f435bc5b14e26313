/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/guard.h: what the files that stand between a flood and the connections offer to each other:
 * prefix.c, detect.c, policy.c, and of syncache.c what they need.
 */
#ifndef TCP_GUARD_H
#define TCP_GUARD_H

#include "tcp/conn.h"

/* Buffer memory or connections are nearly used up: who makes no progress may be given up. */
static inline bool tcp_pressure(const struct tcp *t)
{
    return t->arena->used > t->arena->total / 4 * 3 || t->conns.used > t->conns.max / 4 * 3;
}

/* prefix.c: source prefixes, named by the hash of one */
static inline uint64_t prefix_hash(const struct tcp *t, const uint8_t *addr, unsigned fam)
{
    uint64_t id;
    if (fam == TERN_AF_IP4) {
        uint32_t v;
        memcpy(&v, addr, 4);
        id = v & __builtin_bswap32(0xffffff00);
    } else {
        memcpy(&id, addr, 8);
        id = (id & __builtin_bswap64(UINT64_C(0xffffffffffffff00))) | UINT64_C(6) << 56;
    }
    return bucket_hash(t->key_prefix.k0, t->key_prefix.k1, id);
}
void prefix_addr(const uint8_t *addr, unsigned fam, struct tern_addr *out);
void prefix_add(struct prefix_count *c, uint64_t h, int n);
uint32_t prefix_get(const struct prefix_count *c, uint64_t h);
/* The bucket will be asked for. */
static inline void prefix_soon(const struct tcp *t, uint64_t h)
{
    __builtin_prefetch(t->bucket[bucket_set(h)]);
}
/* May an answer go there? Takes a token if so; counts it if not. */
bool prefix_take(struct tcp *t, uint64_t h, struct tern_time now);
void prefix_back(struct tcp *t, uint64_t h, struct tern_time now);
/* May it have one more connection? */
bool prefix_conn_ok(const struct tcp *t, uint64_t h);
/* n = 1: one more of c's prefix; -1: one less. */
void prefix_conn(struct tcp *t, const struct tcp_conn *c, int n);

/* detect.c */
/* One of the last cookies given out, for those who list them. */
static inline void detect_cookie(struct tcp *t, const struct tcp_tuple *tu, struct tern_time now)
{
    struct detect_cookie *c = &t->detect.recent[t->detect.recent_n++ % DETECT_RECENT];
    memcpy(c->laddr, tu->laddr, 4);
    memcpy(c->raddr, tu->raddr, 4);
    c->lport = tu->lport;
    c->rport = tu->rport;
    c->ms = tcp_ms(t, now);
}
/* The sketch hears of `weight` SYNs of the tuple's source. */
void detect_weigh(struct tcp *t, const struct tcp_tuple *tu, uint64_t h, uint32_t weight);
void detect_top(struct tcp *t, const struct tcp_tuple *tu, uint64_t h);
/* Ends the window if its time is over. */
void detect_roll(struct tcp *t, struct tern_time now);
struct tern_time detect_deadline(const struct tcp *t);
/* A SYN reached a listener. */
static inline void detect_syn(struct tcp *t, const struct tcp_tuple *tu, uint64_t h,
                              struct tern_time now)
{
    struct detect *d = &t->detect;
    if (d->begin_ns == 0)
        d->begin_ns = now.ns != 0 ? now.ns : 1;
    else if (now.ns - d->begin_ns >= 1000000000)
        detect_roll(t, now);
    d->syns++;
    d->st.total++;
    d->bin[h >> 24 & (DETECT_BINS - 1)]++;
    detect_top(t, tu, h);
}

/* policy.c */
void policy_init(const struct tcp *t, struct tcp_listener *l);
/* What of a SYN decides how the answer with a cookie looks. */
struct cookie_offer {
    bool ts, ws, sack;
};
/* The SYN-ACK to such a SYN, without what differs between two of the same offer (numbers,
 * timestamps, ECN, Fast Open, keys). */
struct tcp_ans cookie_answer(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                             struct cookie_offer syn);
/* Half-open records that the listener may have. */
uint32_t policy_queue(const struct tcp_listener *l);
/* Which limit stands against one more record from this prefix: its cause, or 0. */
unsigned policy_room(const struct tcp *t, const struct tcp_listener *l, uint64_t prefix);
unsigned policy_retries(const struct tcp *t, const struct tcp_listener *l);
/* The listener's numbers have changed: `stage` follows. */
void policy_stage(struct tcp_listener *l);
/* A SYN for a listener; and an ACK, which may bring a cookie: IN_GO if none are given out. */
unsigned policy_syn(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                    uint32_t hash, struct tcp_in *in, struct tern_time now);
unsigned policy_ack(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                    uint32_t hash, struct tcp_in *in, struct tern_time now);
int policy_setopt(struct tcp *t, struct tern_sock s, enum tern_opt opt, int64_t v);
int policy_getopt(const struct tcp_listener *l, enum tern_opt opt, int64_t *v);

/* offload.c: hooks for those who change what it depends on whether a listener's SYNs are answered
 * outside. Here, while nobody does that, they are one comparison. */
void offload_judge(struct tcp *t, struct tcp_listener *l);
void offload_judge_all(struct tcp *t);
void offload_list(struct tcp *t);
void offload_unlist(struct tcp *t, struct tcp_listener *l);
/* The accept queue, the half-open records, the policy or the keys are others now. */
static inline void offload_look(struct tcp *t, struct tcp_listener *l)
{
    if (__builtin_expect(t->offload != NULL, 0))
        offload_judge(t, l);
}
/* A half-open record is free again: of the stack's, too. */
static inline void offload_room(struct tcp *t, struct tcp_listener *l)
{
    offload_look(t, l);
    if (__builtin_expect(t->offload != NULL, 0) && t->halves.used == t->halves.max / 2)
        offload_judge_all(t);
}
/* A SYN found no room, and this cause why. */
static inline void offload_full(struct tcp *t, struct tcp_listener *l, unsigned why)
{
    if (__builtin_expect(t->offload == NULL, 1) || why == CAUSE_DROP_SYN_PREFIX)
        return;
    l->offload.full = true;
    offload_judge(t, l);
}

/* syncache.c */
/* What a listener gives its connections: limits, options. */
void listener_gives(struct tcp *t, struct tcp_conn *c, const struct tcp_listener *l);
/* The handshake that the record (or, with `cookie`, what stands for one) began is complete: makes
 * the connection and gives it the segment. A cause of a drop: nothing has changed. */
unsigned half_open_conn(struct tcp *t, struct tcp_half *h, struct tcp_listener *l,
                        const struct tcp_tuple *tu, struct tcp_in *in, bool cookie,
                        struct tern_time now);
/* Milliseconds since the SYN-ACK was first sent. */
uint32_t half_age_ms(const struct tcp *t, const struct tcp_half *h, struct tern_time now);

#endif
