/* SPDX-License-Identifier: BSD-2-Clause */
/* interop/sha256.h: SHA-256 (FIPS 180-4), so that a peer of another make can check what arrived. */
#ifndef INTEROP_SHA256_H
#define INTEROP_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t h[8];
    uint64_t len;      /* octets taken so far */
    uint8_t block[64]; /* the last len % 64 of them */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
/* The digest of all that was added, as 64 hexadecimal digits; s is left unchanged. */
void sha256_hex(const struct sha256 *s, char out[65]);

#endif
