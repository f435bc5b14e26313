/* SPDX-License-Identifier: BSD-2-Clause */
/* Attacks on memory, time and patience: each is bounded by a limit with a name.
 * docs/spec/threats.tsv, class dos. */
#include "tcp/guard.h"
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

static void peer(struct rig *r, uint32_t n) /* one of 2^24 sources */
{
    r->peer.addr = ip((uint8_t)(11 + (n >> 16) % 100), (uint8_t)(n >> 8), (uint8_t)n, 9);
    memcpy(r->tuple.raddr, r->peer.addr.b, 16);
}

static void port(struct rig *r, unsigned i)
{
    r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
}

static void open_one(struct rig *r, unsigned i)
{
    port(r, i);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    struct tcp_seg sa = rig_one(r, SYN | ACK)->seg,
                   s = {.seq = sa.ack, .ack = seq_add(sa.seq, 1), .th = ACK, .wnd = r->wnd};
    s.opt.has_ts = sa.opt.has_ts;
    s.opt.tsval = (uint32_t)(r->now.ns / 1000000) + 0xffffe000u; /* the clock of the rig's peer */
    s.opt.tsecr = sa.opt.tsval;
    assert_int_equal(rig_seg(r, &s, 0), CAUSE_RX_SEG);
    rig_accept(r);
    rig_pull(r);
}

/* D01: max_half_open bounds the records; beyond it a SYN costs a cookie and no memory. Honest peers
 * connect. */
static void test_d01_syn_flood(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 5000; i++) {
            peer(r, round * 5000 + i);
            port(r, i % 20000);
            rig_syn(r, SYN, r->peer_iss, seq_of(0));
            while (rig_pull1(r) != NULL)
                ;
        }
        assert_true(r->t->halves.used <= r->cfg.max_half_open);
        assert_int_equal(r->arena.used, 0);
        r->peer.addr = ip(10, 0, 0, 2);
        memcpy(r->tuple.raddr, r->peer.addr.b, 16);
        open_one(r, round);
        tcp_abort(r->t, r->sock, r->now);
        rig_pull(r);
        rig_sleep(r, 100);
    }
    assert_true(r->t->detect.st.outcome[TERN_SYN_COOKIE_SENT] > 90000);
    assert_int_equal(r->t->detect.st.verdict, TERN_SYN_FLOOD);
}

/* D02: one SYN earns 1 + synack_retries answers at most (one as a cookie), none after a RST; a
 * source prefix gets prefix_answers_per_s. */
static void test_d02_reflection(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_run(r, 75000);
    assert_int_equal(r->n, 1 + r->cfg.synack_retries);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_run(r, 1500);
    rig_in(r, RST, 0, 0, 0);
    rig_run(r, 75000);
    assert_int_equal(r->n, 0);
    tcp_setopt(r->t, r->lis, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS, r->now);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_run(r, 75000);
    assert_int_equal(r->n, 1);
    again(r);
    r->cfg.prefix_answers_per_s = 50;
    rig_listen(r, 4);
    tcp_setopt(r->t, r->lis, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS, r->now);
    unsigned sent = 0;
    for (unsigned i = 0; i < 10000; i++) {
        port(r, i);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        sent += rig_pull(r);
        if (i % 1000 == 999)
            rig_sleep(r, 1000);
    }
    assert_in_range(sent, 5 + 9 * 50, 10 * 50);
}

/* D03: while buffers or connections run short (tcp_pressure), who keeps its window shut longer than
 * persist_give_up_ms is reset; the stack's budget (buf_bytes) is never exceeded. */
static void test_d03_zero_window_pinning(void **state)
{
    struct rig *r = *state;
    struct tern_sock s[8];
    r->cfg.persist_give_up_ms = 60000;
    rig_listen(r, 8);
    for (unsigned i = 0; i < 7; i++) {
        r->wnd = 0;
        open_one(r, i);
        s[i] = r->sock;
        rig_send(r, 100000);
    }
    assert_true(tcp_pressure(r->t));
    for (unsigned sec = 0; sec < 200; sec += 5) { /* the attacker answers each probe: still shut */
        for (unsigned i = 0; i < 7; i++) {
            port(r, i);
            if (rig_find(r) != NULL)
                rig_in(r, ACK, 0, 0, 0);
        }
        rig_run(r, 5000);
        assert_true(r->arena.used <= r->arena.total);
    }
    assert_true(rig_count(r, CAUSE_ST_PERSIST_TIMEOUT) >= 1);
    for (unsigned i = 0; i < 7; i++)
        tcp_abort(r->t, s[i], r->now);
    rig_pull(r);
    assert_false(tcp_pressure(r->t));
    r->wnd = 30000;
    open_one(r, 100); /* and others are served */
    assert_int_equal(rig_send(r, 1000), 1000);
}

/* Still shut, and the octet of the probe is not taken. */
static void answer_probe(struct rig *r)
{
    struct rig_at at = rig_at(r);
    rig_in(r, ACK, 0, -(int32_t)seq_diff(at.snd_nxt, at.snd_una), 0);
}

/* D04: probes back off to persist_max_us; after the close persist_give_up_ms ends it, however they
 * are answered. */
static void test_d04_persist_for_ever(void **state)
{
    struct rig *r = *state;
    established(r);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 1000);
    unsigned probes = 0;
    for (unsigned i = 0; i < 24 * 60; i++) { /* 24 hours */
        rig_run(r, 60000);
        assert_in_range(r->n, 0, 12);
        probes += r->n;
        answer_probe(r);
    }
    assert_in_range(probes, 24 * 60 - 60, 24 * 60 + 60);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    tcp_close(r->t, r->sock, r->now);
    for (unsigned i = 0; i < 10 && rig_find(r) != NULL; i++) {
        rig_run(r, 60000);
        if (rig_find(r) != NULL)
            answer_probe(r);
    }
    rig_empty(r);
}

/* D05: what the application has closed is bounded in time (fin_wait_2_ms, R2, persist_give_up_ms)
 * and in number (max_orphans). */
static void test_d05_orphans(void **state)
{
    struct rig *r = *state;
    const unsigned states[] = {TERN_TCP_FIN_WAIT_1, TERN_TCP_FIN_WAIT_2, TERN_TCP_CLOSING,
                               TERN_TCP_LAST_ACK};
    for (unsigned i = 0; i < 4; i++) {
        again(r);
        rig_reach(r, states[i]);
        tcp_close(r->t, r->sock, r->now);
        rig_run(r, 3600000); /* the peer is silent */
        rig_empty(r);
    }
    again(r);
    established(r);
    rig_send(r, 50000);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    tcp_close(r->t, r->sock, r->now);
    rig_run(r, 3600000);
    rig_empty(r);
    again(r);
    r->cfg.max_orphans = 3;
    rig_listen(r, 8);
    for (unsigned i = 0; i < 5; i++) {
        open_one(r, i);
        assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
        rig_pull(r);
        assert_int_equal(r->n, 1);
        assert_int_equal(r->out[0].seg.th & (FIN | RST), i < 3 ? FIN : RST);
    }
    assert_int_equal(r->t->orphans, 3);
    assert_int_equal(r->t->conns.used, 3);
    rig_run(r, 3600000);
    assert_int_equal(r->t->orphans, 0);
}

/* D06: a connection that trickles holds a control block and no buffer once it was read;
 * max_prefix_conns limits how many one network may have, keep-alive and the user timeout (options)
 * how long. */
static void test_d06_slow_connections(void **state)
{
    struct rig *r = *state;
    r->cfg.max_prefix_conns = 3;
    rig_listen(r, 8);
    for (unsigned i = 0; i < 3; i++)
        open_one(r, i);
    port(r, 9);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_pull(r);
    assert_int_equal(rig_in(r, ACK, 0, 0, 0), CAUSE_DROP_PREFIX_CONNS);
    port(r, 2);
    for (unsigned i = 0; i < 100; i++) {
        rig_in(r, ACK | PSH, 0, 0, 1);
        assert_int_equal(rig_recv(r, 10), 1);
        assert_int_equal(r->arena.used, 0);
        rig_run(r, 10000);
    }
}

/* D07: out-of-order data is kept in at most max_conn_ooo intervals; what is next in order is always
 * taken. */
static void test_d07_out_of_order_queue(void **state)
{
    struct rig *r = *state;
    established(r);
    for (int32_t i = 4000; i > 0; i -= 2) { /* every second octet, backwards */
        rig_in(r, ACK, i, 0, 1);
        rig_pull(r);
        assert_true(rig_conn(r)->rcv.ooo.count <= r->cfg.max_conn_ooo);
    }
    assert_true(rig_count(r, CAUSE_DROP_OOO_LIMIT) > 1000);
    assert_int_equal(rig_in(r, ACK, 0, 0, 1), CAUSE_RX_SEG);
    assert_true(rig_recv(r, 100) >= 1);
}

/* D08: all connections together have max_ooo intervals and buf_bytes of memory, overhead included.
 */
static void test_d08_out_of_order_memory(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 8);
    for (unsigned i = 0; i < 8; i++) {
        open_one(r, i);
        for (int32_t k = 0; k < 40; k++) {
            rig_in(r, ACK, 1 + k * 1500, 0, 1);
            rig_pull(r);
            assert_true(r->t->ooo.used <= r->cfg.max_ooo && r->arena.used <= r->arena.total);
        }
    }
    assert_int_equal(r->t->ooo.used, r->cfg.max_ooo);
    port(r, 0);
    assert_int_equal(rig_in(r, ACK, 0, 0, 1), CAUSE_RX_SEG);
}

/* D09: a segment of one octet costs one octet of the receive buffer; the window never goes back. */
static void test_d09_tiny_segments(void **state)
{
    struct rig *r = *state;
    established(r);
    struct seq edge = rig_conn(r)->rcv.adv;
    for (unsigned i = 0; i < 20000; i++) {
        assert_int_equal(rig_in(r, ACK | PSH, 0, 0, 1), CAUSE_RX_SEG);
        rig_pull(r);
        assert_true(seq_ge(rig_conn(r)->rcv.adv, edge));
        edge = rig_conn(r)->rcv.adv;
    }
    assert_true(r->arena.used <= 65536);
    assert_int_equal(rig_recv(r, 100000), 20000);
}

/* D17: the tables are keyed with SipHash: chosen tuples spread like any others. */
static void test_d17_hash_flooding(void **state)
{
    struct rig *r = *state;
    static uint8_t chain[1 << 16];
    unsigned worst = 0;
    memset(chain, 0, sizeof chain);
    for (uint32_t i = 0; i < 1 << 16; i++) { /* equal low bits everywhere */
        struct tcp_tuple tu = r->tuple;
        tu.raddr[0] = (uint8_t)(i >> 8);
        tu.raddr[1] = (uint8_t)i;
        unsigned n = ++chain[tuple_hash(r->t, &tu) & 0xffff];
        worst = n > worst ? n : worst;
    }
    assert_in_range(worst, 5, 12); /* of load 1 at random: 8 or 9 */
}

/* D22: RSTs to whoever has no connection are limited by prefix_answers_per_s, as SYN-ACKs are. */
static void test_d22_reset_generation(void **state)
{
    struct rig *r = *state;
    r->cfg.prefix_answers_per_s = 100;
    unsigned sent = 0;
    for (unsigned i = 0; i < 5000; i++) {
        rig_in(r, ACK, 0, 0, 0);
        sent += rig_pull(r);
        if (i % 500 == 499)
            rig_sleep(r, 1000);
    }
    assert_in_range(sent, 10 + 9 * 100, 1000);
    assert_int_equal(rig_count(r, CAUSE_DROP_PREFIX_RATE), 5000 - sent);
    peer(r, 77); /* others do not feel it */
    rig_in(r, ACK, 0, 0, 0);
    rig_one(r, RST);
}

/* D23: a TIME-WAIT record is 40 octets, max_time_wait bounds them, the oldest goes first and each
 * on time. */
static void test_d23_time_wait(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.max_time_wait = 3000;
    rig_start(r);
    assert_true(sizeof(struct tcp_tw) * 10000000 + tw_head_size(10000000) <= 480000000);
    rig_listen(r, 8);
    for (unsigned i = 0; i < 5000; i++) {
        peer(r, i);
        open_one(r, i % 20000);
        assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
        rig_pull(r);
        rig_in(r, FIN | ACK, 0, 0, 0);
        rig_pull(r);
        if (i % 50 == 49)
            rig_sleep(r, 100);
    }
    assert_int_equal(r->t->tws.used, 3000);
    assert_int_equal(rig_count(r, CAUSE_ST_TIME_WAIT_EVICTED), 2000);
    peer(r, 4999);
    assert_non_null(rig_tw(r));
    peer(r, 1999);
    port(r, 1999);
    assert_null(rig_tw(r));
    /* Fifty were made at one time, 100 ms apart: they go as they came, 2 MSL later. */
    rig_sleep(r, 60000 - 6000 - 1);
    for (unsigned left = 3000; left > 0; left -= 50) {
        assert_int_equal(r->t->tws.used, left);
        rig_sleep(r, left == 3000 ? 1 : 100);
        assert_int_equal(r->t->tws.used, left - 50);
    }
}

/* D24: the accept queue holds backlog + 1 connections; then SYNs are dropped, and later taken
 * again. */
static void test_d24_accept_queue(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 3);
    for (unsigned i = 0; i < 4; i++) {
        port(r, i);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        rig_in(r, ACK, 0, 0, 0);
    }
    rig_pull(r);
    for (unsigned i = 10; i < 200; i++) {
        port(r, i);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        assert_int_equal(r->verdict, CAUSE_DROP_SYN_ACCEPT);
    }
    rig_silent(r);
    assert_int_equal(r->t->conns.used, 4);
    assert_int_equal(r->t->halves.used, 0);
    rig_accept(r);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_one(r, SYN | ACK);
}

/* D25: one tick handles TICK_BUDGET timers of a kind; the rest is due at once. */
static void test_d25_timers_at_one_instant(void **state)
{
    struct rig *r = *state;
    const unsigned n = 20000;
    rig_stop(r);
    rig_init(r);
    r->cfg.max_half_open = 32768;
    r->cfg.max_answers = 32768;
    rig_start(r);
    rig_listen(r, 32768);
    for (unsigned i = 0; i < n; i++) {
        peer(r, i);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
        while (rig_pull1(r) != NULL)
            ;
    }
    r->now = time_add_ms(r->now, 1000);
    unsigned left = n, ticks = 0;
    while (left > 0) {
        tcp_tick(r->t, r->now);
        unsigned sent = 0;
        while (rig_pull1(r) != NULL)
            sent++;
        assert_in_range(sent, 1, TICK_BUDGET);
        left -= sent;
        ticks++;
        if (left > 0)
            assert_true(time_le(tcp_deadline(r->t), r->now));
    }
    assert_int_equal(ticks, (n + TICK_BUDGET - 1) / TICK_BUDGET);
}

/* D26: text on a SYN is not kept: no memory before the handshake is complete. */
static void test_d26_data_on_syn(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    for (unsigned i = 0; i < 1000; i++) {
        port(r, i);
        struct tcp_seg s = {.seq = r->peer_iss, .th = SYN, .wnd = 1000};
        rig_seg(r, &s, 1400);
        while (rig_pull1(r) != NULL)
            assert_int_equal(r->out[0].seg.ack.v, r->peer_iss.v + 1);
        assert_int_equal(r->arena.used, 0);
    }
}

/* A SYN with this Fast Open cookie and len octets of text. */
static void fast_syn(struct rig *r, const uint8_t cookie[FO_COOKIE], uint32_t len)
{
    struct tcp_seg s = {.seq = r->peer_iss, .th = SYN, .wnd = r->wnd};
    s.opt.has_mss = true;
    s.opt.mss = 1460;
    s.opt.tfo = TCP_TFO;
    s.opt.tfo_len = FO_COOKIE;
    s.opt.tfo_cookie = cookie;
    rig_seg(r, &s, len);
}

/* D26: a Fast Open cookie is 64 bits of a keyed hash of both addresses: a guessed or a borrowed one
 * opens nothing, and its text is not kept. With good ones no more than TERN_OPT_FASTOPEN's number
 * are pending, and a SYN whose ACK never comes earns an initial window and 1 + synack_retries
 * SYN-ACKs at most (RFC 7413 5.1). */
static void test_d26_fast_open(void **state) /* [RFC7413:5.1] */
{
    enum { LIMIT = 4 };
    struct rig *r = *state;
    uint8_t good[FO_COOKIE], guess[FO_COOKIE];
    uint64_t x = 4711;
    r->wnd = 65535;
    rig_listen(r, 64);
    assert_int_equal(tcp_setopt(r->t, r->lis, TERN_OPT_FASTOPEN, LIMIT, r->now), TERN_OK);
    for (unsigned i = 0; i < 10000; i++) { /* guessed; every other one is good elsewhere */
        peer(r, i + 1);
        fastopen_cookie(r->t, listener_get(r->t, r->lis), &r->tuple, good);
        x = x * 6364136223846793005u + 1442695040888963407u;
        memcpy(guess, i % 2 ? (const void *)&x : good, sizeof guess);
        peer(r, i + 20000);
        fast_syn(r, guess, 1400);
        assert_null(rig_find(r));
        assert_int_equal(r->arena.used, 0);
        while (rig_pull1(r) != NULL)
            assert_true(seq_eq(r->out[0].seg.ack, seq_add(r->peer_iss, 1)));
    }
    assert_int_equal(rig_count(r, CAUSE_TX_SYN_ACK_FASTOPEN), 0);
    peer(r, 0);
    fastopen_cookie(r->t, listener_get(r->t, r->lis), &r->tuple, good);
    for (unsigned i = 0; i < 100; i++) { /* one good cookie, again and again */
        port(r, i);
        fast_syn(r, good, 1400);
    }
    assert_int_equal(rig_count(r, CAUSE_ST_FASTOPEN), LIMIT);
    while (rig_pull1(r) != NULL)
        ;
    rig_accept(r);
    assert_int_equal(rig_send(r, 60000), 60000); /* the application answers the first at once */
    uint32_t text = 0;
    while (rig_pull1(r) != NULL)
        text += r->out[0].seg.len;
    assert_in_range(text, 1, cc_initial_window(1460));
    rig_run(r, 300000);
    assert_null(rig_find(r));
    assert_int_equal(listener_get(r->t, r->lis)->fo.pending, 0);
}

/* D27: silly-window avoidance: a window that opens by single octets is left alone but for the
 * override timer. */
static void test_d27_silly_window(void **state)
{
    struct rig *r = *state;
    r->ws = 0;
    established(r);
    r->wnd = 0;
    rig_in(r, ACK, 0, 0, 0);
    rig_send(r, 50000);
    rig_run(r, 1000);
    unsigned small = 0;
    for (unsigned w = 1; w <= 400; w++) {
        r->wnd = w;
        struct rig_at at = rig_at(r);
        rig_in(r, ACK, 0, -(int32_t)seq_diff(at.snd_nxt, at.snd_una), 0);
        rig_pull(r);
        for (unsigned i = 0; i < r->n; i++)
            small += r->out[i].seg.len > 1 && r->out[i].seg.len < 400;
    }
    assert_in_range(small, 0, 2);
}

/* D28: old segments without data earn challenge_per_s answers a second; those with data one ACK a
 * batch, whatever its size (RFC 2883 wants the duplicate reported). */
static void test_d28_old_segments(void **state)
{
    struct rig *r = *state;
    established(r);
    unsigned sent = 0;
    for (unsigned s = 0; s < 5; s++) {
        for (unsigned i = 0; i < 2000; i++) {
            rig_in(r, ACK, -5000, 0, 0);
            sent += rig_pull(r);
        }
        rig_sleep(r, 1000);
    }
    for (unsigned i = 0; i < 64; i++)
        rig_in(r, ACK, -5000, 0, 100);
    assert_in_range(rig_pull(r), 0, 1);
    assert_in_range(sent, 5, 5 * r->cfg.challenge_per_s + r->cfg.challenge_per_s);
    rig_in(r, ACK, 0, 0, 10);
    assert_int_equal(rig_recv(r, 100), 10);
}

/* D29: random segments, most of them nonsense: the laws hold, memory stays within its budget,
 * service goes on. */
static void test_d29_garbage(void **state)
{
    struct rig *r = *state;
    uint64_t x = 20241125;
    static uint8_t buf[256];
    established(r);
    rig_listen(r, 4);
    for (unsigned i = 0; i < 60000; i++) {
        for (unsigned k = 0; k < sizeof buf; k += 8) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            memcpy(buf + k, (uint8_t *)&x, 8);
        }
        uint32_t n = (uint32_t)(x >> 40) % 120;
        if (i % 4 != 0) { /* most get as far as the connection */
            be16_store(buf, r->peer.port);
            be16_store(buf + 2, r->local.port);
            buf[12] = (uint8_t)(0x50 + (x >> 60 << 4));
        }
        struct tcp_pkt p = {
            .src = r->peer.addr, .dst = r->local.addr, .p = buf, .n = n, .csum = TERN_CSUM_OK};
        tcp_rx(r->t, &p, r->now);
        rig_pull(r);
        assert_true(r->arena.used <= r->arena.total && r->t->conns.used <= 8);
        if (i % 1000 == 0)
            rig_run(r, 100);
    }
    peer(r, 123456);
    open_one(r, 5);
}

/* D30: the n-th take from any pool fails, for each n: the stack goes on, and nothing is left
 * behind. */
static void test_d30_nth_allocation(void **state)
{
    struct rig *r = *state;
    for (unsigned n = 1; n < 40; n++) {
        again(r);
        rig_listen(r, 4);
        r->fault.fail_at = n;
        for (unsigned try = 0; try < 3 && rig_find(r) == NULL; try++) {
            rig_syn(r, SYN, r->peer_iss, seq_of(0));
            rig_pull(r);
            if (rig_half(r) != NULL)
                rig_in(r, ACK, 0, 0, 0);
        }
        if (tcp_accept(r->t, r->lis, &r->sock) == TERN_OK) {
            rig_in(r, ACK, 1000, 0, 100);
            rig_in(r, ACK, 0, 0, 1000);
            rig_send(r, 5000);
            rig_pull(r);
            tcp_abort(r->t, r->sock, r->now);
            rig_pull(r);
        }
        tcp_close(r->t, r->lis, r->now);
        r->fault.fail_at = 0;
        rig_pull(r);
        rig_run(r, 200000);
        rig_empty(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_d01_syn_flood),
        RIG_TEST(test_d02_reflection),
        RIG_TEST(test_d03_zero_window_pinning),
        RIG_TEST(test_d04_persist_for_ever),
        RIG_TEST(test_d05_orphans),
        RIG_TEST(test_d06_slow_connections),
        RIG_TEST(test_d07_out_of_order_queue),
        RIG_TEST(test_d08_out_of_order_memory),
        RIG_TEST(test_d09_tiny_segments),
        RIG_TEST(test_d17_hash_flooding),
        RIG_TEST(test_d22_reset_generation),
        RIG_TEST(test_d23_time_wait),
        RIG_TEST(test_d24_accept_queue),
        RIG_TEST(test_d25_timers_at_one_instant),
        RIG_TEST(test_d26_data_on_syn),
        RIG_TEST(test_d26_fast_open),
        RIG_TEST(test_d27_silly_window),
        RIG_TEST(test_d28_old_segments),
        RIG_TEST(test_d29_garbage),
        RIG_TEST(test_d30_nth_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
