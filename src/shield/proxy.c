/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shield/proxy.c: the server sees connections of the shield's own; this header, in front of the
 * client's first octet, tells it who the client is and what it connected to ("The PROXY protocol",
 * versions 1 & 2, section 2.2):
 *
 *     12 octets of signature | 0x21: version 2, PROXY | family and protocol | length
 *     source address | destination address | source port | destination port
 */
#include "shield/proxy.h"

#include "base/bytes.h"

#include <string.h>

static const uint8_t signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                      0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
#define PROXY_FIXED 16u
#define PROXY_PROXY 0x21
#define PROXY_TCP4  0x11
#define PROXY_TCP6  0x21
#define PROXY_PORTS 4u

size_t proxy_v2(uint8_t out[PROXY_V2_MAX], const struct tern_endpoint *src,
                const struct tern_endpoint *dst)
{
    if (src->addr.fam != dst->addr.fam || src->addr.fam == TERN_AF_NONE)
        return 0;
    bool four = src->addr.fam == TERN_AF_IP4;
    size_t alen = four ? 4 : 16;
    uint8_t *p = out + PROXY_FIXED;
    memcpy(out, signature, sizeof signature);
    out[12] = PROXY_PROXY;
    out[13] = four ? PROXY_TCP4 : PROXY_TCP6;
    be16_store(out + 14, (uint16_t)(2 * alen + PROXY_PORTS));
    memcpy(p, src->addr.b, alen);
    memcpy(p + alen, dst->addr.b, alen);
    be16_store(p + 2 * alen, src->port);
    be16_store(p + 2 * alen + 2, dst->port);
    return PROXY_FIXED + 2 * alen + PROXY_PORTS;
}
