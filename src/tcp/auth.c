/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/auth.c: keys for signed segments: whose they are, which one fits a peer, and the calls that
 * set them.
 *
 * Two pools of config.max_keys: sets of keys (struct tcp_auth), and keys. A key's octets exist in
 * its record and nowhere else; auth_give() and key_free() are the ways out, and both wipe.
 */
#include "base/wipe.h"
#include "tcp/guard.h"

static struct tcp_auth *auth_at(const struct tcp *t, uint32_t idx)
{
    return idx != 0 ? (struct tcp_auth *)pool_at(&t->auths, idx) : NULL;
}

static struct tcp_key *key_at(const struct tcp *t, uint32_t idx)
{
    tern_assert(idx != 0);
    return (struct tcp_key *)pool_at(&t->keys, idx);
}

struct tcp_auth *auth_of(const struct tcp *t, const struct tcp_conn *c)
{
    return c->extra != 0 ? auth_at(t, extra_of(t, c)->auth) : NULL;
}

struct tcp_auth *auth_of_listener(const struct tcp *t, const struct tcp_listener *l)
{
    return l->extra != 0 ? auth_at(t, extra_of_listener(t, l)->auth) : NULL;
}

/* Few connections are signed and fewer of them wait at a time: they are looked for one by one. */
struct tcp_auth *auth_of_tw(const struct tcp *t, const struct tcp_tw *w)
{
    if (!w->sign)
        return NULL;
    for (uint32_t i = 1; i <= t->auths.fresh; i++) {
        struct tcp_auth *a = auth_at(t, i);
        if (a->serial == w->serial)
            return a;
    }
    return NULL;
}

/* ---- which key ---- */

/* Do the first n bits agree? */
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned n)
{
    if (memcmp(a, b, n / 8) != 0)
        return false;
    unsigned rest = n % 8;
    return rest == 0 || (a[n / 8] ^ b[n / 8]) >> (8 - rest) == 0;
}

static bool key_fits(const struct tcp_key *k, const uint8_t *peer, uint8_t fam)
{
    return k->fam == fam && bits_equal(k->addr, peer, k->plen);
}

unsigned auth_kind(const struct tcp *t, const struct tcp_auth *a, const uint8_t *peer, uint8_t fam)
{
    const struct tcp_key *k;
    for (uint32_t i = a != NULL ? a->keys : 0; i != 0; i = k->next) {
        k = key_at(t, i);
        if (key_fits(k, peer, fam))
            return k->kind;
    }
    return TCP_SIGN_NONE;
}

const struct tcp_key *auth_md5_key(const struct tcp *t, const struct tcp_auth *a,
                                   const uint8_t *peer, uint8_t fam)
{
    const struct tcp_key *best = NULL, *k;
    for (uint32_t i = a->keys; i != 0; i = k->next) {
        k = key_at(t, i);
        if (k->kind == TCP_SIGN_MD5 && key_fits(k, peer, fam) &&
            (best == NULL || k->plen > best->plen))
            best = k;
    }
    return best;
}

uint32_t auth_ao_key(const struct tcp *t, const struct tcp_auth *a, const uint8_t *peer,
                     uint8_t fam, int send_id, int recv_id)
{
    const struct tcp_key *k;
    for (uint32_t i = a->keys; i != 0; i = k->next) {
        k = key_at(t, i);
        if (k->kind == TCP_SIGN_AO && key_fits(k, peer, fam) &&
            (send_id < 0 || k->send_id == send_id) && (recv_id < 0 || k->recv_id == recv_id))
            return i;
    }
    return 0;
}

/* ---- life ---- */

static uint32_t auth_new(struct tcp *t)
{
    uint32_t idx = pool_take(&t->auths);
    if (idx != 0)
        memset(auth_at(t, idx), 0, sizeof(struct tcp_auth));
    return idx;
}

static void key_free(struct tcp *t, uint32_t idx)
{
    wipe(key_at(t, idx), sizeof(struct tcp_key));
    pool_give(&t->keys, idx);
}

void auth_give(struct tcp *t, uint32_t *idx)
{
    if (*idx == 0)
        return;
    struct tcp_auth *a = auth_at(t, *idx);
    for (uint32_t i = a->keys; i != 0;) {
        uint32_t next = key_at(t, i)->next;
        key_free(t, i);
        i = next;
    }
    wipe(a, sizeof *a);
    pool_give(&t->auths, *idx);
    *idx = 0;
}

/* Behind the others: the first that fits stays the first. */
static void key_append(struct tcp *t, struct tcp_auth *a, uint32_t idx)
{
    uint32_t *at = &a->keys;
    while (*at != 0)
        at = &key_at(t, *at)->next;
    key_at(t, idx)->next = 0;
    *at = idx;
}

bool auth_copy(struct tcp *t, uint32_t from, const struct tcp_tuple *tu, uint32_t *to)
{
    *to = 0;
    const struct tcp_auth *a = auth_at(t, from);
    const struct tcp_key *k;
    if (a == NULL || (!a->required && auth_kind(t, a, tu->raddr, tu->fam) == TCP_SIGN_NONE))
        return true;
    uint32_t idx = auth_new(t);
    if (idx == 0)
        return false;
    auth_at(t, idx)->required = a->required;
    for (uint32_t i = a->keys; i != 0; i = k->next) {
        k = key_at(t, i);
        if (!key_fits(k, tu->raddr, tu->fam))
            continue;
        uint32_t copy = pool_take(&t->keys);
        if (copy == 0) {
            auth_give(t, &idx);
            return false;
        }
        *key_at(t, copy) = *k;
        key_at(t, copy)->good = key_at(t, copy)->bad = 0;
        key_append(t, auth_at(t, idx), copy);
    }
    *to = idx;
    return true;
}

void auth_refresh(struct tcp *t, struct tcp_conn *c)
{
    struct tcp_auth *a = auth_of(t, c);
    unsigned kind = auth_kind(t, a, c->tuple.raddr, c->tuple.fam), was = c->sig_len;
    c->sig_len = kind == TCP_SIGN_MD5 ? SIGN_MD5_ROOM : kind == TCP_SIGN_AO ? SIGN_AO_ROOM : 0;
    if (kind == TCP_SIGN_AO && a->cur == 0) /* the first one added begins */
        a->cur = a->rnext = auth_ao_key(t, a, c->tuple.raddr, c->tuple.fam, -1, -1);
    if (c->cc.mss > 0 && c->sig_len > was && c->cc.mss > c->sig_len - was) {
        c->cc.mss -= c->sig_len - was; /* already open: less room for text from now on */
    }
}

void auth_opened(struct tcp *t, struct tcp_conn *c, uint8_t send_id)
{
    struct tcp_auth *a = auth_of(t, c);
    if (a == NULL)
        return;
    a->cur = a->rnext = auth_ao_key(t, a, c->tuple.raddr, c->tuple.fam, send_id, -1);
    auth_refresh(t, c);
}

bool auth_tw_take(struct tcp *t, struct tcp_conn *c)
{
    if (c->sig_len == 0)
        return false;
    struct tcp_extra *e = extra_own(t, c);
    struct tcp_auth *a = auth_at(t, e->auth);
    a->serial = c->serial;
    a->isn_local = c->snd.iss.v;
    a->isn_remote = c->rcv.irs.v;
    e->auth = 0;
    c->sig_len = 0;
    return true;
}

void auth_tw_drop(struct tcp *t, const struct tcp_tw *w)
{
    struct tcp_auth *a = auth_of_tw(t, w);
    if (a == NULL)
        return;
    uint32_t idx = pool_index(&t->auths, a);
    auth_give(t, &idx);
}

/* ---- the calls ---- */

/* Whose keys a call means: those of a listener, of a connection (*c), or, with the handle 0, of the
 * connection that the next tcp_connect() makes. NULL: *err says why. */
static uint32_t *owner(struct tcp *t, struct tern_sock s, struct tcp_conn **c, int *err)
{
    *c = NULL;
    *err = TERN_EBADF;
    if (s.id == 0)
        return &t->auth_next;
    struct tcp_listener *l = listener_get(t, s);
    struct tcp_extra *e = NULL;
    if (l != NULL) {
        if (t->offload != NULL)
            offload_unlist(t, l); /* until it is seen what keys it has then */
        e = extra_take_listener(t, l);
    } else {
        *c = conn_get(t, s);
        if (*c == NULL)
            return NULL;
        if ((*c)->state == TERN_TCP_CLOSED || (*c)->detached) {
            *err = TERN_ENOTCONN;
            return NULL;
        }
        e = extra_take(t, *c);
    }
    *err = TERN_ENOBUFS;
    return e != NULL ? &e->auth : NULL;
}

static int peer_ok(const struct tern_addr *peer, unsigned prefix)
{
    if (peer->fam != TERN_AF_IP4 && peer->fam != TERN_AF_IP6)
        return TERN_EAFNOSUPPORT;
    return prefix <= (peer->fam == TERN_AF_IP4 ? 32 : 128) ? TERN_OK : TERN_EINVAL;
}

/* A key of the other kind for peers that both would fit [RFC5925:2.2]. */
static bool kinds_clash(const struct tcp *t, const struct tcp_auth *a, const struct tcp_key *n)
{
    const struct tcp_key *k;
    for (uint32_t i = a->keys; i != 0; i = k->next) {
        k = key_at(t, i);
        unsigned bits = k->plen < n->plen ? k->plen : n->plen;
        if (k->kind != n->kind && k->fam == n->fam && bits_equal(k->addr, n->addr, bits))
            return true;
    }
    return false;
}

/* The place of a key in its owner's list; NULL if it is not there. */
static uint32_t *key_find(struct tcp *t, struct tcp_auth *a, const struct tcp_key *like)
{
    for (uint32_t *at = &a->keys; *at != 0; at = &key_at(t, *at)->next) {
        const struct tcp_key *k = key_at(t, *at);
        if (k->kind == like->kind && k->fam == like->fam && k->plen == like->plen &&
            bits_equal(k->addr, like->addr, k->plen) && k->send_id == like->send_id &&
            k->recv_id == like->recv_id)
            return at;
    }
    return NULL;
}

static void key_unlink(struct tcp *t, uint32_t *at)
{
    uint32_t idx = *at;
    *at = key_at(t, idx)->next;
    key_free(t, idx);
}

/* Puts the key in, in the place of one for the same peers and KeyIDs. */
static int key_put(struct tcp *t, uint32_t *slot, const struct tcp_key *k)
{
    if (*slot != 0 && kinds_clash(t, auth_at(t, *slot), k))
        return TERN_EINVAL;
    uint32_t idx = pool_take(&t->keys);
    if (idx == 0)
        return TERN_ENOBUFS;
    bool fresh = *slot == 0;
    if (fresh && (*slot = auth_new(t)) == 0) {
        pool_give(&t->keys, idx);
        return TERN_ENOBUFS;
    }
    struct tcp_auth *a = auth_at(t, *slot);
    uint32_t *old = fresh ? NULL : key_find(t, a, k);
    if (old != NULL)
        key_unlink(t, old);
    *key_at(t, idx) = *k;
    key_append(t, a, idx);
    return TERN_OK;
}

static void key_fill(struct tcp_key *k, unsigned kind, const struct tern_addr *peer,
                     unsigned prefix)
{
    memset(k, 0, sizeof *k);
    k->kind = (uint8_t)kind;
    k->fam = peer->fam;
    k->plen = (uint8_t)prefix;
    memcpy(k->addr, peer->b, sizeof k->addr);
}

int tcp_md5_key(struct tcp *t, struct tern_sock s, const struct tern_addr *peer, unsigned prefix,
                const void *key, size_t len)
{
    struct tcp_conn *c;
    struct tcp_key k;
    int err = peer_ok(peer, prefix);
    if (err != TERN_OK || len > sizeof k.key)
        return err != TERN_OK ? err : TERN_EINVAL;
    uint32_t *slot = owner(t, s, &c, &err);
    if (slot == NULL)
        return err;
    key_fill(&k, TCP_SIGN_MD5, peer, prefix);
    k.len = (uint8_t)len;
    err = TERN_OK;
    if (len != 0) {
        memcpy(k.key, key, len);
        err = key_put(t, slot, &k);
        wipe(&k, sizeof k);
    } else {
        uint32_t *at = *slot != 0 ? key_find(t, auth_at(t, *slot), &k) : NULL;
        if (at != NULL)
            key_unlink(t, at);
        else
            err = TERN_EINVAL;
    }
    if (c != NULL)
        auth_refresh(t, c);
    return err;
}

/* Has this connection sent something that was not signed with AO? */
static bool open_without(const struct tcp_conn *c)
{
    return c->sig_len != SIGN_AO_ROOM && !seq_eq(c->snd.nxt, c->snd.iss);
}

int tcp_ao_add(struct tcp *t, struct tern_sock s, const struct tern_ao_key *key)
{
    struct tcp_conn *c;
    struct tcp_key k;
    int err = peer_ok(&key->peer, key->prefix);
    if (err != TERN_OK)
        return err;
    if (key->key_len > TERN_AUTH_KEY_MAX || key->alg > TERN_AO_AES_128_CMAC)
        return TERN_EINVAL;
    uint32_t *slot = owner(t, s, &c, &err);
    if (slot == NULL)
        return err;
    if (c != NULL && open_without(c))
        return TERN_EISCONN;
    const struct tcp_auth *a = auth_at(t, *slot);
    /* An ID must name one key of a peer [RFC5925:3.1]. */
    if (a != NULL && (auth_ao_key(t, a, key->peer.b, key->peer.fam, key->send_id, -1) != 0 ||
                      auth_ao_key(t, a, key->peer.b, key->peer.fam, -1, key->recv_id) != 0))
        return TERN_EINVAL;
    key_fill(&k, TCP_SIGN_AO, &key->peer, key->prefix);
    k.send_id = key->send_id;
    k.recv_id = key->recv_id;
    k.alg = key->alg;
    k.skip_opts = key->skip_options;
    k.len = key->key_len;
    memcpy(k.key, key->key, key->key_len);
    err = key_put(t, slot, &k);
    wipe(&k, sizeof k);
    if (c != NULL)
        auth_refresh(t, c);
    return err;
}

int tcp_ao_del(struct tcp *t, struct tern_sock s, const struct tern_addr *peer, unsigned prefix,
               unsigned send_id, unsigned recv_id)
{
    struct tcp_conn *c;
    struct tcp_key k;
    int err = peer_ok(peer, prefix);
    if (err != TERN_OK || send_id > 255 || recv_id > 255)
        return err != TERN_OK ? err : TERN_EINVAL;
    uint32_t *slot = owner(t, s, &c, &err);
    if (slot == NULL)
        return err;
    struct tcp_auth *a = auth_at(t, *slot);
    key_fill(&k, TCP_SIGN_AO, peer, prefix);
    k.send_id = (uint8_t)send_id;
    k.recv_id = (uint8_t)recv_id;
    uint32_t *at = a != NULL ? key_find(t, a, &k) : NULL;
    if (at == NULL || *at == a->cur || *at == a->rnext)
        return TERN_EINVAL;
    for (unsigned i = 0; i < 2; i++)
        if (a->cache[i].key == *at)
            wipe(&a->cache[i], sizeof a->cache[i]);
    key_unlink(t, at);
    return TERN_OK;
}

int tcp_ao_set(struct tcp *t, struct tern_sock s, int current, int rnext)
{
    struct tcp_conn *c = conn_get(t, s);
    struct tcp_auth *a = c != NULL ? auth_of(t, c) : NULL;
    if (c == NULL && listener_get(t, s) == NULL)
        return TERN_EBADF;
    if (a == NULL || c->sig_len != SIGN_AO_ROOM || current > 255 || rnext > 255)
        return TERN_EINVAL;
    const uint8_t *peer = c->tuple.raddr;
    uint32_t cur = current < 0 ? a->cur : auth_ao_key(t, a, peer, c->tuple.fam, current, -1);
    uint32_t next = rnext < 0 ? a->rnext : auth_ao_key(t, a, peer, c->tuple.fam, -1, rnext);
    if (cur == 0 || next == 0)
        return TERN_EINVAL;
    a->cur = cur;
    a->rnext = next;
    return TERN_OK;
}

int tcp_ao_require(struct tcp *t, struct tern_sock s, bool on)
{
    struct tcp_conn *c;
    int err;
    uint32_t *slot = owner(t, s, &c, &err);
    if (slot == NULL)
        return err;
    if (*slot == 0 && (*slot = auth_new(t)) == 0)
        return TERN_ENOBUFS;
    auth_at(t, *slot)->required = on;
    return TERN_OK;
}

/* For reading: the keys of a listener or connection, NULL without any. */
static int reader(struct tcp *t, struct tern_sock s, struct tcp_conn **c, struct tcp_auth **a)
{
    const struct tcp_listener *l = listener_get(t, s);
    *c = l == NULL ? conn_get(t, s) : NULL;
    if (l == NULL && *c == NULL)
        return TERN_EBADF;
    *a = l != NULL ? auth_of_listener(t, l) : auth_of(t, *c);
    return TERN_OK;
}

int tcp_ao_get(struct tcp *t, struct tern_sock s, unsigned index, struct tern_ao_key *out)
{
    struct tcp_conn *c;
    struct tcp_auth *a;
    const struct tcp_key *k;
    int err = reader(t, s, &c, &a);
    memset(out, 0, sizeof *out);
    if (err != TERN_OK)
        return err;
    for (uint32_t i = a != NULL ? a->keys : 0; i != 0; i = k->next) {
        k = key_at(t, i);
        if (k->kind != TCP_SIGN_AO || index-- != 0)
            continue;
        out->peer.fam = k->fam;
        memcpy(out->peer.b, k->addr, sizeof k->addr);
        out->prefix = k->plen;
        out->send_id = k->send_id;
        out->recv_id = k->recv_id;
        out->alg = k->alg;
        out->skip_options = k->skip_opts;
        out->key_len = k->len;
        out->current = i == a->cur;
        out->rnext = i == a->rnext;
        out->good = k->good;
        out->bad = k->bad;
        return 1;
    }
    return 0;
}

int tcp_auth_info(struct tcp *t, struct tern_sock s, struct tern_auth_info *out)
{
    struct tcp_conn *c;
    struct tcp_auth *a;
    int err = reader(t, s, &c, &a);
    *out = (struct tern_auth_info){.current = -1, .rnext = -1};
    if (err != TERN_OK || a == NULL)
        return err;
    if (c != NULL)
        out->kind = (uint8_t)auth_kind(t, a, c->tuple.raddr, c->tuple.fam);
    out->required = a->required;
    if (a->cur != 0)
        out->current = key_at(t, a->cur)->send_id;
    if (a->rnext != 0)
        out->rnext = key_at(t, a->rnext)->recv_id;
    out->good = a->good;
    out->bad = a->bad;
    out->unknown = a->unknown;
    out->missing = a->missing;
    return TERN_OK;
}

void tcp_keys_forget(struct tcp *t)
{
    auth_give(t, &t->auth_next);
}

void auth_inspect(const struct tcp *t, const struct tcp_conn *c, struct tern_info *out)
{
    const struct tcp_auth *a = c->sig_len != 0 ? auth_of(t, c) : NULL;
    if (a == NULL)
        return;
    out->signed_by = c->sig_len == SIGN_MD5_ROOM ? TCP_SIGN_MD5 : TCP_SIGN_AO;
    if (a->cur != 0)
        out->ao_key = key_at(t, a->cur)->send_id;
    if (a->rnext != 0)
        out->ao_rnext = key_at(t, a->rnext)->recv_id;
}
