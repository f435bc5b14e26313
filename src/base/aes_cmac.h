/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/aes_cmac.h: AES-128-CMAC (RFC 4493), for TCP-AO [RFC5926:3.1.1.2].
 *
 * The S-box is computed, not looked up: an inversion in GF(2^8) by a fixed chain of multiplications
 * without branches, so no memory is indexed with a secret and the time does not depend on one. That
 * is some twenty times slower than tables, and fast enough for routing sessions.
 */
#ifndef BASE_AES_CMAC_H
#define BASE_AES_CMAC_H

#include <stddef.h>
#include <stdint.h>

#define AES_LEN 16u

struct aes_cmac {
    uint8_t round[11][AES_LEN]; /* round keys */
    uint8_t x[AES_LEN];         /* chaining value */
    uint8_t block[AES_LEN];     /* the last block: never empty once something was added */
    size_t have;
};
void aes_cmac_init(struct aes_cmac *m, const uint8_t key[AES_LEN]);
void aes_cmac_add(struct aes_cmac *m, const void *data, size_t n);
void aes_cmac_end(struct aes_cmac *m, uint8_t out[AES_LEN]);

/* The cipher itself, in place. */
void aes_expand(uint8_t round[11][AES_LEN], const uint8_t key[AES_LEN]);
void aes_encrypt(const uint8_t round[11][AES_LEN], uint8_t block[AES_LEN]);

#endif
