/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet links at both ends of a veth, in a network namespace that ends with this program: what one
 * sends the other receives, whole and in order. */
#include "frames.h"

#include "base/time.h"
#include <tern/loop.h>

#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY   3000u /* three times the ring for sending */
#define ROUNDS 20000

struct pair {
    struct tern_port *a, *b;
    bool there, refused; /* the program in the kernel at b, that a test wants */
};
static struct pair link_pair;

static void bad_names_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {"", "averyveryverylongname"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tern_port *p = NULL;
        char why[TERN_WHY] = "";
        assert_int_equal(tern_packet_open(bad[i], &p, why), -1);
        assert_non_null(strstr(why, "want 1..15 characters"));
        assert_null(p);
    }
}

/* Whoever may not is told what would help; root is told what is wrong with the device. */
static void each_reason_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {{"lo", "lo: not an Ethernet device"},
                 {"nosuchdev0", "nosuchdev0: no such device"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tern_port *p = NULL;
        char why[TERN_WHY] = "";
        assert_int_equal(tern_packet_open(cases[i].name, &p, why), -1);
        assert_true(strstr(why, cases[i].says) == why || strstr(why, "CAP_NET_RAW") != NULL);
        assert_null(p);
    }
}

/* ---- over a veth ---- */

/* Runs ip(8) with these words; true when it was content. */
static bool pair_ip(const char *words)
{
    char text[128], *argv[16] = {0}, *save = NULL;
    unsigned n = 0;
    int status = -1;
    pid_t pid;
    (void)snprintf(text, sizeof text, "ip %s", words);
    for (char *w = strtok_r(text, " ", &save); w && n < 15; w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    return posix_spawnp(&pid, "ip", NULL, NULL, argv, environ) == 0 &&
           waitpid(pid, &status, 0) == pid && status == 0;
}

/* The kernel's own frames (neighbours of IPv6) stay away. */
static bool pair_quiet(void)
{
    FILE *f = fopen("/proc/sys/net/ipv6/conf/all/disable_ipv6", "we");
    if (!f)
        return access("/proc/sys/net/ipv6", F_OK) < 0;
    bool wrote = fputs("1", f) >= 0;
    return fclose(f) == 0 && wrote;
}

static int pair_open(void **state)
{
    char why[TERN_WHY] = "";
    cpu_set_t one;
    (void)state;
    /* One CPU: its queue of received frames keeps their order. */
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    link_pair.there = (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) &&
                      pair_ip("link add pa mtu 1500 type veth peer name pb") && pair_quiet() &&
                      pair_ip("link set pa up") && pair_ip("link set pb up");
    if (!link_pair.there)
        return 0;
    assert_int_equal(tern_packet_open("pa", &link_pair.a, why), 0);
    assert_int_equal(tern_packet_open("pb", &link_pair.b, why), 0);
    return 0;
}

static int pair_close(void **state)
{
    (void)state;
    if (link_pair.a)
        link_pair.a->ops->close(link_pair.a);
    if (link_pair.b)
        link_pair.b->ops->close(link_pair.b);
    return 0;
}

static void pair_needed(void)
{
    if (link_pair.there && !link_pair.refused)
        return;
    print_message(link_pair.there
                      ? "no program in the kernel: run as root, built with libbpf and clang\n"
                      : "no network namespace with a veth: run as root, with ip(8)\n");
    skip();
}

/* Puts one frame into the link; false = it has no room now. */
static bool pair_send(struct tern_port *p, const struct tern_frame *f)
{
    struct tern_frame out;
    if (p->ops->tx_get(p, &out, 1, tern_clock_now()) != 1)
        return false;
    uint8_t *at = out.data;
    assert_true(out.cap >= f->len);
    out = *f;
    out.data = at;
    memcpy(at, f->data, f->len);
    p->ops->tx_put(p, &out, 1, tern_clock_now());
    return true;
}

/* The next frame with our MAC addresses: the kernel's own are none of ours. */
static bool pair_next(struct tern_port *p, struct tern_frame *f)
{
    struct pollfd fd = {.fd = p->ops->fd(p), .events = POLLIN};
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (p->ops->rx(p, f, 1, tern_clock_now()) == 1 && f->data[0] == 2 && f->data[12] == 8)
            return true;
        (void)poll(&fd, 1, 1);
    }
    return false;
}

static void frames_arrive_whole_and_in_order(void **state)
{
    static const uint32_t lens[] = {1, 300, 1400, 0, 415, 416, 417, 1446, 5, 1460};
    static uint8_t buf[2048];
    (void)state;
    pair_needed();
    for (unsigned i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct fr_seg s = {1, 2, 1000, 80, 7 + i, 0, 0x10, lens[i]};
        struct tern_frame f = {.data = buf, .len = fr_build(buf, &s)};
        assert_true(pair_send(link_pair.a, &f));
    }
    for (unsigned i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct fr_seg s = {1, 2, 1000, 80, 7 + i, 0, 0x10, lens[i]};
        struct tern_frame got;
        assert_true(pair_next(link_pair.b, &got));
        assert_int_equal(got.len, fr_build(buf, &s));
        assert_memory_equal(got.data, buf, got.len);
    }
}

static uint32_t pair_seq(const struct tern_frame *f)
{
    return be32_load(f->data + 38);
}

/* More frames than there are slots in the ring, and then all of them are there. */
static void a_burst_arrives(void **state)
{
    static uint8_t buf[256];
    struct tern_frame got;
    (void)state;
    pair_needed();
    for (unsigned i = 0; i < MANY; i++) {
        struct fr_seg s = {1, 2, 1000, 80, i, 0, 0x10, 20};
        struct tern_frame f = {.data = buf, .len = fr_build(buf, &s)};
        assert_true(pair_send(link_pair.a, &f));
    }
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(pair_next(link_pair.b, &got));
        assert_int_equal(pair_seq(&got), i);
    }
}

/* A veth whose other end is down has no room: frames wait in the ring, and go when it has. */
static void a_device_without_room_is_asked_again(void **state)
{
    static uint8_t buf[256];
    struct tern_frame got;
    struct tern_time at;
    (void)state;
    pair_needed();
    assert_true(pair_ip("link set pb down"));
    for (unsigned i = 0; i < 3; i++) {
        struct fr_seg s = {1, 2, 1000, 80, 50 + i, 0, 0x10, 20};
        struct tern_frame f = {.data = buf, .len = fr_build(buf, &s)};
        assert_true(pair_send(link_pair.a, &f));
    }
    at = link_pair.a->ops->deadline(link_pair.a);
    assert_false(time_is_never(at));
    assert_true(pair_ip("link set pb up"));
    assert_int_equal(link_pair.a->ops->rx(link_pair.a, &got, 0, at), 0);
    assert_true(time_is_never(link_pair.a->ops->deadline(link_pair.a)));
    for (unsigned i = 0; i < 3; i++) {
        assert_true(pair_next(link_pair.b, &got));
        assert_int_equal(pair_seq(&got), 50 + i);
    }
}

/* ... but not for ever. */
static void a_device_without_room_is_given_up(void **state)
{
    static uint8_t buf[256];
    struct fr_seg s = {1, 2, 1000, 80, 60, 0, 0x10, 20};
    struct tern_frame got, f = {.data = buf, .len = fr_build(buf, &s)};
    struct tern_time at;
    unsigned tries = 0;
    (void)state;
    pair_needed();
    assert_true(pair_ip("link set pb down"));
    assert_true(pair_send(link_pair.a, &f));
    while (!time_is_never(at = link_pair.a->ops->deadline(link_pair.a)) && ++tries < 1000)
        (void)link_pair.a->ops->rx(link_pair.a, &got, 0, at);
    assert_in_range(tries, 2, 100);
    assert_true(pair_ip("link set pb up"));
    s.seq = 61;
    f.len = fr_build(buf, &s);
    assert_true(pair_send(link_pair.a, &f));
    assert_true(pair_next(link_pair.b, &got));
    assert_int_equal(pair_seq(&got), 61);
}

static void a_super_segment_stays_one(void **state)
{
    static uint8_t buf[40000], want[40000];
    struct fr_seg s = {1, 2, 1000, 80, 9, 0, 0x10, 30000};
    struct tern_frame got, f = {.data = buf, .gso = TERN_GSO_TCP4, .gso_size = 1460};
    (void)state;
    pair_needed();
    f.len = fr_build(buf, &s);
    memcpy(want, buf, f.len);
    f.csum = TERN_CSUM_PARTIAL;
    f.csum_start = 34;
    f.csum_offset = 16;
    assert_true(pair_send(link_pair.a, &f));
    assert_true(pair_next(link_pair.b, &got));
    assert_int_equal(got.len, f.len);
    assert_int_equal(got.gso, TERN_GSO_TCP4);
    assert_int_equal(got.gso_size, 1460);
    assert_memory_equal(got.data + FR_HDR, want + FR_HDR, f.len - FR_HDR);
}

/* A device that is down takes nothing; what was meant for it is lost, and it goes on afterwards. */
static void a_device_that_was_down_goes_on(void **state)
{
    static uint8_t buf[256];
    struct fr_seg s = {1, 2, 1000, 80, 77, 0, 0x10, 20};
    struct tern_frame got, f = {.data = buf, .len = fr_build(buf, &s)};
    (void)state;
    pair_needed();
    assert_true(pair_ip("link set pa down"));
    for (unsigned i = 0; i < 10; i++)
        (void)pair_send(link_pair.a, &f);
    assert_true(time_is_never(link_pair.a->ops->deadline(link_pair.a)));
    assert_true(pair_ip("link set pa up"));
    s.seq = 78;
    f.len = fr_build(buf, &s);
    assert_true(pair_send(link_pair.a, &f));
    assert_true(pair_next(link_pair.b, &got));
    assert_int_equal(pair_seq(&got), 78);
}

/* ---- SYNs have a ring of their own ---- */

#define SYNS (8192u + 2000u) /* more than it has slots */
#define ACKS 100u

static void pair_put(unsigned th, uint32_t seq, uint32_t len)
{
    static uint8_t buf[2048];
    struct fr_seg s = {1, 2, 1000, 80, seq, 0, (uint8_t)th, len};
    struct tern_frame f = {.data = buf, .len = fr_build(buf, &s)};
    assert_true(pair_send(link_pair.a, &f));
}

static bool pair_is_syn(const struct tern_frame *f)
{
    return (f->data[47] & 0x17) == 0x02;
}

/* SYNs fill their ring and are lost; the ACKs behind them are not, and do not wait for them. */
static void a_flood_of_syns_is_in_nobodys_way(void **state)
{
    struct tern_frame got[TERN_PORT_BATCH];
    uint32_t acks = 0, syns = 0, before = 0, idle = 0;
    (void)state;
    pair_needed();
    for (uint32_t i = 0; i < SYNS; i++)
        pair_put(0x02, i, 0);
    for (uint32_t i = 0; i < ACKS; i++)
        pair_put(0x10, i, 0);
    while (idle < ROUNDS && (acks < ACKS || idle < 10)) {
        size_t n = link_pair.b->ops->rx(link_pair.b, got, TERN_PORT_BATCH, tern_clock_now());
        idle = n ? 0 : idle + 1;
        for (size_t i = 0; i < n; i++) {
            if (pair_is_syn(&got[i])) {
                assert_int_equal(pair_seq(&got[i]), syns++);
                before += acks < ACKS;
            } else if (got[i].data[0] == 2) {
                assert_int_equal(pair_seq(&got[i]), acks++);
            }
        }
    }
    assert_int_equal(acks, ACKS);
    assert_in_range(syns, 4096, SYNS - 1);
    assert_in_range(before, 1, ACKS); /* a quarter of each batch */
}

/* Gives back the slots of what was received last, and takes what is left of another test. */
static void pair_drain(void)
{
    struct tern_frame got;
    while (link_pair.b->ops->rx(link_pair.b, &got, 1, tern_clock_now()) > 0)
        ;
}

/* Which of both descriptors say that something came in: 1, 2. */
static unsigned pair_told(int wait_ms)
{
    struct pollfd fd[2] = {{.fd = link_pair.b->ops->fd(link_pair.b), .events = POLLIN},
                           {.fd = link_pair.b->ops->fd2(link_pair.b), .events = POLLIN}};
    for (int i = 0; i <= wait_ms; i++) { /* an error of a device that was down is none of these */
        (void)poll(fd, 2, 0);
        if ((fd[0].revents | fd[1].revents) & POLLIN)
            break;
        (void)poll(NULL, 0, wait_ms > 0);
    }
    return (fd[0].revents & POLLIN ? 1u : 0) | (fd[1].revents & POLLIN ? 2u : 0);
}

/* Both rings have a descriptor that tells. */
static void a_syn_wakes_whoever_waits(void **state)
{
    struct tern_frame got;
    (void)state;
    pair_needed();
    pair_drain();
    pair_put(0x02, 1, 0);
    assert_int_equal(pair_told(10000), 2);
    assert_true(pair_next(link_pair.b, &got));
    assert_int_equal(pair_seq(&got), 1);
    pair_drain();
    assert_int_equal(pair_told(0), 0);
    pair_put(0x10, 2, 0);
    assert_int_equal(pair_told(10000), 1);
    assert_true(pair_next(link_pair.b, &got));
    assert_int_equal(pair_seq(&got), 2);
}

/* What has both flags, or a RST or FIN as well, is no SYN for this; ECN's flags change nothing. */
static void only_syns_are_dealt_out(void **state)
{
    static const struct {
        uint8_t th, told;
    } all[] = {{0x12, 1}, {0x06, 1}, {0x03, 1}, {0x00, 1}, {0x10, 1}, {0x02, 2}, {0xc2, 2}};
    struct tern_frame got;
    (void)state;
    pair_needed();
    for (uint32_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        pair_drain();
        pair_put(all[i].th, i, 0);
        assert_int_equal(pair_told(10000), all[i].told);
        assert_true(pair_next(link_pair.b, &got));
        assert_int_equal(pair_seq(&got), i);
    }
}

/* A checksum that was left to the link is completed in a short frame. */
static void a_short_frame_has_its_checksum(void **state)
{
    static uint8_t buf[256], want[256];
    struct fr_seg s = {1, 2, 1000, 80, 5, 0, 0x10, 33};
    struct tern_frame got, f = {.data = buf, .len = fr_build(buf, &s)};
    (void)state;
    pair_needed();
    memcpy(want, buf, f.len);
    uint32_t sum = fr_fold(fr_pseudo(buf, f.len - 34));
    be16_store(buf + 50, (uint16_t)sum);
    f.csum = TERN_CSUM_PARTIAL;
    f.csum_start = 34;
    f.csum_offset = 16;
    assert_true(pair_send(link_pair.a, &f));
    assert_true(pair_next(link_pair.b, &got));
    assert_int_equal(got.len, f.len);
    assert_memory_equal(got.data, want, f.len);
}

/* ... and one with data that no slot of that ring holds is whole all the same. */
static void a_long_syn_is_whole(void **state)
{
    static uint8_t want[2048];
    static const uint32_t lens[] = {100, 130, 166, 1000, 0, 1446};
    (void)state;
    pair_needed();
    for (uint32_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        pair_put(0x02, i, lens[i]);
    for (uint32_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct fr_seg s = {1, 2, 1000, 80, i, 0, 0x02, lens[i]};
        struct tern_frame got;
        assert_true(pair_next(link_pair.b, &got));
        assert_int_equal(got.len, fr_build(want, &s));
        assert_memory_equal(got.data, want, got.len);
    }
}

/* Frames of another network that is laid over this one are not ours; tag 0 says only how urgent. */
static void vlan(uint8_t th)
{
    static uint8_t buf[512], tagged[512];
    struct tern_frame got;
    pair_needed();
    pair_drain();
    for (uint32_t i = 0; i < 6; i++) {
        struct fr_seg s = {1, 2, 1000, 80, i, 0, th, i < 4 ? 20 : 0};
        uint32_t len = fr_build(buf, &s);
        memcpy(tagged, buf, 12);
        be32_store(tagged + 12, 0x81000000u | (i < 4 ? 5 + i : 0));
        memcpy(tagged + 16, buf + 12, len - 12);
        struct tern_frame f = {.data = tagged, .len = len + 4};
        assert_true(pair_send(link_pair.a, &f));
    }
    assert_true(pair_next(link_pair.b, &got));
    assert_int_equal(pair_seq(&got), 4);
    assert_true(pair_next(link_pair.b, &got));
    assert_int_equal(pair_seq(&got), 5);
}

static void frames_of_a_vlan_are_not_ours(void **state)
{
    (void)state;
    vlan(0x10);
}

static void syns_of_a_vlan_are_not_ours(void **state)
{
    (void)state;
    vlan(0x02);
}

/* ---- with a program in the kernel that could answer SYNs, and has nobody to do it for ---- */

static int with_program(void **state)
{
    char why[TERN_WHY] = "";
    (void)state;
    if (!link_pair.there)
        return 0;
    link_pair.b->ops->close(link_pair.b);
    link_pair.refused = tern_packet_open_offload("pb", &link_pair.b, why) < 0;
    return link_pair.refused ? tern_packet_open("pb", &link_pair.b, why) : 0;
}

static int without_program(void **state)
{
    char why[TERN_WHY] = "";
    (void)state;
    link_pair.refused = false;
    if (!link_pair.there)
        return 0;
    link_pair.b->ops->close(link_pair.b);
    return tern_packet_open("pb", &link_pair.b, why);
}

#define PROGRAM_TEST(f)                                                                            \
    {                                                                                              \
#f ", a program at the device", f, with_program, without_program, NULL                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(each_reason_is_named),
        cmocka_unit_test(frames_arrive_whole_and_in_order),
        cmocka_unit_test(a_burst_arrives),
        cmocka_unit_test(a_device_without_room_is_asked_again),
        cmocka_unit_test(a_device_without_room_is_given_up),
        cmocka_unit_test(a_super_segment_stays_one),
        cmocka_unit_test(a_device_that_was_down_goes_on),
        cmocka_unit_test(a_flood_of_syns_is_in_nobodys_way),
        cmocka_unit_test(a_syn_wakes_whoever_waits),
        cmocka_unit_test(only_syns_are_dealt_out),
        cmocka_unit_test(a_short_frame_has_its_checksum),
        cmocka_unit_test(a_long_syn_is_whole),
        cmocka_unit_test(frames_of_a_vlan_are_not_ours),
        cmocka_unit_test(syns_of_a_vlan_are_not_ours),
        PROGRAM_TEST(frames_arrive_whole_and_in_order),
        PROGRAM_TEST(a_burst_arrives),
        PROGRAM_TEST(a_super_segment_stays_one),
        PROGRAM_TEST(a_device_that_was_down_goes_on),
        PROGRAM_TEST(a_flood_of_syns_is_in_nobodys_way),
        PROGRAM_TEST(a_syn_wakes_whoever_waits),
        PROGRAM_TEST(only_syns_are_dealt_out),
        PROGRAM_TEST(a_short_frame_has_its_checksum),
        PROGRAM_TEST(a_long_syn_is_whole),
        PROGRAM_TEST(frames_of_a_vlan_are_not_ours),
    };
    return cmocka_run_group_tests(tests, pair_open, pair_close);
}
