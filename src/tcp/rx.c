/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/rx.c: a segment's way from IP to the state machine: parse, find the connection, verify the
 * checksum, dispatch.
 *
 * The payload of an expected in-order segment is copied straight behind the receive buffer's end
 * while its checksum is computed, so that it is touched once. Nothing is committed until the
 * checksum has been found right and RFC 9293's checks have passed; until then those octets lie in
 * free space.
 */
#include "tcp/conn.h"

static uint64_t pseudo_sum(const struct tcp_pkt *p)
{
    if (p->src.fam == TERN_AF_IP4)
        return cksum_pseudo4(p->src.b, p->dst.b, 6, p->n);
    return cksum_pseudo6(p->src.b, p->dst.b, 6, p->n);
}

/* May the payload go behind the buffer's end before anything else is checked? Only if it is the
 * next in order and nothing lies there already. Makes the room. */
static bool can_copy_early(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in)
{
    if (in->s.len == 0 || !state_receives(c->state) || c->orphan || c->rcv.ooo.count != 0 ||
        !seq_eq(in->s.seq, c->rcv.nxt) || (in->s.th & (TERN_TH_SYN | TERN_TH_RST)) != 0)
        return false;
    if (in->s.len > (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt))
        return false;
    uint32_t len = c->rcv.buf.len;
    return ring_reserve(&c->rcv.buf, t->arena, len + in->s.len, UINT32_MAX, len);
}

static uint64_t copy_early(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in)
{
    uint32_t n = in->s.len;
    uint8_t *at = ring_span(&c->rcv.buf, c->rcv.buf.len, &n);
    uint64_t sum = t->cks->copy(at, in->s.data, n);
    if (n < in->s.len) { /* the ring wraps */
        uint32_t rest = in->s.len - n;
        at = ring_span(&c->rcv.buf, c->rcv.buf.len + n, &rest);
        uint64_t tail = t->cks->copy(at, in->s.data + n, in->s.len - n);
        sum = cksum_add(sum, n & 1 ? cksum_odd(tail) : tail);
    }
    return sum;
}

/* True when the checksum is right [RFC9293:MUST-3], or need not be looked at. */
static bool verify(struct tcp *t, struct tcp_conn *c, struct tcp_in *in)
{
    const struct tcp_pkt *p = in->pkt;
    bool early = c != NULL && can_copy_early(t, c, in);
    if (p->csum != TERN_CSUM_NONE) {
        if (early)
            ring_write(&c->rcv.buf, c->rcv.buf.len, in->s.data, in->s.len);
        in->copied = early;
        return true;
    }
    uint64_t sum = pseudo_sum(p);
    if (early) {
        sum += cksum_header(p->p, in->s.hlen);
        sum = cksum_add(sum, copy_early(t, c, in));
        in->copied = true;
    } else {
        sum = cksum_add(sum, t->cks->sum(p->p, p->n));
    }
    return cksum_fold(sum) == 0;
}

/* Is it for the same connection as the last one? */
static struct tcp_conn *last_conn(const struct tcp *t, const struct tcp_in *in)
{
    if (t->last_conn == 0)
        return NULL;
    struct tcp_conn *c = conn_at(t, t->last_conn);
    const struct tcp_tuple *tu = &c->tuple;
    const struct tcp_pkt *p = in->pkt;
    bool same = tu->rport == in->s.sport && tu->lport == in->s.dport && tu->fam == p->dst.fam &&
                memcmp(tu->raddr, p->src.b, 16) == 0 && memcmp(tu->laddr, p->dst.b, 16) == 0;
    return same && c->used && c->hashed ? c : NULL;
}

static struct tcp_conn *find_conn(struct tcp *t, const struct tcp_tuple *tu, uint32_t *hash)
{
    *hash = tuple_hash(t, tu);
    struct tcp_conn *c = demux_conn(t, tu, *hash);
    if (c != NULL)
        t->last_conn = conn_idx(t, c);
    return c;
}

/* Dropped before any state machine saw it. */
static unsigned refuse(struct tcp *t, const struct tcp_conn *c, const struct tcp_tuple *tu,
                       uint32_t serial, unsigned state, const struct tcp_in *in, unsigned v,
                       struct tern_time now)
{
    struct tern_trace *r = note_rx_begin(t, c, tu, serial, state, in, now);
    note_rx_end(t, r, in, v);
    return v;
}

static uint32_t other_serial(const struct tcp_half *h, const struct tcp_tw *w)
{
    if (h != NULL)
        return h->serial;
    return w != NULL ? w->serial : 0;
}

/* A segment for which there is no full connection. */
static unsigned rx_other(struct tcp *t, const struct tcp_tuple *tu, uint32_t hash,
                         struct tcp_in *in, struct tern_time now)
{
    /* A flood that leaves nothing behind looks into no table. */
    struct tcp_half *h = t->halves.used != 0 ? demux_half(t, tu, hash) : NULL;
    struct tcp_tw *w = h == NULL && t->tws.used != 0 ? demux_tw(t, tu, hash) : NULL;
    struct tcp_listener *l = NULL;
    bool sign = auth_wanted(t, in);
    if ((h == NULL && w == NULL) || sign)
        l = demux_listener(t, &in->pkt->dst, tu->lport);
    unsigned state = h != NULL   ? TERN_TCP_SYN_RECEIVED
                     : w != NULL ? TERN_TCP_TIME_WAIT
                     : l != NULL ? TERN_TCP_LISTEN
                                 : TERN_TCP_CLOSED;
    unsigned bad = sign ? auth_other_in(t, tu, h, w, l, in) : IN_GO;
    if (bad != IN_GO)
        return refuse(t, NULL, tu, other_serial(h, w), state, in, bad, now);
    if (h != NULL)
        return in_half(t, h, tu, in, now);
    if (w != NULL)
        return in_timewait(t, w, tu, in, now);
    struct tern_trace *r = note_rx_begin(t, NULL, tu, 0, state, in, now);
    unsigned v = l != NULL ? in_listen(t, l, tu, hash, in, now) : in_closed(t, tu, in, now);
    note_rx_end(t, r, in, v);
    return v;
}

/* Room that was made for text which was then refused. c may have ended meanwhile. */
static void undo_early(struct tcp *t, struct tcp_conn *c, uint32_t gen)
{
    if (c->used && c->gen == gen && c->rcv.ooo.count == 0)
        ring_release_if_empty(&c->rcv.buf, t->arena);
}

/* For the connection c, with a good checksum. */
static unsigned rx_conn(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now)
{
    uint32_t gen = c->gen;
    unsigned v = auth_wanted(t, in) ? auth_conn_in(t, c, in) : IN_GO;
    if (v != IN_GO)
        refuse(t, c, &c->tuple, c->serial, c->state, in, v, now);
    else
        v = tcp_input(t, c, in, now);
    if (v != CAUSE_RX_SEG)
        undo_early(t, c, gen);
    return v;
}

static __attribute__((noinline)) void tuple_of(const struct tcp_in *in, struct tcp_tuple *tu)
{
    const struct tcp_pkt *p = in->pkt;
    *tu = (struct tcp_tuple){
        .lport = in->s.dport, .rport = in->s.sport, .fam = p->dst.fam, .iface = p->iface};
    memcpy(tu->laddr, p->dst.b, 16);
    memcpy(tu->raddr, p->src.b, 16);
}

unsigned tcp_rx(struct tcp *t, const struct tcp_pkt *pkt, struct tern_time now)
{
    struct tcp_in in; /* tcp_parse() fills s */
    struct tcp_tuple tu;
    uint32_t hash = 0;
    in.pkt = pkt;
    in.copied = false;
    in.pieces = 1;
    tcp_at(t, now);
    int bad = tcp_parse(pkt->p, pkt->n, &in.s);
    if (bad != 0) {
        trace_count(t->trace, (unsigned)bad);
        return (unsigned)bad;
    }
    in.s.ecn = pkt->tos & 3;
    if (pkt->gso_size != 0 && in.s.len > pkt->gso_size)
        in.pieces = (uint16_t)((in.s.len + pkt->gso_size - 1) / pkt->gso_size);

    struct tcp_conn *c = last_conn(t, &in);
    if (c == NULL) {
        tuple_of(&in, &tu);
        c = find_conn(t, &tu, &hash);
    }
    bool good = verify(t, c, &in);
    if (c != NULL && good)
        return rx_conn(t, c, &in, now);
    if (good)
        return rx_other(t, &tu, hash, &in, now);
    if (c == NULL)
        return refuse(t, c, &tu, 0, TERN_TCP_CLOSED, &in, CAUSE_DROP_TCP_CHECKSUM, now);
    refuse(t, c, &c->tuple, c->serial, c->state, &in, CAUSE_DROP_TCP_CHECKSUM, now);
    undo_early(t, c, c->gen);
    return CAUSE_DROP_TCP_CHECKSUM;
}
