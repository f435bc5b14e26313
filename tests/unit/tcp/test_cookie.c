/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"
#include "wire/cookie.h"

static const struct tern_time second = {1000000000};

static struct tern_time at_s(struct rig *r, int64_t s)
{
    return (struct tern_time){r->t->jar.epoch_ns + s * second.ns};
}

static struct seq make(struct rig *r, struct seq irs, uint16_t mss, int64_t s)
{
    return cookie_make(r->t, &r->tuple, irs, mss, NULL, at_s(r, s));
}

static bool check(struct rig *r, const struct tcp_tuple *tu, struct seq irs, struct seq iss,
                  int64_t s, uint16_t *mss)
{
    unsigned age;
    return cookie_check(&r->t->jar, tu, irs, iss, at_s(r, s), mss, &age);
}

static void test_round_trip(void **state)
{
    static const uint16_t offered[] = {1,    64,   215,  216,  535,  536,  1199,
                                       1220, 1399, 1459, 1460, 8959, 8960, 65535};
    static const uint16_t kept[] = {64,   64,   64,   216,  216,  536,  536,
                                    1200, 1360, 1440, 1460, 1460, 8960, 8960};
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof offered / sizeof offered[0]; i++) {
        uint16_t mss = 0;
        struct seq irs = seq_of((uint32_t)i * 0x9e3779b9u), iss = make(r, irs, offered[i], 10);
        assert_true(check(r, &r->tuple, irs, iss, 11, &mss));
        assert_int_equal(mss, kept[i]);
    }
}

/* Each field of the name, and the SYN's number, is protected. */
static void test_bound_to_the_syn(void **state)
{
    struct rig *r = *state;
    uint16_t mss;
    struct seq irs = seq_of(12345), iss = make(r, irs, 1460, 10);
    struct tcp_tuple tu = r->tuple;
    tu.rport++;
    assert_false(check(r, &tu, irs, iss, 10, &mss));
    tu = r->tuple;
    tu.lport++;
    assert_false(check(r, &tu, irs, iss, 10, &mss));
    tu = r->tuple;
    tu.raddr[3]++;
    assert_false(check(r, &tu, irs, iss, 10, &mss));
    tu = r->tuple;
    tu.laddr[0]++;
    assert_false(check(r, &tu, irs, iss, 10, &mss));
    assert_false(check(r, &r->tuple, seq_add(irs, 1), iss, 10, &mss));
    for (int32_t i = -16; i <= 16; i++)
        assert_int_equal(check(r, &r->tuple, irs, seq_add(iss, (uint32_t)i), 10, &mss), i == 0);
    assert_true(check(r, &r->tuple, irs, iss, 10, &mss));
}

/* [RFC4987:3.6#1] */
static void test_life(void **state) /* the rest of its slot and the whole next one: 64 to 128 s */
{
    struct rig *r = *state;
    uint16_t mss;
    struct seq irs = seq_of(1), early = make(r, irs, 1460, 64 * 5),
               late = make(r, irs, 1460, 64 * 6 - 1);
    assert_int_equal(early.v, late.v);
    assert_true(check(r, &r->tuple, irs, late, 64 * 7 - 1, &mss));
    assert_false(check(r, &r->tuple, irs, late, 64 * 7, &mss));
    assert_false(
        check(r, &r->tuple, irs, late, 64 * 5 + 20, &mss)); /* its secret is gone for good */
}

static void test_secrets_rotate(void **state)
{
    struct rig *r = *state;
    struct hash_key was = r->t->jar.chain;
    struct seq irs = seq_of(7), a = make(r, irs, 1460, 1);
    assert_memory_not_equal(&r->t->jar.chain, &was, sizeof was);
    struct hash_key first = r->t->jar.key[0];
    struct seq b = make(r, irs, 1460, 65), c = make(r, irs, 1460, 129);
    assert_true(a.v != b.v && b.v != c.v && a.v != c.v);
    assert_memory_not_equal(&r->t->jar.key[0], &first, sizeof first); /* the first is overwritten */
    make(r, irs, 1460, 64 * 100);
    assert_int_equal(r->t->jar.slot[1], 0); /* and one that no slot needs is wiped */
    assert_int_equal(r->t->jar.key[1].k0, 0);
}

/* A blind ACK meets one of two 29-bit values: 2^-28. 2^20 tries all fail; and of all neighbours of
 * a right one, also those that differ in the MSS index alone, none is right too. */
static void test_guess_bound(void **state)
{
    struct rig *r = *state;
    uint16_t mss;
    struct seq irs = seq_of(99);
    make(r, irs, 1460, 1);
    struct seq iss = make(r, irs, 1460, 65);
    uint64_t x = 1;
    unsigned hits = 0;
    for (unsigned i = 0; i < 1u << 20; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        hits += check(r, &r->tuple, irs, seq_of((uint32_t)(x >> 32)), 66, &mss);
    }
    assert_in_range(hits, 0, 1);
    hits = 0;
    for (unsigned i = 0; i < 256; i++)
        hits += check(r, &r->tuple, irs, seq_of((iss.v & ~255u) + i), 66, &mss);
    assert_int_equal(hits, 1);
}

/* All bits look random: over many SYNs each is set about half of the time. */
static void test_no_bit_tells(void **state)
{
    struct rig *r = *state;
    unsigned ones[32] = {0};
    struct tcp_tuple tu = r->tuple;
    for (unsigned i = 0; i < 4096; i++) {
        tu.rport = (uint16_t)i;
        struct seq c = cookie_make(r->t, &tu, seq_of(5), 1460, NULL, at_s(r, 1));
        for (unsigned b = 0; b < 32; b++)
            ones[b] += c.v >> b & 1;
    }
    for (unsigned b = 0; b < 32; b++)
        assert_in_range(ones[b], 1850, 2250);
}

static void test_timestamp(void **state) /* [RFC4987:3.6#1] */
{
    (void)state;
    for (unsigned ws = 0; ws <= 15; ws++)
        for (unsigned bits = 0; bits < 4; bits++)
            for (uint32_t ts = 0xffffff80u; ts != 0x80; ts++) {
                struct cookie_opts o = {.ws = (uint8_t)ws, .sack = bits & 1, .ecn = bits >> 1};
                uint32_t v = cookie_tsval(ts, cookie_ts_low(&o));
                struct cookie_opts got = cookie_ts_read(v);
                assert_in_range(ts - v, 0, 63); /* never ahead of the clock [RFC7323:5.4] */
                assert_int_equal(got.ws, o.ws);
                assert_int_equal(got.sack, o.sack);
                assert_int_equal(got.ecn, o.ecn);
            }
}

static void test_offset_beside_the_cookie(void **state) /* hash_2_two says what hash_2 says */
{
    struct rig *r = *state;
    uint32_t off = 0;
    struct seq a = cookie_make(r->t, &r->tuple, seq_of(5), 1460, &off, at_s(r, 1));
    assert_int_equal(a.v, make(r, seq_of(5), 1460, 1).v);
    assert_int_equal(off, ts_offset_of(r->t, &r->tuple));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_round_trip),  RIG_TEST(test_bound_to_the_syn),
        RIG_TEST(test_life),        RIG_TEST(test_secrets_rotate),
        RIG_TEST(test_guess_bound), RIG_TEST(test_no_bit_tells),
        RIG_TEST(test_timestamp),   RIG_TEST(test_offset_beside_the_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
