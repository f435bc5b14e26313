/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/md5sig.c: the digest of the TCP MD5 option (RFC 2385).
 *
 * It covers, in this order: the pseudo-header, the TCP header without options and with a zero
 * checksum, the payload, and the key. Options are not covered: timestamps or window scale could be
 * changed on the way. Header length and pseudo-header length do count the options.
 */
#include "base/md5.h"
#include "base/wipe.h"
#include "tcp/auth.h"
#include "tcp/conn.h"

void md5sig_digest(const struct tcp_key *k, uint8_t fam, const uint8_t *src, const uint8_t *dst,
                   const uint8_t *seg, uint32_t hlen, uint32_t n, uint8_t out[16])
{
    struct md5 m;
    uint8_t head[TCP_HDR_LEN], tail[8] = {0};
    size_t alen = fam == TERN_AF_IP6 ? 16 : 4;
    tern_assert(k->kind == TCP_SIGN_MD5 && hlen <= n);
    memcpy(head, seg, TCP_HDR_LEN);
    be16_store(head + TCP_CSUM_OFF, 0);
    md5_init(&m);
    md5_add(&m, src, alen); /* [RFC2385:2.0] item 1 */
    md5_add(&m, dst, alen);
    if (fam == TERN_AF_IP6) {
        be32_store(tail, n);
        tail[7] = 6;
        md5_add(&m, tail, 8);
    } else {
        tail[1] = 6;
        be16_store(tail + 2, (uint16_t)n);
        md5_add(&m, tail, 4);
    }
    md5_add(&m, head, TCP_HDR_LEN);    /* item 2 */
    md5_add(&m, seg + hlen, n - hlen); /* item 3 */
    md5_add(&m, k->key, k->len);       /* item 4 */
    md5_end(&m, out);
    wipe(&m, sizeof m);
}
