/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/run.c: one row: the clock, the frames of all three, and what they cost.
 *
 * On the real clock the forger sends what is due; when the server cannot take it that fast, fewer
 * are offered and the row says how many. On the virtual clock each turn is a step of the clock, so
 * the rate is exact and the run repeatable; only CPU times differ. The clients get two more seconds
 * at the end for answers under way.
 */
#include "lab/inner.h"
#include "lab/veth.h"

#include "base/assert.h"
#include "port/why.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tern/loop.h>
#include <time.h>
#include <unistd.h>

#define STEP_NS  100000 /* of the virtual clock */
#define GRACE_NS 2000000000

struct lab {
    const struct lab_config *cfg;
    struct lab_row *row;
    struct victim victim;
    struct honest honest;
    struct forger forger;
    struct tern_time zero, now;
    double cpu; /* seconds for forged frames */
};

static double lab_cpu(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The real clock goes on within a turn. */
static void lab_look(struct lab *l)
{
    if (!l->cfg->virtual)
        l->now = tern_clock_now();
}

/* A frame for the forger's addresses: counted, and answered by a forger who connects. */
static void lab_to_forger(struct lab *l, const struct tern_frame *f)
{
    uint8_t buf[LAB_FRAME];
    bool connects = l->cfg->attack == LAB_STALL || l->cfg->attack == LAB_ZERO_WINDOW;
    if (f->len < 40 || f->data[9] != 6)
        return;
    bool syn_ack = (f->data[33] & 0x12) == 0x12;
    l->row->answers++;
    l->row->syn_acks += syn_ack;
    if (!connects || !syn_ack)
        return;
    struct tern_frame reply = {.data = buf, .cap = sizeof buf};
    reply.len = forge_reply(&l->forger, f->data, buf);
    victim_rx(&l->victim, &reply, 1, l->now);
}

static void lab_answers(struct lab *l)
{
    struct tern_frame f[LAB_BATCH];
    size_t n;
    while ((n = victim_tx(&l->victim, f, l->now)) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (f[i].len >= 20 && f[i].data[0] == 0x45 && honest_is(f[i].data + 16))
                tern_rx(l->honest.st, 0, &f[i], 1, l->now);
            else if (f[i].len >= 20 && f[i].data[0] == 0x45)
                lab_to_forger(l, &f[i]);
        }
    }
}

static void lab_flood(struct lab *l, uint64_t due)
{
    struct tern_frame f[LAB_BATCH];
    while (l->row->forged < due) {
        uint64_t left = due - l->row->forged;
        unsigned n = left < LAB_BATCH ? (unsigned)left : LAB_BATCH;
        forge(&l->forger, f, n);
        for (unsigned i = 0; l->cfg->spoil && i < n; i++)
            f[i].data[10] ^= 0xff;
        double t = lab_cpu();
        victim_rx(&l->victim, f, n, l->now);
        lab_answers(l);
        l->cpu += lab_cpu() - t;
        l->row->forged += n;
        if (!l->cfg->virtual && tern_clock_now().ns - l->now.ns > INT64_C(10) * STEP_NS)
            break; /* the clients' turn, although more is due */
    }
}

static void lab_clients(struct lab *l, uint32_t due)
{
    struct tern_frame f[LAB_BATCH];
    size_t n;
    lab_look(l);
    honest_turn(&l->honest, due, l->now);
    for (unsigned i = 0; i < 4; i++) {
        while ((n = honest_tx(&l->honest, f, l->now)) > 0)
            victim_rx(&l->victim, f, n, l->now);
        victim_serve(&l->victim, l->now);
        lab_answers(l);
        lab_look(l);
        honest_turn(&l->honest, due, l->now);
    }
}

static void lab_loop(struct lab *l)
{
    const struct lab_config *c = l->cfg;
    int64_t end = (int64_t)c->seconds * 1000000000, at = 0;
    while (at < end + GRACE_NS) {
        l->now = c->virtual ? (struct tern_time){l->now.ns + STEP_NS} : tern_clock_now();
        at = l->now.ns - l->zero.ns;
        double s = (double)(at < end ? at : end) * 1e-9;
        uint64_t due = (uint64_t)(s * c->rate);
        if (at < end)
            lab_flood(l, due);
        else if (l->row->offered == 0)
            l->row->offered = (double)l->row->forged / c->seconds;
        lab_clients(l, (uint32_t)(s * c->honest) + 1);
    }
}

static void lab_child(const struct lab_config *cfg, struct lab_row *row)
{
    struct lab *l = calloc(1, sizeof *l);
    if (!l) {
        why_set(row->why, "out of memory");
        row->failed = true;
        return;
    }
    l->cfg = cfg;
    l->row = row;
    l->zero = l->now = cfg->virtual ? (struct tern_time){1000000000} : tern_clock_now();
    forge_init(&l->forger, cfg->attack, cfg->seed);
    if (victim_open(&l->victim, cfg, l->now, row->why) < 0 ||
        honest_open(&l->honest, cfg, l->now, row->why) < 0) {
        row->failed = true;
        return;
    }
    int64_t before = used_resident(getpid());
    if (!cfg->virtual) /* that, and making the stacks, took some time */
        l->zero = l->now = tern_clock_now();
    l->honest.zero = l->zero.ns;
    lab_loop(l);
    row->grown = used_resident(getpid()) - before;
    honest_result(&l->honest, row);
    row->cpu_ns = row->forged ? l->cpu * 1e9 / (double)row->forged : 0;
    row->taken = row->forged;
    row->offloaded = -1;
    row->memory = l->victim.kernel ? LAB_NO_MEMORY : LAB_OWN;
}

void lab_run(const struct lab_config *cfg, struct lab_row *row)
{
    int fd[2], status = 0;
    row->failed = true;
    if (pipe(fd) < 0) {
        why_set(row->why, "pipe: %s", strerror(errno));
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        row->failed = false;
        if (cfg->victim != LAB_MEMORY)
            veth_row(cfg, row);
        else
            lab_child(cfg, row);
        _exit(write(fd[1], row, sizeof *row) == (ssize_t)sizeof *row ? 0 : 1);
    }
    (void)close(fd[1]);
    struct lab_row got;
    size_t have = 0;
    ssize_t n;
    while (pid > 0 && have < sizeof got &&
           (n = read(fd[0], (char *)&got + have, sizeof got - have)) > 0)
        have += (size_t)n;
    (void)close(fd[0]);
    if (pid > 0)
        (void)waitpid(pid, &status, 0);
    if (pid > 0 && have == sizeof got)
        *row = got;
    else
        why_set(row->why, "the row's process ended early (status 0x%x)", (unsigned)status);
}
