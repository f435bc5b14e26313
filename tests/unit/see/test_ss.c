/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "see/snapshot.h"
#include "see/ss.h"

static struct tern_endpoint end(uint8_t a, uint8_t d, uint16_t port)
{
    return (struct tern_endpoint){.addr = {.fam = TERN_AF_IP4, .b = {a, 0, 2, d}}, .port = port};
}

static json_t *add(json_t *list, const struct tern_info *i, const char *process)
{
    (void)json_array_append_new(list, snapshot_socket(i, process, 4711));
    return list;
}

/* A run with one socket of each kind, and a gateway's. */
static json_t *run_new(const char *name)
{
    json_t *list = json_array(), *gateway = json_array();
    struct tern_info conn = {.kind = TERN_INFO_CONN,
                             .state = TERN_TCP_ESTABLISHED,
                             .serial = 7,
                             .local = end(10, 15, 49152),
                             .remote = end(93, 34, 64999),
                             .sndq = 1448,
                             .timer = TERN_TIMER_REXMT,
                             .timer_us = 204000,
                             .retries = 1,
                             .mss = 1448,
                             .rcv_mss = 1448,
                             .cwnd = 14480,
                             .ssthresh = UINT32_MAX,
                             .srtt_us = 1500,
                             .rttvar_us = 750,
                             .rto_us = 204000,
                             .snd_wscale = 7,
                             .rcv_wscale = 8,
                             .wscale_ok = true,
                             .ts_ok = true,
                             .sack_ok = true,
                             .bytes_acked = 79,
                             .bytes_received = 1024,
                             .segs_out = 6,
                             .segs_in = 4,
                             .retrans = 1,
                             .cc = "reno"};
    struct tern_info listener = {.kind = TERN_INFO_LISTENER,
                                 .state = TERN_TCP_LISTEN,
                                 .local = {.port = 64001},
                                 .sndq = 128,
                                 .timer_us = -1};
    struct tern_info half = {.kind = TERN_INFO_HALF_OPEN,
                             .state = TERN_TCP_SYN_RECEIVED,
                             .held = true,
                             .local = end(10, 15, 64001),
                             .remote = end(10, 2, 5000),
                             .timer = TERN_TIMER_SYNACK,
                             .timer_us = 1000000};
    struct tern_info tw = {.kind = TERN_INFO_TIME_WAIT,
                           .state = TERN_TCP_TIME_WAIT,
                           .local = end(10, 15, 49150),
                           .remote = end(93, 34, 64999),
                           .timer = TERN_TIMER_TIME_WAIT,
                           .timer_us = 59200000};
    struct tern_info udp = {.kind = TERN_INFO_UDP, .local = end(10, 15, 64053), .timer_us = -1};
    (void)add(add(add(add(add(list, &conn, "curl"), &listener, "a\033b"), &half, NULL), &tw, NULL),
              &udp, NULL);
    (void)add(gateway, &conn, NULL);
    return json_pack("{s:i,s:s,s:i,s:s,s:[{s:s,s:o},{s:s,s:o}]}", "version", 1, "name", name, "pid",
                     99, "program", "curl", "stacks", "name", "guest", "sockets", list, "name",
                     "gateway", "sockets", gateway);
}

static char *table(const struct ss_style *style, unsigned n, bool json)
{
    char *text = NULL;
    size_t size = 0;
    json_t *runs[3];
    for (unsigned i = 0; i < n; i++)
        runs[i] = run_new(i ? "other" : "curl");
    FILE *f = open_memstream(&text, &size);
    assert_int_equal(json ? ss_print_json(f, runs, n, style) : ss_print(f, runs, n, style), 0);
    assert_int_equal(fclose(f), 0);
    for (unsigned i = 0; i < n; i++)
        json_decref(runs[i]);
    return text;
}

static void assert_table(struct ss_style style, unsigned n, const char *want)
{
    if (style.filter.states == 0)
        style.filter.states = FILTER_DEFAULT;
    style.filter.root = -1;
    char *text = table(&style, n, false);
    assert_string_equal(text, want);
    free(text);
}

static void like_ss(void **state)
{
    (void)state;
    assert_table((struct ss_style){.tcp = true, .udp = true}, 1,
                 "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
                 "tcp   ESTAB 0      1448   10.0.2.15:49152    93.0.2.34:64999\n");
    assert_table(
        (struct ss_style){.tcp = true, .filter.states = FILTER_LISTENING, .process = true}, 1,
        "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
        "LISTEN 0      128    *:64001            *:*               users:((\"a?b\",pid=4711))\n");
    assert_table((struct ss_style){.udp = true, .filter.states = FILTER_ALL, .no_header = true}, 1,
                 "UNCONN 0 0 10.0.2.15:64053 *:*\n");
}

static void timers_count_down(void **state)
{
    (void)state;
    assert_table((struct ss_style){.tcp = true,
                                   .timers = true,
                                   .no_header = true,
                                   .filter.states = FILTER_ALL & ~FILTER_LISTENING},
                 1,
                 "ESTAB     0 1448 10.0.2.15:49152 93.0.2.34:64999 timer:(on,204ms,1)\n"
                 "SYN-RECV  0 0    10.0.2.15:64001 10.0.2.2:5000   age:0.0s retries:0 kept "
                 "timer:(on,1sec,0)\n"
                 "TIME-WAIT 0 0    10.0.2.15:49150 93.0.2.34:64999 timer:(timewait,59sec,0)\n");
    char buf[32];
    assert_string_equal(ss_countdown(buf, 0), "0ms");
    assert_string_equal(ss_countdown(buf, 340000), "340ms");
    assert_string_equal(ss_countdown(buf, 9200000), "9.2sec");
    assert_string_equal(ss_countdown(buf, 9000000), "9sec");
    assert_string_equal(ss_countdown(buf, 59200000), "59sec");
    assert_string_equal(ss_countdown(buf, 60000000), "1min");
    assert_string_equal(ss_countdown(buf, 62000000), "1min2sec");
    assert_string_equal(ss_countdown(buf, 7200000000), "120min");
}

static void inside_tcp(void **state)
{
    (void)state;
    assert_table(
        (struct ss_style){.tcp = true, .details = true, .extended = true, .no_header = true}, 1,
        "ESTAB 0 1448 10.0.2.15:49152 93.0.2.34:64999 serial:7\n"
        "\t ts sack reno wscale:7,8 rto:204 rtt:1.500/0.750 mss:1448 rcvmss:1448 cwnd:10 snd_wnd:0 "
        "rcv_wnd:0 bytes_acked:79 bytes_received:1024 segs_out:6 segs_in:4 retrans:1\n");
}

static void several_runs_and_stacks_have_headings(void **state)
{
    (void)state;
    assert_table((struct ss_style){.tcp = true, .all_stacks = true}, 1,
                 "# curl, pid 99, guest\n"
                 "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
                 "ESTAB 0      1448   10.0.2.15:49152    93.0.2.34:64999\n"
                 "# curl, pid 99, gateway\n"
                 "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
                 "ESTAB 0      1448   10.0.2.15:49152    93.0.2.34:64999\n");
    assert_table((struct ss_style){.tcp = true}, 2,
                 "# curl, pid 99, guest\n"
                 "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
                 "ESTAB 0      1448   10.0.2.15:49152    93.0.2.34:64999\n"
                 "# other, pid 99, guest\n"
                 "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
                 "ESTAB 0      1448   10.0.2.15:49152    93.0.2.34:64999\n");
    assert_table((struct ss_style){.tcp = true}, 0,
                 "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n");
}

static void counts(void **state)
{
    (void)state;
    assert_table((struct ss_style){.tcp = true, .udp = true, .summary = true}, 1,
                 "Total: 5\n"
                 "TCP:   4 (estab 1, listening 1, syn-recv 1, orphaned 0, timewait 1)\n"
                 "UDP:   1\n");
}

/* What `-s` says of the listeners in this document. */
static void assert_syn(const char *syn, const char *want)
{
    struct ss_style style = {.tcp = true, .udp = true, .summary = true};
    char doc[256], *text = NULL;
    size_t size = 0;
    snprintf(doc, sizeof doc, "{\"stacks\":[{\"name\":\"guest\",\"sockets\":[],\"syn\":{%s}}]}",
             syn);
    json_t *o = json_loads(doc, 0, NULL);
    FILE *f = open_memstream(&text, &size);
    assert_non_null(o);
    assert_int_equal(ss_print(f, &o, 1, &style), 0);
    assert_int_equal(fclose(f), 0);
    const char *at = strstr(text, "SYN:");
    assert_int_equal(at != NULL, want != NULL);
    if (want != NULL)
        assert_non_null(strstr(at, want));
    else
        assert_null(strstr(text, "device"));
    free(text);
    json_decref(o);
}

static void answered_at_the_device(void **state)
{
    (void)state;
    assert_syn("\"total\":0,\"offload\":false,\"offloaded\":0", NULL);
    assert_syn("\"total\":0,\"offload\":true,\"offloaded\":0",
               "\n       at the device: helps, 0 cookies given out\n");
    assert_syn("\"total\":20,\"offload\":false,\"offloaded\":12",
               "\n       at the device: helps no longer, 12 cookies given out\n");
}

static void json_has_the_same_sockets(void **state)
{
    (void)state;
    struct ss_style style = {
        .tcp = true, .udp = true, .filter = {.states = 1u << TERN_TCP_TIME_WAIT, .root = -1}};
    char *text = table(&style, 2, true);
    json_t *o = json_loads(text, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(o, "version")), 1);
    json_t *runs = json_object_get(o, "runs");
    assert_int_equal(json_array_size(runs), 2);
    json_t *stacks = json_object_get(json_array_get(runs, 1), "stacks");
    assert_int_equal(json_array_size(stacks), 1);
    json_t *sockets = json_object_get(json_array_get(stacks, 0), "sockets");
    assert_int_equal(json_array_size(sockets), 1);
    json_t *s = json_array_get(sockets, 0);
    assert_string_equal(json_string_value(json_object_get(s, "state")), "TIME-WAIT");
    assert_string_equal(json_string_value(json_object_get(s, "kind")), "time-wait");
    json_t *timer = json_object_get(s, "timer");
    assert_int_equal(json_integer_value(json_object_get(timer, "us")), 59200000);
    assert_null(json_object_get(s, "info"));
    json_decref(o);
    free(text);
}

/* A document from elsewhere may lack anything. */
static void strange_documents_do_no_harm(void **state)
{
    (void)state;
    static const char odd_socket[] = "{\"stacks\":[{\"sockets\":[{\"state\":\"X\",\"local\":[],"
                                     "\"info\":{\"mss\":-1},\"timer\":1}]}]}";
    static const char *const docs[] = {"{}", "{\"stacks\":7}", "{\"stacks\":[{}]}",
                                       "{\"stacks\":[7,{\"sockets\":[1,{}]}]}", odd_socket};
    struct ss_style style = {.tcp = true,
                             .udp = true,
                             .details = true,
                             .timers = true,
                             .process = true,
                             .all_stacks = true,
                             .filter = {.states = FILTER_ALL, .root = -1}};
    for (size_t i = 0; i < sizeof docs / sizeof docs[0]; i++) {
        json_t *o = json_loads(docs[i], 0, NULL);
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        assert_int_equal(ss_print(f, &o, 1, &style), 0);
        assert_int_equal(ss_print_json(f, &o, 1, &style), 0);
        assert_int_equal(fclose(f), 0);
        assert_true(size > 0);
        free(text);
        json_decref(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_ss),
        cmocka_unit_test(timers_count_down),
        cmocka_unit_test(inside_tcp),
        cmocka_unit_test(several_runs_and_stacks_have_headings),
        cmocka_unit_test(counts),
        cmocka_unit_test(answered_at_the_device),
        cmocka_unit_test(json_has_the_same_sockets),
        cmocka_unit_test(strange_documents_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
