/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/timewait.c: ten million connections in TIME-WAIT: what they cost, and that each ends on
 * time.
 *
 * One stack serves a client made of hand-written frames: SYN, ACK, FIN; the stack closes first and
 * keeps the record. The clock is virtual: all are opened within one second of it, in ten thousand
 * steps, and 2 MSL later they must go in the same steps. Usage: timewait [RECORDS]. Fails if a
 * record is missing, early or late, or if records and table take more than 48 octets each.
 */
#include "pair.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/inspect.h>
#include <time.h>
#include <unistd.h>

#define STEPS   10000u
#define STEP_NS 100000

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct client {
    struct tern_stack *st;
    struct tern_time now;
    uint8_t in[64], out[2048];
    uint32_t ack; /* of what the server sent last */
};

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Takes all that the server has to say; remembers its last sequence number + SYN/FIN. */
static void listen_to(struct client *c)
{
    struct tern_frame f = {.data = c->out, .cap = sizeof c->out};
    while (tern_tx(c->st, 0, &f, 1, c->now) == 1) {
        const uint8_t *tcp = c->out + 20;
        c->ack = get32(tcp + 4) + ((tcp[13] & 3) != 0);
    }
}

static void say(struct client *c, uint32_t n, uint32_t seq, uint8_t th)
{
    static const uint8_t head[20] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6,
                                     0,    0, 0, 0,  0, 0, 10,   8, 0,  2};
    uint8_t *p = c->in;
    uint32_t sum = 0;
    memcpy(p, head, sizeof head);
    memset(p + 20, 0, 20);
    put32(p + 12, 0x0b000000u + n / 60000);
    for (unsigned i = 0; i < 20; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    p[10] = (uint8_t)(sum >> 8);
    p[11] = (uint8_t)sum;
    uint32_t port = 1024 + n % 60000;
    p[20] = (uint8_t)(port >> 8);
    p[21] = (uint8_t)port;
    p[23] = 80;
    put32(p + 24, seq);
    put32(p + 28, th & 16 ? c->ack : 0);
    p[32] = 0x50;
    p[33] = th;
    p[34] = 0x20;
    struct tern_frame f = {.data = p, .len = 40, .cap = sizeof c->in, .csum = TERN_CSUM_OK};
    tern_rx(c->st, 0, &f, 1, c->now);
    listen_to(c);
}

static void connection(struct client *c, struct tern_sock l, uint32_t n)
{
    struct tern_sock s;
    struct tern_event ev;
    say(c, n, 1000, 2);
    say(c, n, 1001, 16);
    int r = tern_tcp_accept(c->st, l, &s);
    if (r != 0)
        die("accept", r);
    tern_close(c->st, s, c->now);
    listen_to(c);
    say(c, n, 1001, 17);
    while (tern_event_next(c->st, &ev))
        ;
}

static uint32_t records(struct client *c)
{
    struct tern_usage u;
    tern_stack_usage(c->st, &u);
    return u.time_wait;
}

static void tick(struct client *c)
{
    do
        tern_tick(c->st, c->now);
    while (tern_deadline(c->st).ns <= c->now.ns);
}

int main(int argc, char **argv)
{
    uint32_t n = (uint32_t)number(argc, argv, 1, 10000000), made = 0;
    struct tern_config cfg;
    char why[TERN_WHY];
    struct client c = {.now = {1000000000}};
    struct tern_sock l;
    struct tern_endpoint at = {.port = 80};
    struct tern_iface_config ic = {.link = TERN_LINK_IP, .mtu = 1500};
    tern_config_init(&cfg);
    tern_seed_from(cfg.seed, 1);
    cfg.max_time_wait = n;
    c.st = tern_stack_new(&cfg, c.now, why);
    if (c.st == NULL)
        die(why, TERN_ENOBUFS);
    ic.addr[0].addr = (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 8, 0, 2}};
    ic.addr[0].prefix = 24;
    tern_iface_add(c.st, &ic);
    tern_tcp_listen(c.st, &at, 16, 0, &l);
    connection(
        &c, l,
        UINT32_C(600000000)); /* touches code and pools; is forgotten when the ring is full */
    c.now.ns += (int64_t)2 * cfg.msl_ms * 1000000;
    tick(&c);
    double before = resident(), t0 = seconds();
    int64_t start = c.now.ns;
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t upto = (uint32_t)((uint64_t)n * (step + 1) / STEPS);
        while (made < upto)
            connection(&c, l, made++);
        c.now.ns += STEP_NS;
    }
    double t1 = seconds(), octets = (resident() - before) / n;
    if (records(&c) != n)
        die("records are missing", TERN_ENOBUFS);
    uint32_t off = 0;
    for (uint32_t step = 0; step < STEPS; step += 100) { /* what was made in 10 ms goes in 10 ms */
        c.now.ns = start + (int64_t)2 * cfg.msl_ms * 1000000 + (int64_t)step * STEP_NS;
        tick(&c);
        uint32_t gone = n - records(&c), least = (uint32_t)((uint64_t)n * step / STEPS);
        uint32_t most = (uint32_t)((uint64_t)n * (step + 20) /
                                   STEPS); /* the clock of the records counts 1 ms */
        off += gone < least || gone > most;
    }
    c.now.ns = start + (int64_t)2 * cfg.msl_ms * 1000000 + (int64_t)STEPS * STEP_NS;
    tick(&c);
    printf("%u TIME-WAIT records: %.1f octets each with their table (%.0f MB), %.0f connections "
           "made a second, "
           "%.1f million expired a second, %u left, %u of 100 checks out of time\n",
           n, octets, octets * n / 1e6, n / (t1 - t0), n / (seconds() - t1) / 1e6, records(&c),
           off);
    bool bad = records(&c) != 0 || off != 0 || octets > 48.0;
    tern_stack_free(c.st);
    if (bad)
        fprintf(stderr, "timewait: a record came or went at the wrong time, or is too large\n");
    return bad;
}
