/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tern/config.h>

/* A file of its own so that only the public header is seen. */
static void test_defaults_pass(void **state)
{
    (void)state;
    struct tern_config c;
    memset(&c, 0xff, sizeof c);
    tern_config_init(&c);
    assert_null(tern_config_check(&c));
    /* what the standards ask for by default */
    assert_int_equal(c.rto_initial_us, 1000000); /* [RFC6298:2.1] */
    assert_true(c.keep_idle_ms >= 7200000);      /* [RFC9293:MUST-28] */
    assert_true(c.delack_us < 500000);           /* [RFC9293:SHLD-18] */
    assert_true(c.r1_retries >= 3);              /* [RFC9293:SHLD-10] */
    assert_true(c.rto_max_us >= 60000000);       /* [RFC6298:2.5] */
    assert_int_equal(c.msl_ms * 2, 60000);
    assert_true(c.nagle); /* [RFC9293:SHLD-7] */
    assert_true(c.port_lo >= 1024);
    for (size_t i = 0; i < sizeof c.seed; i++)
        assert_int_equal(c.seed[i], 0);
}

/* Every field out of its range is refused, and the sentence names it. */
static void test_each_field(void **state)
{
    (void)state;
    struct tern_config c;
#define BAD(field, value)                                                                          \
    do {                                                                                           \
        tern_config_init(&c);                                                                      \
        c.field = value;                                                                           \
        const char *why = tern_config_check(&c);                                                   \
        assert_non_null(why);                                                                      \
        assert_non_null(strstr(why, #field));                                                      \
    } while (0)
    BAD(version, 0);
    BAD(max_conns, 0);
    BAD(max_conns, UINT32_MAX);
    BAD(max_half_open, 0);
    BAD(max_time_wait, 0);
    BAD(max_listeners, 0);
    BAD(max_udp, 0);
    BAD(max_udp, 65537);
    BAD(max_ifaces, 0);
    BAD(max_ifaces, 9);
    BAD(max_neigh, 0);
    BAD(max_answers, 0);
    BAD(max_ooo, 0);
    BAD(max_conn_ooo, 0);
    BAD(max_conn_ooo, 65536);
    BAD(buf_bytes, 0);
    BAD(buf_bytes, 65535);
    BAD(buf_bytes, 65537);
    BAD(buf_bytes, UINT64_C(1) << 35);
    BAD(trace_records, 3);
    BAD(trace_records, UINT32_C(1) << 31);
    BAD(sndbuf, 0);
    BAD(rcvbuf, 0);
    BAD(rcvbuf, UINT32_MAX);
    BAD(msl_ms, 0);
    BAD(rto_initial_us, 0);
    BAD(rto_min_us, 0);
    BAD(rto_min_us, 1000001);
    BAD(rto_max_us, 59999999);
    BAD(r1_retries, 2);
    BAD(r1_retries, 16);
    BAD(r2_retries, 2);
    BAD(syn_retries, 0);
    BAD(synack_retries, 128);
    BAD(delack_us, 500000);
    BAD(persist_max_us, 1);
    BAD(persist_give_up_ms, UINT32_MAX);
    BAD(fin_wait_2_ms, UINT32_MAX);
    BAD(keep_idle_ms, 7199999);
    BAD(keep_intvl_ms, 0);
    BAD(keep_count, 0);
    BAD(challenge_per_s, 0);
    BAD(port_lo, 0);
    BAD(port_lo, 61000);
    BAD(mss_max, 40);
    BAD(uto_s, 1966021);
    BAD(uto_lower_s, 0);
    BAD(uto_lower_s, 3601);
    BAD(uto_upper_s, 99);
    BAD(cc, TERN_CC_COUNT);
    BAD(ttl, 0);
#undef BAD
    assert_non_null(tern_config_check(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_pass),
        cmocka_unit_test(test_each_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
