/* SPDX-License-Identifier: BSD-2-Clause */
/* The runner passes what is right and fails what is wrong: each check of it, once in vain and once
 * not. */
#include "drill/drill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LISTEN                                                                                     \
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 5) = 0\n" \
    "+0 < S 0:0(0) win 65535 <mss 1460>\n"
#define OPEN                                                                                       \
    LISTEN "+0 > S. 0:0(0) ack 1 <mss 1460>\n+.01 < . 1:1(0) ack 1 win 65535\n"                    \
           "+0 accept(3, ..., ...) = 4\n"

static char *report;

static bool run(const char *script, const struct drill_options *opt)
{
    size_t len;
    free(report);
    FILE *f = open_memstream(&report, &len);
    bool ok = drill_text("test.pkt", script, strlen(script), opt, f);
    (void)fclose(f);
    return ok;
}

static void passes(const char *script)
{
    const struct drill_options opt = {.strict = true};
    if (!run(script, &opt))
        fail_msg("%s", report);
}
/* It fails at that line, and the report holds that piece. */
static void fails(const char *script, unsigned line, const char *piece)
{
    const struct drill_options opt = {.strict = true};
    char at[32];
    (void)snprintf(at, sizeof at, "test.pkt:%u:", line);
    assert_false(run(script, &opt));
    if (!strstr(report, at) || !strstr(report, piece))
        fail_msg("wanted line %u, %s; got:\n%s", line, piece, report);
}

static void fields(void **state)
{
    (void)state;
    passes(LISTEN "+0 > S. 0:0(0) ack 1 win 65535 <mss 1460>");
    fails(LISTEN "+0 > SE. 0:0(0) ack 1 <mss 1460>", 5, "flags: S. instead of SE.");
    fails(LISTEN "+0 > S. 0:1(1) ack 1 <mss 1460>", 5, "length: 0 instead of 1");
    fails(LISTEN "+0 > S. 0:0(0) ack 2 <mss 1460>", 5, "ack: 1 instead of 2");
    fails(LISTEN "+0 > S. 0:0(0) ack 1 win 9 <mss 1460>", 5, "window: 65535 instead of 9");
    fails(LISTEN "+0 > S. 0:0(0) ack 1 <mss 1461>", 5, "option 1: mss 1460 instead of mss 1461");
    fails(LISTEN "+0 > S. 0:0(0) ack 1 <mss 1460,nop>", 5, "option 2: none instead of nop");
    fails(LISTEN "+0 > S. 0:0(0) ack 1", 5, "option 1: mss 1460 instead of none");
    fails(LISTEN "+0 > [ttl 3] S. 0:0(0) ack 1 <...>", 5, "ttl: 64 instead of 3");
    fails(LISTEN "+0 > [ect0] S. 0:0(0) ack 1 <...>", 5, "ECN bits");
    fails(OPEN "+0 write(4, ..., 10) = 10\n+0 > P. 2:12(10) ack 1", 9,
          "sequence number: 1 instead of 2");
    fails(OPEN "+0 write(4, ..., 10) = 10\n+0 > PU. 1:11(10) ack 1 urg 1", 9, "flags");
}

static void time_is_checked(void **state)
{
    (void)state;
    passes(LISTEN "+0 > S. 0:0(0) ack 1 <...>\n+1 > S. 0:0(0) ack 1 <...>");
    passes(LISTEN "+0 > S. 0:0(0) ack 1 <...>\n+.9~+1.1 > S. 0:0(0) ack 1 <...>");
    passes(LISTEN "* > S. 0:0(0) ack 1 <...>\n* > S. 0:0(0) ack 1 <...>");
    fails("--tolerance_percent=0\n" LISTEN
          "+0 > S. 0:0(0) ack 1 <...>\n+.9 > S. 0:0(0) ack 1 <...>",
          7, "no packet was sent up to 0.904");
    fails("--tolerance_percent=0\n" LISTEN
          "+0 > S. 0:0(0) ack 1 <...>\n+1.1 > S. 0:0(0) ack 1 <...>",
          7, "expected at 1.100000 s");
    fails(LISTEN "+.5 > S. 0:0(0) ack 1 <...>", 5, "it was sent at 0.000000 s");
    fails("1 close(9) = -1\n0.5 close(9) = -1", 2, "the clock stands");
}

static void nothing_is_left_over(void **state)
{
    (void)state;
    fails(LISTEN "+0 < R 1:1(0) win 0\n+0 > R 7:7(0)", 6, "another packet was sent");
    const struct drill_options opt = {.strict = true};
    assert_false(run(LISTEN "+.5 close(3) = 0", &opt));
    assert_non_null(strstr(report, "no line expects"));
}

static void results(void **state)
{
    (void)state;
    fails("0 socket(..., SOCK_STREAM, 0) = -1", 1, "returned 3, expected -1");
    fails("0 close(9) = 0", 1, "returned -1 EBADF, expected 0");
    fails("0 close(9) = -1 EINVAL", 1, "EBADF");
    passes("0 close(9) = -1 EBADF (Bad file descriptor)");
    fails("0 frobnicate(9) = 0", 1, "not spoken");
    fails("0 socket(..., SOCK_FROB, 0) = 3", 1, "SOCK_FROB");
    fails(OPEN "+0 read(4, ..., 1) = 1", 8, "would block");
    fails(OPEN "+0...0.1 read(4, ..., 1) = 1\n+.2 < P. 1:2(1) ack 1 win 9", 8, "read() returned");
    fails(OPEN "+0...0.1 read(4, ..., 1) = 1", 8, "still waits");
    passes(OPEN "+0...0.2 read(4, ..., 1) = 1\n+.2 < P. 1:2(1) ack 1 win 9");
    fails(OPEN "+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0", 8, "value 0, expected 1");
    fails(OPEN "+0 poll([{fd=4, events=POLLOUT, revents=0}], 1, 0) = 1", 8, "revents");
    fails("0 socket(..., SOCK_STREAM, 0) = 3\n+0 socket(..., SOCK_STREAM, 0) = 3", 2,
          "still another");
}

static void data_is_compared(void **state)
{
    (void)state;
    passes(OPEN "+0 write(4, \"abc\", 3) = 3\n+0 > P. 1:4(3) ack 1");
    passes(OPEN "+0 < P. 1:11(10) ack 1 win 9\n+0 read(4, ..., 10) = 10");
    fails(OPEN "+0 < P. 1:11(10) ack 1 win 9\n+0 read(4, \"0123456789\", 10) = 10", 9,
          "other octets");
}

static void python(void **state)
{
    (void)state;
    passes(OPEN "+0 %{ assert tcpi_state == TCP_ESTABLISHED }%");
    fails(OPEN "+0 %{ assert tcpi_state == TCP_CLOSE, tcpi_state }%", 8, "AssertionError: 1");
    fails(OPEN "+0 %{\nx = 1\nassert x == 2, 'no'\n}%", 8, "line 10: AssertionError: no");
    fails(OPEN "+0 %{ assert ( }%", 8, "SyntaxError");
    passes(OPEN "+0 %{ assert counter['syn-ack'] == 1 and 'rto' in counter }%");
}

static void settings(void **state)
{
    (void)state;
    passes("`tern mtu=1000`\n" LISTEN "+0 > S. 0:0(0) ack 1 <mss 960>");
    passes("`sysctl -q net.ipv4.tcp_sack=0`\n"
           "0 socket(..., SOCK_STREAM, 0) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 5) = 0\n"
           "+0 < S 0:0(0) win 9 <mss 1460,sackOK>\n+0 > S. 0:0(0) ack 1 <mss 1460>");
    fails("`frob`\n0 close(9) = -1", 1, "means nothing here");
    fails("0 close(9) = -1\n+0 `tern mtu=1000`", 2, "too late");
    const struct drill_options lax = {.strict = false};
    assert_true(run("`frob`\n0 close(9) = -1", &lax));
    assert_non_null(strstr(report, "warning: test.pkt:1:2:"));
    const char *set[] = {"mtu=1000", NULL};
    const struct drill_options with = {.strict = true, .set = set};
    assert_true(run(LISTEN "+0 > S. 0:0(0) ack 1 <mss 960>", &with));
}

static void failure_is_drawn(void **state)
{
    (void)state;
    const struct drill_options opt = {.ladder = true};
    assert_false(run(OPEN "+0 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 1", &opt));
    assert_non_null(strstr(report, "     9 | +0 > P. 1:12(11) ack 1"));
    assert_non_null(strstr(report, "expected: > P. 1:12(11) ack 1"));
    assert_non_null(strstr(report, "seen:     > P. 1:11(10) ack 1"));
    assert_non_null(strstr(report, "SYN,ACK")); /* the ladder */
    assert_non_null(strstr(report, "ESTABLISHED"));
}

/* The same script gives the same report, to the octet. */
static void exact(void **state)
{
    (void)state;
    const struct drill_options opt = {.ladder = true};
    const char *script = OPEN "+0 write(4, ..., 5000) = 5000\n+3 > P. 1:12(11) ack 1";
    assert_false(run(script, &opt));
    char *first = report;
    report = NULL;
    assert_false(run(script, &opt));
    assert_string_equal(first, report);
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(time_is_checked),
        cmocka_unit_test(nothing_is_left_over),
        cmocka_unit_test(results),
        cmocka_unit_test(data_is_compared),
        cmocka_unit_test(python),
        cmocka_unit_test(settings),
        cmocka_unit_test(failure_is_drawn),
        cmocka_unit_test(exact),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    free(report);
    return rc;
}
