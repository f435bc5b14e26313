/* SPDX-License-Identifier: BSD-2-Clause */
#include "stack/stack.h"

void note_frame(struct tern_stack *st, unsigned kind, const struct note *n)
{
    tern_assert(n->cause < CAUSES);
    trace_count(&st->trace, n->cause);
    struct tern_trace *r = trace_add(&st->trace, st->now, kind, n->cause);
    if (r == NULL)
        return;
    r->id = n->id;
    r->serial = n->serial;
    r->len = n->len;
    r->laddr = n->laddr;
    r->raddr = n->raddr;
    r->lport = n->lport;
    r->rport = n->rport;
}
