/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/aes_cmac.c: AES-128 (FIPS 197) and CMAC over it (RFC 4493).
 *
 * Sixteen octets are worked on at once where that is cheap: multiplication in GF(2^8) takes eight
 * octets in one 64-bit word, each in its own lane.
 */
#include "base/aes_cmac.h"
#include "base/wipe.h"
#include <string.h>

#define LANES(x) (UINT64_C(0x0101010101010101) * (x))

/* Each octet times x, modulo x^8 + x^4 + x^3 + x + 1. */
static uint64_t xtime(uint64_t v)
{
    uint64_t high = v >> 7 & LANES(1);
    return ((v & LANES(0x7f)) << 1) ^ high * 0x1b;
}

/* Octet by octet product. */
static uint64_t mul(uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t bit = b >> i & LANES(1);
        r ^= a & bit * 0xff;
        a = xtime(a);
    }
    return r;
}

static uint64_t rol_lanes(uint64_t v, unsigned n)
{
    uint64_t low = LANES((1u << n) - 1);
    return ((v & ~(low << (8 - n))) << n) | (v >> (8 - n) & low);
}

/* The S-box on eight octets: x^254 is the inverse (and 0 of 0), then the affine map. */
static uint64_t sub8(uint64_t x)
{
    uint64_t x2 = mul(x, x), x3 = mul(x2, x), x6 = mul(x3, x3), x12 = mul(x6, x6);
    uint64_t x15 = mul(x12, x3), x30 = mul(x15, x15), x60 = mul(x30, x30), x120 = mul(x60, x60);
    uint64_t x126 = mul(x120, x6), x127 = mul(x126, x), v = mul(x127, x127);
    return v ^ rol_lanes(v, 1) ^ rol_lanes(v, 2) ^ rol_lanes(v, 3) ^ rol_lanes(v, 4) ^ LANES(0x63);
}

static void sub_bytes(uint8_t s[AES_LEN])
{
    uint64_t w[2];
    memcpy(w, s, sizeof w);
    w[0] = sub8(w[0]);
    w[1] = sub8(w[1]);
    memcpy(s, w, sizeof w);
}

void aes_expand(uint8_t round[11][AES_LEN], const uint8_t key[AES_LEN])
{
    uint8_t rcon = 1;
    memcpy(round[0], key, AES_LEN);
    for (unsigned r = 1; r < 11; r++) {
        const uint8_t *last = round[r - 1];
        uint64_t w = 0;
        uint8_t t[8] = {last[13], last[14], last[15], last[12]};
        memcpy(&w, t, sizeof w);
        w = sub8(w);
        memcpy(t, &w, sizeof w);
        t[0] ^= rcon;
        rcon = (uint8_t)xtime(rcon);
        for (unsigned i = 0; i < AES_LEN; i++)
            round[r][i] = last[i] ^ (i < 4 ? t[i] : round[r][i - 4]);
        wipe(t, sizeof t);
    }
}

static void add_key(uint8_t s[AES_LEN], const uint8_t k[AES_LEN])
{
    for (unsigned i = 0; i < AES_LEN; i++)
        s[i] ^= k[i];
}

static void shift_rows(uint8_t s[AES_LEN])
{
    uint8_t t[AES_LEN];
    for (unsigned i = 0; i < AES_LEN; i++)
        t[i] = s[(i + 4 * (i % 4)) % AES_LEN];
    memcpy(s, t, AES_LEN);
}

static void mix_columns(uint8_t s[AES_LEN])
{
    uint64_t w[2], twice[2];
    uint8_t d[AES_LEN], t[AES_LEN];
    memcpy(w, s, sizeof w);
    twice[0] = xtime(w[0]);
    twice[1] = xtime(w[1]);
    memcpy(d, twice, sizeof d);
    for (unsigned i = 0; i < AES_LEN; i++) {
        unsigned c = i & ~3u, a = i % 4;
        t[i] = (uint8_t)(d[i] ^ d[c + (a + 1) % 4] ^ s[c + (a + 1) % 4] ^ s[c + (a + 2) % 4] ^
                         s[c + (a + 3) % 4]);
    }
    memcpy(s, t, AES_LEN);
}

void aes_encrypt(const uint8_t round[11][AES_LEN], uint8_t block[AES_LEN])
{
    add_key(block, round[0]);
    for (unsigned r = 1; r < 11; r++) {
        sub_bytes(block);
        shift_rows(block);
        if (r < 10)
            mix_columns(block);
        add_key(block, round[r]);
    }
}

void aes_cmac_init(struct aes_cmac *m, const uint8_t key[AES_LEN])
{
    memset(m, 0, sizeof *m);
    aes_expand(m->round, key);
}

static void cmac_block(struct aes_cmac *m, const uint8_t *p)
{
    add_key(m->x, p);
    aes_encrypt((const uint8_t(*)[AES_LEN])m->round, m->x);
}

void aes_cmac_add(struct aes_cmac *m, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n > 0) {
        if (m->have == AES_LEN) { /* more follows, so it was not the last */
            cmac_block(m, m->block);
            m->have = 0;
        }
        size_t take = n < AES_LEN - m->have ? n : AES_LEN - m->have;
        memcpy(m->block + m->have, p, take);
        m->have += take;
        p += take;
        n -= take;
    }
}

/* Times x in GF(2^128) [RFC4493:2.3]. */
static void double_key(uint8_t k[AES_LEN])
{
    uint8_t carry = k[0] >> 7;
    for (unsigned i = 0; i < AES_LEN; i++)
        k[i] = (uint8_t)(k[i] << 1 | (i + 1 < AES_LEN ? k[i + 1] >> 7 : 0));
    k[AES_LEN - 1] ^= (uint8_t)(carry * 0x87);
}

void aes_cmac_end(struct aes_cmac *m, uint8_t out[AES_LEN])
{
    uint8_t k[AES_LEN] = {0};
    aes_encrypt((const uint8_t(*)[AES_LEN])m->round, k);
    double_key(k); /* K1: the last block is whole */
    if (m->have < AES_LEN) {
        double_key(k); /* K2: it is filled up */
        memset(m->block + m->have, 0, AES_LEN - m->have);
        m->block[m->have] = 0x80;
    }
    add_key(m->block, k);
    cmac_block(m, m->block);
    memcpy(out, m->x, AES_LEN);
    wipe(k, sizeof k);
}
