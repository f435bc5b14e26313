/* SPDX-License-Identifier: BSD-2-Clause */
#include "frames.h"

#include "port/named.h"

#define SYN TERN_TH_SYN
#define ACK TERN_TH_ACK
#define FIN TERN_TH_FIN
#define RST TERN_TH_RST

struct step {
    unsigned dir; /* 0: client to server */
    uint8_t th;
    uint32_t seq, ack, len;
};

/* A whole connection: the client (1) opens and closes first. */
static const struct step conn[] = {
    {0, SYN, 100, 0, 0},       {1, SYN | ACK, 500, 101, 0},  {0, ACK, 101, 501, 0},
    {0, ACK, 101, 501, 50},    {1, ACK, 501, 151, 0},        {1, ACK, 501, 151, 1000},
    {1, ACK, 1501, 151, 1000}, {0, ACK, 151, 2501, 0},       {0, FIN | ACK, 151, 2501, 0},
    {1, ACK, 2501, 152, 0},    {1, FIN | ACK, 2501, 152, 0}, {0, ACK, 152, 2502, 0},
};
#define STEPS (sizeof conn / sizeof conn[0])

static bool look(struct named *nm, const struct step *s, uint16_t port)
{
    uint8_t f[2000];
    bool up = s->dir == 0;
    struct fr_seg seg = {up ? 1 : 2, up ? 2 : 1, up ? port : 80, up ? 80 : port,
                         s->seq,     s->ack,     s->th,          s->len};
    uint32_t len = fr_build(f, &seg);
    struct frame_view v;
    assert_true(frame_view(TERN_LINK_ETHER, f, len, &v));
    return named_look(nm, &v, s->dir);
}

/* Runs the connection; the index of the one lost segment, -1 = none. */
static int lost_step(struct named *nm, uint16_t port)
{
    int lost = -1;
    for (size_t i = 0; i < STEPS; i++) {
        if (look(nm, &conn[i], port)) {
            assert_int_equal(lost, -1);
            lost = (int)i;
        }
    }
    return lost;
}

static int lost_by(enum tern_lose_named what, uint32_t n, bool out, bool in)
{
    struct tern_impair_config cfg = {.named = {{what, n}}, .nnamed = 1};
    static struct named nm;
    named_init(&nm, out ? &cfg : NULL, in ? &cfg : NULL);
    int lost = lost_step(&nm, 1000);
    /* Used once: the next connection is whole if this one was not. */
    assert_int_equal(lost_step(&nm, 2000), -1);
    return lost;
}

static void each_name_finds_its_segment(void **state)
{
    (void)state;
    assert_int_equal(lost_by(TERN_LOSE_SYN, 0, true, true), 0);
    assert_int_equal(lost_by(TERN_LOSE_SYN_ACK, 0, true, true), 1);
    assert_int_equal(lost_by(TERN_LOSE_3RD_ACK, 0, true, true), 2);
    assert_int_equal(lost_by(TERN_LOSE_FIN, 0, true, true), 8);
    assert_int_equal(lost_by(TERN_LOSE_LAST_ACK, 0, true, true), 11);
    assert_int_equal(lost_by(TERN_LOSE_DATA_N, 1, true, true), 3);
    assert_int_equal(lost_by(TERN_LOSE_DATA_N, 2, true, true), 6);
    assert_int_equal(lost_by(TERN_LOSE_DATA_N, 3, true, true), -1);
    assert_int_equal(lost_by(TERN_LOSE_RST, 0, true, true), -1);
}

static void only_in_the_direction_asked(void **state)
{
    (void)state;
    assert_int_equal(lost_by(TERN_LOSE_SYN_ACK, 0, true, false), -1);
    assert_int_equal(lost_by(TERN_LOSE_SYN_ACK, 0, false, true), 1);
    assert_int_equal(lost_by(TERN_LOSE_FIN, 0, false, true), 10);
    assert_int_equal(lost_by(TERN_LOSE_DATA_N, 1, false, true), 5);
    assert_int_equal(lost_by(TERN_LOSE_LAST_ACK, 0, true, false), 11);
}

static void data_with_the_ack_is_the_third_ack(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.named = {{TERN_LOSE_3RD_ACK, 0}}, .nnamed = 1};
    static struct named nm;
    named_init(&nm, &cfg, NULL);
    assert_false(look(&nm, &conn[0], 1000));
    assert_false(look(&nm, &conn[1], 1000));
    assert_true(look(&nm, &conn[3], 1000));
    assert_false(look(&nm, &conn[2], 1000));
}

static void a_reset_is_found(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.named = {{TERN_LOSE_RST, 0}}, .nnamed = 1};
    static struct named nm;
    named_init(&nm, &cfg, NULL);
    const struct step rst = {0, RST | ACK, 101, 501, 0};
    assert_false(look(&nm, &conn[0], 1000));
    assert_true(look(&nm, &rst, 1000));
    assert_false(look(&nm, &rst, 1000));
}

/* The same ports again start a new count. */
static void a_reused_pair_of_ports_is_a_new_connection(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.named = {{TERN_LOSE_DATA_N, 2}}, .nnamed = 1};
    static struct named nm;
    named_init(&nm, &cfg, NULL); /* the client sends one data segment a connection */
    assert_int_equal(lost_step(&nm, 1000), -1);
    assert_int_equal(lost_step(&nm, 1000), -1);
}

/* More connections than the table holds: the oldest are forgotten, nothing breaks. */
static void many_connections(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.named = {{TERN_LOSE_DATA_N, 3}}, .nnamed = 1};
    static struct named nm;
    named_init(&nm, &cfg, &cfg);
    for (uint16_t p = 1; p < 1000; p++)
        assert_int_equal(lost_step(&nm, p), -1);
}

static void two_names_lose_two(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.named = {{TERN_LOSE_SYN, 0}, {TERN_LOSE_SYN, 0}},
                                     .nnamed = 2};
    static struct named nm;
    named_init(&nm, &cfg, &cfg);
    assert_true(look(&nm, &conn[0], 1000));
    assert_true(look(&nm, &conn[0], 1000));
    assert_false(look(&nm, &conn[0], 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_finds_its_segment),
        cmocka_unit_test(only_in_the_direction_asked),
        cmocka_unit_test(data_with_the_ack_is_the_third_ack),
        cmocka_unit_test(a_reset_is_found),
        cmocka_unit_test(a_reused_pair_of_ports_is_a_new_connection),
        cmocka_unit_test(many_connections),
        cmocka_unit_test(two_names_lose_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
