/* SPDX-License-Identifier: BSD-2-Clause */
/* api/api_event.c: events, the trace, and looking in. */
#include "api/api.h"

/* The request that the last event was about is forgotten; the next one, if any, becomes an event.
 */
static bool api_echo_next(struct tern_stack *st, struct tern_event *ev)
{
    if (st->echo.len == 0)
        return false;
    struct echo_rec rec;
    ring_read(&st->echo, 0, &rec, sizeof rec);
    memset(ev, 0, sizeof *ev);
    ev->bits = TERN_EV_ECHO;
    ev->remote = (struct tern_endpoint){rec.from, rec.id};
    ev->local = (struct tern_endpoint){rec.to, rec.seq};
    st->echo_given = (uint32_t)sizeof rec + rec.len;
    return true;
}

bool tern_event_next(struct tern_stack *st, struct tern_event *ev)
{
    if (st->echo_given != 0) {
        ring_drop(&st->echo, st->echo_given);
        ring_release_if_empty(&st->echo, &st->arena);
        st->echo_given = 0;
    }
    return tcp_event_next(st->tcp, ev) || udp_event_next(&st->udp, ev) || api_echo_next(st, ev);
}

size_t tern_trace_read(struct tern_stack *st, struct tern_trace *out, size_t n, uint64_t *lost)
{
    return trace_read(&st->trace, out, n, lost);
}

uint64_t tern_counter(const struct tern_stack *st, unsigned cause)
{
    return cause < CAUSES ? st->trace.counter[cause] : 0;
}

/* The cursor's top bit tells that TCP has been walked over. */
#define CURSOR_UDP (UINT64_C(1) << 63)

bool tern_inspect_next(const struct tern_stack *st, uint64_t *cursor, struct tern_info *out,
                       struct tern_time now)
{
    if ((*cursor & CURSOR_UDP) == 0) {
        if (tcp_inspect_next(st->tcp, cursor, out, now))
            return true;
        *cursor = CURSOR_UDP;
    }
    uint32_t at = (uint32_t)*cursor;
    bool more = udp_inspect_next(&st->udp, &at, out);
    *cursor = CURSOR_UDP | at;
    return more;
}

bool tern_inspect(const struct tern_stack *st, struct tern_sock s, struct tern_info *out,
                  struct tern_time now)
{
    if (sock_kind(s) != SOCK_UDP)
        return tcp_inspect(st->tcp, s, out, now);
    const struct udp_port *p = udp_find(&st->udp, s);
    if (p == NULL)
        return false;
    udp_info(&st->udp, p, out);
    return true;
}
