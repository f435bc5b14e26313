/* SPDX-License-Identifier: BSD-2-Clause */
/* The server of TCP Fast Open. */
#include "tcp/guard.h"
#include "unit/tcp/rig.h"

static struct tcp_listener *listener(struct rig *r)
{
    return listener_get(r->t, r->lis);
}

/* A listener that takes data from SYNs, up to qlen pending. */
static void fast_listen(struct rig *r, uint32_t qlen)
{
    rig_listen(r, 8);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_FASTOPEN, qlen, r->now), TERN_OK);
}

static void set_peer(struct rig *r, uint16_t port)
{
    r->peer.port = r->tuple.rport = port;
}

/* A SYN with len octets and this option (kind 0 = none). */
static unsigned fast_syn(struct rig *r, unsigned kind, const uint8_t *cookie, unsigned n,
                         uint32_t len)
{
    struct tcp_seg s = {.seq = r->peer_iss, .th = SYN, .wnd = r->wnd};
    s.opt.has_mss = s.opt.sack_ok = true;
    s.opt.mss = 1460;
    s.opt.tfo = (uint8_t)kind;
    s.opt.tfo_len = (uint8_t)n;
    s.opt.tfo_cookie = cookie;
    return rig_seg(r, &s, len);
}

static unsigned good_syn(struct rig *r, uint32_t len)
{
    uint8_t cookie[FO_COOKIE];
    fastopen_cookie(r->t, listener(r), &r->tuple, cookie);
    return fast_syn(r, TCP_TFO, cookie, sizeof cookie, len);
}

static void assert_half(struct rig *r)
{
    assert_non_null(rig_half(r));
    assert_null(rig_find(r));
}

/* [RFC7413:4.1.2] The cookie is asked for, comes in the same form, and opens the next SYN. */
static void test_cookie_round_trip(void **state)
{
    static const unsigned kinds[] = {TCP_TFO, TCP_TFO_EXP};
    struct rig *r = *state;
    fast_listen(r, 4);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t cookie[FO_COOKIE];
        set_peer(r, (uint16_t)(5000 + 2 * i));
        fast_syn(r, kinds[i], NULL, 0, 10);
        assert_half(r);
        const struct rig_out *o = rig_one(r, SYN | ACK);
        assert_true(seq_eq(o->seg.ack, seq_add(r->peer_iss, 1))); /* the text was not taken */
        assert_int_equal(o->seg.opt.tfo, kinds[i]);
        assert_int_equal(o->seg.opt.tfo_len, FO_COOKIE);
        memcpy(cookie, o->seg.opt.tfo_cookie, FO_COOKIE);
        set_peer(r, (uint16_t)(5001 + 2 * i));
        fast_syn(r, kinds[i], cookie, FO_COOKIE, 10);
        o = rig_one(r, SYN | ACK);
        assert_true(seq_eq(o->seg.ack, seq_add(r->peer_iss, 11)));
        assert_int_equal(o->seg.opt.tfo, 0);
        assert_int_equal(rig_conn(r)->state, TERN_TCP_SYN_RECEIVED);
    }
}

/* [RFC7413:4.2.2] The application has the data and answers before the handshake is over. */
static void test_data_before_the_ack(void **state) /* [RFC7413:4.2.2#2] */
{
    struct rig *r = *state;
    fast_listen(r, 4);
    assert_int_equal(good_syn(r, 100), CAUSE_RX_SEG);
    rig_accept(r);
    assert_true(rig_events(r) & TERN_EV_READABLE);
    assert_int_equal(rig_recv(r, 1000), 100);
    assert_int_equal(rig_recv(r, 1000), TERN_EAGAIN);
    assert_int_equal(rig_send(r, 2920), 2920);
    assert_int_equal(rig_pull(r), 3);
    assert_int_equal(r->out[0].seg.th, SYN | ACK);
    assert_int_equal(r->out[0].out.cause, CAUSE_TX_SYN_ACK_FASTOPEN);
    assert_int_equal(r->out[1].seg.len + r->out[2].seg.len, 2920);
    assert_true(seq_eq(r->out[1].seg.seq, seq_add(r->out[0].seg.seq, 1)));
    assert_int_equal(listener(r)->fo.pending, 1);
    rig_in(r, ACK, 0, 0, 50); /* of all, with more data */
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(listener(r)->fo.pending, 0);
    assert_true(seq_eq(rig_conn(r)->snd.una, rig_conn(r)->snd.nxt));
    assert_int_equal(rig_recv(r, 1000), 50);
    assert_true(extra_of(r->t, rig_conn(r))->fo.is & FO_SYN_DATA);
}

/* A SYN with a cookie and no data opens at once as well. */
static void test_no_data(void **state)
{
    struct rig *r = *state;
    fast_listen(r, 4);
    good_syn(r, 0);
    rig_one(r, SYN | ACK);
    rig_accept(r);
    assert_int_equal(rig_recv(r, 10), TERN_EAGAIN);
    rig_send(r, 100);
    assert_int_equal(rig_one(r, ACK)->seg.len, 100);
    assert_false(extra_of(r->t, rig_conn(r))->fo.is & FO_SYN_DATA);
}

/* [RFC7413:4.2.1] A wrong cookie: an ordinary handshake, with the right one in the SYN-ACK. */
static void test_wrong_cookie(void **state) /* [RFC7413:4.2.2#2] */
{
    struct rig *r = *state;
    uint8_t cookie[16], other[16] = {1, 2, 3};
    fast_listen(r, 4);
    fastopen_cookie(r->t, listener(r), &r->tuple, cookie);
    for (unsigned bit = 0; bit < 64; bit += 9) {
        memcpy(other, cookie, FO_COOKIE);
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
        set_peer(r, (uint16_t)(6000 + bit));
        fast_syn(r, TCP_TFO, other, FO_COOKIE, 10);
        assert_half(r);
        const struct rig_out *o = rig_one(r, SYN | ACK);
        assert_true(seq_eq(o->seg.ack, seq_add(r->peer_iss, 1)));
        assert_memory_equal(o->seg.opt.tfo_cookie, cookie, FO_COOKIE);
        half_drop(r->t, rig_half(r), CAUSE_ST_RST, r->now);
    }
    set_peer(r, 7000);
    fast_syn(r, TCP_TFO, cookie, 6, 10); /* the right octets, but too few */
    assert_half(r);
    set_peer(r, 7001);
    r->peer.addr.b[3]++; /* another's cookie */
    r->tuple.raddr[3]++;
    fast_syn(r, TCP_TFO, cookie, FO_COOKIE, 10);
    assert_half(r);
}

/* Off: the option means nothing. */
static void test_off(void **state) /* [RFC7413:2] */
{
    struct rig *r = *state;
    rig_listen(r, 8);
    good_syn(r, 10);
    assert_half(r);
    assert_int_equal(rig_one(r, SYN | ACK)->seg.opt.tfo, 0);
    set_peer(r, 5001);
    tcp_setopt(r->t, r->lis, TERN_OPT_FASTOPEN, 4, r->now);
    r->cfg.fastopen = FO_ON_CLIENT;
    good_syn(r, 10);
    assert_half(r);
    assert_int_equal(rig_one(r, SYN | ACK)->seg.opt.tfo, 0);
}

/* [RFC7413:4.1.2] A new key; the one before it is good once more, and its cookies are exchanged. */
static void test_keys(void **state)
{
    struct rig *r = *state;
    uint8_t a[16] = {1}, b[16] = {2}, c[16] = {3}, old[FO_COOKIE], mid[FO_COOKIE], now[FO_COOKIE];
    const struct tern_sock all = {0};
    fast_listen(r, 4);
    assert_int_equal(tcp_fastopen_key(r->t, all, a, NULL), TERN_OK);
    fastopen_cookie(r->t, listener(r), &r->tuple, old);
    assert_int_equal(tcp_fastopen_key(r->t, all, b, a), TERN_OK);
    fastopen_cookie(r->t, listener(r), &r->tuple, mid);
    assert_memory_not_equal(old, mid, FO_COOKIE);
    fast_syn(r, TCP_TFO, old, FO_COOKIE, 10);
    const struct rig_out *o = rig_one(r, SYN | ACK);
    assert_true(seq_eq(o->seg.ack, seq_add(r->peer_iss, 11)));
    assert_memory_equal(o->seg.opt.tfo_cookie, mid, FO_COOKIE);
    /* a listener's own keys go before */
    assert_int_equal(tcp_fastopen_key(r->t, r->lis, c, NULL), TERN_OK);
    fastopen_cookie(r->t, listener(r), &r->tuple, now);
    assert_memory_not_equal(mid, now, FO_COOKIE);
    set_peer(r, 5001);
    fast_syn(r, TCP_TFO, old, FO_COOKIE, 10);
    assert_half(r);
    assert_int_equal(tcp_fastopen_key(r->t, (struct tern_sock){77}, c, NULL), TERN_EBADF);
}

/* The cookie is SipHash of both addresses under the key as it stands: what other implementations
 * with the same key give out. */
static void test_cookie_value(void **state)
{
    struct rig *r = *state;
    uint8_t key[16], cookie[FO_COOKIE], both[8];
    for (unsigned i = 0; i < 16; i++)
        key[i] = (uint8_t)i;
    fast_listen(r, 4);
    tcp_fastopen_key(r->t, (struct tern_sock){0}, key, NULL);
    fastopen_cookie(r->t, listener(r), &r->tuple, cookie);
    memcpy(both, r->tuple.raddr, 4);
    memcpy(both + 4, r->tuple.laddr, 4);
    struct hash_key k = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    uint64_t h = hash_bytes(&k, both, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(cookie[i], (uint8_t)(h >> 8 * i));
}

/* [RFC7413:5.1] At the limit of pending ones SYNs are treated as ever: records, or SYN cookies. */
static void test_pending_limit(void **state) /* [RFC7413:4.2] */
{
    struct rig *r = *state;
    fast_listen(r, 2);
    for (unsigned i = 0; i < 2; i++) {
        set_peer(r, (uint16_t)(5000 + i));
        good_syn(r, 10);
        assert_non_null(rig_find(r));
    }
    set_peer(r, 5002);
    good_syn(r, 10);
    assert_half(r);
    rig_pull(r);
    struct tern_listener_policy p = {.policy = TERN_SYN_COOKIES_ALWAYS};
    assert_int_equal(tcp_listener_policy(r->t, r->lis, &p), TERN_OK);
    set_peer(r, 5003);
    good_syn(r, 10);
    assert_int_equal(rig_one(r, SYN | ACK)->out.cause, CAUSE_TX_SYN_ACK_COOKIE);
    assert_null(rig_find(r));
    /* one is acknowledged: there is room again, whatever the policy */
    set_peer(r, 5000);
    rig_in(r, ACK, 0, 0, 0);
    set_peer(r, 5004);
    good_syn(r, 10);
    assert_int_equal(rig_conn(r)->state, TERN_TCP_SYN_RECEIVED);
    assert_int_equal(rig_count(r, CAUSE_TX_SYN_ACK_FASTOPEN), 2);
}

/* A SYN cookie's SYN-ACK gives out Fast Open cookies too. */
static void test_cookie_with_cookie(void **state)
{
    struct rig *r = *state;
    struct tern_listener_policy p = {.policy = TERN_SYN_COOKIES_ALWAYS};
    uint8_t cookie[FO_COOKIE];
    fast_listen(r, 2);
    tcp_listener_policy(r->t, r->lis, &p);
    fast_syn(r, TCP_TFO, NULL, 0, 0);
    const struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->out.cause, CAUSE_TX_SYN_ACK_COOKIE);
    fastopen_cookie(r->t, listener(r), &r->tuple, cookie);
    assert_int_equal(o->seg.opt.tfo, TCP_TFO);
    assert_memory_equal(o->seg.opt.tfo_cookie, cookie, FO_COOKIE);
}

/* [RFC7413:5.1] Whoever is reset counts for a minute more: the RST may be a victim's. */
static void test_reset(void **state)
{
    struct rig *r = *state;
    fast_listen(r, 1);
    good_syn(r, 10);
    rig_pull(r);
    rig_in(r, RST, 0, 0, 0);
    assert_null(rig_find(r));
    assert_int_equal(listener(r)->fo.pending, 0);
    assert_int_equal(listener(r)->fo.resets, 1);
    rig_accept(r); /* it is there, with its data and its end */
    assert_int_equal(rig_recv(r, 100), 10);
    assert_int_equal(rig_recv(r, 100), TERN_ECONNRESET);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    set_peer(r, 5001);
    good_syn(r, 10);
    assert_half(r);
    rig_sleep(r, 61000);
    set_peer(r, 5002);
    good_syn(r, 10);
    assert_non_null(rig_find(r));
    assert_int_equal(listener(r)->fo.resets, 0);
}

/* The SYN-ACK is sent again, and it alone; nobody answers: the connection ends, its place is free.
 */
static void test_synack_lost(void **state)
{
    struct rig *r = *state;
    fast_listen(r, 4);
    good_syn(r, 10);
    rig_pull(r);
    rig_accept(r);
    rig_send(r, 100);
    rig_pull(r);
    rig_run(r, 1500);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.th, SYN | ACK);
    assert_true(seq_eq(r->out[0].seg.ack, seq_add(r->peer_iss, 11)));
    good_syn(r, 10); /* the peer had not got it */
    assert_int_equal(rig_one(r, SYN | ACK)->out.cause, CAUSE_TX_SYN_ACK_DUP_SYN);
    rig_run(r, 300000);
    assert_int_equal(r->n, r->cfg.synack_retries - 1);
    assert_null(rig_find(r));
    assert_int_equal(listener(r)->fo.pending, 0);
    assert_int_equal(rig_recv(r, 100), 10);
    assert_int_equal(rig_recv(r, 100), TERN_ETIMEDOUT);
}

/* [RFC7413:4.2.2#1] A record's SYN-ACK that is sent again gives out no cookie again. */
static void test_cookie_is_given_once(void **state)
{
    struct rig *r = *state;
    fast_listen(r, 4);
    fast_syn(r, TCP_TFO, NULL, 0, 0);
    assert_int_equal(rig_one(r, SYN | ACK)->seg.opt.tfo, TCP_TFO);
    rig_run(r, 1500);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->out[0].seg.th, SYN | ACK);
    assert_int_equal(r->out[0].seg.opt.tfo, 0);
}

/* [RFC7413:4.2.2#3] What the server sends before the handshake is over is an initial window. */
static void test_early_flight_is_bounded(void **state)
{
    struct rig *r = *state;
    r->wnd = 65535;
    fast_listen(r, 4);
    good_syn(r, 10);
    rig_accept(r);
    assert_int_equal(rig_send(r, 60000), 60000);
    rig_pull(r);
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(c->state, TERN_TCP_SYN_RECEIVED);
    uint32_t out = (uint32_t)seq_diff(c->snd.nxt, seq_add(c->snd.iss, 1));
    assert_in_range(out, 9 * 1448, cc_initial_window(1460));
}

/* Early data is lost, the handshake is not: it is sent again after. */
static void test_early_data_lost(void **state)
{
    struct rig *r = *state;
    fast_listen(r, 4);
    good_syn(r, 10);
    rig_pull(r);
    rig_accept(r);
    rig_send(r, 100);
    rig_pull(r);
    rig_in(r, ACK, 0, -100, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    rig_run(r, 1500);
    assert_true(r->n >= 1);
    assert_int_equal(r->out[0].seg.len, 100);
    rig_in(r, ACK, 0, 0, 0);
    assert_true(seq_eq(rig_conn(r)->snd.una, rig_conn(r)->snd.nxt));
}

/* Closed before the peer has answered: FIN follows, and the place is free with the ACK. */
static void test_closed_early(void **state)
{
    struct rig *r = *state;
    fast_listen(r, 4);
    good_syn(r, 10);
    rig_pull(r);
    rig_accept(r);
    assert_int_equal(rig_recv(r, 100), 10);
    assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
    rig_one(r, FIN | ACK);
    rig_in_state(r, TERN_TCP_FIN_WAIT_1);
    assert_int_equal(listener(r)->fo.pending, 1);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_FIN_WAIT_2);
    assert_int_equal(listener(r)->fo.pending, 0);
}

/* The listener goes away first. */
static void test_listener_gone(void **state)
{
    struct rig *r = *state;
    fast_listen(r, 4);
    good_syn(r, 10);
    rig_pull(r);
    rig_accept(r);
    assert_int_equal(tcp_close(r->t, r->lis, r->now), TERN_OK);
    r->lis = (struct tern_sock){0};
    rig_listen(r, 8); /* in the same place */
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(listener(r)->fo.pending, 0);
}

static void test_without_cookies(void **state)
{
    struct rig *r = *state;
    fast_listen(r, 8);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_FASTOPEN_NO_COOKIE, 1, r->now), TERN_OK);
    fast_syn(r, 0, NULL, 0, 10);
    assert_true(seq_eq(rig_one(r, SYN | ACK)->seg.ack, seq_add(r->peer_iss, 11)));
    set_peer(r, 5001);
    fast_syn(r, 0, NULL, 0, 0); /* nothing of Fast Open about it */
    assert_half(r);
    rig_pull(r);
    tcp_setopt(r->t, r->lis, TERN_OPT_FASTOPEN_NO_COOKIE, 0, r->now);
    r->cfg.fastopen |= FO_ANY_SERVER;
    set_peer(r, 5002);
    fast_syn(r, 0, NULL, 0, 10);
    assert_true(seq_eq(rig_one(r, SYN | ACK)->seg.ack, seq_add(r->peer_iss, 11)));
}

static void test_options(void **state)
{
    struct rig *r = *state;
    int64_t v;
    fast_listen(r, 5);
    assert_int_equal(tcp_getopt(r->t, r->lis, TERN_OPT_FASTOPEN, &v), TERN_OK);
    assert_int_equal(v, 5);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_FASTOPEN, -1, r->now), TERN_EINVAL);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_FASTOPEN_NO_COOKIE, 2, r->now), TERN_EINVAL);
    assert_int_equal(tcp_getopt(r->t, r->lis, TERN_OPT_FASTOPEN_NO_COOKIE, &v), TERN_OK);
    assert_int_equal(v, 0);
}

static void test_every_listener(void **state)
{
    struct rig *r = *state;
    int64_t v;
    r->cfg.fastopen = FO_ALL | FO_ON_SERVER;
    rig_listen(r, 8);
    tcp_getopt(r->t, r->lis, TERN_OPT_FASTOPEN, &v);
    assert_int_equal(v, 8);
}

/* A gateway's listener must decide first. */
static void test_hold(void **state)
{
    struct rig *r = *state;
    r->hold = true;
    rig_listen(r, 8);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_FASTOPEN, 4, r->now), TERN_EOPNOTSUPP);
}

/* No record, no connection, no buffer: an ordinary handshake. */
static void test_no_memory(void **state)
{
    struct rig *r = *state;
    fast_listen(r, 4);
    for (unsigned i = 1; i <= 3; i++) {
        set_peer(r, (uint16_t)(5000 + i));
        r->fault.fail_at = i;
        r->fault.takes = 0;
        good_syn(r, 10);
        r->fault.fail_at = 0;
        const struct rig_out *o = rig_one(r, SYN | ACK);
        assert_true(seq_eq(o->seg.ack, seq_add(r->peer_iss, 1)));
    }
    assert_true(listener(r)->fo.pending <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_cookie_round_trip),
        RIG_TEST(test_data_before_the_ack),
        RIG_TEST(test_no_data),
        RIG_TEST(test_wrong_cookie),
        RIG_TEST(test_off),
        RIG_TEST(test_keys),
        RIG_TEST(test_cookie_value),
        RIG_TEST(test_pending_limit),
        RIG_TEST(test_cookie_with_cookie),
        RIG_TEST(test_reset),
        RIG_TEST(test_synack_lost),
        RIG_TEST(test_early_data_lost),
        RIG_TEST(test_cookie_is_given_once),
        RIG_TEST(test_early_flight_is_bounded),
        RIG_TEST(test_closed_early),
        RIG_TEST(test_listener_gone),
        RIG_TEST(test_without_cookies),
        RIG_TEST(test_options),
        RIG_TEST(test_every_listener),
        RIG_TEST(test_hold),
        RIG_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
