/* SPDX-License-Identifier: BSD-2-Clause */
#include "drill/vfast.h"

#include "drill/vkeys.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <tern/loop.h>
#include <tern/socket.h>

static int err_of(int64_t tern)
{
    return tern < 0 ? -tern_errno((int)tern) : (int)tern;
}

static int is_set(const struct vsock *s, int name)
{
    for (unsigned i = 0; i < s->nseen; i++) {
        if (s->seen[i].level == IPPROTO_TCP && s->seen[i].name == name)
            return s->seen[i].value;
    }
    return 0;
}

static int64_t open_with(struct vhost *vh, struct vsock *s, const void *buf, size_t len,
                         const struct tern_endpoint *to)
{
    uint32_t flags = is_set(s, TCP_FASTOPEN_NO_COOKIE) ? TERN_FASTOPEN_NO_COOKIE : 0;
    size_t seg = (size_t)is_set(s, TCP_MAXSEG); /* told to the stack only when there is a handle */
    if (seg > 40 && len > seg - 40)
        len = seg - 40;
    int keys = vkeys_apply(vh, s, (struct tern_sock){0});
    if (keys < 0)
        return keys;
    int64_t n =
        tern_tcp_fastopen(vh->st, s->bound ? &s->local : NULL, to, buf, len, flags, &s->h, vh->now);
    if (n < 0)
        return err_of(n);
    s->deferred = false;
    s->state = VS_CONNECTING;
    vsock_apply(vh, s);
    vhost_pump(vh);
    return n > 0 ? n : -EINPROGRESS;
}

int vfast_connect(struct vhost *vh, struct vsock *s, const struct tern_endpoint *to)
{
    if (!is_set(s, TCP_FASTOPEN_CONNECT))
        return -ENOPROTOOPT;
    if (s->deferred)
        return -EISCONN;
    if (tern_fastopen_known(vh->st, to, vh->now) || is_set(s, TCP_FASTOPEN_NO_COOKIE)) {
        s->deferred = true;
        s->to = *to;
        return 0;
    }
    return (int)open_with(vh, s, NULL, 0, to);
}

int64_t vfast_send(struct vhost *vh, struct vsock *s, const void *buf, size_t len,
                   const struct tern_endpoint *to)
{
    if (s->deferred)
        return open_with(vh, s, buf, len, &s->to);
    if (s->state == VS_CONNECTING)
        return -EALREADY;
    if (s->state != VS_NEW)
        return -EISCONN;
    if (to != NULL && to->addr.fam == TERN_AF_NONE)
        return -EOPNOTSUPP;
    return to != NULL ? open_with(vh, s, buf, len, to) : -EINVAL;
}

/* ---- keys ---- */

int vfast_set_key(struct vhost *vh, struct vsock *s, const void *value, size_t len)
{
    if (len != 16 && len != 32)
        return -EINVAL;
    memcpy(s->fo_key, value, len);
    s->fo_keys = (uint8_t)(len / 16);
    if (s->state == VS_LISTEN)
        vfast_keys(vh, s);
    return 0;
}

int vfast_get_key(const struct vhost *vh, const struct vsock *s, void *value, size_t *len)
{
    const uint8_t *key = s->fo_keys ? s->fo_key : vh->cfg.fo_key;
    size_t have = (size_t)16 * (s->fo_keys ? s->fo_keys : vh->cfg.fo_keys);
    *len = *len < have ? *len : have;
    memcpy(value, key, *len);
    return 0;
}

void vfast_keys(struct vhost *vh, struct vsock *s)
{
    const uint8_t *key = s != NULL ? s->fo_key : vh->cfg.fo_key;
    unsigned n = s != NULL ? s->fo_keys : vh->cfg.fo_keys;
    struct tern_sock all = {0};
    if (n > 0)
        (void)tern_fastopen_key(vh->st, s != NULL ? s->h : all, key, n > 1 ? key + 16 : NULL);
}
