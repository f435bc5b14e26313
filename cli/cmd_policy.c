/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cmd_policy.c: `tern policy` and `tern cookie`: orders to a run (cli/orders.h).
 */
#include "ask.h"
#include "cmd.h"
#include "port/why.h"
#include "runtime/order.h"

#include <stdio.h>
#include <string.h>

static int help(const char *usage)
{
    (void)fputs(usage, stdout);
    return 0;
}

/* Joins the words into a line, sends it, prints what comes back. */
static int order(const char *me, const char *verb, int argc, char **argv)
{
    static char answer[ORDER_ANSWER];
    char line[ORDER_LINE], why[TERN_WHY] = "";
    size_t n = (size_t)snprintf(line, sizeof line, "%s", verb);
    for (int i = 2; i < argc; i++) {
        /* Policies are one word with commas for the run, and may be several for a person. */
        const char *gap = strcmp(verb, "policy") == 0 && i > 3 ? "," : " ";
        size_t more = strlen(argv[i]) + 1;
        if (n + more >= sizeof line) {
            (void)fprintf(stderr, "%s: too many words\n", me);
            return 2;
        }
        n += (size_t)snprintf(line + n, sizeof line - n, "%s%s", gap, argv[i]);
    }
    if (ask_order(argv[1], line, answer, sizeof answer, why) < 0) {
        (void)fprintf(stderr, "%s: %s\n", me, why);
        return 1;
    }
    if (strncmp(answer, "ok\n", 3) == 0) {
        (void)fputs(answer + 3, stdout);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    const char *text = strncmp(answer, "error: ", 7) == 0 ? answer + 7 : answer;
    (void)fprintf(stderr, "%s: %s", me, text);
    return 1;
}

static int is_help(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0);
}

int cmd_policy(int argc, char **argv)
{
    if (is_help(argc, argv))
        return help(
            "Usage: tern policy NAME :PORT [POLICY...]\n"
            "Shows what the listeners at PORT of the run NAME do with SYNs, or changes it at "
            "once.\n\n"
            "  cookies=overflow      a record while there is room, else a SYN cookie (the "
            "default)\n"
            "  cookies=always        cookies only: a SYN costs no memory\n"
            "  drop                  no cookies: a SYN without room is dropped\n"
            "  drop-oldest           ... or takes the place of the oldest record\n"
            "  queue=N               half-open records of the listener (default: its backlog + 1)\n"
            "  timeout=TIME          a record's longest life\n"
            "  retries=N             how often a SYN-ACK is sent again\n"
            "  prefix=N              half-open records of one source network (/24)\n"
            "  staged[=HALF/RETRIED] beyond these numbers spend less on each record; staged=off\n"
            "  abort                 accept queue full: answer the last ACK with RST; abort=off\n"
            "  default               all as it was\n");
    if (argc < 3) {
        (void)fputs("tern policy: NAME and :PORT are needed: `tern help policy`\n", stderr);
        return 2;
    }
    return order("tern policy", "policy", argc, argv);
}

int cmd_cookie(int argc, char **argv)
{
    if (is_help(argc, argv))
        return help(
            "Usage: tern cookie NAME LOCAL REMOTE SYNSEQ SEQ\n"
            "Decodes the SYN cookie SEQ (the sequence number of a SYN-ACK) that the run NAME sent\n"
            "from LOCAL to REMOTE (ADDRESS:PORT each) for a SYN with the number SYNSEQ: which MSS\n"
            "it holds, in which slot of time it was made, or why it is not valid.\n");
    if (argc != 6) {
        (void)fputs("tern cookie: NAME LOCAL REMOTE SYNSEQ SEQ are needed: `tern help cookie`\n",
                    stderr);
        return 2;
    }
    return order("tern cookie", "cookie", argc, argv);
}
