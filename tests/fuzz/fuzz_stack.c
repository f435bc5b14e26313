/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_stack: a whole stack under a program of calls, packets and time.
 *
 * The first octet chooses settings, the rest is read as operations (enum op): any call of the API
 * with any handle, stale ones too; TCP segments whose numbers are relative to what the stack has
 * sent last, so that every state is within reach; raw packets; ICMP errors; failing memory; and
 * time. The peer's payload is a function of the sequence number, so that whatever overlaps agrees,
 * and what the application reads can be checked.
 *
 * Laws: after each operation what tern_inspect shows is possible and no limit is exceeded; frames
 * sent have right lengths and checksums; a RST is never answered by a RST [RFC9293:3.10.7.1]; and
 * when all handles are closed and enough time has passed nothing is in use.
 */
#include "fuzz/fuzz.h"
#include "fuzz/packets.h"
#include <stdlib.h>
#include <string.h>
#include <tern/iface.h>
#include <tern/inspect.h>
#include <tern/socket.h>
#include <tern/stack.h>

enum op {
    OP_LISTEN,   /* port, flags */
    OP_CONNECT,  /* port */
    OP_ACCEPT,   /* handle */
    OP_SEND,     /* handle, length / 16, flags */
    OP_RECV,     /* handle, length / 16 */
    OP_SHUTDOWN, /* handle */
    OP_CLOSE,    /* handle */
    OP_ABORT,    /* handle */
    OP_SETOPT,   /* handle, option, value */
    OP_GETOPT,   /* handle, option */
    OP_SEG,      /* flow, control bits, seq, ack, length / 16, window, habits */
    OP_SYN,      /* port, peer's port, options */
    OP_RAW,      /* length, octets: an IP packet */
    OP_TIME,     /* two to the n microseconds */
    OP_PULL,     /* takes what the stack sends */
    OP_ANSWER,   /* answer: to the half-open connection offered last */
    OP_UDP,      /* call, handle, length */
    OP_FAIL,     /* which take, persistently */
    OP_TICK,
    OP_LOOK,    /* handle: every question there is */
    OP_ICMP,    /* flow, code, seq */
    OP_NEXT,    /* to the next deadline */
    OP_NO_COPY, /* handle, length / 16, 1 = receive */
    OPS
};

/* Of OP_SEG. */
enum habit { NO_TS = 1, OLD_TS = 2, BAD_SUM = 4, URGENT = 8, SUPER = 16, NO_WSCALE = 32 };

#define HANDLES 16
#define FLOWS   16
#define STEPS   100000 /* deadlines on the way to rest */

/* What the stack has sent last between two ports: where the peer would go on. */
struct flow {
    uint16_t lport, rport;
    uint32_t seq_end, ack, tsval;
    bool used, acked, ts;
};

struct run {
    const uint8_t *p, *end;
    struct tern_stack *st;
    struct tern_time now;
    struct tern_config cfg;
    struct tern_sock handle[HANDLES], offered;
    unsigned next_handle;
    struct flow flow[FLOWS];
    bool tainted; /* payload of another kind, or an urgent octet, may be in a stream */
    bool ether, rst_seen;
};

static const struct tern_addr our_addr = {.fam = TERN_AF_IP4, .b = {10, 0, 0, 1}};
static const struct tern_addr peer_addr = {.fam = TERN_AF_IP4, .b = {10, 0, 0, 2}};
static _Alignas(64) uint8_t memory[4 << 20];
static uint8_t octets[70000];

static uint8_t take(struct run *r)
{
    return r->p < r->end ? *r->p++ : 0;
}

static struct tern_sock handle(struct run *r)
{
    return r->handle[take(r) % HANDLES];
}

static void keep_handle(struct run *r, int err, struct tern_sock s)
{
    if (err != TERN_OK)
        return;
    struct tern_sock *slot = &r->handle[r->next_handle++ % HANDLES];
    if (slot->id != 0)
        (void)tern_close(r->st, *slot, r->now);
    *slot = s;
}

/* A small octet means itself, a large one far away. */
static int32_t relative(struct run *r)
{
    int32_t v = (int8_t)take(r);
    if (v > 63)
        return (v - 63) * 1400;
    return v < -63 ? (v + 63) * 1400 : v;
}

static uint8_t octet_at(uint32_t seq)
{
    return (uint8_t)((seq * 0x9e3779b1u) >> 24);
}

/* ---- packets ---- */

static void deliver(struct run *r, uint8_t *ip, uint32_t len, uint16_t gso)
{
    static const uint8_t head[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    static uint8_t frame[sizeof octets + 14];
    uint32_t off = r->ether ? 14 : 0;
    memcpy(frame, head, 14);
    memcpy(frame + off, ip, len);
    /* A block of just the right size, so that reading beyond it is noticed. */
    uint8_t *exact = fuzz_copy(frame, off + len);
    struct tern_frame f = {.data = exact,
                           .len = off + len,
                           .id = 1,
                           .gso = gso ? TERN_GSO_TCP4 : TERN_GSO_NONE,
                           .gso_size = gso,
                           .time = r->now};
    tern_rx(r->st, 0, &f, 1, r->now);
    free(exact);
}

/* ---- what the stack sends ---- */

static struct flow *flow_of(struct run *r, uint16_t lport, uint16_t rport)
{
    struct flow *free_one = NULL;
    for (unsigned i = 0; i < FLOWS; i++) {
        struct flow *f = &r->flow[i];
        if (f->used && f->lport == lport && f->rport == rport)
            return f;
        if (!f->used && !free_one)
            free_one = f;
    }
    if (!free_one)
        free_one = &r->flow[(lport ^ rport) % FLOWS];
    *free_one = (struct flow){.used = true, .lport = lport, .rport = rport};
    return free_one;
}

static void sent_tcp(struct run *r, const uint8_t *ip, uint32_t n)
{
    struct sent_tcp t;
    fuzz_law(packet_tcp(ip, n, &t));
    r->rst_seen |= (t.th & TERN_TH_RST) != 0;
    struct flow *f = flow_of(r, t.sport, t.dport);
    f->seq_end = t.seq_end;
    f->ts = t.ts;
    f->tsval = t.tsval;
    if (t.th & TERN_TH_ACK) {
        f->ack = t.ack;
        f->acked = true;
    }
}

static void sent_arp(struct run *r, const uint8_t *p)
{
    if (get16(p + 20) != 1 || memcmp(p + 38, peer_addr.b, 4) != 0)
        return;
    uint8_t a[42] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2};
    memcpy(a + 22, a + 6, 6);
    memcpy(a + 28, peer_addr.b, 4);
    memcpy(a + 32, p + 22, 10);
    struct tern_frame f = {.data = a, .len = sizeof a, .id = 1, .time = r->now};
    tern_rx(r->st, 0, &f, 1, r->now);
}

static void sent(struct run *r, const struct tern_frame *f)
{
    const uint8_t *p = f->data;
    uint32_t off = r->ether ? 14 : 0;
    fuzz_law(f->id != 0 && f->len >= off + 20 && f->len <= off + 1500);
    if (r->ether && get16(p + 12) == 0x806) {
        fuzz_law(f->len >= 42);
        sent_arp(r, p);
        return;
    }
    const uint8_t *ip = p + off;
    uint32_t len = get16(ip + 2);
    fuzz_law(ip[0] == 0x45 && len == f->len - off && sum16(0, ip, 20) == 0xffff);
    if (ip[9] == 6)
        sent_tcp(r, ip, len - 20);
    else if (ip[9] == 1)
        fuzz_law(sum16(0, ip + 20, len - 20) == 0xffff);
    else if (ip[9] == 17 && get16(ip + 26) != 0)
        fuzz_law(sum16(pseudo(ip, len - 20), ip + 20, len - 20) == 0xffff);
}

static void pull(struct run *r)
{
    static uint8_t buf[2][1600];
    for (unsigned i = 0; i < 5000; i++) {
        struct tern_frame f[2] = {{.data = buf[0], .cap = 1600}, {.data = buf[1], .cap = 1600}};
        size_t n = tern_tx(r->st, 0, f, 2, r->now);
        for (size_t k = 0; k < n; k++)
            sent(r, &f[k]);
        if (n == 0) /* a frame may have been answered at once, with ARP */
            return;
    }
    fuzz_law(false); /* the stack sends for ever */
}

/* ---- what the peer sends ---- */

static uint32_t put_options(struct run *r, uint8_t *p, const struct flow *f, uint8_t th,
                            uint8_t habits)
{
    uint32_t n = 0;
    if (th & TERN_TH_SYN) {
        static const uint8_t syn[] = {2, 4, 5, 180, 4, 2, 1, 3, 3, 2};
        n = habits & NO_WSCALE ? 6 : 10;
        memcpy(p, syn, n);
    }
    if ((f->ts || (th & TERN_TH_SYN)) && !(habits & NO_TS)) {
        p[n] = 8;
        p[n + 1] = 10;
        put32(p + n + 2, (uint32_t)(r->now.ns / 1000000) - (habits & OLD_TS ? 5000u : 0u));
        put32(p + n + 6, th & TERN_TH_ACK ? f->tsval : 0);
        n += 10;
    }
    while (n & 3)
        p[n++] = 1;
    return n;
}

static void inject(struct run *r, const struct flow *f, uint8_t th, uint32_t seq, uint32_t ack,
                   uint32_t len, uint32_t wnd, uint8_t habits)
{
    uint8_t *ip = octets, *t = ip + 20;
    memset(t, 0, 20);
    put16(t, f->rport);
    put16(t + 2, f->lport);
    put32(t + 4, seq);
    put32(t + 8, ack);
    uint32_t hlen = 20 + put_options(r, t + 20, f, th, habits);
    t[12] = (uint8_t)(hlen / 4 << 4);
    t[13] = th;
    put16(t + 14, wnd);
    if (habits & URGENT) {
        t[13] |= TERN_TH_URG;
        put16(t + 18, len ? len : 1);
    }
    r->tainted |= (t[13] & TERN_TH_URG) != 0;
    uint32_t first = seq + !!(th & TERN_TH_SYN);
    for (uint32_t i = 0; i < len; i++)
        t[hlen + i] = octet_at(first + i);
    uint32_t n = hlen + len;
    ip_finish(ip, 6, n);
    put16(t + 16, (~sum16(pseudo(ip, n), t, n) & 0xffff) ^ (habits & BAD_SUM ? 1u : 0u));
    bool quiet = !tern_tx_pending(r->st, 0);
    r->rst_seen = false;
    deliver(r, ip, 20 + n, habits & SUPER && len > 536 ? 536 : 0);
    if (quiet && (th & TERN_TH_RST)) {
        pull(r);
        fuzz_law(!r->rst_seen);
    }
}

static void op_seg(struct run *r)
{
    const struct flow *f = &r->flow[take(r) % FLOWS];
    uint8_t th = take(r);
    int32_t dseq = relative(r), dack = relative(r);
    uint32_t len = take(r) * 16u, wnd = take(r) * 257u;
    uint8_t habits = take(r);
    if (!f->used)
        return;
    uint32_t seq = (f->acked ? f->ack : 0x10000000u * f->rport) + (uint32_t)dseq;
    if (!(habits & SUPER) && len > 1400)
        len = 1400;
    if ((th & TERN_TH_SYN) && len > 1000)
        len = 1000;
    inject(r, f, th, seq, th & TERN_TH_ACK ? f->seq_end + (uint32_t)dack : 0, len, wnd, habits);
}

static void op_syn(struct run *r)
{
    struct flow f = {.lport = (uint16_t)(80 + take(r) % 4),
                     .rport = (uint16_t)(1000 + take(r) % 16)};
    uint8_t habits = take(r);
    inject(r, &f, TERN_TH_SYN, 0x10000000u * f.rport + habits, 0, habits & 128 ? 10 : 0, 65535,
           habits & (NO_TS | NO_WSCALE | OLD_TS));
}

static void op_raw(struct run *r)
{
    uint32_t n = take(r), left = (uint32_t)(r->end - r->p);
    n = n < left ? n : left;
    memcpy(octets, r->p, n);
    r->p += n;
    if (n >= 20 && octets[1] & 1) { /* half of them with a header that is right */
        uint8_t proto = octets[9];
        ip_finish(octets, proto, n - 20);
        if (proto == 6 && n >= 40) {
            put16(octets + 36, 0);
            put16(octets + 36, ~sum16(pseudo(octets, n - 20), octets + 20, n - 20) & 0xffff);
            r->tainted = true;
        } else if (proto == 1 && n >= 28) {
            put16(octets + 22, 0);
            put16(octets + 22, ~sum16(0, octets + 20, n - 20) & 0xffff);
        }
    }
    deliver(r, octets, n, 0);
}

/* An ICMP error that quotes our own segment. */
static void op_icmp(struct run *r)
{
    const struct flow *f = &r->flow[take(r) % FLOWS];
    uint8_t code = take(r);
    int32_t dseq = relative(r);
    if (!f->used)
        return;
    uint8_t *icmp = octets + 20, *quoted = icmp + 8;
    memset(icmp, 0, 36);
    icmp[0] = code & 128 ? 11 : 3;
    icmp[1] = code & 15;
    put16(icmp + 6, 600); /* next-hop MTU, for code 4 */
    ip_finish(quoted, 6, 8);
    memcpy(quoted + 12, our_addr.b, 4);
    memcpy(quoted + 16, peer_addr.b, 4);
    put16(quoted + 10, 0);
    put16(quoted + 10, ~sum16(0, quoted, 20) & 0xffff);
    put16(quoted + 20, f->lport);
    put16(quoted + 22, f->rport);
    put32(quoted + 24, f->seq_end - 1 + (uint32_t)dseq);
    put16(icmp + 2, ~sum16(0, icmp, 36) & 0xffff);
    ip_finish(octets, 1, 36);
    deliver(r, octets, 56, 0);
}

/* ---- calls ---- */

/* What was read must be what the peer sent from that position on. An urgent octet is not in the
 * stream. */
static void check_read(struct run *r, const struct tern_info *i, const uint8_t *p, size_t n)
{
    uint32_t seq = i->irs + 1 + (uint32_t)(i->bytes_received - i->rcvq);
    for (size_t k = 0; !r->tainted && k < n; k++)
        fuzz_law(p[k] == octet_at(seq + (uint32_t)k));
}

static void op_recv(struct run *r)
{
    static uint8_t got[4096];
    struct tern_sock s = handle(r);
    uint32_t n = take(r) * 16u;
    struct tern_info i;
    bool known = tern_inspect(r->st, s, &i, r->now) && i.kind == TERN_INFO_CONN;
    int64_t k = tern_tcp_recv(r->st, s, got, n, r->now);
    fuzz_law(k <= (int64_t)n);
    if (known && k > 0)
        check_read(r, &i, got, (size_t)k);
}

static void op_no_copy(struct run *r)
{
    struct tern_sock s = handle(r);
    uint32_t want = take(r) * 16u;
    size_t n = 0;
    if (take(r) & 1) {
        const uint8_t *p = NULL;
        if (tern_tcp_recv_data(r->st, s, &p, &n) == 1) {
            fuzz_law(n > 0 && p != NULL);
            fuzz_law(tern_tcp_recv_consume(r->st, s, n + 1 + 65536 * 64, r->now) < 0);
            n = want < n ? want : n;
            fuzz_law(tern_tcp_recv_consume(r->st, s, n, r->now) == TERN_OK);
        }
        return;
    }
    uint8_t *p = NULL;
    if (want != 0 && tern_tcp_send_space(r->st, s, want, &p, &n) == TERN_OK) {
        fuzz_law(n > 0 && n <= want);
        memset(p, 0x55, n);
        fuzz_law(tern_tcp_send_commit(r->st, s, n, 0, r->now) == TERN_OK);
    }
}

static void op_send(struct run *r)
{
    struct tern_sock s = handle(r);
    uint32_t n = take(r) * 16u;
    int64_t k = tern_tcp_send(r->st, s, octets, n, take(r) & 3u, r->now);
    fuzz_law(k <= (int64_t)n);
}

static void op_open(struct run *r, bool listen)
{
    struct tern_sock s;
    struct tern_endpoint local = {.port = (uint16_t)(80 + take(r) % 4)};
    if (listen) {
        uint8_t flags = take(r);
        keep_handle(r, tern_tcp_listen(r->st, &local, flags >> 4, flags & 3u, &s), s);
        return;
    }
    struct tern_endpoint remote = {.addr = peer_addr, .port = (uint16_t)(local.port - 80 + 2000)};
    bool named = take(r) & 1;
    keep_handle(r, tern_tcp_connect(r->st, named ? &local : NULL, &remote, &s, r->now), s);
}

static void op_accept(struct run *r)
{
    struct tern_sock s;
    keep_handle(r, tern_tcp_accept(r->st, handle(r), &s), s);
}

static void op_udp(struct run *r)
{
    uint8_t call = take(r);
    struct tern_sock s = handle(r);
    uint32_t n = take(r) * 8u;
    struct tern_endpoint peer = {.addr = peer_addr, .port = 5000}, from, to;
    struct tern_endpoint local = {.port = (uint16_t)(call & 16 ? 0 : 53)};
    switch (call % 5) {
    case 0:
        keep_handle(r, tern_udp_open(r->st, &local, call & 32 ? TERN_UDP_ANY : 0u, &s), s);
        break;
    case 1:
        (void)tern_udp_connect(r->st, s, &peer);
        break;
    case 2:
        (void)tern_udp_sendto(r->st, s, NULL, call & 32 ? NULL : &peer, octets, n, r->now);
        break;
    case 3:
        (void)tern_udp_recvfrom(r->st, s, octets, n, &from, &to);
        break;
    default:
        memset(octets + 20, 0, 8 + n);
        put16(octets + 20, 5000);
        put16(octets + 22, 53);
        put16(octets + 24, 8 + n);
        ip_finish(octets, 17, 8 + n);
        deliver(r, octets, 28 + n, 0);
        break;
    }
}

static void op_look(struct run *r)
{
    struct tern_sock s = handle(r);
    struct tern_endpoint e;
    uint8_t octet;
    (void)tern_sockname(r->st, s, &e);
    (void)tern_peername(r->st, s, &e);
    (void)tern_setuser(r->st, s, s.id);
    (void)tern_tcp_recv_oob(r->st, s, &octet);
    (void)tern_echo_data(r->st, octets, sizeof octets);
    (void)tern_frame_cap(r->st, 0);
}

static void op_opt(struct run *r, bool set)
{
    struct tern_sock s = handle(r);
    int opt = take(r) % (TERN_OPT_UTO_ADOPTED_MS + 2);
    int64_t v = 0;
    if (set) {
        v = (int8_t)take(r);
        if (v > 1) /* so that sizes and times are within reach */
            v <<= v % 20;
        (void)tern_setopt(r->st, s, (enum tern_opt)opt, v, r->now);
    } else {
        (void)tern_getopt(r->st, s, (enum tern_opt)opt, &v);
    }
}

static void op_time(struct run *r, bool next)
{
    int64_t d = tern_deadline(r->st).ns;
    if (!next)
        r->now.ns += INT64_C(1000) << take(r) % 33;
    else if (d != INT64_MAX)
        r->now.ns = d > r->now.ns ? d : r->now.ns;
    tern_tick(r->st, r->now);
}

static void op_fail(struct run *r)
{
    uint8_t n = take(r);
    (void)tern_stack_fail_take(r->st, n & 63, n & 64);
}

static void op_answer(struct run *r)
{
    (void)tern_tcp_answer(r->st, r->offered, (enum tern_answer)(take(r) % 6), r->now);
}

static void packet_op(struct run *r, enum op op)
{
    switch (op) {
    case OP_SEG:
        op_seg(r);
        break;
    case OP_SYN:
        op_syn(r);
        break;
    case OP_RAW:
        op_raw(r);
        break;
    case OP_ICMP:
        op_icmp(r);
        break;
    case OP_PULL:
        pull(r);
        break;
    case OP_TICK:
        tern_tick(r->st, r->now);
        break;
    default:
        op_time(r, op == OP_NEXT);
        break;
    }
}

static void call_op(struct run *r, enum op op)
{
    switch (op) {
    case OP_LISTEN:
    case OP_CONNECT:
        op_open(r, op == OP_LISTEN);
        break;
    case OP_ACCEPT:
        op_accept(r);
        break;
    case OP_SEND:
        op_send(r);
        break;
    case OP_RECV:
        op_recv(r);
        break;
    case OP_SHUTDOWN:
        (void)tern_tcp_shutdown(r->st, handle(r), r->now);
        break;
    case OP_CLOSE:
        (void)tern_close(r->st, handle(r), r->now);
        break;
    case OP_ABORT:
        (void)tern_tcp_abort(r->st, handle(r), r->now);
        break;
    case OP_SETOPT:
    case OP_GETOPT:
        op_opt(r, op == OP_SETOPT);
        break;
    case OP_UDP:
        op_udp(r);
        break;
    case OP_ANSWER:
        op_answer(r);
        break;
    case OP_LOOK:
        op_look(r);
        break;
    case OP_FAIL:
        op_fail(r);
        break;
    default:
        op_no_copy(r);
        break;
    }
}

static bool is_packet(enum op op)
{
    return (op >= OP_SEG && op <= OP_SYN) || (op >= OP_RAW && op <= OP_PULL) || op == OP_TICK ||
           op == OP_ICMP || op == OP_NEXT;
}

/* ---- laws ---- */

static void check_conn(const struct run *r, const struct tern_info *i)
{
    bool open = i->state >= TERN_TCP_ESTABLISHED && i->state != TERN_TCP_TIME_WAIT;
    fuzz_law(i->state < TERN_TCP_STATES && i->timer_us >= -1);
    fuzz_law((int32_t)(i->snd_nxt - i->snd_una) >= 0);
    fuzz_law(i->ooo <= r->cfg.max_conn_ooo);
    if (open)
        fuzz_law(i->mss > 0 && i->cwnd > 0 && i->rto_us <= r->cfg.rto_max_us);
}

static void check(struct run *r)
{
    struct tern_event ev;
    struct tern_info i;
    struct tern_usage u;
    uint64_t cursor = 0;
    unsigned n = 0;
    while (tern_event_next(r->st, &ev)) {
        fuzz_law(ev.bits != 0 && n++ < 1000);
        if (ev.bits & TERN_EV_SYN)
            r->offered = ev.sock;
    }
    while (tern_inspect_next(r->st, &cursor, &i, r->now)) {
        fuzz_law(n++ < 5000);
        if (i.kind == TERN_INFO_CONN)
            check_conn(r, &i);
    }
    tern_stack_usage(r->st, &u);
    fuzz_law(u.conns <= r->cfg.max_conns && u.half_open <= r->cfg.max_half_open &&
             u.time_wait <= r->cfg.max_time_wait && u.ooo <= r->cfg.max_ooo &&
             u.answers <= 2 * r->cfg.max_answers && u.buf_bytes <= r->cfg.buf_bytes);
}

/* ---- a run ---- */

static void begin(struct run *r, uint8_t how)
{
    struct tern_config *c = &r->cfg;
    tern_config_init(c);
    for (unsigned i = 0; i < 32; i++)
        c->seed[i] = (uint8_t)i;
    c->max_conns = 6;
    c->max_half_open = 4;
    c->max_time_wait = 3;
    c->max_listeners = 4;
    c->max_udp = 3;
    c->max_ifaces = 1;
    c->max_neigh = 2;
    c->max_answers = 8;
    c->max_ooo = 12;
    c->max_sent = 24;
    c->max_cc_blocks = 3;
    c->max_conn_ooo = 5;
    c->buf_bytes = 65536;
    c->sndbuf = c->rcvbuf = 8192;
    c->trace_records = how & 1 ? 64 : 0;
    c->timestamps = how & 2;
    c->sack = how & 4;
    c->wscale = how & 8;
    c->rfc5961 = !(how & 16);
    c->rfc1337 = !(how & 32);
    c->nagle = how & 64;
    c->fin_wait_2_ms = 60000;
    fuzz_law(tern_config_check(c) == NULL);
    size_t size = tern_stack_size(c);
    fuzz_law(size > 0 && size <= sizeof memory);
    memset(memory, 0, size);
    r->now.ns = 1000000000;
    r->ether = how & 128;
    r->st = tern_stack_init(memory, size, c, r->now);
    fuzz_law(r->st != NULL);
    struct tern_iface_config ic = {.link = r->ether ? TERN_LINK_ETHER : TERN_LINK_IP,
                                   .mac = {2, 0, 0, 0, 0, 1},
                                   .mtu = 1500,
                                   .addr = {{.addr = our_addr, .prefix = 24}}};
    fuzz_law(tern_iface_add(r->st, &ic) == 0);
}

/* Closes everything, and waits until the stack has forgotten it. */
static void finish(struct run *r)
{
    (void)tern_stack_fail_take(r->st, 0, false);
    for (unsigned i = 0; i < HANDLES; i++)
        (void)tern_close(r->st, r->handle[i], r->now);
    struct tern_usage u;
    for (unsigned i = 0;; i++) {
        pull(r);
        check(r);
        tern_stack_usage(r->st, &u);
        int64_t d = tern_deadline(r->st).ns;
        if (d == INT64_MAX)
            break;
        fuzz_law(i < STEPS);
        r->now.ns = d > r->now.ns ? d : r->now.ns;
        tern_tick(r->st, r->now);
    }
    fuzz_law(u.conns == 0 && u.half_open == 0 && u.time_wait == 0 && u.listeners == 0);
    fuzz_law(u.udp == 0 && u.ooo == 0 && u.answers == 0 && u.buf_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0 || n > 4096)
        return 0;
    struct run r = {.p = data + 1, .end = data + n};
    begin(&r, data[0]);
    while (r.p < r.end) {
        enum op op = (enum op)(take(&r) % OPS);
        if (is_packet(op))
            packet_op(&r, op);
        else
            call_op(&r, op);
        check(&r);
    }
    finish(&r);
    return 0;
}
