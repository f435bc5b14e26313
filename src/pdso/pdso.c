/* SPDX-License-Identifier: BSD-2-Clause */
/* pdso/pdso.c: one script's stack: its settings, its clock, its packets and its end. */
#include "pdso/pdso.h"

#include "pdso/iface.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/port.h>
#include <tern/stack.h>
#include <time.h>
#include <unistd.h>

#define EXPORT  __attribute__((visibility("default")))
#define SYSCTLS "/proc/sys/net/ipv4"

#define EPOCH_US 1000000000000 /* any instant will do */
#define HORIZON_US                                                                                 \
    10000000000             /* longer than any timer: keepalive's first probe is at two hours      \
                             */
#define PATIENCE_US 2000000 /* of a call in the script's own thread that would block */

static _Thread_local int64_t
    ended_us; /* when this thread's last blocking call was over; 0 = told */

void pd_die(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(ap);
    (void)fprintf(stderr, "tern: %s\n", text);
    exit(1);
}

int64_t pd_result(int64_t ret)
{
    if (ret >= 0)
        return ret;
    errno = (int)-ret;
    return -1;
}

/* ---- settings ---- */

/* One NAME=VALUE, or a name alone, of --so_flags. `all`: the settings that a sysctl may overrule
 * too. */
static void flag(struct pd *pd, char *word, bool all)
{
    char why[CONF_WHY];
    char *value = strchr(word, '=');
    if (value)
        *value++ = 0;
    if (!value && strcmp(word, "lenient") == 0) {
        pd->lenient = true;
        return;
    }
    if (!value && strcmp(word, "verbose") == 0) {
        pd->verbose = true;
        return;
    }
    if (!value)
        pd_die("--so_flags: %s: NAME=VALUE, `lenient` or `verbose` was expected", word);
    if (strcmp(word, "horizon") == 0) {
        pd->horizon_us = strtoll(value, NULL, 10) * 1000000;
        return;
    }
    if (strcmp(word, "profile") == 0 && !all)
        return;
    enum conf_verdict v = conf_option(&pd->conf, word, value, why);
    if (v == CONF_UNKNOWN)
        v = conf_field(&pd->conf, word, value, why);
    if (v != CONF_DONE)
        pd_die("--so_flags: %s", why);
}

static void take_flags(struct pd *pd, bool all)
{
    char *copy = strdup(pd->flags), *rest = copy;
    if (!copy)
        abort();
    for (char *w; (w = strsep(&rest, ", \t")) != NULL;) {
        if (*w)
            flag(pd, w, all);
    }
    free(copy);
}

/* A sysctl as this network namespace has it. */
static void take_sysctl(struct pd *pd, const char *name)
{
    char path[512], value[256], why[CONF_WHY];
    (void)snprintf(path, sizeof path, SYSCTLS "/%.200s", name);
    FILE *f = fopen(path, "re");
    if (!f)
        return; /* not for us to read */
    if (fgets(value, sizeof value, f)) {
        value[strcspn(value, "\n")] = 0;
        if (conf_sysctl(&pd->conf, name, value, why) == CONF_WRONG && pd->verbose)
            (void)fprintf(stderr, "tern: %s\n", why);
    }
    (void)fclose(f);
}

/* Scripts set sysctls with the system's own tools; what they mean here is taken from where those
 * wrote it. */
static void take_sysctls(struct pd *pd)
{
    DIR *d = opendir(SYSCTLS);
    if (!d)
        return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strncmp(e->d_name, "tcp_", 4) == 0 || strncmp(e->d_name, "ip_", 3) == 0)
            take_sysctl(pd, e->d_name);
    }
    (void)closedir(d);
}

int pd_configure(struct pd *pd)
{
    char why[TERN_WHY];
    if (pd->open)
        return 0;
    take_sysctls(pd);
    take_flags(pd, false);
    if (vhost_open(&pd->vh, &pd->conf.host, why) < 0)
        pd_die("%s", why);
    pd->epoch = pd->vh.now;
    pd->vh.wall_off_ns = pd->base_us * 1000 - pd->epoch.ns;
    pd->open = true;
    return 0;
}

/* A file of the folder that the runner of scripts shares with us (TERN_PDSO); false: there is none.
 */
static bool shared(const char *name, char *path, size_t cap)
{
    const char *folder = getenv("TERN_PDSO");
    return folder && (size_t)snprintf(path, cap, "%s/%s", folder, name) < cap;
}

/* A script may have set sysctls since, or flushed the kernel's memory of other hosts. */
void pd_configure_again(struct pd *pd)
{
    char path[512];
    if (shared("flush", path, sizeof path) && unlink(path) == 0)
        tern_forget_paths(pd->vh.st);
    take_sysctls(pd);
    take_flags(pd, false);
    vhost_settings(&pd->vh, &pd->conf.host);
}

/* ---- the clock ---- */

static int64_t us_of(const struct pd *pd, struct tern_time t)
{
    return pd->base_us + (t.ns - pd->epoch.ns) / 1000;
}

int64_t pd_now_us(const struct pd *pd)
{
    return pd->open ? us_of(pd, pd->vh.now) : pd->base_us;
}

static struct tern_time instant(const struct pd *pd, int64_t us)
{
    return (struct tern_time){pd->epoch.ns + (us - pd->base_us) * 1000};
}

void pd_retry(struct pd *pd)
{
    bool some = false;
    for (struct pd_wait *w = pd->waits; w; w = w->next) {
        if (w->done || !vhost_call(&pd->vh, &w->vc))
            continue;
        w->done = some = true;
        pd->untold += !w->own;
        w->done_us = pd_now_us(pd);
    }
    if (some)
        pthread_cond_broadcast(&pd->cond);
}

bool pd_step(struct pd *pd, int64_t us)
{
    struct tern_time limit = instant(pd, us);
    bool capped = false;
    for (const struct pd_wait *w = pd->waits; w; w = w->next) {
        if (!w->done && w->vc.until.ns > pd->vh.now.ns && w->vc.until.ns < limit.ns) {
            limit = w->vc.until;
            capped = true;
        }
    }
    bool more = vhost_step_to(&pd->vh, limit);
    pd_retry(pd);
    return more || capped;
}

static void run_to(struct pd *pd, int64_t us)
{
    if (!pd->open)
        pd->base_us = us;
    while (pd->open && pd_step(pd, us))
        ;
}

static int pd_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
    struct pd *pd = u;
    (void)tz;
    pthread_mutex_lock(&pd->lock);
    int64_t us = ended_us;
    ended_us = 0;
    if (us != 0) {
        pd->untold--;
        pthread_cond_broadcast(&pd->cond);
    } else {
        us = pd_now_us(pd) + 1;
        run_to(pd, us);
    }
    pthread_mutex_unlock(&pd->lock);
    tv->tv_sec = us / 1000000;
    tv->tv_usec = us % 1000000;
    return 0;
}

/* Virtual time is too fast for the other thread: before it goes on, that one gets real time to do
 * with the result of its call what it has to. */
static void let_others_run(struct pd *pd)
{
    struct timespec end;
    if (pd->untold == 0 || !pthread_equal(pthread_self(), pd->main))
        return;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec++;
    while (pd->untold && pthread_cond_timedwait(&pd->cond, &pd->lock, &end) == 0)
        ;
    pthread_mutex_unlock(&pd->lock);
    (void)usleep(1000);
    pthread_mutex_lock(&pd->lock);
}

static int pd_usleep(void *u, useconds_t us)
{
    struct pd *pd = u;
    pthread_mutex_lock(&pd->lock);
    let_others_run(pd);
    run_to(pd, pd_now_us(pd) + us);
    pthread_mutex_unlock(&pd->lock);
    return 0;
}

/* ---- calls that wait ---- */

/* The script's own thread makes time pass by itself; what is not over then never will be. */
static void wait_here(struct pd *pd, struct pd_wait *w)
{
    int64_t until = pd_now_us(pd) + PATIENCE_US;
    while (!w->done && pd_step(pd, until))
        ;
    if (!w->done) {
        (void)fprintf(stderr, "tern: a call that is not meant to block would block\n");
        w->vc.ret = -EAGAIN;
    }
}

int64_t pd_wait_call(struct pd *pd, struct vcall *vc)
{
    bool own = pthread_equal(pthread_self(), pd->main);
    struct pd_wait w = {.vc = *vc, .next = pd->waits, .own = own};
    if (vhost_call(&pd->vh, &w.vc)) {
        w.done = true;
        w.done_us = pd_now_us(pd);
        pd->untold += !own;
        pd_retry(pd);
    }
    pd->waits = &w;
    if (!w.done && own)
        wait_here(pd, &w);
    while (!w.done && !own)
        pthread_cond_wait(&pd->cond, &pd->lock);
    struct pd_wait **at = &pd->waits;
    while (*at != &w)
        at = &(*at)->next;
    *at = w.next;
    if (!own) {
        ended_us = w.done_us;
    }
    *vc = w.vc;
    return w.vc.ret;
}

/* ---- packets ---- */

/* Counters that scripts look for with `nstat`, by the kernel's names. */
static void tell_counters(const struct pd *pd)
{
    static const struct {
        const char *kernel, *cause;
    } names[] = {{"TcpExtOutOfWindowIcmps", "drop-icmp-no-match"}};
    char path[512];
    FILE *f = shared("nstat", path, sizeof path) ? fopen(path, "we") : NULL;
    if (!f)
        return;
    for (unsigned i = 0; i < tern_cause_count(); i++) {
        for (unsigned k = 0; k < sizeof names / sizeof *names; k++) {
            uint64_t n = tern_counter(pd->vh.st, i);
            if (n && strcmp(tern_cause_name(i), names[k].cause) == 0)
                (void)fprintf(f, "%s %llu 0.0\n", names[k].kernel, (unsigned long long)n);
        }
    }
    (void)fclose(f);
}

static int pd_netdev_send(void *u, const void *packet, size_t n)
{
    struct pd *pd = u;
    pthread_mutex_lock(&pd->lock);
    (void)pd_configure(pd);
    pd_note_in(pd, packet, n);
    vhost_rx(&pd->vh, packet, (uint32_t)n);
    if (n > 9 && ((const uint8_t *)packet)[9] == IPPROTO_ICMP)
        tell_counters(pd);
    pd_retry(pd);
    pthread_mutex_unlock(&pd->lock);
    return 0;
}

static int pd_netdev_receive(void *u, void *packet, size_t *n, long long *time_us)
{
    struct pd *pd = u;
    const struct vframe *f;
    char text[160];
    pthread_mutex_lock(&pd->lock);
    (void)pd_configure(pd);
    int64_t until = pd_now_us(pd) + pd->horizon_us;
    while (!vhost_frame(&pd->vh) && (vhost_deadline(&pd->vh).ns != TERN_NEVER.ns || pd->waits) &&
           pd_step(pd, until))
        ;
    f = vhost_frame(&pd->vh);
    if (!f) {
        (void)fprintf(stderr, "tern: no packet is sent, however long one waits\n");
        *n = 0;
        pthread_mutex_unlock(&pd->lock);
        return 0;
    }
    const char *wrong = pd_check_out(pd, f);
    if (wrong) {
        pd_say_frame(f, text, sizeof text);
        pd_die("%s: %s", wrong, text);
    }
    if (f->len > *n)
        pd_die("a packet of %u octets does not fit into %zu", f->len, *n);
    memcpy(packet, f->data, f->len);
    *n = f->len;
    *time_us = us_of(pd, f->time);
    vhost_drop(&pd->vh);
    pthread_mutex_unlock(&pd->lock);
    return 0;
}

/* ---- begin and end ---- */

static void pd_free(void *u)
{
    struct pd *pd = u;
    char text[160];
    pthread_mutex_lock(&pd->lock);
    size_t left = pd->ended ? pd->leftover : pd->vh.count;
    for (size_t i = 0; i < left && vhost_frame(&pd->vh); i++) {
        pd_say_frame(vhost_frame(&pd->vh), text, sizeof text);
        (void)fprintf(stderr, "tern: left over: no line of the script expects %s\n", text);
        vhost_drop(&pd->vh);
    }
    if (left && !pd->lenient)
        pd_die("%zu packets were left over; --so_flags=lenient forgives that", left);
    pd_fds_of(NULL);
    for (int fd = 0; fd < PD_FDS; fd++)
        pd_fd_free(pd, fd);
    if (pd->open)
        vhost_close(&pd->vh);
    pthread_mutex_unlock(&pd->lock);
    pthread_cond_destroy(&pd->cond);
    pthread_mutex_destroy(&pd->lock);
    free(pd->flags);
    free(pd);
}

EXPORT void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc)
{
    struct pd *pd = calloc(1, sizeof *pd);
    if (!pd)
        abort();
    pthread_mutex_init(&pd->lock, NULL);
    pthread_cond_init(&pd->cond, NULL);
    pd->main = pthread_self();
    pd->base_us = EPOCH_US;
    pd->horizon_us = HORIZON_US;
    pd->flags = strdup(flags ? flags : "");
    if (!pd->flags)
        abort();
    conf_init(&pd->conf);
    take_flags(pd, true);
    pd_fill_calls(ifc);
    ifc->userdata = pd;
    ifc->free = pd_free;
    ifc->netdev_send = pd_netdev_send;
    ifc->netdev_receive = pd_netdev_receive;
    ifc->usleep = pd_usleep;
    ifc->gettimeofday = pd_gettimeofday;
    pd_fds_of(pd);
}
