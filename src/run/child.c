/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/child.c: starting the program under the filter.
 *
 *     child                                   we
 *     no_new_privs, the filter; its listener
 *     is a descriptor of the child: number -> take it with pidfd_getfd, try the kernel's features
 *     exec                                  <- go
 *     (a pipe that exec closes)             -> end of file: it runs; a number: exec's errno
 *
 * The child stays in our process group and session, so that the terminal, its signals and its job
 * control are the program's own. What we changed for ourselves (ignored signals, the limit of
 * descriptors) is set back to what we were started with; a constructor remembers that.
 */
#include "run/filter.h"
#include "run/sup.h"

#include "port/why.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ul
#endif

/* ---- what we were started with ---- */

static struct {
    uint64_t ignored; /* bit of each signal */
    sigset_t mask;
    struct rlimit files;
} born;

__attribute__((constructor)) static void child_remember(void)
{
    struct sigaction sa;
    for (int sig = 1; sig < 64; sig++) {
        if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
            born.ignored |= 1ull << sig;
    }
    (void)sigprocmask(SIG_SETMASK, NULL, &born.mask);
    (void)getrlimit(RLIMIT_NOFILE, &born.files);
}

static void child_restore(void)
{
    for (int sig = 1; sig < 64; sig++) {
        struct sigaction sa = {.sa_handler = born.ignored >> sig & 1 ? SIG_IGN : SIG_DFL};
        (void)sigaction(sig, &sa, NULL); /* EINVAL for SIGKILL, SIGSTOP and the C library's own */
    }
    (void)setrlimit(RLIMIT_NOFILE, &born.files);
    (void)sigprocmask(SIG_SETMASK, &born.mask, NULL);
}

/* ---- finding it ---- */

/* ENOENT, EACCES, or 0. */
static int child_check(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == EACCES ? EACCES : ENOENT;
    return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? 0 : EACCES;
}

static char *child_join(const char *dir, size_t dir_len, const char *name)
{
    size_t n = strlen(name);
    char *path = malloc(dir_len + n + 3);
    if (!path)
        return NULL;
    memcpy(path, dir, dir_len);
    size_t at = dir_len;
    if (at == 0)
        path[at++] = '.'; /* an empty entry is the current directory */
    path[at++] = '/';
    memcpy(path + at, name, n + 1);
    return path;
}

static char *child_refuse(const char *name, int err, char *why)
{
    if (err == EACCES)
        why_set(why, "%s: is not an executable file: chmod +x it, or name its interpreter", name);
    else if (strchr(name, '/'))
        why_set(why, "%s: no such file: check the path", name);
    else
        why_set(why, "%s: not found in PATH: check the name, install it, or give its path", name);
    errno = err;
    return NULL;
}

char *child_find(const char *name, char *why)
{
    int err = ENOENT;
    if (strchr(name, '/')) {
        err = child_check(name);
        return err ? child_refuse(name, err, why) : strdup(name);
    }
    const char *dir = getenv("PATH");
    if (!dir || !*dir)
        dir = "/usr/bin:/bin";
    for (size_t n; *name; dir += n + 1) {
        n = strcspn(dir, ":");
        char *path = child_join(dir, n, name);
        int e = path ? child_check(path) : ENOENT;
        if (path && e == 0)
            return path;
        free(path);
        if (e == EACCES)
            err = e;
        if (dir[n] == 0)
            break;
    }
    return child_refuse(name, err, why);
}

/* ---- the child ---- */

enum child_step { STEP_PRIVS = 1, STEP_FILTER, STEP_EXEC };

struct child_word {
    int32_t step;  /* 0 = the filter is in place; value is its listener's number */
    int32_t value; /* else an errno */
};

static void child_say(int fd, int step, int value)
{
    struct child_word w = {step, value};
    (void)!write(fd, &w, sizeof w);
}

static int child_filter(void)
{
    struct sock_filter prog[FILTER_MAX];
    struct sock_fprog p = {.len = (unsigned short)filter_build(prog), .filter = prog};
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &p);
    if (fd < 0 && errno == EINVAL) /* before Linux 5.19 a signal may repeat a notification */
        fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
    return fd;
}

__attribute__((noreturn)) static void child_run(const char *path, char **argv, int say, int go)
{
    char c;
    child_restore();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        child_say(say, STEP_PRIVS, errno);
        _exit(127);
    }
    int listener = child_filter();
    if (listener < 0) {
        child_say(say, STEP_FILTER, errno);
        _exit(127);
    }
    child_say(say, 0, listener);
    if (read(go, &c, 1) != 1)
        _exit(127);
    (void)close(listener);
    (void)execvp(path, argv); /* path has a slash; a script without #! is given to the shell */
    child_say(say, STEP_EXEC, errno);
    _exit(127);
}

/* ---- our side ---- */

static void child_explain(const struct child_word *w, const char *name, char *why)
{
    if (w->step == STEP_EXEC)
        why_set(why, "%s: cannot be executed: %s", name, strerror(w->value));
    else if (w->value == EBUSY)
        why_set(why,
                "system calls of this process are already supervised (another `tern run`, or a "
                "container with seccomp notification): run tern outside of it");
    else if (w->value == ENOSYS || w->value == EINVAL)
        why_set(why,
                "this kernel lacks seccomp user notification (CONFIG_SECCOMP_FILTER, Linux 5.14 or "
                "later): use a newer kernel");
    else
        why_set(why, "cannot install the seccomp filter: %s", strerror(w->value));
    errno = w->value;
}

/* What the supervisor needs from the kernel; false with why when something is missing. */
static bool child_features(struct run *r, char *why)
{
    struct seccomp_notif_addfd add = {.flags = SECCOMP_ADDFD_FLAG_SEND}; /* of no notification */
    if (ioctl(r->notify, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 && errno == EINVAL) {
        why_set(why, "this kernel lacks SECCOMP_ADDFD_FLAG_SEND (Linux 5.14): use a newer kernel");
        errno = ENOSYS;
        return false;
    }
    uint64_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP; /* faster where it exists */
    (void)ioctl(r->notify, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
    char probe;
    uint64_t at = (uintptr_t)&born; /* mapped there too, since it is our copy */
    if (mem_read(r->pid, at, &probe, 1) != 0) {
        why_set(why,
                "may not read the program's memory: set kernel.yama.ptrace_scope to 1 or less, or "
                "run as root");
        errno = EPERM;
        return false;
    }
    return true;
}

static bool child_listener(struct run *r, int number, char *why)
{
    r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
    r->notify = r->pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, r->pidfd, number, 0);
    if (r->notify < 0) {
        int err = errno;
        if (err == ENOSYS)
            why_set(why, "this kernel lacks pidfd_getfd (Linux 5.6): use a newer kernel");
        else
            why_set(why,
                    "may not take a descriptor from the program: %s: set kernel.yama.ptrace_scope "
                    "to 1 or less, or run as root",
                    strerror(err));
        errno = err;
        return false;
    }
    (void)fcntl(r->notify, F_SETFD, FD_CLOEXEC);
    return child_features(r, why);
}

static void child_undo(struct run *r)
{
    int err = errno;
    if (r->notify >= 0)
        (void)close(r->notify);
    if (r->pidfd >= 0)
        (void)close(r->pidfd);
    r->notify = r->pidfd = -1;
    if (r->pid > 0) {
        (void)kill(r->pid, SIGKILL);
        (void)waitpid(r->pid, NULL, 0);
    }
    r->pid = 0;
    errno = err;
}

static int child_talk(struct run *r, const char *name, int say, int go, char *why)
{
    struct child_word w;
    if (read(say, &w, sizeof w) != (ssize_t)sizeof w) {
        why_set(why, "%s: the new process died before it began", name);
        errno = ECHILD;
        return -1;
    }
    if (w.step) {
        child_explain(&w, name, why);
        return -1;
    }
    if (!child_listener(r, w.value, why))
        return -1;
    if (write(go, "", 1) != 1) {
        why_set(why, "%s: the new process died before it began", name);
        return -1;
    }
    if (read(say, &w, sizeof w) == (ssize_t)sizeof w) {
        child_explain(&w, name, why);
        return -1;
    }
    return 0;
}

int child_start(struct run *r, char *why)
{
    int say[2], go[2], rc = -1;
    char **argv = r->cfg.argv;
    r->pid = 0;
    r->pidfd = r->notify = -1;
    char *path = child_find(argv[0], why);
    if (!path)
        return -1;
    if (pipe2(say, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0) {
        why_set(why, "cannot make a pipe: %s: raise ulimit -n", strerror(errno));
        free(path);
        return -1;
    }
    r->pid = fork();
    if (r->pid == 0)
        child_run(path, argv, say[1], go[0]);
    (void)close(say[1]);
    (void)close(go[0]);
    if (r->pid < 0)
        why_set(why, "cannot make a process: %s: raise ulimit -u", strerror(errno));
    else
        rc = child_talk(r, argv[0], say[0], go[1], why);
    (void)close(say[0]);
    (void)close(go[1]);
    free(path);
    if (rc < 0)
        child_undo(r);
    return rc;
}
