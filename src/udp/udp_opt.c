/* SPDX-License-Identifier: BSD-2-Clause */
/* udp/udp_opt.c: options, and looking in. */
#include "udp/udp.h"

#include "base/addr.h"

static uint32_t udp_clamp(int64_t v)
{
    if (v < UDP_QUEUE_MIN)
        return UDP_QUEUE_MIN;
    return v > UDP_QUEUE_MAX ? UDP_QUEUE_MAX : (uint32_t)v;
}

int udp_setopt(struct udp *u, struct tern_sock s, enum tern_opt opt, int64_t v)
{
    struct udp_port *p = udp_find(u, s);
    if (p == NULL)
        return TERN_EBADF;
    switch ((int)opt) {
    case TERN_OPT_SNDBUF:
    case TERN_OPT_RCVBUF:
        if (v < 0)
            return TERN_EINVAL;
        *(opt == TERN_OPT_SNDBUF ? &p->tx_max : &p->rx_max) = udp_clamp(v);
        return TERN_OK;
    case TERN_OPT_TTL:
        if (v < 1 || v > 255)
            return TERN_EINVAL;
        p->ttl = (uint8_t)v;
        return TERN_OK;
    case TERN_OPT_TOS:
        if (v < 0 || v > 255)
            return TERN_EINVAL;
        p->tos = (uint8_t)v;
        return TERN_OK;
    case TERN_OPT_BROADCAST:
        if (v < 0 || v > 1)
            return TERN_EINVAL;
        p->broadcast = v != 0;
        return TERN_OK;
    default:
        return TERN_ENOPROTOOPT;
    }
}

/* Payload octets in a queue: what the records add is nobody's business. The first datagram's length
 * is what FIONREAD wants. */
static int64_t udp_first_len(const struct ring *r)
{
    struct udp_rec rec;
    if (r->len == 0)
        return 0;
    ring_read(r, 0, &rec, sizeof rec);
    return rec.len;
}

int udp_getopt(struct udp *u, struct tern_sock s, enum tern_opt opt, int64_t *v)
{
    struct udp_port *p = udp_find(u, s);
    if (p == NULL)
        return TERN_EBADF;
    switch ((int)opt) {
    case TERN_OPT_SNDBUF:
        *v = p->tx_max;
        return TERN_OK;
    case TERN_OPT_RCVBUF:
        *v = p->rx_max;
        return TERN_OK;
    case TERN_OPT_TTL:
        *v = p->ttl;
        return TERN_OK;
    case TERN_OPT_TOS:
        *v = p->tos;
        return TERN_OK;
    case TERN_OPT_BROADCAST:
        *v = p->broadcast;
        return TERN_OK;
    case TERN_OPT_ERROR:
        *v = -(int64_t)p->err;
        p->err = 0;
        return TERN_OK;
    case TERN_OPT_SNDQ:
        *v = p->tx.len;
        return TERN_OK;
    case TERN_OPT_RCVQ:
        *v = udp_first_len(&p->rx);
        return TERN_OK;
    default:
        return TERN_ENOPROTOOPT;
    }
}

void udp_info(const struct udp *u, const struct udp_port *p, struct tern_info *out)
{
    memset(out, 0, sizeof *out);
    out->kind = TERN_INFO_UDP;
    out->state = TERN_TCP_CLOSED;
    out->sock = sock_make(SOCK_UDP, p->gen, pool_index(&u->pool, p));
    out->user = p->user;
    out->local = p->local;
    out->remote = p->remote;
    out->rcvq = p->rx.len;
    out->sndq = p->tx.len;
    out->timer_us = -1;
    out->ssthresh = UINT32_MAX;
    out->cc = "";
}

bool udp_inspect_next(const struct udp *u, uint32_t *cursor, struct tern_info *out)
{
    while (*cursor < u->pool.fresh) {
        const struct udp_port *p = udp_at(u, ++*cursor);
        if (p->open) {
            udp_info(u, p, out);
            return true;
        }
    }
    return false;
}
