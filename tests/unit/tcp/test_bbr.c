/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/prng.h"
#include "tcp/cc/bbr.h"
#include "unit/tcp/path.h"
#include "unit/tcp/rig.h"

#define SEC  1000000000LL
#define MSS  1448u
#define RATE 2500000u    /* 20 Mbit/s */
#define BDP  (RATE / 25) /* at 40 ms: 100 000 octets */

static struct path road(uint64_t queue, double lose)
{
    return (struct path){.rate = RATE, .rtt = SEC / 25, .queue = queue, .mss = MSS, .lose = lose};
}
static struct bbr *model(struct path_flow *f)
{
    return (struct bbr *)f->cc.ext;
}

struct seen {
    unsigned states; /* bit: was in it */
    int64_t first[BBR_PROBE_RTT + 1];
    uint32_t least_cwnd_probe_rtt;
    uint64_t pace_max;
};
static void watch(struct path *p, struct path_flow *f, void *ctx)
{
    struct seen *s = ctx;
    struct bbr *b = model(f);
    if (!(s->states & 1u << b->state))
        s->first[b->state] = p->now;
    s->states |= 1u << b->state;
    if (b->state == BBR_PROBE_RTT && f->cc.cwnd < s->least_cwnd_probe_rtt)
        s->least_cwnd_probe_rtt = f->cc.cwnd;
    if (f->cc.pacing_bps > s->pace_max)
        s->pace_max = f->cc.pacing_bps;
}

static void test_finds_rate_and_delay(void **state)
{
    (void)state;
    const struct cc_ops *ops[] = {&cc_bbr};
    struct seen s = {.least_cwnd_probe_rtt = UINT32_MAX};
    struct path p = road(4 * BDP, 0);
    p.watch = watch;
    p.watch_ctx = &s;
    path_begin(&p, ops, 1, 0);
    path_run(&p, 2 * SEC);
    struct path_flow *f = &p.flow[0];
    struct bbr *b = model(f);
    assert_true(b->full_bw_reached);
    assert_in_range(b->max_bw, RATE * 95 / 100, RATE * 103 / 100);
    assert_in_range(b->min_rtt_us, 40000, 41500);
    assert_int_equal(f->losses, 0);
    assert_true(s.first[BBR_DRAIN] < SEC);
    assert_true(s.first[BBR_DOWN] - s.first[BBR_DRAIN] < SEC / 2);
    uint64_t at = f->delivered;
    p.max_queue_ns = 0;
    path_run(&p, 30 * SEC);
    print_message("# bbr alone: %u of 1000, queue at most %lld ms\n",
                  path_share(&p, f, at, 2 * SEC), (long long)p.max_queue_ns / 1000000);
    assert_true(path_share(&p, f, at, 2 * SEC) > 930);
    assert_true(p.max_queue_ns < 45 * 1000000); /* a queue of four BDP would be 160 ms */
    assert_int_equal(s.states, (1u << (BBR_PROBE_RTT + 1)) - 1); /* every phase was visited */
    assert_true(s.least_cwnd_probe_rtt < BDP * 6 / 10);
    path_end(&p);
}

static void test_gains(void **state) /* the draft's table of phases */
{
    (void)state;
    const struct cc_ops *ops[] = {&cc_bbr};
    struct path p = road(4 * BDP, 0);
    path_begin(&p, ops, 1, 0);
    path_run(&p, 3 * SEC);
    static const uint32_t percent[] = {277, 50, 90, 100, 100, 125, 100};
    struct path_flow *f = &p.flow[0];
    struct bbr *b = model(f);
    for (unsigned s = 0; s <= BBR_PROBE_RTT; s++) {
        b->state = (uint8_t)s;
        b->full_bw_reached = s != BBR_STARTUP;
        b->full_bw_now = b->round_start = false;
        b->inflight_longterm = BBR_DATA_NONE;
        b->probe_wait_us = 1u << 30;
        b->rounds_since_probe = 0;
        b->drain_round = b->round_count;
        b->cycle_ns = b->probe_rtt_min_ns = p.now;
        b->next_round_delivered = UINT64_MAX;
        b->probe_rtt_done_ns = p.now + SEC;
        struct cc_ack a = {.now = {p.now},
                           .acked = MSS,
                           .flight_before = 9 * BDP,
                           .flight = 9 * BDP,
                           .delivered = f->delivered,
                           .prior_delivered = f->delivered - MSS,
                           .rate_bps = RATE,
                           .tx_in_flight = BDP,
                           .srtt_us = 40000};
        cc_bbr.on_ack(&f->cc, &a);
        assert_int_equal(b->state, s);
        assert_int_equal(f->cc.pacing_bps, b->bw_now * percent[s] / 100 * 99 / 100);
    }
    path_end(&p);
}

static void test_random_loss_does_not_slow_it(void **state)
{
    (void)state;
    const struct cc_ops *bbr[] = {&cc_bbr}, *reno[] = {&cc_reno};
    struct path p = road(BDP, 0.01), q = p;
    prng_init(&p.prng, 7);
    prng_init(&q.prng, 7);
    path_begin(&p, bbr, 1, 0);
    path_begin(&q, reno, 1, 0);
    path_run(&p, 30 * SEC);
    path_run(&q, 30 * SEC);
    uint32_t x = path_share(&p, &p.flow[0], 0, 0), y = path_share(&q, &q.flow[0], 0, 0);
    print_message("# 1 %% lost: bbr %u, reno %u of 1000\n", x, y);
    assert_true(x > 850);
    assert_true(y < x / 2);
    path_end(&p);
    path_end(&q);
}

static void test_shallow_queue(void **state) /* inflight_longterm learns where losses begin */
{
    (void)state;
    const struct cc_ops *ops[] = {&cc_bbr};
    struct path p = road(BDP / 10, 0);
    path_begin(&p, ops, 1, 0);
    path_run(&p, 30 * SEC);
    struct path_flow *f = &p.flow[0];
    print_message("# queue of 0.1 BDP: %u of 1000, %llu lost of %llu\n", path_share(&p, f, 0, 0),
                  (unsigned long long)f->losses, (unsigned long long)f->acks);
    assert_true(path_share(&p, f, 0, 0) > 850);
    assert_true(f->losses * 50 < f->acks); /* below 2 % */
    assert_true(model(f)->inflight_longterm != BBR_DATA_NONE);
    path_end(&p);
}

static void test_two_share(void **state)
{
    (void)state;
    const struct cc_ops *ops[] = {&cc_bbr, &cc_bbr};
    struct path p = road(BDP, 0);
    path_begin(&p, ops, 2, SEC);
    path_run(&p, 20 * SEC);
    uint64_t a = p.flow[0].delivered, b = p.flow[1].delivered;
    path_run(&p, 140 * SEC);
    uint32_t x = path_share(&p, &p.flow[0], a, 20 * SEC),
             y = path_share(&p, &p.flow[1], b, 20 * SEC);
    print_message("# bbr: %u and %u of 1000\n", x, y);
    assert_true(x + y > 900);
    assert_in_range(x * 100 / (x + y), 45, 55);
    path_end(&p);
}

static void test_timeout_and_undo(void **state)
{
    (void)state;
    const struct cc_ops *ops[] = {&cc_bbr};
    struct path p = road(BDP, 0);
    path_begin(&p, ops, 1, 0);
    path_run(&p, 2 * SEC);
    struct cc *cc = &p.flow[0].cc;
    uint32_t w = cc->cwnd;
    cc->prior_cwnd = w;
    cc->prior_ssthresh = cc->ssthresh;
    cc_bbr.on_rto(cc, w, true, (struct tern_time){p.now});
    assert_int_equal(cc->cwnd, MSS);
    cc_bbr.on_undo(cc);
    assert_int_equal(cc->cwnd, w);
    cc_bbr.on_loss(cc, BDP / 2, (struct tern_time){p.now});
    assert_int_equal(cc->cwnd, w); /* the model decides, not the event */
    cc->cwnd = w / 2;
    cc_bbr.on_recovered(cc, BDP / 2, (struct tern_time){p.now});
    assert_int_equal(cc->cwnd, w);
    uint64_t rate = model(&p.flow[0])->bw_now;
    cc_bbr.on_idle(cc);
    assert_int_equal(cc->cwnd, w); /* the model stays */
    assert_int_equal(cc->pacing_bps, rate);
    cc_bbr.on_ecn(cc, w, (struct tern_time){p.now});
    assert_true(model(&p.flow[0])->loss_in_round);
    path_end(&p);
}

static void test_without_its_block(void **state)
{
    (void)state;
    struct cc cc = {.mss = MSS};
    cc_bbr.init(&cc, false);
    assert_int_equal(cc.cwnd, cc_initial_window(MSS));
    struct cc_ack a = {.acked = MSS, .flight_before = cc.cwnd, .limited = true};
    cc_bbr.on_ack(&cc, &a);
    assert_int_equal(cc.cwnd, cc_initial_window(MSS) + MSS);
    cc_bbr.on_loss(&cc, 20 * MSS, ms(0));
    assert_int_equal(cc.cwnd, 10 * MSS);
    cc_bbr.on_recovered(&cc, MSS, ms(0));
    cc_bbr.on_rto(&cc, 20 * MSS, true, ms(0));
    assert_int_equal(cc.cwnd, MSS);
    cc_bbr.on_ecn(&cc, 8 * MSS, ms(0));
    cc_bbr.on_idle(&cc);
    cc_bbr.on_undo(&cc);
    assert_int_equal(cc.pacing_bps, 0);
}

static void test_none(void **state) /* the plug-in that never holds back */
{
    (void)state;
    struct cc cc = {.mss = MSS};
    cc_none.init(&cc, true);
    assert_int_equal(cc.cwnd, 1u << 30);
    struct cc_ack a = {.acked = MSS};
    cc_none.on_loss(&cc, MSS, ms(0));
    cc_none.on_ecn(&cc, MSS, ms(0));
    cc_none.on_rto(&cc, MSS, true, ms(0));
    cc_none.on_idle(&cc);
    cc_none.on_cut(&cc);
    cc_none.on_ack(&cc, &a);
    cc_none.on_recovered(&cc, 0, ms(0));
    cc_none.on_undo(&cc);
    assert_int_equal(cc.cwnd, 1u << 30);
    assert_int_equal(cc.ssthresh, UINT32_MAX);
    assert_true(cc_none.own_recovery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_rate_and_delay),
        cmocka_unit_test(test_gains),
        cmocka_unit_test(test_random_loss_does_not_slow_it),
        cmocka_unit_test(test_shallow_queue),
        cmocka_unit_test(test_two_share),
        cmocka_unit_test(test_timeout_and_undo),
        cmocka_unit_test(test_without_its_block),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
