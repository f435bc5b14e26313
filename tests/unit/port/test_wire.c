/* SPDX-License-Identifier: BSD-2-Clause */
#include "frames.h"

static const struct tern_time t0 = {1000};

static void make(struct tern_port **a, struct tern_port **b, uint32_t gso)
{
    char why[TERN_WHY] = "";
    assert_int_equal(tern_wire_new(1500, gso, 8, a, b, why), 0);
}

static void shut(struct tern_port *a, struct tern_port *b)
{
    a->ops->close(a);
    b->ops->close(b);
}

static void carries_both_ways_in_order(void **state)
{
    (void)state;
    struct tern_port *p[2];
    make(&p[0], &p[1], 0);
    for (unsigned dir = 0; dir < 2; dir++) {
        struct tern_port *from = p[dir], *to = p[1 - dir];
        for (uint32_t round = 0; round < 40; round++) {
            for (uint32_t i = 0; i < 1 + round % 8; i++) {
                struct fr_seg s = {1, 2, 1, 2, round * 10 + i, 0, TERN_TH_ACK, 100};
                assert_true(fr_send(from, &s, round * 10 + i + 1, t0));
            }
            struct tern_frame fr[8];
            size_t got = to->ops->rx(to, fr, 8, (struct tern_time){2000});
            assert_int_equal(got, 1 + round % 8);
            for (uint32_t i = 0; i < got; i++) {
                assert_int_equal(fr[i].id, round * 10 + i + 1);
                assert_int_equal(fr[i].time.ns, 2000);
                assert_true(fr_good(fr[i].data, fr[i].len));
                assert_int_equal(be32_load(fr[i].data + 38), round * 10 + i);
            }
            assert_int_equal(to->ops->rx(to, fr, 8, t0), 0);
        }
    }
    shut(p[0], p[1]);
}

/* A full wire offers nothing, and what the receiver still reads is not overwritten. */
static void full_means_back_pressure(void **state)
{
    (void)state;
    struct tern_port *a, *b;
    make(&a, &b, 0);
    struct tern_frame fr[16], in[16];
    assert_int_equal(a->ops->tx_get(a, fr, 16, t0), 8);
    for (int i = 0; i < 8; i++) {
        fr[i].len = 60;
        fr[i].data[0] = (uint8_t)i;
    }
    a->ops->tx_put(a, fr, 8, t0);
    assert_int_equal(a->ops->tx_get(a, fr, 16, t0), 0);
    assert_int_equal(b->ops->rx(b, in, 3, t0), 3);
    assert_int_equal(a->ops->tx_get(a, fr, 16, t0), 0); /* the three are being read */
    assert_int_equal(b->ops->rx(b, in, 1, t0), 1);
    assert_int_equal(in[0].data[0], 3);
    assert_int_equal(a->ops->tx_get(a, fr, 16, t0), 3);
    a->ops->tx_put(a, fr, 0, t0);
    assert_int_equal(a->ops->tx_get(a, fr, 16, t0), 3); /* nothing was put */
    a->ops->tx_put(a, fr, 0, t0);
    shut(a, b);
}

static void deadline_says_when_there_is_something(void **state)
{
    (void)state;
    struct tern_port *a, *b;
    make(&a, &b, 0);
    assert_int_equal(b->ops->deadline(b).ns, INT64_MAX);
    assert_true(fr_send(a, &(struct fr_seg){1, 2, 1, 2, 0, 0, TERN_TH_ACK, 0}, 1, t0));
    assert_true(b->ops->deadline(b).ns < t0.ns);
    assert_int_equal(a->ops->deadline(a).ns, INT64_MAX);
    assert_int_equal(a->ops->fd(a), -1);
    shut(a, b);
}

/* A wire that is drained keeps to its first slots. */
static void begins_again_when_empty(void **state)
{
    (void)state;
    struct tern_port *a, *b;
    make(&a, &b, 0);
    struct tern_frame fr, in[4];
    uint8_t *first = NULL;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(a->ops->tx_get(a, &fr, 1, t0), 1);
        if (!first)
            first = fr.data;
        assert_ptr_equal(fr.data, first);
        fr.len = 60;
        a->ops->tx_put(a, &fr, 1, t0);
        assert_int_equal(b->ops->rx(b, in, 4, t0), 1);
        assert_int_equal(b->ops->rx(b, in, 4, t0), 0);
    }
    /* ... but not under an offer that is still open */
    assert_int_equal(a->ops->tx_get(a, &fr, 1, t0), 1);
    assert_int_equal(b->ops->rx(b, in, 4, t0), 0);
    fr.len = 60;
    a->ops->tx_put(a, &fr, 1, t0);
    assert_int_equal(b->ops->rx(b, in, 4, t0), 1);
    shut(a, b);
}

static void an_unplugged_end_swallows(void **state)
{
    (void)state;
    struct tern_port *a, *b;
    make(&a, &b, 0);
    b->ops->close(b);
    for (int i = 0; i < 50; i++)
        assert_true(fr_send(a, &(struct fr_seg){1, 2, 1, 2, 0, 0, TERN_TH_ACK, 0}, 1, t0));
    a->ops->close(a);
}

static void carries_super_segments(void **state)
{
    (void)state;
    struct tern_port *a, *b;
    make(&a, &b, 65535);
    struct tern_frame fr, in;
    assert_int_equal(a->ops->tx_get(a, &fr, 1, t0), 1);
    assert_true(fr.cap >= 65549);
    fr.len = fr_build(fr.data, &(struct fr_seg){1, 2, 1, 2, 0, 0, TERN_TH_ACK, 65000});
    fr.gso = TERN_GSO_TCP4;
    fr.gso_size = 1448;
    fr.conn = 7;
    fr_partial(&fr);
    a->ops->tx_put(a, &fr, 1, t0);
    assert_int_equal(b->ops->rx(b, &in, 1, t0), 1);
    assert_int_equal(in.len, 65054);
    assert_int_equal(in.gso, TERN_GSO_TCP4);
    assert_int_equal(in.gso_size, 1448);
    assert_int_equal(in.csum, TERN_CSUM_PARTIAL);
    assert_ptr_equal(in.data, fr.data); /* in place */
    shut(a, b);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct tern_port *a, *b;
    char why[TERN_WHY] = "";
    assert_int_equal(tern_wire_new(500, 0, 8, &a, &b, why), -1);
    assert_non_null(strstr(why, "mtu 500"));
    assert_int_equal(tern_wire_new(1500, 0, 7, &a, &b, why), -1);
    assert_int_equal(tern_wire_new(1500, 70000, 8, &a, &b, why), -1);
    assert_int_equal(tern_wire_new(1500, 0, 0, &a, &b, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_both_ways_in_order),
        cmocka_unit_test(full_means_back_pressure),
        cmocka_unit_test(deadline_says_when_there_is_something),
        cmocka_unit_test(begins_again_when_empty),
        cmocka_unit_test(an_unplugged_end_swallows),
        cmocka_unit_test(carries_super_segments),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
