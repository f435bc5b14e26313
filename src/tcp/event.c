/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/event.c: what the application is told. One node a connection with a set of bits: raising is
 * idempotent, the queue cannot overflow. A connection that waits to be accepted collects its bits
 * until it has a handle.
 */
#include "tcp/conn.h"

#define CONN_LINK   offsetof(struct tcp_conn, event_link)
#define LISTEN_LINK offsetof(struct tcp_listener, event_link)
#define HALF_LINK   offsetof(struct tcp_half, link)

void event_raise(struct tcp *t, struct tcp_conn *c, unsigned bits)
{
    if (c->orphan)
        return;
    c->events |= (uint16_t)bits;
    if (c->listener != 0 || link_in(&c->event_link))
        return;
    list_push_tail(&t->conn_events, &t->conns, CONN_LINK, conn_idx(t, c));
}

void event_listener(struct tcp *t, struct tcp_listener *l)
{
    if (!link_in(&l->event_link))
        list_push_tail(&t->listen_events, &t->listeners, LISTEN_LINK, pool_index(&t->listeners, l));
}

static bool next_listener(struct tcp *t, struct tern_event *ev)
{
    uint32_t idx = list_pop(&t->listen_events, &t->listeners, LISTEN_LINK);
    if (idx == 0)
        return false;
    struct tcp_listener *l = pool_at(&t->listeners, idx);
    ev->bits = TERN_EV_ACCEPT;
    ev->sock = sock_make(SOCK_LISTENER, l->gen, idx);
    ev->user = l->user;
    return true;
}

static void half_event(struct tcp *t, const struct tcp_half *h, struct tern_event *ev)
{
    struct tcp_listener *l = pool_at(&t->listeners, h->listener);
    ev->sock = sock_make(SOCK_HALF_OPEN, h->gen, pool_index(&t->halves, h));
    ev->listener = sock_make(SOCK_LISTENER, l->gen, h->listener);
    ev->user = l->user;
    ev->local.addr.fam = ev->remote.addr.fam = TERN_AF_IP4;
    memcpy(ev->local.addr.b, h->laddr, 4);
    memcpy(ev->remote.addr.b, h->raddr, 4);
    ev->local.port = h->lport;
    ev->remote.port = h->rport;
}

static bool next_half(struct tcp *t, struct tern_event *ev)
{
    uint32_t idx = t->half_list[HALF_GONE].head;
    if (idx != 0) {
        struct tcp_half *h = pool_at(&t->halves, idx);
        half_event(t, h, ev);
        ev->bits = TERN_EV_SYN_GONE;
        half_free(t, h);
        return true;
    }
    idx = list_pop(&t->half_list[HALF_HELD_NEW], &t->halves, HALF_LINK);
    if (idx == 0)
        return false;
    struct tcp_half *h = pool_at(&t->halves, idx);
    h->where = HALF_HELD;
    h->offered = true;
    list_push_tail(&t->half_list[HALF_HELD], &t->halves, HALF_LINK, idx);
    half_event(t, h, ev);
    ev->bits = TERN_EV_SYN;
    return true;
}

bool tcp_event_next(struct tcp *t, struct tern_event *ev)
{
    memset(ev, 0, sizeof *ev);
    if (t->detect.event) {
        t->detect.event = false;
        ev->bits = TERN_EV_FLOOD;
        ev->err = t->detect.st.verdict;
        return true;
    }
    if (next_half(t, ev) || next_listener(t, ev))
        return true;
    uint32_t idx = list_pop(&t->conn_events, &t->conns, CONN_LINK);
    if (idx == 0)
        return false;
    struct tcp_conn *c = conn_at(t, idx);
    ev->bits = c->events;
    ev->sock = conn_sock(t, c);
    ev->user = c->user;
    ev->err = c->events & TERN_EV_CLOSED ? c->err : 0;
    c->events = 0;
    return true;
}
