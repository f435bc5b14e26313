/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/two.h: a guest 10.0.2.15/24 and a gateway 10.0.2.2/24 that takes every address, with frames
 * carried between them by hand, through the public API alone.
 */
#ifndef API_TWO_H
#define API_TWO_H

#include "base/causes.h"
#include "unit/support/ip.h"
#include <tern/iface.h>
#include <tern/inspect.h>
#include <tern/socket.h>
#include <tern/stack.h>

#define TWO_CAP 65600

static struct tern_stack *guest, *gate;
static uint8_t two_buf[TWO_CAP];
static int64_t two_now; /* ms */

static inline struct tern_config two_config(void)
{
    struct tern_config c;
    tern_config_init(&c);
    memset(c.seed, 0x5e, sizeof c.seed);
    c.max_conns = c.max_half_open = c.max_time_wait = 16;
    c.max_udp = 8;
    c.max_ooo = 64;
    c.max_sent = 1024;
    c.buf_bytes = 4u << 20;
    return c;
}

static inline struct tern_stack *two_make(bool gateway)
{
    struct tern_config c = two_config();
    if (gateway)
        c.seed[0] = 1;
    size_t size = tern_stack_size(&c);
    void *mem = aligned_alloc(4096, (size + 4095) & ~(size_t)4095);
    memset(mem, 0, size);
    struct tern_stack *st = tern_stack_init(mem, size, &c, ms(0));
    struct tern_iface_config ic = {.link = TERN_LINK_ETHER, .mtu = 1500, .any_addr = gateway};
    const uint8_t mac[6] = {2, 0, 0, 0, 0, gateway ? 2 : 15};
    memcpy(ic.mac, mac, 6);
    ic.addr[0].addr = ip(10, 0, 2, gateway ? 2 : 15);
    ic.addr[0].prefix = 24;
    if (!gateway)
        ic.gateway = ip(10, 0, 2, 2);
    assert_int_equal(tern_iface_add(st, &ic), 0);
    return st;
}

static int two_setup(void **state)
{
    (void)state;
    two_now = 0;
    guest = two_make(false);
    gate = two_make(true);
    return 0;
}
static int two_teardown(void **state)
{
    (void)state;
    free(guest); /* the stack is its memory's first octet */
    free(gate);
    return 0;
}

static inline bool two_step(struct tern_stack *from, struct tern_stack *to)
{
    struct tern_frame f = {.data = two_buf, .cap = sizeof two_buf};
    if (tern_tx(from, 0, &f, 1, ms(two_now)) == 0)
        return false;
    tern_rx(to, 0, &f, 1, ms(two_now));
    return true;
}
/* Carries frames until both ends are silent. */
static inline void two_run(void)
{
    unsigned n = 0;
    for (bool more = true; more;) {
        more = two_step(guest, gate);
        more = two_step(gate, guest) || more;
        assert_true(++n < 100000);
    }
}
/* Lets time pass, deadline by deadline. */
static inline void two_pass(int64_t until)
{
    while (two_now < until) {
        two_now += 10;
        tern_tick(guest, ms(two_now));
        tern_tick(gate, ms(two_now));
        two_run();
    }
}
/* The bits of all events for a socket; others are thrown away. */
static inline uint32_t two_events(struct tern_stack *st, struct tern_sock s, int *err)
{
    struct tern_event ev;
    uint32_t bits = 0;
    while (tern_event_next(st, &ev))
        if (ev.sock.id == s.id) {
            bits |= ev.bits;
            if (err && (ev.bits & TERN_EV_CLOSED))
                *err = ev.err;
        }
    return bits;
}

#endif
