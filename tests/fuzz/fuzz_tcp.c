/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCP segment: what is parsed is valid, and building it again loses nothing but padding, options
 * that this stack does not know, and SACK blocks for which there is no room beside aligned options.
 */
#include "base/causes.h"
#include "fuzz/fuzz.h"
#include "wire/tcp.h"
#include <stdlib.h>
#include <string.h>

static void valid(const uint8_t *p, size_t n, const struct tcp_seg *s)
{
    fuzz_law(s->hlen >= TCP_HDR_LEN && s->hlen <= TCP_HDR_MAX && s->hlen % 4 == 0);
    fuzz_law(s->data == p + s->hlen && s->len == n - s->hlen);
    fuzz_law(s->wnd <= UINT16_MAX);
    fuzz_law(s->opt.ws <= 14 && (s->opt.has_ws || s->opt.ws == 0));
    fuzz_law(s->opt.has_mss == (s->opt.mss != 0));
    fuzz_law(s->opt.has_ts || (s->opt.tsval == 0 && s->opt.tsecr == 0));
    fuzz_law(s->opt.uto == 0 || (s->opt.uto & TCP_UTO_MOST) != 0);
    fuzz_law(s->opt.nsack <= TCP_SACK_BLOCKS);
    fuzz_law(s->opt.sign <= TCP_SIGN_BAD);
    fuzz_law(s->opt.sign == TCP_SIGN_NONE || (s->opt.sign_at >= p + TCP_HDR_LEN &&
                                              s->opt.sign_at + s->opt.sign_len <= p + s->hlen));
    for (unsigned i = 0; i < s->opt.nsack; i++)
        fuzz_law(seq_lt(s->opt.sack[i].lo, s->opt.sack[i].hi));
}

static void same_options(const struct tcp_opts *a, const struct tcp_opts *b)
{
    fuzz_law(a->has_ts == b->has_ts && a->tsval == b->tsval && a->tsecr == b->tsecr);
    fuzz_law(a->has_ws == b->has_ws && a->ws == b->ws);
    fuzz_law(a->has_mss == b->has_mss && a->mss == b->mss && a->sack_ok == b->sack_ok);
    fuzz_law(a->sign == b->sign && a->tfo == b->tfo);
    fuzz_law(a->uto == b->uto);
    fuzz_law((a->accecn != 0) == (b->accecn != 0) && a->ceb == b->ceb);
    fuzz_law(a->sign != TCP_SIGN_AO || (a->ao_key == b->ao_key && a->ao_rnext == b->ao_rnext));
    fuzz_law(b->nsack <= a->nsack);
    fuzz_law(b->nsack == a->nsack || tcp_opts_len(b) + (b->nsack ? 8 : 12) > TCP_OPTS_MAX);
    for (unsigned i = 0; i < b->nsack; i++)
        fuzz_law(seq_eq(a->sack[i].lo, b->sack[i].lo) && seq_eq(a->sack[i].hi, b->sack[i].hi));
}

/* What this stack writes: no signature that names none, and no more than there is room for once
 * options are aligned. */
static void writable(struct tcp_opts *o)
{
    if (o->sign == TCP_SIGN_BAD || tcp_opts_len(o) > TCP_OPTS_MAX)
        o->sign = TCP_SIGN_NONE;
    if (tcp_opts_len(o) > TCP_OPTS_MAX)
        o->tfo = 0;
    if (tcp_opts_len(o) > TCP_OPTS_MAX)
        o->accecn = 0;
    if (tcp_opts_len(o) > TCP_OPTS_MAX)
        o->uto = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct tcp_seg s, back;
    uint8_t built[TCP_HDR_MAX], again[TCP_HDR_MAX];
    uint8_t *p = fuzz_copy(data, n);
    int r = tcp_parse(p, n, &s);

    if (r == 0) {
        valid(p, n, &s);
        writable(&s.opt);
        size_t len = tcp_build(built, sizeof built, &s);
        fuzz_law(len == TCP_HDR_LEN + tcp_opts_len(&s.opt));
        fuzz_law(memcmp(p, built, 12) == 0 && memcmp(p + 13, built + 13, 3) == 0);
        fuzz_law(memcmp(p + 18, built + 18, 2) == 0);
        fuzz_law(tcp_parse(built, len, &back) == 0);
        fuzz_law(back.hlen == len && back.len == 0);
        same_options(&s.opt, &back.opt);
        fuzz_law(tcp_build(again, sizeof again, &back) == len);
        fuzz_law(memcmp(built, again, len) == 0);
    } else {
        fuzz_law((r == CAUSE_DROP_SHORT) == (n < TCP_HDR_LEN));
        fuzz_law(r == CAUSE_DROP_SHORT || r == CAUSE_DROP_TCP_HEADER || r == CAUSE_DROP_TCP_OPTION);
    }
    free(p);
    return 0;
}
