/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/frame.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cksum.h"
#include <tern/event.h>

#define ETHERTYPE_IP4 0x0800u
#define PROTO_TCP     6u

static bool frame_view_tcp(const uint8_t *data, struct frame_view *v)
{
    uint32_t left = v->ip + v->ip_len - v->l4;
    if (v->proto != PROTO_TCP || left < 20)
        return false;
    if ((be16_load(data + v->ip + 6) & 0x1fff) != 0) /* a later fragment has no TCP header */
        return false;
    const uint8_t *t = data + v->l4;
    uint32_t hlen = (uint32_t)(t[12] >> 4) * 4;
    if (hlen < 20 || hlen > left)
        return false;
    v->sport = be16_load(t);
    v->dport = be16_load(t + 2);
    v->seq = be32_load(t + 4);
    v->ack = be32_load(t + 8);
    v->th = t[13];
    v->wnd = be16_load(t + 14);
    v->data = v->l4 + hlen;
    v->data_len = left - hlen;
    return true;
}

bool frame_view(uint8_t link, const uint8_t *data, uint32_t len, struct frame_view *v)
{
    *v = (struct frame_view){0};
    if (link == TERN_LINK_ETHER) {
        if (len < FRAME_ETH_LEN || be16_load(data + 12) != ETHERTYPE_IP4)
            return false;
        v->ip = FRAME_ETH_LEN;
    }
    if (len < v->ip + 20)
        return false;
    const uint8_t *ip = data + v->ip;
    uint32_t hlen = (uint32_t)(ip[0] & 15) * 4;
    v->ip_len = be16_load(ip + 2);
    if (ip[0] >> 4 != 4 || hlen < 20 || hlen > v->ip_len || v->ip_len > len - v->ip)
        return false;
    v->proto = ip[9];
    memcpy(v->src, ip + 12, 4);
    memcpy(v->dst, ip + 16, 4);
    v->l4 = v->ip + hlen;
    v->tcp = frame_view_tcp(data, v);
    return true;
}

void frame_finish_csum(struct tern_frame *f)
{
    uint32_t at = (uint32_t)f->csum_start + f->csum_offset;
    if (f->csum != TERN_CSUM_PARTIAL || at + 2 > f->len)
        return;
    uint64_t sum = cksum_ops(0)->sum(f->data + f->csum_start, f->len - f->csum_start);
    uint16_t c = cksum_fold(sum);
    if (c == 0 && f->csum_offset == 6) /* UDP: 0 would mean "none" [RFC768] */
        c = 0xffff;
    memcpy(f->data + at, &c, 2);
    f->csum = TERN_CSUM_NONE;
}

bool frame_cut_begin(struct frame_cut *c, uint8_t link, const struct tern_frame *f)
{
    *c = (struct frame_cut){.f = f};
    if (f->gso != TERN_GSO_TCP4 || f->gso_size == 0)
        return false;
    return frame_view(link, f->data, f->len, &c->v) && c->v.tcp;
}

static void frame_cut_fix(const struct frame_cut *c, uint8_t *buf, uint32_t n, bool last)
{
    const struct frame_view *v = &c->v;
    uint8_t *ip = buf + v->ip;
    uint8_t *tcp = buf + v->l4;
    be16_store(ip + 2, (uint16_t)(v->data - v->ip + n));
    be16_store(ip + 4, (uint16_t)(be16_load(ip + 4) + c->n));
    memset(ip + 10, 0, 2);
    uint16_t sum = cksum_fold(cksum_ops(0)->sum(ip, v->l4 - v->ip));
    memcpy(ip + 10, &sum, 2);

    be32_store(tcp + 4, v->seq + c->off);
    uint8_t th = v->th;
    if (!last)
        th = (uint8_t)(th & ~(TERN_TH_FIN | TERN_TH_PSH));
    if (c->n > 0)
        th = (uint8_t)(th & ~TERN_TH_CWR);
    tcp[13] = th;
    memset(tcp + 16, 0, 2);
    uint32_t l4_len = v->data - v->l4 + n;
    sum = cksum_fold(cksum_add(cksum_pseudo4(v->src, v->dst, PROTO_TCP, l4_len),
                               cksum_ops(0)->sum(tcp, l4_len)));
    memcpy(tcp + 16, &sum, 2);
}

uint32_t frame_cut_next(struct frame_cut *c, uint8_t *buf, uint32_t cap)
{
    const struct frame_view *v = &c->v;
    uint32_t n = v->data_len - c->off;
    if (n == 0 && c->n > 0)
        return 0;
    bool last = n <= c->f->gso_size;
    if (!last)
        n = c->f->gso_size;
    tern_assert(v->data + n <= cap);
    memcpy(buf, c->f->data, v->data);
    memcpy(buf + v->data, c->f->data + v->data + c->off, n);
    frame_cut_fix(c, buf, n, last);
    c->off += n;
    c->n++;
    return v->data + n;
}
