/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/uto.c: the user timeout: the application's own (RFC 9293 3.9.1), and the option that tells
 * the peer of it (RFC 5482).
 *
 * The application's own limit governs alone: it may be shorter than what R2 amounts to, or longer,
 * or there may be none. Without one, and with the option switched on, both ends take the longer of
 * what they told each other, within the bounds of the configuration; R2 is not counted then, for
 * surviving long interruptions is what the option is for. Otherwise R2 decides. The handshake is
 * not touched by what the peer says, and a connection that its application has closed keeps R2:
 * nobody is left who could give it up.
 *
 * The option is not acknowledged. It goes on each SYN, and once more on a segment that is not one,
 * since a peer with SYN cookies (or with records as small as ours) forgets what a SYN said; and
 * again when the application changes it. A full-sized segment has no room for it: an ACK goes
 * before that.
 */
#include "tcp/conn.h"

/* ---- how long ---- */

static uint16_t wire_of(uint32_t s)
{
    tern_assert(s <= TERN_UTO_MOST_S);
    return (uint16_t)(s <= TCP_UTO_MOST ? s : TCP_UTO_MINUTES | (s + 59) / 60);
}

uint32_t uto_adopted(const struct tcp *t, const struct tcp_conn *c)
{
    const struct tcp_extra *e = extra_of(t, c);
    /* Limits that the application has set are not CHANGEABLE [RFC5482:3.1]. */
    if (e->uto.adv_s == 0 || e->user_timeout_ms != 0 || c->extra == 0)
        return 0;
    uint32_t remote = tcp_uto_s(e->uto.remote), s = t->cfg->uto_lower_s;
    s = s < e->uto.adv_s ? e->uto.adv_s : s;
    s = s < remote ? remote : s;
    s = s < t->cfg->uto_upper_s ? s : t->cfg->uto_upper_s;
    uint32_t ms = s * 1000, rto_ms = c->rtt.rto_us / 1000;
    return ms > rto_ms ? ms : rto_ms + 1; /* [RFC5482:3] */
}

int64_t uto_patience(const struct tcp *t, const struct tcp_conn *c)
{
    int32_t own = extra_of(t, c)->user_timeout_ms; /* [RFC9293:MUST-21] */
    if (own != 0)
        return own > 0 ? own : UTO_NEVER;
    return c->syn_acked ? uto_adopted(t, c) : 0;
}

uint32_t uto_keep_idle(const struct tcp *t, const struct tcp_conn *c)
{
    uint32_t idle = extra_of(t, c)->keep_idle_ms, uto = uto_adopted(t, c);
    return idle > uto ? idle : uto + 1; /* [RFC5482:4.2] */
}

void uto_apply(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    int64_t ms = uto_patience(t, c);
    if (ms <= 0)
        timer_stop(t, c, TT_USER, CAUSE_TM_USER, now);
    else if (timer_on(c, TT_REXMT)) /* SYN-SENT too: it counts from now */
        timer_arm(t, c, TT_USER, time_add_ms(now, ms), CAUSE_TM_USER, now);
}

/* A peer that answers probes of its shut window is alive: only the application's own limit counts
 * that as no progress [RFC9293:MUST-37]. */
bool uto_waits(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    int64_t ms = uto_adopted(t, c), silent = tcp_ms(t, now) - c->last_rx_ms;
    if (ms == 0 || c->snd.wnd != 0 || silent >= ms)
        return false;
    timer_arm(t, c, TT_USER, time_add_ms(now, ms - silent), CAUSE_TM_USER, now);
    return true;
}

/* ---- the option ---- */

uint16_t uto_of_listener(const struct tcp *t, const struct tcp_listener *l)
{
    return wire_of(extra_of_listener(t, l)->uto.adv_s);
}

void uto_changed(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct uto_conn *u = &extra_own(t, c)->uto;
    u->due = u->adv_s != 0;
    if (c->state == TERN_TCP_CLOSED || c->detached)
        return;
    uto_apply(t, c, now);
    timer_keep_restart(t, c, now);
    if (!u->due || !state_synchronized(c->state))
        return;
    if (c->owe_ack == 0)
        c->owe_ack = CAUSE_TX_ACK_UTO;
    tcp_ready(t, c);
}

void uto_rx(struct tcp *t, struct tcp_conn *c, const struct tcp_opts *o, struct tern_time now)
{
    struct uto_conn *u = &extra_own(t, c)->uto;
    if (o->uto == 0 || u->adv_s == 0 || u->remote == o->uto)
        return;
    u->remote = o->uto;
    if (uto_adopted(t, c) == 0)
        return;
    uto_apply(t, c, now);
    timer_keep_restart(t, c, now);
}

void uto_plan(const struct tcp *t, const struct tcp_conn *c, uint32_t eff, struct tcp_plan *p)
{
    bool room = conn_opt_len(c) + UTO_OCTETS <= TCP_OPTS_MAX; /* on an ACK */
    if (!extra_of(t, c)->uto.due || !room || p->what != PLAN_DATA || p->len + UTO_OCTETS <= eff)
        return;
    memset(p, 0, sizeof *p);
    p->what = PLAN_ACK;
    p->seq = c->snd.nxt;
    p->th = TERN_TH_ACK;
    p->cause = CAUSE_TX_ACK_UTO;
}

void uto_tx(const struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
            struct tcp_opts *o)
{
    const struct uto_conn *u = &extra_of(t, c)->uto;
    if (u->adv_s == 0 || (p->what != PLAN_SYN && !u->due))
        return;
    uint32_t n = (uint32_t)tcp_opts_len(o) + UTO_OCTETS;
    if (n <= TCP_OPTS_MAX && n + p->len <= c->mss)
        o->uto = wire_of(u->adv_s);
}

void uto_sent(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s)
{
    struct tcp_extra *e = extra_own(t, c);
    if (s->opt.uto != 0 && !(s->th & TERN_TH_SYN) && e != NULL)
        e->uto.due = false;
}
