/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/icmp_err.c: what ICMP errors do to a connection (RFC 9293 3.9.2.2, hardened as RFC 5927
 * says).
 *
 * A message counts only when the quoted sequence number is in flight. While opening, any
 * unreachable ends the attempt, as deployed stacks do (RFC 5461): somebody is waiting for the
 * answer. On a synchronized connection every error is soft: kept as the reason to report should the
 * connection time out [RFC9293:MUST-56].
 */
#include "tcp/conn.h"

/* The quoted segment is the SYN-ACK of a half-open record, in a profile where that ends it. */
static bool half_ended(struct tcp *t, const struct tern_endpoint *local,
                       const struct tern_endpoint *remote, struct seq seq, struct tern_time now)
{
    struct tcp_tuple tu = {.lport = local->port, .rport = remote->port, .fam = remote->addr.fam};
    memcpy(tu.laddr, local->addr.b, 16);
    memcpy(tu.raddr, remote->addr.b, 16);
    struct tcp_half *h = demux_half(t, &tu, tuple_hash(t, &tu));
    if (h == NULL || !seq_eq(seq, h->iss))
        return false;
    tcp_at(t, now);
    half_drop(t, h, CAUSE_ST_ICMP, now);
    return true;
}

static struct tcp_conn *quoted(struct tcp *t, const struct tern_endpoint *local,
                               const struct tern_endpoint *remote)
{
    struct tcp_tuple tu = {.lport = local->port, .rport = remote->port, .fam = remote->addr.fam};
    memcpy(tu.laddr, local->addr.b, 16);
    memcpy(tu.raddr, remote->addr.b, 16);
    return demux_conn(t, &tu, tuple_hash(t, &tu)); /* [RFC9293:MUST-54] */
}

/* Does the attempt end, or is the error only kept? [RFC9293:SHLD-26] [RFC9293:MUST-56] */
static bool ends(const struct tcp *t, const struct tcp_conn *c)
{
    if (c->state == TERN_TCP_SYN_SENT)
        return true;
    return c->state == TERN_TCP_SYN_RECEIVED && c->listener != 0 /* nobody has it yet */ &&
           t->pol->half_unreach;
}

unsigned tcp_icmp(struct tcp *t, const struct tern_endpoint *local,
                  const struct tern_endpoint *remote, uint32_t seq, int err, bool hard,
                  uint16_t mtu, struct tern_time now)
{
    /* A hard error on an open connection is soft here: anybody can send one. */
    struct tcp_conn *c = quoted(t, local, remote);
    struct seq q = seq_of(seq);
    /* [RFC8899:4.6.1] [RFC5927:4] */
    if (c == NULL && t->pol->half_unreach && mtu == 0 && half_ended(t, local, remote, q, now))
        return CAUSE_DROP_ICMP_TAKEN;
    if (c == NULL || !seq_ge(q, c->snd.una) || !seq_lt(q, c->snd.nxt)) /* [RFC5927:4.1] */
        return CAUSE_DROP_ICMP_NO_MATCH;
    tcp_at(t, now);
    if (c->sig_len == SIGN_AO_ROOM && state_synchronized(c->state) && (hard || mtu != 0))
        return CAUSE_DROP_ICMP_AO; /* [RFC5925:7.8] */
    if (mtu != 0)                  /* fragmentation needed [RFC1191:3] */
        return pmtu_icmp(t, c, q, mtu, now);
    if (ends(t, c))
        tcp_die(t, c, err, CAUSE_ST_ICMP, now); /* [RFC9293:SHLD-26] */
    else
        soft_error(t, c, err); /* [RFC9293:MUST-56] */
    return CAUSE_DROP_ICMP_TAKEN;
}

void tcp_unreachable(struct tcp *t, const struct tern_addr *remote, struct tern_time now)
{
    tcp_at(t, now);
    for (uint32_t i = 1; i <= t->conns.fresh; i++) {
        struct tcp_conn *c = conn_at(t, i);
        if (!c->used || c->tuple.fam != remote->fam || memcmp(c->tuple.raddr, remote->b, 16) != 0)
            continue;
        if (c->state == TERN_TCP_SYN_SENT)
            tcp_die(t, c, TERN_EHOSTUNREACH, CAUSE_ST_NEIGH_DEAD, now);
        else if (c->hashed)
            soft_error(t, c, TERN_EHOSTUNREACH);
    }
}
