/* SPDX-License-Identifier: BSD-2-Clause */
/* api/api_offload.c: the calls of tern/syn_offload.h: which interface is meant. */
#include "api/api.h"
#include "tcp/offload.h"

/* The addresses that no SYN may come from, as ip4_rx() has it [RFC1122:3.2.1.3]. False: too many.
 */
static bool offload_nets(const struct tern_stack *st, const struct iface *at,
                         struct tern_offload_net *net)
{
    unsigned n = 0;
    for (unsigned i = 0; i < st->ifs.n; i++) {
        const struct iface *f = &st->ifs.tab[i];
        for (unsigned k = 0; k < f->naddr; k++, n++) {
            if (n == TERN_OFFLOAD_NETS)
                return false;
            bool all = f == at && f->a[k].prefix < 31; /* has a broadcast address */
            net[n] = (struct tern_offload_net){f->a[k].ip, all ? f->a[k].mask : UINT32_MAX};
        }
    }
    return true;
}

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
    int r = offload_nets(st, f, o->net) ? TERN_OK : TERN_ENOBUFS;
    if (r == TERN_OK)
        r = tcp_offload_begin(st->tcp, o, &at, stack_now(st, now));
    if (r != TERN_OK)
        memset(o->net, 0, sizeof o->net);
    return r;
}

void tern_syn_offload_sync(struct tern_stack *st, struct tern_time now)
{
    tcp_offload_sync(st->tcp, stack_now(st, now));
}

void tern_syn_offload_end(struct tern_stack *st, struct tern_time now)
{
    tcp_offload_end(st->tcp, stack_now(st, now));
}
