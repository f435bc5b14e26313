/* SPDX-License-Identifier: BSD-2-Clause */
/* api/api_offload.c: the calls of tern/syn_offload.h: which interface is meant. */
#include "api/api.h"
#include "tcp/offload.h"

int tern_syn_offload_begin(struct tern_stack *st, int iface, struct tern_syn_offload *o,
                           struct tern_time now)
{
    struct offload_iface at;
    tern_assert(o != NULL);
    if (iface < 0 || (unsigned)iface >= st->ifs.n)
        return TERN_EINVAL;
    const struct iface *f = &st->ifs.tab[iface];
    if (f->link != TERN_LINK_ETHER)
        return TERN_EINVAL;
    memset(&at, 0, sizeof at);
    at.index = f->index;
    at.naddr = f->naddr;
    memcpy(at.mac, f->mac, sizeof at.mac);
    for (unsigned i = 0; i < f->naddr; i++)
        memcpy(at.addr[i], f->a[i].addr.b, 4);
    return tcp_offload_begin(st->tcp, o, &at, stack_now(st, now));
}

void tern_syn_offload_sync(struct tern_stack *st, struct tern_time now)
{
    tcp_offload_sync(st->tcp, stack_now(st, now));
}

void tern_syn_offload_end(struct tern_stack *st, struct tern_time now)
{
    tcp_offload_end(st->tcp, stack_now(st, now));
}
