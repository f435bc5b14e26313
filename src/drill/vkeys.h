/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/vkeys.h: keys for signed segments of a virtual host's sockets. */
#ifndef DRILL_VKEYS_H
#define DRILL_VKEYS_H

#include "drill/vhost.h"

/* 0 or -errno; -ENOPROTOOPT: it is no such option. */
int vkeys_set(const struct vhost *vh, struct vsock *s, int name, const void *value, size_t len);
/* TCP_AO_INFO. */
int vkeys_info(const struct vhost *vh, const struct vsock *s, void *value, size_t *len);
/* Tells what was kept to a listener, or with the handle 0 to the connection that is made next. */
int vkeys_apply(const struct vhost *vh, const struct vsock *s, struct tern_sock to);

#endif
