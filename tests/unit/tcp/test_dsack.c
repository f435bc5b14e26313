/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

/* Data from the peer, `at` octets from what was next at the beginning. */
static struct seq base;

static struct tcp_seg *ack_after(struct rig *r, uint32_t at, uint32_t len)
{
    struct tcp_conn *c = rig_conn(r);
    rig_in(r, ACK, seq_diff(seq_add(base, at), c->rcv.nxt), 0, len);
    assert_int_equal(rig_pull(r), 1);
    return &r->out[0].seg;
}
static void block(const struct tcp_seg *s, unsigned i, uint32_t lo, uint32_t hi)
{
    assert_true(s->opt.nsack > i);
    assert_int_equal(s->opt.sack[i].lo.v, seq_add(base, lo).v);
    assert_int_equal(s->opt.sack[i].hi.v, seq_add(base, hi).v);
}
static void open(struct rig *r)
{
    rig_reach(r, TERN_TCP_ESTABLISHED);
    base = rig_conn(r)->rcv.nxt;
}

static void test_old_segment(void **state) /* [RFC2883:4.1.1] [RFC2883:4] */
{
    struct rig *r = *state;
    open(r);
    rig_in(r, ACK, 0, 0, 1000);
    rig_run(r, 100);
    const struct tcp_seg *s = ack_after(r, 0, 1000);
    assert_int_equal(s->opt.nsack, 1);
    block(s, 0, 0, 1000);
    assert_int_equal(s->ack.v, seq_add(base, 1000).v);
    s = ack_after(r, 2000, 500); /* once */
    assert_int_equal(s->opt.nsack, 1);
    block(s, 0, 2000, 2500);
}

static void test_above_a_hole(void **state) /* [RFC2883:4.1.2] [RFC2883:4] */
{
    struct rig *r = *state;
    open(r);
    ack_after(r, 1000, 500);
    ack_after(r, 1500, 500);
    ack_after(r, 3000, 500);
    const struct tcp_seg *s = ack_after(r, 1500, 500);
    assert_int_equal(s->opt.nsack, 3);
    block(s, 0, 1500, 2000); /* the duplicate, */
    block(s, 1, 1000, 2000); /* what it lies in, */
    block(s, 2, 3000, 3500); /* and the rest */
}

static void test_partly_old(void **state) /* [RFC2883:4.2] */
{
    struct rig *r = *state;
    open(r);
    rig_in(r, ACK, 0, 0, 1000);
    rig_run(r, 100);
    struct tcp_conn *c = rig_conn(r);
    rig_in(r, ACK, -500, 0, 1500); /* 500 old octets, 1000 new ones */
    rig_run(r, 100);
    assert_true(r->n == 1);
    block(&r->out[0].seg, 0, 500, 1000);
    assert_int_equal(c->rcv.nxt.v, seq_add(base, 2000).v);
}

static void test_without_sack(void **state) /* [RFC2018:4#1] */
{
    struct rig *r = *state;
    r->syn_sack = false;
    open(r);
    rig_in(r, ACK, 0, 0, 1000);
    rig_run(r, 100);
    assert_int_equal(ack_after(r, 0, 1000)->opt.nsack, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_old_segment),
        RIG_TEST(test_above_a_hole),
        RIG_TEST(test_partly_old),
        RIG_TEST(test_without_sack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
