/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams and pings through the gateway: dgram.c, ping.c and the UDP half of forward.c. */
#include "world.h"

#define PING_RANGE "/proc/sys/net/ipv4/ping_group_range"

static int hfd = -1; /* the host's UDP socket */
static uint16_t port;
static struct tern_sock gs; /* the guest's */
static int64_t got;
static uint8_t buf[2048];
static struct tern_endpoint from;

static int shut_down(void **state)
{
    if (hfd >= 0)
        (void)close(hfd);
    hfd = -1;
    return world_tear_down(state);
}

static bool host_readable(void)
{
    return fd_ready(hfd, POLLIN);
}
static bool guest_received(void)
{
    got = tern_udp_recvfrom(w.a, gs, buf, sizeof buf, &from, NULL);
    return got != TERN_EAGAIN;
}

static void open_world(void)
{
    char why[TERN_WHY] = "";
    if (world_open(why) != 0)
        fail_msg("%s", why);
}

static void guest_port(uint16_t p)
{
    const struct tern_endpoint at = {.addr = GUEST, .port = p};
    assert_int_equal(tern_udp_open(w.a, &at, 0, &gs), 0);
}

static void guest_sends(struct tern_addr to, uint16_t p, const char *text)
{
    const struct tern_endpoint ep = {.addr = to, .port = p};
    assert_int_equal(tern_udp_sendto(w.a, gs, NULL, &ep, text, strlen(text), world_now()), 0);
}

/* Receives on the host and answers with the same text in capitals. */
static void host_answers(const char *text)
{
    char in[64], out[64];
    struct sockaddr_in sa;
    socklen_t n = sizeof sa;
    world_until(host_readable);
    assert_int_equal(recvfrom(hfd, in, sizeof in, 0, (struct sockaddr *)&sa, &n), strlen(text));
    assert_memory_equal(in, text, strlen(text));
    for (size_t i = 0; i < strlen(text); i++)
        out[i] = (char)(in[i] - 'a' + 'A');
    assert_int_equal(sendto(hfd, out, strlen(text), 0, (struct sockaddr *)&sa, n), strlen(text));
}

static void guest_gets(const char *text)
{
    world_until(guest_received);
    assert_int_equal(got, strlen(text));
    assert_memory_equal(buf, text, strlen(text));
}

static void question_and_answer(void **state)
{
    (void)state;
    open_world();
    port = 0;
    hfd = host_bound(SOCK_DGRAM, "127.0.0.1", &port, 0);
    guest_port(0);
    for (int i = 0; i < 3; i++) {
        guest_sends(SELF, port, "hello");
        host_answers("hello");
        guest_gets("HELLO");
        assert_int_equal(from.port, port);
        assert_memory_equal(from.addr.b, SELF.b, 4);
    }
    guest_sends(SELF, port, ""); /* an empty one is one, too */
    host_answers("");
    guest_gets("");
    assert_int_equal(world_counts().udp, 1);
    assert_int_equal(world_counts().datagrams_out, 4);
    assert_int_equal(world_counts().datagrams_in, 4);
}

/* Each destination is a flow; only the destination is heard in it. */
static void flows_are_apart(void **state)
{
    (void)state;
    open_world();
    port = 0;
    hfd = host_bound(SOCK_DGRAM, "10.77.0.1", &port, 0);
    guest_port(0);
    guest_sends(IP(10, 77, 0, 1), port, "abc");
    host_answers("abc");
    guest_gets("ABC");
    assert_int_equal(from.addr.b[1], 77);
    guest_sends(SELF, port, "nobody");
    guest_sends(IP(10, 77, 0, 1), port, "def");
    host_answers("def");
    guest_gets("DEF");
    assert_int_equal(world_counts().udp, 2);
}

static int64_t expect_error(struct tern_addr to, uint16_t p)
{
    const struct tern_endpoint ep = {.addr = to, .port = p};
    assert_int_equal(tern_udp_connect(w.a, gs, &ep), 0);
    guest_sends(to, p, "x");
    world_until(guest_received);
    return got;
}

static void closed_port_and_no_route(void **state)
{
    (void)state;
    open_world();
    port = 0;
    (void)close(host_bound(SOCK_DGRAM, "127.0.0.1", &port, 0));
    guest_port(0);
    assert_int_equal(expect_error(SELF, port), TERN_ECONNREFUSED);
    guest_port(0);
    assert_int_equal(expect_error(IP(192, 0, 2, 1), 9), TERN_ENETUNREACH);
}

static bool idle(void)
{
    return world_counts().udp == 0;
}

static void idle_flows_end(void **state)
{
    (void)state;
    w.cfg.udp_idle_ms = 20;
    open_world();
    port = 0;
    hfd = host_bound(SOCK_DGRAM, "127.0.0.1", &port, 0);
    guest_port(0);
    guest_sends(SELF, port, "a");
    host_answers("a");
    guest_gets("A");
    assert_int_equal(world_counts().udp, 1);
    world_until(idle);
    guest_sends(SELF, port, "b"); /* a new flow */
    host_answers("b");
    guest_gets("B");
}

static void the_longest_unused_makes_room(void **state)
{
    (void)state;
    w.cfg.max_udp = 2;
    open_world();
    uint16_t p[3] = {0, 0, 0};
    int fd[3];
    guest_port(0);
    const int order[] = {0, 1, 0, 2}; /* 0 is used again: 1 has to go */
    for (int i = 0; i < 3; i++)
        fd[i] = host_bound(SOCK_DGRAM, "127.0.0.1", &p[i], 0);
    struct sockaddr_in first[3], again[3];
    socklen_t n = sizeof first[0];
    for (int i = 0; i < 4; i++) {
        hfd = fd[order[i]];
        guest_sends(SELF, p[order[i]], "x");
        world_until(host_readable);
        (void)recvfrom(hfd, buf, 1, 0, (struct sockaddr *)&first[order[i]], &n);
    }
    assert_int_equal(world_counts().udp, 2);
    assert_int_equal(world_counts().udp_evicted, 1);
    for (int i = 0; i < 2; i++) {
        hfd = fd[i];
        guest_sends(SELF, p[i], "x");
        world_until(host_readable);
        (void)recvfrom(hfd, buf, 1, 0, (struct sockaddr *)&again[i], &n);
    }
    assert_int_equal(first[0].sin_port, again[0].sin_port);     /* the same host socket */
    assert_int_not_equal(first[1].sin_port, again[1].sin_port); /* a new one */
    for (int i = 0; i < 3; i++)
        (void)close(fd[i]);
    hfd = -1;
}

#define BURST 200u /* as many as the host queues for one socket */

static unsigned arrived;

static bool burst_over(void)
{
    while (tern_udp_recvfrom(w.a, gs, buf, sizeof buf, NULL, NULL) >= 0)
        arrived++;
    struct gate_counts c = world_counts();
    return c.datagrams_in + c.datagrams_dropped == BURST;
}

/* What the stack takes arrives, what it does not is counted, and nothing hangs. */
static void a_burst_is_bounded(void **state)
{
    (void)state;
    open_world();
    port = 0;
    hfd = host_bound(SOCK_DGRAM, "127.0.0.1", &port, 0);
    guest_port(0);
    guest_sends(SELF, port, "x");
    world_until(host_readable);
    struct sockaddr_in sa;
    socklen_t n = sizeof sa;
    assert_int_equal(recvfrom(hfd, buf, 1, 0, (struct sockaddr *)&sa, &n), 1);
    arrived = 0;
    for (unsigned i = 0; i < BURST; i++)
        assert_int_equal(sendto(hfd, "0123456789", 10, 0, (struct sockaddr *)&sa, n), 10);
    world_until(burst_over);
    assert_true(arrived > 0);
}

/* ---- a forwarded port ---- */

static struct tern_endpoint second;

static bool guest_got_two(void)
{
    if (got < 0 && !guest_received())
        return false;
    return tern_udp_recvfrom(w.a, gs, buf, sizeof buf, &second, NULL) >= 0;
}

static void clients_reach_the_guest(void **state)
{
    (void)state;
    port = 0;
    (void)close(host_bound(SOCK_DGRAM, "127.0.0.1", &port, 0));
    w.cfg.forward[0] = (struct gate_forward){.udp = true, .host = {.port = port}, .guest_port = 53};
    w.cfg.nforward = 1;
    open_world();
    guest_port(53);
    /* Two clients with one port number, at different addresses: two ports to the guest. */
    uint16_t cp = 0;
    int c1 = host_bound(SOCK_DGRAM, "127.0.0.1", &cp, 0);
    int c2 = host_bound(SOCK_DGRAM, "10.77.0.1", &cp, 0);
    struct sockaddr_in to = host_sa("127.0.0.1", port);
    assert_int_equal(sendto(c1, "one", 3, 0, (struct sockaddr *)&to, sizeof to), 3);
    world_until(guest_received);
    assert_int_equal(got, 3);
    assert_int_equal(from.port, cp);
    assert_int_equal(sendto(c2, "two", 3, 0, (struct sockaddr *)&to, sizeof to), 3);
    world_until(guest_got_two);
    assert_int_equal(second.port, cp + 1);
    struct tern_endpoint back[2] = {from, second};
    for (int i = 0; i < 2; i++)
        guest_sends(back[i].addr, back[i].port, i ? "two" : "one");
    hfd = c1;
    world_until(host_readable);
    assert_int_equal(recv(c1, buf, sizeof buf, 0), 3);
    assert_memory_equal(buf, "one", 3);
    hfd = c2;
    world_until(host_readable);
    assert_int_equal(recv(c2, buf, sizeof buf, 0), 3);
    assert_memory_equal(buf, "two", 3);
    assert_int_equal(world_counts().udp, 2);
    (void)close(c1);
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    char why[TERN_WHY] = "";
    port = 0;
    hfd = host_bound(SOCK_DGRAM, "127.0.0.1", &port, 0);
    w.cfg.forward[0] = (struct gate_forward){.udp = true, .host = {.port = port}, .guest_port = 1};
    w.cfg.nforward = 1;
    assert_int_equal(world_open(why), -1);
    assert_non_null(strstr(why, "/udp: the host's port is taken"));
}

/* ---- ping ---- */

static bool pinged(void)
{
    struct gate_counts c = world_counts();
    return c.echo_denied + c.datagrams_in + c.datagrams_dropped > 0;
}

/* The guest's stack sends no pings of its own: the test puts one on the gateway's interface. */
static void ping_frame(uint8_t *f)
{
    static const uint8_t head[42] = {2,    0,  0,  0,  0, 2, 2, 0, 0,  0, 0,    15,   8,  0,
                                     0x45, 0,  0,  32, 0, 1, 0, 0, 64, 1, 0,    0,    10, 0,
                                     2,    15, 10, 77, 0, 1, 8, 0, 0,  0, 0x12, 0x34, 0,  7};
    memcpy(f, head, sizeof head);
    const uint8_t data[4] = {'d', 'a', 't', 'a'};
    memcpy(f + 42, data, sizeof data);
    uint32_t s = 0;
    for (int i = 14; i < 34; i += 2)
        s += (uint32_t)f[i] << 8 | f[i + 1];
    s = ~((s & 0xffff) + (s >> 16));
    f[24] = (uint8_t)(s >> 8);
    f[25] = (uint8_t)s;
    s = 0;
    for (int i = 34; i < 46; i += 2)
        s += (uint32_t)f[i] << 8 | f[i + 1];
    s = ~((s & 0xffff) + (s >> 16));
    f[36] = (uint8_t)(s >> 8);
    f[37] = (uint8_t)s;
}

static void ping_once(void)
{
    uint8_t f[64];
    open_world();
    ping_frame(f);
    struct tern_frame fr = {.data = f, .len = 46};
    tern_rx(w.b, 0, &fr, 1, world_now());
    world_until(pinged);
}

static bool reply_sent(void)
{
    return !tern_tx_pending(w.b, 0);
}

static void pings_are_carried_where_allowed(void **state)
{
    (void)state;
    if (!put_file(PING_RANGE, "0 4294967294\n") && !put_file(PING_RANGE, "0 0\n"))
        skip();
    char path[] = "/tmp/tern-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    w.record = path;
    ping_once();
    assert_int_equal(world_counts().datagrams_out, 1);
    assert_int_equal(world_counts().datagrams_in, 1);
    assert_int_equal(world_counts().udp, 1);
    /* The reply crosses the wire with the guest's identifier, number and data, from whom it asked.
     */
    world_until(reply_sent);
    (void)world_tear_down(NULL);
    w = (struct world){0};
    static uint8_t file[65536];
    ssize_t n = read(fd, file, sizeof file);
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    assert_true(n > 0);
    static const uint8_t want[] = {0x12, 0x34, 0, 7, 'd', 'a', 't', 'a'};
    const uint8_t *at = memmem(file, (size_t)n, want, sizeof want);
    assert_non_null(at);
    assert_int_equal(at[-4], 0); /* echo reply */
    assert_memory_equal(at - 12, ((const uint8_t[]){10, 77, 0, 1, 10, 0, 2, 15}), 8);
}

static void pings_are_dropped_where_not(void **state)
{
    (void)state;
    if (!put_file(PING_RANGE, "1 0\n"))
        skip();
    ping_once();
    assert_int_equal(world_counts().echo_denied, 1);
    assert_int_equal(world_counts().udp, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, shut_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(question_and_answer),
        T(flows_are_apart),
        T(closed_port_and_no_route),
        T(idle_flows_end),
        T(the_longest_unused_makes_room),
        T(a_burst_is_bounded),
        T(clients_reach_the_guest),
        T(a_taken_port_is_named),
        T(pings_are_carried_where_allowed),
        T(pings_are_dropped_where_not),
    };
    if (!world_namespace()) {
        printf("1..0 # SKIP no network namespace can be made here\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
