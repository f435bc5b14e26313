/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/state.c: the only place that writes a connection's state.
 *
 * RFC 9293 3.3.2 draws eleven states; `edges` is its list of legal changes (thirty of them, with
 * those of RFC 4987 and RFC 6191). Every change is asserted against it, counted and traced with its
 * cause. "Returns to LISTEN" means that a child of a listener is forgotten.
 */
#include "tcp/conn.h"

#define TO(s) (1u << TERN_TCP_##s)

static const uint16_t edges[TERN_TCP_STATES] = {
    [TERN_TCP_CLOSED] = TO(LISTEN) | TO(SYN_SENT),
    [TERN_TCP_LISTEN] = TO(SYN_SENT) | TO(CLOSED) | TO(SYN_RECEIVED) | TO(ESTABLISHED),
    [TERN_TCP_SYN_SENT] = TO(CLOSED) | TO(ESTABLISHED) | TO(SYN_RECEIVED),
    [TERN_TCP_SYN_RECEIVED] =
        TO(FIN_WAIT_1) | TO(CLOSED) | TO(LISTEN) | TO(ESTABLISHED) | TO(CLOSE_WAIT),
    [TERN_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSED) | TO(CLOSE_WAIT),
    [TERN_TCP_FIN_WAIT_1] = TO(CLOSED) | TO(FIN_WAIT_2) | TO(TIME_WAIT) | TO(CLOSING),
    [TERN_TCP_FIN_WAIT_2] = TO(CLOSED) | TO(TIME_WAIT),
    [TERN_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [TERN_TCP_CLOSING] = TO(CLOSED) | TO(TIME_WAIT),
    [TERN_TCP_LAST_ACK] = TO(CLOSED),
    [TERN_TCP_TIME_WAIT] = TO(CLOSED) | TO(SYN_RECEIVED),
};

bool tcp_edge_legal(unsigned from, unsigned to)
{
    tern_assert(from < TERN_TCP_STATES && to < TERN_TCP_STATES);
    return (edges[from] >> to & 1) != 0;
}

void tcp_note_state(struct tcp *t, const struct tcp_tuple *tu, uint32_t serial, unsigned from,
                    unsigned to, unsigned cause, struct tern_time now)
{
    tern_assert(tcp_edge_legal(from, to));
    trace_count(t->trace, cause);
    struct tern_trace *r = trace_add(t->trace, now, TERN_TR_STATE, cause);
    if (r == NULL)
        return;
    r->serial = serial;
    r->state = (uint8_t)from;
    r->aux8 = (uint8_t)to;
    r->lport = tu->lport;
    r->rport = tu->rport;
    r->laddr.fam = r->raddr.fam = tu->fam;
    memcpy(r->laddr.b, tu->laddr, 16);
    memcpy(r->raddr.b, tu->raddr, 16);
}

void tcp_enter(struct tcp *t, struct tcp_conn *c, unsigned state, unsigned cause,
               struct tern_time now)
{
    tcp_note_state(t, &c->tuple, c->serial, c->state, state, cause, now);
    c->state = (uint8_t)state;
}

void tcp_adopt(struct tcp_conn *c, unsigned state)
{
    tern_assert(c->state == TERN_TCP_CLOSED);
    c->state = (uint8_t)state;
}

/* What a dead connection may keep is what its reader has not read yet. */
static void release_all_but_unread(struct tcp *t, struct tcp_conn *c)
{
    xmit_give(t, c);
    ring_free(&c->snd.buf, t->arena);
    ranges_clear(&c->rcv.ooo, &t->ooo);
    c->fin_known = c->fin_rcvd;
    ring_release_if_empty(&c->rcv.buf, t->arena);
    c->owe_ack = c->owe_syn = c->owe_rexmt = c->owe_probe = 0;
    c->urg = false;
}

void tcp_die(struct tcp *t, struct tcp_conn *c, int err, unsigned cause, struct tern_time now)
{
    tern_assert(c->used && c->state != TERN_TCP_CLOSED);
    tcp_enter(t, c, TERN_TCP_CLOSED, cause, now);
    for (unsigned i = 0; i < TT_COUNT; i++)
        c->timer_ns[i] = 0;
    if (c->extra != 0)
        fastopen_gone(t, c, cause);
    conn_unhash(t, c);
    release_all_but_unread(t, c);
    tally_over(t, c, now);
    if (c->orphan) {
        conn_free(t, c);
        return;
    }
    c->err = (int8_t)err; /* [RFC9293:MUST-12] */
    event_raise(t, c, TERN_EV_CLOSED | TERN_EV_READABLE | TERN_EV_WRITABLE);
}
