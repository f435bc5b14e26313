/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/open.c: the calls that open and close (RFC 9293 3.10.1, 3.10.4, 3.10.5): LISTEN, CONNECT,
 * ACCEPT, SHUTDOWN (half-close), CLOSE and ABORT.
 */
#include "tcp/guard.h"

static void listener_tuple(const struct tcp_listener *l, struct tcp_tuple *tu)
{
    memset(tu, 0, sizeof *tu);
    tu->lport = l->port;
    tu->fam = l->addr.fam;
    memcpy(tu->laddr, l->addr.b, 16);
}

/* [RFC9293:MUST-42] */
static bool listener_clash(struct tcp *t, const struct tern_endpoint *local, bool any)
{
    if (any)
        return t->any_listener != 0;
    uint32_t pos = local->port, idx;
    while ((idx = map_next(&t->listen_map, local->port, &pos)) != 0) {
        struct tcp_listener *l = pool_at(&t->listeners, idx);
        if (l->port == local->port &&
            (l->addr.fam == TERN_AF_NONE || local->addr.fam == TERN_AF_NONE ||
             memcmp(&l->addr, &local->addr, sizeof l->addr) == 0))
            return true;
    }
    return false;
}

int tcp_listen(struct tcp *t, const struct tern_endpoint *local, uint32_t backlog, uint32_t flags,
               struct tern_sock *out, struct tern_time now)
{
    bool any = flags & TERN_LISTEN_ANY;
    if ((flags & ~7u) != 0 || (!any && local->port == 0))
        return TERN_EINVAL;
    if (listener_clash(t, local, any))
        return TERN_EADDRINUSE;
    uint32_t idx = pool_take(&t->listeners); /* [RFC9293:MUST-41] */
    if (idx == 0)
        return TERN_ENOBUFS;
    struct tcp_listener *l = pool_at(&t->listeners, idx);
    memset(l, 0, sizeof *l);
    l->used = true;
    l->any = any;
    l->hold = flags & TERN_LISTEN_HOLD;
    l->must_ask = l->hold && !(flags & TERN_LISTEN_COOKIES);
    l->addr = local->addr; /* [RFC9293:MUST-43] */
    l->port = any ? 0 : local->port;
    l->backlog = backlog;
    l->gen = ++t->gen & SOCK_GEN_MASK;
    l->serial = ++t->serial;
    l->opts[0] = t->cfg->sndbuf;
    l->opts[1] = t->cfg->rcvbuf;
    l->opts[2] = !t->cfg->nagle;
    l->cc = t->cfg->cc;
    policy_init(t, l);
    fastopen_listen(t, l);
    link_init(&l->event_link);
    if (any)
        t->any_listener = idx;
    else
        map_put(&t->listen_map, l->port, idx);
    struct tcp_tuple tu;
    listener_tuple(l, &tu);
    tcp_note_state(t, &tu, l->serial, TERN_TCP_CLOSED, TERN_TCP_LISTEN, CAUSE_ST_LISTEN, now);
    *out = sock_make(SOCK_LISTENER, l->gen, idx);
    if (t->offload != NULL)
        offload_list(t);
    return TERN_OK;
}

struct tcp_listener *listener_get(struct tcp *t, struct tern_sock s)
{
    uint32_t idx = sock_index(s);
    if (sock_kind(s) != SOCK_LISTENER || idx == 0 || idx > t->listeners.fresh)
        return NULL;
    struct tcp_listener *l = pool_at(&t->listeners, idx);
    return l->used && l->gen == sock_gen(s) ? l : NULL;
}

int tcp_accept(struct tcp *t, struct tern_sock s, struct tern_sock *out)
{
    struct tcp_listener *l = listener_get(t, s);
    if (l == NULL)
        return TERN_EBADF;
    uint32_t idx = list_pop(&l->accept, &t->conns, offsetof(struct tcp_conn, event_link));
    if (idx == 0)
        return TERN_EAGAIN;
    struct tcp_conn *c = conn_at(t, idx);
    c->listener = 0;
    offload_look(t, l);
    *out = conn_sock(t, c);
    note_call(t, c, TERN_CALL_ACCEPT, 0, (struct tern_time){t->now_ns});
    if (c->events != 0)
        event_raise(t, c, 0);
    if (l->accept.count != 0)
        event_listener(t, l);
    return TERN_OK;
}

static int connect_tuple(struct tcp *t, const struct tern_endpoint *local,
                         const struct tern_endpoint *remote, unsigned iface, struct tcp_tuple *tu,
                         uint32_t *hash)
{
    memset(tu, 0, sizeof *tu);
    tu->fam = remote->addr.fam;
    tu->iface = (uint8_t)iface;
    tu->rport = remote->port;
    tu->lport = local->port;
    memcpy(tu->laddr, local->addr.b, 16);
    memcpy(tu->raddr, remote->addr.b, 16);
    if (tu->lport == 0 && port_choose(t, tu) == 0)
        return TERN_EADDRNOTAVAIL;
    *hash = tuple_hash(t, tu);
    if (demux_conn(t, tu, *hash) != NULL || demux_half(t, tu, *hash) != NULL ||
        demux_tw(t, tu, *hash) != NULL)
        return TERN_EADDRINUSE;
    return TERN_OK;
}

int tcp_connect(struct tcp *t, const struct tern_endpoint *local,
                const struct tern_endpoint *remote, unsigned iface, struct tern_sock *out,
                struct tern_time now)
{
    struct tcp_tuple tu;
    uint32_t hash;
    if (remote->port == 0)
        return TERN_EINVAL;
    int err = connect_tuple(t, local, remote, iface, &tu, &hash);
    if (err != TERN_OK)
        return err;
    tcp_at(t, now);
    struct tcp_conn *c = conn_new(t, &tu, hash, now);
    if (c == NULL)
        return TERN_ENOBUFS;
    if (t->auth_next != 0) {
        struct tcp_extra *e = extra_take(t, c);
        if (e == NULL) {
            conn_free(t, c);
            return TERN_ENOBUFS;
        }
        e->auth = t->auth_next;
        t->auth_next = 0;
        auth_refresh(t, c);
    }
    if (t->cfg->uto_s != 0)
        (void)extra_take(t, c); /* if there is none left it goes without the option */
    c->serial = ++t->serial;
    c->ts_off = ts_offset_of(t, &tu);
    c->mss = c->rcv_mss = iface_mss(t, iface, tu.fam, 0);
    c->snd.iss = isn_of(t, &tu, now);
    c->snd.una = c->snd.nxt = c->snd.rtx = c->snd.recover = c->snd.iss;
    c->owe_syn = CAUSE_TX_SYN;
    note_open(t, &tu, c->serial, CAUSE_ST_ACTIVE_OPEN, now);
    note_call(t, c, TERN_CALL_CONNECT, 0, now);
    tcp_enter(t, c, TERN_TCP_SYN_SENT, CAUSE_ST_ACTIVE_OPEN, now);
    tcp_ready(t, c);
    *out = conn_sock(t, c);
    return TERN_OK;
}

/* ---- closing ---- */

/* CLOSE as RFC 9293 3.10.4 means it: the sending side. */
static void close_sending(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    if (c->fin_wanted)
        return;
    c->fin_wanted = true;
    switch (c->state) {
    case TERN_TCP_SYN_RECEIVED:
        if (c->snd.buf.len != 0)
            return; /* takes effect in ESTABLISHED */
        conn_opened(t, c, now);
        tcp_enter(t, c, TERN_TCP_FIN_WAIT_1, CAUSE_ST_CLOSE, now);
        break;
    case TERN_TCP_ESTABLISHED:
        tcp_enter(t, c, TERN_TCP_FIN_WAIT_1, CAUSE_ST_CLOSE, now);
        break;
    default:
        tern_assert(c->state == TERN_TCP_CLOSE_WAIT);
        tcp_enter(t, c, TERN_TCP_LAST_ACK, CAUSE_ST_CLOSE_PASSIVE, now);
        break;
    }
    tcp_ready(t, c);
}

static bool may_close(unsigned state)
{
    return state == TERN_TCP_SYN_RECEIVED || state == TERN_TCP_ESTABLISHED ||
           state == TERN_TCP_CLOSE_WAIT;
}

int tcp_shutdown(struct tcp *t, struct tern_sock s, struct tern_time now)
{
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL)
        return TERN_EBADF;
    if (c->state == TERN_TCP_SYN_SENT || c->state == TERN_TCP_CLOSED)
        return TERN_ENOTCONN;
    tcp_at(t, now);
    note_call(t, c, TERN_CALL_SHUTDOWN, 0, now);
    if (may_close(c->state))
        close_sending(t, c, now);
    return TERN_OK;
}

static void reset_and_die(struct tcp *t, struct tcp_conn *c, unsigned tx, unsigned cause,
                          struct tern_time now)
{
    /* [RFC9293:3.10.5] Its CLOSING and LAST-ACK have sent all data and the FIN; ours are entered
     * when the application closes. While data is queued the peer must learn that it will not come.
     */
    bool only_fin = c->snd.buf.len == 0 && fin_sent(c);
    bool silent = c->state == TERN_TCP_SYN_SENT || c->state == TERN_TCP_TIME_WAIT ||
                  ((c->state == TERN_TCP_CLOSING || c->state == TERN_TCP_LAST_ACK) && only_fin);
    if (!silent)
        ans_conn_rst(t, c, tx);
    tcp_die(t, c, TERN_ECONNABORTED, cause, now);
}

/* From here on the connection is the stack's own. */
/* [RFC9293:MAY-1] */
static void conn_close(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    c->orphan = true;
    c->events = 0;
    if (link_in(&c->event_link))
        list_remove(&t->conn_events, &t->conns, offsetof(struct tcp_conn, event_link),
                    conn_idx(t, c));
    if (c->state == TERN_TCP_CLOSED || c->detached) {
        conn_free(t, c);
        return;
    }
    if (c->state == TERN_TCP_SYN_SENT) {
        tcp_die(t, c, TERN_OK, CAUSE_ST_CLOSE_UNOPENED, now);
        return;
    }
    if (c->rcv.buf.len != 0) { /* [RFC9293:SHLD-3] [RFC2525:2.17] */
        reset_and_die(t, c, CAUSE_TX_RST_UNREAD, CAUSE_ST_CLOSE_UNREAD, now);
        return;
    }
    if (t->cfg->max_orphans != 0 && t->orphans >= t->cfg->max_orphans) {
        reset_and_die(t, c, CAUSE_TX_RST_ORPHANS, CAUSE_ST_ORPHANS, now);
        return;
    }
    c->orphan_counted = true;
    t->orphans++;
    if (may_close(c->state))
        close_sending(t, c, now);
    else if (c->state == TERN_TCP_FIN_WAIT_2)
        timer_fin_wait_2(t, c, now);
}

static void listener_close(struct tcp *t, struct tcp_listener *l, struct tern_time now)
{
    uint32_t idx = pool_index(&t->listeners, l), i;
    if (t->offload != NULL)
        offload_unlist(t, l);
    for (unsigned w = 0; w < HALF_LISTS; w++) {
        for (i = t->half_list[w].head; i != 0;) {
            struct tcp_half *h = pool_at(&t->halves, i);
            i = h->link.next;
            if (h->listener != idx)
                continue;
            if (w != HALF_GONE) {
                struct tcp_tuple tu;
                half_tuple(h, &tu);
                tcp_note_state(t, &tu, h->serial, TERN_TCP_SYN_RECEIVED, TERN_TCP_LISTEN,
                               CAUSE_ST_LISTENER_GONE, now);
            }
            half_free(t, h);
        }
    }
    while ((i = list_pop(&l->accept, &t->conns, offsetof(struct tcp_conn, event_link))) != 0) {
        struct tcp_conn *c = conn_at(t, i);
        c->listener = 0;
        c->orphan = true;
        if (c->state == TERN_TCP_CLOSED || c->detached)
            conn_free(t, c);
        else
            reset_and_die(t, c, CAUSE_TX_RST_ABORT, CAUSE_ST_LISTENER_GONE, now);
    }
    struct tcp_tuple tu;
    listener_tuple(l, &tu);
    tcp_note_state(t, &tu, l->serial, TERN_TCP_LISTEN, TERN_TCP_CLOSED, CAUSE_ST_LISTEN_CLOSED,
                   now);
    if (link_in(&l->event_link))
        list_remove(&t->listen_events, &t->listeners, offsetof(struct tcp_listener, event_link),
                    idx);
    if (l->any)
        t->any_listener = 0;
    else
        map_remove(&t->listen_map, l->port, idx);
    l->used = false;
    extra_give(t, &l->extra);
    pool_give(&t->listeners, idx);
}

int tcp_close(struct tcp *t, struct tern_sock s, struct tern_time now)
{
    tcp_at(t, now);
    if (sock_kind(s) == SOCK_LISTENER) {
        struct tcp_listener *l = listener_get(t, s);
        if (l == NULL)
            return TERN_EBADF;
        listener_close(t, l, now);
        return TERN_OK;
    }
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL || c->listener != 0)
        return TERN_EBADF;
    note_call(t, c, TERN_CALL_CLOSE, 0, now);
    conn_close(t, c, now);
    return TERN_OK;
}

int tcp_abort(struct tcp *t, struct tern_sock s, struct tern_time now)
{
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL || c->listener != 0)
        return TERN_EBADF;
    tcp_at(t, now);
    note_call(t, c, TERN_CALL_ABORT, 0, now);
    c->orphan = true;
    if (c->detached) { /* TIME-WAIT: no packet, CLOSED */
        struct tcp_tw *w = demux_tw(t, &c->tuple, tuple_hash(t, &c->tuple));
        if (w != NULL && w->serial == c->serial)
            tw_drop(t, w, CAUSE_ST_ABORT, now);
    }
    if (c->state == TERN_TCP_CLOSED || c->detached)
        conn_free(t, c);
    else
        reset_and_die(t, c, CAUSE_TX_RST_ABORT, CAUSE_ST_ABORT, now);
    return TERN_OK;
}
