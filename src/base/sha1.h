/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/sha1.h: SHA-1 (RFC 3174) and HMAC-SHA-1 (RFC 2104), for TCP-AO [RFC5926:3.1.1].
 *
 * Nothing here indexes memory with a secret or branches on one. wipe() the state after use.
 */
#ifndef BASE_SHA1_H
#define BASE_SHA1_H

#include "base/blocks.h"
#include <stddef.h>
#include <stdint.h>

#define SHA1_LEN 20u

struct sha1 {
    uint32_t h[5];
    struct blocks in;
};
void sha1_init(struct sha1 *s);
void sha1_add(struct sha1 *s, const void *data, size_t n);
void sha1_end(struct sha1 *s, uint8_t out[SHA1_LEN]);

struct hmac_sha1 {
    struct sha1 inner;
    uint8_t outer_pad[64]; /* the key, masked for the outer hash */
};
void hmac_sha1_init(struct hmac_sha1 *m, const void *key, size_t len);
void hmac_sha1_add(struct hmac_sha1 *m, const void *p, size_t n);
/* The full 20 octets; HMAC-SHA-1-96 is the first twelve [RFC2404:2]. */
void hmac_sha1_end(struct hmac_sha1 *m, uint8_t out[SHA1_LEN]);

#endif
