/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/policy.c: what a listener does with a SYN (RFC 4987 3): keep a record, answer with a cookie,
 * let the oldest make room, or drop it. The limits are looked at in the order of who is to blame:
 * the accept queue (the application), the rate of answers to the source's prefix, the prefix's
 * share of records, the listener's queue, the stack's table. A policy can be changed while it
 * burns.
 *
 * `staged` is the idea of Windows 2000's SynAttackProtect: beyond a number of half-open or of
 * retried half-open records the listener spends less on each, until half of both is gone.
 */
#include "tcp/guard.h"
#include "wire/cookie.h"

#define EVICT_STEPS 64u /* records looked at to find the listener's oldest */

static struct detect *outcome(struct tcp *t, unsigned what)
{
    t->detect.st.outcome[what]++;
    return &t->detect;
}

uint32_t policy_queue(const struct tcp_listener *l)
{
    if (l->pol.queue != 0)
        return l->pol.queue;
    return l->backlog < UINT32_MAX ? l->backlog + 1 : UINT32_MAX; /* as Linux counts */
}

void policy_stage(struct tcp_listener *l)
{
    uint32_t queue = policy_queue(l);
    uint32_t half = l->pol.staged_half != 0 ? l->pol.staged_half : queue / 2;
    uint32_t retried = l->pol.staged_retried != 0 ? l->pol.staged_retried : queue / 4;
    bool calm = l->half <= half / 2 && l->retried <= retried / 2;
    if (l->half > half || l->retried > retried)
        l->stage = true;
    if (!l->pol.staged || calm)
        l->stage = false;
}

unsigned policy_retries(const struct tcp *t, const struct tcp_listener *l)
{
    unsigned n =
        l->pol.retries != TERN_SYN_RETRIES_DEFAULT ? l->pol.retries : t->cfg->synack_retries;
    return l->stage && n > 1 ? 1 : n;
}

/* Which limit stands against one more record: 0 = none. */
unsigned policy_room(const struct tcp *t, const struct tcp_listener *l, uint64_t prefix)
{
    uint32_t most = l->pol.prefix_half != 0 ? l->pol.prefix_half : t->cfg->max_prefix_half;
    if (most != 0 && prefix_get(&t->prefix->half, prefix) >= most)
        return CAUSE_DROP_SYN_PREFIX;
    if (l->half >= policy_queue(l))
        return CAUSE_DROP_SYN_FULL;
    if (t->halves.used >= t->halves.max)
        return CAUSE_DROP_SYN_GLOBAL;
    return 0;
}

/* The oldest record that waits for its ACK: of this listener, or of anybody when the table is full.
 */
static struct tcp_half *oldest(struct tcp *t, uint32_t listener, bool anybody)
{
    unsigned steps = 0;
    for (unsigned w = HALF_LEVELS; w-- > 0;) {
        uint32_t i = t->half_list[w].head;
        for (; i != 0 && steps < EVICT_STEPS; steps++) {
            struct tcp_half *h = pool_at(&t->halves, i);
            if (anybody || h->listener == listener)
                return h;
            i = h->link.next;
        }
    }
    return NULL;
}

static bool evict(struct tcp *t, struct tcp_listener *l, unsigned why, struct tern_time now)
{
    bool anybody = why == CAUSE_DROP_SYN_GLOBAL;
    if (why == CAUSE_DROP_SYN_PREFIX) /* it would be its own neighbour's */
        return false;
    struct tcp_half *h = oldest(t, pool_index(&t->listeners, l), anybody);
    if (h == NULL)
        return false;
    outcome(t, TERN_SYN_EVICTED);
    half_drop(t, h, CAUSE_ST_SYN_EVICTED, now);
    return true;
}

static unsigned drop(struct tcp *t, unsigned why)
{
    switch (why) {
    case CAUSE_DROP_SYN_PREFIX:
        outcome(t, TERN_SYN_DROP_PREFIX);
        break;
    case CAUSE_DROP_SYN_GLOBAL:
        outcome(t, TERN_SYN_DROP_GLOBAL);
        break;
    case CAUSE_DROP_SYN_ACCEPT:
        outcome(t, TERN_SYN_DROP_ACCEPT);
        break;
    default:
        tern_assert(why == CAUSE_DROP_SYN_FULL);
        outcome(t, TERN_SYN_DROP_LISTENER);
        break;
    }
    return why;
}

/* ---- cookies ---- */

static uint32_t cookie_window(const struct tcp *t, const struct tcp_listener *l)
{
    uint32_t limit = tune_listener(t, l, 1);
    return limit < 65535 ? limit : 65535;
}

static uint8_t *put32(uint8_t *p, uint32_t v, uint64_t *sum)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
    *sum += v;
    return p + 4;
}

/* The SYN-ACK of the usual options straight into the answer: each word is summed as it is stored.
 */
static void cookie_build(struct tcp_ans *a, const struct tcp_ans *w)
{
    uint64_t sum = cksum_pseudo4(w->tuple.laddr, w->tuple.raddr, 6, ANS_RAW);
    uint8_t *p = a->raw;
    p = put32(p, (uint32_t)w->tuple.lport << 16 | w->tuple.rport, &sum);
    p = put32(p, w->seq.v, &sum);
    p = put32(p, w->ack.v, &sum);
    p = put32(p, 0xa0000000u | (uint32_t)w->th << 16 | w->wnd, &sum);
    p = put32(p, 0, &sum);
    p = put32(p, 0x02040000u | w->mss, &sum);
    p = put32(p, 0x0402080au, &sum);
    p = put32(p, w->tsval, &sum);
    p = put32(p, w->tsecr, &sum);
    put32(p, 0x01030300u | (w->ws - 1u), &sum);
    uint16_t ck = cksum_fold(sum);
    memcpy(a->raw + TCP_CSUM_OFF, &ck, 2);
    a->raw_len = ANS_RAW;
}

static void cookie_push(struct tcp *t, const struct tcp_ans *w)
{
    if (!w->ts || !w->sack || w->ws == 0 || w->mss == 0 || w->tfo != 0 || w->layout != 0 ||
        t->auths.used != 0) {
        ans_push(t, w);
        return;
    }
    struct tcp_ans *a = ans_take(t);
    if (a == NULL)
        return;
    a->tuple = w->tuple;
    a->cause = w->cause;
    a->state = w->state;
    a->serial = 0;
    cookie_build(a, w);
    ans_queue(t, a);
}

/* Always inline: out of line it costs each forged SYN a twelfth more. */
static inline __attribute__((always_inline)) struct tcp_ans
answer_begin(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu, struct seq seq,
             struct cookie_offer syn)
{
    bool ts = t->cfg->timestamps && syn.ts, ws = ts && t->cfg->wscale && syn.ws;
    if (l->cookie_ws == 0) /* once for all: what a cookie in flight was promised must stay true */
        l->cookie_ws = (uint8_t)(window_shift((uint32_t)l->opts[1]) + 1);
    return (struct tcp_ans){
        .tuple = *tu,
        .seq = seq,
        .wnd = (uint16_t)cookie_window(t, l),
        .cause = CAUSE_TX_SYN_ACK_COOKIE,
        .th = TERN_TH_SYN | TERN_TH_ACK,
        .mss = iface_mss(t, tu->iface, tu->fam, extra_of_listener(t, l)->maxseg),
        .layout = t->pol->syn_layout,
        .ws = ws ? l->cookie_ws : 0,
        .ts = ts,
        .sack = ts && t->cfg->sack && syn.sack,
        .state = TERN_TCP_LISTEN,
    };
}

struct tcp_ans cookie_answer(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                             struct cookie_offer syn)
{
    return answer_begin(t, l, tu, seq_of(0), syn);
}

static void cookie_send(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                        const struct tcp_in *in, struct tern_time now)
{
    const struct tcp_opts *o = &in->s.opt;
    struct cookie_offer syn = {.ts =
                                   t->cfg->timestamps && o->has_ts && !auth_no_timestamps(t, l, tu),
                               .ws = o->has_ws,
                               .sack = o->sack_ok};
    uint32_t ts_off = 0;
    struct seq seq =
        cookie_make(t, tu, in->s.seq, o->has_mss ? o->mss : 536, syn.ts ? &ts_off : NULL, now);
    struct tcp_ans a = answer_begin(t, l, tu, seq, syn);
    l->cookie_ns = now.ns;
    a.ack = seq_add(in->s.seq, 1);
    a.ao_id = auth_choose(t, l, tu, in);
    if (a.ts) {
        /* one bit of memory: accurate feedback takes three codepoints of the SYN to remember */
        uint8_t ecn = ecn_listen(t, in) != ECN_NONE ? ECN_CLASSIC : ECN_NONE;
        struct cookie_opts k = {
            .ws = a.ws != 0 ? (uint8_t)(o->ws + 1) : 0, .sack = a.sack, .ecn = ecn != ECN_NONE};
        ecn_answer(ecn, &a);
        a.tsval = cookie_tsval(tsval_now(t, ts_off, now), cookie_ts_low(&k));
        a.tsecr = o->tsval;
    }
    a.tfo = fastopen_grant(t, l, tu, in, now);
    if (a.tfo != 0)
        fastopen_cookie(t, l, tu, a.tfo_cookie);
    cookie_push(t, &a);
    outcome(t, TERN_SYN_COOKIE_SENT);
    detect_cookie(t, tu, now);
}

static bool cookies_given(const struct tcp_listener *l, struct tern_time now)
{
    return l->cookie_ns != 0 && now.ns - l->cookie_ns <= COOKIE_LIFE_NS;
}

/* The record that the SYN would have made. */
/* [RFC4987:3.6#2] */
static void cookie_record(struct tcp *t, const struct tcp_listener *l, const struct tcp_tuple *tu,
                          const struct tcp_in *in, uint16_t mss, struct tcp_half *h)
{
    const struct tcp_seg *s = &in->s;
    memset(h, 0, sizeof *h);
    h->iss = seq_sub(s->ack, 1);
    h->irs = seq_sub(s->seq, 1);
    h->mss = mss;
    h->iface = tu->iface;
    h->own_ws = (uint8_t)(l->cookie_ws - 1);
    h->listener = (uint16_t)pool_index(&t->listeners, l);
    h->ts = t->cfg->timestamps && s->opt.has_ts;
    h->ao_id = auth_choose(t, l, tu, in);
    h->again = true; /* no round-trip sample: the echoed time is not exact */
    if (h->ts) {
        struct cookie_opts k = cookie_ts_read(s->opt.tsecr);
        h->ws = t->cfg->wscale ? k.ws : 0;
        h->sack = t->cfg->sack && k.sack;
        h->ecn = t->cfg->ecn != 0 && k.ecn ? ECN_CLASSIC : ECN_NONE;
        h->ts_recent = s->opt.tsval;
    }
    uint32_t wnd = s->wnd << (h->ws != 0 ? h->ws - 1 : 0);
    h->wnd = (uint16_t)(wnd < 65535 ? wnd : 65535);
}

unsigned policy_ack(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                    uint32_t hash, struct tcp_in *in, struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    uint16_t mss;
    unsigned age;
    if (l->must_ask || (s->th & TERN_TH_SYN) || !cookies_given(l, now))
        return IN_GO;
    if (!cookie_check(&t->jar, tu, seq_sub(s->seq, 1), seq_sub(s->ack, 1), now, &mss, &age)) {
        /* Text or FIN behind a handshake whose ACK was lost, or was dropped because the accept
         * queue was full: the cookie stands in what the peer sends again first. */
        if (s->len != 0 || (s->th & TERN_TH_FIN))
            return CAUSE_DROP_COOKIE_LATER;
        outcome(t, TERN_SYN_COOKIE_BAD);
        ans_rst(t, tu, in, 0, TERN_TCP_LISTEN, CAUSE_TX_RST_COOKIE);
        return CAUSE_TX_RST_COOKIE;
    }
    struct tcp_half h;
    cookie_record(t, l, tu, in, mss, &h);
    h.hash = hash;
    unsigned v = half_open_conn(t, &h, l, tu, in, true, now);
    if (v == CAUSE_DROP_ACCEPT_FULL && l->pol.abort_on_overflow)
        ans_rst(t, tu, in, 0, TERN_TCP_LISTEN, CAUSE_TX_RST_ACCEPT_FULL);
    return v;
}

/* ---- the SYN ---- */

unsigned policy_syn(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                    uint32_t hash, struct tcp_in *in, struct tern_time now)
{
    uint64_t prefix = prefix_hash(t, tu->raddr, tu->fam);
    prefix_soon(t, prefix);
    detect_syn(t, tu, prefix, now);
    if (l->accept.count > l->backlog)
        return drop(t, CAUSE_DROP_SYN_ACCEPT);
    if (!prefix_take(t, prefix, now))
        return CAUSE_DROP_PREFIX_RATE;
    if (l->pol.policy == TERN_SYN_COOKIES_ALWAYS) {
        cookie_send(t, l, tu, in, now);
        return CAUSE_RX_SEG;
    }
    unsigned why = policy_room(t, l, prefix);
    if (why != 0 && l->pol.policy == TERN_SYN_DROP_OLDEST && evict(t, l, why, now))
        why = 0;
    if (why == 0) {
        if (half_new(t, l, tu, hash, in, isn_of(t, tu, now), now) != NULL)
            return CAUSE_RX_SEG;
        why = CAUSE_DROP_SYN_GLOBAL;
    }
    t->detect.full++;
    if (l->pol.policy == TERN_SYN_COOKIES_OVERFLOW && !l->must_ask) {
        cookie_send(t, l, tu, in, now);
        offload_full(t, l, why);
        return CAUSE_RX_SEG;
    }
    prefix_back(t, prefix, now); /* nothing was sent */
    return drop(t, why);
}

/* ---- setting it ---- */

int tcp_listener_policy(struct tcp *t, struct tern_sock s, const struct tern_listener_policy *p)
{
    struct tcp_listener *l = listener_get(t, s);
    if (l == NULL)
        return TERN_EBADF;
    if (p->policy > TERN_SYN_DROP_OLDEST ||
        (p->retries != TERN_SYN_RETRIES_DEFAULT && p->retries >= HALF_LEVELS) ||
        p->timeout_ms > 3600000)
        return TERN_EINVAL;
    if (l->must_ask && p->policy == TERN_SYN_COOKIES_ALWAYS)
        return TERN_EOPNOTSUPP;
    l->pol = *p;
    policy_stage(l);
    offload_look(t, l);
    return TERN_OK;
}

int tcp_listener_policy_get(struct tcp *t, struct tern_sock s, struct tern_listener_policy *p)
{
    struct tcp_listener *l = listener_get(t, s);
    if (l == NULL)
        return TERN_EBADF;
    *p = l->pol;
    return TERN_OK;
}

void policy_init(const struct tcp *t, struct tcp_listener *l)
{
    l->pol = (struct tern_listener_policy){.policy = t->cfg->syn_policy,
                                           .retries = TERN_SYN_RETRIES_DEFAULT};
    if (l->must_ask && l->pol.policy == TERN_SYN_COOKIES_ALWAYS)
        l->pol.policy = TERN_SYN_COOKIES_OVERFLOW;
}

static uint32_t *number_field(struct tern_listener_policy *p, enum tern_opt opt)
{
    switch (opt) {
    case TERN_OPT_SYN_STAGED_HALF:
        return &p->staged_half;
    case TERN_OPT_SYN_STAGED_RETRIED:
        return &p->staged_retried;
    case TERN_OPT_SYN_QUEUE:
        return &p->queue;
    case TERN_OPT_SYN_TIMEOUT_MS:
        return &p->timeout_ms;
    case TERN_OPT_SYN_PREFIX_HALF:
        return &p->prefix_half;
    default:
        return NULL;
    }
}

int policy_getopt(const struct tcp_listener *l, enum tern_opt opt, int64_t *v)
{
    struct tern_listener_policy p = l->pol;
    const uint32_t *n = number_field(&p, opt);
    if (n != NULL)
        *v = *n;
    else if (opt == TERN_OPT_SYN_POLICY)
        *v = p.policy;
    else if (opt == TERN_OPT_SYN_RETRIES)
        *v = p.retries;
    else if (opt == TERN_OPT_SYN_STAGED)
        *v = p.staged;
    else if (opt == TERN_OPT_ABORT_ON_OVERFLOW)
        *v = p.abort_on_overflow;
    else
        return TERN_ENOPROTOOPT;
    return TERN_OK;
}

int policy_setopt(struct tcp *t, struct tern_sock s, enum tern_opt opt, int64_t v)
{
    struct tern_listener_policy p;
    int64_t most = opt == TERN_OPT_SYN_STAGED || opt == TERN_OPT_ABORT_ON_OVERFLOW ? 1 : 255;
    if (tcp_listener_policy_get(t, s, &p) != TERN_OK)
        return TERN_EBADF;
    uint32_t *n = number_field(&p, opt);
    if (v < 0 || v > (n != NULL ? INT32_MAX : most))
        return TERN_EINVAL;
    if (n != NULL)
        *n = (uint32_t)v;
    else if (opt == TERN_OPT_SYN_POLICY)
        p.policy = (uint8_t)v;
    else if (opt == TERN_OPT_SYN_RETRIES)
        p.retries = (uint8_t)v;
    else if (opt == TERN_OPT_SYN_STAGED)
        p.staged = v != 0;
    else if (opt == TERN_OPT_ABORT_ON_OVERFLOW)
        p.abort_on_overflow = v != 0;
    else
        return TERN_ENOPROTOOPT;
    return tcp_listener_policy(t, s, &p);
}

/* ---- for the operator ---- */

void tcp_cookie_decode(struct tcp *t, const struct tern_endpoint *local,
                       const struct tern_endpoint *remote, uint32_t irs, uint32_t iss,
                       struct tern_cookie_info *out, struct tern_time now)
{
    struct tcp_tuple tu = {.lport = local->port, .rport = remote->port, .fam = local->addr.fam};
    unsigned age = 0;
    memset(out, 0, sizeof *out);
    memcpy(tu.laddr, local->addr.b, 16);
    memcpy(tu.raddr, remote->addr.b, 16);
    int64_t slot_ns = (int64_t)COOKIE_SLOT_S * 1000000000, up = now.ns - t->jar.epoch_ns;
    out->slot = (uint32_t)(up / slot_ns);
    out->valid = cookie_check(&t->jar, &tu, seq_of(irs), seq_of(iss), now, &out->mss, &age);
    if (!out->valid) {
        out->why = "no cookie of ours for these ends and this SYN, or made more than one slot "
                   "(64 s) ago";
        return;
    }
    out->age = (uint8_t)age;
    while (out->index < 7 && cookie_mss(out->index) != out->mss)
        out->index++;
    out->left_ms = (uint32_t)(((int64_t)(2 - age) * slot_ns - up % slot_ns) / 1000000);
}
