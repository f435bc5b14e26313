/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matrix/sweep.c: every state x 64 combinations of control bits x five positions of SEQ x five of
 * ACK x with and without text, in each way the state can be reached. What is expected of all of
 * them: only edges that the table knows; a RST is never answered with a RST, and not at all outside
 * the window; the same segment again and again is answered a bounded number of times; the laws of
 * rig_laws(); and in the end everything that was taken is given back.
 */
#include "edges.h"
#include "unit/tcp/rig.h"

enum { WAY_ACTIVE, WAY_PASSIVE, WAY_ORPHAN, WAYS };
enum { SEQ_BELOW, SEQ_LEFT, SEQ_INSIDE, SEQ_RIGHT, SEQ_BEYOND, SEQS };
enum { ACK_OLD, ACK_UNA, ACK_BETWEEN, ACK_NXT, ACK_BEYOND, ACKS };
#define REPEATS 25

struct point {
    unsigned state, way, th, seq, ack;
    uint32_t len;
};

static struct rig rig;
static struct tern_trace ring[64];
static unsigned long cases;

static void show_point(const struct point *p)
{
    print_error("at: %s, way %u, flags %02x, seq position %u, ack position %u, len %u\n",
                tern_tcp_state_name((enum tern_tcp_state)p->state), p->way, p->th, p->seq, p->ack,
                p->len);
}

static void expect(bool ok, const struct point *p, const char *law)
{
    if (ok)
        return;
    print_error("broken: %s\n", law);
    show_point(p);
    for (unsigned i = 0; i < rig.n; i++)
        print_error("  sent: flags %02x len %u cause %s\n", rig.out[i].seg.th, rig.out[i].seg.len,
                    tern_cause_name(rig.out[i].out.cause));
    fail();
}

static bool has_way(unsigned state, unsigned way)
{
    switch (state) {
    case TERN_TCP_CLOSED:
    case TERN_TCP_SYN_SENT:
        return way == WAY_ACTIVE;
    case TERN_TCP_LISTEN:
        return way == WAY_PASSIVE;
    case TERN_TCP_SYN_RECEIVED:
    case TERN_TCP_ESTABLISHED:
    case TERN_TCP_CLOSE_WAIT:
        return way != WAY_ORPHAN;
    default:
        return true;
    }
}

static void prepare(const struct point *p)
{
    struct rig *r = &rig;
    rig_init(r);
    r->cfg.buf_bytes = 65536;
    r->cfg.sndbuf = r->cfg.rcvbuf = 8192;
    r->active = p->way != WAY_PASSIVE;
    rig_start(r);
    rig_reach(r, p->state);
    if (p->state == TERN_TCP_ESTABLISHED || p->state == TERN_TCP_CLOSE_WAIT)
        rig_send(r, 100);
    if (p->way == WAY_ORPHAN) {
        assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
        r->sock.id = 0;
    }
    rig_pull(r);
    r->trace.ring = ring;
    r->trace.mask = 63;
    r->trace.head = r->trace.tail = 0;
}

static int32_t seq_at(const struct point *p, const struct rig_at *at)
{
    int32_t wnd = (int32_t)at->rcv_wnd;
    const int32_t pos[SEQS] = {-200, 0, 50, wnd - 1, wnd + 50};
    return pos[p->seq];
}

static int32_t ack_at(const struct point *p, const struct rig_at *at)
{
    int32_t una = seq_diff(at->snd_una, at->snd_nxt);
    const int32_t pos[ACKS] = {una - 300, una, una / 2, 0, 77};
    return pos[p->ack];
}

static void check_edges(const struct point *p)
{
    struct tern_trace rec;
    while (trace_read(&rig.trace, &rec, 1, NULL) == 1)
        if (rec.kind == TERN_TR_STATE)
            expect(spec_edges[rec.state] >> rec.aux8 & 1, p, "the table has no such edge");
}

static void check_replies(const struct point *p, bool in_window)
{
    bool rst_in = p->th & RST;
    for (unsigned i = 0; i < rig.n; i++)
        expect(!(rst_in && rig.out[i].seg.th & RST), p, "a RST answers a RST");
    if (rst_in && !in_window)
        expect(rig.n == 0, p, "a RST outside the window is answered");
    expect(rig.n <= 2, p, "one segment draws more than two");
}

static void give_back(const struct point *p)
{
    struct rig *r = &rig;
    r->trace.ring = NULL;
    if (r->sock.id != 0)
        tcp_abort(r->t, r->sock, r->now);
    if (r->lis.id != 0)
        tcp_close(r->t, r->lis, r->now);
    rig_run(r, 700000);
    rig_run(r, 700000);
    expect(r->t->conns.used == 0 && r->t->halves.used == 0 && r->t->tws.used == 0 &&
               r->t->anss.used == 0 && r->t->ooo.used == 0 && r->arena.used == 0,
           p, "something was not given back");
}

static void one(const struct point *p)
{
    struct rig *r = &rig;
    prepare(p);
    struct rig_at at = rig_at(r);
    int32_t seq = seq_at(p, &at), ack = ack_at(p, &at);
    struct tcp_seg s = {.seq = seq_add(at.rcv_nxt, (uint32_t)seq),
                        .ack = seq_add(at.snd_nxt, (uint32_t)ack),
                        .th = (uint8_t)p->th,
                        .urg = p->th & URG ? 5 : 0,
                        .wnd = 1000};
    s.opt.has_ts = at.ts;
    s.opt.tsval = at.ts_recent;
    bool in_window = p->seq != SEQ_BELOW && p->seq != SEQ_BEYOND;
    unsigned replies = 0;
    for (unsigned i = 0; i < REPEATS; i++) {
        rig_seg(r, &s, p->len);
        rig_pull(r);
        if (i == 0)
            check_replies(p, in_window || p->state <= TERN_TCP_SYN_SENT);
        replies += r->n;
        check_edges(p);
    }
    bool still = rig_state(r) == p->state && p->state >= TERN_TCP_ESTABLISHED &&
                 p->state != TERN_TCP_TIME_WAIT;
    if (still && p->len == 0)
        expect(replies <= r->cfg.challenge_per_s + 2, p, "answers are not limited");
    give_back(p);
    rig_stop(r);
    cases++;
}

/* *state: the state of this test. */
static void sweep_state(void **state)
{
    struct point p = {.state = (unsigned)*(const uint8_t *)*state};
    for (p.way = 0; p.way < WAYS; p.way++) {
        if (!has_way(p.state, p.way))
            continue;
        for (p.th = 0; p.th < 64; p.th++)
            for (p.seq = 0; p.seq < SEQS; p.seq++)
                for (p.ack = 0; p.ack < ACKS; p.ack++)
                    for (p.len = 0; p.len <= 10; p.len += 10)
                        one(&p);
    }
    print_message("# %lu cases so far\n", cases);
}

int main(void)
{
    static struct CMUnitTest tests[TERN_TCP_STATES];
    static uint8_t number[TERN_TCP_STATES];
    for (unsigned i = 0; i < TERN_TCP_STATES; i++) {
        number[i] = (uint8_t)i;
        tests[i].name = tern_tcp_state_name((enum tern_tcp_state)i);
        tests[i].test_func = sweep_state;
        tests[i].initial_state = &number[i];
    }
    return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
