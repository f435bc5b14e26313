/* SPDX-License-Identifier: BSD-2-Clause */
/* api/api_stack.c: interfaces, usage, options and names that are the same for all kinds of sockets,
 * and the judgement of addresses. */
#include "api/api.h"

static bool api_any_addr(const struct tern_stack *st)
{
    for (unsigned i = 0; i < st->ifs.n; i++)
        if (st->ifs.tab[i].any_addr)
            return true;
    return false;
}

int api_bind_ok(const struct tern_stack *st, const struct tern_addr *local)
{
    if (local->fam == TERN_AF_NONE)
        return TERN_OK;
    if (local->fam != TERN_AF_IP4)
        return TERN_EAFNOSUPPORT;
    if (addr_is_any(local) || iface_own(&st->ifs, local))
        return TERN_OK;
    return api_any_addr(st) && addr_is_unicast(local) ? TERN_OK : TERN_EADDRNOTAVAIL;
}

int api_way(const struct tern_stack *st, const struct tern_addr *local,
            const struct tern_addr *remote, struct api_way *out)
{
    struct route_hop hop;
    if (remote->fam == TERN_AF_NONE)
        return TERN_EINVAL;
    if (remote->fam != TERN_AF_IP4 || (local->fam != TERN_AF_NONE && local->fam != TERN_AF_IP4))
        return TERN_EAFNOSUPPORT;
    if (!route_find(&st->routes, &st->ifs, remote, &hop))
        return TERN_ENETUNREACH;
    const struct iface *f = &st->ifs.tab[hop.iface];
    out->iface = hop.iface;
    out->src = hop.src; /* [RFC9293:MUST-44] */
    out->group =
        hop.iface != NET_LO && (!addr_is_unicast(remote) || iface_broadcast_ip(f, addr_ip(remote)));
    if (!addr_is_any(local)) {
        bool ours = iface_own(&st->ifs, local) || (f->any_addr && addr_is_unicast(local));
        if (!ours || (addr_is_loopback(local) && hop.iface != NET_LO))
            return TERN_EADDRNOTAVAIL;
        out->src = *local; /* [RFC9293:MUST-43] */
    }
    return out->src.fam == TERN_AF_NONE ? TERN_EADDRNOTAVAIL : TERN_OK;
}

/* Where memory was laid out by it, or keys were made of it: as it was. */
static void keep_layout(struct tern_config *to, const struct tern_config *from)
{
    to->version = from->version;
    to->cpu = from->cpu;
    memcpy(to->seed, from->seed, sizeof to->seed);
    to->max_conns = from->max_conns;
    to->max_half_open = from->max_half_open;
    to->max_time_wait = from->max_time_wait;
    to->max_listeners = from->max_listeners;
    to->max_udp = from->max_udp;
    to->max_ifaces = from->max_ifaces;
    to->max_neigh = from->max_neigh;
    to->max_answers = from->max_answers;
    to->max_ooo = from->max_ooo;
    to->max_cc_blocks = from->max_cc_blocks;
    to->max_extras = from->max_extras;
    to->max_keys = from->max_keys;
    to->max_sent = from->max_sent;
    to->buf_bytes = from->buf_bytes;
    to->trace_records = from->trace_records;
}

int tern_stack_config(struct tern_stack *st, const struct tern_config *cfg)
{
    struct tern_config now = *cfg;
    keep_layout(&now, &st->cfg);
    if (tern_config_check(&now) != NULL)
        return TERN_EINVAL;
    st->cfg = now;
    tcp_config_changed(st->tcp);
    return TERN_OK;
}

void tern_forget_paths(struct tern_stack *st)
{
    tcp_forget_paths(st->tcp);
}

int tern_iface_add(struct tern_stack *st, const struct tern_iface_config *cfg)
{
    int i = iface_add(&st->ifs, cfg);
    if (i < 0)
        return i;
    const struct iface *f = &st->ifs.tab[i];
    route_add_iface(&st->routes, f);
    tcp_iface_set(st->tcp, (unsigned)i, f->mtu, f->gso_max, f->tx_csum);
    return i;
}

void tern_stack_usage(const struct tern_stack *st, struct tern_usage *out)
{
    memset(out, 0, sizeof *out);
    tcp_usage(st->tcp, out);
    out->udp = st->udp.pool.used;
    out->answers += st->answers.used;
    out->buf_bytes = st->arena.used;
}

uint64_t tern_stack_fail_take(struct tern_stack *st, uint64_t n, bool persist)
{
    uint64_t takes = st->fault.takes;
    st->fault.takes = 0;
    st->fault.fail_at = n;
    st->fault.persist = persist;
    return takes;
}

int tern_close(struct tern_stack *st, struct tern_sock s, struct tern_time now)
{
    now = stack_now(st, now);
    int r = sock_kind(s) == SOCK_UDP ? udp_close(&st->udp, s) : tcp_close(st->tcp, s, now);
    stack_after(st);
    return r;
}

int tern_setopt(struct tern_stack *st, struct tern_sock s, enum tern_opt opt, int64_t value,
                struct tern_time now)
{
    now = stack_now(st, now);
    if (sock_kind(s) == SOCK_UDP)
        return udp_setopt(&st->udp, s, opt, value);
    int r = tcp_setopt(st->tcp, s, opt, value, now);
    stack_after(st); /* TCP_CORK 0, TCP_NODELAY 1 let data out */
    return r;
}

int tern_getopt(struct tern_stack *st, struct tern_sock s, enum tern_opt opt, int64_t *value)
{
    if (sock_kind(s) == SOCK_UDP)
        return udp_getopt(&st->udp, s, opt, value);
    return tcp_getopt(st->tcp, s, opt, value);
}

int tern_sockname(struct tern_stack *st, struct tern_sock s, struct tern_endpoint *local)
{
    if (sock_kind(s) != SOCK_UDP)
        return tcp_sockname(st->tcp, s, local);
    const struct udp_port *p = udp_find(&st->udp, s);
    if (p == NULL)
        return TERN_EBADF;
    *local = p->local;
    return TERN_OK;
}

int tern_peername(struct tern_stack *st, struct tern_sock s, struct tern_endpoint *remote)
{
    if (sock_kind(s) != SOCK_UDP)
        return tcp_peername(st->tcp, s, remote);
    const struct udp_port *p = udp_find(&st->udp, s);
    if (p == NULL)
        return TERN_EBADF;
    if (p->remote.addr.fam == TERN_AF_NONE)
        return TERN_ENOTCONN;
    *remote = p->remote;
    return TERN_OK;
}

int tern_setuser(struct tern_stack *st, struct tern_sock s, uint64_t user)
{
    if (sock_kind(s) != SOCK_UDP)
        return tcp_setuser(st->tcp, s, user);
    struct udp_port *p = udp_find(&st->udp, s);
    if (p == NULL)
        return TERN_EBADF;
    p->user = user;
    return TERN_OK;
}

/* ---- the listener under flood ---- */

int tern_listener_policy(struct tern_stack *st, struct tern_sock listener,
                         const struct tern_listener_policy *policy)
{
    return tcp_listener_policy(st->tcp, listener, policy);
}

int tern_listener_policy_get(struct tern_stack *st, struct tern_sock listener,
                             struct tern_listener_policy *policy)
{
    return tcp_listener_policy_get(st->tcp, listener, policy);
}

void tern_syn_stats(struct tern_stack *st, struct tern_syn_stats *out, struct tern_time now)
{
    tcp_syn_stats(st->tcp, out, stack_now(st, now));
}

void tern_cookie_decode(struct tern_stack *st, const struct tern_endpoint *local,
                        const struct tern_endpoint *remote, uint32_t irs, uint32_t iss,
                        struct tern_cookie_info *out, struct tern_time now)
{
    tcp_cookie_decode(st->tcp, local, remote, irs, iss, out, stack_now(st, now));
}
