/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include "port/tcpinfo.h"

#include <linux/tcp.h>

static void test_closed_without_a_handle(void **state)
{
    struct tcpinfo ti;
    (void)state;
    struct sk *sk = sk_new(rig.run, IPPROTO_TCP, 0);
    memset(&ti, 0xff, sizeof ti);
    assert_int_equal(tcpinfo_fill(sk, &ti, sizeof ti), sizeof ti);
    assert_int_equal(ti.tcpi_state, 7); /* TCP_CLOSE */
    assert_int_equal(ti.tcpi_snd_mss, 0);
    assert_int_equal(ti.tcpi_rtt, 0);
}

static void test_what_the_stack_knows(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    struct tcpinfo ti;
    struct tern_info in;
    char buf[16];
    assert_int_equal(send(c.fd, "0123456789", 10, 0), 10);
    assert_int_equal(rig_peer_read(c.peer, buf, 10), 10);
    assert_int_equal(tern_tcp_send(rig.peer, c.peer, "abc", 3, 0, tern_loop_now(rig.loop)), 3);
    rig_turn();
    assert_int_equal(tcpinfo_fill(c.sk, &ti, sizeof ti), sizeof ti);
    assert_true(tern_inspect(rig.guest, c.sk->h, &in, tern_loop_now(rig.loop)));
    assert_int_equal(ti.tcpi_state, 1); /* TCP_ESTABLISHED */
    assert_int_equal(ti.tcpi_options,
                     TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE); /* all offered */
    assert_int_equal(ti.tcpi_snd_mss, in.mss);
    assert_true(ti.tcpi_snd_mss > 1000 && ti.tcpi_snd_mss <= 1460);
    assert_int_equal(ti.tcpi_snd_cwnd, in.cwnd / in.mss); /* in segments */
    assert_true(ti.tcpi_snd_cwnd >= 2);
    assert_int_equal(ti.tcpi_snd_ssthresh, INT32_MAX); /* unset, as Linux says it */
    assert_int_equal(ti.tcpi_bytes_received, 3);
    assert_int_equal(ti.tcpi_bytes_acked, 10);
    assert_int_equal(ti.tcpi_rto, in.rto_us);
    assert_int_equal(ti.tcpi_snd_wscale, in.snd_wscale);
    assert_int_equal(ti.tcpi_retransmits, 0);
    (void)close(c.fd);
}

/* Linux numbers the states in another order than RFC 9293 names them. */
static void test_states_have_linux_numbers(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    struct tcpinfo ti;
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    assert_int_equal(rig_peer_end(c.peer), 0);
    rig_turn(); /* the ACK of the FIN */
    assert_int_equal(tcpinfo_fill(c.sk, &ti, sizeof ti), sizeof ti);
    assert_int_equal(ti.tcpi_state, 5); /* TCP_FIN_WAIT2 */
    (void)close(c.fd);
}

static void test_close_wait(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    struct tcpinfo ti;
    assert_int_equal(tern_tcp_shutdown(rig.peer, c.peer, tern_loop_now(rig.loop)), 0);
    rig_turn();
    assert_int_equal(tcpinfo_fill(c.sk, &ti, sizeof ti), sizeof ti);
    assert_int_equal(ti.tcpi_state, 8); /* TCP_CLOSE_WAIT */
    (void)close(c.fd);
}

/* An old program's shorter struct: its length, and not an octet more. */
static void test_cut_to_the_room(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    uint8_t buf[16];
    memset(buf, 0xa5, sizeof buf);
    assert_int_equal(tcpinfo_fill(c.sk, buf, 8), 8);
    assert_int_equal(buf[0], 1);
    assert_int_equal(buf[8], 0xa5);
    assert_int_equal(tcpinfo_fill(c.sk, buf, 0), 0);
    (void)close(c.fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_closed_without_a_handle),   T(test_what_the_stack_knows),
        T(test_states_have_linux_numbers), T(test_close_wait),
        T(test_cut_to_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
