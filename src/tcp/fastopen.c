/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/fastopen.c: TCP Fast Open (RFC 7413), the server: text of a SYN reaches the application, and
 * its answer the peer, before the handshake is over. (The client: fastopen_client.c.)
 *
 * A peer that wants this shows a cookie, which is a keyed hash of the two addresses that we gave it
 * in an earlier SYN-ACK: so its address is not forged. Nothing is kept for cookies. A key can be
 * replaced at any time; cookies of the one before it are still good, and are exchanged for new
 * ones.
 *
 * A valid cookie makes a whole connection in SYN-RECEIVED at once. That costs more than a half-open
 * record, and cookies can be collected, so a listener bounds those that are pending; at the bound
 * SYNs are treated as ever, SYN cookies included. A RST does not free the place at once: it may
 * come from the owner of a forged address [RFC7413:5.1]. Whoever holds the listener's limits and
 * the prefix's (policy.c) is asked first.
 *
 * Text may be delivered twice when the network duplicates the SYN and the first connection is over:
 * only an application that can bear it should ask for Fast Open [RFC7413:6.1].
 */
#include "tcp/guard.h"

#define RESET_MS 60000u /* how long a RST keeps its place [RFC7413:5.1] */

/* ---- cookies ---- */

static const struct fo_keys *keys_of(const struct tcp *t, const struct tcp_listener *l)
{
    return l->fo.own_keys ? &l->fo.keys : &t->fo.keys;
}

static uint64_t cookie_hash(const struct hash_key *key, const struct tcp_tuple *tu)
{
    uint8_t both[32];
    size_t n = tu->fam == TERN_AF_IP4 ? 4 : 16;
    memcpy(both, tu->raddr, n); /* [RFC7413:4.1.2] the peer's address is what it proves */
    memcpy(both + n, tu->laddr, n);
    return hash_bytes(key, both, 2 * n);
}

static void cookie_put(const struct hash_key *key, const struct tcp_tuple *tu, uint8_t *cookie)
{
    uint64_t h = cookie_hash(key, tu);
    for (unsigned i = 0; i < FO_COOKIE; i++)
        cookie[i] = (uint8_t)(h >> 8 * i);
}

void fastopen_cookie(const struct tcp *t, const struct tcp_listener *l, const struct tcp_tuple *tu,
                     uint8_t *cookie)
{
    cookie_put(&keys_of(t, l)->key[0], tu, cookie);
}

/* Which key made this cookie: 0, 1, or -1: none. */
static int cookie_key(const struct tcp *t, const struct tcp_listener *l, const struct tcp_tuple *tu,
                      const struct tcp_opts *o)
{
    const struct fo_keys *k = keys_of(t, l);
    uint8_t ours[FO_COOKIE];
    if (o->tfo_len != FO_COOKIE)
        return -1;
    for (int i = 0; i < 1 + k->backup; i++) {
        cookie_put(&k->key[i], tu, ours);
        uint8_t diff = 0;
        for (unsigned n = 0; n < FO_COOKIE; n++)
            diff |= ours[n] ^ o->tfo_cookie[n];
        if (diff == 0)
            return i;
    }
    return -1;
}

static struct hash_key key_of(const uint8_t octets[16])
{
    struct hash_key k = {0, 0};
    for (unsigned i = 0; i < 8; i++) {
        k.k0 |= (uint64_t)octets[i] << 8 * i;
        k.k1 |= (uint64_t)octets[8 + i] << 8 * i;
    }
    return k;
}

int tcp_fastopen_key(struct tcp *t, struct tern_sock s, const uint8_t key[16],
                     const uint8_t *backup)
{
    struct fo_keys *k = &t->fo.keys;
    if (s.id != 0) {
        struct tcp_listener *l = listener_get(t, s);
        if (l == NULL)
            return TERN_EBADF;
        l->fo.own_keys = true;
        k = &l->fo.keys;
    }
    k->key[0] = key_of(key);
    k->backup = backup != NULL;
    if (k->backup)
        k->key[1] = key_of(backup);
    return TERN_OK;
}

/* ---- the listener ---- */

bool fastopen_on(const struct tcp *t, const struct tcp_listener *l) /* [RFC7413:2] */
{
    return (t->cfg->fastopen & FO_ON_SERVER) != 0 && l->fo.qlen != 0;
}

/* [RFC7413:4.2] [RFC7413:5.1] PendingFastOpenRequests. */
static bool full(const struct tcp *t, const struct tcp_listener *l, struct tern_time now)
{
    bool forgotten = tcp_ms(t, now) - l->fo.reset_ms >= RESET_MS;
    return l->fo.pending + (forgotten ? 0 : l->fo.resets) >= l->fo.qlen;
}

void fastopen_listen(const struct tcp *t, struct tcp_listener *l)
{
    const uint32_t both = FO_ALL | FO_ON_SERVER;
    if ((t->cfg->fastopen & both) == both && !l->hold) /* asked for by nobody: no way round hold */
        l->fo.qlen = l->backlog;
}

int fastopen_setopt(struct tcp_listener *l, unsigned opt, int64_t v)
{
    if (opt == TERN_OPT_FASTOPEN_NO_COOKIE) {
        if (v != 0 && v != 1)
            return TERN_EINVAL;
        l->fo.no_cookie = v != 0;
        return TERN_OK;
    }
    if (v < 0 || v > INT32_MAX)
        return TERN_EINVAL;
    if (l->must_ask && v != 0) /* nothing opens before the application has decided */
        return TERN_EOPNOTSUPP;
    l->fo.qlen = (uint32_t)v;
    return TERN_OK;
}

/* ---- the SYN ---- */

/* Does this SYN open at once? *kind becomes that of the option with a new cookie, if one is due. */
static bool good_syn(const struct tcp *t, const struct tcp_listener *l, const struct tcp_tuple *tu,
                     const struct tcp_in *in, uint8_t *kind)
{
    const struct tcp_opts *o = &in->s.opt;
    *kind = 0;
    if (in->s.len == 0 && o->tfo == 0)
        return false;
    if (l->fo.no_cookie || (t->cfg->fastopen & FO_ANY_SERVER))
        return true;
    int key = o->tfo != 0 ? cookie_key(t, l, tu, o) : -1;
    if (key == 1)
        *kind = o->tfo; /* [RFC7413:4.1.2] the cookie of an old key is exchanged */
    return key >= 0;
}

uint8_t fastopen_grant(const struct tcp *t, const struct tcp_listener *l,
                       const struct tcp_tuple *tu, const struct tcp_in *in, struct tern_time now)
{
    const struct tcp_opts *o = &in->s.opt;
    if (o->tfo == 0 || !fastopen_on(t, l) || full(t, l, now))
        return 0;
    /* [RFC7413:4.2.1] asked for, or the one shown is not valid */
    return o->tfo_len == 0 || cookie_key(t, l, tu, o) < 0 ? o->tfo : 0;
}

static void take_text(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s)
{
    uint32_t room = (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt);
    uint32_t n = s->len < room ? s->len : room;
    if (n == 0 || !ring_reserve(&c->rcv.buf, t->arena, n, UINT32_MAX, 0))
        return; /* not acknowledged: the peer sends it again */
    ring_write(&c->rcv.buf, 0, s->data, n);
    ring_commit(&c->rcv.buf, n);
    c->rcv.nxt = seq_add(c->rcv.nxt, n);
    c->bytes_rcvd += n;
    extra_own(t, c)->fo.is |= FO_SYN_DATA;
}

static void fill_child(struct tcp *t, struct tcp_conn *c, struct tcp_listener *l,
                       const struct tcp_in *in, struct tern_time now)
{
    const struct tcp_seg *s = &in->s;
    tcp_adopt(c, TERN_TCP_LISTEN);
    c->serial = ++t->serial;
    listener_gives(t, c, l);
    c->rcv_ws = window_shift(c->rcv.limit);
    conn_take_opts(t, c, &s->opt);
    c->ts_off = ts_offset_of(t, &c->tuple);
    c->snd.iss = isn_of(t, &c->tuple, now);
    c->snd.una = c->snd.nxt = c->snd.rtx = c->snd.recover = c->snd.iss;
    c->snd.wnd = c->snd.max_wnd = s->wnd; /* never scaled on a SYN [RFC7323:2.2] */
    c->snd.wl1 = s->seq;
    c->snd.wl2 = c->snd.una;
    c->rcv.irs = s->seq;
    c->rcv.nxt = c->rcv.acked = seq_add(s->seq, 1);
    c->rcv.adv = seq_add(c->rcv.nxt, c->rcv.limit < 65535 ? c->rcv.limit : 65535);
}

/* The connection that a good SYN makes; NULL for want of memory. */
static struct tcp_conn *child_new(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                                  uint32_t hash, const struct tcp_in *in, uint8_t kind,
                                  struct tern_time now)
{
    struct tcp_conn *c = conn_new(t, tu, hash, now);
    if (c == NULL)
        return NULL;
    struct tcp_extra *e = extra_inherit(t, c, l) ? extra_take(t, c) : NULL;
    if (e == NULL) {
        conn_free(t, c);
        return NULL;
    }
    fill_child(t, c, l, in, now);
    e->fo = (struct fo_conn){.listener = pool_index(&t->listeners, l),
                             .listener_gen = l->gen,
                             .is = FO_CHILD,
                             .kind = kind,
                             .len = kind != 0 ? FO_COOKIE : 0};
    if (kind != 0)
        fastopen_cookie(t, l, tu, e->fo.cookie);
    (void)ecn_accept(t, c, ecn_listen(t, in)); /* the record is there */
    l->fo.pending++;
    return c;
}

static unsigned open_now(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                         uint32_t hash, const struct tcp_in *in, uint8_t kind, struct tern_time now)
{
    struct tcp_conn *c = child_new(t, l, tu, hash, in, kind, now);
    if (c == NULL)
        return IN_GO;
    c->prefix_counted = true;
    prefix_conn(t, c, 1);
    note_open(t, tu, c->serial, CAUSE_ST_FASTOPEN, now);
    tcp_enter(t, c, TERN_TCP_SYN_RECEIVED, CAUSE_ST_FASTOPEN, now);
    conn_opened(t, c, now); /* [RFC7413:4.2.2#3] */
    take_text(t, c, &in->s);
    c->listener = (uint16_t)pool_index(&t->listeners, l);
    list_push_tail(&l->accept, &t->conns, offsetof(struct tcp_conn, event_link), conn_idx(t, c));
    offload_look(t, l);
    c->owe_syn = CAUSE_TX_SYN_ACK_FASTOPEN;
    /* [RFC7413:4.2.2#2] the application has it now, and may answer before the ACK comes */
    event_raise(t, c, TERN_EV_WRITABLE | (c->rcv.buf.len != 0 ? TERN_EV_READABLE : 0));
    event_listener(t, l);
    tcp_ready(t, c);
    return CAUSE_RX_SEG;
}

unsigned fastopen_syn(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                      uint32_t hash, struct tcp_in *in, struct tern_time now)
{
    uint8_t kind;
    if (!fastopen_on(t, l) || in->s.opt.sign != 0 || !good_syn(t, l, tu, in, &kind))
        return IN_GO;
    uint64_t prefix = prefix_hash(t, tu->raddr, tu->fam);
    if (full(t, l, now) || l->accept.count > l->backlog || !prefix_conn_ok(t, prefix) ||
        demux_tw(t, tu, hash) != NULL || !prefix_take(t, prefix, now))
        return IN_GO; /* and policy.c says what becomes of it */
    if (tcp_ms(t, now) - l->fo.reset_ms >= RESET_MS)
        l->fo.resets = 0;
    unsigned v = open_now(t, l, tu, hash, in, kind, now);
    if (v == IN_GO) {
        prefix_back(t, prefix, now);
        return IN_GO;
    }
    prefix_soon(t, prefix);
    detect_syn(t, tu, prefix, now);
    return v;
}

/* ---- the child ---- */

bool fastopen_child(const struct tcp *t, const struct tcp_conn *c)
{
    return c->extra != 0 && (extra_of(t, c)->fo.is & FO_CHILD) != 0;
}

/* It is pending no longer: acknowledged, or over. */
static void settle(struct tcp *t, struct fo_conn *f, bool reset)
{
    struct tcp_listener *l = pool_at(&t->listeners, f->listener);
    f->is &= (uint8_t)~FO_CHILD;
    if (!l->used || l->gen != f->listener_gen)
        return;
    tern_assert(l->fo.pending > 0);
    l->fo.pending--;
    if (reset) {
        l->fo.resets++;
        l->fo.reset_ms = tcp_ms(t, (struct tern_time){t->now_ns});
    }
}

static void child_acked(struct tcp *t, struct tcp_conn *c, struct fo_conn *f, struct tern_time now)
{
    settle(t, f, false);
    prefix_back(t, prefix_hash(t, c->tuple.raddr, c->tuple.fam), now);
    t->detect.done++;
    t->detect.st.outcome[TERN_SYN_COMPLETED]++;
}

/* Our SYN with data: what was not taken of it is sent again, at once [RFC7413:4.2.2]. */
static void send_acked(struct tcp *t, struct tcp_conn *c, struct fo_conn *f,
                       const struct tcp_seg *s)
{
    f->is &= (uint8_t)~FO_SEND;
    if (!seq_lt(s->ack, c->snd.nxt)) { /* all of it was taken */
        if (seq_gt(s->ack, seq_add(c->snd.iss, 1)))
            f->is |= FO_SYN_DATA;
        return;
    }
    trace_count(t->trace, CAUSE_CC_SYN_DATA_AGAIN);
    c->retrans++;
    f->is |= FO_AGAIN;
    f->again = c->snd.nxt;
    record_end(t, c, c->snd.nxt); /* again as it was, and nothing with it */
    c->snd.nxt = c->snd.rtx = s->ack;
}

void fastopen_acked(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in,
                    struct tern_time now)
{
    struct tcp_extra *e = extra_own(t, c);
    if (e == NULL)
        return;
    if (e->fo.is & FO_CHILD)
        child_acked(t, c, &e->fo, now);
    if (e->fo.is & FO_SEND)
        send_acked(t, c, &e->fo, &in->s);
}

void fastopen_settled(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    struct tcp_extra *e = extra_own(t, c);
    if (e != NULL && (e->fo.is & FO_CHILD))
        child_acked(t, c, &e->fo, now);
}

void fastopen_gone(struct tcp *t, struct tcp_conn *c, unsigned cause)
{
    struct tcp_extra *e = extra_own(t, c);
    if (e != NULL && (e->fo.is & FO_CHILD))
        settle(t, &e->fo, cause == CAUSE_ST_RST);
}
