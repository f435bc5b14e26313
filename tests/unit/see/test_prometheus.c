/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "see/netstat.h"
#include "see/prometheus.h"

static const char document[] =
    "{'name':'we\\\\b','pid':7,'stacks':[{'name':'guest','sockets':["
    "{'proto':'tcp','state':'LISTEN','recv_q':0,'send_q':9,'local':{'addr':'*','port':80},"
    " 'remote':{'addr':'*','port':0}},"
    "{'proto':'tcp','state':'SYN-RECEIVED','recv_q':0,'send_q':0,'local':{'addr':'10.0.2.15','port'"
    ":80},"
    " 'remote':{'addr':'192.0.2.7','port':40000}},"
    "{'proto':'udp','state':'CLOSED','recv_q':3,'send_q':0,'local':{'addr':'*','port':53},"
    " 'remote':{'addr':'*','port':0}}],"
    "'syn':{'verdict_number':2,'reason_flags':{'rate':1,'table':0},'total':12,'offload':true,'"
    "offloaded':5,'outcomes':{'cached':"
    "3}},"
    "'counters':{'syn-ack':4}}]}";

static char *text_of(int (*print)(FILE *, json_t *const *, unsigned), unsigned n)
{
    char *json = strdup(document), *text = NULL;
    size_t len = 0;
    for (char *c = json; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *doc = json_loads(json, 0, NULL);
    assert_non_null(doc);
    json_t *const runs[1] = {doc};
    FILE *f = open_memstream(&text, &len);
    assert_int_equal(print(f, runs, n), 0);
    fclose(f);
    json_decref(doc);
    free(json);
    return text;
}

static void test_metrics(void **state)
{
    (void)state;
    char *text = text_of(prometheus_print, 1);
    static const char *const lines[] = {
        "# TYPE tern_syn_verdict "
        "gauge\ntern_syn_verdict{run=\"we\\\\b\",pid=\"7\",stack=\"guest\"} 2\n",
        "tern_syn_reason{run=\"we\\\\b\",pid=\"7\",stack=\"guest\",reason=\"rate\"} 1\n",
        "tern_syn_reason{run=\"we\\\\b\",pid=\"7\",stack=\"guest\",reason=\"table\"} 0\n",
        "# TYPE tern_syns_total "
        "counter\ntern_syns_total{run=\"we\\\\b\",pid=\"7\",stack=\"guest\"} 12\n",
        "# TYPE tern_syn_offload "
        "gauge\ntern_syn_offload{run=\"we\\\\b\",pid=\"7\",stack=\"guest\"} 1\n",
        "# TYPE tern_syn_offloaded_total "
        "counter\ntern_syn_offloaded_total{run=\"we\\\\b\",pid=\"7\",stack=\"guest\"} 5\n",
        "outcome=\"cached\"} 3\n",
        "cause=\"syn-ack\"} 4\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(text, lines[i]) == NULL)
            fail_msg("no line %s in:\n%s", lines[i], text);
    free(text);
}

static void test_no_runs(void **state)
{
    (void)state;
    char *text = text_of(prometheus_print, 0);
    for (char *line = text; *line; line = strchr(line, '\n') + 1)
        assert_int_equal(line[0], '#');
    free(text);
}

static struct netstat_style style;

static int print_netstat(FILE *f, json_t *const *runs, unsigned n)
{
    return netstat_print(f, runs, n, &style);
}

static unsigned lines_of(struct netstat_style s, const char *must)
{
    style = s;
    char *text = text_of(print_netstat, 1);
    unsigned n = 0;
    for (char *c = text; *c; c++)
        n += *c == '\n';
    assert_non_null(strstr(text, must));
    free(text);
    return n - 2; /* two of heading */
}

static void test_netstat(void **state)
{
    (void)state;
    assert_int_equal(
        lines_of((struct netstat_style){.tcp = true},
                 "tcp        0      0 10.0.2.15:80            192.0.2.7:40000         SYN_RECV\n"),
        1);
    assert_int_equal(lines_of((struct netstat_style){.tcp = true, .all = true}, "LISTEN\n"), 2);
    assert_int_equal(lines_of((struct netstat_style){.tcp = true, .listening = true}, "*:80 "), 1);
    assert_int_equal(lines_of((struct netstat_style){.udp = true, .all = true}, "udp        3"), 1);
    assert_int_equal(
        lines_of((struct netstat_style){.tcp = true, .udp = true, .all = true}, "*:53"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_metrics),
                                       cmocka_unit_test(test_no_runs),
                                       cmocka_unit_test(test_netstat)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
