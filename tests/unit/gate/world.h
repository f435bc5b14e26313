/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of the gateway's tests: a guest's stack and the gateway's on a wire, one loop, and the
 * host's sockets in a network namespace of the test's own (nothing but a loopback), so that ports
 * are free and no packet leaves. Where a namespace cannot be made the tests are skipped.
 *
 * Nothing waits for a time: world_until() runs the loop until a condition holds, and fails after
 * five seconds.
 */
#ifndef TEST_GATE_WORLD_H
#define TEST_GATE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate/gate.h"
#include <tern/config.h>
#include <tern/inspect.h>
#include <tern/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define IP(i, j, k, l) ((struct tern_addr){.fam = TERN_AF_IP4, .b = {i, j, k, l}})
#define GUEST          IP(10, 0, 2, 15)
#define SELF           IP(10, 0, 2, 2)

struct world {
    struct tern_loop *lp;
    struct tern_stack *a, *b;
    struct gate *g;
    struct gate_config cfg;
    uint32_t bits; /* events of the guest's stack since the last world_connect() */
    int32_t err;
    bool (*done)(void);
    bool late;
    const char *record; /* a capture of the guest's end, if set */
};

static struct world w;
static struct tern_loop_timer world_tick;
static unsigned world_ticks;

static inline void world_guest_event(void *ctx, const struct tern_event *ev)
{
    (void)ctx;
    w.bits |= ev->bits;
    if (ev->bits & TERN_EV_CLOSED)
        w.err = ev->err;
}

static inline struct tern_time world_now(void)
{
    return tern_loop_now(w.lp);
}

static inline struct tern_stack *world_stack(struct tern_port *port, struct tern_addr addr,
                                             bool any)
{
    struct tern_config cfg;
    char why[TERN_WHY] = "";
    tern_config_init(&cfg);
    tern_seed_from(cfg.seed, addr.b[3]);
    cfg.sndbuf = cfg.rcvbuf = 256 << 10;
    cfg.syn_retries = 1; /* a guest that gets no answer gives up soon */
    cfg.rto_min_us = cfg.rto_initial_us = 50000;
    struct tern_stack *st = tern_stack_new(&cfg, world_now(), why);
    if (!st)
        fail_msg("%s", why);
    struct tern_iface_config ic = {.link = port->link,
                                   .mac = {2, 0, 0, 0, 0, addr.b[3]},
                                   .tx_csum = port->tx_csum,
                                   .any_addr = any,
                                   .mtu = port->mtu,
                                   .gso_max = port->gso_max,
                                   .addr = {{addr, 24}}};
    if (!any)
        ic.gateway = SELF;
    assert_int_equal(tern_iface_add(st, &ic), 0);
    return st;
}

static inline void world_turn(void *ctx)
{
    (void)ctx;
    if (w.done && w.done())
        tern_loop_stop(w.lp);
}

/* Settings may be put into w.cfg before; gate_start()'s result. */
static inline int world_open(char *why)
{
    struct tern_port *pa, *pb;
    w.lp = tern_loop_new(0, why);
    assert_non_null(w.lp);
    tern_loop_on_turn(w.lp, world_turn, NULL);
    assert_int_equal(tern_wire_new(1500, 65535, 64, &pa, &pb, why), 0);
    if (w.record)
        assert_int_equal(tern_record_new(pa, w.record, &pa, why), 0);
    w.a = world_stack(pa, GUEST, false);
    w.b = world_stack(pb, SELF, true);
    w.cfg.loop = w.lp;
    w.cfg.st = w.b;
    w.cfg.self = SELF;
    w.cfg.guest = GUEST;
    int r = gate_start(&w.cfg, &w.g, why);
    assert_int_equal(tern_loop_attach(w.lp, w.a, 0, pa, world_guest_event, NULL, why), 0);
    assert_int_equal(tern_loop_attach(w.lp, w.b, 0, pb, r ? NULL : gate_on_event, w.g, why), 0);
    return r;
}

static inline int world_set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    memset(&world_tick, 0, sizeof world_tick);
    return 0;
}

static inline int world_tear_down(void **state)
{
    (void)state;
    gate_free(w.g);
    tern_loop_free(w.lp);
    tern_stack_free(w.a);
    tern_stack_free(w.b);
    return 0;
}

static inline void world_on_tick(void *ctx)
{
    (void)ctx;
    w.late = ++world_ticks > 5000;
    if (w.late || w.done())
        tern_loop_stop(w.lp);
    else
        tern_loop_timer_set(w.lp, &world_tick, (struct tern_time){world_now().ns + 1000000});
}

/* Runs the loop until done() holds. */
#define world_until(cond)                                                                          \
    do {                                                                                           \
        world_run(cond);                                                                           \
        if (w.late)                                                                                \
            fail_msg("%s:%d: %s does not come true", __FILE__, __LINE__, #cond);                   \
    } while (0)

static inline void world_run(bool (*done)(void))
{
    w.done = done;
    w.late = false;
    world_ticks = 0;
    world_tick.cb = world_on_tick;
    tern_loop_timer_set(w.lp, &world_tick, world_now());
    assert_int_equal(tern_loop_run(w.lp), 0);
    tern_loop_timer_stop(w.lp, &world_tick);
}

static inline struct gate_counts world_counts(void)
{
    struct gate_counts c;
    gate_counts(w.g, &c);
    return c;
}

static inline struct tern_sock world_connect(struct tern_addr to, uint16_t port)
{
    struct tern_endpoint ep = {.addr = to, .port = port};
    struct tern_sock s;
    w.bits = 0;
    w.err = 0;
    assert_int_equal(tern_tcp_connect(w.a, NULL, &ep, &s, world_now()), 0);
    return s;
}

/* ---- the host's sockets ---- */

static inline struct sockaddr_in host_sa(const char *addr, uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, addr, &sa.sin_addr), 1);
    return sa;
}

/* A non-blocking socket bound to addr:*port (0 = any, and set). */
static inline int host_bound(int type, const char *addr, uint16_t *port, int backlog)
{
    struct sockaddr_in sa = host_sa(addr, *port);
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    *port = ntohs(sa.sin_port);
    return fd;
}

static inline bool fd_ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, 0) == 1 && (p.revents & (events | POLLERR | POLLHUP));
}

/* ---- the namespace ---- */

static inline bool put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* A loopback of our own with 10.77.0.1 beside 127.0.0.1; false where that is not allowed. */
static inline bool world_namespace(void)
{
    char map[64];
    unsigned uid = getuid(), gid = getgid();
    if (unshare(CLONE_NEWNET) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
            return false;
        (void)snprintf(map, sizeof map, "0 %u 1", uid);
        (void)put_file("/proc/self/uid_map", map);
        (void)put_file("/proc/self/setgroups", "deny");
        (void)snprintf(map, sizeof map, "0 %u 1", gid);
        (void)put_file("/proc/self/gid_map", map);
    }
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    bool ok = s >= 0 && ioctl(s, SIOCSIFFLAGS, &ifr) == 0;
    struct sockaddr_in sa = host_sa("10.77.0.1", 0);
    memset(&ifr, 0, sizeof ifr);
    memcpy(ifr.ifr_name, "lo:1", 5);
    memcpy(&ifr.ifr_addr, &sa, sizeof sa);
    ok = ok && ioctl(s, SIOCSIFADDR, &ifr) == 0;
    if (s >= 0)
        (void)close(s);
    return ok;
}

#endif
