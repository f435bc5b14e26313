/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/isn.c: the numbers that nobody outside may guess: initial sequence numbers (RFC 6528),
 * timestamp offsets (RFC 7323 5.4) and ephemeral ports (RFC 6056, algorithm 3).
 */
#include "tcp/conn.h"

/* [RFC6528:3#2] */
static uint64_t keyed(const struct hash_key *key, const struct tcp_tuple *tu, bool lport)
{
    if (tu->fam == TERN_AF_IP4) { /* half the work, on the path of each SYN */
        uint32_t l, r;
        memcpy(&l, tu->laddr, 4);
        memcpy(&r, tu->raddr, 4);
        return hash_2(key, (uint64_t)l << 32 | r, lport ? isn_ports(tu) : tu->rport);
    }
    uint8_t all[36];
    memcpy(all, tu->laddr, 16);
    memcpy(all + 16, tu->raddr, 16);
    be16_store(all + 32, lport ? tu->lport : 0);
    be16_store(all + 34, tu->rport);
    return hash_bytes(key, all, sizeof all);
}

/* ISN = M + F(4-tuple, secret), M a clock of 4 us [RFC6528:3] [RFC9293:MUST-8]. */
struct seq isn_of(const struct tcp *t, const struct tcp_tuple *tu, struct tern_time now)
{
    uint32_t m = (uint32_t)((uint64_t)(now.ns - t->boot_ns) / 4000);
    /* [RFC9293:MUST-9] [RFC9293:SHLD-1] [RFC6528:3#1] */
    return seq_of(m + (uint32_t)keyed(&t->key_isn, tu, true));
}

uint32_t ts_offset_of(const struct tcp *t, const struct tcp_tuple *tu)
{
    return (uint32_t)keyed(&t->key_ts, tu, true); /* [RFC7323:7.1] */
}

uint16_t port_choose(struct tcp *t, struct tcp_tuple *tu)
{
    uint32_t lo = t->cfg->port_lo, n = (uint32_t)t->cfg->port_hi - lo + 1;
    uint32_t offset = (uint32_t)keyed(&t->key_port, tu, false);
    struct tern_addr from = {.fam = tu->fam};
    memcpy(from.b, tu->laddr, 16);
    for (uint32_t i = 0; i < n; i++) {
        tu->lport = (uint16_t)(lo + (offset + t->port_offset++) % n); /* [RFC6056:3.3] */
        uint32_t hash = tuple_hash(t, tu);
        struct tcp_listener *l = demux_listener(t, &from, tu->lport);
        if ((l == NULL || l->any) && demux_conn(t, tu, hash) == NULL && /* [RFC6056:3.2] */
            demux_half(t, tu, hash) == NULL && demux_tw(t, tu, hash) == NULL)
            return tu->lport;
    }
    tu->lport = 0;
    return 0;
}
