/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack/lo.c: the loopback interface inside the stack. Packets to our own addresses are built like
 * all others, into one buffer of the stack, and come back in at once: the same code on both ways,
 * no link.
 *
 * A packet that comes in may call forth more (ACKs, data that the window now lets out), so delivery
 * is a loop, never a recursion, and bounded: what is left makes the deadline due at once.
 */
#include "stack/stack.h"

void lo_pump(struct tern_stack *st)
{
    if (st->in_lo)
        return;
    st->in_lo = true;
    for (unsigned i = 0; i < STACK_LO_BURST; i++) {
        struct tern_frame f = {.data = st->lo_frame, .cap = NET_LO_MTU};
        if (egress_fill(st, NET_LO, &f, 1) == 0)
            break;
        ingress_frame(st, NET_LO, &f);
    }
    st->in_lo = false;
}
