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

/* Where an active open leaves, and from where. */
static int api_active(const struct tern_stack *st, const struct tern_endpoint *local,
                      const struct tern_endpoint *remote, struct api_way *way,
                      struct tern_endpoint *from)
{
    static const struct tern_endpoint unbound;
    if (local == NULL)
        local = &unbound;
    if (remote->addr.fam != TERN_AF_NONE && remote->port == 0)
        return TERN_EINVAL;
    int r = api_way(st, &local->addr, &remote->addr, way);
    if (r != TERN_OK)
        return r;
    if (way->group) /* [RFC9293:MUST-46] */
        return TERN_ENETUNREACH;
    *from = (struct tern_endpoint){way->src, local->port};
    return TERN_OK;
}

int64_t tern_tcp_fastopen(struct tern_stack *st, const struct tern_endpoint *local,
                          const struct tern_endpoint *remote, const void *buf, size_t len,
                          uint32_t flags, struct tern_sock *out, struct tern_time now)
{
    struct api_way way;
    struct tern_endpoint from;
    int r = api_active(st, local, remote, &way, &from);
    if (r != TERN_OK)
        return r;
    now = stack_now(st, now);
    int64_t n = tcp_fastopen(st->tcp, &from, remote, way.iface, buf, len, flags, out, now);
    stack_after(st);
    return n;
}

bool tern_fastopen_known(struct tern_stack *st, const struct tern_endpoint *remote,
                         struct tern_time now)
{
    return tcp_fastopen_known(st->tcp, remote, stack_now(st, now));
}

int tern_fastopen_key(struct tern_stack *st, struct tern_sock listener, const uint8_t key[16],
                      const uint8_t *backup)
{
    return tcp_fastopen_key(st->tcp, listener, key, backup);
}

int tern_tcp_connect(struct tern_stack *st, const struct tern_endpoint *local,
                     const struct tern_endpoint *remote, struct tern_sock *out,
                     struct tern_time now)
{
    struct api_way way;
    struct tern_endpoint from;
    int r = api_active(st, local, remote, &way, &from);
    if (r != TERN_OK)
        return r;
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
