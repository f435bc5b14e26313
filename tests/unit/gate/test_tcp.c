/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP through the gateway: dial.c, flow.c and the TCP half of forward.c. */
#include "world.h"

static int lfd = -1, hfd = -1; /* the host's listener and its connection */
static uint16_t port;
static struct tern_sock gs; /* the guest's connection */

static bool guest_connected(void)
{
    return w.bits & TERN_EV_CONNECTED;
}
static bool guest_closed(void)
{
    return w.bits & TERN_EV_CLOSED;
}
static bool host_waiting(void)
{
    return fd_ready(lfd, POLLIN);
}
static bool host_readable(void)
{
    return fd_ready(hfd, POLLIN);
}
static bool no_flows(void)
{
    return !gate_busy(w.g);
}

static int shut_down(void **state)
{
    if (lfd >= 0)
        (void)close(lfd);
    if (hfd >= 0)
        (void)close(hfd);
    lfd = hfd = -1;
    return world_tear_down(state);
}

static void open_world(void)
{
    char why[TERN_WHY] = "";
    if (world_open(why) != 0)
        fail_msg("%s", why);
}

/* A connection from the guest to the host's loopback, accepted there. */
static void joined(void)
{
    open_world();
    port = 0;
    lfd = host_bound(SOCK_STREAM, "127.0.0.1", &port, 8);
    gs = world_connect(SELF, port);
    world_until(guest_connected);
    world_until(host_waiting);
    hfd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK);
    assert_true(hfd >= 0);
}

static void guest_says(const char *text)
{
    int64_t n = (int64_t)strlen(text);
    assert_int_equal(tern_tcp_send(w.a, gs, text, (size_t)n, 0, world_now()), n);
}

static void host_hears(const char *text)
{
    char got[64] = "";
    world_until(host_readable);
    assert_int_equal(recv(hfd, got, sizeof got, 0), strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static bool guest_readable(void)
{
    struct tern_info info;
    return guest_closed() || (w.bits & TERN_EV_PEER_FIN) ||
           (tern_inspect(w.a, gs, &info, world_now()) && info.rcvq > 0);
}

static void guest_hears(const char *text)
{
    char got[64] = "";
    world_until(guest_readable);
    assert_int_equal(tern_tcp_recv(w.a, gs, got, sizeof got, world_now()), strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static bool at_rest(void)
{
    struct tern_usage u;
    tern_stack_usage(w.b, &u);
    return u.conns == 0 && u.half_open == 0 && u.buf_bytes == 0;
}

static void a_conversation_with_half_close(void **state)
{
    (void)state;
    joined();
    assert_true(gate_busy(w.g));
    guest_says("hello");
    host_hears("hello");
    assert_int_equal(send(hfd, "good day", 8, 0), 8);
    guest_hears("good day");
    /* The guest is done sending; the host still has much to say. */
    assert_int_equal(tern_tcp_shutdown(w.a, gs, world_now()), 0);
    host_hears("");
    assert_int_equal(send(hfd, "after FIN", 9, 0), 9);
    guest_hears("after FIN");
    assert_int_equal(shutdown(hfd, SHUT_WR), 0);
    guest_hears("");
    world_until(no_flows);
    world_until(at_rest);
    assert_int_equal(world_counts().dials, 1);
    assert_int_equal(world_counts().tcp, 0);
}

static void half_close_by_the_host(void **state)
{
    (void)state;
    joined();
    assert_int_equal(shutdown(hfd, SHUT_WR), 0);
    guest_hears("");
    guest_says("still here");
    host_hears("still here");
    assert_int_equal(tern_close(w.a, gs, world_now()), 0);
    host_hears("");
    world_until(no_flows);
}

static void refused_is_refused(void **state)
{
    (void)state;
    open_world();
    port = 0;
    int fd = host_bound(SOCK_STREAM, "127.0.0.1", &port, 1);
    (void)close(fd); /* a port that is certainly free */
    gs = world_connect(SELF, port);
    world_until(guest_closed);
    assert_int_equal(w.err, TERN_ECONNREFUSED);
    assert_int_equal(world_counts().dials_failed, 1);
    assert_int_equal(world_counts().pending, 0);
}

/* The namespace has a loopback and no route beyond it. */
static void unreachable_is_unreachable(void **state)
{
    (void)state;
    open_world();
    gs = world_connect(IP(192, 0, 2, 1), 80);
    world_until(guest_closed);
    assert_int_equal(w.err, TERN_ENETUNREACH);
}

static void other_addresses_are_the_hosts(void **state)
{
    (void)state;
    open_world();
    port = 0;
    lfd = host_bound(SOCK_STREAM, "10.77.0.1", &port, 8);
    gs = world_connect(IP(10, 77, 0, 1), port);
    world_until(guest_connected);
    struct tern_endpoint peer;
    assert_int_equal(tern_peername(w.a, gs, &peer), 0);
    assert_int_equal(peer.addr.b[1], 77);
}

/* Lets the guest read or notice whatever is there; true when its connection has been reset. */
static bool guest_reset(void)
{
    return guest_closed() && w.err == TERN_ECONNRESET;
}

static void the_hosts_reset_arrives(void **state)
{
    (void)state;
    joined();
    const struct linger lg = {1, 0};
    assert_int_equal(setsockopt(hfd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg), 0);
    (void)close(hfd);
    hfd = -1;
    world_until(guest_reset);
    world_until(no_flows);
    world_until(at_rest);
}

static void the_guests_reset_arrives(void **state)
{
    (void)state;
    joined();
    assert_int_equal(tern_tcp_abort(w.a, gs, world_now()), 0);
    world_until(host_readable);
    char c;
    assert_int_equal(recv(hfd, &c, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    world_until(no_flows);
}

/* ---- much data, slow readers ---- */

#define BULK (6u << 20)

static uint64_t sent, got, wrong;

static uint8_t bulk_octet(uint64_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

static void bulk_send(void)
{
    uint8_t *p;
    size_t n;
    while (sent < BULK && tern_tcp_send_space(w.a, gs, 65536, &p, &n) == 0) {
        n = n < BULK - sent ? n : BULK - sent;
        for (size_t i = 0; i < n; i++)
            p[i] = bulk_octet(sent + i);
        assert_int_equal(tern_tcp_send_commit(w.a, gs, n, 0, world_now()), 0);
        sent += n;
    }
}

static void bulk_check(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wrong += p[i] != bulk_octet(got + i);
    got += n;
}

static uint64_t stalled_at;
static unsigned stalled_turns;

/* True when the guest has been unable to send for many turns: every buffer on the way is full. */
static bool bulk_stalled(void)
{
    bulk_send();
    stalled_turns = sent == stalled_at ? stalled_turns + 1 : 0;
    stalled_at = sent;
    return stalled_turns > 200;
}

static bool bulk_up_done(void)
{
    static uint8_t buf[65536];
    ssize_t n;
    bulk_send();
    while ((n = recv(hfd, buf, sizeof buf, 0)) > 0)
        bulk_check(buf, (size_t)n);
    return got == BULK;
}

static void back_pressure_towards_the_host(void **state)
{
    (void)state;
    sent = got = wrong = 0;
    stalled_turns = 0;
    open_world();
    port = 0;
    lfd = host_bound(SOCK_STREAM, "127.0.0.1", &port, 8);
    const int small = 65536; /* inherited: the host's reader has little room */
    assert_int_equal(setsockopt(lfd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    gs = world_connect(SELF, port);
    world_until(guest_connected);
    world_until(host_waiting);
    hfd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK);
    world_until(bulk_stalled);
    assert_true(sent < BULK);
    world_until(bulk_up_done);
    assert_int_equal(wrong, 0);
}

static bool bulk_down_stalled(void)
{
    static uint8_t buf[65536];
    for (;;) {
        size_t n = sizeof buf < BULK - sent ? sizeof buf : BULK - sent;
        for (size_t i = 0; i < n; i++)
            buf[i] = bulk_octet(sent + i);
        ssize_t r = n ? send(hfd, buf, n, MSG_NOSIGNAL) : 0;
        if (r <= 0)
            break;
        sent += (uint64_t)r;
    }
    stalled_turns = sent == stalled_at ? stalled_turns + 1 : 0;
    stalled_at = sent;
    return stalled_turns > 200;
}

static bool bulk_down_done(void)
{
    const uint8_t *p;
    size_t n;
    (void)bulk_down_stalled();
    while (tern_tcp_recv_data(w.a, gs, &p, &n) == 1) {
        bulk_check(p, n);
        assert_int_equal(tern_tcp_recv_consume(w.a, gs, n, world_now()), 0);
    }
    return got == BULK;
}

static void back_pressure_towards_the_guest(void **state)
{
    (void)state;
    sent = got = wrong = 0;
    stalled_turns = 0;
    joined();
    const int small = 65536;
    assert_int_equal(setsockopt(hfd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    world_until(bulk_down_stalled);
    assert_true(sent < BULK);
    world_until(bulk_down_done);
    assert_int_equal(wrong, 0);
}

/* What was sent before the end arrives before the end. */
static void data_then_close(void **state)
{
    (void)state;
    joined();
    char buf[4096];
    memset(buf, 'x', sizeof buf);
    assert_int_equal(send(hfd, buf, sizeof buf, 0), sizeof buf);
    (void)close(hfd);
    hfd = -1;
    size_t n = 0;
    for (;;) {
        int64_t r = tern_tcp_recv(w.a, gs, buf, sizeof buf, world_now());
        if (r == 0)
            break;
        if (r > 0)
            n += (size_t)r;
        else
            world_until(guest_readable);
    }
    assert_int_equal(n, sizeof buf);
}

/* ---- limits ---- */

/* A listener whose queue is full leaves the next SYN unanswered: that dial hangs. */
static void fill_listener(int fill[4])
{
    struct sockaddr_in sa = host_sa("127.0.0.1", port);
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (struct sockaddr *)&sa, sizeof sa);
    }
}

static bool one_pending(void)
{
    return world_counts().pending == 1;
}
static bool none_pending(void)
{
    return world_counts().pending == 0 && world_counts().tcp == 0;
}

static void too_many_dials_stay_unanswered(void **state)
{
    (void)state;
    w.cfg.max_pending = 1;
    open_world();
    port = 0;
    int fill[4];
    lfd = host_bound(SOCK_STREAM, "127.0.0.1", &port, 0);
    fill_listener(fill);
    struct tern_sock first = world_connect(SELF, port);
    world_until(one_pending);
    (void)world_connect(SELF, port);
    world_until(guest_closed);
    assert_int_equal(w.err, TERN_ETIMEDOUT);
    assert_true(world_counts().syn_over >= 1);
    assert_int_equal(world_counts().dials, 1);
    /* The guest gives up: its RST, or its silence, ends the dial. */
    (void)tern_tcp_abort(w.a, first, world_now());
    gate_free(w.g);
    w.g = NULL;
    for (int i = 0; i < 4; i++)
        (void)close(fill[i]);
}

static void too_many_sockets_stay_unanswered(void **state)
{
    (void)state;
    w.cfg.max_tcp = 1;
    joined();
    (void)world_connect(SELF, port);
    world_until(guest_closed);
    assert_int_equal(w.err, TERN_ETIMEDOUT);
    assert_true(world_counts().syn_over >= 1);
    assert_int_equal(tern_tcp_abort(w.a, gs, world_now()), 0);
    world_until(none_pending); /* and then there is room again */
    gs = world_connect(SELF, port);
    world_until(guest_connected);
}

/* ---- forwards ---- */

static struct tern_sock gl;

static int host_client(uint16_t to)
{
    struct sockaddr_in sa = host_sa("127.0.0.1", to);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), -1);
    assert_int_equal(errno, EINPROGRESS);
    return fd;
}

static bool guest_accepted(void)
{
    return tern_tcp_accept(w.a, gl, &gs) == 0;
}

static void open_forward(void)
{
    port = 0;
    int fd = host_bound(SOCK_STREAM, "127.0.0.1", &port, 1);
    (void)close(fd);
    w.cfg.forward[0] = (struct gate_forward){.host = {.port = port}, .guest_port = 80};
    w.cfg.nforward = 1;
    open_world();
}

static void a_forward_leads_into_the_guest(void **state)
{
    (void)state;
    open_forward();
    const struct tern_endpoint at = {.addr = GUEST, .port = 80};
    assert_int_equal(tern_tcp_listen(w.a, &at, 8, 0, &gl), 0);
    hfd = host_client(port);
    world_until(guest_accepted);
    struct tern_endpoint peer;
    assert_int_equal(tern_peername(w.a, gs, &peer), 0);
    assert_memory_equal(peer.addr.b, SELF.b, 4);
    assert_int_equal(send(hfd, "GET", 3, 0), 3);
    w.bits = 0;
    guest_hears("GET");
    guest_says("200");
    host_hears("200");
    assert_int_equal(tern_close(w.a, gs, world_now()), 0);
    host_hears("");
    (void)close(hfd);
    hfd = -1;
    world_until(no_flows);
    assert_int_equal(world_counts().forwarded, 1);
}

/* The client spoke and hung up before the guest had answered: all of it arrives. */
static void an_impatient_client_is_heard(void **state)
{
    (void)state;
    open_forward();
    const struct tern_endpoint at = {.addr = GUEST, .port = 80};
    assert_int_equal(tern_tcp_listen(w.a, &at, 8, 0, &gl), 0);
    hfd = host_client(port);
    assert_int_equal(send(hfd, "quick", 5, 0), 5);
    (void)close(hfd);
    hfd = -1;
    world_until(guest_accepted);
    w.bits = 0;
    guest_hears("quick");
    guest_hears("");
}

static void a_guest_that_refuses_resets_the_client(void **state)
{
    (void)state;
    open_forward();
    hfd = host_client(port);
    world_until(host_readable);
    char c;
    assert_int_equal(recv(hfd, &c, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    world_until(no_flows);
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    char why[TERN_WHY] = "", want[64];
    port = 0;
    lfd = host_bound(SOCK_STREAM, "127.0.0.1", &port, 1);
    w.cfg.forward[0] = (struct gate_forward){.host = {.port = port}, .guest_port = 80};
    w.cfg.nforward = 1;
    assert_int_equal(world_open(why), -1);
    (void)snprintf(want, sizeof want, "127.0.0.1:%u: the host's port is taken", port);
    assert_non_null(strstr(why, want));
    assert_null(w.g);
    struct tern_usage u;
    tern_stack_usage(w.b, &u);
    assert_int_equal(u.listeners + u.udp, 0); /* nothing is left behind */
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, shut_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_conversation_with_half_close),
        T(half_close_by_the_host),
        T(refused_is_refused),
        T(unreachable_is_unreachable),
        T(other_addresses_are_the_hosts),
        T(the_hosts_reset_arrives),
        T(the_guests_reset_arrives),
        T(back_pressure_towards_the_host),
        T(back_pressure_towards_the_guest),
        T(data_then_close),
        T(too_many_dials_stay_unanswered),
        T(too_many_sockets_stay_unanswered),
        T(a_forward_leads_into_the_guest),
        T(an_impatient_client_is_heard),
        T(a_guest_that_refuses_resets_the_client),
        T(a_taken_port_is_named),
    };
    if (!world_namespace()) {
        printf("1..0 # SKIP no network namespace can be made here\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
