/* SPDX-License-Identifier: BSD-2-Clause */
/* api/api_tcp.c: TCP's calls. What an application gives is judged here; TCP gets what it can use.
 */
#include "api/api.h"
#include "base/bytes.h"
#include "wire/ip4.h"

int tern_tcp_listen(struct tern_stack *st, const struct tern_endpoint *local, uint32_t backlog,
                    uint32_t flags, struct tern_sock *out)
{
    int r = api_bind_ok(st, &local->addr);
    if (r != TERN_OK)
        return r;
    return tcp_listen(st->tcp, local, backlog, flags, out, st->now);
}

int tern_tcp_accept(struct tern_stack *st, struct tern_sock listener, struct tern_sock *out)
{
    return tcp_accept(st->tcp, listener, out);
}

/* The gateway could not reach the destination: the peer gets the ICMP error that a router would
 * have sent, quoting its SYN [RFC1122:3.2.2.1]. */
static void api_answer_unreach(struct tern_stack *st, const struct tern_endpoint *local,
                               const struct tern_endpoint *remote, uint32_t seq, uint8_t code)
{
    uint8_t l4[8];
    be16_store(l4, remote->port);
    be16_store(l4 + 2, local->port);
    be32_store(l4 + 4, seq);
    answer_unreach_made(st, &remote->addr, &local->addr, IP4_PROTO_TCP, l4, 20, code);
}

int tern_tcp_answer(struct tern_stack *st, struct tern_sock half_open, enum tern_answer answer,
                    struct tern_time now)
{
    struct tern_endpoint local, remote;
    uint32_t seq = 0;
    if ((unsigned)answer > TERN_ANSWER_SILENCE)
        return TERN_EINVAL;
    now = stack_now(st, now);
    int r = tcp_answer(st->tcp, half_open, answer, now, &local, &remote, &seq);
    if (r == TERN_OK) {
        if (answer == TERN_ANSWER_NET_UNREACH)
            api_answer_unreach(st, &local, &remote, seq, ICMP4_UNREACH_NET);
        else if (answer == TERN_ANSWER_HOST_UNREACH)
            api_answer_unreach(st, &local, &remote, seq, ICMP4_UNREACH_HOST);
        else if (answer == TERN_ANSWER_PROHIBITED)
            api_answer_unreach(st, &local, &remote, seq, ICMP4_UNREACH_PROHIBITED);
    }
    stack_after(st);
    return r;
}

int tern_tcp_connect(struct tern_stack *st, const struct tern_endpoint *local,
                     const struct tern_endpoint *remote, struct tern_sock *out,
                     struct tern_time now)
{
    static const struct tern_endpoint unbound;
    struct api_way way;
    if (local == NULL)
        local = &unbound;
    if (remote->addr.fam != TERN_AF_NONE && remote->port == 0)
        return TERN_EINVAL;
    int r = api_way(st, &local->addr, &remote->addr, &way);
    if (r != TERN_OK)
        return r;
    if (way.group) /* [RFC9293:MUST-46] */
        return TERN_ENETUNREACH;
    struct tern_endpoint from = {way.src, local->port};
    now = stack_now(st, now);
    r = tcp_connect(st->tcp, &from, remote, way.iface, out, now);
    stack_after(st);
    return r;
}

int64_t tern_tcp_send(struct tern_stack *st, struct tern_sock s, const void *buf, size_t len,
                      uint32_t flags, struct tern_time now)
{
    int64_t r = tcp_send(st->tcp, s, buf, len, flags, stack_now(st, now));
    stack_after(st);
    return r;
}

int tern_tcp_send_space(struct tern_stack *st, struct tern_sock s, size_t want, uint8_t **ptr,
                        size_t *len)
{
    return tcp_send_space(st->tcp, s, want, ptr, len);
}

int tern_tcp_send_commit(struct tern_stack *st, struct tern_sock s, size_t n, uint32_t flags,
                         struct tern_time now)
{
    int r = tcp_send_commit(st->tcp, s, n, flags, stack_now(st, now));
    stack_after(st);
    return r;
}

int64_t tern_tcp_recv(struct tern_stack *st, struct tern_sock s, void *buf, size_t len,
                      struct tern_time now)
{
    int64_t r = tcp_recv(st->tcp, s, buf, len, stack_now(st, now));
    stack_after(st);
    return r;
}

int tern_tcp_recv_data(struct tern_stack *st, struct tern_sock s, const uint8_t **ptr, size_t *len)
{
    return tcp_recv_data(st->tcp, s, ptr, len);
}

int tern_tcp_recv_consume(struct tern_stack *st, struct tern_sock s, size_t n, struct tern_time now)
{
    int r = tcp_recv_consume(st->tcp, s, n, stack_now(st, now));
    stack_after(st);
    return r;
}

int tern_tcp_recv_oob(struct tern_stack *st, struct tern_sock s, uint8_t *octet)
{
    return tcp_recv_oob(st->tcp, s, octet);
}

int tern_tcp_shutdown(struct tern_stack *st, struct tern_sock s, struct tern_time now)
{
    int r = tcp_shutdown(st->tcp, s, stack_now(st, now));
    stack_after(st);
    return r;
}

int tern_tcp_abort(struct tern_stack *st, struct tern_sock s, struct tern_time now)
{
    int r = tcp_abort(st->tcp, s, stack_now(st, now));
    stack_after(st);
    return r;
}
