/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/soft.c: errors that end nothing (RFC 9293 3.9.1.8): an ICMP error of an open connection, a
 * next hop that does not answer, R1 retransmissions without an acknowledgment.
 *
 * The last one is kept, and is what the application reads should the connection time out. Whoever
 * wants to hear of them earlier switches TERN_OPT_ERROR_REPORTS on: each raises an event, and
 * TERN_OPT_SOFT_ERROR tells and forgets it. By default nobody is disturbed [RFC9293:SHLD-20].
 */
#include "tcp/conn.h"

void soft_error(struct tcp *t, struct tcp_conn *c, int err)
{
    tern_assert(err < 0);
    c->soft_err = (int8_t)err; /* [RFC9293:MUST-56] */
    if (extra_of(t, c)->error_reports !=
        0) /* [RFC9293:MUST-47] [RFC9293:SHLD-20] [RFC9293:SHLD-25] */
        event_raise(t, c, TERN_EV_SOFT_ERROR);
}

void soft_r1(struct tcp *t, struct tcp_conn *c)
{
    if (c->rexmts != t->cfg->r1_retries)
        return;
    /* A reason that ICMP gave says more. */
    soft_error(t, c, c->soft_err != 0 ? c->soft_err : TERN_ETIMEDOUT); /* [RFC9293:SHLD-9] */
}

int soft_take(struct tcp_conn *c)
{
    int err = c->soft_err;
    c->soft_err = 0;
    return -err;
}
