/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/note.h: what TCP tells the trace. What is asked for each segment is inline up to the question
 * whether anybody listens.
 */
#ifndef TCP_NOTE_H
#define TCP_NOTE_H

#include "tcp/block.h"

/* An arrival is noted before its effects, as taken; note_rx_end() corrects that when `verdict` says
 * that it was dropped. note_rx_begin() may return NULL. */
struct tern_trace *note_rx_traced(struct tcp *t, const struct tcp_conn *c,
                                  const struct tcp_tuple *tu, uint32_t serial, unsigned state,
                                  const struct tcp_in *in, struct tern_time now);
static inline struct tern_trace *note_rx_begin(struct tcp *t, const struct tcp_conn *c,
                                               const struct tcp_tuple *tu, uint32_t serial,
                                               unsigned state, const struct tcp_in *in,
                                               struct tern_time now)
{
    return t->trace->ring != NULL ? note_rx_traced(t, c, tu, serial, state, in, now) : NULL;
}
static inline void note_rx_end(struct tcp *t, struct tern_trace *r, const struct tcp_in *in,
                               unsigned verdict)
{
    trace_count(t->trace, verdict);
    /* A small ring may have wrapped over the record meanwhile. */
    if (r == NULL || verdict == CAUSE_RX_SEG || r->kind != TERN_TR_SEG_RX || r->id != in->pkt->id)
        return;
    r->kind = TERN_TR_DROP;
    r->cause = (uint16_t)verdict;
}
void note_tx_traced(struct tcp *t, const struct tcp_conn *c, const struct tcp_tuple *tu,
                    uint32_t serial, unsigned state, const struct tcp_seg *s, uint32_t id,
                    uint32_t pieces, unsigned cause, struct tern_time now);
static inline void note_tx(struct tcp *t, const struct tcp_conn *c, const struct tcp_tuple *tu,
                           uint32_t serial, unsigned state, const struct tcp_seg *s, uint32_t id,
                           uint32_t pieces, unsigned cause, struct tern_time now)
{
    trace_count(t->trace, cause);
    if (t->trace->ring != NULL)
        note_tx_traced(t, c, tu, serial, state, s, id, pieces, cause, now);
}
void note_call(struct tcp *t, const struct tcp_conn *c, unsigned call, uint32_t len,
               struct tern_time now);
void note_open(struct tcp *t, const struct tcp_tuple *tu, uint32_t serial, unsigned cause,
               struct tern_time now);
void note_cc(struct tcp *t, const struct tcp_conn *c, unsigned cause, struct tern_time now);

#endif
