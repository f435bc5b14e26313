/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/fastopen_client.c: TCP Fast Open (RFC 7413), the client: which servers gave us a cookie, and
 * what our SYN carries.
 *
 * The table is small and fixed; the entry that was used longest ago gives way. It keeps for each
 * server the cookie and the MSS it announced, which bounds the text on a SYN. When a SYN with text
 * was lost and a plain one got through, something on the way eats the former: that server gets
 * plain SYNs for a while (config.fastopen_blackhole_ms) [RFC7413:4.1.3.1].
 *
 * A SYN that is sent again carries neither text nor cookie. A server that answers a request without
 * a cookie is asked with the experimental form of the option the next time, as old ones know only
 * that.
 */
#include "tcp/conn.h"

#define MSS_UNKNOWN 536u /* [RFC7413:4.1.3] */

static struct fo_entry *entry_find(struct tcp *t, const struct tcp_tuple *tu)
{
    for (unsigned i = 0; i < FO_CACHE; i++) {
        struct fo_entry *e = &t->fo.cache[i];
        if (e->fam == tu->fam && memcmp(e->raddr, tu->raddr, 16) == 0)
            return e;
    }
    return NULL;
}

/* The server's entry, made if need be: the free one, or the one that was used longest ago. */
static struct fo_entry *entry_make(struct tcp *t, const struct tcp_tuple *tu, struct tern_time now)
{
    struct fo_entry *e = entry_find(t, tu), *best = &t->fo.cache[0];
    uint32_t ms = tcp_ms(t, now), age = 0;
    for (unsigned i = 0; e == NULL && i < FO_CACHE; i++) {
        struct fo_entry *o = &t->fo.cache[i];
        if (o->fam == TERN_AF_NONE) {
            best = o;
            break;
        }
        if (ms - o->used_ms > age) {
            age = ms - o->used_ms;
            best = o;
        }
    }
    if (e == NULL) {
        e = best;
        memset(e, 0, sizeof *e);
        e->fam = tu->fam;
        e->kind = TCP_TFO;
        memcpy(e->raddr, tu->raddr, 16);
    }
    e->used_ms = ms;
    return e;
}

static bool entry_bad(const struct tcp *t, struct fo_entry *e, struct tern_time now)
{
    if (e->bad && tcp_ms(t, now) - e->bad_ms >= t->cfg->fastopen_blackhole_ms)
        e->bad = false;
    return e->bad;
}

bool tcp_fastopen_known(struct tcp *t, const struct tern_endpoint *remote, struct tern_time now)
{
    struct tcp_tuple tu = {.fam = remote->addr.fam};
    memcpy(tu.raddr, remote->addr.b, 16);
    struct fo_entry *e = entry_find(t, &tu);
    if (!(t->cfg->fastopen & FO_ON_CLIENT) || (e != NULL && entry_bad(t, e, now)))
        return false;
    return (t->cfg->fastopen & FO_ANY_CLIENT) != 0 || (e != NULL && e->len != 0);
}

/* Sets up what the SYN will carry; true if it may carry text. */
static bool prepare(struct tcp *t, struct tcp_conn *c, bool no_cookie, struct tern_time now)
{
    struct fo_entry *e = entry_find(t, &c->tuple);
    if (e != NULL && entry_bad(t, e, now))
        return false;
    struct tcp_extra *x = extra_take(t, c);
    if (x == NULL)
        return false;
    struct fo_conn *f = &x->fo;
    bool bold = t->cfg->profile == TERN_PROFILE_LINUX; /* takes the link's, as it does */
    f->mss = e != NULL && e->mss != 0 ? e->mss : bold ? c->mss : MSS_UNKNOWN;
    if (no_cookie || (t->cfg->fastopen & FO_ANY_CLIENT)) {
        f->is = FO_SEND;
        return true;
    }
    f->kind = e != NULL ? e->kind : TCP_TFO;
    f->is = FO_ASK; /* [RFC7413:4.1.3] without one it asks for one */
    if (e == NULL || e->len == 0)
        return false;
    f->is = FO_SEND;
    f->len = e->len;
    memcpy(f->cookie, e->cookie, e->len);
    e->used_ms = tcp_ms(t, now);
    return true;
}

/* Octets of text that a SYN has room for beside as many options as there can be. */
static uint32_t syn_room(const struct tcp *t, const struct tcp_conn *c)
{
    const struct fo_conn *f = &extra_of(t, c)->fo;
    uint32_t mss = f->mss < c->mss ? f->mss : c->mss;
    return mss > TCP_OPTS_MAX ? mss - TCP_OPTS_MAX : 0;
}

int64_t tcp_fastopen(struct tcp *t, const struct tern_endpoint *local,
                     const struct tern_endpoint *remote, unsigned iface, const void *buf,
                     size_t len, uint32_t flags, struct tern_sock *out, struct tern_time now)
{
    if (!(t->cfg->fastopen & FO_ON_CLIENT))
        return TERN_EOPNOTSUPP;
    if ((flags & ~(uint32_t)TERN_FASTOPEN_NO_COOKIE) != 0)
        return TERN_EINVAL;
    int err = tcp_connect(t, local, remote, iface, out, now);
    if (err != TERN_OK)
        return err;
    struct tcp_conn *c = conn_get(t, *out);
    if (c->sig_len != 0) /* a signature leaves a SYN no room for a cookie */
        return 0;
    if (!prepare(t, c, flags & TERN_FASTOPEN_NO_COOKIE, now) || len == 0)
        return 0;
    uint32_t most = syn_room(t, c);
    int64_t n = tcp_send(t, *out, buf, len < most ? len : most, 0, now);
    return n > 0 ? n : 0; /* no memory: a plain SYN with the cookie */
}

/* ---- our SYN ---- */

uint32_t fastopen_syn_len(const struct tcp *t, const struct tcp_conn *c)
{
    if (!(extra_of(t, c)->fo.is & FO_SEND))
        return 0;
    uint32_t most = syn_room(t, c);
    return c->snd.buf.len < most ? c->snd.buf.len : most;
}

void fastopen_syn_opts(const struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
                       struct tcp_opts *o)
{
    const struct fo_conn *f = &extra_of(t, c)->fo;
    bool active = c->state == TERN_TCP_SYN_SENT;
    /* [RFC7413:4.2.2#1] */
    if (f->kind == 0 || (active ? p->rexmt : !(f->is & FO_CHILD))) /* [RFC7413:4.1.3.1] */
        return;
    o->tfo = f->kind;
    o->tfo_len = f->len;
    o->tfo_cookie = f->cookie;
}

/* ---- what the SYN-ACK tells ---- */

/* No cookie came: a black hole, or a server that may know the other form of the option. */
static void no_cookie(const struct tcp *t, struct fo_entry *e, const struct tcp_conn *c,
                      const struct fo_conn *f, bool lost, struct tern_time now)
{
    if (c->syn_rexmt && lost) {
        e->bad = true;
        e->bad_ms = tcp_ms(t, now);
    } else if (!c->syn_rexmt && (f->is & FO_ASK)) {
        e->kind = f->kind == TCP_TFO && !e->tried ? TCP_TFO_EXP : TCP_TFO;
        e->tried = e->tried || f->kind != TCP_TFO;
    }
}

void fastopen_learn(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in,
                    struct tern_time now)
{
    const struct tcp_opts *o = &in->s.opt;
    struct tcp_extra *x = extra_own(t, c);
    if (x == NULL || !(x->fo.is & (FO_SEND | FO_ASK)))
        return; /* a cookie that was not asked for */
    struct fo_entry *e = entry_make(t, &c->tuple, now);
    bool cookie = x->fo.kind != 0 && o->tfo != 0 && o->tfo_len != 0;
    bool data = seq_gt(c->snd.nxt, seq_add(c->snd.iss, 1));
    bool taken = seq_gt(in->s.ack, seq_add(c->snd.iss, 1));
    if (o->has_mss)
        e->mss = o->mss;
    if (cookie) { /* [RFC7413:4.1.3] */
        e->kind = o->tfo;
        e->len = o->tfo_len;
        memcpy(e->cookie, o->tfo_cookie, o->tfo_len);
    } else {
        no_cookie(t, e, c, &x->fo, data && !taken, now);
    }
    if (taken)
        e->bad = false;
    x->fo.is &= (uint8_t)~FO_ASK;
}
