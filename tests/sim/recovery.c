/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/recovery.c: what loss recovery is for, measured in virtual time: one transfer between two
 * stacks over a path with a bandwidth, a delay, losses and reordering, and what the sender did
 * about it.
 *
 * The random generator of each path is seeded, so a case is the same run every time. Limits are
 * those that the mechanism owes, with room for other congestion controls than the one they were
 * first measured with.
 */
#include "base/causes.h"
#include "unit/support/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <tern/inspect.h>
#include <tern/loop.h>
#include <tern/port.h>
#include <tern/socket.h>
#include <tern/stack.h>

#define BATCH TERN_PORT_BATCH
#define MBIT  1000000u

struct lab {
    struct tern_stack *st[2];
    struct tern_port *port[2];
    struct tern_time now, start;
    struct tern_sock lis, conn, peer;
    int64_t stall_from_ns, stall_to_ns; /* the receiver does nothing */
    uint64_t sent, got;
    struct tern_info info; /* the sender's, when half is through and at the end */
    uint64_t half_rexmt;
    uint32_t half_cwnd;
};

static uint8_t block[65536];

static void lab_open(struct lab *l, const struct tern_config *base,
                     struct tern_impair_config imp[2], uint32_t gso_max)
{
    char why[TERN_WHY];
    struct tern_port *end[2];
    memset(l, 0, sizeof *l);
    l->now = l->start = ms(1000);
    assert_int_equal(tern_wire_new(1500, gso_max, gso_max != 0 ? 256 : 4096, &end[0], &end[1], why),
                     0);
    for (unsigned h = 0; h < 2; h++) {
        struct tern_config cfg = *base;
        imp[h].seed = imp[h].seed * 2 + h + 1;
        assert_int_equal(tern_impair_new(end[h], &imp[h], NULL, &l->port[h], why), 0);
        tern_seed_from(cfg.seed, 77 + h);
        l->st[h] = tern_stack_new(&cfg, l->now, why);
        assert_non_null(l->st[h]);
        struct tern_iface_config ic = {.link = l->port[h]->link,
                                       .mac = {2, 0, 0, 0, 0, (uint8_t)(1 + h)},
                                       .tx_csum = l->port[h]->tx_csum,
                                       .mtu = l->port[h]->mtu,
                                       .gso_max = l->port[h]->gso_max,
                                       .addr = {{.addr = ip(10, 0, 0, 1 + h), .prefix = 24}}};
        assert_int_equal(tern_iface_add(l->st[h], &ic), 0);
    }
    struct tern_endpoint at = ep(ip(10, 0, 0, 2), 80);
    assert_int_equal(tern_tcp_listen(l->st[1], &at, 4, 0, &l->lis), 0);
    assert_int_equal(tern_tcp_connect(l->st[0], NULL, &at, &l->conn, l->now), 0);
}

static void lab_close(struct lab *l)
{
    for (unsigned h = 0; h < 2; h++) {
        l->port[h]->ops->close(l->port[h]);
        tern_stack_free(l->st[h]);
    }
}

static bool stalled(const struct lab *l, unsigned h)
{
    return h == 1 && l->now.ns >= l->stall_from_ns && l->now.ns < l->stall_to_ns;
}

static bool turn(struct lab *l, unsigned h)
{
    struct tern_frame fr[BATCH];
    struct tern_port *p = l->port[h];
    if (stalled(l, h))
        return false;
    size_t n = p->ops->rx(p, fr, BATCH, l->now);
    if (n != 0)
        tern_rx(l->st[h], 0, fr, n, l->now);
    if (tern_deadline(l->st[h]).ns <= l->now.ns)
        tern_tick(l->st[h], l->now);
    size_t room = p->ops->tx_get(p, fr, BATCH, l->now);
    size_t k = tern_tx(l->st[h], 0, fr, room, l->now);
    p->ops->tx_put(p, fr, k, l->now);
    return n != 0 || k != 0;
}

static uint64_t count(const struct lab *l, unsigned cause)
{
    return tern_counter(l->st[0], cause);
}
static uint64_t rexmts(const struct lab *l)
{
    struct tern_info i;
    assert_true(tern_inspect(l->st[0], l->conn, &i, l->now));
    return i.retrans;
}

static void apps(struct lab *l, uint64_t total)
{
    struct tern_event ev;
    for (unsigned h = 0; h < 2; h++)
        while (tern_event_next(l->st[h], &ev))
            continue;
    if (l->peer.id == 0 && tern_tcp_accept(l->st[1], l->lis, &l->peer) != 0)
        l->peer.id = 0;
    while (l->sent < total) {
        uint64_t want = total - l->sent < sizeof block ? total - l->sent : sizeof block;
        int64_t n = tern_tcp_send(l->st[0], l->conn, block, want, 0, l->now);
        if (n <= 0)
            break;
        l->sent += (uint64_t)n;
    }
    while (l->peer.id != 0 && !stalled(l, 1)) {
        int64_t n = tern_tcp_recv(l->st[1], l->peer, block, sizeof block, l->now);
        if (n <= 0)
            break;
        if (l->got < total / 2 && l->got + (uint64_t)n >= total / 2) {
            assert_true(tern_inspect(l->st[0], l->conn, &l->info, l->now));
            l->half_rexmt = l->info.retrans;
            l->half_cwnd = l->info.cwnd;
        }
        l->got += (uint64_t)n;
    }
}

/* To the next instant at which anything happens; false when nothing ever will. */
static bool advance(struct lab *l)
{
    int64_t next = INT64_MAX;
    for (unsigned h = 0; h < 2; h++) {
        if (stalled(l, h)) {
            next = l->stall_to_ns < next ? l->stall_to_ns : next;
            continue;
        }
        int64_t a = tern_deadline(l->st[h]).ns, b = l->port[h]->ops->deadline(l->port[h]).ns;
        next = a < next ? a : next;
        next = b < next ? b : next;
    }
    if (l->now.ns < l->stall_from_ns && l->stall_from_ns < next)
        next = l->stall_from_ns;
    if (next > l->now.ns && next < INT64_MAX)
        l->now.ns = next;
    return next < INT64_MAX;
}

/* Moves `total` octets; returns the milliseconds it took. */
static int64_t transfer(struct lab *l, uint64_t total)
{
    while (l->got < total) {
        bool any;
        do {
            apps(l, total);
            any = turn(l, 0);
            any |= turn(l, 1);
        } while (any);
        apps(l, total);
        assert_true(l->got >= total || advance(l));
        assert_true(l->now.ns - l->start.ns < INT64_C(600000000000));
    }
    assert_true(tern_inspect(l->st[0], l->conn, &l->info, l->now));
    return (l->now.ns - l->start.ns) / 1000000;
}

/* Lets the last acknowledgments come in. */
static void settle(struct lab *l, int64_t for_ms)
{
    int64_t end = l->now.ns + for_ms * 1000000;
    while (l->now.ns < end) {
        for (bool any = true; any; apps(l, 0)) {
            any = turn(l, 0);
            any |= turn(l, 1);
        }
        if (!advance(l))
            return;
    }
}

static void path(struct tern_impair_config imp[2], uint64_t mbit, uint64_t rtt_us)
{
    memset(imp, 0, 2 * sizeof *imp);
    for (unsigned h = 0; h < 2; h++) {
        imp[h].delay_us = rtt_us / 2;
        imp[h].rate_bps = mbit * MBIT;
        imp[h].queue_bytes = 128u << 10;
    }
}

/* ---- cases ---- */

static int64_t lossy_ms(bool sack, uint64_t seed, double lose, double reorder, uint32_t gso)
{
    struct tern_config cfg;
    struct tern_impair_config imp[2];
    struct lab l;
    tern_config_init(&cfg);
    cfg.sack = sack;
    cfg.cc = TERN_CC_RENO;
    path(imp, 10, 40000);
    imp[0].seed = imp[1].seed = seed;
    imp[0].lose = imp[1].lose = lose;
    imp[0].reorder = reorder;
    lab_open(&l, &cfg, imp, gso);
    int64_t took = transfer(&l, 3000000);
    lab_close(&l);
    return took;
}

/* Over the same losses SACK is not slower than NewReno, and on the whole clearly faster. */
static void test_goodput_under_loss(void **state)
{
    (void)state;
    int64_t with = 0, without = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        with += lossy_ms(true, seed, 0.01, 0, 0);
        without += lossy_ms(false, seed, 0.01, 0, 0);
    }
    print_message("1%% loss, 40 ms, 10 Mbit/s: SACK %d ms, NewReno %d ms\n", (int)(with / 8),
                  (int)(without / 8));
    assert_true(with <= without);
}

static void test_goodput_under_heavy_loss_and_reordering(void **state)
{
    (void)state;
    int64_t with = 0, without = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        with += lossy_ms(true, seed, 0.04, 0.02, 65535);
        without += lossy_ms(false, seed, 0.04, 0.02, 65535);
    }
    print_message("4%% loss, 2%% reordering, GSO: SACK %d ms, NewReno %d ms\n", (int)(with / 6),
                  (int)(without / 6));
    assert_true(with * 10 <= without * 9);
}

/* [RFC8985:7]: the last segment is lost, and no timeout is needed. */
static void test_tail_loss(void **state)
{
    struct tern_config cfg;
    struct tern_impair_config imp[2];
    struct lab l;
    (void)state;
    tern_config_init(&cfg);
    path(imp, 100, 20000);
    imp[0].named[0].what = TERN_LOSE_DATA_N;
    imp[0].named[0].n = 7;
    imp[0].named[1].what = TERN_LOSE_DATA_N;
    imp[0].named[1].n = 8;
    imp[0].nnamed = 2;
    lab_open(&l, &cfg, imp, 0);
    int64_t took = transfer(&l, 8 * 1448);
    settle(&l, 100);
    assert_int_equal(count(&l, CAUSE_TX_REXMT_TLP), 1);
    assert_int_equal(count(&l, CAUSE_TX_REXMT_RTO), 0);
    assert_int_equal(rexmts(&l), 2);
    assert_in_range(took, 100, 200); /* handshake, flight, 2 SRTT, probe, retransmission */
    lab_close(&l);
}

/* [RFC8985:7.4.2]: a probe that repairs a loss alone is a loss for the congestion control. */
static void test_probe_that_repairs(void **state)
{
    struct tern_config cfg;
    struct tern_impair_config imp[2];
    struct lab l;
    (void)state;
    tern_config_init(&cfg);
    cfg.delack_us = 300000; /* the eighth is not acknowledged alone */
    path(imp, 100, 20000);
    imp[0].named[0].what = TERN_LOSE_DATA_N;
    imp[0].named[0].n = 9;
    imp[0].nnamed = 1;
    lab_open(&l, &cfg, imp, 0);
    (void)transfer(&l, 9 * 1448);
    settle(&l, 100);
    assert_int_equal(count(&l, CAUSE_TX_REXMT_TLP), 1);
    assert_int_equal(count(&l, CAUSE_TX_REXMT_RTO), 0);
    assert_int_equal(rexmts(&l), 1);
    assert_int_equal(count(&l, CAUSE_CC_TLP), 0);
    (void)transfer(&l, 11 * 1448); /* the first ACK beyond the probe, and no D-SACK has come */
    settle(&l, 400);
    assert_int_equal(count(&l, CAUSE_CC_TLP), 1);
    assert_true(tern_inspect(l.st[0], l.conn, &l.info, l.now));
    assert_true(l.info.ssthresh < 20 * 1448);
    lab_close(&l);
}

/* The receiver's machine stands still for longer than an RTO: nothing was lost. */
static void spurious(bool timestamps, unsigned cause)
{
    struct tern_config cfg;
    struct tern_impair_config imp[2];
    struct lab l;
    tern_config_init(&cfg);
    cfg.timestamps = timestamps;
    path(imp, 20, 40000);
    imp[0].queue_bytes = imp[1].queue_bytes = 1u << 20;
    lab_open(&l, &cfg, imp, 0);
    l.stall_from_ns = l.start.ns + 400000000;
    l.stall_to_ns = l.stall_from_ns + 700000000;
    (void)transfer(&l, 3000000);
    settle(&l, 200);
    assert_true(count(&l, CAUSE_TX_REXMT_RTO) >= 1);
    assert_int_equal(count(&l, cause), 1);
    assert_in_range(rexmts(&l), 1, 4); /* the probe and the timeouts, not the whole window */
    lab_close(&l);
}
static void test_spurious_timeout_by_timestamps(void **state) /* [RFC3522:3.2] [RFC4015:3] */
{
    (void)state;
    spurious(true, CAUSE_CC_UNDO_EIFEL);
}
static void test_spurious_timeout_by_frto(void **state) /* [RFC5682:3.1] */
{
    (void)state;
    spurious(false, CAUSE_CC_UNDO_FRTO);
}

/* Segments overtaken by up to ten others: once that is known nothing is sent again. */
static void test_reordering(void **state) /* [RFC8985:6.2] step 4 */
{
    struct tern_config cfg;
    struct tern_impair_config imp[2];
    struct lab l;
    (void)state;
    tern_config_init(&cfg);
    cfg.sndbuf = 200000; /* the queue does not overflow */
    path(imp, 10, 40000);
    imp[0].queue_bytes = 1u << 20;
    imp[0].seed = 5;
    imp[0].reorder = 0.03;
    imp[0].reorder_us = 12000; /* ten segments of 1500 octets */
    lab_open(&l, &cfg, imp, 0);
    (void)transfer(&l, 6000000);
    settle(&l, 200);
    struct tern_info i;
    assert_true(tern_inspect(l.st[0], l.conn, &i, l.now));
    print_message(
        "reordering: %d retransmissions in the first half, %d in the second, %d D-SACKs\n",
        (int)l.half_rexmt, (int)(i.retrans - l.half_rexmt), (int)i.dsack);
    assert_true(i.reordering);
    assert_int_equal(i.retrans - l.half_rexmt, 0);
    assert_int_equal(count(&l, CAUSE_TX_REXMT_RTO), 0);
    lab_close(&l);
}

/* A burst of losses in one window comes back within a few round trips, without a timeout. */
static void test_burst(void **state) /* [RFC6675:5] [RFC9937:6] */
{
    struct tern_config cfg;
    struct tern_impair_config imp[2];
    struct lab l;
    (void)state;
    tern_config_init(&cfg);
    path(imp, 100, 40000);
    imp[0].nnamed = 8;
    for (unsigned i = 0; i < 8; i++) {
        imp[0].named[i].what = TERN_LOSE_DATA_N;
        imp[0].named[i].n = 31 + 2 * i;
    }
    lab_open(&l, &cfg, imp, 0);
    int64_t took = transfer(&l, 200000);
    settle(&l, 200);
    assert_int_equal(count(&l, CAUSE_TX_REXMT_RTO), 0);
    assert_int_equal(rexmts(&l), 8);
    assert_int_equal(count(&l, CAUSE_CC_PRR), 1);
    assert_in_range(took, 200, 400);
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goodput_under_loss),
        cmocka_unit_test(test_goodput_under_heavy_loss_and_reordering),
        cmocka_unit_test(test_tail_loss),
        cmocka_unit_test(test_probe_that_repairs),
        cmocka_unit_test(test_spurious_timeout_by_timestamps),
        cmocka_unit_test(test_spurious_timeout_by_frto),
        cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
