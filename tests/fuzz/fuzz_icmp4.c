/* SPDX-License-Identifier: BSD-2-Clause */
/* An ICMP message with its checksum put right (unless it is), and the packet that an error quotes.
 */
#include "base/causes.h"
#include "base/cksum.h"
#include "fuzz/fuzz.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include <stdlib.h>
#include <string.h>

static void quote_laws(const struct icmp4_msg *m)
{
    struct icmp4_quote q;
    int r = icmp4_quote_parse(m, &q);

    fuzz_law(r == 0 || r == CAUSE_DROP_ICMP_BAD);
    if (r != 0)
        return;
    fuzz_law(icmp4_is_error(m->type) && q.l4len >= ICMP4_QUOTE_L4);
    fuzz_law(q.l4 >= m->data + IP4_HDR_LEN && q.l4 + q.l4len == m->data + m->len);
    fuzz_law(q.seq == 0 || q.proto == IP4_PROTO_TCP);
    fuzz_law(!q.fragment || (q.sport == 0 && q.dport == 0 && q.seq == 0));
}

static void round_trip(const uint8_t *p, size_t n, const struct icmp4_msg *m)
{
    struct icmp4_msg back;
    uint8_t *q = malloc(n);

    if (q == NULL)
        abort();
    fuzz_law(icmp4_build(q, n, m) == n);
    fuzz_law(p[0] == q[0] && p[1] == q[1] && memcmp(p + 6, q + 6, n - 6) == 0);
    fuzz_law(memcmp(p + 4, q + 4, 2) == 0 || (m->type == ICMP4_UNREACHABLE && m->code == 4));
    fuzz_law(icmp4_parse(q, n, &back) == 0);
    fuzz_law(back.type == m->type && back.code == m->code && back.len == m->len);
    fuzz_law(back.id == m->id && back.seq == m->seq && back.mtu == m->mtu);
    fuzz_law(memcmp(back.word, m->word, sizeof m->word) == 0);
    free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct icmp4_msg m;
    uint8_t *p = fuzz_copy(data, n);
    int r = icmp4_parse(p, n, &m);

    if (r == CAUSE_DROP_ICMP_BAD && n >= ICMP4_HDR_LEN && n <= IP4_MAX_LEN) {
        memset(p + 2, 0, 2);
        uint16_t sum = cksum_fold(cksum_ops(0)->sum(p, n));
        memcpy(p + 2, &sum, 2);
        r = icmp4_parse(p, n, &m);
        fuzz_law(r != CAUSE_DROP_ICMP_BAD);
    }
    if (r == 0) {
        fuzz_law(m.data == p + ICMP4_HDR_LEN && m.len == n - ICMP4_HDR_LEN);
        round_trip(p, n, &m);
        quote_laws(&m);
    } else {
        fuzz_law(r == CAUSE_DROP_ICMP_BAD || r == CAUSE_DROP_ICMP_TYPE);
    }
    free(p);
    return 0;
}
