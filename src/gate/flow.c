/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate/flow.c: carrying a connection's octets, its two ends, and its reset.
 *
 * Octets go from the host's socket straight into the stack's send buffer, and from the stack's
 * receive buffer straight into the host's socket. Who has no room is not written to, so its buffer
 * fills and its window closes: back pressure goes through the gateway to the other end, in both
 * directions.
 *
 *     host: end of stream     -> FIN to the guest        guest: FIN -> shutdown(SHUT_WR)
 *     host: reset, timeout    -> RST to the guest        guest: RST -> RST (SO_LINGER 0)
 *
 * Both directions ended: both sockets are closed, and each stack finishes on its own.
 */
#include "gate/flow.h"
#include "base/assert.h"
#include "gate/host.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOW_WANT  (256u << 10) /* octets of room that one read asks for */
#define FLOW_KIND  ((uint64_t)1 << 60)
#define FLOW_EDGES ((uint32_t)EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

/* ---- the table ---- */

static struct flow **flow_list(struct flow_table *t, uint8_t state)
{
    switch (state) {
    case FLOW_FREE:
        return &t->free;
    case FLOW_DIALING:
    case FLOW_ANSWERED:
        return &t->waiting;
    default:
        return &t->active;
    }
}

int flow_table_init(struct flow_table *t)
{
    tern_assert(t->loop && t->st && t->max > 0 && t->dialed);
    t->flows = calloc(t->max, sizeof *t->flows);
    if (!t->flows)
        return -1;
    for (uint32_t i = t->max; i-- > 0;) {
        t->flows[i] = (struct flow){.t = t, .next = t->free, .fd = -1};
        t->free = &t->flows[i];
    }
    return 0;
}

void flow_table_free(struct flow_table *t)
{
    t->freed = NULL;
    while (t->waiting)
        flow_reset_host(t->waiting);
    while (t->active)
        flow_reset_host(t->active);
    free(t->flows);
    t->flows = t->free = NULL;
}

void flow_move(struct flow *f, enum flow_state state)
{
    struct flow_table *t = f->t;
    if (f->prev)
        f->prev->next = f->next;
    else
        *flow_list(t, f->state) = f->next;
    if (f->next)
        f->next->prev = f->prev;
    t->dialing += (state == FLOW_DIALING) - (uint32_t)(f->state == FLOW_DIALING);
    t->held += (state != FLOW_FREE) - (uint32_t)(f->state != FLOW_FREE);
    f->state = (uint8_t)state;
    f->prev = NULL;
    f->next = *flow_list(t, f->state);
    if (f->next)
        f->next->prev = f;
    *flow_list(t, f->state) = f;
}

static void flow_on_fd(void *ctx, int fd, uint32_t events);

struct flow *flow_new(struct flow_table *t, enum flow_state state, int fd)
{
    struct flow *f = t->free;
    if (!f || tern_loop_watch(t->loop, fd, FLOW_EDGES, flow_on_fd, f) < 0)
        return NULL;
    flow_move(f, state);
    f->fd = fd;
    f->gen++;
    return f;
}

void flow_free(struct flow *f)
{
    tern_assert(f->state != FLOW_FREE);
    tern_loop_unwatch(f->t->loop, f->fd);
    flow_move(f, FLOW_FREE);
    f->fd = -1;
    f->sock = (struct tern_sock){0};
    f->host_rd = f->host_wr = f->host_hup = f->host_eof = f->guest_eof = false;
    if (f->t->freed)
        f->t->freed(f->t);
}

uint64_t flow_user(const struct flow *f)
{
    return FLOW_KIND | (uint64_t)(f->gen & 0xfffffff) << 32 | (uint64_t)(f - f->t->flows);
}

struct flow *flow_of_user(struct flow_table *t, uint64_t user)
{
    uint32_t idx = (uint32_t)user;
    if (user >> 60 != FLOW_KIND >> 60 || idx >= t->max)
        return NULL;
    struct flow *f = &t->flows[idx];
    return f->state != FLOW_FREE && flow_user(f) == user ? f : NULL;
}

/* ---- the ends ---- */

void flow_reset_guest(struct flow *f)
{
    struct flow_table *t = f->t;
    int fd = f->fd;
    if (f->sock.id)
        (void)tern_tcp_abort(t->st, f->sock, tern_loop_now(t->loop));
    flow_free(f);
    (void)close(fd);
}

void flow_reset_host(struct flow *f)
{
    struct flow_table *t = f->t;
    int fd = f->fd;
    if (f->sock.id)
        (void)tern_tcp_abort(t->st, f->sock, tern_loop_now(t->loop));
    flow_free(f);
    host_reset(fd);
}

static void flow_finish(struct flow *f)
{
    struct flow_table *t = f->t;
    int fd = f->fd;
    (void)tern_close(t->st, f->sock, tern_loop_now(t->loop));
    flow_free(f);
    (void)close(fd);
}

/* ---- the octets; each returns false when the flow is gone ---- */

/* Guest to host. */
static bool flow_up(struct flow *f)
{
    struct tern_stack *st = f->t->st;
    while (f->host_wr && !f->guest_eof) {
        const uint8_t *p;
        size_t len;
        int r = tern_tcp_recv_data(st, f->sock, &p, &len);
        if (r == TERN_EAGAIN)
            break;
        if (r == 0) {
            (void)shutdown(f->fd, SHUT_WR);
            f->guest_eof = true;
            break;
        }
        if (r < 0) {
            flow_reset_host(f);
            return false;
        }
        ssize_t n = send(f->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            flow_reset_guest(f);
            return false;
        }
        f->host_wr = n == (ssize_t)len;
        if (n > 0)
            (void)tern_tcp_recv_consume(st, f->sock, (size_t)n, tern_loop_now(f->t->loop));
    }
    return true;
}

/* One read of the host's socket into the send buffer; 1 = go on, 0 = no more now, -1 = gone. */
static int flow_down_once(struct flow *f)
{
    struct tern_stack *st = f->t->st;
    uint8_t *p;
    size_t len;
    int r = tern_tcp_send_space(st, f->sock, FLOW_WANT, &p, &len);
    if (r == TERN_EAGAIN || r == TERN_ENOBUFS)
        return 0; /* TERN_EV_WRITABLE comes */
    if (r < 0) {
        flow_reset_host(f);
        return -1;
    }
    ssize_t n = recv(f->fd, p, len, MSG_DONTWAIT);
    if (n > 0) {
        (void)tern_tcp_send_commit(st, f->sock, (size_t)n, 0, tern_loop_now(f->t->loop));
        f->host_rd = n == (ssize_t)len || f->host_hup;
        return 1;
    }
    if (n == 0) {
        f->host_eof = true;
        (void)tern_tcp_shutdown(st, f->sock, tern_loop_now(f->t->loop));
        return 0;
    }
    if (errno == EINTR)
        return 1;
    if (errno == EAGAIN) {
        f->host_rd = false;
        return 0;
    }
    flow_reset_guest(f);
    return -1;
}

static bool flow_down(struct flow *f)
{
    int r = 1;
    while (r > 0 && f->host_rd && !f->host_eof)
        r = flow_down_once(f);
    return r >= 0;
}

static bool flow_pump(struct flow *f)
{
    if (!flow_up(f) || !flow_down(f))
        return false;
    if (f->host_eof && f->guest_eof) {
        flow_finish(f);
        return false;
    }
    return true;
}

/* The urgent octet, out of band as it came [RFC9293:3.8.5]. */
static void flow_urgent_up(struct flow *f)
{
    uint8_t octet;
    if (tern_tcp_recv_oob(f->t->st, f->sock, &octet) == 1)
        (void)send(f->fd, &octet, 1, MSG_OOB | MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void flow_urgent_down(struct flow *f)
{
    uint8_t octet;
    if (recv(f->fd, &octet, 1, MSG_OOB | MSG_DONTWAIT) == 1)
        (void)tern_tcp_send(f->t->st, f->sock, &octet, 1, TERN_SEND_OOB, tern_loop_now(f->t->loop));
}

/* ---- what happens to it ---- */

bool flow_open(struct flow *f, struct tern_sock sock)
{
    struct tern_stack *st = f->t->st;
    f->sock = sock;
    flow_move(f, FLOW_OPEN);
    (void)tern_setuser(st, sock, flow_user(f));
    (void)tern_setopt(st, sock, TERN_OPT_NODELAY, 1, tern_loop_now(f->t->loop));
    f->host_rd = f->host_wr = true; /* edges before this were not looked at: try once */
    return flow_pump(f);
}

static void flow_on_fd(void *ctx, int fd, uint32_t events)
{
    struct flow *f = ctx;
    tern_assert(f->fd == fd && f->state != FLOW_FREE);
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        f->host_rd = true;
    if (events & EPOLLOUT)
        f->host_wr = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        f->host_hup = true;
    switch (f->state) {
    case FLOW_DIALING:
        f->t->dialed(f);
        break;
    case FLOW_CALLING: /* a client that resets does not wait for the guest's answer */
        if (events & (EPOLLERR | EPOLLHUP))
            flow_reset_guest(f);
        break;
    case FLOW_OPEN:
        if (!flow_pump(f))
            break;
        if (events & EPOLLERR) /* what did not fit any more is lost, as with any reset */
            flow_reset_guest(f);
        else if (events & EPOLLPRI)
            flow_urgent_down(f);
        break;
    default: /* FLOW_ANSWERED: flow_open() will look */
        break;
    }
}

void flow_on_event(struct flow *f, const struct tern_event *ev)
{
    if (f->state == FLOW_CALLING) {
        f->t->called(f, ev);
        return;
    }
    if (f->state != FLOW_OPEN || !flow_pump(f))
        return;
    if (ev->bits & TERN_EV_OOB)
        flow_urgent_up(f);
    if ((ev->bits & TERN_EV_CLOSED) && ev->err != 0)
        flow_reset_host(f);
}
