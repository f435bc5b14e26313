/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/train.c: what plan.c would decide for the next segment of a train, found out with one look.
 *
 * Nearly all segments of a bulk transfer are full segments of new data, with more behind them, on
 * an open connection where nothing is lost, owed, urgent, held up or probed. For those, plan.c asks
 * dozens of questions to answer "the next full segment". Here the answers that make it so are
 * tested together; at the first other one plan.c decides, and for all that passes it would have
 * decided the same (the unit test asks both). Whoever gives plan.c a new reason not to send, or to
 * send something else, adds it here, or keeps it in struct tcp_extra: connections that have one
 * never get this far.
 */
#include "tcp/conn.h"

bool train_habits(const struct profile *pol)
{
    return pol->push_writes || pol->bursts || pol->buffers || pol->nagle_small;
}

/* Nothing about the connection is out of the ordinary. */
static bool plain(const struct tcp *t, const struct tcp_conn *c)
{
    return t->no_habits && c->state == TERN_TCP_ESTABLISHED && c->extra == 0 && c->xmit != 0 &&
           c->syn_acked && !c->fin_wanted && !c->urg && !c->override && !c->detached &&
           (c->owe_syn | c->owe_rexmt | c->owe_probe) == 0 && c->dupacks == 0 && c->gone == 0 &&
           seq_eq(c->snd.rtx, c->snd.nxt);
}

/* Nor about what is in flight. */
static bool undisturbed(const struct tcp_conn *c, const struct xmit *x, struct tern_time now)
{
    return !x->blind && !x->tlp_owed && x->lhead == 0 && !x->pmtu.on && x->pmtu.slow == 0 &&
           pace_allows(c, x, now);
}

bool train_plan(const struct tcp *t, const struct tcp_conn *c, uint32_t most, struct tern_time now,
                struct tcp_plan *p)
{
    if (!plain(t, c))
        return false;
    const struct xmit *x = conn_xmit(t, c);
    if (!undisturbed(c, x, now))
        return false;
    uint32_t eff = c->mss - conn_opt_len(c), flight = (uint32_t)seq_diff(c->snd.nxt, c->snd.una);
    uint32_t avail = c->snd.buf.len - flight;
    uint32_t top = c->snd.wnd < c->cc.cwnd ? c->snd.wnd : c->cc.cwnd;
    uint32_t n = top > flight ? top - flight : 0;
    tern_assert(eff > 0);
    if (most < eff)
        most = eff;
    if (c->cc.pacing_bps != 0 && most > eff && most > pace_quantum(c))
        most = pace_quantum(c);
    if (n > most)
        n = most;
    if (n < eff || avail <= n) /* the last of the queue is Nagle's and PSH's affair */
        return false;
    memset(p, 0, sizeof *p);
    p->what = PLAN_DATA;
    p->seq = c->snd.nxt;
    p->len = n < 2 * eff ? eff : n - n % eff; /* whole segments [RFC9293:SHLD-28] */
    p->th = TERN_TH_ACK;
    p->cause = CAUSE_TX_DATA;
    return true;
}
