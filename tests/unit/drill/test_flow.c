/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of the script's peer, and those of the stack taken apart. */
#include "drill/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <tern/event.h>

static struct conf c;
static struct flow f;
static uint8_t buf[4096];

static int setup(void **state)
{
    (void)state;
    conf_init(&c);
    memset(&f, 0, sizeof f);
    f.lport = 8080;
    f.rport = 40001;
    f.off = 1000000;
    return 0;
}

/* A packet as the stack would send it: the peer's, with the ends exchanged. */
static void turn(void)
{
    struct tern_addr a = c.host.local;
    c.host.local = c.remote;
    c.remote = a;
}

static void there_and_back(void **state)
{
    (void)state;
    struct pkt k = {.proto = PKT_TCP,
                    .tos = -1,
                    .ttl = -1,
                    .ecn = ECN_ECT1,
                    .th = TERN_TH_ACK | TERN_TH_PSH | TH_AE,
                    .seq = 7,
                    .len = 100,
                    .ack = 5,
                    .has_ack = true,
                    .win = 99,
                    .has_win = true,
                    .nopts = 5};
    k.opt[0] = (struct popt){.kind = OPT_NOP};
    k.opt[1] = (struct popt){.kind = OPT_TS, .a = 11, .b = 22};
    k.opt[2] = (struct popt){.kind = OPT_SACK, .nblk = 1, .blk = {{10, 20}}};
    k.opt[3] = (struct popt){.kind = 77, .len = 2, .raw = {1, 2}};
    k.opt[4] = (struct popt){.kind = OPT_EOL};
    uint32_t n = dflow_build(&f, &c, &k, buf, sizeof buf);
    assert_int_equal(n, 20 + 20 + 28 + 100);
    turn();
    struct seen s;
    seen_read(&s, &c, buf, n);
    assert_false(s.broken);
    assert_int_equal(s.k.sport, 40001);
    assert_int_equal(s.k.dport, 8080);
    assert_int_equal(s.k.th, k.th);
    assert_int_equal(s.k.seq, 7);       /* the peer's numbers are the script's */
    assert_int_equal(s.k.ack, 1000005); /* ours are live */
    assert_int_equal(s.k.tos, 1);
    assert_int_equal(s.k.ttl, 255);
    assert_int_equal(s.k.len, 100);
    assert_int_equal(s.k.opt[1].a, 11);
    assert_int_equal(s.k.opt[2].blk[0].lo, 1000010);
    assert_int_equal(s.k.opt[3].raw[1], 2);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(s.data[i], dflow_peer_octet(7 + i));
    /* every damaged octet is noticed */
    for (uint32_t i = 0; i < n; i++) {
        buf[i] ^= 0x40;
        seen_read(&s, &c, buf, n);
        assert_true(s.broken);
        buf[i] ^= 0x40;
    }
}

static void wrong_octets(void **state)
{
    (void)state;
    uint8_t data[64];
    f.peer_isn = 99;
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = dflow_peer_octet(100 + i);
    struct flow copy = f;
    assert_int_equal(dflow_read(&copy, data, sizeof data, false), -1);
    assert_int_equal(copy.nread, sizeof data);
    data[17] ^= 1;
    copy = f;
    assert_int_equal(dflow_read(&copy, data, sizeof data, false), 17);
    /* two octets in each other's place */
    data[17] ^= 1;
    uint8_t swap = data[30];
    data[30] = data[31];
    data[31] = swap;
    copy = f;
    assert_int_equal(dflow_read(&copy, data, sizeof data, false), 30);
    /* an urgent octet is not in the stream */
    copy = f;
    copy.urgent[copy.nurgent++] = 103;
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = dflow_peer_octet(100 + i + (i >= 3));
    assert_int_equal(dflow_read(&copy, data, sizeof data, false), -1);
}

static void stamps(void **state)
{
    (void)state;
    struct pkt want = {.out = true, .th = TERN_TH_SYN, .nopts = 1}, back;
    struct seen s = {.k = {.th = TERN_TH_SYN, .seq = 5000, .nopts = 1}};
    f.known = false;
    want.opt[0] = (struct popt){.kind = OPT_TS, .a = 100};
    s.k.opt[0] = (struct popt){.kind = OPT_TS, .a = 777};
    dflow_learn(&f, &want, &s);
    assert_int_equal(f.off, 5000);
    /* the peer's echo of 100 is 777 on the wire */
    struct pkt k = {.proto = PKT_TCP, .tos = -1, .ttl = -1, .th = TERN_TH_ACK, .nopts = 1};
    k.opt[0] = (struct popt){.kind = OPT_TS, .a = 1, .b = 100};
    uint32_t n = dflow_build(&f, &c, &k, buf, sizeof buf);
    turn();
    seen_read(&s, &c, buf, n);
    assert_int_equal(s.k.opt[0].b, 777);
    /* and 787 of ours is shown as 110 */
    s.k.opt[0].a = 787;
    dflow_to_script(&f, &s.k, &back);
    assert_int_equal(back.opt[0].a, 110);
}

static void printed(void **state)
{
    (void)state;
    char text[256];
    struct pkt k = {.out = true,
                    .th = TERN_TH_SYN | TERN_TH_ACK | TERN_TH_ECE,
                    .seq = 4294967295u,
                    .len = 2,
                    .ack = 7,
                    .has_ack = true,
                    .win = 8,
                    .has_win = true,
                    .nopts = 2};
    k.opt[0] = (struct popt){.kind = OPT_MSS, .a = 1460};
    k.opt[1] = (struct popt){.kind = OPT_SACK, .nblk = 2, .blk = {{1, 2}, {5, 6}}};
    pkt_print(&k, text, sizeof text);
    assert_string_equal(text, "> SE. 4294967295:1(2) ack 7 win 8 <mss 1460,sack 1:2 5:6>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(there_and_back, setup),
        cmocka_unit_test_setup(wrong_octets, setup),
        cmocka_unit_test_setup(stamps, setup),
        cmocka_unit_test(printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
