/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/synflood.c: forged SYNs a second that one core answers, in memory, and what becomes of
 * honest clients meanwhile.
 *
 * A ring of forged frames is given to tern_rx() in batches of 64 and the answers are taken with
 * tern_tx(), as a link would. Between the batches an honest client (a stack of its own, wired to
 * the same server by frames) connects, again and again; each connect must succeed. The forger's own
 * work (rewriting source, ports and checksums in place) is measured alone and subtracted from
 * nothing: both figures are printed.
 *
 * Usage: synflood [SYNS [POLICY]], POLICY 0 = cookies on overflow, 1 = cookies always, 2 = drop, 3
 * = drop the oldest. Prints a line of words and figures; fails if memory grew or an honest connect
 * failed.
 */
#include "pair.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/inspect.h>
#include <time.h>
#include <unistd.h>

#define BATCH       64u
#define PORT        80u
#define FLOOD_IFACE 1
#define WARM        64u   /* honest connects that touch every frame of the wire's ring */
#define HONEST      4096u /* batches between two honest connects */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others may use this core too */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Memory of its own, in KB: the pages of shared libraries come and go as they like. */
static long resident_kb(void)
{
    char line[128];
    long kb = -1;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    while (f != NULL && kb < 0 && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "Anonymous:", 10) == 0)
            kb = strtol(line + 10, NULL, 10);
    if (kb < 0) {
        fprintf(stderr, "bench: /proc/self/smaps_rollup cannot be read\n");
        exit(1);
    }
    fclose(f);
    return kb;
}

static uint64_t random_state = 88172645463325252u;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint16_t fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static uint32_t add(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    return sum;
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

struct forger {
    uint8_t frame[BATCH][64];
    uint32_t ip_sum, tcp_sum; /* of what does not change */
    uint32_t len;
};

/* A SYN with the options of a Linux client: MSS, SACK, timestamps, window scale. */
static void forger_init(struct forger *f)
{
    static const uint8_t syn[60] = {
        0x45, 0, 0, 60,   0, 0, 0x40, 0,  64, 6, 0, 0, 0,    0, 0,    0,    10, 8, 0, 2,
        0,    0, 0, PORT, 0, 0, 0,    0,  0,  0, 0, 0, 0xa0, 2, 0xfa, 0xf0, 0,  0, 0, 0,
        2,    4, 5, 0xb4, 4, 2, 8,    10, 0,  1, 2, 3, 0,    0, 0,    0,    1,  3, 3, 7};
    f->len = sizeof syn;
    f->ip_sum = add(syn, 20);
    f->tcp_sum = add(syn + 20, 40) + add(syn + 16, 4) + 6 + 40;
    for (unsigned i = 0; i < BATCH; i++)
        memcpy(f->frame[i], syn, sizeof syn);
}

static void forge(struct forger *f, struct tern_frame *out)
{
    for (unsigned i = 0; i < BATCH; i++) {
        uint8_t *p = f->frame[i];
        uint64_t r = random64();
        uint8_t src[4] = {(uint8_t)(11 + r % 100), (uint8_t)(r >> 8), (uint8_t)(r >> 16),
                          (uint8_t)(r >> 24)};
        memcpy(p + 12, src, 4);
        put16(p + 20, (uint16_t)(1024 + (r >> 32) % 60000));
        put16(p + 24, (uint16_t)(r >> 40));
        put16(p + 26, (uint16_t)(r >> 48));
        uint32_t addr = add(p + 12, 4);
        put16(p + 10, fold(f->ip_sum + addr));
        put16(p + 36, fold(f->tcp_sum + addr + add(p + 20, 2) + add(p + 24, 4)));
        out[i] = (struct tern_frame){.data = p, .len = f->len, .cap = sizeof f->frame[i]};
    }
}

struct honest {
    uint64_t tried, done;
};

/* An honest client connects, says a word, and closes by RST; the flood's answers are in nobody's
 * way. */
static void connect_honestly(struct pair *p, struct tern_sock l, struct honest *h)
{
    struct tern_endpoint to = pair_addr(1, PORT);
    struct tern_sock c, s;
    struct tern_event ev;
    h->tried++;
    if (tern_tcp_connect(p->st[0], NULL, &to, &c, p->now) != 0)
        return;
    pair_pump(p);
    if (tern_tcp_accept(p->st[1], l, &s) == 0) {
        h->done++;
        tern_tcp_abort(p->st[1], s, p->now);
    }
    tern_tcp_abort(p->st[0], c, p->now);
    pair_pump(p);
    for (int i = 0; i < 2; i++)
        while (tern_event_next(p->st[i], &ev))
            ;
}

/* Takes all answers; returns how many. */
static uint64_t take(struct pair *p, uint8_t buf[BATCH][2048])
{
    uint64_t all = 0;
    size_t n;
    do {
        struct tern_frame f[BATCH];
        for (unsigned i = 0; i < BATCH; i++)
            f[i] = (struct tern_frame){.data = buf[i], .cap = 2048};
        n = tern_tx(p->st[1], FLOOD_IFACE, f, BATCH, p->now);
        all += n;
    } while (n == BATCH);
    return all;
}

/* The flood comes by an interface of its own (bare IP packets), to another address of the server.
 */
static void flood_iface(struct pair *p)
{
    struct tern_iface_config ic = {.link = TERN_LINK_IP, .mtu = 1500};
    ic.addr[0].addr = (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 8, 0, 2}};
    ic.addr[0].prefix = 24;
    int r = tern_iface_add(p->st[1], &ic);
    if (r != FLOOD_IFACE)
        die("iface", r);
}

static const char *policy_name(unsigned policy)
{
    static const char *const names[] = {"cookies=overflow", "cookies=always", "drop",
                                        "drop-oldest"};
    return policy < 4 ? names[policy] : "?";
}

static double forger_alone(struct forger *f, uint64_t batches)
{
    struct tern_frame frames[BATCH];
    double t0 = seconds();
    for (uint64_t i = 0; i < batches; i++)
        forge(f, frames);
    return (seconds() - t0) / (double)(batches * BATCH) * 1e9;
}

int main(int argc, char **argv)
{
    static struct forger f;
    static uint8_t buf[BATCH][2048];
    uint64_t batches = number(argc, argv, 1, 20000000) / BATCH;
    unsigned policy = (unsigned)number(argc, argv, 2, TERN_SYN_COOKIES_ALWAYS);
    struct tern_config cfg;
    struct pair p;
    struct honest h = {0};
    tern_config_init(&cfg);
    pair_make(&p, &cfg, 1500, 0);
    struct tern_sock l = pair_listen(&p, PORT, 1024);
    struct tern_listener_policy pol;
    tern_listener_policy_get(p.st[1], l, &pol);
    pol.policy = (uint8_t)policy;
    if (tern_listener_policy(p.st[1], l, &pol) != 0)
        die("policy", TERN_EINVAL);
    flood_iface(&p);
    forger_init(&f);
    double alone = forger_alone(&f, batches / 8 + 1);
    for (unsigned i = 0; i < WARM; i++)
        connect_honestly(&p, l, &h);
    long before = resident_kb(); /* once for its own buffers */
    uint64_t answers = 0;
    double t0 = seconds(), spent = 0;
    for (uint64_t i = 0; i < batches; i++) {
        struct tern_frame frames[BATCH];
        forge(&f, frames);
        tern_rx(p.st[1], FLOOD_IFACE, frames, BATCH, p.now);
        answers += take(&p, buf);
        if (i % HONEST == HONEST - 1) {
            double pause = seconds();
            connect_honestly(&p, l, &h);
            tern_tick(p.st[1], p.now);
            spent += seconds() - pause;
        }
        if (i == batches / 2)
            before = resident_kb();
        p.now.ns += (int64_t)BATCH * 1000; /* as if a million came a second */
    }
    double t = seconds() - t0 - spent;
    long grown = resident_kb() - before;
    struct tern_syn_stats st;
    tern_syn_stats(p.st[1], &st, p.now);
    double n = (double)(batches * BATCH);
    printf(
        "%s: %.2f million SYNs a second, %.0f ns each (%.0f ns of it forging), %.1f %% answered, "
        "honest %llu of %llu, memory grew by %ld KB, verdict %s\n",
        policy_name(policy), n / t / 1e6, t / n * 1e9, alone, 100.0 * (double)answers / n,
        (unsigned long long)h.done, (unsigned long long)h.tried, grown,
        tern_syn_verdict_name(st.verdict));
    bool cookies = policy <= TERN_SYN_COOKIES_ALWAYS;
    pair_free(&p);
    if (grown > 16 || (cookies && h.done != h.tried)) {
        fprintf(stderr, "synflood: memory grew, or an honest connect failed\n");
        return 1;
    }
    return 0;
}
