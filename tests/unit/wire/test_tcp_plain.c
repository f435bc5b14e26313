/* SPDX-License-Identifier: BSD-2-Clause */
/* The short way of building the usual header writes what tcp_build() writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cksum.h"
#include "base/prng.h"
#include "wire/tcp_plain.h"

static void test_same_octets(void **state)
{
    (void)state;
    struct prng r;
    prng_init(&r, 1);
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t a[TCP_HDR_MAX], b[TCP_HDR_MAX];
        struct tcp_seg s;
        memset(&s, 0, sizeof s);
        s.seq = seq_of((uint32_t)prng_next(&r));
        s.ack = seq_of((uint32_t)prng_next(&r));
        s.sport = (uint16_t)prng_next(&r);
        s.dport = (uint16_t)prng_next(&r);
        s.wnd = (uint16_t)prng_next(&r);
        s.th = prng_below(&r, 2) ? TERN_TH_ACK : TERN_TH_ACK | TERN_TH_PSH | TERN_TH_FIN;
        s.opt.has_ts = prng_below(&r, 2);
        s.opt.tsval = s.opt.has_ts ? (uint32_t)prng_next(&r) : 0;
        s.opt.tsecr = s.opt.has_ts ? (uint32_t)prng_next(&r) : 0;
        memset(a, 0xa5, sizeof a);
        memset(b, 0xa5, sizeof b);
        uint32_t n = TCP_HDR_LEN + (s.opt.has_ts ? TCP_PLAIN_TS : 0);
        uint64_t sum = tcp_plain_build(a, &s, n);
        assert_int_equal(tcp_build(b, sizeof b, &s), n);
        assert_memory_equal(a, b, sizeof a);
        assert_int_equal(cksum_fold(sum), cksum_fold(cksum_ops(0)->sum(b, n)));
    }
}

/* base/cksum.h's walk over a header, of every length that one can have. */
static void test_header_sum(void **state)
{
    (void)state;
    uint8_t p[TCP_HDR_MAX];
    struct prng r;
    prng_init(&r, 2);
    for (uint32_t n = TCP_HDR_LEN; n <= TCP_HDR_MAX; n += 4) {
        for (unsigned i = 0; i < n; i++)
            p[i] = (uint8_t)prng_next(&r);
        assert_int_equal(cksum_fold(cksum_header(p, n)), cksum_fold(cksum_ops(0)->sum(p, n)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_octets),
        cmocka_unit_test(test_header_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
