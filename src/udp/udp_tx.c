/* SPDX-License-Identifier: BSD-2-Clause */
/* udp/udp_tx.c: a datagram's way from the application into a frame. Ports with something to send
 * take turns, a datagram each. */
#include "udp/udp.h"

#include "base/addr.h"
#include "base/assert.h"
#include "wire/ip4.h"
#include "wire/udp.h"

void udp_take_turn(struct udp *u, struct udp_port *p)
{
    if (link_in(&p->turn) || p->tx.len == 0)
        return;
    struct udp_rec rec;
    ring_read(&p->tx, 0, &rec, sizeof rec);
    tern_assert(rec.iface < UDP_IFACES);
    p->turn_iface = (uint8_t)rec.iface;
    list_push_tail(&u->ready[rec.iface], &u->pool, offsetof(struct udp_port, turn),
                   pool_index(&u->pool, p));
}

int udp_sendto(struct udp *u, struct tern_sock s, const struct udp_send *how, const void *buf,
               size_t len)
{
    struct udp_port *p = udp_find(u, s);
    if (p == NULL)
        return TERN_EBADF;
    if (p->err != 0) {
        int32_t err = p->err;
        p->err = 0;
        return err;
    }
    if (how->group && !p->broadcast)
        return TERN_EACCES;
    if (len > how->max)
        return TERN_EMSGSIZE;
    struct udp_rec rec = {.from = how->from.addr,
                          .to = how->to.addr,
                          .fport = how->from.port,
                          .tport = how->to.port,
                          .len = (uint32_t)len,
                          .iface = how->iface};
    uint32_t need = (uint32_t)sizeof rec + rec.len;
    /* One datagram always fits into an empty queue, however small the limit was made. */
    uint32_t limit = p->tx.len == 0 && need > p->tx_max ? need : p->tx_max;
    if (p->tx.len + need > limit ||
        !ring_reserve(&p->tx, u->arena, p->tx.len + need, limit, p->tx.len)) {
        p->blocked = true;
        return TERN_EAGAIN;
    }
    ring_write(&p->tx, p->tx.len, &rec, sizeof rec);
    ring_write(&p->tx, p->tx.len + (uint32_t)sizeof rec, buf, rec.len);
    ring_commit(&p->tx, need);
    udp_take_turn(u, p);
    return TERN_OK;
}

static void udp_checksum(const struct udp *u, bool tx_csum, uint8_t *buf, struct udp_out *out)
{
    if (!tx_csum) {
        udp_cksum4_set(u->ck, out->src.b, out->dst.b, buf, (uint16_t)out->len);
        out->csum = TERN_CSUM_NONE;
        return;
    }
    uint64_t sum = cksum_pseudo4(out->src.b, out->dst.b, IP4_PROTO_UDP, out->len);
    uint16_t part = (uint16_t)~cksum_fold(sum);
    memcpy(buf + UDP_CSUM_OFF, &part, 2);
    out->csum = TERN_CSUM_PARTIAL;
}

bool udp_tx(struct udp *u, unsigned iface, bool tx_csum, uint8_t *buf, uint32_t cap,
            struct udp_out *out)
{
    uint32_t idx = list_pop(&u->ready[iface], &u->pool, offsetof(struct udp_port, turn));
    if (idx == 0)
        return false;
    struct udp_port *p = udp_at(u, idx);
    struct udp_rec rec;
    tern_assert(p->tx.len >= sizeof rec);
    ring_read(&p->tx, 0, &rec, sizeof rec);
    tern_assert(rec.iface == iface && rec.len + UDP_HDR_LEN <= cap);
    out->src = rec.from;
    out->dst = rec.to;
    out->sport = rec.fport;
    out->dport = rec.tport;
    out->len = UDP_HDR_LEN + rec.len;
    out->ttl = p->ttl;
    out->tos = p->tos;
    struct udp_hdr h = {.sport = rec.fport, .dport = rec.tport, .len = (uint16_t)out->len};
    udp_build(buf, cap, &h);
    ring_read(&p->tx, sizeof rec, buf + UDP_HDR_LEN, rec.len);
    udp_checksum(u, tx_csum, buf, out);
    ring_drop(&p->tx, (uint32_t)sizeof rec + rec.len);
    ring_release_if_empty(&p->tx, u->arena);
    if (p->blocked && p->tx.len <= p->tx_max / 2) {
        p->blocked = false;
        udp_tell(u, p, TERN_EV_WRITABLE);
    }
    udp_take_turn(u, p);
    return true;
}
