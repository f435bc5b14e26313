/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder, the pcapng writer under it, and the capture reader read what the first two wrote.
 */
#include "frames.h"

#include "base/causes.h"
#include "port/pcapng.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[sizeof "/tmp/tern-test-XXXXXX"];

static int make_path(void **state)
{
    (void)state;
    memcpy(path, "/tmp/tern-test-XXXXXX", sizeof path);
    int fd = mkstemp(path);
    if (fd >= 0)
        (void)close(fd);
    return fd < 0;
}

static int drop_path(void **state)
{
    (void)state;
    return unlink(path);
}

static uint8_t file[1 << 20];

static size_t slurp(void)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, file, sizeof file);
    (void)close(fd);
    assert_true(n > 0);
    return (size_t)n;
}

static uint32_t u32(size_t at)
{
    uint32_t v;
    memcpy(&v, file + at, 4);
    return v;
}

/* Walks the blocks: lengths agree at both ends and fill the file. Returns the EPBs' number. */
static unsigned walk(size_t n, size_t *epb, unsigned max)
{
    unsigned k = 0, block = 0;
    for (size_t at = 0; at < n; block++) {
        uint32_t len = u32(at + 4);
        assert_true(len >= 12 && len % 4 == 0 && at + len <= n);
        assert_int_equal(u32(at + len - 4), len);
        if (block == 0)
            assert_int_equal(u32(at), 0x0a0d0d0a);
        else if (block == 1)
            assert_int_equal(u32(at), 1);
        else {
            assert_int_equal(u32(at), 6);
            assert_true(k < max);
            epb[k++] = at;
        }
        at += len;
    }
    return k;
}

static void blocks_have_the_format(void **state)
{
    (void)state;
    char why[TERN_WHY] = "";
    size_t epb[16] = {0};
    struct pcapng *w = pcapng_open(path, PCAPNG_RAW, "wire", why);
    assert_non_null(w);
    for (uint32_t len = 1; len <= 9; len++) {
        uint8_t data[16] = {1, 2, 3};
        pcapng_packet(w, 5000000000u + len, len & 1 ? PCAPNG_IN : PCAPNG_OUT, data, len,
                      len % 3 ? "why: because" : NULL);
    }
    pcapng_close(w);
    size_t n = slurp();
    assert_int_equal(walk(n, epb, 16), 9);
    assert_int_equal(u32(8), 0x1a2b3c4d);
    for (uint32_t i = 0; i < 9; i++) {
        uint32_t len = i + 1;
        assert_int_equal(u32(epb[i] + 20), len);
        assert_int_equal(u32(epb[i] + 24), len);
        uint64_t ns = (uint64_t)u32(epb[i] + 12) << 32 | u32(epb[i] + 16);
        assert_int_equal(ns, 5000000000u + len);
        size_t opt = epb[i] + 28 + ((len + 3) & ~3u);
        if (len % 3) {
            assert_int_equal(u32(opt), 1 | 12 << 16);
            assert_memory_equal(file + opt + 4, "why: because", 12);
            opt += 16;
        }
        assert_int_equal(u32(opt), 2 | 4 << 16);
        assert_int_equal(u32(opt + 4), len & 1 ? 1 : 2);
        assert_int_equal(u32(opt + 8), 0);
    }
}

/* What passes is in the file with the checksum completed, and passes unchanged. */
static void records_and_replays(void **state)
{
    (void)state;
    char why[TERN_WHY] = "";
    struct tern_port *a, *b, *rc, *pc;
    const struct tern_time now = {123456789};
    assert_int_equal(tern_wire_new(1500, 65535, 8, &a, &b, why), 0);
    assert_int_equal(tern_record_new(a, path, &rc, why), 0);
    assert_int_equal(rc->gso_max, 65535);

    struct tern_frame fr, in;
    assert_int_equal(rc->ops->tx_get(rc, &fr, 1, now), 1);
    fr.len = fr_build(fr.data, &(struct fr_seg){1, 2, 1, 80, 7, 0, TERN_TH_ACK, 5000});
    fr.gso = TERN_GSO_TCP4;
    fr.gso_size = 1448;
    fr.cause = CAUSE_LINK_LOST;
    fr_partial(&fr);
    rc->ops->tx_put(rc, &fr, 1, now);
    assert_int_equal(b->ops->rx(b, &in, 1, now), 1);
    assert_int_equal(in.csum, TERN_CSUM_PARTIAL);
    assert_false(fr_good(in.data, in.len));

    struct fr_seg back = {2, 1, 80, 1, 9, 5007, TERN_TH_ACK, 33};
    const struct tern_time later = {now.ns + 2000000};
    assert_true(fr_send(b, &back, 3, later));
    assert_int_equal(rc->ops->rx(rc, &in, 1, later), 1);
    assert_int_equal(rc->ops->rx(rc, &in, 1, later), 0); /* idle: now it is in the file */
    size_t epb[4] = {0};
    assert_int_equal(walk(slurp(), epb, 4), 2);
    assert_true(fr_good(file + epb[0] + 28, 5054));
    assert_memory_equal(file + epb[0] + 28 + 5056 + 4, "link-lost: ", 11);
    rc->ops->close(rc);
    b->ops->close(b);

    assert_int_equal(tern_pcap_open(path, &pc, why), 0);
    assert_int_equal(pc->link, TERN_LINK_ETHER);
    assert_true(pc->ops->deadline(pc).ns < 0);
    const struct tern_time start = {50};
    struct tern_frame got[4];
    assert_int_equal(pc->ops->rx(pc, got, 4, start), 1);
    assert_int_equal(got[0].len, 5054);
    assert_true(fr_good(got[0].data, got[0].len));
    assert_int_equal(pc->ops->deadline(pc).ns, 50 + 2000000);
    assert_int_equal(pc->ops->rx(pc, got, 4, (struct tern_time){2000049}), 0);
    assert_int_equal(pc->ops->tx_get(pc, got, 4, start),
                     4); /* sending is allowed, and for nothing */
    pc->ops->tx_put(pc, got, 4, start);
    assert_int_equal(pc->ops->rx(pc, got, 4, (struct tern_time){2000050}), 1);
    assert_int_equal(be32_load(got[0].data + 38), 9);
    assert_int_equal(pc->ops->deadline(pc).ns, INT64_MAX);
    assert_int_equal(pc->ops->rx(pc, got, 4, (struct tern_time){9000000}), 0);
    pc->ops->close(pc);
}

static void unusable_files_are_named(void **state)
{
    (void)state;
    char why[TERN_WHY] = "";
    struct tern_port *a, *b, *p;
    assert_int_equal(tern_wire_new(1500, 0, 8, &a, &b, why), 0);
    assert_int_equal(tern_record_new(a, "/nonexistent/x.pcapng", &p, why), -1);
    assert_non_null(strstr(why, "/nonexistent/x.pcapng: cannot write the capture: No such file"));
    a->ops->close(a);
    b->ops->close(b);
    assert_int_equal(tern_pcap_open("/nonexistent/y.pcap", &p, why), -1);
    assert_non_null(strstr(why, "/nonexistent/y.pcap: cannot read the capture"));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("this is no capture at all", f);
    (void)fclose(f);
    assert_int_equal(tern_pcap_open(path, &p, why), -1);
    assert_non_null(strstr(why, path));
}

static void a_full_disk_ends_the_capture(void **state)
{
    (void)state;
    char why[TERN_WHY] = "";
    struct pcapng *w = pcapng_open("/dev/full", PCAPNG_ETHER, NULL, why);
    assert_non_null(w);
    uint8_t data[60] = {0};
    for (int i = 0; i < 10000; i++)
        pcapng_packet(w, 1, PCAPNG_IN, data, sizeof data, NULL);
    pcapng_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blocks_have_the_format, make_path, drop_path),
        cmocka_unit_test_setup_teardown(records_and_replays, make_path, drop_path),
        cmocka_unit_test_setup_teardown(unusable_files_are_named, make_path, drop_path),
        cmocka_unit_test(a_full_disk_ends_the_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
