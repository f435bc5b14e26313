/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cmd_ss.c: `tern ss`: asks the runs of this user what they hold, and draws it as ss(8) does.
 */
#include "ask.h"
#include "cmd.h"
#include "port/why.h"
#include "see/prometheus.h"
#include "see/ss.h"
#include "see/text.h"
#include "values.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#define SS_WORDS 64

enum { KEY_JSON = 0x100, KEY_ALL_STACKS, KEY_PROMETHEUS };

static const struct argp_option ss_table[] = {
    {NULL, 0, NULL, 0, "Which sockets:", 1},
    {"tcp", 't', NULL, 0, "TCP only", 1},
    {"udp", 'u', NULL, 0, "UDP only", 1},
    {"listening", 'l', NULL, 0, "Listeners and unconnected UDP ports only", 1},
    {"all", 'a', NULL, 0, "All states (else: no listener, no half-open, no TIME-WAIT)", 1},
    {"all-stacks", KEY_ALL_STACKS, NULL, 0, "The gateway's sockets too", 1},
    {"ipv4", '4', NULL, 0, "IPv4 only (there is nothing else yet)", 1},
    {NULL, 0, NULL, 0, "What of them:", 2},
    {"processes", 'p', NULL, 0, "Which process made it", 2},
    {"options", 'o', NULL, 0, "Timers, with the time left and retries", 2},
    {"info", 'i', NULL, 0, "Inside TCP: rto, rtt, mss, cwnd and ssthresh (in segments) ...", 2},
    {"extended", 'e', NULL, 0, "Serial number in traces; orphan; held by the gateway", 2},
    {"summary", 's', NULL, 0,
     "Counts only, and what the listeners went through: normal, suspicious or flood", 2},
    {NULL, 0, NULL, 0, "How:", 3},
    {"numeric", 'n', NULL, 0, "Ports as numbers", 3},
    {"no-header", 'H', NULL, 0, "No heading", 3},
    {"json", KEY_JSON, NULL, 0, "Everything as JSON", 3},
    {"prometheus", KEY_PROMETHEUS, NULL, 0, "Counters and the verdict about SYNs as metrics", 3},
    {0},
};

struct ss_args {
    struct ss_style style;
    bool listening, all, json, prometheus, help;
    char *words[SS_WORDS];
    int nwords;
    int next; /* where argp stood when it gave up */
};

static error_t ss_parser(int key, char *arg, struct argp_state *state)
{
    struct ss_args *a = state->input;
    switch (key) {
    case 't':
        a->style.tcp = true;
        return 0;
    case 'u':
        a->style.udp = true;
        return 0;
    case 'l':
        a->listening = true;
        return 0;
    case 'a':
        a->all = true;
        return 0;
    case KEY_ALL_STACKS:
        a->style.all_stacks = true;
        return 0;
    case '4':
        return 0;
    case 'p':
        a->style.process = true;
        return 0;
    case 'o':
        a->style.timers = true;
        return 0;
    case 'i':
        a->style.details = true;
        return 0;
    case 'e':
        a->style.extended = a->style.timers = true;
        return 0;
    case 's':
        a->style.summary = true;
        return 0;
    case 'n':
        a->style.numeric = true;
        return 0;
    case 'H':
        a->style.no_header = true;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case KEY_PROMETHEUS:
        a->prometheus = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->nwords == SS_WORDS)
            return E2BIG;
        a->words[a->nwords++] = arg;
        return 0;
    case ARGP_KEY_ERROR:
        a->next = state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- the command ---- */

static int ss_fail(const char *why)
{
    (void)fprintf(stderr, "tern ss: %s\n", why);
    return 2;
}

static int ss_nobody(const struct ss_args *a, const char *want)
{
    static struct ask_runs all;
    char why[TERN_WHY] = "";
    if (want) {
        (void)ask_runs(&all, NULL, "tern ss", why);
        (void)fprintf(stderr, "tern ss: '%s': no such run%s", want,
                      all.n ? "; there are:" : ", nor any other");
        for (unsigned i = 0; i < all.n; i++) {
            (void)fprintf(stderr, " %s", all.run[i].name);
            json_decref(all.run[i].doc);
        }
        (void)fputc('\n', stderr);
        return 1;
    }
    if (!a->json && !a->prometheus)
        (void)fputs("tern ss: no run of yours is active\n", stderr);
    return 0;
}

static void ss_defaults(struct ss_args *a, uint32_t *states)
{
    if (!a->style.tcp && !a->style.udp)
        a->style.tcp = a->style.udp = true;
    *states = a->all ? FILTER_ALL : a->listening ? FILTER_LISTENING : FILTER_DEFAULT;
    a->style.colour = text_colour(stdout);
}

static int ss_show(struct ss_args *a, const char *want)
{
    static struct ask_runs runs;
    json_t *docs[ASK_RUNS];
    char why[TERN_WHY] = "";
    if (ask_runs(&runs, want, "tern ss", why) < 0)
        return ss_fail(why);
    int status = runs.n == 0 ? ss_nobody(a, want) : 0;
    if (status)
        return status;
    for (unsigned i = 0; i < runs.n; i++)
        docs[i] = runs.run[i].doc;
    int rc = a->json         ? ss_print_json(stdout, docs, runs.n, &a->style)
             : a->prometheus ? prometheus_print(stdout, docs, runs.n)
                             : ss_print(stdout, docs, runs.n, &a->style);
    for (unsigned i = 0; i < runs.n; i++)
        json_decref(docs[i]);
    if (runs.too_many)
        (void)fprintf(stderr, "tern ss: only the first %d runs are shown: name one\n", ASK_RUNS);
    if (rc < 0) {
        (void)fprintf(stderr, "tern ss: cannot write the table: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}

int cmd_ss(int argc, char **argv)
{
    static const struct argp argp = {
        .options = ss_table,
        .parser = ss_parser,
        .args_doc = "[NAME] [FILTER]",
        .doc =
            "Shows the sockets of running programs: of all runs, or of the one called NAME (or its "
            "pid)."
            "\vFILTER: [state NAME | exclude NAME]... [dport = :PORT] [sport = :PORT] [dst ADDR] "
            "[src ADDR], with and, or, not and parentheses. States: established, syn-sent, "
            "syn-recv, "
            "fin-wait-1, fin-wait-2, time-wait, close-wait, last-ack, closing, closed, listening, "
            "all, "
            "connected, synchronized, bucket, big."};
    struct ss_args a = {0};
    char why[TERN_WHY] = "";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-?") == 0) {
            char name[] = "tern ss";
            argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK, name);
            return 0;
        }
    }
    error_t err = argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &a);
    if (err == E2BIG)
        return ss_fail("the filter has too many words");
    if (err) {
        why_set(why, "%.60s: no such option: `tern help ss` lists them",
                a.next > 0 && a.next <= argc ? argv[a.next - 1] : "?");
        return ss_fail(why);
    }
    uint32_t states;
    ss_defaults(&a, &states);
    int skip = a.nwords > 0 && !filter_keyword(a.words[0]);
    const char *want = skip ? a.words[0] : NULL;
    if (want && strpbrk(want, " /=:"))
        return ss_fail(
            "the filter begins with no known word: state, exclude, dport, sport, dst, src, not");
    if (filter_parse(&a.style.filter, states, a.words + skip, a.nwords - skip, why) < 0)
        return ss_fail(why);
    return ss_show(&a, want);
}
