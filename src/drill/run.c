/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/run.c: a script from its first line to its last, on one clock.
 *
 * Each event has an instant. For a call, an inbound packet, a command or a piece of Python the
 * clock is run to that instant and the event is done; for an outbound packet the clock runs until
 * there is one, and the instant at which the stack sent it is compared. Since nothing but the
 * stack's timers and the script takes time, a run is exact, and the same every time.
 *
 * A relative instant counts from the event before: from when that was meant to be if it had one
 * instant, from when it was if it had a range or none.
 */
#include "drill/run.h"

#include "see/ladder.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <tern/port.h>
#include <tern/stack.h>

#define US 1000

int64_t drill_now_us(const struct drill *d)
{
    return (d->vh.now.ns - d->zero.ns) / US;
}

static struct tern_time instant(const struct drill *d, int64_t us)
{
    return (struct tern_time){d->zero.ns + us * US};
}

void drill_fail(struct drill *d, const char *fmt, ...)
{
    if (d->failed)
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(d->why, sizeof d->why, fmt, ap);
    va_end(ap);
    d->failed = true;
}

void drill_warn(struct drill *d, struct pos at, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (d->opt->strict)
        drill_fail(d, "%s (--strict)", text);
    else
        (void)fprintf(d->report, "warning: %s:%u:%u: %s\n", d->s.path, at.line, at.col, text);
}

/* ---- time ---- */

bool drill_check_time(struct drill *d, const char *what, int64_t at_us, int64_t lo_us,
                      int64_t hi_us)
{
    if (at_us >= lo_us - d->tolerance_us && at_us <= hi_us + d->tolerance_us)
        return true;
    if (lo_us == hi_us)
        drill_fail(d, "%s at %.6f s, expected at %.6f s (tolerance %.6f s)", what,
                   (double)at_us / 1e6, (double)lo_us / 1e6, (double)d->tolerance_us / 1e6);
    else
        drill_fail(d, "%s at %.6f s, expected between %.6f and %.6f s (tolerance %.6f s)", what,
                   (double)at_us / 1e6, (double)lo_us / 1e6, (double)hi_us / 1e6,
                   (double)d->tolerance_us / 1e6);
    return false;
}

bool drill_step(struct drill *d, int64_t us)
{
    struct tern_time limit = instant(d, us);
    bool capped = false;
    for (unsigned i = 0; i < DRILL_WAITING; i++) {
        const struct made *m = &d->waiting[i];
        bool timed = m->vc.op == VOP_POLL || m->vc.op == VOP_EPOLL || m->vc.op == VOP_CLOSE;
        if (m->waits && timed && m->vc.until.ns < limit.ns && m->vc.until.ns > d->vh.now.ns) {
            limit = m->vc.until;
            capped = true;
        }
    }
    bool more = vhost_step_to(&d->vh, limit);
    drill_collect(d);
    drill_retry(d);
    return more || capped;
}

void drill_run_to(struct drill *d, int64_t us)
{
    while (!d->failed && drill_step(d, us))
        ;
}

/* Works out when the event is due. */
static void event_time(struct drill *d)
{
    const struct when *w = &d->ev->when;
    int64_t base = w->kind == WHEN_REL || w->kind == WHEN_REL_RANGE ? d->last_us : 0;
    d->want_us = base + w->us;
    d->want2_us = base + w->us2;
    if (w->kind == WHEN_ANY)
        d->want_us = d->want2_us = drill_now_us(d);
    double part = (double)(d->want_us - d->last_us) * d->conf.tolerance_percent / 100.0;
    d->tolerance_us = d->conf.tolerance_us;
    if (part > (double)d->tolerance_us)
        d->tolerance_us = (int64_t)part;
}

/* ---- settings ---- */

static void take_options(struct drill *d)
{
    char why[CONF_WHY];
    for (const char *const *p = d->opt->set; p && *p && !d->failed; p++) {
        char name[64];
        const char *eq = strchr(*p, '=');
        (void)snprintf(name, sizeof name, "%.*s", eq ? (int)(eq - *p) : 63, *p);
        if (!eq || conf_field(&d->conf, name, eq + 1, why) != CONF_DONE)
            drill_fail(d, "--set %s: %s", *p, eq ? why : "NAME=VALUE was expected");
    }
    for (const struct option *o = d->s.options; o && !d->failed; o = o->next) {
        enum conf_verdict v = conf_option(&d->conf, o->name, o->value, why);
        if (v == CONF_WRONG)
            drill_fail(d, "line %u: %s", o->pos.line, why);
        else if (v == CONF_UNKNOWN)
            drill_warn(d, o->pos, "%s", why);
    }
}

static void command(struct drill *d)
{
    const char *rest = d->ev->text;
    char why[CONF_WHY];
    bool changed = false;
    while (*rest && !d->failed) {
        enum conf_verdict v = conf_command(&d->conf, &rest, &changed, why);
        if (v == CONF_UNKNOWN)
            drill_warn(d, d->ev->text_pos, "%s", why);
        else if (v == CONF_WRONG)
            drill_fail(d, "%s", why);
    }
    if (changed && d->configured)
        vhost_settings(&d->vh, &d->conf.host);
    if (d->configured && d->conf.host.mtu != d->vh.cfg.mtu)
        drill_warn(d, d->ev->text_pos,
                   "the link is there from the first call or packet on: its MTU comes too late");
    if (d->conf.forget && d->configured)
        tern_forget_paths(d->vh.st);
    d->conf.forget = false;
}

static void trace(void *ctx, const struct tern_trace *r)
{
    struct drill *d = ctx;
    if (d->ladder)
        ladder_add(d->ladder, 0, r);
}

static void configure(struct drill *d)
{
    char why[TERN_WHY];
    if (d->configured)
        return;
    if (vhost_open(&d->vh, &d->conf.host, why) < 0) {
        drill_fail(d, "%s", why);
        return;
    }
    d->configured = true;
    d->zero = d->vh.now;
    d->vh.wall_off_ns = -d->zero.ns; /* timestamps are told in the script's time */
    if (d->opt->ladder) {
        struct ladder_config lc = {.one_sided = true,
                                   .left = "tern",
                                   .right = "script",
                                   .time_wait_us = 2000 * d->conf.host.tern.msl_ms};
        d->ladder = ladder_new(&lc);
        d->vh.trace = trace;
        d->vh.trace_ctx = d;
    }
}

/* ---- the run ---- */

static void run_event(struct drill *d)
{
    const struct event *e = d->ev;
    if (e->kind == EVENT_COMMAND && (e->timeless || !d->configured)) {
        command(d);
        return;
    }
    configure(d);
    if (d->failed)
        return;
    event_time(d);
    if (e->kind == EVENT_PACKET && e->pkt->out) {
        drill_packet(d);
    } else {
        int64_t now = drill_now_us(d);
        if (d->want_us < now &&
            !drill_check_time(d, "the clock stands", now, d->want_us, d->want_us))
            return;
        drill_run_to(d, d->want_us);
        if (d->failed)
            return;
        if (e->kind == EVENT_PACKET)
            drill_packet(d);
        else if (e->kind == EVENT_CALL)
            drill_call(d);
        else if (e->kind == EVENT_CODE)
            drill_code(d);
        else
            command(d);
        drill_collect(d);
        drill_retry(d);
        d->last_us = d->want_us;
    }
}

/* Calls that still wait get the time that their lines give them. */
static void finish_calls(struct drill *d)
{
    for (unsigned i = 0; i < DRILL_WAITING && !d->failed; i++) {
        struct made *m = &d->waiting[i];
        if (!m->waits)
            continue;
        int64_t end = m->begun_us + m->ev->call->end_us - m->ev->when.us;
        d->ev = m->ev;
        d->tolerance_us = d->conf.tolerance_us;
        drill_run_to(d, end + d->tolerance_us);
        if (m->waits)
            drill_fail(d, "%s() still waits at %.6f s", m->ev->call->name,
                       (double)drill_now_us(d) / 1e6);
    }
}

static void drill_free(struct drill *d)
{
    held_free(d);
    for (unsigned i = 0; i < DRILL_WAITING; i++)
        made_free(&d->waiting[i]);
    for (unsigned i = 0; i < d->nflow; i++)
        dflow_free(&d->flow[i]);
    if (d->code)
        (void)fclose(d->code);
    if (d->ladder)
        ladder_free(d->ladder);
    if (d->configured)
        vhost_close(&d->vh);
    script_free(&d->s);
    free(d);
}

static void cannot_read(const struct drill *d)
{
    size_t n;
    const struct script *s = &d->s;
    if (s->err_pos.line == 0) {
        (void)fprintf(d->report, "%s: %s\n", s->path, s->err);
        return;
    }
    const char *line = script_line(s, s->err_pos.line, &n);
    (void)fprintf(d->report, "%s:%u:%u: %s\n", s->path, s->err_pos.line, s->err_pos.col, s->err);
    (void)fprintf(d->report, "%6u | %.*s\n       | ", s->err_pos.line, (int)n, line);
    for (unsigned i = 1; i < s->err_pos.col && i <= n; i++)
        (void)fputc(line[i - 1] == '\t' ? '\t' : ' ', d->report);
    (void)fputs("^\n", d->report);
}

static bool drill_all(struct drill *d, bool readable)
{
    if (!readable) {
        cannot_read(d);
        drill_free(d);
        return false;
    }
    take_options(d);
    for (d->ev = d->s.events; d->ev && !d->failed;) {
        run_event(d);
        if (!d->failed)
            d->ev = d->ev->next;
    }
    if (!d->failed) {
        finish_calls(d);
        drill_leftovers(d);
        drill_code_end(d);
    }
    bool ok = !d->failed;
    if (!ok)
        drill_report(d);
    drill_free(d);
    return ok;
}

static struct drill *drill_new(const struct drill_options *opt, FILE *report)
{
    struct drill *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->opt = opt;
    d->report = report;
    d->held_tail = &d->held;
    d->next_port = 40001;
    conf_init(&d->conf);
    return d;
}

bool drill_file(const char *path, const struct drill_options *opt, FILE *report)
{
    struct drill *d = drill_new(opt, report);
    return drill_all(d, script_load(&d->s, path));
}

bool drill_text(const char *path, const char *text, size_t len, const struct drill_options *opt,
                FILE *report)
{
    struct drill *d = drill_new(opt, report);
    return drill_all(d, script_parse(&d->s, path, text, len));
}
