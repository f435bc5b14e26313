/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/tcpinfo.h"

#include <linux/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct tern_info conn(void)
{
    return (struct tern_info){.kind = TERN_INFO_CONN,
                              .state = TERN_TCP_ESTABLISHED,
                              .mss = 1000,
                              .cwnd = 10500,
                              .ssthresh = UINT32_MAX,
                              .snd_una = 0xfffffff0u,
                              .snd_nxt = 2000,
                              .srtt_us = 12345,
                              .sack_ok = true};
}

/* Programs built against the system's header must find each member where they look for it. */
static void test_layout_is_linux(void **state)
{
    (void)state;
#define SAME(x) assert_int_equal(offsetof(struct tcpinfo, x), offsetof(struct tcp_info, x))
    SAME(tcpi_rto);
    SAME(tcpi_unacked);
    SAME(tcpi_snd_cwnd);
    SAME(tcpi_total_retrans);
    SAME(tcpi_bytes_acked);
    SAME(tcpi_delivery_rate);
    SAME(tcpi_dsack_dups);
    SAME(tcpi_snd_wnd);
}

static void test_octets_become_segments(void **state)
{
    struct tern_info in = conn();
    struct tcpinfo ti;
    (void)state;
    tcpinfo_of(&in, &ti);
    assert_int_equal(ti.tcpi_state, 1);
    assert_int_equal(ti.tcpi_options, TCPI_OPT_SACK);
    assert_int_equal(ti.tcpi_snd_cwnd, 10); /* whole ones */
    assert_int_equal(ti.tcpi_unacked, 3);   /* 2016 octets over the wrap: a part counts */
    assert_int_equal(ti.tcpi_snd_ssthresh, INT32_MAX);
    in.ssthresh = 5000;
    tcpinfo_of(&in, &ti);
    assert_int_equal(ti.tcpi_snd_ssthresh, 5);
}

static void test_no_connection(void **state)
{
    struct tcpinfo ti, zero;
    (void)state;
    tcpinfo_of(NULL, &ti);
    assert_int_equal(ti.tcpi_state, 7); /* TCP_CLOSE */
    memset(&zero, 0, sizeof zero);
    zero.tcpi_state = 7;
    assert_memory_equal(&ti, &zero, sizeof ti);
}

static void test_print_names_them(void **state)
{
    struct tern_info in = conn();
    struct tcpinfo ti;
    char *text = NULL;
    size_t len = 0;
    (void)state;
    tcpinfo_of(&in, &ti);
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    tcpinfo_print(&ti, f);
    (void)fclose(f);
    assert_non_null(strstr(text, "'tcpi_rtt': 12345,\n"));
    assert_non_null(strstr(text, "'tcpi_snd_cwnd': 10,\n"));
    assert_non_null(strstr(text, "'tcpi_options2': 0,\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_is_linux),
        cmocka_unit_test(test_octets_become_segments),
        cmocka_unit_test(test_no_connection),
        cmocka_unit_test(test_print_names_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
