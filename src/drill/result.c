/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/result.c: judges what a call gave: its result and errno, values that it filled in, and
 * every octet that it read. */
#include "drill/names.h"
#include "drill/run.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <tern/socket.h>

static void say_result(int64_t ret, char *out, size_t cap)
{
    if (ret < 0)
        (void)snprintf(out, cap, "-1 %s", name_of_errno((int)-ret));
    else
        (void)snprintf(out, cap, "%lld", (long long)ret);
}

static bool ret_fits(struct drill *d, const struct made *m, int64_t want)
{
    const struct call *c = m->ev->call;
    if (want >= 0)
        return m->makes_fd ? m->ret >= 0 : m->ret == want;
    if (m->ret >= 0)
        return false;
    if (!c->err)
        return true;
    int err = name_errno(c->err);
    if (!err)
        drill_fail(d, "no errno is named %.40s here", c->err);
    return err == -m->ret;
}

static void bad_result(struct drill *d, const struct made *m, int64_t want)
{
    const struct call *c = m->ev->call;
    say_result(m->ret, d->seen, sizeof d->seen);
    if (want < 0)
        (void)snprintf(d->expected, sizeof d->expected, "-1 %s", c->err ? c->err : "");
    else
        (void)snprintf(d->expected, sizeof d->expected, "%lld", (long long)want);
    drill_fail(d, "%s() returned %s, expected %s", c->name, d->seen, d->expected);
}

void drill_name_fd(struct drill *d, int script, int live)
{
    if (drill_live_fd(d, script) >= 0) {
        drill_fail(d, "the script calls %d what is still another open descriptor", script);
        return;
    }
    if (d->nfd == DRILL_FDS) {
        drill_fail(d, "a script may have %d open descriptors", DRILL_FDS);
        return;
    }
    d->fd[d->nfd].script = script;
    d->fd[d->nfd++].live = live;
}

/* ---- data ---- */

static void result_read(struct drill *d, const struct made *m)
{
    struct vsock *s = vh_sock(&d->vh, m->vc.fd);
    size_t n = (size_t)m->ret;
    int inl = 0;
    size_t len = sizeof inl;
    if (m->data && (n != m->data->len || memcmp(m->buf, m->data->text, n) != 0)) {
        drill_fail(d, "%s() has read other octets than the string of this line", m->ev->call->name);
        return;
    }
    if (!s || s->udp || m->data || (m->vc.flags & (MSG_OOB | MSG_PEEK)))
        return;
    struct flow *f = drill_flow_of_fd(d, m->vc.fd);
    (void)vh_getsockopt(&d->vh, m->vc.fd, SOL_SOCKET, SO_OOBINLINE, &inl, &len);
    uint32_t base = f ? f->nread : 0;
    int64_t bad = f ? dflow_read(f, m->buf, n, inl != 0) : -1;
    if (bad >= 0)
        drill_fail(d, "%s() has read a wrong octet: number %lld of the stream is 0x%02x",
                   m->ev->call->name, (long long)base + (long long)bad, m->buf[bad]);
}

/* ---- values ---- */

static void result_value(struct drill *d, const struct made *m)
{
    int64_t want;
    if (m->data) { /* a string: getsockopt TCP_CONGESTION */
        if (strlen((const char *)m->buf) != m->data->len ||
            memcmp(m->buf, m->data->text, m->data->len) != 0)
            drill_fail(d, "%s() gave \"%.40s\"", m->ev->call->name, (const char *)m->buf);
        return;
    }
    if (!m->out || m->out->kind == EXPR_ELLIPSIS || !drill_number(d, m->out, &want))
        return;
    if ((int32_t)want != m->got_value)
        drill_fail(d, "%s() gave the value %d, expected %lld", m->ev->call->name, m->got_value,
                   (long long)want);
}

static void result_poll(struct drill *d, const struct made *m)
{
    unsigned i = 0;
    int64_t want;
    for (const struct expr *k = m->out; k && i < m->vc.nfds && !d->failed; k = k->next, i++) {
        for (const struct expr *a = k->kids; a; a = a->next) {
            if (a->kind != EXPR_ASSIGN || strcmp(a->text, "revents") != 0 ||
                !drill_number(d, a->kids, &want))
                continue;
            if ((short)want != m->fds[i].revents)
                drill_fail(d, "poll(): revents of entry %u are 0x%x, expected 0x%x", i,
                           (unsigned)m->fds[i].revents, (unsigned)want);
        }
    }
}

/* The connection that %{ }% looks at: the newest one that a call named. */
static void note_last(struct drill *d, const struct made *m)
{
    const char *name = m->ev->call->name;
    if (strcmp(name, "accept") == 0 && m->ret >= 0)
        d->last_fd = (int)m->ret;
    else if (strcmp(name, "connect") == 0 ||
             (strncmp(name, "send", 4) == 0 && m->vc.has_addr)) /* Fast Open connects too */
        d->last_fd = m->vc.fd;
}

/* Judges what the call filled in. */
static void judge(struct drill *d, struct made *m)
{
    if (m->vc.in && m->ret > 0)
        result_read(d, m);
    if (m->expect)
        drill_result_msg(d, m);
    else if (m->fds)
        result_poll(d, m);
    else if (!m->vc.in && m->ret >= 0 && (m->out || m->data))
        result_value(d, m);
}

void drill_result(struct drill *d, struct made *m)
{
    const struct expr *e = m->ev->call->result;
    const struct event *was = d->ev;
    int64_t want = 0;
    d->ev = m->ev;
    note_last(d, m);
    if (e && e->kind != EXPR_ELLIPSIS) {
        if (!drill_number(d, e, &want))
            return;
        if (!ret_fits(d, m, want)) {
            bad_result(d, m, want);
            return;
        }
        if (m->makes_fd && m->ret >= 0)
            drill_name_fd(d, (int)want, (int)m->ret);
    }
    judge(d, m);
    if (!d->failed)
        d->ev = was;
}
