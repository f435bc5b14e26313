/* SPDX-License-Identifier: BSD-2-Clause */
/* All packets of RFC 9235, and the sequence numbers of 64 bits. */
#include "unit/tcp/rig.h"

/* One connection of the RFC: SYN, SYN-ACK, a segment of text from each end. TCP headers only; the
 * IP headers count with their addresses. Traffic keys: of the SYN, and of both directions. */
static const struct vector {
    const char *section;
    uint8_t fam, alg;
    bool skip_opts;
    uint32_t client_isn, server_isn;
    const char *head[4], *key[3];
} vectors[] = {
    {"4.1",
     4,
     TERN_AO_HMAC_SHA1,
     false,
     0xfbfbab5a,
     0x11c14261,
     {"e9d700b3fbfbab5a00000000e002ffffcac40000020405b401030308"
      "0402080a00155ab7000000001d103d542ee437c6f8ede6d7c4d602e7",
      "00b3e9d711c14261fbfbab5be012ffff37760000020405b401030308"
      "0402080a84a50beb00155ab71d10543deeab0fe24c3010815116b3be",
      "e9d700b3fbfbab5b11c14262c0180104a16200000101080a00155ac1"
      "84a50beb1d103d547064cf998cc6c315c2c2e2bf",
      "00b3e9d711c14262fbfbab9ec0180100400c00000101080a84a50bf5"
      "00155ac11d10543da63f0ecbbb2e635c954deac7"},
     {"6d63ef1b02fe1509d4b1402707fd7b0416abb74f", "d2e59c65ffc7b1a39347656463b70edc24a13d71",
      "d9e217e4834a80ca2f3fd8de2e41b8e6797fea96"}},
    {"4.2",
     4,
     TERN_AO_HMAC_SHA1,
     true,
     0xcb0efbee,
     0xacd5b5e1,
     {"ff1200b3cb0efbee00000000e002ffff541f0000020405b401030308"
      "0402080a00024cce000000001d103d5480af3cfeb85368937b8f9ec2",
      "00b3ff12acd5b5e1cb0efbefe012ffff388e0000020405b401030308"
      "0402080a576772f300024cce1d10543d09306f9acea63a8c68cb9a70",
      "ff1200b3cb0efbefacd5b5e2c01801046c4500000101080a00024cce"
      "576772f31d103d54710608cc696c03a271c93aa5",
      "00b3ff12acd5b5e2cb0efc32c018010046b600000101080a576772f3"
      "00024cce1d10543d97766e48ac262de9ae61b4f9"},
     {"30eaa1560cf0be57dab5c045229fb10a423cd7ea", "f3db1793d7910ecd806c34f155ea1f00345953e3",
      "b5b2896bb3664e8176b0edc6e799524101a8307f"}},
    {"5.1",
     4,
     TERN_AO_AES_128_CMAC,
     false,
     0x787a1ddf,
     0xfadd6de9,
     {"c4fa00b3787a1ddf00000000e002ffff5a0f0000020405b401030308"
      "0402080a00017ed0000000001d103d54e477e99c8040765498e55091",
      "00b3c4fafadd6de9787a1de0e012fffff3f20000020405b401030308"
      "0402080a93f4e9e800017ed01d10543dd6ada7bc4cdd536d1769db5f",
      "c4fa00b3787a1de0fadd6deac0180104950500000101080a00017ed0"
      "93f4e9e81d103d5477412742fa4dc433eff0973e",
      "00b3c4fafadd6dea787a1e23c0180100e7db00000101080a93f4e9e8"
      "00017ed01d10543df6d965a78382a74845f72dac"},
     {"f5b8b3d5f34fdbb6eb8d4ab9660e60e3", "8c8ae0e8371ec5cbb97ea79d90418391",
      "4bc7571a486f3264bbd888474066b4b1"}},
    {"5.2",
     4,
     TERN_AO_AES_128_CMAC,
     true,
     0x389bed71,
     0xd3844a6f,
     {"da1c00b3389bed7100000000e002ffff70bf0000020405b401030308"
      "0402080a000185e1000000001d103d54c44e60cb31f7c0b1de3d2749",
      "00b3da1cd3844a6f389bed72e012ffffe4450000020405b401030308"
      "0402080ace459838000185e11d10543d3a6abb207e49b1be7136db90",
      "da1c00b3389bed72d3844a70c0180104885100000101080a000185e1"
      "ce4598381d103d547585e9e9d5c3ec857b96f837",
      "00b3da1cd3844a70389bed72c0180100044900000101080ace459838"
      "000185e11d10543d5c040fd9233304765c0982f4"},
     {"2cdbae1392c49449fa92c4509735d50e", "035bc400a341ffe595f59f58005006ca",
      "3ce67a551869506b6347b633c50a624a"}},
    {"6.1",
     6,
     TERN_AO_HMAC_SHA1,
     false,
     0x176a833f,
     0x3f51994b,
     {"f7e400b3176a833f00000000e002ffff47210000020405a001030308"
      "0402080a0041d087000000001d103d549033ec3d7334b64c5edd039f",
      "00b3f7e43f51994b176a8340e012ffffbfec0000020405a001030308"
      "0402080abd33129b0041d0871d10543df1cba346c3526163f71f1f55",
      "f7e400b3176a83403f51994cc0180100329c00000101080a0041d091"
      "bd33129b1d103d54bf0805feb4ac7b163d6fcdf2",
      "00b3f7e43f51994c176a8383c0180100ee6e00000101080abd3312a5"
      "0041d0911d10543d6c48125c11335bab9a07a797"},
     {"625ec09d575836edc9b6428418bbf06989a361bb", "1ed82975f4ea444c61580c5bd90dbd61bbc91b7e",
      "e4a37ada2a0afca8711434913fe138c771ebcb4a"}},
    {"6.2",
     6,
     TERN_AO_HMAC_SHA1,
     true,
     0x020c1e69,
     0xeba3734d,
     {"c6cd00b3020c1e6900000000e002ffffa41a0000020405a001030308"
      "0402080a009db95b000000001d103d54885698b0530ed4d5a15f8346",
      "00b3c6cdeba3734d020c1e6ae012ffff774d0000020405a001030308"
      "0402080a5ec99b70009db95b1d10543d3c546bad9743f12df8b8010d",
      "c6cd00b3020c1e6aeba3734ec018010083e600000101080a009db965"
      "5ec99b701d103d5448bd093b1924e001192f5bf0",
      "00b3c6cdeba3734e020c1eadc0180100716a00000101080a5ec99b7a"
      "009db9651d10543d559a819445b4fde98d9e1317"},
     {"31a3faf69effae52931b7f845467315c270a4edc", "b34eed6a9396a669f1c4f4f57618f3656f52c7ab",
      "405108947f996575e7bdbc26d40216a2c7fa91bd"}},
    {"7.1",
     6,
     TERN_AO_AES_128_CMAC,
     false,
     0x193cccec,
     0xa6744ecb,
     {"f85a00b3193cccec00000000e002ffffde5d0000020405a001030308"
      "0402080a13e4ab99000000001d103d5459b588107481ac6dc3927040",
      "00b3f85aa6744ecb193cccede012ffffeabb0000020405a001030308"
      "0402080a71daabc813e4ab991d10543ddc2843a84e78a6bcfdc5ed80",
      "f85a00b3193ccceda6744eccc0180100328000000101080a13e4aba3"
      "71daabc81d103d547b6a455c0d4f5f01835baab3",
      "00b3f85aa6744ecc193ccd30c018010052f400000101080a71daabd3"
      "13e4aba31d10543dc1069b7dfd3d693a6df3f289"},
     {"fa5a2108882d39d0c71929175ab1b7b8", "6174c3557abed27574dba37185f00300",
      "cf1b1e225e06a63616764a067b46f4b1"}},
    {"7.2",
     6,
     TERN_AO_AES_128_CMAC,
     true,
     0xb01da74a,
     0xa6246145,
     {"f28800b3b01da74a00000000e002ffff75ff0000020405a001030308"
      "0402080a14275b3b000000001d103d543d45b4342de8bb1530847898",
      "00b3f288a6246145b01da74be012ffffa70c0000020405a001030308"
      "0402080a1782245b14275b3b1d10543d1d01f6c87c6f93acffa9d4b5",
      "f28800b3b01da74ba6246146c0180100c36d00000101080a14275b4f"
      "1782245b1d103d54290cf414ccb47a333276e7f8",
      "00b3f288a6246146b01da78ec0180100345100000101080a17822465"
      "14275b4f1d10543d99515ffcd5403499f619fd1b"},
     {"a94f511263e4093d35dd818c13bbbf53", "4fb2086e402c679079ed65d4bf97693d",
      "92dea5bbc78b1d9f5b2952e9cd30642a"}},
};

/* The BGP OPEN that all of them carry: four octets and three pairs differ. */
static unsigned text_of(const struct vector *v, bool client, uint8_t *p)
{
    static const uint8_t open[67] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0x00, 0x43, 0x01, 0x04, 0xfd, 0xe8, 0x00, 0xb4, 0x01, 0x01, 0x01, 0x7a,
        0x26, 0x02, 0x06, 0x01, 0x04, 0x00, 0x01, 0x00, 0x01, 0x02, 0x02, 0x80, 0x00, 0x02,
        0x02, 0x02, 0x00, 0x02, 0x02, 0x42, 0x00, 0x02, 0x06, 0x41, 0x04, 0x00, 0x00, 0xfd,
        0xe8, 0x02, 0x08, 0x40, 0x06, 0x00, 0x64, 0x00, 0x01, 0x01, 0x00};
    static const uint8_t id[2][4] = {{172, 27, 28, 29}, {10, 11, 12, 13}};
    memcpy(p, open, sizeof open);
    if (v->fam == TERN_AF_IP6) {
        p[27] = client ? 0x79 : 0x7a;
        return sizeof open;
    }
    p[20] = p[55] = 0xda;
    p[21] = p[56] = client ? 0xbf : 0xc0;
    memcpy(p + 24, id[client], 4);
    return sizeof open;
}

static unsigned from_hex(const char *s, uint8_t *p)
{
    unsigned n = 0;
    for (; s[2 * n] != 0; n++) {
        char two[3] = {s[2 * n], s[2 * n + 1], 0};
        p[n] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

static void ends_of(const struct vector *v, bool client, struct ao_way *w)
{
    static const uint8_t four[2][4] = {{172, 27, 28, 29}, {10, 11, 12, 13}};
    memset(w, 0, sizeof *w);
    w->fam = v->fam;
    if (v->fam == TERN_AF_IP4) {
        memcpy(w->src, four[client], 4);
        memcpy(w->dst, four[!client], 4);
        return;
    }
    w->src[0] = w->dst[0] = 0xfd;
    w->src[15] = client ? 1 : 2;
    w->dst[15] = client ? 2 : 1;
}

static void one(const struct vector *v, unsigned i)
{
    uint8_t seg[200], key[AO_KEY_LEN], want[AO_KEY_LEN], mac[AO_MAC_LEN];
    struct tcp_key k = {.kind = TCP_SIGN_AO, .alg = v->alg, .skip_opts = v->skip_opts, .len = 10};
    struct ao_way w;
    struct tcp_seg s;
    bool client = i % 2 == 0;
    memcpy(k.key, "testvector", 10);
    unsigned hlen = from_hex(v->head[i], seg), n = hlen;
    if (i >= 2)
        n += text_of(v, client, seg + n);
    assert_int_equal(tcp_parse(seg, n, &s), 0);
    assert_int_equal(s.hlen, hlen);
    assert_int_equal(s.opt.sign, TCP_SIGN_AO);
    assert_int_equal(s.opt.ao_key, client ? 61 : 84);
    assert_int_equal(s.opt.ao_rnext, client ? 84 : 61);
    ends_of(v, client, &w);
    w.sport = s.sport;
    w.dport = s.dport;
    w.src_isn = seq_of(client ? v->client_isn : v->server_isn);
    w.dst_isn = seq_of(i == 0 ? 0 : client ? v->server_isn : v->client_isn);
    ao_traffic_key(&k, &w, key);
    unsigned klen = from_hex(v->key[i == 0 ? 0 : client ? 1 : 2], want);
    assert_int_equal(klen, v->alg == TERN_AO_HMAC_SHA1 ? 20 : 16);
    assert_memory_equal(key, want, klen);
    ao_mac(&k, key, &w, 0, seg, hlen, n, (unsigned)(s.opt.sign_at - seg), mac);
    if (memcmp(mac, s.opt.sign_at + 4, sizeof mac) != 0)
        fail_msg("section %s, packet %u: another MAC", v->section, i + 1);
    ao_mac(&k, key, &w, 1, seg, hlen, n, (unsigned)(s.opt.sign_at - seg), mac);
    assert_memory_not_equal(mac, s.opt.sign_at + 4, sizeof mac); /* the upper half counts */
}

static void test_rfc9235(void **state) /* [RFC9235:4] [RFC9235:5] [RFC9235:6] [RFC9235:7] */
{
    (void)state;
    for (unsigned v = 0; v < sizeof vectors / sizeof vectors[0]; v++)
        for (unsigned i = 0; i < 4; i++)
            one(&vectors[v], i);
}

static void test_extended_numbers(void **state) /* [RFC5925:6.2] */
{
    (void)state;
    uint64_t e = 0xfffffff0u;
    e = ao_extend(e, seq_of(0xfffffffe));
    assert_int_equal(e >> 32, 0);
    e = ao_extend(e, seq_of(5));
    assert_int_equal(e, UINT64_C(0x100000005));
    assert_int_equal(ao_extend(e, seq_of(0xfffffff0)), 0xfffffff0u); /* a late duplicate */
    e = ao_extend(e, seq_of(0x7fffffff));
    e = ao_extend(e, seq_of(0xf0000000));
    assert_int_equal(ao_extend(e, seq_of(1)) >> 32, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc9235),
        cmocka_unit_test(test_extended_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
