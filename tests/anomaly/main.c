/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anomaly: what happens when memory runs out at the worst moment.
 *
 * A scenario is a short run of the simulator (sim/sim.h). It is played again and again: with the
 * first take from any pool of one host failing, then the second, and so on until a run ends without
 * having met the failure. Three ways:
 *     once     that take fails, all others succeed. Every stream must still arrive whole: a failure
 * is no worse than a lost segment, unless the call itself answered TERN_ENOBUFS; recover  that take
 * and all later ones fail for half a minute, then memory is back: all ends must finish, with what
 * error they like; abort    as before, but memory never comes back, and the applications abort
 * after half a minute: cleaning up must not need memory. In each the simulator's laws hold: nothing
 * wrong in a stream, legal transitions, nothing in use at the end, nothing hangs.
 *
 *     anomaly SCENARIO [HOST MODE TAKE]     all of them, or one with every record printed
 */
#include "sim/sim.h"

#include "base/assert.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RELIEF_US 30000000
#define TAKES_MAX 3000 /* a scenario that takes more is too long to be played that often */

static struct sim_plan plan;
static struct sim_world world;
static char command[256];

enum mode { ONCE, RECOVER, ABORT, MODES };
static const char *const mode_names[MODES] = {"once", "recover", "abort"};

void tern_assert_fail(const char *file, int line, const char *expr)
{
    printf("assertion failed: %s:%d: %s\n%s\n", file, line, expr, command);
    (void)fflush(stdout);
    abort();
}

static void on_alarm(int sig)
{
    (void)sig;
    (void)!write(1, "an endless loop\n", 16);
    (void)!write(1, command, strlen(command));
    (void)!write(1, "\n", 1);
    _exit(1);
}

/* ---- scenarios: changes to a plan of two flows of known sizes ---- */

static void all_sides(void (*change)(struct sim_side *s, unsigned i))
{
    for (uint32_t f = 0; f < plan.nflows; f++) {
        for (unsigned s = 0; s < 2; s++)
            change(&plan.flow[f].side[s], f * 2 + s);
    }
}

static void small_transfer(struct sim_side *s, unsigned i)
{
    *s = (struct sim_side){.host = (uint8_t)((i ^ i >> 1) & 1),
                           .tx_total = 3000 + 1500 * i,
                           .wr_max = 2000,
                           .rd_max = 2000,
                           .no_copy = i == 1};
}

static void nothing_to_say(struct sim_side *s, unsigned i)
{
    small_transfer(s, i);
    s->tx_total = 0;
}

static void leave_early(struct sim_side *s, unsigned i)
{
    small_transfer(s, i);
    s->ending = i & 1 ? END_CLOSE_AT : END_ABORT_AT;
    s->end_us = 20000 + i * 7000;
}

static void large_transfer(struct sim_side *s, unsigned i)
{
    small_transfer(s, i);
    s->tx_total *= 4;
    s->pause_every = 5000;
    s->pause_us = 100000;
}

static void sc_transfer(void)
{
    all_sides(small_transfer);
}

static void sc_handshake(void)
{
    all_sides(nothing_to_say);
}

static void sc_reorder(void)
{
    all_sides(small_transfer);
    for (unsigned h = 0; h < 2; h++) {
        plan.imp[h].reorder = 0.3;
        plan.imp[h].lose = 0.05;
        plan.imp[h].duplicate = 0.05;
    }
}

static void sc_zero_window(void)
{
    all_sides(large_transfer);
    plan.cfg.rcvbuf = 4096;
}

static void sc_simopen(void)
{
    all_sides(small_transfer);
    for (uint32_t f = 0; f < plan.nflows; f++)
        plan.flow[f].simopen = true;
}

static void sc_leave(void)
{
    all_sides(leave_early);
}

static void sc_udp(void)
{
    all_sides(nothing_to_say);
    plan.nflows = 1;
    plan.udp_count = 4;
}

static const struct {
    const char *name;
    void (*make)(void);
} scenarios[] = {
    {"transfer", sc_transfer},
    {"handshake", sc_handshake},
    {"out-of-order", sc_reorder},
    {"zero-window", sc_zero_window},
    {"simultaneous-open", sc_simopen},
    {"leave-early", sc_leave},
    {"udp", sc_udp},
};
#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

static void plan_make(unsigned sc, unsigned host, enum mode m, uint64_t take)
{
    sim_plan_make(&plan, SIM_MIXED, 7);
    plan.nflows = 2;
    plan.udp_count = 0;
    plan.mtu = 1500;
    plan.batch = 8;
    plan.tardy_us = 0;
    plan.impaired = true;
    plan.cfg.sndbuf = plan.cfg.rcvbuf = 65536;
    plan.cfg.msl_ms = 1000;
    plan.cfg.timestamps = plan.cfg.sack = plan.cfg.wscale = true;
    for (unsigned h = 0; h < 2; h++)
        plan.imp[h] = (struct tern_impair_config){.seed = 5 + h, .delay_us = 5000};
    for (uint32_t f = 0; f < plan.nflows; f++)
        plan.flow[f] = (struct sim_flow_plan){.start_us = 1000 + f * 30000};
    scenarios[sc].make();
    /* A peer that meets no memory for long may give up: the other must find out. */
    for (uint32_t f = 0; m != ONCE && f < plan.nflows; f++)
        plan.flow[f].side[0].keepalive = plan.flow[f].side[1].keepalive = true;
    plan.fail_host = (int)host;
    plan.fail_take = take;
    plan.fail_persist = m != ONCE;
    plan.fail_until_us = m == ONCE ? 0 : RELIEF_US;
    plan.fail_abort = m == ABORT;
}

/* ---- runs ---- */

/* Plays one; *met tells whether the failure was met. */
static bool play_one(const char *argv0, unsigned sc, unsigned host, enum mode m, uint64_t take,
                     bool verbose, bool *met)
{
    (void)snprintf(command, sizeof command, "repeat: %s %s %u %s %" PRIu64, argv0,
                   scenarios[sc].name, host, mode_names[m], take);
    (void)alarm(120);
    plan_make(sc, host, m, take);
    bool ok = sim_run(&world, &plan, verbose);
    (void)alarm(0);
    *met = world.takes >= take;
    if (!ok)
        printf("not ok: %s\n%s\n", world.why, command);
    return ok;
}

static int play_all(const char *argv0, unsigned sc)
{
    unsigned failed = 0;
    for (unsigned host = 0; host < 2; host++) {
        for (unsigned m = 0; m < MODES; m++) {
            uint64_t take = 1;
            bool met = true;
            for (; met && take < TAKES_MAX && failed < 5; take++)
                failed += !play_one(argv0, sc, host, (enum mode)m, take, false, &met);
            printf("%s: host %u, %s: %" PRIu64 " takes\n", scenarios[sc].name, host, mode_names[m],
                   take - 2);
            if (take < 4 || take == TAKES_MAX) {
                printf("not ok: %s: the scenario takes too little or too much from its pools\n",
                       scenarios[sc].name);
                failed++;
            }
        }
    }
    return failed ? 1 : 0;
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: anomaly SCENARIO [HOST(0|1) MODE(once|recover|abort) TAKE]\n"
                          "scenarios:");
    for (unsigned i = 0; i < SCENARIOS; i++)
        (void)fprintf(stderr, " %s", scenarios[i].name);
    (void)fprintf(stderr, "\n");
    return 2;
}

static int play_named(char **argv, unsigned sc)
{
    unsigned m = 0;
    while (m < MODES && strcmp(argv[3], mode_names[m]) != 0)
        m++;
    if (m == MODES || (strcmp(argv[2], "0") != 0 && strcmp(argv[2], "1") != 0))
        return usage();
    bool met;
    bool ok = play_one(argv[0], sc, argv[2][0] == '1', (enum mode)m, strtoull(argv[4], NULL, 10),
                       true, &met);
    printf("%s; the failure was %s\n", ok ? "ok" : "not ok", met ? "met" : "not met");
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    unsigned sc = 0;
    while (argc > 1 && sc < SCENARIOS && strcmp(argv[1], scenarios[sc].name) != 0)
        sc++;
    if ((argc != 2 && argc != 5) || sc == SCENARIOS)
        return usage();
    (void)signal(SIGALRM, on_alarm);
    return argc == 2 ? play_all(argv[0], sc) : play_named(argv, sc);
}
