/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/impair.c: a bad link around a good one.
 *
 * Each direction is a lane: a frame is lost, damaged, doubled, or waits in a queue ordered by the
 * instant at which it comes out. All chance is drawn from the lane's own seeded generator, once for
 * every frame and setting, so the same frames at the same instants meet the same fate: the
 * simulator repeats a run to the last bit. Nothing here reads a clock.
 *
 * A lane, in the order in which a frame meets it:
 *     named loss -> its own MTU -> random loss -> corruption -> bandwidth (a queue with a limit in
 * front of it, which marks CE) -> random marks
 *     -> delay and jitter, in order -> reordering (this one comes later) -> duplication
 *
 * Super-segments are cut first, so that a loss is the loss of one segment. Damage is one bit of an
 * IPv4 packet with its checksums completed, as a wire would damage it; in any other frame the
 * link's own check (Ethernet's FCS) would have found it, so that frame is lost.
 */
#include "base/assert.h"
#include "base/causes.h"
#include "base/prng.h"
#include "base/time.h"
#include "port/frame.h"
#include "port/named.h"
#include "port/why.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define IMPAIR_QUEUE_MAX (64u << 20) /* octets that a lane holds for delay; beyond: lost */

struct imp_pkt {
    struct imp_pkt *prev, *next;
    struct tern_time due;
    struct tern_frame f;
    uint8_t data[];
};

struct lane {
    struct tern_impair_config cfg;
    bool on;
    unsigned dir; /* 0 = out, 1 = in */
    struct prng rng;
    struct tern_time free_at;  /* when the bandwidth has sent all before */
    struct tern_time last_due; /* of the frames that keep their order */
    struct imp_pkt *head, *tail;
    uint64_t held; /* octets in the queue */
};

struct impair {
    struct tern_port port;
    struct tern_port *inner;
    struct lane out, in;
    struct named named;
    uint8_t *bufs; /* what tx_get gives out */
    size_t stride;
    uint8_t *piece;       /* where super-segments are cut */
    struct imp_pkt *lent; /* what the last rx gave out */
};

static struct impair *impair_of(struct tern_port *p)
{
    return (struct impair *)(void *)p;
}

static void impair_note(const struct impair *im, const struct tern_frame *f,
                        const struct frame_view *v, unsigned cause, struct tern_time now)
{
    if (!im->port.note)
        return;
    struct tern_trace rec = {.time = now,
                             .id = f->id,
                             .cause = (uint16_t)cause,
                             .kind = TERN_TR_LINK,
                             .len = f->len,
                             .gso = 1};
    if (v->tcp) {
        rec.th = v->th;
        rec.seq = v->seq;
        rec.ack = v->ack;
        rec.len = v->data_len;
        rec.wnd = v->wnd;
        rec.lport = v->sport;
        rec.rport = v->dport;
        rec.laddr.fam = rec.raddr.fam = TERN_AF_IP4;
        memcpy(rec.laddr.b, v->src, 4);
        memcpy(rec.raddr.b, v->dst, 4);
    }
    im->port.note(im->port.note_ctx, &rec);
}

/* ---- a lane's queue ---- */

static void lane_insert(struct lane *l, struct imp_pkt *p)
{
    struct imp_pkt *after = l->tail;
    while (after && time_lt(p->due, after->due))
        after = after->prev;
    p->prev = after;
    p->next = after ? after->next : l->head;
    if (p->next)
        p->next->prev = p;
    else
        l->tail = p;
    if (after)
        after->next = p;
    else
        l->head = p;
    l->held += p->f.len;
}

static struct imp_pkt *lane_pop(struct lane *l, struct tern_time now)
{
    struct imp_pkt *p = l->head;
    if (!p || time_lt(now, p->due))
        return NULL;
    l->head = p->next;
    if (p->next)
        p->next->prev = NULL;
    else
        l->tail = NULL;
    l->held -= p->f.len;
    return p;
}

static struct imp_pkt *imp_pkt_new(const struct tern_frame *f, struct tern_time due)
{
    struct imp_pkt *p = malloc(sizeof *p + f->len);
    if (!p)
        return NULL;
    p->prev = p->next = NULL;
    p->due = due;
    p->f = *f;
    p->f.data = p->data;
    p->f.cap = f->len;
    memcpy(p->data, f->data, f->len);
    return p;
}

static void imp_pkt_free_all(struct imp_pkt **list)
{
    while (*list) {
        struct imp_pkt *p = *list;
        *list = p->next;
        free(p);
    }
}

/* ---- a frame's fate ---- */

static bool lane_chance(struct lane *l, double p)
{
    return p > 0 && prng_chance(&l->rng, p);
}

/* A number in [0, n]. */
static uint64_t lane_upto(struct lane *l, uint64_t n)
{
    if (n < UINT32_MAX)
        return prng_below(&l->rng, (uint32_t)n + 1);
    return prng_next(&l->rng) % (n + 1);
}

/* Passes len octets through the bandwidth: when they are out; false when the queue is full. *mark:
 * it is so long that a router would mark. */
static bool lane_rate(struct lane *l, uint32_t len, struct tern_time now, struct tern_time *out,
                      bool *mark)
{
    *out = now;
    *mark = false;
    if (l->cfg.rate_bps == 0)
        return true;
    uint32_t limit = l->cfg.queue_bytes ? l->cfg.queue_bytes : 256u << 10;
    struct tern_time start = time_max(now, l->free_at);
    double ns_per_octet = 8e9 / (double)l->cfg.rate_bps;
    double waiting = (double)time_diff_ns(start, now) / ns_per_octet;
    if (waiting + len > limit)
        return false;
    *mark = l->cfg.ce_bytes != 0 && waiting > l->cfg.ce_bytes;
    l->free_at = time_add_ns(start, (int64_t)(ns_per_octet * len));
    *out = l->free_at;
    return true;
}

static uint64_t lane_reorder_us(const struct lane *l)
{
    return l->cfg.reorder_us ? l->cfg.reorder_us : 3000 + l->cfg.delay_us / 4;
}

/* CE into the header of an ECN-capable packet; the checksum follows [RFC1624:3]. */
static void lane_mark(struct impair *im, struct tern_frame *f, const struct frame_view *v,
                      struct tern_time now)
{
    uint8_t *h = f->data + v->ip;
    unsigned add = 3u - (h[1] & 3u);
    if ((h[1] & 3) == 0 || add == 0)
        return;
    h[1] |= 3;
    uint32_t sum = (uint32_t)(h[10] << 8 | h[11]) ^ 0xffffu;
    sum += add;
    sum = (sum & 0xffff) + (sum >> 16);
    sum ^= 0xffff;
    h[10] = (uint8_t)(sum >> 8);
    h[11] = (uint8_t)sum;
    impair_note(im, f, v, CAUSE_LINK_MARKED, now);
}

static void lane_queue(struct impair *im, struct lane *l, struct tern_frame *f,
                       const struct frame_view *v, bool ip4, struct tern_time now)
{
    struct tern_time due;
    struct imp_pkt *p = NULL;
    bool mark, room = lane_rate(l, f->len, now, &due, &mark);
    if ((lane_chance(l, l->cfg.ce) || mark) && ip4)
        lane_mark(im, f, v, now);
    if (room && l->held + f->len <= IMPAIR_QUEUE_MAX)
        p = imp_pkt_new(f, due);
    if (!p) {
        impair_note(im, f, v, CAUSE_LINK_QUEUE_FULL, now);
        return;
    }
    uint64_t us = l->cfg.delay_us + (l->cfg.jitter_us ? lane_upto(l, l->cfg.jitter_us) : 0);
    due = time_max(time_add_us(due, (int64_t)us), l->last_due);
    if (lane_chance(l, l->cfg.reorder)) {
        due = time_add_us(due, (int64_t)lane_reorder_us(l));
        impair_note(im, f, v, CAUSE_LINK_REORDERED, now);
    } else {
        l->last_due = due;
    }
    p->due = due;
    lane_insert(l, p);
    if (!lane_chance(l, l->cfg.duplicate))
        return;
    struct imp_pkt *twin = imp_pkt_new(f, due);
    if (twin) {
        lane_insert(l, twin);
        impair_note(im, f, v, CAUSE_LINK_DUPLICATED, now);
    }
}

static void lane_damage(struct lane *l, struct tern_frame *f, const struct frame_view *v)
{
    frame_finish_csum(f);
    uint32_t bit = prng_below(&l->rng, v->ip_len * 8);
    f->data[v->ip + bit / 8] ^= (uint8_t)(1u << (bit & 7));
    f->csum = TERN_CSUM_NONE;
}

/* One frame of at most the MTU meets the lane. Its data may be changed. */
static void lane_push(struct impair *im, struct lane *l, struct tern_frame *f, struct tern_time now)
{
    struct frame_view v;
    bool ip4 = frame_view(im->port.link, f->data, f->len, &v);
    bool named = named_look(&im->named, &v, l->dir);
    bool lost = lane_chance(l, l->cfg.lose);
    if (l->cfg.mtu != 0 && ip4 && v.ip_len > l->cfg.mtu) {
        impair_note(im, f, &v, CAUSE_LINK_MTU, now);
        return;
    }
    if (named || lost) {
        impair_note(im, f, &v, CAUSE_LINK_LOST, now);
        return;
    }
    if (lane_chance(l, l->cfg.corrupt)) {
        impair_note(im, f, &v, CAUSE_LINK_CORRUPTED, now);
        if (!ip4)
            return;
        lane_damage(l, f, &v);
    }
    lane_queue(im, l, f, &v, ip4, now);
}

static void lane_take(struct impair *im, struct lane *l, struct tern_frame *f, struct tern_time now)
{
    struct frame_cut cut;
    if (!frame_cut_begin(&cut, im->port.link, f)) {
        lane_push(im, l, f, now);
        return;
    }
    struct tern_frame piece = *f;
    piece.data = im->piece;
    piece.gso = TERN_GSO_NONE;
    piece.gso_size = 0;
    piece.csum = TERN_CSUM_NONE;
    while ((piece.len = frame_cut_next(&cut, im->piece, (uint32_t)im->stride)) > 0)
        lane_push(im, l, &piece, now);
}

/* ---- the port ---- */

/* Moves what is due from the out lane into the link. */
static void impair_flush(struct impair *im, struct tern_time now)
{
    while (im->out.head && time_le(im->out.head->due, now)) {
        struct tern_frame fr[TERN_PORT_BATCH];
        size_t room = im->inner->ops->tx_get(im->inner, fr, TERN_PORT_BATCH, now);
        size_t n = 0;
        while (n < room) {
            struct imp_pkt *p = lane_pop(&im->out, now);
            if (!p)
                break;
            if (p->f.len <= fr[n].cap) {
                struct tern_frame into = fr[n];
                fr[n] = p->f;
                fr[n].data = into.data;
                fr[n].cap = into.cap;
                memcpy(into.data, p->data, p->f.len);
                n++;
            }
            free(p);
        }
        im->inner->ops->tx_put(im->inner, fr, n, now);
        if (n < TERN_PORT_BATCH)
            return;
    }
}

static size_t impair_rx(struct tern_port *self, struct tern_frame *frames, size_t n,
                        struct tern_time now)
{
    struct impair *im = impair_of(self);
    imp_pkt_free_all(&im->lent);
    impair_flush(im, now);
    struct tern_frame fr[TERN_PORT_BATCH];
    if (!im->in.on) {
        n = im->inner->ops->rx(im->inner, frames, n, now);
        struct frame_view v;
        for (size_t i = 0; im->named.n && i < n; i++) {
            if (frame_view(im->port.link, frames[i].data, frames[i].len, &v))
                (void)named_look(&im->named, &v, 1);
        }
        return n;
    }
    size_t got = im->inner->ops->rx(im->inner, fr, TERN_PORT_BATCH, now);
    for (size_t i = 0; i < got; i++)
        lane_take(im, &im->in, &fr[i], now);
    size_t k = 0;
    while (k < n) {
        struct imp_pkt *p = lane_pop(&im->in, now);
        if (!p)
            break;
        p->next = im->lent;
        im->lent = p;
        frames[k] = p->f;
        frames[k].time = now;
        k++;
    }
    return k;
}

static size_t impair_tx_get(struct tern_port *self, struct tern_frame *frames, size_t n,
                            struct tern_time now)
{
    struct impair *im = impair_of(self);
    if (!im->out.on)
        return im->inner->ops->tx_get(im->inner, frames, n, now);
    if (n > TERN_PORT_BATCH)
        n = TERN_PORT_BATCH;
    for (size_t i = 0; i < n; i++) {
        frames[i] =
            (struct tern_frame){.data = im->bufs + i * im->stride, .cap = (uint32_t)im->stride};
    }
    return n;
}

static void impair_tx_put(struct tern_port *self, struct tern_frame *frames, size_t n,
                          struct tern_time now)
{
    struct impair *im = impair_of(self);
    if (im->out.on) {
        for (size_t i = 0; i < n; i++)
            lane_take(im, &im->out, &frames[i], now);
        impair_flush(im, now);
        return;
    }
    struct frame_view v;
    for (size_t i = 0; im->named.n && i < n; i++) {
        if (frame_view(im->port.link, frames[i].data, frames[i].len, &v))
            (void)named_look(&im->named, &v, 0);
    }
    im->inner->ops->tx_put(im->inner, frames, n, now);
}

static struct tern_time impair_deadline(const struct tern_port *self)
{
    const struct impair *im = (const struct impair *)(const void *)self;
    struct tern_time t = im->inner->ops->deadline(im->inner);
    if (im->out.head)
        t = time_min(t, im->out.head->due);
    if (im->in.head)
        t = time_min(t, im->in.head->due);
    return t;
}

static int impair_fd(const struct tern_port *self)
{
    const struct impair *im = (const struct impair *)(const void *)self;
    return im->inner->ops->fd(im->inner);
}

static int impair_fd2(const struct tern_port *self)
{
    const struct impair *im = (const struct impair *)(const void *)self;
    return tern_port_fd2(im->inner);
}

static void impair_free(struct impair *im)
{
    imp_pkt_free_all(&im->lent);
    imp_pkt_free_all(&im->out.head);
    imp_pkt_free_all(&im->in.head);
    if (im->bufs)
        (void)munmap(im->bufs, (TERN_PORT_BATCH + 1) * im->stride);
    free(im);
}

static void impair_close(struct tern_port *self)
{
    struct impair *im = impair_of(self);
    im->inner->ops->close(im->inner);
    impair_free(im);
}

static const struct tern_port_ops impair_ops = {
    .name = "impair",
    .rx = impair_rx,
    .tx_get = impair_tx_get,
    .tx_put = impair_tx_put,
    .deadline = impair_deadline,
    .fd = impair_fd,
    .fd2 = impair_fd2,
    .close = impair_close,
};

/* ---- making one ---- */

static int impair_check(const struct tern_impair_config *c, const char *dir, char *why)
{
    const struct {
        const char *name;
        double p;
    } prob[] = {{"lose", c->lose},
                {"duplicate", c->duplicate},
                {"reorder", c->reorder},
                {"corrupt", c->corrupt},
                {"ce", c->ce}};
    for (unsigned i = 0; i < sizeof prob / sizeof prob[0]; i++) {
        if (!(prob[i].p >= 0 && prob[i].p <= 1)) {
            why_set(why, "impair: %s, %s: %g is no probability: want 0..1", dir, prob[i].name,
                    prob[i].p);
            return -1;
        }
    }
    const uint64_t hour = 3600000000u;
    if (c->delay_us > hour || c->jitter_us > hour || c->reorder_us > hour) {
        why_set(why, "impair: %s: a delay, jitter or reordering time above one hour", dir);
        return -1;
    }
    if (c->nnamed > NAMED_ENTRIES) {
        why_set(why, "impair: %s: %u named losses, at most %u", dir, c->nnamed, NAMED_ENTRIES);
        return -1;
    }
    return 0;
}

static void lane_init(struct lane *l, const struct tern_impair_config *cfg, unsigned dir)
{
    l->dir = dir;
    l->free_at = l->last_due = (struct tern_time){INT64_MIN};
    if (!cfg || tern_impair_idle(cfg))
        return;
    l->cfg = *cfg;
    l->on = true;
    prng_init(&l->rng, cfg->seed ^ (dir ? 0x9e3779b97f4a7c15u : 0));
}

int tern_impair_new(struct tern_port *inner, const struct tern_impair_config *out,
                    const struct tern_impair_config *in, struct tern_port **port, char *why)
{
    tern_assert(inner && port);
    if ((out && impair_check(out, "out", why)) || (in && impair_check(in, "in", why)))
        return -1;
    struct impair *im = calloc(1, sizeof *im);
    if (!im) {
        why_set(why, "impair: out of memory");
        return -1;
    }
    uint32_t most = inner->gso_max > inner->mtu ? inner->gso_max : inner->mtu;
    im->stride = ((size_t)most + FRAME_ETH_LEN + 63) & ~(size_t)63;
    void *m = mmap(NULL, (TERN_PORT_BATCH + 1) * im->stride, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m == MAP_FAILED) {
        free(im);
        why_set(why, "impair: out of memory");
        return -1;
    }
    im->bufs = m;
    im->piece = im->bufs + TERN_PORT_BATCH * im->stride;
    im->inner = inner;
    im->port = *inner;
    im->port.ops = &impair_ops;
    lane_init(&im->out, out, 0);
    lane_init(&im->in, in, 1);
    named_init(&im->named, im->out.on ? out : NULL, im->in.on ? in : NULL);
    if (im->out.on)
        im->port.gso_max = 0; /* each segment is sent, and traced, on its own */
    *port = &im->port;
    return 0;
}
