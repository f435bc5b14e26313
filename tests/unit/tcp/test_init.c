/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/tcp/rig.h"

static void test_size_is_what_is_used(void **state) /* no pool runs over its neighbour */
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.cfg.max_conns = 3;
    r.cfg.max_half_open = 5;
    r.cfg.max_time_wait = 7;
    size_t n = tcp_size(&r.cfg);
    uint8_t *mem = aligned_alloc(64, n + 64);
    assert_non_null(mem);
    memset(mem, 0, n);
    memset(mem + n, 0x5a, 64);
    struct tcp *t = tcp_init(mem, &r.cfg, &r.arena, &r.trace, NULL, r.now);
    assert_ptr_equal(t, mem);
    memset(t->tws.ring, 0xff, t->tws.max * sizeof *t->tws.ring);
    memset(t->tws.head, 0xff, (t->tws.mask + 1) * sizeof *t->tws.head);
    memset(t->prefix, 0xff, sizeof *t->prefix);
    memset(t->tws.ring, 0, t->tws.max * sizeof *t->tws.ring);
    struct pool *pools[] = {&t->conns, &t->halves, &t->listeners, &t->anss, &t->ooo};
    for (unsigned i = 0; i < 5; i++) {
        uint32_t idx;
        while ((idx = pool_take(pools[i])) != 0) {
            uint8_t *p = pool_at(pools[i], idx);
            assert_true(p >= mem && p + pools[i]->size <= mem + n);
            memset(p, 0xff, pools[i]->size);
        }
        assert_int_equal(pools[i]->used, pools[i]->max);
    }
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(mem[n + i], 0x5a);
    assert_int_equal(t->conn_map.used, 0);
    assert_int_equal(tcp_deadline(t).ns, TERN_NEVER.ns);
    free(mem);
}

static void test_keys_differ(void **state) /* one secret, five uses, none tells another */
{
    struct rig *r = *state;
    struct hash_key *k[] = {&r->t->key_demux, &r->t->key_isn, &r->t->key_port, &r->t->key_ts};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_not_equal(k[i]->k0, k[i]->k1);
        for (unsigned j = i + 1; j < 4; j++)
            assert_memory_not_equal(k[i], k[j], sizeof *k[i]);
    }
}

static void test_same_seed_same_run(void **state)
{
    struct rig *r = *state;
    struct tcp_tuple tu = r->tuple;
    uint32_t a = isn_of(r->t, &tu, r->now).v, h = tuple_hash(r->t, &tu);
    rig_stop(r);
    rig_init(r);
    rig_start(r);
    assert_int_equal(isn_of(r->t, &tu, r->now).v, a);
    assert_int_equal(tuple_hash(r->t, &tu), h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_is_what_is_used),
        RIG_TEST(test_keys_differ),
        RIG_TEST(test_same_seed_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
