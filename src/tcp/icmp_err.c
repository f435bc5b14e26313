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

static struct tcp_conn *quoted(struct tcp *t, const struct tern_endpoint *local,
                               const struct tern_endpoint *remote)
{
    struct tcp_tuple tu = {.lport = local->port, .rport = remote->port, .fam = remote->addr.fam};
    memcpy(tu.laddr, local->addr.b, 16);
    memcpy(tu.raddr, remote->addr.b, 16);
    return demux_conn(t, &tu, tuple_hash(t, &tu));
}

unsigned tcp_icmp(struct tcp *t, const struct tern_endpoint *local,
                  const struct tern_endpoint *remote, uint32_t seq, int err, bool hard,
                  uint16_t mtu, struct tern_time now)
{
    (void)hard; /* a hard error on an open connection is soft here: anybody can send one */
    struct tcp_conn *c = quoted(t, local, remote);
    struct seq q = seq_of(seq);
    if (c == NULL || !seq_ge(q, c->snd.una) || !seq_lt(q, c->snd.nxt)) /* [RFC5927:4.1] */
        return CAUSE_DROP_ICMP_NO_MATCH;
    t->now_ns = now.ns;
    if (mtu != 0) { /* fragmentation needed [RFC1191:3] */
        uint16_t mss = mtu > 40 + 88 ? (uint16_t)(mtu - 40) : 88;
        if (mss < c->mss) {
            c->mss = mss;
            c->cc.mss = mss - (c->ts_ok ? 12u : 0u);
            recovery_go_back(t, c, CAUSE_TX_REXMT_GO_BACK);
            tcp_ready(t, c);
        }
        return CAUSE_DROP_ICMP_TAKEN;
    }
    if (c->state == TERN_TCP_SYN_SENT)
        tcp_die(t, c, err, CAUSE_ST_ICMP, now); /* [RFC9293:SHLD-26] */
    else
        c->soft_err = (int16_t)err;
    return CAUSE_DROP_ICMP_TAKEN;
}

void tcp_unreachable(struct tcp *t, const struct tern_addr *remote, struct tern_time now)
{
    t->now_ns = now.ns;
    for (uint32_t i = 1; i <= t->conns.fresh; i++) {
        struct tcp_conn *c = conn_at(t, i);
        if (!c->used || c->tuple.fam != remote->fam || memcmp(c->tuple.raddr, remote->b, 16) != 0)
            continue;
        if (c->state == TERN_TCP_SYN_SENT)
            tcp_die(t, c, TERN_EHOSTUNREACH, CAUSE_ST_NEIGH_DEAD, now);
        else if (c->hashed)
            c->soft_err = TERN_EHOSTUNREACH;
    }
}
