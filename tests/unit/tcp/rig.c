/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

/* ---- life ---- */

void rig_init(struct rig *r)
{
    memset(r, 0, offsetof(struct rig, out));
    r->n = 0;
    tern_config_init(&r->cfg);
    for (unsigned i = 0; i < sizeof r->cfg.seed; i++)
        r->cfg.seed[i] = (uint8_t)(i * 7 + 1);
    r->cfg.max_conns = 8;
    r->cfg.max_half_open = 8;
    r->cfg.max_time_wait = 4;
    r->cfg.max_listeners = 4;
    r->cfg.max_answers = 32;
    r->cfg.max_ooo = 64;
    r->cfg.max_sent = 256;
    r->cfg.max_conn_ooo = 16;
    r->cfg.buf_bytes = RIG_ARENA;
    r->cfg.sndbuf = r->cfg.rcvbuf = 256u << 10;
    r->cfg.autotune = false;
    r->cfg.cc = TERN_CC_RENO; /* whose arithmetic can be followed on paper */
    r->now = ms(5000);
    r->local = ep(ip(10, 0, 0, 1), RIG_PORT);
    r->peer = ep(ip(10, 0, 0, 2), RIG_PEER);
    r->peer_iss = seq_of(0xfffff000); /* wraps soon */
    r->wnd = 32768;
    r->syn_ts = r->syn_ws = r->syn_sack = true;
    r->syn_mss = 1460;
    r->ws = 2;
}

static void *zeroed(size_t n)
{
    void *p = aligned_alloc(64, (n + 63) & ~(size_t)63);
    if (p == NULL)
        abort();
    return memset(p, 0, n);
}

void rig_start(struct rig *r)
{
    if (tern_config_check(&r->cfg) != NULL)
        fail_msg("settings: %s", tern_config_check(&r->cfg));
    buddy_init(&r->arena, aligned_alloc(64, r->cfg.buf_bytes), r->cfg.buf_bytes,
               zeroed(buddy_meta_size(r->cfg.buf_bytes)), &r->fault);
    r->t = tcp_init(zeroed(tcp_size(&r->cfg)), &r->cfg, &r->arena, &r->trace, &r->fault, r->now);
    for (unsigned i = 0; i < TCP_IFACES; i++)
        tcp_iface_set(r->t, i, 1500, 0, false);
    r->tuple =
        (struct tcp_tuple){.lport = r->local.port, .rport = r->peer.port, .fam = TERN_AF_IP4};
    memcpy(r->tuple.laddr, r->local.addr.b, 16);
    memcpy(r->tuple.raddr, r->peer.addr.b, 16);
}

void rig_stop(struct rig *r)
{
    free(r->arena.base);
    free(r->arena.page);
    free(r->t);
    free(r->trace.ring);
}

int rig_setup(void **state)
{
    struct rig *r = malloc(sizeof *r);
    if (r == NULL)
        return -1;
    rig_init(r);
    rig_start(r);
    *state = r;
    return 0;
}

int rig_teardown(void **state)
{
    rig_stop(*state);
    free(*state);
    return 0;
}

/* ---- where it stands ---- */

struct tcp_conn *rig_find(struct rig *r)
{
    return demux_conn(r->t, &r->tuple, tuple_hash(r->t, &r->tuple));
}
struct tcp_conn *rig_conn(struct rig *r)
{
    struct tcp_conn *c = rig_find(r);
    if (c == NULL)
        fail_msg("there is no connection");
    return c;
}
struct tcp_half *rig_half(struct rig *r)
{
    return demux_half(r->t, &r->tuple, tuple_hash(r->t, &r->tuple));
}
struct tcp_tw *rig_tw(struct rig *r)
{
    return demux_tw(r->t, &r->tuple, tuple_hash(r->t, &r->tuple));
}

unsigned rig_state(struct rig *r)
{
    struct tcp_conn *c = rig_find(r);
    if (c != NULL)
        return c->state;
    if (rig_half(r) != NULL)
        return TERN_TCP_SYN_RECEIVED;
    if (rig_tw(r) != NULL)
        return TERN_TCP_TIME_WAIT;
    return r->t->listeners.used != 0 ? TERN_TCP_LISTEN : TERN_TCP_CLOSED;
}

struct rig_at rig_at(struct rig *r)
{
    struct rig_at at = {.rcv_nxt = seq_add(r->peer_iss, 1), .rcv_wnd = 65535};
    struct tcp_conn *c = rig_find(r);
    struct tcp_half *h = rig_half(r);
    struct tcp_tw *w = rig_tw(r);
    if (c != NULL) {
        at.snd_una = c->snd.una;
        at.snd_nxt = c->snd.nxt;
        if (c->state != TERN_TCP_SYN_SENT) {
            at.rcv_nxt = c->rcv.nxt;
            at.rcv_wnd = (uint32_t)seq_diff(c->rcv.adv, c->rcv.nxt);
            at.ts = c->ts_ok;
            at.ts_recent = c->ts_recent;
        }
    } else if (h != NULL) {
        at.snd_una = h->iss;
        at.snd_nxt = seq_add(h->iss, 1);
        at.rcv_nxt = seq_add(h->irs, 1);
        at.ts = h->ts;
        at.ts_recent = h->ts_recent;
    } else if (w != NULL) {
        at.snd_una = at.snd_nxt = w->snd_nxt;
        at.rcv_nxt = w->rcv_nxt;
        at.ts = w->ts;
        at.ts_recent = w->ts_recent;
    }
    return at;
}

/* ---- the peer ---- */

uint8_t rig_octet(struct rig *r, struct seq at)
{
    uint32_t n = at.v - r->peer_iss.v;
    return (uint8_t)(n ^ n >> 8);
}

static uint32_t peer_ts(const struct rig *r)
{
    return (uint32_t)(r->now.ns / 1000000) + 0xffffe000u + (uint32_t)r->ts_skew;
}

unsigned rig_seg(struct rig *r, const struct tcp_seg *s, uint32_t len)
{
    static uint8_t buf[65536 + 128];
    struct tcp_seg full = *s;
    full.sport = r->peer.port;
    full.dport = r->local.port;
    uint32_t hlen = (uint32_t)tcp_build(buf, TCP_HDR_MAX, &full);
    struct seq first = seq_add(s->seq, (s->th & SYN) != 0);
    for (uint32_t i = 0; i < len; i++)
        buf[hlen + i] = rig_octet(r, seq_add(first, i));
    uint32_t n = hlen + len;
    uint64_t sum = cksum_pseudo4(r->peer.addr.b, r->local.addr.b, 6, n);
    sum = cksum_add(sum, r->t->cks->sum(buf, n));
    uint16_t ck = cksum_fold(sum);
    memcpy(buf + TCP_CSUM_OFF, &ck, 2);
    if (r->bad_csum)
        buf[TCP_CSUM_OFF] ^= 0x55;
    struct tcp_pkt p = {.src = r->peer.addr,
                        .dst = r->local.addr,
                        .p = buf,
                        .n = n,
                        .gso_size = r->gso_size,
                        .csum = TERN_CSUM_NONE,
                        .tos = r->tos};
    r->verdict = tcp_rx(r->t, &p, r->now);
    rig_laws(r);
    return r->verdict;
}

unsigned rig_in(struct rig *r, unsigned th, int32_t seq, int32_t ack, uint32_t len)
{
    struct rig_at at = rig_at(r);
    struct tcp_seg s = {.seq = seq_add(at.rcv_nxt, (uint32_t)seq),
                        .ack = seq_add(at.snd_nxt, (uint32_t)ack),
                        .th = (uint8_t)th,
                        .wnd = r->wnd,
                        .urg = r->urg,
                        .opt = {.uto = r->uto}};
    if (at.ts && !r->no_ts) {
        s.opt.has_ts = true;
        s.opt.tsval = peer_ts(r);
    }
    return rig_seg(r, &s, len);
}

unsigned rig_syn(struct rig *r, unsigned th, struct seq seq, struct seq ack)
{
    struct tcp_seg s = {.seq = seq, .ack = ack, .th = (uint8_t)th, .wnd = r->wnd};
    s.opt.has_mss = r->syn_mss != 0;
    s.opt.mss = r->syn_mss;
    s.opt.has_ws = r->syn_ws;
    s.opt.ws = r->ws;
    s.opt.sack_ok = r->syn_sack;
    s.opt.has_ts = r->syn_ts;
    s.opt.tsval = peer_ts(r);
    s.opt.uto = r->uto;
    return rig_seg(r, &s, 0);
}

/* ---- the wire ---- */

static bool pull_into(struct rig *r, struct rig_out *o)
{
    if (!tcp_tx(r->t, 0, o->buf, 1480, 0, &o->out, r->now))
        return false;
    assert_int_equal(tcp_parse(o->buf, o->out.len, &o->seg), 0);
    o->seg.ecn = o->out.tos & 3;
    uint64_t sum = cksum_pseudo4(o->out.src.b, o->out.dst.b, 6, o->out.len);
    sum = cksum_add(sum, r->t->cks->sum(o->buf, o->out.len));
    assert_int_equal(cksum_fold(sum), 0); /* [RFC9293:MUST-2] */
    assert_true(o->out.len <= 1480);
    if (!(o->seg.th & SYN))
        assert_false(o->seg.opt.has_mss); /* [RFC9293:MUST-65] */
    return true;
}

unsigned rig_pull(struct rig *r)
{
    struct rig_out spare;
    for (r->n = 0; r->n < RIG_OUTS && pull_into(r, &r->out[r->n]); r->n++)
        ;
    if (r->n == RIG_OUTS)
        while (pull_into(r, &spare))
            ;
    rig_laws(r);
    return r->n;
}

struct rig_out *rig_pull1(struct rig *r)
{
    bool got = pull_into(r, &r->out[0]);
    r->n = got;
    rig_laws(r);
    return got ? &r->out[0] : NULL;
}

/* ---- time ---- */

int64_t rig_next(struct rig *r, int64_t max_ms)
{
    struct tern_time end = time_add_ms(r->now, max_ms), d = tcp_deadline(r->t), was = r->now;
    r->now = time_min(end, time_max(d, r->now));
    tcp_tick(r->t, r->now);
    return (r->now.ns - was.ns) / 1000000;
}

void rig_sleep(struct rig *r, int64_t n)
{
    struct tern_time end = time_add_ms(r->now, n);
    while (time_le(tcp_deadline(r->t), end)) {
        r->now = time_max(tcp_deadline(r->t), r->now);
        tcp_tick(r->t, r->now);
    }
    r->now = end;
    tcp_tick(r->t, r->now);
}

void rig_run(struct rig *r, int64_t n)
{
    struct tern_time end = time_add_ms(r->now, n);
    r->n = 0;
    for (;;) {
        struct rig_out o;
        while (pull_into(r, &o)) {
            struct rig_out *to = &r->out[r->n < RIG_OUTS ? r->n++ : RIG_OUTS - 1];
            ptrdiff_t off = o.seg.data - o.buf;
            *to = o;
            to->seg.data = to->buf + off;
        }
        rig_laws(r);
        if (r->now.ns >= end.ns)
            return;
        r->now = time_min(time_max(tcp_deadline(r->t), r->now), end);
        tcp_tick(r->t, r->now);
    }
}

/* ---- the application ---- */

int64_t rig_send(struct rig *r, uint32_t n)
{
    static uint8_t data[1 << 20];
    for (uint32_t i = 0; i < n && i < sizeof data; i++)
        data[i] = (uint8_t)(i ^ i >> 8);
    return tcp_send(r->t, r->sock, data, n, 0, r->now);
}

int64_t rig_recv(struct rig *r, uint32_t n)
{
    static uint8_t data[1 << 20];
    struct tcp_conn *c = conn_get(r->t, r->sock);
    struct seq first = {0};
    if (c != NULL)
        first = seq_sub(c->rcv.nxt, c->rcv.buf.len + (c->fin_rcvd ? 1 : 0));
    int64_t got = tcp_recv(r->t, r->sock, data, n < sizeof data ? n : sizeof data, r->now);
    for (int64_t i = 0; i < got; i++)
        assert_int_equal(data[i], rig_octet(r, seq_add(first, (uint32_t)i)));
    rig_laws(r);
    return got;
}

bool rig_event(struct rig *r, struct tern_event *ev)
{
    return tcp_event_next(r->t, ev);
}

unsigned rig_events(struct rig *r)
{
    struct tern_event ev;
    unsigned bits = 0;
    while (tcp_event_next(r->t, &ev))
        bits |= ev.bits;
    return bits;
}

uint64_t rig_count(const struct rig *r, unsigned cause)
{
    return r->trace.counter[cause];
}

void rig_listen(struct rig *r, uint32_t backlog)
{
    assert_int_equal(
        tcp_listen(r->t, &r->local, backlog, r->hold ? TERN_LISTEN_HOLD : 0, &r->lis, r->now),
        TERN_OK);
}

int rig_connect(struct rig *r)
{
    return tcp_connect(r->t, &r->local, &r->peer, 0, &r->sock, r->now);
}

void rig_accept(struct rig *r)
{
    assert_int_equal(tcp_accept(r->t, r->lis, &r->sock), TERN_OK);
}

/* ---- to every state ---- */

static void reach_syn_received(struct rig *r)
{
    if (r->active) {
        rig_reach(r, TERN_TCP_SYN_SENT);
        rig_syn(r, SYN, r->peer_iss, seq_of(0)); /* simultaneous open */
    } else {
        rig_reach(r, TERN_TCP_LISTEN);
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
    }
    rig_pull(r);
}

static void reach_established(struct rig *r)
{
    if (r->active) {
        rig_reach(r, TERN_TCP_SYN_SENT);
        rig_syn(r, SYN | ACK, r->peer_iss, rig_at(r).snd_nxt);
    } else {
        reach_syn_received(r);
        rig_in(r, ACK, 0, 0, 0);
        rig_accept(r);
        assert_int_equal(tcp_close(r->t, r->lis, r->now), TERN_OK);
        r->lis.id = 0;
    }
    rig_pull(r);
    rig_events(r);
}

static void shutdown_now(struct rig *r)
{
    assert_int_equal(tcp_shutdown(r->t, r->sock, r->now), TERN_OK);
    rig_pull(r);
}

void rig_reach(struct rig *r, unsigned state)
{
    switch (state) {
    case TERN_TCP_CLOSED:
        return;
    case TERN_TCP_LISTEN:
        rig_listen(r, 4);
        break;
    case TERN_TCP_SYN_SENT:
        assert_int_equal(rig_connect(r), TERN_OK);
        rig_pull(r);
        break;
    case TERN_TCP_SYN_RECEIVED:
        reach_syn_received(r);
        break;
    case TERN_TCP_ESTABLISHED:
        reach_established(r);
        break;
    case TERN_TCP_FIN_WAIT_1:
        reach_established(r);
        shutdown_now(r);
        break;
    case TERN_TCP_FIN_WAIT_2:
        rig_reach(r, TERN_TCP_FIN_WAIT_1);
        rig_in(r, ACK, 0, 0, 0);
        break;
    case TERN_TCP_CLOSE_WAIT:
        reach_established(r);
        rig_in(r, FIN | ACK, 0, 0, 0);
        break;
    case TERN_TCP_CLOSING:
        rig_reach(r, TERN_TCP_FIN_WAIT_1);
        rig_in(r, FIN | ACK, 0, -1, 0);
        break;
    case TERN_TCP_LAST_ACK:
        rig_reach(r, TERN_TCP_CLOSE_WAIT);
        shutdown_now(r);
        break;
    default:
        assert_int_equal(state, TERN_TCP_TIME_WAIT);
        rig_reach(r, TERN_TCP_FIN_WAIT_2);
        rig_in(r, FIN | ACK, 0, 0, 0);
        break;
    }
    rig_pull(r);
    rig_events(r);
    rig_in_state(r, state);
}

/* ---- expectations ---- */

static const char *name(unsigned state)
{
    return tern_tcp_state_name((enum tern_tcp_state)state);
}

void rig_in_state_at(struct rig *r, unsigned state, const char *file, int line)
{
    unsigned is = rig_state(r);
    if (is != state) {
        print_error("%s:%d: state is %s, expected %s\n", file, line, name(is), name(state));
        _fail(file, line);
    }
}

static void show(struct rig *r)
{
    for (unsigned i = 0; i < r->n; i++)
        print_error("  sent: flags %02x seq %u ack %u len %u cause %s\n", r->out[i].seg.th,
                    r->out[i].seg.seq.v, r->out[i].seg.ack.v, r->out[i].seg.len,
                    tern_cause_name(r->out[i].out.cause));
}

void rig_silent_at(struct rig *r, const char *file, int line)
{
    if (rig_pull(r) == 0)
        return;
    print_error("%s:%d: expected silence in %s\n", file, line, name(rig_state(r)));
    show(r);
    _fail(file, line);
}

struct rig_out *rig_one_at(struct rig *r, unsigned th, const char *file, int line)
{
    rig_pull(r);
    if (r->n != 1 || (r->out[0].seg.th & (unsigned)~PSH) != th) {
        print_error("%s:%d: expected one segment with flags %02x in %s, got %u\n", file, line, th,
                    name(rig_state(r)), r->n);
        show(r);
        _fail(file, line);
    }
    return &r->out[0];
}

void rig_ack_at(struct rig *r, unsigned cause, const char *file, int line)
{
    struct rig_at at = rig_at(r);
    struct rig_out *o = rig_one_at(r, ACK, file, line);
    if (o->seg.len != 0 || !seq_eq(o->seg.seq, at.snd_nxt) || !seq_eq(o->seg.ack, at.rcv_nxt) ||
        (cause != CAUSE_NONE && o->out.cause != cause)) {
        print_error("%s:%d: expected <SND.NXT %u, RCV.NXT %u, ACK> because of %s\n", file, line,
                    at.snd_nxt.v, at.rcv_nxt.v, tern_cause_name(cause));
        show(r);
        _fail(file, line);
    }
}

static void conn_laws(struct rig *r, struct tcp_conn *c)
{
    assert_true(seq_le(c->snd.una, c->snd.rtx));
    assert_true(seq_le(c->snd.rtx, c->snd.nxt));
    assert_true(c->detached || seq_le(c->rcv.nxt, c->rcv.adv));
    assert_true(c->chal_n <= r->cfg.challenge_per_s);
    assert_true(c->rcv.buf.len <= c->rcv.buf.cap && c->snd.buf.len <= c->snd.buf.cap);
    assert_true(c->rcv.ooo.count <= c->rcv.ooo.max);
    if (c->state == TERN_TCP_CLOSED)
        assert_false(c->hashed);
    /* Whatever is outstanding has something that will look after it. */
    if (c->state >= TERN_TCP_SYN_SENT && !c->detached && seq_lt(c->snd.una, c->snd.nxt))
        assert_true(timer_on(c, TT_REXMT) || timer_on(c, TT_PERSIST) || link_in(&c->ready_link));
}

void rig_laws(struct rig *r)
{
    for (uint32_t i = 1; i <= r->t->conns.fresh; i++)
        if (conn_at(r->t, i)->used)
            conn_laws(r, conn_at(r->t, i));
    assert_true(r->arena.used <= r->arena.total);
}

void rig_empty(struct rig *r)
{
    assert_int_equal(r->t->conns.used, 0);
    assert_int_equal(r->t->halves.used, 0);
    assert_int_equal(r->t->tws.used, 0);
    assert_int_equal(r->t->listeners.used, 0);
    assert_int_equal(r->t->anss.used, 0);
    assert_int_equal(r->t->ooo.used, 0);
    assert_int_equal(r->arena.used, 0);
    assert_int_equal(tcp_deadline(r->t).ns, TERN_NEVER.ns);
}
