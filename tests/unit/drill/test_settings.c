/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings that a script makes when the stack is there already. */
#include "drill/drill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void passes(const char *script)
{
    const struct drill_options opt = {.strict = true};
    char *report;
    size_t len;
    FILE *f = open_memstream(&report, &len);
    bool ok = drill_text("test.pkt", script, strlen(script), &opt, f);
    (void)fclose(f);
    if (!ok)
        fail_msg("%s", report);
    free(report);
}

#define CONNECT(fd, syn, answer)                                                                   \
    "+0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = " #fd "\n"                           \
    "+0 connect(" #fd ", ..., ...) = -1 EINPROGRESS\n+0 > S 0:0(0) <" syn ">\n" answer

static void test_what_begins_later(void **state)
{
    (void)state;
    passes("0 `tern timestamps=1`\n" CONNECT(
        3, "mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7",
        "") "+0 close(3) = 0\n"
            "+0 `sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0`\n" CONNECT(
                4, "mss 1460,nop,wscale 7",
                "") "+0 `sysctl -q net.ipv4.tcp_window_scaling=0`\n" CONNECT(5, "mss 1460", ""));
}

/* A connection keeps what it agreed on. */
static void test_what_exists(void **state)
{
    (void)state;
    passes(
        CONNECT(3, "mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7",
                "+.01 < S. 0:0(0) ack 1 win 5000 <mss 1000,sackOK,TS val 7 ecr 100>\n"
                "+0 > . 1:1(0) ack 1 <nop,nop,TS val 100 ecr 7>\n") "+0 `sysctl -q "
                                                                    "net.ipv4.tcp_timestamps=0`\n"
                                                                    "+0 write(3, ..., 10) = 10\n+0 "
                                                                    "> P. 1:11(10) ack 1 "
                                                                    "<nop,nop,TS val 100 ecr 7>\n");
}

#define FAST(fd, result, syn)                                                                      \
    "+.1 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = " #fd "\n"                          \
    "+0 sendto(" #fd ", ..., 100, MSG_FASTOPEN, ..., ...) = " result "\n+0 > " syn "\n"

static void test_cookies_are_forgotten(void **state)
{
    (void)state;
    passes("0 `tern timestamps=0 sack=0 wscale=0 fastopen=1`\n" FAST(
        3, "-1 EINPROGRESS",
        "S 0:0(0) <mss 1460,FO,nop,nop>") "+.01 < S. 0:0(0) ack 1 win 5000 "
                                          "<mss 1460,FO abcd1234,nop,nop>\n"
                                          "+0 > . 1:1(0) ack 1\n" FAST(
                                              4, "100",
                                              "S 0:100(100) <mss 1460,FO "
                                              "abcd1234,nop,nop>") "+0 `ip "
                                                                   "tcp_"
                                                                   "metrics "
                                                                   "flush all "
                                                                   "> "
                                                                   "/dev/null "
                                                                   "2>&1`"
                                                                   "\n" FAST(5, "-1 EINPROGRESS",
                                                                             "S 0:0(0) <mss "
                                                                             "1460,FO,nop,nop>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_begins_later),
        cmocka_unit_test(test_what_exists),
        cmocka_unit_test(test_cookies_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
