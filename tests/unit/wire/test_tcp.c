/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"
#include "unit/wire/random.h"
#include "wire/tcp.h"

static const uint8_t plain[20] = {0x12, 0x34, 0,    80,   1,    2, 3, 4, 0xa, 0xb,
                                  0xc,  0xd,  0x50, 0x18, 0xff, 0, 0, 0, 0,   7};

/* A segment with n octets of options (a multiple of 4) and `tail` octets of data. */
static size_t with_options(uint8_t *p, const uint8_t *opt, size_t n, size_t tail)
{
    memcpy(p, plain, 20);
    p[12] = (uint8_t)((20 + n) / 4 << 4);
    if (n > 0)
        memcpy(p + 20, opt, n);
    memset(p + 20 + n, 'x', tail);
    return 20 + n + tail;
}

static void same_options(const struct tcp_opts *a, const struct tcp_opts *b)
{
    assert_true(a->has_ts == b->has_ts && a->sack_ok == b->sack_ok);
    assert_true(a->has_ws == b->has_ws && a->has_mss == b->has_mss);
    assert_true(a->ws == b->ws && a->mss == b->mss);
    assert_true(a->tsval == b->tsval && a->tsecr == b->tsecr);
    assert_int_equal(a->uto, b->uto);
    assert_int_equal(a->nsack, b->nsack);
    for (unsigned i = 0; i < a->nsack; i++)
        assert_true(seq_eq(a->sack[i].lo, b->sack[i].lo) && seq_eq(a->sack[i].hi, b->sack[i].hi));
}

static void test_known_segment(void **state)
{
    (void)state;
    struct tcp_seg s;
    uint8_t p[25];
    size_t n = with_options(p, NULL, 0, 5);
    p[12] |= 0x0f; /* reserved bits are ignored */
    assert_int_equal(tcp_parse(p, n, &s), 0);
    assert_int_equal(s.sport, 0x1234);
    assert_int_equal(s.dport, 80);
    assert_true(s.seq.v == 0x01020304 && s.ack.v == 0x0a0b0c0d);
    assert_int_equal(s.th, TERN_TH_ACK | TERN_TH_PSH);
    assert_int_equal(s.wnd, 0xff00);
    assert_int_equal(s.urg, 7);
    assert_int_equal(s.hlen, 20);
    assert_ptr_equal(s.data, p + 20);
    assert_int_equal(s.len, 5);
    assert_int_equal(tcp_opts_len(&s.opt), 0);
}

static void test_header_lengths(void **state)
{
    (void)state;
    struct tcp_seg s;
    uint8_t p[60] = {0};
    for (size_t n = 0; n <= sizeof p; n++) {
        for (size_t words = 0; words < 16; words++) {
            memcpy(p, plain, 20);
            p[12] = (uint8_t)(words << 4);
            int want = n < 20                       ? CAUSE_DROP_SHORT
                       : words < 5 || words * 4 > n ? CAUSE_DROP_TCP_HEADER
                                                    : 0;
            assert_int_equal(tcp_parse(p, n, &s), want);
            if (want == 0)
                assert_true(s.hlen == words * 4 && s.len == n - s.hlen);
        }
    }
}

/* [RFC9293:MUST-7] Option lengths 0, 1 and beyond the header, at every place. */
static void test_illegal_option_lengths(void **state) /* [RFC9293:MUST-68] */
{
    (void)state;
    static const uint8_t kind[] = {2, 3, 4, 5, 8, 30, 254};
    struct tcp_seg s;
    uint8_t p[80];
    for (unsigned k = 0; k < sizeof kind; k++) {
        for (unsigned at = 0; at < 12; at++) {
            for (unsigned len = 0; len < 256; len++) {
                uint8_t opt[12];
                memset(opt, 1, sizeof opt);
                opt[at] = kind[k];
                if (at < 11)
                    opt[at + 1] = (uint8_t)len;
                int bad = at == 11 || len < 2 || at + len > 12;
                size_t n = with_options(p, opt, 12, 8);
                if (!bad && at + len < 12)
                    memset(p + 20 + at + 2, 1, 12 - at - 2);
                assert_int_equal(tcp_parse(p, n, &s), bad ? CAUSE_DROP_TCP_OPTION : 0);
            }
        }
    }
}

/* [RFC9293:MUST-6] Unknown options, and known ones of a length they cannot have, are skipped; what
 * follows them is read. [RFC9293:MUST-64] At any alignment. */
static void test_skipped_options(void **state) /* [RFC9293:MUST-68] */
{
    (void)state;
    struct tcp_seg s;
    uint8_t p[80];
    for (unsigned kind = 2; kind < 256; kind++) {
        for (unsigned len = 2; len <= 12; len++) {
            uint8_t opt[16];
            memset(opt, 1, sizeof opt);
            opt[0] = (uint8_t)kind;
            opt[1] = (uint8_t)len;
            memcpy(opt + len, (const uint8_t[]){2, 4, 5, 180}, 4);
            assert_int_equal(tcp_parse(p, with_options(p, opt, 16, 0), &s), 0);
            assert_true(s.opt.has_mss && s.opt.mss == 1460);
            assert_int_equal(s.opt.has_ws, kind == 3 && len == 3);
            assert_int_equal(s.opt.sack_ok, kind == 4 && len == 2);
            assert_int_equal(s.opt.has_ts, kind == 8 && len == 10);
            assert_int_equal(s.opt.nsack, 0); /* lo == hi: empty */
        }
    }
}

/* [RFC9293:MUST-4] */
static void test_end_of_list(void **state)
{
    (void)state;
    struct tcp_seg s;
    uint8_t p[80];
    static const uint8_t opt[8] = {1, 0, 2, 4, 5, 180, 2, 0};
    assert_int_equal(tcp_parse(p, with_options(p, opt, 8, 0), &s), 0);
    assert_false(s.opt.has_mss);
}

static void test_values(void **state)
{
    (void)state;
    struct tcp_seg s;
    uint8_t p[80];
    for (unsigned ws = 0; ws < 256; ws++) { /* [RFC7323:2.3] */
        const uint8_t opt[4] = {1, 3, 3, (uint8_t)ws};
        assert_int_equal(tcp_parse(p, with_options(p, opt, 4, 0), &s), 0);
        assert_true(s.opt.has_ws && s.opt.ws == (ws > 14 ? 14 : ws));
    }
    static const uint8_t zero[4] = {2, 4, 0, 0}, twice[8] = {2, 4, 1, 0, 2, 4, 2, 0};
    assert_int_equal(tcp_parse(p, with_options(p, zero, 4, 0), &s), 0);
    assert_false(s.opt.has_mss);
    assert_int_equal(tcp_parse(p, with_options(p, twice, 8, 0), &s), 0);
    assert_int_equal(s.opt.mss, 0x200);
    static const uint8_t sack[20] = {1, 1, 5, 18, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9, /* wraps */
                                     0, 0, 0, 9,  0,    0,    0,    3}; /* lo > hi: left out */
    assert_int_equal(tcp_parse(p, with_options(p, sack, 20, 0), &s), 0);
    assert_int_equal(s.opt.nsack, 1);
    assert_true(s.opt.sack[0].lo.v == UINT32_MAX && s.opt.sack[0].hi.v == 9);
}

/* [RFC5925:2.2] Two signatures, of one kind or of both, or one of a wrong length: none that counts.
 */
static void test_two_signatures(void **state)
{
    (void)state;
    struct tcp_seg s;
    uint8_t p[80], opt[40];
    static const uint8_t lens[][2] = {{18, 16}, {16, 18}, {16, 16}, {18, 18}};
    for (unsigned i = 0; i < 4; i++) {
        memset(opt, 1, sizeof opt);
        for (unsigned k = 0, at = 0; k < 2; at += lens[i][k++]) {
            opt[at] = lens[i][k] == 18 ? 19 : 29; /* MD5, AO */
            opt[at + 1] = lens[i][k];
        }
        assert_int_equal(tcp_parse(p, with_options(p, opt, 36, 0), &s), 0);
        assert_int_equal(s.opt.sign, TCP_SIGN_BAD);
    }
    static const uint8_t wrong[][2] = {{19, 17}, {19, 10}, {29, 2}, {29, 3}, {29, 16}};
    for (unsigned i = 0; i < 5; i++) {
        memset(opt, 1, sizeof opt);
        opt[0] = wrong[i][0];
        opt[1] = wrong[i][1];
        assert_int_equal(tcp_parse(p, with_options(p, opt, 20, 0), &s), 0);
        assert_int_equal(s.opt.sign, i == 4 ? TCP_SIGN_AO : TCP_SIGN_BAD);
    }
}

/* Of an option that comes twice the last counts, all of it. */
static void test_sack_twice(void **state)
{
    (void)state;
    struct tcp_seg s;
    uint8_t p[80];
    static const uint8_t opt[28] = {5, 18, 0, 0, 0, 1,  0, 0, 0, 2, 0, 0, 0, 3,
                                    0, 0,  0, 4, 5, 10, 0, 0, 0, 5, 0, 0, 0, 6};
    assert_int_equal(tcp_parse(p, with_options(p, opt, 28, 0), &s), 0);
    assert_int_equal(s.opt.nsack, 1);
    assert_true(s.opt.sack[0].lo.v == 5 && s.opt.sack[0].hi.v == 6);
}

/* The fast layout and the same option one NOP later mean the same. */
static void test_timestamps_layouts(void **state)
{
    (void)state;
    static const uint8_t fast[12] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t slow[12] = {1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1};
    struct tcp_seg a, b;
    uint8_t p[80];
    memset(&a, 0xaa, sizeof a);
    memset(&b, 0x55, sizeof b);
    size_t n = with_options(p, fast, 12, 3);
    assert_int_equal(tcp_parse(p, n, &a), 0);
    assert_int_equal(tcp_parse(p, with_options(p, slow, 12, 3), &b), 0);
    assert_true(a.opt.has_ts && a.opt.tsval == 0x01020304 && a.opt.tsecr == 0x05060708);
    same_options(&a.opt, &b.opt);
    assert_true(a.len == 3 && b.len == 3);
}

static void test_layout_of_a_syn(void **state)
{
    (void)state;
    static const uint8_t want[40] = {0,    1,    0, 2, 0, 0, 0, 3, 0, 0,   0, 0, 0xa0, 2,
                                     0xfa, 0xf0, 0, 0, 0, 0, 2, 4, 5, 180, 4, 2, 8,    10,
                                     0,    0,    0, 5, 0, 0, 0, 0, 1, 3,   3, 7};
    struct tcp_seg s = {.sport = 1, .dport = 2, .seq = {3}, .th = TERN_TH_SYN, .wnd = 64240};
    s.opt = (struct tcp_opts){.has_ts = true,
                              .sack_ok = true,
                              .has_ws = true,
                              .has_mss = true,
                              .ws = 7,
                              .mss = 1460,
                              .tsval = 5};
    uint8_t p[60];
    assert_int_equal(tcp_build(p, sizeof p, &s), 40);
    assert_memory_equal(p, want, 40);
    s.opt.has_ts = s.opt.has_ws = false;
    assert_int_equal(tcp_build(p, sizeof p, &s), 28);
    assert_memory_equal(p + 20, "\x02\x04\x05\xb4\x01\x01\x04\x02", 8);
}

static void test_layout_of_sack(void **state)
{
    (void)state;
    struct tcp_seg s = {.th = TERN_TH_ACK, .opt = {.nsack = 4}};
    uint8_t p[60];
    for (unsigned i = 0; i < 4; i++) {
        s.opt.sack[i].lo = seq_of(16 * i + 1);
        s.opt.sack[i].hi = seq_of(16 * i + 2);
    }
    assert_int_equal(tcp_build(p, sizeof p, &s), 56);
    assert_memory_equal(p + 20, "\x01\x01\x05\x22\0\0\0\x01\0\0\0\x02\0\0\0\x11", 16);
    s.opt.has_ts = true; /* three fit beside timestamps */
    assert_int_equal(tcp_build(p, sizeof p, &s), 60);
    assert_memory_equal(p + 20, "\x01\x01\x08\x0a\0\0\0\0\0\0\0\0\x01\x01\x05\x1a\0\0\0\x01", 20);
    expect_assert_failure(tcp_build(p, 59, &s));
    s.wnd = 65536;
    expect_assert_failure(tcp_build(p, sizeof p, &s));
}

static struct tcp_seg random_segment(struct prng *r)
{
    struct tcp_seg s;
    memset(&s, 0, sizeof s);
    s.seq.v = (uint32_t)prng_next(r);
    s.ack.v = (uint32_t)prng_next(r);
    s.wnd = prng_below(r, 65536);
    s.sport = (uint16_t)prng_next(r);
    s.dport = (uint16_t)prng_next(r);
    s.urg = (uint16_t)prng_next(r);
    s.th = (uint8_t)prng_next(r);
    s.opt.has_ts = prng_chance(r, 0.5);
    s.opt.sack_ok = prng_chance(r, 0.3);
    s.opt.has_ws = prng_chance(r, 0.3);
    s.opt.has_mss = prng_chance(r, 0.3);
    if (s.opt.has_ts) {
        s.opt.tsval = (uint32_t)prng_next(r);
        s.opt.tsecr = (uint32_t)prng_next(r);
    }
    if (s.opt.has_ws)
        s.opt.ws = (uint8_t)prng_below(r, 15);
    if (s.opt.has_mss)
        s.opt.mss = (uint16_t)(1 + prng_below(r, 65535));
    if (prng_chance(r, 0.2))
        s.opt.uto = (uint16_t)(1 + prng_below(r, TCP_UTO_MOST));
    s.opt.nsack = (uint8_t)prng_below(r, 5);
    for (unsigned i = 0; i < s.opt.nsack; i++) {
        s.opt.sack[i].lo.v = (uint32_t)prng_next(r);
        s.opt.sack[i].hi.v = s.opt.sack[i].lo.v + 1 + prng_below(r, INT32_MAX);
    }
    return s;
}

/* [RFC7413:4.1.1] Both forms of a Fast Open cookie; lengths that none has are as no option. */
static void test_fast_open(void **state)
{
    (void)state;
    struct tcp_seg s, back;
    uint8_t p[80];
    static const uint8_t cookie[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6};
    for (unsigned exp = 0; exp < 2; exp++) {
        for (unsigned n = 0; n <= 20; n++) {
            uint8_t opt[40] = {0};
            uint8_t *v = opt;
            *v++ = exp ? 254 : 34;
            *v++ = (uint8_t)(n + (exp ? 4 : 2));
            if (exp) {
                *v++ = 0xf9;
                *v++ = 0x89;
            }
            memcpy(v, cookie, n < 16 ? n : 16);
            bool good = n == 0 || (n >= 4 && n <= 16 && n % 2 == 0);
            assert_int_equal(tcp_parse(p, with_options(p, opt, 28, 4), &s), 0);
            assert_int_equal(s.opt.tfo, !good ? 0u : exp ? TCP_TFO_EXP : TCP_TFO);
            if (!good)
                continue;
            assert_int_equal(s.opt.tfo_len, n);
            assert_memory_equal(s.opt.tfo_cookie, cookie, n);
            memset(&back, 0, sizeof back);
            back.opt = s.opt;
            back.opt.tfo_cookie = cookie;
            size_t len = tcp_build(p, 60, &back);
            assert_int_equal(len, 20 + ((n + (exp ? 4 : 2) + 3) & ~3u));
            assert_int_equal(tcp_parse(p, len, &s), 0);
            assert_true(s.opt.tfo == back.opt.tfo && s.opt.tfo_len == n);
            assert_memory_equal(s.opt.tfo_cookie, cookie, n);
        }
    }
    static const uint8_t other[] = {254, 4, 0xf9, 0x88}; /* another experiment */
    assert_int_equal(tcp_parse(p, with_options(p, other, 4, 4), &s), 0);
    assert_int_equal(s.opt.tfo, 0);
}

/* [RFC9768:3.2.3] The counters in either order, and without the last of them. */
static void test_accurate_ecn(void **state)
{
    (void)state;
    struct tcp_seg s, back;
    uint8_t p[80];
    for (unsigned kind = 172; kind <= 174; kind += 2) {
        for (unsigned n = 0; n <= 12; n++) {
            uint8_t opt[16] = {(uint8_t)kind, (uint8_t)(n + 2)};
            for (unsigned i = 0; i < n; i++)
                opt[2 + i] = (uint8_t)(i + 1);
            assert_int_equal(tcp_parse(p, with_options(p, opt, 16, 4), &s), 0);
            bool good = n % 3 == 0 && n <= 9;
            assert_int_equal(s.opt.accecn, good ? n / 3 + 1 : 0);
            if (!good)
                continue;
            uint32_t first = n >= 3 ? 0x010203 : 0, last = n >= 9 ? 0x070809 : 0;
            assert_int_equal(s.opt.e0b, kind == 172 ? first : last);
            assert_int_equal(s.opt.ceb, n >= 6 ? 0x040506 : 0);
            assert_int_equal(s.opt.e1b, kind == 172 ? last : first);
        }
    }
    memset(&s, 0, sizeof s);
    s.ae = true;
    s.opt.accecn = 4;
    s.opt.e0b = 0xfffffe;
    s.opt.ceb = 0x123456;
    s.opt.e1b = 1;
    assert_int_equal(tcp_build(p, 60, &s), 32);
    assert_int_equal(tcp_parse(p, 32, &back), 0);
    assert_true(back.ae && back.opt.accecn == 4 && back.opt.e0b == s.opt.e0b);
    assert_true(back.opt.ceb == s.opt.ceb && back.opt.e1b == 1);
}

/* [RFC5482:3] Kind 28, four octets, seconds or minutes; one of no time at all is none. */
static void test_user_timeout(void **state)
{
    (void)state;
    struct tcp_seg s, back;
    uint8_t p[80];
    for (unsigned n = 0; n <= 4; n++) {
        const uint8_t opt[8] = {28, (uint8_t)(n + 2), n > 0 ? 0x80 | 5 : 0, n > 1 ? 7 : 0};
        assert_int_equal(tcp_parse(p, with_options(p, opt, 8, 4), &s), 0);
        assert_int_equal(s.opt.uto, n == 2 ? TCP_UTO_MINUTES | 0x507 : 0);
    }
    for (unsigned g = 0; g <= 0x80; g += 0x80) {
        const uint8_t zero[4] = {28, 4, (uint8_t)g, 0};
        assert_int_equal(tcp_parse(p, with_options(p, zero, 4, 4), &s), 0);
        assert_int_equal(s.opt.uto, 0);
    }
    for (uint32_t v = 1; v <= 0xffff; v += 111) {
        memset(&s, 0, sizeof s);
        s.opt.uto = (uint16_t)v;
        assert_int_equal(tcp_opts_len(&s.opt), 4);
        assert_int_equal(tcp_build(p, 60, &s), 24);
        assert_int_equal(p[20], 28);
        assert_int_equal(p[21], 4);
        assert_int_equal(tcp_parse(p, 24, &back), 0);
        assert_int_equal(back.opt.uto, (v & TCP_UTO_MOST) != 0 ? v : 0);
    }
}

/* [RFC2385:3.0] [RFC5925:2.2] Signatures are the last options; a second one, or one of a length
 * that cannot be, makes the segment a bad one. */
static void test_signatures(void **state)
{
    (void)state;
    struct tcp_seg s, back;
    uint8_t p[80];
    for (unsigned n = 0; n <= 38; n++) {
        uint8_t opt[40] = {19, (uint8_t)(n + 2)};
        assert_int_equal(tcp_parse(p, with_options(p, opt, 40, 4), &s), 0);
        assert_int_equal(s.opt.sign, n == 16 ? TCP_SIGN_MD5 : TCP_SIGN_BAD);
        assert_int_equal(s.opt.sign_len, n + 2);
        assert_ptr_equal(s.opt.sign_at, p + 20);
        opt[0] = 29;
        opt[2] = n >= 2 ? 61 : 0;
        opt[3] = n >= 2 ? 84 : 0;
        assert_int_equal(tcp_parse(p, with_options(p, opt, 40, 4), &s), 0);
        assert_int_equal(s.opt.sign, n >= 2 ? TCP_SIGN_AO : TCP_SIGN_BAD);
        if (n >= 2)
            assert_true(s.opt.ao_key == 61 && s.opt.ao_rnext == 84);
    }
    static const uint8_t two[40] = {29, 4, 1, 2, 19, 18};
    assert_int_equal(tcp_parse(p, with_options(p, two, 40, 4), &s), 0);
    assert_int_equal(s.opt.sign, TCP_SIGN_BAD);
    for (unsigned kind = TCP_SIGN_MD5; kind <= TCP_SIGN_AO; kind++) {
        unsigned room = kind == TCP_SIGN_MD5 ? SIGN_MD5_ROOM : SIGN_AO_ROOM;
        memset(&s, 0, sizeof s);
        memset(p, 0xee, sizeof p);
        s.opt.uto = 300; /* before it */
        s.opt.sign = (uint8_t)kind;
        s.opt.ao_key = 3;
        s.opt.ao_rnext = 4;
        assert_int_equal(tcp_build(p, 60, &s), 24 + room);
        assert_int_equal(tcp_parse(p, 24 + room, &back), 0);
        assert_true(back.opt.sign == kind && back.opt.uto == 300);
        assert_ptr_equal(back.opt.sign_at + back.opt.sign_len, p + 24 + room);
        for (unsigned i = 24 + room - (kind == TCP_SIGN_MD5 ? 16 : 12); i < 24 + room; i++)
            assert_int_equal(p[i], 0);
        assert_int_equal(back.opt.ao_key, kind == TCP_SIGN_AO ? 3 : 0);
        assert_int_equal(back.opt.ao_rnext, kind == TCP_SIGN_AO ? 4 : 0);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    struct prng r;
    uint8_t p[60 + 40], q[60];
    prng_init(&r, 1);
    for (int i = 0; i < 20000; i++) {
        struct tcp_seg s = random_segment(&r), back;
        size_t len = prng_below(&r, 40);
        memset(p, 0xee, sizeof p);
        size_t n = tcp_build(p, sizeof p, &s);
        assert_int_equal(n, 20 + tcp_opts_len(&s.opt));
        assert_int_equal(n % 4, 0);
        assert_int_equal(p[n], 0xee);
        assert_int_equal(tcp_parse(p, n + len, &back), 0);
        assert_true(back.hlen == n && back.len == len && back.data == p + n);
        assert_true(back.seq.v == s.seq.v && back.ack.v == s.ack.v && back.wnd == s.wnd);
        assert_true(back.sport == s.sport && back.dport == s.dport && back.urg == s.urg);
        assert_int_equal(back.th, s.th);
        if (s.opt.nsack > back.opt.nsack)
            assert_true(n + 8 + (back.opt.nsack == 0 ? 4 : 0) > 60); /* left out for want of room */
        s.opt.nsack = back.opt.nsack;
        same_options(&back.opt, &s.opt);
        assert_int_equal(tcp_build(q, sizeof q, &back), n);
        assert_memory_equal(p, q, n);
    }
}

/* Whatever the options' octets: no crash, and a value that builds and parses to itself. */
static void test_random_options(void **state)
{
    (void)state;
    struct prng r;
    uint8_t p[80], q[60], opt[40];
    prng_init(&r, 2);
    unsigned good = 0;
    for (int i = 0; i < 50000; i++) {
        struct tcp_seg s, back;
        for (unsigned k = 0; k < sizeof opt; k++)
            opt[k] = (uint8_t)prng_below(&r, prng_below(&r, 4) ? 11 : 256);
        size_t n = with_options(p, opt, (size_t)4 * prng_below(&r, 11), 4);
        if (tcp_parse(p, n, &s) != 0)
            continue;
        good++;
        if (s.opt.sign > TCP_SIGN_AO || tcp_opts_len(&s.opt) > TCP_OPTS_MAX)
            continue; /* what nobody would build: two signatures, or more than fits once aligned */
        size_t len = tcp_build(q, sizeof q, &s);
        assert_int_equal(tcp_parse(q, len, &back), 0);
        if (back.opt.nsack == s.opt.nsack)
            same_options(&back.opt, &s.opt);
    }
    assert_true(good > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_segment),
        cmocka_unit_test(test_header_lengths),
        cmocka_unit_test(test_illegal_option_lengths),
        cmocka_unit_test(test_skipped_options),
        cmocka_unit_test(test_end_of_list),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_two_signatures),
        cmocka_unit_test(test_sack_twice),
        cmocka_unit_test(test_timestamps_layouts),
        cmocka_unit_test(test_layout_of_a_syn),
        cmocka_unit_test(test_layout_of_sack),
        cmocka_unit_test(test_fast_open),
        cmocka_unit_test(test_accurate_ecn),
        cmocka_unit_test(test_user_timeout),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_random_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
