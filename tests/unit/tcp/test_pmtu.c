/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/flight.h"

static unsigned too_large(struct rig *r, unsigned n, unsigned mtu)
{
    return tcp_icmp(r->t, &r->local, &r->peer, segment(n).v, TERN_EMSGSIZE, false, (uint16_t)mtu,
                    r->now);
}

static unsigned mtu_of(void)
{
    return c->mss + 40u;
}

/* As long as no segment so large is known to have arrived a router is believed at once. One segment
 * goes, as in slow start; cwnd stays [RFC1191:3#1] [RFC1191:6.4] [RFC5927:7.2]. */
static void test_first_flight(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    uint32_t cwnd = c->cc.cwnd;
    assert_int_equal(too_large(r, 0, 1400), CAUSE_DROP_ICMP_TAKEN);
    assert_int_equal(mtu_of(), 1400);
    struct rig_out *o = rig_one(r, ACK);
    assert_int_equal(o->out.cause, CAUSE_TX_REXMT_PMTU);
    assert_true(seq_eq(o->seg.seq, segment(0)));
    assert_int_equal(o->seg.len, 1400 - 52);
    later(r, 20);
    struct tcp_seg s = {.seq = c->rcv.nxt, .ack = seq_add(segment(0), 1348), .th = ACK};
    s.wnd = r->wnd;
    s.opt.has_ts = true;
    s.opt.tsval = c->ts_recent;
    s.opt.tsecr = tsval_now(r->t, c->ts_off, r->now) - 20;
    rig_seg(r, &s, 0);
    assert_int_equal(rig_pull(r), 2);
    assert_true(c->cc.cwnd >= cwnd);
    assert_false(c->recovery);
    later(r, 20);
    flight_ack(r, 10, NOTHING);
    assert_false(c->rto_recovery);
    assert_true(c->cc.cwnd >= cwnd);
    assert_int_equal(rig_count(r, CAUSE_CC_PRR), 0);
}

/* Never up, never below the floor [RFC1191:3#2]. */
static void test_bounds(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    assert_int_equal(too_large(r, 0, 1500), CAUSE_DROP_ICMP_MTU);
    assert_int_equal(too_large(r, 0, 9000), CAUSE_DROP_ICMP_MTU);
    assert_int_equal(mtu_of(), 1500);
    assert_int_equal(too_large(r, 0, 40), CAUSE_DROP_ICMP_TAKEN);
    assert_int_equal(mtu_of(), 552);
    assert_int_equal(too_large(r, 0, 40), CAUSE_DROP_ICMP_MTU);
}

/* An application that does not want to know: neither routers nor lost segments make them smaller.
 */
static void test_ignored(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    assert_int_equal(too_large(r, 0, 1400), CAUSE_DROP_ICMP_TAKEN);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_IGNORE_PMTU, 2, r->now), TERN_EINVAL);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_IGNORE_PMTU, 1, r->now), TERN_OK);
    assert_int_equal(mtu_of(), 1500); /* at once */
    assert_int_equal(too_large(r, 0, 1300), CAUSE_DROP_ICMP_MTU);
    assert_int_equal(mtu_of(), 1500);
    rig_run(r, 30000); /* a black hole for all it is worth */
    assert_int_equal(rig_count(r, CAUSE_PMTU_BLACK_HOLE), 0);
    assert_int_equal(mtu_of(), 1500);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_IGNORE_PMTU, 0, r->now), TERN_OK);
    assert_int_equal(mtu_of(), 1400); /* what is known of the path */
}

/* Two full segments have arrived. */
static void held(struct rig *r)
{
    flight_begin(r, 40);
    later(r, 20);
    flight_ack(r, 2, NOTHING);
    rig_pull(r);
    assert_int_equal(too_large(r, 3, 1000), CAUSE_DROP_ICMP_TAKEN);
    assert_int_equal(rig_count(r, CAUSE_PMTU_HELD), 1);
    assert_int_equal(mtu_of(), 1500);
    rig_silent(r);
}

/* [RFC5927:7.2] the segment arrives: the message was forged. */
static void test_refuted(void **state)
{
    struct rig *r = *state;
    held(r);
    later(r, 5);
    flight_ack(r, 3, NOTHING); /* says nothing about segment 3 */
    assert_int_equal(rig_count(r, CAUSE_PMTU_REFUTED), 0);
    flight_ack(r, 4, NOTHING);
    assert_int_equal(rig_count(r, CAUSE_PMTU_REFUTED), 1);
    rig_run(r, 3000); /* and no timeout brings it back */
    assert_int_equal(rig_count(r, CAUSE_PMTU_ICMP), 0);
}

/* [RFC5927:7.2] the segment is found lost: the message was true. */
static void test_witness_sack(void **state)
{
    struct rig *r = *state;
    held(r);
    later(r, 5);
    flight_ack(r, 3, {4, 7});
    assert_int_equal(rig_count(r, CAUSE_PMTU_ICMP), 1);
    assert_int_equal(mtu_of(), 1000);
    assert_false(c->recovery);
    rig_pull(r);
    assert_true(r->n > 0);
    for (unsigned i = 0; i < r->n; i++)
        assert_true(r->out[i].seg.len <= 1000 - 52);
}

/* [RFC5927:7.2] it times out: neither backoff nor a smaller window. */
static void test_witness_timeout(void **state)
{
    struct rig *r = *state;
    held(r);
    later(r, 5);
    flight_ack(r, 3, NOTHING);
    rig_pull(r);
    uint32_t cwnd = c->cc.cwnd, rto = c->rtt.rto_us;
    rig_sleep(r, rto / 1000 + 100); /* nothing is pulled: the probe of the tail does not leave */
    assert_int_equal(rig_count(r, CAUSE_PMTU_ICMP), 1);
    assert_int_equal(rig_count(r, CAUSE_CC_RTO), 0);
    assert_int_equal(mtu_of(), 1000);
    assert_int_equal(c->rtt.rto_us, rto);
    assert_true(c->cc.cwnd >= cwnd);
}

/* Another connection to that host begins with what is known, for ten minutes [RFC1191:3#3]. */
static void test_remembered(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 10);
    too_large(r, 0, 1300);
    rig_pull(r);
    r->peer.port = r->tuple.rport = RIG_PEER + 1;
    flight_begin(r, 4);
    assert_int_equal(mtu_of(), 1300);
    assert_int_equal(c->mss_top, 1460);
    assert_int_equal(r->out[0].seg.len, 1300 - 52);
    struct tern_endpoint here = r->peer;
    r->peer = ep(ip(10, 0, 0, 3), RIG_PEER);
    r->tuple.rport = RIG_PEER;
    memcpy(r->tuple.raddr, r->peer.addr.b, 16);
    flight_begin(r, 1);
    assert_int_equal(mtu_of(), 1500); /* another host */
    r->now = time_add_ms(r->now, 600001);
    r->peer = here;
    r->peer.port = r->tuple.rport = RIG_PEER + 2;
    memcpy(r->tuple.raddr, r->peer.addr.b, 16);
    flight_begin(r, 1);
    assert_int_equal(mtu_of(), 1500);
}

/* Of more destinations than the table holds only some are forgotten. */
static void test_table(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 1);
    unsigned found = 0;
    for (unsigned i = 0; i < 2000; i++) {
        c->tuple.raddr[1] = (uint8_t)(i >> 8);
        c->tuple.raddr[2] = (uint8_t)i;
        pmtu_remember(r->t, c, 1000, (uint16_t)(1000 + i % 100), r->now);
        assert_int_equal(pmtu_find(r->t, c, r->now)->hi, 1000 + i % 100);
    }
    for (unsigned i = 0; i < 2000; i++) {
        c->tuple.raddr[1] = (uint8_t)(i >> 8);
        c->tuple.raddr[2] = (uint8_t)i;
        const struct pmtu_entry *e = pmtu_find(r->t, c, r->now);
        found += e != NULL;
        assert_true(e == NULL || e->hi == 1000 + i % 100);
    }
    assert_int_equal(found, PMTU_SETS * PMTU_WAYS);
    assert_int_equal(r->t->pmtu.used, found);
    c->tuple.raddr[1] = c->tuple.raddr[2] = 0;
}

static void acked(struct rig *r, struct seq ack)
{
    struct tcp_seg s = {.seq = c->rcv.nxt, .ack = ack, .th = ACK, .wnd = r->wnd};
    s.opt.has_ts = true;
    s.opt.tsval = c->ts_recent;
    s.opt.tsecr = tsval_now(r->t, c->ts_off, r->now) - 20;
    rig_seg(r, &s, 0);
    sent_laws(r->t, c);
}

/* Three timeouts of large segments, the third brings small ones [RFC4821:7.7]; then the search. */
static void black_hole(struct rig *r)
{
    flight_begin(r, 60);
    rig_run(r, 250);
    rig_run(r, 450);
    assert_int_equal(mtu_of(), 1500);
    rig_run(r, 900);
    assert_int_equal(rig_count(r, CAUSE_PMTU_BLACK_HOLE), 1);
    assert_int_equal(mtu_of(), 1024);
    assert_int_equal(r->out[r->n - 1].seg.len, 1024 - 52);
    assert_null(pmtu_find(r->t, c, r->now)); /* a guess: nothing has arrived yet */
}

/* Acknowledges all that is out, 20 ms later, until a probe goes; its segment. */
static struct rig_out *probe_of(struct rig *r)
{
    for (unsigned i = 0; i < 60; i++) {
        later(r, 20);
        acked(r, c->snd.nxt);
        if (c->snd.buf.len < 40 * MSS)
            rig_send(r, 40 * MSS);
        rig_pull(r);
        for (unsigned k = 0; k < r->n; k++)
            if (r->out[k].out.cause == CAUSE_TX_PMTU_PROBE)
                return &r->out[k];
    }
    fail_msg("no probe");
    return NULL;
}

static void test_search(void **state) /* [RFC4821:7.1] [RFC4821:7.6.1] */
{
    struct rig *r = *state;
    black_hole(r);
    struct rig_out *o = probe_of(r);
    assert_int_equal(pmtu_find(r->t, c, r->now)->lo, 1024); /* proven by now */
    assert_int_equal(o->seg.len, (1024 + 1500) / 2 - 52);
    assert_true(r->n >= 4); /* and others behind it */
    uint32_t cwnd = c->cc.cwnd;
    later(r, 20);
    acked(r, seq_add(o->seg.seq, o->seg.len));
    assert_int_equal(mtu_of(), 1262);
    assert_true(c->cc.cwnd <= cwnd + 4 * MSS); /* octets: it does not jump [RFC4821:4] */
    for (unsigned i = 0; i < 8 && board(r)->pmtu.on; i++)
        probe_of(r), later(r, 20), acked(r, c->snd.nxt);
    assert_false(board(r)->pmtu.on);
    assert_true(mtu_of() > 1500 - 8 && mtu_of() <= 1500);
}

/* A probe alone is lost: not congestion; the third time its size is given up
 * [RFC4821:4] [RFC4821:7.6.2] [RFC8899:5.1.2]. */
static void test_probe_lost(void **state)
{
    struct rig *r = *state;
    black_hole(r);
    for (unsigned i = 0; i < 3; i++) {
        struct rig_out *o = probe_of(r);
        struct seq at = o->seg.seq, end = seq_add(at, o->seg.len), top = c->snd.nxt;
        uint32_t cwnd = c->cc.cwnd, ssthresh = c->cc.ssthresh;
        assert_int_equal(o->seg.len, (1024 + 1500) / 2 - 52);
        later(r, 20);
        struct tcp_seg s = {.seq = c->rcv.nxt, .ack = at, .th = ACK, .wnd = r->wnd};
        s.opt.has_ts = true;
        s.opt.tsval = c->ts_recent;
        s.opt.nsack = 1;
        s.opt.sack[0].lo = end;
        s.opt.sack[0].hi = top;
        rig_seg(r, &s, 0);
        sent_laws(r->t, c);
        assert_false(c->recovery);
        assert_true(c->cc.cwnd >= cwnd);
        assert_int_equal(c->cc.ssthresh, ssthresh);
        rig_pull(r);
        assert_true(r->n >= 2);
        assert_int_equal(r->out[0].out.cause, CAUSE_TX_REXMT_PMTU);
        assert_true(seq_eq(r->out[0].seg.seq, at));
        assert_int_equal(r->out[0].seg.len, 1024 - 52);
        assert_int_equal(rig_count(r, CAUSE_PMTU_PROBE_LOST), i + 1);
    }
    assert_int_equal(board(r)->pmtu.hi, 1261);
    assert_int_equal(mtu_of(), 1024);
    assert_int_equal(probe_of(r)->seg.len, (1024 + 1261 + 1) / 2 - 52);
}

static void test_small_ones_are_no_witness(void **state)
{
    struct rig *r = *state;
    flight_begin(r, 0);
    rig_send(r, 400);
    rig_pull(r);
    rig_run(r, 6000);
    assert_true(rig_count(r, CAUSE_TX_REXMT_RTO) >= 3);
    assert_int_equal(rig_count(r, CAUSE_PMTU_BLACK_HOLE), 0);
}

static void test_off(void **state)
{
    struct rig *r = *state;
    r->cfg.mtu_probing = 0;
    flight_begin(r, 60);
    rig_run(r, 6000);
    assert_int_equal(mtu_of(), 1500);
    assert_int_equal(rig_count(r, CAUSE_PMTU_BLACK_HOLE), 0);
}

static void test_always(void **state) /* [RFC4821:7.2] */
{
    struct rig *r = *state;
    r->cfg.mtu_probing = 2;
    flight_begin(r, 60);
    assert_int_equal(mtu_of(), 1024);
    probe_of(r);
}

/* After ten minutes a larger segment is tried, not before [RFC1191:3#3]. */
static void test_aged(void **state)
{
    struct rig *r = *state;
    r->cfg.mtu_probing = 0;
    flight_begin(r, 10);
    too_large(r, 0, 1300);
    for (unsigned i = 0; i < 700; i++) {
        rig_pull(r);
        later(r, 900); /* shorter than the second after which all is forgotten */
        acked(r, c->snd.nxt);
        assert_int_equal(mtu_of(), (i + 1) * 900 < 600000 ? 1300 : 1500);
        assert_int_equal(rig_send(r, 4 * MSS), 4 * MSS);
    }
    assert_int_equal(rig_count(r, CAUSE_PMTU_AGED), 1);
}

static void test_option(void **state)
{
    struct rig *r = *state;
    int64_t v = 0;
    flight_begin(r, 10);
    too_large(r, 0, 1300);
    assert_int_equal(tcp_getopt(r->t, r->sock, TERN_OPT_MTU, &v), TERN_OK);
    assert_int_equal(v, 1300);
    assert_int_equal(tcp_setopt(r->t, r->sock, TERN_OPT_MTU, 1400, r->now), TERN_ENOPROTOOPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_first_flight),
        RIG_TEST(test_bounds),
        RIG_TEST(test_ignored),
        RIG_TEST(test_refuted),
        RIG_TEST(test_witness_sack),
        RIG_TEST(test_witness_timeout),
        RIG_TEST(test_remembered),
        RIG_TEST(test_table),
        RIG_TEST(test_search),
        RIG_TEST(test_probe_lost),
        RIG_TEST(test_small_ones_are_no_witness),
        RIG_TEST(test_off),
        RIG_TEST(test_always),
        RIG_TEST(test_aged),
        RIG_TEST(test_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
