/* SPDX-License-Identifier: BSD-2-Clause */
/* base/sha1.c: SHA-1 (RFC 3174, section 6.1) and the HMAC around it (RFC 2104, section 2). */
#include "base/sha1.h"
#include "base/bytes.h"
#include "base/wipe.h"
#include <string.h>

static void sha1_block(uint32_t *h, const uint8_t *p)
{
    static const uint32_t round[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f;
    for (size_t i = 0; i < 16; i++)
        w[i] = be32_load(p + 4 * i);
    for (unsigned i = 16; i < 80; i++)
        w[i] = block_rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        if (i < 20)
            f = (b & c) | (~b & d);
        else if (i < 40 || i >= 60)
            f = b ^ c ^ d;
        else
            f = (b & c) | (b & d) | (c & d);
        f += block_rol(a, 5) + e + round[i / 20] + w[i];
        e = d;
        d = c;
        c = block_rol(b, 30);
        b = a;
        a = f;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void sha1_init(struct sha1 *s)
{
    *s = (struct sha1){.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void sha1_add(struct sha1 *s, const void *data, size_t n)
{
    blocks_add(&s->in, s->h, sha1_block, data, n);
}

void sha1_end(struct sha1 *s, uint8_t out[SHA1_LEN])
{
    uint8_t len[8];
    uint64_t bits = s->in.octets * 8;
    be32_store(len, (uint32_t)(bits >> 32));
    be32_store(len + 4, (uint32_t)bits);
    blocks_end(&s->in, s->h, sha1_block, len);
    for (size_t i = 0; i < 5; i++)
        be32_store(out + 4 * i, s->h[i]);
}

void hmac_sha1_init(struct hmac_sha1 *m, const void *key, size_t len)
{
    uint8_t k[64] = {0};
    if (len > sizeof k) {
        sha1_init(&m->inner);
        sha1_add(&m->inner, key, len);
        sha1_end(&m->inner, k);
    } else if (len != 0) {
        memcpy(k, key, len);
    }
    for (unsigned i = 0; i < sizeof k; i++) {
        m->outer_pad[i] = k[i] ^ 0x5c;
        k[i] ^= 0x36;
    }
    sha1_init(&m->inner);
    sha1_add(&m->inner, k, sizeof k);
    wipe(k, sizeof k);
}

void hmac_sha1_add(struct hmac_sha1 *m, const void *p, size_t n)
{
    sha1_add(&m->inner, p, n);
}

void hmac_sha1_end(struct hmac_sha1 *m, uint8_t out[SHA1_LEN])
{
    uint8_t in[SHA1_LEN];
    sha1_end(&m->inner, in);
    sha1_init(&m->inner);
    sha1_add(&m->inner, m->outer_pad, sizeof m->outer_pad);
    sha1_add(&m->inner, in, sizeof in);
    sha1_end(&m->inner, out);
}
