/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/ip4_tx.h"

#include "base/assert.h"

void ip4_tx(uint8_t *p, const struct ip4_out *o, struct prng *ids)
{
    tern_assert(o->src.fam == TERN_AF_IP4 && o->dst.fam == TERN_AF_IP4);
    ip4_tx_put(p, o, addr_ip(&o->src), addr_ip(&o->dst), ids);
}
