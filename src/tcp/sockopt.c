/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp/sockopt.c: options of connections and listeners, names of their ends. */
#include "tcp/guard.h"

#define MAXSEG_LEAST 88
#define MAXSEG_MOST  32767

static int set_bool(int64_t v, bool *out)
{
    if (v != 0 && v != 1)
        return TERN_EINVAL;
    *out = v != 0;
    return TERN_OK;
}

static int set_buf(int64_t v, uint32_t *out)
{
    if (v < 2048 || v > 1 << 30)
        return TERN_EINVAL;
    *out = (uint32_t)v;
    return TERN_OK;
}

static int set_cc(int64_t v, uint8_t *out)
{
    if (v < 0 || v >= TERN_CC_COUNT)
        return TERN_EINVAL;
    *out = (uint8_t)v;
    return TERN_OK;
}

/* Another congestion control takes over: what the last one knew is forgotten. Its window stays,
 * unless that was not meant as one (BBR's is twice what the path holds, that of `none` has no
 * bound). */
static int conn_opt_cc(struct tcp *t, struct tcp_conn *c, int64_t v)
{
    struct xmit *x = conn_xmit(t, c);
    bool own = conn_cc(t, c)->own_recovery;
    if (v == c->cc_id)
        return TERN_OK;
    if (set_cc(v, &c->cc_id) != TERN_OK)
        return TERN_EINVAL;
    cwv_reset(t, c);
    c->cc.acc = 0;
    c->cc.pacing_bps = 0;
    c->cc.ext = NULL;
    if (x != NULL) {
        memset(x->cc_ext, 0, sizeof x->cc_ext);
        c->cc.ext = conn_cc(t, c)->ext_size != 0 ? x->cc_ext : NULL;
    }
    if (own && c->cc.cwnd != 0) {
        uint32_t least = cc_initial_window(c->cc.mss), flight = snd_flight(c);
        c->cc.cwnd = flight > least ? flight : least;
    }
    return TERN_OK;
}

static int listener_maxseg(struct tcp *t, struct tcp_listener *l, int64_t v)
{
    if (v < MAXSEG_LEAST || v > MAXSEG_MOST)
        return TERN_EINVAL;
    struct tcp_extra *e = extra_take_listener(t, l);
    if (e == NULL)
        return TERN_ENOBUFS;
    e->maxseg = (uint16_t)v;
    return TERN_OK;
}

static int listener_opt(struct tcp *t, struct tcp_listener *l, enum tern_opt opt, int64_t v)
{
    uint32_t u;
    bool b;
    int err;
    switch (opt) {
    case TERN_OPT_SNDBUF:
    case TERN_OPT_RCVBUF:
        if ((err = set_buf(v, &u)) == TERN_OK)
            l->opts[opt == TERN_OPT_RCVBUF] = u;
        l->buf_set[opt == TERN_OPT_RCVBUF] |= err == TERN_OK;
        return err;
    case TERN_OPT_NODELAY:
    case TERN_OPT_KEEPALIVE:
        if ((err = set_bool(v, &b)) == TERN_OK)
            l->opts[opt == TERN_OPT_NODELAY ? 2 : 3] = b;
        return err;
    case TERN_OPT_CONGESTION:
        return set_cc(v, &l->cc);
    case TERN_OPT_MAXSEG:
        return listener_maxseg(t, l, v);
    case TERN_OPT_FASTOPEN:
    case TERN_OPT_FASTOPEN_NO_COOKIE:
        return fastopen_setopt(l, opt, v);
    default:
        return TERN_ENOPROTOOPT;
    }
}

/* Options that are more than a stored value. */
static int conn_opt_bool(struct tcp *t, struct tcp_conn *c, enum tern_opt opt, int64_t v,
                         struct tern_time now)
{
    bool b;
    if (set_bool(v, &b) != TERN_OK)
        return TERN_EINVAL;
    switch (opt) {
    case TERN_OPT_NODELAY: /* [RFC9293:MUST-17] */
        c->nodelay = b;
        if (b) { /* what waits goes now, even if corked */
            c->more = false;
            c->flush = c->cork && seq_lt(c->snd.nxt, snd_fin(c));
        }
        break;
    case TERN_OPT_CORK:
        c->cork = b;
        break;
    case TERN_OPT_OOBINLINE:
        c->oobinline = b;
        return TERN_OK;
    case TERN_OPT_QUICKACK:
        if (t->pol->quick_acks != 0 && ack_set(t, c, b) != TERN_OK)
            return TERN_ENOBUFS;
        c->quickack = b;
        if (b && timer_on(c, TT_DELACK))
            c->owe_ack = CAUSE_TX_ACK_NOW;
        break;
    default:
        tern_assert(opt == TERN_OPT_KEEPALIVE); /* off by default [RFC9293:MUST-25] */
        /* [RFC9293:MUST-24] */
        c->keepalive = b;
        if (c->state != TERN_TCP_CLOSED && !c->detached)
            timer_keep_restart(t, c, now);
        return TERN_OK;
    }
    if (c->state != TERN_TCP_CLOSED)
        tcp_ready(t, c);
    return TERN_OK;
}

static int conn_maxseg(struct tcp *t, struct tcp_conn *c, int64_t v)
{
    if (v < MAXSEG_LEAST || v > MAXSEG_MOST)
        return TERN_EINVAL;
    struct tcp_extra *e = extra_take(t, c);
    if (e == NULL)
        return TERN_ENOBUFS;
    e->maxseg = (uint16_t)v;
    if (c->mss > v)
        c->mss = (uint16_t)v;
    if (c->mss_top > v)
        c->mss_top = (uint16_t)v;
    if (c->cc.mss > v)
        c->cc.mss = (uint32_t)v;
    return TERN_OK;
}

/* What stands in the headers of the segments. */
static int conn_opt_header(struct tcp *t, struct tcp_conn *c, enum tern_opt opt, int64_t v)
{
    switch (opt) {
    case TERN_OPT_MAXSEG:
        return conn_maxseg(t, c, v);
    case TERN_OPT_TTL:
        if (v < 1 || v > 255) /* [RFC9293:MUST-49] */
            return TERN_EINVAL;
        c->ttl = (uint8_t)v;
        return TERN_OK;
    case TERN_OPT_TOS:
        if (v < 0 || v > 255) /* [RFC9293:MUST-48] */
            return TERN_EINVAL;
        c->tos = (uint8_t)v; /* [RFC9293:SHLD-21] */
        return TERN_OK;
    default:
        return TERN_ENOPROTOOPT;
    }
}

/* Options of struct tcp_extra, and what changes at once with them. */
static int conn_opt_extra(struct tcp *t, struct tcp_conn *c, enum tern_opt opt, int64_t v,
                          struct tern_time now)
{
    struct tcp_extra *e = extra_take(t, c);
    bool alive = c->state != TERN_TCP_CLOSED && !c->detached;
    int err = e != NULL ? extra_set(e, opt, v) : TERN_ENOBUFS;
    if (err != TERN_OK)
        return err;
    switch (opt) {
    case TERN_OPT_KEEPIDLE_MS:
    case TERN_OPT_KEEPINTVL_MS:
    case TERN_OPT_KEEPCNT:
        if (alive)
            timer_keep_restart(t, c, now);
        break;
    case TERN_OPT_USER_TIMEOUT_MS:
        if (alive)
            uto_apply(t, c, now);
        break;
    case TERN_OPT_UTO_S:
        uto_changed(t, c, now);
        break;
    case TERN_OPT_IGNORE_PMTU:
        pmtu_ignore(t, c, v != 0, now);
        break;
    case TERN_OPT_RECVTOS:
        e->rcvd_tos = 0;
        break;
    case TERN_OPT_NOTSENT_LOWAT:
        user_writable(t, c);
        break;
    case TERN_OPT_RCVLOWAT:
        user_readable(t, c);
        break;
    default:
        break;
    }
    return TERN_OK;
}

static int conn_opt_number(struct tcp *t, struct tcp_conn *c, enum tern_opt opt, int64_t v,
                           struct tern_time now)
{
    switch (opt) {
    case TERN_OPT_SNDBUF:
        c->snd_tuned &= set_buf(v, &c->snd.limit) != TERN_OK;
        return set_buf(v, &c->snd.limit);
    case TERN_OPT_RCVBUF:
        c->rcv_tuned &= set_buf(v, &c->rcv.limit) != TERN_OK;
        return set_buf(v, &c->rcv.limit);
    default:
        return extra_has(opt) ? conn_opt_extra(t, c, opt, v, now) : conn_opt_header(t, c, opt, v);
    }
}

int tcp_setopt(struct tcp *t, struct tern_sock s, enum tern_opt opt, int64_t v,
               struct tern_time now)
{
    if (sock_kind(s) == SOCK_LISTENER) {
        struct tcp_listener *l = listener_get(t, s);
        if (l != NULL && opt >= TERN_OPT_SYN_POLICY)
            return policy_setopt(t, s, opt, v);
        if (l != NULL && extra_has(opt)) {
            struct tcp_extra *e = extra_take_listener(t, l);
            return e != NULL ? extra_set(e, opt, v) : TERN_ENOBUFS;
        }
        return l != NULL ? listener_opt(t, l, opt, v) : TERN_EBADF;
    }
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL)
        return TERN_EBADF;
    switch (opt) {
    case TERN_OPT_NODELAY:
    case TERN_OPT_CORK:
    case TERN_OPT_KEEPALIVE:
    case TERN_OPT_OOBINLINE:
    case TERN_OPT_QUICKACK:
        return conn_opt_bool(t, c, opt, v, now);
    case TERN_OPT_CONGESTION:
        return conn_opt_cc(t, c, v);
    default:
        return conn_opt_number(t, c, opt, v, now);
    }
}

static int listener_getopt(const struct tcp *t, const struct tcp_listener *l, enum tern_opt opt,
                           int64_t *v)
{
    switch (opt) {
    case TERN_OPT_SNDBUF:
    case TERN_OPT_RCVBUF:
        *v = l->opts[opt == TERN_OPT_RCVBUF];
        return TERN_OK;
    case TERN_OPT_NODELAY:
    case TERN_OPT_KEEPALIVE:
        *v = l->opts[opt == TERN_OPT_NODELAY ? 2 : 3];
        return TERN_OK;
    case TERN_OPT_CONGESTION:
        *v = l->cc;
        return TERN_OK;
    case TERN_OPT_MAXSEG:
        *v = extra_of_listener(t, l)->maxseg;
        return TERN_OK;
    case TERN_OPT_FASTOPEN:
        *v = l->fo.qlen;
        return TERN_OK;
    case TERN_OPT_FASTOPEN_NO_COOKIE:
        *v = l->fo.no_cookie;
        return TERN_OK;
    case TERN_OPT_RCVQ:
        *v = l->accept.count;
        return TERN_OK;
    default:
        return TERN_ENOPROTOOPT;
    }
}

static int conn_getopt(const struct tcp *t, struct tcp_conn *c, enum tern_opt opt, int64_t *v)
{
    switch (opt) {
    case TERN_OPT_NODELAY:
        *v = c->nodelay;
        return TERN_OK;
    case TERN_OPT_CORK:
        *v = c->cork;
        return TERN_OK;
    case TERN_OPT_KEEPALIVE:
        *v = c->keepalive;
        return TERN_OK;
    case TERN_OPT_OOBINLINE:
        *v = c->oobinline;
        return TERN_OK;
    case TERN_OPT_QUICKACK:
        *v = t->pol->quick_acks != 0 ? ack_get(t, c) : c->quickack;
        return TERN_OK;
    case TERN_OPT_ERROR:
        *v = -c->err;
        c->err = 0;
        return TERN_OK;
    case TERN_OPT_SOFT_ERROR:
        *v = soft_take(c);
        return TERN_OK;
    default:
        return TERN_ENOPROTOOPT;
    }
}

static int conn_getopt_number(const struct tcp *t, const struct tcp_conn *c, enum tern_opt opt,
                              int64_t *v)
{
    const struct tcp_extra *e = extra_of(t, c);
    switch (opt) {
    case TERN_OPT_UTO_ADOPTED_MS:
        *v = uto_adopted(t, c);
        return TERN_OK;
    case TERN_OPT_RCVD_TOS: /* [RFC9293:MAY-9] */
        *v = e->recv_tos ? e->rcvd_tos : 0;
        return TERN_OK;
    case TERN_OPT_SNDBUF:
        *v = c->snd.limit;
        return TERN_OK;
    case TERN_OPT_RCVBUF:
        *v = c->rcv.limit;
        return TERN_OK;
    case TERN_OPT_MAXSEG:
        *v = c->mss;
        return TERN_OK;
    case TERN_OPT_TTL:
        *v = c->ttl;
        return TERN_OK;
    case TERN_OPT_CONGESTION:
        *v = c->cc_id;
        return TERN_OK;
    case TERN_OPT_TOS:
        *v = c->tos;
        return TERN_OK;
    case TERN_OPT_MTU:
        *v = c->mss + 40;
        return TERN_OK;
    case TERN_OPT_SNDQ:
        *v = c->snd.buf.len;
        return TERN_OK;
    case TERN_OPT_RCVQ:
        *v = c->rcv.buf.len;
        return TERN_OK;
    default:
        return TERN_ENOPROTOOPT;
    }
}

int tcp_getopt(struct tcp *t, struct tern_sock s, enum tern_opt opt, int64_t *v)
{
    if (sock_kind(s) == SOCK_LISTENER) {
        struct tcp_listener *l = listener_get(t, s);
        if (l != NULL && opt >= TERN_OPT_SYN_POLICY)
            return policy_getopt(l, opt, v);
        if (l != NULL && extra_has(opt)) {
            *v = extra_get(extra_of_listener(t, l), opt);
            return TERN_OK;
        }
        return l != NULL ? listener_getopt(t, l, opt, v) : TERN_EBADF;
    }
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL)
        return TERN_EBADF;
    if (extra_has(opt)) {
        *v = extra_get(extra_of(t, c), opt);
        return TERN_OK;
    }
    int err = conn_getopt(t, c, opt, v);
    return err == TERN_ENOPROTOOPT ? conn_getopt_number(t, c, opt, v) : err;
}

int tcp_sockname(struct tcp *t, struct tern_sock s, struct tern_endpoint *out)
{
    if (sock_kind(s) == SOCK_LISTENER) {
        struct tcp_listener *l = listener_get(t, s);
        if (l == NULL)
            return TERN_EBADF;
        out->addr = l->addr;
        out->port = l->port;
        return TERN_OK;
    }
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL)
        return TERN_EBADF;
    memset(out, 0, sizeof *out);
    out->addr.fam = c->tuple.fam;
    memcpy(out->addr.b, c->tuple.laddr, 16);
    out->port = c->tuple.lport;
    return TERN_OK;
}

int tcp_peername(struct tcp *t, struct tern_sock s, struct tern_endpoint *out)
{
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL)
        return sock_kind(s) == SOCK_LISTENER ? TERN_ENOTCONN : TERN_EBADF;
    memset(out, 0, sizeof *out);
    out->addr.fam = c->tuple.fam;
    memcpy(out->addr.b, c->tuple.raddr, 16);
    out->port = c->tuple.rport;
    return TERN_OK;
}

int tcp_setuser(struct tcp *t, struct tern_sock s, uint64_t user)
{
    struct tcp_listener *l = listener_get(t, s);
    struct tcp_conn *c = l == NULL ? conn_get(t, s) : NULL;
    if (l != NULL)
        l->user = user;
    else if (c != NULL)
        c->user = user;
    else
        return TERN_EBADF;
    return TERN_OK;
}
