/* SPDX-License-Identifier: BSD-2-Clause */
/* udp/udp_rx.c: a datagram's way to its port and out to the application; and ICMP errors. */
#include "udp/udp.h"

#include "base/addr.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "wire/udp.h"

/* How well a port fits: 0 = not at all; a connected one best, then one bound to the address, then
 * one bound to all; 1 of them is enough. */
static unsigned udp_fit(const struct udp_port *p, const struct tern_endpoint *local,
                        const struct tern_endpoint *remote)
{
    unsigned fit = 1;
    if (p->local.port != local->port)
        return 0;
    if (!addr_is_any(&p->local.addr)) {
        if (!addr_eq(&p->local.addr, &local->addr))
            return 0;
        fit += 1;
    }
    if (p->remote.addr.fam != TERN_AF_NONE) {
        if (p->remote.port != remote->port || !addr_eq(&p->remote.addr, &remote->addr))
            return 0;
        fit += 2;
    }
    return fit;
}

/* The best port for a datagram from remote to local; 0 = none. */
static uint32_t udp_demux(const struct udp *u, const struct tern_endpoint *local,
                          const struct tern_endpoint *remote)
{
    uint32_t hash = udp_port_hash(u, local->port), pos = hash, idx, best = 0;
    unsigned best_fit = 0;
    while ((idx = map_next(&u->map, hash, &pos)) != 0) {
        unsigned fit = udp_fit(udp_at(u, idx), local, remote);
        if (fit > best_fit) {
            best_fit = fit;
            best = idx;
        }
    }
    return best;
}

static bool udp_queue(struct udp *u, struct udp_port *p, const struct udp_rec *rec,
                      const uint8_t *data)
{
    uint32_t need = (uint32_t)sizeof *rec + rec->len;
    struct ring *r = &p->rx;
    if (need > p->rx_max || r->len > p->rx_max - need)
        return false;
    if (!ring_reserve(r, u->arena, r->len + need, p->rx_max, r->len))
        return false;
    ring_write(r, r->len, rec, sizeof *rec);
    ring_write(r, r->len + (uint32_t)sizeof *rec, data, rec->len);
    ring_commit(r, need);
    return true;
}

unsigned udp_rx(struct udp *u, const struct udp_pkt *pkt, uint16_t ports[2])
{
    struct udp_hdr h;
    int bad = udp_parse(pkt->p, pkt->n, &h);
    if (bad)
        return (unsigned)bad;
    ports[0] = h.sport;
    ports[1] = h.dport;
    if (h.dport == 0)
        return CAUSE_DROP_UDP_BAD;
    if (pkt->csum == TERN_CSUM_NONE &&
        !udp_cksum4_ok(u->ck, pkt->src.b, pkt->dst.b, pkt->p, &h)) /* [RFC1122:4.1.3.4] */
        return CAUSE_DROP_UDP_BAD;
    struct udp_rec rec = {.from = pkt->src,
                          .to = pkt->dst,
                          .fport = h.sport,
                          .tport = h.dport,
                          .len = (uint32_t)h.len - UDP_HDR_LEN};
    struct tern_endpoint local = {pkt->dst, h.dport}, remote = {pkt->src, h.sport};
    uint32_t idx = udp_demux(u, &local, &remote);
    if (idx == 0)
        idx = u->any;
    if (idx == 0)
        return CAUSE_DROP_UDP_NO_PORT;
    struct udp_port *p = udp_at(u, idx);
    if (!udp_queue(u, p, &rec, pkt->p + UDP_HDR_LEN))
        return CAUSE_DROP_UDP_QUEUE;
    udp_tell(u, p, TERN_EV_READABLE);
    return CAUSE_RX_UDP;
}

int64_t udp_recvfrom(struct udp *u, struct tern_sock s, void *buf, size_t len,
                     struct tern_endpoint *from, struct tern_endpoint *to)
{
    struct udp_port *p = udp_find(u, s);
    if (p == NULL)
        return TERN_EBADF;
    if (p->err != 0) {
        int32_t err = p->err;
        p->err = 0;
        return err;
    }
    if (p->rx.len == 0)
        return TERN_EAGAIN;
    struct udp_rec rec;
    tern_assert(p->rx.len >= sizeof rec);
    ring_read(&p->rx, 0, &rec, sizeof rec);
    uint32_t n = len < rec.len ? (uint32_t)len : rec.len;
    ring_read(&p->rx, sizeof rec, buf, n);
    ring_drop(&p->rx, (uint32_t)sizeof rec + rec.len);
    ring_release_if_empty(&p->rx, u->arena);
    if (from)
        *from = (struct tern_endpoint){rec.from, rec.fport};
    if (to)
        *to = (struct tern_endpoint){rec.to, rec.tport};
    return rec.len;
}

unsigned udp_icmp(struct udp *u, const struct tern_endpoint *local,
                  const struct tern_endpoint *remote, int err)
{
    uint32_t idx = udp_demux(u, local, remote);
    if (idx == 0)
        return CAUSE_DROP_ICMP_NO_MATCH;
    struct udp_port *p = udp_at(u, idx);
    if (p->remote.addr.fam == TERN_AF_NONE)
        return CAUSE_DROP_ICMP_NO_MATCH;
    p->err = err;
    udp_tell(u, p, TERN_EV_READABLE | TERN_EV_WRITABLE);
    return CAUSE_DROP_ICMP_TAKEN;
}
