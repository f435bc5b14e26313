/* SPDX-License-Identifier: BSD-2-Clause */
/* api/api_udp.c: UDP's calls, and the gateway's ping. */
#include "api/api.h"
#include "base/bytes.h"
#include "wire/udp.h"

int tern_udp_open(struct tern_stack *st, const struct tern_endpoint *local, uint32_t flags,
                  struct tern_sock *out)
{
    int r = api_bind_ok(st, &local->addr);
    return r != TERN_OK ? r : udp_open(&st->udp, local, flags, out);
}

int tern_udp_connect(struct tern_stack *st, struct tern_sock s, const struct tern_endpoint *remote)
{
    struct api_way way = {0};
    const struct udp_port *p = udp_find(&st->udp, s);
    if (p == NULL)
        return TERN_EBADF;
    if (remote->addr.fam != TERN_AF_NONE) {
        if (remote->port == 0)
            return TERN_EINVAL;
        int r = api_way(st, &p->local.addr, &remote->addr, &way);
        if (r != TERN_OK)
            return r;
    }
    return udp_connect(&st->udp, s, &way.src, remote);
}

int tern_udp_sendto(struct tern_stack *st, struct tern_sock s, const struct tern_endpoint *from,
                    const struct tern_endpoint *to, const void *buf, size_t len,
                    struct tern_time now)
{
    struct api_way way;
    const struct udp_port *p = udp_find(&st->udp, s);
    stack_now(st, now);
    if (p == NULL)
        return TERN_EBADF;
    if (to == NULL)
        to = &p->remote;
    if (to->addr.fam == TERN_AF_NONE)
        return TERN_ENOTCONN;
    struct udp_send how = {.from = p->local, .to = *to};
    if (from != NULL && from->addr.fam != TERN_AF_NONE)
        how.from.addr = from->addr;
    if (from != NULL && from->port != 0) {
        if (!p->any && from->port != p->local.port)
            return TERN_EINVAL;
        how.from.port = from->port;
    }
    if (to->port == 0 || how.from.port == 0)
        return TERN_EINVAL;
    int r = api_way(st, &how.from.addr, &to->addr, &way);
    if (r != TERN_OK)
        return r;
    how.from.addr = way.src;
    how.iface = way.iface;
    how.group = way.group;
    how.max = st->ifs.tab[way.iface].mtu - IP4_HDR_LEN - UDP_HDR_LEN;
    r = udp_sendto(&st->udp, s, &how, buf, len);
    stack_after(st);
    return r;
}

int64_t tern_udp_recvfrom(struct tern_stack *st, struct tern_sock s, void *buf, size_t len,
                          struct tern_endpoint *from, struct tern_endpoint *to)
{
    return udp_recvfrom(&st->udp, s, buf, len, from, to);
}

int tern_udp_unreach(struct tern_stack *st, const struct tern_endpoint *from,
                     const struct tern_endpoint *to, uint8_t code, struct tern_time now)
{
    uint8_t l4[UDP_HDR_LEN];
    stack_now(st, now);
    if (code > 15)
        return TERN_EINVAL;
    struct udp_hdr h = {.sport = from->port, .dport = to->port, .len = UDP_HDR_LEN};
    udp_build(l4, sizeof l4, &h);
    bool sent =
        answer_unreach_made(st, &from->addr, &to->addr, IP4_PROTO_UDP, l4, UDP_HDR_LEN, code);
    stack_after(st);
    return sent ? TERN_OK : TERN_EAGAIN;
}

/* ---- echo ---- */

void tern_echo_events(struct tern_stack *st, bool on)
{
    st->echo_on = on;
    if (!on) {
        ring_free(&st->echo, &st->arena);
        st->echo_given = 0;
    }
}

int64_t tern_echo_data(struct tern_stack *st, void *buf, size_t len)
{
    if (st->echo_given == 0)
        return TERN_EAGAIN;
    uint32_t have = st->echo_given - (uint32_t)sizeof(struct echo_rec);
    ring_read(&st->echo, sizeof(struct echo_rec), buf, len < have ? (uint32_t)len : have);
    return have;
}

int tern_echo_reply(struct tern_stack *st, const struct tern_addr *from, const struct tern_addr *to,
                    uint16_t id, uint16_t seq, const void *data, size_t len, struct tern_time now)
{
    struct api_way way;
    stack_now(st, now);
    int r = api_way(st, from, to, &way);
    if (r != TERN_OK)
        return r;
    if (len > st->ifs.tab[way.iface].mtu - IP4_HDR_LEN - ICMP4_HDR_LEN)
        return TERN_EMSGSIZE;
    struct icmp4_msg m = {
        .type = ICMP4_ECHO_REPLY, .id = id, .seq = seq, .data = data, .len = (uint32_t)len};
    bool sent = answer_icmp(st, way.iface, CAUSE_TX_ICMP_ECHO_REPLY, &way.src, to, &m);
    stack_after(st);
    return sent ? TERN_OK : TERN_EAGAIN;
}
