/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/outside.h: a rig with a struct tern_syn_offload beside it. Who answers SYNs outside is played
 * by the test: it reads that, and writes its counters.
 */
#ifndef TCP_OUTSIDE_H
#define TCP_OUTSIDE_H

#include "tcp/guard.h"
#include "unit/tcp/rig.h"

static struct tern_syn_offload *o;
static const struct offload_iface at = {
    .index = 0, .mac = {2, 0, 0, 0, 0, 1}, .naddr = 2, .addr = {{10, 0, 0, 1}, {10, 0, 0, 9}}};

static inline int setup(void **state)
{
    o = aligned_alloc(64, sizeof *o);
    if (o == NULL)
        return -1;
    memset(o, 0, sizeof *o);
    return rig_setup(state);
}

static inline int teardown(void **state)
{
    free(o);
    return rig_teardown(state);
}

#define OFFLOAD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static inline void again(struct rig *r) /* with other settings */
{
    rig_start(r);
    memset(o, 0, sizeof *o);
}

static inline void begin(struct rig *r)
{
    assert_int_equal(tcp_offload_begin(r->t, o, &at, r->now), TERN_OK);
}

static inline void sync_after(struct rig *r, int64_t pause_ms)
{
    for (; pause_ms > 0; pause_ms -= TERN_OFFLOAD_SYNC_MS) {
        rig_sleep(r, TERN_OFFLOAD_SYNC_MS);
        tcp_offload_sync(r->t, r->now);
    }
}

static inline void set(struct rig *r, enum tern_opt opt, int64_t v)
{
    assert_int_equal(tcp_setopt(r->t, r->lis, opt, v, r->now), TERN_OK);
}

static inline void always(struct rig *r, uint32_t backlog)
{
    rig_listen(r, backlog);
    set(r, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS);
}

static inline void as(struct rig *r, unsigned i)
{
    r->peer.port = r->tuple.rport = (uint16_t)(RIG_PEER + i);
}

static inline void syn(struct rig *r, unsigned i)
{
    as(r, i);
    rig_syn(r, SYN, r->peer_iss, seq_of(0));
}

/* A half-open record goes. */
static inline void reset(struct rig *r, unsigned i)
{
    as(r, i);
    assert_int_equal(rig_in(r, RST, 0, 0, 0), CAUSE_RX_SEG);
}

/* As the answerer looks for it: NULL = not listed. */
static inline struct tern_offload_listener *find(const uint8_t addr[4], uint16_t port)
{
    unsigned steps = 0;
    for (uint8_t i = o->first[port & 255]; i != 0; i = o->listener[i - 1].next) {
        struct tern_offload_listener *e = &o->listener[i - 1];
        assert_true(++steps <= TERN_OFFLOAD_CHAIN);
        assert_int_equal(e->seq & 1, 0);
        if (e->port == port && memcmp(e->addr, addr, 4) == 0)
            return e;
    }
    return NULL;
}

static inline struct tern_offload_listener *entry(void)
{
    struct tern_offload_listener *e = find(at.addr[0], RIG_PORT);
    assert_non_null(e);
    return e;
}

#endif
