/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/demux.c: from a 4-tuple to the record that stands for it, and the life of a connection block.
 *
 * The tables are keyed with SipHash so that nobody outside can aim at one chain. An established
 * connection is looked for first, then a half-open one, then TIME-WAIT: a half-open record may
 * stand beside the TIME-WAIT record that it is about to replace [RFC6191:2].
 */
#include "tcp/guard.h"

uint32_t tuple_hash(const struct tcp *t, const struct tcp_tuple *tu)
{
    uint64_t ports = (uint64_t)tu->lport << 16 | tu->rport;
    if (tu->fam == TERN_AF_IP4) {
        uint32_t l, r;
        memcpy(&l, tu->laddr, 4);
        memcpy(&r, tu->raddr, 4);
        return (uint32_t)hash_2(&t->key_demux, (uint64_t)l << 32 | r, ports);
    }
    uint8_t all[36];
    memcpy(all, tu->laddr, 16);
    memcpy(all + 16, tu->raddr, 16);
    memcpy(all + 32, &tu->lport, 2);
    memcpy(all + 34, &tu->rport, 2);
    return (uint32_t)hash_bytes(&t->key_demux, all, sizeof all);
}

bool tuple_eq(const struct tcp_tuple *a, const struct tcp_tuple *b)
{
    return a->lport == b->lport && a->rport == b->rport && a->fam == b->fam &&
           memcmp(a->raddr, b->raddr, 16) == 0 && memcmp(a->laddr, b->laddr, 16) == 0;
}

struct tcp_conn *demux_conn(const struct tcp *t, const struct tcp_tuple *tu, uint32_t hash)
{
    uint32_t pos = hash, idx;
    while ((idx = map_next(&t->conn_map, hash, &pos)) != 0) {
        struct tcp_conn *c = conn_at(t, idx);
        if (tuple_eq(&c->tuple, tu)) {
            tern_assert(c->used && c->hashed);
            return c;
        }
    }
    return NULL;
}

static bool short_eq(const uint8_t *laddr, const uint8_t *raddr, uint16_t lport, uint16_t rport,
                     const struct tcp_tuple *tu)
{
    return lport == tu->lport && rport == tu->rport && tu->fam == TERN_AF_IP4 &&
           memcmp(raddr, tu->raddr, 4) == 0 && memcmp(laddr, tu->laddr, 4) == 0;
}

struct tcp_half *demux_half(const struct tcp *t, const struct tcp_tuple *tu, uint32_t hash)
{
    uint32_t pos = hash, idx;
    while ((idx = map_next(&t->half_map, hash, &pos)) != 0) {
        struct tcp_half *h = pool_at(&t->halves, idx);
        if (short_eq(h->laddr, h->raddr, h->lport, h->rport, tu))
            return h;
    }
    return NULL;
}

struct tcp_tw *demux_tw(const struct tcp *t, const struct tcp_tuple *tu, uint32_t hash)
{
    struct tcp_tw *w;
    for (uint32_t i = t->tws.head[hash & t->tws.mask]; i != 0; i = w->next) {
        w = &t->tws.ring[i - 1];
        if (short_eq(w->laddr, w->raddr, w->lport, w->rport, tu))
            return w;
    }
    return NULL;
}

/* A listener bound to the address goes before one for all addresses, and that before a gateway's.
 */
struct tcp_listener *demux_listener(const struct tcp *t, const struct tern_addr *addr,
                                    uint16_t port)
{
    struct tcp_listener *any = NULL;
    uint32_t pos = port, idx;
    while ((idx = map_next(&t->listen_map, port, &pos)) != 0) {
        struct tcp_listener *l = pool_at(&t->listeners, idx);
        if (l->port != port)
            continue;
        if (l->addr.fam == TERN_AF_NONE)
            any = l;
        else if (memcmp(&l->addr, addr, sizeof *addr) == 0)
            return l;
    }
    if (any == NULL && t->any_listener != 0)
        any = pool_at(&t->listeners, t->any_listener);
    return any;
}

static void conn_defaults(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    const struct tern_config *g = t->cfg;
    c->ttl = g->ttl;
    c->cc_id = g->cc;
    c->nodelay = !g->nagle;
    tune_init(t, c);
    c->rcv.ooo.max = (uint16_t)(g->max_conn_ooo < UINT16_MAX ? g->max_conn_ooo : UINT16_MAX);
    c->last_rx_ms = c->last_tx_ms = tcp_ms(t, now);
    rtt_init(&c->rtt, g);
}

struct tcp_conn *conn_new(struct tcp *t, const struct tcp_tuple *tu, uint32_t hash,
                          struct tern_time now)
{
    tern_assert(tu->fam == TERN_AF_IP4 && tu->iface < TCP_IFACES);
    uint32_t idx = pool_take(&t->conns);
    if (idx == 0)
        return NULL;
    struct tcp_conn *c = conn_at(t, idx);
    memset(c, 0, sizeof *c);
    c->used = c->hashed = true;
    c->tuple = *tu;
    c->gen = ++t->gen & SOCK_GEN_MASK;
    wheel_node_init(&c->wheel);
    link_init(&c->ready_link);
    link_init(&c->event_link);
    conn_defaults(t, c, now);
    map_put(&t->conn_map, hash, idx);
    offload_known(t, hash, 1);
    return c;
}

void conn_unhash(struct tcp *t, struct tcp_conn *c)
{
    if (!c->hashed)
        return;
    uint32_t idx = conn_idx(t, c), hash = tuple_hash(t, &c->tuple);
    map_remove(&t->conn_map, hash, idx);
    offload_known(t, hash, -1);
    c->hashed = false;
    if (t->last_conn == idx)
        t->last_conn = 0;
}

void conn_free(struct tcp *t, struct tcp_conn *c)
{
    uint32_t idx = conn_idx(t, c);
    tern_assert(c->used && c->listener == 0);
    conn_unhash(t, c);
    xmit_give(t, c);
    fastopen_gone(t, c, CAUSE_NONE);
    extra_give(t, &c->extra);
    park_end(t, c);
    ring_free(&c->snd.buf, t->arena);
    ring_free(&c->rcv.buf, t->arena);
    ranges_clear(&c->rcv.ooo, &t->ooo);
    wheel_set(&t->wheel, idx, TERN_NEVER);
    if (link_in(&c->ready_link))
        list_remove(&t->iface[c->tuple.iface].ready, &t->conns,
                    offsetof(struct tcp_conn, ready_link), idx);
    if (link_in(&c->event_link))
        list_remove(&t->conn_events, &t->conns, offsetof(struct tcp_conn, event_link), idx);
    if (c->prefix_counted)
        prefix_conn(t, c, -1);
    t->orphans -= c->orphan_counted;
    c->used = false;
    pool_give(&t->conns, idx);
}

struct tcp_conn *conn_get(struct tcp *t, struct tern_sock s)
{
    uint32_t idx = sock_index(s);
    if (sock_kind(s) != SOCK_CONN || idx == 0 || idx > t->conns.fresh)
        return NULL;
    struct tcp_conn *c = conn_at(t, idx);
    return c->used && !c->orphan && c->gen == sock_gen(s) ? c : NULL;
}

struct tern_sock conn_sock(const struct tcp *t, const struct tcp_conn *c)
{
    return sock_make(SOCK_CONN, c->gen, conn_idx(t, c));
}
