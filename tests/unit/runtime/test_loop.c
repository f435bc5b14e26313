/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop with timers and descriptors, then with two stacks on a wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tern/config.h>
#include <tern/loop.h>
#include <tern/socket.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct tern_loop *lp;
static char order[16];

static int set_up(void **state)
{
    (void)state;
    char why[TERN_WHY];
    lp = tern_loop_new(20, why);
    order[0] = '\0';
    return lp ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tern_loop_free(lp);
    return 0;
}

static void stop(void *ctx)
{
    (void)ctx;
    tern_loop_stop(lp);
}

static void append(void *ctx)
{
    size_t n = strlen(order);
    (void)snprintf(order + n, sizeof order - n, "%s", (const char *)ctx);
}

static struct tern_time in_us(int64_t us)
{
    return (struct tern_time){tern_loop_now(lp).ns + us * 1000};
}

static void timers_fire_in_order(void **state)
{
    (void)state;
    char a[] = "a", b[] = "b", c[] = "c", d[] = "d";
    struct tern_loop_timer ta = {.cb = append, .ctx = a}, tb = {.cb = append, .ctx = b},
                           tc = {.cb = append, .ctx = c}, td = {.cb = append, .ctx = d},
                           end = {.cb = stop};
    tern_loop_timer_set(lp, &end, in_us(5000));
    tern_loop_timer_set(lp, &tc, in_us(3000));
    tern_loop_timer_set(lp, &ta, in_us(9000));
    tern_loop_timer_set(lp, &tb, in_us(2000));
    tern_loop_timer_set(lp, &td, in_us(2500));
    tern_loop_timer_set(lp, &ta, in_us(1000)); /* re-armed: replaces */
    tern_loop_timer_stop(lp, &td);
    tern_loop_timer_stop(lp, &td);
    struct tern_time due = end.at;
    assert_int_equal(tern_loop_run(lp), 0);
    assert_string_equal(order, "abc");
    assert_true(tern_loop_now(lp).ns >= due.ns);
    assert_false(ta.armed || tb.armed || tc.armed || td.armed || end.armed);
}

static struct tern_loop_timer again;
static unsigned left;

static void rearm(void *ctx)
{
    (void)ctx;
    if (--left == 0)
        tern_loop_stop(lp);
    else
        tern_loop_timer_set(lp, &again, tern_loop_now(lp));
}

/* A timer that is always due does not keep the loop from its descriptors. */
static void a_busy_timer_does_not_starve(void **state)
{
    (void)state;
    left = 50;
    again = (struct tern_loop_timer){.cb = rearm};
    tern_loop_timer_set(lp, &again, tern_loop_now(lp));
    assert_int_equal(tern_loop_run(lp), 0);
    assert_int_equal(left, 0);
}

static int pipes[2][2];

static void on_pipe(void *ctx, int fd, uint32_t events)
{
    assert_true(events & EPOLLIN);
    char ch;
    assert_int_equal(read(fd, &ch, 1), 1);
    append(ctx);
    /* The other's event has been fetched with this one: it must not come any more. */
    tern_loop_unwatch(lp, pipes[0][0]);
    tern_loop_unwatch(lp, pipes[1][0]);
}

static void a_callback_may_remove_any_watch(void **state)
{
    (void)state;
    char x[] = "x";
    struct tern_loop_timer end = {.cb = stop};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        assert_int_equal(write(pipes[i][1], "z", 1), 1);
        assert_int_equal(tern_loop_watch(lp, pipes[i][0], EPOLLIN, on_pipe, x), 0);
    }
    tern_loop_timer_set(lp, &end, in_us(2000));
    assert_int_equal(tern_loop_run(lp), 0);
    assert_string_equal(order, "x");
    for (int i = 0; i < 4; i++)
        (void)close(pipes[i / 2][i % 2]);
}

/* ---- two stacks ---- */

#define TOTAL (8u << 20)

struct side {
    struct tern_stack *st;
    struct tern_sock sock;
    uint64_t done, bad;
    bool server, fin, connected;
};

static struct side side[2];

static void side_send(struct side *s)
{
    while (s->done < TOTAL) {
        uint8_t *p;
        size_t n;
        if (tern_tcp_send_space(s->st, s->sock, 65536, &p, &n) != 0)
            return;
        if (n > TOTAL - s->done)
            n = TOTAL - s->done;
        for (size_t i = 0; i < n; i++)
            p[i] = (uint8_t)((s->done + i) * 31 >> 3);
        assert_int_equal(tern_tcp_send_commit(s->st, s->sock, n, 0, tern_loop_now(lp)), 0);
        s->done += n;
    }
    if (!s->fin) {
        s->fin = true;
        assert_int_equal(tern_tcp_shutdown(s->st, s->sock, tern_loop_now(lp)), 0);
    }
}

static void side_recv(struct side *s)
{
    const uint8_t *p;
    size_t n;
    int r;
    while ((r = tern_tcp_recv_data(s->st, s->sock, &p, &n)) == 1) {
        for (size_t i = 0; i < n; i++)
            s->bad += p[i] != (uint8_t)((s->done + i) * 31 >> 3);
        s->done += n;
        assert_int_equal(tern_tcp_recv_consume(s->st, s->sock, n, tern_loop_now(lp)), 0);
    }
    if (r == 0) {
        s->fin = true;
        tern_loop_stop(lp);
    }
}

static void on_event(void *ctx, const struct tern_event *ev)
{
    struct side *s = ctx;
    if (s->server) {
        if (ev->bits & TERN_EV_ACCEPT)
            assert_int_equal(tern_tcp_accept(s->st, ev->sock, &s->sock), 0);
        if (s->sock.id)
            side_recv(s);
        return;
    }
    assert_int_equal(ev->err, 0);
    s->connected |= (ev->bits & TERN_EV_CONNECTED) != 0;
    if (s->connected)
        side_send(s);
}

static struct tern_endpoint at(uint8_t host, uint16_t port)
{
    return (struct tern_endpoint){.addr = {.fam = TERN_AF_IP4, .b = {10, 0, 0, host}},
                                  .port = port};
}

static struct tern_stack *stack_on(struct tern_port *port, uint8_t host, struct side *s)
{
    struct tern_config cfg;
    char why[TERN_WHY] = "";
    tern_config_init(&cfg);
    tern_seed_from(cfg.seed, host);
    struct tern_stack *st = tern_stack_new(&cfg, tern_loop_now(lp), why);
    if (!st)
        fail_msg("%s", why);
    struct tern_iface_config ic = {.link = port->link,
                                   .mac = {2, 0, 0, 0, 0, host},
                                   .tx_csum = port->tx_csum,
                                   .mtu = port->mtu,
                                   .gso_max = port->gso_max,
                                   .addr = {{at(host, 0).addr, 24}}};
    assert_int_equal(tern_iface_add(st, &ic), 0);
    assert_int_equal(tern_loop_attach(lp, st, 0, port, on_event, s, why), 0);
    *s = (struct side){.st = st};
    return st;
}

/* The loop goes before its stack; another one is there for tear_down. */
static void loop_over(struct tern_stack *st)
{
    char why[TERN_WHY];
    tern_loop_free(lp);
    lp = tern_loop_new(0, why);
    tern_stack_free(st);
}

static void transfer(uint32_t gso_max, const struct tern_impair_config *bad)
{
    struct tern_port *a, *b;
    char why[TERN_WHY] = "";
    assert_int_equal(tern_wire_new(1500, gso_max, 256, &a, &b, why), 0);
    if (bad)
        assert_int_equal(tern_impair_new(a, bad, bad, &a, why), 0);
    struct tern_stack *sa = stack_on(a, 1, &side[0]), *sb = stack_on(b, 2, &side[1]);
    side[1].server = true;
    struct tern_sock ls;
    struct tern_endpoint here = at(2, 80);
    assert_int_equal(tern_tcp_listen(sb, &here, 8, 0, &ls), 0);
    assert_int_equal(tern_tcp_connect(sa, NULL, &here, &side[0].sock, tern_loop_now(lp)), 0);
    assert_int_equal(tern_loop_run(lp), 0);
    assert_int_equal(side[1].done, TOTAL);
    assert_int_equal(side[1].bad, 0);
    tern_loop_free(lp);
    lp = NULL;
    tern_stack_free(sa);
    tern_stack_free(sb);
}

/* ---- a link that was removed ---- */

static unsigned gone_looked;
static int gone_fd[2];

static size_t gone_rx(struct tern_port *self, struct tern_frame *f, size_t n, struct tern_time now)
{
    (void)self, (void)f, (void)n, (void)now;
    gone_looked++;
    return 0;
}

static size_t gone_tx_get(struct tern_port *self, struct tern_frame *f, size_t n,
                          struct tern_time now)
{
    (void)self, (void)f, (void)n, (void)now;
    return 0;
}

static void gone_tx_put(struct tern_port *self, struct tern_frame *f, size_t n,
                        struct tern_time now)
{
    (void)self, (void)f, (void)n, (void)now;
}

static struct tern_time gone_deadline(const struct tern_port *self)
{
    (void)self;
    return TERN_NEVER;
}

static int gone_get_fd(const struct tern_port *self)
{
    (void)self;
    return gone_fd[1];
}

static void gone_close(struct tern_port *self)
{
    (void)self;
    (void)close(gone_fd[1]);
}

/* The writing end of a pipe without a reader tells nothing but EPOLLERR, for ever, as a deleted TAP
 * does: the loop sleeps nevertheless. */
static void a_removed_link_does_not_keep_it_busy(void **state)
{
    (void)state;
    static const struct tern_port_ops ops = {.name = "gone",
                                             .rx = gone_rx,
                                             .tx_get = gone_tx_get,
                                             .tx_put = gone_tx_put,
                                             .deadline = gone_deadline,
                                             .fd = gone_get_fd,
                                             .close = gone_close};
    static struct tern_port port = {.ops = &ops, .link = TERN_LINK_IP, .mtu = 1500};
    struct tern_loop_timer end = {.cb = stop};
    assert_int_equal(pipe(gone_fd), 0);
    struct tern_stack *st = stack_on(&port, 1, &side[0]);
    (void)close(gone_fd[0]);
    gone_looked = 0;
    tern_loop_timer_set(lp, &end, in_us(50000));
    assert_int_equal(tern_loop_run(lp), 0);
    assert_true(gone_looked < 20); /* it was many thousand */
    loop_over(st);
}

/* ---- links that go on ---- */

static int crowd_fd(const struct tern_port *self)
{
    (void)self;
    return -1;
}

static void crowd_close(struct tern_port *self)
{
    (void)self;
}

#define GIVEN 40u /* batches of one pump: more than after which links are no longer watched */

static struct {
    int fd, other;   /* the link's; what makes it readable */
    unsigned left;   /* batches that the link still has */
    bool sent, seen; /* something was sent; and the link was looked at because of it */
    unsigned looks;  /* since then: the first is of the same turn */
} on;

static size_t on_rx(struct tern_port *self, struct tern_frame *f, size_t n, struct tern_time now)
{
    static uint8_t data[40]; /* no IP packet */
    (void)self;
    if (on.sent && ++on.looks == 2) {
        on.seen = true;
        tern_loop_stop(lp);
    }
    if (on.left == 0)
        return 0;
    on.left--;
    for (size_t i = 0; i < n; i++)
        f[i] = (struct tern_frame){.data = data, .len = sizeof data, .time = now};
    return n;
}

static int on_get_fd(const struct tern_port *self)
{
    (void)self;
    return on.fd;
}

static void on_send(void *ctx)
{
    (void)ctx;
    assert_int_equal(send(on.other, "x", 1, 0), 1);
    on.sent = true;
}

/* The loop runs until the link has been looked at because of what came in; the timer at the end is
 * for a loop that never hears of it. */
static void on_goes_on(void)
{
    static const struct tern_port_ops ops = {.name = "on",
                                             .rx = on_rx,
                                             .tx_get = gone_tx_get,
                                             .tx_put = gone_tx_put,
                                             .deadline = gone_deadline,
                                             .fd = crowd_fd,
                                             .fd2 = on_get_fd,
                                             .close = crowd_close};
    static struct tern_port port = {.ops = &ops, .link = TERN_LINK_IP, .mtu = 1500};
    struct tern_loop_timer later = {.cb = on_send}, end = {.cb = stop};
    struct tern_stack *st = stack_on(&port, 1, &side[0]);
    tern_loop_timer_set(lp, &later, in_us(20000));
    tern_loop_timer_set(lp, &end, in_us(20000000));
    assert_int_equal(tern_loop_run(lp), 0);
    assert_int_equal(on.left, 0);
    assert_true(on.seen);
    loop_over(st);
    (void)close(on.fd);
    (void)close(on.other);
    memset(&on, 0, sizeof on);
}

/* While a crowd is worked off the link is not watched; afterwards it is. */
static void a_link_is_watched_again_after_a_crowd(void **state)
{
    int fd[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
    on.fd = fd[0];
    on.other = fd[1];
    on.left = GIVEN;
    on_goes_on();
}

/* A socket's error that is told once (nobody hears at the other end) is not the link's end. */
static void an_error_that_is_told_once_is_not_the_end(void **state)
{
    struct sockaddr_in at[2] = {{.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)},
                                {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)}};
    (void)state;
    on.fd = socket(AF_INET, SOCK_DGRAM, 0);
    on.other = socket(AF_INET, SOCK_DGRAM, 0);
    int fd[2] = {on.fd, on.other};
    for (unsigned i = 0; i < 2; i++) {
        socklen_t len = sizeof at[i];
        assert_int_equal(bind(fd[i], (struct sockaddr *)&at[i], len), 0);
        assert_int_equal(getsockname(fd[i], (struct sockaddr *)&at[i], &len), 0);
    }
    assert_int_equal(connect(on.fd, (struct sockaddr *)&at[1], sizeof at[1]), 0);
    (void)close(on.other); /* so that what is sent there is refused */
    assert_int_equal(send(on.fd, "x", 1, 0), 1);
    struct pollfd p = {.fd = on.fd, .events = 0};
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_int_equal(p.revents, POLLERR);
    on.other = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(on.other, (struct sockaddr *)&at[1], sizeof at[1]), 0);
    assert_int_equal(connect(on.other, (struct sockaddr *)&at[0], sizeof at[0]), 0);
    on_goes_on();
}

/* ---- somebody who answers SYNs ---- */

static struct tern_syn_offload *answered;
static int64_t first_alive;

static struct tern_syn_offload *answerer(struct tern_port *self)
{
    (void)self;
    return answered;
}

/* What is shared has been brought up to date since the link was attached. */
static void stop_when_synced(void *ctx)
{
    (void)ctx;
    if (answered->alive_ns > first_alive)
        tern_loop_stop(lp);
}

/* The loop begins it, looks after it, and ends it. */
static void an_answerer_is_looked_after(void **state)
{
    (void)state;
    static const struct tern_port_ops ops = {.name = "answerer",
                                             .rx = gone_rx,
                                             .tx_get = gone_tx_get,
                                             .tx_put = gone_tx_put,
                                             .deadline = gone_deadline,
                                             .fd = crowd_fd,
                                             .offload = answerer,
                                             .close = crowd_close};
    static struct tern_port port = {.ops = &ops, .link = TERN_LINK_ETHER, .mtu = 1500};
    struct tern_loop_timer end = {.cb = stop};
    answered = aligned_alloc(64, sizeof *answered);
    assert_non_null(answered);
    memset(answered, 0, sizeof *answered);
    struct tern_stack *st = stack_on(&port, 1, &side[0]);
    first_alive = answered->alive_ns;
    assert_true(first_alive > tern_loop_now(lp).ns);
    tern_loop_on_turn(lp, stop_when_synced, NULL);
    tern_loop_timer_set(lp, &end, in_us(60000000));
    assert_int_equal(tern_loop_run(lp), 0);
    assert_true(answered->alive_ns > first_alive);
    loop_over(st);
    assert_int_equal(answered->alive_ns, 0);
    free(answered);
}

/* ---- polling before sleep ---- */

#define CROWD_OF 32u
#define SPIN_US  200000u
#define BUSY_NS  100000000 /* half of that */

static size_t crowd_rx(struct tern_port *self, struct tern_frame *f, size_t n, struct tern_time now)
{
    static uint8_t data[CROWD_OF][40]; /* no IP packets: they cost nothing and change nothing */
    (void)self;
    if (gone_looked++ > 0)
        return 0;
    assert_true(n >= CROWD_OF);
    for (unsigned i = 0; i < CROWD_OF; i++)
        f[i] = (struct tern_frame){.data = data[i], .len = sizeof data[i], .time = now};
    return CROWD_OF;
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* After many short frames at once the loop sleeps, however long it would poll otherwise. */
static void a_crowd_is_not_polled_for(void **state)
{
    (void)state;
    static const struct tern_port_ops ops = {.name = "crowd",
                                             .rx = crowd_rx,
                                             .tx_get = gone_tx_get,
                                             .tx_put = gone_tx_put,
                                             .deadline = gone_deadline,
                                             .fd = crowd_fd,
                                             .close = crowd_close};
    static struct tern_port port = {.ops = &ops, .link = TERN_LINK_IP, .mtu = 1500};
    struct tern_loop_timer end = {.cb = stop};
    char why[TERN_WHY];
    tern_loop_free(lp);
    lp = tern_loop_new(SPIN_US, why);
    assert_non_null(lp);
    struct tern_stack *st = stack_on(&port, 1, &side[0]);
    gone_looked = 0;
    tern_loop_timer_set(lp, &end, in_us(SPIN_US));
    int64_t before = cpu_ns();
    assert_int_equal(tern_loop_run(lp), 0);
    assert_true(cpu_ns() - before < BUSY_NS);
    assert_true(gone_looked > 1);
    loop_over(st);
}

/* On one CPU whoever is waited for needs it. */
static void one_cpu_is_left_to_others(void **state)
{
    struct tern_loop_timer end = {.cb = stop};
    cpu_set_t all, one;
    char why[TERN_WHY];
    (void)state;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    tern_loop_free(lp);
    lp = tern_loop_new(SPIN_US, why);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_non_null(lp);
    tern_loop_timer_set(lp, &end, in_us(SPIN_US));
    int64_t before = cpu_ns();
    assert_int_equal(tern_loop_run(lp), 0);
    assert_true(cpu_ns() - before < BUSY_NS);
}

static void two_stacks_at_mtu(void **state)
{
    (void)state;
    transfer(0, NULL);
}

static void two_stacks_with_super_segments(void **state)
{
    (void)state;
    transfer(65535, NULL);
}

static void two_stacks_on_a_slow_wire(void **state)
{
    (void)state;
    struct tern_impair_config bad = {.delay_us = 500, .rate_bps = 4000000000u};
    transfer(65535, &bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_busy_timer_does_not_starve, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_callback_may_remove_any_watch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_removed_link_does_not_keep_it_busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_is_watched_again_after_a_crowd, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_error_that_is_told_once_is_not_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_answerer_is_looked_after, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_is_not_polled_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_cpu_is_left_to_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_stacks_at_mtu, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_stacks_with_super_segments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_stacks_on_a_slow_wire, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
