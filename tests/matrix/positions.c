/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matrix/positions.c: every state x combinations of the nine control bits x positions of SEQ,
 * text and ACK at every edge x windows open and shut x sequence numbers that wrap, each against the
 * oracle (oracle.h): the reply with its numbers, the next state, what was taken.
 *
 * `matrix-positions 7` takes every seventh case (under sanitizers, which are slow).
 *
 * The peer's numbers are where it is told to begin; ours follow the clock (4 microseconds a number
 * [RFC9293:3.4.1]), so the connection is opened when the clock stands right.
 */
#include "oracle.h"
#include "unit/tcp/rig.h"

#define WINDOW 4096
#define ECE    TERN_TH_ECE
#define CWR    TERN_TH_CWR
#define AE     256u /* the ninth control bit [RFC9768:3.1] */

struct point {
    unsigned state, wrap, th;
    bool active, shut;
    int64_t seq, no;
    uint32_t len;
};

/* Where RCV.NXT and SND.NXT stand when the connection is open: ordinary; the window and what is in
 * flight straddle 2^32; they straddle 2^31, where a signed comparison would turn over. */
static const uint32_t bases[] = {0x20000000u, 0xfffffffeu, 0x7ffffffeu};
#define WRAPS (sizeof bases / sizeof bases[0])

static struct rig rig;
static unsigned long cases, places_seen;
static unsigned long stride = 1;   /* of the cases one in so many */
static int64_t clock_ms[WRAPS][2]; /* when the ISS is right */

/* The passive opener's window before the handshake is over, and of TIME-WAIT, is not in a control
 * block. */
static int64_t window_of(const struct point *p, const struct rig_at *at)
{
    if (p->state == TERN_TCP_TIME_WAIT)
        return 65535;
    if (p->state == TERN_TCP_SYN_RECEIVED && !p->active)
        return WINDOW;
    return at->rcv_wnd;
}

static void broken(const struct point *p, const struct oracle_out *want, const char *what)
{
    static const char *const replies[] = {
        "nothing", "ACK", "ACK, perhaps later", "ACK or nothing", "RST", "RST+ACK", "SYN+ACK"};
    print_error("%s: %s %s, flags %02x seq %+lld len %u ack %+lld, window %s, base %08x\n", what,
                p->active ? "active" : "passive",
                tern_tcp_state_name((enum tern_tcp_state)p->state), p->th, (long long)p->seq,
                p->len, (long long)p->no, p->shut ? "shut" : "open", bases[p->wrap]);
    print_error("  the RFC: %s, then %s, %lld octets%s\n", replies[want->reply],
                tern_tcp_state_name((enum tern_tcp_state)want->next), (long long)want->taken,
                want->fin ? " and the FIN" : "");
    print_error("  tern is in %s\n", tern_tcp_state_name((enum tern_tcp_state)rig_state(&rig)));
    for (unsigned i = 0; i < rig.n; i++)
        print_error("  tern sent flags %02x seq %u ack %u (%s)\n", rig.out[i].seg.th,
                    rig.out[i].seg.seq.v, rig.out[i].seg.ack.v,
                    tern_cause_name(rig.out[i].out.cause));
    fail();
}

static void settings(bool active, unsigned wrap)
{
    struct rig *r = &rig;
    rig_init(r);
    r->cfg.buf_bytes = 65536;
    r->cfg.max_sent = 16;
    r->cfg.sndbuf = r->cfg.rcvbuf = r->cfg.sndbuf_init = r->cfg.rcvbuf_init = WINDOW;
    r->active = active;
    r->syn_ts = r->syn_ws = r->syn_sack = false;
    r->peer_iss = seq_of(bases[wrap] - 1);
}

/* Lets the clock go to where the next connection's first number is right. */
static void aim(bool active, unsigned wrap)
{
    if (clock_ms[wrap][active] == 0) {
        struct seq iss = isn_of(rig.t, &rig.tuple, rig.now);
        clock_ms[wrap][active] = (int64_t)(uint32_t)(bases[wrap] - 1 - iss.v) * 4 / 1000 + 1;
    }
    rig.now = time_add_ms(rig.now, clock_ms[wrap][active]);
    tcp_tick(rig.t, rig.now);
}

static void fill_window(const struct point *p)
{
    for (unsigned i = 0; i < 8 && rig_at(&rig).rcv_wnd != 0; i++)
        rig_in(&rig, ACK, 0, p->state == TERN_TCP_FIN_WAIT_1 ? -1 : 0,
               rig_at(&rig).rcv_wnd < 1024 ? rig_at(&rig).rcv_wnd : 1024);
    rig_pull(&rig);
    rig_run(&rig, 60); /* no delayed ACK is left over */
    assert_int_equal(rig_at(&rig).rcv_wnd, 0);
}

static void prepare(const struct point *p)
{
    settings(p->active, p->wrap);
    rig_start(&rig);
    aim(p->active, p->wrap);
    rig_reach(&rig, p->state);
    if (p->shut)
        fill_window(p);
}

static bool sends_fin(unsigned state)
{
    return state == TERN_TCP_FIN_WAIT_1 || state == TERN_TCP_FIN_WAIT_2 ||
           state == TERN_TCP_CLOSING || state == TERN_TCP_LAST_ACK || state == TERN_TCP_TIME_WAIT;
}

static struct oracle_in question(const struct point *p, const struct rig_at *at)
{
    struct oracle_in in = {.state = p->state,
                           .active = p->active,
                           .fin_sent = sends_fin(p->state),
                           .una = seq_diff(at->snd_una, at->snd_nxt),
                           .wnd = window_of(p, at),
                           .syn = p->th & SYN,
                           .ack = p->th & ACK,
                           .fin = p->th & FIN,
                           .rst = p->th & RST,
                           .seq = p->seq,
                           .no = p->no,
                           .len = p->len};
    in.iss = -1 - (p->state > TERN_TCP_SYN_RECEIVED && in.fin_sent ? 1 : 0);
    return in;
}

static bool is(const struct rig_out *o, unsigned th, uint32_t seq, uint32_t ack)
{
    unsigned bits = FIN | SYN | RST | ACK;
    return (o->seg.th & bits) == th && o->seg.seq.v == seq && o->seg.len == 0 &&
           (!(th & ACK) || o->seg.ack.v == ack);
}

/* Is the answer that was pulled the one expected? */
static bool answered(enum oracle_reply reply, const struct tcp_seg *s, uint32_t nxt, uint32_t ack,
                     uint32_t seglen)
{
    const struct rig_out *o = &rig.out[0];
    switch (reply) {
    case REPLY_NONE:
        return rig.n == 0;
    case REPLY_MAYBE_ACK:
        return rig.n == 0 || (rig.n == 1 && is(o, ACK, nxt, ack));
    case REPLY_ACK:
    case REPLY_ACK_LATER:
        return rig.n == 1 && is(o, ACK, nxt, ack);
    case REPLY_RST:
        return rig.n == 1 && is(o, RST, s->ack.v, 0);
    case REPLY_RST_ACK:
        return rig.n == 1 && is(o, RST | ACK, 0, s->seq.v + seglen);
    case REPLY_SYN_ACK:
        return rig.n == 1 && is(o, SYN | ACK, o->seg.seq.v, ack);
    }
    return false;
}

static void judge(const struct point *p, const struct oracle_in *in, const struct rig_at *at,
                  const struct tcp_seg *s)
{
    struct oracle_out want = oracle(in);
    rig_pull(&rig);
    uint32_t ack = at->rcv_nxt.v + (uint32_t)want.taken + want.fin;
    if (p->state <= TERN_TCP_SYN_SENT) /* RCV.NXT is not known before the SYN */
        ack = s->seq.v + 1 + (uint32_t)want.taken + want.fin;
    uint32_t seglen = p->len + in->syn + in->fin;
    if (want.reply == REPLY_ACK_LATER && rig.n == 0)
        rig_run(&rig, 150);
    if (!answered(want.reply, s, at->snd_nxt.v, ack, seglen))
        broken(p, &want, "wrong answer");
    if (rig_state(&rig) != want.next)
        broken(p, &want, "wrong state");
    struct tcp_conn *c = rig_find(&rig);
    if (c != NULL && c->state >= TERN_TCP_SYN_RECEIVED && c->rcv.nxt.v != ack)
        broken(p, &want, "wrong RCV.NXT");
    if (p->state == TERN_TCP_SYN_SENT && want.reply == REPLY_SYN_ACK &&
        rig.out[0].seg.seq.v != at->snd_una.v)
        broken(p, &want, "wrong ISS");
}

static void one(const struct point *p)
{
    if (places_seen++ % stride != 0)
        return;
    prepare(p);
    struct rig_at at = rig_at(&rig);
    struct oracle_in in = question(p, &at);
    struct tcp_seg s = {.seq = seq_add(at.rcv_nxt, (uint32_t)p->seq),
                        .ack = seq_add(at.snd_nxt, (uint32_t)p->no),
                        .th = (uint8_t)p->th,
                        .ae = p->th & AE,
                        .urg = p->th & URG ? 1 : 0,
                        .wnd = 1000};
    rig_seg(&rig, &s, p->len);
    judge(p, &in, &at, &s);
    rig_stop(&rig);
    cases++;
}

/* ---- where ---- */

static const int64_t acks[] = {0, 1, -1, -2, -3, -70000, 0x7fffffff};
#define ACKS (sizeof acks / sizeof acks[0])

struct place {
    int64_t seq;
    uint32_t len;
};

/* Every way in which a segment can lie at an edge of a window of w octets. */
static unsigned places(struct place *to, int64_t w)
{
    const struct place list[] = {
        {0, 0},         {-1, 0},       {1, 0},          {w - 1, 0}, {w, 0},
        {w + 1, 0},     {-70000, 0},   {0x7fffff00, 0}, {0, 1},     {-1, 1},
        {w - 1, 1},     {w, 1},                                                  /* one octet */
        {0, 100},       {-100, 100},   {-99, 100},      {-50, 100}, {-101, 100}, /* the left edge */
        {w - 100, 100}, {w - 99, 100}, {w - 50, 100},   {w, 100}, /* the right edge */
        {1, 100},                                                 /* behind a hole */
    };
    unsigned n = sizeof list / sizeof list[0];
    for (unsigned i = 0; i < n; i++)
        to[i] = list[i];
    if (w > 0 && w < 8192)
        to[n++] = (struct place){-1, (uint32_t)w + 2}; /* all of it and beyond both edges */
    return n;
}

static bool has_way(unsigned state, bool active)
{
    if (state == TERN_TCP_CLOSED || state == TERN_TCP_SYN_SENT)
        return active;
    return state != TERN_TCP_LISTEN || !active;
}

/* States whose window can be filled. */
static bool can_shut(unsigned state)
{
    return state == TERN_TCP_ESTABLISHED || state == TERN_TCP_FIN_WAIT_1 ||
           state == TERN_TCP_FIN_WAIT_2;
}

/* All 64 of the first six bits; the three ECN bits with those that matter to them: they change
 * nothing of what is judged here. */
static bool is_asked(unsigned th)
{
    unsigned low = th & 63;
    return th < 64 || low == SYN || low == ACK || low == (FIN | ACK) || low == RST ||
           low == (SYN | ACK) || low == 0;
}

static void sweep_place(struct point *p)
{
    for (p->th = 0; p->th < 512; p->th++) {
        if (!is_asked(p->th))
            continue;
        for (unsigned i = 0; i < ((p->th & ACK) ? ACKS : 1u); i++) {
            p->no = acks[i];
            one(p);
        }
    }
}

static void sweep_way(struct point *p)
{
    struct place at[32];
    prepare(p);
    struct rig_at where = rig_at(&rig);
    unsigned n = places(at, window_of(p, &where));
    rig_stop(&rig);
    for (unsigned i = 0; i < n; i++) {
        p->seq = at[i].seq;
        p->len = at[i].len;
        sweep_place(p);
    }
}

static void sweep_state(void **state)
{
    struct point p = {.state = *(const uint8_t *)*state};
    cases = 0;
    for (unsigned active = 0; active < 2; active++) {
        for (p.wrap = 0; p.wrap < WRAPS; p.wrap++) {
            p.active = active;
            if (!has_way(p.state, active))
                continue;
            p.shut = false;
            sweep_way(&p);
            p.shut = can_shut(p.state);
            if (p.shut)
                sweep_way(&p);
        }
    }
    print_message("# %lu cases\n", cases);
}

/* The numbers really are where they should be: SND and RCV pass 2^32 and 2^31. */
static void bases_are_met(void **state)
{
    (void)state;
    for (unsigned w = 0; w < WRAPS; w++) {
        struct point p = {.state = TERN_TCP_FIN_WAIT_1, .active = true, .wrap = w};
        prepare(&p);
        struct rig_at at = rig_at(&rig);
        assert_int_equal(at.rcv_nxt.v, bases[w]);
        assert_in_range(at.snd_nxt.v - bases[w] + 300, 0, 600); /* 1 ms is 250 numbers */
        rig_stop(&rig);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        stride = strtoul(argv[1], NULL, 10);
    if (stride == 0)
        return 2;
    static struct CMUnitTest tests[TERN_TCP_STATES + 1];
    static uint8_t number[TERN_TCP_STATES];
    for (unsigned i = 0; i < TERN_TCP_STATES; i++) {
        number[i] = (uint8_t)i;
        tests[i].name = tern_tcp_state_name((enum tern_tcp_state)i);
        tests[i].test_func = sweep_state;
        tests[i].initial_state = &number[i];
    }
    tests[TERN_TCP_STATES] = (struct CMUnitTest)cmocka_unit_test(bases_are_met);
    return cmocka_run_group_tests_name("positions", tests, NULL, NULL);
}
