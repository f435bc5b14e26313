/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/record.c: places in the stream where a segment must end (TERN_SEND_EOR, Linux's MSG_EOR).
 *
 * A stream has no records; but who sends one message a call may want that the octets of two
 * messages never share a segment, so that a receiver or a link that looks at segments finds them
 * whole. The connection remembers the ends that are not acknowledged yet, in its record of rare
 * things (extra.h): what is sent, first or again, stops at the next one. It is a wish: with more
 * ends waiting than there is room for, the newest is not kept, and those octets may be joined.
 */
#include "tcp/conn.h"

/* Ends that are acknowledged mean nothing any more. */
static void forget(const struct tcp_conn *c, struct tcp_extra *e)
{
    unsigned n = 0;
    for (unsigned i = 0; i < e->records; i++) {
        if (seq_gt(e->record[i], c->snd.una))
            e->record[n++] = e->record[i];
    }
    e->records = (uint8_t)n;
}

void record_end(struct tcp *t, struct tcp_conn *c, struct seq at)
{
    struct tcp_extra *e = extra_take(t, c);
    if (e == NULL)
        return;
    forget(c, e);
    if (e->records < EXTRA_RECORDS)
        e->record[e->records++] = at;
}

uint32_t record_room(const struct tcp *t, const struct tcp_conn *c, struct seq from, uint32_t n)
{
    const struct tcp_extra *e = extra_own(t, c);
    for (unsigned i = 0; e != NULL && i < e->records; i++) {
        int32_t d = seq_diff(e->record[i], from);
        if (d > 0 && (uint32_t)d < n)
            n = (uint32_t)d;
    }
    return n;
}

bool record_ends(const struct tcp *t, const struct tcp_conn *c, struct seq at)
{
    const struct tcp_extra *e = extra_own(t, c);
    for (unsigned i = 0; e != NULL && i < e->records; i++) {
        if (seq_eq(e->record[i], at))
            return true;
    }
    return false;
}
