/* SPDX-License-Identifier: BSD-2-Clause */
/* Attacks of a receiver on the sender: ACKs and SACKs that lie. docs/spec/threats.tsv, class dos.
 */
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

/* The SACK attacks need a sender with much in flight. */
static void sender(struct rig *r, uint16_t mss)
{
    r->syn_mss = mss;
    r->wnd = 65535;
    established(r);
    rig_send(r, 200000);
    rig_pull(r);
}

static void sack_every_other(struct rig *r, uint32_t step)
{
    struct rig_at at = rig_at(r);
    uint32_t flight = (uint32_t)seq_diff(at.snd_nxt, at.snd_una);
    for (uint32_t i = step; i + step < flight; i += 2 * step) {
        struct tcp_seg s = {.seq = at.rcv_nxt, .ack = at.snd_una, .th = ACK, .wnd = r->wnd};
        s.opt.has_ts = true;
        s.opt.tsval = at.ts_recent;
        s.opt.nsack = 1;
        s.opt.sack[0].lo = seq_add(at.snd_una, i);
        s.opt.sack[0].hi = seq_add(at.snd_una, i + step);
        rig_seg(r, &s, 0);
        rig_pull(r);
    }
}

/* D10: segments are counted in 32 bits and the MSS has a floor: SACK holes of one octet change
 * nothing but time. */
static void test_d10_sack_panic(void **state)
{
    struct rig *r = *state;
    sender(r, 48);
    sack_every_other(r, 1);
    struct rig_at at = rig_at(r);
    rig_in(r, ACK, 0, 0, 0);
    assert_true(seq_eq(rig_at(r).snd_una, at.snd_nxt));
}

/* D11: the scoreboard is a shared pool of fixed size (max_sent); when it is empty records are
 * merged. */
static void test_d11_sack_scoreboard(void **state)
{
    struct rig *r = *state;
    sender(r, 1460);
    for (unsigned i = 0; i < 5; i++) {
        sack_every_other(r, 3);
        assert_true(r->t->sents.used <= r->t->sents.max);
    }
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
}

/* D12: an MSS below 64 octets is taken for 64. */
static void test_d12_low_mss(void **state)
{
    static const uint16_t mss[] = {1, 8, 48, 63, 64};
    struct rig *r = *state;
    for (unsigned i = 0; i < 5; i++) {
        again(r);
        r->syn_mss = mss[i];
        established(r);
        assert_int_equal(rig_conn(r)->mss, 64);
        rig_send(r, 10000);
        rig_pull(r);
        for (unsigned k = 0; k + 1 < r->n; k++)
            assert_true(r->out[k].seg.len >= 52); /* 64 less the timestamps */
    }
}

/* D13: data stays until it is acknowledged cumulatively: a SACK that is taken back costs a
 * retransmission. */
static void test_d13_sack_reneging(void **state) /* [RFC2018:8] [RFC2018:5.1] */
{
    struct rig *r = *state;
    sender(r, 1460);
    struct rig_at at = rig_at(r);
    uint32_t held = rig_conn(r)->snd.buf.len;
    struct tcp_seg s = {.seq = at.rcv_nxt, .ack = at.snd_una, .th = ACK, .wnd = r->wnd};
    s.opt.has_ts = true;
    s.opt.tsval = at.ts_recent;
    s.opt.nsack = 1;
    s.opt.sack[0].lo = seq_add(at.snd_una, 1448);
    s.opt.sack[0].hi = at.snd_nxt;
    rig_seg(r, &s, 0);
    assert_int_equal(rig_conn(r)->snd.buf.len, held);
    struct seq una =
        at.snd_una; /* the peer has dropped all that it SACKed: it acknowledges in order, slowly */
    for (unsigned i = 0; i < 300 && seq_lt(una, at.snd_nxt); i++) {
        rig_run(r, 3000);
        for (unsigned k = 0; k < r->n; k++)
            if (seq_le(r->out[k].seg.seq, una) &&
                seq_gt(seq_add(r->out[k].seg.seq, r->out[k].seg.len), una))
                una = seq_add(r->out[k].seg.seq, r->out[k].seg.len);
        rig_in(r, ACK, 0, -(int32_t)seq_diff(rig_at(r).snd_nxt, una), 0);
    }
    assert_true(seq_ge(una, at.snd_nxt));
}

/* D14: an ACK of what was never sent is answered and otherwise ignored: cwnd grows by octets that
 * were sent. */
static void test_d14_optimistic_ack(void **state)
{
    struct rig *r = *state;
    sender(r, 1460);
    struct rig_at at = rig_at(r);
    uint32_t cwnd = rig_conn(r)->cc.cwnd, flight = (uint32_t)seq_diff(at.snd_nxt, at.snd_una);
    for (unsigned i = 1; i < 100; i++) {
        rig_in(r, ACK, 0, (int32_t)(i * 1448), 0);
        rig_pull(r);
    }
    assert_int_equal(rig_at(r).snd_una.v, at.snd_una.v);
    assert_int_equal(rig_conn(r)->cc.cwnd, cwnd);
    rig_in(r, ACK, 0, -(int32_t)seq_diff(rig_at(r).snd_nxt, at.snd_nxt), 0);
    assert_true(rig_conn(r)->cc.cwnd <= cwnd + flight);
}

/* D15: the window grows by octets acknowledged (RFC 3465), not by ACKs. */
static void test_d15_ack_division(void **state) /* [RFC5681:3.1#4] */
{
    struct rig *r = *state;
    uint32_t cwnd[2];
    for (unsigned divided = 0; divided < 2; divided++) {
        again(r);
        sender(r, 1460);
        struct rig_at at = rig_at(r);
        for (int32_t i = divided ? 1447 : 0; i >= 0; i--) {
            struct tcp_seg s = {.seq = at.rcv_nxt,
                                .ack = seq_add(at.snd_una, 1448 - (uint32_t)i),
                                .th = ACK,
                                .wnd = r->wnd};
            s.opt.has_ts = true;
            s.opt.tsval = at.ts_recent;
            rig_seg(r, &s, 0);
        }
        cwnd[divided] = rig_conn(r)->cc.cwnd;
    }
    assert_true(cwnd[1] <= cwnd[0] + 1448);
}

/* D16: duplicate ACKs without SACK news let out no more than limited transmit and recovery allow.
 */
static void test_d16_duplicate_acks(void **state) /* [RFC5681:3.2#3] */
{
    struct rig *r = *state;
    sender(r, 1460);
    struct rig_at at = rig_at(r);
    uint32_t cwnd = rig_conn(r)->cc.cwnd, fresh = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct tcp_seg s = {.seq = at.rcv_nxt, .ack = at.snd_una, .th = ACK, .wnd = r->wnd};
        s.opt.has_ts = true;
        s.opt.tsval = at.ts_recent;
        rig_seg(r, &s, 0);
        rig_pull(r);
    }
    fresh = (uint32_t)seq_diff(rig_at(r).snd_nxt, at.snd_nxt);
    assert_true(fresh <= 4 * 1448);
    assert_true(rig_conn(r)->cc.cwnd <= cwnd + 4 * 1448);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_d10_sack_panic),     RIG_TEST(test_d11_sack_scoreboard),
        RIG_TEST(test_d12_low_mss),        RIG_TEST(test_d13_sack_reneging),
        RIG_TEST(test_d14_optimistic_ack), RIG_TEST(test_d15_ack_division),
        RIG_TEST(test_d16_duplicate_acks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
