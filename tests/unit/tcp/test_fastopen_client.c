/* SPDX-License-Identifier: BSD-2-Clause */
/* The client of TCP Fast Open. */
#include "unit/tcp/rig.h"

static const uint8_t cookie[16] = {0xc0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void new_port(struct rig *r)
{
    static uint16_t port = 6000;
    r->local.port = r->tuple.lport = ++port;
}

static int64_t fast_connect(struct rig *r, uint32_t len, uint32_t flags)
{
    static const uint8_t data[65536];
    new_port(r);
    return tcp_fastopen(r->t, &r->local, &r->peer, 0, data, len, flags, &r->sock, r->now);
}

/* The peer's SYN-ACK: acknowledges `acked` octets of the SYN's data. */
static unsigned syn_ack(struct rig *r, uint32_t acked, unsigned kind, unsigned n)
{
    struct tcp_seg s = {.seq = r->peer_iss,
                        .ack = seq_add(rig_conn(r)->snd.iss, 1 + acked),
                        .th = SYN | ACK,
                        .wnd = r->wnd};
    s.opt.has_mss = s.opt.sack_ok = true;
    s.opt.mss = r->syn_mss;
    s.opt.tfo = (uint8_t)kind;
    s.opt.tfo_len = (uint8_t)n;
    s.opt.tfo_cookie = cookie;
    return rig_seg(r, &s, 0);
}

static void end(struct rig *r)
{
    assert_int_equal(tcp_abort(r->t, r->sock, r->now), TERN_OK);
    rig_pull(r);
}

/* [RFC7413:4.1.3] The first connection asks for a cookie, as it is, and keeps it. */
static void get_cookie(struct rig *r, unsigned n)
{
    assert_int_equal(fast_connect(r, 10, 0), 0);
    const struct rig_out *o = rig_one(r, SYN);
    assert_int_equal(o->seg.len, 0);
    assert_int_equal(o->seg.opt.tfo, TCP_TFO);
    assert_int_equal(o->seg.opt.tfo_len, 0);
    assert_int_equal(syn_ack(r, 0, TCP_TFO, n), CAUSE_RX_SEG);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    end(r);
    assert_true(tcp_fastopen_known(r->t, &r->peer, r->now));
}

static void test_data_in_the_syn(void **state)
{
    static const unsigned lens[] = {4, 8, 16};
    struct rig *r = *state;
    assert_false(tcp_fastopen_known(r->t, &r->peer, r->now));
    for (unsigned i = 0; i < 3; i++) {
        if (i == 0)
            get_cookie(r, lens[i]);
        assert_int_equal(fast_connect(r, 500, 0), 500);
        const struct rig_out *o = rig_one(r, SYN);
        assert_int_equal(o->seg.len, 500);
        assert_int_equal(o->seg.opt.tfo_len, lens[i]);
        assert_memory_equal(o->seg.opt.tfo_cookie, cookie, lens[i]);
        syn_ack(r, 500, i < 2 ? TCP_TFO : 0, i < 2 ? lens[i + 1] : 0); /* replaced */
        rig_in_state(r, TERN_TCP_ESTABLISHED);
        assert_int_equal(rig_conn(r)->snd.buf.len, 0);
        assert_int_equal(rig_one(r, ACK)->seg.len, 0);
        assert_true(extra_of(r->t, rig_conn(r))->fo.is & FO_SYN_DATA);
        assert_int_equal(rig_conn(r)->retrans, 0);
        end(r);
    }
}

/* As much as the server's MSS allows beside all options; the rest goes after the handshake. */
static void test_more_than_fits(void **state)
{
    struct rig *r = *state;
    r->syn_mss = 1000;
    get_cookie(r, 8);
    assert_int_equal(fast_connect(r, 2960, 0), 960);
    assert_int_equal(rig_send(r, 2000), 2000);
    assert_int_equal(rig_one(r, SYN)->seg.len, 960);
    syn_ack(r, 960, 0, 0);
    rig_pull(r);
    assert_int_equal(r->n, 2);
    assert_int_equal(r->out[0].seg.len + r->out[1].seg.len, 2000);
    assert_true(seq_eq(r->out[0].seg.seq, seq_add(rig_conn(r)->snd.iss, 961)));
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_conn(r)->snd.buf.len, 0);
    assert_true(rig_events(r) & TERN_EV_SENT_ALL);
}

/* [RFC7413:4.2.2] What the SYN-ACK does not cover is sent again at once. */
static void test_not_taken(void **state) /* [RFC7413:4.2.2#2] */
{
    static const uint32_t taken[] = {0, 100, 499};
    struct rig *r = *state;
    get_cookie(r, 8);
    for (unsigned i = 0; i < 3; i++) {
        fast_connect(r, 500, 0);
        rig_pull(r);
        syn_ack(r, taken[i], 0, 0);
        const struct rig_out *o = rig_one(r, ACK);
        assert_int_equal(o->seg.len, 500 - taken[i]);
        assert_true(seq_eq(o->seg.seq, seq_add(rig_conn(r)->snd.iss, 1 + taken[i])));
        assert_int_equal(rig_conn(r)->retrans, 1);
        assert_false(extra_of(r->t, rig_conn(r))->fo.is & FO_SYN_DATA); /* all of it, or none */
        rig_in(r, ACK, 0, 0, 0);
        assert_int_equal(rig_conn(r)->snd.buf.len, 0);
        end(r);
    }
}

/* [RFC7413:4.1.3.1] The SYN is sent again without data and cookie; and when that one gets through,
 * the server gets plain SYNs for an hour. */
static void test_black_hole(void **state) /* [RFC7413:4.2.2#1] */
{
    struct rig *r = *state;
    get_cookie(r, 8);
    fast_connect(r, 500, 0);
    rig_pull(r);
    rig_run(r, 1500);
    assert_int_equal(r->n, 1);
    const struct rig_out *o = &r->out[0];
    assert_int_equal(o->seg.th, SYN);
    assert_int_equal(o->seg.len, 0);
    assert_int_equal(o->seg.opt.tfo, 0);
    syn_ack(r, 0, 0, 0);
    assert_int_equal(rig_one(r, ACK)->seg.len, 500);
    rig_in(r, ACK, 0, 0, 0);
    end(r);
    assert_false(tcp_fastopen_known(r->t, &r->peer, r->now));
    assert_int_equal(fast_connect(r, 500, 0), 0);
    o = rig_one(r, SYN);
    assert_int_equal(o->seg.len + o->seg.opt.tfo, 0);
    end(r);
    rig_sleep(r, 3600000);
    assert_int_equal(fast_connect(r, 500, 0), 500);
    assert_int_equal(rig_one(r, SYN)->seg.len, 500);
}

/* The SYN was lost only once: it took the data at the second try of the server's. */
static void test_synack_lost(void **state)
{
    struct rig *r = *state;
    get_cookie(r, 8);
    fast_connect(r, 500, 0);
    rig_pull(r);
    rig_run(r, 1500);
    syn_ack(r, 500, 0, 0); /* to the first */
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(rig_conn(r)->snd.buf.len, 0);
    assert_true(tcp_fastopen_known(r->t, &r->peer, r->now));
}

static void test_beyond_what_was_sent(void **state)
{
    struct rig *r = *state;
    get_cookie(r, 8);
    fast_connect(r, 500, 0);
    rig_pull(r);
    assert_int_equal(syn_ack(r, 501, 0, 0), CAUSE_DROP_SYN_SENT_ACK);
    rig_one(r, RST);
    assert_int_equal(syn_ack(r, 500, 0, 0), CAUSE_RX_SEG);
}

/* Two clients at once: the peer's SYN crosses ours. */
static void test_simultaneous(void **state)
{
    struct rig *r = *state;
    get_cookie(r, 8);
    fast_connect(r, 500, 0);
    rig_pull(r);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_one(r, SYN | ACK);
    rig_in_state(r, TERN_TCP_SYN_RECEIVED);
    struct tcp_seg s = {.seq = seq_add(r->peer_iss, 1),
                        .ack = seq_add(rig_conn(r)->snd.iss, 1),
                        .th = ACK,
                        .wnd = r->wnd};
    s.opt.has_ts = rig_conn(r)->ts_ok;
    s.opt.tsval = rig_conn(r)->ts_recent;
    assert_int_equal(rig_seg(r, &s, 0), CAUSE_RX_SEG);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(rig_one(r, ACK)->seg.len, 500);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(rig_conn(r)->snd.buf.len, 0);
}

static void test_refused(void **state)
{
    struct rig *r = *state;
    get_cookie(r, 8);
    fast_connect(r, 500, 0);
    rig_pull(r);
    rig_in(r, RST | ACK, 0, 0, 0);
    assert_int_equal(rig_recv(r, 1), TERN_ECONNREFUSED);
}

/* A server that does not answer with a cookie is asked in the other form. */
static void test_experimental(void **state)
{
    static const unsigned kind[] = {TCP_TFO, TCP_TFO_EXP, TCP_TFO};
    struct rig *r = *state;
    for (unsigned i = 0; i < 3; i++) {
        fast_connect(r, 10, 0);
        assert_int_equal(rig_one(r, SYN)->seg.opt.tfo, kind[i]);
        syn_ack(r, 0, 0, 0);
        end(r);
    }
    fast_connect(r, 10, 0);
    rig_pull(r);
    syn_ack(r, 0, TCP_TFO_EXP, 8);
    end(r);
    assert_int_equal(fast_connect(r, 10, 0), 10);
    assert_int_equal(rig_one(r, SYN)->seg.opt.tfo, TCP_TFO_EXP);
}

static void test_without_cookie(void **state)
{
    struct rig *r = *state;
    assert_int_equal(fast_connect(r, 1000, TERN_FASTOPEN_NO_COOKIE), 536 - 40);
    const struct rig_out *o = rig_one(r, SYN);
    assert_int_equal(o->seg.len, 536 - 40); /* nothing is known of its MSS */
    assert_int_equal(o->seg.opt.tfo, 0);
    end(r);
    r->cfg.fastopen = FO_ON_CLIENT | FO_ANY_CLIENT;
    assert_true(tcp_fastopen_known(r->t, &r->peer, r->now));
    assert_int_equal(fast_connect(r, 10, 0), 10);
    assert_int_equal(rig_one(r, SYN)->seg.len, 10);
    end(r);
    r->cfg.fastopen = FO_ON_SERVER;
    assert_int_equal(fast_connect(r, 10, 0), TERN_EOPNOTSUPP);
    assert_int_equal(fast_connect(r, 10, 2), TERN_EOPNOTSUPP);
    r->cfg.fastopen = FO_ON_CLIENT;
    assert_int_equal(fast_connect(r, 10, 2), TERN_EINVAL);
}

/* An unsolicited cookie is not kept. */
static void test_unasked(void **state)
{
    struct rig *r = *state;
    new_port(r);
    assert_int_equal(tcp_connect(r->t, &r->local, &r->peer, 0, &r->sock, r->now), TERN_OK);
    assert_int_equal(rig_one(r, SYN)->seg.opt.tfo, 0);
    syn_ack(r, 0, TCP_TFO, 8);
    assert_false(tcp_fastopen_known(r->t, &r->peer, r->now));
}

/* More servers than the table holds: the one not used for longest is forgotten. */
static void test_table(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i <= FO_CACHE; i++) {
        r->peer.addr.b[2] = r->tuple.raddr[2] = (uint8_t)i;
        get_cookie(r, 8);
        rig_sleep(r, 10);
        if (i == 1) {
            r->peer.addr.b[2] = r->tuple.raddr[2] = 0;
            fast_connect(r, 10, 0);
            end(r);
            rig_sleep(r, 10);
        }
    }
    unsigned known = 0;
    for (unsigned i = 0; i <= FO_CACHE; i++) {
        r->peer.addr.b[2] = (uint8_t)i;
        known += tcp_fastopen_known(r->t, &r->peer, r->now);
        if (i == 1)
            assert_int_equal(known, 1); /* 0 was used after it */
    }
    assert_int_equal(known, FO_CACHE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_data_in_the_syn), RIG_TEST(test_more_than_fits),
        RIG_TEST(test_not_taken),       RIG_TEST(test_black_hole),
        RIG_TEST(test_synack_lost),     RIG_TEST(test_beyond_what_was_sent),
        RIG_TEST(test_simultaneous),    RIG_TEST(test_refused),
        RIG_TEST(test_experimental),    RIG_TEST(test_without_cookie),
        RIG_TEST(test_unasked),         RIG_TEST(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
