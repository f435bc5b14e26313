/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp/guard.h"
#include "unit/tcp/rig.h"

static uint64_t outcome(struct rig *r, unsigned what)
{
    return r->t->detect.st.outcome[what];
}

static void syn(struct rig *r, unsigned i)
{
    r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
}

static void from(struct rig *r, uint8_t c, uint8_t d)
{
    r->peer.addr = ip(10, 0, c, d);
    memcpy(r->tuple.raddr, r->peer.addr.b, 16);
}

static void set(struct rig *r, enum tern_opt opt, int64_t v)
{
    assert_int_equal(tcp_setopt(r->t, r->lis, opt, v, r->now), TERN_OK);
}

/* The peer's answer to a SYN-ACK: numbers and options as that said. */
static unsigned answer(struct rig *r, const struct tcp_seg *sa, uint32_t len, unsigned th)
{
    struct tcp_seg s = {
        .seq = sa->ack, .ack = seq_add(sa->seq, 1), .th = (uint8_t)(ACK | th), .wnd = 1000};
    s.opt.has_ts = sa->opt.has_ts;
    s.opt.tsval = 7777;
    s.opt.tsecr = sa->opt.tsval;
    return rig_seg(r, &s, len);
}

static void cookies(struct rig *r)
{
    rig_listen(r, 4);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS);
}

static void test_cookie_keeps_nothing(void **state) /* [RFC4987:3.6#1] */
{
    struct rig *r = *state;
    cookies(r);
    syn(r, 0);
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->out.cause, CAUSE_TX_SYN_ACK_COOKIE);
    assert_int_equal(r->t->halves.used + r->t->conns.used, 0);
    assert_int_equal(tcp_deadline(r->t).ns, TERN_NEVER.ns); /* nothing will be sent again */
    assert_int_equal(o->seg.opt.mss, 1460);
    assert_true(o->seg.opt.has_ts && o->seg.opt.sack_ok && o->seg.opt.has_ws);
    assert_int_equal(o->seg.ack.v, r->peer_iss.v + 1);
}

static void test_cookie_opens_with_all_options(void **state) /* and data on the ACK is taken */
{
    struct rig *r = *state;
    cookies(r);
    r->ws = 9;
    syn(r, 0);
    struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
    rig_sleep(r, 50);
    assert_int_equal(answer(r, &sa, 100, PSH), CAUSE_RX_SEG);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    struct tcp_conn *c = rig_conn(r);
    assert_true(c->ts_ok && c->sack_ok && c->ws_ok);
    assert_int_equal(c->snd_ws, 9);
    assert_int_equal(c->rcv_ws, sa.opt.ws);
    assert_int_equal(c->snd.wnd, 1000u << 9);
    assert_int_equal(c->mss, 1460);
    assert_int_equal(c->snd.una.v, sa.seq.v + 1);
    rig_accept(r);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(outcome(r, TERN_SYN_COOKIE_VALID), 1);
    rig_send(r, 10);
    rig_run(r, 10);
    for (unsigned i = 0; i < r->n; i++)
        assert_true((int32_t)(r->out[i].seg.opt.tsval - sa.opt.tsval) > 0);
}

static void
test_cookie_without_timestamps(void **state) /* MSS alone is kept, so it alone is offered */
{
    struct rig *r = *state;
    cookies(r);
    r->syn_ts = false;
    r->syn_mss = 1400;
    syn(r, 0);
    struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
    assert_false(sa.opt.has_ts || sa.opt.sack_ok || sa.opt.has_ws);
    assert_int_equal(answer(r, &sa, 0, 0), CAUSE_RX_SEG);
    assert_int_equal(rig_conn(r)->mss, 1360);
    assert_false(rig_conn(r)->ws_ok || rig_conn(r)->sack_ok);
}

static void test_cookie_with_fin(void **state)
{
    struct rig *r = *state;
    cookies(r);
    syn(r, 0);
    struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
    assert_int_equal(answer(r, &sa, 5, FIN), CAUSE_RX_SEG);
    rig_in_state(r, TERN_TCP_CLOSE_WAIT);
}

static void test_cookie_too_old(void **state)
{
    struct rig *r = *state;
    cookies(r);
    syn(r, 0);
    struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
    rig_sleep(r, 129000);
    syn(r, 1); /* cookies are being given out still */
    rig_pull(r);
    syn(r, 0);
    rig_pull(r);
    assert_int_equal(answer(r, &sa, 0, 0), CAUSE_TX_RST_COOKIE);
    assert_int_equal(rig_one(r, RST)->seg.seq.v, sa.seq.v + 1);
    assert_int_equal(outcome(r, TERN_SYN_COOKIE_BAD), 1);
}

static void test_cookie_guess(void **state)
{
    struct rig *r = *state;
    cookies(r);
    syn(r, 0);
    struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
    sa.seq = seq_add(sa.seq, 0x10000);
    assert_int_equal(answer(r, &sa, 0, 0), CAUSE_TX_RST_COOKIE);
    rig_one(r, RST);
    assert_int_equal(r->t->conns.used, 0);
}

/* An ACK out of the blue is only compared with cookies while some are on their way. */
static void test_no_cookie_no_guess(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    assert_int_equal(rig_in(r, ACK, 0, 0, 0), CAUSE_TX_RST_LISTEN_ACK);
    rig_one(r, RST);
    assert_int_equal(outcome(r, TERN_SYN_COOKIE_BAD), 0);
}

static void test_overflow(void **state) /* the default: records first, cookies beyond */
{
    struct rig *r = *state;
    rig_listen(r, 2);
    for (unsigned i = 0; i < 3; i++) {
        syn(r, i);
        assert_int_equal(rig_one(r, SYN | ACK)->out.cause, CAUSE_TX_SYN_ACK);
    }
    syn(r, 3);
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->out.cause, CAUSE_TX_SYN_ACK_COOKIE);
    struct tcp_seg sa = o->seg;
    assert_int_equal(r->t->halves.used, 3);
    assert_int_equal(answer(r, &sa, 0, 0), CAUSE_RX_SEG);
    assert_int_equal(outcome(r, TERN_SYN_CACHED), 3);
    assert_int_equal(outcome(r, TERN_SYN_COOKIE_SENT), 1);
}

static void test_overflow_of_the_table(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 100);
    for (unsigned i = 0; i < 9; i++) {
        syn(r, i);
        rig_pull(r);
    }
    assert_int_equal(r->t->halves.used, 8);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_SYN_ACK_COOKIE);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_DROP_NEW); /* live */
    syn(r, 20);
    assert_int_equal(r->verdict, CAUSE_DROP_SYN_GLOBAL);
    assert_int_equal(outcome(r, TERN_SYN_DROP_GLOBAL), 1);
}

static void test_drop_oldest(void **state) /* [RFC4987:3.2] */
{
    struct rig *r = *state;
    rig_listen(r, 2);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_DROP_OLDEST);
    for (unsigned i = 0; i < 5; i++) {
        syn(r, i);
        assert_int_equal(rig_one(r, SYN | ACK)->out.cause, CAUSE_TX_SYN_ACK);
        rig_sleep(r, 10);
    }
    assert_int_equal(r->t->halves.used, 3);
    assert_int_equal(outcome(r, TERN_SYN_EVICTED), 2);
    r->tuple.rport = RIG_PEER + 1;
    assert_null(rig_half(r));
    r->tuple.rport = RIG_PEER + 2;
    assert_non_null(rig_half(r));
}

static void test_queue(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 2);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_DROP_NEW);
    set(r, TERN_OPT_SYN_QUEUE, 5);
    for (unsigned i = 0; i < 7; i++)
        syn(r, i);
    assert_int_equal(rig_pull(r), 5);
    assert_int_equal(rig_count(r, CAUSE_DROP_SYN_FULL), 2);
    assert_int_equal(outcome(r, TERN_SYN_DROP_LISTENER), 2);
}

static void test_retries_and_timeout(void **state) /* [RFC4987:3.2] */
{
    struct rig *r = *state;
    rig_listen(r, 4);
    set(r, TERN_OPT_SYN_RETRIES, 1);
    syn(r, 0);
    rig_run(r, 70000);
    assert_int_equal(r->n, 2);
    set(r, TERN_OPT_SYN_RETRIES, TERN_SYN_RETRIES_DEFAULT);
    set(r, TERN_OPT_SYN_TIMEOUT_MS, 6000); /* it would be sent at 0, 1, 3, 7 ... */
    syn(r, 1);
    struct tern_info info;
    uint64_t cursor = 0;
    rig_run(r, 2000);
    while (tcp_inspect_next(r->t, &cursor, &info, r->now) && info.kind != TERN_INFO_HALF_OPEN)
        ;
    assert_int_equal(info.age_ms, 2000);
    assert_int_equal(info.retries, 1);
    rig_run(r, 70000);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->t->halves.used, 0);
    assert_int_equal(outcome(r, TERN_SYN_TIMED_OUT), 2);
}

static void test_prefix_half(void **state) /* one network cannot take all records [RFC4987:3.5] */
{
    struct rig *r = *state;
    rig_listen(r, 100);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_DROP_NEW);
    set(r, TERN_OPT_SYN_PREFIX_HALF, 3);
    for (unsigned i = 0; i < 5; i++) {
        from(r, 7, (uint8_t)(i + 1));
        syn(r, i);
    }
    assert_int_equal(rig_pull(r), 3);
    assert_int_equal(outcome(r, TERN_SYN_DROP_PREFIX), 2);
    from(r, 8, 1);
    syn(r, 0);
    rig_one(r, SYN | ACK);
    from(r, 7, 1); /* one of the three ends: there is room again */
    r->peer.port = r->tuple.rport = RIG_PEER;
    rig_in(r, RST, 0, 0, 0);
    from(r, 7, 9);
    syn(r, 1);
    rig_one(r, SYN | ACK);
}

static void test_answers_to_a_prefix(void **state) /* no amplifier */
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.prefix_answers_per_s = 20;
    rig_start(r);
    cookies(r);
    unsigned sent = 0;
    for (unsigned i = 0; i < 100; i++) {
        from(r, 7, (uint8_t)(i + 1));
        syn(r, i);
        sent += rig_pull(r);
    }
    assert_int_equal(sent, 2); /* a tenth of a bucket to begin with */
    assert_int_equal(outcome(r, TERN_SYN_DROP_RATE), 98);
    rig_sleep(r, 5000);
    for (unsigned i = 0; i < 100; i++) {
        from(r, 7, (uint8_t)(i + 1));
        syn(r, i);
        sent += rig_pull(r);
    }
    assert_int_equal(sent, 22);
    from(r, 8, 1); /* others do not feel it */
    syn(r, 0);
    rig_one(r, SYN | ACK);
}

static void test_who_finishes_is_not_limited(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.prefix_answers_per_s = 10;
    rig_start(r);
    cookies(r);
    for (unsigned i = 0; i < 200; i++) {
        syn(r, i);
        struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
        assert_int_equal(answer(r, &sa, 0, 0), CAUSE_RX_SEG);
        rig_accept(r);
        assert_int_equal(tcp_abort(r->t, r->sock, r->now), TERN_OK);
        rig_pull(r);
    }
}

static void test_prefix_conns(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.max_prefix_conns = 2;
    rig_start(r);
    rig_listen(r, 100);
    for (unsigned i = 0; i < 3; i++) {
        syn(r, i);
        rig_in(r, ACK, 0, 0, 0);
    }
    assert_int_equal(r->verdict, CAUSE_DROP_PREFIX_CONNS);
    from(r, 9, 9);
    syn(r, 0);
    assert_int_equal(rig_in(r, ACK, 0, 0, 0), CAUSE_RX_SEG);
    rig_accept(r);
    assert_int_equal(tcp_abort(r->t, r->sock, r->now), TERN_OK); /* gives its place back */
    from(r, 0, 2);
    r->peer.port = r->tuple.rport = RIG_PEER + 2;
    rig_pull(r);
    assert_int_equal(rig_in(r, ACK, 0, 0, 0), CAUSE_RX_SEG);
}

static void test_staged(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 7);
    set(r, TERN_OPT_SYN_STAGED, 1);
    set(r, TERN_OPT_SYN_STAGED_HALF, 3);
    set(r, TERN_OPT_SYN_STAGED_RETRIED, 2);
    for (unsigned i = 0; i < 4; i++)
        syn(r, i);
    struct tcp_listener *l = listener_get(r->t, r->lis);
    assert_true(l->stage);
    rig_run(r,
            3200); /* one retry each; when three have gone after it, the last is treated as ever */
    assert_int_equal(r->n, 4 + 4 + 1);
    assert_int_equal(r->t->halves.used, 1);
    assert_false(l->stage);
    rig_run(r, 70000);
    assert_int_equal(r->t->halves.used, 0);
    assert_int_equal(l->retried, 0);
}

/* A gateway's listener is offered a SYN only once the peer has repeated it. */
static void test_staged_offers_later(void **state)
{
    struct rig *r = *state;
    struct tern_event ev;
    r->hold = true;
    rig_listen(r, 7);
    set(r, TERN_OPT_SYN_STAGED, 1);
    set(r, TERN_OPT_SYN_STAGED_HALF, 1);
    syn(r, 0);
    assert_true(rig_event(r, &ev));
    syn(r, 2);
    assert_false(rig_event(r, &ev));
    syn(r, 2);
    assert_true(rig_event(r, &ev));
    assert_int_equal(ev.bits, TERN_EV_SYN);
    assert_int_equal(ev.remote.port, RIG_PEER + 2);
    syn(r, 3);
    rig_run(r, 11000);
    assert_false(rig_event(r, &ev)); /* never repeated: gone without a word */
    assert_int_equal(r->t->halves.used, 2);
}

static void test_abort_on_overflow(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 0);
    set(r, TERN_OPT_ABORT_ON_OVERFLOW, 1);
    set(r, TERN_OPT_SYN_QUEUE, 4);
    syn(r, 1);
    syn(r, 0);
    rig_in(r, ACK, 0, 0, 0);
    rig_pull(r);
    r->peer.port = r->tuple.rport = RIG_PEER + 1;
    assert_int_equal(rig_in(r, ACK, 0, 0, 0), CAUSE_DROP_ACCEPT_FULL);
    assert_int_equal(rig_one(r, RST)->out.cause, CAUSE_TX_RST_ACCEPT_FULL);
    assert_null(rig_half(r));
}

static void
test_cookie_and_full_accept_queue(void **state) /* ignored; the data sent again opens it */
{
    struct rig *r = *state;
    rig_listen(r, 0);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS);
    struct tcp_seg sa[2];
    for (unsigned i = 0; i < 2; i++) {
        syn(r, i);
        sa[i] = rig_one(r, SYN | ACK)->seg;
    }
    assert_int_equal(answer(r, &sa[1], 0, 0), CAUSE_RX_SEG);
    r->peer.port = r->tuple.rport = RIG_PEER;
    assert_int_equal(answer(r, &sa[0], 10, 0), CAUSE_DROP_ACCEPT_FULL);
    rig_silent(r);
    rig_accept(r);
    assert_int_equal(answer(r, &sa[0], 10, 0), CAUSE_RX_SEG);
}

static void test_hold_has_no_cookies(void **state)
{
    struct rig *r = *state;
    r->hold = true;
    rig_listen(r, 1);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS, r->now),
                     TERN_EOPNOTSUPP);
    for (unsigned i = 0; i < 3; i++)
        syn(r, i);
    assert_int_equal(r->verdict, CAUSE_DROP_SYN_FULL);
    rig_silent(r);
}

/* Unless the application has said that offering is a courtesy. */
static void test_hold_with_cookies(void **state)
{
    struct rig *r = *state;
    struct tern_event ev;
    assert_int_equal(
        tcp_listen(r->t, &r->local, 1, TERN_LISTEN_HOLD | TERN_LISTEN_COOKIES, &r->lis, r->now), 0);
    for (unsigned i = 0; i < 2; i++) {
        syn(r, i);
        assert_true(rig_event(r, &ev));
    }
    rig_silent(r);
    syn(r, 2);
    struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
    assert_false(rig_event(r, &ev));
    assert_int_equal(answer(r, &sa, 0, 0), CAUSE_RX_SEG);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS);
    syn(r, 3);
    rig_one(r, SYN | ACK);
}

static void test_settings(void **state)
{
    static const struct {
        enum tern_opt opt;
        int64_t good, bad;
    } rows[] = {
        {TERN_OPT_SYN_POLICY, 3, 4},
        {TERN_OPT_SYN_RETRIES, 11, 12},
        {TERN_OPT_SYN_STAGED, 1, 2},
        {TERN_OPT_SYN_STAGED_HALF, 1000, -1},
        {TERN_OPT_SYN_STAGED_RETRIED, 9, -1},
        {TERN_OPT_SYN_QUEUE, 77, -1},
        {TERN_OPT_SYN_TIMEOUT_MS, 5000, 3600001},
        {TERN_OPT_SYN_PREFIX_HALF, 12, -5},
        {TERN_OPT_ABORT_ON_OVERFLOW, 1, 7},
    };
    struct rig *r = *state;
    int64_t v;
    rig_listen(r, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set(r, rows[i].opt, rows[i].good);
        assert_int_equal(tcp_setopt(r->t, r->lis, rows[i].opt, rows[i].bad, r->now), TERN_EINVAL);
        assert_int_equal(tcp_getopt(r->t, r->lis, rows[i].opt, &v), TERN_OK);
        assert_int_equal(v, rows[i].good);
    }
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_ABORT_ON_OVERFLOW + 1, 0, r->now),
                     TERN_ENOPROTOOPT);
    struct tern_listener_policy p;
    assert_int_equal(tcp_listener_policy_get(r->t, (struct tern_sock){0}, &p), TERN_EBADF);
}

static void test_decode(void **state)
{
    struct rig *r = *state;
    struct tern_cookie_info i;
    cookies(r);
    syn(r, 0);
    struct tcp_seg sa = rig_one(r, SYN | ACK)->seg;
    tcp_cookie_decode(r->t, &r->local, &r->peer, r->peer_iss.v, sa.seq.v, &i, r->now);
    assert_true(i.valid);
    assert_int_equal(i.mss, 1460);
    assert_int_equal(i.index, 6);
    assert_in_range(i.left_ms, 64000, 128000);
    tcp_cookie_decode(r->t, &r->local, &r->peer, r->peer_iss.v + 1, sa.seq.v, &i, r->now);
    assert_false(i.valid);
    assert_non_null(i.why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_cookie_keeps_nothing),
        RIG_TEST(test_cookie_opens_with_all_options),
        RIG_TEST(test_cookie_without_timestamps),
        RIG_TEST(test_cookie_with_fin),
        RIG_TEST(test_cookie_too_old),
        RIG_TEST(test_cookie_guess),
        RIG_TEST(test_no_cookie_no_guess),
        RIG_TEST(test_overflow),
        RIG_TEST(test_overflow_of_the_table),
        RIG_TEST(test_drop_oldest),
        RIG_TEST(test_queue),
        RIG_TEST(test_retries_and_timeout),
        RIG_TEST(test_prefix_half),
        RIG_TEST(test_answers_to_a_prefix),
        RIG_TEST(test_who_finishes_is_not_limited),
        RIG_TEST(test_prefix_conns),
        RIG_TEST(test_staged),
        RIG_TEST(test_staged_offers_later),
        RIG_TEST(test_abort_on_overflow),
        RIG_TEST(test_cookie_and_full_accept_queue),
        RIG_TEST(test_hold_has_no_cookies),
        RIG_TEST(test_hold_with_cookies),
        RIG_TEST(test_settings),
        RIG_TEST(test_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
