/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cmd_netstat.c: `tern netstat`: what netstat(8) would say of the runs. Its -p is understood in
 * both its meanings: followed by tcp or udp it is BSD's protocol; else it is Linux's "which
 * program", which `tern ss -p` answers.
 */
#include "ask.h"
#include "cmd.h"
#include "port/why.h"
#include "see/netstat.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct netstat_args {
    struct netstat_style style;
    const char *want;
    int status; /* -1 = go on */
};

static int bad(const char *what)
{
    (void)fprintf(stderr, "tern netstat: %.60s: no such option: -a -l -n -t -u -p tcp|udp\n", what);
    return 2;
}

/* The letters of one word; `next` may be the value of -p. Returns how many words it took. */
static int letters(struct netstat_args *a, const char *word, const char *next)
{
    int took = 1;
    for (const char *c = word + 1; *c; c++) {
        if (*c == 'a')
            a->style.all = true;
        else if (*c == 'l')
            a->style.listening = true;
        else if (*c == 't')
            a->style.tcp = true;
        else if (*c == 'u')
            a->style.udp = true;
        else if (*c == 'p' && next && (strcmp(next, "tcp") == 0 || strcmp(next, "udp") == 0)) {
            *(next[0] == 't' ? &a->style.tcp : &a->style.udp) = true;
            took = 2;
        } else if (*c != 'n' && *c != 'p') /* numbers are all there is */
            a->status = bad(word);
    }
    return took;
}

static void parse(struct netstat_args *a, int argc, char **argv)
{
    for (int i = 1; i < argc && a->status < 0;) {
        if (strcmp(argv[i], "--help") == 0) {
            (void)puts(
                "Usage: tern netstat [-anltu] [-p tcp|udp] [NAME]\n"
                "Shows the sockets of all runs, or of the one called NAME, as netstat(8) does.\n"
                "Half-open connections are SYN_RECV.\n\n"
                "  -a            listeners too\n  -l            listeners only\n"
                "  -t, -p tcp    TCP only\n  -u, -p udp    UDP only\n"
                "  -n            accepted: addresses and ports always are numbers");
            a->status = 0;
        } else if (argv[i][0] == '-' && argv[i][1] && argv[i][1] != '-') {
            i += letters(a, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        } else if (argv[i][0] != '-' && !a->want) {
            a->want = argv[i++];
        } else {
            a->status = bad(argv[i]);
        }
    }
}

int cmd_netstat(int argc, char **argv)
{
    static struct ask_runs runs;
    struct netstat_args a = {.status = -1};
    json_t *docs[ASK_RUNS];
    char why[TERN_WHY] = "";
    parse(&a, argc, argv);
    if (a.status >= 0)
        return a.status;
    if (!a.style.tcp && !a.style.udp)
        a.style.tcp = a.style.udp = true;
    if (ask_runs(&runs, a.want, "tern netstat", why) < 0) {
        (void)fprintf(stderr, "tern netstat: %s\n", why);
        return 2;
    }
    if (a.want && runs.n == 0) {
        (void)fprintf(
            stderr, "tern netstat: '%.60s': no such run (`tern ss` shows what there is)\n", a.want);
        return 1;
    }
    for (unsigned i = 0; i < runs.n; i++)
        docs[i] = runs.run[i].doc;
    int rc = netstat_print(stdout, docs, runs.n, &a.style);
    for (unsigned i = 0; i < runs.n; i++)
        json_decref(docs[i]);
    if (rc < 0)
        (void)fprintf(stderr, "tern netstat: cannot write the table: %s\n", strerror(errno));
    return rc < 0 ? 1 : 0;
}
