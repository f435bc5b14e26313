/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/timer.c: the timers of a connection, and what each does when it fires (RFC 9293 3.10.8).
 *
 * A connection has several timers and one node in the wheel, set to the nearest of them. Moving a
 * timer later does not touch the wheel: the node fires at the old time, finds nothing due and is
 * set again. So restarting the retransmission timer on each ACK costs one store.
 */
#include "tcp/guard.h"

#define MEMORY_MS 100 /* between two tries to get buffer memory */

static const uint8_t public_timer[TT_ALL] = {
    [TT_REXMT] = TERN_TIMER_REXMT,   [TT_PERSIST] = TERN_TIMER_PERSIST,
    [TT_DELACK] = TERN_TIMER_DELACK, [TT_KEEP] = TERN_TIMER_KEEP,
    [TT_USER] = TERN_TIMER_USER,     [TT_FIN_WAIT_2] = TERN_TIMER_FIN_WAIT_2,
    [TT_TLP] = TERN_TIMER_TLP,       [TT_REO] = TERN_TIMER_REO,
    [TT_PACE] = TERN_TIMER_PACE,
};
_Static_assert((int)TT_TLP == (int)TT_COUNT,
               "the timers of struct xmit continue those of struct tcp_conn");

/* NULL: this timer cannot run now. */
static inline int64_t *slot(const struct tcp *t, struct tcp_conn *c, unsigned which)
{
    if (which < TT_COUNT)
        return &c->timer_ns[which];
    struct xmit *x = conn_xmit(t, c);
    return x != NULL ? &x->timer_ns[which - TT_COUNT] : NULL;
}

unsigned timer_public(unsigned which)
{
    tern_assert(which < TT_ALL);
    return public_timer[which];
}

int64_t timer_due(const struct tcp *t, const struct tcp_conn *c, unsigned which)
{
    if (which < TT_COUNT)
        return c->timer_ns[which];
    const struct xmit *x = conn_xmit(t, c);
    return x != NULL ? x->timer_ns[which - TT_COUNT] : 0;
}

static void note_traced(struct tcp *t, const struct tcp_conn *c, unsigned kind, unsigned which,
                        unsigned cause, int64_t us, struct tern_time now)
{
    struct tern_trace *r = trace_add(t->trace, now, kind, cause);
    if (r == NULL)
        return;
    r->serial = c->serial;
    r->state = c->state;
    r->aux8 = public_timer[which];
    r->lport = c->tuple.lport;
    r->rport = c->tuple.rport;
    r->laddr.fam = r->raddr.fam = c->tuple.fam;
    memcpy(r->laddr.b, c->tuple.laddr, 16);
    memcpy(r->raddr.b, c->tuple.raddr, 16);
    r->a = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static inline void note_timer(struct tcp *t, const struct tcp_conn *c, unsigned kind,
                              unsigned which, unsigned cause, int64_t us, struct tern_time now)
{
    trace_count(t->trace, cause);
    if (t->trace->ring != NULL)
        note_traced(t, c, kind, which, cause, us, now);
}

void timer_arm(struct tcp *t, struct tcp_conn *c, unsigned which, struct tern_time at,
               unsigned cause, struct tern_time now)
{
    int64_t *due = slot(t, c, which);
    tern_assert(due != NULL && c->used);
    *due = at.ns > 0 ? at.ns : 1;
    if (!wheel_armed(&c->wheel) || at.ns < c->wheel.due_ns)
        wheel_set(&t->wheel, conn_idx(t, c), at);
    note_timer(t, c, TERN_TR_TIMER_ARM, which, cause, time_diff_us(at, now), now);
}

void timer_halt(struct tcp *t, struct tcp_conn *c, unsigned which, unsigned cause,
                struct tern_time now)
{
    int64_t *due = slot(t, c, which);
    if (due == NULL || *due == 0)
        return;
    *due = 0;
    note_timer(t, c, TERN_TR_TIMER_STOP, which, cause, 0, now);
}

/* RTO, or on an ACK when too little is outstanding for fast retransmit what is left of it since the
 * oldest segment was sent [RFC7765:4]. */
static int64_t rexmt_us(const struct tcp *t, const struct tcp_conn *c, unsigned cause,
                        struct tern_time now)
{
    const struct xmit *x = conn_tracked(t, c);
    int64_t rto = c->rtt.rto_us;
    uint32_t out = (uint32_t)seq_diff(c->snd.nxt, c->snd.una);
    if (cause != CAUSE_TM_REXMT_ACK || x == NULL || out >= 4 * c->cc.mss || c->snd.buf.len > out)
        return rto;
    const struct sent *s = sent_at(t, x->head);
    int64_t left = rto - (now.ns - s->at_ns) / 1000;
    return left > 0 && s->is == SENT_IN_FLIGHT ? left : rto;
}

/* After an acknowledgment: stop when nothing is outstanding, else wait anew [RFC6298:5.2] [5.3]. */
void timer_rexmt_update(struct tcp *t, struct tcp_conn *c, unsigned cause, struct tern_time now)
{
    if (seq_eq(c->snd.una, c->snd.nxt)) {
        timer_stop(t, c, TT_USER, CAUSE_TM_REXMT_STOP, now);
        if (c->extra == 0 || !ecn_held(t, c))
            timer_stop(t, c, TT_REXMT, CAUSE_TM_REXMT_STOP, now);
        else /* [RFC3168:6.1.2#3] */
            timer_arm(t, c, TT_REXMT, time_add_us(now, c->rtt.rto_us), cause, now);
        return;
    }
    /* [RFC6298:5] */
    timer_arm(t, c, TT_REXMT, time_add_us(now, rexmt_us(t, c, cause, now)), cause, now);
    /* It counts from the first sending or the last progress; a retransmission does not put it off.
     */
    int64_t user_ms = c->extra != 0 ? uto_patience(t, c) : 0;
    if (user_ms > 0 && (cause == CAUSE_TM_REXMT_ACK || !timer_on(c, TT_USER)))
        timer_arm(t, c, TT_USER, time_add_ms(now, user_ms), CAUSE_TM_USER, now);
}

void timer_keep_restart(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    c->keep_probes = 0;
    if (!c->keepalive || !state_synchronized(c->state) || c->state == TERN_TCP_TIME_WAIT)
        timer_stop(t, c, TT_KEEP, CAUSE_TM_KEEP, now);
    else
        /* [RFC9293:MUST-27] [RFC9293:MAY-5] */
        timer_arm(t, c, TT_KEEP, time_add_ms(now, uto_keep_idle(t, c)), CAUSE_TM_KEEP, now);
}

/* Shares the persist timer, which then finds out by itself whether there is anything to probe. */
void timer_memory(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    c->was_writable_no = true;
    c->no_memory = true;
    if (!timer_on(c, TT_PERSIST))
        timer_arm(t, c, TT_PERSIST, time_add_ms(now, MEMORY_MS), CAUSE_TM_MEMORY, now);
}

void timer_fin_wait_2(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    int32_t own = extra_of(t, c)->linger2_ms;
    int64_t ms = own != 0 ? own : (int64_t)t->cfg->fin_wait_2_ms;
    tern_assert(c->orphan);
    if (ms != 0) /* -1: at the next tick */
        timer_arm(t, c, TT_FIN_WAIT_2, time_add_ms(now, ms > 0 ? ms : 0), CAUSE_TM_FIN_WAIT_2, now);
}

/* ---- what they do ---- */

/* Have there been as many SYNs, or SYN-ACKs, as there may be? */
static bool syn_over(const struct tcp *t, const struct tcp_conn *c)
{
    int32_t most = extra_of(t, c)->syn_retries;
    if (fastopen_child(t, c))
        most = (int32_t)t->cfg->synack_retries;
    return most >= 0 && c->rexmts > most;
}

static void rexmt_syn(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    bool sent = c->state == TERN_TCP_SYN_SENT;
    if (c->rexmts < UINT8_MAX)
        c->rexmts++;
    if (syn_over(t, c)) {                                              /* [RFC9293:MUST-23] */
        tcp_die(t, c, c->soft_err != 0 ? c->soft_err : TERN_ETIMEDOUT, /* [RFC9293:MUST-22] */
                sent ? CAUSE_ST_SYN_TIMEOUT : CAUSE_ST_SYN_ACK_TIMEOUT, now);
        return;
    }
    soft_r1(t, c);
    c->syn_rexmt = true;
    c->rtt.timed_ns = 0;
    c->owe_syn = sent ? CAUSE_TX_SYN_REXMT : CAUSE_TX_SYN_ACK_REXMT;
    rtt_backoff(&c->rtt, t->cfg);
    tcp_ready(t, c);
}

/* Does something else than a count of retransmissions decide when this connection ends? Not for one
 * whose application is gone. */
static bool patient(const struct tcp *t, const struct tcp_conn *c)
{
    return c->extra != 0 && !c->orphan && uto_patience(t, c) != 0; /* [RFC9293:MUST-21] */
}

static void on_rexmt(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    ecn_release(t, c);
    if (seq_eq(c->snd.una, c->snd.nxt)) { /* that was what it waited for */
        tcp_ready(t, c);
        return;
    }
    tally_rto(t, c, now);
    if (!c->syn_acked) { /* in FIN-WAIT-1 too, if CLOSE came in SYN-RECEIVED */
        rexmt_syn(t, c, now);
        return;
    }
    uint32_t r2 = t->cfg->r2_retries;
    if (c->orphan && r2 > 8)
        r2 = 8; /* nobody waits for it any more */
    /* A peer that shrank its window to nothing but still answers is not dead: the retransmissions
     * serve as probes. */
    bool answers = (uint64_t)(tcp_ms(t, now) - c->last_rx_ms) * 1000 <= t->cfg->rto_max_us;
    if (c->snd.wnd == 0 && answers && c->rexmts >= r2 && !c->orphan) /* [RFC9293:SHLD-17] */
        c->rexmts = (uint8_t)(r2 - 1);
    if (c->rexmts >= r2 && !patient(t, c)) { /* [RFC9293:MUST-20] */
        tcp_die(t, c, c->soft_err != 0 ? c->soft_err : TERN_ETIMEDOUT, CAUSE_ST_R2, now);
        return;
    }
    recovery_rto(t, c, now);
}

/* Is it time to give up a peer whose window is shut? Then it is done. */
static bool persist_over(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    uint32_t shut_ms = tcp_ms(t, now) - c->snd.persist_ms;
    uint32_t most = t->cfg->persist_give_up_ms;
    int32_t user_ms = extra_of(t, c)->user_timeout_ms;
    int64_t silent_ms = tcp_ms(t, now) - c->last_rx_ms,
            most_ms = patient(t, c) ? uto_patience(t, c) : 0;
    if ((c->orphan || tcp_pressure(t)) && most != 0 && shut_ms >= most) { /* [RFC6429:4] */
        ans_conn_rst(t, c, CAUSE_TX_RST_PERSIST);
        tcp_die(t, c, TERN_ETIMEDOUT, CAUSE_ST_PERSIST_TIMEOUT, now);
        return true;
    }
    /* Answered or not: Linux's TCP_USER_TIMEOUT counts the time that the window is shut. */
    if (user_ms > 0 && shut_ms >= (uint32_t)user_ms) {
        ans_conn_rst(t, c, CAUSE_TX_RST_TIMEOUT);
        tcp_die(t, c, TERN_ETIMEDOUT, CAUSE_ST_USER_TIMEOUT, now);
        return true;
    }
    /* The probes themselves go unanswered. */
    if (most_ms != 0 ? most_ms > 0 && silent_ms >= most_ms : c->rexmts >= t->cfg->r2_retries) {
        tcp_die(t, c, TERN_ETIMEDOUT, most_ms > 0 ? CAUSE_ST_USER_TIMEOUT : CAUSE_ST_R2, now);
        return true;
    }
    return false;
}

static void on_persist(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    if (c->no_memory) {
        c->no_memory = c->was_writable_no = false;
        event_raise(t, c, TERN_EV_WRITABLE);
        tcp_ready(t, c); /* sets the timer again if a window is shut */
        return;
    }
    bool all_sent = c->snd.buf.len == 0 && (!c->fin_wanted || fin_sent(c));
    if (all_sent && seq_eq(c->snd.una, c->snd.nxt))
        return;            /* the last probe was taken */
    if (c->snd.wnd != 0) { /* not shut: only too small, or a corked tail [RFC9293:3.8.6.2.1] */
        c->override = true;
        /* A probe that is out is data like any other from now on. */
        if (seq_lt(c->snd.una, c->snd.nxt) && !timer_on(c, TT_REXMT))
            recovery_go_back(t, c, CAUSE_TX_REXMT_GO_BACK);
        tcp_ready(t, c);
        return;
    }
    if (persist_over(t, c, now))
        return;
    if (c->rexmts < UINT8_MAX)
        c->rexmts++;
    c->owe_probe = CAUSE_TX_PROBE_WINDOW; /* [RFC9293:MUST-36] [RFC9293:MUST-35] */
    tcp_ready(t, c);
}

static void on_keep(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    if (!seq_eq(c->snd.una,
                c->snd.nxt)) /* [RFC9293:MUST-26]; what acknowledges it starts us anew */
        return;
    const struct tcp_extra *e = extra_of(t, c);
    uint32_t idle = tcp_ms(t, now) - c->last_rx_ms, first = uto_keep_idle(t, c);
    if (idle < first) {
        timer_arm(t, c, TT_KEEP, time_add_ms(now, first - idle), CAUSE_TM_KEEP, now);
        return;
    }
    /* [RFC9293:MUST-29] */
    /* A user timeout takes the place of the count, after one probe at least, as on Linux. */
    bool dead = e->user_timeout_ms > 0 ? c->keep_probes > 0 && idle >= (uint32_t)e->user_timeout_ms
                                       : c->keep_probes >= e->keep_cnt;
    if (dead) { /* not on the first lost probe */
        ans_conn_rst(t, c, CAUSE_TX_RST_TIMEOUT);
        tcp_die(t, c, TERN_ETIMEDOUT, CAUSE_ST_KEEPALIVE_DEAD, now);
        return;
    }
    c->keep_probes++;
    c->owe_probe = CAUSE_TX_PROBE_KEEPALIVE;
    timer_arm(t, c, TT_KEEP, time_add_ms(now, e->keep_intvl_ms), CAUSE_TM_KEEP, now);
    tcp_ready(t, c);
}

static unsigned fired_cause(const struct tcp_conn *c, unsigned which)
{
    static const uint16_t cause[TT_ALL] = {
        [TT_REXMT] = CAUSE_TM_REXMT,   [TT_PERSIST] = CAUSE_TM_PERSIST,
        [TT_DELACK] = CAUSE_TM_DELACK, [TT_KEEP] = CAUSE_TM_KEEP,
        [TT_USER] = CAUSE_TM_USER,     [TT_FIN_WAIT_2] = CAUSE_TM_FIN_WAIT_2,
        [TT_TLP] = CAUSE_TM_TLP,       [TT_REO] = CAUSE_TM_REO,
        [TT_PACE] = CAUSE_TM_PACE,
    };
    return which == TT_REXMT && c->rexmts > 0 ? (unsigned)CAUSE_TM_REXMT_BACKOFF : cause[which];
}

void tcp_timeout(struct tcp *t, struct tcp_conn *c, unsigned which, struct tern_time now)
{
    tern_assert(c->used && c->state != TERN_TCP_CLOSED);
    note_timer(t, c, TERN_TR_TIMER_FIRE, which, fired_cause(c, which), 0, now);
    switch (which) {
    case TT_REXMT:
        on_rexmt(t, c, now);
        break;
    case TT_PERSIST:
        on_persist(t, c, now);
        break;
    case TT_DELACK:
        if (c->owe_ack == 0)
            c->owe_ack = CAUSE_TX_ACK_DELAYED;
        tcp_ready(t, c);
        break;
    case TT_KEEP:
        on_keep(t, c, now);
        break;
    case TT_TLP:
        tlp_fire(t, c, now);
        break;
    case TT_REO:
        recovery_reo(t, c, now);
        break;
    case TT_PACE:
        tcp_ready(t, c);
        break;
    case TT_USER:
        if (!uto_waits(t, c, now))
            tcp_die(t, c, TERN_ETIMEDOUT, CAUSE_ST_USER_TIMEOUT, now);
        break;
    default:
        tern_assert(which == TT_FIN_WAIT_2);
        tcp_die(t, c, TERN_ETIMEDOUT, CAUSE_ST_FIN_WAIT_2_TIMEOUT, now);
        break;
    }
}

/* Runs what is due of one connection and sets its node to what is next. */
static void conn_tick(struct tcp *t, uint32_t idx, struct tern_time now)
{
    struct tcp_conn *c = conn_at(t, idx);
    uint32_t gen = c->gen;
    for (unsigned n = 0; n < TT_ALL; n++) {
        unsigned i = (n + TT_COUNT) % TT_ALL; /* a probe before the timeout that it may spare */
        int64_t *due = slot(t, c, i);
        if (due == NULL || *due == 0 || *due > now.ns)
            continue;
        *due = 0;
        tcp_timeout(t, c, i, now);
        if (!c->used || c->gen != gen || c->state == TERN_TCP_CLOSED)
            return;
    }
    int64_t next = INT64_MAX;
    for (unsigned i = 0; i < TT_ALL; i++) {
        int64_t due = timer_due(t, c, i);
        if (due != 0 && due < next)
            next = due;
    }
    wheel_set(&t->wheel, idx, (struct tern_time){next});
}

void tcp_tick(struct tcp *t, struct tern_time now)
{
    uint32_t idx;
    tcp_at(t, now);
    for (unsigned i = 0; i < TICK_BUDGET && (idx = wheel_pop(&t->wheel, now)) != 0; i++)
        conn_tick(t, idx, now);
    half_tick(t, now);
    tw_tick(t, now);
    detect_roll(t, now);
    xmit_tick(t, now);
    park_tick(t, now);
}

struct tern_time tcp_deadline(const struct tcp *t)
{
    struct tern_time d = wheel_deadline(&t->wheel);
    d = time_min(d, time_min(half_deadline(t), detect_deadline(t)));
    return time_min(d, time_min(tw_deadline(t), park_deadline(t)));
}
