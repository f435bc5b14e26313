/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/ao.c: the arithmetic of TCP-AO (RFC 5925, algorithms of RFC 5926): traffic keys from master
 * keys, MACs of segments, and sequence numbers of 64 bits.
 *
 * Each connection and direction has its own traffic key, made of the master key, both addresses and
 * ports and both initial sequence numbers; a SYN, which knows only one of those, has another. The
 * MAC covers the upper half of a 64-bit sequence number too, so that a segment cannot be replayed
 * once the numbers wrap.
 */
#include "base/aes_cmac.h"
#include "base/sha1.h"
#include "base/wipe.h"
#include "tcp/auth.h"
#include "tcp/conn.h"

/* Either algorithm, keyed. */
struct mac {
    bool aes;
    union {
        struct hmac_sha1 sha1;
        struct aes_cmac aes;
    } u;
};

static void mac_init(struct mac *m, unsigned alg, const uint8_t *key, size_t len)
{
    m->aes = alg == TERN_AO_AES_128_CMAC;
    if (!m->aes) {
        hmac_sha1_init(&m->u.sha1, key, len);
        return;
    }
    static const uint8_t zero[AES_LEN];
    uint8_t k[AES_LEN];
    if (len == AES_LEN) {
        memcpy(k, key, AES_LEN);
    } else { /* a master key of another length is made one of 16 octets [RFC5926:3.1.1.2] */
        aes_cmac_init(&m->u.aes, zero);
        aes_cmac_add(&m->u.aes, key, len);
        aes_cmac_end(&m->u.aes, k);
    }
    aes_cmac_init(&m->u.aes, k);
    wipe(k, sizeof k);
}

static void mac_add(struct mac *m, const void *p, size_t n)
{
    if (m->aes)
        aes_cmac_add(&m->u.aes, p, n);
    else
        hmac_sha1_add(&m->u.sha1, p, n);
}

/* Octets beyond the algorithm's own length are zero. */
static void mac_end(struct mac *m, uint8_t out[AO_KEY_LEN])
{
    memset(out, 0, AO_KEY_LEN);
    if (m->aes)
        aes_cmac_end(&m->u.aes, out);
    else
        hmac_sha1_end(&m->u.sha1, out);
    wipe(m, sizeof *m);
}

static size_t traffic_len(unsigned alg)
{
    return alg == TERN_AO_AES_128_CMAC ? AES_LEN : SHA1_LEN;
}

void ao_traffic_key(const struct tcp_key *k, const struct ao_way *w, uint8_t out[AO_KEY_LEN])
{
    struct mac m;
    size_t alen = w->fam == TERN_AF_IP6 ? 16 : 4;
    uint8_t ends[12], bits[2];
    tern_assert(k->kind == TCP_SIGN_AO);
    /* i || Label || Context || Output_Length [RFC5926:3.1.1] */
    mac_init(&m, k->alg, k->key, k->len);
    mac_add(&m, "\001TCP-AO", 7);
    mac_add(&m, w->src, alen);
    mac_add(&m, w->dst, alen);
    be16_store(ends, w->sport);
    be16_store(ends + 2, w->dport);
    be32_store(ends + 4, w->src_isn.v);
    be32_store(ends + 8, w->dst_isn.v);
    mac_add(&m, ends, sizeof ends);
    be16_store(bits, (uint16_t)(8 * traffic_len(k->alg)));
    mac_add(&m, bits, sizeof bits);
    mac_end(&m, out);
}

static void mac_pseudo(struct mac *m, const struct ao_way *w, uint32_t n)
{
    size_t alen = w->fam == TERN_AF_IP6 ? 16 : 4;
    uint8_t tail[8] = {0};
    mac_add(m, w->src, alen);
    mac_add(m, w->dst, alen);
    if (w->fam == TERN_AF_IP6) {
        be32_store(tail, n);
        tail[7] = 6;
    } else {
        tail[1] = 6;
        be16_store(tail + 2, (uint16_t)n);
    }
    mac_add(m, tail, w->fam == TERN_AF_IP6 ? 8 : 4);
}

void ao_mac(const struct tcp_key *k, const uint8_t traffic[AO_KEY_LEN], const struct ao_way *w,
            uint32_t sne, const uint8_t *seg, uint32_t hlen, uint32_t n, unsigned at,
            uint8_t out[AO_MAC_LEN])
{
    struct mac m;
    uint8_t head[TCP_HDR_MAX], upper[4], full[AO_KEY_LEN];
    tern_assert(at >= TCP_HDR_LEN && at + 4 + AO_MAC_LEN <= hlen);
    tern_assert(hlen <= n && hlen <= TCP_HDR_MAX);
    memcpy(head, seg, hlen);
    be16_store(head + TCP_CSUM_OFF, 0);
    memset(head + at + 4, 0, AO_MAC_LEN);
    /* [RFC5925:5.1] items 1 to 4 */
    mac_init(&m, k->alg, traffic, traffic_len(k->alg));
    be32_store(upper, sne);
    mac_add(&m, upper, sizeof upper);
    mac_pseudo(&m, w, n);
    if (k->skip_opts) {
        mac_add(&m, head, TCP_HDR_LEN);
        mac_add(&m, head + at, 4 + AO_MAC_LEN);
    } else {
        mac_add(&m, head, hlen);
    }
    mac_add(&m, seg + hlen, n - hlen);
    mac_end(&m, full);
    memcpy(out, full, AO_MAC_LEN);
}

uint64_t ao_extend(uint64_t last, struct seq s)
{
    return last + (uint64_t)(int64_t)(int32_t)(s.v - (uint32_t)last);
}
