/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/vfast.h: TCP Fast Open as Linux's calls offer it. */
#ifndef DRILL_VFAST_H
#define DRILL_VFAST_H

#include "drill/vhost.h"

/* connect() of a new socket that has TCP_FASTOPEN_CONNECT set, and TERN_ENOPROTOOPT's -errno for
 * one that has not: 0 = put off until the first write; -EINPROGRESS. */
int vfast_connect(struct vhost *vh, struct vsock *s, const struct tern_endpoint *to);
/* sendto(MSG_FASTOPEN) of a new socket, or the first write of one whose connect() was put off.
 * Octets taken, or -EINPROGRESS: the SYN asks for a cookie. */
int64_t vfast_send(struct vhost *vh, struct vsock *s, const void *buf, size_t len,
                   const struct tern_endpoint *to);
/* TCP_FASTOPEN_KEY: one or two keys of 16 octets. */
int vfast_set_key(struct vhost *vh, struct vsock *s, const void *value, size_t len);
int vfast_get_key(const struct vhost *vh, const struct vsock *s, void *value, size_t *len);
/* Tells a new listener, or the stack, the keys that were set. */
void vfast_keys(struct vhost *vh, struct vsock *s);

#endif
