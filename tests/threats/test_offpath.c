/* SPDX-License-Identifier: BSD-2-Clause */
/* Attackers who do not see the packets: they guess. docs/spec/threats.tsv, class off-path. */
#include "threats/host.h"

static void established(struct rig *r)
{
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_pull(r);
    rig_events(r);
}

/* C01: initial sequence numbers are a keyed SipHash of the four-tuple plus a 4 us clock (RFC 6528).
 */
static void test_c01_isn_cannot_be_predicted(void **state) /* [RFC9293:MUST-9] [RFC6528:3#2] */
{
    struct rig *r = *state;
    struct tcp_tuple tu = r->tuple;
    static uint8_t seen[4096];
    unsigned distinct = 0, bits[32] = {0};
    uint32_t last = 0;
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < 4096; i++) {
        tu.rport = (uint16_t)(1000 + i);
        uint32_t isn = isn_of(r->t, &tu, r->now).v;
        distinct += !seen[isn >> 20];
        seen[isn >> 20] = 1;
        for (unsigned b = 0; b < 32; b++)
            bits[b] += (isn ^ last) >> b & 1;
        last = isn;
    }
    assert_in_range(distinct, 2400, 2800); /* (1 - 1/e) of 4096: as if drawn at random */
    for (unsigned b = 0; b < 32; b++)
        assert_in_range(bits[b], 1850, 2250);
    struct seq a = isn_of(r->t, &r->tuple, r->now),
               b = isn_of(r->t, &r->tuple, time_add_ms(r->now, 1));
    assert_int_equal(seq_diff(b, a), 250); /* the same tuple: forwards in time */
}

/* C02: only a RST exactly at RCV.NXT kills; one in the window is challenged (RFC 5961 3.2). */
static void test_c02_blind_rst(void **state) /* [RFC5961:3.2#1] [RFC5961:3.2#3] */
{
    struct rig *r = *state;
    established(r);
    int32_t wnd = (int32_t)rig_at(r).rcv_wnd;
    const struct {
        int32_t seq;
        unsigned sent;
    } rows[] = {{-1, 0}, {1, 1}, {100, 1}, {wnd - 1, 1}, {wnd + 1000000, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_in(r, RST, rows[i].seq, 0, 0);
        assert_int_equal(rig_pull(r), rows[i].sent);
        rig_in_state(r, TERN_TCP_ESTABLISHED);
    }
    rig_in(r, RST, 0, 0, 0);
    rig_in_state(r, TERN_TCP_CLOSED);
}

/* C03: a SYN on a live connection is challenged, whatever its number (RFC 5961 4.2). */
static void test_c03_blind_syn(void **state) /* [RFC5961:4.2#1] */
{
    struct rig *r = *state;
    established(r);
    const int32_t at[] = {0, 1, -1, 5000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        rig_in(r, SYN, at[i], 0, 0);
        rig_ack(r, CAUSE_TX_ACK_CHALLENGE);
        rig_in_state(r, TERN_TCP_ESTABLISHED);
    }
}

/* C04: data whose ACK is older than the largest window, or of the future, is not taken (RFC
 * 5961 5.2). */
static void test_c04_blind_data(void **state) /* [RFC5961:5.2#1] [RFC5961:5.2#2] */
{
    struct rig *r = *state;
    established(r);
    rig_in(r, PSH | ACK, 0, -0x40000000, 50);
    rig_one(r, ACK);
    rig_in(r, PSH | ACK, 0, 5000, 50);
    rig_one(r, ACK);
    assert_int_equal(rig_recv(r, 100), TERN_EAGAIN);
    rig_in(r, PSH | ACK, 0, 0, 50);
    assert_int_equal(rig_recv(r, 100), 50);
}

/* C05: challenge ACKs are counted for each connection (challenge_per_s); no counter is shared. */
static void test_c05_challenge_counter(void **state) /* [RFC5961:7] */
{
    struct rig *r = *state;
    unsigned sent = 0;
    rig_listen(r, 4);
    for (unsigned i = 0; i < 2; i++) {
        r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        rig_in(r, ACK, 0, 0, 0);
        rig_accept(r);
        rig_pull(r);
    }
    for (unsigned i = 0; i < 500; i++) { /* the attacker's own connection is exhausted */
        rig_in(r, RST, 100, 0, 0);
        sent += rig_pull(r);
    }
    assert_int_equal(sent, r->cfg.challenge_per_s);
    r->peer.port = r->tuple.rport = RIG_PEER; /* the victim's is not */
    for (unsigned i = 0; i < r->cfg.challenge_per_s; i++) {
        rig_in(r, RST, 100, 0, 0);
        rig_one(r, ACK);
    }
}

/* C06: packets that cannot be fragmented carry the IP identification 0 (RFC 6864): nothing to
 * watch. */
static void test_c06_ip_identification(void **state)
{
    (void)state;
    struct host h;
    struct tern_sock s;
    host_start(&h);
    for (unsigned i = 0; i < 20; i++) {
        struct tern_endpoint to = ep(ip(10, 1, 0, (uint8_t)(2 + i)), 80);
        assert_int_equal(tern_tcp_connect(h.st, NULL, &to, &s, h.now), 0);
        assert_int_equal(host_pull(&h), 1);
        assert_int_equal(be16_load(h.out + 4), 0);
        assert_int_equal(be16_load(h.out + 6), 0x4000); /* DF, no fragment */
    }
    host_stop(&h);
}

/* C07: ephemeral ports begin at a keyed hash of both addresses and the port (RFC 6056, algorithm
 * 3). */
static void test_c07_source_ports(void **state) /* [RFC6056:3.3] */
{
    struct rig *r = *state;
    unsigned near = 0;
    uint16_t last = 0;
    struct tcp_tuple tu = r->tuple;
    for (unsigned i = 0; i < 1000; i++) { /* the port towards one tells nothing about the next */
        tu.raddr[3] = (uint8_t)i;
        tu.raddr[2] = (uint8_t)(i >> 8);
        uint16_t p = port_choose(r->t, &tu);
        assert_in_range(p, r->cfg.port_lo, r->cfg.port_hi);
        near += (unsigned)abs(p - last) < 64;
        last = p;
    }
    assert_in_range(near, 0, 20); /* 4.5 expected by chance */
}

/* C08: in SYN-SENT only RST,ACK of ISS+1 ends the attempt; a wrong SYN-ACK is answered with RST. */
static void test_c08_spoofed_answers_to_a_syn(void **state) /* [RFC5961:3.2#4] */
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_SYN_SENT);
    struct seq nxt = rig_at(r).snd_nxt;
    struct tcp_seg s = {.seq = r->peer_iss, .wnd = 1000};
    const int32_t wrong[] = {-1, 1, 1000, -1000};
    s.th = RST;
    s.ack = seq_of(0);
    rig_seg(r, &s, 0);
    rig_silent(r);
    for (size_t i = 0; i < 4; i++) {
        s.ack = seq_add(nxt, (uint32_t)wrong[i]);
        s.th = RST | ACK;
        rig_seg(r, &s, 0);
        rig_silent(r);
        s.th = SYN | ACK;
        rig_seg(r, &s, 0);
        assert_int_equal(rig_one(r, RST)->seg.seq.v, s.ack.v);
        rig_in_state(r, TERN_TCP_SYN_SENT);
    }
    s.th = RST | ACK;
    s.ack = nxt;
    rig_seg(r, &s, 0);
    rig_in_state(r, TERN_TCP_CLOSED);
}

/* C09: TS.Recent moves only with a segment that is acceptable and spans Last.ACK.sent (RFC
 * 7323 4.3). */
static void test_c09_paws_poisoning(void **state) /* [RFC7323:4.3] */
{
    struct rig *r = *state;
    established(r);
    uint32_t recent = rig_at(r).ts_recent;
    r->ts_skew = 0x7fff0000;
    rig_in(r, ACK, (int32_t)rig_at(r).rcv_wnd + 10, 0, 10); /* out of the window */
    rig_in(r, ACK, 0, 100000, 10);                          /* acknowledges the future */
    rig_in(r, ACK, 500, 0, 10);                             /* not what is waited for */
    assert_int_equal(rig_at(r).ts_recent, recent);
    r->ts_skew = 0;
    rig_sleep(r, 5);
    assert_int_equal(rig_in(r, ACK, 0, 0, 10), CAUSE_RX_SEG);
}

/* C11: an ICMP hard error never ends an open connection, and an opening one only if it quotes the
 * SYN. */
/* [RFC9293:MUST-54] [RFC9293:SHLD-26] [RFC5927:4] */
static void test_c11_icmp_hard_errors(void **state)
{
    struct rig *r = *state;
    established(r);
    rig_send(r, 100);
    rig_pull(r);
    struct rig_at at = rig_at(r);
    assert_int_equal(
        tcp_icmp(r->t, &r->local, &r->peer, at.snd_una.v, TERN_ECONNREFUSED, true, 0, r->now),
        CAUSE_DROP_ICMP_TAKEN);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(
        tcp_icmp(r->t, &r->local, &r->peer, at.snd_nxt.v + 1, TERN_ECONNREFUSED, true, 0, r->now),
        CAUSE_DROP_ICMP_NO_MATCH);
    rig_stop(r);
    rig_init(r);
    rig_start(r);
    r->active = true;
    rig_reach(r, TERN_TCP_SYN_SENT);
    uint32_t iss = rig_at(r).snd_una.v;
    tcp_icmp(r->t, &r->local, &r->peer, iss + 7, TERN_ECONNREFUSED, true, 0, r->now);
    rig_in_state(r, TERN_TCP_SYN_SENT);
    tcp_icmp(r->t, &r->local, &r->peer, iss, TERN_ECONNREFUSED, true, 0, r->now);
    rig_in_state(r, TERN_TCP_CLOSED);
}

static unsigned too_big(struct rig *r, uint32_t seq, uint16_t mtu)
{
    return tcp_icmp(r->t, &r->local, &r->peer, seq, TERN_EMSGSIZE, false, mtu, r->now);
}

/* C12: "fragmentation needed" counts only for a quoted number in flight, never below 552; once a
 * segment so large is known to have arrived it waits until the quoted one is lost, and is dropped
 * when that arrives (RFC 5927 7.2). */
static void test_c12_icmp_too_big(void **state) /* [RFC8899:4.6.1] [RFC1191:3#2] [RFC5927:7.2] */
{
    static const uint16_t tiny[] = {1, 67, 68, 296, 551};
    struct rig *r = *state;
    established(r);
    uint16_t mss = rig_conn(r)->mss;
    uint32_t una = rig_at(r).snd_una.v;
    for (size_t i = 0; i < 5; i++) /* nothing is outstanding */
        too_big(r, una, tiny[i]);
    assert_int_equal(rig_conn(r)->mss, mss);
    rig_send(r, 20000);
    rig_pull(r);
    una = rig_at(r).snd_una.v;
    for (size_t i = 0; i < 5; i++) {
        too_big(r, una - 1, tiny[i]);
        too_big(r, una + 0x100000, tiny[i]);
    }
    assert_int_equal(rig_conn(r)->mss, mss);
    for (size_t i = 0; i < 5; i++) /* guessed right, and no segment has arrived yet */
        too_big(r, una, tiny[i]);
    assert_int_equal(rig_conn(r)->mss, 552 - 40);
    rig_laws(r);
}

/* C12: on a connection whose segments arrive the right number and MTU do not help the forger. */
static void test_c12_forged_with_the_right_number(void **state) /* [RFC5927:7.2] */
{
    struct rig *r = *state;
    established(r);
    uint16_t mss = rig_conn(r)->mss;
    for (unsigned round = 0; round < 50; round++) {
        rig_send(r, 5 * mss);
        rig_pull(r);
        for (uint32_t n = 0; round > 0 && n < 3; n++)
            too_big(r, rig_at(r).snd_una.v + n * 100, (uint16_t)(552 + 100 * n));
        rig_sleep(r, 10);
        struct rig_at at = rig_at(r);
        rig_in(r, ACK, 0, 0, 0); /* all of it has arrived */
        assert_true(seq_eq(rig_at(r).snd_una, at.snd_nxt));
        assert_int_equal(rig_conn(r)->mss, mss);
    }
    assert_int_equal(rig_count(r, CAUSE_PMTU_ICMP), 0);
    assert_true(rig_count(r, CAUSE_PMTU_REFUTED) >= 49);
    rig_laws(r);
}

/* C13: ICMP source quench (RFC 6633) and redirects are not listened to. */
static void test_c13_icmp_quench_and_redirect(void **state) /* [RFC9293:MUST-55] [RFC6633:3] */
{
    (void)state;
    struct host h;
    struct tern_sock s;
    struct tern_info before, after;
    struct tern_endpoint to = ep(ip(10, 1, 0, 2), 80);
    host_start(&h);
    assert_int_equal(tern_tcp_connect(h.st, NULL, &to, &s, h.now), 0);
    assert_int_equal(host_pull(&h), 1);
    assert_true(tern_inspect(h.st, s, &before, h.now));
    host_icmp(&h, to.addr, 4, 0);
    host_icmp(&h, to.addr, 5, 1);
    assert_true(tern_inspect(h.st, s, &after, h.now));
    assert_int_equal(after.state, TERN_TCP_SYN_SENT);
    assert_int_equal(after.cwnd, before.cwnd);
    assert_int_equal(tern_counter(h.st, CAUSE_DROP_ICMP_TYPE), 2);
    host_stop(&h);
}

/* C14: a SYN cookie has 29 bits of a keyed MAC and two slots: a blind ACK opens once in 2^28;
 * without cookies on their way ACKs are not even compared. */
static void test_c14_cookie_guessing(void **state)
{
    struct rig *r = *state;
    uint64_t x = 4711;
    rig_listen(r, 4);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 50000; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            struct tcp_seg s = {
                .seq = seq_of(77), .ack = seq_of((uint32_t)(x >> 32)), .th = ACK, .wnd = 100};
            rig_seg(r, &s, 0);
            if (i % 16 == 15)
                rig_pull(r);
        }
        assert_int_equal(r->t->conns.used, 0);
        assert_int_equal(r->t->detect.st.outcome[TERN_SYN_COOKIE_BAD], round * 50000);
        tcp_setopt(r->t, r->lis, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS, r->now);
        rig_syn(r, SYN, r->peer_iss, seq_of(0)); /* from here on cookies are given out */
        rig_pull(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_c01_isn_cannot_be_predicted),
        RIG_TEST(test_c02_blind_rst),
        RIG_TEST(test_c03_blind_syn),
        RIG_TEST(test_c04_blind_data),
        RIG_TEST(test_c05_challenge_counter),
        RIG_TEST(test_c06_ip_identification),
        RIG_TEST(test_c07_source_ports),
        RIG_TEST(test_c08_spoofed_answers_to_a_syn),
        RIG_TEST(test_c09_paws_poisoning),
        RIG_TEST(test_c11_icmp_hard_errors),
        RIG_TEST(test_c12_icmp_too_big),
        RIG_TEST(test_c12_forged_with_the_right_number),
        RIG_TEST(test_c13_icmp_quench_and_redirect),
        RIG_TEST(test_c14_cookie_guessing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
