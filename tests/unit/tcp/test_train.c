/* SPDX-License-Identifier: BSD-2-Clause */
/* The short way for bulk data decides and builds what the long way would. */
#include "base/prng.h"
#include "unit/tcp/flight.h"

static struct tcp_extra *extra;

/* One thing out of the ordinary; 0 = nothing. Of what is owed and wanted: */
static bool disturb_owed(unsigned what)
{
    switch (what) {
    case 1:
        c->owe_syn = CAUSE_TX_SYN_REXMT;
        break;
    case 2:
        c->owe_rexmt = CAUSE_TX_REXMT_RTO;
        break;
    case 3:
        c->owe_probe = CAUSE_TX_PROBE_WINDOW;
        break;
    case 4:
        c->owe_ack = CAUSE_TX_ACK_NOW;
        break;
    case 11:
        c->override = true;
        break;
    case 12:
        c->fin_wanted = true;
        break;
    case 14:
        c->cork = true;
        break;
    case 15:
        c->nodelay = true;
        break;
    case 27:
        c->more = true;
        break;
    case 28:
        c->flush = true;
        break;
    default:
        return false;
    }
    return true;
}

/* ... of where the connection stands: */
static bool disturb_state(unsigned what)
{
    switch (what) {
    case 5:
        c->dupacks = 1;
        break;
    case 6:
        c->dupacks = 3;
        break;
    case 7:
        c->gone = MSS;
        break;
    case 13:
        c->detached = true;
        break;
    case 16:
        c->recovery = true;
        break;
    case 17:
        c->rto_recovery = true;
        break;
    case 21:
        c->state = TERN_TCP_CLOSE_WAIT;
        break;
    case 22:
        c->state = TERN_TCP_FIN_WAIT_1;
        break;
    case 23:
        c->snd.rtx = c->snd.una;
        break;
    case 24:
        c->extra = 1;
        break;
    case 25:
        c->mss -= 100;
        break;
    case 26:
        c->xmit = 0;
        break;
    default:
        return false;
    }
    return true;
}

/* ... and of all else. */
static void disturb(struct xmit *x, unsigned what)
{
    if (disturb_owed(what) || disturb_state(what))
        return;
    switch (what) {
    case 8:
        c->cc.pacing_bps = 100000;
        break;
    case 9:
        c->cc.pacing_bps = 100000;
        x->pace_ns = INT64_MAX;
        break;
    case 10:
        c->urg = true;
        c->snd.up = snd_fin(c);
        break;
    case 18:
        x->tlp_owed = true;
        break;
    case 19:
        x->blind = true;
        break;
    case 20:
        x->pmtu.slow = MSS;
        break;
    case 29:
        c->dsack_hi = seq_add(c->dsack_lo, 10);
        break;
    case 30:
        x->lhead = x->head;
        break;
    default:
        break;
    }
}
#define DISTURBANCES 31u

static void test_the_same_plan(void **state)
{
    struct rig *r = *state;
    struct prng rng;
    unsigned hit[DISTURBANCES] = {0}, all = 0;
    prng_init(&rng, 1);
    flight_begin(r, 40);
    extra = extra_take(r->t, c);
    assert_non_null(extra);
    extra->ecn.cwr_due = true;
    assert_int_equal(c->extra, 1);
    c->extra = 0;
    struct xmit *x = board(r), xmit_was = *x;
    struct tcp_conn was = *c;
    for (unsigned i = 0; i < 20000; i++) {
        struct tcp_plan fast, full;
        unsigned what = prng_below(&rng, 2) ? 0 : prng_below(&rng, DISTURBANCES);
        uint32_t most = prng_below(&rng, 2) ? MSS : prng_below(&rng, 20 * MSS);
        c->cc.cwnd = prng_below(&rng, 60 * MSS);
        c->snd.wnd = prng_below(&rng, 60 * MSS);
        c->snd.buf.len -= prng_below(&rng, 3) ? 0 : prng_below(&rng, 30 * MSS);
        disturb(x, what);
        if (train_plan(r->t, c, most, r->now, &fast)) {
            tcp_plan(r->t, c, most, r->now, &full);
            assert_memory_equal(&fast, &full, sizeof full);
            hit[what]++;
            all++;
        }
        *c = was;
        *x = xmit_was;
    }
    assert_true(all > 4000);
    /* what does not change the plan is no reason for the long way */
    assert_true(hit[0] != 0 && hit[4] != 0 && hit[8] != 0 && hit[15] != 0 && hit[25] != 0 &&
                hit[29] != 0);
    assert_true(hit[1] + hit[2] + hit[3] + hit[9] + hit[12] + hit[13] + hit[18] + hit[24] == 0);
}

/* A profile that shapes data takes the long way. */
static void test_not_with_habits(void **state)
{
    struct rig *r = *state;
    struct tcp_plan p;
    flight_begin(r, 40);
    c->cc.cwnd = 60 * MSS;
    assert_true(train_plan(r->t, c, MSS, r->now, &p));
    tern_config_profile(&r->cfg, TERN_PROFILE_LINUX);
    tcp_config_changed(r->t);
    assert_false(train_plan(r->t, c, MSS, r->now, &p));
}

/* Text that is next in order: everything that the eight steps keep is kept the same. */
static void test_the_same_input(void **state)
{
    struct rig *a = *state;
    void *other = NULL;
    assert_int_equal(rig_setup(&other), 0);
    struct rig *b = other, *both[2] = {a, b};
    struct tcp_conn *k[2];
    for (unsigned i = 0; i < 2; i++) {
        rig_reach(both[i], TERN_TCP_ESTABLISHED);
        k[i] = rig_conn(both[i]);
    }
    k[1]->extra = 0;
    assert_non_null(extra_take(b->t, k[1])); /* takes the long way */
    for (unsigned n = 0; n < 50; n++) {
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(rig_in(both[i], n % 7 == 0 ? ACK | PSH : ACK, 0, 0, 1 + n * 29),
                             CAUSE_RX_SEG);
            if (n % 3 == 0)
                rig_pull(both[i]);
            if (n % 5 == 0)
                rig_recv(both[i], 100);
            both[i]->now = time_add_ms(both[i]->now, 3);
        }
        assert_memory_equal(&k[0]->snd, &k[1]->snd, offsetof(struct tcp_snd, buf));
        assert_memory_equal(&k[0]->rcv, &k[1]->rcv, offsetof(struct tcp_rcv, buf));
        assert_int_equal(k[0]->rcv.buf.len, k[1]->rcv.buf.len);
        assert_int_equal(k[0]->ts_recent, k[1]->ts_recent);
        assert_int_equal(k[0]->ts_recent_ms, k[1]->ts_recent_ms);
        assert_int_equal(k[0]->last_rx_ms, k[1]->last_rx_ms);
        assert_int_equal(k[0]->owe_ack, k[1]->owe_ack);
        assert_int_equal(k[0]->rcv_mss, k[1]->rcv_mss);
        assert_int_equal(k[0]->bytes_rcvd, k[1]->bytes_rcvd);
        assert_int_equal(k[0]->events, k[1]->events);
        assert_memory_equal(k[0]->timer_ns, k[1]->timer_ns, sizeof k[0]->timer_ns);
        assert_memory_equal(&tally_of(a->t, k[0])->sum, &tally_of(b->t, k[1])->sum,
                            offsetof(struct tally_sum, big_acked));
    }
    rig_teardown(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_the_same_plan),
        RIG_TEST(test_not_with_habits),
        RIG_TEST(test_the_same_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
