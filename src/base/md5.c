/* SPDX-License-Identifier: BSD-2-Clause */
/* base/md5.c: MD5 as RFC 1321 writes it: four rounds of sixteen steps. */
#include "base/md5.h"
#include "base/bytes.h"
#include <string.h>

/* floor(2^32 * |sin(i + 1)|) [RFC1321:3.4] */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint8_t turns[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void le32_put(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void md5_block(uint32_t *h, const uint8_t *p)
{
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], f;
    unsigned k;
    for (unsigned i = 0; i < 64; i++) {
        if (i < 16) {
            f = (b & c) | (~b & d);
            k = i;
        } else if (i < 32) {
            f = (d & b) | (~d & c);
            k = (5 * i + 1) % 16;
        } else if (i < 48) {
            f = b ^ c ^ d;
            k = (3 * i + 5) % 16;
        } else {
            f = c ^ (b | ~d);
            k = 7 * i % 16;
        }
        f += a + sines[i] + le32(p + (size_t)4 * k);
        a = d;
        d = c;
        c = b;
        b += block_rol(f, turns[i / 16][i % 4]);
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

void md5_init(struct md5 *m)
{
    *m = (struct md5){.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void md5_add(struct md5 *m, const void *data, size_t n)
{
    blocks_add(&m->in, m->h, md5_block, data, n);
}

void md5_end(struct md5 *m, uint8_t out[MD5_LEN])
{
    uint8_t len[8];
    uint64_t bits = m->in.octets * 8;
    le32_put(len, (uint32_t)bits);
    le32_put(len + 4, (uint32_t)(bits >> 32));
    blocks_end(&m->in, m->h, md5_block, len);
    for (size_t i = 0; i < 4; i++)
        le32_put(out + 4 * i, m->h[i]);
}
