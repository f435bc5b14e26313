/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cmd_run.c: `tern run`: options, signals, and the program's exit status as tern's own.
 *
 * Signals are caught, not blocked or ignored: a caught signal is the default again after exec, so
 * the program starts with the signals that its user gave it. What the terminal sends (Ctrl-C)
 * reaches the program by itself; what another process sends to tern is passed on.
 */
#include "cmd.h"
#include "port/why.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const int caught[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};

struct note {
    int sig;
    bool terminal;
};

static int signal_pipe[2] = {-1, -1};

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    struct note n = {.sig = sig, .terminal = info->si_code == SI_KERNEL};
    ssize_t put =
        write(signal_pipe[1], &n, sizeof n); /* full: the user is impatient, not unheard */
    (void)put;
    errno = saved;
}

static void on_pipe(int sig)
{
    (void)sig; /* write() answers EPIPE: that is enough */
}

static int signals_catch(char *why)
{
    struct sigaction old, sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    (void)sigemptyset(&sa.sa_mask);
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
        why_set(why, "signals: %s", strerror(errno));
        return -1;
    }
    for (unsigned i = 0; i < sizeof caught / sizeof caught[0]; i++) {
        /* One that is ignored (nohup) stays so, for the program too. */
        if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(caught[i], &sa, NULL);
    }
    if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
        struct sigaction quiet = {.sa_handler = on_pipe, .sa_flags = SA_RESTART};
        (void)sigaction(SIGPIPE, &quiet, NULL);
    }
    return 0;
}

static void on_note(void *ctx, int fd, uint32_t events)
{
    struct note n;
    (void)events;
    while (read(fd, &n, sizeof n) == (ssize_t)sizeof n)
        session_signal(ctx, n.sig, n.terminal);
}

/* ---- the program ---- */

static int program_at(const char *path)
{
    struct stat sb;
    if (stat(path, &sb) < 0)
        return errno == EACCES ? EXIT_NOT_EXECUTABLE : EXIT_NOT_FOUND;
    return S_ISREG(sb.st_mode) && access(path, X_OK) == 0 ? 0 : EXIT_NOT_EXECUTABLE;
}

/* What execvp() would find: 0, or the exit status for not finding it. */
static int program_find(const char *name)
{
    char path[4096];
    int worst = EXIT_NOT_FOUND;
    if (strchr(name, '/'))
        return program_at(name);
    const char *dirs = getenv("PATH");
    dirs = dirs ? dirs : "/bin:/usr/bin";
    for (const char *end; *name; dirs = end + 1) {
        end = strchrnul(dirs, ':');
        int len = snprintf(path, sizeof path, "%.*s%s%s", (int)(end - dirs), dirs,
                           end > dirs ? "/" : "./", name);
        int at = len < (int)sizeof path ? program_at(path) : EXIT_NOT_FOUND;
        if (at == 0)
            return 0;
        worst = at == EXIT_NOT_EXECUTABLE ? at : worst;
        if (!*end)
            break;
    }
    return worst;
}

static int program_missing(const char *name, int status)
{
    if (status == EXIT_NOT_EXECUTABLE)
        (void)fprintf(stderr,
                      "tern run: %s: cannot be executed: permission denied, or not a file\n", name);
    else
        (void)fprintf(stderr, "tern run: %s: not found%s\n", name,
                      strchr(name, '/') ? "" : " in PATH");
    return status;
}

/* The program's status as tern's: the shell sees a signal as a signal. */
static int exit_like(int wait_status)
{
    if (!WIFSIGNALED(wait_status))
        return WEXITSTATUS(wait_status);
    int sig = WTERMSIG(wait_status);
    const struct rlimit no_core = {0, 0};
    sigset_t set;
    (void)setrlimit(RLIMIT_CORE, &no_core); /* the program's core is the one of interest */
    (void)signal(sig, SIG_DFL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, sig);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)raise(sig);
    return 128 + sig;
}

int cmd_run(int argc, char **argv)
{
    static struct run_opts o;
    static struct session s;
    char why[TERN_WHY] = "";
    switch (run_opts_parse(argc, argv, &o, why)) {
    case RUN_OPTS_HELP:
        return 0;
    case RUN_OPTS_GO:
        break;
    default:
        (void)fprintf(stderr, "tern run: %s\n", why);
        return EXIT_TERN;
    }
    int missing = program_find(o.argv[0]);
    if (missing)
        return program_missing(o.argv[0], missing);
    if (signals_catch(why) < 0 || session_open(&s, &o, why) < 0) {
        (void)fprintf(stderr, "tern run: %s\n", why);
        return EXIT_TERN;
    }
    int rc = tern_loop_watch(s.loop, signal_pipe[0], EPOLLIN, on_note, &s);
    if (rc == 0)
        rc = session_run(&s, why);
    int status = s.wait_status;
    bool exited = s.exited;
    if (rc < 0)
        (void)fprintf(stderr, "tern run: %s\n", why[0] ? why : strerror(-rc));
    why[0] = '\0';
    if (session_close(&s, why) < 0)
        (void)fprintf(stderr, "tern run: %s\n", why);
    return exited ? exit_like(status) : EXIT_TERN;
}
