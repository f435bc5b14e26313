/* SPDX-License-Identifier: BSD-2-Clause */
/* Eight octets of addresses, then a UDP datagram; and the checksum's two forms against each other.
 */
#include "base/causes.h"
#include "fuzz/fuzz.h"
#include "wire/udp.h"
#include <stdlib.h>
#include <string.h>
#include <tern/config.h>

static const struct cksum_ops *other_ops(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return cksum_ops(TERN_CPU_AVX2);
#endif
    return cksum_ops(0);
}

static void cksum_laws(const uint8_t *p, size_t n)
{
    uint8_t *q = malloc(n + 1);

    if (q == NULL)
        abort();
    uint16_t want = cksum_fold(cksum_ops(0)->sum(p, n));
    fuzz_law(cksum_fold(other_ops()->sum(p, n)) == want);
    fuzz_law(cksum_fold(other_ops()->copy(q, p, n)) == want);
    fuzz_law(memcmp(p, q, n) == 0);
    free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct udp_hdr h;
    uint8_t again[UDP_HDR_LEN];

    if (n < 8)
        return 0;
    uint8_t *p = fuzz_copy(data + 8, n - 8);
    n -= 8;
    int r = udp_parse(p, n, &h);
    fuzz_law((r == CAUSE_DROP_SHORT) == (n < UDP_HDR_LEN));
    fuzz_law(r == 0 || r == CAUSE_DROP_SHORT || r == CAUSE_DROP_UDP_BAD);
    if (r == 0) {
        fuzz_law(h.len >= UDP_HDR_LEN && h.len <= n);
        fuzz_law(udp_build(again, sizeof again, &h) == sizeof again);
        fuzz_law(memcmp(p, again, sizeof again) == 0);
        udp_cksum4_set(other_ops(), data, data + 4, p, h.len);
        fuzz_law(udp_parse(p, n, &h) == 0 && h.csum != 0);
        fuzz_law(udp_cksum4_ok(cksum_ops(0), data, data + 4, p, &h));
    }
    cksum_laws(p, n);
    free(p);
    return 0;
}
