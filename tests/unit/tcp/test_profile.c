/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void use(struct rig *r, enum tern_profile profile)
{
    rig_stop(r);
    rig_init(r);
    tern_config_profile(&r->cfg, profile);
    r->cfg.sndbuf = r->cfg.rcvbuf = 1u << 18; /* the bench's arena is small */
    r->cfg.sndbuf_init = r->cfg.rcvbuf_init = 1u << 16;
    rig_start(r);
}

static void open_active(struct rig *r, enum tern_profile profile)
{
    use(r, profile);
    r->active = true;
    r->syn_sack = r->syn_ts = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TERN_PROFILE_COUNT; i++)
        assert_int_equal(tern_profile_find(tern_profile_name(i)), i);
    assert_null(tern_profile_name(TERN_PROFILE_COUNT));
    assert_int_equal(tern_profile_find("windows"), -1);
    assert_int_equal(tern_profile_find("lin"), -1);
}

static void test_numbers(void **state)
{
    (void)state;
    struct tern_config cfg, first;
    tern_config_init(&first);
    for (unsigned i = 0; i < TERN_PROFILE_COUNT; i++) {
        tern_config_init(&cfg);
        tern_config_profile(&cfg, (enum tern_profile)i);
        assert_int_equal(cfg.profile, i);
        assert_null(tern_config_check(&cfg));
    }
    tern_config_profile(&cfg, TERN_PROFILE_RFC);
    assert_int_equal(cfg.rto_min_us, 1000000);    /* [RFC6298:2.4] */
    assert_int_equal(cfg.msl_ms, 120000);         /* [RFC9293:MUST-13] */
    tern_config_profile(&cfg, TERN_PROFILE_TERN); /* and back */
    assert_int_equal(cfg.rto_min_us, first.rto_min_us);
    assert_int_equal(cfg.rcvbuf, first.rcvbuf);
    assert_int_equal(cfg.msl_ms, first.msl_ms);
    tern_config_profile(&cfg, TERN_PROFILE_COUNT);
    assert_int_equal(cfg.profile, TERN_PROFILE_TERN);
    cfg.profile = TERN_PROFILE_COUNT;
    assert_non_null(tern_config_check(&cfg));
}

/* The options of a SYN, octet by octet. */
static void test_syn_options(void **state)
{
    static const uint8_t kinds[TERN_PROFILE_COUNT][6] = {
        [TERN_PROFILE_TERN] = {2, 4, 8, 1, 3, 0},
        [TERN_PROFILE_RFC] = {2, 4, 8, 1, 3, 0},
        [TERN_PROFILE_LINUX] = {2, 4, 8, 1, 3, 0},
        [TERN_PROFILE_FREEBSD] = {2, 1, 3, 4, 8, 0},
    };
    for (unsigned i = 0; i < TERN_PROFILE_COUNT; i++) {
        struct rig *r = *state;
        use(r, (enum tern_profile)i);
        rig_connect(r);
        const struct rig_out *o = rig_one(r, SYN);
        unsigned n = 0;
        for (uint32_t at = 20; at < o->seg.hlen && o->buf[at] != 0 && n < 5;) {
            assert_int_equal(o->buf[at], kinds[i][n++]);
            at += o->buf[at] == 1 ? 1 : o->buf[at + 1];
        }
        assert_int_equal(n, 5);
        assert_int_equal(o->seg.hlen, 40);
    }
}

/* [RFC9293:MUST-60] the end of a write has PSH, in any profile; a repetition in that of Linux has
 * it only if the octets had. */
static void test_push(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        open_active(r, i == 0 ? TERN_PROFILE_TERN : TERN_PROFILE_LINUX);
        uint32_t eff = 1460 - 12;
        rig_send(r, 2 * eff + 100);
        assert_int_equal(rig_pull(r), i == 0 ? 2 : 3); /* Nagle of small segments: none in flight */
        assert_int_equal(r->out[0].seg.th & PSH, 0);
        if (i == 1)
            assert_int_equal(r->out[2].seg.th & PSH, PSH);
        rig_sleep(r, 30000);
        unsigned first = 0;
        for (unsigned k = 0; k < 3; k++) { /* repetitions begin at SND.UNA */
            struct rig_out *o = rig_pull1(r);
            if (o != NULL && seq_eq(o->seg.seq, rig_at(r).snd_una)) {
                first = o->seg.th;
                break;
            }
        }
        assert_int_equal(first & (ACK | PSH), i == 0 ? ACK | PSH : ACK);
    }
}

static void test_more_is_for_one_write(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        open_active(r, i == 0 ? TERN_PROFILE_TERN : TERN_PROFILE_LINUX);
        uint32_t eff = 1460 - 12;
        uint8_t buf[2000] = {0};
        tcp_setopt(r->t, r->sock, TERN_OPT_NODELAY, 1, r->now);
        assert_int_equal(tcp_send(r->t, r->sock, buf, eff + 50, TERN_SEND_MORE, r->now), eff + 50);
        assert_int_equal(rig_pull(r), 1); /* the whole segment; the rest is held */
        rig_in(r, ACK, 0, 0, 0);
        assert_int_equal(rig_pull(r), i); /* Linux: an ACK sends it */
    }
}

static void test_rst_has_timestamps(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        open_active(r, i == 0 ? TERN_PROFILE_TERN : TERN_PROFILE_LINUX);
        tcp_abort(r->t, r->sock, r->now);
        const struct rig_out *o = rig_one(r, RST | ACK);
        assert_int_equal(o->seg.opt.has_ts, i);
    }
}

static void test_segments_without_stamps(void **state) /* [RFC7323:3.2#2] */
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        open_active(r, i == 0 ? TERN_PROFILE_TERN : TERN_PROFILE_LINUX);
        r->no_ts = true;
        unsigned v = rig_in(r, ACK, 0, 0, 100);
        assert_int_equal(v, i == 0 ? CAUSE_DROP_NO_TIMESTAMP : CAUSE_RX_SEG);
    }
}

static void test_ack_of_unsent(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        open_active(r, i == 0 ? TERN_PROFILE_TERN : TERN_PROFILE_LINUX);
        rig_in(r, ACK, 0, 500, 0);
        assert_int_equal(rig_pull(r), 1 - i);
    }
}

static void test_least_rto(void **state)
{
    (void)state;
    struct tern_config cfg;
    struct tcp_rtt rtt;
    for (unsigned i = 0; i < 2; i++) {
        tern_config_init(&cfg);
        tern_config_profile(&cfg, i == 0 ? TERN_PROFILE_TERN : TERN_PROFILE_LINUX);
        rtt_init(&rtt, &cfg);
        for (unsigned n = 0; n < 100; n++)
            rtt_sample(&rtt, 100000, &cfg);
        assert_int_equal(rtt.rto_us, i == 0 ? 200000 : 300000);
    }
}

static void test_bursts(void **state)
{
    struct rig *r = *state;
    open_active(r, TERN_PROFILE_LINUX);
    struct tcp_conn *c = rig_conn(r);
    c->rtt.srtt_us = 100000;
    c->cc.ssthresh = UINT32_MAX;
    c->cc.cwnd = 10 * c->cc.mss;
    assert_int_equal(profile_burst(r->t, c, 60000), 2 * c->cc.mss);
    c->cc.cwnd = 1000 * c->cc.mss; /* 1000 in a tenth of a second, twice that in slow start */
    assert_int_equal(profile_burst(r->t, c, 60000), 19 * c->cc.mss);
    c->rtt.srtt_us = 100; /* so near that the half of cwnd counts */
    c->cc.cwnd = 10 * c->cc.mss;
    assert_int_equal(profile_burst(r->t, c, 60000), 5 * c->cc.mss);
    assert_int_equal(profile_burst(r->t, c, 3000), 3000);
}

/* The send buffer is filled in pieces; a super-segment does not reach over the end of one. */
static void test_pieces(void **state)
{
    struct rig *r = *state;
    open_active(r, TERN_PROFILE_LINUX);
    struct tcp_conn *c = rig_conn(r);
    uint32_t mss = c->cc.mss, size;
    c->snd.max_wnd = 20 * mss + 10; /* pieces of ten segments */
    size = 10 * mss;
    assert_int_equal(profile_fill(r->t, c), size);
    assert_int_equal(rig_send(r, 60000), size); /* one at a time: what is full may go first */
    assert_int_equal(profile_fill(r->t, c), size);
    assert_int_equal(rig_pull1(r)->seg.len, mss);
    assert_int_equal(rig_pull1(r)->seg.len, mss);
    /* what is left of the first is the last one now, and is filled again */
    assert_int_equal(profile_fill(r->t, c), 2 * mss);
    assert_int_equal(rig_send(r, 3 * mss), 2 * mss);
    assert_int_equal(rig_send(r, 3 * mss), 3 * mss);
    assert_int_equal(profile_seam(r->t, c, mss), size);
    assert_int_equal(profile_seam(r->t, c, mss + 1), UINT32_MAX); /* not of whole segments */
}

static void test_send_buffer(void **state)
{
    struct rig *r = *state;
    open_active(r, TERN_PROFILE_LINUX);
    struct tcp_conn *c = rig_conn(r);
    c->snd.max_wnd = 32000;
    c->snd.limit = 50000;
    uint32_t size = 16000 - 16000 % c->cc.mss;
    assert_int_equal(profile_sndbuf(r->t, c, 0), 3 * size); /* the third is begun below the limit */
    assert_int_equal(profile_lowat(r->t, c, 4000), size);
    assert_int_equal(profile_lowat(r->t, c, size + 1), 2 * size);
    open_active(r, TERN_PROFILE_TERN);
    c = rig_conn(r);
    assert_int_equal(profile_sndbuf(r->t, c, 0), c->snd.limit);
    assert_int_equal(profile_lowat(r->t, c, 4000), 4000);
    assert_int_equal(profile_fill(r->t, c), UINT32_MAX);
}

/* A SACK block counts for the whole segments in it. */
static void test_sack_of_a_part(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        open_active(r, i == 0 ? TERN_PROFILE_TERN : TERN_PROFILE_LINUX);
        uint32_t eff = 1460 - 12;
        tcp_setopt(r->t, r->sock, TERN_OPT_NODELAY, 1, r->now);
        rig_send(r, 4 * eff);
        rig_pull(r);
        struct rig_at at = rig_at(r);
        struct tcp_seg s = {.seq = at.rcv_nxt, .ack = at.snd_una, .th = ACK, .wnd = r->wnd};
        s.opt.has_ts = true;
        s.opt.tsval = at.ts_recent;
        s.opt.nsack = 1;
        s.opt.sack[0].lo = seq_sub(at.snd_nxt, 1);
        s.opt.sack[0].hi = at.snd_nxt;
        assert_int_equal(rig_seg(r, &s, 0), CAUSE_RX_SEG);
        assert_int_equal(conn_xmit(r->t, rig_conn(r))->sacked, i == 0 ? 1 : 0);
        s.opt.sack[0].lo = seq_sub(at.snd_nxt, eff + 1); /* one whole one and an octet */
        assert_int_equal(rig_seg(r, &s, 0), CAUSE_RX_SEG);
        assert_int_equal(conn_xmit(r->t, rig_conn(r))->sacked, i == 0 ? eff + 1 : eff);
    }
}

static void test_empty_window_probe(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        open_active(r, i == 0 ? TERN_PROFILE_TERN : TERN_PROFILE_LINUX);
        r->wnd = 0;
        rig_in(r, ACK, 0, 0, 0);
        rig_send(r, 100);
        rig_run(r, 1500);
        assert_int_not_equal(r->n, 0);
        assert_int_equal(r->out[0].seg.len, 1 - i);
        struct seq una = rig_conn(r)->snd.una;
        assert_true(seq_eq(r->out[0].seg.seq, i == 0 ? una : seq_sub(una, 1)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_least_rto),
        RIG_TEST(test_syn_options),
        RIG_TEST(test_push),
        RIG_TEST(test_more_is_for_one_write),
        RIG_TEST(test_rst_has_timestamps),
        RIG_TEST(test_segments_without_stamps),
        RIG_TEST(test_ack_of_unsent),
        RIG_TEST(test_bursts),
        RIG_TEST(test_pieces),
        RIG_TEST(test_send_buffer),
        RIG_TEST(test_sack_of_a_part),
        RIG_TEST(test_empty_window_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
