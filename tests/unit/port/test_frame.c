/* SPDX-License-Identifier: BSD-2-Clause */
#include "frames.h"

#include "port/frame.h"

static void view_reads_a_segment(void **state)
{
    (void)state;
    uint8_t f[200];
    uint32_t len = fr_build(f, &(struct fr_seg){1, 2, 1000, 80, 77, 88, TERN_TH_ACK, 30});
    struct frame_view v;
    assert_true(frame_view(TERN_LINK_ETHER, f, len, &v));
    assert_true(v.tcp);
    assert_int_equal(v.sport, 1000);
    assert_int_equal(v.dport, 80);
    assert_int_equal(v.seq, 77);
    assert_int_equal(v.ack, 88);
    assert_int_equal(v.data, FR_HDR);
    assert_int_equal(v.data_len, 30);
    assert_int_equal(v.dst[3], 2);
    assert_true(frame_view(TERN_LINK_IP, f + 14, len - 14, &v));
    assert_int_equal(v.data, 40);
}

static void view_ignores_padding(void **state)
{
    (void)state;
    uint8_t f[200] = {0};
    uint32_t len = fr_build(f, &(struct fr_seg){1, 2, 1, 2, 3, 4, TERN_TH_ACK, 0});
    struct frame_view v;
    assert_true(frame_view(TERN_LINK_ETHER, f, len + 6, &v));
    assert_int_equal(v.data_len, 0);
}

/* Every length and every first octet: never a view beyond the frame. */
static void view_declines_nonsense(void **state)
{
    (void)state;
    uint8_t f[200];
    uint32_t len = fr_build(f, &(struct fr_seg){1, 2, 1, 2, 3, 4, TERN_TH_ACK, 10});
    struct frame_view v;
    for (uint32_t n = 0; n < len; n++)
        assert_false(frame_view(TERN_LINK_ETHER, f, n, &v));
    for (unsigned b = 0; b < 256; b++) {
        f[14] = (uint8_t)b;
        if (frame_view(TERN_LINK_ETHER, f, len, &v)) {
            assert_int_equal(b >> 4, 4);
            assert_true(v.l4 <= len && (!v.tcp || v.data + v.data_len <= len));
        }
    }
    f[14] = 0x45;
    for (unsigned b = 0; b < 256; b++) {
        f[46] = (uint8_t)b; /* TCP data offset */
        assert_true(frame_view(TERN_LINK_ETHER, f, len, &v));
        assert_int_equal(v.tcp, b >> 4 >= 5 && b >> 4 <= 7);
    }
    f[46] = 0x50;
    f[21] = 8; /* a later fragment */
    assert_true(frame_view(TERN_LINK_ETHER, f, len, &v));
    assert_false(v.tcp);
    f[12] = 0x86;
    assert_false(frame_view(TERN_LINK_ETHER, f, len, &v));
}

static void checksum_is_completed(void **state)
{
    (void)state;
    uint8_t f[2000];
    for (uint32_t n = 0; n < 1400; n += 97) {
        struct tern_frame fr = {.data = f};
        fr.len = fr_build(f, &(struct fr_seg){1, 2, 1, 2, 3 + n, 4, TERN_TH_ACK, n});
        fr_partial(&fr);
        assert_false(fr_good(f, fr.len));
        frame_finish_csum(&fr);
        assert_true(fr_good(f, fr.len));
        assert_int_equal(fr.csum, TERN_CSUM_NONE);
    }
}

static void checksum_outside_is_left(void **state)
{
    (void)state;
    uint8_t f[100];
    struct tern_frame fr = {.data = f};
    fr.len = fr_build(f, &(struct fr_seg){1, 2, 1, 2, 3, 4, TERN_TH_ACK, 0});
    fr_partial(&fr);
    fr.csum_start = (uint16_t)fr.len;
    frame_finish_csum(&fr);
    assert_int_equal(fr.csum, TERN_CSUM_PARTIAL);
}

/* The pieces are correct segments that put together give the super-segment. */
static void cut_covers_the_segment(void **state)
{
    (void)state;
    static uint8_t f[66000];
    const uint32_t lens[] = {1, 1448, 1449, 2896, 40000, 65000};
    for (unsigned i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        const uint32_t seq = 0xffffff00u;
        struct tern_frame fr = {.data = f, .gso = TERN_GSO_TCP4, .gso_size = 1448};
        uint8_t th = TERN_TH_ACK | TERN_TH_PSH | TERN_TH_FIN | TERN_TH_CWR;
        fr.len = fr_build(f, &(struct fr_seg){1, 2, 1, 2, seq, 4, th, lens[i]});
        struct frame_cut c;
        assert_true(frame_cut_begin(&c, TERN_LINK_ETHER, &fr));
        uint8_t out[1600];
        uint32_t n, sum = 0, pieces = 0;
        while ((n = frame_cut_next(&c, out, sizeof out)) > 0) {
            struct frame_view v;
            assert_true(fr_good(out, n));
            assert_true(frame_view(TERN_LINK_ETHER, out, n, &v));
            assert_int_equal(v.seq, seq + sum);
            assert_memory_equal(out + v.data, f + FR_HDR + sum, v.data_len);
            assert_int_equal(be16_load(out + 18), 100 + pieces);
            sum += v.data_len;
            pieces++;
            assert_int_equal(!!(v.th & TERN_TH_FIN), sum == lens[i]);
            assert_int_equal(!!(v.th & TERN_TH_PSH), sum == lens[i]);
            assert_int_equal(!!(v.th & TERN_TH_CWR), pieces == 1);
            assert_true(v.data_len == 1448 || sum == lens[i]);
        }
        assert_int_equal(sum, lens[i]);
        assert_int_equal(pieces, (lens[i] + 1447) / 1448);
    }
}

static void cut_declines_others(void **state)
{
    (void)state;
    uint8_t f[200];
    struct tern_frame fr = {.data = f};
    fr.len = fr_build(f, &(struct fr_seg){1, 2, 1, 2, 3, 4, TERN_TH_ACK, 30});
    struct frame_cut c;
    assert_false(frame_cut_begin(&c, TERN_LINK_ETHER, &fr));
    fr.gso = TERN_GSO_TCP6;
    fr.gso_size = 10;
    assert_false(frame_cut_begin(&c, TERN_LINK_ETHER, &fr));
    fr.gso = TERN_GSO_TCP4;
    assert_true(frame_cut_begin(&c, TERN_LINK_ETHER, &fr));
    fr.gso_size = 0;
    assert_false(frame_cut_begin(&c, TERN_LINK_ETHER, &fr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_reads_a_segment),     cmocka_unit_test(view_ignores_padding),
        cmocka_unit_test(view_declines_nonsense),   cmocka_unit_test(checksum_is_completed),
        cmocka_unit_test(checksum_outside_is_left), cmocka_unit_test(cut_covers_the_segment),
        cmocka_unit_test(cut_declines_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
