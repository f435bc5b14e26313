/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/api/two.h"
#include <tern/syn_offload.h>

#define ETH 14u

static struct tern_syn_offload *o;

static int setup(void **state)
{
    o = aligned_alloc(64, sizeof *o);
    if (o == NULL)
        return -1;
    memset(o, 0, sizeof *o);
    return two_setup(state);
}

static int teardown(void **state)
{
    free(o);
    return two_teardown(state);
}

static struct tern_sock listen80(struct tern_stack *st)
{
    struct tern_endpoint e = {.port = 80};
    struct tern_listener_policy p;
    struct tern_sock l;
    assert_int_equal(tern_tcp_listen(st, &e, 4, 0, &l), TERN_OK);
    assert_int_equal(tern_listener_policy_get(st, l, &p), TERN_OK);
    p.policy = TERN_SYN_COOKIES_ALWAYS;
    assert_int_equal(tern_listener_policy(st, l, &p), TERN_OK);
    return l;
}

static void test_interfaces(void **state)
{
    (void)state;
    struct tern_iface_config ic = {.link = TERN_LINK_IP, .mtu = 1500};
    assert_int_equal(tern_iface_add(guest, &ic), 1);
    assert_int_equal(tern_syn_offload_begin(guest, -1, o, ms(0)), TERN_EINVAL);
    assert_int_equal(tern_syn_offload_begin(guest, 2, o, ms(0)), TERN_EINVAL);
    assert_int_equal(tern_syn_offload_begin(guest, 1, o, ms(0)), TERN_EINVAL); /* no Ethernet */
    tern_syn_offload_sync(guest, ms(0));
    tern_syn_offload_end(guest, ms(0));
    assert_int_equal(tern_syn_offload_begin(guest, 0, o, ms(5)), TERN_OK);
    assert_int_equal(tern_syn_offload_begin(guest, 0, o, ms(5)), TERN_EALREADY);
    const uint8_t mac[6] = {2, 0, 0, 0, 0, 15};
    assert_memory_equal(o->mac, mac, 6);
    assert_true(o->alive_ns > ms(5).ns);
    listen80(guest);
    assert_int_equal(o->first[80], 1);
    const uint8_t own[4] = {10, 0, 2, 15};
    assert_memory_equal(o->listener[0].addr, own, 4);
    assert_int_equal(o->listener[0].on, 1);
    tern_syn_offload_end(guest, ms(6));
    assert_int_equal(o->alive_ns, 0);
}

static void test_connections_stand_in_the_way(void **state)
{
    (void)state;
    struct tern_sock s;
    struct tern_endpoint to = ep(ip(10, 0, 2, 2), 80);
    assert_int_equal(tern_tcp_connect(guest, NULL, &to, &s, ms(0)), TERN_OK);
    assert_int_equal(tern_syn_offload_begin(guest, 0, o, ms(0)), TERN_EISCONN);
    assert_int_equal(tern_tcp_abort(guest, s, ms(0)), TERN_OK);
    assert_int_equal(tern_syn_offload_begin(guest, 0, o, ms(0)), TERN_OK);
}

/* The whole packet, IPv4 header and all, is what the stack would have sent. */
static void test_answer_on_the_wire(void **state)
{
    (void)state;
    struct tern_sock s;
    struct tern_endpoint to = ep(ip(10, 0, 2, 15), 80);
    listen80(guest);
    assert_int_equal(tern_syn_offload_begin(guest, 0, o, ms(0)), TERN_OK);
    assert_int_equal(tern_tcp_connect(gate, NULL, &to, &s, ms(0)), TERN_OK);
    struct tern_frame f = {.data = two_buf, .cap = sizeof two_buf};
    unsigned steps = 0;
    do { /* ARP, SYN */
        two_step(gate, guest);
        f.cap = sizeof two_buf;
        assert_true(++steps < 10);
        if (tern_tx(guest, 0, &f, 1, ms(0)) == 0)
            continue;
        if (f.cause == CAUSE_TX_SYN_ACK_COOKIE)
            break;
        tern_rx(gate, 0, &f, 1, ms(0));
    } while (true);
    const struct tern_offload_answer *a = &o->listener[0].answer[4];
    uint8_t *p = f.data + ETH;
    assert_int_equal(f.len, ETH + a->len);
    memset(p + 10, 0, 10); /* checksum, addresses */
    memset(p + 20, 0, 12); /* ports, numbers */
    memset(p + 36, 0, 2);  /* checksum */
    memset(p + a->ts, 0, 8);
    assert_memory_equal(p, a->octets, a->len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_interfaces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connections_stand_in_the_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_on_the_wire, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
