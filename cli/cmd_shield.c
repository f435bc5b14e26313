/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cmd_shield.c: `tern shield`: one stack on a device, the shield behind it, and a control
 * socket for `tern ss`. It runs until SIGINT or SIGTERM, then resets what is open.
 */
#include "base/time.h"
#include "cmd.h"
#include "orders.h"
#include "port/why.h"
#include "runtime/control.h"
#include "see/snapshot.h"
#include "shield_opts.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <tern/config.h>
#include <unistd.h>

#define SPIN_US  50
#define FLUSH_MS 20

struct shield_run {
    const struct shield_opts *o;
    struct tern_loop *loop;
    struct tern_stack *st;
    struct shield *shield;
    struct control *control;
    struct snapshot_stack seen;
    struct tern_loop_timer flushed;
    int signals;
};

/* ---- `tern ss` ---- */

/* The process column of a client's connection names its other leg. */
static bool on_owner(void *ctx, struct tern_sock sock, char *name, size_t len, int *pid)
{
    struct shield_run *r = ctx;
    *pid = (int)getpid();
    return r->shield && shield_leg(r->shield, sock, name, len);
}

static char *on_ask(void *ctx, size_t *len)
{
    struct shield_run *r = ctx;
    struct snapshot sn = {.name = r->o->name,
                          .pid = (int)getpid(),
                          .program = "shield",
                          .stack = &r->seen,
                          .nstack = 1};
    return snapshot_text(&sn, tern_loop_now(r->loop), len);
}

static char *on_order(void *ctx, const char *line, size_t *len)
{
    struct shield_run *r = ctx;
    return orders_run(&r->st, 1, tern_loop_now(r->loop), line, len);
}

/* ---- life ---- */

static void on_event(void *ctx, const struct tern_event *ev)
{
    struct shield_run *r = ctx;
    if (r->shield)
        shield_on_event(r->shield, ev);
}

static void on_flushed(void *ctx)
{
    struct shield_run *r = ctx;
    tern_loop_stop(r->loop);
}

/* The resets must still leave through the device. */
static void on_signal(void *ctx, int fd, uint32_t events)
{
    struct shield_run *r = ctx;
    struct signalfd_siginfo info;
    (void)events;
    (void)!read(fd, &info, sizeof info);
    if (!r->shield) {
        tern_loop_stop(r->loop);
        return;
    }
    shield_free(r->shield);
    r->shield = NULL;
    r->flushed = (struct tern_loop_timer){.cb = on_flushed, .ctx = r};
    tern_loop_timer_set(r->loop, &r->flushed, time_add_ms(tern_loop_now(r->loop), FLUSH_MS));
}

static int run_signals(struct shield_run *r, char *why)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (r->signals >= 0 && tern_loop_watch(r->loop, r->signals, EPOLLIN, on_signal, r) == 0)
        return 0;
    why_set(why, "signals: no descriptor: raise ulimit -n");
    return -1;
}

static int run_port(struct shield_run *r, struct tern_port **out, char *why)
{
    const struct shield_opts *o = r->o;
    struct tern_port *p = NULL;
    if (value_device_open(&o->device, (enum value_offload)o->syn_offload, o->pcapng != NULL, &p,
                          why) < 0)
        return -1;
    if (o->pcapng && tern_record_new(p, o->pcapng, &p, why) < 0) {
        p->ops->close(p);
        return -1;
    }
    *out = p;
    return 0;
}

static int run_stack(struct shield_run *r, char *why)
{
    const struct shield_opts *o = r->o;
    struct tern_config cfg;
    tern_config_init(&cfg);
    cfg.cpu = tern_cpu_features();
    if (tern_seed_random(cfg.seed) < 0) {
        why_set(why, "the kernel gives no random numbers: getrandom(2) failed");
        return -1;
    }
    struct tern_port *p = NULL;
    r->st = tern_stack_new(&cfg, tern_clock_now(), why);
    if (!r->st || run_port(r, &p, why) < 0)
        return -1;
    struct tern_iface_config ic = {
        .link = p->link,
        .tx_csum = p->tx_csum,
        .mtu = o->mtu && o->mtu < p->mtu ? o->mtu : p->mtu,
        .gso_max = p->gso_max,
        .mac = {0x02, 's', o->addr.b[0], o->addr.b[1], o->addr.b[2], o->addr.b[3]},
        .gateway = o->gw};
    ic.addr[0].addr = o->addr;
    ic.addr[0].prefix = o->prefix;
    int iface = tern_iface_add(r->st, &ic);
    if (iface < 0)
        why_set(why, "interface: %s: mtu %u", tern_strerror(iface), (unsigned)ic.mtu);
    if (iface < 0 || tern_loop_attach(r->loop, r->st, iface, p, on_event, r, why) < 0) {
        p->ops->close(p);
        return -1;
    }
    return 0;
}

static int run_shield(struct shield_run *r, char *why)
{
    struct shield_config cfg = r->o->shield;
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) { /* a descriptor for each connection */
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
    cfg.loop = r->loop;
    cfg.st = r->st;
    cfg.addr = r->o->addr;
    return shield_start(&cfg, &r->shield, why);
}

static int run_control(struct shield_run *r, char *why)
{
    struct control_config cfg = {
        .loop = r->loop, .name = r->o->name, .answer = on_ask, .order = on_order, .ctx = r};
    r->seen = (struct snapshot_stack){.name = "shield", .st = r->st, .owner = on_owner, .ctx = r};
    return control_start(&cfg, &r->control, why);
}

/* One line a service, once clients can connect. */
static int run_announce(const struct shield_run *r)
{
    char at[INET_ADDRSTRLEN];
    const struct shield_opts *o = r->o;
    (void)inet_ntop(AF_INET, o->addr.b, at, sizeof at);
    for (unsigned i = 0; i < o->shield.nservice; i++) {
        const struct shield_service *s = &o->shield.service[i];
        char host[INET_ADDRSTRLEN] = "127.0.0.1";
        if (s->host.addr.fam != TERN_AF_NONE)
            (void)inet_ntop(AF_INET, s->host.addr.b, host, sizeof host);
        (void)printf("%s:%u -> %s:%u\n", at, (unsigned)s->port, host, (unsigned)s->host.port);
    }
    return fflush(stdout);
}

static void run_free(struct shield_run *r)
{
    shield_free(r->shield);
    control_free(r->control);
    tern_loop_free(r->loop);
    tern_stack_free(r->st);
    if (r->signals >= 0)
        (void)close(r->signals);
}

int cmd_shield(int argc, char **argv)
{
    static struct shield_opts o;
    char why[TERN_WHY] = "";
    struct shield_run r = {.o = &o, .signals = -1};
    switch (shield_opts_parse(argc, argv, &o, why)) {
    case SHIELD_OPTS_HELP:
        return 0;
    case SHIELD_OPTS_BAD:
        (void)fprintf(stderr, "tern shield: %s\n", why);
        return EXIT_TERN;
    case SHIELD_OPTS_GO:
        break;
    }
    int err = -1;
    if ((r.loop = tern_loop_new(SPIN_US, why)) != NULL && run_signals(&r, why) == 0 &&
        run_stack(&r, why) == 0 && run_shield(&r, why) == 0 && run_control(&r, why) == 0) {
        err = run_announce(&r);
        if (err != 0)
            why_set(why, "standard output: cannot write");
        else if ((err = tern_loop_run(r.loop)) != 0)
            why_set(why, "event loop: %s", strerror(-err));
    }
    if (err != 0)
        (void)fprintf(stderr, "tern shield: %s\n", why);
    run_free(&r);
    return err == 0 ? 0 : EXIT_TERN;
}
