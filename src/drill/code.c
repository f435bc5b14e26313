/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/code.c: %{ Python }%.
 *
 * When the clock comes to such a piece, the connection's TCP_INFO is taken down with it: each field
 * is a variable (tcpi_snd_cwnd ...), and tern's own counters are the dictionary `counter`
 * ("challenge-ack": how often that cause has been the reason of anything). All pieces run at the
 * end, in one interpreter, each with its own values; the first that fails fails the script.
 */
#include "drill/run.h"

#include "port/tcpinfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"

static const char prologue[] =
    "import textwrap, traceback, sys\n"
    "names = dict(TCP_ESTABLISHED=1, TCP_SYN_SENT=2, TCP_SYN_RECV=3, TCP_FIN_WAIT1=4,\n"
    "    TCP_FIN_WAIT2=5, TCP_TIME_WAIT=6, TCP_CLOSE=7, TCP_CLOSE_WAIT=8, TCP_LAST_ACK=9,\n"
    "    TCP_LISTEN=10, TCP_CLOSING=11, TCP_NEW_SYN_RECV=12, TCP_CA_Open=0, TCP_CA_Disorder=1,\n"
    "    TCP_CA_CWR=2, TCP_CA_Recovery=3, TCP_CA_Loss=4, TCPI_OPT_TIMESTAMPS=1, TCPI_OPT_SACK=2,\n"
    "    TCPI_OPT_WSCALE=4, TCPI_OPT_ECN=8, TCPI_OPT_ECN_SEEN=16, TCPI_OPT_SYN_DATA=32,\n"
    "    TCP_INFINITE_SSTHRESH=0x7fffffff)\n"
    "def piece(line, values, counter, text):\n"
    "    names.update(values)\n"
    "    names['counter'] = counter\n"
    "    if '\\n' in text:\n"
    "        first, rest = text.split('\\n', 1)\n"
    "        text = first.strip() + '\\n' + textwrap.dedent(rest)\n"
    "    else:\n"
    "        text = text.strip()\n"
    "    try:\n"
    "        exec(compile(text, 'script', 'exec'), names)\n"
    "    except BaseException as e:\n"
    "        at = [f.lineno for f in traceback.extract_tb(e.__traceback__) if f.filename == "
    "'script']\n"
    "        at = at[-1] if at else getattr(e, 'lineno', 1) or 1\n"
    "        source = text.split('\\n')[at - 1].strip() if at <= len(text.split('\\n')) else ''\n"
    "        print(f'@{line + at - 1} {type(e).__name__}: {e}: {source}', flush=True)\n"
    "        sys.exit(1)\n";

static void print_text(FILE *f, const char *s)
{
    (void)fputc('"', f);
    for (; *s; s++) {
        unsigned char ch = (unsigned char)*s;
        if (ch < ' ' || ch == '"' || ch == '\\')
            (void)fprintf(f, "\\x%02x", ch);
        else /* UTF-8 as it is */
            (void)fputc(ch, f);
    }
    (void)fputc('"', f);
}

void drill_code(struct drill *d)
{
    struct tern_info in;
    struct tcpinfo ti;
    const struct vsock *s = d->last_fd ? vh_sock(&d->vh, d->last_fd) : NULL;
    if (!d->code) {
        d->code = tmpfile();
        if (!d->code) {
            drill_fail(d, "cannot make a temporary file for Python: %s", strerror(errno));
            return;
        }
        (void)fputs(prologue, d->code);
    }
    bool there = s && s->h.id && tern_inspect(d->vh.st, s->h, &in, d->vh.now);
    tcpinfo_of(there ? &in : NULL, &ti);
    (void)fprintf(d->code, "piece(%u, {\n", d->ev->text_pos.line);
    tcpinfo_print(&ti, d->code);
    (void)fputs("}, {", d->code);
    for (unsigned i = 0; i < tern_cause_count(); i++)
        (void)fprintf(d->code, "'%s': %llu, ", tern_cause_name(i),
                      (unsigned long long)tern_counter(d->vh.st, i));
    (void)fputs("}, ", d->code);
    print_text(d->code, d->ev->text);
    (void)fputs(")\n", d->code);
    d->ncode++;
}

/* Runs what was collected; its output goes to out. The exit status, or -1. */
static int python(FILE *in, FILE *out)
{
    (void)fflush(in);
    (void)fseek(in, 0, SEEK_SET);
    pid_t pid = fork();
    if (pid == 0) {
        char *const argv[] = {(char[]){PYTHON}, (char[]){"-I"}, (char[]){"-"}, NULL};
        if (lseek(fileno(in), 0, SEEK_SET) == 0 && dup2(fileno(in), 0) == 0 &&
            dup2(fileno(out), 1) == 1 && dup2(fileno(out), 2) == 2)
            (void)execv(PYTHON, argv);
        _exit(127);
    }
    int status = -1;
    if (pid < 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The event whose piece of Python holds that line. */
static const struct event *piece_at(const struct drill *d, unsigned line)
{
    const struct event *best = NULL;
    for (const struct event *e = d->s.events; e; e = e->next) {
        if (e->kind == EVENT_CODE && e->text_pos.line <= line)
            best = e;
    }
    return best;
}

void drill_code_end(struct drill *d)
{
    char line[DRILL_WHY];
    if (!d->code || d->failed)
        return;
    FILE *out = tmpfile();
    if (!out) {
        drill_fail(d, "cannot make a temporary file for Python: %s", strerror(errno));
        return;
    }
    int status = python(d->code, out);
    (void)fseek(out, 0, SEEK_SET);
    while (fgets(line, sizeof line, out)) {
        line[strcspn(line, "\n")] = 0;
        if (status != 0 && line[0] == '@') {
            char *text;
            unsigned long at = strtoul(line + 1, &text, 10);
            d->ev = piece_at(d, (unsigned)at);
            drill_fail(d, "line %lu:%s", at, text);
        } else if (status == 0) {
            (void)fprintf(d->report, "%s\n", line); /* what print() said */
        }
    }
    (void)fclose(out);
    if (status == 127)
        drill_fail(d, "%%{ }%% needs " PYTHON ": install python3");
    else if (status != 0)
        drill_fail(d, "Python ended with status %d", status);
}
