/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/session.c: the life of a run.
 *
 * Files are opened before anything is started, and the program last: a run that cannot be watched
 * as it was asked to be does not begin. When the program and its children have gone, the loop goes
 * on until what they sent has reached the host's sockets and the last FIN is acknowledged, but at
 * most SETTLE_MS (SETTLE_MAX_MS while octets are on their way to a slow host): a peer that never
 * answers does not keep the shell waiting. TIME-WAIT is not waited for.
 */
#include "session.h"

#include "base/assert.h"
#include "base/time.h"
#include "orders.h"
#include "port/why.h"
#include "see/text.h"
#include "session_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPIN_US       50 /* waking another CPU costs more than this */
#define SETTLE_MS     3000
#define SETTLE_MAX_MS 60000 /* while something that the program sent has not reached the host */

/* ---- watching ---- */

static void see_ladder(void *ctx, unsigned stack, const struct tern_trace *r)
{
    ladder_add(ctx, stack, r);
}

static void see_ladder_missed(void *ctx, unsigned stack, uint64_t n)
{
    (void)stack;
    ladder_missed(ctx, n);
}

static FILE *session_file(const char *path, const char *option, char *why)
{
    FILE *f = fopen(path, "we");
    if (!f)
        why_set(why, "%s: cannot write %.150s: %s", option, path, strerror(errno));
    return f;
}

static int session_files(struct session *s, char *why)
{
    if (s->o->events && !(s->events_file = session_file(s->o->events, "--events", why)))
        return -1;
    if (s->o->ladder_file && !(s->ladder_file = session_file(s->o->ladder_file, "--ladder", why)))
        return -1;
    return 0;
}

static uint32_t session_msl_ms(void)
{
    struct tern_config cfg;
    tern_config_init(&cfg);
    return cfg.msl_ms;
}

static int session_watch(struct session *s, char *why)
{
    const char *peer = s->gateway ? "gateway" : "peer";
    if (s->o->ladder) {
        uint32_t msl_ms = s->o->msl_ms ? s->o->msl_ms : session_msl_ms();
        struct ladder_config cfg = {.one_sided = !s->gateway,
                                    .left = "guest",
                                    .right = peer,
                                    .time_wait_us = 2000 * msl_ms};
        s->ladder = ladder_new(&cfg);
        if (!s->ladder) {
            why_set(why, "--ladder: out of memory");
            return -1;
        }
        feed_add_sink(&s->feed, &(struct feed_sink){see_ladder, see_ladder_missed, s->ladder});
    }
    if (s->events_file) {
        events_begin(&s->events, s->events_file, s->zero, s->name, s->o->argv, "guest", "gateway");
        feed_add_sink(&s->feed, &(struct feed_sink){events_record, events_missed, &s->events});
    }
    return 0;
}

/* ---- the control socket ---- */

static bool session_owner(void *ctx, struct tern_sock sock, char *name, size_t len, int *pid)
{
    const struct session *s = ctx;
    return s->run && run_owner(s->run, sock, name, len, pid);
}

static char *session_answer(void *ctx, size_t *len)
{
    struct session *s = ctx;
    struct snapshot sn = {.name = s->name,
                          .pid = (int)getpid(),
                          .program = s->o->argv[0],
                          .stack = s->seen,
                          .nstack = s->gateway ? 2 : 1};
    return snapshot_text(&sn, tern_loop_now(s->loop), len);
}

static char *session_order(void *ctx, const char *line, size_t *len)
{
    struct session *s = ctx;
    return orders_run(&s->guest, 1, tern_loop_now(s->loop), line, len);
}

/* A run that cannot be asked is still a run, unless the user named it in order to ask. */
static int session_control(struct session *s, char *why)
{
    s->seen[0] =
        (struct snapshot_stack){.name = "guest", .st = s->guest, .owner = session_owner, .ctx = s};
    s->seen[1] = (struct snapshot_stack){.name = "gateway", .st = s->gateway};
    struct control_config cfg = {.loop = s->loop,
                                 .name = s->name,
                                 .answer = session_answer,
                                 .order = session_order,
                                 .ctx = s};
    char warning[TERN_WHY] = "";
    if (control_start(&cfg, &s->control, warning) == 0)
        return 0;
    if (s->o->name) {
        why_set(why, "--name: `tern ss` could not reach this run: %s", warning);
        return -1;
    }
    (void)fprintf(stderr, "tern run: warning: `tern ss` cannot see this run: %s\n", warning);
    return 0;
}

/* ---- the end ---- */

/* Has all that the program sent been carried, and both ends' FINs acknowledged? */
static bool session_settled(const struct session *s)
{
    if (!s->gateway)
        return true;
    struct tern_usage u;
    tern_stack_usage(s->gateway, &u);
    return !gate_busy(s->gate) && u.conns == 0 && u.half_open == 0;
}

static void on_turn(void *ctx)
{
    struct session *s = ctx;
    if (session_traced(s->o))
        feed_pull(&s->feed);
    if (s->events_file)
        (void)fflush(s->events_file);
    if (s->idle && session_settled(s))
        tern_loop_stop(s->loop);
}

/* Octets that the gateway has acknowledged and not yet given to a host's socket. */
static bool session_carrying(const struct session *s)
{
    uint64_t cursor = 0;
    struct tern_info info;
    while (s->gateway && tern_inspect_next(s->gateway, &cursor, &info, tern_loop_now(s->loop))) {
        if (info.kind == TERN_INFO_CONN && info.rcvq > 0)
            return true;
    }
    return false;
}

static void on_settle_over(void *ctx)
{
    struct session *s = ctx;
    s->settled_ms += SETTLE_MS;
    if (session_carrying(s) && s->settled_ms < SETTLE_MAX_MS)
        tern_loop_timer_set(s->loop, &s->settle, time_add_ms(tern_loop_now(s->loop), SETTLE_MS));
    else
        tern_loop_stop(s->loop);
}

static void on_exit_status(void *ctx, int wait_status)
{
    struct session *s = ctx;
    s->exited = true;
    s->wait_status = wait_status;
}

static void on_idle(void *ctx)
{
    struct session *s = ctx;
    if (s->idle)
        return;
    s->idle = true;
    s->settle = (struct tern_loop_timer){.cb = on_settle_over, .ctx = s};
    tern_loop_timer_set(s->loop, &s->settle, time_add_ms(tern_loop_now(s->loop), SETTLE_MS));
}

void session_signal(struct session *s, int sig, bool terminal)
{
    if (s->exited)
        tern_loop_stop(s->loop); /* the user does not want to wait for what is left */
    else if (!terminal)
        run_signal(s->run, sig);
}

/* ---- life ---- */

static int session_gate(struct session *s, char *why)
{
    const struct run_opts *o = s->o;
    if (!s->gateway)
        return 0;
    struct gate_config cfg = {.loop = s->loop,
                              .st = s->gateway,
                              .self = o->gw,
                              .guest = o->addr,
                              .dns = o->dns,
                              .nforward = o->nforward};
    tern_assert(o->nforward <= GATE_FORWARDS);
    for (unsigned i = 0; i < o->nforward; i++)
        cfg.forward[i] = (struct gate_forward){
            .udp = o->forward[i].udp, .host = o->forward[i].host, .guest_port = o->forward[i].port};
    return gate_start(&cfg, &s->gate, why);
}

static int session_program(struct session *s, char *why)
{
    struct run_config cfg = {.loop = s->loop,
                             .st = s->guest,
                             .addr = s->o->addr,
                             .argv = s->o->argv,
                             .cc = s->o->cc,
                             .policy = s->o->policy_given ? &s->o->policy : NULL,
                             .backlog = s->o->backlog,
                             .on_exit = on_exit_status,
                             .on_idle = on_idle,
                             .ctx = s};
    if (s->gateway)
        cfg.host = s->o->gw;
    return run_start(&cfg, &s->run, why);
}

static void session_free(struct session *s)
{
    if (s->settle.armed)
        tern_loop_timer_stop(s->loop, &s->settle);
    if (s->run)
        run_free(s->run);
    if (s->gate)
        gate_free(s->gate);
    control_free(s->control);
    tern_loop_free(s->loop);
    tern_stack_free(s->guest);
    tern_stack_free(s->gateway);
    ladder_free(s->ladder);
    if (s->events_file)
        (void)fclose(s->events_file);
    if (s->ladder_file)
        (void)fclose(s->ladder_file);
    memset(s, 0, sizeof *s);
}

int session_open(struct session *s, const struct run_opts *o, char *why)
{
    memset(s, 0, sizeof *s);
    s->o = o;
    s->zero = tern_clock_now();
    if (o->name)
        (void)snprintf(s->name, sizeof s->name, "%s", o->name);
    else
        value_name_from_path(o->argv[0], s->name);
    if (session_files(s, why) == 0 && (s->loop = tern_loop_new(SPIN_US, why)) != NULL &&
        session_link(s, why) == 0 && session_watch(s, why) == 0 && session_gate(s, why) == 0 &&
        session_control(s, why) == 0) {
        tern_loop_on_turn(s->loop, on_turn, s);
        if (session_program(s, why) == 0)
            return 0;
    }
    session_free(s);
    return -1;
}

int session_run(struct session *s, char *why)
{
    int err = tern_loop_run(s->loop);
    if (err == 0)
        return 0;
    why_set(why, "event loop: %s", strerror(-err));
    return -1;
}

static int session_draw(struct session *s, char *why)
{
    if (!s->ladder)
        return 0;
    FILE *f = s->ladder_file ? s->ladder_file : stderr;
    struct ladder_style style = {.utf8 = text_utf8(), .colour = text_colour(f)};
    if (ladder_draw(s->ladder, f, &style) == 0)
        return 0;
    why_set(why, "--ladder: cannot write%s%.150s: %s", s->ladder_file ? " " : "",
            s->ladder_file ? s->o->ladder_file : "", strerror(errno));
    return -1;
}

int session_close(struct session *s, char *why)
{
    if (session_traced(s->o))
        feed_pull(&s->feed);
    int rc = session_draw(s, why);
    if (s->events_file && (fflush(s->events_file) != 0 || ferror(s->events_file))) {
        why_set(why, "--events: cannot write %.150s: %s", s->o->events, strerror(errno));
        rc = -1;
    }
    session_free(s);
    return rc;
}
