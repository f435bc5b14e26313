/* SPDX-License-Identifier: BSD-2-Clause */
/* bench/pair.c: see pair.h. Addresses: 10.9.0.1 and 10.9.0.2. */
#include "pair.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 64

void die(const char *what, int err)
{
    fprintf(stderr, "bench: %s: %s\n", what, tern_strerror(err));
    exit(1);
}

double resident(void)
{
    char line[128], *end = line;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fgets(line, sizeof line, f) == NULL) {
        fprintf(stderr, "bench: /proc/self/statm cannot be read\n");
        exit(1);
    }
    fclose(f);
    (void)strtol(line, &end, 10); /* the first number is the size of the address space */
    return (double)strtol(end, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

uint64_t number(int argc, char **argv, int i, uint64_t none)
{
    if (i >= argc)
        return none;
    char *end;
    unsigned long long v = strtoull(argv[i], &end, 10);
    if (end == argv[i] || *end != '\0') {
        fprintf(stderr, "bench: '%s': not a number\n", argv[i]);
        exit(2);
    }
    return v;
}

struct tern_endpoint pair_addr(int side, uint16_t port)
{
    struct tern_endpoint e = {.addr = {.fam = TERN_AF_IP4, .b = {10, 9, 0, (uint8_t)(side + 1)}},
                              .port = port};
    return e;
}

void pair_make(struct pair *p, const struct tern_config *cfg, uint16_t mtu, uint32_t gso_max)
{
    char why[TERN_WHY];
    memset(p, 0, sizeof *p);
    p->now.ns = 1000000000;
    p->ask[0] = p->ask[1] = BATCH;
    if (tern_wire_new(mtu, gso_max, gso_max != 0 ? 16 : 64, &p->port[0], &p->port[1], why) != 0) {
        fprintf(stderr, "bench: %s\n", why);
        exit(1);
    }
    for (int i = 0; i < 2; i++) {
        struct tern_config c = *cfg;
        tern_seed_from(c.seed, (uint64_t)i + 1);
        c.cpu = tern_cpu_features();
        p->st[i] = tern_stack_new(&c, p->now, why);
        if (p->st[i] == NULL) {
            fprintf(stderr, "bench: %s\n", why);
            exit(1);
        }
        struct tern_iface_config ic = {.link = p->port[i]->link,
                                       .mac = {2, 0, 0, 0, 0, (uint8_t)(i + 1)},
                                       .mtu = mtu,
                                       .gso_max = gso_max,
                                       .tx_csum = false};
        ic.addr[0].addr = pair_addr(i, 0).addr;
        ic.addr[0].prefix = 24;
        int r = tern_iface_add(p->st[i], &ic);
        if (r < 0)
            die("iface", r);
    }
}

void pair_free(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        tern_stack_free(p->st[i]);
        p->port[i]->ops->close(p->port[i]);
    }
}

static size_t one_way(struct pair *p, int i)
{
    struct tern_frame f[BATCH];
    size_t n = 0;
    if (tern_tx_pending(p->st[i], 0)) {
        size_t room = p->port[i]->ops->tx_get(p->port[i], f, p->ask[i], p->now);
        n = tern_tx(p->st[i], 0, f, room, p->now);
        p->ask[i] = n * 2 < 2 ? 2 : n * 2 > BATCH ? BATCH : n * 2;
        p->port[i]->ops->tx_put(p->port[i], f, n, p->now);
    }
    n = p->port[!i]->ops->rx(p->port[!i], f, BATCH, p->now);
    if (n != 0)
        tern_rx(p->st[!i], 0, f, n, p->now);
    return n;
}

size_t pair_pump(struct pair *p)
{
    size_t all = 0, n;
    do {
        n = one_way(p, 0) + one_way(p, 1);
        all += n;
    } while (n != 0);
    return all;
}

void pair_wait(struct pair *p, int64_t most_ms)
{
    struct tern_time d = {p->now.ns + most_ms * 1000000};
    for (int i = 0; i < 2; i++) {
        struct tern_time e = tern_deadline(p->st[i]);
        if (e.ns < d.ns)
            d = e;
    }
    if (d.ns > p->now.ns)
        p->now = d;
    for (int i = 0; i < 2; i++)
        tern_tick(p->st[i], p->now);
    pair_pump(p);
}

struct tern_sock pair_listen(struct pair *p, uint16_t port, uint32_t backlog)
{
    struct tern_endpoint at = {.port = port};
    struct tern_sock s;
    int r = tern_tcp_listen(p->st[1], &at, backlog, 0, &s);
    if (r != 0)
        die("listen", r);
    return s;
}

void pair_connect(struct pair *p, struct tern_sock l, uint16_t port, struct tern_sock *c,
                  struct tern_sock *s)
{
    struct tern_endpoint to = pair_addr(1, port);
    int r = tern_tcp_connect(p->st[0], NULL, &to, c, p->now);
    if (r != 0)
        die("connect", r);
    pair_pump(p);
    r = tern_tcp_accept(p->st[1], l, s);
    if (r != 0)
        die("accept", r);
}
