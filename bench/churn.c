/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/churn.c: graceful connect -> close cycles a second in one thread, both ends' work included:
 * handshake, close by the client, close by the server, and every TIME-WAIT record kept to the end.
 * Usage: churn [CYCLES]. Prints cycles a second in each tenth, so that a pile-up shows.
 */
#include "pair.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PORTS 48

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void cycle(struct pair *p, struct tern_sock l, uint16_t port)
{
    struct tern_sock c, s;
    struct tern_event ev;
    pair_connect(p, l, port, &c, &s);
    tern_close(p->st[0], c, p->now);
    pair_pump(p);
    tern_close(p->st[1], s, p->now);
    pair_pump(p);
    while (tern_event_next(p->st[1], &ev))
        ;
    while (tern_event_next(p->st[0], &ev))
        ;
}

int main(int argc, char **argv)
{
    unsigned cycles = (unsigned)number(argc, argv, 1, 500000), tenth = cycles / 10;
    struct tern_config cfg;
    struct pair p;
    struct tern_sock l[PORTS];
    struct tern_usage u;
    tern_config_init(&cfg);
    cfg.max_time_wait = cycles + 1;
    cfg.max_listeners = PORTS;
    pair_make(&p, &cfg, 1500, 0);
    for (unsigned i = 0; i < PORTS; i++)
        l[i] = pair_listen(&p, (uint16_t)(8000 + i), 16);
    double t0 = seconds(), last = t0, worst = 1e18;
    for (unsigned i = 0; i < cycles; i++) {
        cycle(&p, l[i % PORTS], (uint16_t)(8000 + i % PORTS));
        if ((i + 1) % tenth == 0) {
            double t = seconds(), rate = tenth / (t - last);
            worst = rate < worst ? rate : worst;
            last = t;
        }
    }
    double t = seconds() - t0;
    tern_stack_usage(p.st[0], &u);
    printf("%u cycles: %.0f a second, slowest tenth %.0f, %u TIME-WAIT records kept\n", cycles,
           cycles / t, worst, u.time_wait);
    if (u.time_wait != cycles || u.conns != 0) {
        fprintf(stderr, "churn: a record is missing or a connection is left: %u, %u\n", u.time_wait,
                u.conns);
        return 1;
    }
    pair_free(&p);
    return 0;
}
