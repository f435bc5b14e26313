/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/detect.c: is this a SYN flood? One picture a second: how many SYNs came, how many handshakes
 * were finished, how the sources are spread, whether limits were met and SYN-ACKs had to be sent
 * again; from it a verdict with its reasons.
 *
 * A verdict gets worse at the end of the second that shows it, and better only after CALM seconds
 * in a row that stay below half of the thresholds: an attack that breathes does not make it flap.
 * The cost of a SYN is a counter in one of 256 bins (whose Shannon entropy tells random sources,
 * eight bits, from one network, none) and, for one SYN in 16 when there are many, a step of a
 * space-saving sketch that finds the prefixes which send most.
 *
 * Nothing is decided here about any packet: limits and policies (policy.c) are what defends.
 */
#include "tcp/guard.h"

#define WINDOW_NS 1000000000
#define CALM      5u
#define SAMPLE    16u
#define BUSY      1024u /* SYNs in a window from which on the sketch is fed samples */

void detect_top(struct tcp *t, const struct tcp_tuple *tu, uint64_t h)
{
    struct detect *d = &t->detect;
    uint32_t weight = d->syns < BUSY ? 1 : SAMPLE;
    if (weight > 1 && ++d->skipped < SAMPLE)
        return;
    d->skipped = 0;
    detect_weigh(t, tu, h, weight);
}

void detect_weigh(struct tcp *t, const struct tcp_tuple *tu, uint64_t h, uint32_t weight)
{
    struct detect *d = &t->detect;
    uint32_t key = (uint32_t)h | 1;
    struct detect_top *least = &d->top[0];
    for (unsigned i = 0; i < TERN_SYN_TOP; i++) {
        if (d->top[i].key == key) {
            d->top[i].count += weight;
            return;
        }
        if (d->top[i].count < least->count)
            least = &d->top[i];
    }
    least->over = least->count;
    least->count += weight;
    least->key = key;
    prefix_addr(tu->raddr, tu->fam, &least->prefix);
}

/* log2(x) in 1/1024, for x >= 1; exact at powers of two, at most 0.09 too small between. */
static uint32_t log2_q10(uint32_t x)
{
    unsigned e = 31u - (unsigned)__builtin_clz(x);
    uint32_t frac = (uint32_t)(((uint64_t)x << 10) >> e) - 1024;
    return e * 1024 + frac;
}

/* Thousandths of a bit. */
static uint32_t entropy(const struct detect *d)
{
    uint64_t sum = 0;
    uint32_t n = 0;
    for (unsigned i = 0; i < DETECT_BINS; i++) {
        if (d->bin[i] == 0)
            continue;
        n += d->bin[i];
        sum += (uint64_t)d->bin[i] * log2_q10(d->bin[i]);
    }
    if (n == 0)
        return 0;
    uint32_t h = log2_q10(n), mean = (uint32_t)(sum / n);
    return h > mean ? (uint32_t)((uint64_t)(h - mean) * 1000 / 1024) : 0;
}

static void sort_top(struct detect *d)
{
    for (unsigned i = 1; i < TERN_SYN_TOP; i++) {
        struct detect_top x = d->top[i];
        unsigned j = i;
        for (; j > 0 && d->top[j - 1].count < x.count; j--)
            d->top[j] = d->top[j - 1];
        d->top[j] = x;
    }
}

/* Takes the sketch's picture and lets it fade. */
static void take_top(struct detect *d)
{
    struct tern_syn_stats *st = &d->st;
    sort_top(d);
    st->ntop = 0;
    for (unsigned i = 0; i < TERN_SYN_TOP; i++) {
        struct detect_top *e = &d->top[i];
        if (e->count > e->over) {
            st->top[st->ntop].prefix = e->prefix;
            st->top[st->ntop++].syns = e->count - e->over;
        }
        e->count /= 2;
        e->over /= 2;
        if (e->count == 0)
            e->key = 0;
    }
}

/* Of how the sources are spread, once the verdict is not normal. */
static unsigned spread(const struct tern_syn_stats *st)
{
    uint32_t most = st->syns >= 256 ? 8000 : log2_q10(st->syns | 1) * 1000 / 1024;
    unsigned why = 0;
    if (st->syns >= 16 && st->entropy_mbit >= most - most / 4)
        why |= TERN_SYN_SPREAD;
    if (st->ntop != 0 && st->top[0].syns >= st->syns / 2)
        why |= TERN_SYN_CONCENTRATED;
    return why;
}

static unsigned judge(const struct tcp *t, const struct detect *d, uint16_t *reasons)
{
    const struct tern_syn_stats *st = &d->st;
    uint32_t flood = t->cfg->flood_syns_per_s, open = st->syns - st->completed;
    unsigned why = 0;
    if (st->completed >= st->syns)
        open = 0;
    if (st->verdict != TERN_SYN_NORMAL)
        flood /= 2; /* hysteresis */
    bool unfinished = st->completed < st->syns / 2 + 1;
    if (open >= flood / 10 && unfinished)
        why |= TERN_SYN_UNFINISHED;
    if (open >= flood && unfinished)
        why |= TERN_SYN_RATE;
    if (st->overflows != 0)
        why |= TERN_SYN_OVERFLOW;
    if (t->halves.used > t->halves.max / 2)
        why |= TERN_SYN_TABLE;
    if (st->rexmts >= flood / 10)
        why |= TERN_SYN_RETRIES;
    *reasons = (uint16_t)why;
    if (why == 0)
        return TERN_SYN_NORMAL;
    *reasons = (uint16_t)(why | spread(st));
    bool flooded = (why & TERN_SYN_RATE) ||
                   ((why & TERN_SYN_UNFINISHED) && (why & (TERN_SYN_OVERFLOW | TERN_SYN_TABLE)));
    return flooded ? TERN_SYN_FLOOD : TERN_SYN_SUSPICIOUS;
}

static void tell(struct tcp *t, unsigned verdict, struct tern_time now)
{
    struct detect *d = &t->detect;
    d->st.verdict = (uint8_t)verdict;
    d->event = true;
    trace_count(t->trace, CAUSE_FLOOD_NORMAL + verdict);
    struct tern_trace *r = trace_add(t->trace, now, TERN_TR_FLOOD, CAUSE_FLOOD_NORMAL + verdict);
    if (r == NULL)
        return;
    r->aux8 = (uint8_t)verdict;
    r->a = d->st.syns;
    r->b = d->st.reasons;
}

_Static_assert(CAUSE_FLOOD_SUSPICIOUS == CAUSE_FLOOD_NORMAL + TERN_SYN_SUSPICIOUS &&
                   CAUSE_FLOOD_FLOOD == CAUSE_FLOOD_NORMAL + TERN_SYN_FLOOD,
               "the causes are in the order of the verdicts");

static void verdict(struct tcp *t, uint64_t seconds, struct tern_time now)
{
    struct detect *d = &t->detect;
    uint16_t why;
    unsigned v = judge(t, d, &why), was = d->st.verdict;
    if (v >= was) {
        d->calm = 0;
        d->st.reasons = why;
        if (v > was)
            tell(t, v, now);
        return;
    }
    d->calm = (uint8_t)(seconds < CALM && d->calm + seconds < CALM ? d->calm + seconds : CALM);
    if (d->calm < CALM)
        return; /* the reasons stay those of the verdict */
    d->calm = 0;
    d->st.reasons = why;
    tell(t, v, now);
}

static uint32_t per_second(uint32_t n, int64_t ns)
{
    return (uint32_t)((uint64_t)n * WINDOW_NS / (uint64_t)ns);
}

void detect_roll(struct tcp *t, struct tern_time now)
{
    struct detect *d = &t->detect;
    int64_t ns = now.ns - d->begin_ns;
    if (d->begin_ns == 0 || ns < WINDOW_NS)
        return;
    d->st.syns = per_second(d->syns, ns);
    d->st.completed = per_second(d->done, ns);
    d->st.rexmts = per_second(d->rexmts, ns);
    d->st.overflows = per_second(d->full, ns);
    d->st.entropy_mbit = entropy(d);
    take_top(d);
    verdict(t, (uint64_t)(ns / WINDOW_NS), now);
    bool rest = d->syns == 0 && d->st.verdict == TERN_SYN_NORMAL;
    d->begin_ns = rest ? 0 : now.ns;
    d->syns = d->done = d->rexmts = d->full = 0;
    memset(d->bin, 0, sizeof d->bin);
}

/* Only a window that may change the verdict needs an end on time. */
struct tern_time detect_deadline(const struct tcp *t)
{
    const struct detect *d = &t->detect;
    uint32_t many = t->cfg->flood_syns_per_s / 10;
    if (d->begin_ns == 0 ||
        (d->st.verdict == TERN_SYN_NORMAL && d->syns < many && d->rexmts < many))
        return TERN_NEVER;
    return (struct tern_time){d->begin_ns + WINDOW_NS};
}

void tcp_syn_stats(struct tcp *t, struct tern_syn_stats *out, struct tern_time now)
{
    detect_roll(t, now);
    *out = t->detect.st;
    out->half_open = t->halves.used;
    out->half_open_max = t->halves.max;
    out->offload = t->offload != NULL;
}

const char *tern_syn_verdict_name(unsigned v)
{
    static const char *const names[] = {"normal", "suspicious", "flood"};
    return v < 3 ? names[v] : "unknown";
}

const char *tern_syn_outcome_name(unsigned o)
{
    static const char *const names[TERN_SYN_OUTCOMES] = {
        "cached",      "cookie-sent", "cookie-valid", "cookie-bad",    "drop-listener",
        "drop-global", "drop-prefix", "drop-rate",    "drop-accept",   "evicted",
        "completed",   "timed-out",   "reset",        "syn-ack-rexmt",
    };
    return o < TERN_SYN_OUTCOMES ? names[o] : "unknown";
}

const char *tern_syn_reason_name(unsigned bit)
{
    static const char *const names[] = {"rate",    "unfinished", "overflow",    "table",
                                        "retries", "spread",     "concentrated"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bit == 1u << i)
            return names[i];
    return "unknown";
}
