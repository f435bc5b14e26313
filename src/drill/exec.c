/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/exec.c: makes the calls of a script on the virtual host: reads the arguments, begins the
 * call, and keeps those that wait until they can be ended. drill/result.c judges what they gave.
 */
#include "drill/names.h"
#include "drill/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DATA_MOST (64 << 20)

/* ---- arguments ---- */

static const struct expr *arg(const struct call *c, unsigned i)
{
    const struct expr *e = c->args;
    while (e && i--)
        e = e->next;
    return e;
}

bool drill_number(struct drill *d, const struct expr *e, int64_t *out)
{
    *out = 0;
    if (!e) {
        drill_fail(d, "%s() lacks an argument", d->ev->call->name);
        return false;
    }
    if (e->kind == EXPR_INT) {
        *out = e->num;
        return true;
    }
    if (e->kind == EXPR_WORD) {
        if (name_value(e->text, out))
            return true;
        drill_fail(d, "column %u: no constant is named %.40s here", e->pos.col, e->text);
        return false;
    }
    if (e->kind == EXPR_OR) {
        for (const struct expr *k = e->kids; k; k = k->next) {
            int64_t v;
            if (!drill_number(d, k, &v))
                return false;
            *out |= v;
        }
        return true;
    }
    drill_fail(d, "column %u: a number or a constant was expected", e->pos.col);
    return false;
}

const struct expr *drill_arg(const struct drill *d, unsigned i)
{
    return arg(d->ev->call, i);
}

static int64_t num(struct drill *d, unsigned i)
{
    int64_t v;
    (void)drill_number(d, arg(d->ev->call, i), &v);
    return v;
}

/* A number that may be left to us. */
static int64_t num_or(struct drill *d, unsigned i, int64_t other)
{
    const struct expr *e = arg(d->ev->call, i);
    return !e || e->kind == EXPR_ELLIPSIS ? other : num(d, i);
}

int drill_live_fd(const struct drill *d, int script)
{
    for (unsigned i = d->nfd; i-- > 0;) {
        if (d->fd[i].script == script)
            return d->fd[i].live;
    }
    return -1;
}

static int fd_arg(struct drill *d)
{
    return drill_live_fd(d, (int)num(d, 0));
}

/* One member of an address. */
static void addr_member(struct drill *d, const struct expr *k, struct tern_endpoint *ep,
                        bool *unspec)
{
    const struct expr *v = k->kids, *in = v && v->kind == EXPR_CALL ? v->kids : v;
    const char *name = k->kind == EXPR_ASSIGN && in ? k->text : "";
    int64_t n = 0;
    if (strcmp(name, "sin_port") == 0) {
        (void)drill_number(d, in, &n);
        ep->port = (uint16_t)n;
    } else if (strcmp(name, "sin_addr") == 0 && in->kind == EXPR_STRING) {
        if (inet_pton(AF_INET, in->text, ep->addr.b) != 1)
            drill_fail(d, "column %u: this is no IPv4 address", in->pos.col);
        if (memcmp(ep->addr.b, "\0\0\0", 4) != 0)
            ep->addr.fam = TERN_AF_IP4;
    } else if (strcmp(name, "sa_family") == 0) {
        (void)drill_number(d, in, &n);
        *unspec = n == AF_UNSPEC;
    } else {
        drill_fail(d,
                   "column %u: an address is {sa_family = AF_INET, sin_port = htons(PORT), "
                   "sin_addr = inet_addr(\"A.B.C.D\")}",
                   k->pos.col);
    }
}

/* {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("1.2.3.4")}; `...` gives
 * `other`. */
static struct tern_endpoint addr_arg(struct drill *d, unsigned i, struct tern_endpoint other,
                                     bool *unspec)
{
    const struct expr *e = arg(d->ev->call, i);
    if (!e || e->kind == EXPR_ELLIPSIS)
        return other;
    struct tern_endpoint ep = {.addr.fam = TERN_AF_NONE};
    for (const struct expr *k = e->kids; k; k = k->next)
        addr_member(d, k, &ep, unspec);
    return ep;
}

static struct tern_endpoint here(const struct drill *d)
{
    return (struct tern_endpoint){d->conf.host.local, d->conf.bind_port};
}
static struct tern_endpoint there(const struct drill *d)
{
    return (struct tern_endpoint){d->conf.remote, d->conf.connect_port};
}

/* ---- data ---- */

/* How many octets {..., n}, [{..., n}, ...] or a msghdr's msg_iov are, together. */
static int64_t iov_octets(struct drill *d, const struct expr *e)
{
    int64_t sum = 0, v = 0;
    if (!e)
        return 0;
    if (e->kind == EXPR_STRUCT && e->kids && e->kids->kind == EXPR_ELLIPSIS && e->kids->next) {
        (void)drill_number(d, e->kids->next, &v);
        return v;
    }
    for (const struct expr *k = e->kids; k; k = k->next) {
        if (k->kind == EXPR_ASSIGN && strcmp(k->text, "msg_iov") != 0)
            continue;
        sum += iov_octets(d, k->kind == EXPR_ASSIGN ? k->kids : k);
    }
    return sum;
}

static bool room(struct drill *d, struct made *m, int64_t n)
{
    if (n < 0 || n > DATA_MOST) {
        drill_fail(d, "%lld octets are not carried here: at most 64 MB", (long long)n);
        return false;
    }
    m->vc.len = (size_t)n;
    m->buf = calloc(1, (size_t)n + 1);
    if (!m->buf)
        abort();
    return true;
}

/* What is written: a string's octets, or those of the pattern from where the stream stands. */
static void fill(struct drill *d, struct made *m, const struct expr *e)
{
    const struct flow *f = drill_flow_of_fd(d, m->vc.fd);
    size_t base = f ? f->nsent : 0;
    for (size_t i = 0; i < m->vc.len; i++)
        m->buf[i] = dflow_own_octet(base + i);
    if (e && e->kind == EXPR_STRING)
        memcpy(m->buf, e->text, e->len < m->vc.len ? e->len : m->vc.len);
    m->vc.out = m->buf;
}

static void begin_send(struct drill *d, struct made *m, int64_t len, int flags)
{
    m->vc.op = VOP_SEND;
    m->vc.fd = fd_arg(d);
    m->vc.flags = flags;
    if (!d->failed && room(d, m, len))
        fill(d, m, arg(d->ev->call, 1));
    m->waits = true;
}

static void begin_recv(struct drill *d, struct made *m, int64_t len, int flags)
{
    m->vc.op = VOP_RECV;
    m->vc.fd = fd_arg(d);
    m->vc.flags = flags;
    const struct expr *e = arg(d->ev->call, 1);
    m->data = e && e->kind == EXPR_STRING ? e : NULL;
    if (!d->failed && room(d, m, len))
        m->vc.in = m->buf;
    m->waits = true;
}

/* ---- the calls ---- */

static void do_socket(struct drill *d, struct made *m)
{
    m->makes_fd = true;
    m->ret = vh_socket(&d->vh, (int)num_or(d, 0, AF_INET), (int)num(d, 1), (int)num_or(d, 2, 0));
}
static void do_bind(struct drill *d, struct made *m)
{
    bool unspec = false;
    struct tern_endpoint at = addr_arg(d, 1, here(d), &unspec);
    m->ret = vh_bind(&d->vh, fd_arg(d), &at);
}
static void do_listen(struct drill *d, struct made *m)
{
    m->ret = vh_listen(&d->vh, fd_arg(d), (int)num(d, 1));
}
static void do_accept(struct drill *d, struct made *m)
{
    m->makes_fd = true;
    m->vc.op = VOP_ACCEPT;
    m->vc.fd = fd_arg(d);
    m->waits = true;
}
static void do_connect(struct drill *d, struct made *m)
{
    bool unspec = false;
    m->vc.op = VOP_CONNECT;
    m->vc.fd = fd_arg(d);
    m->vc.addr = addr_arg(d, 1, there(d), &unspec);
    m->vc.has_addr = true;
    if (unspec) {
        m->ret = vh_disconnect(&d->vh, m->vc.fd);
        return;
    }
    for (unsigned i = 0; i < d->nflow; i++)
        d->flow[i].fresh = true; /* the same ports may begin again with another number */
    m->waits = true;
}
static void do_write(struct drill *d, struct made *m)
{
    begin_send(d, m, num(d, 2), 0);
}
static void do_send(struct drill *d, struct made *m)
{
    begin_send(d, m, num(d, 2), (int)num(d, 3));
}
static void do_sendto(struct drill *d, struct made *m)
{
    bool unspec = false;
    begin_send(d, m, num(d, 2), (int)num(d, 3));
    const struct vsock *s = vh_sock(&d->vh, m->vc.fd);
    const struct expr *to = arg(d->ev->call, 4);
    m->vc.has_addr = to && (to->kind == EXPR_STRUCT || (to->kind == EXPR_ELLIPSIS && s &&
                                                        (s->udp || (m->vc.flags & MSG_FASTOPEN))));
    m->vc.addr = addr_arg(d, 4, there(d), &unspec);
    if (unspec)
        m->vc.addr.addr.fam = TERN_AF_NONE;
}
static void do_writev(struct drill *d, struct made *m)
{
    begin_send(d, m, iov_octets(d, arg(d->ev->call, 1)), 0);
}
static void do_sendmsg(struct drill *d, struct made *m)
{
    begin_send(d, m, iov_octets(d, arg(d->ev->call, 1)), (int)num(d, 2));
    m->vc.has_addr = (m->vc.flags & MSG_FASTOPEN) != 0; /* msg_name is the peer, in all scripts */
    m->vc.addr = there(d);
}
static void do_read(struct drill *d, struct made *m)
{
    begin_recv(d, m, num(d, 2), 0);
}
static void do_recv(struct drill *d, struct made *m)
{
    begin_recv(d, m, num(d, 2), (int)num(d, 3));
}
static void do_readv(struct drill *d, struct made *m)
{
    begin_recv(d, m, iov_octets(d, arg(d->ev->call, 1)), 0);
}
static void do_recvmsg(struct drill *d, struct made *m)
{
    if (num(d, 2) & MSG_ERRQUEUE) {
        drill_recv_error(d, m);
        return;
    }
    m->expect = arg(d->ev->call, 1);
    begin_recv(d, m, iov_octets(d, arg(d->ev->call, 1)), (int)num(d, 2));
}

static void do_close(struct drill *d, struct made *m)
{
    int live = fd_arg(d), script = (int)num(d, 0);
    struct flow *f = live >= 0 ? drill_flow_of_fd(d, live) : NULL;
    if (f)
        f->closed = true;
    m->vc = (struct vcall){.op = VOP_CLOSE, .fd = live};
    m->waits = live >= 0 && vh_lingers(&d->vh, vh_sock(&d->vh, live), &m->vc.until);
    if (!m->waits)
        m->ret = vh_close(&d->vh, live);
    if (d->last_fd == live)
        d->last_fd = 0;
    for (unsigned i = 0; i < d->nfd; i++) {
        if (d->fd[i].script == script && d->fd[i].live == live) {
            d->fd[i] = d->fd[--d->nfd];
            break;
        }
    }
}
static void do_shutdown(struct drill *d, struct made *m)
{
    m->ret = vh_shutdown(&d->vh, fd_arg(d), (int)num(d, 1));
}
static void do_fcntl(struct drill *d, struct made *m)
{
    m->ret = vh_fcntl(&d->vh, fd_arg(d), (int)num(d, 1), (int)num_or(d, 2, 0));
}
static void do_ioctl(struct drill *d, struct made *m)
{
    const struct expr *e = arg(d->ev->call, 2);
    int64_t v = 0;
    m->out = e && e->kind == EXPR_LIST ? e->kids : NULL;
    int64_t req = num(d, 1);
    if (m->out && m->out->kind != EXPR_ELLIPSIS)
        (void)drill_number(d, m->out, &v);
    m->got_value = (int)v;
    m->ret = vh_ioctl(&d->vh, fd_arg(d), (unsigned long)req, &m->got_value);
}

/* The value of a member, with or without its name. */
static int member(struct drill *d, const struct expr *e)
{
    int64_t v;
    (void)drill_number(d, e && e->kind == EXPR_ASSIGN ? e->kids : e, &v);
    return (int)v;
}

static void do_setsockopt(struct drill *d, struct made *m)
{
    const struct expr *e = arg(d->ev->call, 3);
    int64_t v = 0;
    int fd = fd_arg(d), level = (int)num(d, 1), name = (int)num(d, 2);
    size_t len = (size_t)num_or(d, 4, 4);
    if (e && e->kind == EXPR_STRUCT && level == IPPROTO_TCP && drill_set_key(d, m, fd, name, e)) {
        ; /* done */
    } else if (e && e->kind == EXPR_STRUCT) {
        struct linger l = {.l_onoff = member(d, e->kids),
                           .l_linger = member(d, e->kids ? e->kids->next : NULL)};
        m->ret = vh_setsockopt(&d->vh, fd, level, name, &l, sizeof l);
    } else if (e && e->kind == EXPR_STRING) {
        m->ret = vh_setsockopt(&d->vh, fd, level, name, e->text, e->len < len ? e->len : len);
    } else if (drill_number(d, e && e->kind == EXPR_LIST ? e->kids : e, &v)) {
        int32_t v32 = (int32_t)v;
        m->ret = vh_setsockopt(&d->vh, fd, level, name, &v32, len < sizeof v32 ? len : sizeof v32);
    }
}

static void do_getsockopt(struct drill *d, struct made *m)
{
    const struct expr *e = arg(d->ev->call, 3);
    size_t len = 512;
    if (!room(d, m, (int64_t)len))
        return;
    m->ret = vh_getsockopt(&d->vh, fd_arg(d), (int)num(d, 1), (int)num(d, 2), m->buf, &len);
    m->vc.len = len;
    memcpy(&m->got_value, m->buf, sizeof m->got_value);
    m->out = e && e->kind == EXPR_LIST ? e->kids : NULL;
    m->data = e && e->kind == EXPR_STRING ? e : NULL;
}

static void do_poll(struct drill *d, struct made *m)
{
    const struct expr *list = arg(d->ev->call, 0);
    int64_t n = num(d, 1), timeout = num(d, 2), v;
    m->fds = calloc(16, sizeof *m->fds);
    if (!m->fds)
        abort();
    m->out = list ? list->kids : NULL;
    for (const struct expr *k = m->out; k && m->vc.nfds < 16 && m->vc.nfds < (uint64_t)n;
         k = k->next) {
        struct pollfd *p = &m->fds[m->vc.nfds++];
        for (const struct expr *a = k->kids; a; a = a->next) {
            if (a->kind != EXPR_ASSIGN || !drill_number(d, a->kids, &v))
                continue;
            if (strcmp(a->text, "fd") == 0)
                p->fd = drill_live_fd(d, (int)v);
            else if (strcmp(a->text, "events") == 0)
                p->events = (short)v;
        }
    }
    m->vc.op = VOP_POLL;
    m->vc.fds = m->fds;
    m->vc.until = timeout < 0 ? TERN_NEVER : (struct tern_time){d->vh.now.ns + timeout * 1000000};
    m->waits = true;
}

static const struct drill_known known[] = {
    {"socket", do_socket},
    {"bind", do_bind},
    {"listen", do_listen},
    {"accept", do_accept},
    {"connect", do_connect},
    {"write", do_write},
    {"send", do_send},
    {"sendto", do_sendto},
    {"sendmsg", do_sendmsg},
    {"writev", do_writev},
    {"read", do_read},
    {"recv", do_recv},
    {"recvfrom", do_recv},
    {"recvmsg", do_recvmsg},
    {"readv", do_readv},
    {"close", do_close},
    {"shutdown", do_shutdown},
    {"fcntl", do_fcntl},
    {"ioctl", do_ioctl},
    {"setsockopt", do_setsockopt},
    {"getsockopt", do_getsockopt},
    {"poll", do_poll},
    {NULL, NULL},
};

static const struct drill_known *find(const struct drill_known *k, const char *name)
{
    while (k->name && strcmp(k->name, name) != 0)
        k++;
    return k->name ? k : NULL;
}

/* ---- making and ending ---- */

void made_free(struct made *m)
{
    free(m->buf);
    free(m->fds);
    memset(m, 0, sizeof *m);
}

/* Octets went into the send buffer: they may be on their way already. */
static void note_written(struct drill *d, const struct made *m, size_t from)
{
    const struct vsock *s = vh_sock(&d->vh, m->vc.fd);
    struct flow *f = s && !s->udp ? drill_flow_of_fd(d, m->vc.fd) : NULL;
    if (f)
        dflow_wrote(f, m->buf + from, m->vc.done - from);
}

/* Tries a call that waits; when it is over it is judged. True: it is over, or the script has
 * failed. */
static bool end_now(struct drill *d, struct made *m)
{
    size_t had = m->vc.done;
    bool over = vhost_call(&d->vh, &m->vc);
    if (m->vc.done > had)
        note_written(d, m, had);
    if (!over)
        return false;
    m->waits = false;
    m->ret = m->vc.ret;
    if (m->ev->call->blocking) {
        char what[64];
        const struct event *was = d->ev;
        int64_t slack = d->tolerance_us;
        int64_t end = m->begun_us + m->ev->call->end_us - m->ev->when.us;
        double part = (double)(end - m->begun_us) * d->conf.tolerance_percent / 100.0;
        d->tolerance_us =
            part > (double)d->conf.tolerance_us ? (int64_t)part : d->conf.tolerance_us;
        d->ev = m->ev;
        (void)snprintf(what, sizeof what, "%.20s() returned", m->ev->call->name);
        (void)drill_check_time(d, what, drill_now_us(d), end, end);
        if (!d->failed)
            drill_result(d, m);
        d->tolerance_us = slack;
        if (!d->failed)
            d->ev = was;
    } else {
        drill_result(d, m);
    }
    made_free(m);
    return true;
}

void drill_retry(struct drill *d)
{
    for (unsigned i = 0; i < DRILL_WAITING && !d->failed; i++) {
        if (d->waiting[i].waits)
            (void)end_now(d, &d->waiting[i]);
    }
}

void drill_call(struct drill *d)
{
    const struct call *c = d->ev->call;
    struct made *m = NULL;
    const struct drill_known *k = find(known, c->name);
    if (!k)
        k = find(drill_known_msg, c->name);
    if (!k) {
        drill_fail(d, "the call %.40s() is not spoken here", c->name);
        return;
    }
    for (unsigned i = 0; i < DRILL_WAITING && !m; i++) {
        if (!d->waiting[i].waits)
            m = &d->waiting[i];
    }
    if (!m) {
        drill_fail(d, "more than %d calls would wait at once", DRILL_WAITING);
        return;
    }
    *m = (struct made){.ev = d->ev, .begun_us = drill_now_us(d)};
    k->make(d, m);
    if (!m->waits && !d->failed)
        drill_result(d, m);
    if (!m->waits || d->failed) {
        made_free(m);
        return;
    }
    if (!end_now(d, m) && !c->blocking)
        drill_fail(d, "%s() would block: if that is meant, say until when: `0.1...0.3 %s(...)`",
                   c->name, c->name);
}
