/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp/udp.c: ports: opening, connecting, closing, finding.
 *
 * The map is keyed by port number alone. Two ports with one number differ in their addresses, of
 * which a stack has few, so the walk over candidates is short.
 */
#include "udp/udp.h"

#include "base/addr.h"
#include "base/assert.h"

static size_t udp_align(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

size_t udp_size(uint32_t max)
{
    return udp_align(sizeof(struct udp_port) * max) +
           udp_align(sizeof(struct map_slot) * map_slots(max));
}

void udp_init(struct udp *u, void *mem, const struct udp_setup *s)
{
    memset(u, 0, sizeof *u);
    uint8_t *p = mem;
    pool_init(&u->pool, p, sizeof(struct udp_port), s->max, s->fault);
    p += udp_align(sizeof(struct udp_port) * s->max);
    map_init(&u->map, (struct map_slot *)(void *)p, map_slots(s->max));
    u->arena = s->arena;
    u->ck = s->ck;
    u->key = s->key;
    u->port_lo = s->port_lo;
    u->port_hi = s->port_hi;
    u->ttl = s->ttl;
    prng_init(&u->prng, s->seed);
}

struct udp_port *udp_at(const struct udp *u, uint32_t idx)
{
    return pool_at(&u->pool, idx);
}

uint32_t udp_port_hash(const struct udp *u, uint16_t port)
{
    return (uint32_t)hash_2(&u->key, port, 0);
}

struct udp_port *udp_find(const struct udp *u, struct tern_sock s)
{
    uint32_t idx = sock_index(s);
    if (sock_kind(s) != SOCK_UDP || idx == 0 || idx > u->pool.fresh)
        return NULL;
    struct udp_port *p = udp_at(u, idx);
    return p->open && (p->gen & SOCK_GEN_MASK) == sock_gen(s) ? p : NULL;
}

void udp_tell(struct udp *u, struct udp_port *p, uint32_t bits)
{
    p->bits |= bits;
    if (!link_in(&p->event))
        list_push_tail(&u->events, &u->pool, offsetof(struct udp_port, event),
                       pool_index(&u->pool, p));
}

/* Would a port at `local` stand in the way of another, or another in its way? */
static bool udp_taken(const struct udp *u, const struct tern_addr *addr, uint16_t port)
{
    uint32_t hash = udp_port_hash(u, port), pos = hash, idx;
    while ((idx = map_next(&u->map, hash, &pos)) != 0) {
        const struct udp_port *p = udp_at(u, idx);
        if (p->local.port != port)
            continue;
        if (addr_is_any(addr) || addr_is_any(&p->local.addr) || addr_eq(addr, &p->local.addr))
            return true;
    }
    return false;
}

/* A free port number from a random place on [RFC6056:3.3.1]; 0 = none. */
static uint16_t udp_ephemeral(struct udp *u, const struct tern_addr *addr)
{
    uint32_t span = (uint32_t)u->port_hi - u->port_lo + 1;
    uint32_t at = prng_below(&u->prng, span);
    for (uint32_t i = 0; i < span; i++) {
        uint16_t port = (uint16_t)(u->port_lo + (at + i) % span);
        if (!udp_taken(u, addr, port))
            return port;
    }
    return 0;
}

int udp_open(struct udp *u, const struct tern_endpoint *local, uint32_t flags,
             struct tern_sock *out)
{
    bool any = (flags & TERN_UDP_ANY) != 0;
    uint16_t number = local->port;
    if ((flags & ~(uint32_t)TERN_UDP_ANY) != 0 || (any && number != 0))
        return TERN_EINVAL;
    if (any ? u->any != 0 : number != 0 && udp_taken(u, &local->addr, number))
        return TERN_EADDRINUSE;
    if (!any && number == 0 && (number = udp_ephemeral(u, &local->addr)) == 0)
        return TERN_EADDRNOTAVAIL;
    uint32_t idx = pool_take(&u->pool);
    if (idx == 0)
        return TERN_ENOBUFS;
    struct udp_port *p = udp_at(u, idx);
    uint32_t gen = p->gen;
    memset(p, 0, sizeof *p);
    link_init(&p->turn);
    link_init(&p->event);
    p->gen = gen;
    p->local = *local;
    p->local.port = number;
    p->rx_max = p->tx_max = UDP_QUEUE;
    p->ttl = u->ttl;
    p->any = any;
    p->open = true;
    if (any) {
        u->any = idx;
    } else {
        p->hash = udp_port_hash(u, number);
        map_put(&u->map, p->hash, idx);
    }
    *out = sock_make(SOCK_UDP, gen, idx);
    return TERN_OK;
}

int udp_connect(struct udp *u, struct tern_sock s, const struct tern_addr *local,
                const struct tern_endpoint *remote)
{
    struct udp_port *p = udp_find(u, s);
    if (p == NULL)
        return TERN_EBADF;
    if (p->any)
        return TERN_EOPNOTSUPP;
    if (addr_is_any(&p->local.addr) && remote->addr.fam != TERN_AF_NONE)
        p->local.addr = *local;
    p->remote = *remote;
    p->err = 0;
    return TERN_OK;
}

int udp_close(struct udp *u, struct tern_sock s)
{
    struct udp_port *p = udp_find(u, s);
    if (p == NULL)
        return TERN_EBADF;
    uint32_t idx = sock_index(s);
    if (link_in(&p->turn))
        list_remove(&u->ready[p->turn_iface], &u->pool, offsetof(struct udp_port, turn), idx);
    if (link_in(&p->event))
        list_remove(&u->events, &u->pool, offsetof(struct udp_port, event), idx);
    if (p->any)
        u->any = 0;
    else
        map_remove(&u->map, p->hash, idx);
    ring_free(&p->rx, u->arena);
    ring_free(&p->tx, u->arena);
    p->open = false;
    p->gen++;
    pool_give(&u->pool, idx);
    return TERN_OK;
}

bool udp_event_next(struct udp *u, struct tern_event *ev)
{
    uint32_t idx = list_pop(&u->events, &u->pool, offsetof(struct udp_port, event));
    if (idx == 0)
        return false;
    struct udp_port *p = udp_at(u, idx);
    tern_assert(p->open && p->bits != 0);
    memset(ev, 0, sizeof *ev);
    ev->bits = p->bits;
    ev->sock = sock_make(SOCK_UDP, p->gen, idx);
    ev->user = p->user;
    p->bits = 0;
    return true;
}
