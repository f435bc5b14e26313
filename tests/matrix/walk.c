/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matrix/walk.c: random walks over calls, segments and time, from every state, against the same
 * laws as the sweep: known edges only, no RST for a RST, rig_laws() after each step, everything
 * given back in the end.
 *
 * Where the sweep puts one segment (repeated) to each state, a walk finds what only a history can
 * show. Each walk follows from its number; `walk N` repeats one and says what it does.
 */
#include "edges.h"
#include "unit/tcp/rig.h"

#define WALKS 4000u
#define STEPS 150u

static struct rig rig;
static struct tern_trace ring[256];
static bool loud;
static uint32_t dice;

static uint32_t roll(uint32_t n)
{
    dice = dice * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(dice ^ dice >> 15) * n >> 32);
}

static void say(const char *what, uint32_t a, uint32_t b)
{
    if (loud)
        print_message("  %8lld us %-12s %s %x %x\n", (long long)(rig.now.ns / 1000),
                      tern_tcp_state_name((enum tern_tcp_state)rig_state(&rig)), what, a, b);
}

/* Mostly what a sane peer would send; sometimes anything. */
static unsigned some_flags(void)
{
    static const uint8_t odd[] = {SYN, SYN | ACK, RST, RST | ACK, 0, ACK | URG | FIN};
    if (roll(60) == 0)
        return roll(64);
    if (roll(40) == 0)
        return odd[roll(sizeof odd)];
    return roll(40) == 0 ? FIN | ACK : roll(30) == 0 ? ACK | URG : ACK;
}

static int32_t some_seq(const struct rig_at *at)
{
    const int32_t odd[] = {-1,
                           -(int32_t)roll(3000),
                           (int32_t)roll(5000),
                           (int32_t)roll(5000),
                           (int32_t)at->rcv_wnd,
                           (int32_t)at->rcv_wnd - 1,
                           (int32_t)roll(1u << 20)};
    return roll(4) ? 0 : odd[roll(sizeof odd / sizeof odd[0])];
}

static int32_t some_ack(const struct rig_at *at)
{
    int32_t una = seq_diff(at->snd_una, at->snd_nxt);
    const int32_t odd[] = {una - 1, 1, -(int32_t)roll(100000)};
    if (roll(30) == 0)
        return odd[roll(sizeof odd / sizeof odd[0])];
    if (rig_state(&rig) == TERN_TCP_SYN_RECEIVED && roll(2))
        return 0;
    if (roll(3))
        return una;
    return roll(3) ? 0 : -(int32_t)roll((uint32_t)-una + 1);
}

/* Moods of the peer that last. */
static void some_mood(void)
{
    static const uint32_t wnds[] = {0, 0, 1, 100, 400, 32768, 32768, 65535};
    struct rig *r = &rig;
    if (roll(4) == 0)
        r->wnd = wnds[roll(sizeof wnds / sizeof wnds[0])];
    r->urg = (uint16_t)roll(700);
    r->no_ts = roll(30) == 0;
    r->ts_skew = roll(30) == 0 ? -(int32_t)roll(10000) : 0;
}

static void no_reset_for_a_reset(void)
{
    rig_pull(&rig);
    for (unsigned i = 0; i < rig.n; i++) {
        unsigned cause = rig.out[i].out.cause;
        assert_false(rig.out[i].seg.th & RST && cause >= CAUSE_TX_RST_NO_CONNECTION &&
                     cause <= CAUSE_TX_RST_SYN_RCVD_ACK);
    }
}

static void segment(void)
{
    struct rig *r = &rig;
    struct rig_at at = rig_at(r);
    unsigned th = some_flags();
    int32_t seq = some_seq(&at), ack = some_ack(&at);
    uint32_t len = roll(3) == 0 ? 0 : roll(3) == 0 ? 1448 : roll(600);
    some_mood();
    bool answers = rig_state(r) == TERN_TCP_SYN_SENT && roll(3);
    if (answers)
        th = roll(8) ? SYN | ACK : SYN;
    say("segment", th, len);
    if (th & RST)
        rig_pull(r);
    if (answers)
        rig_syn(r, th, r->peer_iss, at.snd_nxt);
    else if (roll(20) == 0)
        rig_syn(r, th, seq_add(at.rcv_nxt, (uint32_t)seq), seq_add(at.snd_nxt, (uint32_t)ack));
    else
        for (unsigned i = roll(8) ? 1 : 4; i > 0; i--) /* now and then again and again */
            rig_in(r, th, seq, ack, len);
    if (th & RST)
        no_reset_for_a_reset();
}

static void option(void)
{
    static const uint8_t opts[] = {TERN_OPT_NODELAY, TERN_OPT_CORK, TERN_OPT_KEEPALIVE,
                                   TERN_OPT_OOBINLINE, TERN_OPT_QUICKACK};
    unsigned o = opts[roll(sizeof opts)];
    say("option", o, 0);
    tcp_setopt(rig.t, rig.sock, (enum tern_opt)o, roll(2), rig.now);
    if (roll(4) == 0)
        tcp_setopt(rig.t, rig.sock, TERN_OPT_RCVBUF, 2048 + roll(60000), rig.now);
    if (roll(8) == 0)
        tcp_setopt(rig.t, rig.sock, TERN_OPT_USER_TIMEOUT_MS, roll(30000), rig.now);
}

/* Begins anew with another peer when nothing is left of the last connection. */
static void reopen(void)
{
    struct rig *r = &rig;
    if (roll(3) != 0)
        return;
    if (r->sock.id != 0)
        tcp_close(r->t, r->sock, r->now);
    r->sock.id = 0;
    r->tuple.rport = ++r->peer.port;
    r->wnd = 32768;
    r->fault.fail_at = 0;
    say("reopen", r->lis.id != 0, 0);
    if (r->lis.id != 0)
        rig_syn(r, SYN, r->peer_iss, seq_of(0));
    else
        rig_connect(r);
}

static void call_close(unsigned what)
{
    struct rig *r = &rig;
    if (what < 2) {
        say("shutdown", 0, 0);
        tcp_shutdown(r->t, r->sock, r->now);
        return;
    }
    if (what == 3 && roll(4) != 0)
        return;
    say(what == 2 ? "close" : "abort", 0, 0);
    int err = what == 2 ? tcp_close(r->t, r->sock, r->now) : tcp_abort(r->t, r->sock, r->now);
    if (err == TERN_OK)
        r->sock.id = 0;
}

static void trouble(void)
{
    struct rig *r = &rig;
    if (roll(2)) {
        r->fault.fail_at = roll(4) == 0; /* the next take finds nothing */
        return;
    }
    say("icmp", 0, 0);
    tcp_icmp(r->t, &r->local, &r->peer, rig_at(r).snd_una.v + roll(3000), TERN_EHOSTUNREACH, false,
             roll(2) ? (uint16_t)(600 + roll(900)) : 0, r->now);
}

static void call(void)
{
    struct rig *r = &rig;
    static uint8_t buf[8192];
    unsigned what = roll(40);
    if (rig_state(r) <= TERN_TCP_LISTEN || rig_state(r) == TERN_TCP_TIME_WAIT)
        reopen();
    if (r->sock.id == 0 && r->lis.id != 0)
        tcp_accept(r->t, r->lis, &r->sock);
    if (what < 14) {
        say("send", 0, 0);
        tcp_send(r->t, r->sock, buf, 1 + roll(sizeof buf - 1), roll(6) == 0 ? TERN_SEND_OOB : 0,
                 r->now);
    } else if (what < 30) {
        say("recv", 0, 0);
        tcp_recv(r->t, r->sock, buf, 1 + roll(sizeof buf - 1), r->now);
        tcp_recv_oob(r->t, r->sock, buf);
    } else if (what < 34) {
        option();
    } else if (what < 38) {
        call_close(what - 34);
    } else {
        trouble();
    }
}

static void check_edges(void)
{
    struct tern_trace rec;
    uint64_t lost;
    while (trace_read(&rig.trace, &rec, 1, &lost) == 1)
        if (rec.kind == TERN_TR_STATE && !(spec_edges[rec.state] >> rec.aux8 & 1))
            fail_msg("the table has no edge from %s to %s",
                     tern_tcp_state_name((enum tern_tcp_state)rec.state),
                     tern_tcp_state_name((enum tern_tcp_state)rec.aux8));
}

static void give_back(void)
{
    struct rig *r = &rig;
    r->fault.fail_at = 0;
    r->trace.ring = NULL;
    if (r->sock.id != 0 && tcp_close(r->t, r->sock, r->now) != TERN_OK)
        fail_msg("the handle is not valid any more");
    if (r->lis.id != 0)
        tcp_close(r->t, r->lis, r->now);
    for (unsigned i = 0; i < 4; i++)
        rig_run(r, 2000000);
    rig_empty(r);
}

static void walk(uint32_t number)
{
    struct rig *r = &rig;
    dice = number * 2654435761u;
    rig_init(r);
    r->cfg.buf_bytes = 65536u << roll(3);
    r->cfg.sndbuf = r->cfg.rcvbuf = 4096u << roll(5);
    r->cfg.rfc5961 = roll(8) != 0;
    r->cfg.rfc1337 = roll(8) != 0;
    r->cfg.cc = (uint8_t)roll(TERN_CC_COUNT);
    r->syn_ts = roll(3) != 0;
    r->syn_ws = roll(3) != 0;
    r->syn_sack = roll(3) != 0;
    r->active = roll(2);
    rig_start(r);
    unsigned start = 1 + roll(TERN_TCP_STATES - 1);
    if (start == TERN_TCP_LISTEN)
        r->active = false;
    if (start == TERN_TCP_SYN_SENT)
        r->active = true;
    rig_reach(r, start);
    r->trace.ring = ring;
    r->trace.mask = 255;
    r->trace.head = r->trace.tail = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned what = roll(10);
        if (what < 5)
            segment();
        else if (what < 8)
            call();
        else if (what < 9)
            for (unsigned k = roll(4) ? 1 : 20; k > 0; k--)
                rig_next(r, roll(3) == 0 ? 100000 : 50);
        if (roll(3) != 0)
            rig_pull(r);
        rig_laws(r);
        rig_events(r);
        check_edges();
    }
    give_back();
    rig_stop(r);
}

static uint32_t current;

static void test_walks(void **state)
{
    (void)state;
    for (current = 1; current <= WALKS; current++)
        walk(current);
}

static int say_which(void **state)
{
    (void)state;
    if (current <= WALKS)
        print_error("# to repeat: matrix-walk %u\n", current);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_walks, say_which)};
    if (argc > 1) {
        loud = true;
        walk((uint32_t)strtoul(argv[1], NULL, 10));
        return 0;
    }
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
