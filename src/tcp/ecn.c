/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/ecn.c: explicit congestion notification: how it is agreed on, what a mark does, and how the
 * peer hears of marks.
 *
 * The SYN offers it with control bits, the SYN-ACK takes it up; the highest that both know is used
 * (config.ecn):
 *
 *                 SYN                 SYN-ACK                           feedback
 *     classic     ECE CWR             ECE                               ECE until CWR comes
 *     accurate    ECE CWR AE          2, 3, 4, 6: the SYN's codepoint   ACE, and an option
 *
 * New data goes out as ECT(0); acknowledgments, retransmissions, probes and SYNs do not
 * [RFC3168:6.1.4] [RFC3168:6.1.5]. A router that is about to drop marks it CE instead. The classic
 * receiver then sets ECE on everything it sends until it sees CWR, so the sender learns of one mark
 * in a round trip. The accurate one counts: ECE, CWR and AE together are a three-bit counter of
 * marked packets, ACE, and an option has the octets of each codepoint. A counter of three bits
 * wraps when an ACK covers many packets: the option tells how often, and without it the most that
 * can have been marked is assumed [RFC9768:3.2.2.5].
 *
 * The sender reduces once for what was in flight, as the congestion control says (on_ecn), and not
 * beside a reduction for a loss. A window of one segment is not reduced: then the next segment
 * waits for the retransmission timer.
 *
 * Paths that break it: a classic SYN is sent again without, an accurate one once more with it
 * [RFC9768:3.1.4.1]; when the handshake shows that the bits were changed under way, data is sent
 * without ECT, and feedback goes on [RFC9768:3.2.2.4].
 *
 * Not done: ECT on control packets, the option on segments with data.
 */
#include "tcp/ecn.h"
#include "tcp/conn.h"

#define CEP_INIT 5u /* [RFC9768:3.2.1] */
#define BYTES    0xffffffu

/* ---- control bits as a number ---- */

static unsigned ace_of(const struct tcp_seg *s)
{
    return (s->ae ? 4u : 0u) | (s->th & TERN_TH_CWR ? 2u : 0u) | (s->th & TERN_TH_ECE ? 1u : 0u);
}

static uint8_t ace_th(unsigned ace)
{
    return (uint8_t)((ace & 2 ? TERN_TH_CWR : 0) | (ace & 1 ? TERN_TH_ECE : 0));
}

static void ace_put(struct tcp_seg *s, unsigned ace)
{
    s->ae = (ace & 4) != 0;
    s->th |= ace_th(ace);
}

/* How the handshake says which codepoint the peer's SYN or SYN-ACK arrived with [RFC9768:3.1.2]. */
static unsigned ace_shake(unsigned ip)
{
    static const uint8_t code[4] = {[IP_NOT_ECT] = 2, [IP_ECT1] = 3, [IP_ECT0] = 4, [IP_CE] = 6};
    return code[ip & 3];
}

/* ---- agreeing ---- */

/* config.ecn as Linux numbers it. */
static enum ecn_mode requests(const struct tern_config *g)
{
    return g->ecn == 3 ? ECN_ACC : g->ecn == 1 || g->ecn == 4 ? ECN_CLASSIC : ECN_NONE;
}

static enum ecn_mode accepts(const struct tern_config *g)
{
    return g->ecn >= 3 ? ECN_ACC : g->ecn != 0 ? ECN_CLASSIC : ECN_NONE;
}

uint8_t ecn_most(const struct tern_config *cfg)
{
    return (uint8_t)accepts(cfg);
}

uint8_t ecn_listen(const struct tcp *t, const struct tcp_in *in)
{
    const struct tcp_seg *s = &in->s;
    enum ecn_mode most = accepts(t->cfg);
    unsigned ace = ace_of(s);
    if (ace == 0 || most == ECN_NONE)
        return ECN_NONE;
    if (ace == 3) /* [RFC3168:6.1.1]; a SYN must not be ECN-capable: something sets the field */
        return s->ecn == IP_NOT_ECT ? ECN_CLASSIC : ECN_NONE;
    if (most == ECN_ACC) /* any other: of a version to come [RFC9768:3.1.3] */
        return (uint8_t)(ECN_ACC | s->ecn << 4);
    return ace == 7 && s->ecn == IP_NOT_ECT ? ECN_CLASSIC : ECN_NONE;
}

/* To leave it out after a while is no mixing [RFC9768:3.1.4.1]. */
bool ecn_mixes(const struct tcp *t, uint8_t agreed, const struct tcp_seg *s)
{
    unsigned ace = ace_of(s), mode = agreed & 3;
    if (accepts(t->cfg) != ECN_ACC) /* knows only one of the two kinds */
        return false;
    return (mode == ECN_ACC && ace == 3) || (mode == ECN_CLASSIC && ace == 7);
}

void ecn_answer(uint8_t agreed, struct tcp_ans *a)
{
    unsigned mode = agreed & 3, ace = mode == ECN_CLASSIC ? 1 : ace_shake(agreed >> 4);
    if (mode == ECN_NONE)
        return;
    a->th |= ace_th(ace);
    a->ae = (ace & 4) != 0;
    a->accecn = mode == ECN_ACC && a->cause == CAUSE_TX_SYN_ACK && a->tfo == 0;
}

static void begin(struct ecn_conn *e, enum ecn_mode mode, unsigned syn_ip)
{
    *e = (struct ecn_conn){.mode = (uint8_t)mode,
                           .syn_ip = (uint8_t)syn_ip,
                           .r_cep = CEP_INIT,
                           .s_cep = CEP_INIT,
                           .r_e0b = 1,
                           .r_e1b = 1};
    if (syn_ip == IP_CE)
        e->r_cep++; /* [RFC9768:3.2.2.1] */
}

bool ecn_accept(struct tcp *t, struct tcp_conn *c, uint8_t agreed)
{
    if ((agreed & 3) == ECN_NONE)
        return true;
    struct tcp_extra *x = extra_take(t, c);
    if (x == NULL)
        return false;
    begin(&x->ecn, agreed & 3, agreed >> 4);
    x->ecn.first = (agreed & 3) == ECN_ACC;
    return true;
}

/* What our SYN offers, at this try. */
static enum ecn_mode offered(const struct tcp *t, const struct tcp_conn *c)
{
    enum ecn_mode m = requests(t->cfg);
    return c->rexmts > (m == ECN_ACC ? 1 : 0) ? ECN_NONE : m; /* [RFC3168:6.1.1.1] */
}

/* What the peer took up of it [RFC9768:3.1.2]. */
static enum ecn_mode taken_up(const struct tcp *t, const struct tcp_conn *c,
                              const struct tcp_seg *s)
{
    unsigned ace = ace_of(s);
    switch (offered(t, c)) {
    case ECN_CLASSIC:
        return (ace & 3) == 1 ? ECN_CLASSIC : ECN_NONE; /* [RFC3168:6.1.1#2] */
    case ECN_ACC:
        if (ace == 0 || ace == 7) /* 7: the bits of the SYN, sent back by somebody broken */
            return ECN_NONE;
        return ace == 1 || ace == 5 ? ECN_CLASSIC : ECN_ACC;
    default:
        return ECN_NONE;
    }
}

void ecn_syn_acked(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in)
{
    const struct tcp_seg *s = &in->s;
    enum ecn_mode m = taken_up(t, c, s);
    struct tcp_extra *x = m != ECN_NONE ? extra_take(t, c) : NULL;
    if (x == NULL)
        return; /* without a record nothing we send is ECN-capable, so nothing is marked */
    struct ecn_conn *e = &x->ecn;
    begin(e, m, s->ecn);
    e->third = m == ECN_ACC;
    if (m == ECN_ACC && ace_of(s) != ace_shake(IP_NOT_ECT)) { /* not how we sent the SYN */
        e->mute = true;
        trace_count(t->trace, CAUSE_CC_ECN_MANGLED);
    }
}

/* ---- a sender hears of marks ---- */

/* The window has room for one segment, and can't be smaller: slower than one a round trip is one
 * for each retransmission timeout [RFC3168:6.1.2#3] [RFC9438:4.6#2]. */
static void hold(struct tcp *t, struct tcp_conn *c, struct ecn_conn *e, struct tern_time now)
{
    e->hold = true;
    c->cc.cwnd = c->cc.mss;
    timer_rexmt_update(t, c, CAUSE_TM_REXMT, now);
    note_cc(t, c, CAUSE_CC_ECN_HOLD, now);
}

static void lower(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    uint32_t flight = (uint32_t)seq_diff(c->snd.nxt, c->snd.una), before = c->cc.cwnd;
    uint32_t base = cwv_congested(t, c, flight, now); /* [RFC7661:4.4.1] */
    conn_cc(t, c)->on_ecn(&c->cc, flight, now);
    if (base != 0)
        cwv_settle(t, c, base, 0);
    if (t->pol->cut_once && c->cc.cwnd < 2 * c->cc.mss)
        c->cc.cwnd = before < 2 * c->cc.mss ? before : 2 * c->cc.mss;
    note_cc(t, c, CAUSE_CC_ECN, now);
}

bool ecn_held(const struct tcp *t, const struct tcp_conn *c)
{
    return extra_of(t, c)->ecn.hold;
}

void ecn_release(struct tcp *t, struct tcp_conn *c)
{
    struct tcp_extra *x = extra_own(t, c);
    if (x != NULL)
        x->ecn.hold = false;
}

/* One reduction for what is in flight [RFC3168:6.1.2#1] [RFC9293:SHLD-8]. */
static void reduce(struct tcp *t, struct tcp_conn *c, struct ecn_conn *e, struct tern_time now)
{
    e->ece = true;
    if (e->reducing)
        return;
    e->reducing = true;
    e->high = c->snd.nxt;
    e->cwr_due = e->mode == ECN_CLASSIC;
    if (c->recovery || c->rto_recovery)
        return; /* the loss has reduced it */
    struct xmit *x = conn_xmit(t, c);
    if (x != NULL)
        x->undo_ok = false; /* an earlier reduction taken back must not take this one back too */
    if (c->cc.cwnd < 2 * c->cc.mss && !conn_cc(t, c)->own_recovery && !t->pol->cut_once)
        hold(t, c, e, now);
    else
        lower(t, c, now);
}

/* The octets marked since the last option; -1: this segment does not tell. */
static int64_t option_news(struct ecn_conn *e, const struct tcp_opts *o)
{
    if (o->accecn == 0 || e->opt_bad)
        return -1;
    if (!e->opt_any) { /* [RFC9768:3.2.3.2.4] both count from 1 */
        e->opt_any = true;
        e->opt_bad = o->accecn == 4 && (o->e0b == 0 || o->e1b == 0);
        if (e->opt_bad)
            return -1;
    }
    if (o->accecn < 3)
        return -1;
    uint32_t d = (o->ceb - e->s_ceb) & BYTES;
    if (d > BYTES / 2)
        return -1; /* an older one */
    e->s_ceb = o->ceb;
    return d;
}

/* How many more packets were marked, when the counter says d modulo 8 and `pkts` were
 * acknowledged [RFC9768:A.2.1]. */
static uint32_t unwrap(const struct tcp_conn *c, uint32_t d, uint32_t pkts, int64_t ceb)
{
    if (ceb == 0)
        return 0;
    if (pkts < 8)
        return d;
    uint32_t most = pkts - ((pkts - d) & 7);
    if (ceb < 0)
        return most;
    uint32_t by_octets = (uint32_t)((uint64_t)ceb / c->cc.mss);
    while (d + 8 <= by_octets && d + 8 <= most)
        d += 8;
    return d;
}

static void acc_feedback(struct tcp *t, struct tcp_conn *c, struct ecn_conn *e,
                         const struct tcp_seg *s, struct tern_time now)
{
    /* An ACK that tells nothing new may be an old one: its counter would seem to have wrapped. */
    if (!seq_gt(s->ack, c->snd.una) && s->opt.nsack == 0)
        return;
    uint32_t acked = (uint32_t)seq_diff(s->ack, snd_base(c));
    if (seq_lt(s->ack, snd_base(c)))
        acked = 0;
    uint32_t pkts = (acked + c->cc.mss - 1) / c->cc.mss;
    uint32_t d = unwrap(c, (ace_of(s) - e->s_cep) & 7, pkts, option_news(e, &s->opt));
    e->s_cep += d;
    e->delivered_ce += d;
    if (d != 0)
        reduce(t, c, e, now);
}

/* The handshake's third segment: its ACE says how our SYN-ACK arrived, which was not ECN-capable
 * [RFC9768:3.2.2.1]. */
static void acc_first(struct tcp *t, struct ecn_conn *e, const struct tcp_seg *s)
{
    unsigned ace = ace_of(s);
    bool shake = s->len == 0 && (ace == 2 || ace == 3 || ace == 4 || ace == 6);
    e->first = false;
    /* [RFC9768:3.1.5#2] */
    if (ace == 0 || (shake && ace != ace_shake(IP_NOT_ECT))) { /* [RFC9768:3.2.2.4] */
        e->mute = true;
        trace_count(t->trace, CAUSE_CC_ECN_MANGLED);
    }
    if (shake && ace == ace_shake(IP_CE))
        e->s_cep++;
}

/* ---- a receiver sees marks ---- */

static void count_codepoint(struct ecn_conn *e, const struct tcp_in *in)
{
    const struct tcp_seg *s = &in->s;
    switch (s->ecn) {
    case IP_CE:
        e->r_cep += in->pieces;
        e->r_ceb += s->len;
        e->received_ce += in->pieces;
        break;
    case IP_ECT0:
        e->r_e0b += s->len;
        break;
    case IP_ECT1:
        e->r_e1b += s->len;
        break;
    default:
        return;
    }
    e->seen = true;
}

/* The sender should hear of the first mark, and of the last, at once [RFC9768:3.2.2.5.1]. */
static void ack_soon(struct tcp *t, struct tcp_conn *c)
{
    if (c->owe_ack == 0)
        c->owe_ack = CAUSE_TX_ACK_ECN;
    tcp_ready(t, c);
}

static void receive(struct tcp *t, struct tcp_conn *c, struct ecn_conn *e, const struct tcp_in *in)
{
    const struct tcp_seg *s = &in->s;
    count_codepoint(e, in);
    if (e->mode == ECN_CLASSIC) {
        if (s->th & TERN_TH_CWR) /* before the mark of the same packet [RFC3168:6.1.3] */
            e->echo = false;
        if (s->ecn == IP_CE && s->len != 0) {
            if (!e->echo)
                ack_soon(t, c);
            e->echo = true;
        }
        return;
    }
    if (s->len != 0 && (s->ecn == IP_CE) != (e->last_ip == IP_CE))
        ack_soon(t, c);
    if (s->len != 0)
        e->last_ip = s->ecn;
}

void ecn_rx(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in, struct tern_time now)
{
    struct tcp_extra *x = extra_own(t, c);
    if (x == NULL || x->ecn.mode == ECN_NONE)
        return;
    struct ecn_conn *e = &x->ecn;
    const struct tcp_seg *s = &in->s;
    e->ece = false;
    if (e->reducing && seq_gt(s->ack, e->high))
        e->reducing = false;
    if (!(s->th & TERN_TH_SYN)) { /* the SYN-ACK was looked at by ecn_syn_acked() */
        if (e->mode == ECN_CLASSIC) {
            if ((s->th & TERN_TH_ECE) && seq_ge(s->ack, c->snd.una) &&
                !seq_eq(c->snd.nxt, c->snd.una))
                reduce(t, c, e, now);
        } else if (e->first) {
            acc_first(t, e, s);
        } else {
            acc_feedback(t, c, e, s, now);
        }
        receive(t, c, e, in);
    }
}

/* ---- sending ---- */

static bool pure_ack(const struct tcp_plan *p)
{
    return p->what == PLAN_ACK;
}

static void fill_option(const struct ecn_conn *e, struct tcp_opts *o)
{
    o->accecn = 4;
    o->e0b = e->r_e0b & BYTES;
    o->ceb = e->r_ceb & BYTES;
    o->e1b = e->r_e1b & BYTES;
    if (tcp_opts_len(o) > TCP_OPTS_MAX)
        o->accecn = 0;
}

static void tx_syn(const struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
                   struct tcp_seg *s)
{
    if (s->th & TERN_TH_ACK) { /* of a Fast Open child; a simultaneous open has agreed on nothing */
        const struct ecn_conn *e = &extra_of(t, c)->ecn;
        if (e->mode == ECN_CLASSIC)
            ace_put(s, 1);
        if (e->mode == ECN_ACC) {
            ace_put(s, ace_shake(e->syn_ip));
            if (!p->rexmt)
                fill_option(e, &s->opt);
        }
        return;
    }
    enum ecn_mode m = offered(t, c);
    if (m != ECN_NONE)
        ace_put(s, m == ECN_ACC ? 7 : 3); /* [RFC3168:6.1.1#1] [RFC9768:3.1] */
}

void ecn_tx(const struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
            struct tcp_seg *s)
{
    if (p->what == PLAN_SYN) {
        tx_syn(t, c, p, s);
        return;
    }
    const struct ecn_conn *e = &extra_of(t, c)->ecn;
    if (e->mode == ECN_NONE)
        return;
    bool fresh = p->what == PLAN_DATA && !p->rexmt && p->len != 0; /* [RFC3168:6.1.1#3] */
    if (fresh && !e->mute)
        s->ecn = IP_ECT0; /* [RFC8311:4.2] */
    if (e->mode == ECN_CLASSIC) {
        /* [RFC3168:6.1.2#2] */
        s->th |= (uint8_t)((e->echo ? TERN_TH_ECE : 0) | (fresh && e->cwr_due ? TERN_TH_CWR : 0));
        return;
    }
    ace_put(s, e->third ? ace_shake(e->syn_ip) : e->r_cep & 7);
    if (pure_ack(p))
        fill_option(e, &s->opt);
}

void ecn_sent(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s)
{
    struct tcp_extra *x = extra_own(t, c);
    if (x == NULL || (s->th & TERN_TH_SYN))
        return;
    x->ecn.third = false;
    if ((s->th & TERN_TH_CWR) && x->ecn.mode == ECN_CLASSIC)
        x->ecn.cwr_due = false;
}

bool ecn_single(const struct tcp *t, const struct tcp_conn *c)
{
    return c->extra != 0 && extra_of(t, c)->ecn.cwr_due;
}

bool ecn_news(const struct tcp *t, const struct tcp_conn *c)
{
    return c->extra != 0 && extra_of(t, c)->ecn.ece;
}
