/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/md5.h: MD5 (RFC 1321). Here for the TCP-MD5 option alone: as a hash it is broken.
 *
 * Nothing here indexes memory with a secret or branches on one. The state holds what the secret
 * leads to: wipe() it after use.
 */
#ifndef BASE_MD5_H
#define BASE_MD5_H

#include "base/blocks.h"
#include <stddef.h>
#include <stdint.h>

#define MD5_LEN 16u

struct md5 {
    uint32_t h[4];
    struct blocks in;
};

void md5_init(struct md5 *m);
void md5_add(struct md5 *m, const void *data, size_t n);
/* The digest of everything added. The state must be initialized before it is used again. */
void md5_end(struct md5 *m, uint8_t out[MD5_LEN]);

#endif
