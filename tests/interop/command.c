/* SPDX-License-Identifier: BSD-2-Clause */
/* interop/command.c: the commands of peer.c, and the services. */
#include "host.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 6
#define PIECE (64u << 10)

static struct tern_time now_of(const struct host *h)
{
    return tern_loop_now(h->loop);
}

static const char *addr_text(char buf[INET_ADDRSTRLEN], const struct tern_addr *a)
{
    const char *t = inet_ntop(AF_INET, a->b, buf, INET_ADDRSTRLEN);
    return t ? t : "?";
}

/* ---- slots ---- */

static unsigned slot_new(struct host *h, enum slot_kind kind, struct tern_sock s)
{
    for (unsigned i = 1; i < PEER_SLOTS; i++) {
        if (h->slot[i].kind == SLOT_FREE) {
            h->slot[i] = (struct slot){.kind = kind, .s = s};
            (void)tern_setuser(h->st, s, i);
            return i;
        }
    }
    (void)fprintf(stderr, "peer: more than %d sockets\n", PEER_SLOTS - 1);
    exit(1);
}

static void slot_close(struct host *h, unsigned i)
{
    (void)tern_close(h->st, h->slot[i].s, now_of(h));
    h->slot[i] = (struct slot){.kind = SLOT_FREE};
}

/* ---- transfers ---- */

static uint64_t rng_next(uint64_t *s) /* splitmix64 */
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void rng_fill(uint64_t *s, uint8_t *p, size_t n)
{
    while (n > 0) {
        uint64_t v = rng_next(s);
        size_t k = n < sizeof v ? n : sizeof v;
        memcpy(p, &v, k);
        p += k;
        n -= k;
    }
}

/* True if anything moved. */
static bool transfer_send(struct host *h)
{
    struct transfer *t = &h->tx;
    uint8_t *p;
    size_t len;
    if (!t->active || t->left == 0 || t->err)
        return false;
    size_t want = t->left < PIECE ? (size_t)t->left : PIECE;
    int r = tern_tcp_send_space(h->st, h->slot[h->which].s, want, &p, &len);
    if (r == TERN_EAGAIN)
        return false;
    if (r < 0) {
        t->err = r;
        return true;
    }
    if (len > want)
        len = want;
    rng_fill(&t->rng, p, len);
    sha256_add(&t->sum, p, len);
    r = tern_tcp_send_commit(h->st, h->slot[h->which].s, len, 0, now_of(h));
    if (r < 0)
        t->err = r;
    t->left -= len;
    t->done += len;
    return true;
}

static bool transfer_recv(struct host *h)
{
    struct transfer *t = &h->rx;
    const uint8_t *p;
    size_t len;
    if (!t->active || t->left == 0 || t->eof || t->err)
        return false;
    int r = tern_tcp_recv_data(h->st, h->slot[h->which].s, &p, &len);
    if (r > 0 && len > PIECE)
        len = PIECE;
    if (r == TERN_EAGAIN)
        return false;
    if (r < 0)
        t->err = r;
    if (r == 0)
        t->eof = true;
    if (r <= 0)
        return true;
    if (len > t->left)
        len = (size_t)t->left;
    sha256_add(&t->sum, p, len);
    (void)tern_tcp_recv_consume(h->st, h->slot[h->which].s, len, now_of(h));
    t->done += len;
    if (t->left != UINT64_MAX)
        t->left -= len;
    return true;
}

static void transfer_begin(struct transfer *t, uint64_t n, uint64_t seed)
{
    *t = (struct transfer){.active = true, .left = n, .rng = seed};
    sha256_init(&t->sum);
}

static void transfer_answer(struct host *h)
{
    char tx[65], rx[65];
    int err = h->tx.err ? h->tx.err : h->rx.err;
    sha256_hex(&h->tx.sum, tx);
    sha256_hex(&h->rx.sum, rx);
    if (err)
        say("err %s %" PRIu64, err_name(err), h->rx.active ? h->rx.done : h->tx.done);
    else if (h->tx.active && h->rx.active)
        say("ok %" PRIu64 " %s %" PRIu64 " %s", h->tx.done, tx, h->rx.done, rx);
    else if (h->tx.active)
        say("ok %" PRIu64 " %s", h->tx.done, tx);
    else
        say("ok %" PRIu64 " %s %s", h->rx.done, rx, h->rx.eof ? "eof" : "more");
    h->tx.active = h->rx.active = false;
}

static bool transfer_done(const struct host *h)
{
    const struct transfer *t = &h->tx, *r = &h->rx;
    if (t->err || r->err)
        return true;
    return (!t->active || t->left == 0) && (!r->active || r->left == 0 || r->eof);
}

/* ---- services ---- */

static void service_accept(struct host *h, unsigned listener)
{
    struct tern_sock s;
    while (tern_tcp_accept(h->st, h->slot[listener].s, &s) == 0) {
        unsigned i = slot_new(h, SLOT_CONN, s);
        h->slot[i].connected = true;
        h->slot[i].service = h->slot[listener].service;
    }
}

/* What has arrived is echoed (if there is room for it) or forgotten: true when something was. */
static bool service_read(struct host *h, struct slot *sl, bool *end)
{
    const uint8_t *p;
    size_t len;
    int r = tern_tcp_recv_data(h->st, sl->s, &p, &len);
    *end = r == 0 || (r < 0 && r != TERN_EAGAIN);
    if (r <= 0)
        return false;
    if (sl->service == SERVICE_ECHO) {
        uint8_t piece[8192]; /* p does not survive a call into the stack */
        size_t n = len < sizeof piece ? len : sizeof piece;
        memcpy(piece, p, n);
        int64_t put = tern_tcp_send(h->st, sl->s, piece, n, 0, now_of(h));
        if (put <= 0)
            return false;
        len = (size_t)put;
    }
    (void)tern_tcp_recv_consume(h->st, sl->s, len, now_of(h));
    return true;
}

static void service_chargen(struct host *h, struct slot *sl)
{
    uint8_t *p;
    size_t len;
    while (tern_tcp_send_space(h->st, sl->s, PIECE, &p, &len) == 0) {
        memset(p, '#', len);
        if (tern_tcp_send_commit(h->st, sl->s, len, 0, now_of(h)) < 0)
            break;
    }
}

static void service_step(struct host *h, unsigned i)
{
    struct slot *sl = &h->slot[i];
    bool end = false;
    if (sl->kind == SLOT_LISTEN) {
        service_accept(h, i);
        return;
    }
    for (unsigned n = 0; n < 64 && service_read(h, sl, &end); n++)
        ;
    if (sl->service == SERVICE_CHARGEN && !end)
        service_chargen(h, sl);
    if (end)
        slot_close(h, i);
}

void on_event(void *ctx, const struct tern_event *ev)
{
    struct host *h = ctx;
    if (ev->user == 0 || ev->user >= PEER_SLOTS)
        return;
    struct slot *sl = &h->slot[ev->user];
    if (sl->kind == SLOT_FREE || sl->s.id != ev->sock.id)
        return; /* a connection nobody has accepted yet */
    if (ev->bits & TERN_EV_CONNECTED)
        sl->connected = true;
    if (ev->bits & TERN_EV_CLOSED) {
        sl->over = true;
        sl->err = ev->err;
    }
    if (sl->service != SERVICE_NONE)
        service_step(h, (unsigned)ev->user);
}

/* ---- waiting commands ---- */

static bool wait_accept(struct host *h)
{
    struct tern_sock s;
    char a[INET_ADDRSTRLEN];
    struct tern_endpoint remote;
    int r = tern_tcp_accept(h->st, h->slot[h->which].s, &s);
    if (r == TERN_EAGAIN)
        return false;
    if (r < 0) {
        say("err %s", err_name(r));
        return true;
    }
    unsigned i = slot_new(h, SLOT_CONN, s);
    h->slot[i].connected = true;
    (void)tern_peername(h->st, s, &remote);
    say("ok %u %s %u", i, addr_text(a, &remote.addr), remote.port);
    return true;
}

static bool wait_connect(struct host *h)
{
    struct slot *sl = &h->slot[h->which];
    if (sl->connected) {
        say("ok %u", h->which);
        return true;
    }
    if (!sl->over)
        return false;
    say("err %s", err_name(sl->err));
    slot_close(h, h->which);
    return true;
}

static bool wait_transfer(struct host *h)
{
    /* One piece a turn, then the network: hashing must not keep acknowledgments waiting. */
    bool sent = transfer_send(h), received = transfer_recv(h);
    if (sent || received)
        tern_loop_timer_set(h->loop, &h->again, now_of(h));
    if (!transfer_done(h))
        return false;
    transfer_answer(h);
    return true;
}

static bool wait_udp(struct host *h)
{
    uint8_t buf[2048];
    char a[INET_ADDRSTRLEN], hex[2 * sizeof buf + 1];
    struct tern_endpoint from;
    int64_t n = tern_udp_recvfrom(h->st, h->slot[h->which].s, buf, sizeof buf, &from, NULL);
    if (n == TERN_EAGAIN)
        return false;
    if (n < 0) {
        say("err %s", err_name((int)n));
        return true;
    }
    hex[0] = '\0';
    for (size_t i = 0; i < (size_t)n && i < sizeof buf; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", buf[i]);
    say("ok %s %u %s", addr_text(a, &from.addr), from.port, hex);
    return true;
}

void proceed(struct host *h)
{
    bool (*const step[])(struct host *) = {[WAIT_ACCEPT] = wait_accept,
                                           [WAIT_CONNECT] = wait_connect,
                                           [WAIT_TRANSFER] = wait_transfer,
                                           [WAIT_UDP] = wait_udp};
    if (h->waiting != WAIT_NONE && step[h->waiting](h))
        h->waiting = WAIT_NONE;
    for (unsigned i = 1; i < PEER_SLOTS; i++) {
        if (h->slot[i].service != SERVICE_NONE)
            service_step(h, i);
    }
}

/* ---- commands ---- */

static unsigned long num(const char *text)
{
    return text ? strtoul(text, NULL, 10) : 0;
}

static bool endpoint_of(char *const *w, struct tern_endpoint *e)
{
    memset(e, 0, sizeof *e);
    e->addr.fam = TERN_AF_IP4;
    e->port = (uint16_t)num(w[1]);
    return w[0] && inet_pton(AF_INET, w[0], e->addr.b) == 1;
}

static int do_listen(struct host *h, char *const *w, enum service service)
{
    struct tern_endpoint at = {.port = (uint16_t)num(w[1])};
    struct tern_sock s;
    int r = tern_tcp_listen(h->st, &at, w[2] ? (uint32_t)num(w[2]) : 16, 0, &s);
    if (r < 0)
        return r;
    unsigned i = slot_new(h, SLOT_LISTEN, s);
    h->slot[i].service = service;
    say("ok %u", i);
    return 0;
}

static int do_serve(struct host *h, char *const *w)
{
    enum service s = SERVICE_DISCARD;
    if (w[1] && strcmp(w[1], "echo") == 0)
        s = SERVICE_ECHO;
    else if (w[1] && strcmp(w[1], "chargen") == 0)
        s = SERVICE_CHARGEN;
    char *const shifted[WORDS] = {w[0], w[2], NULL};
    return do_listen(h, shifted, s);
}

static int do_connect(struct host *h, char **w, bool wait)
{
    struct tern_endpoint to, from = {.port = (uint16_t)num(w[3])};
    struct tern_sock s;
    if (!endpoint_of(w + 1, &to))
        return TERN_EINVAL;
    int r = tern_tcp_connect(h->st, &from, &to, &s, now_of(h));
    if (r < 0)
        return r;
    h->which = slot_new(h, SLOT_CONN, s);
    if (wait)
        h->waiting = WAIT_CONNECT;
    else
        say("ok %u", h->which);
    return 0;
}

static int do_udp(struct host *h, char *const *w)
{
    struct tern_endpoint at = {.port = (uint16_t)num(w[1])};
    struct tern_sock s;
    int r = tern_udp_open(h->st, &at, 0, &s);
    if (r == 0)
        say("ok %u", slot_new(h, SLOT_UDP, s));
    return r;
}

static int do_sendto(struct host *h, char **w, struct tern_sock s)
{
    struct tern_endpoint to;
    uint8_t buf[2048];
    size_t n = 0;
    if (!endpoint_of(w + 2, &to))
        return TERN_EINVAL;
    for (const char *x = w[4]; x && x[0] && x[1] && n < sizeof buf; x += 2) {
        char two[3] = {x[0], x[1], '\0'};
        buf[n++] = (uint8_t)strtoul(two, NULL, 16);
    }
    int r = tern_udp_sendto(h->st, s, NULL, &to, buf, n, now_of(h));
    if (r == 0)
        say("ok");
    return r;
}

static int do_names(struct host *h, char **w, struct tern_sock s)
{
    (void)w;
    struct tern_endpoint l, p;
    char a[INET_ADDRSTRLEN], b[INET_ADDRSTRLEN];
    int r = tern_sockname(h->st, s, &l);
    if (r == 0)
        r = tern_peername(h->st, s, &p);
    if (r == 0)
        say("ok %s %u %s %u", addr_text(a, &l.addr), l.port, addr_text(b, &p.addr), p.port);
    return r;
}

static int do_usage(struct host *h)
{
    struct tern_usage u;
    tern_stack_usage(h->st, &u);
    say("ok %u %u %u %" PRIu64, u.conns, u.half_open, u.time_wait, u.buf_bytes);
    return 0;
}

static int do_counters(struct host *h)
{
    (void)fputs("ok", stdout);
    for (unsigned c = 1; c < tern_cause_count(); c++) {
        if (tern_counter(h->st, c) > 0)
            (void)printf(" %s=%" PRIu64, tern_cause_name(c), tern_counter(h->st, c));
    }
    say("%s", "");
    return 0;
}

static int do_transfer(struct host *h, char **w, struct tern_sock s)
{
    (void)s;
    bool tx = strcmp(w[0], "recv") != 0, rx = strcmp(w[0], "send") != 0;
    uint64_t n = strtoull(w[2] ? w[2] : "0", NULL, 10);
    h->tx.active = h->rx.active = false;
    h->tx.err = h->rx.err = 0;
    if (tx)
        transfer_begin(&h->tx, n, num(w[3]));
    if (rx)
        transfer_begin(&h->rx, n ? n : UINT64_MAX, 0);
    return 0;
}

static int do_shut(struct host *h, char **w, struct tern_sock s)
{
    (void)w;
    int r = tern_tcp_shutdown(h->st, s, now_of(h));
    if (r == 0)
        say("ok");
    return r;
}

static int do_close(struct host *h, char **w, struct tern_sock s)
{
    int r = w[0][0] == 'a' ? tern_tcp_abort(h->st, s, now_of(h)) : tern_close(h->st, s, now_of(h));
    h->slot[h->which] = (struct slot){.kind = SLOT_FREE};
    if (r == 0)
        say("ok");
    return r;
}

/* The commands about a socket, w[1]. */
static const struct {
    const char *name;
    enum waiting wait; /* or a function, which answers at once */
    int (*now)(struct host *h, char **w, struct tern_sock s);
} sock_command[] = {
    {"accept", WAIT_ACCEPT, NULL},        {"finish", WAIT_CONNECT, NULL},
    {"recvfrom", WAIT_UDP, NULL},         {"send", WAIT_TRANSFER, do_transfer},
    {"recv", WAIT_TRANSFER, do_transfer}, {"both", WAIT_TRANSFER, do_transfer},
    {"sendto", WAIT_NONE, do_sendto},     {"names", WAIT_NONE, do_names},
    {"shut", WAIT_NONE, do_shut},         {"close", WAIT_NONE, do_close},
    {"abort", WAIT_NONE, do_close},
};

static int command_sock(struct host *h, char **w)
{
    unsigned i = (unsigned)num(w[1]);
    if (i == 0 || i >= PEER_SLOTS || h->slot[i].kind == SLOT_FREE)
        return TERN_EBADF;
    for (size_t k = 0; k < sizeof sock_command / sizeof *sock_command; k++) {
        if (strcmp(w[0], sock_command[k].name) == 0) {
            h->which = i;
            h->waiting = sock_command[k].wait;
            return sock_command[k].now ? sock_command[k].now(h, w, h->slot[i].s) : TERN_OK;
        }
    }
    return TERN_EOPNOTSUPP;
}

void command(struct host *h, char *line)
{
    char *save = NULL;
    char *w[WORDS] = {NULL};
    unsigned n = 0;
    for (char *t = strtok_r(line, " ", &save); t && n < WORDS - 1; t = strtok_r(NULL, " ", &save))
        w[n++] = t;
    int r;
    if (n == 0 || h->waiting != WAIT_NONE)
        r = TERN_EALREADY; /* one command at a time */
    else if (strcmp(w[0], "listen") == 0)
        r = do_listen(h, w, SERVICE_NONE);
    else if (strcmp(w[0], "serve") == 0)
        r = do_serve(h, w);
    else if (strcmp(w[0], "connect") == 0 || strcmp(w[0], "start") == 0)
        r = do_connect(h, w, w[0][0] == 'c');
    else if (strcmp(w[0], "udp") == 0)
        r = do_udp(h, w);
    else if (strcmp(w[0], "usage") == 0)
        r = do_usage(h);
    else if (strcmp(w[0], "counters") == 0)
        r = do_counters(h);
    else
        r = command_sock(h, w);
    if (r < 0)
        say("err %s", err_name(r));
    proceed(h);
}
