/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/pmtu.c: finding the largest packet that the path carries.
 *
 * Every packet has DF set, so a router for which it is too large drops it and says so. Anybody can
 * forge that message, so it is believed at once only as long as no segment that large is known to
 * have arrived; afterwards it waits until the segment that it quotes is found lost, or timed out,
 * and is dropped when that segment arrives [RFC5927:7.2]. It never raises anything, and never
 * lowers below 552.
 *
 * A router may also be silent (a black hole). When three timeouts in a row hit large segments
 * smaller ones are tried, and when those pass the size between is searched for with probes: one
 * segment of real data that is larger than the others, with others behind it, so that its loss
 * shows at once. Such a loss is no sign of congestion; three of them, and the size does not pass
 * [RFC8899:5.1.2]. With config.mtu_probing 2 every connection begins small and searches
 * [RFC4821:7.2].
 *
 * What was found out is forgotten after ten minutes, and larger packets are tried again
 * [RFC1191:6.3] [RFC8899:5.1.1]. Segments that are too large are sent again cut; neither that nor a
 * lost probe changes cwnd [RFC1191:6.4]. The window for probes of a connection without records
 * (sent.h) does not exist: it only takes part in what ICMP and black holes tell.
 */
#include "tcp/conn.h"

#define FLOOR      552u  /* no less is believed, whoever says so */
#define BASE       1024u /* nearly every path carries it [RFC4821:7.2] */
#define STEP       8u    /* nearer than this the search is over */
#define TIMEOUTS   3u    /* in a row make a black hole [RFC8899:4.3] */
#define MAX_PROBES 3u    /* of one size [RFC8899:5.1.2] */
#define FOLLOWERS  3u    /* segments behind a probe, for SACK to show its loss [RFC4821:7.4] */
#define AGE_NS     INT64_C(600000000000)

static uint16_t headers(const struct tcp_conn *c)
{
    return c->tuple.fam == TERN_AF_IP6 ? 60 : 40;
}
static uint16_t top_of(const struct tcp_conn *c)
{
    return (uint16_t)(c->mss_top + headers(c));
}
static uint16_t now_of(const struct tcp_conn *c)
{
    return (uint16_t)(c->mss + headers(c));
}
static uint16_t least(uint32_t a, uint32_t b)
{
    return (uint16_t)(a < b ? a : b);
}

/* Octets of text in a packet of this size. */
static uint32_t text_of(const struct tcp_conn *c, uint16_t mtu)
{
    return mtu - headers(c) - conn_fixed_opts(c);
}

/* The segments become so large from here on. */
static void use(struct tcp_conn *c, uint16_t mtu)
{
    c->mss = least(mtu - headers(c), c->mss_top);
    if (c->cc.mss != 0)
        c->cc.mss = c->mss - conn_fixed_opts(c);
}

/* The application does not want to know. */
static bool ignores(const struct tcp *t, const struct tcp_conn *c)
{
    return c->extra != 0 && extra_of(t, c)->ignore_pmtu != 0;
}

/* What a connection begins with, and how far it may search. */
static void known(const struct tcp *t, const struct tcp_conn *c, struct tern_time now, uint16_t *lo,
                  uint16_t *hi, int64_t *due_ns)
{
    const struct pmtu_entry *e = pmtu_find(t, c, now);
    uint16_t top = top_of(c);
    *hi = top;
    *lo = t->cfg->mtu_probing == 2 ? least(BASE, top) : top;
    *due_ns = 0;
    if (e == NULL)
        return;
    *lo = least(e->lo, top);
    *hi = least(e->hi, top);
    *due_ns = e->at_ns + AGE_NS;
}

void pmtu_open(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    uint16_t lo, hi;
    int64_t due;
    c->mss_top = c->mss;
    if (ignores(t, c) || (t->pmtu.used == 0 && t->cfg->mtu_probing != 2))
        return;
    known(t, c, now, &lo, &hi, &due);
    use(c, lo);
}

void pmtu_begin(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    struct pmtu *p = &x->pmtu;
    if (c->mss == c->mss_top && t->pmtu.used == 0 && t->cfg->mtu_probing != 2)
        return;
    if (ignores(t, c))
        return;
    known(t, c, now, &p->lo, &p->hi, &p->due_ns);
    if (p->lo != now_of(c))
        use(c, p->lo);
    p->on = t->cfg->mtu_probing != 0 && p->hi >= p->lo + STEP;
}

void pmtu_ignore(struct tcp *t, struct tcp_conn *c, bool on, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    if (!state_synchronized(c->state))
        return; /* pmtu_open() asks */
    if (x != NULL) {
        x->pmtu.on = false;
        x->pmtu.pend_mtu = 0;
        x->pmtu.slow = 0;
    }
    if (on)
        use(c, top_of(c));
    else
        pmtu_open(t, c, now);
}

/* ---- smaller ---- */

/* What is in flight and larger than the path carries is lost, but not to congestion: it is sent
 * again without a change of cwnd, but one segment at first, as in slow start [RFC1191:6.4]. */
static void send_again(struct tcp *t, struct tcp_conn *c)
{
    struct xmit *x = conn_xmit(t, c);
    bool tracked = conn_tracked(t, c) != NULL;
    if (!tracked) {
        c->snd.rtx = c->snd.una;
        c->rtx_cause = CAUSE_TX_REXMT_PMTU;
    }
    if (x == NULL)
        return;
    for (uint32_t i = tracked ? x->head : 0; i != 0; i = sent_at(t, i)->next) {
        const struct sent *s = sent_at(t, i);
        if (s->is == SENT_IN_FLIGHT && (uint32_t)seq_diff(s->hi, s->lo) > c->cc.mss)
            sent_lost(t, c, x, i, CAUSE_TX_REXMT_PMTU);
    }
    x->lost_unsaid = 0;
    if ((tracked && x->lost == 0) || c->recovery)
        return;
    c->rto_recovery =
        true; /* until all of it is acknowledged nothing lost is taken for congestion */
    c->snd.recover = c->snd.nxt;
    x->frto = x->undo_ok = false;
    x->tlp_owed = x->tlp_out = false;
    x->pmtu.slow = c->cc.mss;
}

static void lower(struct tcp *t, struct tcp_conn *c, uint16_t mtu, unsigned cause,
                  struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    use(c, mtu);
    note_cc(t, c, cause, now);
    if (x != NULL) {
        struct pmtu *p = &x->pmtu;
        bool search = cause == CAUSE_PMTU_BLACK_HOLE;
        p->pend_mtu = p->size = 0;
        p->spared = false;
        p->fails = 0;
        p->lo = mtu;
        p->hi = search ? p->hi : mtu;
        p->on = p->unproven = search;
        p->due_ns = now.ns + AGE_NS;
    }
    send_again(t, c);
    tcp_ready(t, c);
}

/* In SYN-SENT: the SYN had text, and was too large. It goes again at once, without. */
static unsigned syn_too_large(struct tcp *t, struct tcp_conn *c, uint16_t mtu, struct tern_time now)
{
    if (mtu < FLOOR)
        mtu = FLOOR;
    if (mtu >= now_of(c) || ignores(t, c) || !seq_lt(seq_add(c->snd.iss, 1), c->snd.nxt))
        return CAUSE_DROP_ICMP_MTU; /* a SYN without text is never too large */
    pmtu_remember(t, c, mtu, mtu, now);
    c->owe_syn = CAUSE_TX_SYN_REXMT;
    tcp_ready(t, c);
    return CAUSE_DROP_ICMP_TAKEN;
}

unsigned pmtu_icmp(struct tcp *t, struct tcp_conn *c, struct seq q, uint16_t mtu,
                   struct tern_time now)
{
    if (c->state == TERN_TCP_SYN_SENT)
        return syn_too_large(t, c, mtu, now);
    struct xmit *x = conn_xmit(t, c);
    const struct tally *a = tally_of(t, c);
    if (mtu < FLOOR)
        mtu = FLOOR; /* [RFC1191:3#2] [RFC5927:7.2] no path of today is narrower */
    if (mtu >= now_of(c) || ignores(t, c) || /* it never raises anything [RFC1191:3#2] */
        !state_synchronized(c->state))
        return CAUSE_DROP_ICMP_MTU;
    if (a == NULL ||
        a->sum.big_acked > text_of(c, mtu)) { /* larger ones have arrived: is it true? */
        if (x == NULL)
            return CAUSE_DROP_ICMP_MTU;
        x->pmtu.pend_mtu = mtu;
        x->pmtu.pend_seq = q;
        note_cc(t, c, CAUSE_PMTU_HELD, now);
        return CAUSE_DROP_ICMP_TAKEN;
    }
    lower(t, c, mtu, CAUSE_PMTU_ICMP, now); /* [RFC1191:3#1] */
    pmtu_remember(t, c, mtu, mtu, now);
    return CAUSE_DROP_ICMP_TAKEN;
}

/* The segment that the message quotes did not arrive. */
static void witnessed(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    uint16_t mtu = x->pmtu.pend_mtu;
    lower(t, c, mtu, CAUSE_PMTU_ICMP, now);
    pmtu_remember(t, c, mtu, mtu, now);
}

bool pmtu_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct xmit *x = conn_xmit(t, c);
    uint32_t out = (uint32_t)seq_diff(c->snd.nxt, c->snd.una);
    uint16_t cur = now_of(c);
    if (x == NULL)
        return false;
    x->pmtu.size = 0; /* nothing is known about the probe */
    x->pmtu.slow = 0; /* cwnd is what slow start begins with now */
    x->pmtu.spared = false;
    if (x->pmtu.pend_mtu != 0 &&
        (uint32_t)seq_diff(x->pmtu.pend_seq, c->snd.una) < c->cc.mss) { /* [RFC5927:7.2] */
        witnessed(t, c, x, now);
        timer_rexmt_update(t, c, CAUSE_TM_REXMT, now);
        return true;
    }
    uint16_t to = cur > BASE && out > text_of(c, BASE) ? BASE : FLOOR;
    if (t->cfg->mtu_probing == 0 || ignores(t, c) || c->rexmts + 1u < TIMEOUTS || cur <= to ||
        out <= text_of(c, to))
        return false; /* smaller segments would not help */
    x->pmtu.hi = cur;
    lower(t, c, to, CAUSE_PMTU_BLACK_HOLE, now); /* [RFC4821:7.7] */
    return false;
}

/* ---- larger ---- */

static uint16_t next_size(const struct pmtu *p)
{
    return (uint16_t)((p->lo + p->hi + 1) / 2);
}

uint32_t pmtu_probe(const struct tcp_conn *c, const struct xmit *x, uint32_t avail, uint32_t wnd,
                    uint32_t cwnd_room, bool *wait)
{
    const struct pmtu *p = &x->pmtu;
    uint32_t opts = conn_opt_len(c), eff = c->mss - opts;
    if (p->size != 0 || p->spared || p->unproven || x->blind || !c->sack_ok || x->lost != 0 ||
        x->sacked != 0 || c->recovery || c->rto_recovery)
        return 0;
    uint32_t n = next_size(p) - headers(c) - opts;
    if (n <= eff || avail < n + FOLLOWERS * eff || wnd < n + FOLLOWERS * eff ||
        c->cc.cwnd < n + FOLLOWERS * eff)
        return 0;
    *wait = cwnd_room < n;
    return *wait ? 0 : n;
}

void pmtu_probed(struct xmit *x, const struct tcp_plan *p)
{
    x->pmtu.size = next_size(&x->pmtu);
    x->pmtu.from = p->seq;
    x->pmtu.to = seq_add(p->seq, p->len);
}

static bool of_probe(const struct pmtu *p, const struct sent *s)
{
    return seq_ge(s->lo, p->from) && seq_le(s->hi, p->to);
}

bool pmtu_spares(const struct tcp *t, const struct xmit *x)
{
    if (!x->pmtu.spared)
        return false;
    for (uint32_t i = x->lhead; i != 0; i = sent_at(t, i)->anext) {
        const struct sent *s = sent_at(t, i);
        if (!of_probe(&x->pmtu, s) || s->rexmts != 0)
            return false;
    }
    return true;
}

/* [RFC4821:4] [RFC4821:7.6.2] the probe alone is lost: it was too large, or unlucky. */
static void probe_lost(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t idx,
                       struct tern_time now)
{
    struct pmtu *p = &x->pmtu;
    struct sent *s = sent_at(t, idx);
    uint32_t len = (uint32_t)seq_diff(s->hi, s->lo);
    uint16_t size = p->size;
    p->size = 0;
    if (x->lost != len) /* others too: that tells nothing [RFC4821:7.6.3] */
        return;
    p->spared = true;
    s->why = CAUSE_TX_REXMT_PMTU;
    x->lost_unsaid = x->lost_unsaid > len ? x->lost_unsaid - len : 0;
    if (++p->fails >= MAX_PROBES) {
        p->fails = 0;
        p->hi = (uint16_t)(size - 1);
        p->on = p->hi >= p->lo + STEP;
        pmtu_remember(t, c, p->lo, p->on ? p->hi : p->lo, now);
        p->due_ns = now.ns + AGE_NS;
    }
    note_cc(t, c, CAUSE_PMTU_PROBE_LOST, now);
}

void pmtu_lost(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    struct pmtu *p = &x->pmtu;
    if (p->pend_mtu == 0 && p->size == 0)
        return;
    for (uint32_t i = x->lhead, next; i != 0; i = next) {
        const struct sent *s = sent_at(t, i);
        next = s->anext;
        if (p->pend_mtu != 0 && seq_le(s->lo, p->pend_seq) && seq_lt(p->pend_seq, s->hi)) {
            witnessed(t, c, x, now);
            return;
        }
        if (p->size != 0 && of_probe(p, s)) {
            probe_lost(t, c, x, i, now);
            return;
        }
    }
}

static void probe_passed(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    struct pmtu *p = &x->pmtu;
    p->lo = p->size;
    p->size = 0;
    p->fails = 0;
    p->on = p->hi >= p->lo + STEP;
    p->due_ns = now.ns + AGE_NS;
    use(c, p->lo);
    pmtu_remember(t, c, p->lo, p->on ? p->hi : p->lo, now);
    note_cc(t, c, CAUSE_PMTU_RAISED, now);
}

/* Ten minutes have gone by: the path may have changed [RFC1191:3#3] [RFC4821:7.1]. */
static void try_larger(struct tcp *t, struct tcp_conn *c, struct xmit *x, struct tern_time now)
{
    struct pmtu *p = &x->pmtu;
    p->due_ns = now.ns + AGE_NS;
    p->hi = top_of(c);
    p->on = t->cfg->mtu_probing != 0 && p->hi >= p->lo + STEP;
    if (!p->on) /* what does not pass will be told by a router [RFC1191:6.3] */
        use(c, p->hi);
    note_cc(t, c, CAUSE_PMTU_AGED, now);
}

void pmtu_acked(struct tcp *t, struct tcp_conn *c, struct xmit *x, const struct news *n,
                struct tern_time now)
{
    struct pmtu *p = &x->pmtu;
    struct seq una = c->snd.una;
    if (p->slow != 0) { /* doubles with each round trip */
        p->slow += (uint32_t)seq_diff(una, n->una_before);
        if (!c->rto_recovery || p->slow >= c->cc.cwnd)
            p->slow = 0;
    }
    if (p->pend_mtu != 0 && seq_gt(una, p->pend_seq)) {
        p->pend_mtu = 0; /* it has arrived: the message was wrong, or forged */
        note_cc(t, c, CAUSE_PMTU_REFUTED, now);
    }
    if (p->size != 0 && seq_ge(una, p->to))
        probe_passed(t, c, x, now);
    if (p->spared && seq_ge(una, p->to))
        p->spared = false;
    if (p->unproven) {
        p->unproven = false;
        pmtu_remember(t, c, p->lo, p->hi, now);
    }
    if (p->due_ns != 0 && !p->on && c->mss < c->mss_top && now.ns >= p->due_ns)
        try_larger(t, c, x, now);
}
