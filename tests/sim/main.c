/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim: plays seeded runs of two stacks.
 *
 *     sim [--profile P] [--seed N] [--runs K] [--seconds S] [--twice] [--verbose] [--steps FILE]
 *
 * Without --profile each seed takes the next profile in turn. A failure prints what was wrong and
 * the one command that repeats it, and the exit status is 1. --seconds goes on, from the seed on,
 * until that much real time is over (a soak). --twice plays each run again and compares the hashes.
 * --steps writes what connections did (steps.c) to a file.
 */
#include "sim.h"

#include "base/assert.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WATCHDOG_S 120 /* for one run: an endless loop inside a stack */

struct opts {
    int profile; /* -1 = in turn */
    uint64_t seed, runs, seconds;
    bool twice, verbose;
    const char *steps;
};

static struct sim_plan plan;
static struct sim_world world;
static char command[256];

void tern_assert_fail(const char *file, int line, const char *expr)
{
    printf("assertion failed: %s:%d: %s\n%s\n", file, line, expr, command);
    (void)fflush(stdout);
    abort();
}

static void on_alarm(int sig)
{
    (void)sig;
    static const char text[] = "still running after 120 s: an endless loop\n";
    (void)!write(1, text, sizeof text - 1);
    (void)!write(1, command, strlen(command));
    (void)!write(1, "\n", 1);
    _exit(1);
}

static int usage(const char *what)
{
    (void)fprintf(stderr,
                  "sim: %s\n"
                  "usage: sim [--profile P] [--seed N] [--runs K] [--seconds S] [--twice] "
                  "[--verbose] [--steps FILE]\nprofiles:",
                  what);
    for (unsigned i = 0; i < SIM_PROFILES; i++)
        (void)fprintf(stderr, " %s", sim_profile_name(i));
    (void)fprintf(stderr, "\n");
    return 2;
}

static int profile_by_name(const char *name)
{
    for (unsigned i = 0; i < SIM_PROFILES; i++) {
        if (strcmp(name, sim_profile_name(i)) == 0)
            return (int)i;
    }
    return -1;
}

static int parse(struct opts *o, int argc, char **argv)
{
    static char text[128];
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--twice") == 0) {
            o->twice = true;
            continue;
        }
        if (strcmp(a, "--verbose") == 0) {
            o->verbose = true;
            continue;
        }
        if (i + 1 == argc) {
            (void)snprintf(text, sizeof text, "%s: no such option, or no value after it", a);
            return usage(text);
        }
        const char *v = argv[++i];
        char *end = NULL;
        uint64_t n = strtoull(v, &end, 0);
        bool number = *v && *end == '\0';
        if (strcmp(a, "--steps") == 0) {
            o->steps = v;
            continue;
        }
        if (strcmp(a, "--profile") == 0) {
            o->profile = profile_by_name(v);
            number = o->profile >= 0;
        } else if (strcmp(a, "--seed") == 0)
            o->seed = n;
        else if (strcmp(a, "--runs") == 0)
            o->runs = n;
        else if (strcmp(a, "--seconds") == 0)
            o->seconds = n;
        else
            number = false;
        if (!number) {
            (void)snprintf(text, sizeof text, "%s %s: not understood", a, v);
            return usage(text);
        }
    }
    return 0;
}

/* Moves the first flow to the moment at which its first sequence number lies just below 2^32: the
 * number's clock ticks every 4 microseconds [RFC9293:3.4.1]. */
static bool wrap_aim(const char *argv0)
{
    if (!sim_run(&world, &plan, false))
        return false;
    uint32_t target = 0u - 1u - prng_below(&world.rng, 1 + plan.flow[0].side[0].tx_total);
    uint64_t wait_us = (uint64_t)(target - world.end[0][0].iss) * 4;
    for (uint32_t i = 0; i < plan.nflows; i++)
        plan.flow[i].start_us += wait_us;
    if (!sim_run(&world, &plan, false))
        return false;
    if (world.end[0][0].iss - target > 8 && target - world.end[0][0].iss > 8)
        sim_fail(&world, "%s: aimed at a first sequence number of %u, and got %u", argv0, target,
                 world.end[0][0].iss);
    return !world.why[0];
}

static bool run_one(const struct opts *o, const char *argv0, enum sim_profile profile,
                    uint64_t seed)
{
    (void)snprintf(command, sizeof command,
                   "repeat: %s --profile %s --seed %" PRIu64 "%s --verbose", argv0,
                   sim_profile_name(profile), seed, o->twice ? " --twice" : "");
    (void)alarm(WATCHDOG_S);
    sim_plan_make(&plan, profile, seed);
    bool ok = (!plan.wrap || wrap_aim(argv0)) && sim_run(&world, &plan, o->verbose);
    if (ok && o->twice) {
        uint64_t hash = world.hash;
        ok = sim_run(&world, &plan, false);
        if (ok && world.hash != hash)
            sim_fail(&world, "the second run's hash is %016" PRIx64 ", the first's %016" PRIx64,
                     world.hash, hash);
        ok = !world.why[0];
    }
    (void)alarm(0);
    steps_end(&world);
    if (!ok)
        printf("not ok: %s seed %" PRIu64 ": %s\n%s\n", sim_profile_name(profile), seed, world.why,
               command);
    else if (o->verbose)
        printf("ok: %s seed %" PRIu64 ": %u flows, %" PRIu64 " octets, %" PRIu64 " frames, %" PRIu64
               " repeats, %" PRIu64 " records, hash %016" PRIx64 "\n",
               sim_profile_name(profile), seed, plan.nflows, world.octets, world.frames,
               world.retrans, world.records, world.hash);
    return ok;
}

int main(int argc, char **argv)
{
    struct opts o = {.profile = -1, .seed = 1, .runs = 1};
    int bad = parse(&o, argc, argv);
    if (bad)
        return bad;
    (void)signal(SIGALRM, on_alarm);
    int64_t stop = tern_clock_now().ns + (int64_t)o.seconds * 1000000000;
    uint64_t failed = 0, n = 0, frames = 0, octets = 0;
    for (; o.seconds ? tern_clock_now().ns < stop : n < o.runs; n++) {
        uint64_t seed = o.seed + n;
        enum sim_profile p =
            o.profile >= 0 ? (enum sim_profile)o.profile : (enum sim_profile)(seed % SIM_PROFILES);
        failed += !run_one(&o, argv[0], p, seed);
        frames += world.frames;
        octets += world.octets;
    }
    if (o.steps != NULL && !steps_write(o.steps)) {
        perror(o.steps);
        failed++;
    }
    printf("%" PRIu64 " runs, %" PRIu64 " failed; %" PRIu64 " frames, %" PRIu64 " octets\n", n,
           failed, frames, octets);
    return failed ? 1 : 0;
}
