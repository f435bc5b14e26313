/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/api/two.h"

static struct tern_sock connect_to(struct tern_endpoint to, const struct tern_endpoint *local)
{
    struct tern_sock s = {0};
    assert_int_equal(tern_tcp_connect(guest, local, &to, &s, ms(two_now)), TERN_OK);
    return s;
}

static struct tern_sock listen_on(struct tern_stack *st, struct tern_addr a, unsigned port,
                                  uint32_t flags)
{
    struct tern_sock s = {0};
    struct tern_endpoint e = ep(a, port);
    assert_int_equal(tern_tcp_listen(st, &e, 8, flags, &s), TERN_OK);
    return s;
}

/* What cannot be connected to is refused at once, and nothing is left behind. */
static void test_refused_addresses(void **state)
{
    (void)state;
    const struct tern_addr six = {.fam = TERN_AF_IP6}, none = {0};
    const struct {
        struct tern_endpoint local, remote;
        int result;
    } rows[] = {
        {{none, 0}, {none, 80}, TERN_EINVAL},
        {{none, 0}, {ip(10, 0, 2, 2), 0}, TERN_EINVAL},
        {{none, 0}, {six, 80}, TERN_EAFNOSUPPORT},
        {{none, 0}, {ip(0, 0, 0, 0), 80}, TERN_ENETUNREACH},
        {{none, 0}, {ip(255, 255, 255, 255), 80}, TERN_ENETUNREACH}, /* [RFC9293:MUST-46] */
        {{none, 0}, {ip(10, 0, 2, 255), 80}, TERN_ENETUNREACH},
        {{none, 0}, {ip(224, 0, 0, 1), 80}, TERN_ENETUNREACH},
        {{ip(10, 9, 9, 9), 0}, {ip(10, 0, 2, 2), 80}, TERN_EADDRNOTAVAIL},
        {{ip(127, 0, 0, 1), 0}, {ip(10, 0, 2, 2), 80}, TERN_EADDRNOTAVAIL},
        {{six, 0}, {ip(10, 0, 2, 2), 80}, TERN_EAFNOSUPPORT},
    };
    struct tern_usage u;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tern_sock s;
        assert_int_equal(tern_tcp_connect(guest, &rows[i].local, &rows[i].remote, &s, ms(0)),
                         rows[i].result);
        tern_stack_usage(guest, &u);
        assert_int_equal(u.conns, 0);
    }
    struct tern_endpoint strange = ep(ip(10, 9, 9, 9), 80);
    struct tern_sock s;
    /* [RFC9293:MUST-43] */
    assert_int_equal(tern_tcp_listen(guest, &strange, 1, 0, &s), TERN_EADDRNOTAVAIL);
    assert_int_equal(tern_tcp_listen(gate, &strange, 1, 0, &s), TERN_OK); /* any_addr */
    strange.addr = six;
    assert_int_equal(tern_tcp_listen(guest, &strange, 1, 0, &s), TERN_EAFNOSUPPORT);
}

static void exchange_and_close(struct tern_stack *server, struct tern_sock l, struct tern_sock c)
{
    struct tern_sock s;
    char buf[16];
    assert_int_equal(tern_tcp_accept(server, l, &s), TERN_OK);
    assert_int_equal(tern_tcp_send(guest, c, "hello", 5, 0, ms(two_now)), 5);
    two_run();
    assert_int_equal(tern_tcp_recv(server, s, buf, 16, ms(two_now)), 5);
    assert_int_equal(tern_tcp_send(server, s, "world!", 6, 0, ms(two_now)), 6);
    two_run();
    assert_int_equal(tern_tcp_recv(guest, c, buf, 16, ms(two_now)), 6);
    assert_memory_equal(buf, "world!", 6);
    assert_int_equal(tern_close(guest, c, ms(two_now)), TERN_OK);
    two_run();
    assert_int_equal(tern_tcp_recv(server, s, buf, 16, ms(two_now)), 0);
    assert_int_equal(tern_close(server, s, ms(two_now)), TERN_OK);
    two_run();
}

static void test_connection(void **state)
{
    (void)state;
    struct tern_sock l = listen_on(gate, ip(10, 0, 2, 2), 80, 0);
    struct tern_sock c = connect_to(ep(ip(10, 0, 2, 2), 80), NULL);
    struct tern_endpoint me, peer;
    two_run();
    assert_true(two_events(guest, c, NULL) & TERN_EV_CONNECTED);
    assert_true(two_events(gate, l, NULL) & TERN_EV_ACCEPT);
    assert_int_equal(tern_sockname(guest, c, &me), TERN_OK);
    assert_int_equal(tern_peername(guest, c, &peer), TERN_OK);
    struct tern_addr want = ip(10, 0, 2, 15);
    assert_addr(me.addr, want); /* [RFC9293:MUST-44] */
    assert_in_range(me.port, 32768, 60999);
    assert_int_equal(peer.port, 80);
    exchange_and_close(gate, l, c);
    two_pass(61000); /* 2MSL */
    struct tern_usage u, zero = {0};
    tern_stack_usage(guest, &u);
    assert_memory_equal(&u, &zero, sizeof u);
}

/* [RFC9293:3.10.1] nobody listens: RST, ECONNREFUSED. */
static void test_refused(void **state)
{
    (void)state;
    struct tern_sock c = connect_to(ep(ip(10, 0, 2, 2), 81), NULL);
    int err = 0;
    two_run();
    assert_true(two_events(guest, c, &err) & TERN_EV_CLOSED);
    assert_int_equal(err, TERN_ECONNREFUSED);
}

/* A stack talks to itself by each of its names, without a frame on the link. */
static void test_to_itself(void **state)
{
    (void)state;
    const struct tern_addr names[] = {ip(10, 0, 2, 15), ip(127, 0, 0, 1), ip(127, 1, 2, 3)};
    struct tern_sock l = listen_on(guest, (struct tern_addr){0}, 80, 0);
    two_run(); /* the announcements */
    for (unsigned i = 0; i < 3; i++) {
        struct tern_endpoint to = {names[i], 80}, peer;
        struct tern_sock c = connect_to(to, NULL), s;
        assert_true(two_events(guest, c, NULL) & TERN_EV_CONNECTED);
        char buf[8];
        assert_int_equal(tern_tcp_accept(guest, l, &s), TERN_OK);
        assert_int_equal(tern_peername(guest, s, &peer), TERN_OK);
        struct tern_addr want = i == 0 ? names[0] : ip(127, 0, 0, 1);
        assert_addr(peer.addr, want);
        assert_int_equal(tern_tcp_send(guest, c, "abc", 3, 0, ms(two_now)), 3);
        assert_int_equal(tern_tcp_recv(guest, s, buf, 8, ms(two_now)), 3);
        tern_close(guest, c, ms(two_now));
        assert_int_equal(tern_tcp_recv(guest, s, buf, 8, ms(two_now)), 0);
        tern_close(guest, s, ms(two_now));
        assert_false(tern_tx_pending(guest, 0));
    }
    struct tern_sock c = connect_to(ep(ip(127, 0, 0, 1), 81), NULL);
    int err = 0;
    assert_true(two_events(guest, c, &err) & TERN_EV_CLOSED);
    assert_int_equal(err, TERN_ECONNREFUSED);
}

/* A gateway holds the SYN and decides; each decision is told in the peer's own language. */
static void test_answers(void **state)
{
    (void)state;
    static const struct {
        enum tern_answer answer;
        int err;
        unsigned cause;
    } rows[] = {
        {TERN_ANSWER_REFUSE, TERN_ECONNREFUSED, CAUSE_TX_RST_REFUSED},
        {TERN_ANSWER_NET_UNREACH, TERN_ENETUNREACH, CAUSE_TX_ICMP_UNREACH},
        {TERN_ANSWER_HOST_UNREACH, TERN_EHOSTUNREACH, CAUSE_TX_ICMP_UNREACH},
        {TERN_ANSWER_PROHIBITED, TERN_EACCES, CAUSE_TX_ICMP_UNREACH},
    };
    listen_on(gate, (struct tern_addr){0}, 0, TERN_LISTEN_HOLD | TERN_LISTEN_ANY);
    for (unsigned i = 0; i < 4; i++) {
        struct tern_sock c = connect_to(ep(ip(93, 184, 216, 34), 443), NULL);
        struct tern_event ev;
        two_run();
        assert_true(tern_event_next(gate, &ev));
        assert_int_equal(ev.bits, TERN_EV_SYN);
        assert_int_equal(ev.local.port, 443);
        struct tern_addr want = ip(93, 184, 216, 34);
        assert_addr(ev.local.addr, want);
        uint64_t before = tern_counter(gate, rows[i].cause);
        assert_int_equal(tern_tcp_answer(gate, ev.sock, rows[i].answer, ms(two_now)), TERN_OK);
        assert_int_equal(tern_tcp_answer(gate, ev.sock, rows[i].answer, ms(two_now)), TERN_EBADF);
        two_run();
        assert_int_equal(tern_counter(gate, rows[i].cause), before + 1);
        int err = 0;
        assert_true(two_events(guest, c, &err) & TERN_EV_CLOSED);
        if (rows[i].answer == TERN_ANSWER_REFUSE || rows[i].answer == TERN_ANSWER_PROHIBITED)
            assert_int_equal(err, rows[i].err);
        tern_close(guest, c, ms(two_now));
    }
    /* silence, then acceptance of the repeated SYN */
    struct tern_sock c = connect_to(ep(ip(93, 184, 216, 34), 443), NULL), s;
    struct tern_event ev;
    two_run();
    assert_true(tern_event_next(gate, &ev));
    struct tern_sock l = ev.listener;
    assert_int_equal(tern_tcp_answer(gate, ev.sock, (enum tern_answer)99, ms(0)), TERN_EINVAL);
    assert_int_equal(tern_tcp_answer(gate, ev.sock, TERN_ANSWER_SILENCE, ms(two_now)), TERN_OK);
    two_run();
    assert_int_equal(two_events(guest, c, NULL), 0);
    two_pass(two_now + 1500);
    do
        assert_true(tern_event_next(gate, &ev));
    while (ev.bits != TERN_EV_SYN);
    assert_int_equal(tern_tcp_answer(gate, ev.sock, TERN_ANSWER_ACCEPT, ms(two_now)), TERN_OK);
    two_run();
    assert_true(two_events(guest, c, NULL) & TERN_EV_CONNECTED);
    assert_int_equal(tern_tcp_accept(gate, l, &s), TERN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused_addresses, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_connection, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_refused, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_to_itself, two_setup, two_teardown),
        cmocka_unit_test_setup_teardown(test_answers, two_setup, two_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
