/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/keys.c: TCP_MD5SIG and TCP_MD5SIG_EXT (RFC 2385), and TCP_AO_* (RFC 5925).
 *
 * What a program sets before connect() or listen() is kept with its socket and told to the stack
 * when there is something to tell it about; afterwards it is told at once, and the stack is the one
 * that is asked. An accepted connection has its listener's keys from the stack. As on Linux an MD5
 * key of length 0 takes one away, and ENOENT says that there was none; unlike Linux no call gives a
 * key's octets back. The program's own copy is not ours to wipe; these are.
 *
 * A key for a peer in 127.0.0.0/8 is one for the stack's own address, where such peers really are.
 */
#include "run/sup.h"

#include "port/aoopt.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct sk_key {
    struct sk_key *next;
    bool ao;
    struct tern_ao_key k; /* of an MD5 key: peer, prefix, key */
};

struct sk_keys {
    struct sk_key *list; /* in the order in which they were added */
    bool required;       /* of TCP_AO_INFO, until there is a handle */
    int current, rnext;  /* SendID, RecvID; -1 = the first key's */
};

static void key_free(struct sk_key *k)
{
    explicit_bzero(k, sizeof *k);
    free(k);
}

void keys_free(struct sk *sk)
{
    if (!sk->keys)
        return;
    while (sk->keys->list) {
        struct sk_key *k = sk->keys->list;
        sk->keys->list = k->next;
        key_free(k);
    }
    free(sk->keys);
    sk->keys = NULL;
}

static int from_stack(int rc)
{
    return rc >= 0 ? 0 : rc == TERN_ENOBUFS ? ENOMEM : tern_errno(rc);
}

/* The socket's own record; NULL: no memory. */
static struct sk_keys *keys_own(struct sk *sk)
{
    if (!sk->keys && (sk->keys = calloc(1, sizeof *sk->keys)) != NULL)
        sk->keys->current = sk->keys->rnext = -1;
    return sk->keys;
}

static struct sk_key *keys_list(const struct sk *sk)
{
    return sk->keys ? sk->keys->list : NULL;
}

/* ---- the stack's side ---- */

/* The key as the stack must have it. */
static struct tern_ao_key key_real(const struct sk *sk, const struct tern_ao_key *k)
{
    struct tern_ao_key real = *k;
    if (addr_is_loop(&k->peer) && k->prefix >= 8) {
        real.peer = sk->run->cfg.addr;
        real.prefix = 32;
    }
    return real;
}

static int key_tell(const struct sk *sk, const struct sk_key *k, struct tern_sock to)
{
    struct tern_ao_key real = key_real(sk, &k->k);
    struct tern_stack *st = sk->run->cfg.st;
    int rc = k->ao ? tern_tcp_ao_add(st, to, &real)
                   : tern_tcp_md5_key(st, to, &real.peer, real.prefix, real.key, real.key_len);
    explicit_bzero(&real, sizeof real);
    return from_stack(rc);
}

static bool bits_same(const struct tern_addr *a, const struct tern_addr *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if ((a->b[i / 8] ^ b->b[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

/* Is there a peer that both are for? */
static bool keys_overlap(const struct sk *sk, const struct tern_ao_key *a,
                         const struct tern_ao_key *b)
{
    struct tern_ao_key x = key_real(sk, a), y = key_real(sk, b);
    bool both = bits_same(&x.peer, &y.peer, x.prefix < y.prefix ? x.prefix : y.prefix);
    explicit_bzero(&x, sizeof x);
    explicit_bzero(&y, sizeof y);
    return both;
}

/* With AO keys there must be one for the peer, as on Linux. */
static int keys_missing(const struct sk *sk, const struct tern_addr *peer)
{
    const struct tern_ao_key to = {.peer = *peer, .prefix = 32};
    bool any = false;
    for (const struct sk_key *k = keys_list(sk); k; k = k->next) {
        any |= k->ao;
        if (keys_overlap(sk, &k->k, &to))
            return 0;
    }
    return any ? EKEYREJECTED : 0;
}

int keys_apply(const struct sk *sk, struct tern_sock to, const struct tern_addr *peer)
{
    int err = peer ? keys_missing(sk, peer) : 0;
    int first = sk->keys ? sk->keys->current : -1;
    /* The one that signs the SYN goes first: the stack begins with it. */
    for (int pass = 0; pass < 2; pass++) {
        for (const struct sk_key *k = keys_list(sk); k && !err; k = k->next) {
            bool leads = k->ao && k->k.send_id == first;
            if (leads == (pass == 0))
                err = key_tell(sk, k, to);
        }
    }
    if (!err && sk->keys && sk->keys->required)
        err = from_stack(tern_tcp_ao_require(sk->run->cfg.st, to, true));
    return err;
}

void keys_opened(const struct sk *sk)
{
    if (sk->keys && sk->keys->rnext >= 0)
        (void)tern_tcp_ao_set(sk->run->cfg.st, sk->h, -1, sk->keys->rnext);
}

/* ---- the socket's side ---- */

static bool key_same(const struct sk_key *a, const struct sk_key *b)
{
    return a->ao == b->ao && a->k.prefix == b->k.prefix &&
           memcmp(&a->k.peer, &b->k.peer, sizeof a->k.peer) == 0 && a->k.send_id == b->k.send_id &&
           a->k.recv_id == b->k.recv_id;
}

/* Keeps a copy of n, in the place of the same one. 0 or ENOMEM. */
static int key_keep(struct sk *sk, const struct sk_key *n)
{
    struct sk_keys *own = keys_own(sk);
    struct sk_key **at = own ? &own->list : NULL;
    while (at && *at && !key_same(*at, n))
        at = &(*at)->next;
    if (!at || (!*at && !(*at = calloc(1, sizeof **at))))
        return ENOMEM;
    struct sk_key *next = (*at)->next;
    **at = *n;
    (*at)->next = next;
    return 0;
}

/* Takes the same one away; false: there was none. */
static bool key_drop(struct sk *sk, const struct sk_key *n)
{
    struct sk_key **at = sk->keys ? &sk->keys->list : NULL;
    while (at && *at && !key_same(*at, n))
        at = &(*at)->next;
    if (!at || !*at)
        return false;
    struct sk_key *old = *at;
    *at = old->next;
    key_free(old);
    return true;
}

/* ---- MD5 ---- */

static int md5_read(const void *value, size_t len, bool ext, struct sk_key *out)
{
    struct tcp_md5sig m;
    struct sockaddr_in in;
    if (len < sizeof m)
        return EINVAL;
    memcpy(&m, value, sizeof m);
    memcpy(&in, &m.tcpm_addr, sizeof in);
    *out = (struct sk_key){.k = {.peer.fam = TERN_AF_IP4, .prefix = 32}};
    int err = in.sin_family != AF_INET || m.tcpm_keylen > sizeof out->k.key ? EINVAL : 0;
    if (ext && (m.tcpm_flags & ~TCP_MD5SIG_FLAG_PREFIX))
        err = EINVAL; /* the stack has one interface, without a number */
    if (ext && (m.tcpm_flags & TCP_MD5SIG_FLAG_PREFIX))
        out->k.prefix = m.tcpm_prefixlen;
    if (out->k.prefix > 32)
        err = EINVAL;
    memcpy(out->k.peer.b, &in.sin_addr, 4);
    if (!err) {
        out->k.key_len = (uint8_t)m.tcpm_keylen;
        memcpy(out->k.key, m.tcpm_key, out->k.key_len);
    }
    explicit_bzero(&m, sizeof m);
    return err;
}

int keys_set_md5(struct sk *sk, const void *value, size_t len, bool ext)
{
    struct sk_key k;
    int err = md5_read(value, len, ext, &k);
    if (!err && k.k.key_len == 0)
        err = key_drop(sk, &k) ? 0 : ENOENT;
    else if (!err)
        err = key_keep(sk, &k);
    /* A listener's and a connection's are changed at once. */
    if (!err && sk->h.id)
        err = key_tell(sk, &k, sk->h);
    explicit_bzero(&k, sizeof k);
    return err;
}

/* ---- AO ---- */

/* The i-th AO key, without its octets: the stack's, or of those that wait for a handle. */
static bool ao_at(const struct sk *sk, unsigned i, struct tern_ao_key *out)
{
    if (sk->h.id) {
        bool there = tern_tcp_ao_get(sk->run->cfg.st, sk->h, i, out) == 1;
        if (there && sk->loop && memcmp(&out->peer, &sk->run->cfg.addr, sizeof out->peer) == 0)
            out->peer = addr_ip4(INADDR_LOOPBACK);
        return there;
    }
    const struct sk_key *k = keys_list(sk);
    while (k && (!k->ao || i-- != 0))
        k = k->next;
    if (!k)
        return false;
    *out = k->k;
    explicit_bzero(out->key, sizeof out->key);
    out->current = k->k.send_id == sk->keys->current;
    out->rnext = k->k.recv_id == sk->keys->rnext;
    return true;
}

/* Is there a key with this SendID, or this RecvID; -1 = any? */
static bool ao_has(const struct sk *sk, int send_id, int recv_id)
{
    struct tern_ao_key k;
    for (unsigned i = 0; ao_at(sk, i, &k); i++)
        if ((send_id < 0 || k.send_id == send_id) && (recv_id < 0 || k.recv_id == recv_id))
            return true;
    return false;
}

/* A connection, or something that may become one: has a Current_key and an RNext_key. */
static int ao_choose(struct sk *sk, int current, int rnext)
{
    if (current < 0 && rnext < 0)
        return 0;
    if (sk->state == SK_LISTEN)
        return EINVAL;
    if ((current >= 0 && !ao_has(sk, current, -1)) || (rnext >= 0 && !ao_has(sk, -1, rnext)))
        return ENOENT;
    if (sk->h.id)
        return from_stack(tern_tcp_ao_set(sk->run->cfg.st, sk->h, current, rnext));
    struct sk_keys *own = keys_own(sk);
    if (!own)
        return ENOMEM;
    own->current = current >= 0 ? current : own->current;
    own->rnext = rnext >= 0 ? rnext : own->rnext;
    return 0;
}

/* Why a key cannot stand beside those that there are: the IDs of an AO key are unique among those
 * of overlapping peers; or MD5 has them. 0 = it can. */
static int ao_clash(const struct sk *sk, const struct tern_ao_key *n)
{
    struct tern_ao_key k;
    for (unsigned i = 0; ao_at(sk, i, &k); i++)
        if ((k.send_id == n->send_id || k.recv_id == n->recv_id) && keys_overlap(sk, &k, n))
            return EEXIST;
    for (const struct sk_key *m = keys_list(sk); m; m = m->next)
        if (!m->ao && keys_overlap(sk, &m->k, n))
            return EKEYREJECTED;
    return 0;
}

static int ao_add(struct sk *sk, const void *value, size_t len)
{
    uint32_t flags = 0;
    struct sk_key k = {.ao = true};
    int err = aoopt_add(value, len, &k.k, &flags);
    if (!err && flags != 0 && sk->state == SK_LISTEN)
        err = EINVAL;
    if (!err)
        err = ao_clash(sk, &k.k);
    if (!err && sk->h.id)
        err = key_tell(sk, &k, sk->h);
    if (!err && (!sk->h.id || sk->keys)) /* an accepted connection has none of its own */
        err = key_keep(sk, &k);
    if (!err)
        err = ao_choose(sk, flags & AO_SET_CURRENT ? k.k.send_id : -1,
                        flags & AO_SET_RNEXT ? k.k.recv_id : -1);
    explicit_bzero(&k, sizeof k);
    return err;
}

static int ao_del(struct sk *sk, const void *value, size_t len)
{
    struct ao_del d;
    struct sk_key k = {.ao = true};
    int err = aoopt_del(value, len, &k.k, &d);
    if (err)
        return err;
    if ((d.flags & AO_DEL_ASYNC) && sk->state != SK_LISTEN)
        return EINVAL;
    if (!ao_has(sk, k.k.send_id, k.k.recv_id))
        return ENOENT;
    err = ao_choose(sk, d.flags & AO_SET_CURRENT ? d.current_key : -1,
                    d.flags & AO_SET_RNEXT ? d.rnext : -1);
    if (err)
        return err;
    if (sk->h.id) {
        struct tern_ao_key real = key_real(sk, &k.k);
        int rc = tern_tcp_ao_del(sk->run->cfg.st, sk->h, &real.peer, real.prefix, real.send_id,
                                 real.recv_id);
        if (rc < 0) /* it is there: it is in use, or its peers are others */
            return rc == TERN_EINVAL ? EBUSY : from_stack(rc);
        (void)key_drop(sk, &k);
        return 0;
    }
    if (sk->keys->current == k.k.send_id || sk->keys->rnext == k.k.recv_id)
        return EBUSY;
    return key_drop(sk, &k) ? 0 : ENOENT;
}

static int ao_info(struct sk *sk, const void *value, size_t len)
{
    struct ao_info i;
    int err = aoopt_info(value, len, &i);
    if (!err)
        err = ao_choose(sk, i.flags & AO_SET_CURRENT ? i.current_key : -1,
                        i.flags & AO_SET_RNEXT ? i.rnext : -1);
    if (err)
        return err;
    bool on = (i.flags & AO_REQUIRED) != 0;
    if (sk->h.id)
        return from_stack(tern_tcp_ao_require(sk->run->cfg.st, sk->h, on));
    if (!keys_own(sk))
        return ENOMEM;
    sk->keys->required = on;
    return 0;
}

int keys_set_ao(struct sk *sk, int name, const void *value, size_t len)
{
    switch (name) {
    case AO_OPT_ADD_KEY:
        return ao_add(sk, value, len);
    case AO_OPT_DEL_KEY:
        return ao_del(sk, value, len);
    case AO_OPT_INFO:
        return ao_info(sk, value, len);
    case AO_OPT_REPAIR:
        return EPERM; /* as without CAP_NET_ADMIN */
    default:
        return ENOPROTOOPT; /* TCP_AO_GET_KEYS is only read */
    }
}

/* ---- asking ---- */

int keys_info(const struct sk *sk, void *out, size_t room)
{
    struct tern_auth_info in = {.current = -1, .rnext = -1};
    struct ao_info i;
    if (sk->h.id) {
        (void)tern_tcp_auth_info(sk->run->cfg.st, sk->h, &in);
    } else if (sk->keys) {
        in.required = sk->keys->required;
        in.current = sk->keys->current;
        in.rnext = sk->keys->rnext;
    }
    if (!in.required && !ao_has(sk, -1, -1))
        return -ENOENT;
    aoopt_info_tell(&in, &i);
    size_t n = room < sizeof i ? room : sizeof i;
    memcpy(out, &i, n);
    return (int)n;
}

/* An array of structs of `len` octets each, as many as the first one says. */
int keys_get(struct call *c, uint64_t at, size_t len)
{
    struct ao_get ask, g, show;
    struct tern_ao_key k;
    uint32_t found = 0;
    int err = len < sizeof ask ? EINVAL : mem_read(c->tid, at, &ask, sizeof ask);
    if (!err)
        err = aoopt_get(&ask, sizeof ask, &g);
    if (!err && !ao_at(c->sk, 0, &k))
        err = ENOENT;
    for (unsigned i = 0; !err && ao_at(c->sk, i, &k); i++) {
        if (!aoopt_asked(&g, &k) || found++ >= g.nkeys)
            continue;
        aoopt_tell(&k, &show);
        err = mem_write(c->tid, at + (uint64_t)(found - 1) * len, &show, sizeof show);
    }
    if (!err && found != 0)
        err = mem_write(c->tid, at + offsetof(struct ao_get, nkeys), &found, sizeof found);
    return err ? err : found != 0 ? 0 : ENOENT;
}
