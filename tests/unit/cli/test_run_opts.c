/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../cli/run_opts.h"
#include <tern/config.h>

static struct run_opts o;
static char why[TERN_WHY];

#define PARSE(...)                                                                                 \
    parse((char *[]){"run", __VA_ARGS__, NULL},                                                    \
          sizeof((char *[]){"run", __VA_ARGS__}) / sizeof(char *))

static enum run_opts_result parse(char **argv, size_t n)
{
    why[0] = '\0';
    return run_opts_parse((int)n, argv, &o, why);
}

static void defaults(void **state)
{
    (void)state;
    assert_int_equal(PARSE("curl", "-s", "--lose", "x"), RUN_OPTS_GO);
    assert_string_equal(o.argv[0], "curl");
    assert_string_equal(o.argv[2], "--lose");
    assert_string_equal(o.argv[3], "x");
    assert_null(o.argv[4]);
    assert_int_equal(o.link, RUN_LINK_WIRE);
    assert_memory_equal(o.addr.b, ((uint8_t[]){10, 0, 2, 15}), 4);
    assert_memory_equal(o.gw.b, ((uint8_t[]){10, 0, 2, 2}), 4);
    assert_int_equal(o.prefix, 24);
    assert_int_equal(o.mtu, 1500);
    assert_int_equal(o.dns.fam, TERN_AF_NONE);
    assert_true(tern_impair_idle(&o.impair));
    assert_false(o.ladder || o.seeded);
    assert_null(o.pcapng);
    assert_null(o.events);
    assert_null(o.name);
}

static void every_option(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--addr", "192.168.9.7/24", "--gw=192.168.9.1", "--dns", "9.9.9.9", "-p",
                           "8081:80", "-p5353:53/udp", "--publish", "0.0.0.0:8081:81", "--mtu",
                           "9000", "--lose", "1%", "--lose", "3rd-ack", "--lose=data:3", "--delay",
                           "50ms", "--jitter", "5ms", "--reorder", "2%", "--duplicate", "0.5",
                           "--corrupt", "0.001", "--rate", "10mbit", "--pcapng", "a.pcapng",
                           "--ladder=l.txt", "--events", "e.jsonl", "--seed", "7", "--name", "web",
                           "--cc", "bbr", "--msl", "100ms", "--ce", "3%", "--ecn", "accurate",
                           "--uto", "300s", "--mtu-probing", "always", "--path-mtu", "1200", "--",
                           "nginx", "-p", "x"),
                     RUN_OPTS_GO);
    assert_memory_equal(o.gw.b, ((uint8_t[]){192, 168, 9, 1}), 4);
    assert_memory_equal(o.dns.b, ((uint8_t[]){9, 9, 9, 9}), 4);
    assert_int_equal(o.nforward, 3);
    assert_int_equal(o.forward[0].host.port, 8081);
    assert_true(o.forward[1].udp);
    assert_int_equal(o.forward[2].port, 81);
    assert_int_equal(o.mtu, 9000);
    assert_true(o.impair.lose > 0.0099 && o.impair.lose < 0.0101);
    assert_int_equal(o.impair.nnamed, 2);
    assert_int_equal(o.impair.named[0].what, TERN_LOSE_3RD_ACK);
    assert_int_equal(o.impair.named[1].n, 3);
    assert_int_equal(o.impair.delay_us, 50000);
    assert_int_equal(o.impair.jitter_us, 5000);
    assert_true(o.impair.reorder > 0.019 && o.impair.duplicate == 0.5 && o.impair.corrupt > 0.0009);
    assert_int_equal(o.impair.rate_bps, 10000000);
    assert_string_equal(o.pcapng, "a.pcapng");
    assert_true(o.ladder);
    assert_string_equal(o.ladder_file, "l.txt");
    assert_string_equal(o.events, "e.jsonl");
    assert_true(o.seeded);
    assert_int_equal(o.seed, 7);
    assert_string_equal(o.name, "web");
    assert_int_equal(o.cc, TERN_CC_BBR);
    assert_int_equal(o.msl_ms, 100);
    assert_true(o.impair.ce > 0.029 && o.impair.ce < 0.031);
    assert_int_equal(o.ecn, 3);
    assert_int_equal(o.uto_s, 300);
    assert_int_equal(o.mtu_probing, 2);
    assert_int_equal(o.impair.mtu, 1200);
    assert_string_equal(o.argv[0], "nginx");
    assert_string_equal(o.argv[1], "-p");
}

/* The profile's own congestion control, unless one is said, wherever it stands. */
static void profile_and_cc(void **state)
{
    (void)state;
    assert_int_equal(PARSE("true"), RUN_OPTS_GO);
    assert_int_equal(o.profile, TERN_PROFILE_TERN);
    assert_int_equal(o.cc, TERN_CC_CUBIC);
    assert_int_equal(PARSE("--profile", "rfc", "true"), RUN_OPTS_GO);
    assert_int_equal(o.profile, TERN_PROFILE_RFC);
    assert_int_equal(o.cc, TERN_CC_RENO);
    assert_int_equal(PARSE("--cc", "bbr", "--profile=rfc", "true"), RUN_OPTS_GO);
    assert_int_equal(o.cc, TERN_CC_BBR);
}

static void ladder_without_a_file_takes_no_word(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--ladder", "curl", "x"), RUN_OPTS_GO);
    assert_true(o.ladder);
    assert_null(o.ladder_file);
    assert_string_equal(o.argv[0], "curl");
}

static void gateway_follows_the_network(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--addr", "172.16.5.9/16", "true"), RUN_OPTS_GO);
    assert_memory_equal(o.gw.b, ((uint8_t[]){172, 16, 0, 2}), 4);
    assert_int_equal(PARSE("--link", "tap:t0", "true"), RUN_OPTS_GO);
    assert_int_equal(o.gw.fam, TERN_AF_NONE);
    assert_int_equal(o.mtu, 0);
    assert_int_equal(o.device.kind, VALUE_TAP);
    assert_string_equal(o.device.name, "t0");
    assert_int_equal(PARSE("--link", "packet:eth0", "true"), RUN_OPTS_GO);
    assert_int_equal(o.device.kind, VALUE_PACKET);
    assert_string_equal(o.device.name, "eth0");
    assert_int_equal(PARSE("--link", "tun:t0", "--gw", "10.0.2.1", "--mtu", "1400", "true"),
                     RUN_OPTS_GO);
    assert_int_equal(o.gw.fam, TERN_AF_IP4);
    assert_int_equal(o.mtu, 1400);
}

static void listeners_get_a_policy(void **state)
{
    (void)state;
    assert_int_equal(PARSE("true"), RUN_OPTS_GO);
    assert_false(o.policy_given);
    assert_int_equal(o.backlog, 0);
    assert_int_equal(PARSE("--policy", "cookies=always,retries=2", "--policy", "queue=64",
                           "--backlog", "9", "true"),
                     RUN_OPTS_GO);
    assert_true(o.policy_given);
    assert_int_equal(o.policy.policy, TERN_SYN_COOKIES_ALWAYS);
    assert_int_equal(o.policy.retries, 2);
    assert_int_equal(o.policy.queue, 64);
    assert_int_equal(o.backlog, 9);
}

/* Each mistake is one line that names the option, quotes the value and says what is right. */
static void mistakes(void **state)
{
    (void)state;
    static const struct {
        char *argv[8];
        const char *says[3];
    } cases[] = {
        {{"--lose", "3rd", "true"}, {"--lose: '3rd': not a rate", "3rd-ack"}},
        {{"--lose", "2", "true"}, {"--lose: '2'", "0..1"}},
        {{"--lose", "data:0", "true"}, {"--lose: 'data:0'", "from 1"}},
        {{"--delay", "50", "true"}, {"--delay: '50': not a time", "50ms"}},
        {{"--jitter", "-1ms", "true"}, {"--jitter: '-1ms'"}},
        {{"--reorder", "2", "true"}, {"--reorder: '2': not a rate"}},
        {{"--duplicate", "x", "true"}, {"--duplicate: 'x'"}},
        {{"--corrupt", "", "true"}, {"--corrupt: ''"}},
        {{"--rate", "10", "true"}, {"--rate: '10': not a bandwidth", "mbit"}},
        {{"--mtu", "575", "true"}, {"--mtu: '575'", "576 to 65535"}},
        {{"--seed", "x", "true"}, {"--seed: 'x'"}},
        {{"--name", "a b", "true"}, {"--name: 'a b': not a name"}},
        {{"--profile", "windows", "true"}, {"--profile: 'windows'", "linux or freebsd"}},
        {{"--cc", "vegas", "true"}, {"--cc: 'vegas'", "cubic, reno, bbr"}},
        {{"--ce", "2", "true"}, {"--ce: '2': not a rate"}},
        {{"--uto", "10ms", "true"}, {"--uto: '10ms'", "1s"}},
        {{"--mtu-probing", "yes", "true"}, {"--mtu-probing: 'yes'", "always"}},
        {{"--syn-offload", "maybe", "true"}, {"--syn-offload: 'maybe'", "auto (default)"}},
        {{"--syn-offload", "on", "true"}, {"--syn-offload: on: needs --link packet:NAME"}},
        {{"--link", "tap:t0", "--syn-offload=on", "true"}, {"--syn-offload: on: needs"}},
        {{"--path-mtu", "9", "true"}, {"--path-mtu: '9'", "576"}},
        {{"--ecn", "yes", "true"}, {"--ecn: 'yes'", "accurate"}},
        {{"--msl", "0", "true"}, {"--msl: '0'", "1ms"}},
        {{"--link", "tap:", "true"}, {"--link: 'tap:'", "tap:NAME"}},
        {{"--link", "packet:", "true"}, {"--link: 'packet:'", "packet:NAME"}},
        {{"--policy", "hope", "true"}, {"--policy: 'hope': not a policy", "cookies=overflow"}},
        {{"--backlog", "5000", "true"}, {"--backlog: '5000'", "1 to 4096"}},
        {{"--link", "eth0", "true"}, {"--link: 'eth0': not a link"}},
        {{"--link", "tap:0123456789012345", "true"}, {"--link: ", "15 characters"}},
        {{"--addr", "10.0.2.15", "true"}, {"--addr: '10.0.2.15'", "/24"}},
        {{"--addr", "10.0.2.2/24", "true"}, {"--addr: ", "--gw"}},
        {{"--gw", "10.0.3.2", "true"}, {"--gw: ", "--addr"}},
        {{"--gw", "10.0.2.15", "true"}, {"--gw: ", "same"}},
        {{"--dns", "resolver", "true"}, {"--dns: 'resolver'"}},
        {{"-p", "80", "true"}, {"-p: '80'", "HOSTPORT:PORT"}},
        {{"-p", "80:80", "-p", "80:81", "true"}, {"-p: '80:81'", "forwarded already"}},
        {{"--link", "tap:t0", "-p", "80:80", "true"}, {"-p: ", "--link wire"}},
        {{"--link", "tap:t0", "--dns", "9.9.9.9", "true"}, {"--dns: ", "--link wire"}},
        {{"--pcapng", "", "true"}, {"--pcapng: "}},
        {{"--ladder=", "true"}, {"--ladder: "}},
        {{"--lsoe", "1%", "true"}, {"--lsoe: no such option", "--lose"}},
        {{"--quux", "true"}, {"--quux: no such option", "tern help run"}},
        {{"-x", "true"}, {"-x: no such option"}},
        {{"--lose"}, {"--lose: a value is missing"}},
        {{"-p"}, {"-p: a value is missing"}},
        {{"--mtu", "9000"}, {"no program"}},
        {{"--"}, {"no program"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *argv[10] = {"run"};
        size_t n = 1;
        for (; n <= 7 && cases[i].argv[n - 1]; n++)
            argv[n] = cases[i].argv[n - 1];
        if (parse(argv, n) != RUN_OPTS_BAD)
            fail_msg("%s %s was taken", argv[1], argv[2] ? argv[2] : "");
        assert_null(strchr(why, '\n'));
        for (size_t k = 0; k < 3 && cases[i].says[k]; k++) {
            if (!strstr(why, cases[i].says[k]))
                fail_msg("%s %s: '%s' does not say '%s'", argv[1], argv[2] ? argv[2] : "", why,
                         cases[i].says[k]);
        }
    }
}

static void no_program_at_all(void **state)
{
    (void)state;
    char *argv[] = {"run", NULL};
    assert_int_equal(parse(argv, 1), RUN_OPTS_BAD);
    assert_non_null(strstr(why, "PROGRAM"));
}

static void forwards_are_bounded(void **state)
{
    (void)state;
    static char text[80][16];
    char *argv[200] = {"run"};
    size_t n = 1;
    for (unsigned i = 0; i < 65; i++) {
        (void)snprintf(text[i], sizeof text[i], "%u:80", 1000 + i);
        argv[n++] = "-p";
        argv[n++] = text[i];
    }
    argv[n++] = "true";
    assert_int_equal(parse(argv, n), RUN_OPTS_BAD);
    assert_non_null(strstr(why, "more than 64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_option),
        cmocka_unit_test(profile_and_cc),
        cmocka_unit_test(ladder_without_a_file_takes_no_word),
        cmocka_unit_test(gateway_follows_the_network),
        cmocka_unit_test(listeners_get_a_policy),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(no_program_at_all),
        cmocka_unit_test(forwards_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
