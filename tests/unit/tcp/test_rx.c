/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static unsigned raw(struct rig *r, const uint8_t *p, uint32_t n)
{
    struct tcp_pkt k = {
        .src = r->peer.addr, .dst = r->local.addr, .p = p, .n = n, .csum = TERN_CSUM_NONE};
    return tcp_rx(r->t, &k, r->now);
}

static void test_malformed(void **state) /* [RFC9293:MUST-7] */
{
    struct rig *r = *state;
    uint8_t p[60] = {0};
    assert_int_equal(raw(r, p, 19), CAUSE_DROP_SHORT);
    assert_int_equal(raw(r, p, 20), CAUSE_DROP_TCP_HEADER); /* offset 0 */
    p[12] = 15 << 4;
    assert_int_equal(raw(r, p, 40), CAUSE_DROP_TCP_HEADER); /* beyond the end */
    p[12] = 6 << 4;
    p[20] = 8;
    p[21] = 1;
    assert_int_equal(raw(r, p, 24), CAUSE_DROP_TCP_OPTION);
    rig_silent(r);
    assert_int_equal(rig_count(r, CAUSE_DROP_TCP_HEADER), 2);
}

/* The checksum decides before anything else, in every state [RFC9293:MUST-3]. */
static void test_checksum(void **state)
{
    struct rig *r = *state;
    for (unsigned s = 0; s < TERN_TCP_STATES; s++) {
        rig_stop(r);
        rig_init(r);
        rig_start(r);
        r->active = s != TERN_TCP_LISTEN;
        rig_reach(r, s);
        r->bad_csum = true;
        for (unsigned th = 0; th < 64; th++)
            assert_int_equal(rig_in(r, th, 0, 0, th & 1 ? 20 : 0), CAUSE_DROP_TCP_CHECKSUM);
        rig_in_state(r, s);
        rig_silent(r);
        assert_int_equal(r->arena.used, 0);
    }
}

static void test_checksum_verified_by_the_link(void **state)
{
    struct rig *r = *state;
    uint8_t buf[200];
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    struct rig_at at = rig_at(r);
    struct tcp_seg s = {.seq = at.rcv_nxt,
                        .ack = at.snd_nxt,
                        .th = ACK,
                        .wnd = 100,
                        .sport = r->peer.port,
                        .dport = r->local.port};
    s.opt.has_ts = true;
    s.opt.tsval = at.ts_recent;
    uint32_t h = (uint32_t)tcp_build(buf, 60, &s);
    for (unsigned i = 0; i < 100; i++)
        buf[h + i] = rig_octet(r, seq_add(s.seq, i));
    struct tcp_pkt k = {
        .src = r->peer.addr, .dst = r->local.addr, .p = buf, .n = h + 100, .csum = TERN_CSUM_OK};
    assert_int_equal(tcp_rx(r->t, &k, r->now), CAUSE_RX_SEG); /* its field is zero */
    assert_int_equal(rig_recv(r, 1000), 100);
}

/* The early copy (in order, nothing beyond a hole) and the late one give the same octets, over the
 * ring's wrap as well. */
static void test_copies(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    uint32_t total = 0;
    for (unsigned i = 1; i < 400; i++) {
        uint32_t n = 1 + i * 37 % 1400;
        if (i % 5 == 0)
            rig_in(r, ACK, 40, 0, n);
        rig_in(r, ACK, i % 7 == 0 ? -20 : 0, 0, n + 20);
        rig_pull(r);
        if (i % 3 == 0)
            total += (uint32_t)rig_recv(r, 3000); /* checks every octet */
    }
    while (rig_conn(r)->rcv.buf.len != 0)
        total += (uint32_t)rig_recv(r, 100000);
    assert_int_equal(total, rig_conn(r)->bytes_rcvd);
    assert_true(total > 200000);
}

static void test_last_connection_is_remembered_rightly(void **state)
{
    struct rig *r = *state;
    r->active = true;
    rig_reach(r, TERN_TCP_ESTABLISHED);
    rig_in(r, ACK, 0, 0, 10);
    tcp_abort(r->t, r->sock, r->now);
    rig_pull(r);
    rig_in(r, ACK, 0, 0, 10); /* must not reach the freed block */
    assert_true(r->verdict == CAUSE_TX_RST_NO_CONNECTION);
    r->peer.port = r->tuple.rport = RIG_PEER + 1; /* the block lives again, under another name */
    rig_reach(r, TERN_TCP_ESTABLISHED);
    r->peer.port = r->tuple.rport = RIG_PEER;
    rig_in(r, ACK, 0, 0, 10);
    assert_int_equal(r->verdict, CAUSE_TX_RST_NO_CONNECTION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_malformed),
        RIG_TEST(test_checksum),
        RIG_TEST(test_checksum_verified_by_the_link),
        RIG_TEST(test_copies),
        RIG_TEST(test_last_connection_is_remembered_rightly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
