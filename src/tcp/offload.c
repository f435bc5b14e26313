/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/offload.c: the stack's side of SYN cookies that somebody in front of it gives out
 * (tern/syn_offload.h): a program at the device, which has only what stands in one piece of memory.
 *
 *     listeners  one entry for each address; how its SYN-ACKs begin, by cookie_answer() and the
 *                builder of all answers, so they are the stack's own
 *     on         a cookie would be the stack's answer, too: cookies=always, or cookies=overflow
 *                since a SYN met a full queue until half of it is free again. Changes at once
 *     secrets    of cookies, timestamps, 4-tuples and prefixes
 *     known      how many records may mean the SYN, by each half of the tuple's hash
 *     buckets    of source prefixes: prefix.c takes from these while somebody helps
 *     counters   read at each report, and told to detect.c as if the SYNs had been seen here
 *
 * The other side reads all of it at any moment. A cookie with the secret of the slot before is good
 * for a slot more, so a secret is replaced when the slot turns, behind the index of the one in use;
 * an entry is odd while it is written; a chain is valid at each step of its change.
 *
 * What is not done outside: listeners for all addresses that no interface has (a gateway's), those
 * that must ask or have keys, IPv6.
 *
 * [RFC4987:3.6]
 */
#include "tcp/guard.h"
#include "wire/ip4.h"

#define IP4_CSUM_OFF 10u

_Static_assert(TERN_OFFLOAD_BINS == DETECT_BINS, "sources are counted alike");
_Static_assert(TERN_OFFLOAD_LISTENERS <= 32, "a bit for each in offload_listener.entries");

static void count(struct tern_syn_offload *o, uint32_t cell, int n)
{
    uint8_t *k = &o->known[cell];
    tern_assert(n > 0 || *k > 0);
    if (*k != UINT8_MAX) /* how many more there were nobody knows: it stays */
        __atomic_store_n(k, (uint8_t)(*k + n), __ATOMIC_RELAXED);
}

void offload_count(struct tern_syn_offload *o, uint32_t hash, int n)
{
    count(o, hash & (TERN_OFFLOAD_KNOWN - 1), n);
    count(o, hash >> 16 & (TERN_OFFLOAD_KNOWN - 1), n);
}

/* ---- on and off ---- */

static void entries_switch(struct tcp *t, const struct tcp_listener *l, bool on)
{
    for (uint32_t m = l->offload.entries; m != 0; m &= m - 1)
        __atomic_store_n(&t->offload->listener[__builtin_ctz(m)].on, on, __ATOMIC_RELEASE);
}

void offload_judge(struct tcp *t, struct tcp_listener *l)
{
    struct offload_listener *s = &l->offload;
    unsigned policy = l->pol.policy;
    if (l->half <= policy_queue(l) / 2 && t->halves.used <= t->halves.max / 2)
        s->full = false;
    bool cookies =
        policy == TERN_SYN_COOKIES_ALWAYS || (policy == TERN_SYN_COOKIES_OVERFLOW && s->full);
    bool on = s->entries != 0 && cookies && l->accept.count <= l->backlog;
    if (on == s->on)
        return;
    s->on = on;
    l->cookie_ns = t->now_ns; /* the last of them may be given out now */
    entries_switch(t, l, on);
}

void offload_judge_all(struct tcp *t)
{
    for (uint32_t i = 1; i <= t->listeners.fresh; i++) {
        struct tcp_listener *l = pool_at(&t->listeners, i);
        if (l->used)
            offload_judge(t, l);
    }
}

/* ---- which listeners ---- */

static bool eligible(const struct tcp *t, const struct tcp_listener *l)
{
    if (!l->used || l->any || l->must_ask)
        return false;
    const struct tcp_auth *a = t->auths.used != 0 ? auth_of_listener(t, l) : NULL;
    return a == NULL || (a->keys == 0 && !a->required);
}

static void chain_remove(struct tern_syn_offload *o, uint32_t i)
{
    const struct tern_offload_listener *e = &o->listener[i];
    uint8_t *at = &o->first[e->port & 255];
    while (*at != i + 1) {
        tern_assert(*at != 0);
        at = &o->listener[*at - 1].next;
    }
    __atomic_store_n(at, e->next, __ATOMIC_RELEASE); /* e->next stays, for who stands there now */
}

void offload_unlist(struct tcp *t, struct tcp_listener *l)
{
    struct offload_listener *s = &l->offload;
    entries_switch(t, l, false);
    if (s->on)
        l->cookie_ns = t->now_ns;
    for (uint32_t m = s->entries; m != 0; m &= m - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(m);
        chain_remove(t->offload, i);
        t->off.owner[i] = 0;
    }
    s->entries = 0;
    s->on = false;
}

static bool has_entry(const struct tcp *t, const struct tcp_listener *l, const uint8_t addr[4])
{
    for (uint32_t m = l->offload.entries; m != 0; m &= m - 1)
        if (memcmp(t->offload->listener[__builtin_ctz(m)].addr, addr, 4) == 0)
            return true;
    return false;
}

static unsigned chain_len(const struct tern_syn_offload *o, uint16_t port)
{
    unsigned n = 0;
    for (uint32_t i = o->first[port & 255]; i != 0; i = o->listener[i - 1].next)
        n++;
    return n;
}

/* A free entry for one more address of the listener, if there is one. */
static void entry_take(struct tcp *t, struct tcp_listener *l, const uint8_t addr[4])
{
    struct tern_syn_offload *o = t->offload;
    uint32_t i = 0;
    bool unicast = addr[0] != 0 && addr[0] != 127 && addr[0] < 224;
    if (!unicast || has_entry(t, l, addr) || chain_len(o, l->port) >= TERN_OFFLOAD_CHAIN)
        return;
    while (i < TERN_OFFLOAD_LISTENERS && t->off.owner[i] != 0)
        i++;
    if (i == TERN_OFFLOAD_LISTENERS)
        return;
    t->off.owner[i] = (uint16_t)pool_index(&t->listeners, l);
    struct tern_offload_listener *e = &o->listener[i];
    __atomic_store_n(&e->seq, e->seq + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    e->port = l->port;
    memcpy(e->addr, addr, 4);
    for (unsigned k = 0; k < TERN_OFFLOAD_KINDS; k++)
        e->answer[k].len = 0; /* offload_list() goes on with it */
    __atomic_store_n(&e->next, o->first[l->port & 255], __ATOMIC_RELAXED);
    __atomic_store_n(&e->seq, e->seq + 1, __ATOMIC_RELEASE);
    l->offload.entries |= UINT32_C(1) << i;
    __atomic_store_n(&o->first[l->port & 255], (uint8_t)(i + 1), __ATOMIC_RELEASE);
}

static void entries_take(struct tcp *t, struct tcp_listener *l)
{
    if (l->addr.fam == TERN_AF_IP4)
        entry_take(t, l, l->addr.b);
    for (unsigned i = 0; l->addr.fam == TERN_AF_NONE && i < t->off.iface.naddr; i++)
        entry_take(t, l, t->off.iface.addr[i]);
}

/* ---- the answers ---- */

/* Where TSval stands in an answer with timestamps. */
static uint8_t stamp_at(const uint8_t *p, uint32_t len)
{
    uint32_t at = IP4_HDR_LEN + TCP_HDR_LEN;
    while (at + 1 < len && p[at] != 8)
        at += p[at] == 1 ? 1u : p[at + 1];
    tern_assert(at + 10 <= len && (at + 2) % 4 == 0);
    return (uint8_t)(at + 2);
}

static void answer_make(struct tcp *t, struct tcp_listener *l, unsigned kind,
                        struct tern_offload_answer *a)
{
    struct tcp_tuple tu = {.fam = TERN_AF_IP4, .iface = (uint8_t)t->off.iface.index};
    struct cookie_offer syn = {
        .ts = kind != 0, .sack = kind != 0 && ((kind - 1) & 1), .ws = kind > 2};
    struct tcp_ans ans = cookie_answer(t, l, &tu, syn);
    struct cookie_opts k = {.ws = ans.ws != 0, .sack = ans.sack}; /* the peer's scale: 0 */
    uint32_t n = ans_build(&ans, a->octets + IP4_HDR_LEN, TERN_OFFLOAD_HEAD - IP4_HDR_LEN);
    struct ip4_hdr h = {.ttl = t->cfg->ttl, .proto = IP4_PROTO_TCP, .df = true, .len = n};
    ip4_build(a->octets, IP4_HDR_LEN, &h);
    memset(a->octets + IP4_CSUM_OFF, 0, 2);
    a->len = (uint8_t)(IP4_HDR_LEN + n);
    if (!ans.ts)
        return;
    a->ts = stamp_at(a->octets, a->len);
    a->low = (uint8_t)cookie_ts_low(&k);
    a->ws = ans.ws != 0;
}

#define ENTRY_FROM                                                                                 \
    offsetof(struct tern_offload_listener, overflow) /* seq, on, next: not its text */

static void entry_write(struct tern_offload_listener *e, struct tern_offload_listener *w)
{
    size_t n = sizeof *e - ENTRY_FROM;
    memcpy(w->addr, e->addr, sizeof w->addr);
    if (memcmp((uint8_t *)e + ENTRY_FROM, (uint8_t *)w + ENTRY_FROM, n) == 0)
        return;
    __atomic_store_n(&e->seq, e->seq + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy((uint8_t *)e + ENTRY_FROM, (uint8_t *)w + ENTRY_FROM, n);
    __atomic_store_n(&e->seq, e->seq + 1, __ATOMIC_RELEASE);
}

static void entries_write(struct tcp *t, struct tcp_listener *l)
{
    struct tern_offload_listener w;
    if (l->offload.entries == 0)
        return;
    memset(&w, 0, sizeof w);
    w.overflow = l->pol.policy == TERN_SYN_COOKIES_OVERFLOW;
    w.fast_open = fastopen_on(t, l);
    w.ecn = ecn_most(t->cfg);
    w.port = l->port;
    for (unsigned k = 0; k < TERN_OFFLOAD_KINDS; k++)
        answer_make(t, l, k, &w.answer[k]);
    for (uint32_t m = l->offload.entries; m != 0; m &= m - 1)
        entry_write(&t->offload->listener[__builtin_ctz(m)], &w);
}

void offload_list(struct tcp *t)
{
    for (uint32_t i = 1; i <= t->listeners.fresh; i++) {
        struct tcp_listener *l = pool_at(&t->listeners, i);
        if (l->used && l->offload.entries != 0 && !eligible(t, l))
            offload_unlist(t, l);
    }
    for (uint32_t i = 1; i <= t->listeners.fresh; i++) {
        struct tcp_listener *l = pool_at(&t->listeners, i);
        if (!eligible(t, l))
            continue;
        entries_take(t, l);
        entries_write(t, l);
        offload_judge(t, l);
        entries_switch(t, l, l->offload.on); /* a new one, too */
    }
}

/* ---- what was done ---- */

struct offload_news {
    uint64_t answered, overflowed, limited;
    uint32_t samples;
    uint32_t bin[TERN_OFFLOAD_BINS];
};

static uint32_t fresh_samples(const struct tcp *t, unsigned cpu)
{
    const struct tern_offload_cpu *c = &t->offload->cpu[cpu];
    uint32_t n = __atomic_load_n(&c->nsample, __ATOMIC_ACQUIRE) - t->off.seen.nsample[cpu];
    return n < TERN_OFFLOAD_SAMPLES ? n : TERN_OFFLOAD_SAMPLES;
}

/* Sums over all CPUs since the stack began to look. */
static void add_up(const struct tcp *t, struct offload_news *n)
{
    memset(n, 0, sizeof *n);
    for (unsigned i = 0; i < TERN_OFFLOAD_CPUS; i++) {
        const struct tern_offload_cpu *c = &t->offload->cpu[i];
        uint64_t answered = __atomic_load_n(&c->answered, __ATOMIC_RELAXED);
        uint64_t limited = __atomic_load_n(&c->limited, __ATOMIC_RELAXED);
        if ((answered | limited) == 0)
            continue;
        n->answered += answered;
        n->limited += limited;
        n->overflowed += __atomic_load_n(&c->overflowed, __ATOMIC_RELAXED);
        n->samples += fresh_samples(t, i);
        for (unsigned b = 0; b < TERN_OFFLOAD_BINS; b++)
            n->bin[b] += __atomic_load_n(&c->bin[b], __ATOMIC_RELAXED);
    }
}

/* The difference to the last time. */
static void take_news(struct tcp *t, struct offload_news *n)
{
    struct offload_seen *s = &t->off.seen;
    struct offload_news all;
    add_up(t, &all);
    n->answered = all.answered - s->answered;
    n->overflowed = all.overflowed - s->overflowed;
    n->limited = all.limited - s->limited;
    n->samples = all.samples;
    s->answered = all.answered;
    s->overflowed = all.overflowed;
    s->limited = all.limited;
    for (unsigned b = 0; b < TERN_OFFLOAD_BINS; b++) {
        n->bin[b] = all.bin[b] - s->bin[b];
        s->bin[b] = all.bin[b];
    }
}

/* Each sample stands for as many SYNs as were answered for one. */
static void take_samples(struct tcp *t, uint32_t samples, struct tern_time now)
{
    struct offload_seen *s = &t->off.seen;
    if (samples == 0)
        return;
    uint64_t each = s->unsampled / samples;
    uint32_t weight = each < UINT16_MAX ? (uint32_t)each : UINT16_MAX;
    s->unsampled = 0;
    for (unsigned i = 0; i < TERN_OFFLOAD_CPUS; i++) {
        const struct tern_offload_cpu *c = &t->offload->cpu[i];
        uint32_t n = fresh_samples(t, i), end = __atomic_load_n(&c->nsample, __ATOMIC_ACQUIRE);
        s->nsample[i] = end;
        for (uint32_t k = end - n; k != end; k++) {
            const struct tern_offload_sample *x = &c->sample[k % TERN_OFFLOAD_SAMPLES];
            struct tcp_tuple tu = {.fam = TERN_AF_IP4, .lport = x->lport, .rport = x->rport};
            memcpy(tu.laddr, x->laddr, 4);
            memcpy(tu.raddr, x->raddr, 4);
            detect_weigh(t, &tu, prefix_hash(t, tu.raddr, TERN_AF_IP4), weight != 0 ? weight : 1);
            detect_cookie(t, &tu, now);
        }
    }
}

static void report(struct tcp *t, struct tern_time now)
{
    struct detect *d = &t->detect;
    struct offload_news n;
    take_news(t, &n);
    uint64_t syns = n.answered + n.limited;
    detect_roll(t, now);
    if (syns != 0) {
        if (d->begin_ns == 0)
            d->begin_ns = now.ns != 0 ? now.ns : 1;
        d->syns += (uint32_t)syns;
        d->full += (uint32_t)n.overflowed;
        for (unsigned b = 0; b < DETECT_BINS; b++)
            d->bin[b] += n.bin[b];
        d->st.total += syns;
        d->st.offloaded += n.answered;
        d->st.outcome[TERN_SYN_COOKIE_SENT] += n.answered;
        d->st.outcome[TERN_SYN_DROP_RATE] += n.limited;
        t->trace->counter[CAUSE_TX_SYN_ACK_OFFLOAD] += n.answered;
        t->trace->counter[CAUSE_DROP_PREFIX_RATE] += n.limited;
    }
    t->off.seen.unsampled += n.answered;
    take_samples(t, n.samples, now);
}

/* ---- the secrets, and life ---- */

static void key_copy(uint64_t to[2], const struct hash_key *k)
{
    to[0] = k->k0;
    to[1] = k->k1;
}

/* In the second half of the pair nobody looks until it is said to be the one. */
static void turn_secret(struct tcp *t, struct tern_time now)
{
    struct tern_syn_offload *o = t->offload;
    unsigned which;
    const struct hash_key *k = cookie_secret(&t->jar, now, &which);
    if (o->cookie_key[which][0] != k->k0 || o->cookie_key[which][1] != k->k1)
        key_copy(o->cookie_key[which], k);
    __atomic_store_n(&o->key_now, (uint8_t)which, __ATOMIC_RELEASE);
}

static void update(struct tcp *t, struct tern_time now)
{
    struct tern_syn_offload *o = t->offload;
    turn_secret(t, now);
    __atomic_store_n(&o->prefix_rate, t->cfg->prefix_answers_per_s, __ATOMIC_RELAXED);
    offload_list(t);
    for (uint32_t i = 1; i <= t->listeners.fresh; i++) {
        struct tcp_listener *l = pool_at(&t->listeners, i);
        if (l->used && l->offload.on)
            l->cookie_ns = now.ns;
    }
    int64_t until = now.ns + (int64_t)TERN_OFFLOAD_ALIVE_MS * 1000000;
    __atomic_store_n(&o->alive_ns, until, __ATOMIC_RELEASE);
}

int tcp_offload_begin(struct tcp *t, struct tern_syn_offload *o, const struct offload_iface *iface,
                      struct tern_time now)
{
    tern_assert(iface->index < TCP_IFACES && iface->naddr <= TERN_IFACE_ADDRS);
    if (t->offload != NULL)
        return TERN_EALREADY;
    if (t->conns.used != 0 || t->halves.used != 0 || t->tws.used != 0)
        return TERN_EISCONN;
    tcp_at(t, now);
    memset(&t->off, 0, sizeof t->off);
    t->off.iface = *iface;
    o->boot_ns = t->boot_ns;
    memcpy(o->mac, iface->mac, sizeof o->mac);
    for (unsigned i = 0; i < 8; i++)
        o->mss[i] = cookie_mss(i);
    key_copy(o->ts_key, &t->key_ts);
    key_copy(o->known_key, &t->key_demux);
    key_copy(o->prefix_key, &t->key_prefix);
    memcpy(o->bucket, t->prefix->bucket, sizeof o->bucket);
    t->bucket = o->bucket;
    t->offload = o;
    update(t, now);
    return TERN_OK;
}

void tcp_offload_sync(struct tcp *t, struct tern_time now)
{
    if (t->offload == NULL)
        return;
    tcp_at(t, now);
    report(t, now);
    update(t, now);
}

void tcp_offload_end(struct tcp *t, struct tern_time now)
{
    struct tern_syn_offload *o = t->offload;
    if (o == NULL)
        return;
    tcp_at(t, now);
    __atomic_store_n(&o->alive_ns, 0, __ATOMIC_RELEASE);
    for (uint32_t i = 1; i <= t->listeners.fresh; i++) {
        struct tcp_listener *l = pool_at(&t->listeners, i);
        if (l->used)
            offload_unlist(t, l);
    }
    report(t, now);
    memcpy(t->prefix->bucket, o->bucket, sizeof o->bucket);
    t->bucket = t->prefix->bucket;
    t->offload = NULL;
}
