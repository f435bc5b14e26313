/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that want to lead the state machine astray. docs/spec/threats.tsv, class state. */
#include "threats/host.h"

static void again(struct rig *r)
{
    rig_stop(r);
    rig_init(r);
    rig_start(r);
}

static void established(struct rig *r)
{
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
    rig_pull(r);
    rig_events(r);
}

/* C16: in TIME-WAIT a RST is ignored (RFC 1337), and a SYN taken only if its numbers are newer (RFC
 * 6191). */
static void test_c16_time_wait_assassination(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_TIME_WAIT);
    rig_listen(r, 4);
    rig_in(r, RST, 0, 0, 0);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    rig_in(r, ACK, -500, 0, 100); /* an old duplicate */
    rig_ack(r, CAUSE_NONE);
    rig_in_state(r, TERN_TCP_TIME_WAIT);
    struct rig_at at = rig_at(r);
    r->ts_skew = -100000;
    rig_syn(r, SYN, seq_sub(at.rcv_nxt, 1000), seq_of(0));
    rig_silent(r);
    r->ts_skew = 0;
    rig_sleep(r, 10);
    rig_syn(r, SYN, seq_add(at.rcv_nxt, 1000), seq_of(0));
    rig_one(r, SYN | ACK);
}

/* C18: a SACK block counts only between SND.UNA and SND.NXT, in modular arithmetic. */
static void test_c18_sack_edges(void **state)
{
    struct rig *r = *state;
    established(r);
    rig_send(r, 20000);
    rig_pull(r);
    struct rig_at at = rig_at(r);
    const uint32_t edge[] = {0x80000000u - 5,
                             0x80000000u,
                             0x80000000u + 5,
                             (uint32_t)-1460,
                             (uint32_t)-1,
                             0,
                             1,
                             1448,
                             2896,
                             (uint32_t)seq_diff(at.snd_nxt, at.snd_una),
                             100000,
                             0x7fffffffu};
    for (unsigned i = 0; i < 12; i++)
        for (unsigned j = 0; j < 12; j++) {
            struct tcp_seg s = {.seq = at.rcv_nxt, .ack = at.snd_una, .th = ACK, .wnd = r->wnd};
            s.opt.has_ts = true;
            s.opt.tsval = at.ts_recent;
            s.opt.nsack = 1;
            s.opt.sack[0].lo = seq_add(at.snd_una, edge[i]);
            s.opt.sack[0].hi = seq_add(at.snd_una, edge[j]);
            rig_seg(r, &s, 0);
            assert_int_equal(rig_at(r).snd_una.v, at.snd_una.v);
            rig_pull(r);
        }
    at = rig_at(r);
    rig_in(r, ACK, 0, 0, 0); /* and the real acknowledgment ends it well */
    assert_true(seq_eq(rig_at(r).snd_una, at.snd_nxt));
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* C19: what lies outside of the receive window is cut off, whatever edges a segment has. */
static void test_c19_data_beyond_the_window(void **state)
{
    struct rig *r = *state;
    const int32_t left[] = {-2000, -1, 0, 1, 1000}, right[] = {-1000, -1, 0, 1, 1000};
    for (unsigned i = 0; i < 5; i++)
        for (unsigned j = 0; j < 5; j++)
            for (unsigned fin = 0; fin < 2; fin++) {
                again(r);
                r->cfg.rcvbuf = 4096;
                established(r);
                int32_t wnd = (int32_t)rig_at(r).rcv_wnd;
                int32_t to = wnd + right[j], len = to - left[i];
                rig_in(r, ACK | (fin ? FIN : 0), left[i], 0, (uint32_t)(len < 60000 ? len : 60000));
                struct tcp_conn *c = rig_conn(r);
                assert_true(seq_le(c->rcv.nxt, seq_add(c->rcv.adv, 1)));
                assert_true(c->rcv.buf.len <= (uint32_t)wnd);
                int64_t got = rig_recv(r, 100000);
                assert_true(got <= wnd);
            }
}

/* C20: a peer that takes its window back cannot make the numbers cross; probes find the way out. */
static void test_c20_shrinking_window(void **state)
{
    struct rig *r = *state;
    established(r);
    rig_send(r, 30000);
    rig_pull(r);
    const uint32_t wnd[] = {100, 0, 1, 0, 5000, 0, 16000};
    for (unsigned i = 0; i < 7; i++) {
        r->wnd = wnd[i];
        struct rig_at at = rig_at(r);
        rig_in(r, ACK, 0, -(int32_t)seq_diff(at.snd_nxt, at.snd_una), 0);
        rig_run(r, 3000);
        rig_laws(r);
    }
    for (unsigned i = 0; i < 200 && rig_conn(r)->snd.buf.len != 0; i++) {
        rig_in(r, ACK, 0, 0, 0);
        rig_run(r, 100);
    }
    assert_int_equal(rig_conn(r)->snd.buf.len, 0);
}

/* C21: our own address as a source is a forgery and goes no further than IP. */
static void test_c21_land(void **state)
{
    (void)state;
    struct host h;
    struct tern_sock l;
    struct tern_endpoint own = ep(ip(10, 1, 0, 1), 80), any = {.port = 80};
    host_start(&h);
    assert_int_equal(tern_tcp_listen(h.st, &any, 4, 0, &l), 0);
    const struct tern_addr bad[] = {own.addr, ip(127, 0, 0, 1), ip(0, 0, 0, 0), ip(224, 0, 0, 1),
                                    ip(255, 255, 255, 255)};
    for (size_t i = 0; i < 5; i++) {
        host_tcp(&h, ep(bad[i], 80), own, 1, 0, SYN);
        host_tcp(&h, ep(bad[i], 80), own, 1, 1, SYN | ACK);
        assert_int_equal(host_pull(&h), 0);
    }
    assert_int_equal(tern_counter(h.st, CAUSE_DROP_IP_SOURCE), 10);
    host_tcp(&h, ep(ip(10, 1, 0, 2), 80), own, 1, 0, SYN);
    assert_int_equal(host_pull(&h), 1);
    host_stop(&h);
}

/* C22: every combination of control bits in every state: one answer at most, none to a RST, laws
 * unbroken. */
static void test_c22_all_flags(void **state)
{
    struct rig *r = *state;
    for (unsigned st = 0; st < TERN_TCP_STATES; st++)
        for (unsigned th = 0; th < 256; th++) {
            again(r);
            r->active = st != TERN_TCP_LISTEN && st != TERN_TCP_SYN_RECEIVED;
            rig_reach(r, st);
            rig_in(r, th, 0, 0, 0);
            unsigned n = rig_pull(r);
            assert_in_range(n, 0, 1);
            if (th & RST)
                assert_true(n == 0 || !(r->out[0].seg.th & RST));
            rig_laws(r);
        }
}

/* C23: a SYN for a SYN is a simultaneous open (RFC 9293 MUST-10): no data before ESTABLISHED, no
 * RST. */
static void test_c23_split_handshake(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_SYN_SENT);
    rig_send(r, 100);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->seg.len, 0);
    rig_in_state(r, TERN_TCP_SYN_RECEIVED);
    rig_syn(r, SYN | ACK, r->peer_iss, rig_at(r).snd_nxt); /* and the peer's own SYN-ACK */
    rig_pull(r);
    for (unsigned i = 0; i < r->n; i++)
        assert_false(r->out[i].seg.th & RST);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* C24: nothing answers a RST, and invalid segments get challenge_per_s ACKs a second at most: no
 * storm. */
static void test_c24_loops(void **state)
{
    struct rig *r = *state;
    rig_in(r, RST, 0, 0, 0);
    rig_in(r, RST | ACK, 0, 0, 0);
    rig_silent(r);
    established(r);
    unsigned sent = 0;
    for (unsigned ms = 0; ms < 60000;
         ms += 10) { /* the other stack answers each ACK with one of its own */
        rig_in(r, ACK, -100000, 0, 0);
        sent += rig_pull(r);
        rig_sleep(r, 10);
    }
    assert_in_range(sent, 1, 61 * r->cfg.challenge_per_s);
}

/* C25: sequence numbers are compared modulo 2^32 only (struct seq): transfers across every wrap. */
static void test_c25_sequence_wrap(void **state)
{
    struct rig *r = *state;
    const uint32_t base[] = {0, 0x80000000u, 0xffffffffu, 0x7fffffffu};
    for (unsigned b = 0; b < 4; b++)
        for (int32_t off = -3000; off <= 3000; off += 373) {
            again(r);
            r->peer_iss = seq_of(base[b] + (uint32_t)off);
            established(r);
            for (unsigned i = 0; i < 6; i++) {
                rig_in(r, ACK, 1000, 0, 1000); /* out of order, then the missing part */
                rig_in(r, ACK, 0, 0, 1000);
                assert_int_equal(rig_recv(r, 10000), 2000); /* compares the octets */
                rig_pull(r);
            }
        }
}

/* C27: an ACK that does not fit our SYN-ACK is answered with RST and opens nothing; RST ends the
 * attempt. */
static void test_c27_ack_in_syn_received(void **state)
{
    struct rig *r = *state;
    rig_reach(r, TERN_TCP_SYN_RECEIVED);
    struct rig_at at = rig_at(r);
    const int32_t wrong[] = {-1, 1, 100, -100000, INT32_MAX};
    for (unsigned i = 0; i < 5; i++) {
        rig_in(r, ACK, 0, wrong[i], 0);
        assert_int_equal(rig_one(r, RST)->seg.seq.v, at.snd_nxt.v + (uint32_t)wrong[i]);
        assert_int_equal(r->t->conns.used, 0);
    }
    rig_in(r, RST, 0, 0, 0);
    rig_in_state(r, TERN_TCP_LISTEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_c16_time_wait_assassination),
        RIG_TEST(test_c18_sack_edges),
        RIG_TEST(test_c19_data_beyond_the_window),
        RIG_TEST(test_c20_shrinking_window),
        RIG_TEST(test_c21_land),
        RIG_TEST(test_c22_all_flags),
        RIG_TEST(test_c23_split_handshake),
        RIG_TEST(test_c24_loops),
        RIG_TEST(test_c25_sequence_wrap),
        RIG_TEST(test_c27_ack_in_syn_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
