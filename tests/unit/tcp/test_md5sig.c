/* SPDX-License-Identifier: BSD-2-Clause */
/* What the digest of RFC 2385 covers, octet by octet, against MD5 of a message put together here.
 */
#include "base/md5.h"
#include "unit/tcp/rig.h"

static const uint8_t src[16] = {10, 1, 2, 3}, dst[16] = {10, 9, 8, 7};

static void key_of(struct tcp_key *k)
{
    *k = (struct tcp_key){.kind = TCP_SIGN_MD5, .len = 6};
    memcpy(k->key, "secret", 6);
}

static unsigned segment(uint8_t *p, unsigned *hlen)
{
    struct tcp_seg s = {.seq = seq_of(1000),
                        .ack = seq_of(2000),
                        .th = PSH | ACK,
                        .wnd = 300,
                        .sport = 179,
                        .dport = 40000};
    s.opt.sign = TCP_SIGN_MD5;
    *hlen = (unsigned)tcp_build(p, TCP_HDR_MAX, &s);
    memcpy(p + *hlen, "text", 4);
    return *hlen + 4;
}

static void test_message(void **state) /* [RFC2385:2.0] */
{
    uint8_t seg[100], got[16], want[16], msg[100], fam6[8] = {0};
    unsigned hlen, n = segment(seg, &hlen), m = 0;
    struct tcp_key k;
    struct md5 h;
    (void)state;
    key_of(&k);
    assert_int_equal(hlen, 40);
    memcpy(msg + m, src, 4);
    memcpy(msg + m + 4, dst, 4);
    m = 8;
    msg[m++] = 0;
    msg[m++] = 6;
    msg[m++] = 0;
    msg[m++] = (uint8_t)n; /* options included */
    memcpy(msg + m, seg, 20);
    m += 20;
    memcpy(msg + m, "textsecret", 10);
    m += 10;
    md5_init(&h);
    md5_add(&h, msg, m);
    md5_end(&h, want);
    be16_store(seg + TCP_CSUM_OFF, 0x1234); /* counts as zero */
    md5sig_digest(&k, TERN_AF_IP4, src, dst, seg, hlen, n, got);
    assert_memory_equal(got, want, 16);

    md5_init(&h); /* the same over IPv6 */
    md5_add(&h, src, 16);
    md5_add(&h, dst, 16);
    fam6[3] = (uint8_t)n;
    fam6[7] = 6;
    md5_add(&h, fam6, 8);
    md5_add(&h, msg + 12, m - 12);
    md5_end(&h, want);
    md5sig_digest(&k, TERN_AF_IP6, src, dst, seg, hlen, n, got);
    assert_memory_equal(got, want, 16);
}

static void test_every_octet_counts(void **state) /* but options and checksum */
{
    uint8_t seg[100], one[16], two[16];
    unsigned hlen, n = segment(seg, &hlen);
    struct tcp_key k;
    (void)state;
    key_of(&k);
    md5sig_digest(&k, TERN_AF_IP4, src, dst, seg, hlen, n, one);
    for (unsigned i = 0; i < n; i++) {
        bool free_octet = i == TCP_CSUM_OFF || i == TCP_CSUM_OFF + 1 || (i >= 20 && i < hlen);
        seg[i] ^= 1;
        md5sig_digest(&k, TERN_AF_IP4, src, dst, seg, hlen, n, two);
        seg[i] ^= 1;
        assert_int_equal(memcmp(one, two, 16) == 0, free_octet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_every_octet_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
