/* SPDX-License-Identifier: BSD-2-Clause */
/* api/api_auth.c: the calls that set keys for signed segments. */
#include "api/api.h"

int tern_tcp_md5_key(struct tern_stack *st, struct tern_sock s, const struct tern_addr *peer,
                     unsigned prefix, const void *key, size_t len)
{
    return tcp_md5_key(st->tcp, s, peer, prefix, key, len);
}

int tern_tcp_ao_add(struct tern_stack *st, struct tern_sock s, const struct tern_ao_key *key)
{
    return tcp_ao_add(st->tcp, s, key);
}

int tern_tcp_ao_del(struct tern_stack *st, struct tern_sock s, const struct tern_addr *peer,
                    unsigned prefix, unsigned send_id, unsigned recv_id)
{
    return tcp_ao_del(st->tcp, s, peer, prefix, send_id, recv_id);
}

int tern_tcp_ao_set(struct tern_stack *st, struct tern_sock s, int current, int rnext)
{
    return tcp_ao_set(st->tcp, s, current, rnext);
}

int tern_tcp_ao_require(struct tern_stack *st, struct tern_sock s, bool on)
{
    return tcp_ao_require(st->tcp, s, on);
}

int tern_tcp_ao_get(struct tern_stack *st, struct tern_sock s, unsigned index,
                    struct tern_ao_key *out)
{
    return tcp_ao_get(st->tcp, s, index, out);
}

int tern_tcp_auth_info(struct tern_stack *st, struct tern_sock s, struct tern_auth_info *out)
{
    return tcp_auth_info(st->tcp, s, out);
}

void tern_tcp_keys_forget(struct tern_stack *st)
{
    tcp_keys_forget(st->tcp);
}
