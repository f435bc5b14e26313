/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/wire.c: a cable between two stacks of one process.
 *
 * Each direction is a ring of slots. tx_get hands out free slots, the sending stack builds its
 * frames right there, tx_put makes them visible, and rx shows the receiving stack the same octets:
 * nothing is copied. Slots given out by rx are free again at the next rx.
 *
 * When a ring runs empty it begins again at slot 0, so a wire that is drained as fast as it is
 * filled keeps using the few slots that are warm in the cache, and never touches the others'
 * memory.
 *
 * The checksum is left out on both sides (TERN_CSUM_PARTIAL: the frame never leaves the machine),
 * as a veth pair does. One thread drives both ends.
 */
#include "base/assert.h"
#include "port/frame.h"
#include "port/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct wire_ring {
    uint8_t *mem; /* slots * stride octets */
    struct tern_frame *meta;
    uint32_t head;    /* next slot to fill, free-running */
    uint32_t tail;    /* oldest slot that rx has not given out */
    uint32_t held;    /* slots in front of tail that the last rx gave out */
    uint32_t offered; /* slots that the last tx_get gave out */
};

struct wire {
    struct wire_ring ring[2]; /* [i]: filled by end i */
    uint32_t mask, cap;
    size_t stride;
    bool closed[2];
};

struct wire_end {
    struct tern_port port;
    struct wire *w;
    unsigned side;
};

static struct wire_end *wire_end(struct tern_port *p)
{
    return (struct wire_end *)(void *)p;
}

static uint8_t *wire_slot(const struct wire *w, const struct wire_ring *r, uint32_t at)
{
    return r->mem + (size_t)(at & w->mask) * w->stride;
}

static size_t wire_rx(struct tern_port *self, struct tern_frame *frames, size_t n,
                      struct tern_time now)
{
    struct wire_end *e = wire_end(self);
    struct wire *w = e->w;
    struct wire_ring *r = &w->ring[1 - e->side];
    r->held = 0;
    uint32_t have = r->head - r->tail;
    if (have == 0) {
        if (r->offered == 0)
            r->head = r->tail = 0;
        return 0;
    }
    if (n > have)
        n = have;
    for (size_t i = 0; i < n; i++) {
        uint32_t at = r->tail + (uint32_t)i;
        frames[i] = r->meta[at & w->mask];
        frames[i].data = wire_slot(w, r, at);
        frames[i].time = now;
    }
    r->tail += (uint32_t)n;
    r->held = (uint32_t)n;
    return n;
}

static size_t wire_tx_get(struct tern_port *self, struct tern_frame *frames, size_t n,
                          struct tern_time now)
{
    (void)now;
    struct wire_end *e = wire_end(self);
    struct wire *w = e->w;
    struct wire_ring *r = &w->ring[e->side];
    uint32_t room = w->mask + 1 - (r->head - r->tail) - r->held;
    if (n > room)
        n = room;
    for (size_t i = 0; i < n; i++) {
        frames[i] =
            (struct tern_frame){.data = wire_slot(w, r, r->head + (uint32_t)i), .cap = w->cap};
    }
    r->offered = (uint32_t)n;
    return n;
}

static void wire_tx_put(struct tern_port *self, struct tern_frame *frames, size_t n,
                        struct tern_time now)
{
    (void)now;
    struct wire_end *e = wire_end(self);
    struct wire *w = e->w;
    struct wire_ring *r = &w->ring[e->side];
    tern_assert(n <= r->offered);
    r->offered = 0;
    if (w->closed[1 - e->side]) /* unplugged: what is sent is gone */
        return;
    for (size_t i = 0; i < n; i++) {
        uint32_t at = r->head + (uint32_t)i;
        tern_assert(frames[i].data == wire_slot(w, r, at) && frames[i].len <= w->cap);
        r->meta[at & w->mask] = frames[i];
    }
    r->head += (uint32_t)n;
}

static struct tern_time wire_deadline(const struct tern_port *self)
{
    const struct wire_end *e = (const struct wire_end *)(const void *)self;
    const struct wire_ring *r = &e->w->ring[1 - e->side];
    return r->head == r->tail ? TERN_NEVER : (struct tern_time){INT64_MIN};
}

static int wire_fd(const struct tern_port *self)
{
    (void)self;
    return -1;
}

static void wire_free(struct wire *w)
{
    size_t slots = (size_t)w->mask + 1;
    for (unsigned i = 0; i < 2; i++) {
        if (w->ring[i].mem)
            (void)munmap(w->ring[i].mem, slots * w->stride);
        free(w->ring[i].meta);
    }
    free(w);
}

static void wire_close(struct tern_port *self)
{
    struct wire_end *e = wire_end(self);
    struct wire *w = e->w;
    w->closed[e->side] = true;
    if (w->closed[0] && w->closed[1])
        wire_free(w);
    free(e);
}

static const struct tern_port_ops wire_ops = {
    .name = "wire",
    .rx = wire_rx,
    .tx_get = wire_tx_get,
    .tx_put = wire_tx_put,
    .deadline = wire_deadline,
    .fd = wire_fd,
    .close = wire_close,
};

static struct wire *wire_alloc(uint32_t cap, uint32_t slots)
{
    struct wire *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->mask = slots - 1;
    w->cap = cap;
    w->stride = ((size_t)cap + 63) & ~(size_t)63;
    for (unsigned i = 0; i < 2; i++) {
        void *m = mmap(NULL, (size_t)slots * w->stride, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        w->ring[i].mem = m == MAP_FAILED ? NULL : m;
        w->ring[i].meta = calloc(slots, sizeof *w->ring[i].meta);
        if (!w->ring[i].mem || !w->ring[i].meta) {
            wire_free(w);
            return NULL;
        }
    }
    return w;
}

static struct tern_port *wire_end_new(struct wire *w, unsigned side, uint16_t mtu, uint32_t gso_max)
{
    struct wire_end *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->port = (struct tern_port){
        .ops = &wire_ops, .link = TERN_LINK_ETHER, .tx_csum = true, .mtu = mtu, .gso_max = gso_max};
    e->w = w;
    e->side = side;
    return &e->port;
}

int tern_wire_new(uint16_t mtu, uint32_t gso_max, uint32_t slots, struct tern_port **a,
                  struct tern_port **b, char *why)
{
    if (mtu < 576 || gso_max > 65535 || slots < 2 || slots > 65536 || (slots & (slots - 1)) != 0) {
        why_set(why,
                "wire: mtu %u, gso_max %u, slots %u: want mtu 576..65535, gso_max 0..65535 and a "
                "power of two of 2..65536 slots",
                (unsigned)mtu, (unsigned)gso_max, (unsigned)slots);
        return -1;
    }
    uint32_t cap = (gso_max > mtu ? gso_max : mtu) + FRAME_ETH_LEN;
    struct wire *w = wire_alloc(cap, slots);
    *a = w ? wire_end_new(w, 0, mtu, gso_max) : NULL;
    *b = w ? wire_end_new(w, 1, mtu, gso_max) : NULL;
    if (*a && *b)
        return 0;
    free(*a);
    free(*b);
    if (w)
        wire_free(w);
    why_set(why, "wire: no memory for 2 x %u frames of %u octets: take fewer slots",
            (unsigned)slots, (unsigned)cap);
    return -1;
}
