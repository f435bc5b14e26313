/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static uint8_t buf[65536];

static void established(struct rig *r)
{
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 0);
}

static void test_super_segment(void **state) /* the link cuts: one frame of many segments */
{
    struct rig *r = *state;
    struct tcp_out o;
    struct tcp_seg s;
    tcp_iface_set(r->t, 0, 1500, 65535, false);
    established(r);
    rig_send(r, 50000);
    assert_true(tcp_tx(r->t, 0, buf, 65515, 0, &o, r->now));
    assert_int_equal(o.gso_size, 1448);
    assert_int_equal(tcp_parse(buf, o.len, &s), 0);
    assert_int_equal(s.len, 14480); /* all that the window lets out */
    uint64_t sum = cksum_pseudo4(r->local.addr.b, r->peer.addr.b, 6, o.len);
    assert_int_equal(cksum_fold(cksum_add(sum, r->t->cks->sum(buf, o.len))), 0);
    assert_int_equal(rig_conn(r)->segs_out, 2 + 10);
    assert_false(tcp_tx(r->t, 0, buf, 65515, 0, &o, r->now));
}

static void test_checksum_left_to_the_link(void **state)
{
    struct rig *r = *state;
    struct tcp_out o;
    established(r);
    tcp_iface_set(r->t, 0, 1500, 0, true);
    rig_send(r, 100);
    assert_true(tcp_tx(r->t, 0, buf, 1480, 0, &o, r->now));
    assert_int_equal(o.csum, TERN_CSUM_PARTIAL);
    uint16_t part,
        want = (uint16_t)~cksum_fold(cksum_pseudo4(r->local.addr.b, r->peer.addr.b, 6, o.len));
    memcpy(&part, buf + TCP_CSUM_OFF, 2);
    assert_int_equal(part, want);
}

static void test_octets_and_fields(void **state)
{
    struct rig *r = *state;
    established(r);
    tcp_setopt(r->t, r->sock, TERN_OPT_TTL, 7, r->now);    /* [RFC9293:MUST-49] */
    tcp_setopt(r->t, r->sock, TERN_OPT_TOS, 0xb8, r->now); /* [RFC9293:MUST-48] */
    rig_send(r, 300);
    struct rig_out *o = rig_one(r, ACK);
    assert_int_equal(o->out.ttl, 7);
    assert_int_equal(o->out.tos, 0xb8); /* [RFC9293:SHLD-21] [RFC9293:SHLD-22] */
    assert_int_equal(o->seg.sport, r->local.port);
    assert_int_equal(o->seg.dport, r->peer.port);
    assert_memory_equal(&o->out.src, &r->local.addr, sizeof o->out.src);
    assert_memory_equal(&o->out.dst, &r->peer.addr, sizeof o->out.dst);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(o->seg.data[i], (uint8_t)(i ^ i >> 8));
    assert_int_equal(o->out.serial, rig_conn(r)->serial);
}

static void test_urgent_pointer_saturates(void **state)
{
    struct rig *r = *state;
    static uint8_t data[100000];
    established(r);
    assert_int_equal(tcp_send(r->t, r->sock, data, sizeof data, TERN_SEND_OOB, r->now), 100000);
    rig_pull(r);
    assert_true(r->out[0].seg.th & URG);
    assert_int_equal(r->out[0].seg.urg, 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_super_segment),
        RIG_TEST(test_checksum_left_to_the_link),
        RIG_TEST(test_octets_and_fields),
        RIG_TEST(test_urgent_pointer_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
