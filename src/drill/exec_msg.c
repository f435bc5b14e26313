/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/exec_msg.c: a script's calls of epoll, pipes and control messages, and what they must give.
 */
#include "drill/names.h"
#include "drill/run.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define EVENTS 16

static int64_t num(struct drill *d, unsigned i)
{
    int64_t v;
    (void)drill_number(d, drill_arg(d, i), &v);
    return v;
}

/* The member of a structure with that name; NULL when it is not there. */
static const struct expr *member(const struct expr *e, const char *name)
{
    for (const struct expr *k = e ? e->kids : NULL; k; k = k->next) {
        if (k->kind == EXPR_ASSIGN && strcmp(k->text, name) == 0)
            return k->kids;
    }
    return NULL;
}

/* Compares a member, if the script names it. False: recorded as a failure. */
static bool same(struct drill *d, const struct expr *e, const char *name, int64_t got)
{
    const struct expr *v = member(e, name);
    int64_t want;
    if (!v || v->kind == EXPR_ELLIPSIS)
        return true;
    if (!drill_number(d, v, &want))
        return false;
    if (want == got)
        return true;
    drill_fail(d, "%s() gave %s = %lld, expected %lld", d->ev->call->name, name, (long long)got,
               (long long)want);
    return false;
}

/* ---- epoll ---- */

static void do_epoll_create(struct drill *d, struct made *m)
{
    m->makes_fd = true;
    m->ret = vh_epoll_create(&d->vh, (int)num(d, 0));
}

static void do_epoll_ctl(struct drill *d, struct made *m)
{
    const struct expr *e = drill_arg(d, 3);
    const struct expr *events = member(e, "events"), *data = member(e, "fd");
    struct epoll_event ev = {0};
    int64_t v = 0, n = 0;
    if (events && drill_number(d, events, &v))
        ev.events = (uint32_t)v;
    data = data ? data : member(e, "u32");
    data = data ? data : member(e, "u64");
    if (data && drill_number(d, data, &n))
        ev.data.u64 = (uint64_t)n;
    m->ret = vh_epoll_ctl(&d->vh, drill_live_fd(d, (int)num(d, 0)), (int)num(d, 1),
                          drill_live_fd(d, (int)num(d, 2)), &ev);
}

static void do_epoll_wait(struct drill *d, struct made *m)
{
    int64_t most = num(d, 2), timeout = num(d, 3);
    m->expect = drill_arg(d, 1);
    size_t room = EVENTS * sizeof(struct epoll_event);
    m->buf = calloc(1, room);
    if (!m->buf)
        abort();
    m->vc.op = VOP_EPOLL;
    m->vc.fd = drill_live_fd(d, (int)num(d, 0));
    m->vc.events = (struct epoll_event *)(void *)m->buf;
    m->vc.nfds = most < EVENTS ? (unsigned)most : EVENTS;
    m->vc.until = timeout < 0 ? TERN_NEVER : (struct tern_time){d->vh.now.ns + timeout * 1000000};
    m->waits = true;
}

static void result_epoll(struct drill *d, const struct made *m)
{
    const struct epoll_event *ev = m->vc.events;
    const char *data = member(m->expect, "fd") ? "fd" : member(m->expect, "u32") ? "u32" : "u64";
    if (m->ret > 0 && same(d, m->expect, "events", ev->events))
        (void)same(d, m->expect, data, (int64_t)ev->data.u64);
}

/* ---- pipes ---- */

static void do_pipe(struct drill *d, struct made *m)
{
    const struct expr *list = drill_arg(d, 0), *k = list ? list->kids : NULL;
    int fd[2];
    int64_t script;
    m->ret = vh_pipe(&d->vh, fd);
    for (unsigned i = 0; m->ret == 0 && i < 2; i++, k = k ? k->next : NULL) {
        if (!k || !drill_number(d, k, &script)) {
            drill_fail(d, "pipe() takes [READ, WRITE], the script's numbers of its two ends");
            return;
        }
        drill_name_fd(d, (int)script, fd[i]);
    }
}

static void do_splice(struct drill *d, struct made *m)
{
    m->vc.op = VOP_SPLICE;
    m->vc.fd = drill_live_fd(d, (int)num(d, 0));
    m->vc.to = drill_live_fd(d, (int)num(d, 2));
    m->vc.len = (size_t)num(d, 4);
    m->vc.flags = num(d, 5) & 2 /* SPLICE_F_NONBLOCK */ ? MSG_DONTWAIT : 0;
    m->expect = drill_arg(d, 0);
    m->waits = true;
    size_t n = 0;
    const uint8_t *data = vh_pipe_peek(&d->vh, m->vc.fd, &n);
    if (!data)
        return;
    m->buf = malloc(n + 1);
    if (!m->buf)
        abort();
    memcpy(m->buf, data, n);
}

/* Octets that went through a pipe are checked like those of read() and write(). */
static void result_splice(struct drill *d, const struct made *m)
{
    size_t n = 0, moved = m->ret > 0 ? (size_t)m->ret : 0;
    const uint8_t *data = vh_pipe_peek(&d->vh, m->vc.to, &n);
    struct flow *from = drill_flow_of_fd(d, m->vc.fd), *to = drill_flow_of_fd(d, m->vc.to);
    if (to && m->buf)
        dflow_wrote(to, m->buf, moved);
    if (from && data && moved <= n && dflow_read(from, data + n - moved, moved, false) >= 0)
        drill_fail(d, "splice() has read a wrong octet");
}

/* ---- control messages ---- */

void drill_recv_error(struct drill *d, struct made *m)
{
    struct msghdr h = {.msg_control = m->control, .msg_controllen = sizeof m->control};
    m->expect = drill_arg(d, 1);
    m->ret = vh_recv_error(&d->vh, drill_live_fd(d, (int)num(d, 0)), &h);
    m->control_len = m->ret >= 0 ? h.msg_controllen : 0;
    m->msg_flags = h.msg_flags;
}

/* {ee_errno=..., ee_info=...} */
static bool same_error(struct drill *d, const struct expr *want, const uint8_t *data)
{
    struct sock_extended_err ee;
    memcpy(&ee, data, sizeof ee);
    const struct expr *v = member(want, "ee_errno");
    if (v && v->kind == EXPR_WORD) {
        if ((uint32_t)name_errno(v->text) != ee.ee_errno) {
            drill_fail(d, "ee_errno is %s, expected %.30s", name_of_errno((int)ee.ee_errno),
                       v->text);
            return false;
        }
    } else if (!same(d, want, "ee_errno", ee.ee_errno)) {
        return false;
    }
    return same(d, want, "ee_origin", ee.ee_origin) && same(d, want, "ee_type", ee.ee_type) &&
           same(d, want, "ee_code", ee.ee_code) && same(d, want, "ee_info", ee.ee_info) &&
           same(d, want, "ee_data", ee.ee_data);
}

/* {scm_sec=0,scm_nsec=20000000}: an instant of the script, with the tolerance of one. */
static bool same_stamp(struct drill *d, const struct expr *want, const uint8_t *data)
{
    struct timespec ts;
    int64_t sec = 0, nsec = 0;
    const struct expr *s = member(want, "scm_sec"), *n = member(want, "scm_nsec");
    memcpy(&ts, data, sizeof ts);
    if (s && n && drill_number(d, s, &sec) && drill_number(d, n, &nsec)) {
        int64_t at = sec * 1000000 + nsec / 1000;
        return drill_check_time(d, "a timestamp says it was",
                                ts.tv_sec * 1000000 + ts.tv_nsec / 1000, at, at);
    }
    return !d->failed;
}

static bool same_cmsg(struct drill *d, const struct expr *want, const struct cmsghdr *h,
                      const uint8_t *data)
{
    const struct expr *body = member(want, "cmsg_data");
    int v;
    int64_t n;
    if (!same(d, want, "cmsg_level", h->cmsg_level) || !same(d, want, "cmsg_type", h->cmsg_type))
        return false;
    if (!body || body->kind == EXPR_ELLIPSIS)
        return true;
    if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_RECVERR)
        return same_error(d, body, data);
    if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SO_TIMESTAMPING)
        return same_stamp(d, body, data);
    memcpy(&v, data, sizeof v);
    if (drill_number(d, body, &n) && n != v)
        drill_fail(d, "a control message says %d, expected %lld", v, (long long)n);
    return !d->failed;
}

static void result_control(struct drill *d, const struct made *m)
{
    const struct expr *list = member(m->expect, "msg_control");
    const struct expr *want = list ? list->kids : NULL;
    size_t at = 0;
    if (m->ret < 0 || !same(d, m->expect, "msg_flags", m->msg_flags) || !list ||
        list->kind == EXPR_ELLIPSIS)
        return;
    while (at < m->control_len) {
        struct cmsghdr h;
        memcpy(&h, m->control + at, sizeof h);
        if (!want) {
            drill_fail(d, "recvmsg() gave a control message more: level %d, type %d", h.cmsg_level,
                       h.cmsg_type);
            return;
        }
        if (!same_cmsg(d, want, &h, m->control + at + CMSG_LEN(0)))
            return;
        at += CMSG_ALIGN(h.cmsg_len);
        want = want->next;
    }
    if (want)
        drill_fail(d, "recvmsg() gave a control message less than expected");
}

void drill_result_msg(struct drill *d, struct made *m)
{
    if (m->vc.op == VOP_EPOLL) {
        result_epoll(d, m);
        return;
    }
    if (m->vc.op == VOP_SPLICE) {
        result_splice(d, m);
        return;
    }
    if (m->vc.op == VOP_RECV && m->ret >= 0) {
        struct msghdr h = {.msg_control = m->control, .msg_controllen = sizeof m->control};
        vh_recv_control(&d->vh, m->vc.fd, &h);
        m->control_len = h.msg_controllen;
        m->msg_flags = h.msg_flags;
    }
    result_control(d, m);
}

const struct drill_known drill_known_msg[] = {
    {"epoll_create", do_epoll_create},
    {"epoll_ctl", do_epoll_ctl},
    {"epoll_wait", do_epoll_wait},
    {"pipe", do_pipe},
    {"splice", do_splice},
    {NULL, NULL},
};
