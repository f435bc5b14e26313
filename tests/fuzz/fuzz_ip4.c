/* SPDX-License-Identifier: BSD-2-Clause */
/* An IPv4 packet, once as it is and, when its checksum is wrong, once more with the right one. */
#include "base/causes.h"
#include "base/cksum.h"
#include "fuzz/fuzz.h"
#include "wire/ip4.h"
#include <stdlib.h>
#include <string.h>

static void valid(const uint8_t *p, size_t n, const struct ip4_hdr *h)
{
    fuzz_law(h->optlen <= 40 && h->optlen % 4 == 0);
    fuzz_law(h->opt == p + IP4_HDR_LEN && h->data == h->opt + h->optlen);
    fuzz_law(h->len <= n - IP4_HDR_LEN - h->optlen);
    fuzz_law(h->frag % 8 == 0 && h->frag + h->len <= IP4_MAX_LEN);
    int r = ip4_options_check(h);
    fuzz_law(r == 0 || r == CAUSE_DROP_IP_OPTION || r == CAUSE_DROP_IP_HEADER);
    fuzz_law(r == 0 || h->optlen > 0);
}

/* Built without its options a packet is the same but for them. */
static void round_trip(const uint8_t *p, struct ip4_hdr h)
{
    struct ip4_hdr back;
    uint8_t *q = malloc(IP4_HDR_LEN + h.len);

    h.optlen = 0;
    if (q == NULL)
        abort();
    fuzz_law(ip4_build(q, IP4_HDR_LEN, &h) == IP4_HDR_LEN);
    fuzz_law(p[1] == q[1] && memcmp(p + 4, q + 4, 2) == 0);
    fuzz_law((p[6] & 0x7f) == q[6] && p[7] == q[7]); /* the reserved flag is not kept */
    fuzz_law(memcmp(p + 8, q + 8, 2) == 0 && memcmp(p + 12, q + 12, 8) == 0);
    fuzz_law(ip4_parse(q, IP4_HDR_LEN + h.len, &back) == 0);
    fuzz_law(back.len == h.len && back.frag == h.frag && back.df == h.df && back.mf == h.mf);
    free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ip4_hdr h;
    uint8_t *p = fuzz_copy(data, n);
    int r = ip4_parse(p, n, &h);

    if (r == CAUSE_DROP_IP_CHECKSUM) {
        memset(p + 10, 0, 2);
        uint16_t sum = cksum_fold(cksum_ops(0)->sum(p, (size_t)(p[0] & 15) * 4));
        memcpy(p + 10, &sum, 2);
        r = ip4_parse(p, n, &h);
        fuzz_law(r != CAUSE_DROP_IP_CHECKSUM);
    }
    if (r == 0) {
        valid(p, n, &h);
        round_trip(p, h);
    } else {
        fuzz_law(r == CAUSE_DROP_SHORT || r == CAUSE_DROP_IP_VERSION || r == CAUSE_DROP_IP_HEADER);
    }
    free(p);
    return 0;
}
