/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/in_listen.c: segments for which there is no connection yet: RFC 9293 3.10.7.1 (CLOSED) and
 * 3.10.7.2 (LISTEN).
 */
#include "tcp/guard.h"

static bool unicast(const struct tern_addr *a)
{
    if (a->fam != TERN_AF_IP4)
        return a->fam == TERN_AF_IP6 && a->b[0] != 0xff;
    uint32_t v = be32_load(a->b);
    return v != 0 && v != 0xffffffff && v >> 28 != 14;
}

unsigned in_closed(struct tcp *t, const struct tcp_tuple *tu, const struct tcp_in *in,
                   struct tern_time now)
{
    (void)now;
    if (in->s.th & TERN_TH_RST)
        return CAUSE_DROP_RST_NO_CONNECTION;
    if (!unicast(&in->pkt->dst) || !unicast(&in->pkt->src))
        return CAUSE_DROP_BROADCAST; /* [RFC9293:MUST-57] */
    ans_rst(t, tu, in, 0, TERN_TCP_CLOSED, CAUSE_TX_RST_NO_CONNECTION);
    return CAUSE_TX_RST_NO_CONNECTION;
}

unsigned in_listen(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu, uint32_t hash,
                   struct tcp_in *in, struct tern_time now)
{
    if (in->s.th & TERN_TH_RST) /* first */
        return CAUSE_DROP_LISTEN_RST;
    if (!unicast(&in->pkt->dst) || !unicast(&in->pkt->src))
        return CAUSE_DROP_BROADCAST; /* [RFC9293:MUST-57] [RFC9293:MUST-63] */
    if (in->s.th & TERN_TH_ACK) {    /* second */
        unsigned v = policy_ack(t, l, tu, hash, in, now);
        if (v != IN_GO)
            return v;
        ans_rst(t, tu, in, 0, TERN_TCP_LISTEN, CAUSE_TX_RST_LISTEN_ACK);
        return CAUSE_TX_RST_LISTEN_ACK;
    }
    if (!(in->s.th & TERN_TH_SYN)) /* fourth */
        return CAUSE_DROP_LISTEN_FLAGS;
    /* third: a SYN. Text and FIN that come with it are not kept, but for Fast Open: the peer sends
     * them again. */
    unsigned v = fastopen_syn(t, l, tu, hash, in, now);
    if (v != IN_GO)
        return v;
    return policy_syn(t, l, tu, hash, in, now);
}
