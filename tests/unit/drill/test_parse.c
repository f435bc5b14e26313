/* SPDX-License-Identifier: BSD-2-Clause */
/* What a script may say, and where the reader says that it is wrong. */
#include "drill/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <tern/event.h>

static struct script s;

static void good(const char *text)
{
    if (!script_parse(&s, "test.pkt", text, strlen(text)))
        fail_msg("%u:%u: %s", s.err_pos.line, s.err_pos.col, s.err);
}

/* The text cannot be read; the complaint stands there and holds that piece. */
static void bad(const char *text, unsigned line, unsigned col, const char *piece)
{
    assert_false(script_parse(&s, "test.pkt", text, strlen(text)));
    if (s.err_pos.line != line || s.err_pos.col != col || !strstr(s.err, piece))
        fail_msg("%u:%u: %s", s.err_pos.line, s.err_pos.col, s.err);
    script_free(&s);
}

static void times(void **state)
{
    (void)state;
    good("0 close(3) = 0\n"
         "1.5 close(3) = 0 +.25 close(3) = 0\n"
         "* > . 1:1(0)\n"
         "1~2 > . 1:1(0)\n"
         "+0.1~+0.300001 > . 1:1(0)\n"
         "+1...1.5 read(3, ..., 1) = 1");
    static const struct when want[] = {
        {WHEN_ABS, 0, 0},
        {WHEN_ABS, 1500000, 1500000},
        {WHEN_REL, 250000, 250000},
        {WHEN_ANY, 0, 0},
        {WHEN_ABS_RANGE, 1000000, 2000000},
        {WHEN_REL_RANGE, 100000, 300001},
        {WHEN_REL, 1000000, 1000000},
    };
    const struct event *e = s.events;
    for (unsigned i = 0; i < sizeof want / sizeof *want; i++, e = e->next) {
        assert_non_null(e);
        assert_int_equal(e->when.kind, want[i].kind);
        assert_int_equal(e->when.us, want[i].us);
        assert_int_equal(e->when.us2, want[i].us2);
        if (i == 6) {
            assert_true(e->call->blocking);
            assert_int_equal(e->call->end_us, 1500000);
        }
    }
    assert_null(e);
    script_free(&s);
}

static void packets(void **state)
{
    (void)state;
    good("0 < [ect0, ttl 7] 40000 > 8080 PU. 1:1001(1000) ack 17 win 1000 urg 5 "
         "<mss 1460,sackOK,TS val 1 ecr 2,nop,wscale 7,sack 1:2 5:6,FO 0a0b,kind 77 ff,eol>");
    const struct pkt *k = s.events->pkt;
    assert_false(k->out);
    assert_int_equal(k->ecn, ECN_ECT0);
    assert_int_equal(k->ttl, 7);
    assert_int_equal(k->tos, -1);
    assert_int_equal(k->sport, 40000);
    assert_int_equal(k->dport, 8080);
    assert_int_equal(k->th, TERN_TH_PSH | TERN_TH_URG | TERN_TH_ACK);
    assert_int_equal(k->seq, 1);
    assert_int_equal(k->len, 1000);
    assert_int_equal(k->ack, 17);
    assert_int_equal(k->win, 1000);
    assert_int_equal(k->urg, 5);
    static const uint8_t kinds[] = {OPT_MSS,  OPT_SACKOK, OPT_TS, OPT_NOP, OPT_WS,
                                    OPT_SACK, OPT_FO,     77,     OPT_EOL};
    assert_int_equal(k->nopts, sizeof kinds);
    for (unsigned i = 0; i < sizeof kinds; i++)
        assert_int_equal(k->opt[i].kind, kinds[i]);
    assert_int_equal(k->opt[2].b, 2);
    assert_int_equal(k->opt[5].nblk, 2);
    assert_int_equal(k->opt[5].blk[1].hi, 6);
    assert_int_equal(k->opt[6].len, 2);
    assert_int_equal(k->opt[6].raw[1], 0x0b);
    script_free(&s);
    good("0 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]");
    assert_int_equal(s.events->pkt->type, 3);
    assert_int_equal(s.events->pkt->code, 4);
    assert_int_equal(s.events->pkt->mtu, 1200);
    script_free(&s);
    good("0 > SEW 4294967295:4(5) <...>"); /* numbers wrap */
    assert_true(s.events->pkt->any_opts);
    script_free(&s);
}

static void calls(void **state)
{
    (void)state;
    good("// a comment\n--tolerance_usecs=10\n/* and\n another */ `sysctl -q x=1`\n"
         "0 connect(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = "
         "inet_addr(\"1.2.3.4\")}, "
         "...) = -1 EINPROGRESS (Operation now in progress)\n"
         "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, -1) = 1\n"
         "+0 write(4, \"a\\x41\\n\\\"b\", 5) = 5 +0 %{ assert 1 }%");
    assert_string_equal(s.options->name, "tolerance_usecs");
    assert_string_equal(s.options->value, "10");
    const struct event *e = s.events;
    assert_int_equal(e->kind, EVENT_COMMAND);
    assert_true(e->timeless);
    e = e->next;
    assert_string_equal(e->call->name, "connect");
    assert_string_equal(e->call->err, "EINPROGRESS");
    assert_int_equal(e->call->result->num, -1);
    assert_int_equal(e->call->args->next->kind, EXPR_STRUCT);
    assert_string_equal(e->call->args->next->kids->next->text, "sin_port");
    e = e->next->next;
    assert_int_equal(e->call->args->next->len, 5);
    assert_memory_equal(e->call->args->next->text, "aA\n\"b", 5);
    assert_int_equal(e->next->kind, EVENT_CODE);
    script_free(&s);
}

static void complaints(void **state)
{
    (void)state;
    bad("", 1, 1, "no event");
    bad("0 close(3) = 0\n+0 > . 1:2(0)", 2, 8, "end at 1, not at 2");
    bad("0 close(3)", 1, 11, "'='");
    bad("hello", 1, 1, "'hello'");
    bad("0 /* close(3) = 0", 1, 3, "never closed");
    bad("0 `sysctl", 1, 4, "never closed");
    bad("0 %{ assert", 1, 5, "never closed");
    bad("0 write(3, \"abc, 1) = 1", 1, 12, "never closed");
    bad("0 > X 1:1(0)", 1, 5, "flags");
    bad("0 > S 1:1(0) ack 1", 1, 19, "ACK flag");
    bad("0 < . 1:1(0) ack 1 win 65536", 1, 24, "win must be in 0..65535");
    bad("0 < . 1:1(0) ack 1 <mss>", 1, 24, "number");
    bad("0 < . 1:1(0) ack 1 <zzz 1>", 1, 21, "no such TCP option");
    bad("0 < . 1:1(0) ack 1 <sack 1:2 1:2 1:2 1:2 1:2>", 1, 42, "at most 4");
    bad("0 < icmp unreachable nowhere", 1, 10, "no such ICMP message");
    bad("* close(3) = 0", 1, 1, "instant");
    bad("2~1 > . 1:1(0)", 1, 3, "ends before");
    bad("1~+2 > . 1:1(0)", 1, 3, "both ends");
    bad("0 > ipv4 1.2.3.4 > 5.6.7.8: . 1:1(0)", 1, 9, "not spoken");
    bad("0 f(99999999999999999999) = 0", 1, 5, "too large");
    bad("0 f([[[[[[[[[[[[[[[[[[1]) = 0", 1, 20, "nested");
}

/* No text may lead the reader out of its buffer or into an endless loop: every prefix and many
 * damaged copies of a script that has everything in it. */
static void damage(void **state)
{
    (void)state;
    static const char text[] =
        "--a=b\n0 socket(..., A|B, 1) = 3\n+0...2 f([{a=1, b(2)=[{..., 3}]}], \"x\\x41\"...) = -1 "
        "E (n n)\n"
        "1~2 > [ce] 1 > 2 SFRP. 1:2(1) ack 1 win 2 urg 3 <nop,TS val 1 ecr 2,sack 1:2,FO ab,...>\n"
        "* > udp (3)\n+0 < icmp unreachable frag_needed mtu 3 [1:2(1)] +0 `x` +0 %{ y }%";
    char copy[sizeof text];
    for (size_t n = 0; n < sizeof text; n++) {
        (void)script_parse(&s, "t", text, n);
        script_free(&s);
    }
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (unsigned v = 0; v < 256; v += 7) {
            memcpy(copy, text, sizeof text);
            copy[i] = (char)v;
            (void)script_parse(&s, "t", copy, sizeof text - 1);
            script_free(&s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),      cmocka_unit_test(packets), cmocka_unit_test(calls),
        cmocka_unit_test(complaints), cmocka_unit_test(damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
