/* SPDX-License-Identifier: BSD-2-Clause */
#include "frames.h"

#include "base/causes.h"
#include "base/cksum.h"

struct bench {
    struct tern_port *a, *b;
    unsigned notes[CAUSES];
    uint32_t lost_seq;
};

static void bench_note(void *ctx, const struct tern_trace *rec)
{
    struct bench *bn = ctx;
    assert_int_equal(rec->kind, TERN_TR_LINK);
    assert_true(rec->id != 0);
    bn->notes[rec->cause]++;
    if (rec->cause == CAUSE_LINK_LOST)
        bn->lost_seq = rec->seq;
}

static void bench_open(struct bench *bn, const struct tern_impair_config *out,
                       const struct tern_impair_config *in, uint32_t gso)
{
    char why[TERN_WHY] = "";
    struct tern_port *inner;
    memset(bn, 0, sizeof *bn);
    assert_int_equal(tern_wire_new(1500, gso, 1024, &inner, &bn->b, why), 0);
    if (tern_impair_new(inner, out, in, &bn->a, why) != 0)
        fail_msg("%s", why);
    bn->a->note = bench_note;
    bn->a->note_ctx = bn;
}

static void bench_shut(struct bench *bn)
{
    bn->a->ops->close(bn->a);
    bn->b->ops->close(bn->b);
}

static struct tern_time us(int64_t n)
{
    return (struct tern_time){n * 1000};
}

/* Numbered data segments from a to b. */
static void send_n(struct bench *bn, uint32_t from, uint32_t n, struct tern_time now)
{
    for (uint32_t i = 0; i < n; i++) {
        struct fr_seg s = {1, 2, 1000, 80, from + i, 0, TERN_TH_ACK, 100};
        assert_true(fr_send(bn->a, &s, from + i + 1, now));
    }
}

/* What b has received by now: sequence numbers; bad frames are counted apart. */
static size_t recv_all(struct bench *bn, struct tern_time now, uint32_t *seq, size_t max,
                       size_t *bad)
{
    struct tern_frame fr[TERN_PORT_BATCH];
    size_t k = 0, n;
    (void)bn->a->ops->rx(bn->a, fr, TERN_PORT_BATCH, now); /* lets delayed frames out */
    while ((n = bn->b->ops->rx(bn->b, fr, TERN_PORT_BATCH, now)) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (!fr_good(fr[i].data, fr[i].len) && fr[i].csum == TERN_CSUM_NONE) {
                (*bad)++;
                continue;
            }
            assert_true(k < max);
            seq[k++] = be32_load(fr[i].data + 38);
        }
    }
    return k;
}

static void loss_follows_the_rate_and_the_seed(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.seed = 7, .lose = 0.1};
    static uint32_t first[4000], second[4000];
    size_t bad = 0, n[2];
    for (int run = 0; run < 2; run++) {
        struct bench bn;
        bench_open(&bn, &cfg, NULL, 0);
        n[run] = 0;
        uint32_t *seq = run ? second : first;
        for (uint32_t i = 0; i < 4000; i += 500) {
            send_n(&bn, i, 500, us(i));
            n[run] += recv_all(&bn, us(i), seq + n[run], 4000 - n[run], &bad);
        }
        assert_int_equal(n[run] + bn.notes[CAUSE_LINK_LOST], 4000);
        bench_shut(&bn);
    }
    assert_true(n[0] > 3500 && n[0] < 3700); /* 3600 and five standard deviations */
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(first, second, n[0] * sizeof first[0]);
    assert_int_equal(bad, 0);
}

static void delay_is_exact_and_jitter_keeps_order(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.seed = 1, .delay_us = 5000};
    struct bench bn;
    uint32_t seq[64] = {0};
    size_t bad = 0;
    bench_open(&bn, &cfg, NULL, 0);
    send_n(&bn, 0, 3, us(100));
    assert_int_equal(bn.a->ops->deadline(bn.a).ns, us(5100).ns);
    assert_int_equal(recv_all(&bn, us(5099), seq, 64, &bad), 0);
    assert_int_equal(recv_all(&bn, us(5100), seq, 64, &bad), 3);
    assert_int_equal(bn.a->ops->deadline(bn.a).ns, INT64_MAX);
    bench_shut(&bn);

    cfg.jitter_us = 3000;
    bench_open(&bn, &cfg, NULL, 0);
    for (uint32_t i = 0; i < 50; i++)
        send_n(&bn, i, 1, us(10 * (int64_t)i));
    size_t early = recv_all(&bn, us(5000 + 490), seq, 64, &bad);
    assert_true(early < 50);
    size_t n = early + recv_all(&bn, us(8000 + 490), seq + early, 64 - early, &bad);
    assert_int_equal(n, 50);
    for (uint32_t i = 0; i < 50; i++)
        assert_int_equal(seq[i], i);
    bench_shut(&bn);
}

/* Marked frames arrive, with a right header checksum; what is not ECN-capable is never marked
 * [RFC3168:5]. */
static void ce_marks_only_what_is_capable(void **state)
{
    (void)state;
    for (uint8_t ecn = 0; ecn < 4; ecn++) {
        struct tern_impair_config cfg = {.seed = 5, .ce = 0.25};
        struct tern_frame fr[TERN_PORT_BATCH];
        struct bench bn;
        unsigned ce = 0, all = 0;
        size_t n;
        bench_open(&bn, &cfg, NULL, 0);
        for (uint32_t i = 0; i < 400; i++) {
            struct fr_seg s = {1, 2, 1000, 80, i, 0, TERN_TH_ACK, 100};
            assert_int_equal(bn.a->ops->tx_get(bn.a, fr, 1, us(0)), 1);
            fr[0].len = fr_build(fr[0].data, &s);
            fr[0].id = i + 1;
            uint8_t *h = fr[0].data + 14;
            h[1] = ecn;
            memset(h + 10, 0, 2);
            uint16_t sum = cksum_fold(cksum_ops(0)->sum(h, 20));
            memcpy(h + 10, &sum, 2);
            bn.a->ops->tx_put(bn.a, fr, 1, us(0));
            while ((n = bn.b->ops->rx(bn.b, fr, TERN_PORT_BATCH, us(0))) > 0) {
                assert_true(n == 1 && fr_good(fr[0].data, fr[0].len));
                assert_int_equal(cksum_fold(cksum_ops(0)->sum(fr[0].data + 14, 20)), 0);
                ce += fr[0].data[15] == 3;
                assert_true(fr[0].data[15] == 3 || fr[0].data[15] == ecn);
                all++;
            }
        }
        assert_int_equal(all, 400);
        if (ecn == 1 || ecn == 2)
            assert_true(ce > 60 && ce < 140);
        else
            assert_int_equal(ce, ecn == 3 ? 400 : 0);
        assert_int_equal(bn.notes[CAUSE_LINK_MARKED], ecn == 3 ? 0 : ce);
        bench_shut(&bn);
    }
}

static void a_long_queue_marks(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.seed = 5, .rate_bps = 8000000, .ce_bytes = 5000};
    struct tern_frame fr;
    struct bench bn;
    bench_open(&bn, &cfg, NULL, 0);
    for (uint32_t i = 0; i < 20; i++) {
        struct fr_seg s = {1, 2, 1000, 80, i, 0, TERN_TH_ACK, 946};
        assert_int_equal(bn.a->ops->tx_get(bn.a, &fr, 1, us(0)), 1);
        fr.len = fr_build(fr.data, &s);
        fr.id = i + 1;
        fr.data[15] = 2;
        bn.a->ops->tx_put(bn.a, &fr, 1, us(0));
    }
    assert_int_equal(bn.notes[CAUSE_LINK_MARKED],
                     14); /* frames of 1000 octets: from the seventh on */
    bench_shut(&bn);
}

static void reordered_frames_come_later(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.seed = 3, .reorder = 0.2, .reorder_us = 100};
    struct bench bn;
    static uint32_t seq[600];
    size_t bad = 0, n = 0;
    bench_open(&bn, &cfg, NULL, 0);
    for (uint32_t i = 0; i < 500; i++) {
        send_n(&bn, i, 1, us(20 * (int64_t)i));
        n += recv_all(&bn, us(20 * (int64_t)i), seq + n, 600 - n, &bad);
    }
    n += recv_all(&bn, us(20000), seq + n, 600 - n, &bad);
    assert_int_equal(n, 500);
    unsigned late = 0;
    uint32_t top = 0;
    for (size_t i = 0; i < n; i++) {
        late += seq[i] < top;
        top = seq[i] > top ? seq[i] : top;
    }
    assert_true(late > 50);
    assert_true(bn.notes[CAUSE_LINK_REORDERED] >= late);
    bench_shut(&bn);
}

static void duplicates_come_twice(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.seed = 3, .duplicate = 1};
    struct bench bn;
    uint32_t seq[64] = {0};
    size_t bad = 0;
    bench_open(&bn, &cfg, NULL, 0);
    send_n(&bn, 5, 10, us(0));
    assert_int_equal(recv_all(&bn, us(0), seq, 64, &bad), 20);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(seq[i], 5 + i / 2);
    assert_int_equal(bn.notes[CAUSE_LINK_DUPLICATED], 10);
    bench_shut(&bn);
}

/* Each damaged frame fails a checksum, although its checksum had been left out; a frame that is not
 * IPv4 is lost instead. */
static void damage_is_detectable(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.seed = 9, .corrupt = 1};
    struct bench bn;
    uint32_t seq[4];
    size_t bad = 0;
    bench_open(&bn, &cfg, NULL, 0);
    for (uint32_t i = 0; i < 500; i++) {
        struct tern_frame fr;
        assert_int_equal(bn.a->ops->tx_get(bn.a, &fr, 1, us(0)), 1);
        fr.len = fr_build(fr.data, &(struct fr_seg){1, 2, 1, 2, i, 0, TERN_TH_ACK, i});
        fr.id = 1;
        fr_partial(&fr);
        bn.a->ops->tx_put(bn.a, &fr, 1, us(0));
        assert_int_equal(recv_all(&bn, us(0), seq, 4, &bad), 0);
    }
    assert_int_equal(bad, 500);
    struct tern_frame arp;
    assert_int_equal(bn.a->ops->tx_get(bn.a, &arp, 1, us(0)), 1);
    memset(arp.data, 0, 60);
    be16_store(arp.data + 12, 0x0806);
    arp.len = 60;
    arp.id = 2;
    bn.a->ops->tx_put(bn.a, &arp, 1, us(0));
    assert_int_equal(bn.b->ops->rx(bn.b, &arp, 1, us(0)), 0);
    assert_int_equal(bn.notes[CAUSE_LINK_CORRUPTED], 501);
    bench_shut(&bn);
}

/* 154-octet frames at 1.232 Mbit/s take 1 ms each; the queue holds five. */
static void bandwidth_spaces_and_its_queue_overflows(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.rate_bps = 1232000, .queue_bytes = 5 * 154};
    struct bench bn;
    uint32_t seq[16];
    size_t bad = 0;
    bench_open(&bn, &cfg, NULL, 0);
    send_n(&bn, 0, 8, us(0));
    assert_int_equal(bn.notes[CAUSE_LINK_QUEUE_FULL], 3);
    for (int ms = 1; ms <= 5; ms++) {
        assert_int_equal(recv_all(&bn, us(1000 * (int64_t)ms - 1), seq, 16, &bad), 0);
        assert_int_equal(recv_all(&bn, us(1000 * (int64_t)ms), seq, 16, &bad), 1);
        assert_int_equal(seq[0], ms - 1);
    }
    send_n(&bn, 100, 1, us(9000)); /* an idle link starts at once */
    assert_int_equal(recv_all(&bn, us(10000), seq, 16, &bad), 1);
    bench_shut(&bn);
}

static void super_segments_are_cut_first(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.named = {{TERN_LOSE_DATA_N, 2}}, .nnamed = 1};
    struct bench bn;
    uint32_t seq[64] = {0};
    size_t bad = 0;
    bench_open(&bn, &cfg, NULL, 65535);
    assert_int_equal(bn.a->gso_max, 0);
    struct tern_frame fr = {0};
    assert_int_equal(bn.a->ops->tx_get(bn.a, &fr, 1, us(0)), 1);
    fr.len = fr_build(fr.data, &(struct fr_seg){1, 2, 1, 2, 0, 0, TERN_TH_ACK, 14480});
    fr.gso = TERN_GSO_TCP4;
    fr.gso_size = 1448;
    fr.id = 1;
    fr_partial(&fr);
    bn.a->ops->tx_put(bn.a, &fr, 1, us(0));
    assert_int_equal(recv_all(&bn, us(0), seq, 64, &bad), 9);
    assert_int_equal(bn.lost_seq, 1448);
    assert_int_equal(bn.notes[CAUSE_LINK_LOST], 1);
    assert_int_equal(seq[1], 2896);
    assert_int_equal(bad, 0);
    bench_shut(&bn);
}

/* The other direction: frames that arrive are impaired, those that leave are not. */
static void the_in_lane_impairs_arrivals(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {
        .delay_us = 1000, .named = {{TERN_LOSE_DATA_N, 1}}, .nnamed = 1};
    struct bench bn;
    struct tern_frame fr[8];
    bench_open(&bn, NULL, &cfg, 0);
    struct fr_seg s = {2, 1, 80, 1000, 0, 0, TERN_TH_ACK, 10};
    assert_true(fr_send(bn.b, &s, 1, us(0)));
    s.seq = 10;
    assert_true(fr_send(bn.b, &s, 2, us(0)));
    assert_int_equal(bn.a->ops->rx(bn.a, fr, 8, us(0)), 0);
    assert_int_equal(bn.a->ops->deadline(bn.a).ns, us(1000).ns);
    assert_int_equal(bn.a->ops->rx(bn.a, fr, 8, us(1000)), 1);
    assert_int_equal(be32_load(fr[0].data + 38), 10);
    assert_int_equal(fr[0].id, 2);
    send_n(&bn, 7, 1, us(0));
    assert_int_equal(bn.b->ops->rx(bn.b, fr, 8, us(0)), 1);
    bench_shut(&bn);
}

static void frames_in_flight_are_released(void **state)
{
    (void)state;
    struct tern_impair_config cfg = {.delay_us = 1000};
    struct bench bn;
    bench_open(&bn, &cfg, &cfg, 0);
    send_n(&bn, 0, 10, us(0));
    struct fr_seg s = {2, 1, 80, 1000, 0, 0, TERN_TH_ACK, 10};
    struct tern_frame fr[8];
    for (int i = 0; i < 10; i++)
        assert_true(fr_send(bn.b, &s, 1, us(0)));
    (void)bn.a->ops->rx(bn.a, fr, 8, us(0));
    assert_int_equal(bn.a->ops->rx(bn.a, fr, 8, us(1000)), 8);
    bench_shut(&bn); /* leaks are the sanitizer's to find */
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct tern_port *a, *b, *p;
    char why[TERN_WHY] = "";
    assert_int_equal(tern_wire_new(1500, 0, 8, &a, &b, why), 0);
    struct tern_impair_config cfg = {.lose = 1.5};
    assert_int_equal(tern_impair_new(a, NULL, &cfg, &p, why), -1);
    assert_non_null(strstr(why, "in, lose: 1.5"));
    cfg = (struct tern_impair_config){.delay_us = 4000000000u};
    assert_int_equal(tern_impair_new(a, &cfg, NULL, &p, why), -1);
    cfg = (struct tern_impair_config){.nnamed = 9};
    assert_int_equal(tern_impair_new(a, &cfg, NULL, &p, why), -1);
    a->ops->close(a);
    b->ops->close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_follows_the_rate_and_the_seed),
        cmocka_unit_test(delay_is_exact_and_jitter_keeps_order),
        cmocka_unit_test(ce_marks_only_what_is_capable),
        cmocka_unit_test(a_long_queue_marks),
        cmocka_unit_test(reordered_frames_come_later),
        cmocka_unit_test(duplicates_come_twice),
        cmocka_unit_test(damage_is_detectable),
        cmocka_unit_test(bandwidth_spaces_and_its_queue_overflows),
        cmocka_unit_test(super_segments_are_cut_first),
        cmocka_unit_test(the_in_lane_impairs_arrivals),
        cmocka_unit_test(frames_in_flight_are_released),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
