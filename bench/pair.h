/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/pair.h: two stacks joined by an in-process wire, on the caller's clock: what the in-memory
 * measurements share.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include <tern/loop.h>
#include <tern/port.h>
#include <tern/socket.h>

struct pair {
    struct tern_stack *st[2];
    struct tern_port *port[2];
    size_t ask[2]; /* frames to ask for: twice what was needed last time */
    struct tern_time now;
};

void pair_make(struct pair *p, const struct tern_config *cfg, uint16_t mtu, uint32_t gso_max);
void pair_free(struct pair *p);
/* Moves frames both ways until neither stack has anything to send. Returns frames moved. */
size_t pair_pump(struct pair *p);
/* Lets virtual time pass to the nearest deadline of the two (at most by `most_ms`). */
void pair_wait(struct pair *p, int64_t most_ms);
/* A listener at stack 1 port `port`, and the address of stack 1. */
struct tern_sock pair_listen(struct pair *p, uint16_t port, uint32_t backlog);
struct tern_endpoint pair_addr(int side, uint16_t port);
/* Connects from 0 to 1 and accepts; both handles. Ends the program on failure. */
void pair_connect(struct pair *p, struct tern_sock listener, uint16_t port, struct tern_sock *c,
                  struct tern_sock *s);
/* Octets of this process that are resident; ends the program if the kernel does not tell. */
double resident(void);
/* The i-th argument as a number, or `none` if there are fewer; ends the program on anything else.
 */
uint64_t number(int argc, char **argv, int i, uint64_t none);
void die(const char *what, int err) __attribute__((noreturn));

#endif
