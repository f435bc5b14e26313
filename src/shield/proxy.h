/* SPDX-License-Identifier: BSD-2-Clause */
/* shield/proxy.h: the header of the PROXY protocol, version 2. */
#ifndef SHIELD_PROXY_H
#define SHIELD_PROXY_H

#include <stddef.h>
#include <tern/types.h>

#define PROXY_V2_MAX 52 /* with two IPv6 addresses */

/* Writes the header for a connection from src to dst, both of one family; its length: 28 (IPv4) or
 * 52 (IPv6); 0 when the families differ or are none. */
size_t proxy_v2(uint8_t out[PROXY_V2_MAX], const struct tern_endpoint *src,
                const struct tern_endpoint *dst);

#endif
