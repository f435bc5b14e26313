/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static int setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    ((struct rig *)*state)->active = true;
    rig_reach(*state, TERN_TCP_SYN_SENT);
    return 0;
}

static void test_takes_everything_of_the_syn_ack(void **state) /* [RFC7323:2.2#2] [RFC5681:3.1#2] */
{
    struct rig *r = *state;
    struct tcp_conn *c = rig_conn(r);
    r->now = time_add_ms(r->now, 40);
    rig_syn(r, SYN | ACK, r->peer_iss, c->snd.nxt);
    assert_int_equal(c->rcv.irs.v, r->peer_iss.v);
    assert_int_equal(c->rcv.nxt.v, r->peer_iss.v + 1);
    assert_int_equal(c->snd.wnd, r->wnd); /* never scaled on a SYN [RFC7323:2.2] */
    assert_int_equal(c->rtt.srtt_us, 40000);
    assert_int_equal(c->mss, 1460);
    assert_int_equal(c->cc.mss, 1448);
    assert_int_equal(c->snd_ws, 2);
    assert_false(timer_on(c, TT_REXMT));
    rig_ack(r, CAUSE_TX_HANDSHAKE_ACK);
    rig_in(r, ACK, 0, 0, 0);
    assert_int_equal(c->snd.wnd, r->wnd << 2);
}

/* Text and FIN that come with the SYN-ACK are taken: it has been acknowledged, nothing is in doubt.
 */
static void test_text_and_fin_with_the_syn_ack(void **state)
{
    struct rig *r = *state;
    struct tcp_seg s = {
        .seq = r->peer_iss, .ack = rig_at(r).snd_nxt, .th = SYN | ACK | FIN, .wnd = 1000};
    rig_seg(r, &s, 20);
    rig_in_state(r, TERN_TCP_CLOSE_WAIT);
    struct rig_out *o = rig_one(r, ACK);
    assert_int_equal(o->seg.ack.v, r->peer_iss.v + 22);
    assert_int_equal(rig_recv(r, 100), 20);
    assert_int_equal(rig_recv(r, 100), 0);
}

/* [RFC5681:3.1#3] */
static void test_syn_retransmission_is_no_sample(void **state) /* [RFC6298:3] [RFC6298:5.7] */
{
    struct rig *r = *state;
    struct tcp_conn *c = rig_conn(r);
    rig_run(r, 1100);
    rig_syn(r, SYN | ACK, r->peer_iss, c->snd.nxt);
    assert_int_equal(c->rtt.srtt_us, 0);
    assert_int_equal(c->rtt.rto_us, 3000000);
    assert_int_equal(c->cc.cwnd, c->cc.mss);
}

/* Which of SYN and SYN-ACK the peer's ACK means is not known: no sample. */
static void test_simultaneous_open_is_no_sample(void **state)
{
    struct rig *r = *state;
    struct tcp_conn *c = rig_conn(r);
    rig_sleep(r, 400);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
    rig_pull(r);
    rig_sleep(r, 20);
    rig_in(r, ACK, 0, 0, 0);
    rig_in_state(r, TERN_TCP_ESTABLISHED);
    assert_int_equal(c->rtt.srtt_us, 0);
}

static void test_text_of_a_simultaneous_syn_comes_again(void **state)
{
    struct rig *r = *state;
    struct tcp_seg s = {.seq = r->peer_iss, .th = SYN, .wnd = 1000};
    rig_seg(r, &s, 20);
    struct rig_out *o = rig_one(r, SYN | ACK);
    assert_int_equal(o->seg.ack.v, r->peer_iss.v + 1);
    rig_in_state(r, TERN_TCP_SYN_RECEIVED);
    rig_in(r, ACK, 0, 0, 20);
    assert_int_equal(rig_recv(r, 100), 20);
}

static void test_bad_checksum_has_no_effect(void **state) /* [RFC9293:MUST-3] */
{
    struct rig *r = *state;
    r->bad_csum = true;
    assert_int_equal(rig_syn(r, SYN | ACK, r->peer_iss, rig_at(r).snd_nxt),
                     CAUSE_DROP_TCP_CHECKSUM);
    rig_in_state(r, TERN_TCP_SYN_SENT);
    rig_silent(r);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_takes_everything_of_the_syn_ack),        T(test_text_and_fin_with_the_syn_ack),
        T(test_syn_retransmission_is_no_sample),        T(test_simultaneous_open_is_no_sample),
        T(test_text_of_a_simultaneous_syn_comes_again), T(test_bad_checksum_has_no_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
