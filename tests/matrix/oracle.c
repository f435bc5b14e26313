/* SPDX-License-Identifier: BSD-2-Clause */
#include "oracle.h"

#include <tern/types.h>

static struct oracle_out stay(const struct oracle_in *in, enum oracle_reply reply)
{
    return (struct oracle_out){.reply = reply, .next = in->state};
}

static struct oracle_out go(unsigned next, enum oracle_reply reply)
{
    return (struct oracle_out){.reply = reply, .next = next};
}

/* SEG.LEN counts SYN and FIN. */
static int64_t seg_len(const struct oracle_in *in)
{
    return in->len + in->syn + in->fin;
}

/* [RFC9293:3.10.7.4] first, the four cases of the table. */
static bool acceptable(const struct oracle_in *in)
{
    int64_t n = seg_len(in), last = in->seq + n - 1;
    if (n == 0)
        return in->wnd == 0 ? in->seq == 0 : in->seq >= 0 && in->seq < in->wnd;
    if (in->wnd == 0)
        return false;
    return (in->seq >= 0 && in->seq < in->wnd) || (last >= 0 && last < in->wnd);
}

static struct oracle_out closed(const struct oracle_in *in) /* [RFC9293:3.10.7.1] */
{
    if (in->rst)
        return stay(in, REPLY_NONE);
    return stay(in, in->ack ? REPLY_RST : REPLY_RST_ACK);
}

static struct oracle_out listen(const struct oracle_in *in) /* [RFC9293:3.10.7.2] */
{
    if (in->rst)
        return stay(in, REPLY_NONE);
    if (in->ack)
        return stay(in, REPLY_RST);
    return in->syn ? go(TERN_TCP_SYN_RECEIVED, REPLY_SYN_ACK) : stay(in, REPLY_NONE);
}

static unsigned after_fin(unsigned state, bool fin_acked)
{
    if (state == TERN_TCP_ESTABLISHED)
        return TERN_TCP_CLOSE_WAIT;
    return state == TERN_TCP_FIN_WAIT_1 && !fin_acked ? TERN_TCP_CLOSING : TERN_TCP_TIME_WAIT;
}

/* Steps seven and eight; `in` is trimmed of a SYN. */
static struct oracle_out text(const struct oracle_in *in, unsigned state, bool fin_acked)
{
    struct oracle_out out = {.reply = REPLY_NONE, .next = state};
    bool receives = state == TERN_TCP_ESTABLISHED || state == TERN_TCP_FIN_WAIT_1 ||
                    state == TERN_TCP_FIN_WAIT_2;
    if (in->len + in->fin == 0)
        return out;
    if (!receives) { /* ignored */
        out.reply = REPLY_MAYBE_ACK;
        return out;
    }
    int64_t end = in->seq + in->len; /* where the FIN stands */
    int64_t right = end < in->wnd ? end : in->wnd;
    if (in->seq <= 0 && right > 0)
        out.taken = right;
    /* Out of order, or known: at once [RFC5681:4.2]. */
    out.reply = out.taken != 0 ? REPLY_ACK_LATER : REPLY_ACK;
    out.fin = in->fin && in->seq <= 0 && end >= 0 && end <= in->wnd; /* in order, not trimmed */
    if (out.fin) {
        out.reply = REPLY_ACK;
        out.next = after_fin(state, fin_acked);
    }
    return out;
}

static struct oracle_out syn_sent(const struct oracle_in *in) /* [RFC9293:3.10.7.3] */
{
    bool good = in->ack && in->no > in->iss && in->no <= 0;
    if (in->ack && !good)
        return stay(in, in->rst ? REPLY_NONE : REPLY_RST);
    if (in->rst)
        return good ? go(TERN_TCP_CLOSED, REPLY_NONE) : stay(in, REPLY_NONE);
    if (!in->syn)
        return stay(in, REPLY_NONE);
    if (!good)
        return go(TERN_TCP_SYN_RECEIVED, REPLY_SYN_ACK);
    struct oracle_in rest = *in; /* text and FIN behind the SYN, which is RCV.NXT - 1 */
    rest.seq = 0;
    rest.syn = false;
    struct oracle_out out = text(&rest, TERN_TCP_ESTABLISHED, false);
    out.reply = REPLY_ACK;
    return out;
}

/* SEG.SEQ above the last number of the old connection takes over, if somebody listens
 * [RFC6191:2]; here nobody does. RSTs are ignored [RFC1337:3]. */
static struct oracle_out time_wait(const struct oracle_in *in)
{
    if (in->rst)
        return stay(in, REPLY_NONE);
    if (in->syn && !in->ack)
        return stay(in, REPLY_NONE);
    if (in->fin && in->seq + in->len + 1 == 0) /* the FIN again */
        return stay(in, REPLY_ACK);
    if (!acceptable(in))
        return stay(in, REPLY_ACK);
    if (in->syn) /* [RFC5961:4] */
        return stay(in, REPLY_ACK);
    return stay(in, seg_len(in) != 0 ? REPLY_MAYBE_ACK : REPLY_NONE);
}

/* Step five; SEG.ACK is set. */
static struct oracle_out ack(const struct oracle_in *in)
{
    unsigned state = in->state;
    bool fin_acked = false;
    if (state == TERN_TCP_SYN_RECEIVED) {
        if (!(in->no > in->una && in->no <= 0))
            return stay(in, REPLY_RST);
        state = TERN_TCP_ESTABLISHED;
    } else if (in->no > 0 || in->no < in->iss) { /* [RFC5961:5], and never below the ISS */
        return stay(in, REPLY_ACK);
    } else if (in->fin_sent && in->no == 0) {
        fin_acked = true;
        if (state == TERN_TCP_CLOSING)
            return go(TERN_TCP_TIME_WAIT, REPLY_MAYBE_ACK);
        if (state == TERN_TCP_LAST_ACK)
            return go(TERN_TCP_CLOSED, REPLY_NONE);
    }
    struct oracle_out out = text(in, state, fin_acked);
    if (out.next == TERN_TCP_FIN_WAIT_1 && fin_acked)
        out.next = TERN_TCP_FIN_WAIT_2;
    return out;
}

static struct oracle_out reset(const struct oracle_in *in)
{
    bool child = in->state == TERN_TCP_SYN_RECEIVED && !in->active;
    return go(child ? TERN_TCP_LISTEN : TERN_TCP_CLOSED, REPLY_NONE);
}

/* Steps two to eight: the segment may touch the connection. */
static struct oracle_out inside(const struct oracle_in *in)
{
    if (in->rst)
        return in->seq == 0 ? reset(in) : stay(in, REPLY_ACK); /* [RFC5961:3] */
    if (in->syn)
        return in->active ? stay(in, REPLY_ACK) : go(TERN_TCP_LISTEN, REPLY_NONE);
    return in->ack ? ack(in) : stay(in, REPLY_NONE);
}

/* The peer's SYN once more, in SYN-RECEIVED. Not found: *out is left alone. */
static bool syn_again(const struct oracle_in *in, struct oracle_out *out)
{
    if (in->state != TERN_TCP_SYN_RECEIVED || in->rst || !in->syn || in->seq != -1)
        return false;
    /* docs/decisions/0002: the crossing SYN-ACK of Figure 7 counts for its ACK. (A passive opener's
     * peer has no SYN to send again with an ACK.) */
    bool good = in->ack && in->no > in->una && in->no <= 0;
    if (in->active && good) {
        *out = go(TERN_TCP_ESTABLISHED, REPLY_NONE);
        return true;
    }
    /* It missed our SYN-ACK. (The letter: an ACK; for a listener's child whose peer adds text or
     * FIN, LISTEN: but it is the same SYN.) */
    *out = stay(in, REPLY_SYN_ACK);
    return in->active ? !acceptable(in) : !in->ack;
}

static struct oracle_out steps(const struct oracle_in *in) /* [RFC9293:3.10.7.4] */
{
    struct oracle_out out;
    if (syn_again(in, &out))
        return out;
    if (in->syn && !in->rst && in->state >= TERN_TCP_ESTABLISHED)
        return stay(in, REPLY_ACK);              /* [RFC5961:4] */
    bool at_shut = in->wnd == 0 && in->seq == 0; /* ACK, URG and RST count [RFC9293:MUST-66] */
    if (!acceptable(in) && !at_shut)
        return stay(in, in->rst ? REPLY_NONE : REPLY_ACK);
    return inside(in);
}

struct oracle_out oracle(const struct oracle_in *in)
{
    switch (in->state) {
    case TERN_TCP_CLOSED:
        return closed(in);
    case TERN_TCP_LISTEN:
        return listen(in);
    case TERN_TCP_SYN_SENT:
        return syn_sent(in);
    case TERN_TCP_TIME_WAIT:
        return time_wait(in);
    default:
        return steps(in);
    }
}
