/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/path.h"
#include "unit/tcp/rig.h"
#include <math.h>
#include <stdio.h>

#define M   1000u
#define SEC 1000000000LL

static uint64_t block[CC_EXT_MAX / 8];

static struct cc fresh(uint32_t mss)
{
    struct cc cc = {.mss = mss, .ext = block};
    memset(block, 0, sizeof block);
    cc_cubic.init(&cc, false);
    return cc;
}
static void ack_at(struct cc *cc, int64_t ns, uint32_t n, uint32_t rtt_us)
{
    struct cc_ack a = {.now = {ns},
                       .acked = n,
                       .flight_before = cc->cwnd,
                       .limited = true,
                       .srtt_us = rtt_us,
                       .rtt_us = rtt_us};
    cc_cubic.on_ack(cc, &a);
}
static void lose(struct cc *cc, uint32_t flight, int64_t ns)
{
    cc->prior_cwnd = cc->cwnd;
    cc->prior_ssthresh = cc->ssthresh;
    cc_cubic.on_loss(cc, flight, (struct tern_time){ns});
}

static void test_decrease(void **state) /* [RFC9438:4.6] [RFC9438:4.6#1] */
{
    (void)state;
    struct cc cc = fresh(M);
    assert_int_equal(cc.cwnd, cc_initial_window(M));
    cc.cwnd = 100 * M;
    lose(&cc, 100 * M, 0);
    assert_int_equal(cc.ssthresh, 70 * M);
    assert_int_equal(cc.cwnd, 100 * M); /* recovery's until it ends */
    cc_cubic.on_recovered(&cc, 10 * M, ms(1));
    assert_int_equal(cc.cwnd, 70 * M);
    lose(&cc, 2 * M, 2);
    assert_int_equal(cc.ssthresh, 2 * M); /* never below two segments */
    cc.cwnd = 50 * M;
    cc_cubic.on_ecn(&cc, 50 * M, ms(3));
    assert_int_equal(cc.cwnd, 50 * M * 17 / 20); /* [RFC8511:3] */
    assert_int_equal(cc.ssthresh, 50 * M * 17 / 20);
    cc_cubic.on_ecn(&cc, M, ms(4)); /* a mark may lead to one segment [RFC9438:4.6#2] */
    assert_int_equal(cc.cwnd, M);
    assert_int_equal(cc.ssthresh, 2 * M);
}

/* The stack has halved the window: the curve begins anew from there, with its plateau where it was,
 * and does not jump back. */
static void test_cut(void **state) /* [RFC7661:4.4.3] */
{
    (void)state;
    struct cc cc = fresh(M);
    int64_t t = 0;
    cc.cwnd = 100 * M;
    lose(&cc, 100 * M, t);
    cc_cubic.on_recovered(&cc, 10 * M, ms(1));
    for (; t < 5 * SEC; t += SEC / 100) /* K is 4.2 s: it is back */
        ack_at(&cc, t, 10 * M, 100000);
    assert_in_range(cc.cwnd, 95 * M, 105 * M);
    cc.cwnd = cc.ssthresh = 50 * M;
    cc_cubic.on_cut(&cc);
    for (int64_t e = t + SEC; t < e; t += SEC / 100)
        ack_at(&cc, t, 5 * M, 100000);
    assert_in_range(cc.cwnd, 51 * M, 75 * M); /* and not half as much again in each round trip */
    for (int64_t e = t + 4 * SEC; t < e; t += SEC / 100)
        ack_at(&cc, t, 8 * M, 100000);
    assert_in_range(cc.cwnd, 90 * M, 105 * M);
}

/* ACKs of a full window over one round trip after another, one for every two segments. `law` is the
 * RFC's own algorithm in floating point [RFC9438:4.2] [RFC9438:4.3]. */
struct law {
    double w_max, cwnd, k, w_est, w_prior;
};
static double law_at(const struct law *l, double t)
{
    return 0.4 * pow(t - l->k, 3) + l->w_max;
}
static void law_ack(struct law *l, double t, double rtt, double segs)
{
    l->w_est += (l->w_est < l->w_prior ? 3 * 0.3 / 1.7 : 1) * segs / l->cwnd;
    if (law_at(l, t) < l->w_est) {
        l->cwnd = fmax(l->cwnd, l->w_est);
        return;
    }
    double target = fmin(fmax(law_at(l, t + rtt), l->cwnd), 1.5 * l->cwnd);
    l->cwnd += (target - l->cwnd) / l->cwnd * segs;
}

static double far_from(double a, double b)
{
    return a < b ? b - a : a - b;
}

/* 60 s after a loss at w_max segments: the largest distance from the algorithm, and from the curve.
 */
static void follow(uint32_t w_max, uint32_t mss, double rtt, double *off_law, double *off_curve,
                   double *end)
{
    struct cc cc = fresh(mss);
    cc.cwnd = w_max * mss;
    lose(&cc, cc.cwnd, 0);
    cc_cubic.on_recovered(&cc, cc.ssthresh, (struct tern_time){0});
    struct law l = {.w_max = w_max, .cwnd = (double)cc.cwnd / mss, .w_prior = w_max};
    l.w_est = l.cwnd;
    l.k = cbrt((l.w_max - l.cwnd) / 0.4);
    *off_law = *off_curve = 0;
    for (double t = 0; t <= 60;) {
        ack_at(&cc, (int64_t)(t * 1e9), 2 * mss, (uint32_t)(rtt * 1e6));
        law_ack(&l, t, rtt, 2);
        double w = (double)cc.cwnd / mss;
        *off_law = fmax(*off_law, far_from(w, l.cwnd));
        if (t > 2 * rtt)
            *off_curve = fmax(*off_curve, far_from(w, fmax(law_at(&l, t), l.w_est)));
        t += rtt * 2 / w;
    }
    *end = (double)cc.cwnd / mss;
}

/* [RFC9438:4.2#1] [RFC9293:MAY-18] */
static void test_follows_the_formula_for_a_minute(void **state) /* [RFC9438:4.2] */
{
    (void)state;
    double law, curve, end;
    follow(10000, 1448, 0.020, &law, &curve, &end);
    print_message(
        "# W_max 10000, 20 ms: %.3f from the algorithm, %.3f from the curve, ends at %.0f\n", law,
        curve, end);
    assert_true(law < 1 && curve < 1);
    assert_true(end > 30000); /* K = 19.6 s: far beyond W_max after a minute */
    follow(800, 8948, 0.040, &law, &curve, &end);
    print_message("# W_max 800, 40 ms: %.3f, %.3f, %.0f\n", law, curve, end);
    assert_true(law < 1 && curve < 1);
    follow(10, 536, 0.200, &law, &curve, &end);
    print_message("# W_max 10, 200 ms: %.3f, %.0f\n", law, end);
    assert_true(law < 1);
}

/* [RFC9438:4.2#1] */
static void test_plateau_at_k(void **state) /* [RFC9438:4.2] figure 2: K = cbrt(W_max 0.3 / 0.4) */
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = 1000 * M; /* K = cbrt(750) = 9.086 s */
    lose(&cc, cc.cwnd, 0);
    cc_cubic.on_recovered(&cc, cc.ssthresh, (struct tern_time){0});
    int64_t t = 0;
    for (; t < 9086 * 1000000LL; t += SEC / 1000)
        ack_at(&cc, t, 10 * M, 100000);
    assert_in_range(cc.cwnd, 999 * M, 1001 * M);
    for (; t < 11 * SEC; t += SEC / 1000)
        ack_at(&cc, t, 10 * M, 100000);
    assert_in_range(cc.cwnd, 1001 * M, 1004 * M); /* 0.4 * 1.914^3 = 2.8 */
}

static void test_fast_convergence(void **state) /* [RFC9438:4.7] */
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = 1000 * M;
    lose(&cc, cc.cwnd, 0);
    cc_cubic.on_recovered(&cc, cc.ssthresh, (struct tern_time){0});
    lose(&cc, 700 * M, 1); /* below the last W_max: W_max = 700 * 0.85 = 595, K = cbrt(105 / 0.4) */
    cc_cubic.on_recovered(&cc, cc.ssthresh, (struct tern_time){1});
    assert_int_equal(cc.cwnd, 490 * M);
    for (int64_t t = 1; t < 6404 * 1000000LL; t += SEC / 1000)
        ack_at(&cc, t, 5 * M, 100000);
    assert_in_range(cc.cwnd, 594 * M, 596 * M);
}

static void test_friendly_region(void **state) /* [RFC9438:4.3] */
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = 20 * M; /* K = 2.47 s: at 1 ms Reno is much faster than the curve */
    lose(&cc, cc.cwnd, 0);
    cc_cubic.on_recovered(&cc, cc.ssthresh, (struct tern_time){0});
    for (int i = 0; i < 10; i++) /* ten round trips: 14 + 10 * 9/17 */
        ack_at(&cc, i * 1000000, cc.cwnd, 1000);
    assert_in_range(cc.cwnd, 19100, 19400);
    for (int i = 10; i < 22; i++) /* past cwnd_prior (20) it is a segment a round trip */
        ack_at(&cc, i * 1000000, cc.cwnd, 1000);
    assert_in_range(cc.cwnd, 30000, 31000);
}

/* [RFC9438:4.2#3] */
static void test_growth_is_bounded(void **state) /* [RFC9438:4.2] target <= 1.5 cwnd */
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = cc.ssthresh = 10 * M;
    ack_at(&cc, 0, M, 100000);
    uint32_t w = cc.cwnd;
    ack_at(&cc, 100 * SEC, w, 100000); /* the curve is at 400 000 segments by then */
    assert_in_range(cc.cwnd, w + 4 * M, w + w / 2);
}

static void test_timeout(void **state) /* [RFC9438:4.8] */
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = 100 * M;
    cc_cubic.on_rto(&cc, 100 * M, true, ms(0));
    assert_int_equal(cc.cwnd, M);
    assert_int_equal(cc.ssthresh, 70 * M);
    cc_cubic.on_rto(&cc, M, false, ms(1000));
    assert_int_equal(cc.ssthresh, 70 * M);
    for (int i = 0; i < 69; i++)
        ack_at(&cc, SEC + i, M, 10000);
    assert_int_equal(cc.cwnd, 70 * M); /* plain slow start */
    for (int64_t t = 2 * SEC; t < 3 * SEC; t += SEC / 1000)
        ack_at(&cc, t, 7 * M, 10000); /* K = 0, W_max = 70: 0.4 s^3 or Reno's 1 a round of 10 ms */
    assert_in_range(cc.cwnd, 110 * M, 140 * M);
}

static void test_undo(void **state) /* [RFC9438:4.9] */
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = 1000 * M;
    lose(&cc, cc.cwnd, 0);
    cc_cubic.on_recovered(&cc, cc.ssthresh, (struct tern_time){0});
    for (int64_t t = 0; t < 5 * SEC; t += SEC / 1000)
        ack_at(&cc, t, 80 * M, 10000);
    struct cc twin = cc;
    uint64_t copy[CC_EXT_MAX / 8];
    memcpy(copy, block, sizeof copy);
    lose(&cc, cc.cwnd, 5 * SEC);
    cc.cwnd = cc.ssthresh;
    cc_cubic.on_undo(&cc);
    assert_int_equal(cc.cwnd, twin.cwnd);
    assert_int_equal(cc.ssthresh, twin.ssthresh);
    twin.ext = copy;
    for (int64_t t = 5 * SEC; t < 12 * SEC; t += SEC / 1000) { /* as if nothing had been */
        ack_at(&cc, t, 80 * M, 10000);
        ack_at(&twin, t, 80 * M, 10000);
        assert_int_equal(cc.cwnd, twin.cwnd);
    }
}

static void test_idle_time_does_not_count(void **state) /* [RFC9438:4.2] [RFC9438:4.2#2] */
{
    (void)state;
    struct cc cc = fresh(M);
    cc.cwnd = 1000 * M;
    lose(&cc, cc.cwnd, 0);
    cc_cubic.on_recovered(&cc, cc.ssthresh, (struct tern_time){0});
    int64_t t = 0;
    for (; t < 3 * SEC; t += SEC / 1000)
        ack_at(&cc, t, 80 * M, 10000);
    uint32_t w = cc.cwnd;
    for (; t < 30 * SEC; t += SEC / 100) { /* the application sends a little now and then */
        struct cc_ack a = {.now = {t}, .acked = M, .flight_before = M, .srtt_us = 10000};
        cc_cubic.on_ack(&cc, &a);
    }
    assert_int_equal(cc.cwnd, w);
    for (int64_t e = t + SEC / 10; t < e; t += SEC / 1000)
        ack_at(&cc, t, 80 * M, 10000);
    assert_in_range(cc.cwnd, w, w + 12 * M); /* slope 0.4 * 3 * 6^2 = 44 a second */
    cc_cubic.on_idle(&cc);                   /* [RFC5681:4.1] */
    assert_int_equal(cc.cwnd, cc_initial_window(M));
    assert_true(cc.ssthresh >= w / 4 * 3); /* [RFC2861:3] */
}

static void test_without_its_block(void **state)
{
    (void)state;
    struct cc cc = fresh(M);
    cc.ext = NULL;
    cc.cwnd = cc.ssthresh = 20 * M;
    for (unsigned i = 0; i < 20; i++)
        ack_at(&cc, i, M, 1000);
    assert_int_equal(cc.cwnd, 21 * M);
    lose(&cc, 20 * M, 1);
    assert_int_equal(cc.ssthresh, 14 * M);
    cc.cwnd = 3 * M;
    cc_cubic.on_undo(&cc);
    assert_int_equal(cc.cwnd, 21 * M);
    cc_cubic.on_rto(&cc, 10 * M, true, ms(0));
    cc_cubic.on_idle(&cc);
    assert_int_equal(cc.cwnd, M);
}

static void test_extremes(void **state)
{
    (void)state;
    struct cc cc = fresh(65000);
    cc.cwnd = UINT32_MAX / 2 - 5;
    ack_at(&cc, 0, UINT32_MAX / 2, 1000);
    lose(&cc, cc.cwnd, 1);
    cc_cubic.on_recovered(&cc, 0, (struct tern_time){1});
    for (int64_t t = 1; t < 4000 * SEC; t += SEC)
        ack_at(&cc, t, UINT32_MAX / 2, 60000000);
    assert_in_range(cc.cwnd, UINT32_MAX / 3, UINT32_MAX / 2);
    cc = fresh(76);
    cc.cwnd = UINT32_MAX / 2;
    lose(&cc, cc.cwnd, 1);
    cc_cubic.on_recovered(&cc, 0, (struct tern_time){1});
    for (int64_t t = 1; t < 400 * SEC; t += SEC)
        ack_at(&cc, t, UINT32_MAX / 2, 1000);
    assert_true(cc.cwnd <= UINT32_MAX / 2 && cc.cwnd > UINT32_MAX / 4);
}

/* 50 Mbit/s, 100 ms: 432 segments in flight fill it; the queue holds ten times that. */
static struct path deep(const struct cc_ops *ops)
{
    struct path p = {.rate = 6250000, .rtt = SEC / 10, .queue = 6250000, .mss = 1448};
    path_begin(&p, &ops, 1, 0);
    path_run(&p, 8 * SEC);
    return p;
}

static void test_leaves_slow_start_before_loss(void **state) /* [RFC9438:4.10] [RFC9406:4.2] */
{
    (void)state;
    struct path p = deep(&cc_cubic), q = deep(&cc_reno);
    struct path_flow *f = &p.flow[0];
    print_message("# left slow start at %u segments; Reno lost %llu\n", f->exit_cwnd / 1448,
                  (unsigned long long)q.flow[0].losses);
    assert_int_equal(f->losses, 0);
    assert_true(f->exit_cwnd > 432 * 1448);
    assert_true(q.flow[0].losses > 1000); /* where plain slow start ends */
    assert_true(path_share(&p, f, 0, 0) > 850);
    path_end(&p);
    path_end(&q);
}

static void test_two_share(void **state)
{
    (void)state;
    const struct cc_ops *ops[] = {&cc_cubic, &cc_cubic};
    struct path p = {.rate = 2500000, .rtt = SEC / 25, .queue = 100000, .mss = 1448, .lose = 0};
    path_begin(&p, ops, 2, SEC / 2);
    path_run(&p, 20 * SEC);
    uint64_t a = p.flow[0].delivered, b = p.flow[1].delivered;
    path_run(&p, 120 * SEC);
    uint32_t x = path_share(&p, &p.flow[0], a, 20 * SEC),
             y = path_share(&p, &p.flow[1], b, 20 * SEC);
    print_message("# cubic: %u and %u of 1000\n", x, y);
    assert_true(x + y > 900);
    assert_in_range(x * 100 / (x + y), 45, 55);
    path_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decrease),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_follows_the_formula_for_a_minute),
        cmocka_unit_test(test_plateau_at_k),
        cmocka_unit_test(test_fast_convergence),
        cmocka_unit_test(test_friendly_region),
        cmocka_unit_test(test_growth_is_bounded),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_undo),
        cmocka_unit_test(test_idle_time_does_not_count),
        cmocka_unit_test(test_without_its_block),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_leaves_slow_start_before_loss),
        cmocka_unit_test(test_two_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
