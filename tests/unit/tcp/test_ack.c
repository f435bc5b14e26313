/* SPDX-License-Identifier: BSD-2-Clause */
/* Acknowledgments of a profile that adapts them. */
#include "unit/tcp/rig.h"

#define FULL 1448u

static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    rig_stop(r);
    rig_init(r);
    r->cfg.profile = TERN_PROFILE_LINUX;
    rig_start(r);
    r->active = true;
    r->syn_ts = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    return 0;
}

static struct tally_ack *state_of(struct rig *r)
{
    struct tally *a = tally_of(r->t, rig_conn(r));
    assert_non_null(a);
    return &a->ack;
}

/* Uses the quick ones up. */
static void drain(struct rig *r)
{
    for (unsigned i = 0; i < 16; i++) {
        rig_in(r, ACK, 0, 0, FULL);
        if (rig_pull(r) == 0)
            break;
    }
    rig_recv(r, 16 * FULL);
    rig_sleep(r, 60); /* a delayed ACK; no pause that would begin anew */
    rig_pull(r);
    assert_int_equal(state_of(r)->quick, 0);
}

static void test_quick_at_the_beginning(void **state)
{
    struct rig *r = *state;
    unsigned n = 0;
    for (unsigned i = 0; i < 16; i++) {
        rig_in(r, ACK, 0, 0, FULL);
        n += rig_pull(r);
    }
    assert_int_equal(n, 16); /* the window is worth more than 32 segments */
    rig_recv(r, 16 * FULL);
    rig_pull(r);
    rig_in(r, ACK, 0, 0, FULL);
    rig_silent(r); /* [RFC9293:SHLD-18] */
    rig_in(r, ACK, 0, 0, 1);
    rig_ack(r, CAUSE_TX_ACK_EVERY_SECOND); /* [RFC9293:SHLD-19] */
}

static void test_waits_between_40_and_200_ms(void **state) /* [RFC9293:MUST-40] */
{
    struct rig *r = *state;
    drain(r);
    rig_conn(r)->rtt.srtt_us = 0;
    for (unsigned i = 0; i < 12; i++) { /* 100 ms apart: the wait follows, and stays below */
        rig_sleep(r, 100);
        rig_pull(r);
        rig_in(r, ACK, 0, 0, 10);
        rig_silent(r);
        int64_t left = (rig_conn(r)->timer_ns[TT_DELACK] - r->now.ns) / 1000000;
        assert_in_range(left, 40, 200);
    }
}

static void test_reading_acknowledges_what_was_pushed(void **state)
{
    struct rig *r = *state;
    drain(r);
    rig_in(r, ACK | PSH, 0, 0, 200);
    rig_silent(r);
    rig_recv(r, 200);
    rig_ack(r, CAUSE_TX_ACK_NOW);
    rig_in(r, ACK, 0, 0, 200); /* without PSH more will come */
    rig_recv(r, 200);
    rig_silent(r);
}

static void test_who_answers_does_not_acknowledge(void **state)
{
    struct rig *r = *state;
    rig_in(r, ACK | PSH, 0, 0, 100);
    rig_ack(r, CAUSE_TX_ACK_NOW);
    rig_send(r, 50); /* within the time: interactive from here on */
    rig_one(r, ACK);
    rig_in(r, ACK | PSH, 0, 0, 100);
    rig_silent(r);
    int64_t v;
    tcp_getopt(r->t, r->sock, TERN_OPT_QUICKACK, &v);
    assert_int_equal(v, 0);
    tcp_setopt(r->t, r->sock, TERN_OPT_QUICKACK, 1, r->now);
    rig_ack(r, CAUSE_TX_ACK_NOW);
    tcp_getopt(r->t, r->sock, TERN_OPT_QUICKACK, &v);
    assert_int_equal(v, 1);
    tcp_setopt(r->t, r->sock, TERN_OPT_QUICKACK, 0, r->now);
    tcp_getopt(r->t, r->sock, TERN_OPT_QUICKACK, &v);
    assert_int_equal(v, 0);
}

static void test_disorder_makes_it_quick_again(void **state)
{
    struct rig *r = *state;
    drain(r);
    rig_in(r, ACK, (int32_t)FULL, 0, FULL); /* a hole */
    rig_one(r, ACK);
    assert_int_not_equal(state_of(r)->quick, 0);
    assert_false(state_of(r)->interactive);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_quick_at_the_beginning),
        T(test_waits_between_40_and_200_ms),
        T(test_reading_acknowledges_what_was_pushed),
        T(test_who_answers_does_not_acknowledge),
        T(test_disorder_makes_it_quick_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
