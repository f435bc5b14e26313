/* SPDX-License-Identifier: BSD-2-Clause */
/* What both sides work on: secrets, known 4-tuples, counters, tokens. [RFC4987:3.6] */
#include "unit/tcp/outside.h"
#include "wire/cookie.h"

/* ---- the secrets ---- */

struct given {
    struct tcp_seg sa;
    struct seq irs;
};

/* A cookie as an answerer makes it. */
static struct given give(struct rig *r, unsigned i, uint16_t mss)
{
    struct tern_offload_listener *e = entry();
    const struct tern_offload_answer *a = &e->answer[4];
    uint32_t l, p, ms_now = (uint32_t)((r->now.ns - o->boot_ns) / 1000000);
    struct hash_key ck = {o->cookie_key[o->key_now][0], o->cookie_key[o->key_now][1]};
    struct hash_key tk = {o->ts_key[0], o->ts_key[1]};
    as(r, i);
    memcpy(&l, r->tuple.laddr, 4);
    memcpy(&p, r->tuple.raddr, 4);
    struct given g = {.irs = seq_of(0x12345678u + i)};
    uint64_t ports = cookie_ports(RIG_PORT, r->tuple.rport, g.irs.v);
    uint64_t pair = (uint64_t)RIG_PORT << 16 | r->tuple.rport;
    uint64_t h = hash_2(&ck, cookie_addrs(l, p), ports);
    uint32_t off = (uint32_t)hash_2(&tk, cookie_addrs(l, p), pair);
    assert_int_equal(e->on, 1);
    g.sa.seq = seq_of(cookie_of(h, cookie_mss_index(o->mss, mss)));
    g.sa.opt.tsval = cookie_tsval(ms_now + off, a->low + 7u);
    return g;
}

static unsigned finish(struct rig *r, const struct given *g)
{
    struct tcp_seg s = {
        .seq = seq_add(g->irs, 1), .ack = seq_add(g->sa.seq, 1), .th = ACK, .wnd = 1000};
    s.opt.has_ts = true;
    s.opt.tsval = 4711;
    s.opt.tsecr = g->sa.opt.tsval;
    return rig_seg(r, &s, 0);
}

static void test_cookie_opens(void **state)
{
    struct rig *r = *state;
    always(r, 4);
    begin(r);
    struct given g = give(r, 0, 1400);
    rig_sleep(r, 30);
    assert_int_equal(finish(r, &g), CAUSE_RX_SEG); /* the stack itself has given out none */
    struct tcp_conn *c = rig_conn(r);
    assert_int_equal(c->state, TERN_TCP_ESTABLISHED);
    assert_true(c->ts_ok && c->sack_ok && c->ws_ok);
    assert_int_equal(c->mss, 1360);
    assert_int_equal(c->snd_ws, 7);
    assert_int_equal(c->rcv_ws, entry()->answer[4].octets[20 + 20 + 19]);
    rig_accept(r);
    rig_send(r, 10);
    struct rig_out *x = rig_one(r, ACK);
    assert_true((int32_t)(x->seg.opt.tsval - g.sa.opt.tsval) >= 0);
}

/* The first one may be given out before any sync. */
static void test_cookie_at_once(void **state)
{
    struct rig *r = *state;
    rig_listen(r, 4);
    begin(r);
    rig_sleep(r, 500000);
    tcp_offload_sync(r->t, r->now); /* the secret of the present slot */
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS);
    struct given g = give(r, 0, 1460);
    assert_int_equal(finish(r, &g), CAUSE_RX_SEG);
}

static void test_secrets_turn(void **state)
{
    struct rig *r = *state;
    always(r, 8);
    begin(r);
    uint8_t first = o->key_now;
    uint64_t key[2] = {o->cookie_key[first][0], o->cookie_key[first][1]};
    struct given g = give(r, 0, 1460), early = give(r, 1, 1460);
    sync_after(r, (int64_t)(COOKIE_SLOT_S - 1) * 1000);
    assert_int_equal(o->key_now, first);
    rig_sleep(r, 1500); /* the slot is over, and nobody has said so yet */
    struct given late = give(r, 2, 1460);
    tcp_offload_sync(r->t, r->now);
    assert_int_equal(o->key_now, !first);
    assert_memory_equal(o->cookie_key[first], key, sizeof key); /* who reads it may go on */
    assert_memory_not_equal(o->cookie_key[!first], key, sizeof key);
    struct given fresh = give(r, 3, 1460);
    as(r, 0);
    assert_int_equal(finish(r, &g), CAUSE_RX_SEG);
    as(r, 2);
    assert_int_equal(finish(r, &late), CAUSE_RX_SEG);
    as(r, 3);
    assert_int_equal(finish(r, &fresh), CAUSE_RX_SEG);
    sync_after(r, (int64_t)COOKIE_SLOT_S * 1000);
    assert_int_equal(o->key_now, first);
    assert_memory_not_equal(o->cookie_key[first], key, sizeof key);
    as(r, 1);
    assert_int_equal(finish(r, &early), CAUSE_TX_RST_COOKIE); /* two slots old */
}

/* A cookie given out before it was switched off is still good; long after, nothing is compared. */
static void test_cookies_after_off(void **state)
{
    struct rig *r = *state;
    always(r, 8);
    begin(r);
    rig_sleep(r, 1000);
    struct given g = give(r, 0, 1460), never = give(r, 1, 1460);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_DROP_NEW);
    rig_sleep(r, 60000);
    as(r, 0);
    assert_int_equal(finish(r, &g), CAUSE_RX_SEG);
    rig_sleep(r, 70000);
    as(r, 1);
    assert_int_equal(finish(r, &never), CAUSE_TX_RST_LISTEN_ACK);
}

/* ---- known 4-tuples ---- */

/* Records that share both halves of their hash with the tuple: its two counters' lesser. */
static unsigned known_of(struct rig *r)
{
    uint32_t h = tuple_hash(r->t, &r->tuple);
    unsigned a = o->known[h & 0xffff], b = o->known[h >> 16];
    return a < b ? a : b;
}

static void known_agrees(struct rig *r)
{
    uint32_t sum = 0, conns = 0, halves = 0;
    for (unsigned i = 0; i < TERN_OFFLOAD_KNOWN; i++)
        sum += o->known[i];
    for (uint32_t i = 1; i <= r->t->conns.fresh; i++)
        conns += conn_at(r->t, i)->used && conn_at(r->t, i)->hashed;
    for (uint32_t i = 1; i <= r->t->halves.fresh; i++) {
        const struct tcp_half *h = pool_at(&r->t->halves, i);
        halves += h->used && h->where != HALF_GONE;
    }
    assert_int_equal(sum, 2 * (conns + halves + r->t->tws.used));
    unsigned state = rig_state(r);
    if (state != TERN_TCP_LISTEN && state != TERN_TCP_CLOSED)
        assert_int_not_equal(known_of(r), 0);
}

static void test_known_in_every_state(void **state)
{
    struct rig *r = *state;
    for (unsigned s = TERN_TCP_CLOSED; s <= TERN_TCP_TIME_WAIT; s++)
        for (unsigned active = 0; active < 2; active++) {
            rig_stop(r);
            rig_init(r);
            r->active = active;
            again(r);
            begin(r);
            if (s == TERN_TCP_LISTEN && active)
                continue;
            rig_reach(r, s);
            known_agrees(r);
            if (s != TERN_TCP_CLOSED && s != TERN_TCP_LISTEN)
                assert_int_equal(known_of(r), 1);
            rig_in(r, RST | ACK, 0, 0, 0);
            known_agrees(r);
            rig_run(r, 400000);
            known_agrees(r);
        }
}

static void test_known_churn(void **state)
{
    struct rig *r = *state;
    uint32_t x = 1;
    always(r, 3);
    begin(r);
    for (unsigned i = 0; i < 4000; i++) {
        x = x * 1664525u + 1013904223u;
        if (i % 50 == 0)
            set(r, TERN_OPT_SYN_POLICY, (x >> 28) & 3);
        as(r, x >> 8 & 7);
        switch (x >> 24 & 7) {
        case 0:
        case 1:
            rig_syn(r, SYN, seq_add(r->peer_iss, i * 100000), seq_of(0));
            break;
        case 2:
            rig_in(r, ACK, 0, 0, 0);
            break;
        case 3:
            rig_in(r, FIN | ACK, 0, 0, 0);
            break;
        case 4:
            rig_in(r, RST, 0, 0, 0);
            break;
        case 5:
            if (tcp_accept(r->t, r->lis, &r->sock) == TERN_OK)
                tcp_close(r->t, r->sock, r->now);
            break;
        case 6:
            if (tcp_accept(r->t, r->lis, &r->sock) == TERN_OK)
                tcp_abort(r->t, r->sock, r->now);
            break;
        default:
            rig_sleep(r, x >> 16 & 2047);
            break;
        }
        rig_pull(r);
        known_agrees(r);
    }
    tcp_close(r->t, r->lis, r->now);
    rig_run(r, 1000000);
    rig_empty(r);
    for (unsigned i = 0; i < TERN_OFFLOAD_KNOWN; i++)
        assert_int_equal(o->known[i], 0);
}

/* An application that was offered a record hears of its end; the tuple is free before that. */
static void test_known_held(void **state)
{
    struct rig *r = *state;
    struct tern_event ev;
    begin(r);
    r->hold = true;
    rig_listen(r, 4);
    syn(r, 0);
    while (rig_event(r, &ev) && ev.bits != TERN_EV_SYN)
        ;
    known_agrees(r);
    reset(r, 0);
    assert_int_equal(r->t->halves.used, 1);
    assert_int_equal(known_of(r), 0);
    rig_events(r);
    assert_int_equal(r->t->halves.used, 0);
    known_agrees(r);
}

static void test_known_stays_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 300; i++)
        offload_count(o, 0x70005, 1);
    assert_int_equal(o->known[5], 255);
    assert_int_equal(o->known[7], 255);
    for (unsigned i = 0; i < 300; i++)
        offload_count(o, 0x70005, -1);
    assert_int_equal(o->known[5], 255); /* nobody knows how many are left */
    assert_int_equal(o->known[7], 255);
    expect_assert_failure(offload_count(o, 6, -1));
}

/* ---- what was done ---- */

/* n SYNs answered on a CPU, all from 10.7.x.1, every 16th noted. */
static void answered(unsigned cpu, uint32_t n, uint8_t x)
{
    struct tern_offload_cpu *c = &o->cpu[cpu];
    for (uint32_t i = 0; i < n; i++) {
        c->answered++;
        c->bin[(i * 7 + x) % TERN_OFFLOAD_BINS]++;
        if (++c->skipped < TERN_OFFLOAD_SAMPLE)
            continue;
        c->skipped = 0;
        struct tern_offload_sample *s = &c->sample[c->nsample++ % TERN_OFFLOAD_SAMPLES];
        *s = (struct tern_offload_sample){
            .laddr = {10, 0, 0, 1}, .raddr = {10, 7, x, 1}, .lport = RIG_PORT, .rport = 5};
        s->rport = (uint16_t)(c->nsample + 1);
    }
}

static struct tern_syn_stats stats(struct rig *r)
{
    struct tern_syn_stats st;
    tcp_syn_stats(r->t, &st, r->now);
    return st;
}

static void test_report(void **state)
{
    struct rig *r = *state;
    always(r, 4);
    o->cpu[1].bin[3] = 1; /* counted before it is answered */
    begin(r);
    answered(1, 1600, 1);
    answered(127, 160, 2);
    o->cpu[127].limited += 40;
    o->cpu[1].overflowed += 7;
    sync_after(r, 100);
    struct tern_syn_stats st = stats(r);
    assert_int_equal(st.total, 1800);
    assert_int_equal(st.offloaded, 1760);
    assert_int_equal(st.outcome[TERN_SYN_COOKIE_SENT], 1760);
    assert_int_equal(st.outcome[TERN_SYN_DROP_RATE], 40);
    assert_int_equal(rig_count(r, CAUSE_TX_SYN_ACK_OFFLOAD), 1760);
    assert_int_equal(rig_count(r, CAUSE_DROP_PREFIX_RATE), 40);
    assert_int_equal(r->t->detect.full, 7);
    assert_int_equal(r->t->detect.syns, 1800);
    sync_after(r, 100); /* nothing new */
    assert_int_equal(stats(r).total, 1800);
    sync_after(r, 900);
    st = stats(r);
    assert_int_equal(st.syns, 1800); /* a second */
    assert_int_equal(st.ntop, 2);
    assert_int_equal(st.top[0].syns, 1600);
    assert_int_equal(st.top[0].prefix.b[2], 1);
    assert_int_equal(st.top[1].syns, 160);
    assert_true(st.entropy_mbit > 7800);
}

static void test_flood_and_back(void **state)
{
    struct rig *r = *state;
    always(r, 4);
    begin(r);
    for (unsigned i = 0; i < 20; i++) {
        answered(0, 500, 1);
        sync_after(r, 100);
    }
    struct tern_syn_stats st = stats(r);
    assert_int_equal(st.verdict, TERN_SYN_FLOOD);
    assert_int_equal(st.reasons & (TERN_SYN_RATE | TERN_SYN_CONCENTRATED),
                     TERN_SYN_RATE | TERN_SYN_CONCENTRATED);
    assert_int_equal(st.syns, 5000);
    sync_after(r, 9000);
    assert_int_equal(stats(r).verdict, TERN_SYN_NORMAL);
    assert_int_equal(rig_count(r, CAUSE_FLOOD_NORMAL), 1);
}

static void test_few_samples(void **state) /* what was answered before one came is not forgotten */
{
    struct rig *r = *state;
    always(r, 4);
    begin(r);
    for (unsigned i = 0; i < 5; i++) {
        answered(0, 16, 9);
        o->cpu[0].nsample -= i < 4; /* only the last is there */
        sync_after(r, 100);
    }
    assert_int_equal(r->t->detect.top[0].count, 5 * 16);
    answered(0, 16, 9);
    sync_after(r, 100);
    assert_int_equal(r->t->detect.top[0].count, 6 * 16);
}

/* The second that is over ends before the next one's SYNs are counted. */
static void test_windows(void **state)
{
    struct rig *r = *state;
    always(r, 4);
    begin(r);
    answered(0, 500, 1);
    tcp_offload_sync(r->t, r->now);
    assert_int_equal(r->t->detect.begin_ns, r->now.ns);
    r->now = time_add_ms(r->now, 1000);
    answered(0, 300, 1);
    tcp_offload_sync(r->t, r->now);
    assert_int_equal(r->t->detect.st.syns, 500);
    assert_int_equal(r->t->detect.syns, 300);
    uint32_t sum = 0;
    for (unsigned i = 0; i < DETECT_BINS; i++)
        sum += r->t->detect.bin[i];
    assert_int_equal(sum, 300);
}

static void test_recent_cookies_are_listed(void **state)
{
    struct rig *r = *state;
    struct tern_info info;
    uint64_t cursor = 0;
    unsigned n = 0;
    always(r, 4);
    begin(r);
    answered(5, 16 * TERN_OFFLOAD_SAMPLES * 2, 3); /* the ring has gone round */
    sync_after(r, 100);
    while (tcp_inspect_next(r->t, &cursor, &info, r->now))
        if (info.kind == TERN_INFO_HALF_OPEN) {
            assert_true(info.cookie);
            assert_int_equal(info.remote.addr.b[2], 3);
            assert_true(info.remote.port > TERN_OFFLOAD_SAMPLES);
            n++;
        }
    assert_int_equal(n, DETECT_RECENT);
}

/* ---- tokens ---- */

static void test_buckets_are_shared(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.prefix_answers_per_s = 20;
    again(r);
    always(r, 4);
    const uint8_t peer[4] = {10, 0, 0, 2};
    uint64_t h = prefix_hash(r->t, peer, TERN_AF_IP4);
    assert_true(prefix_take(r->t, h, r->now)); /* of two */
    begin(r);
    uint32_t ms_now = tcp_ms(r->t, r->now);
    struct tern_offload_bucket *set = o->bucket[bucket_set(h)];
    struct tern_offload_bucket *b = &set[bucket_find(set, h, ms_now + 3, o->prefix_rate)];
    assert_int_equal(b->tokens, 1);
    assert_true(bucket_take(b, ms_now + 100, o->prefix_rate)); /* gets two more */
    assert_int_equal(b->tokens, 2);
    assert_true(prefix_take(r->t, h, r->now)); /* its clock is behind: no time has passed */
    assert_int_equal(b->tokens, 1);
    assert_true(prefix_take(r->t, h, r->now));
    assert_false(prefix_take(r->t, h, r->now));
    syn(r, 0);
    assert_int_equal(r->verdict, CAUSE_DROP_PREFIX_RATE);
    assert_false(bucket_take(b, ms_now, o->prefix_rate));
    tcp_offload_end(r->t, r->now);
    assert_false(prefix_take(r->t, h, r->now));
    rig_sleep(r, 1000);
    assert_true(prefix_take(r->t, h, r->now));
}

static void test_prefix_key(void **state)
{
    struct rig *r = *state;
    const uint8_t a[4] = {10, 20, 30, 40};
    uint32_t net;
    begin(r);
    memcpy(&net, a, 4);
    net &= __builtin_bswap32(0xffffff00);
    assert_true(bucket_hash(o->prefix_key[0], o->prefix_key[1], net) ==
                prefix_hash(r->t, a, TERN_AF_IP4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFLOAD_TEST(test_cookie_opens),
        OFFLOAD_TEST(test_cookie_at_once),
        OFFLOAD_TEST(test_secrets_turn),
        OFFLOAD_TEST(test_cookies_after_off),
        OFFLOAD_TEST(test_known_in_every_state),
        OFFLOAD_TEST(test_known_churn),
        OFFLOAD_TEST(test_known_held),
        OFFLOAD_TEST(test_known_stays_full),
        OFFLOAD_TEST(test_report),
        OFFLOAD_TEST(test_flood_and_back),
        OFFLOAD_TEST(test_few_samples),
        OFFLOAD_TEST(test_windows),
        OFFLOAD_TEST(test_recent_cookies_are_listed),
        OFFLOAD_TEST(test_buckets_are_shared),
        OFFLOAD_TEST(test_prefix_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
