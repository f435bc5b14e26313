/* SPDX-License-Identifier: BSD-2-Clause */
#include "pdso/pdso.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

static struct pd *pd;
static uint8_t packet[2048];

static int setup(void **state)
{
    (void)state;
    pd = calloc(1, sizeof *pd);
    return pd ? 0 : -1;
}
static int teardown(void **state)
{
    (void)state;
    free(pd);
    return 0;
}

static struct tcp_seg ours(uint32_t ecr)
{
    return (struct tcp_seg){.seq = {100},
                            .ack = {200},
                            .sport = 8080,
                            .dport = 4000,
                            .th = TERN_TH_ACK,
                            .len = 10,
                            .opt = {.has_ts = true, .tsval = 7, .tsecr = ecr}};
}

static const char *check(const struct tcp_seg *s, unsigned spoil)
{
    struct vframe f = {.data = packet, .len = peer_packet(packet, here, there, s)};
    packet[spoil] ^= spoil ? 1 : 0;
    return pd_check_out(pd, &f);
}

static void heard(uint16_t rport, uint32_t val)
{
    struct tcp_seg s = {.sport = rport, .dport = 8080, .opt = {.has_ts = true, .tsval = val}};
    pd_note_in(pd, packet, peer_packet(packet, there, here, &s));
}

static void test_checksums(void **state)
{
    struct tcp_seg s = ours(0);
    (void)state;
    s.opt.has_ts = false;
    assert_null(check(&s, 0));
    assert_non_null(check(&s, 8));                /* the IP header */
    assert_non_null(check(&s, IP4_HDR_LEN + 4));  /* the sequence number */
    assert_non_null(check(&s, IP4_HDR_LEN + 20)); /* the payload */
}

/* What is echoed must have been said, by this peer on this connection [RFC7323:3.2]. */
static void test_echoed_timestamps(void **state)
{
    struct tcp_seg s = ours(1234);
    (void)state;
    heard(4001, 1234);
    assert_non_null(check(&s, 0)); /* another connection's */
    heard(4000, 1233);
    assert_non_null(check(&s, 0));
    heard(4000, 1234);
    assert_null(check(&s, 0));
    heard(4000, 1240);
    assert_null(check(&s, 0)); /* the newest before the ACK point: an older one is right too */
}

/* A SYN has nothing to echo. */
static void test_a_syn_echoes_zero(void **state)
{
    struct tcp_seg s = ours(0);
    (void)state;
    s.th = TERN_TH_SYN;
    assert_null(check(&s, 0));
    s.opt.tsecr = 5;
    assert_non_null(check(&s, 0));
}

static void test_a_frame_in_words(void **state)
{
    struct tcp_seg s = ours(0);
    char text[160];
    (void)state;
    struct vframe f = {.data = packet, .len = peer_packet(packet, here, there, &s)};
    pd_say_frame(&f, text, sizeof text);
    assert_non_null(strstr(text, "8080 > 4000 . seq 100 (10) ack 200"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_checksums),
        T(test_echoed_timestamps),
        T(test_a_syn_echoes_zero),
        T(test_a_frame_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
