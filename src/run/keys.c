/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/keys.c: TCP_MD5SIG and TCP_MD5SIG_EXT (RFC 2385).
 *
 * What a program sets before connect() or listen() is kept with its socket and told to the stack
 * when there is something to tell it about; afterwards it is told at once. An accepted connection
 * has its listener's keys from the stack. As on Linux a key of length 0 takes one away, and ENOENT
 * says that there was none. The program's own copy is not ours to wipe; these are.
 */
#include "run/sup.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct sk_key {
    struct sk_key *next;
    struct tern_addr peer;
    unsigned prefix;
    size_t len;
    uint8_t key[TERN_AUTH_KEY_MAX];
};

static void key_free(struct sk_key *k)
{
    explicit_bzero(k, sizeof *k);
    free(k);
}

void keys_free(struct sk *sk)
{
    while (sk->keys) {
        struct sk_key *k = sk->keys;
        sk->keys = k->next;
        key_free(k);
    }
}

void keys_apply(const struct sk *sk, struct tern_sock to)
{
    for (const struct sk_key *k = sk->keys; k; k = k->next)
        (void)tern_tcp_md5_key(sk->run->cfg.st, to, &k->peer, k->prefix, k->key, k->len);
}

/* The place of the key for these peers: the end of the list if there is none. */
static struct sk_key **key_find(struct sk *sk, const struct sk_key *like)
{
    struct sk_key **at = &sk->keys;
    while (*at && ((*at)->prefix != like->prefix ||
                   memcmp(&(*at)->peer, &like->peer, sizeof like->peer) != 0))
        at = &(*at)->next;
    return at;
}

/* Keeps a copy of n, or takes the one that there is away. 0 or an errno. */
static int key_keep(struct sk *sk, const struct sk_key *n)
{
    struct sk_key **at = key_find(sk, n), *old = *at;
    if (n->len == 0) {
        if (!old)
            return ENOENT;
        *at = old->next;
        key_free(old);
        return 0;
    }
    if (!old && !(old = *at = calloc(1, sizeof *old)))
        return ENOMEM;
    struct sk_key *next = old->next;
    *old = *n;
    old->next = next;
    return 0;
}

static int key_read(const void *value, size_t len, bool ext, struct sk_key *out)
{
    struct tcp_md5sig m;
    struct sockaddr_in in;
    if (len < sizeof m)
        return EINVAL;
    memcpy(&m, value, sizeof m);
    memcpy(&in, &m.tcpm_addr, sizeof in);
    *out = (struct sk_key){.peer.fam = TERN_AF_IP4, .prefix = 32, .len = m.tcpm_keylen};
    int err = in.sin_family != AF_INET || m.tcpm_keylen > sizeof out->key ? EINVAL : 0;
    if (ext && (m.tcpm_flags & ~TCP_MD5SIG_FLAG_PREFIX))
        err = EINVAL; /* the stack has one interface, without a number */
    if (ext && (m.tcpm_flags & TCP_MD5SIG_FLAG_PREFIX))
        out->prefix = m.tcpm_prefixlen;
    if (out->prefix > 32)
        err = EINVAL;
    memcpy(out->peer.b, &in.sin_addr, 4);
    if (!err)
        memcpy(out->key, m.tcpm_key, out->len);
    explicit_bzero(&m, sizeof m);
    return err;
}

int keys_set_md5(struct sk *sk, const void *value, size_t len, bool ext)
{
    struct sk_key k;
    int err = key_read(value, len, ext, &k);
    if (!err)
        err = key_keep(sk, &k);
    /* A listener's and a connection's are changed at once. */
    if (!err && sk->h.id) {
        int rc = tern_tcp_md5_key(sk->run->cfg.st, sk->h, &k.peer, k.prefix, k.key, k.len);
        err = rc == TERN_ENOBUFS ? ENOMEM : tern_errno(rc);
    }
    explicit_bzero(&k, sizeof k);
    return err;
}
