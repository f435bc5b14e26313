/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/bulk.c: bulk transfer through two stacks in one thread: the sender's copy, both checksums
 * and the receiver's copy included. Usage: bulk [MTU] [GSO_MAX] [MBYTES]. Prints Gbit/s of payload.
 */
#include "pair.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK (128 * 1024)

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    uint16_t mtu = (uint16_t)number(argc, argv, 1, 1500);
    uint32_t gso = (uint32_t)number(argc, argv, 2, 0);
    uint64_t total = number(argc, argv, 3, 1000) * 1000000;
    struct tern_config cfg;
    struct pair p;
    struct tern_sock l, c, s;
    static uint8_t buf[CHUNK], sink[CHUNK];
    tern_config_init(&cfg);
    cfg.sndbuf = cfg.rcvbuf = 256 * 1024;
    pair_make(&p, &cfg, mtu, gso);
    l = pair_listen(&p, 80, 16);
    pair_connect(&p, l, 80, &c, &s);
    memset(buf, 'x', sizeof buf);
    uint64_t sent = 0, got = 0, frames = 0;
    double t0 = seconds();
    while (got < total) {
        int64_t n = tern_tcp_send(p.st[0], c, buf, sizeof buf, 0, p.now);
        if (n > 0)
            sent += (uint64_t)n;
        size_t moved = pair_pump(&p);
        frames += moved;
        int64_t had = 0;
        while ((n = tern_tcp_recv(p.st[1], s, sink, sizeof sink, p.now)) > 0)
            had += n;
        got += (uint64_t)had;
        p.now.ns += 1000;
        if (moved == 0 && had == 0)
            pair_wait(&p, 1000);
    }
    double t = seconds() - t0;
    printf("mtu %u gso %u: %.1f Gbit/s, %.0f ns a frame, %llu frames, %.2f s\n", mtu, gso,
           (double)got * 8 / t / 1e9, t * 1e9 / (double)frames, (unsigned long long)frames, t);
    (void)sent;
    pair_free(&p);
    return 0;
}
