/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/vkeys.c: TCP_MD5SIG, and TCP_AO_ADD_KEY, _DEL_KEY and _INFO of a virtual host. What is set
 * before there is a connection or listener is kept for it. A script has no key of its own, so what
 * it sends is never signed: it can look at what the stack signs, and at its silence.
 */
#include "drill/vkeys.h"

#include "port/aoopt.h"

#include <errno.h>
#include <linux/tcp.h>
#include <string.h>
#include <tern/loop.h>

static int err_of(int rc)
{
    return rc < 0 ? -tern_errno(rc) : 0;
}

static int tell(const struct vhost *vh, const struct vkey *k, struct tern_sock to)
{
    return err_of(
        k->ao ? tern_tcp_ao_add(vh->st, to, &k->k)
              : tern_tcp_md5_key(vh->st, to, &k->k.peer, k->k.prefix, k->k.key, k->k.key_len));
}

int vkeys_apply(const struct vhost *vh, const struct vsock *s, struct tern_sock to)
{
    int rc = 0;
    for (unsigned i = 0; i < s->nkey && rc == 0; i++)
        rc = tell(vh, &s->key[i], to);
    if (rc < 0 && to.id == 0)
        tern_tcp_keys_forget(vh->st);
    return rc;
}

static int put(const struct vhost *vh, struct vsock *s, const struct vkey *k)
{
    if (s->h.id)
        return tell(vh, k, s->h);
    if (s->nkey == VHOST_KEYS)
        return -ENOMEM;
    s->key[s->nkey++] = *k;
    return 0;
}

static int md5(const struct vhost *vh, struct vsock *s, const void *value, size_t len)
{
    struct tcp_md5sig m;
    struct sockaddr_in in;
    struct vkey k = {.k = {.peer.fam = TERN_AF_IP4, .prefix = 32}};
    if (len < sizeof m)
        return -EINVAL;
    memcpy(&m, value, sizeof m);
    memcpy(&in, &m.tcpm_addr, sizeof in);
    if (in.sin_family != AF_INET || m.tcpm_keylen > sizeof k.k.key)
        return -EINVAL;
    memcpy(k.k.peer.b, &in.sin_addr, 4);
    k.k.key_len = (uint8_t)m.tcpm_keylen;
    memcpy(k.k.key, m.tcpm_key, k.k.key_len);
    if (k.k.key_len == 0 && !s->h.id)
        return -ENOENT; /* only of what has a handle keys are taken away */
    int rc = put(vh, s, &k);
    return k.k.key_len == 0 && rc == -EINVAL ? -ENOENT : rc;
}

static int ao_add(const struct vhost *vh, struct vsock *s, const void *value, size_t len)
{
    struct vkey k = {.ao = true};
    uint32_t flags = 0;
    int err = aoopt_add(value, len, &k.k, &flags);
    if (err || (flags && !s->h.id))
        return -(err ? err : EINVAL); /* the first one added begins */
    int rc = put(vh, s, &k);
    if (rc == 0 && flags)
        rc = err_of(tern_tcp_ao_set(vh->st, s->h, flags & AO_SET_CURRENT ? k.k.send_id : -1,
                                    flags & AO_SET_RNEXT ? k.k.recv_id : -1));
    return rc;
}

static int ao_del(const struct vhost *vh, const struct vsock *s, const void *value, size_t len)
{
    struct tern_ao_key k;
    struct ao_del d;
    int err = aoopt_del(value, len, &k, &d);
    if (err || !s->h.id)
        return -(err ? err : ENOENT);
    int rc = tern_tcp_ao_del(vh->st, s->h, &k.peer, k.prefix, k.send_id, k.recv_id);
    return rc == TERN_EINVAL ? -ENOENT : err_of(rc);
}

static int ao_info(const struct vhost *vh, const struct vsock *s, const void *value, size_t len)
{
    struct ao_info i;
    int err = aoopt_info(value, len, &i);
    if (err || !s->h.id)
        return -(err ? err : ENOENT);
    int rc = tern_tcp_ao_require(vh->st, s->h, (i.flags & AO_REQUIRED) != 0);
    if (rc >= 0 && (i.flags & (AO_SET_CURRENT | AO_SET_RNEXT)))
        rc = tern_tcp_ao_set(vh->st, s->h, i.flags & AO_SET_CURRENT ? i.current_key : -1,
                             i.flags & AO_SET_RNEXT ? i.rnext : -1);
    return rc == TERN_EINVAL ? -ENOENT : err_of(rc);
}

int vkeys_set(const struct vhost *vh, struct vsock *s, int name, const void *value, size_t len)
{
    switch (name) {
    case TCP_MD5SIG:
        return md5(vh, s, value, len);
    case AO_OPT_ADD_KEY:
        return ao_add(vh, s, value, len);
    case AO_OPT_DEL_KEY:
        return ao_del(vh, s, value, len);
    case AO_OPT_INFO:
        return ao_info(vh, s, value, len);
    default:
        return -ENOPROTOOPT;
    }
}

int vkeys_info(const struct vhost *vh, const struct vsock *s, void *value, size_t *len)
{
    struct tern_auth_info in;
    struct ao_info i;
    if (!s->h.id || tern_tcp_auth_info(vh->st, s->h, &in) < 0 || in.kind != 2)
        return -ENOENT;
    aoopt_info_tell(&in, &i);
    *len = *len < sizeof i ? *len : sizeof i;
    memcpy(value, &i, *len);
    return 0;
}
