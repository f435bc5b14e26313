/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/goodput.c: what the congestion controls make of a bottleneck, in numbers.
 *
 * Two whole stacks, a wire with a rate, a delay, a tail-drop queue and random loss, and up to eight
 * flows that always have data, on a virtual clock: a minute of traffic in a fraction of a second,
 * and the same to the last digit each time. The queue is given in bandwidth-delay products (BDP),
 * goodput in percent of what the wire could carry (headers count as carried), fairness as Jain's
 * index in percent.
 *
 *     goodput --list               names of the tables
 *     goodput TABLE                one, as Markdown (tools/goodput keeps them in
 * docs/congestion.md) goodput --laws               a test: what must hold whatever the numbers are
 *     goodput --one RTT_MS LOSS QUEUE_BDP SECONDS CC...    one run, a line for each flow
 *
 * It measures congestion control and loss recovery together: neither delayed data nor slow readers,
 * and the way back is never lost.
 */
#include "base/causes.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/event.h>
#include <tern/inspect.h>
#include <tern/loop.h>
#include <tern/port.h>
#include <tern/socket.h>
#include <tern/stack.h>

#define FLOWS 8
#define MTU   1500u
#define MS    INT64_C(1000000)
#define SEC   (1000 * MS)
#define RATE  UINT64_C(50000000) /* bit/s, unless a run says otherwise */
#define PORT  80
#define CHUNK ((size_t)262144) /* what a sender offers at once */
#define BATCH TERN_PORT_BATCH

struct road {
    uint64_t rate; /* bit/s */
    uint32_t rtt_ms;
    double lose, queue; /* queue in BDP */
    double ce, mark;    /* packets marked at random; a queue of this many BDP marks, 0 = none */
    uint8_t ecn;        /* as tern_config.ecn */
    unsigned flows;
    uint8_t cc[FLOWS];
    uint32_t seconds;
    uint32_t from;     /* counting begins here (seconds) */
    uint32_t apart_ms; /* between the beginnings of the flows */
    uint32_t lose_nth; /* this data segment is lost, 0 = none */
    uint32_t ceiling;  /* of the buffers; 0 = as large as the road needs */
    uint32_t fixed;    /* buffers of this size, which do not grow; 0 = they do */
    bool trace;
};

struct flow {
    struct tern_sock tx, rx;
    uint64_t got, base; /* octets received; when counting began */
    uint64_t retrans;
    double rtt_sum; /* of the sender's smoothed round trip, ms */
    uint32_t rtt_n;
    bool full; /* the send buffer is */
};

struct run {
    struct road road;
    struct tern_stack *st[2];
    struct tern_port *port[2];
    struct tern_sock listener;
    struct tern_time now;
    struct flow flow[FLOWS];
    unsigned begun;
    int64_t next_sample;
    uint64_t frames;
    void (*watch)(struct run *r, void *ctx); /* every millisecond, if set */
    void *ctx;
    int64_t next_watch;
};

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "goodput: %s: %s\n", what, why);
    exit(2);
}

static uint64_t bdp(const struct road *r)
{
    return r->rate / 8 * r->rtt_ms / 1000;
}

static uint32_t buffers(const struct road *r)
{
    uint64_t n = (uint64_t)((double)bdp(r) * (r->queue + 2) * 2);
    n = n > 16u << 20 ? 16u << 20 : n;
    return (uint32_t)(n < 512u << 10 ? 512u << 10 : n);
}

static struct tern_stack *stack_make(struct run *r, unsigned i)
{
    struct tern_config c;
    char why[TERN_WHY];
    tern_config_init(&c);
    tern_seed_from(c.seed, i + 1);
    c.cpu = tern_cpu_features();
    c.max_conns = 64;
    c.trace_records = r->road.trace ? 1u << 16 : 0;
    c.buf_bytes = UINT64_C(1) << 29;
    c.sndbuf = c.rcvbuf = r->road.ceiling != 0 ? r->road.ceiling : buffers(&r->road);
    c.autotune = r->road.fixed == 0;
    c.ecn = r->road.ecn;
    if (r->road.fixed != 0)
        c.sndbuf = c.rcvbuf = r->road.fixed;
    struct tern_stack *st = tern_stack_new(&c, r->now, why);
    if (st == NULL)
        die("stack", why);
    return st;
}

static void run_open(struct run *r, const struct road *road)
{
    char why[TERN_WHY];
    memset(r, 0, sizeof *r);
    r->road = *road;
    r->now.ns = SEC;
    struct tern_impair_config out = {.seed = 1,
                                     .lose = road->lose,
                                     .ce = road->ce,
                                     .ce_bytes = (uint32_t)((double)bdp(road) * road->mark),
                                     .rate_bps = road->rate,
                                     .delay_us = (uint64_t)road->rtt_ms * 500};
    struct tern_impair_config in = {.seed = 2, .delay_us = (uint64_t)road->rtt_ms * 500};
    out.queue_bytes = (uint32_t)((double)bdp(road) * road->queue) + MTU;
    if (road->lose_nth != 0) {
        out.named[0].what = TERN_LOSE_DATA_N;
        out.named[0].n = road->lose_nth;
        out.nnamed = 1;
    }
    if (tern_wire_new(MTU, 0, 1024, &r->port[0], &r->port[1], why) != 0 ||
        tern_impair_new(r->port[0], &out, &in, &r->port[0], why) != 0)
        die("wire", why);
    for (unsigned i = 0; i < 2; i++) {
        r->st[i] = stack_make(r, i);
        struct tern_iface_config ic = {
            .link = r->port[i]->link, .mac = {2, 0, 0, 0, 0, (uint8_t)(i + 1)}, .mtu = MTU};
        ic.addr[0].addr = (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 9, 0, (uint8_t)(i + 1)}};
        ic.addr[0].prefix = 24;
        if (tern_iface_add(r->st[i], &ic) < 0)
            die("interface", "refused");
    }
    struct tern_endpoint at = {.port = PORT};
    if (tern_tcp_listen(r->st[1], &at, FLOWS, 0, &r->listener) != 0)
        die("listen", "refused");
}

static void run_close(struct run *r)
{
    for (unsigned i = 0; i < 2; i++) {
        r->port[i]->ops->close(r->port[i]);
        tern_stack_free(r->st[i]);
    }
}

static void flow_begin(struct run *r)
{
    struct flow *f = &r->flow[r->begun];
    struct tern_endpoint to = {.addr = {.fam = TERN_AF_IP4, .b = {10, 9, 0, 2}}, .port = PORT};
    if (tern_tcp_connect(r->st[0], NULL, &to, &f->tx, r->now) != 0)
        die("connect", "refused");
    if (tern_setopt(r->st[0], f->tx, TERN_OPT_CONGESTION, r->road.cc[r->begun], r->now) != 0)
        die("TERN_OPT_CONGESTION", "refused");
    tern_setuser(r->st[0], f->tx, r->begun);
    r->begun++;
}

/* Octets have no content here: room is taken and sent as it is. */
static void flow_fill(struct run *r, struct flow *f)
{
    uint8_t *p;
    size_t n;
    while (tern_tcp_send_space(r->st[0], f->tx, CHUNK, &p, &n) == 0)
        (void)tern_tcp_send_commit(r->st[0], f->tx, n, 0, r->now);
    f->full = true;
}

static void flow_drain(struct run *r, struct flow *f)
{
    const uint8_t *p;
    size_t n;
    while (f->rx.id != 0 && tern_tcp_recv_data(r->st[1], f->rx, &p, &n) == 1) {
        f->got += n;
        (void)tern_tcp_recv_consume(r->st[1], f->rx, n, r->now);
    }
}

/* Whose connection a new one at the receiver is: its peer's port tells. */
static void flow_accept(struct run *r)
{
    struct tern_sock s;
    struct tern_endpoint peer, own;
    while (tern_tcp_accept(r->st[1], r->listener, &s) == 0) {
        (void)tern_peername(r->st[1], s, &peer);
        for (unsigned i = 0; i < r->begun; i++) {
            if (tern_sockname(r->st[0], r->flow[i].tx, &own) == 0 && own.port == peer.port) {
                r->flow[i].rx = s;
                tern_setuser(r->st[1], s, i);
            }
        }
    }
}

static void events(struct run *r)
{
    struct tern_event ev;
    while (tern_event_next(r->st[0], &ev)) {
        if (ev.bits & TERN_EV_CLOSED)
            die("a flow", tern_strerror(ev.err));
        if (ev.bits & (TERN_EV_CONNECTED | TERN_EV_WRITABLE))
            flow_fill(r, &r->flow[ev.user]);
    }
    while (tern_event_next(r->st[1], &ev)) {
        if (ev.sock.id == r->listener.id)
            flow_accept(r);
        else
            flow_drain(r, &r->flow[ev.user]);
    }
    flow_accept(r);
}

static bool turn(struct run *r, unsigned i)
{
    struct tern_frame fr[BATCH];
    bool any = false;
    size_t n;
    while ((n = r->port[i]->ops->rx(r->port[i], fr, BATCH, r->now)) != 0) {
        tern_rx(r->st[i], 0, fr, n, r->now);
        r->frames += n;
        any = true;
    }
    if (tern_deadline(r->st[i]).ns <= r->now.ns)
        tern_tick(r->st[i], r->now);
    events(r);
    while (tern_tx_pending(r->st[i], 0)) {
        size_t room = r->port[i]->ops->tx_get(r->port[i], fr, BATCH, r->now);
        n = tern_tx(r->st[i], 0, fr, room, r->now);
        r->port[i]->ops->tx_put(r->port[i], fr, n, r->now);
        if (n == 0)
            break;
        any = true;
    }
    return any;
}

static void sample(struct run *r)
{
    struct tern_info in;
    for (unsigned i = 0; i < r->begun; i++) {
        struct flow *f = &r->flow[i];
        if (!tern_inspect(r->st[0], f->tx, &in, r->now))
            continue;
        f->retrans = in.retrans;
        if (in.srtt_us != 0) {
            f->rtt_sum += in.srtt_us / 1000.0;
            f->rtt_n++;
        }
    }
}

/* The next instant at which anything happens, at most `most`. */
static int64_t next_instant(const struct run *r, int64_t most)
{
    for (unsigned i = 0; i < 2; i++) {
        int64_t a = tern_deadline(r->st[i]).ns, b = r->port[i]->ops->deadline(r->port[i]).ns;
        most = a < most ? a : most;
        most = b < most ? b : most;
    }
    return most > r->now.ns ? most : r->now.ns + 1;
}

static void run_until(struct run *r, int64_t end)
{
    while (r->now.ns < end) {
        int64_t start = SEC + (int64_t)r->begun * r->road.apart_ms * MS;
        if (r->begun < r->road.flows && r->now.ns >= start)
            flow_begin(r);
        bool any = true;
        while (any) {
            any = turn(r, 0);
            any |= turn(r, 1);
        }
        if (r->now.ns >= r->next_sample) {
            sample(r);
            r->next_sample = r->now.ns + 100 * MS;
        }
        if (r->watch != NULL && r->now.ns >= r->next_watch) {
            r->watch(r, r->ctx);
            r->next_watch = r->now.ns + MS;
        }
        int64_t most = end;
        if (r->begun < r->road.flows && start < most)
            most = start;
        if (r->watch != NULL && r->next_watch < most)
            most = r->next_watch;
        r->now.ns = next_instant(r, most);
    }
}

/* ---- results ---- */

struct result {
    double goodput;            /* percent of the rate, all flows */
    double share[FLOWS];       /* ... of each */
    double jain;               /* percent */
    double rtt;                /* mean, ms */
    uint64_t retrans, reduced; /* reduced: times for a mark */
};

static struct result drive(const struct road *road)
{
    struct run r;
    struct result x = {0};
    run_open(&r, road);
    run_until(&r, SEC + (int64_t)road->from * SEC);
    for (unsigned i = 0; i < road->flows; i++)
        r.flow[i].base = r.flow[i].got;
    run_until(&r, SEC + (int64_t)road->seconds * SEC);
    double sum = 0, squares = 0, rtt = 0;
    double most = (double)road->rate / 8 * (road->seconds - road->from);
    for (unsigned i = 0; i < road->flows; i++) {
        const struct flow *f = &r.flow[i];
        double v = (double)(f->got - f->base) * (MTU + 14) / (MTU - 52) * 100 / most;
        x.share[i] = v;
        sum += v;
        squares += v * v;
        rtt += f->rtt_n != 0 ? f->rtt_sum / f->rtt_n : 0;
        x.retrans += f->retrans;
    }
    x.goodput = sum;
    x.jain = squares > 0 ? 100 * sum * sum / (road->flows * squares) : 0;
    x.rtt = rtt / road->flows;
    x.reduced = tern_counter(r.st[0], CAUSE_CC_ECN);
    run_close(&r);
    return x;
}

static struct road road_of(uint32_t rtt_ms, double lose, double queue, uint32_t seconds)
{
    return (struct road){
        .rate = RATE, .rtt_ms = rtt_ms, .lose = lose, .queue = queue, .seconds = seconds};
}

static void road_add(struct road *r, unsigned n, unsigned cc)
{
    while (n-- > 0 && r->flows < FLOWS)
        r->cc[r->flows++] = (uint8_t)cc;
}

/* ---- tables ---- */

static const uint8_t columns[] = {TERN_CC_RENO, TERN_CC_CUBIC, TERN_CC_BBR, TERN_CC_NONE};

static void head(const char *first, unsigned n)
{
    printf("| %s |", first);
    for (unsigned i = 0; i < n; i++)
        printf(" %s |", tern_cc_name(columns[i]));
    printf("\n|---|");
    for (unsigned i = 0; i < n; i++)
        printf("---:|");
    printf("\n");
}

/* One flow, random loss: goodput. */
static void table_loss(void)
{
    static const double lose[] = {0, 0.0001, 0.001, 0.01, 0.03};
    static const uint32_t rtt[] = {10, 40, 160};
    head("round trip, loss", 4);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < 5; k++) {
            printf("| %u ms, %g %% |", (unsigned)rtt[i], lose[k] * 100);
            for (unsigned c = 0; c < 4; c++) {
                struct road r = road_of(rtt[i], lose[k], 1, 30);
                road_add(&r, 1, columns[c]);
                printf(" %.0f |", drive(&r).goodput);
            }
            printf("\n");
            (void)fflush(stdout);
        }
    }
}

/* One flow, queues of all depths: goodput and the round trip it makes. */
static void table_queue(void)
{
    static const double queue[] = {0.1, 0.5, 1, 4};
    static const uint32_t rtt[] = {10, 40, 160};
    head("round trip, queue", 3);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < 4; k++) {
            printf("| %u ms, %g BDP |", (unsigned)rtt[i], queue[k]);
            for (unsigned c = 0; c < 3; c++) {
                struct road r = road_of(rtt[i], 0, queue[k], 30);
                road_add(&r, 1, columns[c]);
                struct result x = drive(&r);
                printf(" %.0f, %.0f ms |", x.goodput, x.rtt);
            }
            printf("\n");
            (void)fflush(stdout);
        }
    }
}

/* Equal flows: goodput of all, and Jain's index. */
static void table_flows(void)
{
    static const double queue[] = {0.5, 1, 4};
    static const uint32_t rtt[] = {10, 40};
    static const unsigned flows[] = {2, 4, 8};
    head("round trip, queue, flows", 3);
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k < 9; k++) {
            printf("| %u ms, %g BDP, %u |", (unsigned)rtt[i], queue[k / 3], flows[k % 3]);
            for (unsigned c = 0; c < 3; c++) {
                struct road r = road_of(rtt[i], 0, queue[k / 3], 60);
                r.from = 15;
                r.apart_ms = 700;
                road_add(&r, flows[k % 3], columns[c]);
                struct result x = drive(&r);
                printf(" %.0f, %.0f |", x.goodput, x.jain);
            }
            printf("\n");
            (void)fflush(stdout);
        }
    }
}

/* One flow of each of two kinds: the shares. */
static void table_against(void)
{
    static const double queue[] = {0.5, 1, 4};
    static const uint32_t rtt[] = {10, 40};
    static const uint8_t pair[3][2] = {
        {TERN_CC_CUBIC, TERN_CC_RENO}, {TERN_CC_BBR, TERN_CC_RENO}, {TERN_CC_BBR, TERN_CC_CUBIC}};
    printf(
        "| round trip, queue | cubic : reno | bbr : reno | bbr : cubic |\n|---|---:|---:|---:|\n");
    for (unsigned i = 0; i < 6; i++) {
        printf("| %u ms, %g BDP |", (unsigned)rtt[i / 3], queue[i % 3]);
        for (unsigned c = 0; c < 3; c++) {
            struct road r = road_of(rtt[i / 3], 0, queue[i % 3], 60);
            r.from = 15;
            r.apart_ms = 700;
            road_add(&r, 1, pair[c][0]);
            road_add(&r, 1, pair[c][1]);
            struct result x = drive(&r);
            printf(" %.0f : %.0f |", x.share[0], x.share[1]);
        }
        printf("\n");
        (void)fflush(stdout);
    }
}

static const struct {
    const char *name;
    void (*print)(void);
} tables[] = {
    {"loss", table_loss},
    {"queue", table_queue},
    {"flows", table_flows},
    {"against", table_against},
};

/* ---- laws ---- */

static unsigned laws, broken;

static void law(bool holds, const char *what, double a, double b)
{
    laws++;
    broken += !holds;
    printf("%s %u - %s (%.2f, %.2f)\n", holds ? "ok" : "not ok", laws, what, a, b);
}

/* Begun at two times: with a tail-drop queue two flows can be locked in phase for minutes. */
static void law_fair(unsigned cc, uint32_t apart_ms)
{
    char what[80];
    struct road r = {.rate = 20000000,
                     .rtt_ms = 20,
                     .queue = 1,
                     .seconds = 240,
                     .from = 20,
                     .apart_ms = apart_ms};
    road_add(&r, 2, cc);
    struct result x = drive(&r);
    (void)snprintf(what, sizeof what, "two equal %s flows, %u ms apart, share within 10 %%",
                   tern_cc_name(cc), apart_ms);
    double part = x.share[0] / (x.share[0] + x.share[1]);
    law(part > 0.45 && part < 0.55 && x.goodput > 85, what, x.share[0], x.share[1]);
}

static double alone(unsigned cc, uint32_t rtt, double lose, double queue)
{
    struct road r = road_of(rtt, lose, queue, 20);
    road_add(&r, 1, cc);
    return drive(&r).goodput;
}

/* CUBIC's window against RFC 9438's curve, after one loss on a wire without any other. */
struct curve {
    double w_max, k, off;
    double sum; /* of the distances in this round trip: the window grows in bursts */
    uint32_t n;
    int64_t t0;
    uint32_t mss;
    uint32_t begin; /* cwnd when the loss was repaired: cwnd_epoch */
};

static double cube_root(double x)
{
    double y = x > 1 ? x : 1;
    for (int i = 0; i < 200; i++)
        y = (2 * y + x / (y * y)) / 3;
    return y;
}

/* The stack's own record tells cwnd at the loss, and when recovery ended. */
static void curve_trace(struct run *r, struct curve *c)
{
    struct tern_trace rec[64];
    uint64_t missed;
    size_t n;
    while ((n = tern_trace_read(r->st[0], rec, 64, &missed)) != 0) {
        for (size_t i = 0; i < n; i++) {
            if (rec[i].kind == TERN_TR_CC && rec[i].cause == CAUSE_CC_PRR)
                c->w_max = (double)rec[i].a / c->mss;
            if (rec[i].kind == TERN_TR_CC && rec[i].cause == CAUSE_CC_RECOVERED) {
                c->begin = rec[i].a;
                c->k = cube_root((c->w_max - (double)rec[i].a / c->mss) / 0.4);
            }
        }
    }
}

static void curve_watch(struct run *r, void *ctx)
{
    struct curve *c = ctx;
    struct tern_info in;
    if (r->begun == 0 || !tern_inspect(r->st[0], r->flow[0].tx, &in, r->now) || in.cwnd == 0)
        return;
    c->mss = in.mss;
    curve_trace(r, c);
    if (c->begin == 0 || in.cwnd <= c->begin)
        return;
    if (c->t0 == 0)
        c->t0 = r->now.ns - MS / 2;
    double t = (double)(r->now.ns - c->t0) / SEC - c->k;
    double off = (double)in.cwnd / c->mss - (0.4 * t * t * t + c->w_max);
    c->sum += off;
    if (++c->n < r->road.rtt_ms)
        return;
    off = c->sum / c->n;
    off = off < 0 ? -off : off;
    c->off = off > c->off ? off : c->off;
    c->sum = 0;
    c->n = 0;
}

static void law_curve(void)
{
    struct curve c = {0};
    struct run r;
    struct road road = {.rate = UINT64_C(600000000),
                        .rtt_ms = 50,
                        .queue = 1,
                        .seconds = 20,
                        .lose_nth = 1500,
                        .trace = true};
    road_add(&road, 1, TERN_CC_CUBIC);
    run_open(&r, &road);
    r.watch = curve_watch;
    r.ctx = &c;
    run_until(&r, (int64_t)road.seconds * SEC);
    run_close(&r);
    law(c.t0 != 0 && c.w_max > 300, "cubic: the loss came, W_max and K are", c.w_max, c.k);
    law(c.t0 != 0 && c.off < 1, "cubic: each round trip within one segment of RFC 9438's curve",
        c.off, 1);
}

/* 100 ms and 1 Gbit/s, which hold 12.5 MB: goodput with buffers that begin small and grow. */
static double long_fat(uint32_t fixed)
{
    struct road r = {.rtt_ms = 100, .queue = 1, .seconds = 20, .from = 5, .fixed = fixed};
    r.rate = UINT64_C(1000000000);
    r.ceiling = 64u << 20;
    road_add(&r, 1, TERN_CC_CUBIC);
    return drive(&r).goodput;
}

/* Marks, no losses [RFC3168:6.1.2]: some; all: a segment each 200 ms [RFC3168:6.1.2#3]. */
static void law_marks(unsigned cc, unsigned ecn)
{
    static const double ce[] = {0, 0.02, 1}, least[] = {85, 10, 0.05}, most[] = {101, 101, 0.2};
    char what[120];
    for (unsigned i = 0; i < (cc == TERN_CC_BBR ? 2 : 3); i++) {
        struct road r = road_of(20, 0, 3, 20);
        r.ecn = (uint8_t)ecn, r.mark = 0.3, r.ce = ce[i];
        road_add(&r, 1, cc);
        struct result x = drive(&r);
        (void)snprintf(what, sizeof what, "%s, ecn %u, a queue and %g mark: goodput, reductions",
                       tern_cc_name(cc), ecn, ce[i]);
        bool few = x.retrans == 0 && x.reduced > 0 && x.reduced <= 1000;
        law(few && x.goodput > least[i] && x.goodput < most[i], what, x.goodput, (double)x.reduced);
    }
}

static void law_window(void)
{
    double grows = long_fat(0), large = long_fat(64u << 20), small = long_fat(128u << 10);
    law(grows > 0.97 * large, "100 ms, 1 Gbit/s: growing buffers are as good as large ones", grows,
        large);
    law(grows > 20 * small, "... and a fixed 128 KB would have been the limit", grows, small);
}

static int check_laws(void)
{
    double a, b;
    law_curve();
    law_window();
    for (unsigned i = 0; i < 2 * TERN_CC_NONE; i++)
        law_fair(i / 2, i % 2 ? 2300 : 700);
    for (unsigned i = 0; i < 2 * TERN_CC_NONE; i++)
        law_marks(i / 2, i % 2 ? 3 : 1);
    a = alone(TERN_CC_CUBIC, 100, 0.0001, 1);
    b = alone(TERN_CC_RENO, 100, 0.0001, 1);
    law(a > b, "a long fat pipe: cubic is ahead of reno", a, b);
    a = alone(TERN_CC_BBR, 40, 0.01, 1);
    b = alone(TERN_CC_CUBIC, 40, 0.01, 1);
    law(a > 70 && a > 3 * b, "1 % random loss: bbr hardly minds", a, b);
    a = b;
    b = alone(TERN_CC_RENO, 40, 0.01, 1);
    law(a < 2 * b && a > b / 2, "1 % random loss: cubic is Reno's friend, no loss is undone", a, b);
    struct road r = road_of(40, 0, 12, 10);
    road_add(&r, 1, TERN_CC_CUBIC);
    struct result x = drive(&r);
    law(x.retrans == 0 && x.goodput > 85, "a deep queue: slow start ends before it overflows",
        (double)x.retrans, x.goodput);
    r = road_of(40, 0, 4, 20);
    road_add(&r, 1, TERN_CC_BBR);
    x = drive(&r);
    law(x.rtt < 60 && x.goodput > 90, "bbr: the wire is full, the queue is not", x.rtt, x.goodput);
    printf("1..%u\n", laws);
    return broken != 0;
}

static double number(const char *text, double most)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end != '\0' || !(v >= 0 && v <= most))
        die(text, "not a number, or too large");
    return v;
}

static int one(int argc, char **argv)
{
    struct road r = road_of((uint32_t)number(argv[0], 10000), number(argv[1], 1),
                            number(argv[2], 100), (uint32_t)number(argv[3], 3600));
    for (int i = 4; i < argc; i++) {
        int cc = tern_cc_find(argv[i]);
        if (cc < 0)
            die(argv[i], "not a congestion control: reno, cubic, bbr, none");
        road_add(&r, 1, (unsigned)cc);
    }
    struct result x = drive(&r);
    for (unsigned i = 0; i < r.flows; i++)
        printf("%-5s %5.1f %%\n", tern_cc_name(r.cc[i]), x.share[i]);
    printf("all   %5.1f %%, Jain %.1f %%, round trip %.1f ms, %" PRIu64 " retransmissions\n",
           x.goodput, x.jain, x.rtt, x.retrans);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--laws") == 0)
        return check_laws();
    if (argc >= 7 && strcmp(argv[1], "--one") == 0)
        return one(argc - 2, argv + 2);
    for (unsigned i = 0; argc == 2 && i < sizeof tables / sizeof tables[0]; i++) {
        if (strcmp(argv[1], "--list") == 0)
            printf("%s\n", tables[i].name);
        else if (strcmp(argv[1], tables[i].name) == 0)
            return tables[i].print(), 0;
    }
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return 0;
    (void)fprintf(stderr, "usage: goodput --list | TABLE | --laws | --one RTT_MS LOSS QUEUE_BDP "
                          "SECONDS CC...\n");
    return 2;
}
