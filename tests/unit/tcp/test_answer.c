/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void test_reset_formats(void **state) /* [RFC9293:3.5.2] [RFC9293:3.10.7.1] */
{
    struct rig *r = *state;
    struct tcp_seg s = {.seq = seq_of(5000), .ack = seq_of(900), .th = ACK | FIN, .wnd = 10};
    rig_seg(r, &s, 7);
    struct rig_out *o = rig_one(r, RST);
    assert_int_equal(o->seg.seq.v, 900);
    assert_int_equal(o->seg.ack.v, 0);
    s.th = SYN | FIN;
    rig_seg(r, &s, 7);
    o = rig_one(r, RST | ACK);
    assert_int_equal(o->seg.seq.v, 0);
    assert_int_equal(o->seg.ack.v, 5009); /* SYN and FIN count */
    assert_int_equal(o->seg.wnd, 0);
    assert_int_equal(o->seg.sport, r->local.port);
    assert_int_equal(o->seg.dport, r->peer.port);
    assert_int_equal(o->out.ttl, r->cfg.ttl);
}

static void test_queue_is_bounded(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 100; i++)
        rig_syn(r, SYN, seq_of(i), seq_of(0));
    assert_int_equal(rig_count(r, CAUSE_DROP_ANSWERS_FULL), 100 - r->cfg.max_answers);
    assert_int_equal(rig_pull(r), r->cfg.max_answers);
    for (unsigned i = 0; i < r->n; i++)
        assert_int_equal(r->out[i].seg.ack.v, i + 1); /* in order, the oldest are kept */
    assert_int_equal(r->t->anss.used, 0);
}

static void test_each_interface_has_its_own(void **state)
{
    struct rig *r = *state;
    struct rig_out o;
    rig_syn(r, SYN, seq_of(1), seq_of(0)); /* came on interface 0 */
    assert_false(tcp_tx(r->t, 1, o.buf, 1480, 0, &o.out, r->now));
    assert_true(tcp_tx_pending(r->t, 0));
    assert_false(tcp_tx_pending(r->t, 1));
    rig_one(r, RST | ACK);
}

static void test_a_reset_is_never_answered_with_one(void **state)
{
    struct rig *r = *state;
    for (unsigned th = 0; th < 64; th++) {
        if (!(th & RST))
            continue;
        rig_in(r, th, 0, 0, 5);
        rig_silent(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_reset_formats),
        RIG_TEST(test_queue_is_bounded),
        RIG_TEST(test_each_interface_has_its_own),
        RIG_TEST(test_a_reset_is_never_answered_with_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
