/* SPDX-License-Identifier: BSD-2-Clause */
/* Option lines, sysctls and commands as settings. */
#include "drill/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct conf c;
static char why[CONF_WHY];

static int setup(void **state)
{
    (void)state;
    conf_init(&c);
    why[0] = 0;
    return 0;
}

static void fields(void **state)
{
    (void)state;
    assert_int_equal(conf_field(&c, "msl_ms", "1234", why), CONF_DONE);
    assert_int_equal(c.host.tern.msl_ms, 1234);
    assert_int_equal(conf_field(&c, "timestamps", "0", why), CONF_DONE);
    assert_false(c.host.tern.timestamps);
    assert_int_equal(conf_field(&c, "buf_bytes", "1048576", why), CONF_DONE);
    assert_int_equal(c.host.tern.buf_bytes, 1048576);
    assert_int_equal(conf_field(&c, "mtu", "1000", why), CONF_DONE);
    assert_int_equal(c.host.mtu, 1000);
    /* what cannot be is refused, and changes nothing */
    assert_int_equal(conf_field(&c, "msl_ms", "0", why), CONF_WRONG);
    assert_non_null(strstr(why, "msl_ms"));
    assert_int_equal(c.host.tern.msl_ms, 1234);
    assert_int_equal(conf_field(&c, "ttl", "256", why), CONF_WRONG);
    assert_int_equal(conf_field(&c, "msl_ms", "soon", why), CONF_WRONG);
    assert_int_equal(conf_field(&c, "nonsense", "1", why), CONF_WRONG);
    assert_int_equal(conf_field(&c, "mtu", "500", why), CONF_WRONG);
}

static void sysctls(void **state)
{
    (void)state;
    assert_int_equal(conf_sysctl(&c, "net.ipv4.tcp_sack", "0", why), CONF_DONE);
    assert_false(c.host.tern.sack);
    assert_int_equal(conf_sysctl(&c, "/proc/sys/net/ipv4/tcp_fin_timeout", "7", why), CONF_DONE);
    assert_int_equal(c.host.tern.fin_wait_2_ms, 7000);
    assert_int_equal(conf_sysctl(&c, "net.ipv4.tcp_wmem", "4096 16384 100000", why), CONF_DONE);
    assert_int_equal(c.host.tern.sndbuf, 100000);
    assert_int_equal(conf_sysctl(&c, "net.ipv4.tcp_timestamps", "2", why), CONF_DONE);
    assert_true(c.host.tern.timestamps);
    assert_int_equal(conf_sysctl(&c, "net.ipv4.tcp_no_metrics_save", "1", why), CONF_DONE);
    assert_int_equal(conf_sysctl(&c, "net.core.nonsense", "1", why), CONF_UNKNOWN);
    assert_int_equal(conf_sysctl(&c, "net.ipv4.tcp_sack", "", why), CONF_WRONG);
    assert_int_equal(conf_sysctl(&c, "net.ipv4.tcp_syncookies", "2", why), CONF_DONE);
    assert_int_equal(c.host.tern.syn_policy, 1);
    assert_int_equal(conf_sysctl(&c, "net.ipv4.tcp_congestion_control", "bbr", why), CONF_DONE);
    assert_int_equal(c.host.tern.cc, TERN_CC_BBR);
    assert_int_equal(conf_sysctl(&c, "net.ipv4.tcp_congestion_control", "zzz", why), CONF_WRONG);
}

static void commands(void **state)
{
    (void)state;
    bool changed = false;
    const char *rest = "../common/defaults.sh\n"
                       " ../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0 \\\n"
                       "    /proc/sys/net/ipv4/tcp_wmem=\"1 2 30000\"\n"
                       "sysctl -q net.ipv4.tcp_syn_retries=3; tern mtu=900 # a remark\n";
    assert_int_equal(conf_command(&c, &rest, &changed, why), CONF_DONE);
    assert_int_equal(*rest, 0);
    assert_true(changed);
    assert_false(c.host.tern.sack);
    assert_int_equal(c.host.tern.sndbuf, 30000);
    assert_int_equal(c.host.tern.syn_retries, 3);
    assert_int_equal(c.host.mtu, 900);
    /* one that means nothing is told, and the rest goes on */
    changed = false;
    rest = "tc qdisc add dev tun0 root pfifo\ntern msl_ms=5000";
    assert_int_equal(conf_command(&c, &rest, &changed, why), CONF_UNKNOWN);
    assert_non_null(strstr(why, "tc"));
    assert_int_equal(conf_command(&c, &rest, &changed, why), CONF_DONE);
    assert_int_equal(c.host.tern.msl_ms, 5000);
    rest = "tern msl_ms";
    assert_int_equal(conf_command(&c, &rest, &changed, why), CONF_WRONG);
}

static void options(void **state)
{
    (void)state;
    assert_int_equal(conf_option(&c, "tolerance_usecs", "77", why), CONF_DONE);
    assert_int_equal(c.tolerance_us, 77);
    assert_int_equal(conf_option(&c, "tolerance_percent", "2.5", why), CONF_DONE);
    assert_true(c.tolerance_percent > 2.4 && c.tolerance_percent < 2.6);
    assert_int_equal(conf_option(&c, "local_ip", "192.168.7.8", why), CONF_DONE);
    assert_int_equal(c.host.local.b[3], 8);
    assert_int_equal(conf_option(&c, "remote_ip", "somewhere", why), CONF_WRONG);
    assert_int_equal(conf_option(&c, "strict_segments", "", why), CONF_DONE);
    assert_true(c.strict_segments);
    assert_int_equal(conf_option(&c, "ip_version", "ipv6", why), CONF_WRONG);
    assert_int_equal(conf_option(&c, "wire_client", "", why), CONF_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fields, setup),
        cmocka_unit_test_setup(sysctls, setup),
        cmocka_unit_test_setup(commands, setup),
        cmocka_unit_test_setup(options, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
