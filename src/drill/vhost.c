/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/vhost.c: the virtual host's clock, frames and events. */
#include "drill/vfast.h"

#include "port/frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tern/iface.h>
#include <tern/loop.h>
#include <tern/port.h>
#include <tern/stack.h>

#define VHOST_EPOCH ((struct tern_time){1000000000000}) /* any instant that is not zero */
#define VHOST_GSO   65535
#define VHOST_BURST 65536 /* frames at one instant: more is a stack that never rests */

void vhost_config_init(struct vhost_config *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    tern_config_init(&cfg->tern);
    tern_seed_from(cfg->tern.seed, 1);
    cfg->tern.cpu = tern_cpu_features();
    cfg->tern.max_conns = cfg->tern.max_half_open = cfg->tern.max_time_wait = 64;
    cfg->tern.max_udp = 16;
    cfg->tern.max_ooo = 4096;
    cfg->tern.buf_bytes = 64u << 20;
    cfg->tern.trace_records = 4096;
    cfg->local = (struct tern_addr){.fam = TERN_AF_IP4, .b = {192, 168, 0, 1}};
    cfg->prefix = 16;
    cfg->mtu = 1500;
}

int vhost_open(struct vhost *vh, const struct vhost_config *cfg, char *why)
{
    memset(vh, 0, sizeof *vh);
    vh->cfg = *cfg;
    vh->now = VHOST_EPOCH;
    vh->st = tern_stack_new(&cfg->tern, vh->now, why);
    if (!vh->st)
        return -1;
    vfast_keys(vh, NULL);
    struct tern_iface_config ic = {.link = TERN_LINK_IP, .mtu = cfg->mtu};
    if (cfg->tern.profile == TERN_PROFILE_LINUX)
        ic.gso_max = VHOST_GSO; /* where a burst ends can be seen by its PSH */
    ic.addr[0].addr = cfg->local;
    ic.addr[0].prefix = cfg->prefix;
    if (tern_iface_add(vh->st, &ic) != 0) {
        (void)snprintf(why, TERN_WHY, "the interface was refused: the MTU must be in 576..65535");
        vhost_close(vh);
        return -1;
    }
    vh->scratch_cap = tern_frame_cap(vh->st, 0);
    vh->scratch = malloc(vh->scratch_cap);
    if (!vh->scratch) {
        (void)snprintf(why, TERN_WHY, "out of memory");
        vhost_close(vh);
        return -1;
    }
    return 0;
}

void vhost_settings(struct vhost *vh, const struct vhost_config *cfg)
{
    if (tern_stack_config(vh->st, &cfg->tern) == 0)
        vh->cfg.tern = cfg->tern;
    memcpy(vh->cfg.fo_key, cfg->fo_key, sizeof vh->cfg.fo_key);
    vh->cfg.fo_keys = cfg->fo_keys;
    vfast_keys(vh, NULL);
}

void vhost_close(struct vhost *vh)
{
    while (vhost_frame(vh))
        vhost_drop(vh);
    for (unsigned i = 0; i < VHOST_SOCKS; i++)
        vmsg_free(&vh->sock[i].msg);
    vepoll_free(vh);
    free(vh->queue);
    free(vh->scratch);
    tern_stack_free(vh->st);
    memset(vh, 0, sizeof *vh);
}

/* ---- frames ---- */

static void queue_one(struct vhost *vh, const struct tern_frame *f)
{
    if (vh->count == vh->cap) {
        size_t cap = vh->cap ? vh->cap * 2 : 64;
        struct vframe *q = calloc(cap, sizeof *q);
        if (!q)
            abort();
        for (size_t i = 0; i < vh->count; i++)
            q[i] = vh->queue[(vh->head + i) % vh->cap];
        free(vh->queue);
        vh->queue = q;
        vh->head = 0;
        vh->cap = cap;
    }
    struct vframe *v = &vh->queue[(vh->head + vh->count) % vh->cap];
    *v = (struct vframe){.data = malloc(f->len), .len = f->len, .time = vh->now, .cause = f->cause};
    if (!v->data)
        abort();
    memcpy(v->data, f->data, f->len);
    vh->count++;
}

const struct vframe *vhost_frame(struct vhost *vh)
{
    return vh->count ? &vh->queue[vh->head] : NULL;
}

void vhost_drop(struct vhost *vh)
{
    free(vh->queue[vh->head].data);
    vh->head = (vh->head + 1) % vh->cap;
    vh->count--;
}

/* A super-segment is cut, as a network card does it. */
static void queue_put(struct vhost *vh, const struct tern_frame *f)
{
    struct frame_cut cut;
    uint8_t piece[VHOST_GSO];
    if (!frame_cut_begin(&cut, TERN_LINK_IP, f)) {
        queue_one(vh, f);
        return;
    }
    uint32_t n;
    while ((n = frame_cut_next(&cut, piece, sizeof piece)) > 0) {
        struct tern_frame one = *f;
        one.data = piece;
        one.len = n;
        queue_one(vh, &one);
    }
}

/* ---- events ---- */

static void event_take(struct vhost *vh, const struct tern_event *ev)
{
    for (unsigned i = 0; i < VHOST_SOCKS; i++) {
        struct vsock *s = &vh->sock[i];
        if (!s->used || s->h.id == 0 || s->h.id != ev->sock.id)
            continue;
        if ((ev->bits & TERN_EV_CONNECTED) && s->state == VS_CONNECTING)
            s->state = VS_OPEN;
        if (ev->bits & (TERN_EV_READABLE | TERN_EV_PEER_FIN | TERN_EV_OOB | TERN_EV_ACCEPT))
            s->rx_edge++;
        if (ev->bits & (TERN_EV_WRITABLE | TERN_EV_CONNECTED))
            s->tx_edge++;
        if (ev->bits & TERN_EV_CLOSED)
            s->err_edge++;
        if (ev->bits & TERN_EV_WRITABLE)
            s->full = false;
        if (ev->bits & TERN_EV_OOB)
            s->oob = true;
        if ((ev->bits & TERN_EV_CLOSED) && ev->err) {
            s->err = tern_errno(ev->err);
            if (s->state == VS_CONNECTING)
                s->state = VS_FAILED;
        }
    }
}

void vhost_pump(struct vhost *vh)
{
    struct tern_event ev;
    struct tern_trace rec[64];
    size_t n;
    for (unsigned burst = 0; burst < VHOST_BURST; burst++) {
        struct tern_frame f = {.data = vh->scratch, .cap = (uint32_t)vh->scratch_cap};
        if (tern_tx(vh->st, 0, &f, 1, vh->now) == 0)
            break;
        queue_put(vh, &f);
    }
    while (tern_event_next(vh->st, &ev))
        event_take(vh, &ev);
    vmsg_pump(vh);
    while ((n = tern_trace_read(vh->st, rec, 64, NULL)) > 0) {
        for (size_t i = 0; i < n && vh->trace; i++)
            vh->trace(vh->trace_ctx, &rec[i]);
    }
}

/* ---- time ---- */

struct tern_time vhost_deadline(const struct vhost *vh)
{
    return tern_deadline(vh->st);
}

bool vhost_step_to(struct vhost *vh, struct tern_time limit)
{
    vhost_pump(vh);
    struct tern_time d = tern_deadline(vh->st);
    if (d.ns > limit.ns) {
        if (vh->now.ns < limit.ns)
            vh->now = limit;
        return false;
    }
    if (d.ns > vh->now.ns)
        vh->now = d;
    tern_tick(vh->st, vh->now);
    vhost_pump(vh);
    /* A deadline may be early; one that stays in the past must not stop the clock. */
    if (tern_deadline(vh->st).ns <= vh->now.ns)
        vh->now.ns += 1000;
    return true;
}

void vhost_run_to(struct vhost *vh, struct tern_time t)
{
    while (vhost_step_to(vh, t))
        ;
}

void vhost_rx(struct vhost *vh, const uint8_t *data, uint32_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, data, len);
    struct tern_frame f = {.data = copy, .len = len, .cap = len, .time = vh->now};
    tern_rx(vh->st, 0, &f, 1, vh->now);
    free(copy);
    vhost_pump(vh);
}

/* ---- calls that wait ---- */

static bool call_connect(struct vhost *vh, struct vcall *c)
{
    if (!c->begun) {
        c->begun = true;
        c->ret = vh_connect(vh, c->fd, &c->addr);
        const struct vsock *s = vh_sock(vh, c->fd);
        if (c->ret != -EINPROGRESS || s->nonblock)
            return true;
    }
    c->ret = vh_connect_result(vh, c->fd);
    return c->ret != -EINPROGRESS;
}

/* A blocking sendto(MSG_FASTOPEN) is over when the handshake is, whatever went with the SYN. */
static bool call_fast(struct vhost *vh, struct vcall *c)
{
    int64_t rc = vh_connect_result(vh, c->fd);
    if (rc == -EINPROGRESS)
        return false;
    c->flags &= ~MSG_FASTOPEN;
    c->ret = rc != 0 ? rc : (int64_t)c->done;
    return true;
}

/* A blocking one has connected, with what the SYN had room for; the rest waits for the SYN-ACK. */
static void fast_begun(struct vhost *vh, struct vcall *c, int64_t n)
{
    c->begun = true;
    c->flags |= MSG_FASTOPEN;
    c->done += n > 0 ? (size_t)n : 0;
    c->done += vh_send_early(vh, c->fd, c->out + c->done, c->len - c->done);
    c->ret = (int64_t)c->done;
}

/* A blocking send is over when all is in the buffer, or at an error. */
static bool call_send_on(struct vhost *vh, struct vcall *c, bool nonblock)
{
    const struct vsock *s = vh_sock(vh, c->fd);
    bool fast = s != NULL && ((c->flags & MSG_FASTOPEN) || s->deferred);
    int64_t n = vh_send(vh, c->fd, c->out + c->done, c->len - c->done, c->flags,
                        c->has_addr ? &c->addr : NULL);
    if (fast && !nonblock && (n > 0 || n == -EINPROGRESS)) {
        fast_begun(vh, c, n);
        return false;
    }
    if (n > 0)
        c->done += (size_t)n;
    c->ret = c->done ? (int64_t)c->done : n;
    if (n < 0 && n != -EAGAIN)
        return true;
    return nonblock || c->done >= c->len;
}

static bool call_send(struct vhost *vh, struct vcall *c, bool nonblock)
{
    if (c->begun && (c->flags & MSG_FASTOPEN)) {
        if (!call_fast(vh, c))
            return false;
        if (c->ret < 0 || c->done >= c->len)
            return true;
    }
    const struct vsock *s = vh_sock(vh, c->fd);
    bool again = c->done != 0 || c->ret == -EAGAIN;
    if (again && !nonblock && s != NULL && s->full)
        return false; /* until there is room worth waking for */
    return call_send_on(vh, c, nonblock);
}

/* FIN goes at once; the call ends when it is acknowledged, or late. */
static bool call_close(struct vhost *vh, struct vcall *c)
{
    const struct vsock *s = vh_sock(vh, c->fd);
    struct tern_info in;
    if (!c->begun)
        (void)tern_tcp_shutdown(vh->st, s->h, vh->now);
    c->begun = true;
    vhost_pump(vh);
    bool waits = tern_inspect(vh->st, s->h, &in, vh->now) &&
                 (in.state == TERN_TCP_FIN_WAIT_1 || in.state == TERN_TCP_CLOSING ||
                  in.state == TERN_TCP_LAST_ACK);
    if (waits && vh->now.ns < c->until.ns)
        return false;
    c->ret = vh_close(vh, c->fd);
    return true;
}

bool vhost_call(struct vhost *vh, struct vcall *c)
{
    const struct vsock *s = vh_sock(vh, c->fd);
    bool nonblock = (s && s->nonblock) || (c->flags & 0x40 /* MSG_DONTWAIT */);
    switch (c->op) {
    case VOP_CONNECT:
        return call_connect(vh, c);
    case VOP_SEND:
        return call_send(vh, c, nonblock);
    case VOP_ACCEPT:
        c->ret = vh_accept(vh, c->fd, &c->addr);
        return nonblock || c->ret != -EAGAIN;
    case VOP_RECV:
        c->ret = vh_recv(vh, c->fd, c->in, c->len, c->flags, &c->addr);
        return nonblock || c->ret != -EAGAIN;
    case VOP_POLL:
        c->ret = vh_poll(vh, c->fds, c->nfds);
        return c->ret != 0 || vh->now.ns >= c->until.ns;
    case VOP_EPOLL:
        c->ret = vh_epoll_ready(vh, c->fd, c->events, (int)c->nfds);
        return c->ret != 0 || vh->now.ns >= c->until.ns;
    case VOP_CLOSE:
        return call_close(vh, c);
    case VOP_SPLICE:
        c->ret = vh_splice(vh, c->fd, c->to, c->len);
        return nonblock || c->ret != -EAGAIN;
    }
    return true;
}
