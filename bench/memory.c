/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/memory.c: resident octets for each established connection that has carried nothing, that
 * has carried something and rests, half-open and TIME-WAIT connection, table slots included: the
 * growth of the process's resident set divided by the number of records.
 */
#include "pair.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNS     20000u
#define HALF_OPEN 50000u
#define TIME_WAIT 200000u
#define PORTS     16u

static void drain(struct pair *p)
{
    struct tern_event ev;
    for (int i = 0; i < 2; i++)
        while (tern_event_next(p->st[i], &ev))
            ;
}

static void idle(void)
{
    struct tern_config cfg;
    struct pair p;
    struct tern_sock l[PORTS], c, s;
    tern_config_init(&cfg);
    cfg.max_conns = CONNS + 64;
    pair_make(&p, &cfg, 1500, 0);
    for (unsigned i = 0; i < PORTS; i++)
        l[i] = pair_listen(&p, (uint16_t)(9000 + i), 16);
    for (unsigned i = 0; i < 64; i++) /* warm up: code, frames, first pages */
        pair_connect(&p, l[i % PORTS], (uint16_t)(9000 + i % PORTS), &c, &s);
    drain(&p);
    double before = resident();
    for (unsigned i = 0; i < CONNS; i++) {
        pair_connect(&p, l[i % PORTS], (uint16_t)(9000 + i % PORTS), &c, &s);
        drain(&p);
    }
    struct tern_usage u;
    tern_stack_usage(p.st[1], &u);
    if (u.conns != CONNS + 64 || u.buf_bytes != 0)
        die("idle connections hold buffers or are missing", TERN_EINVAL);
    printf("established %.0f\n", (resident() - before) / (2.0 * CONNS));
    pair_free(&p);
}

static void say(struct pair *p, int side, struct tern_sock s, size_t n)
{
    static uint8_t buf[20000];
    if (tern_tcp_send(p->st[side], s, buf, n, 0, p->now) != (int64_t)n)
        die("send", TERN_EAGAIN);
    pair_pump(p);
}

static void hear(struct pair *p, int side, struct tern_sock s, size_t n)
{
    static uint8_t buf[20000];
    for (size_t had = 0; had < n;) {
        int64_t got = tern_tcp_recv(p->st[side], s, buf, sizeof buf, p->now);
        if (got <= 0)
            die("recv", (int)got);
        had += (size_t)got;
    }
}

static void pass(struct pair *p, int64_t ms)
{
    for (int64_t until = p->now.ns + ms * 1000000; p->now.ns < until;)
        pair_wait(p, (until - p->now.ns) / 1000000 + 1);
}

/* Connections that have carried requests of 1 KB and answers of 16 KB, at rest for a second since:
 * `rounds` of them each. */
static void rested(unsigned rounds)
{
    struct tern_config cfg;
    struct pair p;
    struct tern_sock l[PORTS], c, s;
    double before = 0;
    tern_config_init(&cfg);
    cfg.max_conns = CONNS + 64;
    pair_make(&p, &cfg, 1500, 0);
    for (unsigned i = 0; i < PORTS; i++)
        l[i] = pair_listen(&p, (uint16_t)(9000 + i), 16);
    for (unsigned i = 0; i < CONNS + 64; i++) {
        pair_connect(&p, l[i % PORTS], (uint16_t)(9000 + i % PORTS), &c, &s);
        for (unsigned k = 0; k < rounds; k++) {
            say(&p, 0, c, 1000);
            hear(&p, 1, s, 1000);
            say(&p, 1, s, 16000);
            hear(&p, 0, c, 16000);
        }
        pass(&p, 60); /* the last ACK */
        drain(&p);
        if (i == 63)
            before = resident();
    }
    pass(&p, 3000);
    struct tern_usage u;
    tern_stack_usage(p.st[1], &u);
    if (u.conns != CONNS + 64 || u.buf_bytes != 0)
        die("connections at rest hold buffers or are missing", TERN_EINVAL);
    printf("rested %.0f\n", (resident() - before) / (2.0 * CONNS));
    pair_free(&p);
}

/* The SYN that stack 0 sends to start a connection, as a template for forged ones. */
static void first_syn(struct pair *p, uint16_t port, struct tern_frame *f)
{
    struct tern_endpoint to = pair_addr(1, port);
    struct tern_sock c;
    int r = tern_tcp_connect(p->st[0], NULL, &to, &c, p->now);
    if (r != 0)
        die("connect", r);
    if (tern_tx(p->st[0], 0, f, 1, p->now) != 1)
        die("no SYN came", TERN_EAGAIN);
}

static void half_open(void)
{
    struct tern_config cfg;
    struct pair p;
    struct tern_sock c, s;
    uint8_t frame[2048];
    tern_config_init(&cfg);
    cfg.max_half_open = HALF_OPEN;
    cfg.max_prefix_half = cfg.prefix_answers_per_s = 0; /* all from one network, none finishes */
    pair_make(&p, &cfg, 1500, 0);
    struct tern_sock l = pair_listen(&p, 80, HALF_OPEN);
    pair_connect(&p, l, 80, &c, &s);
    struct tern_frame syn = {.data = frame, .cap = sizeof frame};
    first_syn(&p, 80, &syn);
    double before = 0;
    for (unsigned i = 0; i < HALF_OPEN; i++) {
        uint16_t port = (uint16_t)(1024 + i);
        frame[34] = (uint8_t)(port >> 8);
        frame[35] = (uint8_t)port;
        struct tern_frame f = {.data = frame, .len = syn.len, .csum = TERN_CSUM_OK};
        tern_rx(p.st[1], 0, &f, 1, p.now);
        uint8_t out[2048];
        struct tern_frame o = {.data = out, .cap = sizeof out};
        while (tern_tx(p.st[1], 0, &o, 1, p.now) == 1)
            ;
        if (i == 63)
            before = resident();
    }
    struct tern_usage u;
    tern_stack_usage(p.st[1], &u);
    if (u.half_open < HALF_OPEN - 1)
        die("half-open records are missing", TERN_ENOBUFS);
    printf("half-open %.0f\n", (resident() - before) / (HALF_OPEN - 64.0));
    pair_free(&p);
}

static void time_wait(void)
{
    struct tern_config cfg;
    struct pair p;
    struct tern_sock l[PORTS], c, s;
    double before = 0;
    tern_config_init(&cfg);
    cfg.max_time_wait = TIME_WAIT;
    pair_make(&p, &cfg, 1500, 0);
    for (unsigned i = 0; i < PORTS; i++)
        l[i] = pair_listen(&p, (uint16_t)(9000 + i), 16);
    for (unsigned i = 0; i < TIME_WAIT; i++) {
        pair_connect(&p, l[i % PORTS], (uint16_t)(9000 + i % PORTS), &c, &s);
        tern_close(p.st[0], c, p.now);
        pair_pump(&p);
        tern_close(p.st[1], s, p.now);
        pair_pump(&p);
        drain(&p);
        if (i == 1023)
            before = resident();
    }
    struct tern_usage u;
    tern_stack_usage(p.st[0], &u);
    if (u.time_wait != TIME_WAIT)
        die("TIME-WAIT records are missing", TERN_ENOBUFS);
    printf("time-wait %.0f\n", (resident() - before) / (TIME_WAIT - 1024.0));
    pair_free(&p);
}

int main(void)
{
    idle();
    rested(20);
    half_open();
    time_wait();
    return 0;
}
